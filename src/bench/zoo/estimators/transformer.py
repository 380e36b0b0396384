"""A vision transformer with a bias for each relative place, plain or convolution-like at first.

Dosovitskiy et al. (2021), An Image is Worth 16x16 Words. With `convolutional`, every head starts looking at
or around one neighbour of each patch, so that a layer begins as a soft 3 x 3 convolution over patches, after
Cordonnier, Loukas and Jaggi (2020), used as an initialisation by d'Ascoli et al. (2021, ConViT). Both have
the same weights to learn; only where they start differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from bench.datasets import ImageShape

if TYPE_CHECKING:
    from bench.zoo.estimators.image_nets import ImageArchitecture

SIDE = 3
HEADS = SIDE**2
"""A head for each place of a 3 x 3 neighbourhood."""
LOCALITY = 1.5
"""How fast attention falls off around a head's place, per squared distance in patches, at the start."""
PATCHES = 7
"""Patches along a side, about; a patch has at least two pixels along its own."""


def patch_side(image: ImageShape) -> int:
    """Return the pixels along the side of a patch."""
    return max(2, round(min(image.height, image.width) / PATCHES))


class Transformer(nn.Module):
    """Patches, blocks of attention and perceptron, the mean of all patches, and a linear layer."""

    def __init__(self, shape: ImageArchitecture, image: ImageShape, n_outputs: int) -> None:
        """Map (n, c, h, w) to (n, n_outputs), zeros at first."""
        super().__init__()
        side = patch_side(image)
        # Edges that no whole patch covers are padded with zeros.
        self._pad = (0, -image.width % side, 0, -image.height % side)
        grid = (-(-image.height // side), -(-image.width // side))
        width = HEADS * max(1, round(shape.width / HEADS))
        self.patches = nn.Conv2d(image.channels, width, side, stride=side)
        self.places = nn.Parameter(0.02 * torch.randn(1, grid[0] * grid[1], width))
        convolutional = shape.initialisation == "convolutional"
        self.blocks = nn.Sequential(
            *(Block(width, grid, shape.dropout, convolutional=convolutional) for _ in range(shape.n_layers))
        )
        self.norm = nn.LayerNorm(width)
        self.last = nn.Linear(width, n_outputs)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, n_outputs)."""
        tokens = self.patches(nn.functional.pad(x, self._pad)).flatten(2).transpose(1, 2) + self.places
        out: torch.Tensor = self.last(self.norm(self.blocks(tokens)).mean(dim=1))
        return out


class Block(nn.Module):
    """x + attention(norm(x)), then x + perceptron(norm(x))."""

    def __init__(self, width: int, grid: tuple[int, int], dropout: float, *, convolutional: bool) -> None:
        """Map (n, patches, width) to the same."""
        super().__init__()
        self.attention = Attention(width, grid, convolutional=convolutional)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.perceptron = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, patches, width)."""
        x = x + self.attention(self.norms[0](x))
        out: torch.Tensor = x + self.perceptron(self.norms[1](x))
        return out


class Attention(nn.Module):
    """Attention of several heads, with a learnt bias for each head and relative place (Shaw et al. 2018)."""

    relative: torch.Tensor

    def __init__(self, width: int, grid: tuple[int, int], *, convolutional: bool) -> None:
        """Start plain, or with every head at one neighbour and blind to what patches hold."""
        super().__init__()
        self.queries_keys = nn.Linear(width, 2 * width)
        self.values = nn.Linear(width, width)
        self.mix = nn.Linear(width, width)
        offsets, index = _relative(grid)
        self.register_buffer("relative", index)
        bias = torch.zeros(HEADS, len(offsets))
        if convolutional:
            nn.init.zeros_(self.queries_keys.weight[:width])
            nn.init.zeros_(self.queries_keys.bias[:width])
            reach = torch.arange(SIDE) - SIDE // 2
            centres = torch.cartesian_prod(reach, reach).float()
            bias = -LOCALITY * torch.cdist(centres, offsets.float()) ** 2
        self.bias = nn.Parameter(bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, patches, width)."""
        n, patches, width = x.shape
        parts = (n, patches, HEADS, width // HEADS)
        queries, keys = (each.reshape(parts).transpose(1, 2) for each in self.queries_keys(x).chunk(2, dim=2))
        values = self.values(x).reshape(parts).transpose(1, 2)
        # With a learnt bias the library's fused attention would take a slower path than these three lines.
        scores = queries @ keys.transpose(2, 3) * (width // HEADS) ** -0.5 + self.bias[:, self.relative]
        seen = scores.softmax(dim=3).to(values.dtype) @ values
        out: torch.Tensor = self.mix(seen.transpose(1, 2).reshape(n, patches, width))
        return out


def _relative(grid: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each relative place (r, 2), and for every pair of patches which of them it has (p, p)."""
    places = torch.cartesian_prod(torch.arange(grid[0]), torch.arange(grid[1]))
    between = places[None, :, :] - places[:, None, :]
    offsets, index = torch.unique(between.reshape(-1, 2), dim=0, return_inverse=True)
    return offsets, index.reshape(len(places), len(places))
