"""The audit's statement, with places for names, literals and numbers; `data_check_sql` fills and explains it.

It is read from top to bottom: what the sessions expect of each hour, what is stored of it, which hours differ, which
of their minutes are missing, and the ranges of those that no absence covers.
"""

from __future__ import annotations

STATEMENT = """\
WITH spans AS (
    SELECT row_number() OVER (ORDER BY calendar, open) AS session, calendar, dt, open AS session_open,
           close AS session_close, greatest(open, {start}) AS span_start, least(close, {end}) AS span_end
    FROM {sessions}
    WHERE open < {end} AND close > {start}
),
-- The clock hours that a session may touch, each with a bit of its own: where they begin, and where its first slot in
-- them and their end lie, counted in minutes from the open. Those that it does not touch have no slots.
hours AS (
    SELECT *, date_diff('minute', session_open, at_hour) AS hour_start,
           {cadence} * ceil(date_diff('minute', session_open, greatest(at_hour, span_start)) / {cadence}e0)
           AS first_slot,
           date_diff('minute', session_open, least(at_hour + INTERVAL '1' HOUR, span_end)) AS hour_end
    FROM (
        SELECT *, date_trunc('hour', span_start) + (hour_nth - 1) * INTERVAL '1' HOUR AS at_hour
        FROM spans CROSS JOIN UNNEST(ARRAY[{hour_bits}]) WITH ORDINALITY AS h (hour_bit, hour_nth)
    ) AS touched
),
slots AS (
    SELECT *, CAST(power(2, first_slot - hour_start) AS bigint) AS first_bit,
           ceil((hour_end - first_slot) / {cadence}e0) AS bars
    FROM hours
    WHERE first_slot < hour_end
),
-- What the two sums below are when each bar is there once: the weights 2**i of its minutes, and the count.
expected AS (
    SELECT *, least({cadence} * bars, date_diff('minute', session_open, session_close) - first_slot) AS minutes,
           CAST(first_bit * mod({every_slot}, CAST(power(2, {cadence} * bars) AS bigint))
                + CASE WHEN first_bit = 1 THEN {excess} ELSE 0 END AS decimal(38, 0)) AS weights,
           bars - CASE WHEN first_bit = 1 THEN 1e0 - {little} ELSE 0e0 END AS counted
    FROM slots
),
interested AS (
    SELECT DISTINCT symbol, calendar, listed, delisted FROM {symbols} {interested}
),
-- Each symbol's sessions while it is listed.
asked AS (
    SELECT y.symbol, h.*
    FROM interested y
    JOIN (
        SELECT session, calendar, dt, session_open, session_close, span_start, span_end, sum(hour_bit) AS hours,
               session_open + CAST(min(first_slot) AS bigint) * INTERVAL '1' MINUTE AS blank_start,
               sum(bars) AS bars, sum(minutes) AS minutes
        FROM expected
        GROUP BY session, calendar, dt, session_open, session_close, span_start, span_end
    ) AS h ON h.calendar = y.calendar
    WHERE (y.listed IS NULL OR h.dt >= y.listed) AND (y.delisted IS NULL OR h.dt < y.delisted)
),
-- Functions of one column that cannot fail: DuckDB evaluates those once for each distinct minute of a Parquet
-- dictionary and not for each row. An index that starts at 1 is such a function only as `greatest`, which takes minute
-- 0 for minute 1. `counted` tells the two apart: each row counts 1, but a row of minute 0 so little that the fraction
-- counts those.
sums AS (
    SELECT symbol, at_hour, sum(weight) AS weights, sum(counted) AS counted
    FROM (
        SELECT symbol, date_trunc('hour', minute) AS at_hour, {weights}[greatest(minute(minute), 1)] AS weight,
               greatest(sign(minute(minute)), {little}) AS counted
        FROM {bars}
    ) AS stored
    GROUP BY symbol, at_hour
),
-- Outer joins are not reordered: no engine multiplies symbols by hours first. Hours nobody expects have no session.
graded AS (
    SELECT w.symbol, h.session, h.hour_bit, w.weights, w.counted,
           CASE WHEN w.weights <> h.weights OR w.counted <> h.counted THEN h.hour_bit END AS other_bit
    FROM sums w
    LEFT JOIN (SELECT DISTINCT symbol, calendar FROM interested) AS y ON y.symbol = w.symbol
    LEFT JOIN expected h ON h.calendar = y.calendar AND h.at_hour = w.at_hour
),
-- For each session the hours that are as expected, as one number with a bit for each, and a row for each other hour.
seen AS (
    SELECT symbol, session, other_bit, sum(hour_bit) AS hours, max(weights) AS weights, max(counted) AS counted
    FROM graded
    GROUP BY symbol, session, other_bit
),
-- A session of which nothing is stored, and nothing of the symbol is proven absent, is one gap: `blank`.
incomplete AS (
    SELECT e.*, s.other_bit, coalesce(s.hours, 0e0) AS seen, s.weights, s.counted,
           s.symbol IS NULL AND a.symbol IS NULL AS blank
    FROM asked e
    LEFT JOIN seen s ON s.symbol = e.symbol AND s.session = e.session
    LEFT JOIN (SELECT DISTINCT symbol FROM {absences} {proven}) AS a ON a.symbol = e.symbol
    WHERE s.symbol IS NULL OR s.other_bit IS NOT NULL OR s.hours <> e.hours
),
unseen AS (
    SELECT *, hours - sum(seen) OVER (PARTITION BY symbol, session) AS unseen,
           row_number() OVER (PARTITION BY symbol, session ORDER BY other_bit) AS place
    FROM incomplete
),
-- The hours to look into: the other ones, and those of which nothing is stored. For a blank session any one.
suspects AS (
    SELECT u.*, h.at_hour, CASE WHEN hour_bit = other_bit THEN weights ELSE 0 END AS hour_weights,
           CASE WHEN hour_bit = other_bit THEN floor(counted) ELSE 0e0 END AS later_rows,
           CASE WHEN hour_bit = other_bit THEN (counted - floor(counted)) * {many}e0 ELSE 0e0 END AS first_rows
    FROM unseen u
    JOIN hours h ON h.session = u.session
    WHERE CASE WHEN blank THEN hour_nth = 1 ELSE hour_bit = other_bit
          OR (place = 1 AND floor(unseen / hour_bit) <> 2 * floor(unseen / (2 * hour_bit))) END
),
-- The word has a bit for each minute, once what minute 0 weighs too much is taken away. It is null, for the hour is
-- unclear, when its sum is more than any word.
words AS (
    SELECT *, later_rows + first_rows AS stored_rows,
           TRY_CAST(hour_weights AS bigint) - CAST({excess} * first_rows AS bigint) AS word
    FROM suspects
),
-- As many bits as rows, unless a minute came more than once.
judged AS (
    SELECT *, CASE WHEN stored_rows = length(replace(to_base(word, 2), '0', '')) THEN 'gap' ELSE 'unclear' END AS kind
    FROM words
),
missing AS (
    SELECT symbol, session_open, session_close, kind, CASE WHEN blank THEN blank_start ELSE slot END AS slot,
           CASE WHEN blank THEN minutes ELSE {cadence} END AS minutes, CASE WHEN blank THEN bars ELSE 1 END AS bars
    FROM (
        SELECT *, at_hour + (minute_nth - 1) * INTERVAL '1' MINUTE AS slot
        FROM judged CROSS JOIN UNNEST(ARRAY[{minute_bits}]) WITH ORDINALITY AS m (minute_bit, minute_nth)
        WHERE NOT blank OR minute_nth = 1
    ) AS looked
    WHERE blank OR ((kind = 'unclear' OR mod(word, 2 * minute_bit) < minute_bit)
                    AND slot >= span_start AND slot < span_end
                    AND mod(date_diff('minute', session_open, slot), {cadence}) = 0)
),
-- An absence stands once beside each kind, so that one window serves both.
events AS (
    SELECT symbol, kind, slot, minutes, bars, session_open, session_close, CAST(NULL AS timestamp) AS absent_until
    FROM missing
    UNION ALL
    SELECT symbol, k.kind, start, 0, 0, CAST(NULL AS timestamp), CAST(NULL AS timestamp), "end"
    FROM {absences} CROSS JOIN (VALUES ('gap'), ('unclear')) AS k (kind) {proven}
),
swept AS (
    SELECT symbol, kind, slot, minutes, bars, session_open, session_close,
           max(absent_until) OVER (PARTITION BY symbol, kind ORDER BY slot) AS absent_until,
           row_number() OVER (PARTITION BY symbol, kind ORDER BY slot) AS place
    FROM events
),
numbered AS (
    SELECT symbol, kind, slot, minutes, bars, session_open, session_close,
           date_diff('minute', session_open, slot) - {cadence} * place AS island
    FROM swept
    WHERE session_open IS NOT NULL AND (absent_until IS NULL OR absent_until <= slot)
),
ranges AS (
    SELECT kind, symbol, min(slot) AS gap_start,
           least(max(slot + CAST(minutes AS bigint) * INTERVAL '1' MINUTE), session_close) AS gap_end,
           session_open, session_close, CAST(sum(bars) AS bigint) AS bars
    FROM numbered
    GROUP BY kind, symbol, session_open, session_close, island
)
SELECT kind, symbol, gap_start, gap_end, session_open, session_close, bars,
       date_diff('minute', gap_start, gap_end) AS minutes
FROM ranges
UNION ALL
SELECT 'total', CAST(NULL AS varchar), CAST(NULL AS timestamp), CAST(NULL AS timestamp), CAST(NULL AS timestamp),
       CAST(NULL AS timestamp), CAST(sum(bars) AS bigint), CAST(sum(minutes) AS bigint)
FROM asked
"""
