"""The registry answers without importing what learners fit with."""

import subprocess
import sys
from dataclasses import dataclass

import pytest

from bench import registry
from bench.datasets import ProblemType
from bench.environments import package_version
from bench.errors import ConfigError
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
    monkeypatch.setattr(registry, "_installed", lambda _: False)
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
