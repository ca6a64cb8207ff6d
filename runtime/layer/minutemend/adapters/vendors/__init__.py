"""One adapter for each vendor, behind `minutemend.ports.vendor`."""
