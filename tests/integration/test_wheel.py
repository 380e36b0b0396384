"""What people install is the wheel, not the checkout: build it, install it elsewhere, use it there."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.network]


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run("-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", folder, root, cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel alone; its requirements come from the environment of the tests."""
    folder = tmp_path_factory.mktemp("installed")
    run("-m", "pip", "install", "-q", "--no-deps", "--target", folder, wheel, cwd=folder)
    return folder


def run(*arguments: str | Path, cwd: Path, path: Path | None = None) -> str:
    environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_wheel_holds_suites_and_pages_of_facts_and_nothing_else_of_the_checkout(root, wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    brought = {}
    for folder, prefix in (
        (root / "suites", "bench/_data/suites/"),
        (root / "docs/facts", "bench/_data/facts/"),
    ):
        held = {prefix + path.relative_to(folder).as_posix(): path.read_bytes() for path in files(folder)}
        assert held
        assert {name: text for name, text in packed.items() if name.startswith(prefix)} == held
        brought |= held
    sources = {path.relative_to(root / "src").as_posix() for path in files(root / "src")}
    metadata = {name for name in packed if ".dist-info/" in name}
    assert set(packed) - metadata - set(brought) == sources


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def test_the_installed_package_is_not_the_checkout(installed, tmp_path):
    found = run("-c", "import bench; print(bench.__file__)", cwd=tmp_path, path=installed)
    assert Path(found.strip()).is_relative_to(installed)


def test_it_lists_the_suites_anywhere(root, installed, tmp_path):
    listed = run("-m", "bench", "list", "suites", cwd=tmp_path, path=installed)
    names = [path.stem for path in (root / "suites").glob("*.toml")]
    assert [name for name in names if name not in listed] == []


def test_it_lists_the_claims_anywhere(root, installed, tmp_path):
    listed = run("-m", "bench", "claims", "list", cwd=tmp_path, path=installed)
    names = [path.stem for path in (root / "suites/claims").glob("*.toml")]
    assert names
    assert [name for name in names if name not in listed] == []


def test_it_explains_a_fact_anywhere(root, installed, tmp_path):
    shown = run("-m", "bench", "show", "D203", cwd=tmp_path, path=installed)
    assert shown == (root / "docs/facts/D203.md").read_text()


def test_it_runs_a_suite_anywhere(installed, tmp_path):
    run("-m", "bench", "run", "smoke", cwd=tmp_path, path=installed)
    assert list((tmp_path / "bench-results").iterdir())
