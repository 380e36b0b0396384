"""How often `bench compare` gives each answer where the truth is known.

`python benchmarks/comparison_power.py` writes the table beside it and its copy in docs/regressions.md. It is
seeded, and takes half an hour of a core.
"""

from __future__ import annotations

import csv
import math
from itertools import product
from pathlib import Path

import numpy as np

from bench.analysis.comparison.answers import LEVEL, Word, answers
from bench.analysis.comparison.changes import Changes
from bench.analysis.inference.power import detectable_loss
from bench.seeds import derive_seed
from bench.thresholds import parse_threshold

FOLDER = Path(__file__).resolve().parent
CSV = FOLDER / "comparison_power.csv"
PAGE = FOLDER.parent / "docs" / "regressions.md"
START, END = "<!-- from benchmarks/comparison_power.csv -->", "<!-- end -->"

THRESHOLD = parse_threshold("error:+2%")
DRAWS = 1_000
LEARNERS = 6
SIZES = (8, 12, 24, 48, 96)
SPREADS = (0.01, 0.03, 0.08)
"""Standard deviations of ln(error of the run / of the baseline) over splits, where nothing has changed."""
LOSSES = (0.0, 0.02, 0.05, 0.1)
"""What becomes of the first learner's error; that of the others stays."""


def noise(rng, shape, kind="heavy tails"):
    """Return changes of mean 0 and SD 1, as likely up as down: nothing has changed."""
    match kind:
        case "heavy tails":
            return rng.standard_t(3, shape) / math.sqrt(3)
        case "mostly identical":
            return rng.normal(size=shape) * (rng.random(shape) < 0.1) / math.sqrt(0.1)
        case "a row or none":
            return rng.choice((-1.0, 0.0, 1.0), shape) / math.sqrt(2 / 3)


def of_learner(name, values):
    splits = tuple(f"r0f{i}" for i in range(len(values)))
    datasets = ("d",) * len(values)
    n = len(values)
    identical = int((values == 0).sum())
    return Changes(
        learner=name, values=values, datasets=datasets, splits=splits, n_pairs=n, n_identical=identical
    )


def comparison(rng, n, spread, loss, learners=LEARNERS, kind="heavy tails"):
    """Return the answers of one comparison: the first learner has the loss, the others nothing."""
    values = spread * noise(rng, (learners, n), kind)
    values[0] += math.log1p(loss)
    return answers([(THRESHOLD, of_learner(f"learner-{i}", row)) for i, row in enumerate(values)])


def rates(n, spread, loss, draws=DRAWS, **how):
    """Return how often the first is called worse, the first not worse, and any of all worse."""
    rng = np.random.default_rng(derive_seed("comparison", n, spread, loss, *how.values()))
    counts = np.zeros(3, dtype=int)
    for _ in range(draws):
        words = [each.word for each in comparison(rng, n, spread, loss, **how)]
        counts += (words[0] is Word.WORSE, words[0] is Word.NOT_WORSE, Word.WORSE in words)
    return counts / draws


def row(cell, draws=DRAWS):
    spread, n, loss = cell
    worse, not_worse, some = rates(n, spread, loss, draws)
    return {
        "spread": spread,
        "splits": n,
        "loss": loss,
        "draws": draws,
        "worse": f"{worse:.4f}",
        "not_worse": f"{not_worse:.4f}",
        "some_worse": f"{some:.4f}",
    }


def read(path=CSV):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(rows):
    with CSV.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def table(rows):
    """Return the table of the page."""
    at = {(float(each["spread"]), int(each["splits"]), float(each["loss"])): each for each in rows}
    lines = [
        "| spread | splits | nothing changed: worse | not worse | a loss of 2 %: worse | 5 % | 10 % | seen |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for spread, n in product(SPREADS, SIZES):
        of = [at[spread, n, loss] for loss in LOSSES]
        alarms = float(of[0]["some_worse"])
        found = " | ".join(f"{100 * float(each['worse']):.1f} %" for each in of[1:])
        seen = 100 * math.expm1(detectable_loss(n, spread, THRESHOLD.bound, LEVEL / LEARNERS))
        shown = "-" if math.isnan(seen) else f"+{seen:.1f} %"
        said = 100 * float(of[0]["not_worse"])
        lines.append(
            f"| {100 * spread:.0f} % | {n} | {100 * alarms:.1f} % | {said:.1f} % | {found} | {shown} |"
        )
    return "\n".join(lines)


def main():
    rows = [row(cell) for cell in product(SPREADS, SIZES, LOSSES)]
    write(rows)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{START}\n\n{table(read())}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
