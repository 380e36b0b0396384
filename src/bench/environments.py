"""The record of what a run ran on: code, packages, machine. Two hashes say when evidence may pair."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

BASE_PACKAGES = ("numpy", "scipy", "scikit-learn", "inductive-bench")
"""The packages that can change any learner's results; a learner declares what it needs beyond them."""

ALTERNATIVES = dict.fromkeys(("xgboost", "xgboost-cpu"), ("xgboost", "xgboost-cpu"))
"""Distributions that ship the same package: the light wheel of XGBoost is the same version without CUDA."""

MACHINE = ("system", "cpu", "cpu_count", "memory_bytes", "gpus")
"""The parts of the record that say what fits ran on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Code, packages and machine at the start of a run."""

    packages: Mapping[str, str]
    python: str
    system: str
    cpu: str
    cpu_count: int
    memory_bytes: int
    gpus: tuple[str, ...]
    """The models of NVIDIA GPUs that the kernel's driver knows."""
    commit: str | None
    """The commit of the source checkout, `-dirty` where it had changes; None in an installed package."""

    @property
    def hash(self) -> str:
        """A short name for this environment."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, object]:
        """Return plain JSON values."""
        return {
            name: dict(v) if isinstance(v := getattr(self, name), Mapping) else v for name in self.__slots__
        }


def machine_hash(record: Mapping[str, object]) -> str:
    """Return a short name for the machine of an environment's record; two of one make share it."""
    parts = {name: record.get(name) for name in MACHINE}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def lock_hash(packages: tuple[str, ...]) -> str:
    """Return a hash of the versions that can change such a learner's results, and of nothing else."""
    names = sorted({*BASE_PACKAGES, *packages})
    text = "\n".join(f"{name}=={package_version(name)}" for name in names)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@lru_cache
def package_version(name: str) -> str:
    """Return the installed version of a distribution, or "absent"."""
    for candidate in ALTERNATIVES.get(name, (name,)):
        try:
            return importlib.metadata.version(candidate)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "absent"


def capture_environment() -> Environment:
    """Return the record of this machine and installation. Reads files and metadata, imports nothing heavy."""
    distributions = importlib.metadata.distributions()
    packages = {d.metadata["Name"].lower(): d.version for d in distributions if d.metadata["Name"]}
    return Environment(
        packages=dict(sorted(packages.items())),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu=_cpu_name(),
        cpu_count=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_bytes=_memory_bytes(),
        gpus=gpu_names(),
        commit=_commit(Path(__file__).resolve().parent),
    )


def gpu_names() -> tuple[str, ...]:
    """Return the models of the NVIDIA GPUs, by the kernel's driver; empty without one. Touches no device."""
    files = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    lines = (line for file in files for line in file.read_text().splitlines())
    return tuple(line.partition(":")[2].strip() for line in lines if line.startswith("Model"))


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


@lru_cache(maxsize=1)
def processor_flags() -> frozenset[str]:
    """Return what the processor says it can do, in Linux's words; nothing where there is no /proc."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    flags = (line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next(flags, ()))


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0


def _commit(package: Path) -> str | None:
    """The source checkout's commit, or None where the package is not inside one of its own."""
    root = package.parent.parent
    if not (root / ".git").exists() or not (root / "pyproject.toml").is_file():
        return None
    git = ["git", "-C", str(root)]
    try:
        head = subprocess.run(
            [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=5
        )
        changed = subprocess.run(
            [*git, "status", "--porcelain"], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return head.stdout.strip() + ("-dirty" if changed.stdout.strip() else "")
