"""Sessions from exchange_calendars: made at build time and for `mend check`, never in a function."""
