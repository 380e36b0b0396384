"""The nets: how numbers enter them, a plain body and a residual one. Single precision, (rows, columns)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

N_BINS = 8
"""Of the piecewise-linear encoding; quantiles of the fit rows part them."""
FREQUENCIES, PERIODIC_COLUMNS, FREQUENCY_SD = 16, 3, 0.1
"""Of the periodic embedding, as RealMLP has them (Holzmüller et al., 2024)."""
CLIP = 3.0
BLOCK_VALUES = 2**20
"""How many numbers are encoded at a time: in double precision they take a few times that of the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What a net is made of."""

    body: str = "plain"
    """`plain` or `residual`."""
    n_layers: int = 2
    """Hidden layers, or residual blocks."""
    width: int = 128
    dropout: float = 0.1
    embedding: str = "piecewise"
    """`none`, `piecewise` or `periodic`: what stands beside each number."""


class InputEncoding:
    """What a net is given for a row, computed once: every column, smoothly clipped, and pieces of numbers.

    The clip is x / sqrt(1 + (x/3)^2) (Holzmüller et al., 2024). A number's pieces are the piecewise-linear
    encoding of Gorishniy et al. (2022): of each bin, how much of it lies below the value, 0 to 1. Columns
    with two values, such as one-hot ones, have no pieces: one weight says all there is.
    """

    def __init__(self, X: np.ndarray, embedding: str) -> None:
        """Find the numbers among the columns of X (n, p) and, for `piecewise`, their bins."""
        self.numeric = [j for j in range(X.shape[1]) if _has_three_values(X[:, j])]
        wanted = self.numeric if embedding == "piecewise" else []
        edges = (np.unique(np.quantile(X[:, j], np.linspace(0, 1, N_BINS + 1))) for j in wanted)
        self._edges = {j: found for j, found in zip(wanted, edges, strict=True) if len(found) > 1}

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Return (n, q) float32."""
        width = X.shape[1] + sum(len(edges) - 1 for edges in self._edges.values())
        encoded = np.empty((len(X), width), dtype=np.float32)
        step = max(1, BLOCK_VALUES // max(1, width))
        for start in range(0, len(X), step):
            rows = X[start : start + step]
            pieces = [
                np.clip((rows[:, [j]] - edges[:-1]) / np.diff(edges), 0.0, 1.0)
                for j, edges in self._edges.items()
            ]
            clipped = CLIP * rows / np.hypot(CLIP, rows)
            encoded[start : start + step] = np.concatenate([clipped, *pieces], axis=1)
        return encoded


def _has_three_values(column: np.ndarray) -> bool:
    others = column[column != column[0]]
    return len(others) > 0 and bool((others != others[0]).any())


class Periodic(nn.Module):
    """Appends to the columns, for each number, three learnt sums of learnt cosines of it.

    Gorishniy et al. (2022), with a bias inside the cosine as in Holzmüller et al. (2024).
    """

    numeric: torch.Tensor

    def __init__(self, numeric: list[int]) -> None:
        """Embed the columns at these positions."""
        super().__init__()
        p = len(numeric)
        self.register_buffer("numeric", torch.tensor(numeric))
        self.frequency = nn.Parameter(2 * math.pi * FREQUENCY_SD * torch.randn(p, 1, FREQUENCIES))
        self.phase = nn.Parameter(math.pi * (2 * torch.rand(p, 1, FREQUENCIES) - 1))
        self.mix = nn.Parameter((2 * torch.rand(p, FREQUENCIES, PERIODIC_COLUMNS) - 1) / FREQUENCIES**0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, p) as (n, p + 3 numbers)."""
        waves = torch.cos(x[:, self.numeric].t().unsqueeze(2) * self.frequency + self.phase)
        return torch.cat([x, torch.bmm(waves, self.mix).transpose(0, 1).flatten(1)], dim=1)


class Block(nn.Module):
    """x + linear(dropout(SiLU(linear(norm(x))))), twice as wide inside."""

    def __init__(self, width: int, dropout: float) -> None:
        """Map (n, width) to (n, width)."""
        super().__init__()
        self.change = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, width),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, width)."""
        return x + self.change(x)


def build_net(shape: Architecture, encoding: InputEncoding, n_columns: int, n_outputs: int) -> nn.Sequential:
    """Return a net of encoded rows (n, n_columns) whose outputs (n, n_outputs) start at zero."""
    layers: list[nn.Module] = []
    if shape.embedding == "periodic" and encoding.numeric:
        layers.append(Periodic(encoding.numeric))
        n_columns += PERIODIC_COLUMNS * len(encoding.numeric)
    width = shape.width
    if shape.body == "residual":
        layers += [nn.Linear(n_columns, width)]
        layers += [Block(width, shape.dropout) for _ in range(shape.n_layers)]
        layers += [nn.LayerNorm(width), nn.SiLU()]
    else:
        for inputs in (n_columns, *[width] * (shape.n_layers - 1)):
            layers += [nn.Linear(inputs, width), nn.SiLU(), nn.Dropout(shape.dropout)]
    last = nn.Linear(width, n_outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)
