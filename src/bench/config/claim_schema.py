"""The shape of a claim file. What leaves this package are frozen nouns."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from bench.claims import Margin, Scale
from bench.config.schema import FileTable, TaskTable, intervention_name, no_switch
from bench.interventions import NONE, parse_intervention
from bench.verdicts import Rule

MARGIN = re.compile(r"(\d{1,4}(?:\.\d+)?)(?: (%|points))?")


def parse_margin(text: str) -> Margin:
    """Return `5 %` of an error, `5 points` of an error rate, or a bare number for exponents as a margin.

    Raises ValueError where it is none of these, or not above 0.
    """
    match = MARGIN.fullmatch(text.strip())
    if match is None:
        message = f'"{text}" is no margin: write "5 %", "5 points", or a number where exponents are compared'
        raise ValueError(message)
    amount = float(match[1])
    if amount <= 0:
        message = "a margin of zero decides nothing: name the smallest difference that matters"
        raise ValueError(message)
    match match[2]:
        case "%":
            return Margin(math.log1p(amount / 100), Scale.RATIO)
        case "points":
            return Margin(amount / 100, Scale.POINTS)
        case _:
            return Margin(amount, Scale.SLOPE)


def _margin(value: str) -> str:
    parse_margin(value)
    return value


def _rule(value: str) -> str:
    if value not in set(Rule):
        message = f'no rule "{value}" (rules: {", ".join(Rule)})'
        raise ValueError(message)
    return value


def _task(value: object) -> object:
    if isinstance(value, str):
        name, _, number = value.partition("openml:task/")
        return {"openml_task": int(number)} if not name and number.isdigit() else {"dataset": value}
    return value


def _side(value: object) -> object:
    return {"learners": value} if isinstance(value, list) else value


MarginText = Annotated[str, AfterValidator(_margin)]
RuleName = Annotated[str, AfterValidator(_rule)]
InterventionName = Annotated[str, AfterValidator(intervention_name)]


class SourceTable(FileTable):
    """`[[sources]]`: a discussion or a paper."""

    cite: str
    says: str


class SideTable(FileTable):
    """`[sides]`: a list of learners, or a family, or either with how it is shown."""

    learners: Annotated[list[str], Field(min_length=1)] | None = None
    family: str | None = None
    show: Literal["tuned", "default"] = "tuned"

    @model_validator(mode="after")
    def _one_of_both(self) -> SideTable:
        if (self.learners is None) == (self.family is None):
            message = "give learners or a family"
            raise ValueError(message)
        return self


class ConditionTable(FileTable):
    """A bound that an error keeps."""

    intervention: InterventionName = NONE
    part: Literal["train", "test"] = "test"
    at_most: Annotated[float, Field(ge=0)]
    of_dummy: bool = False


class ContrastTable(FileTable):
    """`[[contrasts]]`: what is compared, and the rule that decides."""

    name: str
    rule: RuleName
    pairs: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = Field(default_factory=list)
    side: str | None = None
    conditions: list[ConditionTable] = Field(default_factory=list)
    margin: MarginText | None = None
    intact: InterventionName = NONE
    altered: InterventionName | None = None
    primary: bool = True

    @property
    def counts(self) -> bool:
        """Whether it is decided by counting."""
        return self.rule in (Rule.UNIVERSAL, Rule.IMPOSSIBLE)

    @model_validator(mode="after")
    def _what_the_rule_needs(self) -> ContrastTable:
        if self.counts and (self.side is None or not self.conditions or self.pairs):
            message = f'rule "{self.rule}" needs side and conditions, and no pairs'
            raise ValueError(message)
        if not self.counts and (not self.pairs or self.side is not None or self.conditions):
            message = (
                f'rule "{self.rule}" needs pairs of sides, such as [["trees", "nets"]], and no conditions'
            )
            raise ValueError(message)
        if (self.rule == Rule.INTERACTION) != (self.altered is not None):
            message = f'rule "{self.rule}" and altered = "..." do not go together'
            if self.rule == Rule.INTERACTION:
                message = 'rule "interaction" needs altered, the intervention that takes the advantage away'
            raise ValueError(message)
        if self.altered is not None:
            reference = parse_intervention(self.altered).kind.reference
            if reference != self.intact:
                message = f'"{self.altered}" is compared with intact = "{reference}"'
                raise ValueError(message)
        return self


class PermutedTable(FileTable):
    """Which sides must be at chance under random labels, and on which tasks."""

    sides: Annotated[list[str], Field(min_length=1)]
    tasks: list[str] = Field(default_factory=list)


class ControlsTable(FileTable):
    """`[controls]`: what must come out as known."""

    same: list[str] = Field(default_factory=list)
    null: list[str] = Field(default_factory=list)
    positive: Annotated[list[str], Field(min_length=2, max_length=2)] | None = None
    permuted_labels: PermutedTable | None = None


class ProfileTable(FileTable):
    """`[profiles.small]`: what is run; as a suite, but for what the claim itself says."""

    tasks: Annotated[list[Annotated[TaskTable, BeforeValidator(_task)]], Field(min_length=1)] | None = None
    tasks_of: str | None = None
    """A suite whose tasks are taken."""
    budget: dict[str, Any]
    caps: dict[str, Any] = Field(default_factory=dict)
    validation: str = "holdout"
    folds: int = 1
    repeats: int = 1
    seeds: list[int] = Field(default_factory=lambda: [0])
    augmentation: bool = True
    exact_limit_s: float | None = None
    accept: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_of_both(self) -> ProfileTable:
        if (self.tasks is None) == (self.tasks_of is None):
            message = "give tasks, or tasks_of, a suite whose tasks are taken"
            raise ValueError(message)
        return self


class ClaimFile(FileTable):
    """A whole claim file."""

    format: Annotated[Literal[1], BeforeValidator(no_switch)]
    id: Annotated[str, Field(pattern=r"^[A-Z]{2,4}-\d{1,2}[a-z]?$")]
    title: str
    statement: str
    note: str = ""
    sources: Annotated[list[SourceTable], Field(min_length=1)]
    unit: Literal["dataset", "seed"] = "dataset"
    fewest: Annotated[int, Field(ge=3)] | None = None
    margin: MarginText
    expected: Literal["SUPPORTED", "REFUTED", "INCONCLUSIVE"]
    because: str
    sides: Annotated[dict[str, Annotated[SideTable, BeforeValidator(_side)]], Field(min_length=1)]
    contrasts: Annotated[list[ContrastTable], Field(min_length=1)]
    controls: ControlsTable = ControlsTable()
    profiles: Annotated[dict[Literal["small", "full"], ProfileTable], Field(min_length=1)]

    @model_validator(mode="after")
    def _some_primary(self) -> ClaimFile:
        if not any(contrast.primary for contrast in self.contrasts):
            message = "no contrast is primary: on which does the verdict rest?"
            raise ValueError(message)
        return self
