"""The report: one self-contained HTML file of what is known of every minute, and a picture of it."""
