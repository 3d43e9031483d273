"""Laws of the user's own on the command line: ``--formula``, ``--form FILE.py:CLASS``, ``--limit``."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import simulate
from lawful.cli import main

FORMULA = "E + A*params**-alpha + B*tokens**-beta"

CLASS = '''
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lawful.laws.base import Exponent, Law, Positive


@dataclass(frozen=True)
class Shared(Law):
    """One exponent for both."""

    form: ClassVar[str] = "shared_exponent_of_a_test"

    E: Positive
    A: Positive
    B: Positive
    gamma: Exponent

    def __call__(self, params, tokens):
        return self.E + self.A / params**self.gamma + self.B / tokens**self.gamma


@dataclass(frozen=True)
class NoFormula(Law):
    form: ClassVar[str] = "no_formula_of_a_test"

    E: Positive

    def __call__(self, params):
        return self.E * np.exp(params)


class NoLaw:
    """Not a law at all."""
'''


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def lawful(*arguments: str, cwd: Path) -> Done:
    """The command in this process, in ``cwd``: its two streams and its exit code."""
    code = 0
    with chdir(cwd), redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            main(list(arguments))
        except SystemExit as stop:
            code = int(stop.code or 0)
    return Done(code, out.getvalue(), err.getvalue())


def write(path: Path, **columns: Any) -> None:
    rows = zip(*columns.values(), strict=True)
    path.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]) + "\n")


def read(done: Done) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert isinstance(data, dict)
    return data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    runs = simulate()
    depth = np.linspace(-1.0, 2.0, len(runs))
    write(folder / "runs.csv", N=runs["params"], D=runs["tokens"], val_loss=runs["loss"], my_depth=depth,
          my_score=1.0 - 2.0 * depth, weight=1.5 + np.sin(depth), corpus=["c4"] * len(runs))
    (folder / "mylaw.py").write_text(CLASS)
    (folder / "clash.py").write_text(CLASS.replace("shared_exponent_of_a_test", "chinchilla"))
    return folder


def test_a_formula_fits_predicts_and_plans_as_its_form_does(folder: Path) -> None:
    few = ("--bootstrap", "20")
    mine = read(lawful("fit", "runs.csv", "--formula", FORMULA, "-o", "mine.json", "--json", *few, cwd=folder))
    theirs = read(lawful("fit", "runs.csv", "--json", *few, cwd=folder))
    assert (mine["form"], mine["formula"]) == ("formula", theirs["formula"])
    for name, i in theirs["coefficients"].items():
        assert mine["coefficients"][name]["value"] == pytest.approx(i["value"], rel=1e-8)
    ask = read(lawful("predict", "mine.json", "--at", "params=7B,tokens=140B", "--json", cwd=folder))
    assert ask["output"] == "loss"
    plans = [read(lawful("plan", "runs.csv", *law, "--compute", "1e22", "--json", *few, cwd=folder))["decision"]
             for law in (("--formula", FORMULA), ())]
    assert plans[0] == pytest.approx(plans[1], rel=1e-4)


@pytest.mark.parametrize("command", ["diagnose", "backtest", "report"])
def test_a_formula_goes_wherever_a_form_goes(folder: Path, command: str) -> None:
    data = read(lawful(command, "runs.csv", "--formula", FORMULA, "--json", "--bootstrap", "20", cwd=folder))
    assert (data.get("fit") or data)["form"] == "formula"


def test_a_formula_may_begin_with_a_minus(folder: Path) -> None:
    data = read(lawful("fit", "runs.csv", "--formula", "-A + B/params**alpha", "--json", "--bootstrap", "0",
                       cwd=folder))
    assert data["formula"] == "loss = -A + B / params**alpha"


def test_columns_of_the_table_are_inputs_and_targets(folder: Path) -> None:
    data = read(lawful("fit", "runs.csv", "--formula", "a + b*my_depth", "--target", "my_score",
                       "--limit", "b=-inf:inf", "--loss", "log_squares", "--bootstrap", "10", "--json",
                       "-o", "line.json", cwd=folder))
    values = {name: i["value"] for name, i in data["coefficients"].items()}
    assert values == pytest.approx({"a": 1.0, "b": -2.0}, rel=1e-6)
    assert data["output"] == "my_score"
    asked = read(lawful("predict", "line.json", "--at", "my_depth=-1.5", "--json", cwd=folder))
    assert asked["value"] == pytest.approx(4.0, rel=1e-6)
    text = lawful("predict", "line.json", "--at", "my_depth=-1.5", cwd=folder).stdout
    assert text.startswith("my_score 4 ")
    table = read(lawful("predict", "line.json", "--table", "runs.csv", "--json", cwd=folder))
    assert len(table["forecasts"]) == 48


def test_a_target_by_its_header_is_the_quantity_that_was_read_from_it(folder: Path) -> None:
    data = read(lawful("fit", "runs.csv", "--formula", FORMULA, "--target", "val_loss", "--bootstrap", "0", "--json",
                       cwd=folder))
    assert data["output"] == "loss"


def test_a_class_in_a_file_is_fitted_and_its_saved_fit_found_again(folder: Path) -> None:
    data = read(lawful("fit", "runs.csv", "--form", "mylaw.py:Shared", "--bootstrap", "10", "--json", "-o", "own.json",
                       cwd=folder))
    assert data["form"] == "mylaw.py:Shared"
    at = ("--at", "params=7B,tokens=140B", "--json")
    here = read(lawful("predict", "own.json", *at, cwd=folder))
    assert read(lawful("predict", f"{folder / 'own.json'}", *at, cwd=folder.parent)) == here, "beside the saved fit"
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(folder / "own.json", elsewhere)
    lost = lawful("predict", "own.json", *at, cwd=elsewhere)
    assert lost.returncode == 2
    assert "mylaw.py:Shared: no file mylaw.py in" in lost.stderr


def test_in_python_the_class_is_given_by_hand(folder: Path) -> None:
    read(lawful("fit", "runs.csv", "--form", "mylaw.py:Shared", "--bootstrap", "10", "--json", "-o", "own2.json",
                cwd=folder))
    probe = """
import json
from lawful.errors import InputError
from lawful.fit import Fit
from lawful.laws.registry import enter
data = json.load(open("own2.json"))
try:
    Fit.from_dict(data)
except InputError as problem:
    print(problem)
from mylaw import Shared
enter(Shared, "mylaw.py:Shared")
print(type(Fit.from_dict(data).law).__name__)
"""
    done = subprocess.run([sys.executable, "-c", probe], cwd=folder, capture_output=True, text=True, check=True)
    refused, name = done.stdout.splitlines()
    assert "enter(TheClass, 'mylaw.py:Shared')" in refused
    assert name == "Shared"


def test_any_form_takes_limits_weights_and_noise(folder: Path) -> None:
    few = ("--bootstrap", "5", "--json")
    data = read(lawful("fit", "runs.csv", "--limit", "alpha=0.4:0.5", "--limit", "beta=0.3:", *few, cwd=folder))
    assert 0.4 < data["coefficients"]["alpha"]["value"] < 0.5
    assert data["coefficients"]["beta"]["value"] > 0.3
    plain, weighted, noisy = (read(lawful("fit", "runs.csv", "--loss", "log_squares", *more, *few, cwd=folder))
                              for more in ((), ("--weights", "weight"), ("--noise", "weight")))
    assert plain["coefficients"]["alpha"]["value"] != weighted["coefficients"]["alpha"]["value"]
    assert plain["coefficients"]["alpha"]["value"] != noisy["coefficients"]["alpha"]["value"]


BAD = {
    "a limit of no coefficient": (["--limit", "gamma=0:2"], "chinchilla has no coefficient gamma"),
    "limits that exclude every start": (["--limit", "alpha=-2:-1"], "excludes every start"),
    "weights of words": (["--weights", "corpus"], "row 1: corpus must be a number"),
    "a slip": (["--formula", "E + A*parms**-alpha"], "nearest: params"),
    "a slip in a column": (["--formula", "E + A*my_dept"], "nearest: my_depth"),
    "code": (["--formula", "__import__('os').system('true')"], "formula, column 12"),
    "no arithmetic": (["--formula", "E + A*"], "formula, column 7: the formula ends"),
    "two laws": (["--formula", FORMULA, "--form", "kaplan"], "two laws"),
    "a target without a formula": (["--target", "my_score"], "belong to --formula"),
    "a target that is not there": (["--formula", "E*params", "--target", "my_scor"], "the nearest is 'my_score'"),
    "a target of words": (["--formula", "E*params", "--target", "corpus"], "row 1: corpus must be a number, got 'c4'"),
    "an input of words": (["--formula", "E*corpus"], "row 1: corpus must be a number, got 'c4'"),
    "an input that is not there": (["--formula", "E*params", "--inputs", "width"], "width does not occur"),
    "an input the table lacks": (["--formula", "E*width**-a"], "no column for width"),
    "no range": (["--formula", FORMULA, "--limit", "alpha=2"], "'2' is no range"),
    "no name": (["--formula", FORMULA, "--limit", "0:2"], "--limit 0:2: write --limit COEFFICIENT=LOW:HIGH"),
    "an empty range": (["--formula", FORMULA, "--limit", "alpha=2:1"], "nothing lies between 2 and 1"),
    "no such file": (["--form", "nolaw.py:Shared"], "no file nolaw.py in"),
    "no such class": (["--form", "mylaw.py:shared"], "unknown class 'shared' in mylaw.py; nearest: Shared"),
    "not a law": (["--form", "mylaw.py:NoLaw"], "mylaw.py:NoLaw is not a law"),
    "a call that is no formula": (["--form", "mylaw.py:NoFormula"], "on symbols it raises TypeError"),
    "a name that is taken": (["--form", "clash.py:Shared"], "two forms are called 'chinchilla'"),
    "too few runs": (["--formula", FORMULA, "--where", "my_depth < -0.8"], "give at least 5"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_exit_code_2(case: str, folder: Path) -> None:
    options, says = BAD[case]
    done = lawful("fit", "runs.csv", "--bootstrap", "0", *options, cwd=folder)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("formula", "says"), [
    ("E + A*log(my_depth)", "log(my_depth) has none where my_depth is -1"),
    ("E + A*params**-alpha + 1/(my_depth - my_depth)", "has none where"),
])
def test_a_formula_without_a_value_on_the_runs_is_exit_code_1(formula: str, says: str, folder: Path) -> None:
    done = lawful("fit", "runs.csv", "--bootstrap", "0", "--formula", formula, cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_text_of_a_law_without_a_unit_has_no_empty_brackets(folder: Path) -> None:
    done = lawful("fit", "runs.csv", "--formula", "my_score = a - b*my_depth", "--loss", "log_squares",
                  "--bootstrap", "5", cwd=folder)
    assert done.stdout.splitlines()[0] == "my_score = a - b * my_depth"
