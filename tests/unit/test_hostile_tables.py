"""Tables as they come: each ends in scores of every learner or in one clear line, never in a traceback."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

LEARNERS = ["dummy", "linear", "tree", "xgboost"]
N = 90
draw = np.random.default_rng(0)
numbers = draw.normal(size=N).round(3)
classes = ["no", "yes", "no"] * (N // 3)
LONG = "x" * 300


def frame(**columns):
    return pd.DataFrame({"a": numbers, **columns})


SCORED = {
    "unseen-categories": (frame(c=[f"level {i // 3}" for i in range(N)], t=classes), {}),
    "all-missing": (frame(c=[None] * N, t=classes), {"kinds": {"c": "numeric"}}),
    "all-missing-category": (frame(c=[None] * N, t=classes), {"kinds": {"c": "categorical"}}),
    "constant": (frame(c=[1] * N, t=classes), {"kinds": {"c": "numeric"}}),
    "infinite": (frame(c=[np.inf, -np.inf, *numbers[2:]], t=classes), {}),
    "huge": (frame(c=numbers * 1e300, t=numbers), {}),
    "tiny": (frame(c=numbers * 1e-300, t=numbers), {}),
    "names": (pd.DataFrame({LONG: numbers, "naïve 🎈\n{[": numbers[::-1], "t": classes}), {}),
    "target-gaps": (frame(t=[None, "no", "yes"] * (N // 3)), {}),
    "text-only": (
        pd.DataFrame({"s": [f"text {i}" for i in range(N)], "c": ["u", "v"] * (N // 2), "t": classes}),
        {"kinds": {"s": "categorical"}},
    ),
    "dates": (frame(d=[f"{1 + i % 28}.{1 + i % 12}.2024" for i in range(N)], t=numbers), {}),
    "grouped": (frame(g=np.arange(N) // 5, t=classes), {"group": "g"}),
    "timed": (frame(d=pd.date_range("2024-01-01", periods=N), t=numbers), {"time": "d"}),
    "thirty-classes": (frame(t=[f"class {i % 30}" for i in range(N)]), {}),
    "wide": (
        pd.DataFrame({**{f"f{i}": draw.normal(size=40).round(2) for i in range(5000)}, "t": numbers[:40]}),
        {},
    ),
}
REFUSED = {
    "one-class": (frame(t=["yes"] * N), {}, "the target 't' has 1 class"),
    "mostly-missing-target": (frame(t=[None, None, "yes"] * (N // 3)), {}, "missing in 60 of 90 rows"),
    "same-target": (frame(t=[1.5] * N), {}, "the target 't' has the same value in every row"),
    "huge-target": (frame(t=numbers * 1e300), {}, "standard deviation is 9"),
    "too-few-rows": (frame(t=numbers)[:9], {}, "9 rows are too few to compare on"),
    "empty": (b"", {}, "it is empty"),
    "header-only": (b"a,t\n", {}, "no rows"),
    "binary": (bytes(range(256)) * 8, {}, "byte 0 is a NUL"),
    "nul-bytes": (b"a,t\n1,x\x00\n", {}, "byte 7 is a NUL"),
    "twice": (b"a,a,t\n1,2,x\n", {}, "column 'a' occurs more than once"),
    "ragged": (b"a,t\n1,x\n1,x,y\n", {}, "line 3 holds 3 values, not 2"),
    "no-such-group": (frame(t=classes), {"group": "g"}, "there is no column 'g'"),
    "one-group": (frame(g=["p"] * N, t=classes), {"group": "g"}, "1 groups cannot be dealt to 3 folds"),
    "names-for-classes": (frame(t=[f"name {i}" for i in range(N)]), {}, "they are no classes"),
    "wrong-target": (frame(T=classes), {}, "there is no column 't': did you mean 'T'?"),
    "a-folder": (None, {}, "is no file"),
    "gone": ("nothing", {}, "cannot be read: No such file or directory"),
}


def write(path, content):
    if content is None:
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, pd.DataFrame):
        content.to_csv(path, index=False)


def task(name, options):
    lines = ["[[tasks]]", f'name = "{name}"', f'file = "{name}.csv"', 'target = "t"']
    lines += [f'{role} = "{options[role]}"' for role in ("group", "time") if role in options]
    if "kinds" in options:
        lines += ["[tasks.kinds]", *(f'"{column}" = "{kind}"' for column, kind in options["kinds"].items())]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """One run over all of them, in a process of its own: its output, and what the store holds."""
    folder = tmp_path_factory.mktemp("hostile")
    cases = {**SCORED, **REFUSED}
    for name, case in cases.items():
        write(folder / f"{name}.csv", case[0])
    head = 'format = 1\nname = "hostile"\ntitle = "Hostile"\n[budget]\ntrials = 1\n'
    suite = head.replace("[budget]", f"learners = {json.dumps(LEARNERS)}\n[budget]")
    (folder / "own.toml").write_text(suite + "\n".join(task(name, case[1]) for name, case in cases.items()))
    done = subprocess.run(
        [sys.executable, "-m", "bench", "run", "own.toml", "--executor", "inline", "--results", "results"],
        cwd=folder,
        env=os.environ | {"BENCH_CACHE": str(folder / "cache"), "COLUMNS": "10000", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    store = sqlite3.connect(folder / "results" / "bench.sqlite")
    query = "select task, learner, status, reason from attempts join evidence using (evidence_key)"
    cells = store.execute(query).fetchall()
    ((record,),) = store.execute("select record from runs").fetchall()
    return done, cells, {each["what"]: each["reason"] for each in json.loads(record)["exclusions"]}


def test_the_run_ends_well(ran):
    done, _, _ = ran
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == 5, done.stdout[-2000:] + done.stderr


@pytest.mark.parametrize("name", SCORED)
def test_every_learner_is_scored(ran, name):
    _, cells, _ = ran
    assert {
        learner: (status, reason) for task, learner, status, reason in cells if task == name
    } == dict.fromkeys(LEARNERS, ("ok", ""))


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_run_is_one_clear_line(ran, name):
    done, cells, exclusions = ran
    (reason,) = [reason for what, reason in exclusions.items() if what.endswith(f"({name})")]
    assert REFUSED[name][2] in reason
    assert "\n" not in reason
    assert len(reason) < 400
    assert name not in {cell[0] for cell in cells}
    assert " ".join(reason.split()) in " ".join(done.stdout.split())
