"""Results handed on to where others look for them: runs on OpenML, runs of a tracking server."""
