"""The rule for "always" and "never" (D4): one replicated exception refutes, and none at all supports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from bench.analysis.inference.rules import SEEDS
from bench.errors import ConfigError
from bench.verdicts import Decision, Rule, Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask: TypeAlias = NDArray[np.bool_]

MIN_DATASETS = 2
"""So many must show an exception, or none."""


def decide_counts(
    rule: Rule,
    holds: Mapping[str, Mask],
    *,
    min_datasets: int = MIN_DATASETS,
    min_seeds: int = SEEDS.minimum,
) -> Decision:
    """Return what the rule makes of whether something holds, (seeds,) of each dataset.

    An exception is a seed where it does not hold (universal), or does (impossible). It is replicated on a
    dataset of enough seeds if at least four in five of them show it. REFUTED by replicated exceptions on
    `min_datasets` datasets; SUPPORTED if there is no exception on any dataset, and enough datasets, each of
    enough seeds; else INCONCLUSIVE. Raises ConfigError for the rules that decide about a mean.
    """
    if rule not in (Rule.UNIVERSAL, Rule.IMPOSSIBLE):
        raise ConfigError(f'the rule "{rule}" decides about a mean: it counts no exceptions')
    exceptions = {
        name: int((there if rule is Rule.IMPOSSIBLE else ~there).sum()) for name, there in holds.items()
    }
    seeds = {name: len(there) for name, there in holds.items()}
    short = sorted(name for name, n in seeds.items() if n < min_seeds)
    replicated = sorted(name for name, n in seeds.items() if n >= min_seeds and 5 * exceptions[name] >= 4 * n)
    seen = sorted(name for name, n in exceptions.items() if n)
    if len(replicated) >= min_datasets:
        counts = ", ".join(f"{name} {exceptions[name]} of {seeds[name]}" for name in replicated)
        return Decision(word=Word.REFUTED, why=f"exceptions in at least four of five seeds: {counts}")
    total = f"{sum(seeds.values())} seeds on {len(holds)} datasets"
    if seen:
        counts = ", ".join(f"{name} {exceptions[name]} of {seeds[name]}" for name in seen)
        return Decision(
            word=Word.INCONCLUSIVE,
            why=f"exceptions, but replicated on {len(replicated)} of {min_datasets} datasets: {counts}",
            needs=f"four in five of {min_seeds} or more seeds, on {min_datasets} datasets, to refute it",
        )
    if short or len(holds) < min_datasets:
        more = max(min_datasets - len(holds), 0)
        wants = [f"{min_seeds} seeds each on {', '.join(short)}"] if short else []
        wants += [f"{more} more datasets"] if more else []
        return Decision(
            word=Word.INCONCLUSIVE, why=f"no exception in {total}, too few to say", needs="; ".join(wants)
        )
    return Decision(word=Word.SUPPORTED, why=f"no exception in {total}")
