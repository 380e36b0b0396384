"""Learners that take rows, on tables of images."""

import shutil

import pytest

LEARNERS = ["dummy", "linear", "random-forest", "svm-rbf", "mlp"]


def run_on(bench, table, n_features):
    suite = bench.suite("pictures", LEARNERS, "seconds = 20\ntrials = 1", tasks=[table], rows=300)
    assert f"{n_features} features" in bench("run", suite, "--dry-run")
    said = bench("run", suite, "--folds", "1")
    assert f"{len(LEARNERS)} cells: {len(LEARNERS)} ok" in said, said
    (kept,) = bench.rows("SELECT record FROM datasets")
    assert len(kept["record"]) < 2000, "the features of images are not spelt out"
    rows = bench.rows("SELECT learner, test_score FROM trials JOIN evidence USING (evidence_key)")
    errors = {row["learner"]: row["test_score"] for row in rows}
    assert set(errors) == set(LEARNERS)
    assert all(errors[name] < errors["dummy"] / 2 for name in LEARNERS[1:]), errors


def test_learners_that_take_rows_run_on_images(bench):
    run_on(bench, "digits-8x8", 64)


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not here")
def test_learners_that_take_rows_run_on_mnist(bench):
    run_on(bench, "mnist", 784)
