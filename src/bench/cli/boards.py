"""Where the command line finds the leaderboards of a stored run."""

from bench.boards import board

__all__ = ["board"]
