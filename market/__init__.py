"""The market simulator: it speaks the vendors' APIs, as a server on 127.0.0.1 or as a stack of a stage that is not
protected. It never stands beside real data."""
