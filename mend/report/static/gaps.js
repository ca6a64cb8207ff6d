// Values that cannot be right, and bars of one minute that disagree.
function showValues({ head: { values } }) {
  byId("values").hidden = !values.length;
  paged(byId("value-table"), {
    caption: "Values", total: values.length, empty: "No value is doubted.",
    columns: [["What"], ["Symbol"], ["From", "time"], ["To (not included)", "time"], ["Bars", "number"], ["Said", "evidence"]],
    slice: (from, to) => values.slice(from, to).map(([rule, symbol, start, end, bars, said]) => [rule.replace("_", " "), symbol, instant(start), instant(end), count(bars), said]),
  });
}

// Gaps by reason, and each gap with its evidence.
async function showGaps(report, { onopen }) {
  const runs = await report.runs(), { causes } = report.head, sums = new Map();
  const keyOf = causes.map(([verdict, reason]) => verdict + "|" + reason);
  for (let row = 0; row < report.symbols.length; row++) for (let i = runs.first[row]; i < runs.first[row + 1]; i++) {
    const key = keyOf[runs.cause[i]];
    const sum = sums.get(key) ?? sums.set(key, { key, cause: causes[runs.cause[i]], gaps: 0, minutes: 0, longest: 0, symbols: 0, last: -1 }).get(key);
    sum.gaps++;
    sum.minutes += runs.minutes[i];
    sum.longest = Math.max(sum.longest, runs.minutes[i]);
    if (sum.last !== row) { sum.symbols++; sum.last = row; }
  }
  const sorted = [...sums.values()].sort((a, b) => b.cause[0] - a.cause[0] || b.minutes - a.minutes);
  const list = (key) => {
    // Unmended first: rows of the list are positions in the runs, worst verdict first, then as sorted.
    const at = [], rowOf = [];
    for (let v = 4; v > 0; v--) for (let row = 0; row < report.symbols.length; row++) for (let i = runs.first[row]; i < runs.first[row + 1]; i++) {
      if (causes[runs.cause[i]][0] === v && (!key || keyOf[runs.cause[i]] === key)) { at.push(i); rowOf.push(row); }
    }
    byId("h-gaps").textContent = key ? `Each gap that is ${VERDICTS[key[0]]}${key.slice(2) ? ": " + key.slice(2) : ""}` : "Each gap, with its evidence";
    paged(byId("gap-table"), {
      caption: "Gaps", total: at.length, empty: "There is no gap: every expected minute is present, as it was first captured.",
      columns: [["Symbol"], ["From", "time"], ["To (not included)", "time"], ["Minutes", "number"], ["Verdict"], ["Reason"], ["Evidence", "evidence"]],
      slice: (from, to) => at.slice(from, to).map((i, n) => {
        const run = report.run(runs, rowOf[from + n], i), { name } = report.symbols[run.row];
        const open = element("button", { type: "button", class: "open", "aria-label": `Open ${name}, ${report.dates[run.date]}`, onclick: () => onopen(run.row, run.date) }, name);
        return [open, instant(run.start), instant(run.start + run.minutes), count(run.minutes), verdictLabel(run.verdict), run.reason || "–", run.evidence || "nothing recorded"];
      }),
    });
  };
  byId("reason-table").replaceChildren(sorted.length
    ? table("Gaps by reason", [["Verdict"], ["Reason"], ["Gaps", "number"], ["Minutes", "number"], ["Symbols", "number"], ["Longest", "number"], ["Below"]],
      sorted.map(({ key, cause, gaps, minutes, symbols, longest }) => [verdictLabel(cause[0]), cause[1] || "–", count(gaps), count(minutes), count(symbols), count(longest),
        element("button", { type: "button", class: "open", onclick: () => { list(key); byId("h-gaps").scrollIntoView({ block: "start" }); } }, "list these")]))
    : element("p", { class: "empty" }, "Nothing is missing, repaired, absent or failed."));
  list(null);
}
