"""Jobs: queries that are answered later. Pure: what a job is, how it is written down, and what becomes of a message."""
