"""Where trials are kept: one SQLite file, and a folder of predictions beside it."""
