// The map: one row a symbol, one column a date, drawn where it is looked at, walked with the keyboard.
class CoverageMap {
  // `strips` is what draws sessions along the clock, or null where there are too many of them.
  constructor(report, { onopen, strips }) {
    Object.assign(this, { report, onopen, strips, box: byId("map"), cursor: { at: 0, date: 0 } });
    this.rows = report.symbols.map((_, row) => row);
    this.sums = this.rows.map((row) => report.row(row));
    this.days = this.#days();
    this.picture = document.body.classList.contains("picture");
    this.top = 74; // the dates and the line of all symbols
    this.sheet = new Sheet(this.box, (view) => this.#paint(view));
    new ResizeObserver(() => this.measure()).observe(this.box.parentElement);
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("click", (event) => this.#point(event, true));
    this.box.addEventListener("pointermove", (event) => this.#point(event, false));
    for (const [id, kind] of [["filter", "input"], ["order", "change"], ["touched", "change"]]) {
      byId(id).addEventListener(kind, () => this.choose());
    }
    byId("controls").addEventListener("submit", (event) => event.preventDefault());
    byId("key").replaceChildren(...VERDICTS.map((_, v) => verdictLabel(v)));
    if (report.symbols.length > 40 && report.totals[3] + report.totals[4]) byId("order").value = "worst";
    this.choose();
  }

  #days() {
    const { dates, symbols } = this.report;
    return dates.map((_, date) => {
      const sum = [0, 0, 0, 0, 0];
      symbols.forEach((_, row) => this.report.cell(row, date)?.forEach((n, v) => { sum[v] += n; }));
      return sum;
    });
  }

  // Which rows, in which order.
  choose() {
    const wanted = byId("filter").value.toUpperCase().split(/[\s,]+/).filter(Boolean), { symbols } = this.report;
    const lost = (sum) => sum[4] + sum[3], touched = (sum) => lost(sum) + sum[2] + sum[1];
    this.rows = symbols.map((_, row) => row).filter((row) =>
      (!wanted.length || wanted.some((text) => symbols[row].name.includes(text))) && (!byId("touched").checked || touched(this.sums[row])));
    const rank = { worst: lost, touched }[byId("order").value];
    if (rank) this.rows.sort((a, b) => rank(this.sums[b]) - rank(this.sums[a]) || a - b);
    this.cursor.at = Math.min(this.cursor.at, Math.max(0, this.rows.length - 1));
    this.measure();
    this.#say();
  }

  measure() {
    const { dates, symbols } = this.report, room = this.box.parentElement.clientWidth - 60, narrow = room < 500;
    const longest = Math.max(3, ...symbols.map(({ name }) => name.length));
    this.side = Math.min(narrow ? 76 : 190, 16 + longest * 8.6);
    const wide = (room - this.side) / Math.max(1, dates.length);
    this.width = Math.max(this.picture ? 1 : 4, this.strips ? Math.max(wide, 240) : Math.min(72, wide > 8 ? Math.floor(wide) : wide));
    const few = this.rows.length <= 40;
    this.height = this.picture ? Math.max(2, Math.min(22, Math.floor(900 / Math.max(1, this.rows.length)))) : few ? 22 : 16;
    this.named = this.height >= 11;
    this.box.setAttribute("aria-rowcount", this.rows.length);
    this.box.setAttribute("aria-colcount", dates.length);
    this.box.style.height = this.top + this.rows.length * this.height + 4 + (this.side + dates.length * this.width > room + 40 ? 16 : 0) + "px";
    this.sheet.extent(this.side + dates.length * this.width + 2, this.top + this.rows.length * this.height + 2);
  }

  #paint({ draw, width, height, left, top, palette, fills, focused }) {
    const { report, side, rows } = this, gap = this.width > 6 ? 1 : this.width > 3 ? 0.5 : 0, rowGap = this.height > 8 ? 2 : 0;
    const firstDate = Math.max(0, Math.floor(left / this.width)), lastDate = Math.min(report.dates.length, Math.ceil((left + width - side) / this.width));
    const firstRow = Math.max(0, Math.floor(top / this.height)), lastRow = Math.min(rows.length, Math.ceil((top + height - this.top) / this.height));
    const x = (date) => side + date * this.width - left, y = (at) => this.top + at * this.height - top;
    draw.save();
    draw.beginPath();
    draw.rect(side, this.top, width, height);
    draw.clip();
    for (let at = firstRow; at < lastRow; at++) for (let date = firstDate; date < lastDate; date++) {
      const counts = report.cell(rows[at], date);
      if (!counts) continue;
      if (this.strips) {
        this.strips.paintCell({ draw, fills, palette }, rows[at], date, x(date), y(at), this.width - 8, this.height - rowGap);
        continue;
      }
      paintCell(draw, fills, counts, x(date), y(at), this.width - gap, this.height - rowGap);
      const bad = worst(counts);
      if (bad && this.width >= 18 && this.height >= 16) {
        draw.textAlign = "center";
        letter(draw, palette, bad, x(date) + 8, y(at) + this.height / 2 - 1);
        if (this.width >= 44) {
          draw.textAlign = "left";
          draw.fillStyle = palette.card;
          const text = count(counts[bad]), wide = draw.measureText(text).width;
          draw.fillRect(x(date) + 16, y(at) + this.height / 2 - 7, wide + 4, 13);
          draw.fillStyle = palette.ink;
          draw.fillText(text, x(date) + 18, y(at) + this.height / 2);
        }
      }
    }
    if (!this.picture && rows.length) {
      draw.strokeStyle = focused ? palette.focus : palette.soft;
      draw.lineWidth = focused ? 3 : 1.5;
      draw.strokeRect(x(this.cursor.date) - 1, y(this.cursor.at) - 1, this.width - (this.strips ? 8 : gap) + 2, this.height - rowGap + 2);
    }
    draw.restore();
    this.#names({ draw, palette, top, height, y, firstRow, lastRow });
    this.#dates({ draw, palette, fills, width, x, firstDate, lastDate, gap });
  }

  #names({ draw, palette, height, y, firstRow, lastRow }) {
    draw.save();
    draw.beginPath();
    draw.rect(0, this.top, this.side, height);
    draw.clip();
    draw.textAlign = "right";
    for (let at = firstRow; at < lastRow && this.named; at++) {
      draw.fillStyle = at === this.cursor.at && !this.picture ? palette.ink : palette.soft;
      draw.fillText(this.report.symbols[this.rows[at]].name, this.side - 8, y(at) + this.height / 2 - 1, this.side - 10);
    }
    draw.restore();
    if (!this.rows.length) {
      draw.textAlign = "left";
      draw.fillStyle = palette.soft;
      draw.fillText("No symbol fits.", 8, this.top + 12);
    }
  }

  // Months or days above, and below them all symbols together.
  #dates({ draw, palette, fills, width, x, firstDate, lastDate, gap }) {
    const { dates } = this.report;
    draw.save();
    draw.beginPath();
    draw.rect(this.side, 0, width, this.top);
    draw.clip();
    draw.textAlign = "left";
    let free = -1;
    for (let date = firstDate; date < lastDate; date++) {
      const text = dates[date], fresh = date === 0 || text.slice(0, 7) !== dates[date - 1].slice(0, 7);
      const label = this.strips ? text : this.width >= 36 ? text.slice(5) : fresh ? text.slice(0, 7) : this.width >= 20 ? text.slice(8) : "";
      if (fresh) { draw.fillStyle = palette.line; draw.fillRect(x(date) - 1, 4, 1, 22); }
      if (label && x(date) >= free) {
        draw.fillStyle = palette.soft;
        draw.fillText(label, x(date) + 2, this.strips ? 9 : 14);
        free = x(date) + draw.measureText(label).width + 8;
      }
      if (this.strips) {
        this.strips.paintClock({ draw, palette }, date, x(date), 26, this.width - 8);
        this.strips.paintSum({ draw, fills }, date, x(date), 38, this.width - 8, 28);
        draw.textAlign = "left";
      } else if (this.days[date].some((n) => n)) paintCell(draw, fills, this.days[date], x(date), 28, this.width - gap, 36, 2);
    }
    draw.restore();
    draw.textAlign = "right";
    draw.fillStyle = palette.ink;
    draw.fillText("all", this.side - 8, 46);
  }

  #key(event) {
    const { dates } = this.report, { at, date } = this.cursor, page = Math.max(1, Math.floor(this.box.clientHeight / this.height) - 4);
    if (event.altKey || event.ctrlKey || event.metaKey || !this.rows.length) return;
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], PageUp: [-page, 0], PageDown: [page, 0],
      Home: [0, -dates.length], End: [0, dates.length] }[event.key];
    if (step) this.move(at + step[0], date + step[1]);
    else if (event.key === "n" || event.key === "N") this.#next(event.shiftKey ? -1 : 1);
    else if (event.key === "Enter" || event.key === " ") this.open();
    else return;
    event.preventDefault();
  }

  move(at, date) {
    const within = (n, size) => Math.max(0, Math.min(size - 1, n));
    this.cursor = { at: within(at, this.rows.length), date: within(date, this.report.dates.length) };
    const x = this.cursor.date * this.width, y = this.cursor.at * this.height, { box } = this;
    box.scrollLeft = Math.min(x, Math.max(box.scrollLeft, x + this.width + this.side + 4 - box.clientWidth));
    box.scrollTop = Math.min(y, Math.max(box.scrollTop, y + this.height + this.top + 4 - box.clientHeight));
    this.#say();
    this.sheet.request();
  }

  // The next cell, reading order, in which not every minute is plainly present.
  #next(direction) {
    const wide = this.report.dates.length, size = this.rows.length * wide, from = this.cursor.at * wide + this.cursor.date;
    for (let i = 1; i <= size; i++) {
      const here = (((from + direction * i) % size) + size) % size, counts = this.report.cell(this.rows[Math.floor(here / wide)], here % wide);
      if (counts && worst(counts)) return this.move(Math.floor(here / wide), here % wide);
    }
  }

  open() {
    const row = this.rows[this.cursor.at];
    if (row !== undefined && this.report.cell(row, this.cursor.date)) this.onopen(row, this.cursor.date);
  }

  goTo(row, date) {
    if (!this.rows.includes(row)) { byId("filter").value = ""; byId("touched").checked = false; this.choose(); }
    this.move(this.rows.indexOf(row), date);
  }

  #point(event, click) {
    const edge = this.sheet.canvas.getBoundingClientRect(), px = event.clientX - edge.left, py = event.clientY - edge.top;
    const at = Math.floor((py - this.top + this.box.scrollTop) / this.height), date = Math.floor((px - this.side + this.box.scrollLeft) / this.width);
    const inside = px >= this.side && py >= this.top && at < this.rows.length && date < this.report.dates.length;
    this.box.style.cursor = inside ? "pointer" : "default";
    if (!inside) return;
    if (click) { this.move(at, date); this.open(); } else byId("map-reading").textContent = this.describe(at, date);
  }

  describe(at, date) {
    const row = this.rows[at];
    if (row === undefined) return "No symbol fits.";
    const counts = this.report.cell(row, date), name = `${this.report.symbols[row].name}, ${this.report.dates[date]}`;
    if (!counts) return `${name}: nothing expected`;
    const parts = [4, 3, 2, 1, 0].filter((v) => counts[v]).map((v) => `${count(counts[v])} ${VERDICTS[v]}`);
    return `${name}: ${parts.join(", ")} of ${plural(counts.reduce((sum, n) => sum + n, 0), "minute")}`;
  }

  #say() {
    const { at, date } = this.cursor, text = this.describe(at, date);
    byId("map-row").setAttribute("aria-rowindex", at + 1);
    byId("map-cell").setAttribute("aria-colindex", date + 1);
    byId("map-cell").textContent = byId("map-reading").textContent = text;
  }
}
