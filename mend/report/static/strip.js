// Few dates leave room to show each session along the clock instead of as one mark.
class Strips {
  static FEW = 4;

  static async of(report) {
    return report.dates.length && report.dates.length <= Strips.FEW ? new Strips(report, await report.runs()) : null;
  }

  constructor(report, runs) {
    this.report = report;
    // Every symbol shares the date's clock: from the first open of any calendar to the last close.
    this.spans = report.dates.map((_, date) => {
      const parts = report.calendars.flatMap(({ parts }) => parts[date]);
      return { from: Math.min(...parts.map(({ open }) => open)), to: Math.max(...parts.map(({ open, length }) => open + length)) };
    });
    this.cells = report.symbols.map((_, row) => report.dates.map((_, date) => report.runsOf(runs, row, date)));
    this.sums = this.spans.map(({ from, to }, date) => this.#sum(date, from, to - from));
  }

  // For each minute of the date's clock: minutes of all symbols by verdict.
  #sum(date, from, length) {
    const sums = Array.from({ length }, () => [0, 0, 0, 0, 0]);
    this.report.symbols.forEach((symbol, row) => {
      if (!this.report.cell(row, date)) return;
      for (const part of this.report.calendars[symbol.calendar].parts[date]) for (let i = 0; i < part.length; i++) sums[part.open - from + i][0]++;
      for (const run of this.cells[row][date]) for (let i = 0; i < run.minutes; i++) { const sum = sums[run.start - from + i]; sum[0]--; sum[run.verdict]++; }
    });
    return sums;
  }

  paintCell({ draw, fills, palette }, row, date, x, y, width, height) {
    const { from, to } = this.spans[date], scale = width / (to - from), at = (minute) => x + (minute - from) * scale;
    draw.fillStyle = fills[0];
    for (const { open, length } of this.report.calendars[this.report.symbols[row].calendar].parts[date]) draw.fillRect(at(open), y, length * scale, height);
    const runs = [...this.cells[row][date]].sort((a, b) => a.verdict - b.verdict || a.start - b.start);
    for (const { start, minutes, verdict } of runs) {
      draw.fillStyle = fills[verdict];
      draw.fillRect(at(start), y, Math.max(2, minutes * scale), height);
    }
    // A letter inside a run that has the room, or beside one that has room after it.
    const inOrder = [...runs].sort((a, b) => a.start - b.start);
    draw.textAlign = "center";
    inOrder.forEach(({ start, minutes, verdict }, i) => {
      const left = at(start), wide = Math.max(2, minutes * scale), next = i + 1 < inOrder.length ? at(inOrder[i + 1].start) : x + width;
      if (wide >= 14) letter(draw, palette, verdict, left + wide / 2, y + height / 2);
      else if (next - left - wide >= 13) letter(draw, palette, verdict, left + wide + 6, y + height / 2);
    });
  }

  paintSum({ draw, fills }, date, x, y, width, height) {
    const sums = this.sums[date], scale = sums.length / width;
    for (let px = 0; px < width; px++) {
      const sum = [0, 0, 0, 0, 0];
      for (let i = Math.floor(px * scale); i < Math.min(sums.length, Math.max(Math.floor(px * scale) + 1, Math.floor((px + 1) * scale))); i++) sums[i].forEach((n, v) => { sum[v] += n; });
      if (sum.some((n) => n)) paintCell(draw, fills, sum, Math.round(x) + px, y, 1, height, 2);
    }
  }

  paintClock({ draw, palette }, date, x, y, width) {
    const { from, to } = this.spans[date], scale = width / (to - from);
    const step = [30, 60, 120, 180, 240, 360].find((minutes) => minutes * scale >= 52) ?? 720;
    draw.fillStyle = palette.soft;
    draw.textAlign = "center";
    for (let minute = Math.ceil(from / step) * step; minute <= to; minute += step) {
      const at = x + (minute - from) * scale;
      if (at - x < 18 || x + width - at < 18) continue;
      draw.fillText(clock(minute).slice(0, 5), at, y);
      draw.fillRect(at, y + 7, 1, 4);
    }
  }
}
