"""How often each rule gives each answer where the truth is known.

`python benchmarks/operating_characteristics.py` writes the two tables beside it and their copy in
docs/operating-characteristics.md. It is seeded, and takes two minutes of a core.
"""

from __future__ import annotations

import csv
from itertools import product
from pathlib import Path

import numpy as np

from bench.analysis.inference.effects import effects
from bench.analysis.inference.power import detectable
from bench.analysis.inference.rules import judge
from bench.analysis.inference.significance import LEVEL, corrected_t
from bench.seeds import derive_seed
from bench.verdicts import Rule, Word

FOLDER = Path(__file__).resolve().parent
RULES_CSV = FOLDER / "operating_characteristics.csv"
FOLDS_CSV = FOLDER / "fold_tests.csv"
PAGE = FOLDER.parent / "docs" / "operating-characteristics.md"

DRAWS = 5_000
CHUNK = 200
NOISE = 0.5
"""Standard error of the effect on one dataset. The unit of everything here is the margin."""
SIZES = (8, 16, 32, 64)
SPREADS = (1, 3)
TRUTHS = (-1, 0, 0.5, 1, 2, 3)
RULES = (Rule.SUPERIORITY, Rule.EQUIVALENCE, Rule.INTERACTION)
WORDS = (Word.SUPPORTED, Word.REFUTED, Word.INCONCLUSIVE)

DATASETS = 2_000
TABLES = ((120, 8), (60, 20))
"""Rows, and columns of each learner: one that hardly depends on which rows it gets, and one that does."""
SCHEMES = {
    "3 folds": (1, 3, 3),
    "10 folds": (1, 10, 10),
    "10 times 5 folds": (10, 5, 5),
    "15 times a third held out": (15, 3, 1),
}
"""Repeats, folds, and how many folds of each repeat are tested on."""


def heavy_tailed(rng, shape):
    """Student's t with 3 degrees of freedom, scaled to an SD of 1."""
    return rng.standard_t(3, shape) / np.sqrt(3)


def rare_losses(rng, shape):
    """A log-normal effect turned round: small gains on most datasets, large losses on few."""
    return (np.exp(0.5) - rng.lognormal(size=shape)) / np.sqrt((np.e - 1) * np.e)


SHAPES = {"heavy tails": heavy_tailed, "rare large losses": rare_losses}


def noise_of(rule):
    """A difference of differences has the noise of four sides, not of two."""
    return NOISE * np.sqrt(2) if rule is Rule.INTERACTION else NOISE


def sample(rule, n, spread, truth, draws, shape="heavy tails"):
    """Return (draws, n) effects; the rules that look at two sides look at the same ones."""
    noise = noise_of(rule)
    rng = np.random.default_rng(derive_seed("operating characteristics", noise, n, spread, truth, shape))
    between = spread * SHAPES[shape](rng, (draws, n))
    return truth + between + noise * rng.normal(size=(draws, n))


def signed_rank_p(values):
    """Return `wilcoxon` of each row: none of these effects is 0 or equals another."""
    from scipy import stats

    return stats.wilcoxon(values, axis=1, zero_method="pratt").pvalue


def rates(rules, values):
    """Return, for each rule, how often it says each word of the rows of the values."""
    p = signed_rank_p(values)
    said = {rule: dict.fromkeys(WORDS, 0) for rule in rules}
    for start in range(0, len(values), CHUNK):
        chunk = slice(start, start + CHUNK)
        for found, tested in zip(effects(values[chunk]), p[chunk], strict=True):
            for rule in rules:
                said[rule][judge(rule, found, 1.0, float(tested))[0]] += 1
    return {rule: {word: n / len(values) for word, n in words.items()} for rule, words in said.items()}


def row(rule, shape, cell, draws, shares):
    spread, n, truth = cell
    said = {word.value.lower(): f"{shares[word]:.4f}" for word in WORDS}
    return {
        "rule": rule.value,
        "effects": shape,
        "spread": spread,
        "n": n,
        "truth": truth,
        "draws": draws,
        **said,
    }


def rule_rows(draws=DRAWS, sizes=SIZES, spreads=SPREADS, truths=TRUTHS):
    """Return every cell of the rules' tables, a dictionary each."""
    rows = []
    for cell in product(spreads, sizes, truths):
        spread, n, truth = cell
        for rules in ((Rule.SUPERIORITY, Rule.EQUIVALENCE), (Rule.INTERACTION,)):
            found = rates(rules, sample(rules[0], n, spread, truth, draws))
            rows += [row(rule, "heavy tails", cell, draws, shares) for rule, shares in found.items()]
        if truth in (0, 1):
            lopsided = sample(Rule.SUPERIORITY, n, spread, truth, draws, "rare large losses")
            shares = rates((Rule.SUPERIORITY,), lopsided)[Rule.SUPERIORITY]
            rows.append(row(Rule.SUPERIORITY, "rare large losses", cell, draws, shares))
    return rows


def fold_differences(rng, datasets, table, scheme):
    """Return (datasets, splits) differences in squared error between two equal learners.

    Each fits least squares on columns of its own, and the target depends on all of both alike: neither is
    better, on any number of rows.
    """
    (rows, columns), (repeats, folds, tested) = table, scheme
    X = rng.normal(size=(datasets, rows, 2, columns))
    y = X.sum(axis=(2, 3)) / np.sqrt(2 * columns) + rng.normal(size=(datasets, rows))
    order = rng.permuted(np.tile(np.arange(rows), (datasets, repeats, 1)), axis=-1)
    order = order.reshape(datasets, repeats * folds, rows // folds)
    at = np.arange(datasets)[:, None, None]
    fold_X = X[at, order].transpose(0, 1, 3, 2, 4)
    fold_y = y[at, order][:, :, None, :, None]
    turned = fold_X.swapaxes(-1, -2)
    gram = _others(turned @ fold_X, repeats)
    moments = _others(turned @ fold_y, repeats)
    error = ((fold_y - fold_X @ np.linalg.solve(gram, moments)) ** 2).mean(axis=(-1, -2))
    kept = error.reshape(datasets, repeats, folds, 2)[:, :, :tested]
    return (kept[..., 0] - kept[..., 1]).reshape(datasets, -1)


def _others(folds, repeats):
    """Return what the other folds of the same repeat add up to."""
    apart = folds.reshape(len(folds), repeats, -1, *folds.shape[2:])
    return (apart.sum(axis=2, keepdims=True) - apart).reshape(folds.shape)


def fold_rows(datasets=DATASETS):
    """Return how often each test says that two equal learners differ, a dictionary for each way to split."""
    rows = []
    for table, (name, scheme) in product(TABLES, SCHEMES.items()):
        rng = np.random.default_rng(derive_seed("equal learners within one dataset", table, name))
        chunks = [fold_differences(rng, CHUNK, table, scheme) for _ in range(datasets // CHUNK)]
        differences = np.concatenate(chunks)
        said = {
            test: np.mean([corrected_t(of_one, ratio).p < LEVEL for of_one in differences])
            for test, ratio in (("naive", 0.0), ("corrected", 1 / (scheme[1] - 1)))
        }
        cell = {"rows": table[0], "columns": table[1], "splits": name, "datasets": len(differences)}
        rows.append(cell | {test: f"{rate:.4f}" for test, rate in said.items()})
    return rows


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


TITLES = {
    "superiority": "D1, superiority",
    "equivalence": "D2, equivalence",
    "interaction": "D3, interaction",
}
HERE = "../benchmarks/operating_characteristics"
INTRODUCTION = """
Simulated, with the rules' own code, where the truth is known ([the script]({here}.py) writes this page and
the tables of [rules]({here}.csv) and [splits](../benchmarks/fold_tests.csv)). The unit is the margin. A
draw is one effect for each of N datasets: the true mean, a deviation of the dataset (Student's t with 3
degrees of freedom, scaled to the SD given), and noise with a standard error of half a margin, of 0.71
margins for an interaction, which is a difference of two differences. There are {draws:,} draws a cell, so
that a rate has a standard error of {error:.3f} at most, and one contrast a claim, so that Holm adjusts
nothing.
"""
MISTAKES = (
    ("superiority", "supported", 0, "0.025"),
    ("interaction", "supported", 0, "0.025"),
    ("superiority", "supported", 0.5, "-"),
    ("superiority", "refuted", 1, "0.025"),
    ("superiority", "refuted", 2, "-"),
    ("equivalence", "supported", 1, "0.050"),
    ("equivalence", "refuted", 0, "-"),
)
"""Rule, word, true mean in margins, and the rate that the interval's level promises."""
BOOTSTRAPPED = """
From 32 datasets on the intervals are bootstrapped (BCa): with tails this heavy they are too short, and
mistakes at the margin are up to about twice as frequent as promised.
"""
LOPSIDED = """
Most datasets show a small gain and few a large loss: a log-normal turned round, with the same SD. The mean
of few datasets is then mostly too high and looks too certain: superiority at a true mean of 0 is SUPPORTED
at a rate of up to {worst}. Look at the single datasets before such a verdict is believed.
"""
PLANNING = """
The smallest true mean, in margins, that is SUPPORTED as a superiority in four of five cases; for
equivalence the largest, and a dash where not even 0 is (`bench.analysis.inference.power`: normal effects,
with the noise above).
"""
WITHIN = """
How often a t-test at 5 % over splits says that two equal learners differ (least squares, each on columns of
its own that matter alike; {datasets:,} datasets a row). Naive takes the splits for independent; corrected
is Nadeau and Bengio's, 2003. Promised is 0.050.
"""


def flowed(text, **numbers):
    """Return a text of several lines as the one line that a paragraph is on a page."""
    return " ".join(text.split()).format(**numbers)


def page(rules, folds):
    """Return the Markdown page of both tables, as they are read from their files."""
    draws = int(rules[0]["draws"])
    heavy, lopsided = ([cell for cell in rules if cell["effects"] == shape] for shape in SHAPES)
    parts = [
        "# How often the rules are right\n",
        flowed(INTRODUCTION, here=HERE, draws=draws, error=0.5 / np.sqrt(draws)),
        "\nEach cell: SUPPORTED / REFUTED / INCONCLUSIVE.\n",
        *(section(TITLES[rule], [cell for cell in heavy if cell["rule"] == rule], TRUTHS) for rule in TITLES),
        mistakes(heavy),
        section(
            "Rare large losses", lopsided, (0, 1), flowed(LOPSIDED, worst=largest(lopsided, *MISTAKES[0]))
        ),
        planning(),
        within(folds),
    ]
    return "\n".join(parts)


def section(title, rows, truths, text=""):
    lines = [f"## {title}", "", *([text, ""] if text else [])]
    for spread in SPREADS:
        lines += [f"SD between datasets: {margins(spread)}", "", *grid(rows, spread, truths), ""]
    return "\n".join(lines)


def margins(size):
    return f"{size:g} margin" + ("" if 0 < size <= 1 else "s")


def grid(rows, spread, truths):
    """Return a table of one spread: a row per true mean, a column per number of datasets."""
    cells = {(float(cell["truth"]), int(cell["n"])): cell for cell in rows if float(cell["spread"]) == spread}
    head = ["| true mean |" + "".join(f" N = {n} |" for n in SIZES), "|---|" + "---|" * len(SIZES)]
    return head + [
        f"| {truth:g} |" + "".join(f" {said(cells[truth, n])} |" for n in SIZES) for truth in truths
    ]


def said(cell):
    return " / ".join(f"{float(cell[word.value.lower()]):.3f}".removeprefix("0") for word in WORDS)


def largest(rows, rule, word, truth, *_):
    """Return the largest rate of a word at one true mean, and where it is."""
    cells = [cell for cell in rows if cell["rule"] == rule and float(cell["truth"]) == truth]
    worst = max(cells, key=lambda cell: float(cell[word]))
    return f"{float(worst[word]):.3f} (N = {worst['n']}, SD {margins(float(worst['spread']))})"


def mistakes(rows):
    """Return the table of what goes wrong, in the numbers of the others."""
    lines = [
        "## Mistakes",
        "",
        "The largest rate of each over all sizes and spreads above:",
        "",
        "| mistake | promised | rate at most |",
        "|---|---|---|",
    ]
    for rule, word, truth, promised in MISTAKES:
        rate = largest(rows, rule, word, truth)
        lines.append(f"| {rule} {word.upper()} at a true mean of {margins(truth)} | {promised} | {rate} |")
    return "\n".join([*lines, "", flowed(BOOTSTRAPPED), ""])


def planning():
    """Return the table of what can be found."""
    lines = [
        "## What can be found",
        "",
        flowed(PLANNING),
        "",
        "| rule | SD between datasets |" + "".join(f" N = {n} |" for n in SIZES),
        "|---|---|" + "---|" * len(SIZES),
    ]
    for rule, spread in product((Rule.SUPERIORITY, Rule.EQUIVALENCE), SPREADS):
        found = [detectable(n, float(np.hypot(spread, NOISE)), 1.0, rule) for n in SIZES]
        numbers = "".join(f" {mean:.2f} |" if np.isfinite(mean) else " - |" for mean in found)
        lines.append(f"| {rule} | {margins(spread)} |{numbers}")
    return "\n".join([*lines, ""])


def within(folds):
    """Return the table of tests within one dataset."""
    lines = [
        "## Within one dataset",
        "",
        flowed(WITHIN, datasets=int(folds[0]["datasets"])),
        "",
        "| rows | columns | splits | naive | corrected |",
        "|---|---|---|---|---|",
    ]
    for at in folds:
        naive, corrected = float(at["naive"]), float(at["corrected"])
        lines.append(f"| {at['rows']} | {at['columns']} | {at['splits']} | {naive:.3f} | {corrected:.3f} |")
    return "\n".join([*lines, ""])


def main():
    write(RULES_CSV, rule_rows())
    write(FOLDS_CSV, fold_rows())
    PAGE.write_text(page(read(RULES_CSV), read(FOLDS_CSV)), encoding="utf-8")


if __name__ == "__main__":
    main()
