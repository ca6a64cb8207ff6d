"""The statement of the value rules: bars whose values cannot be right. One text for Athena and DuckDB.

It gives one row for each bar at which a rule rings; `core/value_rules.py` says what each rule is, and makes flags of
the rows. A run of bars is the row of its last bar; what a rule says of a session stands at the session's first bar. A
rule's numbers are null where it does not ring. They are stored ones, or quotients and means of two: engines differ in
the last bit of a logarithm, so none is shown.

`given` is scanned twice, as Trino writes a CTE out wherever it is named: for the bars, and for what is usual in each
symbol's sessions.
"""

from __future__ import annotations

CHANCE = 1e-12  # frozen: how unlikely a run has to be
SPIKE_SCALES, SPIKE_LEAST = 12, 0.005
NORMAL = 1.4826  # the scale of a normal, in medians of its moves' sizes
STEP = 3.0  # scale: of a price from one bar to the next
EDGE = 1.4  # split_step, scale: of a price from one session to the next
VOLUME_STEP, VOLUME_BARS = 50.0, 30

# Each rule's column, and the numbers that it shows. `stacked` (two_values), `frozen` and `flat` count bars, or are
# null; the others are true or false.
RULE_COLUMNS = {
    "inconsistent": (),
    "not_positive": (),
    "stacked": ("least_close", "most_close"),
    "frozen": ("frozen_from",),
    "flat": ("flat_from",),
    "spike": ("top", "bottom", "peak", "trough", "low_move", "high_move"),
    "step": ("close_before",),
    "edge": ("opened", "closed_before", "price", "price_before"),
    "volume_step": ("last_minute", "bars", "usual_volume", "usual_volume_before"),
}
BAR_COLUMNS = ("symbol", "minute", "open", "high", "low", "close", "volume")
RESULT_COLUMNS = (*BAR_COLUMNS, *(name for rule, shown in RULE_COLUMNS.items() for name in (rule, *shown)))

STATEMENT = """\
WITH given AS (
{given}
),
-- Of a minute's rows the first in this order counts. The last one has seen them all.
placed AS (
    SELECT symbol, minute, part, open, high, low, close, volume, {finite} AS finite,
           row_number() OVER {stack} AS place,
           CASE WHEN lead(minute) OVER {stack} IS NULL AND row_number() OVER {stack} > 1 AND ({differ})
                THEN row_number() OVER {stack} END AS stacked,
           min(close) OVER {stack} AS least_close, max(close) OVER {stack} AS most_close
    FROM given
),
-- `inside` is the session by which a bar is judged: null for bars outside, and where prices cannot be compared.
judged AS (
    SELECT symbol, minute, open, high, low, close, volume, stacked, least_close, most_close,
           coalesce(finite AND (low > open OR low > close OR high < open OR high < close OR low > high), false)
               AS inconsistent,
           coalesce(NOT finite OR open <= 0 OR high <= 0 OR low <= 0 OR close <= 0
               OR volume < 0 OR NOT abs(volume) < 1e308, false) AS not_positive,
           CASE WHEN place = 1 AND finite AND close > 0
                     AND coalesce(open, 1e0) > 0 AND coalesce(high, 1e0) > 0 AND coalesce(low, 1e0) > 0
                THEN part END AS inside,
           greatest(coalesce(open, close), coalesce(high, close), close) AS top,
           least(coalesce(open, close), coalesce(low, close), close) AS bottom,
           CASE WHEN abs(volume) < 1e308 THEN volume END AS traded
    FROM placed
),
moves AS (
    SELECT *, row_number() OVER {session} AS nth, lead(minute) OVER {session} AS minute_after,
           greatest(lag(top) OVER {session}, lead(top) OVER {session}) AS peak,
           least(lag(bottom) OVER {session}, lead(bottom) OVER {session}) AS trough,
           lag(close) OVER {session} AS close_before,
           greatest(close / lag(close) OVER {session}, lag(close) OVER {session} / close) AS move,
           coalesce(inside IS NOT NULL AND open = lag(open) OVER {session} AND high = lag(high) OVER {session}
               AND low = lag(low) OVER {session} AND close = lag(close) OVER {session}, false) AS repeats,
           coalesce(traded = lag(traded) OVER {session}, false) AS trades_repeat
    FROM judged
),
sums AS (
    SELECT symbol, inside AS part, count(*) AS bars,
           count(*) FILTER (WHERE repeats) AS repeats, count(*) FILTER (WHERE repeats AND trades_repeat) AS copies,
           min_by(coalesce(open, close), minute) AS opened, max_by(close, minute) AS closed,
           min(minute) AS first_minute, max(minute) AS last_minute, array_sort(array_agg(close)) AS closes,
           count(traded) AS volumes_n, array_sort(array_agg(traded) FILTER (WHERE traded IS NOT NULL)) AS volumes,
           count(*) FILTER (WHERE move > 1) AS sizes_n, array_sort(array_agg(move) FILTER (WHERE move > 1)) AS sizes
    FROM moves WHERE inside IS NOT NULL GROUP BY symbol, inside
),
-- A median is the mean of the two in the middle, or of the one with itself.
usual AS (
    SELECT *, lag(part) OVER {sessions} AS part_before, lag(bars) OVER {sessions} AS bars_before,
           lag(closed) OVER {sessions} AS closed_before, lag(price) OVER {sessions} AS price_before,
           lag(usual_volume) OVER {sessions} AS usual_volume_before
    FROM (
        SELECT symbol, part, bars, repeats, copies, opened, closed, first_minute, last_minute,
               ({close_low} + {close_high}) / 2 AS price, ({volume_low} + {volume_high}) / 2 AS usual_volume,
               {move_low} AS low_move, {move_high} AS high_move
        FROM sums
    ) AS medians
),
-- At the last bar of each run: how many they are, and the first one's minute.
runs AS (
    SELECT *, lag(move) OVER {session} AS move_before, lead(move) OVER {session} AS move_after,
           {runs}
    FROM (
        SELECT *, repeats AND coalesce(traded, 1e0) <> 0 AS alike,
               repeats AND trades_repeat AND coalesce(traded, 1e0) <> 0 AS copied,
               coalesce(inside IS NOT NULL AND traded = 0 AND top = bottom, false) AS filled
        FROM moves
    ) AS marked
),
rung AS (
    SELECT r.symbol, r.minute, r.open, r.high, r.low, r.close, r.volume, r.inconsistent, r.not_positive,
           r.stacked, r.least_close, r.most_close,
           CASE WHEN {alike_unlikely} THEN r.alike_bars WHEN {copied_unlikely} THEN r.copied_bars END AS frozen,
           CASE WHEN {alike_unlikely} THEN r.alike_from ELSE r.copied_from END AS frozen_from,
           r.filled_bars AS flat, coalesce(r.filled_from, u.first_minute) AS flat_from,
           r.top, r.bottom, r.peak, r.trough, u.low_move, u.high_move,
           coalesce(u.bars > 0 AND r.nth > 1 AND r.minute_after IS NOT NULL
               AND greatest(r.top / r.peak, r.trough / r.bottom) > {spike_least}
               AND greatest(r.top / r.peak, r.trough / r.bottom)
                   > coalesce(power(u.low_move * u.high_move, {spike_power}), 1e0), false) AS spike,
           r.close_before,
           coalesce(u.bars > 0 AND r.move > {step}
               AND greatest(coalesce(r.move_before, 1e0), coalesce(r.move_after, 1e0)) < sqrt(r.move), false) AS step,
           u.opened, u.closed_before, u.price, u.price_before,
           coalesce(r.minute = u.first_minute AND u.part = u.part_before + 1
               AND greatest(u.closed_before / u.opened, u.opened / u.closed_before) > {edge}, false) AS edge,
           u.last_minute, u.bars, u.usual_volume, u.usual_volume_before,
           coalesce(r.minute = u.first_minute AND u.part = u.part_before + 1
               AND u.bars >= {volume_bars} AND u.bars_before >= {volume_bars}
               AND u.usual_volume > 0 AND u.usual_volume_before > 0
               AND (u.usual_volume >= {volume_step} * u.usual_volume_before
                    OR u.usual_volume_before >= {volume_step} * u.usual_volume), false) AS volume_step
    FROM runs AS r LEFT JOIN usual AS u ON u.symbol = r.symbol AND u.part = r.inside
)
SELECT {columns}
FROM rung WHERE {rings}
"""

_STACK = "(PARTITION BY symbol, minute ORDER BY open, high, low, close, volume)"
_SESSION = "(PARTITION BY symbol, inside ORDER BY minute)"
_SO_FAR = "(PARTITION BY symbol, inside ORDER BY minute ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
_PRICES = ("open", "high", "low", "close")


def flags_sql(given: str) -> str:
    """The text that finds the bars at which a rule rings, in no order: columns as RESULT_COLUMNS.

    `given` is a SELECT of symbol, minute (a timestamp without zone, the left edge), part (a bigint), open, high, low,
    close and volume (doubles; any of them may be null), with rows of one minute as often as it has them. `part` numbers
    the sessions of the symbol's calendar one by one, each part of one that has a break; null outside sessions.
    """
    return STATEMENT.format(
        given=given,
        stack=_STACK,
        session=_SESSION,
        sessions="(PARTITION BY symbol ORDER BY part)",
        finite=" AND ".join(f"coalesce(abs({name}), 0e0) < 1e308" for name in _PRICES),
        differ=" OR ".join(f"max({name}) OVER {_STACK} <> min({name}) OVER {_STACK}" for name in _PRICES),
        **_middle("close", "closes", "bars"),
        **_middle("volume", "volumes", "volumes_n"),
        **_middle("move", "sizes", "sizes_n"),
        runs=",\n           ".join(_run(name) for name in ("alike", "copied", "filled")),
        alike_unlikely=_unlikely("alike_bars", "repeats"),
        copied_unlikely=_unlikely("copied_bars", "copies"),
        spike_least=f"exp({SPIKE_LEAST}e0)",
        # SPIKE_SCALES usual moves as a factor: a usual move is NORMAL * (ln(low_move) + ln(high_move)) / 2.
        spike_power=f"{SPIKE_SCALES * NORMAL / 2!r}e0",
        step=f"{STEP}e0",
        edge=f"{EDGE}e0",
        volume_step=f"{VOLUME_STEP}e0",
        volume_bars=VOLUME_BARS,
        columns=", ".join([*_bar(), *(text for rule in RULE_COLUMNS for text in (rule, *_numbers(rule)))]),
        rings=" OR ".join(map(_rings, RULE_COLUMNS)),
    )


def _middle(name: str, array: str, n: str) -> dict[str, str]:
    """The two elements in the middle of a sorted array of n, which count from 1; one of an odd n, twice."""
    halves = {"low": f"({n} + 1) / 2e0", "high": f"({n} + 2) / 2e0"}
    return {f"{name}_{which}": f"{array}[CAST(floor({half}) AS bigint)]" for which, half in halves.items()}


def _run(name: str) -> str:
    """The columns `…_bars` and `…_from` of the runs of bars for which `name` is true."""
    ends = f"{name} AND NOT coalesce(lead({name}) OVER {_SESSION}, false)"
    before, first = (f"max(CASE WHEN NOT {name} THEN {value} END) OVER {_SO_FAR}" for value in ("nth", "minute_after"))
    return (
        f"CASE WHEN {ends} THEN nth - coalesce({before}, 0) END AS {name}_bars,\n"
        f"           CASE WHEN {ends} THEN {first} END AS {name}_from"
    )


def _unlikely(run: str, repeats: str) -> str:
    return f"r.{run} * ln((u.{repeats} - r.{run} + 0.5e0) / (u.bars - r.{run} + 1)) < ln({CHANCE!r})"


def _rings(rule: str) -> str:
    return f"{rule} IS NOT NULL" if rule in {"stacked", "frozen", "flat"} else rule


def _bar() -> list[str]:
    """The bar's columns; what is no number is null, as not every client can read it."""
    key, values = BAR_COLUMNS[:2], BAR_COLUMNS[2:]
    return [*key, *(f"CASE WHEN abs({name}) < 1e308 THEN {name} END AS {name}" for name in values)]


def _numbers(rule: str) -> list[str]:
    return [f"CASE WHEN {_rings(rule)} THEN {column} END AS {column}" for column in RULE_COLUMNS[rule]]
