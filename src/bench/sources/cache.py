"""The hashed cache of tables: a folder for each, described in JSON, one .npy file a column, nothing pickled.

Describing a table takes the standard library alone; numpy and pandas are imported where rows are read.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bench.datasets import Dataset, FeatureKind
from bench.errors import DataError, PrerequisiteError
from bench.sources.description import (
    DESCRIPTION,
    FORMAT,
    GROUP,
    IMAGES,
    ROWS,
    TARGET,
    TIME,
    Description,
    column_file,
    parse_description,
    render_description,
    splits_file,
)  # fmt: skip
from bench.splits.plan import TWINS3
from bench.splits.structure import INDEPENDENT, Structure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a dataset."""

    dataset: Dataset
    X: pd.DataFrame | npt.NDArray[np.uint8]
    """(n_rows, n_features): float64, and pandas categoricals with every level.

    Images stay in their file, mapped: uint8 (n_rows, height, width, channels)."""
    y: npt.NDArray[Any]
    """(n_rows,): float64, or int64 codes into the classes."""
    row_hashes: npt.NDArray[np.uint64]
    """(n_rows,): the same for rows with the same features."""
    structure: Structure = INDEPENDENT

    def rows(self, ids: npt.NDArray[np.integer[Any]]) -> pd.DataFrame:
        """Return rows as learners take them, numbered from 0; images are flattened, float32."""
        import numpy as np
        import pandas as pd

        if isinstance(self.X, pd.DataFrame):
            return self.X.iloc[ids].reset_index(drop=True)
        names = [feature.name for feature in self.dataset.features]
        drawn = np.asarray(self.X[ids], dtype=np.float32).reshape(len(ids), len(names))
        return pd.DataFrame(drawn, columns=names)


class Cache:
    """The tables kept on this machine."""

    def __init__(self, root: Path | None = None) -> None:
        """Use a folder: this one, else `BENCH_CACHE`, else the user's cache folder. Made when needed."""
        self.root = root if root is not None else default_root()
        self.tables = self.root / f"tables-v{FORMAT}"
        """The folder of the tables' folders."""

    def folder(self, name: str) -> Path:
        """Return where a table is kept; safe for any name, on any file system."""
        readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
        return (
            self.tables
            / f"{readable}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
        )

    def describe(self, name: str) -> Dataset | None:
        """Return what is known of a table, or None where it is not kept.

        Raises DataError where its description is damaged, PrerequisiteError where the folder cannot be read.
        """
        content = self._content(name)
        return None if content is None else content.dataset

    def load(self, name: str) -> Table:
        """Return a table, every file checked by its hash; raise DataError where it is absent or damaged."""
        content = self._required(name)
        X = self._images(name, content) if content.dataset.image else self._columns(name, content)
        hashes = self._array(name, content, ROWS)
        return Table(content.dataset, X, self._outcome(name, content), hashes, self._structure(name, content))

    def load_target(self, name: str) -> tuple[npt.NDArray[Any], Structure]:
        """Return a table's target as `load` does, and what ties its rows together, without its columns."""
        content = self._required(name)
        return self._outcome(name, content), self._structure(name, content)

    def fold_of_row(self, name: str, procedure: str, repeat: int = 0) -> npt.NDArray[np.int16]:
        """Return the fold (n_rows,) of each row under a split procedure.

        Raises DataError where the table is absent or damaged, or has no such procedure or repeat.
        """
        content = self._required(name)
        file = splits_file(procedure)
        if file not in content.files:
            raise DataError(f"table {name!r} has no splits of {procedure!r}: {self._mend(name)}")
        repeats = self._array(name, content, file)
        if not 0 <= repeat < len(repeats):
            raise DataError(
                f"table {name!r} has {len(repeats)} repeats of {procedure}, so there is no repeat {repeat}"
            )
        folds: npt.NDArray[np.int16] = repeats[repeat]
        return folds

    def store(
        self,
        dataset: Dataset,
        arrays: Mapping[str, npt.NDArray[Any]],
        files: Mapping[str, Path] = MappingProxyType({}),
    ) -> None:
        """Keep a table: its columns, target and splits by file name (see `array_files`), and .npy files.

        Written aside and renamed, so that nobody sees half of it. Where another process was first, its
        copy stays.
        Raises PrerequisiteError where the folder cannot be written.
        """
        import numpy as np

        aside = self.tables / f".{uuid.uuid4().hex}"
        with self._usable():
            aside.mkdir(parents=True)
            try:
                hashes = {}
                for file, array in arrays.items():
                    buffer = io.BytesIO()
                    np.save(buffer, array, allow_pickle=False)
                    hashes[file] = hashlib.sha256(buffer.getvalue()).hexdigest()
                    (aside / file).write_bytes(buffer.getvalue())
                for file, source in files.items():
                    shutil.copyfile(source, aside / file)
                    hashes[file] = file_hash(aside / file)
                (aside / DESCRIPTION).write_text(render_description(Description(dataset, hashes)), "ascii")
                self._publish(aside, self.folder(dataset.name))
            finally:
                shutil.rmtree(aside, ignore_errors=True)

    @staticmethod
    def _publish(aside: Path, folder: Path) -> None:
        try:
            aside.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise

    def _content(self, name: str) -> Description | None:
        path = self.folder(name) / DESCRIPTION
        with self._usable():
            if not path.parent.exists():
                if self.root.exists() and not self.root.is_dir():
                    raise NotADirectoryError(errno.ENOTDIR, "Not a directory", str(self.root))
                return None
        content = parse_description(self._read(name, DESCRIPTION))
        if content is None:
            raise DataError(f"{path} is damaged: {self._mend(name)}")
        return content

    def _required(self, name: str) -> Description:
        content = self._content(name)
        if content is None:
            raise DataError(
                f"table {name!r} is not in the cache {self.root}: run again, it is fetched before a run"
            )
        return content

    def _columns(self, name: str, content: Description) -> pd.DataFrame:
        import pandas as pd

        columns: dict[str, Any] = {}
        for number, feature in enumerate(content.dataset.features):
            values = self._array(name, content, column_file(number))
            if feature.kind is FeatureKind.CATEGORICAL:
                if values.max(initial=-1) >= len(feature.levels):
                    raise DataError(
                        f"{self.folder(name) / column_file(number)} holds categories that {feature.name!r} "
                        f"has not: {self._mend(name)}"
                    )
                columns[feature.name] = pd.Categorical.from_codes(values, categories=pd.Index(feature.levels))
            else:
                columns[feature.name] = values
        return pd.DataFrame(columns)  # one block of numbers: thousands of columns are sliced at once

    def _images(self, name: str, content: Description) -> npt.NDArray[np.uint8]:
        """Return the images, their file hashed block by block and then mapped: few are in memory."""
        import numpy as np

        path = self.folder(name) / IMAGES
        with self._usable():
            try:
                found = file_hash(path)
            except FileNotFoundError:
                raise DataError(f"{path} is missing: {self._mend(name)}") from None
        if found != content.files[IMAGES]:
            raise self._damaged(name, IMAGES)
        images: npt.NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
        return images

    def _outcome(self, name: str, content: Description) -> npt.NDArray[Any]:
        import numpy as np

        target = self._array(name, content, TARGET)
        return target.astype(np.int64) if content.dataset.classes else target

    def _structure(self, name: str, content: Description) -> Structure:
        group, time = (
            self._array(name, content, file) if file in content.files else None for file in (GROUP, TIME)
        )
        if splits_file(TWINS3) not in content.files:
            return Structure(group, time)
        from bench.splits.twins import twin_codes

        return Structure(twins=twin_codes(self._array(name, content, ROWS)))

    def _array(self, name: str, content: Description, file: str) -> npt.NDArray[Any]:
        import numpy as np

        data = self._read(name, file)
        if hashlib.sha256(data).hexdigest() != content.files[file]:
            raise self._damaged(name, file)
        try:
            array: npt.NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
        except (ValueError, EOFError, MemoryError) as error:  # its hash says nothing of what it is
            raise DataError(f"{self.folder(name) / file} is no array ({error}): {self._mend(name)}") from None
        n_rows = array.shape[-1] if file.startswith("splits-") else len(array) if array.ndim == 1 else -1
        if n_rows != content.dataset.n_rows:
            raise DataError(
                f"{self.folder(name) / file} has the shape {array.shape}, and the table "
                f"{content.dataset.n_rows:,} rows: {self._mend(name)}"
            )
        return array

    def _read(self, name: str, file: str) -> bytes:
        path = self.folder(name) / file
        with self._usable():
            try:
                return path.read_bytes()
            except FileNotFoundError:
                raise DataError(f"{path} is missing: {self._mend(name)}") from None

    def _damaged(self, name: str, file: str) -> DataError:
        return DataError(f"{self.folder(name) / file} is damaged (its hash differs): {self._mend(name)}")

    def _mend(self, name: str) -> str:
        return f"delete {self.folder(name)} and run again"

    @contextlib.contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            inside = Path(error.filename or self.root)
            where = "" if inside.name.startswith(".") or inside == self.root else f": {inside}"
            reason = f"{error.strerror or error}{where}"
            raise PrerequisiteError(
                f"the cache {self.root} cannot be used ({reason}): "
                "set BENCH_CACHE to a folder that can be read and written"
            ) from error


def default_root() -> Path:
    """Return the folder that `BENCH_CACHE` names, else the user's cache folder for bench."""
    named = os.environ.get("BENCH_CACHE")
    if named:
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_cache_dir("bench"))


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
