// One session of one symbol, minute by minute.
class SessionView {
  constructor(report, answers, { onclose, onstep }) {
    Object.assign(this, { report, answers, onclose, onstep, section: byId("session"), box: byId("minutes"), cursor: 0, all: [] });
    this.sheet = new Sheet(this.box, (view) => this.#paint(view));
    new ResizeObserver(() => this.#measure()).observe(this.section);
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("click", (event) => this.#point(event));
    this.section.addEventListener("keydown", (event) => { if (event.key === "Escape") this.close(); });
    byId("close").addEventListener("click", () => this.close());
    byId("before").addEventListener("click", () => this.#step(-1));
    byId("after").addEventListener("click", () => this.#step(1));
  }

  async open(row, date) {
    const { report } = this, symbol = report.symbols[row], calendar = report.calendars[symbol.calendar];
    const runs = report.runsOf(await report.runs(), row, date);
    Object.assign(this, { row, date, parts: calendar.parts[date] });
    this.all = this.parts.flatMap(({ open, length }) => Array.from({ length }, (_, i) => ({ minute: open + i, verdict: 0, run: null })));
    const at = new Map(this.all.map((each, i) => [each.minute, i]));
    for (const run of runs) for (let i = 0; i < run.minutes; i++) Object.assign(this.all[at.get(run.start) + i], { verdict: run.verdict, run });
    // Wake on the first minute that is not plainly present.
    this.cursor = Math.max(0, this.all.findIndex(({ verdict }) => verdict === 4 || verdict === 3));
    if (!this.all[this.cursor].verdict) this.cursor = Math.max(0, this.all.findIndex(({ verdict }) => verdict));
    this.section.hidden = false;
    byId("h-session").textContent = `${symbol.name}, ${report.dates[date]}`;
    const spans = this.parts.map(({ open, length }) => `${instant(open)} to ${instant(open + length)}`).join(" and ");
    byId("session-about").textContent = `${calendar.name}, ${spans}, ${plural(this.all.length, "minute")} expected`;
    byId("before").disabled = this.#neighbour(-1) === null;
    byId("after").disabled = this.#neighbour(1) === null;
    this.#runs(runs);
    await this.#answers(symbol.name);
    this.#measure();
    this.#say();
    this.section.scrollIntoView({ block: "nearest" });
    this.box.focus({ preventScroll: true });
  }

  close() {
    this.section.hidden = true;
    this.onclose();
  }

  #runs(runs) {
    const rows = runs.map((run) => [`${clock(run.start)} to ${clock(run.start + run.minutes)}`, count(run.minutes), verdictLabel(run.verdict), run.reason || "–", run.evidence || "nothing recorded"]);
    byId("session-runs").replaceChildren(rows.length
      ? table("What is known of this session", [["Minutes", "time"], ["How many", "number"], ["Verdict"], ["Reason"], ["Evidence", "evidence"]], rows)
      : element("p", { class: "empty" }, "Every minute of this session is present, as it was first captured."));
  }

  async #answers(name) {
    const from = this.parts[0].open, to = this.parts.at(-1).open + this.parts.at(-1).length;
    const rows = (await this.answers.all()).filter((each) => each.symbol === name && each.start < to && each.start + each.minutes > from);
    byId("session-answers").replaceChildren(...(rows.length ? [element("h3", {}, "Vendor answers for these minutes"), this.answers.table(rows)] : []));
  }

  #neighbour(direction) {
    for (let date = this.date + direction; date >= 0 && date < this.report.dates.length; date += direction) if (this.report.cell(this.row, date)) return date;
    return null;
  }

  #step(direction) {
    const date = this.#neighbour(direction);
    if (date !== null) this.onstep(this.row, date);
  }

  #measure() {
    if (this.section.hidden || !this.all.length) return;
    const room = this.section.clientWidth - 44;
    this.columns = room < 460 ? 30 : 60;
    this.side = 52;
    this.size = Math.max(8, Math.min(18, Math.floor((room - this.side) / this.columns)));
    this.tall = Math.max(16, this.size);
    this.origin = Math.floor(this.all[0].minute / this.columns) * this.columns;
    const lines = Math.floor((this.all.at(-1).minute - this.origin) / this.columns) + 1;
    this.top = 20;
    this.box.style.height = this.top + lines * (this.tall + 2) + 6 + "px";
    this.sheet.extent(this.side + this.columns * this.size + 2, this.top + lines * (this.tall + 2) + 4);
  }

  #place(minute) {
    const offset = minute - this.origin;
    return { x: this.side + (offset % this.columns) * this.size, y: this.top + Math.floor(offset / this.columns) * (this.tall + 2) };
  }

  #paint({ draw, left, palette, fills, focused }) {
    if (this.section.hidden || !this.size) return;
    draw.fillStyle = palette.soft;
    draw.textAlign = "left";
    for (let minute = 0; minute < this.columns; minute += 10) draw.fillText(":" + String(minute).padStart(2, "0"), this.side + minute * this.size - left, 10);
    let labelled = -1;
    this.all.forEach(({ minute, verdict }) => {
      const { x, y } = this.#place(minute);
      draw.fillStyle = fills[verdict];
      draw.fillRect(x - left, y, this.size - 1, this.tall);
      if (verdict && this.size >= 12) { draw.textAlign = "center"; letter(draw, palette, verdict, x - left + this.size / 2 - 0.5, y + this.tall / 2); }
      if (y !== labelled) {
        labelled = y;
        draw.fillStyle = palette.soft;
        draw.textAlign = "left";
        draw.fillText(clock(minute - ((minute - this.origin) % this.columns)), 2, y + this.tall / 2);
      }
    });
    const { x, y } = this.#place(this.all[this.cursor].minute);
    draw.strokeStyle = focused ? palette.focus : palette.soft;
    draw.lineWidth = focused ? 3 : 1.5;
    draw.strokeRect(x - left - 1, y - 1, this.size + 1, this.tall + 2);
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns, Home: -this.all.length, End: this.all.length }[event.key];
    if (step) this.#move(this.cursor + step);
    else if (event.key === "PageUp") this.#step(-1);
    else if (event.key === "PageDown") this.#step(1);
    else if (event.key === "n" || event.key === "N") this.#move(this.#nextRun());
    else return;
    event.preventDefault();
  }

  // The first minute of the next run, round the end.
  #nextRun() {
    const { all, cursor } = this;
    for (let i = 1; i <= all.length; i++) {
      const at = (cursor + i) % all.length;
      if (all[at].verdict && (at === 0 || all[at].run !== all[at - 1].run)) return at;
    }
    return cursor;
  }

  #move(at) {
    this.cursor = Math.max(0, Math.min(this.all.length - 1, at));
    const { x } = this.#place(this.all[this.cursor].minute);
    this.box.scrollLeft = Math.min(x - this.side, Math.max(this.box.scrollLeft, x + this.size + 4 - this.box.clientWidth));
    this.#say();
    this.sheet.request();
  }

  #point(event) {
    const edge = this.sheet.canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - edge.left + this.box.scrollLeft - this.side) / this.size), line = Math.floor((event.clientY - edge.top - this.top) / (this.tall + 2));
    const at = this.all.findIndex(({ minute }) => minute === this.origin + line * this.columns + column);
    if (column >= 0 && column < this.columns && at >= 0) this.#move(at);
  }

  #say() {
    const { minute, verdict, run } = this.all[this.cursor];
    const why = run ? [run.evidence.startsWith(run.reason) ? "" : run.reason, run.evidence].filter(Boolean).join(": ") || "nothing recorded" : "as first captured";
    byId("minute-cell").textContent = byId("minute-reading").textContent = `${clock(minute)} ${VERDICTS[verdict]} (${why})`;
  }
}
