"""What can fit on CUDA: asked in a child process, answered with a reason where it cannot."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from bench.zoo import devices
from bench.zoo.devices import DeviceProbe, probe, synchronise

WITHOUT_CUDA = """
__version__ = "8"
build_info = lambda: {"USE_CUDA": False}
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Return a function that puts a module in the way of a library; xgboost has one from the start."""

    def put(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    put("numpy", "arange = None")
    put("xgboost", WITHOUT_CUDA)
    return put


def test_the_installed_libraries_have_a_device_or_a_reason():
    """A build without CUDA is said to be one: XGBoost's would fit on the CPU without a word."""
    import torch
    import xgboost

    found = probe()
    assert set(found) == {"torch", "xgboost"}
    for answer in found.values():
        assert (answer.device is None) == bool(answer.reason)
    built = {"torch": torch.backends.cuda.is_built(), "xgboost": xgboost.build_info()["USE_CUDA"]}
    for library, with_cuda in built.items():
        assert ("was built without CUDA" in found[library].reason) == (not with_cuda)
        assert with_cuda or "pip install 'inductive-bench[gpu]'" in found[library].reason


def test_the_module_prints_one_json_object(stand_in):
    stand_in("torch", "raise ModuleNotFoundError('no torch', name='torch')")
    command = [sys.executable, "-P", "-m", "bench.zoo.devices"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {name: set(told) for name, told in json.loads(done.stdout).items()} == {
        "torch": {"device", "reason"},
        "xgboost": {"device", "reason"},
    }


def test_asking_does_not_load_the_libraries_here(stand_in):
    stand_in("torch", "import no_such_module")
    code = (
        "import sys; from bench.zoo.devices import probe, synchronise; probe(); synchronise('cuda'); "
        "print(sorted({'torch', 'xgboost', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise ModuleNotFoundError('no torch', name='torch')", "torch is not installed; pip install"),
        ("import no_such_module", "cannot be imported: No module named 'no_such_module'"),
        ("raise OSError('libcudart.so.12: cannot open shared object file')", "OSError: libcudart.so.12"),
    ],
)
def test_a_broken_library_is_a_reason_and_no_trouble_for_the_other(stand_in, text, said):
    stand_in("torch", text)
    answers = probe()
    assert answers["torch"].device is None
    assert said in answers["torch"].reason
    assert answers["xgboost"].reason.startswith("xgboost 8 was built without CUDA")


TORCH = """
from types import SimpleNamespace as N
__version__ = "9"
backends = N(cuda=N(is_built=lambda: True))
cuda = N(is_available=lambda: {available}, get_device_name=lambda: "a GPU")
ones = lambda n, device: N(sum=lambda: N(item=lambda: n))
"""


def test_a_device_is_named(stand_in):
    stand_in("torch", TORCH.format(available=True))
    assert probe()["torch"] == DeviceProbe(device="a GPU")


def test_a_cuda_build_without_a_device_says_where_to_look(stand_in):
    stand_in("torch", TORCH.format(available=False))
    assert probe()["torch"].reason.startswith("torch 9 finds no CUDA device; `nvidia-smi` says")


@pytest.mark.parametrize(("fits_on", "device"), [("cpu", None), ("cuda:0", "cuda:0")])
def test_an_xgboost_that_falls_back_is_found_out(stand_in, fits_on, device):
    stand_in("torch", "raise ModuleNotFoundError('no torch', name='torch')")
    stand_in("numpy", "class Values(float):\n    reshape = lambda *_: None\narange = Values\n")
    stand_in(
        "xgboost",
        f"""
from types import SimpleNamespace as N
import json
__version__ = "9"
build_info = lambda: {{"USE_CUDA": True}}
DMatrix = lambda X, y: None
core = N(XGBoostError=ValueError)
saved = json.dumps({{"learner": {{"generic_param": {{"device": "{fits_on}"}}}}}})
train = lambda params, rows, rounds: N(save_config=lambda: saved)
""",
    )
    found = probe()["xgboost"]
    assert found.device == device
    assert ("it fits on cpu instead" in found.reason) == (device is None)


def test_a_child_that_dies_is_a_reason_for_all(stand_in):
    stand_in("torch", "import os; os.write(2, b'Illegal instruction'); os._exit(132)")
    for answer in probe().values():
        assert "exit code 132 and said 'Illegal instruction'" in answer.reason


def test_a_child_that_hangs_is_a_reason_for_all(stand_in, monkeypatch):
    monkeypatch.setattr(devices, "PROBE_LIMIT_S", 0.5)
    stand_in("torch", "import time; time.sleep(60)")
    for answer in probe().values():
        assert "took more than" in answer.reason


@pytest.mark.parametrize(
    ("device", "initialised", "waits"), [("cuda", True, 1), ("cuda", False, 0), ("cpu", True, 0)]
)
def test_only_a_used_cuda_device_is_waited_for(monkeypatch, device, initialised, waits):
    waited = []
    cuda = SimpleNamespace(is_initialized=lambda: initialised, synchronize=waited.append)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    synchronise(device)
    assert len(waited) == waits
    monkeypatch.delitem(sys.modules, "torch")
    synchronise(device)
    assert len(waited) == waits
