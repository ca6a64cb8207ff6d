"""The SQL of the views: one text each for Athena and DuckDB. `infra` imports this beside the contract.

`bars_resolved` is one bar a minute; `revisions` the bars of one minute that disagree.
"""

from __future__ import annotations

from minutemend.contract import ACCEPTED, COLUMNS, PARTITION, Table

BARS_RESOLVED, REVISIONS = "bars_resolved", "revisions"
SHARE = 0.001  # of the price: what two vendors may differ by

_BAR = [name for name, _ in COLUMNS[Table.BARS]]
_VALUES = ("open", "high", "low", "close", "volume")
REVISION_COLUMNS: tuple[tuple[str, str], ...] = (  # in Glue's types; `dt` besides
    ("symbol", "string"),
    ("minute", "timestamp"),
    ("kind", "string"),
    ("vendor", "string"),
    *((f"said_{name}", "double") for name in _VALUES),
    ("first_seen", "timestamp"),
    ("last_seen", "timestamp"),
    ("times", "bigint"),
    *((f"stored_{name}", "double") for name in _VALUES),
    ("source", "string"),
    ("repair_id", "string"),
    ("captured_at", "timestamp"),
)
# The rule of core/bars.py, `resolve`, as the order in which SQL takes the first of a minute's bars. Both engines put
# nulls last.
_ACCEPTED = f"CASE WHEN repair_id LIKE '{ACCEPTED}%' THEN captured_at END"
_PRECEDENCE = (f"{_ACCEPTED} DESC", "captured_at", "repair_id IS NOT NULL", "repair_id", "source", *_VALUES)


def resolved_sql(bars: str, *, where: str = "") -> str:
    """The SQL text, for Athena and DuckDB, of one whole bar a minute out of the table `bars` (as SQL names it).

    Columns as in `COLUMNS[Table.BARS]`, then `dt`. A condition on `dt`, symbol or minute that is put on the result
    reaches the files: all three are what the bars are partitioned by.
    """
    columns = ", ".join(_BAR)
    condition = f"\n    WHERE {where}" if where else ""
    return (
        f"SELECT {columns}, {PARTITION}\n"  # noqa: S608 (names of this module, and the caller's own text)
        f"FROM (\n"
        f"    SELECT {columns}, {PARTITION},\n"
        f"           row_number() OVER (\n"
        f"               PARTITION BY {PARTITION}, symbol, minute\n"
        f"               ORDER BY {', '.join(_PRECEDENCE)}\n"
        f"           ) AS place\n"
        f"    FROM {bars}{condition}\n"
        f") AS placed\n"
        f"WHERE place = 1"
    )


# `revised`: the vendor of the stored bar said otherwise at another time. `disputed`: another vendor's prices differ by
# more than one tick and a share of the price; volumes of two feeds differ by nature. A tick is a cent, or a hundredth
# of one below a dollar (SEC Rule 612, 17 CFR 242.612).
_COMPARISON = """\
SELECT said.symbol, said.minute, CASE WHEN said.source = stored.source THEN 'revised' ELSE 'disputed' END AS kind,
       said.source AS vendor, {said}, said.first_seen, said.last_seen, said.times,
       {stored}, stored.source, stored.repair_id, stored.captured_at{shown}
FROM (
    SELECT symbol, minute, source, open, high, low, close, volume{dt},
           count(*) AS times, min(captured_at) AS first_seen, max(captured_at) AS last_seen
    FROM seen GROUP BY symbol, minute, source, open, high, low, close, volume{dt}
) AS said
JOIN stored ON stored.symbol = said.symbol AND stored.minute = said.minute{joined}
WHERE CASE WHEN said.source = stored.source THEN {differs} ELSE {beyond} END
  AND (stored.repair_id IS NULL OR stored.repair_id NOT LIKE '{accepted}%' OR said.last_seen > stored.captured_at)"""


def comparison(*, share: float = SHARE, dated: bool = False) -> str:
    """The SQL text that compares `stored` (one bar a minute) with `seen` (any number): columns as REVISION_COLUMNS, in
    no order. `share` of the price is the tolerance between vendors. `dated`: both have a column `dt`, and so the
    result, by which files are left out."""
    tick = "CASE WHEN stored.close < 1 THEN 0.0001 ELSE 0.01 END"
    more = "abs(said.{0} - stored.{0}) > 1.000001 * {1}"  # what is equal but for the last bits is no more
    return _COMPARISON.format(
        said=", ".join(f"said.{name} AS said_{name}" for name in _VALUES),
        stored=", ".join(f"stored.{name} AS stored_{name}" for name in _VALUES),
        differs=" OR ".join(f"said.{name} <> stored.{name}" for name in _VALUES),
        beyond=" OR ".join(
            f"{more.format(name, tick)} AND {more.format(name, f'{share!r} * abs(stored.close)')}"
            for name in _VALUES[:4]
        ),
        accepted=ACCEPTED,
        shown=f", stored.{PARTITION}" if dated else "",
        dt=f", {PARTITION}" if dated else "",
        joined=f" AND stored.{PARTITION} = said.{PARTITION}" if dated else "",
    )


def revisions_sql(*, where: str = "", schema: str = "") -> str:
    """The SQL text of all revisions, rejected ones too: of what is read, every bar that lost, and every look. `where`
    narrows what is read; `schema` is put before the tables' names."""
    condition = f" WHERE {where}" if where else ""
    seen = "\n    UNION ALL ".join(
        f"SELECT {', '.join(_BAR)}, {PARTITION} FROM {schema}{table}{condition}"  # noqa: S608 (names of this module)
        for table in (Table.BARS, Table.LOOKS, Table.SUPERSEDED)
    )
    stored = resolved_sql(f"{schema}{Table.BARS}", where=where)
    return f"WITH stored AS (\n{stored}\n), seen AS (\n    {seen}\n)\n{comparison(dated=True)}"
