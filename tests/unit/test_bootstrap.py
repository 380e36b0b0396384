from __future__ import annotations

import fcntl
import importlib.util
import json
import subprocess
import sys
import venv
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def bootstrap(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """bootstrap.py, imported by its path, at work in an empty folder with this checkout's requirements."""
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", root / "bootstrap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((root / name).read_bytes())
    places = {
        "ROOT": "",
        "VENV": ".venv",
        "BIN": ".venv/bin",
        "STATE": ".venv.state",
        "CONSTRAINTS": "constraints.txt",
    }
    for name, place in places.items():
        monkeypatch.setattr(module, name, tmp_path / place)
    return module


def make_environment(bootstrap: ModuleType, held: object) -> None:
    bootstrap.BIN.mkdir(parents=True)
    (bootstrap.BIN / "python").touch()
    bootstrap.STATE.write_text(json.dumps(held))


@pytest.fixture
def installs(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What pip and venv were asked for; both succeed at once, but for torch's local build."""
    calls: list[tuple[str, ...]] = []

    def pip(*arguments: str, quiet: bool) -> int:
        calls.append(arguments)
        return int("--no-deps" in arguments)

    def make_venv() -> None:
        calls.append(("venv",))
        bootstrap.BIN.mkdir(parents=True, exist_ok=True)
        (bootstrap.BIN / "python").touch()

    monkeypatch.setattr(bootstrap, "pip", pip)
    monkeypatch.setattr(bootstrap, "make_venv", make_venv)
    monkeypatch.setattr(bootstrap, "has_gpu", lambda: False)
    monkeypatch.setattr(bootstrap.platform, "system", lambda: "Linux")
    return calls


def test_a_linux_machine_without_gpu_tries_the_cpu_build_everywhere_before_the_large_one(bootstrap):
    builds = bootstrap.torch_builds("9.8.7", "Linux", gpu=False)
    assert [build.requirement for build in builds] == ["torch==9.8.7+cpu", "torch==9.8.7+cpu", "torch==9.8.7"]
    assert [build.options for build in builds] == [(), ("--index-url", bootstrap.TORCH_CPU_INDEX), ()]
    assert "gigabytes" in builds[-1].words


@pytest.mark.parametrize(("system", "gpu"), [("Linux", True), ("Darwin", False)])
def test_elsewhere_the_default_build_is_the_right_one(bootstrap, system, gpu):
    (build,) = bootstrap.torch_builds("9.8.7", system, gpu=gpu)
    assert (build.requirement, build.options) == ("torch==9.8.7", ())
    assert "gigabytes" not in build.words


def test_the_gpu_decides_between_the_extras(bootstrap, monkeypatch):
    monkeypatch.setattr(bootstrap, "has_gpu", lambda: True)
    read = ("openml", "parquet", "mirrors", "images")
    on_gpu = bootstrap.needs(develop=False)
    monkeypatch.setattr(bootstrap, "has_gpu", lambda: False)
    on_cpu = bootstrap.needs(develop=True)
    assert (on_gpu.extras, on_cpu.extras) == (("gpu", *read), ("cpu", *read, "dev"))
    assert not bootstrap.satisfies(on_gpu, on_cpu)
    assert on_gpu.base != on_cpu.base, "xgboost and xgboost-cpu in one environment"


def test_an_environment_for_development_also_runs_but_not_the_other_way_round(bootstrap):
    run, develop = bootstrap.needs(develop=False), bootstrap.needs(develop=True)
    assert bootstrap.satisfies(develop, run)
    assert bootstrap.satisfies(run, run)
    assert not bootstrap.satisfies(run, develop)
    assert not bootstrap.satisfies(None, run)


@pytest.mark.parametrize(
    ("file", "old", "new", "wanted"),
    [
        ("pyproject.toml", "click>=8", "click>=8.1,>=8", True),
        ("pyproject.toml", "line-length = 110", "line-length = 100", False),
        ("constraints.txt", "numpy==", "numpy==1.", True),
    ],
)
def test_only_what_changes_the_packages_asks_for_a_new_install(bootstrap, file, old, new, wanted):
    before = bootstrap.needs(develop=False)
    text = (bootstrap.ROOT / file).read_text()
    assert old in text
    (bootstrap.ROOT / file).write_text(text.replace(old, new))
    after = bootstrap.needs(develop=False)
    assert after.base == before.base
    assert (after.pins != before.pins) is wanted


def test_a_first_call_installs_and_a_second_one_does_not(bootstrap, installs):
    needed = bootstrap.needs(develop=False)
    bootstrap.ensure(needed)
    assert installs[0] == ("venv",)
    assert [call[-1] for call in installs[1:3]] == [f"torch=={pinned_torch(bootstrap)}+cpu"] * 2
    assert installs[3] == ("--editable", f"{bootstrap.ROOT}[cpu,openml,parquet,mirrors,images]")
    assert bootstrap.satisfies(bootstrap.read_state(), needed)
    del installs[:]
    bootstrap.ensure(needed)
    assert installs == []


def pinned_torch(bootstrap: ModuleType) -> str:
    lines = bootstrap.CONSTRAINTS.read_text().splitlines()
    (pin,) = (line for line in lines if line.startswith("torch=="))
    return pin.removeprefix("torch==")


def test_more_extras_are_added_in_place_and_the_old_ones_kept(bootstrap, installs):
    bootstrap.ensure(bootstrap.needs(develop=True))
    del installs[:]
    (bootstrap.CONSTRAINTS).write_text(bootstrap.CONSTRAINTS.read_text() + "# changed\n")
    bootstrap.ensure(bootstrap.needs(develop=False))
    assert installs == [("--editable", f"{bootstrap.ROOT}[cpu,dev,images,mirrors,openml,parquet]")]


@pytest.mark.parametrize("cut_at", ["venv", "--editable"])
def test_an_interrupted_install_starts_afresh(bootstrap, installs, monkeypatch, cut_at):
    needed = bootstrap.needs(develop=False)
    whole = {"venv": bootstrap.make_venv, "--editable": bootstrap.pip}[cut_at]

    def cut(*arguments: str, **options: bool) -> int:
        if cut_at in (*arguments, "venv" if not arguments else ""):
            raise KeyboardInterrupt
        return whole(*arguments, **options)

    monkeypatch.setattr(bootstrap, "make_venv" if cut_at == "venv" else "pip", cut)
    with pytest.raises(KeyboardInterrupt):
        bootstrap.ensure(needed)
    assert bootstrap.read_state() is None
    monkeypatch.setattr(bootstrap, "make_venv" if cut_at == "venv" else "pip", whole)
    del installs[:]
    bootstrap.ensure(needed)
    assert installs[0] == ("venv",)
    assert bootstrap.satisfies(bootstrap.read_state(), needed)


def test_a_failed_install_is_one_line_and_leaves_no_state(bootstrap, installs, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap, "pip", lambda *_arguments, **_options: 1)
    with pytest.raises(SystemExit) as stopped:
        bootstrap.ensure(bootstrap.needs(develop=False))
    assert stopped.value.code == 5
    assert "run this again" in capsys.readouterr().err.splitlines()[-1]
    assert bootstrap.read_state() is None


def test_an_environment_of_someone_else_is_never_replaced(bootstrap, installs, capsys):
    (bootstrap.VENV / "precious").mkdir(parents=True)
    with pytest.raises(SystemExit):
        bootstrap.ensure(bootstrap.needs(develop=False))
    assert "move it away" in capsys.readouterr().err
    assert installs == []
    assert (bootstrap.VENV / "precious").exists()


@pytest.mark.parametrize("text", ["", "[", "[1]", '["a", "b"]', "null", "{}"])
def test_a_damaged_state_counts_as_none(bootstrap, text):
    make_environment(bootstrap, ["base", "pins", ["cpu"]])
    assert bootstrap.read_state() is not None
    bootstrap.STATE.write_text(text)
    assert bootstrap.read_state() is None


def test_two_at_once_install_once(bootstrap, installs, capsys):
    needed = bootstrap.needs(develop=False)
    bootstrap.ensure(needed)
    del installs[:]
    lock = f"import fcntl, sys; f = open({str(bootstrap.STATE)!r}, 'a'); fcntl.flock(f, fcntl.LOCK_EX)"
    code = f"{lock}; print('locked', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout.readline() == "locked\n"
        with bootstrap.STATE.open("a") as mine, pytest.raises(BlockingIOError):
            fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
        say = bootstrap.say

        def release(line: str) -> None:
            say(line)
            holder.stdin.close()

        bootstrap.say = release
        bootstrap.ensure(needed)
    assert "waiting" in capsys.readouterr().err
    assert installs == [], "what the other one installed is taken as it is"


def test_without_ensurepip_the_line_names_the_package(bootstrap, monkeypatch, capsys):
    def create(*_arguments: object, **_options: object) -> None:
        raise subprocess.CalledProcessError(1, "python", output=b"Traceback ...\nNo module named ensurepip\n")

    monkeypatch.setattr(venv, "create", create)
    with pytest.raises(SystemExit):
        bootstrap.make_venv()
    (*_, last) = capsys.readouterr().err.splitlines()
    assert "apt install python3-venv" in last
    assert "No module named ensurepip" in last


def test_the_static_checks_and_the_tests_are_known_by_name(bootstrap, capsys):
    assert bootstrap.EVERY_CHECK[-1] == "integration"
    with pytest.raises(SystemExit):
        bootstrap.check(["lnit"])
    assert "lint, types, layers, unit, integration, slow, benchmarks" in capsys.readouterr().err


def test_every_check_runs_even_after_one_has_failed(bootstrap, monkeypatch, capsys):
    bootstrap.BIN.mkdir(parents=True)
    for program, code in (("ruff", 1), ("mypy", 0), ("lint-imports", 3), ("pytest", 0)):
        script = bootstrap.BIN / program
        script.write_text(f"#!/bin/sh\necho {program} $@ >> ran\nexit {code}\n")
        script.chmod(0o755)
    assert bootstrap.check([]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if "FAILED" in line] == [
        "bootstrap: lint: FAILED; the other checks still run",
        "bootstrap: lint: FAILED; the other checks still run",
        "bootstrap: layers: FAILED; the other checks still run",
    ]
    assert lines[-1] == "bootstrap: integration: pytest tests/integration", "the last word is pytest's"
    ran = (bootstrap.ROOT / "ran").read_text().splitlines()
    assert ran == [
        "ruff check .",
        "ruff format --check .",
        "mypy",
        "lint-imports --no-logo",
        "pytest -n logical --maxprocesses 4 tests/unit tests/contract",
        "pytest tests/integration",
    ]
    assert bootstrap.check(["integration", "-k", "x"]) == 0
    assert (bootstrap.ROOT / "ran").read_text().endswith("pytest tests/integration -k x\n")


def test_no_folder_of_tests_is_left_out(bootstrap, root):
    asked = {word for name in bootstrap.EVERY_CHECK for command in bootstrap.CHECKS[name] for word in command}
    assert {f"tests/{file.parent.name}" for file in root.glob("tests/*/test_*.py")} <= asked


def test_without_arguments_it_says_what_it_is_for(root):
    done = subprocess.run(
        [sys.executable, root / "bootstrap.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "bootstrap.py run tabular" in done.stdout


def test_the_torch_pin_names_no_build(bootstrap):
    assert "+" not in pinned_torch(bootstrap)
