"""From the columns of one's own table to what is learnt from what: roles, kinds, rows, notes."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bench.datasets import ColumnKind, FeatureKind, ProblemType
from bench.errors import DataError
from bench.sources.columns import RawColumn, Told
from bench.sources.features import FEWEST_TO_JUDGE, FeatureReader
from bench.sources.notes import Notes, listed, shortened
from bench.sources.requests import TableOptions
from bench.sources.tables import MAX_CLASSES, Content, Layout, assemble

MOST_WITHOUT_TARGET = 0.5
FEW_NUMBERS = 50
"""A target of fewer different whole numbers might as well be meant as classes."""
MOST_CLASSES = 0.5
"""Classes of a target, as a share of the rows: with more there is none to learn."""
SHOWN_COLUMNS = 10


def own_table(raw: Sequence[RawColumn], options: TableOptions, *, comma_separates: bool = True) -> Content:
    """Return one's own table; `comma_separates` says that commas part the columns of its file.

    Raises DataError where it cannot be learnt from, or is not what it is declared to be.
    """
    _check(raw, options)
    notes = Notes()
    reader = FeatureReader(notes, comma_separates=comma_separates)
    by_name = {column.name: column for column in raw}
    target = _target(by_name[options.target], options.problem, reader, notes)
    time = None if options.time is None else _time(by_name[options.time], options.kinds, reader)
    rows = _rows(target, time, notes)
    roles = {column.name: column.only(rows) for column in (target, time) if column is not None}
    if options.group is not None:
        roles[options.group] = _group(by_name[options.group].only(rows), notes)
    features = [
        reader.feature(column.only(rows), options.kinds.get(column.name))
        for column in raw
        if column.name not in roles
    ]
    reader.finish()
    kept = [column for column in features if column is not None]
    if not kept:
        raise DataError("; ".join([f"nothing is left to learn {target.name!r} from", *notes.lines()]))
    layout = Layout(
        target=options.target,
        problem=options.problem,
        kinds=_feature_kinds(options.kinds, kept),
        group=options.group,
        time=options.time,
    )
    content = assemble([*kept, *roles.values()], layout)
    _refuse_names_for_classes(content)
    return replace(content, notes=notes.lines(), n_unlabelled=int(target.missing.sum()))


def _check(raw: Sequence[RawColumn], options: TableOptions) -> None:
    """Raise DataError where columns have no names of their own, or what is said of them cannot be."""
    names = [column.name for column in raw]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"column {shortened(twice)!r} occurs more than once: give each a name of its own")
    wrong = misasked(options, names)
    if wrong:
        raise DataError(wrong[0])


def misasked(options: TableOptions, names: Sequence[str]) -> list[str]:
    """Return what is wrong with the options for a table of these columns, a line each."""
    roles = _Roles(options.target, options.group, options.time)
    absent = [
        f"there is no column {shortened(name)!r}{_known(name, names)}"
        for name in dict.fromkeys((*roles.named.values(), *options.kinds))
        if name not in names
    ]
    clash = roles.problem(options.kinds)
    return absent if clash is None else [*absent, clash]


@dataclass(frozen=True, slots=True)
class _Roles:
    """Which columns are more than features."""

    target: str
    group: str | None
    time: str | None

    @property
    def named(self) -> Mapping[str, str]:
        """The columns by role."""
        roles = {"target": self.target, "group": self.group, "time": self.time}
        return {role: name for role, name in roles.items() if name is not None}

    def problem(self, kinds: Mapping[str, ColumnKind]) -> str | None:
        """Return what is wrong with them, or None."""
        if self.group is not None and self.time is not None:
            return "give group or time, not both: rows are split by one of them"
        names = list(self.named.values())
        if len(set(names)) < len(names):
            return f"column {shortened(self.target)!r} cannot be the target and the {list(self.named)[1]} too"
        for role, name in self.named.items():
            allowed = (ColumnKind.NUMERIC, ColumnKind.DATE) if role == "time" else ()
            if name in kinds and kinds[name] not in allowed:
                hint = "; problem says how a target is read" if role == "target" else ""
                return f"column {shortened(name)!r} is the {role}, so it cannot be {kinds[name]}{hint}"
        return None


def _known(wrong: str, names: Sequence[str]) -> str:
    """Return what the columns are, and which one was probably meant."""
    near = difflib.get_close_matches(wrong, names, n=1) or [
        name for name in names if name.lower() == wrong.strip().lower()
    ]
    hint = f": did you mean {shortened(near[0])!r}?" if near else ":"
    shown = listed(names, most=SHOWN_COLUMNS)
    if len(names) == 1:
        return f"{hint} its only column is {shown}; columns are parted by commas, semicolons or tabs"
    return f"{hint} the columns are {shown}"


def _target(column: RawColumn, problem: ProblemType | None, reader: FeatureReader, notes: Notes) -> RawColumn:
    """Return the target with its numbers read, and note where it might have been meant otherwise."""
    if problem is ProblemType.REGRESSION:
        return replace(column, values=reader.numbers(column), order=(), told=Told.NOTHING)
    numbers = reader.numbers_if_any(column)
    if numbers is None:
        return column
    found = np.unique(numbers[~np.isnan(numbers)])
    if problem is None and 2 < len(found) < FEW_NUMBERS and (found == np.floor(found)).all():
        classes = len(found) <= MAX_CLASSES
        read, other = ("classes", "regression") if classes else ("numbers", "multiclass")
        notes.add(
            f"the target holds {len(found)} different whole numbers, read as {read} "
            f'(problem = "{other}" reads them as {"numbers" if classes else "classes"})'
        )
    return replace(column, values=numbers)


def _time(column: RawColumn, kinds: Mapping[str, ColumnKind], reader: FeatureReader) -> RawColumn:
    """Return the column that orders the rows as numbers, whatever it is written as."""
    kind = kinds.get(column.name)
    if kind is ColumnKind.NUMERIC:
        return replace(column, values=reader.numbers(column), order=(), told=Told.NOTHING)
    numbers = None if kind is ColumnKind.DATE else reader.numbers_if_any(column)
    return reader.dates(column) if numbers is None else replace(column, values=numbers)


def _group(column: RawColumn, notes: Notes) -> RawColumn:
    missing = int(column.missing.sum())
    if missing:
        notes.add(f"rows without a {shortened(column.name)!r} are taken as one group ({missing:,})")
    return column


def _rows(target: RawColumn, time: RawColumn | None, notes: Notes) -> npt.NDArray[np.bool_]:
    """Return the rows that can be used, (n_rows,), and note the others."""
    here = ~target.missing
    n_rows, without = len(here), int((~here).sum())
    if without > MOST_WITHOUT_TARGET * n_rows:
        raise DataError(
            f"the target {shortened(target.name)!r} is missing in {without:,} of {n_rows:,} rows: "
            "choose another target, or leave these rows out of the file"
        )
    if without:
        notes.add(f"rows without a target are left out ({without:,} of {n_rows:,})")
    if time is None:
        return here
    placed = ~time.missing
    if placed.sum() < MOST_WITHOUT_TARGET * n_rows:
        raise DataError(f"the time {shortened(time.name)!r} is missing in most rows: choose another column")
    if not placed.all():
        notes.add(f"rows without a {shortened(time.name)!r} have no place in time and are left out")
    return here & placed


def _feature_kinds(kinds: Mapping[str, ColumnKind], features: Iterable[RawColumn]) -> dict[str, FeatureKind]:
    return {
        column.name: FeatureKind.CATEGORICAL
        for column in features
        if kinds.get(column.name) is ColumnKind.CATEGORICAL
    }


def _refuse_names_for_classes(content: Content) -> None:
    """Raise DataError where nearly every row has a class of its own."""
    n_rows, n_classes = len(content.target), len(content.classes)
    if n_rows >= FEWEST_TO_JUDGE and n_classes > max(2.0, MOST_CLASSES * n_rows):
        raise DataError(
            f"the target {shortened(content.target_name)!r} holds {n_classes:,} different values in "
            f"{n_rows:,} rows, such as {shortened(content.classes[0])!r}: they are no classes, nor "
            "numbers; choose another target"
        )
