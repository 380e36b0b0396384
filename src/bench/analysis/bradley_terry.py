"""The Bradley-Terry model: strengths under which each player was to win as often as it did.

Player i beats player j with probability e^t_i / (e^t_i + e^t_j) (Zermelo 1929; Bradley and Terry 1952). The
likelihood is concave, so that its maximum is found by Newton's method. It has none where some players never
lose to the others: their strength is without bound. So that every strength is finite, and order and means
still mean something, each player plays one more game, a draw, in equal parts against all the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

DRAWN = 1.0
"""Drawn games that each player is given."""
_NEAR = 1e-7
"""Strengths that move by less than this have come to rest."""
_STEPS = 500


def log_strengths(wins: Floats, drawn: float = DRAWN, start: Floats | None = None) -> Floats:
    """Return (..., E) log strengths with a mean of 0, of one or many tables (..., E, E) of wins.

    `wins` holds how often the row beat the column, with a half for a tie; its diagonal is 0, and E is 2 or
    more. `start` is where the search begins.
    Raises ArithmeticError where there is no maximum, as may be without drawn games.
    """
    n = wins.shape[-1]
    wins = wins + drawn / (2 * (n - 1)) * (1 - np.eye(n))
    games, total = wins + np.swapaxes(wins, -1, -2), wins.sum(axis=-1)
    strength = np.zeros(total.shape) if start is None else np.broadcast_to(start, total.shape).copy()
    for _ in range(_STEPS):
        try:
            step = _newton(games, total, strength)
        except np.linalg.LinAlgError:
            break
        size = np.abs(step).max(axis=-1, keepdims=True)
        strength += step / np.maximum(1.0, size)  # far from the maximum a whole step may leave it farther
        if size.max(initial=0.0) < _NEAR:
            centred: Floats = strength - strength.mean(axis=-1, keepdims=True)
            return centred
    raise ArithmeticError(f"Bradley-Terry: no maximum in {_STEPS} steps; drawn games make one")


def _newton(games: Floats, total: Floats, strength: Floats) -> Floats:
    """Return the step that solves the likelihood's equations to first order."""
    n = games.shape[-1]
    expected = games * _logistic(strength[..., :, None] - strength[..., None, :])
    weight = expected * _logistic(strength[..., None, :] - strength[..., :, None])
    curvature = -weight
    curvature[..., np.arange(n), np.arange(n)] += weight.sum(axis=-1)
    # A common shift changes nothing: the curvature is made definite along it, where the slope is 0.
    curvature += weight.sum(axis=(-1, -2), keepdims=True) / n**2
    step: Floats = np.linalg.solve(curvature, (total - expected.sum(axis=-1))[..., None])[..., 0]
    return step


def _logistic(x: Floats) -> Floats:
    probability: Floats = 0.5 * (1.0 + np.tanh(0.5 * x))  # never overflows
    return probability
