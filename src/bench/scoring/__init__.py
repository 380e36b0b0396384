"""What a fitted model predicts, and how far that is from the truth."""
