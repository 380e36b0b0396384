"""The registry answers without importing what learners fit with."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench import registry
from bench.datasets import ProblemType
from bench.environments import package_version
from bench.errors import ConfigError, PrerequisiteError
from bench.learners import specification_hash
from bench.tasks import TaskShape

HEAVY = "numpy pandas sklearn scipy xgboost lightgbm torch gpytorch"


def test_asking_imports_nothing_heavy():
    code = f"""
import sys
from bench import registry
from bench.datasets import ProblemType
from bench.tasks import TaskShape
from bench.learners import specification_hash
shape = TaskShape(problem=ProblemType.MULTICLASS, n_rows=10**5, n_numeric=3, levels=(4,), n_classes=26)
for learner in registry.learners().values():
    registry.families()[learner.family]
    learner.limit(shape), learner.packages, registry.missing(learner), specification_hash(learner)
    for problem in ProblemType:
        learner.space(problem).trial("key", 1)
print(sorted(set({HEAVY!r}.split()) & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_families_and_learners_name_each_other():
    families = registry.families()
    named = [name for family in families.values() for name in family.learners]
    assert sorted(named) == sorted(registry.learners())
    for family in families.values():
        assert 1 <= len(family.learners) <= 3
        assert all(registry.learner(name).family == family.name for name in family.learners)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match=r"did you mean 'xgboost'.*learners: dummy, linear"):
        registry.learner("xgbost")


def test_missing_packages_are_said(monkeypatch):
    @dataclass
    class Needs:
        packages: tuple[str, ...]

    assert registry.missing(Needs(("numpy", "no-such-distribution"))) == ("no-such-distribution",)
    assert registry.missing(Needs(("xgboost", "xgboost-cpu"))) == ()
    monkeypatch.setattr(registry, "_is_installed", lambda _: False)
    assert registry.missing(Needs(("xgboost", "xgboost-cpu"))) == ("xgboost",)


def test_some_declared_distribution_of_each_learner_is_the_installed_one():
    """Else the version that a result came from would be recorded as absent."""
    for learner in registry.learners().values():
        if learner.packages:
            assert any(package_version(name) != "absent" for name in learner.packages), learner.name


def test_the_default_lies_in_its_space_by_name():
    for learner in registry.learners().values():
        for problem in ProblemType:
            space = learner.space(problem)
            assert set(space.parameters) <= set(space.default), learner.name
        assert len(specification_hash(learner)) == 16


def _shape(n_rows, n_classes):
    problem = ProblemType.MULTICLASS if n_classes > 2 else ProblemType.BINARY
    problem = problem if n_classes else ProblemType.REGRESSION
    return TaskShape(problem=problem, n_rows=n_rows, n_numeric=20, levels=(), n_classes=n_classes)


@pytest.mark.parametrize(("n_rows", "n_classes"), [(3000, 0), (3000, 2), (1500, 10), (1500, 26)])
def test_the_exact_gp_takes_small_tables(n_rows, n_classes):
    assert registry.learner("gp-exact").limit(_shape(n_rows, n_classes)) is None


@pytest.mark.parametrize(("n_rows", "n_classes"), [(10_000, 0), (7000, 2), (5000, 10), (3000, 26)])
def test_the_exact_gp_says_why_it_does_not_take_large_ones(n_rows, n_classes):
    reason = registry.learner("gp-exact").limit(_shape(n_rows, n_classes))
    assert reason.startswith(f"exact GP: {n_rows} rows")
    assert "limit" in reason


def test_the_svm_has_a_limit_by_rows():
    svm = registry.learner("svm-rbf")
    assert svm.limit(_shape(15_000, 2)) is None
    assert "50000 rows could take about" in svm.limit(_shape(50_000, 2))


# What an outside package brings, as files of its own: whole learners and broken ones.

WHOLE = """
from bench.spaces import Choice, Space
from bench.zoo.declaration import ZooLearner

class Mine(ZooLearner):
    name = family = "mine"
    title = "Mine"
    def space(self, problem):
        return Space({"k": 1}, {"k": Choice((1, 2))})
    def build(self, config, context):
        raise NotImplementedError

LEARNER = Mine()
"""
BROKEN = {
    "leaves": ("raise SystemExit(3)", "importing leaves failed: SystemExit: 3"),
    "raises": ("1 / 0", "importing raises failed: ZeroDivisionError: division by zero"),
    "needs": ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
    "syntax": ("def", "SyntaxError"),
    "bare": ("LEARNER = object()", "it lacks name, family, title, version, packages"),
    "empty": ("", "empty has no attribute 'LEARNER'"),
    "class": (WHOLE + "LEARNER = Mine", "it is a class: name an instance of it"),
    "tuple": (WHOLE + "LEARNER = (LEARNER,)", "it lacks name, family"),
    "estimator": (
        "class E:\n    def fit(self, X, y): ...\nLEARNER = E()",
        "make a learner of it with bench.wrap",
    ),
    "called": (WHOLE + "Mine.name = 'Other Name'", "'Other Name' must be made of lower-case letters"),
    "other": (WHOLE, "its `name` must be that of its entry point, but is 'mine'"),
    "space": (
        WHOLE + "Mine.space = lambda self, problem: 1 / 0",
        "its space(binary) raises ZeroDivisionError",
    ),
    "spaceless": (WHOLE + "Mine.space = lambda self, problem: {}", "must be a bench.Space, not dict"),
    "objects": (
        WHOLE + "Mine.space = lambda self, problem: Space({'k': object()})",
        "must hold plain JSON values",
    ),
    "version": (WHOLE + "Mine.version = '1'", "its `version` must be of type int, not '1'"),
    "packages": (WHOLE + "Mine.packages = 'numpy'", "its `packages` must be a tuple of strings, not 'numpy'"),
    "devices": (WHOLE + "Mine.devices = ('tpu',)", "its `devices` must be of cpu, cuda"),
    "property": (WHOLE + "Mine.title = property(lambda self: 1 / 0)", "ZeroDivisionError"),
    "method": (WHOLE + "Mine.build = 3", "its `build` must be a method"),
}


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return a function that installs learners of these names and codes, from a distribution each."""

    def install(modules, distribution="outside"):
        site = tmp_path / distribution
        info = site / f"{distribution}-1.5.dist-info"
        info.mkdir(parents=True)
        info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n")
        lines = [f"{name} = {distribution}_{name}:LEARNER" for name in modules]
        info.joinpath("entry_points.txt").write_text("\n".join(["[bench.learners]", *lines]))
        for name, code in modules.items():
            site.joinpath(f"{distribution}_{name}.py").write_text(code)
        monkeypatch.syspath_prepend(site)
        _forget()

    yield install
    _forget()


def _forget():
    for cached in (registry._entry_points, registry._entries, registry._installed, registry._by_path):
        cached.cache_clear()


def test_a_broken_learner_breaks_nothing_else_and_says_what_is_wrong(installed, capsys):
    modules = {name: code for name, (code, _) in BROKEN.items()}
    installed({**modules, "mine": WHOLE + "print('hello from mine')"})
    assert registry.learner("mine").name == "mine"
    assert set(registry.learners()) - set(registry.families()["tree"].learners) > {"mine", "linear"}
    assert set(registry.broken()) == set(BROKEN)
    for name, (_, why) in BROKEN.items():
        reason = registry.broken()[name]
        assert (
            why.replace(f"importing {name}", f"importing outside_{name}").replace(
                f"{name} has no", f"outside_{name} has no"
            )
            in reason
        )
        assert reason.startswith(f"outside: learner {name!r} (outside_{name}:LEARNER) cannot be used: ")
        assert reason.endswith("; mend or uninstall it")
        assert "\n" not in reason
        with pytest.raises(PrerequisiteError, match=f"learner '{name}'"):
            registry.learner(name)
    captured = capsys.readouterr()
    assert (captured.out, "hello from mine" in captured.err) == ("", True)


def test_a_name_that_two_claim_is_nobody_s(installed):
    installed({"mine": WHOLE, "linear": WHOLE}, "one")
    installed({"mine": WHOLE}, "two")
    assert "mine" not in registry.learners()
    assert "declares one of this name too" in registry.broken()["mine"]
    assert registry.learner("linear").title == "Logistic / ridge regression"
    assert "bench has a learner of this name" in registry.broken()["linear (one)"]


def test_asking_for_one_learner_loads_no_other_s_package(installed, monkeypatch):
    installed({"mine": WHOLE, "raises": "1 / 0"})
    monkeypatch.setattr(registry, "by_entry_point", None)
    assert registry.learner("linear").name == "linear"


def test_the_version_of_its_distribution_is_part_of_what_a_learner_depends_on(installed):
    installed({"mine": WHOLE})
    assert registry.learner("mine").packages == ("outside",)
    assert package_version("outside") == "1.5"
    assert registry.missing(registry.learner("mine")) == ()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A current folder with modules, which Python itself does not look into."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path not in ("", str(tmp_path))])
    before = set(sys.modules)
    _forget()
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("own_"):
            del sys.modules[name]
    _forget()


def test_an_import_path_is_looked_up_here_and_leaves_no_trace(here):
    (here / "own_learner.py").write_text(WHOLE)
    path = list(sys.path)
    assert registry.learner("own_learner:LEARNER").name == "mine"
    assert sys.path == path
    assert "mine" not in registry.learners()


def test_a_file_here_shadows_no_library(here):
    (here / "json.py").write_text("1 / 0")
    (here / "own_learner.py").write_text("import json\nassert json.dumps\n" + WHOLE)
    assert registry.learner("own_learner:LEARNER").name == "mine"


def test_an_import_path_may_lead_into_a_package(here):
    (here / "own_package").mkdir()
    (here / "own_package" / "models.py").write_text(WHOLE + "class Zoo: pass\nZoo.best = LEARNER")
    assert registry.learner("own_package.models:Zoo.best").name == "mine"


def test_other_code_is_another_learner(here):
    file = here / "own_learner.py"
    hashes = []
    for code in (WHOLE, WHOLE + "# the same, but for a comment", WHOLE):
        file.write_text(code)
        sys.modules.pop("own_learner", None)
        _forget()
        hashes.append(specification_hash(registry.learner("own_learner:LEARNER")))
    assert hashes[0] == hashes[2] != hashes[1]


@pytest.mark.parametrize(
    ("reference", "code", "text"),
    [
        ("own_absent:LEARNER", "", "there is no module 'own_absent' on Python's path or in "),
        ("own_learner.py:LEARNER", "", "name the module, not its file: own_learner:LEARNER"),
        ("own_learner:", "", "is written package.module:attribute"),
        ("own learner:LEARNER", "", "is written package.module:attribute"),
        ("own_learner:LEARNER", "", "own_learner has no attribute 'LEARNER'"),
        ("own_learner:LEARNER", "LEARNER = 3", "LEARNER is no learner: it lacks name, family"),
        ("own_learner:LEARNER", "import no_such_library", "failed: ModuleNotFoundError: No module named"),
        ("own_learner:LEARNER", "raise RuntimeError('two\\nlines')", "failed: RuntimeError: two lines"),
        ("own_learner:LEARNER", "raise SystemExit", "importing own_learner failed: SystemExit"),
        ("own_learner:LEARNER", WHOLE + "del Mine.name", "it lacks name"),
        ("own_learner:LEARNER", WHOLE + "Mine.name = 'xgboost'", "'xgboost' is that of another learner"),
    ],
)
def test_an_import_path_that_leads_to_no_learner_is_refused_in_one_line(here, reference, code, text):
    (here / "own_learner.py").write_text(code)
    with pytest.raises(ConfigError, match=text) as caught:
        registry.learner(reference)
    assert str(caught.value).startswith(f"{reference}: ")
    assert len(caught.value.problems) == 1
    assert "\n" not in str(caught.value)


def test_a_folder_without_code_is_no_module(here):
    Path("own_folder").mkdir()
    with pytest.raises(ConfigError, match="own_folder has no attribute 'LEARNER'"):
        registry.learner("own_folder:LEARNER")
