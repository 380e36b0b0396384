"""Parquet files, through pyarrow where it is installed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from bench.errors import DataError, PrerequisiteError

if TYPE_CHECKING:
    import pandas as pd

MAGIC = b"PAR1"
"""How a Parquet file begins and ends."""


def is_parquet(data: bytes) -> bool:
    """Return whether these are the bytes of a Parquet file."""
    return data.startswith(MAGIC) and data.endswith(MAGIC)


def read_parquet(data: bytes) -> pd.DataFrame:
    """Return the frame in a Parquet file; a saved index is one again.

    Raises DataError where there is none, PrerequisiteError without pyarrow.
    """
    pq = _pyarrow()
    try:
        frame: pd.DataFrame = pq.read_table(io.BytesIO(data)).to_pandas()
    except (ValueError, TypeError, OSError, NotImplementedError) as error:  # pyarrow's own are of these
        raise DataError(f"it cannot be read as Parquet: {' '.join(str(error).split())[:200]}") from error
    return frame


def parquet_names(data: bytes) -> list[str]:
    """Return the names of the columns of a Parquet file; raise as `read_parquet`."""
    pq = _pyarrow()
    try:
        schema = pq.read_schema(io.BytesIO(data))
        saved = (schema.pandas_metadata or {}).get("index_columns", [])  # no columns of the frame
        return [str(name) for name in schema.names if name not in saved]
    except (ValueError, OSError) as error:
        raise DataError(f"it cannot be read as Parquet: {' '.join(str(error).split())[:200]}") from error


def _pyarrow() -> Any:
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise PrerequisiteError(
            "Parquet files are read with pyarrow, which is not installed: "
            "pip install 'inductive-bench[parquet]'"
        ) from error
    return pq
