"""Verdicts on claims: pure functions of a claim and of the frames of its trials and cells."""
