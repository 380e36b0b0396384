"""No two runs of a user give out the same core, and none keeps one that it lost hold of."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import PrerequisiteError
from bench.execution.cores import Cores, core_room, cpu_quota


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cores"


def test_two_runs_never_hold_the_same_core(folder):
    one, other = Cores([0, 1, 2], 1, folder), Cores([0, 1, 2], 1, folder)
    taken = [one.take(), other.take(), one.take()]
    assert sorted(core for cores in taken for core in cores) == [0, 1, 2]
    assert one.take() is None
    assert other.take() is None
    one.release(taken[2])
    one.close()
    assert other.take() is not None


def test_a_cell_gets_all_its_cores_or_none(folder):
    one, other = Cores([0, 1, 2], 2, folder), Cores([0, 1, 2], 2, folder)
    first = one.take()
    assert len(first) == 2
    assert other.take() is None
    one.release(first)
    assert len(other.take()) == 2, "half a set was kept"


def test_cores_that_come_free_go_to_whoever_waits_first(folder):
    one, other, third = (Cores([0], 1, folder) for _ in range(3))
    core = one.take()
    assert other.take() is None
    one.release(core)
    assert one.take() is None, "it has just had its turn"
    assert third.take() is None
    assert other.take() == {0}
    other.close()
    assert third.take() == {0}


def test_who_gives_up_waiting_stands_in_nobodys_way(folder):
    one, other = Cores([0], 1, folder), Cores([0], 1, folder)
    core = one.take()
    assert other.take() is None
    other.close()
    one.release(core)
    assert one.take() == {0}


def test_a_process_that_is_killed_holds_nothing(folder):
    script = (
        "import sys; from pathlib import Path; from bench.execution.cores import Cores\n"
        "print(Cores([0], 1, Path(sys.argv[1])).take(), flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert b"frozenset({0})" in process.stdout.readline()
        mine = Cores([0], 1, folder)
        assert mine.take() is None
        process.kill()
        process.communicate()
        assert mine.take() == {0}


def test_no_file_stays_open(folder):
    before = len(list(Path("/proc/self/fd").iterdir()))
    one, other = Cores([0, 1], 2, folder), Cores([0, 1], 2, folder)
    for _ in range(5):
        one.take()
        other.take()
        one.close()
        other.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_folder_that_cannot_be_used_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path)
    for folder in (tmp_path / "file", tmp_path / "link", tmp_path / "file" / "below"):
        with pytest.raises(PrerequisiteError, match="set TMPDIR"):
            Cores([0], 1, folder).take()


@pytest.mark.parametrize(
    ("cores", "available", "quota", "room"),
    [(1, 8, math.inf, 8), (3, 8, math.inf, 2), (1, 8, 2.5, 2), (2, 8, 1.5, 1), (1, 4, 0.5, 1), (2, 1, 9, 0)],
)
def test_room(cores, available, quota, room):
    assert core_room(cores, available, quota) == room


@pytest.mark.parametrize(
    ("line", "files", "quota"),
    [
        ("0::/", {}, math.inf),
        ("0::/", {"cpu.max": "max 100000"}, math.inf),
        ("0::/", {"cpu.max": "250000 100000"}, 2.5),
        ("0::/a/b", {"a/cpu.max": "150000 100000", "a/b/cpu.max": "max 100000"}, 1.5),
        ("0::/host/path", {"cpu.max": "50000 100000"}, 0.5),
        ("1:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, math.inf),
        (
            "4:cpu,cpuacct:/x",
            {"cpu/x/cpu.cfs_quota_us": "300000", "cpu/x/cpu.cfs_period_us": "100000"},
            3.0,
        ),
        (
            "4:cpu,cpuacct:/x",
            {"cpu,cpuacct/cpu.cfs_quota_us": "75000", "cpu,cpuacct/cpu.cfs_period_us": "50000"},
            1.5,
        ),
        ("7:memory:/", {"cpu.max": "50000 100000"}, math.inf),
    ],
)
def test_the_quota_of_a_control_group_is_found(tmp_path, line, files, quota):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(line + "\n")
    for name, content in files.items():
        file = tmp_path / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content + "\n")
    assert cpu_quota(tmp_path) == quota


def test_without_control_groups_there_is_no_quota(tmp_path):
    assert cpu_quota(tmp_path) == math.inf
