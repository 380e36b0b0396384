"""Pickled data frames, opened through an allow-list: a pickle names what a frame is made of, or is refused.

Run only in the child process that fills the cache, on a file whose package has passed its hash check.
"""

from __future__ import annotations

import io
import lzma
import pickle
from typing import Any

import pandas as pd

from bench.errors import DataError
from bench.sources.columns import RawColumn

_ALLOWED = {
    ("builtins", "slice"): ("builtins", "slice"),
    ("numpy", "dtype"): ("numpy", "dtype"),
    ("numpy", "ndarray"): ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"): ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.numeric", "_frombuffer"): ("numpy._core.numeric", "_frombuffer"),
    ("pandas._libs.internals", "_unpickle_block"): ("pandas._libs.internals", "_unpickle_block"),
    ("pandas.core.frame", "DataFrame"): ("pandas", "DataFrame"),
    ("pandas.core.indexes.base", "Index"): ("pandas", "Index"),
    ("pandas.core.indexes.base", "_new_Index"): ("pandas.core.indexes.base", "_new_Index"),
    ("pandas.core.indexes.range", "RangeIndex"): ("pandas", "RangeIndex"),
    ("pandas.core.internals.managers", "BlockManager"): ("pandas.core.internals.managers", "BlockManager"),
}
"""What may be named, and where it is in today's libraries."""


def read_frame(data: bytes, where: str) -> list[RawColumn]:
    """Return the columns of an xz-compressed pickle of a DataFrame; raise DataError for anything else."""
    try:
        frame = _AllowList(io.BytesIO(lzma.decompress(data))).load()
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
    except Exception as error:
        raise DataError(f"{where} is no pickled data frame: {type(error).__name__}: {error}") from error
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"{where} holds a {type(frame).__name__}, not a data frame")
    return [_column(str(name), frame.iloc[:, i]) for i, name in enumerate(frame.columns)]


class _AllowList(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise DataError(f"refused to open a pickle that names {module}.{name}, which no data frame needs")
        return super().find_class(*_ALLOWED[module, name])


def _column(name: str, series: pd.Series[Any]) -> RawColumn:
    if pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series):
        return RawColumn(name, series.to_numpy(dtype="float64"))
    texts = [None if missing else str(value) for value, missing in zip(series, series.isna(), strict=True)]
    return RawColumn(name, texts, tuple(sorted({text for text in texts if text is not None})))
