// The report's data, unpacked. The formats are written by mend/report/encode.py; names agree with it.
const VERDICTS = ["present", "repaired", "absent", "failed", "missing"];
const LETTERS = ["P", "R", "A", "F", "M"];

async function unpack(name) {
  const text = atob(document.getElementById("blob-" + name).textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(inflated).arrayBuffer();
}

const unpackJson = async (name) => JSON.parse(new TextDecoder().decode(await unpack(name)));

function varints(bytes, count) {
  const out = new Uint32Array(count);
  for (let i = 0, at = 0; i < count; i++) {
    let value = 0, scale = 1, byte;
    do { byte = bytes[at++]; value += (byte & 127) * scale; scale *= 128; } while (byte & 128);
    out[i] = value;
  }
  return out;
}

const instant = (minute) => new Date(minute * 60000).toISOString().slice(0, 16) + "Z";
const clock = (minute) => instant(minute).slice(11, 16);

class Report {
  static async load() {
    const [head, cells] = await Promise.all([unpackJson("head"), unpack("cells")]);
    return new Report(head, new Uint16Array(cells));
  }

  constructor(head, cells) {
    Object.assign(this, { head, cells, dates: head.dates });
    this.symbols = head.symbols.map(([name, calendar, first, end]) => ({ name, calendar, first, end }));
    this.calendars = head.calendars.map(({ name, sessions }) => this.#calendar(name, sessions));
    const width = this.dates.length;
    this.expected = new Uint16Array(this.symbols.length * width);
    this.symbols.forEach((symbol, row) => {
      const { minutes } = this.calendars[symbol.calendar];
      for (let date = symbol.first; date < symbol.end; date++) this.expected[row * width + date] = minutes[date];
    });
    this.totals = [0, 0, 0, 0, 0];
    const all = this.symbols.length * width;
    for (let v = 1; v < 5; v++) for (let i = 0; i < all; i++) this.totals[v] += cells[(v - 1) * all + i];
    this.expectedTotal = this.expected.reduce((sum, n) => sum + n, 0);
    this.totals[0] = this.expectedTotal - this.totals.slice(1).reduce((sum, n) => sum + n, 0);
  }

  // parts: the sessions of each date (a lunch break makes two); `before` counts session minutes before a part.
  #calendar(name, rows) {
    const parts = this.dates.map(() => []), minutes = new Uint16Array(this.dates.length);
    let before = 0;
    const flat = rows.map(([date, open, length]) => {
      const part = { date, open, length, before };
      parts[date].push(part);
      minutes[date] += length;
      before += length;
      return part;
    });
    return { name, parts, minutes, flat };
  }

  // Minutes of one cell by verdict, or null where nothing is expected.
  cell(row, date) {
    const at = row * this.dates.length + date, all = this.expected.length;
    const expected = this.expected[at];
    if (!expected) return null;
    const counts = [expected, 0, 0, 0, 0];
    for (let v = 1; v < 5; v++) { counts[v] = this.cells[(v - 1) * all + at]; counts[0] -= counts[v]; }
    return counts;
  }

  // Minutes of one symbol by verdict, and how many were expected.
  row(row) {
    const counts = [0, 0, 0, 0, 0];
    for (let date = 0; date < this.dates.length; date++) this.cell(row, date)?.forEach((n, v) => { counts[v] += n; });
    return counts;
  }

  // The runs are decoded when somebody first looks at one.
  runs() { return (this.loading ??= this.#decodeRuns()); }

  async #decodeRuns() {
    const buffer = await unpack("runs"), view = new DataView(buffer);
    const count = this.head.runs.reduce((sum, n) => sum + n, 0);
    let at = 0;
    const plane = () => {
      const size = view.getUint32(at, true), bytes = new Uint8Array(buffer, at + 4, size);
      at += 4 + size;
      return varints(bytes, count);
    };
    const start = plane(), minutes = plane(), cause = plane(), first = new Uint32Array(this.symbols.length + 1);
    this.head.runs.forEach((n, row) => { first[row + 1] = first[row] + n; });
    for (let row = 0; row < this.symbols.length; row++) {
      let end = 0;
      for (let i = first[row]; i < first[row + 1]; i++) { start[i] += end; end = start[i] + minutes[i]; }
    }
    return { count, start, minutes, cause, first };
  }

  // One run as a person would say it. `ordinal` counts session minutes of the symbol's calendar.
  run(runs, row, i) {
    const { flat } = this.calendars[this.symbols[row].calendar];
    let low = 0, high = flat.length - 1;
    while (low < high) { const mid = (low + high + 1) >> 1; if (flat[mid].before <= runs.start[i]) low = mid; else high = mid - 1; }
    const part = flat[low], start = part.open + runs.start[i] - part.before;
    const [verdict, reason, evidence] = this.head.causes[runs.cause[i]];
    return { row, date: part.date, start, minutes: runs.minutes[i], verdict, reason, evidence };
  }

  // The runs of one cell, in order.
  runsOf(runs, row, date) {
    const parts = this.calendars[this.symbols[row].calendar].parts[date];
    if (!parts.length) return [];
    const from = parts[0].before, to = parts.at(-1).before + parts.at(-1).length;
    let low = runs.first[row], high = runs.first[row + 1];
    while (low < high) { const mid = (low + high) >> 1; if (runs.start[mid] < from) low = mid + 1; else high = mid; }
    const found = [];
    for (let i = low; i < runs.first[row + 1] && runs.start[i] < to; i++) found.push(this.run(runs, row, i));
    return found;
  }
}
