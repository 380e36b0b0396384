"""Facts of a table: pure functions of its content and its folds, looked at once, when it is kept."""
