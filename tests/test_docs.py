"""The documentation is run: every example, and every list that must agree with the code.

A page's ``python`` blocks share one namespace; a ``text`` block right after one is what it prints. A
``console`` block holds ``$ lawful ...`` commands with what they say, run in a folder with ``docs/examples``.
Words must agree, numbers to 2 %; a line ``...`` stands for any lines. A comment before a block changes this:
``<!-- not run -->``, ``<!-- not compared -->``, ``<!-- exits 2 -->``. ``python docs/refresh.py`` writes what
the examples say now into the pages.
"""

from __future__ import annotations

import ast
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import partial
from importlib import import_module
from math import inf
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import lawful
from conftest import SHARED
from lawful.cli import app, main
from lawful.cost import all_hardware
from lawful.fit import Fit
from lawful.laws import forms
from lawful.laws.published import Published
from lawful.plan.sections import field_texts
from lawful.validate.modes import MODES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
TOLERANCE = 0.02

_BLOCK = re.compile(r"(?:^<!-- (?P<mark>[^\n]*) -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S)
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?", re.IGNORECASE)


@dataclass
class Block:
    """One fenced block of a page, the comment before it, and its place in the page."""

    kind: str
    text: str
    mark: str
    line: int
    end: int
    start: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [Block(m["kind"], m["text"].replace("../shared/", f"{SHARED}/"), m["mark"] or "",
                  text[: m.start()].count("\n") + 1, m.end(), m.start()) for m in _BLOCK.finditer(text)]


def same(expected: str, actual: str) -> bool:
    """Whether one line says the same as another: equal words, numbers to within the tolerance."""
    words = [" ".join(_NUMBER.sub("#", line).split()) for line in (expected, actual)]
    numbers = [[float(n.replace(",", "")) for n in _NUMBER.findall(line)] for line in (expected, actual)]
    return words[0] == words[1] and all(
        a == pytest.approx(b, rel=TOLERANCE, abs=1e-6) for a, b in zip(*numbers, strict=True))


def agree(expected: list[str], actual: list[str]) -> bool:
    """Whether the lines agree, where an expected ``...`` stands for any number of lines."""
    if not expected:
        return not actual
    if expected[0].strip() == "...":
        return any(agree(expected[1:], actual[i:]) for i in range(len(actual) + 1))
    return bool(actual) and same(expected[0], actual[0]) and agree(expected[1:], actual[1:])


def compare(expected: str, actual: str, where: str) -> None:
    wanted, got = ([line for line in text.splitlines() if line.strip()] for text in (expected, actual))
    assert agree(wanted, got), f"{where} shows\n{expected}\nand the command says\n{actual}"


def say(work: Callable[[], object]) -> tuple[str, int]:
    """What ``work`` writes to stdout and then to stderr, and the code it exits with."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            work()
        except SystemExit as stop:
            code = int(stop.code or 0)
    return out.getvalue() + err.getvalue(), code


def replay(page: Path) -> Iterator[tuple[str, str, str]]:
    """Run a page's examples in the current folder: for each output, where, what is shown, what comes."""
    for file in (file for kind in ("*.csv", "*.toml") for file in (DOCS / "examples").glob(kind)):
        shutil.copy(file, ".")
    shutil.copytree(DOCS / "examples" / "data", "data", dirs_exist_ok=True)
    names: dict[str, object] = {"__name__": "page"}
    printed, source, before = "", page.read_text(encoding="utf-8"), None
    for block in blocks(page):
        where = f"{page.name}, line {block.line}"
        if block.kind == "python" and block.mark != "not run":
            code = compile(block.text, where, "exec", dont_inherit=True)
            printed, stopped = say(partial(exec, code, names))
            assert not stopped, where
        elif block.kind == "console" and block.mark != "not run":
            wanted = int(block.mark.removeprefix("exits ")) if block.mark.startswith("exits ") else 0
            for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                command, _, shown = part.replace("\\\n", " ").partition("\n")
                words = shlex.split(command)
                assert words[0] == "lawful", f"{where}: only lawful is run; mark the block <!-- not run -->"
                said, stopped = say(partial(main, words[1:]))
                assert stopped == wanted, f"{where}: {command} exits with {stopped}: {said}"
                if block.mark != "not compared":
                    yield where, shown, said
        elif (block.kind == "text" and before is not None and before.kind == "python" and block.mark == ""
              and not source[before.end : block.start].strip()):
            yield where, block.text, printed
        before = block


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if any(str(SHARED) in b.text for b in blocks(page)) and not (SHARED / "data").is_dir():
        pytest.skip(f"the page uses public data, not here: {SHARED / 'data'} (set LAWFUL_SHARED)")
    monkeypatch.chdir(tmp_path)
    for where, shown, said in replay(page):
        compare(shown, said, where)


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_every_public_name_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"^\| `lawful\.(\w+)", page("python.md"), re.MULTILINE))
    assert documented == set(lawful.__all__) - {"__version__"}


def test_the_modules_on_the_page_of_python_have_the_names_that_stand_beside_them() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| ((?:`\w+`(?:, )?)+) \|", page("python.md").partition("| module |")[2], re.M)
    assert len(rows) > 30
    missing = [f"{module}.{name}" for module, names in rows for name in re.findall(r"\w+", names)
               if not hasattr(import_module(f"lawful.{module}"), name)]
    assert not missing


def test_every_command_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"^## lawful (\w+)", page("cli.md"), re.MULTILINE))
    assert documented == {name for name in app if not name.startswith("-")}


def _codes(kind: str) -> Iterator[str]:
    """The codes that the source gives to a ``Finding`` or a ``Caveat``, read off the calls."""
    for file in sorted(Path(lawful.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == kind and node.args:
                yield from (n.value for n in ast.walk(node.args[0])
                            if isinstance(n, ast.Constant) and isinstance(n.value, str) and len(n.value) > 1)


@pytest.mark.parametrize("kind", ["Finding", "Caveat"])
def test_every_code_is_explained(kind: str) -> None:
    explained = set(re.findall(r"^\| `(\w+)`", page("diagnosing.md"), re.MULTILINE))
    assert set(_codes(kind)) <= explained


def tables() -> dict[tuple[str, str], list[str]]:
    """The rows of the tables that are made from the code, by page and name; ``docs/refresh.py`` writes them."""
    devices = []
    for h in all_hardware():
        numbers = (h.peak_flop_per_second / 1e12, h.memory_bytes / 1e9, h.bandwidth_bytes_per_second / 1e12,
                   h.power_w, h.usd_per_hour)
        cells = ["unknown" if n is None else f"{n:,.6g}" for n in numbers]
        devices.append(f"| `{h.key}` | {h.title} | {' | '.join(cells)} |")
    shapes = []
    for name, cls in forms().items():
        if cls.__module__.startswith("lawful."):
            aliases = ", ".join(f"`{alias}`" for alias in cls.aliases)
            shapes.append(f"| `{name}` | {aliases} | {(cls.__doc__ or '').splitlines()[0]} |")
    modes = []
    for mode in MODES.values():
        papers = "; ".join(re.sub(r"arXiv:([\d.]+)", r"[\g<0>](https://arxiv.org/abs/\1)", s) for s in mode.sources)
        seen = ", ".join(f"`{code}`" for code in mode.found_by) or ("" if mode.hidden else f"`{mode.code}`")
        modes.append(f"| `{mode.code}` | {mode.title} | {mode.why} | {papers} | {seen} |")
    from lawful.plan.advice import TOPICS  # here, since what it imports changes the order of the forms above

    return {("planning.md", "hardware"): devices, ("laws.md", "forms"): shapes, ("failures.md", "modes"): modes,
            **{(PAGE_OF[topic.name], f"keys of {topic.name}"): keys(topic.asked) for topic in TOPICS}}


PAGE_OF = {"size": "questions_size.md", "downscaling": "questions_size.md", "architecture": "architecture.md",
           "data": "questions_data.md", "test_time": "test_time.md", "tuning": "tuning.md", "sparsity": "sparsity.md",
           "precision": "precision.md", "modalities": "questions_modalities.md"}
"""Where the keys of each section of a situation stand."""


def keys(cls: type, before: str = "", seen: frozenset[type] = frozenset()) -> list[str]:
    """A row for each key of a section of a situation: what it means, and what stands for it where it is left out."""
    rows, texts, hints = [], field_texts(cls), get_type_hints(cls)
    for f in fields(cls):
        default = f.default if isinstance(f.default, tuple) else (f.default,)
        said = ("" if not v or v is MISSING or v == inf else f"{v:,}" if type(v) is int else f"{v:,g}"
                if isinstance(v, float) else str(v) for v in default)
        rows.append(f"| `{before}{f.name}` | {texts[f.name]} | {', '.join(filter(None, said))} |")
        inner = [c for c in (hints[f.name], *get_args(hints[f.name])) if is_dataclass(c) and field_texts(c)]
        for c in (c for c in inner if c not in (*seen, Fit, Published)):
            rows += keys(c, f"{before}{f.name}.", seen | {c})
            seen |= {c}
    return rows


def table(text: str, name: str) -> re.Match[str]:
    """The rows between a table's head and its closing comment."""
    found = re.search(rf"(?<=<!-- table {name} -->\n)\|[^\n]*\n\|[-| ]*\n(?P<rows>.*?)\n(?=<!-- end -->)", text, re.S)
    assert found is not None, f"no table {name}"
    return found


def test_tables_are_those_of_the_package() -> None:
    probe = "import json, test_docs; print(json.dumps([[*k, v] for k, v in test_docs.tables().items()]))"
    done = subprocess.run([sys.executable, "-c", probe], cwd=Path(__file__).parent, capture_output=True, text=True,
                          check=True)  # a process of its own: other tests put entries into the catalogue
    for name, title, rows in json.loads(done.stdout):
        assert table(page(name), title)["rows"].splitlines() == rows, "run python docs/refresh.py"


def test_the_json_keys_are_the_documented_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                               capsys: pytest.CaptureFixture[str]) -> None:
    documented = {name: set(re.findall(r"`(\w+)`", keys))
                  for name, keys in re.findall(r"^- `lawful\.(\w+)/1`: (.*)$", page("cli.md"), re.MULTILINE)}
    monkeypatch.chdir(tmp_path)
    for table in ("runs.csv", "recipes.csv", "sweep.csv"):
        shutil.copy(DOCS / "examples" / table, tmp_path)
    shutil.copytree(DOCS / "examples" / "data", tmp_path / "data")
    main_ = ("fit runs.csv --form auto --candidates chinchilla,kaplan --bootstrap 20",
             "fit runs.csv --bootstrap 20 -o fit.json", "diagnose runs.csv --bootstrap 20", "identify runs.csv",
             "diagnose runs.csv --bootstrap 20 --checklist",
             "backtest runs.csv --bootstrap 20", "predict fit.json --at params=1B,tokens=20B",
             "predict fit.json --table runs.csv",
             "predict fit.json --at params=1B,tokens=20B --register ledger.jsonl", "score ledger.jsonl --check",
             "score ledger.jsonl runs.csv", "laws list",
             "plan --law fit.json --usd 50k --device h100 --max-cost 60k -o plan.json", "plan diff plan.json plan.json",
             "plan check plan.json", "sensitivity fit.json --at params=1B,tokens=20B",
             "attribute --law fit.json --from params=1B,tokens=20B --to params=2B,tokens=20B",
             "slices recipes.csv --by recipe --bootstrap 20",
             "laws show besiroglu2024_refit", "laws check", "report runs.csv --bootstrap 20",
             "laws compare besiroglu2024_refit hoffmann2022_approach3 --at params=1B,tokens=20B",
             "cite besiroglu2024_refit", "compare fit.json besiroglu2024_refit --compute 1e21", "export fit.json",
             "arms recipes.csv --by recipe --bootstrap 20", "optima sweep.csv --bootstrap 20",
             "calc params gpt2", "calc flops gpt2", "calc memory gpt2", "calc hardware",
             "calc cost gpt2 --tokens 1B --device h100", "calc serve gpt2 --device h100",
             "curves predict luo2025_multi_power_law:25M --schedule cosine:peak=3e-4,steps=2000",
             "bench forecast --data data --list", "bench speed --starts 5 --repeats 1",
             "bench faults --faults 'swapped columns' --variants 1 --clean 1",
             "bench forecast --data data --methods m1 --workers 1",
             "curves best luo2025_multi_power_law:25M --schedule wsd:peak=3e-4,steps=2000 --over decay=0.1:0.5")
    actual = {}
    for command in main_:
        with suppress(SystemExit):
            main([*shlex.split(command), "--json"])
        data = json.loads(capsys.readouterr().out)
        data.pop("registered", None)
        for part in filter(None, (data.pop("selection", None), data)):
            actual[part["schema"].split(".")[1].split("/")[0]] = set(part) - {"schema"}
    assert documented == actual


def test_ci_runs_what_the_readme_says() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    lines = [line for line in script.splitlines() if line and not line.startswith(("#", "set ", "cd "))]
    assert len(lines) == 1
    assert lines[0] in readme


def test_the_pages_build_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("myst_parser", reason="pip install -e '.[docs]'")
    pytest.importorskip("furo", reason="pip install -e '.[docs]'")
    done = subprocess.run([sys.executable, "-m", "sphinx", "-W", "-q", str(DOCS), str(tmp_path)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_public_names_stay_what_they_are_when_modules_are_imported() -> None:
    probe = ("import lawful, lawful.plan, lawful.fit.engine, lawful.validate\n"
             "for name in lawful.__all__[1:]:\n    assert callable(getattr(lawful, name)), name\n"
             "    assert callable(getattr(lawful, name)), name + ' at the second look'")
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
