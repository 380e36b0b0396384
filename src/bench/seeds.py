"""All randomness starts here: a seed is a pure function of what it is for."""

from __future__ import annotations

import hashlib


def derive_seed(*parts: object) -> int:
    """Return a seed in [0, 2**31) from the parts, the same on every machine and in every process."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
