// The course of repairs: how many minutes were still unmended after each attempt.
const SVG = "http://www.w3.org/2000/svg";
function shape(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// At most this many steps are drawn; more attempts are put together by day.
const STEPS = 48;

function courseSteps(report) {
  const rows = report.head.attempts.map(([audit, attempt, first, last, jobs, answers, repaired, absent]) => ({ audit, attempt, first, last, jobs, answers, repaired, absent }));
  rows.sort((a, b) => (a.last < b.last ? -1 : a.last > b.last ? 1 : a.attempt - b.attempt));
  const audits = new Set(rows.map(({ audit }) => audit)).size;
  const label = (row) => (audits > 1 ? `${row.last.slice(5, 16).replace("T", " ")}` : `attempt ${row.attempt}`);
  let steps = rows.map((row) => ({ label: label(row), repaired: row.repaired, absent: row.absent }));
  if (rows.length > STEPS) {
    const days = new Map();
    for (const row of rows) {
      const day = days.get(row.last.slice(0, 10)) ?? days.set(row.last.slice(0, 10), { label: row.last.slice(0, 10), repaired: 0, absent: 0 }).get(row.last.slice(0, 10));
      day.repaired += row.repaired;
      day.absent += row.absent;
    }
    steps = [...days.values()].slice(-STEPS);
  }
  let left = report.totals[3] + report.totals[4] + steps.reduce((sum, step) => sum + step.repaired + step.absent, 0);
  const start = { label: "before", repaired: 0, absent: 0, left };
  return { rows, steps: [start, ...steps.map((step) => { left -= step.repaired + step.absent; return { ...step, left }; })] };
}

function showCourse(report) {
  if (!report.head.attempts.length) return;
  byId("course").hidden = false;
  const { rows, steps } = courseSteps(report), most = Math.max(1, steps[0].left);
  const width = 900, high = 190, floor = high + 16, slot = width / steps.length, bar = Math.min(90, slot * 0.7);
  const marks = ["repaired", "absent"].map((name) => shape("pattern", { id: "fill-" + name, width: 6, height: 6, patternUnits: "userSpaceOnUse" },
    shape("rect", { width: 6, height: 6, style: `fill: var(--${name})` }),
    name === "repaired" ? shape("rect", { y: 2, width: 6, height: 1.5, style: "fill: var(--mark); opacity: .8" }) : shape("circle", { cx: 2, cy: 2, r: 1.2, style: "fill: var(--mark); opacity: .8" })));
  const bars = steps.flatMap((step, i) => {
    const x = i * slot + (slot - bar) / 2;
    let y = floor;
    const piece = (n, fill, what) => {
      if (!n) return null;
      const tall = Math.max(2, (n / most) * high);
      y -= tall;
      return shape("rect", { x, y, width: bar, height: tall, style: `fill: ${fill}` }, shape("title", {}, `${step.label}: ${count(n)} ${what}`));
    };
    const pieces = [piece(step.left, "var(--missing)", "unmended"), piece(step.repaired, "url(#fill-repaired)", "repaired"), piece(step.absent, "url(#fill-absent)", "proven absent")];
    const text = (value, at, weight) => shape("text", { x: x + bar / 2, y: at, "text-anchor": "middle", style: `fill: var(--ink); font: ${weight} 13px system-ui, sans-serif` }, value);
    const every = Math.ceil(74 / slot);
    return [...pieces.filter(Boolean), ...(i % every === 0 ? [text(count(step.left), Math.max(12, y - 5), 650), text(step.label, floor + 18, 400)] : [])];
  });
  const said = steps.map((step) => `${step.label}: ${count(step.left)} unmended`).join("; ");
  byId("course-chart").replaceChildren(shape("svg", { viewBox: `0 0 ${width} ${floor + 26}`, role: "img", "aria-label": `Unmended minutes after each attempt. ${said}`, style: "width: 100%; max-height: 18rem" },
    shape("defs", {}, ...marks), ...bars),
    element("p", { class: "empty" }, "Dark: minutes still unmended after the attempt (written above). On top: what the attempt repaired (lines) or proved absent (dots)."));
  paged(byId("course-table"), {
    caption: "Attempts", total: rows.length, empty: "", size: 25,
    columns: [["Audit"], ["Attempt", "number"], ["First answer", "time"], ["Last answer", "time"], ["Jobs", "number"], ["Answers"], ["Repaired", "number"], ["Proven absent", "number"]],
    slice: (from, to) => rows.slice(from, to).map((row) => [row.audit, count(row.attempt), row.first.slice(0, 19) + "Z", row.last.slice(0, 19) + "Z", count(row.jobs),
      Object.entries(row.answers).map(([kind, n]) => `${count(n)} ${kind}`).join(", "), count(row.repaired), count(row.absent)]),
  });
}
