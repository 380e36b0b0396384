"""Families `conv` and `transformer`: nets that know what an image is. Beside them, a perceptron on pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from bench.datasets import ImageShape, ProblemType
from bench.environments import processor_flags
from bench.learners import BuildContext
from bench.spaces import Choice, Config, Float, Int, Parameter, Space
from bench.zoo.images import IMAGE_MODULES, ImageLearner, pixels

MODULES = (*IMAGE_MODULES, "bench.zoo.estimators.image_net", "torch._dynamo")
EPOCHS = 15
"""Of the default: the waves of the learning rate end after 1, 3, 7 and all of them."""
BATCH = 128
BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
"""As Linux names what x86 and ARM processors have."""

TRAINING: Mapping[str, Parameter] = {
    "epochs": Choice((7, 15, 30)),
    "learning_rate": Float(low=5e-4, high=1e-2, log=True),
    "weight_decay": Float(low=1e-4, high=1e-1, log=True),
    "label_smoothing": Choice((0.0, 0.1)),
    "dropout": Float(low=0.0, high=0.5),
}
DEFAULT: Config = {
    "epochs": EPOCHS,
    "learning_rate": 3e-3,
    "weight_decay": 1e-2,
    "label_smoothing": 0.0,
    "dropout": 0.1,
}


CONV_DEFAULT: Config = {**DEFAULT, "width": 32, "n_layers": 2, "pooling": "flat"}
CONV_PARAMETERS: Mapping[str, Parameter] = {
    **TRAINING,
    "width": Choice((16, 32, 64)),
    "n_layers": Choice((2, 3)),
    "pooling": Choice(("flat", "mean")),
}
RESIDUAL_DEFAULT: Config = {**DEFAULT, "width": 16, "n_layers": 1, "pooling": "mean"}
RESIDUAL_PARAMETERS: Mapping[str, Parameter] = {
    **TRAINING,
    "width": Choice((8, 16, 32)),
    "n_layers": Choice((1, 2)),
    "pooling": Choice(("flat", "mean")),
}
TRANSFORMER_DEFAULT: Config = {**DEFAULT, "width": 54, "n_layers": 3, "learning_rate": 2e-3}
TRANSFORMER_PARAMETERS: Mapping[str, Parameter] = {
    **TRAINING,
    "width": Choice((36, 54, 108)),
    "n_layers": Int(low=2, high=5),
}
PIXELS_DEFAULT: Config = {**DEFAULT, "width": 256, "n_layers": 2, "learning_rate": 1e-3}
PIXELS_PARAMETERS: Mapping[str, Parameter] = {
    **TRAINING,
    "width": Choice((128, 256, 512)),
    "n_layers": Int(low=1, high=3),
}


class _ImageNet(ImageLearner):
    """What the nets share: all but the body. They stop between batches at the deadline."""

    packages = ("torch",)
    modules = MODULES
    polls_deadline = True
    devices = ("cpu", "cuda")
    augments = True
    body: str
    default: Config
    parameters: Mapping[str, Parameter]
    initialisation = "plain"
    bf16 = False

    def space(self, problem: ProblemType) -> Space:
        """Return the space, the same for every problem."""
        return Space(self.default, self.parameters)

    def parts(self, config: Config, context: BuildContext, image: ImageShape) -> tuple[Any, Any]:
        """Return the scaled pixels, and the net."""
        from bench.zoo.estimators.image_net import ImageNetModel, ImageNetSettings
        from bench.zoo.estimators.image_nets import ImageArchitecture
        from bench.zoo.estimators.training import Training

        values: dict[str, Any] = dict(config)

        def chosen(part: type[Any]) -> dict[str, Any]:
            return {each.name: values[each.name] for each in fields(part) if each.name in values}

        settings = ImageNetSettings(
            image=image,
            architecture=ImageArchitecture(
                body=self.body,
                initialisation=self.initialisation,
                bf16=self.bf16,
                **chosen(ImageArchitecture),
            ),
            training=Training(largest_batch=BATCH, **chosen(Training)),
            augmentation=context.augmentation,
            label_smoothing=values["label_smoothing"],
            threads=context.threads,
            device=context.device,
        )
        return pixels(image), ImageNetModel(settings, seed=context.seed)


class ConvNet(_ImageNet):
    """A small convolutional net (LeCun et al., 1998), with batch norm (Ioffe and Szegedy, 2015) and AdamW."""

    name = "conv-net"
    family = "conv"
    title = "Convolutional net"
    body = "conv"
    default = CONV_DEFAULT
    parameters = CONV_PARAMETERS


class ConvNetBf16(ConvNet):
    """The same net, its convolutions and products in bfloat16: for processors and devices that have it.

    Elsewhere each number is converted back and forth, ten times slower than in float32.
    """

    name = "conv-net-bf16"
    title = "Convolutional net, bfloat16"
    bf16 = True

    def lacks(self, device: str) -> str | None:
        """Return that the processor has no bfloat16 instructions, where the device is the processor."""
        if device != "cpu" or BF16_FLAGS & processor_flags():
            return None
        return "this processor has no bfloat16 instructions (avx512_bf16, amx_bf16): conv-net is the same net"


class ResidualConvNet(_ImageNet):
    """A residual convolutional net (He, Zhang, Ren and Sun, 2016) of three stages, each half as large."""

    name = "residual-conv-net"
    family = "conv"
    title = "Residual convolutional net"
    body = "residual"
    default = RESIDUAL_DEFAULT
    parameters = RESIDUAL_PARAMETERS


class VisionTransformer(_ImageNet):
    """A small vision transformer (Dosovitskiy et al., 2021) with learnt biases for relative places."""

    name = "vit"
    family = "transformer"
    title = "Vision transformer"
    body = "transformer"
    default = TRANSFORMER_DEFAULT
    parameters = TRANSFORMER_PARAMETERS


class ConvolutionalTransformer(VisionTransformer):
    """The same transformer, whose attention starts as a convolution (d'Ascoli et al., 2021)."""

    name = "vit-conv-init"
    title = "Vision transformer that starts convolutional"
    initialisation = "convolutional"


class PixelMlp(_ImageNet):
    """A multilayer perceptron on pixels (SiLU, dropout, AdamW), to which none is next to another."""

    name = "pixel-mlp"
    family = "net"
    title = "Multilayer perceptron on pixels"
    body = "pixels"
    default = PIXELS_DEFAULT
    parameters = PIXELS_PARAMETERS


LEARNERS = (
    ConvNet(),
    ResidualConvNet(),
    ConvNetBf16(),
    VisionTransformer(),
    ConvolutionalTransformer(),
    PixelMlp(),
)
