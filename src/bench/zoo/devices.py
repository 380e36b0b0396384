"""What the libraries can fit on here, and waiting for what they still do there.

`python -m bench.zoo.devices` prints one JSON object: library to `{"device": name or null, "reason": text}`.
Asking loads the libraries and wakes the driver, so that `probe` has a child process do it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

PROBE_LIMIT_S = 120.0
"""Loading torch from a cold disk takes tens of seconds."""
GPU_BUILD = "pip install 'inductive-bench[gpu]' brings a build that can"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProbe:
    """Whether one library can fit on CUDA here."""

    device: str | None
    """The name of the device; None where the library cannot use one."""
    reason: str = ""
    """Why not, and what to do about it; empty where it can."""


def synchronise(device: str) -> None:
    """Wait until a CUDA device has done what torch asked of it; nothing to wait for on the CPU.

    Never imports torch, nor wakes a device that this process has not used.
    """
    torch = sys.modules.get("torch")
    if device == "cpu" or torch is None or not torch.cuda.is_initialized():
        return
    torch.cuda.synchronize(device)


def probe() -> Mapping[str, DeviceProbe]:
    """Return what each library that has GPU code can use here, as a child process finds it; never raises."""
    command = [sys.executable, "-P", "-m", "bench.zoo.devices"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return _all_unknown(f"asking for devices took more than {PROBE_LIMIT_S:.0f} s")
    except OSError as error:
        return _all_unknown(f"{sys.executable} cannot be started to ask for devices: {error}")
    try:
        told = json.loads(done.stdout.splitlines()[-1])
        return MappingProxyType({name: DeviceProbe(**told[name]) for name in _PROBES})
    except (IndexError, KeyError, TypeError, ValueError):
        said = (done.stderr.strip() or "nothing").splitlines()[-1]
        return _all_unknown(f"asking for devices ended with exit code {done.returncode} and said {said!r}")


def _all_unknown(reason: str) -> Mapping[str, DeviceProbe]:
    advice = f"{reason}; see what `python -m bench.zoo.devices` prints"
    return MappingProxyType(dict.fromkeys(_PROBES, DeviceProbe(device=None, reason=advice)))


def _torch() -> DeviceProbe:
    import torch

    if not torch.backends.cuda.is_built():
        return _cannot(f"torch {torch.__version__} was built without CUDA; {GPU_BUILD}")
    if not torch.cuda.is_available():
        return _cannot(_no_device(f"torch {torch.__version__}"))
    torch.ones(8, device="cuda").sum().item()  # a device of an age that this build has no code for fails here
    return DeviceProbe(device=torch.cuda.get_device_name())


def _xgboost() -> DeviceProbe:
    import numpy as np
    import xgboost

    # A build without CUDA that is asked for it fits on the CPU and only prints a warning.
    if not xgboost.build_info()["USE_CUDA"]:
        return _cannot(f"xgboost {xgboost.__version__} was built without CUDA; {GPU_BUILD}")
    rows = xgboost.DMatrix(np.arange(16.0).reshape(8, 2), np.arange(8.0))
    try:
        booster = xgboost.train({"device": "cuda", "verbosity": 0}, rows, 1)
    except xgboost.core.XGBoostError as error:
        return _cannot(_no_device(f"xgboost {xgboost.__version__}", str(error)))
    used = json.loads(booster.save_config())["learner"]["generic_param"]["device"]
    if not used.startswith("cuda"):
        return _cannot(_no_device(f"xgboost {xgboost.__version__}", f"it fits on {used} instead"))
    return DeviceProbe(device=used)


_PROBES: Mapping[str, Callable[[], DeviceProbe]] = MappingProxyType({"torch": _torch, "xgboost": _xgboost})


def _cannot(reason: str) -> DeviceProbe:
    return DeviceProbe(device=None, reason=reason)


def _no_device(library: str, said: str = "") -> str:
    told = f" ({said.strip().splitlines()[-1]})" if said.strip() else ""
    return f"{library} finds no CUDA device{told}; `nvidia-smi` says whether the driver works and sees one"


def _ask(library: str) -> DeviceProbe:
    """Return what a library can use, or why it cannot be asked."""
    try:
        return _PROBES[library]()
    except ModuleNotFoundError as error:
        if error.name == library:
            return _cannot(f"{library} is not installed; {GPU_BUILD}")
        return _cannot(f"{library} cannot be imported: {error}; install it again")
    except Exception as error:  # noqa: BLE001 - a broken installation may raise anything
        told = " ".join(str(error).split())[:300]
        return _cannot(f"{library} cannot be used: {type(error).__name__}: {told}; install it again")


def main() -> None:
    """Print what each library can use here as one JSON object, on one line."""
    sys.stdout.write(json.dumps({library: asdict(_ask(library)) for library in _PROBES}) + "\n")


if __name__ == "__main__":
    main()
