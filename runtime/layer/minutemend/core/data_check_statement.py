"""The audit's statement, with places for names, literals and numbers; `data_check_sql` fills and explains it.

It is read from top to bottom: what the sessions expect of each half hour, what is stored of it, which half hours
differ, which of their minutes are missing, and the ranges of those that no absence covers.
"""

from __future__ import annotations

STATEMENT = """\
WITH spans AS (
    SELECT calendar, dt, open AS session_open, close AS session_close,
           greatest(open, {start}) AS span_start, least(close, {end}) AS span_end
    FROM {sessions}
    WHERE open < {end} AND close > {start}
),
-- The half hours of a session: where they begin, and where its first slot in them and their end lie, counted in
-- minutes from the open.
halves AS (
    SELECT p.calendar, p.dt, p.session_open, p.session_close, p.span_start, p.span_end, k.k AS half,
           date_diff('minute', p.session_open, p.at_hour + k.k * INTERVAL '{slots}' MINUTE) AS word_start,
           {cadence} * ceil(
               date_diff('minute', p.session_open, greatest(p.at_hour + k.k * INTERVAL '{slots}' MINUTE, p.span_start))
               / {cadence}e0) AS first_slot,
           date_diff('minute', p.session_open, least(p.at_hour + (k.k + 1) * INTERVAL '{slots}' MINUTE, p.span_end))
           AS word_end
    FROM (SELECT *, date_trunc('hour', span_start) AS at_hour FROM spans) AS p CROSS JOIN (VALUES {halves}) AS k (k)
    WHERE p.at_hour + k.k * INTERVAL '{slots}' MINUTE < p.span_end
),
slots AS (
    SELECT calendar, dt, session_open, session_close, span_start, span_end, half,
           first_slot, first_slot - word_start AS place,
           greatest(0e0, ceil((word_end - first_slot) / {cadence}e0)) AS bars
    FROM halves
),
-- The sum of 2**place, 2**(place + cadence) and so on, as many as bars.
expected AS (
    SELECT calendar, dt, session_open, session_close, span_start, span_end, floor(half / 2e0) AS hour_number,
           date_trunc('hour', span_start) + CAST(floor(half / 2e0) AS bigint) * INTERVAL '1' HOUR AS at_hour,
           sum(CASE WHEN mod(half, 2) = 0 THEN word ELSE 0e0 END) AS e0,
           sum(CASE WHEN mod(half, 2) = 1 THEN word ELSE 0e0 END) AS e1,
           sum(bars) AS bars, sum(minutes) AS minutes
    FROM (
        SELECT calendar, dt, session_open, session_close, span_start, span_end, half, bars,
               bars * {row} + power(2, place) * (power(2, {cadence} * bars) - 1) / {step} AS word,
               least({cadence} * bars, date_diff('minute', session_open, session_close) - first_slot) AS minutes
        FROM slots
        WHERE bars > 0e0
    ) AS filled
    GROUP BY calendar, dt, session_open, session_close, span_start, span_end, floor(half / 2e0)
),
interested AS (
    SELECT DISTINCT symbol, calendar, listed, delisted FROM {symbols} {interested}
),
-- Functions of one column that cannot fail: DuckDB evaluates those once for each distinct minute of a Parquet
-- dictionary and not for each row. An index that starts at 1 is such a function only as `greatest`, which takes minute
-- 0 for minute 1; `later` counts the rows after minute 0, and with it the two are told apart below.
sums AS (
    SELECT symbol, at_hour, sum(w0) AS s0, sum(w1) AS s1, sum(later) AS later
    FROM (
        SELECT symbol, date_trunc('hour', minute) AS at_hour, sign(minute(minute)) AS later,
               {first_word}[greatest(minute(minute), 1)] AS w0,
               {second_word}[greatest(minute(minute), 1)] AS w1
        FROM {bars}
    ) AS stored
    GROUP BY symbol, at_hour
),
words AS (
    SELECT symbol, at_hour, s1,
           s0 - first_rows * {first_minute} + CASE WHEN first_rows > 0e0 THEN {first_minute_once} ELSE 0e0 END AS s0
    FROM (
        SELECT symbol, at_hour, s0, s1, floor(s0 / {row}) + floor(s1 / {row}) - later AS first_rows FROM sums
    ) AS counted
),
-- Outer joins are not reordered: no engine multiplies symbols by hours first.
graded AS (
    SELECT w.symbol, h.calendar, h.session_open, h.hour_number, w.s0, w.s1,
           (h.e0 = 0e0 OR w.s0 = h.e0) AND (h.e1 = 0e0 OR w.s1 = h.e1) AS whole
    FROM words w
    LEFT JOIN (SELECT DISTINCT symbol, calendar FROM interested) AS y ON y.symbol = w.symbol
    LEFT JOIN expected h ON h.calendar = y.calendar AND h.at_hour = w.at_hour
),
seen AS (
    SELECT symbol, calendar, session_open, holed_hour, sum(power(2, hour_number)) AS seen, max(s0) AS s0, max(s1) AS s1
    FROM (
        SELECT symbol, calendar, session_open, hour_number, s0, s1,
               CASE WHEN NOT whole THEN hour_number END AS holed_hour
        FROM graded
    ) AS marked
    GROUP BY symbol, calendar, session_open, holed_hour
),
incomplete AS (
    SELECT e.symbol, e.calendar, e.session_open, e.session_close, e.span_start, e.span_end, e.hours,
           s.holed_hour, coalesce(s.seen, 0e0) AS seen, s.s0, s.s1
    FROM (
        SELECT y.symbol, h.calendar, h.session_open, h.session_close, h.span_start, h.span_end, h.hours
        FROM interested y JOIN (
            SELECT calendar, dt, session_open, session_close, span_start, span_end, sum(power(2, hour_number)) AS hours
            FROM expected
            GROUP BY calendar, dt, session_open, session_close, span_start, span_end
        ) AS h ON h.calendar = y.calendar
        WHERE (y.listed IS NULL OR h.dt >= y.listed) AND (y.delisted IS NULL OR h.dt < y.delisted)
    ) AS e
    LEFT JOIN seen s ON s.symbol = e.symbol AND s.calendar = e.calendar AND s.session_open = e.session_open
    WHERE s.symbol IS NULL OR s.holed_hour IS NOT NULL OR s.seen <> e.hours
),
unseen AS (
    SELECT symbol, session_open, session_close, span_start, span_end, holed_hour, s0, s1,
           hours - sum(seen) OVER (PARTITION BY symbol, calendar, session_open) AS unseen,
           row_number() OVER (PARTITION BY symbol, calendar, session_open ORDER BY holed_hour) AS place
    FROM incomplete
),
suspects AS (
    SELECT symbol, session_open, session_close, span_start, span_end,
           date_trunc('hour', span_start) + h.h * INTERVAL '1' HOUR AS at_hour,
           CASE WHEN h.h = holed_hour THEN s0 ELSE 0e0 END AS s0, CASE WHEN h.h = holed_hour THEN s1 ELSE 0e0 END AS s1
    FROM unseen CROSS JOIN UNNEST(ARRAY[{hour_list}]) AS h (h)
    WHERE h.h = holed_hour
       OR (place = 1 AND floor(unseen / power(2, h.h)) <> 2 * floor(unseen / power(2, h.h + 1)))
),
suspect_words AS (
    SELECT symbol, session_open, session_close, span_start, span_end,
           at_hour + h.h * INTERVAL '{slots}' MINUTE AS at_word,
           CASE WHEN h.h = 0 THEN s0 ELSE s1 END AS word
    FROM suspects CROSS JOIN UNNEST(ARRAY[0, 1]) AS h (h)
),
split AS (
    SELECT symbol, session_open, session_close, span_start, span_end, at_word,
           floor(word / {row}) AS stored_rows, word - {row} * floor(word / {row}) AS bits
    FROM suspect_words
),
judged AS (
    SELECT symbol, session_open, session_close, span_start, span_end, at_word, bits,
           CASE WHEN stored_rows = bits - ({halvings}) THEN 'gap' ELSE 'unclear' END AS kind
    FROM split
),
missing AS (
    SELECT symbol, session_open, session_close, kind, at_word + m.m * INTERVAL '1' MINUTE AS slot
    FROM judged CROSS JOIN UNNEST(ARRAY[{slot_list}]) AS m (m)
    WHERE (kind = 'unclear' OR bits = 0e0 OR floor(bits / power(2, m.m)) = 2 * floor(bits / power(2, m.m + 1)))
      AND at_word + m.m * INTERVAL '1' MINUTE >= span_start
      AND at_word + m.m * INTERVAL '1' MINUTE < span_end
      AND mod(date_diff('minute', session_open, at_word + m.m * INTERVAL '1' MINUTE), {cadence}) = 0
),
-- An absence stands once beside each kind, so that one window serves both.
events AS (
    SELECT symbol, kind, slot, session_open, session_close, CAST(NULL AS timestamp) AS absent_until
    FROM missing
    UNION ALL
    SELECT symbol, k.kind, start, CAST(NULL AS timestamp), CAST(NULL AS timestamp), "end"
    FROM {absences} CROSS JOIN (VALUES ('gap'), ('unclear')) AS k (kind) {proven}
),
swept AS (
    SELECT symbol, kind, slot, session_open, session_close,
           max(absent_until) OVER (PARTITION BY symbol, kind ORDER BY slot) AS absent_until,
           row_number() OVER (PARTITION BY symbol, kind ORDER BY slot) AS place
    FROM events
),
numbered AS (
    SELECT symbol, kind, slot, session_open, session_close,
           date_diff('minute', session_open, slot) - {cadence} * place AS island
    FROM swept
    WHERE session_open IS NOT NULL AND (absent_until IS NULL OR absent_until <= slot)
),
ranges AS (
    SELECT kind, symbol, min(slot) AS gap_start,
           least(max(slot) + {cadence} * INTERVAL '1' MINUTE, session_close) AS gap_end,
           session_open, session_close, count(*) AS bars
    FROM numbered
    GROUP BY kind, symbol, session_open, session_close, island
)
SELECT kind, symbol, gap_start, gap_end, session_open, session_close, bars,
       date_diff('minute', gap_start, gap_end) AS minutes
FROM ranges
UNION ALL
SELECT 'total', CAST(NULL AS varchar), CAST(NULL AS timestamp), CAST(NULL AS timestamp), CAST(NULL AS timestamp),
       CAST(NULL AS timestamp), CAST(sum(h.bars) AS bigint), CAST(sum(h.minutes) AS bigint)
FROM interested y
JOIN (
    SELECT calendar, dt, sum(bars) AS bars, sum(minutes) AS minutes FROM expected GROUP BY calendar, dt
) AS h ON h.calendar = y.calendar
WHERE (y.listed IS NULL OR h.dt >= y.listed) AND (y.delisted IS NULL OR h.dt < y.delisted)
"""
