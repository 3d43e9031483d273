"""Who may import whom: every module's imports are read, none is run (style.md, section 1)."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import lawful

SRC = Path(lawful.__file__).parent

BASE = {"errors", "quantities", "results"}
RUNS = BASE | {"filters", "labels", "runs"}
MAY_IMPORT = {
    "errors": set(),
    "quantities": {"errors"},
    "results": {"errors", "quantities"},
    "filters": BASE,
    "labels": set(),
    "merge": RUNS,
    "runs": BASE | {"filters", "labels"},
    "laws": BASE,
    "fit": RUNS | {"laws"},
    "validate": RUNS | {"laws", "fit"},
    "cost": {"quantities", "errors"},
    "plan": RUNS | {"laws", "fit", "validate", "cost"},
    "design": RUNS | {"laws", "fit", "plan", "cost"},
    "lab": RUNS | {"design", "cost"},
    "store": RUNS,
    "bench": RUNS | {"laws", "fit", "validate", "plan", "cost", "store", "report"},
    "report": BASE,
    "data": set(),
}
OWNERS = {"torch": {"lab"}, "jinja2": {"report"}, "cyclopts": {"cli"}, "rich": {"cli"}, "pyarrow": {"store"},
          "matplotlib": {"report"}, "emcee": {"fit"},
          "numpyro": {"fit"}, "jax": {"fit"}, "sklearn": {"bench"}}
ANYWHERE = {"numpy", "scipy"}
ONLY_IN_FUNCTIONS = {"scipy", "pyarrow", "matplotlib", "emcee", "numpyro", "jax", "sklearn"}
NO_NUMPY_AT_THE_TOP = {"", "__main__", "cli", "cost", "errors", "quantities", "results", "report"}


@dataclass(frozen=True)
class Import:
    module: str      # as written, or the submodule it resolves to
    line: int
    top: bool        # runs when the module is imported
    typing: bool     # under TYPE_CHECKING: never runs


def module_name(path: Path) -> str:
    parts = ("lawful", *path.relative_to(SRC).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(SRC.rglob("*.py"))}


def part(module: str) -> str:
    """``fit`` for ``lawful.fit.engine``; empty for ``lawful`` itself."""
    return [*module.split("."), ""][1]


def read(module: str, source: str, package: bool) -> list[Import]:
    """The imports in ``source``, by ``ast``."""
    def walk(node: ast.AST, top: bool, typing: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            inner_top = top and not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            inner_typing = typing or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
            if isinstance(child, ast.Import):
                for name in child.names:
                    yield Import(name.name, child.lineno, top, typing)
            elif isinstance(child, ast.ImportFrom):
                stem = child.module or ""
                if child.level:
                    here = module.split(".")
                    here = here[: len(here) - child.level + (1 if package else 0)]
                    stem = ".".join([*here, stem]).rstrip(".")
                for name in child.names:
                    full = f"{stem}.{name.name}"
                    yield Import(full if full in FILES else stem, child.lineno, top, typing)
            else:
                yield from walk(child, inner_top, inner_typing)

    return list(walk(ast.parse(source), True, False))


@cache
def imports(module: str) -> list[Import]:
    return read(module, FILES[module].read_text(encoding="utf-8"), FILES[module].name == "__init__.py")


def test_the_reader_sees_every_kind_of_import():
    source = """
import a.b as c, d
from lawful.fit import Fit, engine
if TYPE_CHECKING:
    from e import f
try:
    import g
except ImportError:
    pass
class K:
    import h
    def method(self):
        from . import files
        import i
"""
    found = {(x.module, x.top, x.typing) for x in read("lawful.store.tables", source, package=False)}
    assert found == {("a.b", True, False), ("d", True, False), ("lawful.fit", True, False),
                     ("lawful.fit.engine", True, False), ("e", True, True), ("g", True, False), ("h", True, False),
                     ("lawful.store.files", False, False), ("i", False, False)}
    assert [x.module for x in read("lawful.store", "from .files import x\nfrom ..runs import y", package=True)] == [
        "lawful.store.files", "lawful.runs"]


def test_every_part_has_a_place_in_the_table():
    parts = {part(module) for module in FILES} - {"", "__main__", "cli", "studio"}
    assert parts <= MAY_IMPORT.keys()
    assert {"laws", "fit", "validate", "cost", "plan", "store", "report"} <= parts, "the walk reads the package"


@pytest.mark.parametrize("module", FILES)
def test_arrows_point_one_way(module):
    here = part(module)
    wanted = {part(i.module): i for i in imports(module) if i.module.split(".")[0] == "lawful"}
    wanted.pop("", None)      # lawful itself: the version, and nothing that it imports (below)
    wanted.pop(here, None)
    if here in ("cli", "studio"):
        return
    if here == "__main__":
        assert set(wanted) == {"cli"}
        return
    allowed = MAY_IMPORT.get(here, set())
    for name, found in wanted.items():
        assert name in allowed, f"{module}:{found.line} imports {found.module}; {here or 'lawful'} may import {allowed}"


@pytest.mark.parametrize("module", FILES)
def test_third_parties_stay_with_their_owners(module):
    for found in imports(module):
        package = found.module.split(".")[0]
        if package == "lawful" or package in sys.stdlib_module_names:
            continue
        where = f"{module}:{found.line} imports {found.module}"
        assert package in OWNERS.keys() | ANYWHERE, f"{where}: a dependency nobody owns"
        assert part(module) in OWNERS.get(package, {part(module)}), f"{where}: it belongs to {OWNERS[package]}"
        if found.top and not found.typing:
            assert package not in ONLY_IN_FUNCTIONS, f"{where} at the top: import it where it is used"
            assert not (package == "numpy" and part(module) in NO_NUMPY_AT_THE_TOP), f"{where}: too early for numpy"


@pytest.mark.parametrize("module", FILES)
def test_modules_are_not_imported_behind_our_back(module):
    lazy = {"import_module"} if module in ("lawful", "lawful.laws.registry") else set()  # public names; families
    if module == "lawful.store.code":  # the one place where a user's own file is run
        lazy = {"spec_from_file_location", "exec_module"}
    tree = ast.parse(FILES[module].read_text(encoding="utf-8"))
    called = {ast.unparse(node.func).split(".")[-1] for node in ast.walk(tree) if isinstance(node, ast.Call)}
    behind = {"import_module", "__import__", "exec", "eval", "exec_module", "spec_from_file_location"}
    assert not (called & behind) - lazy


def test_no_module_imports_itself_in_a_circle():
    """Edges are the imports that run when a module is imported, packages of the target included."""
    edges: dict[str, set[str]] = {}
    for module in FILES:
        edges[module] = set()
        for found in imports(module):
            if not found.top or found.typing or found.module.split(".")[0] != "lawful":
                continue
            steps = found.module.split(".")
            targets = {".".join(steps[:n]) for n in range(2, len(steps) + 1)} & FILES.keys()
            inside = {t for t in targets if (module + ".").startswith(t + ".") and t != found.module}
            edges[module] |= targets - inside
    state: dict[str, int] = {}

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert state.get(module) != 1, f"a circle: {' -> '.join([*path[path.index(module):], module])}"
        if state.get(module) == 2:
            return
        state[module] = 1
        for target in sorted(edges[module]):
            visit(target, (*path, module))
        state[module] = 2

    for module in FILES:
        visit(module, ())


def test_only_advice_asks_questions():
    """Within plan, a question rests on everything and only advice on a question."""
    above = ("lawful.plan.questions", "lawful.plan.advice")
    below = [module for module in FILES if module.startswith("lawful.plan.") and not module.startswith(above)]
    assert below
    for module in below:
        for found in imports(module):
            assert not found.module.startswith(above), f"{module}:{found.line} imports {found.module}"


def named_paths() -> Iterator[tuple[str, str]]:
    """Where a path of ours is named in words, and the path; names of schemas have one dot and are none."""
    root = SRC.parents[1]
    pages = [*sorted((root / "docs").glob("*.md")), root / "README.md", root / "CHANGELOG.md", root / "CONTRIBUTING.md"]
    for file in [*(page for page in pages if page.exists()), *FILES.values()]:
        for n, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            for found in re.findall(r"\blawful(?:\.[A-Za-z_]\w*){2,}", line):
                yield f"{file.name}:{n}", found


def test_paths_that_are_named_exist():
    """A module that moves takes its name along: in docstrings, on pages, in the changelog."""
    named = list(named_paths())
    assert len(named) > 500, "the walk reads the package"
    for where, path in named:
        steps = path.split(".")
        known = next(n for n in range(len(steps), 0, -1) if ".".join(steps[:n]) in FILES)
        source = FILES[".".join(steps[:known])].read_text(encoding="utf-8")
        assert known == len(steps) or re.search(rf"\b{steps[known]}\b", source), f"{where}: there is no {path}"


def test_lawful_itself_imports_nothing_of_its_own():
    assert [i for i in imports("lawful") if i.module.split(".")[0] not in sys.stdlib_module_names] == []


def test_every_public_name_is_there():
    for name in lawful.__all__:
        assert getattr(lawful, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        lawful.nonsense


HEAVY = ("numpy", "jax", "scipy", "torch", "jinja2", "pyarrow", "matplotlib", "pandas")


@pytest.mark.parametrize("start", [
    "import lawful",
    "from lawful.cli import main; main(['--help'])",
    "from lawful.cli import main; main(['--version'])",
    "from lawful.cost import hardware, Budget",
])
def test_starts_light(start, tmp_path):
    code = f"""
import json, sys
try:
    {start}
except SystemExit as stop:
    assert not stop.code, stop.code
print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60,
                          env={**os.environ, "PYTHONWARNINGS": "error"}, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
