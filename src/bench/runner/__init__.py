"""One cell in one process: load, warm up, search, score."""
