"""Make bench's environment in .venv, where it is missing or out of date, and run a command in it.

python3 bootstrap.py run tabular      bench's own verbs (python3 bootstrap.py --help lists them)
python3 bootstrap.py test             every check: lint, types, layers, unit, integration
python3 bootstrap.py test NAME ...    one of these, or slow, or benchmarks; the rest goes to it

It needs Python 3.11 or newer and nothing else, and touches nothing outside this folder but pip's cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from pathlib import Path
from typing import IO, NamedTuple, NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
STATE = ROOT / ".venv.state"
"""Locked while packages are installed; says what a finished install holds, empty where one was cut short."""
CONSTRAINTS = ROOT / "constraints.txt"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PREREQUISITE = 5
"""bench's exit code for something outside it that is missing (bench.errors.ExitCode)."""

CHECKS = {
    "lint": (("ruff", "check", "."), ("ruff", "format", "--check", ".")),
    "types": (("mypy",),),
    "layers": (("lint-imports", "--no-logo"),),
    "unit": (("pytest", "-n", "logical", "--maxprocesses", "4", "tests/unit", "tests/contract"),),
    # One test at a time: these run bench, which keeps the machine's cores to itself.
    "integration": (("pytest", "tests/integration"),),
    "slow": (("pytest", "-m", "slow"),),
    "benchmarks": (("pytest", "benchmarks", "--benchmark-only"),),
}
EVERY_CHECK = ("lint", "types", "layers", "unit", "integration")


class Needs(NamedTuple):
    """What an environment must hold; two that are equal need no install between them."""

    base: str
    """Hash of what only a new environment can change: Python, place, CPU or GPU."""
    pins: str
    """Hash of what pip can change in place: requirements and constraints."""
    extras: tuple[str, ...]


class TorchBuild(NamedTuple):
    """One way to get torch."""

    requirement: str
    options: tuple[str, ...]
    """For pip."""
    words: str


def torch_builds(version: str, system: str, *, gpu: bool) -> tuple[TorchBuild, ...]:
    """Return the builds of torch to try, best first; the last is what the package index offers.

    On Linux that one carries CUDA, gigabytes of it; the build for CPUs alone has a local version
    label, and lies in a folder or index that pip is configured with, or in PyTorch's own index.
    """
    default = TorchBuild(f"torch=={version}", (), "the package index's own build")
    if gpu or system != "Linux":
        return (default,)
    cpu = f"torch=={version}+cpu"
    return (
        TorchBuild(cpu, (), "the CPU build, from pip's configured places"),
        TorchBuild(cpu, ("--index-url", TORCH_CPU_INDEX), f"the CPU build, from {TORCH_CPU_INDEX}"),
        default._replace(words="no CPU build can be reached: the default one, with CUDA, several gigabytes"),
    )


def has_gpu() -> bool:
    """Return whether this machine has an NVIDIA driver."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    return Path("/proc/driver/nvidia").exists() or any(Path(f, "nvidia-smi").exists() for f in folders if f)


def needs(*, develop: bool) -> Needs:
    """Return what this checkout needs on this machine."""
    import tomllib

    gpu = has_gpu()
    base = (sys.version_info[:2], sys.base_prefix, str(ROOT), gpu)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pins = (
        project["build-system"],
        project["project"],
        project["tool"]["hatch"],
        CONSTRAINTS.read_text(encoding="utf-8"),
    )
    readers = ("openml", "parquet", "mirrors", "images")
    extras = ("gpu" if gpu else "cpu", *readers) + (("dev",) if develop else ())
    return Needs(digest(base), digest(pins), extras)


def digest(value: object) -> str:
    """Return a hash of plain JSON values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def read_state() -> Needs | None:
    """Return what the environment holds, or None where no finished install is known."""
    try:
        base, pins, extras = json.loads(STATE.read_text(encoding="utf-8"))
    except (FileNotFoundError, TypeError, ValueError):
        return None
    return Needs(base, pins, tuple(extras)) if (BIN / "python").exists() else None


def satisfies(held: Needs | None, needed: Needs) -> bool:
    """Return whether an environment that holds the one can serve the other."""
    return held is not None and held[:2] == needed[:2] and set(held.extras) >= set(needed.extras)


def ensure(needed: Needs) -> None:
    """Make or mend the environment, one process at a time."""
    import fcntl

    if VENV.exists() and not STATE.exists():
        stop(f"{VENV} was not made by bootstrap.py, which would replace it: move it away and run this again")
    with STATE.open("a+", encoding="utf-8") as state:
        try:
            fcntl.flock(state, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another bootstrap.py is installing here: waiting for it")
            fcntl.flock(state, fcntl.LOCK_EX)
        held = read_state()
        if not satisfies(held, needed):
            install(needed, held, state)


def install(needed: Needs, held: Needs | None, state: IO[str]) -> None:
    """Install what is needed; a half-made environment, or one for another Python or place, starts afresh."""
    state.truncate(0)
    if held is None or held.base != needed.base:
        make_venv()
        install_torch(gpu="gpu" in needed.extras)
    else:
        needed = needed._replace(extras=tuple(sorted({*held.extras, *needed.extras})))
    say(f"installing bench, its packages and {', '.join(needed.extras)}: a minute, more on a slow line")
    if pip("--editable", f"{ROOT}[{','.join(needed.extras)}]", quiet=False):
        stop("pip could not install what bench needs (its own words are above); mend that and run this again")
    state.write(json.dumps(needed))
    say(f"the environment is ready: {VENV}")


def make_venv() -> None:
    """Make an empty environment in place of what is there."""
    import shutil
    import subprocess
    import venv

    say(f"making an environment for Python {platform.python_version()} in {VENV}")
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        venv.create(VENV, symlinks=True, with_pip=True)
    except subprocess.CalledProcessError as error:
        words = (error.output or b"").decode(errors="replace").strip().rpartition("\n")[2] or str(error)
        stop(f"this Python cannot make environments (on Debian: apt install python3-venv): {words}")


def install_torch(*, gpu: bool) -> None:
    """Install torch's CPU build where it is wanted and can be reached; the default comes with the rest."""
    pinned = CONSTRAINTS.read_text(encoding="utf-8").split("\ntorch==")[1].split()[0]
    *attempts, default = torch_builds(pinned, platform.system(), gpu=gpu)
    for build in attempts:
        if pip("--no-deps", *build.options, build.requirement, quiet=True) == 0:
            say(f"torch {pinned}: {build.words}")
            return
    say(f"torch {pinned}: {default.words}")


def pip(*arguments: str, quiet: bool) -> int:
    """Install with the pinned versions; return pip's exit code, its errors shown unless `quiet`."""
    import subprocess

    install = (BIN / "python", "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input")
    errors = subprocess.DEVNULL if quiet else None
    return subprocess.run((*install, "-c", CONSTRAINTS, *arguments), check=False, stderr=errors).returncode


def check(arguments: list[str]) -> int:
    """Run every check, or the one that is named; the tests come last, so that the last line is theirs."""
    import subprocess

    names, rest = (arguments[:1], arguments[1:]) if arguments else (EVERY_CHECK, [])
    if names[0] not in CHECKS:
        stop(f'no check "{names[0]}" (known: {", ".join(CHECKS)})')
    failed = False
    for name in names:
        for command in CHECKS[name]:
            say(f"{name}: {' '.join((*command, *rest))}")
            if subprocess.run((BIN / command[0], *command[1:], *rest), check=False, cwd=ROOT).returncode:
                failed = True
                if name != names[-1]:
                    say(f"{name}: FAILED; the other checks still run")
    return int(failed)


def say(line: str) -> None:
    """Tell the person what happens."""
    print(f"bootstrap: {line}", file=sys.stderr, flush=True)


def stop(line: str) -> NoReturn:
    """End with one clear line."""
    say(line)
    sys.exit(PREREQUISITE)


def main(arguments: list[str]) -> int:
    """Run a bench command, or the checks, in an environment that is up to date."""
    if not arguments:
        print(__doc__)
        return 2
    testing = arguments[0] == "test"
    needed = needs(develop=testing)
    if not satisfies(read_state(), needed):
        ensure(needed)
    if testing:
        return check(arguments[1:])
    os.execv(BIN / "bench", ["bench", *arguments])  # noqa: S606 - signals then reach bench itself


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - this file is what an older Python reads first
        stop(f"bench needs Python 3.11 or newer, and this is {platform.python_version()}")
    if os.name != "posix":
        stop("bench runs on Linux and macOS; on Windows, run it inside WSL")
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        say("stopped; the next call goes on from here")
        sys.exit(130)
