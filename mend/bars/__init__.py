"""Files of bars of any common shape: found, recognised and read, for `mend check`, `mend load` and archives."""
