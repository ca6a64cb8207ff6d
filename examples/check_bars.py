# %% [markdown]
# The missing minutes in files of bars, from Python: a script, or cells in an editor that knows `# %%`.

# %%
from pathlib import Path

import duckdb
import minutemend

bars = Path(__file__).with_name("bars")
checked = minutemend.check(bars, calendar="NYSE")
print(f"{checked.totals['present']:,} of {checked.totals['expected']:,} minutes are there")

# %% What was worked out, and need not be said
for line in checked.said:
    print(line)

# %% The gaps, as pandas, polars or DuckDB take them: here the longest of each symbol
gaps = checked.gaps
print(duckdb.sql("SELECT symbol, max(minutes) AS longest, sum(bars) AS missing FROM gaps GROUP BY ALL ORDER BY symbol"))
