"""The clients that fetch packages: pip, apt and npm, each only where it is installed."""
