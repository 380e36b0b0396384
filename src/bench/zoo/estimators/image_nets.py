"""The nets of images: convolutional, residual, and plain on pixels.

Images come as (rows, y, x, channels); inside they are (rows, channels, y, x), their channels last in memory,
which is what convolutions on a CPU are fastest on.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from bench import augmentations
from bench.datasets import ImageShape

SMALLEST_SIDE = 6
"""An image is not halved below half of it: 3 x 3 places can still be told apart."""
HEAD_WIDTH = 128
MIRRORED = 0.5
"""How many images are mirrored, where any are."""
STAGES = 3
"""Of the residual net, each twice as wide as the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageArchitecture:
    """What a net of images is made of."""

    body: str = "conv"
    """`conv`, `residual`, `transformer` or `pixels` (no convolution)."""
    width: int = 32
    n_layers: int = 2
    """Convolutions of `conv`, blocks of each stage of `residual`, hidden layers or blocks of the others."""
    dropout: float = 0.1
    pooling: str = "flat"
    """`flat`: every place of the last maps has weights of its own; `mean`: they are averaged first."""
    initialisation: str = "plain"
    """Of a transformer's attention: `plain`, or `convolutional`."""
    bf16: bool = False
    """Whether the body computes in bfloat16, its weights in float32."""


class Augment(nn.Module):
    """Moves and mirrors images while the net learns, each time anew, and puts their channels first.

    See `bench.augmentations`.
    """

    def __init__(self, how: str, image: ImageShape) -> None:
        """Augment as a configuration says."""
        super().__init__()
        self._most = (
            augmentations.furthest(image) if how in (augmentations.SHIFT, augmentations.SHIFT_MIRROR) else 0
        )
        self._mirror = how in (augmentations.MIRROR, augmentations.SHIFT_MIRROR)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (n, h, w, c) to (n, c, h, w): as they are where the net does not learn."""
        return (self._changed(x) if self.training else x).permute(0, 3, 1, 2)

    def _changed(self, x: torch.Tensor) -> torch.Tensor:
        if not self._most and not self._mirror:
            return x
        n, height, width, _ = x.shape
        rows, columns = torch.arange(height).expand(n, height), torch.arange(width).expand(n, width)
        if self._mirror:
            columns = torch.where(torch.rand(n, 1) < MIRRORED, columns.flip(1), columns)
        if self._most:
            x = nn.functional.pad(x, (0, 0, *(self._most,) * 4))
            shifts = torch.randint(0, 2 * self._most + 1, (2, n, 1))
            rows, columns = rows + shifts[0], columns + shifts[1]
        at = torch.arange(n)[:, None, None]
        return x[tuple(each.to(x.device) for each in (at, rows[:, :, None], columns[:, None, :]))]


class Bfloat16(nn.Module):
    """A body that computes in bfloat16; what comes out is float32."""

    def __init__(self, body: nn.Module) -> None:
        """Wrap a body."""
        super().__init__()
        self.body = body

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, k) float32."""
        with torch.autocast(x.device.type, dtype=torch.bfloat16):
            out: torch.Tensor = self.body(x)
        return out.float()


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions, normalised and rectified before each, added to what came in.

    He, Zhang, Ren and Sun (2016, Identity Mappings in Deep Residual Networks).
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        """Map (n, inputs, y, x) to (n, outputs, y / stride, x / stride)."""
        super().__init__()
        self.first = nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU(inplace=True))
        self.change = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
        )
        same = stride == 1 and inputs == outputs
        self.pass_on = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return maps."""
        ready = self.first(x)
        kept = x if isinstance(self.pass_on, nn.Identity) else self.pass_on(ready)
        out: torch.Tensor = kept + self.change(ready)
        return out


def build_image_net(
    shape: ImageArchitecture, image: ImageShape, augmentation: str, n_outputs: int
) -> nn.Module:
    """Return a net of images (n, h, w, c) whose outputs (n, n_outputs) start at zero."""
    if shape.body == "transformer":
        from bench.zoo.estimators.transformer import Transformer

        body: nn.Module = Transformer(shape, image, n_outputs)
    else:
        layers, features = _BODIES[shape.body](shape, image)
        last = nn.Linear(features, n_outputs)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        body = nn.Sequential(*layers, last)
    net = nn.Sequential(Augment(augmentation, image), Bfloat16(body) if shape.bf16 else body)
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _conv(shape: ImageArchitecture, image: ImageShape) -> tuple[list[nn.Module], int]:
    """Convolutions of 3 x 3, each twice as wide as the last, with batch norm after the pooling.

    Pooling first leaves a quarter of the places to normalise and rectify.
    """
    layers: list[nn.Module] = []
    side, width, inputs = (image.height, image.width), shape.width, image.channels
    for i in range(shape.n_layers):
        width = shape.width * 2**i
        layers.append(nn.Conv2d(inputs, width, 3, padding=1, bias=False))
        if min(side) >= SMALLEST_SIDE:
            layers.append(nn.MaxPool2d(2))
            side = (side[0] // 2, side[1] // 2)
        layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        inputs = width
    layers, features = _pooled(layers, width, side, shape.pooling)
    layers += [nn.Linear(features, HEAD_WIDTH), nn.ReLU(), nn.Dropout(shape.dropout)]
    return layers, HEAD_WIDTH


def _residual(shape: ImageArchitecture, image: ImageShape) -> tuple[list[nn.Module], int]:
    side, width = (image.height, image.width), shape.width
    layers: list[nn.Module] = [nn.Conv2d(image.channels, width, 3, padding=1, bias=False)]
    for stage in range(STAGES):
        stride = 2 if stage and min(side) >= SMALLEST_SIDE else 1
        outputs = shape.width * 2**stage
        layers.append(ResidualBlock(width, outputs, stride))
        layers += [ResidualBlock(outputs, outputs, 1) for _ in range(shape.n_layers - 1)]
        side = (-(-side[0] // stride), -(-side[1] // stride))
        width = outputs
    layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
    layers, features = _pooled(layers, width, side, shape.pooling)
    return [*layers, nn.Dropout(shape.dropout)], features


def _pooled(
    layers: list[nn.Module], width: int, side: tuple[int, int], pooling: str
) -> tuple[list[nn.Module], int]:
    """Return the layers with the last maps made into features, and how many there are."""
    if pooling == "mean":
        return [*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()], width
    return [*layers, nn.Flatten()], width * side[0] * side[1]


def _pixels(shape: ImageArchitecture, image: ImageShape) -> tuple[list[nn.Module], int]:
    """A multilayer perceptron: every pixel has a weight of its own."""
    layers: list[nn.Module] = [nn.Flatten()]
    inputs = image.n_values
    for _ in range(shape.n_layers):
        layers += [nn.Linear(inputs, shape.width), nn.SiLU(), nn.Dropout(shape.dropout)]
        inputs = shape.width
    return layers, inputs


_BODIES = {"conv": _conv, "residual": _residual, "pixels": _pixels}
