"""From a claim's name to a claim, with every error of its file at once."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import ValidationError

from bench.claims import (
    Claim,
    Comparison,
    Condition,
    Contrast,
    Controls,
    Count,
    Pair,
    Scale,
    Side,
    Source,
    Unit,
)
from bench.config.claim_schema import ClaimFile, ContrastTable, parse_margin
from bench.config.claim_suites import control_seed, profile_suites
from bench.config.load import suite_folders
from bench.config.problems import did_you_mean, problem_lines
from bench.errors import BenchError, ConfigError, PrerequisiteError
from bench.registry import families
from bench.registry import learner as find_learner
from bench.verdicts import Rule, Word

Sides: TypeAlias = Mapping[str, Side]
FEWEST = {Unit.DATASET: 8, Unit.SEED: 5}
"""Datasets, or seeds on each of them, under which nothing is decided, where a claim does not ask for more."""


def list_claims() -> dict[str, Path]:
    """Return every claim's name and file; the folder that is looked at first wins."""
    found: dict[str, Path] = {}
    for folder in suite_folders():
        for path in sorted((folder / "claims").glob("*.toml")):
            found.setdefault(path.stem, path)
    return found


def find_claim(name: str) -> Path:
    """Return the file of a claim, named by path, by name or by id.

    Raises:
        ConfigError: there is none; the text lists those there are.
    """
    if name.endswith(".toml") or "/" in name:
        if Path(name).is_file():
            return Path(name)
        raise ConfigError(f"{name}: there is no such claim file")
    known = list_claims()
    ids = {_id_of(path).casefold(): path for path in reversed(known.values())}
    if name in known or name.casefold() in ids:
        return known.get(name) or ids[name.casefold()]
    listed = ", ".join(known) or "none"
    raise ConfigError(
        f'no claim "{name}"{did_you_mean(name, known)} (known: {listed}; see `bench claims list`)'
    )


def load_claim(name: str) -> Claim:
    """Return the claim of that name, id or path.

    Raises:
        ConfigError: the file is missing, is not TOML, or has errors; all of them are listed.
        PrerequisiteError: the file cannot be read.
    """
    path = find_claim(name)
    content = _content(path)
    try:
        parsed = ClaimFile.model_validate(content)
    except ValidationError as error:
        raise ConfigError(*problem_lines(str(path), error, ClaimFile)) from error
    sides, problems = _sides(parsed)
    problems += _unknown_sides(parsed)
    if problems:
        raise ConfigError(*(f"{path}: {problem}" for problem in problems))
    claim = _with_profiles(_claim(parsed, sides, path, digest=""), parsed)
    claim = _hashed(claim, claim_hash(content, scope_of(claim)))
    wrong = list(_misfits(claim))
    if wrong:
        raise ConfigError(*(f"{path}: {problem}" for problem in wrong))
    return claim


def claim_hash(content: Mapping[str, Any], scope: Mapping[str, Any] | None = None) -> str:
    """Return a hash of what a claim file says, and of what its families and suites stand for.

    Comments, spaces and the order of its keys do not count.
    """
    said = json.dumps([content, scope], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def scope_of(claim: Claim) -> Mapping[str, Any]:
    """Return what a claim is about, where its file names it by a family or by another suite."""
    return {
        "sides": {name: side.learners for name, side in claim.sides.items()},
        "tasks": {name: [task.name for task in suite.tasks] for name, suite in claim.profiles.items()},
    }


def _hashed(claim: Claim, digest: str) -> Claim:
    profiles = {name: replace(suite, hash=digest) for name, suite in claim.profiles.items()}
    return replace(claim, hash=digest, profiles=profiles)


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise PrerequisiteError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error


def _id_of(path: Path) -> str:
    try:
        return str(_content(path).get("id", ""))
    except BenchError:
        return ""


def _sides(parsed: ClaimFile) -> tuple[Sides, list[str]]:
    """Return the sides, their learners by the names that cells have, and what is wrong with them."""
    sides: dict[str, Side] = {}
    problems: list[str] = []
    for name, table in parsed.sides.items():
        references = table.learners
        if table.family is not None:
            if table.family not in families():
                hint = did_you_mean(table.family, families())
                problems.append(f'sides.{name}: unknown family "{table.family}"{hint}')
                continue
            references = list(families()[table.family].learners)
        names = []
        for i, reference in enumerate(references or ()):
            try:
                names.append(find_learner(reference).name)
            except BenchError as error:
                problems.append(f"sides.{name}.learners[{i}]: {error}")
        sides[name] = Side(name=name, learners=tuple(names), show=table.show)
    return sides, problems


def _unknown_sides(parsed: ClaimFile) -> list[str]:
    """Return a line for each side that is named and not declared."""
    named: list[tuple[str, str]] = []
    for i, contrast in enumerate(parsed.contrasts):
        named += [(f"contrasts[{i}].pairs", name) for pair in contrast.pairs for name in pair]
        named += [(f"contrasts[{i}].side", contrast.side)] if contrast.side else []
    controls = parsed.controls
    named += [("controls.same", name) for name in controls.same]
    named += [("controls.positive", name) for name in controls.positive or ()]
    if controls.permuted_labels is not None:
        named += [("controls.permuted_labels.sides", name) for name in controls.permuted_labels.sides]
    return [
        f'{where}: no side "{name}"{did_you_mean(name, parsed.sides)} (sides: {", ".join(parsed.sides)})'
        for where, name in named
        if name not in parsed.sides
    ]


def _claim(parsed: ClaimFile, sides: Sides, path: Path, digest: str) -> Claim:
    unit, controls = Unit(parsed.unit), parsed.controls
    permuted = controls.permuted_labels
    return Claim(
        id=parsed.id,
        name=path.stem,
        title=parsed.title,
        statement=parsed.statement,
        note=parsed.note,
        sources=tuple(Source(cite=each.cite, says=each.says) for each in parsed.sources),
        unit=unit,
        fewest=FEWEST[unit] if parsed.fewest is None else parsed.fewest,
        sides=sides,
        contrasts=tuple(_contrast(each, parsed.margin) for each in parsed.contrasts),
        controls=Controls(
            same=tuple(controls.same),
            null=tuple(controls.null),
            positive=None if controls.positive is None else Pair(*controls.positive),
            permuted_labels=() if permuted is None else tuple(permuted.sides),
            permuted_tasks=() if permuted is None else tuple(permuted.tasks),
        ),
        expected=Word(parsed.expected),
        because=parsed.because,
        profiles={},
        path=str(path),
        hash=digest,
    )


def _contrast(table: ContrastTable, margin: str) -> Contrast:
    if table.side is not None:
        return Count(
            name=table.name,
            rule=Rule(table.rule),
            side=table.side,
            conditions=tuple(
                Condition(
                    intervention=each.intervention,
                    part=each.part,
                    at_most=each.at_most,
                    of_dummy=each.of_dummy,
                )
                for each in table.conditions
            ),
            primary=table.primary,
        )
    return Comparison(
        name=table.name,
        rule=Rule(table.rule),
        pairs=tuple(Pair(*pair) for pair in table.pairs),
        margin=parse_margin(table.margin or margin),
        primary=table.primary,
        intact=table.intact,
        altered=table.altered,
    )


def _with_profiles(claim: Claim, parsed: ClaimFile) -> Claim:
    tables = {str(name): table for name, table in parsed.profiles.items()}
    extra = {name: control_seed(claim, table) for name, table in tables.items()}
    return replace(
        claim,
        profiles=profile_suites(claim, tables),
        control_seeds={name: seed for name, seed in extra.items() if seed is not None},
    )


def _misfits(claim: Claim) -> Iterator[str]:
    """Yield what does not fit together, though each part of it is well formed."""
    yield from _shapeless(claim)
    for learner in claim.controls.null:
        if learner not in claim.learners:
            known = ", ".join(claim.learners)
            yield f'controls.null: "{learner}" is a learner of no side (learners: {known})'
    yield from _unequal(claim)
    pair = claim.controls.positive
    if pair is not None and pair.side == pair.against:
        yield f'controls.positive: "{pair.side}" cannot be better than itself'
    if claim.controls.null and not any(each.altered for each in claim.comparisons):
        yield "controls.null: there is no interaction, so nothing that learners must not notice"
    tasks = {task.name for suite in claim.profiles.values() for task in suite.tasks}
    for task in claim.controls.permuted_tasks:
        if task not in tasks:
            yield f'controls.permuted_labels.tasks: "{task}" is a task of no profile'


def _unequal(claim: Claim) -> Iterator[str]:
    """Yield where trials cannot be shared evenly, and where errors at several sizes would be averaged."""
    compared = [claim.sides[name] for name in dict.fromkeys(n for c in claim.comparisons for n in c.sides)]
    for profile, suite in claim.profiles.items():
        trials = suite.budget.trials
        for side in compared:
            m = len(side.learners)
            if suite.budget.seconds is None and trials is not None and side.show != "default" and trials % m:
                yield (
                    f"profiles.{profile}.budget.trials: {trials} trials cannot be shared evenly among the "
                    f"{m} learners of {side.name}: the others would have more"
                )
        if len(suite.train_caps) > 1 and any(each.rule is not Rule.SHAPE for each in claim.comparisons):
            yield (
                f"profiles.{profile}.caps.train_rows: errors at several sizes cannot be averaged: name one, "
                'or compare by rule "shape" alone'
            )


def _shapeless(claim: Claim) -> Iterator[str]:
    """Yield where margins are of exponents and rules are not, or the other way, and what has no sizes."""
    names = Counter(contrast.name for contrast in claim.contrasts)
    yield from (f'contrasts: the name "{name}" stands {n} times' for name, n in names.items() if n > 1)
    for i, contrast in enumerate(claim.contrasts):
        if isinstance(contrast, Comparison):
            alone = (pair.side for pair in contrast.pairs if pair.side == pair.against)
            yield from (f'contrasts[{i}].pairs: "{name}" is compared with itself' for name in alone)
        slopes = isinstance(contrast, Comparison) and contrast.margin.scale is Scale.SLOPE
        if slopes != (contrast.rule is Rule.SHAPE):
            yield f'contrasts[{i}]: rule "shape" alone has a margin of exponents, a number such as "0.05"'
        if contrast.rule is Rule.SHAPE:
            for name, suite in claim.profiles.items():
                if sum(cap is not None for cap in suite.train_caps) < 2:
                    yield f"profiles.{name}.caps.train_rows: a shape needs several sizes, in numbers of rows"
