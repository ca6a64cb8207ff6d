"""The pure room: minutes, sessions, gaps, plans, answers, verdicts. No I/O, no clock, no AWS."""
