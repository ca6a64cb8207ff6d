"""`mend backfill`: its windows, its course, and the stage that it runs in. docs/backfill.md."""
