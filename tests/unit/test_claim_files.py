"""Claim files: those that come along load, and what is wrong with one is said in one line with its key."""

from __future__ import annotations

import math
import tomllib

import pytest

from bench.claims import Margin, Scale, Unit
from bench.config.claim_suites import claim_plan, needed, own_seeds
from bench.config.claims import claim_hash, find_claim, list_claims, load_claim, scope_of
from bench.errors import ConfigError
from bench.session import Request, outline_plan
from bench.sources.cache import Cache
from bench.verdicts import Rule

GOOD = """
format = 1
id = "TST-1"
title = "Test"
statement = "Trees beat linear models."
unit = "dataset"
margin = "5 %"
expected = "SUPPORTED"
because = "it is a test"

[[sources]]
cite = "A test"
says = "so"

[sides]
trees = ["tree", "random-forest"]
linear = ["linear"]

[[contrasts]]
name = "trees against linear"
rule = "superiority"
pairs = [["trees", "linear"]]

[controls]
same = ["trees"]
permuted_labels = { sides = ["trees"], tasks = ["iris"] }

[profiles.small]
tasks = ["iris", "sk-diabetes", "wdbc"]
budget = { trials = 2 }
"""
COUNT = """
[[contrasts]]
name = "count"
rule = "universal"
side = "trees"
conditions = [{ at_most = 0.5, of_dummy = true }]
"""
INTERACTION = """
[[contrasts]]
name = "rotated"
rule = "interaction"
pairs = [["trees", "linear"]]
intact = "scaled-features"
altered = "rotate-features"
"""


def written(tmp_path, *changes, extra=""):
    """Return a file of the good claim with lines changed, and more before its controls."""
    said = GOOD.replace("[controls]", f"{extra}\n[controls]")
    for before, after in changes:
        assert said.count(before) == 1, before
        said = said.replace(before, after)
    path = tmp_path / "claim.toml"
    path.write_text(said)
    return str(path)


@pytest.mark.parametrize("name", list_claims())
def test_every_claim_that_comes_along_loads(name):
    claim = load_claim(name)
    assert claim.name == name
    assert load_claim(claim.id) == load_claim(claim.id.lower()) == claim
    assert {"small", "full"} == set(claim.profiles)
    assert any(contrast.primary for contrast in claim.contrasts)
    assert claim.hash == claim_hash(tomllib.loads(find_claim(name).read_text()), scope_of(claim))
    for profile, suite in claim.profiles.items():
        learners = {learner for learner, *_ in needed(claim, suite)}
        assert learners <= {"dummy", *claim.learners} == set(suite.learners), profile
        assert "dummy" in learners


def test_their_ids_differ():
    ids = [load_claim(name).id for name in list_claims()]
    assert len(set(ids)) == len(ids) > 5


@pytest.mark.parametrize("name", list_claims())
def test_every_control_has_cells_in_every_profile(name):
    """Labels are permuted on some task of each profile, whichever profile the file names tasks of."""
    claim = load_claim(name)
    for suite in claim.profiles.values():
        on = {task for _, intervention, _, task in needed(claim, suite) if intervention == "random-labels"}
        tasks = {task.name for task in suite.tasks}
        assert bool(on) >= bool(claim.controls.permuted_labels)
        assert all(task is None or task in tasks for task in on)


def test_a_good_file_says_what_it_says(tmp_path):
    claim = load_claim(written(tmp_path, extra=COUNT + INTERACTION))
    assert [contrast.rule for contrast in claim.contrasts] == [
        Rule.SUPERIORITY, Rule.UNIVERSAL, Rule.INTERACTION
    ]  # fmt: skip
    first, _, interaction = claim.contrasts
    assert first.margin == Margin(pytest.approx(math.log(1.05)), Scale.RATIO)
    assert interaction.interventions == ("scaled-features", "rotate-features")
    assert (claim.unit, claim.fewest) == (Unit.DATASET, 8)
    assert claim.controls.permuted_tasks == ("iris",)
    assert (claim.profiles["small"].seeds, own_seeds(claim, claim.profiles["small"])) == ((0, 1), (0,))


@pytest.mark.parametrize(("margin", "amount", "scale"), [
    ("5 %", math.log(1.05), Scale.RATIO), ("10.25 %", math.log(1.1025), Scale.RATIO),
    ("5 points", 0.05, Scale.POINTS), ("0.5 points", 0.005, Scale.POINTS),
])  # fmt: skip
def test_margins(tmp_path, margin, amount, scale):
    (contrast,) = load_claim(written(tmp_path, ("5 %", margin))).contrasts
    assert contrast.margin == Margin(pytest.approx(amount), scale)


@pytest.mark.parametrize(("changes", "extra", "key", "hint"), [
    ([('[["trees", "linear"]]', '[["treees", "linear"]]')], "", "contrasts[0].pairs",
     'no side "treees" - did you mean "trees"? (sides: trees, linear)'),
    ([('same = ["trees"]', 'same = ["nets"]')], "", "controls.same", 'no side "nets"'),
    ([('sides = ["trees"]', 'sides = ["nets"]')], "", "controls.permuted_labels.sides", 'no side "nets"'),
    ([], COUNT.replace('side = "trees"', 'side = "nets"'), "contrasts[1].side", 'no side "nets"'),
    ([("same =", 'positive = ["trees", "nets"]\nsame =')], "", "controls.positive", 'no side "nets"'),
    ([('linear = ["linear"]', 'linear = ["lineer"]')], "", "sides.linear.learners[0]", "lineer"),
    ([('linear = ["linear"]', 'linear = ["linear{alpha=x}"]')], "", "sides.linear.learners[0]", "alpha"),
    ([('linear = ["linear"]', 'linear = { family = "lineal" }')], "", "sides.linear",
     'unknown family "lineal" - did you mean "linear"?'),
    ([('linear = ["linear"]', 'linear = { show = "tuned" }')], "", "sides.linear",
     "give learners or a family"),
    ([('linear = ["linear"]', "linear = []")], "", "sides.linear.learners", "at least 1 item"),
    ([("superiority", "superior")], "", "contrasts[0].rule", 'no rule "superior" (rules: superiority, '),
    ([("5 %", "0 %")], "", "margin", "a margin of zero decides nothing"),
    ([("5 %", "0.0 points")], "", "margin", "a margin of zero decides nothing"),
    ([("5 %", "5 parsecs")], "", "margin", '"5 parsecs" is no margin: write "5 %", "5 points"'),
    ([("5 %", "-5 %")], "", "margin", "is no margin"),
    ([("5 %", "0.05")], "", "contrasts[0]", 'rule "shape" alone has a margin of exponents'),
    ([], INTERACTION.replace('altered = "rotate-features"\n', ""), "contrasts[1]", "needs altered"),
    ([], INTERACTION.replace('"interaction"', '"superiority"'), "contrasts[1]", "do not go together"),
    ([], INTERACTION.replace('intact = "scaled-features"\n', ""), "contrasts[1]",
     '"rotate-features" is compared with intact = "scaled-features"'),
    ([], INTERACTION.replace('"rotate-features"', '"rotate-feature"'), "contrasts[1].altered",
     "rotate-features"),
    ([], COUNT.replace("conditions", "#"), "contrasts[1]", "needs side and conditions, and no pairs"),
    ([], COUNT.replace("side =", "#"), "contrasts[1]", "needs side and conditions, and no pairs"),
    ([], COUNT.replace('"universal"', '"equivalence"'), "contrasts[1]", "needs pairs of sides"),
    ([], COUNT.replace('"count"', '"trees against linear"'), "contrasts",
     'the name "trees against linear" stands 2 times'),
    ([('[["trees", "linear"]]', '[["trees"]]')], "", "contrasts[0].pairs[0]", "at least 2 items"),
    ([('[["trees", "linear"]]', '[["trees", "trees"]]')], "", "contrasts[0].pairs",
     '"trees" is compared with itself'),
    ([('[["trees", "linear"]]', '[["trees", "linear"]]\nprimary = false')], "", "(the file)",
     "no contrast is primary"),
    ([("same =", 'null = ["xgboost"]\nsame =')], INTERACTION, "controls.null",
     '"xgboost" is a learner of no side (learners: tree, random-forest, linear)'),
    ([("same =", 'null = ["linear"]\nsame =')], "", "controls.null", "there is no interaction"),
    ([("superiority", "shape"), ("5 %", "0.05")], "", "profiles.small.caps.train_rows",
     "a shape needs several sizes"),
    ([('tasks = ["iris"] ', 'tasks = ["irish"] ')], "", "controls.permuted_labels.tasks",
     '"irish" is a task of no profile'),
    ([('["iris", "sk-diabetes", "wdbc"]', '["iris", "sk-diabetis", "wdbc"]')], "", "profiles.small.tasks[1]",
     'unknown table "sk-diabetis"'),
    ([("trials = 2", "trials = 0")], "", "profiles.small.budget.trials", "greater than or equal to 1"),
    ([("trials = 2", "")], "", "profiles.small.budget", "give seconds, trials or both"),
    ([("budget = {", 'validation = "half"\nbudget = {')], "", "profiles.small.validation", "holdout"),
    ([("[profiles.small]", "[profiles.tiny]")], "", "profiles.tiny.[key]", "'small' or 'full'"),
    ([('tasks = ["iris", "sk', 'tasks_of = "smoke"\ntasks = ["iris", "sk')], "", "profiles.small",
     "give tasks, or tasks_of"),
    ([('unit = "dataset"', 'unit = "dataset"\nfewest = 2')], "", "fewest", "greater than or equal to 3"),
    ([('unit = "dataset"', 'unit = "row"')], "", "unit", "'dataset' or 'seed'"),
    ([("SUPPORTED", "INVALID")], "", "expected", "'SUPPORTED', 'REFUTED'"),
    ([("TST-1", "test")], "", "id", "match pattern"),
    ([("statement", "statment")], "", "statment", 'unknown key - did you mean "statement"?'),
    ([("format = 1", "format = true")], "", "format", "write a number"),
    ([('because = "it is a test"', "")], "", "because", "missing"),
])  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(tmp_path, changes, extra, key, hint):
    path = written(tmp_path, *changes, extra=extra)
    with pytest.raises(ConfigError) as caught:
        load_claim(path)
    lines = [line for line in caught.value.problems if f"{path}: {key}: " in line]
    assert len(lines) == 1, caught.value.problems
    assert hint in lines[0]
    assert "\n" not in lines[0]
    others = set(caught.value.problems) - set(lines)
    assert all("statement: missing" in other for other in others), others


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    path = written(
        tmp_path, ('linear = ["linear"]', 'linear = ["lineer"]'), ('same = ["trees"]', 'same = ["nets"]')
    )
    with pytest.raises(ConfigError) as caught:
        load_claim(path)
    assert len(caught.value.problems) == 2


def test_what_is_no_toml_or_no_file(tmp_path):
    path = tmp_path / "claim.toml"
    with pytest.raises(ConfigError, match=r"claim\.toml: there is no such claim file"):
        load_claim(str(path))
    for content in (b"format = [", b"\xff\xfe"):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=r"claim\.toml: not valid TOML: "):
            load_claim(str(path))


def test_a_name_that_is_none_is_guessed():
    with pytest.raises(ConfigError, match='no claim "rotated-feature" - did you mean "rotated-features"'):
        load_claim("rotated-feature")
    with pytest.raises(ConfigError, match="TAB-99"):
        load_claim("TAB-99")


def test_the_hash_is_of_what_is_said(tmp_path):
    plain = load_claim(written(tmp_path)).hash
    assert load_claim(written(tmp_path, ("format = 1", "# why\nformat   =   1 # one"))).hash == plain
    title = 'title = "Test"\nstatement = "Trees beat linear models."\n'
    swapped = "".join(reversed(title.splitlines(keepends=True)))
    assert load_claim(written(tmp_path, (title, swapped))).hash == plain
    others = [
        load_claim(written(tmp_path, change)).hash
        for change in (
            ("5 %", "4 %"), ("trials = 2", "trials = 4"), ('"SUPPORTED"', '"REFUTED"'),
            ('["iris", "sk-diabetes", "wdbc"]', '["sk-diabetes", "iris", "wdbc"]'),
        )
    ]  # fmt: skip
    assert len({plain, *others}) == 5


def test_the_hash_of_anything_that_toml_can_say():
    assert claim_hash(tomllib.loads("at = 2026-01-01\nnext = nan")) != claim_hash(tomllib.loads("at = 1"))


def test_a_plan_has_the_cells_that_are_needed_and_no_other(tmp_path):
    claim = load_claim(written(tmp_path, extra=INTERACTION))
    suite = claim.profiles["small"]
    everything = outline_plan(suite, Cache(tmp_path / "cache"), Request())
    cells = [each.cell for each in claim_plan(claim, everything).cells]
    found = {(c.task.name, c.learner, c.intervention, c.seed) for c in cells}
    tasks, ours = ("iris", "sk-diabetes", "wdbc"), ("dummy", "tree", "random-forest", "linear")
    contrasts = {
        (t, n, i, 0) for t in tasks for n in ours for i in ("none", "scaled-features", "rotate-features")
    }
    again = {(t, n, "none", 1) for t in tasks for n in ("dummy", "tree", "random-forest")}
    permuted = {("iris", n, "random-labels", 0) for n in ("dummy", "tree", "random-forest")}
    assert found == contrasts | again | permuted
    assert len(cells) == len(found) < len(everything.cells)
