"""torch keeps its seed and its threads in the process: borrow them, and give them back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def private_torch(seed: int, threads: int, device: str = "cpu") -> Iterator[None]:
    """Run with this seed and so many threads; the process's own are as before afterwards."""
    before = torch.get_num_threads()
    with torch.random.fork_rng(devices=[] if device == "cpu" else [device]):
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)
