"""The command line as a user meets it: one process a call, its two streams and its exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from conftest import TRUTH, shared, simulate
from lawful.fit import Fit, fit
from lawful.runs import RunTable
from lawful.store import read_runs


def lawful(*arguments: str, cwd: Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "lawful", *arguments], cwd=cwd, input=stdin, text=True,
                          capture_output=True, timeout=120, check=False)


def write(path: Path, **columns: object) -> Path:
    names = list(columns)
    rows = zip(*columns.values(), strict=True)  # type: ignore[call-overload]
    path.write_text("\n".join([",".join(names), *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    runs = simulate()
    write(folder / "runs.csv", N=runs["params"], D=runs["tokens"], val_loss=runs["loss"])
    done = lawful("fit", "runs.csv", "-o", "fit.json", "--bootstrap", "200", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def read(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert isinstance(data, dict)
    return data


class TestSameDigits:
    """Python, ``--json``, the text and the saved file are one truth."""

    def test_fit(self, folder: Path) -> None:
        data = read(lawful("fit", "runs.csv", "--json", "--bootstrap", "200", cwd=folder))
        python = fit("chinchilla", read_runs(str(folder / "runs.csv")), bootstrap=200)
        saved = json.loads((folder / "fit.json").read_text())
        assert data["coefficients"] == saved["coefficients"] == json.loads(json.dumps(
            {name: vars(i) for name, i in python.intervals.items()}))
        text = lawful("fit", "runs.csv", "--bootstrap", "200", cwd=folder).stdout
        assert text.strip() == repr(python)

    def test_predict(self, folder: Path) -> None:
        data = read(lawful("predict", "fit.json", "--at", "params=7B,tokens=140B", "--json", cwd=folder))
        text = lawful("predict", "fit.json", "--at", "params=7B,tokens=140B", cwd=folder).stdout
        saved = Fit.from_dict(json.loads((folder / "fit.json").read_text()))
        assert data["value"] == float(saved(params=7e9, tokens=140e9))
        for key in ("value", "low", "high"):
            assert f"{data[key]:.4f}" in text

    def test_report(self, folder: Path) -> None:
        done = lawful("report", "runs.csv", "-o", "same.html", "--compute", "1e22", "--json", cwd=folder)
        data = read(done)
        page = (folder / "same.html").read_text()
        plan = data["plan"]
        assert isinstance(plan, dict)
        assert f"{plan['forecast']['value']:.4f}" in page
        direct = read(lawful("plan", "runs.csv", "--compute", "1e22", "--json", cwd=folder))
        assert direct["decision"] == plan["decision"]
        assert direct["forecast"] == plan["forecast"]


class TestContract:
    """The keys that design and users rely on."""

    def test_fit(self, folder: Path) -> None:
        data = read(lawful("fit", "runs.csv", "--json", "--bootstrap", "50", "--compute", "1e22", cwd=folder))
        assert {"schema", "form", "status", "coefficients", "level", "objective", "n_runs", "region", "derived",
                "warnings"} <= data.keys()
        assert all({"code", "message"} == w.keys() for w in data["warnings"])  # type: ignore[attr-defined]
        assert {"compute", "params", "tokens", "loss"} == data["optimum"].keys()  # type: ignore[attr-defined]

    def test_predict_over_a_table_keeps_its_order(self, folder: Path) -> None:
        write(folder / "ask.csv", params=[1e9, 7e9, 3e8], tokens=[2e10, 1.4e11, 6e9])
        data = read(lawful("predict", "fit.json", "--table", "ask.csv", "--json", cwd=folder))
        assert data["schema"] == "lawful.forecasts/1"
        saved = Fit.from_dict(json.loads((folder / "fit.json").read_text()))
        assert [f["value"] for f in data["forecasts"]] == [  # type: ignore[attr-defined]
            float(saved(params=n, tokens=d)) for n, d in ((1e9, 2e10), (7e9, 1.4e11), (3e8, 6e9))]

    def test_plan_in_each_currency(self, folder: Path) -> None:
        for spending in (["--compute", "1e22"], ["--compute", "64xH100*10d"], ["--usd", "50k", "--device", "h100"],
                         ["--gpu-hours", "10000", "--device", "a100", "--mfu", "0.3"],
                         ["--days", "10", "--device", "h200", "--devices", "64"]):
            data = read(lawful("plan", "--law", "fit.json", *spending, "--json", cwd=folder))
            assert data["schema"] == "lawful.plan/1"
            decision = data["decision"]
            assert isinstance(decision, dict)
            assert 6 * decision["params"] * decision["tokens"] == pytest.approx(decision["compute"])

    def test_diagnose_and_backtest(self, folder: Path) -> None:
        found = read(lawful("diagnose", "runs.csv", "--json", cwd=folder))
        assert found["schema"] == "lawful.diagnosis/1"
        tested = read(lawful("backtest", "runs.csv", "--json", "--bootstrap", "50", cwd=folder))
        assert {"schema", "cuts", "summary", "baselines"} <= tested.keys()

    def test_laws(self, folder: Path) -> None:
        listed = read(lawful("laws", "--json", cwd=folder))
        assert len(listed["laws"]) >= 12  # type: ignore[arg-type]
        shown = read(lawful("laws", "show", "hoffmann2022_approach3", "--json", cwd=folder))
        assert {"schema", "key", "title", "formula", "inputs", "output", "coefficients", "region", "failures",
                "source", "category", "questions", "checks"} <= shown.keys()
        assert lawful("laws", "check", cwd=folder).returncode == 0

    def test_standard_input(self, folder: Path) -> None:
        text = (folder / "runs.csv").read_text()
        data = read(lawful("fit", "-", "--json", "--bootstrap", "0", cwd=folder, stdin=text))
        assert data["n_runs"] == 48

    def test_help_names_every_command(self, folder: Path) -> None:
        text = lawful("--help", cwd=folder).stdout
        for command in ("quickstart", "fit", "diagnose", "backtest", "predict", "plan", "report", "laws"):
            assert command in text
            assert lawful(command, "--help", cwd=folder).returncode == 0

    def test_quiet_says_nothing_on_stderr(self, folder: Path) -> None:
        done = lawful("predict", "hoffmann2022_approach3", "--at", "params=7B,tokens=1T", "--quiet", cwd=folder)
        assert done.stderr == ""


BAD: dict[str, tuple[Callable[[RunTable], dict[str, object]] | None, list[str], str]] = {
    "missing file": (None, ["fit", "nope.csv"], "no such file"),
    "text in a number column": (lambda r: {"N": ["x", *r["params"][1:]], "D": r["tokens"], "loss": r["loss"]},
                                ["fit", "bad.csv"], "row 1: params must be a number, got 'x'"),
    "missing column": (lambda r: {"N": r["params"], "D": r["tokens"], "val_los": r["loss"]}, ["fit", "bad.csv"],
                       "the nearest is 'val_los'"),
    "negative": (lambda r: {"N": r["params"], "D": -r["tokens"], "loss": r["loss"]}, ["fit", "bad.csv"],
                 "row 1 (and 47 more rows): tokens must be a positive"),
    "zero": (lambda r: {"N": r["params"] * (np.arange(48) != 4), "D": r["tokens"], "loss": r["loss"]},
             ["fit", "bad.csv"], "row 5: params must be a positive, finite number, got 0"),
    "nan": (lambda r: {"N": r["params"], "D": r["tokens"], "loss": ["nan", *r["loss"][1:]]}, ["fit", "bad.csv"],
            "got nan"),
    "infinite": (lambda r: {"N": r["params"], "D": r["tokens"], "loss": ["inf", *r["loss"][1:]]},
                 ["fit", "bad.csv"], "got inf"),
    "few rows": (lambda r: {"N": r["params"][:4], "D": r["tokens"][:4], "loss": r["loss"][:4]},
                 ["fit", "bad.csv"], "5 coefficients to fit and the table 4 runs"),
    "one size": (lambda r: {"N": np.full(48, 1e8), "D": r["tokens"], "loss": r["loss"]}, ["fit", "bad.csv"],
                 "in every run"),
    "equal losses": (lambda r: {"N": r["params"], "D": r["tokens"], "loss": np.full(48, 3.0)}, ["fit", "bad.csv"],
                     "nothing to fit"),
    "unknown form": (None, ["fit", "runs.csv", "--form", "chincila"], "nearest: chinchilla"),
    "unknown law": (None, ["predict", "hofmann2022_approach3", "--at", "params=1e9,tokens=1e10"],
                    "nearest: hoffmann2022_approach"),
    "unknown device": (None, ["plan", "--law", "fit.json", "--days", "3", "--devices", "8", "--device", "h900"],
                       "unknown device 'h900'"),
    "unwritable output": (None, ["fit", "runs.csv", "-o", "no/such/folder/fit.json"], "there is no folder"),
    "missing quantity": (None, ["predict", "fit.json", "--at", "params=1e9"], "missing tokens"),
    "surplus quantity": (None, ["predict", "fit.json", "--at", "params=1e9,tokens=1e9,width=3"], "does not take width"),
    "two budgets": (None, ["plan", "--law", "fit.json", "--compute", "1e21", "--usd", "5", "--device", "h100"],
                    "two budgets"),
    "no budget": (None, ["plan", "--law", "fit.json"], "give a budget"),
    "unknown option": (None, ["fit", "runs.csv", "--forrm", "kaplan"], "--form"),
    "filter": (None, ["fit", "runs.csv", "--where", "__import__('os')"], "is not a comparison"),
    "not a fit": (None, ["predict", "runs.csv", "--at", "params=1e9,tokens=1e9"], "is not JSON"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_exit_code_2(case: str, folder: Path) -> None:
    make, arguments, expected = BAD[case]
    if make is not None:
        write(folder / "bad.csv", **make(simulate()))
    before = {p.name for p in folder.iterdir()}
    done = lawful(*arguments, cwd=folder)
    assert done.returncode == 2, done
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert {p.name for p in folder.iterdir()} == before


def test_no_honest_answer_is_exit_code_1(folder: Path) -> None:
    runs = simulate()
    write(folder / "short.csv", N=runs["params"][:8], D=runs["tokens"][:8], loss=runs["loss"][:8])
    done = lawful("backtest", "short.csv", cwd=folder)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    strict = lawful("predict", "fit.json", "--at", "params=1e12,tokens=1e13", "--strict", cwd=folder)
    assert strict.returncode == 1
    assert "beyond the runs" in strict.stderr
    assert "beyond that it is untested" in strict.stderr, "the limit beside the question"
    tested = lawful("predict", "fit.json", "--at", "params=7B,tokens=140B", "--strict", cwd=folder)
    assert tested.returncode == 0, "beyond the runs, and within what was tested"
    far = lawful("plan", "--law", "fit.json", "--compute", "1e26", "--strict", cwd=folder)
    assert far.returncode == 1
    assert "5.00 decades of compute beyond the runs" in far.stderr
    published = lawful("plan", "--law", "besiroglu2024_refit", "--compute", "1e25", "--strict", cwd=folder)
    assert published.returncode == 1
    assert "a published law: its reach is the span" in published.stderr


def test_a_failed_report_leaves_the_old_one(folder: Path) -> None:
    (folder / "old.html").write_text("the old report")
    write(folder / "bad2.csv", N=[1, 2], D=[1, 2], loss=[3, 2])
    assert lawful("report", "bad2.csv", "-o", "old.html", cwd=folder).returncode == 2
    assert (folder / "old.html").read_text() == "the old report"


def test_the_certified_optimum_from_the_command_line(tmp_path: Path) -> None:
    data = read(lawful("fit", shared("epoch-chinchilla/runs.csv"), "--form", "chinchilla", "--where", "outlier == 0",
                       "--json", "--bootstrap", "0", cwd=tmp_path))
    assert data["objective"]["value"] == pytest.approx(0.0010182740178, abs=1e-9)  # type: ignore[index]


def test_quickstart_answers_first_and_writes_the_report(tmp_path: Path) -> None:
    done = lawful("quickstart", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first = done.stdout.splitlines()[0]
    assert first.startswith("Train ")
    assert "90 %" in first
    assert "expect loss" in first
    assert "<html" in (tmp_path / "report.html").read_text()


def test_published_laws_answer_what_their_formula_says(folder: Path) -> None:
    data = read(lawful("predict", "besiroglu2024_refit", "--at", "params=70B,tokens=1.4T", "--json", cwd=folder))
    assert data["value"] == pytest.approx(1.8172 + 482.01 / 70e9**0.3478 + 2085.43 / 1.4e12**0.3658)
    assert TRUTH.form == "chinchilla"
