"""Test labels reach no configuration, no validation score and no selection, for any learner."""

from __future__ import annotations

import hashlib
import shutil

import numpy as np
import pytest

from bench.sources.cache import Cache
from bench.sources.description import Description, parse_description, render_description
from bench.splits.rows import outer_rows
from bench.tasks import Split

LEARNERS = [
    "dummy", "linear", "knn", "tree", "random-forest", "xgboost", "lightgbm", "svm-rbf", "gp-exact", "mlp",
]  # fmt: skip
TASKS = ["kr-vs-kp", "iris", "sk-diabetes"]
"""A binary, a multiclass and a regression table."""
SEEN = """
SELECT e.cell_id, t.trial, t.config, t.status, t.validation_score, t.train_score
FROM trials t JOIN evidence e USING (evidence_key) ORDER BY 1, 2
"""
TESTED = (
    "SELECT e.cell_id, t.trial, t.test_score FROM trials t JOIN evidence e USING (evidence_key) ORDER BY 1, 2"
)


def replace_test_labels_by_noise(cache: Cache, name: str, seed: int) -> None:
    """Overwrite the labels of fold 0's rows in the cache, and mend the hash so that nobody notices."""
    table = cache.load(name)
    dataset = table.dataset
    procedure = "openml-cv10" if name in ("kr-vs-kp", "iris") else "kfold3"
    split = Split(repeat=0, fold=0, train_cap=400, test_cap=300)
    folds = cache.fold_of_row(name, procedure, 0)
    _, tested = outer_rows(folds, split, table.y, dataset.problem, f"{name}/s0")
    path = cache.folder(name) / "target.npy"
    target = np.load(path)
    rng = np.random.default_rng(seed)
    noise = (
        rng.integers(0, len(dataset.classes), len(target))
        if dataset.classes
        else rng.normal(size=len(target)) * 99
    )
    rows = folds == 0
    assert set(tested) <= set(np.flatnonzero(rows))
    target[rows] = noise[rows]
    np.save(path, target)
    description = cache.folder(name) / "dataset.json"
    content = parse_description(description.read_bytes())
    files = {**content.files, "target.npy": hashlib.sha256(path.read_bytes()).hexdigest()}
    description.write_text(render_description(Description(content.dataset, files)))


@pytest.mark.parametrize("validation", ["holdout", "cv:3"])
def test_test_labels_replaced_by_noise_change_nothing_but_the_test_scores(bench, tmp_path, validation):
    learners = LEARNERS if validation == "holdout" else ["linear", "random-forest", "lightgbm"]
    suite = bench.suite("leak", learners, "trials = 4", tasks=TASKS, validation=validation, rows=120)
    bench("run", suite, "--results", "clean")
    noisy = tmp_path / "noisy-cache"
    shutil.copytree(bench.cache, noisy)
    for number, name in enumerate(TASKS):
        replace_test_labels_by_noise(Cache(noisy), name, seed=number)
    bench("run", suite, "--results", "noisy", "--cache", str(noisy))

    clean, changed = bench.rows(SEEN, "clean"), bench.rows(SEEN, "noisy")
    assert len(clean) > len(learners) * len(TASKS)
    assert {row["status"] for row in clean} == {"ok"}
    assert changed == clean
    scores = zip(bench.rows(TESTED, "clean"), bench.rows(TESTED, "noisy"), strict=True)
    differing = [before["test_score"] != after["test_score"] for before, after in scores]
    assert np.mean(differing) > 0.8, "the noise never reached the test scores: the test tests nothing"
    assert choices(bench, "clean") == choices(bench, "noisy")


def choices(bench, results):
    """The incumbent of every cell, as the store's own validation scores choose it."""
    query = """
    SELECT e.cell_id, t.trial FROM trials t JOIN evidence e USING (evidence_key)
    WHERE t.validation_score = (SELECT min(validation_score) FROM trials WHERE evidence_key = t.evidence_key)
    GROUP BY e.cell_id HAVING t.trial = min(t.trial)
    """
    return bench.rows(query, results)
