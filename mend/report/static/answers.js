// What the vendors answered.
class Answers {
  constructor(report) { this.report = report; }

  all() { return (this.loading ??= this.#decode()); }

  async #decode() {
    if (!this.report.head.answers) return [];
    return (await unpackJson("answers")).map(([at, vendor, symbol, start, minutes, kind, status, rows, omitted, detail, job, audit, attempt]) =>
      ({ at, vendor, symbol, start, minutes, kind, status, rows, omitted, detail, job, audit, attempt }));
  }

  table(rows) {
    const box = element("div");
    paged(box, {
      caption: "Vendor answers", total: rows.length, size: 25, empty: "No vendor was asked.",
      columns: [["When", "time"], ["Vendor"], ["Symbol"], ["Asked for", "time"], ["Minutes", "number"], ["Answer"], ["Status", "number"], ["Bars", "number"], ["Left out", "number"], ["Detail", "evidence"], ["Job"]],
      slice: (from, to) => rows.slice(from, to).map((row) => [row.at.slice(0, 19) + "Z", row.vendor, row.symbol, instant(row.start), count(row.minutes), row.kind,
        row.status == null ? "none" : String(row.status), count(row.rows), count(row.omitted), row.detail || "–", `${row.job} (attempt ${row.attempt})`]),
    });
    return box;
  }

  async show() {
    const rows = await this.all();
    if (!rows.length) return;
    byId("answers").hidden = false;
    const sums = new Map();
    for (const row of rows) {
      const key = row.vendor + "|" + row.kind;
      const sum = sums.get(key) ?? sums.set(key, { vendor: row.vendor, kind: row.kind, answers: 0, bars: 0, omitted: 0, statuses: new Set() }).get(key);
      sum.answers++;
      sum.bars += row.rows;
      sum.omitted += row.omitted;
      sum.statuses.add(row.status == null ? "none" : row.status);
    }
    byId("answer-kinds").replaceChildren(table("Answers by vendor and kind",
      [["Vendor"], ["Answer"], ["How often", "number"], ["Bars", "number"], ["Minutes left out", "number"], ["Statuses"]],
      [...sums.values()].sort((a, b) => a.vendor.localeCompare(b.vendor) || b.answers - a.answers)
        .map((sum) => [sum.vendor, sum.kind, count(sum.answers), count(sum.bars), count(sum.omitted), [...sum.statuses].sort().join(", ")])));
    byId("answer-details").addEventListener("toggle", () => byId("answer-table").replaceChildren(this.table(rows)), { once: true });
  }
}
