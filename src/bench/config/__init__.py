"""Suite files: read, checked as a whole, and expanded to cells."""
