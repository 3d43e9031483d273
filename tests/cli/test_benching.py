"""``lawful bench``: the wrong ways in, and what comes out."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from lawful.cli import main

DATA = Path(__file__).parents[2] / "docs" / "examples" / "data"


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = 0
    try:
        main(["bench", *words])
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(DATA, tmp_path / "data"))


@pytest.mark.parametrize(("words", "message"), [
    (("--data", "nowhere"), "no folder of data at nowhere: give --data FOLDER"),
    (("--tasks", "made"), "unknown task 'made'; nearest: made-up"),
    (("--tasks", "epoch-chinchilla"), "data has no folder 'epoch-chinchilla'"),
    (("--methods", "m22"), "unknown method 'm22'"),
    (("--methods", "chinchilla"), "method chinchilla goes with none of the tasks made-up"),
    (("--methods", "m1", "--workers", "0"), "--workers must be 1 or more, got 0"),
    (("--methods", "m1", "-o", "data/made-up/curves.csv"), "cannot write data/made-up/curves.csv"),
])
def test_what_cannot_be_asked_is_one_sentence(data: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...],
                                              message: str) -> None:
    where = () if "--data" in words else ("--data", str(data.relative_to(Path.cwd())))
    code, out, err = said(capsys, "forecast", *where, *words)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_a_task_file_with_a_slip_is_named(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = data / "made-up" / "made-up.toml"
    file.write_text(file.read_text().replace("error_rate", "eror_rate"))
    code, _, err = said(capsys, "forecast", "--data", "data")
    assert code == 2
    assert "task made-up: --map error=eror_rate: no column 'eror_rate'; found model, images_seen, error_rate" in err


def test_a_run_leaves_table_report_and_figure(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, "forecast", "--data", "data", "--workers", "1", "--json", "--methods", "m1,m2,bnsl1")
    assert code == 0
    assert "fits 12" in err
    done = json.loads(out)
    assert done["schema"] == "lawful.bench_forecast/1"
    assert {row["method"] for row in done["tasks"][0]["methods"]} == {"m1", "m2", "bnsl1"}
    with (Path("lawful-bench") / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert {row["date"] for row in rows} == {done["date"]}
    assert {row["series"] for row in rows} == {f"{name} @0.5" for name in ("tiny", "small", "base", "large")}
    report = (Path("lawful-bench") / "report.md").read_text()
    assert report.startswith(f"# Forecasts of larger runs, {done['date']}")
    figure = Path("lawful-bench") / "figure.svg"
    assert not figure.exists() or "made-up" in figure.read_text()


def test_auto_is_held_against_every_other(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = data / "made-up" / "made-up.toml"
    file.write_text(file.read_text().replace('"m1", "m2", "m4"', '"auto", "m1"').replace(
        'series = "model"', "series = 'model'\nwhere = \"model == 'tiny'\""))
    code, out, _ = said(capsys, "forecast", "--data", "data", "--workers", "1", "--quiet")
    assert code == 0
    assert "auto is ahead of" in out or "auto is not ahead of" in out
    report = (Path("lawful-bench") / "report.md").read_text()
    assert "## `auto` beside every other method" in report
    assert "## What intervals held, by horizon" in report
    assert "| `auto` | to 0.5 | 1 |" in report


def test_the_list_runs_nothing(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "forecast", "--data", "data", "--list", "--json")
    assert code == 0
    (task,) = json.loads(out)["tasks"]
    assert (task["task"], task["series"]) == ("made-up", 4)
    assert not Path("lawful-bench").exists()


def test_speed_on_a_table_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    runs = DATA.parent / "runs.csv"
    code, out, err = said(capsys, "speed", str(runs), "--starts", "5", "--repeats", "1", "--quiet")
    assert (code, err) == (0, "")
    assert "recipe: 4500 starts of L-BFGS-B" in out
    assert said(capsys, "speed", str(runs), "--starts", "1")[0] == 2
