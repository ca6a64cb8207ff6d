"""`mend check`: files of bars, read and audited on this machine, without AWS."""
