"""Suite files: every error at once, found where they are looked for, expanded to the cells they promise."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bench.budgets import GIB, Budget
from bench.cells import Validation, evidence_key
from bench.config import load as load_module
from bench.config.expand import expand, select, task_shape
from bench.config.load import find_suite, list_suites, load_suite
from bench.config.official import suite_files
from bench.config.problems import did_you_mean, key_path
from bench.datasets import ColumnKind, Grade, Origin, ProblemType
from bench.environments import lock_hash
from bench.errors import ConfigError, PrerequisiteError
from bench.learners import specification_hash
from bench.plans import Plan, PlannedCell
from bench.registry import families, learner, learners
from bench.sources.catalog import catalog
from bench.tasks import Split, SplitPlan

LEARNERS = ("dummy", "linear", "xgboost")
TABLES = ("cmc", "ames", "penguins")
GOOD = """
format = 1
name = "mine"
title = "Mine"
learners = ["dummy", "xgboost"]

[budget]
seconds = 4

[[tasks]]
dataset = "cmc"
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="mine.toml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    return write


def problems(path):
    with pytest.raises(ConfigError) as caught:
        load_suite(path, LEARNERS, TABLES)
    lines = caught.value.problems
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]


# -- reading ----------------------------------------------------------------------------------------


def test_a_short_suite_has_the_documented_defaults(write):
    suite = load_suite(write(GOOD), LEARNERS, TABLES)
    assert suite.budget == Budget(seconds=4.0, trials=None, cores=1, memory_bytes=4 * GIB)
    assert suite.validation == Validation("holdout", 25)
    assert (suite.folds, suite.seeds, suite.interventions) == (1, (0,), ("none",))
    assert (suite.train_caps, suite.test_cap, suite.allowed_failures) == ((None,), None, 0.0)
    assert [(task.where, task.name, task.dataset) for task in suite.tasks] == [("tasks[0]", "cmc", "cmc")]


def test_every_key_reaches_the_suite(write):
    text = """
    format = 1
    name = "all.of-it"
    title = "All"
    note = "For a test."
    learners = ["linear", "dummy"]
    validation = "cv:4"
    folds = 3
    seeds = [1, 2]
    interventions = ["none"]
    allowed_failures = 0.5
    [budget]
    seconds = 0.5
    trials = 7
    cores = 2
    memory = "1.5 GiB"
    [caps]
    train_rows = 100
    test_rows = 200
    [[tasks]]
    file = "data/prices.csv"
    name = "prices"
    target = "price"
    problem = "regression"
    kinds = { zip = "categorical", sold = "date", note = "ignore" }
    group = "seller"
    """
    path = write(text)
    suite = load_suite(path, LEARNERS, TABLES)
    assert (suite.name, suite.title, suite.note) == ("all.of-it", "All", "For a test.")
    assert suite.learners == ("linear", "dummy"), "in the order of the file"
    assert suite.budget == Budget(seconds=0.5, trials=7, cores=2, memory_bytes=3 * GIB // 2)
    assert suite.validation == Validation("cv", 4)
    assert (suite.folds, suite.seeds, suite.allowed_failures) == (3, (1, 2), 0.5)
    assert (suite.train_caps, suite.test_cap) == ((100,), 200)
    (task,) = suite.tasks
    assert task.file == str(Path(path).parent / "data/prices.csv"), "relative to the suite, not to the caller"
    assert (task.name, task.target, task.problem) == ("prices", "price", ProblemType.REGRESSION)
    assert task.kinds == {
        "zip": ColumnKind.CATEGORICAL,
        "sold": ColumnKind.DATE,
        "note": ColumnKind.IGNORE,
    }
    assert (task.group, task.time) == ("seller", None)


def test_the_hash_is_of_the_bytes(write):
    one, same, other = (
        load_suite(write(text, name), LEARNERS, TABLES).hash
        for name, text in (("a.toml", GOOD), ("b.toml", GOOD), ("c.toml", GOOD + "# a remark"))
    )
    assert one == same != other
    assert len(one) == 16


@pytest.mark.parametrize(
    ("text", "expected"),
    [("4 GiB", 4 * 2**30), ("800 MB", 800_000_000), ("1.5 GB", 1_500_000_000), ("300 MiB", 300 * 2**20)],
)
def test_memory_is_read_with_its_unit(write, text, expected):
    path = write(GOOD.replace("seconds = 4", f'seconds = 4\nmemory = "{text}"'))
    assert load_suite(path, LEARNERS, TABLES).budget.memory_bytes == expected


# -- refusing ---------------------------------------------------------------------------------------


def test_every_error_is_listed_at_once_with_its_key(write):
    text = """
    format = 2
    name = "Not a name"
    titel = "typo"
    learners = []
    folds = true
    validation = "holdout:90"
    seeds = [0, "one"]
    interventions = ["shuffle"]
    [budget]
    seconds = 4
    memmory = "4 GiB"
    trials = 1.5
    memory = "lots"
    [caps]
    train_rows = 3
    [[tasks]]
    dataset = "cmc"
    [[tasks]]
    dataset = "cmc"
    file = "x.csv"
    [[tasks]]
    file = "x.csv"
    [[tasks]]
    dataset = "aimes"
    """
    found = problems(write(text))
    assert {line.split(":")[0] for line in found} == {
        *("format", "name", "titel", "title", "learners", "folds", "validation", "seeds[1]"),
        *("interventions[0]", "budget.memmory", "budget.trials", "budget.memory", "caps.train_rows"),
        *("tasks[1]", "tasks[2]", "tasks[3].dataset"),
    }
    assert len(found) == 16
    assert 'titel: unknown key - did you mean "title"?' in found
    assert 'budget.memmory: unknown key - did you mean "memory"?' in found
    assert "title: missing" in found
    by_key = dict(line.split(": ", 1) for line in found)
    assert "valid integer" in by_key["folds"]
    assert "lower-case" in by_key["name"]
    assert "5 and 50 per cent" in by_key["validation"]
    assert '"4 GiB"' in by_key["budget.memory"]
    assert "one of dataset" in by_key["tasks[1]"]
    assert "target" in by_key["tasks[2]"]


def test_an_intervention_needs_what_it_is_compared_with(write):
    def asking(*interventions):
        listed = ", ".join(f'"{each}"' for each in interventions)
        return GOOD.replace("[budget]", f"interventions = [{listed}]\n[budget]")

    assert problems(write(asking("none", "rotate-features"))) == [
        'interventions: "rotate-features" is compared with "scaled-features": name that as well'
    ]
    for there in (("rotate-features", "scaled-features"), ("scaled-features",), ("random-labels",)):
        assert load_suite(write(asking(*there)), LEARNERS, TABLES).interventions == there


def test_unknown_names_and_names_given_twice_are_listed_at_once(write):
    text = GOOD.replace('["dummy", "xgboost"]', '["xgbost", "dummy", "dummy"]')
    text += '[[tasks]]\ndataset = "aimes"\n[[tasks]]\ndataset = "cmc"\n[[tasks]]\ndataset = "zzzzzz"\n'
    assert problems(write(text)) == [
        'learners[0]: unknown learner "xgbost" - did you mean "xgboost"? (see `bench list learners`)',
        'tasks[1].dataset: unknown table "aimes" - did you mean "ames"? (see `bench list tables`)',
        'tasks[3].dataset: unknown table "zzzzzz" (see `bench list tables`)',
        'learners: "dummy" is named 2 times',
        'tasks: "cmc" is named 2 times',
    ]


def test_two_tasks_may_share_a_table_under_two_names(write):
    suite = load_suite(write(GOOD + '[[tasks]]\ndataset = "cmc"\nname = "again"\n'), LEARNERS, TABLES)
    assert [task.name for task in suite.tasks] == ["cmc", "again"]
    taken = GOOD + '[[tasks]]\ndataset = "ames"\nname = "cmc"\n'
    assert problems(write(taken)) == ['tasks: "cmc" is named 2 times']


def test_what_would_make_the_same_cell_twice_is_refused(write):
    """Two cells with one id are one cell: planned twice, it would run against itself."""
    for line in ("seeds = [0, 1, 0]", 'interventions = ["none", "none"]'):
        key = line.partition(" ")[0]
        (problem,) = problems(write(GOOD.replace("\n[budget]", f"{line}\n\n[budget]")))
        assert key in problem


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("format = 1", "format = true", "format"),
        ("format = 1", 'format = "1"', "format"),
        ('title = "Mine"', "title = 3", "title"),
        ('title = "Mine"', 'title = "Mine"\nfolds = true', "folds"),
        ('title = "Mine"', 'title = "Mine"\nfolds = 1.0', "folds"),
        ('title = "Mine"', 'title = "Mine"\nfolds = "1"', "folds"),
        ('title = "Mine"', 'title = "Mine"\nfolds = 0', "folds"),
        ('title = "Mine"', 'title = "Mine"\nfolds = 11', "folds"),
        ('title = "Mine"', 'title = "Mine"\nseeds = [true]', "seeds[0]"),
        ('title = "Mine"', 'title = "Mine"\nseeds = [-1]', "seeds[0]"),
        ('title = "Mine"', 'title = "Mine"\nseeds = []', "seeds"),
        ('title = "Mine"', 'title = "Mine"\nallowed_failures = 1.5', "allowed_failures"),
        ('name = "mine"', 'name = "a/b"', "name"),
        ('name = "mine"', 'name = ""', "name"),
        ("seconds = 4", "seconds = true", "budget.seconds"),
        ("seconds = 4", 'seconds = "4"', "budget.seconds"),
        ("seconds = 4", "seconds = 0", "budget.seconds"),
        ("seconds = 4", "seconds = nan", "budget.seconds"),
        ("seconds = 4", "seconds = inf", "budget.seconds"),
        ("seconds = 4", "trials = 0", "budget.trials"),
        ("seconds = 4", "cores = 1", "budget"),
        ('dataset = "cmc"', 'name = "x"', "tasks[0]"),
        ('dataset = "cmc"', 'dataset = "cmc"\ntarget = "y"', "tasks[0]"),
        ('dataset = "cmc"', 'file = "x.csv"\ntarget = "y"\nproblem = "ranking"', "tasks[0].problem"),
        ('dataset = "cmc"', 'file = "x.csv"\ntarget = "y"\nkinds = {a = "text"}', "tasks[0].kinds.a"),
        ('dataset = "cmc"', 'dataset = "cmc"\ngroup = "y"', "tasks[0]"),
        ('dataset = "cmc"', 'file = "x.csv"\ntarget = "y"\ngroup = 3', "tasks[0].group"),
        ('dataset = "cmc"', 'file = "x.csv"\ntarget = "y"\ngroup = "y"', "tasks[0]"),
        ('dataset = "cmc"', 'file = "x.csv"\ntarget = "y"\ntime = "y"', "tasks[0]"),
        ('dataset = "cmc"', 'file = "x.csv"\ntarget = "y"\ngroup = "a"\ntime = "b"', "tasks[0]"),
        ('dataset = "cmc"', 'file = "x.csv"\ntarget = "y"\nkinds = {y = "date"}', "tasks[0]"),
        ('dataset = "cmc"', 'file = "x.csv"\ntarget = "y"\ntime = "a"\nkinds = {a = "ignore"}', "tasks[0]"),
    ],
)
def test_what_is_wrong_is_said_at_its_key(write, old, new, key):
    (problem,) = problems(write(GOOD.replace(old, new)))
    assert problem.split(":")[0] == key


@pytest.mark.parametrize(
    "text", ["holdout:4", "holdout:51", "holdout:", "cv", "cv:1", "cv:11", "cv:4.0", "loo", "", "cv: 4", "25"]
)
def test_a_validation_that_means_nothing_is_refused(write, text):
    path = write(GOOD.replace("\n[budget]", f'validation = "{text}"\n\n[budget]'))
    (problem,) = problems(path)
    assert problem.startswith("validation: ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("holdout", "holdout25"), ("holdout:5", "holdout5"), ("cv:2", "cv2"), ("cv:10", "cv10")],
)
def test_a_validation_is_read(write, text, expected):
    path = write(GOOD.replace("\n[budget]", f'validation = "{text}"\n\n[budget]'))
    assert str(load_suite(path, LEARNERS, TABLES).validation) == expected


@pytest.mark.parametrize("text", ["4", "4GiB", "4 gib", "-1 GiB", "4 TiB", "four GiB", "4 GiB ", "1e3 MB"])
def test_a_memory_without_a_clear_size_is_refused(write, text):
    path = write(GOOD.replace("seconds = 4", f'seconds = 4\nmemory = "{text}"'))
    (problem,) = problems(path)
    assert problem.startswith("budget.memory: ")


def test_what_is_no_toml_is_said_with_its_line(write, tmp_path):
    (problem,) = problems(write('format = 1\nname = "x"\ntitle = \n'))
    assert "not valid TOML" in problem
    assert "line 3" in problem
    (tmp_path / "latin.toml").write_bytes(b'title = "caf\xe9"')
    (problem,) = problems(str(tmp_path / "latin.toml"))
    assert "not valid TOML" in problem


def test_a_file_that_cannot_be_read_is_no_error_of_the_suite(write, monkeypatch):
    path = write(GOOD)

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(PrerequisiteError, match="cannot be read: Permission denied"):
        load_suite(path, LEARNERS, TABLES)


def test_key_paths_are_written_as_in_the_documentation():
    assert key_path(("tasks", 3, "dataset")) == "tasks[3].dataset"
    assert key_path(()) == "(the file)"
    assert did_you_mean("xgbost", LEARNERS) == ' - did you mean "xgboost"?'
    assert did_you_mean("qqqqqq", LEARNERS) == ""


# -- finding ----------------------------------------------------------------------------------------


def test_suites_are_looked_for_in_a_documented_order(write, tmp_path, monkeypatch):
    """A path; then `./suites`, the package, the source checkout."""
    package = tmp_path / "checkout/src/bench"
    monkeypatch.setattr(load_module, "__file__", str(package / "config/load.py"))
    monkeypatch.chdir(tmp_path)
    places = ("suites", "checkout/src/bench/_data/suites", "checkout/suites")
    for place in places:
        write(GOOD, f"{place}/mine.toml")
    write(GOOD, "mine.toml")
    write(GOOD, "checkout/suites/other.toml")
    assert find_suite("mine.toml") == Path("mine.toml")
    for place in places:
        assert find_suite("mine").resolve() == tmp_path / place / "mine.toml"
        assert find_suite("other").resolve() == tmp_path / "checkout/suites/other.toml"
        (tmp_path / place / "mine.toml").unlink()
    with pytest.raises(ConfigError):
        find_suite("mine")
    write(GOOD, "suites/mine.toml")
    assert set(list_suites()) == {"mine", "other"}


def test_a_suite_that_is_not_there_is_said_with_those_that_are():
    with pytest.raises(ConfigError, match=r'no suite "tabulr" - did you mean "tabular".*known: .*smoke'):
        find_suite("tabulr")
    with pytest.raises(ConfigError, match=r"no/such\.toml: there is no such suite file"):
        find_suite("no/such.toml")


# -- the suites that are shipped --------------------------------------------------------------------


def shipped(name):
    return load_suite(name, learners(), catalog())


OWN = ("images", "images-full", "permuted-pixels", "rotated-features")
SHIPPED = ["smoke", "tabular", *OWN, *(name.removesuffix(".toml") for name, _ in suite_files())]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_suite_is_valid_and_named_like_its_file(name, root):
    suite = shipped(str(root / "suites" / f"{name}.toml"))
    assert suite.name == name
    assert {path.stem for path in (root / "suites").glob("*.toml")} == set(SHIPPED)


def test_the_tabular_tour_holds_what_it_promises(root):
    suite = shipped(str(root / "suites/tabular.toml"))
    records = [catalog()[task.dataset] for task in suite.tasks]
    facts = [record.expected for record in records]
    assert len(records) >= 16
    assert {record.origin for record in records} == {Origin.OBSERVED}
    assert min(fact.n_rows for fact in facts) >= 1000
    assert sum(record.problem is ProblemType.REGRESSION for record in records) >= 5
    assert sum(record.problem is ProblemType.MULTICLASS for record in records) >= 1
    assert sum(record.problem is ProblemType.BINARY for record in records) >= 5
    assert sum(fact.n_categorical > 0 for fact in facts) >= 6
    assert sum(fact.n_missing > 0 for fact in facts) >= 4
    assert sum(fact.n_rows >= 4000 for fact in facts) >= 6


def declared(*, images):
    """The learners of the families that are not for experiments, those that need images or the others."""
    names = [name for family in families().values() for name in family.learners]
    shown = [name for name in names if not learner(name).for_experiments]
    return {name for name in shown if learner(name).needs_images is images}


def test_the_tabular_tour_shows_every_learner_of_tables(root):
    assert set(shipped(str(root / "suites/tabular.toml")).learners) == declared(images=False)


def test_the_full_suite_of_images_shows_every_learner_that_needs_them(root):
    suite = shipped(str(root / "suites/images-full.toml"))
    assert set(suite.learners) >= declared(images=True)
    assert [task.name for task in suite.tasks] == [
        *("digits-8x8", "translated-digits", "mnist", "fashion-mnist", "cifar-10")
    ]
    assert suite.train_caps == (250, 1000, 4000, None)


def test_the_small_suite_of_images_is_what_it_promises(root):
    suite = shipped(str(root / "suites/images.toml"))
    assert suite.budget.seconds >= 30
    assert suite.train_caps == (250, 1000)
    assert len({learner(name).family for name in suite.learners}) >= 6
    assert all(catalog()[task.dataset].images for task in suite.tasks)


def test_the_smoke_suite_needs_no_network(root):
    suite = shipped(str(root / "suites/smoke.toml"))
    assert {catalog()[task.dataset].package for task in suite.tasks} == {"scikit-learn"}
    assert {catalog()[task.dataset].problem for task in suite.tasks} >= {
        ProblemType.BINARY,
        ProblemType.REGRESSION,
    }
    assert suite.budget.seconds <= 2


# -- cells ------------------------------------------------------------------------------------------


def test_a_cell_has_the_documented_id(cell):
    assert cell.id == "cmc/r0f0-n2000-t5000/xgboost/none/s0/cpu1/holdout25"
    assert cell.split_key == "cmc/r0f0-n2000-t5000/s0"
    assert cell.search_key == "xgboost/cmc/r0f0-n2000-t5000/s0"
    bare = dataclasses.replace(
        cell, split=Split(repeat=1, fold=2, train_cap=None, test_cap=None), validation=Validation("cv", 4)
    )
    assert bare.id == "cmc/r1f2/xgboost/none/s0/cpu1/cv4"


def test_every_part_of_a_cell_is_in_its_id(cell):
    task = dataclasses.replace(cell.task, name="other")
    others = [
        dataclasses.replace(cell, **change)
        for change in (
            {"task": task},
            {"split": Split(repeat=0, fold=1, train_cap=2000, test_cap=5000)},
            {"split": Split(repeat=0, fold=0, train_cap=2000, test_cap=None)},
            {"learner": "lightgbm"},
            {"intervention": "rotate"},
            {"seed": 1},
            {"device": "gpu"},
            {"cores": 2},
            {"validation": Validation("holdout", 20)},
        )
    ]
    assert len({each.id for each in (cell, *others)}) == 10


def test_inner_folds_are_the_same_for_every_learner(cell):
    other = dataclasses.replace(cell, learner="linear", family="linear")
    assert other.split_key == cell.split_key
    assert other.search_key != cell.search_key


def test_the_evidence_key_is_of_its_four_parts():
    parts = ["cell", "data", "learner", "lock"]
    keys = {evidence_key(*parts)}
    for place in range(4):
        keys.add(evidence_key(*(part + "x" * (i == place) for i, part in enumerate(parts))))
    assert len(keys) == 5
    assert evidence_key(*parts) == evidence_key(*parts)
    assert all(len(key) == 32 for key in keys)


@pytest.fixture
def suite(write):
    text = GOOD.replace("\n[budget]", 'folds = 3\nseeds = [0, 5]\nvalidation = "cv:4"\n\n[budget]')
    return load_suite(write(text), LEARNERS, TABLES)


def planned(suite, cell, **changes):
    task = dataclasses.replace(cell.task, **changes)
    return expand(suite, [task], {name: learner(name) for name in ("dummy", "xgboost")}, ())


def test_a_plan_holds_every_cell_once(suite, cell):
    plan = planned(suite, cell)
    ids = [each.cell.id for each in plan.cells]
    assert len(ids) == len(set(ids)) == 2 * 3 * 2
    assert ids[0] == "cmc/r0f0/dummy/none/s0/cpu1/cv4"
    assert ids[-1] == "cmc/r0f2/xgboost/none/s5/cpu1/cv4"
    assert {each.cell.family for each in plan.cells} == {"dummy", "boosted-trees"}


def test_no_more_folds_than_the_procedure_has(suite, cell):
    ten = dataclasses.replace(suite, folds=10)
    three = planned(ten, cell, splits=SplitPlan(procedure="kfold3"))
    assert {each.cell.split.fold for each in three.cells} == {0, 1, 2}
    assert {each.cell.split.fold for each in planned(ten, cell).cells} == set(range(10))


def test_the_budget_is_no_part_of_the_evidence(suite, cell):
    richer = dataclasses.replace(suite, budget=Budget(seconds=600.0, trials=9, memory_bytes=GIB))
    assert [each.evidence_key for each in planned(suite, cell).cells] == [
        each.evidence_key for each in planned(richer, cell).cells
    ]


def test_the_evidence_key_of_a_planned_cell_is_that_of_its_facts(suite, cell):
    boosted = planned(suite, cell).cells[-1]
    xgboost = learner("xgboost")
    assert boosted.learner_hash == specification_hash(xgboost)
    assert boosted.lock_hash == lock_hash(xgboost.packages)
    assert boosted.evidence_key == evidence_key(
        boosted.cell.id, cell.task.fingerprint, boosted.learner_hash, boosted.lock_hash
    )
    others = [
        dataclasses.replace(cell.task.dataset, fingerprint="f" * 64),
        dataclasses.replace(cell.task.dataset, grade=Grade.NONE),
    ]
    changed, unchanged = (planned(suite, cell, dataset=dataset).cells[-1] for dataset in others)
    assert changed.evidence_key != boosted.evidence_key, "the data"
    assert unchanged.evidence_key == boosted.evidence_key, "what is said of the data"
    procedure = planned(suite, cell, splits=SplitPlan(procedure="openml-cv5")).cells[-1]
    assert procedure.evidence_key != boosted.evidence_key, "how it is split"


@pytest.mark.parametrize(
    ("procedure", "cap", "validation", "rows"),
    [
        ("openml-cv10", None, Validation("holdout", 25), 994),
        ("kfold3", None, Validation("holdout", 25), 736),
        ("openml-cv10", 1000, Validation("holdout", 20), 800),
        ("openml-cv10", 5000, Validation("cv", 4), 994),
        ("openml-cv10", 1000, Validation("cv", 5), 800),
    ],
)
def test_limits_are_judged_by_the_rows_of_one_fit(cell, procedure, cap, validation, rows):
    task = dataclasses.replace(cell.task, splits=SplitPlan(procedure=procedure))
    split = Split(repeat=0, fold=0, train_cap=cap, test_cap=None)
    shape = task_shape(task, split, validation)
    assert shape.n_rows == rows
    assert (shape.n_numeric, shape.levels, shape.n_classes) == (1, (2,), 3)


def test_a_cell_past_a_limit_is_planned_with_its_reason(suite, cell):
    large = dataclasses.replace(cell.task.dataset, n_rows=200_000)
    task = dataclasses.replace(cell.task, dataset=large)
    plan = expand(suite, [task], {name: learner(name) for name in ("dummy", "gp-exact")}, ())
    assert {each.cell.learner: bool(each.not_applicable) for each in plan.cells} == {
        "dummy": False,
        "gp-exact": True,
    }
    assert {each.cell.learner for each in plan.runnable} == {"dummy"}


# -- selecting --------------------------------------------------------------------------------------


def selected(plan: Plan | tuple[PlannedCell, ...], expression):
    cells = plan.cells if isinstance(plan, Plan) else plan
    return [each.cell.id for each in select(cells, expression)]


@pytest.mark.parametrize(
    ("expression", "matches"),
    [
        ("xgboost", lambda i: "xgboost" in i),
        ("cmc/*/xgboost", lambda i: "xgboost" in i),
        ("r0f[01]/", lambda i: "r0f0/" in i or "r0f1/" in i),
        ("r0f?/dummy", lambda i: "dummy" in i),
        ("dummy or s5", lambda i: "dummy" in i or "/s5/" in i),
        ("dummy and s5", lambda i: "dummy" in i and "/s5/" in i),
        ("not dummy", lambda i: "dummy" not in i),
        ("not dummy and not s5", lambda i: "dummy" not in i and "/s5/" not in i),
        ("dummy and s5 or xgboost and s0", lambda i: ("dummy" in i) == ("/s5/" in i)),
        ("  xgboost  and  r0f2 ", lambda i: "xgboost" in i and "r0f2" in i),
        ("nothing-like-it", lambda _: False),
        ("Dummy", lambda _: False),
    ],
)
def test_cells_are_selected(suite, cell, expression, matches):
    plan = planned(suite, cell)
    assert selected(plan, expression) == [each.cell.id for each in plan.cells if matches(each.cell.id)]


@pytest.mark.parametrize(
    "expression",
    ["", "  ", "dummy or", "or dummy", "dummy and ", "and dummy", "a or  or b", "a and  and b"],
)
def test_an_empty_term_is_refused(suite, cell, expression):
    with pytest.raises(ConfigError, match="cannot be read at"):
        selected(planned(suite, cell), expression)


@pytest.mark.parametrize(
    "expression",
    [
        "dummy or or s5",
        "dummy and and s5",
        "dummy and or s5",
        "not",
        "dummy or not ",
        "dummy xgboost",
        "(dummy or xgboost) and s5",
    ],
)
def test_an_expression_that_cannot_be_read_is_refused(suite, cell, expression):
    """Else a part of it is dropped in silence: a term with a space or a bracket matches no cell."""
    with pytest.raises(ConfigError):
        selected(planned(suite, cell), expression)
