"""Data frames that R saved, through the package rdata where it is installed."""

from __future__ import annotations

import io
import warnings
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from bench.errors import DataError, PrerequisiteError
from bench.sources.columns import RawColumn
from bench.sources.unpacking import blocks, inflated

if TYPE_CHECKING:
    import pandas as pd


def read_rda(data: bytes, where: str) -> list[RawColumn]:
    """Return the columns of the frame that is called as its file is: factors with their levels in R's order.

    Raises DataError where it holds none, PrerequisiteError without rdata.
    """
    from bench.sources.frames import frame_columns

    plain = b"".join(blocks(inflated(io.BytesIO(data)), where))
    name = PurePosixPath(where).stem
    found = _objects(plain, where).get(name)
    if found is None or not hasattr(found, "columns"):
        raise DataError(f"{where} holds no data frame that is called {name}")
    frame: pd.DataFrame = found
    return frame_columns(frame, {})


def _objects(data: bytes, where: str) -> dict[str, Any]:
    try:
        import rdata
    except ImportError as error:
        raise PrerequisiteError(
            f"{where} is R's own format: pip install 'inductive-bench[mirrors]' to read it"
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of classes and encodings that these frames do without
            objects: dict[str, Any] = rdata.conversion.convert(rdata.parser.parse_data(data))
    except Exception as error:
        raise DataError(f"{where} cannot be read as R data: {type(error).__name__}: {error}") from error
    return objects
