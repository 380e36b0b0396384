"""bench: which inductive bias fits which data, at what cost?"""
