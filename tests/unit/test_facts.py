"""Facts of tables that have a property and of tables that lack it, and what a fact may never look at."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from bench.datasets import Origin, ProblemType
from bench.facts import CHECKS, JUDGED_ROWS, NEAR_DISTANCE, Consequence
from bench.sources.cache import Cache
from bench.sources.columns import RawColumn, Told
from bench.sources.facts.collecting import Outer, all_facts, twin_facts
from bench.sources.facts.columns import constant_columns, id_columns
from bench.sources.facts.duplicates import conflicts, exact_duplicates, near_duplicates
from bench.sources.facts.leaks import leaking_columns
from bench.sources.facts.references import reference_facts
from bench.sources.facts.samples import draw
from bench.sources.facts.target import lacking_folds, missing_targets, origin, spread
from bench.sources.facts.twins import has_continuous, row_hashes
from bench.sources.keeping import keep_table, own_provenance
from bench.sources.tables import Layout, assemble
from bench.splits.grouped import repeated_groups
from bench.splits.kfold import deal_folds
from bench.splits.plan import split_plan
from bench.splits.structure import INDEPENDENT, Structure
from bench.splits.timed import windows
from bench.splits.twins import deal_twins, twin_codes

BINARY, MULTICLASS, REGRESSION = ProblemType
THIRDS = [1 / 3] * 3
HASHES = ["559d214653fe4e9a", "09a485309c72a57a", "919dc2f7c141b45e"]
DRAW = np.random.default_rng


def table(columns, y, problem=BINARY):
    """Content from columns by name, numbers or lists of text, and a target."""
    y = [str(value) for value in y] if problem.is_classification else np.asarray(y, float)
    raw = [
        RawColumn(name, values, told=Told.CATEGORY)
        if isinstance(values, list)
        else RawColumn(name, np.asarray(values, float))
        for name, values in columns.items()
    ]
    return assemble([*raw, RawColumn("y", y)], Layout(target="y", problem=problem))


def codes_of(content):
    return twin_codes(row_hashes(content.columns, len(content.target)))


def sample_of(content, structure=INDEPENDENT, seed=0):
    return draw(content, deal_folds(content.labels, len(content.target), 3, seed), structure)


# -- twins and duplicates ---------------------------------------------------------------------------


def slow_rows(content):
    """Each row as a tuple of what it holds: an independent notion of being equal."""
    columns = []
    for column in content.columns:
        if column.data.dtype.kind == "f":
            columns.append(["missing" if math.isnan(value) else value for value in column.data.tolist()])
        else:
            columns.append([("level", code) for code in column.data.tolist()])
    return list(zip(*columns, strict=True))


def small(seed, problem):
    """A table of few different rows, with missing values and zeros of both signs."""
    rng, n = DRAW(seed), 60
    numbers = rng.choice([0.0, -0.0, 1.5, np.nan], n)
    letters = [None if rng.random() < 0.2 else "ab"[rng.integers(2)] for _ in range(n)]
    k = {BINARY: 2, MULTICLASS: 3, REGRESSION: 4}[problem]
    y = rng.permutation(np.arange(n) % k) + (0.5 if problem is REGRESSION else 0)
    return table({"number": numbers, "letter": letters, "flag": rng.integers(0, 2, n)}, y, problem)


CASES = list(itertools.product(range(8), ProblemType))


@pytest.mark.parametrize(("seed", "problem"), CASES)
def test_hashes_are_equal_just_where_rows_are(seed, problem):
    content = small(seed, problem)
    rows, hashes = slow_rows(content), row_hashes(content.columns, 60)
    for (a, left), (b, right) in itertools.combinations(zip(rows, hashes.tolist(), strict=True), 2):
        assert (a == b) == (left == right)


def test_a_hash_is_the_same_on_every_machine():
    content = table({"a": np.array([1.5, np.nan, -0.0, 0.0]), "b": ["x", "y", None, None]}, [0, 1, 0, 1])
    one, two, three, four = row_hashes(content.columns, 4).tolist()
    assert three == four
    assert [f"{each:016x}" for each in (one, two, three)] == HASHES


def test_no_two_of_many_different_rows_share_a_hash():
    n = 300_000
    content = table({"a": np.arange(n) // 1000, "b": np.arange(n) % 1000}, np.arange(n) % 2)
    assert len(np.unique(row_hashes(content.columns, n))) == n


def slow_best_error(content):
    """The error of answering each row with what its twins hold."""
    twins = defaultdict(list)
    for row, target in zip(slow_rows(content), content.target.tolist(), strict=True):
        twins[row].append(target)
    answers = [twins[row] for row in slow_rows(content)]
    y = content.target
    if content.problem is REGRESSION:
        return np.sqrt(np.mean((y - [np.mean(each) for each in answers]) ** 2)) / np.std(y)
    if content.problem is MULTICLASS:
        return sum(len(each) - max(map(each.count, each)) for each in twins.values()) / len(y)
    return 1 - roc_auc_score(y, [np.mean(each) for each in answers])


@pytest.mark.parametrize(("seed", "problem"), CASES)
def test_duplicates_and_conflicts_are_those_that_a_slow_search_finds(seed, problem):
    content = small(seed, problem)
    rows, targets = slow_rows(content), content.target.tolist()
    whole = list(zip(rows, targets, strict=True))
    exact = exact_duplicates(content, codes_of(content), Consequence.NOTE)
    assert exact.values == {
        "rows": sum(whole.count(each) > 1 for each in whole),
        "extra": len(whole) - len(set(whole)),
    }
    torn = conflicts(content, codes_of(content), Consequence.NOTE)
    assert torn.values["rows"] == sum(
        any(row == other and target != wanted for other, wanted in whole) for row, target in whole
    )
    assert torn.values["best_error"] == pytest.approx(slow_best_error(content))


def test_a_table_of_different_rows_has_neither():
    content = table({"a": np.arange(50.0)}, np.arange(50) % 2)
    for fact in twin_facts(content, codes_of(content), official=False):
        assert (fact.consequence, fact.values["rows"]) == (Consequence.PASS, 0)


@pytest.mark.parametrize("problem", ProblemType)
def test_the_order_of_rows_changes_no_count(problem):
    content, order = small(3, problem), DRAW(1).permutation(60)
    moved = replace(
        content,
        columns=tuple(replace(column, data=column.data[order]) for column in content.columns),
        target=content.target[order],
    )
    for check in (exact_duplicates, conflicts):
        before, after = (check(each, codes_of(each), Consequence.NOTE).values for each in (content, moved))
        assert after == pytest.approx(before)
    for check in (constant_columns, id_columns):
        assert check(moved) == check(content)
    assert (row_hashes(moved.columns, 60) == row_hashes(content.columns, 60)[order]).all()


def test_equal_rows_are_kept_together_only_where_they_are_no_chance_repetition():
    rng = DRAW(0)
    game = {f"square {i}": [str(v) for v in rng.integers(0, 3, 300)] for i in range(3)}
    measured = rng.normal(size=150).tolist() * 2
    y = rng.integers(0, 2, 300)
    assert not has_continuous(table(game, y).columns)
    assert not has_continuous(table({"answers": np.arange(300) % 50}, y).columns)
    assert has_continuous(table({**game, "length": np.array(measured)}, y).columns)
    for columns, official, consequence in (
        ({"length": np.array(measured)}, False, Consequence.GROUP),
        ({"length": np.array(measured)}, True, Consequence.NOTE),
        (game, False, Consequence.NOTE),
    ):
        content = table(columns, y)
        assert {fact.consequence for fact in twin_facts(content, codes_of(content), official=official)} == {
            consequence
        }


def shaken(by, n=400, copies=40):
    """Rows, some of them copies of others with a little noise, over their spread."""
    rng = DRAW(5)
    X = rng.normal(size=(n, 4))
    X[:copies] = X[copies : 2 * copies] + by * rng.uniform(-1, 1, size=(copies, 4))
    return {f"x{i}": X[:, i] for i in range(4)}, rng.integers(0, 2, n)


def test_near_duplicates_are_those_that_a_slow_search_finds():
    columns, y = shaken(NEAR_DISTANCE)
    content = table({**columns, "kind": ["a", "b"] * 200}, y)
    fact = near_duplicates(content, codes_of(content))
    scale = [(np.quantile(c.data, 0.75) - np.quantile(c.data, 0.25)) / 1.349 for c in content.columns[:4]]
    X = np.column_stack([c.data / s for c, s in zip(content.columns[:4], scale, strict=True)])
    kinds = content.columns[4].data
    near = (np.abs(X[:, None] - X[None]).max(axis=2) <= NEAR_DISTANCE) & (kinds[:, None] == kinds[None])
    np.fill_diagonal(near, val=False)
    assert fact.values["rows"] == near.any(axis=1).sum() > 20
    assert fact.consequence is Consequence.NOTE


def test_exact_copies_far_rows_and_flat_tables_are_no_near_duplicates():
    for by in (0.0, 1.0):
        columns, y = shaken(by)
        content = table(columns, y)
        assert near_duplicates(content, codes_of(content)).values["rows"] == 0
    columns, y = shaken(NEAR_DISTANCE / 2)
    content = table({name: columns[name] for name in ("x0", "x1")}, y)
    assert "not judged" in near_duplicates(content, codes_of(content)).text


# -- columns ----------------------------------------------------------------------------------------


def test_constant_columns_are_named():
    columns = {"one": np.ones(30), "none": np.full(30, np.nan), "some": np.array([1, np.nan] * 15)}
    content = table({**columns, "a": range(30)}, [0, 1] * 15)
    fact = constant_columns(content)
    assert (fact.consequence, fact.values) == (Consequence.NOTE, {"columns": 2, "names": "one, none"})
    assert constant_columns(table({"a": range(30)}, [0, 1] * 15)).consequence is Consequence.PASS


def test_columns_that_name_the_row_are_told_from_measurements():
    n, rng = 200, DRAW(0)
    names = {
        "counter": np.arange(n) * 10 + 7,
        "falling": 1e9 - np.cumsum(rng.integers(1, 99, n)),
        "shuffled": rng.permutation(n) + 5000,
        "text": [f"name {i}" for i in range(n)],
    }
    others = {
        "continuous": np.sort(rng.normal(size=n)),
        "wages": rng.permutation(n) * 997,
        "counts": rng.integers(0, 40, n),
        "level": ["a", "b"] * (n // 2),
        "gaps": np.where(np.arange(n) == 3, np.nan, np.arange(n)),
    }
    fact = id_columns(table({**names, **others}, np.arange(n) % 2))
    assert (fact.consequence, fact.values["names"]) == (Consequence.NOTE, ", ".join(names))
    assert id_columns(table(others, np.arange(n) % 2)).consequence is Consequence.PASS


# -- leaks ------------------------------------------------------------------------------------------

N = 900
X = DRAW(7).normal(size=(N, 3))
SIGNAL = X @ [1.0, -1.0, 0.5] + DRAW(8).normal(size=N)
HONEST = {f"x{i}": X[:, i] for i in range(3)}
TARGETS = {
    BINARY: (SIGNAL > 0).astype(int),
    MULTICLASS: np.digitize(SIGNAL, [-1, 1]),
    REGRESSION: np.exp(SIGNAL),
}


def leaks(problem):
    """Columns that tell the target, by name."""
    y, rng = TARGETS[problem].astype(float), DRAW(9)
    copies = {
        "copy": 3 - 2 * y,
        "noisy copy": np.log1p(y) + 1e-4 * rng.normal(size=N),
        "copy with gaps in one class": np.where(y == y.min(), np.nan, y),
    }
    if problem.is_classification:
        copies |= {"words": [f"is {v}" for v in y], "code": [f"{int(v)}{rng.integers(9)}" for v in y]}
    else:
        copies["heavy"] = np.sign(y - 1) * np.exp(np.minimum(np.abs(y), 50))
    return copies


CASES_OF_LEAKS = [(problem, name) for problem in ProblemType for name in leaks(problem)]


@pytest.mark.parametrize(("problem", "name"), CASES_OF_LEAKS)
def test_a_column_that_gives_the_target_away_is_found(problem, name):
    content = table({**HONEST, "leak": leaks(problem)[name]}, TARGETS[problem], problem)
    fact = leaking_columns(sample_of(content))
    assert (fact.consequence, fact.values["columns"]) == (Consequence.EXCLUDE, "leak")
    assert "column 'leak' alone predicts the target" in fact.text


def test_two_leaks_do_not_hide_each_other():
    y = TARGETS[BINARY]
    fact = leaking_columns(sample_of(table({**HONEST, "first": y, "second": [f"v{v}" for v in y]}, y)))
    assert (fact.consequence, fact.values["columns"]) == (Consequence.EXCLUDE, "first, second")


@pytest.mark.parametrize("problem", [BINARY, REGRESSION])
def test_a_counter_in_a_table_that_is_sorted_by_its_target_is_found(problem):
    order = np.argsort(TARGETS[problem], kind="stable")
    columns = {name: values[order] for name, values in HONEST.items()}
    content = table({**columns, "row": np.arange(N)}, TARGETS[problem][order], problem)
    assert leaking_columns(sample_of(content)).values["columns"] == "row"


def honest_tables():
    """Tables with very strong, useless, many-valued or redundant features, none of which leaks."""
    rng = DRAW(11)
    y = TARGETS[BINARY]
    margin = SIGNAL + 0.12 * rng.normal(size=N)
    yield "strong", {**HONEST, "risk": margin}, y, BINARY
    yield (
        "strong for a regression",
        {**HONEST, "size": SIGNAL + 0.05 * rng.normal(size=N)},
        SIGNAL,
        REGRESSION,
    )
    yield "noise", {"a": rng.normal(size=N), "b": rng.normal(size=N)}, rng.integers(0, 2, N), BINARY
    yield "names", {**HONEST, "name": [f"n{i}" for i in range(N)]}, y, BINARY
    yield "postcodes", {**HONEST, "code": [f"n{i}" for i in rng.integers(0, 300, N)]}, y, BINARY
    yield "hashed rows", {**HONEST, "hash": rng.permutation(N)}, TARGETS[MULTICLASS], MULTICLASS
    yield "heavy tails", {**HONEST, "cube": X[:, 0] ** 9}, np.exp(3 * SIGNAL), REGRESSION
    rare = (np.arange(N) % 30 == 0).astype(int)
    yield "rare", {"a": rare * 2 + rng.normal(size=N), "b": rng.normal(size=N)}, rare, BINARY
    far = np.repeat([0.0, 10.0], N // 2)
    easy = {
        "length": far + rng.normal(size=N),
        "width": 2 * far + rng.normal(size=N),
        "x": rng.normal(size=N),
    }
    yield "two ways to be easy", {**easy, "height": far - 5 + rng.normal(size=N) * 2}, far > 0, BINARY


@pytest.mark.parametrize(("columns", "y", "problem"), [pytest.param(*t, id=n) for n, *t in honest_tables()])
def test_an_honest_table_is_no_leak(columns, y, problem):
    y = np.asarray(y) + 0 if problem is REGRESSION else np.asarray(y).astype(int)
    for seed in range(3):
        assert (
            leaking_columns(sample_of(table(columns, y, problem), seed=seed)).consequence is Consequence.PASS
        )


def test_on_few_rows_a_leak_is_a_note():
    rows = slice(0, JUDGED_ROWS)
    columns = {name: values[rows] for name, values in HONEST.items()}
    content = table({**columns, "leak": TARGETS[BINARY][rows]}, TARGETS[BINARY][rows])
    assert leaking_columns(sample_of(content)).consequence is Consequence.NOTE


# -- what can be learnt -----------------------------------------------------------------------------


def many(problem, how):
    """1,500 rows whose target is noise, partly told, or told without error by the features."""
    rng = DRAW(13)
    X = rng.normal(size=(1500, 3))
    y = {"noise": rng.normal(size=1500), "some": X[:, 0] + rng.normal(size=1500), "all": 3 * X[:, 0]}[how]
    if how == "all" and problem.is_classification:
        X[:, 0] += 5 * np.sign(X[:, 0])
        X[:, 1] = X[:, 0] + 0.1 * X[:, 1]
    y = y if problem is REGRESSION else np.digitize(y, [0] if problem is BINARY else [-0.5, 0.5])
    if how == "all" and problem is MULTICLASS:
        y = np.arange(1500) % 3
        X[:, 0], X[:, 1] = X[:, 0] / 50 + y, X[:, 1] / 50 + y
    return table({f"x{i}": X[:, i] for i in range(3)}, y, problem)


@pytest.mark.parametrize("problem", ProblemType)
@pytest.mark.parametrize(
    ("how", "learnt", "left"),
    [
        ("noise", Consequence.EXCLUDE, Consequence.PASS),
        ("some", Consequence.PASS, Consequence.PASS),
        ("all", Consequence.PASS, Consequence.EXCLUDE),
    ],
)
def test_noise_and_what_is_all_known_are_told_from_what_can_be_learnt(problem, how, learnt, left):
    first, second = reference_facts(sample_of(many(problem, how)))
    assert (first.consequence, second.consequence) == (learnt, left)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("spread", [1.0, 2.0, 3.0])
def test_a_heavy_tail_hides_nothing_that_can_be_learnt(seed, spread):
    """Incomes, claims and areas are such: one value in a thousand makes most of the squared error."""
    rng = DRAW(seed)
    X = rng.normal(size=(3000, 3))
    y = np.exp(spread * (0.9 * X[:, 0] + 0.3 * X[:, 1] + 0.3 * rng.normal(size=3000)))
    first, _ = reference_facts(sample_of(table({f"x{i}": X[:, i] for i in range(3)}, y, REGRESSION)))
    assert first.consequence is Consequence.PASS, first.text
    shuffled = rng.permutation(y)
    noise = table({f"x{i}": X[:, i] for i in range(3)}, shuffled, REGRESSION)
    assert reference_facts(sample_of(noise))[0].consequence is Consequence.EXCLUDE


def test_what_is_the_same_all_through_a_group_is_no_leak():
    """Asked in rows of groups that it was not told of, a patient's weight tells no diagnosis."""
    rng = DRAW(5)
    patient = np.repeat(np.arange(100), 20)
    sick = rng.integers(0, 2, 100)
    columns = {"bmi": (rng.normal(size=100) + 0.3 * sick)[patient], "pulse": rng.normal(size=2000)}
    content = table(columns, sick[patient])
    structure = Structure(group=patient.astype(np.int32))
    folds = repeated_groups(structure.group, content.labels, 3, "key")[0]
    assert leaking_columns(draw(content, folds, structure)).consequence is Consequence.PASS
    told = {**columns, "chart": (sick + 0.001 * rng.normal(size=100))[patient]}
    found = leaking_columns(draw(table(told, sick[patient]), folds, structure))
    assert found.values["columns"] == "chart"


def test_few_rows_are_no_grounds_for_leaving_a_table_out():
    rng = DRAW(0)
    noise = table({"a": rng.normal(size=150)}, np.arange(150) % 2)
    assert reference_facts(sample_of(noise))[0].consequence is Consequence.NOTE
    rare = (np.arange(900) % 50 == 0).astype(int)
    assert (
        reference_facts(sample_of(table({"a": rng.normal(size=900)}, rare)))[0].consequence
        is Consequence.NOTE
    )
    tiny = table({"a": rng.normal(size=12)}, [0] * 11 + [1])
    for fact in (*reference_facts(sample_of(tiny)), leaking_columns(sample_of(tiny))):
        assert (fact.consequence, fact.text[:10]) == (Consequence.PASS, "not judged")


def test_missing_numbers_and_new_categories_are_no_obstacle():
    rng, n = DRAW(0), 600
    x = rng.normal(size=n)
    columns = {
        "x": np.where(rng.random(n) < 0.3, np.nan, x),
        "never": np.full(n, np.nan),
        "names": [f"n{i}" if i % 3 else None for i in range(n)],
    }
    for problem, y in ((BINARY, (x > 0).astype(int)), (REGRESSION, x)):
        assert reference_facts(sample_of(table(columns, y, problem)))[0].consequence is Consequence.PASS


STRUCTURES = {
    "independent": lambda n: (INDEPENDENT, None),
    "twins": lambda n: (Structure(twins=(np.arange(n) // 2).astype(np.int32)), None),
    "time": lambda n: (Structure(time=np.arange(n, dtype=float)), windows(np.arange(n, dtype=float), 3)),
}


@pytest.mark.parametrize("problem", ProblemType)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_nothing_of_a_test_row_reaches_what_is_said_to_be_learnable(problem, structure):
    content = table({**HONEST, "kind": ["a", "b", "c"] * (N // 3)}, TARGETS[problem], problem)
    tied, folds = STRUCTURES[structure](N)
    if folds is None and tied.twins is not None:
        folds = deal_twins(tied.twins, content.labels, THIRDS, 1)
    folds = deal_folds(content.labels, N, 3, 1) if folds is None else folds
    tested, rng = folds == 0, DRAW(2)
    spoilt = replace(
        content,
        columns=tuple(
            replace(c, data=np.where(tested, rng.permutation(c.data), c.data)) for c in content.columns
        ),
        target=np.where(tested, rng.permutation(content.target), content.target),
    )
    assert (spoilt.target[tested] != content.target[tested]).mean() > 0.1
    for before, after in zip(seen(content, folds, tied), seen(spoilt, folds, tied), strict=True):
        assert after == before
    learnt = replace(content, target=np.where(tested, content.target, rng.permutation(content.target)))
    assert seen(learnt, folds, tied) != seen(content, folds, tied), "the facts look at no row at all"


def seen(content, folds, structure):
    sample = draw(content, folds, structure)
    return (leaking_columns(sample), *reference_facts(sample))


# -- target and origin ------------------------------------------------------------------------------


def test_folds_that_lack_a_class_are_counted():
    y = np.repeat([0, 1, 2], [60, 58, 2])
    content = table({"a": np.arange(120.0)}, y, MULTICLASS)
    folds = deal_folds(content.labels, 120, 3, 0)
    fact = lacking_folds(content, folds, INDEPENDENT)
    lacking = sum(2 not in y[part] for fold in range(3) for part in (folds == fold, folds != fold))
    assert (fact.consequence, fact.values["sets"]) == (Consequence.NOTE, 12)
    assert fact.values["lacking"] >= lacking > 0
    assert fact.values["lone"] == 0
    even = table({"a": np.arange(120.0)}, np.arange(120) % 3, MULTICLASS)
    assert (
        lacking_folds(even, deal_folds(even.labels, 120, 3, 0), INDEPENDENT).consequence is Consequence.PASS
    )


def test_a_set_of_one_class_is_told():
    content = table({"a": np.arange(90.0)}, np.repeat([0, 1], 45))
    fact = lacking_folds(content, np.repeat([0, 1, 2], 30).astype(np.int16), INDEPENDENT)
    assert fact.values["lone"] == 2, "the first and the last fold test one class"
    assert "one class alone" in fact.text


def test_rows_without_a_target_are_counted():
    columns = [
        RawColumn("a", np.arange(40.0)),
        RawColumn("y", np.where(np.arange(40) < 7, np.nan, np.arange(40))),
    ]
    content = assemble(columns, Layout(target="y", problem=REGRESSION))
    fact = missing_targets(content)
    assert (fact.consequence, fact.values["rows"], len(content.target)) == (Consequence.NOTE, 7, 33)
    assert missing_targets(table({"a": range(9)}, [0, 1, 0] * 3)).consequence is Consequence.PASS


@pytest.mark.parametrize(("sd", "consequence"), [(1.0, "pass"), (1e-200, "exclude"), (1e200, "exclude")])
def test_a_target_without_spread_is_told(sd, consequence):
    content = table({"a": range(9)}, np.arange(9.0), REGRESSION)
    assert spread(content, sd).consequence == consequence


@pytest.mark.parametrize("where", Origin)
def test_the_origin_is_said(where):
    dataset = table({"a": range(9)}, [0, 1, 0] * 3).describe(own_provenance("own", "a test"))
    fact = origin(replace(dataset, origin=where))
    assert (fact.consequence is Consequence.PASS) == (where is Origin.OBSERVED)
    assert fact.values == {"origin": where.value}


HOSTILE = {
    "huge": np.where(np.arange(300) % 2, 1, -1) * np.linspace(1e307, 1.7e308, 300),
    "tiny": np.linspace(5e-324, 1e-300, 300),
    "far apart": np.exp(np.linspace(-700, 700, 300)),
    "one outlier": np.where(np.arange(300) == 5, 1e300, np.arange(300) / 7),
    "whole and huge": np.linspace(-1, 1, 300) * 1.7e308,
    "missing": np.full(300, np.nan),
    "nearly missing": np.where(np.arange(300) == 7, 1.0, np.nan),
    "constant": np.zeros(300),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("problem", ProblemType)
def test_no_number_is_too_large_too_small_or_too_lonely_for_the_facts(tmp_path, name, problem):
    values = HOSTILE[name]
    y = np.arange(300) % (2 if problem is BINARY else 3)
    if problem is REGRESSION and len(np.unique(values[~np.isnan(values)])) > 1:
        y = values
    others = {"a": DRAW(0).normal(size=300), "b": np.round(values / 1e10, 0), "c": values[::-1]}
    for columns in ({"x": values}, {"x": values, **others}):
        content = table(columns, y, problem)
        cache = Cache(tmp_path / str(len(columns)))
        keep_table(content, content.describe(own_provenance("own", "a test")), cache)
        assert [fact.code for fact in cache.describe("own").facts] == list(CHECKS)


# -- all of them ------------------------------------------------------------------------------------


def test_facts_are_kept_with_the_table_in_the_order_of_their_codes(tmp_path):
    content = table({**HONEST, "leak": TARGETS[REGRESSION] * 2}, TARGETS[REGRESSION], REGRESSION)
    dataset = content.describe(own_provenance("own", "a test"))
    keep_table(content, dataset, Cache(tmp_path))
    found = Cache(tmp_path).describe("own")
    codes, folds = codes_of(content), Cache(tmp_path).fold_of_row("own", "kfold3")
    twins = replace(dataset, facts=twin_facts(content, codes, official=False))
    assert found.facts == all_facts(content, twins, codes, Outer(folds, INDEPENDENT))
    assert [fact.code for fact in found.facts] == list(CHECKS)
    consequences = {
        fact.code: fact.consequence for fact in found.facts if fact.consequence is not Consequence.PASS
    }
    assert consequences == {"D203": Consequence.EXCLUDE, "D402": Consequence.NOTE, "D501": Consequence.NOTE}
    assert all("\n" not in fact.text for fact in found.facts)


def test_the_facts_decide_how_a_table_is_split(tmp_path):
    rows = np.repeat(np.arange(N // 2), 2)
    content = table({name: values[rows] for name, values in HONEST.items()}, TARGETS[BINARY][rows])
    keep_table(content, content.describe(own_provenance("own", "a test")), Cache(tmp_path))
    table_kept = Cache(tmp_path).load("own")
    assert split_plan(table_kept.dataset).procedure == "twins3"
    structure = table_kept.structure
    assert (Cache(tmp_path).load_target("own")[1].twins == structure.twins).all()
    folds = Cache(tmp_path).fold_of_row("own", "twins3", 9)
    assert (folds[::2] == folds[1::2]).all()
    assert (structure.twins[::2] == structure.twins[1::2]).all()
    assert len(np.unique(structure.twins)) == N // 2
