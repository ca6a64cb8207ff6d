function setTheme(name) {
  document.documentElement.dataset.theme = name;
  byId("theme").textContent = name === "dark" ? "Light colours" : "Dark colours";
  document.dispatchEvent(new Event("themechange"));
}

function showTotals(report) {
  const { totals, expectedTotal, head } = report, unmended = totals[3] + totals[4];
  byId("about").textContent = `${head.source} · ${instant(head.start)} to ${instant(head.end)} · ${plural(report.symbols.length, "symbol")} · ` +
    `${plural(report.dates.length, "session date")} · ${report.calendars.map(({ name }) => name).join(", ")} · written ${head.written.replace(/:\d\dZ$/, "Z")}`;
  const verdict = !expectedTotal ? "Nothing was expected in this range."
    : unmended ? `${plural(unmended, "minute")} of ${count(expectedTotal)} ${unmended === 1 ? "is" : "are"} missing or failed.`
      : `Every one of ${plural(expectedTotal, "minute")} is accounted for.`;
  byId("headline").replaceChildren(element("strong", {}, share(expectedTotal - unmended, expectedTotal)), verdict);
  byId("totals").replaceChildren(...VERDICTS.map((name, v) => element("div", {},
    element("dt", {}, swatch(v), name), element("dd", { "data-verdict": name, "data-minutes": totals[v] }, count(totals[v]), element("small", {}, share(totals[v], expectedTotal))))));
  byId("notes").replaceChildren(...head.notes.map((note) => element("li", {}, note)));
  byId("command").textContent = head.command;
}

async function main() {
  if (location.hash === "#picture") document.body.classList.add("picture");
  setTheme(matchMedia("(prefers-color-scheme: dark)").matches && location.hash !== "#picture" ? "dark" : "light");
  byId("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  const report = await Report.load(), answers = new Answers(report);
  showTotals(report);
  if (!report.expectedTotal) byId("coverage").hidden = true;
  const session = new SessionView(report, answers, { onclose: () => map.box.focus(), onstep: (row, date) => { map.goTo(row, date); session.open(row, date); } });
  const strips = await Strips.of(report);
  const map = new CoverageMap(report, { strips, onopen: (row, date) => session.open(row, date) });
  showValues(report);
  showCourse(report);
  document.documentElement.dataset.state = "ready";
  // What lies further down comes after the first sight.
  await showGaps(report, { onopen: (row, date) => { map.goTo(row, date); session.open(row, date); } });
  await answers.show();
  document.documentElement.dataset.state = "complete";
  document.documentElement.dataset.height = Math.ceil(document.body.getBoundingClientRect().height);
}

main().catch((error) => {
  byId("headline").replaceChildren(element("span", { class: "notice" }, `This report could not be drawn: ${error.message}`));
  throw error;
});
