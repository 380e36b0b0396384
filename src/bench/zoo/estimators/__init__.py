"""Models that need code of our own: deadlines, early stopping, or mathematics no library offers."""
