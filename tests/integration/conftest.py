"""Real processes: `bench` as a command, with learners that an outside package brings."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PLUGIN = Path(__file__).parent / "plugin"
FAULTS = {
    name.replace("_", "-"): name
    for name in (
        "hang", "sleep", "eat", "segfault", "abort", "leave", "exits", "raises", "nan", "late_segfault",
        "late_hang", "child", "burn", "slow", "good", "spawn", "chatty", "scribble", "regicide", "fork",
        "witness", "extra",
    )
}  # fmt: skip
SUITE = """
format = 1
name = "{name}"
title = "Test"
learners = [{learners}]
allowed_failures = 0
validation = "{validation}"
interventions = [{interventions}]

[budget]
{budget}

[caps]
train_rows = {rows}
test_rows = 300

{tasks}
"""


@dataclass
class Bench:
    """The command, run in a folder of its own."""

    folder: Path
    cache: Path
    path: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def environment(self) -> dict[str, str]:
        """What the command sees; the mark tells its processes from all others."""
        return os.environ | {
            "PYTHONPATH": str(self.path),
            "BENCH_CACHE": str(self.cache),
            "BENCH_TEST_MARK": self.mark,
            "TMPDIR": str(self.folder),  # where cores are locked: no other run has a part in the test
            "COLUMNS": "200",
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command."""
        return subprocess.Popen(
            [sys.executable, "-m", "bench", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Run the command; it must end with this exit code and without a traceback."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=300)
        assert process.returncode == code, f"{arguments}: exit {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in err, err
        return out + err

    def suite(self, name: str, learners: list[str], budget: str, **options: Any) -> str:
        """Write a suite file and return its path."""
        tasks = options.pop("tasks", ["sk-diabetes"])
        text = SUITE.format(
            name=name,
            learners=", ".join(f'"{learner}"' for learner in learners),
            budget=budget,
            validation=options.pop("validation", "holdout"),
            interventions=", ".join(f'"{each}"' for each in options.pop("interventions", ["none"])),
            rows=options.pop("rows", 400),
            tasks="\n".join(f'[[tasks]]\ndataset = "{task}"\n' for task in tasks),
        )
        (self.folder / f"{name}.toml").write_text(text)
        return f"{name}.toml"

    def rows(self, query: str, results: str = "bench-results") -> list[dict[str, Any]]:
        """Ask the store."""
        connection = sqlite3.connect(self.folder / results / "bench.sqlite")
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(query)]
        finally:
            connection.close()

    def processes(self) -> list[int]:
        """Every live process that carries the mark."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                marked = self.mark.encode() in (folder / "environ").read_bytes()
                zombie = (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            except OSError:
                continue
            if marked and not zombie:
                found.append(int(folder.name))
        return found


@pytest.fixture(scope="session", autouse=True)
def heeded_interrupts() -> Iterator[None]:
    """Processes that tests start heed SIGINT, even where a shell started the tests in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which an outside package with faulty learners is installed."""
    site = tmp_path_factory.mktemp("site")
    (site / "bench_faults.py").write_text((PLUGIN / "bench_faults.py").read_text())
    info = site / "bench_faults-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-faults\nVersion: 1.0\n")
    entries = "\n".join(f"{name} = bench_faults:{attribute}" for name, attribute in FAULTS.items())
    (info / "entry_points.txt").write_text(f"[bench.learners]\n{entries}\n")
    return site


@pytest.fixture
def bench(tmp_path: Path, cache_root: Path, plugin: Path) -> Bench:
    """The command, in a fresh folder."""
    return Bench(tmp_path, cache_root, plugin)
