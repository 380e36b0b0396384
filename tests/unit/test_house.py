"""The house rules that no linter checks."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import pytest

HEAVY = {
    *("gpytorch", "lightgbm", "numpy", "pandas", "psutil", "pyarrow", "pydantic"),
    *("scipy", "sklearn", "torch", "xgboost"),
}
MODULE_LINES = 400
FUNCTION_LINES = 60
MARKDOWN_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def package_sources(root: Path) -> list[Path]:
    sources = sorted((root / "src" / "bench").rglob("*.py"))
    assert sources
    return sources


def modules_after(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after the code."""
    script = f"import sys\n{code}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def help_of(*arguments: str) -> str:
    return (
        "import runpy\n"
        f"sys.argv = ['bench', *{arguments!r}]\n"
        "try:\n    runpy.run_module('bench', run_name='__main__', alter_sys=True)\n"
        "except SystemExit as end:\n    assert end.code in (0, None), end.code"
    )


@pytest.mark.parametrize("code", ["import bench", help_of("--help"), help_of("run", "--help")])
def test_what_fits_no_model_imports_no_model_library(code):
    assert modules_after(code) & HEAVY == set()


def test_the_check_above_would_see_a_heavy_import():
    assert modules_after("import numpy") & HEAVY == {"numpy"}


def test_modules_are_of_one_idea(root):
    lengths = {path: len(path.read_text().splitlines()) for path in package_sources(root)}
    none_of(f"{path}: {n} lines" for path, n in lengths.items() if n > MODULE_LINES)


def test_functions_fit_a_screen(root):
    lengths = ((place, node.end_lineno - node.lineno + 1) for place, node in functions(root))
    none_of(f"{place}: {n} lines" for place, n in lengths if n > FUNCTION_LINES)


def test_everything_is_annotated(root):
    none_of(place for place, node in functions(root) if not annotated(node))


def test_everything_public_says_what_it_is(root):
    none_of(chain.from_iterable(undocumented(path, root) for path in package_sources(root)))


def none_of(offenders: Iterable[str]) -> None:
    found = list(offenders)
    assert not found, "\n".join(found)


def functions(root: Path) -> Iterator[tuple[str, Function]]:
    """Yield every function of the package with its place."""
    for path in package_sources(root):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, Function):
                yield f"{path.relative_to(root)}:{node.lineno} {node.name}", node


def annotated(function: Function) -> bool:
    spec = function.args
    named = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]
    starred = [argument for argument in (spec.vararg, spec.kwarg) if argument]
    bound = named[:1] if named and named[0].arg in ("self", "cls") else []
    missing = [a.arg for a in (*named, *starred) if a not in bound and a.annotation is None]
    return function.returns is not None and not missing


def undocumented(path: Path, root: Path) -> Iterator[str]:
    """Yield the module, classes, functions and methods that are public and lack a docstring."""
    tree = ast.parse(path.read_text())
    place = path.relative_to(root)
    if ast.get_docstring(tree) is None and tree.body:
        yield f"{place}"
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_"))
    holders = [tree, *classes]
    for node in chain.from_iterable(holder.body for holder in holders):
        if not isinstance(node, ast.ClassDef | Function) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None and not described_elsewhere(node):
            yield f"{place}:{node.lineno} {node.name}"


def described_elsewhere(node: ast.stmt) -> bool:
    """Return whether this is an overload or a property's setter, whose description stands beside it."""
    marks = [ast.unparse(mark) for mark in getattr(node, "decorator_list", ())]
    return any(mark.endswith(("overload", ".setter")) for mark in marks)


def test_links_between_pages_lead_somewhere(root):
    pages = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("reports/**/*.md")]
    assert len(pages) > 3
    links_of = ((page, link) for page in pages for link in links(page))
    none_of(f"{page.relative_to(root)}: {link}" for page, link in links_of if not leads(page, link))


def links(page: Path) -> Iterator[str]:
    for match in MARKDOWN_LINK.finditer(page.read_text()):
        yield match[1] or match[2]


def leads(page: Path, link: str) -> bool:
    """Return whether a link is to another site, or to a file and a heading that exist."""
    if re.match(r"[a-z]+:", link):
        return True
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not anchor or anchor in headings(target))


def headings(page: Path) -> set[str]:
    titles = re.findall(r"^#+ +(.+?) *$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("link", ["nowhere.md", "README.md#no-such-heading", "#nor-this"])
def test_the_check_of_links_would_see_a_broken_one(root, link):
    assert not leads(root / "README.md", link)


def test_the_version_is_said_once_and_the_same_everywhere(root):
    version = re.search(r'^version = "(.+)"$', (root / "pyproject.toml").read_text(), re.MULTILINE)[1]
    assert f"\nversion: {version}\n" in (root / "CITATION.cff").read_text()


def test_every_requirement_is_pinned(root):
    """A requirement without a pin is another version tomorrow, and other results with it."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    names = {re.split(r"[\[<>=]", requirement)[0] for requirement in wanted} - {project["name"]}
    pins = {line.partition("==")[0] for line in (root / "constraints.txt").read_text().splitlines()}
    assert names - pins == set()
