"""Which process a cell runs in, and what stops it."""
