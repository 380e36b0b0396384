"""Files of images and labels, a band of images at a time: MNIST's IDX format, and pictures of pixel rows.

IDX: two zero bytes, a type, the number of axes, their lengths as big-endian int32, then the values in
C order (LeCun, Cortes and Burges, The MNIST database, 1998).
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.datasets import ImageShape
from bench.errors import DataError, PrerequisiteError

BAND = 1000
"""How many images are held at a time."""
_UINT8 = 8
N_CLASSES = 10


def read_idx(path: Path, name: str) -> npt.NDArray[np.uint8]:
    """Return the values of an IDX file of bytes, mapped, not read; raise DataError where it is none."""
    with path.open("rb") as file:
        head = file.read(4)
        if len(head) < 4 or head[:3] != bytes((0, 0, _UINT8)):
            raise DataError(f"{name} is no IDX file of bytes")
        lengths = file.read(4 * head[3])
        if len(lengths) < 4 * head[3]:
            raise DataError(f"{name} ends in its header")
        axes = struct.unpack(f">{head[3]}i", lengths)
        start = file.tell()
    expected = start + math.prod(axes)
    if path.stat().st_size != expected:
        raise DataError(f"{name} has {path.stat().st_size:,} bytes, and its header speaks of {expected:,}")
    values: npt.NDArray[np.uint8] = np.memmap(path, np.uint8, "r", offset=start, shape=axes)
    return values


def idx_bands(path: Path, name: str, shape: ImageShape) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield images (n, height, width, channels) of an IDX file."""
    values = read_idx(path, name)
    if values.shape[1:] != (shape.height, shape.width) or shape.channels != 1:
        raise DataError(f"{name} holds values of shape {values.shape}, not grey images of {_size(shape)}")
    for start in range(0, len(values), BAND):
        yield np.array(values[start : start + BAND, :, :, None])


def png_bands(path: Path, name: str, shape: ImageShape) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield images (n, height, width, channels) of a PNG file that holds one in each row of pixels.

    Its size is looked at before a pixel is decoded. Raises DataError, and PrerequisiteError without Pillow.
    """
    image_of = _pillow(name)
    try:
        with image_of.open(path, formats=["PNG"]) as picture:
            width, height = picture.size
            if width != shape.height * shape.width or picture.mode != "RGB" or shape.channels != 3:
                size = f"{width} x {height} in {picture.mode}"
                raise DataError(f"{name} is a picture of {size}, not rows of RGB images of {_size(shape)}")
            for start in range(0, height, BAND):
                band = picture.crop((0, start, width, min(height, start + BAND)))
                yield np.asarray(band).reshape(-1, shape.height, shape.width, shape.channels)
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{name} cannot be read as a picture: {error}") from error


def idx_labels(path: Path, name: str) -> npt.NDArray[np.int32]:
    """Return the class codes (n,) of an IDX file."""
    return _codes(np.array(read_idx(path, name)), name)


def json_labels(path: Path, name: str) -> npt.NDArray[np.int32]:
    """Return the class codes (n,) of a JSON list."""
    try:
        return _codes(np.array(json.loads(path.read_bytes())), name)
    except ValueError as error:
        raise DataError(f"{name} cannot be read as a list of labels: {error}") from error


def _codes(values: npt.NDArray[Any], name: str) -> npt.NDArray[np.int32]:
    whole = values.ndim == 1 and values.dtype.kind in "iu"
    if not whole or not len(values) or values.min() < 0 or values.max() >= N_CLASSES:
        raise DataError(f"{name} holds something else than a label from 0 to {N_CLASSES - 1} for each image")
    return values.astype(np.int32)


def _size(shape: ImageShape) -> str:
    return f"{shape.height} x {shape.width}"


def _pillow(name: str) -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise PrerequisiteError(
            f"{name} is a picture: pip install 'inductive-bench[images]' to read it"
        ) from error
    return Image
