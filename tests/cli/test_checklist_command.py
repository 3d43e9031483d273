"""The card and the caveats of a question as a user meets them on the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lawful.cli import main

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("runs.csv", "plateau.csv"):
        shutil.copy(EXAMPLES / name, tmp_path)
    return tmp_path


def say(command: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of one command."""
    code = 0
    try:
        main(command.split())
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def test_the_card_is_printed_written_and_data(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed, _ = say("diagnose runs.csv --checklist --bootstrap 20 -o card.md", capsys)
    assert code == 0
    assert printed == (here / "card.md").read_text()
    assert printed.startswith("# Reproducibility card\n")
    code, out, err = say("diagnose runs.csv --checklist --bootstrap 20 --json --quiet -o card.json", capsys)
    assert (code, err) == (0, "")
    data = json.loads(out)
    assert data == json.loads((here / "card.json").read_text())
    assert data["schema"] == "lawful.checklist/1"
    assert all(item["question"] in printed for group in data["groups"] for item in group["items"])


def test_the_card_tells_the_filter_and_why_there_is_no_back_test(here: Path,
                                                                 capsys: pytest.CaptureFixture[str]) -> None:
    lines = (here / "runs.csv").read_text().splitlines()
    (here / "few.csv").write_text("\n".join([lines[0], *lines[1::8]]) + "\n")
    code, out, _ = say("diagnose few.csv --checklist --bootstrap 20 --where tokens>0", capsys)
    assert code == 0
    assert "kept where `tokens>0`" in out
    assert "**not recorded**: add larger runs (few.csv: no back-test is possible" in out


def test_the_card_of_a_curve_of_one_quantity(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = say("diagnose plateau.csv --checklist --bootstrap 20 --form m4:examples", capsys)
    assert code == 0, err
    assert "law `m4`" in out


@pytest.mark.parametrize("command", [
    "diagnose runs.csv --checklist -o nowhere/card.md", "diagnose none.csv --checklist",
    "diagnose runs.csv --checklist yes", "diagnose runs.csv --checklist --form nonsense"])
def test_bad_input_is_one_sentence(command: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = say(command, capsys)
    assert (code, out) == (2, "")
    assert err.startswith("lawful: ")
    assert err.count("\n") == 1
    assert not (here / "nowhere").exists()


def test_predict_and_plan_say_what_bears_on_the_question(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = (here / "runs.csv").read_text().splitlines()
    text = [f"{rows[0]},unique_tokens", *(f"{row},{min(float(row.split(',')[2]), 1e10):g}" for row in rows[1:])]
    (here / "repeated.csv").write_text("\n".join(text) + "\n")
    code, out, err = say("plan repeated.csv --compute 1e22 --bootstrap 20 --json", capsys)
    assert code == 0
    assert "repeated_data" in [w["code"] for w in json.loads(out)["warnings"]]
    assert "warning [repeated_data]" in err
    assert "repeated_data" not in say("plan runs.csv --compute 1e22 --bootstrap 20", capsys)[2]
    small = [rows[0], *(",".join([r.split(",")[0], f"{float(r.split(',')[1]) / 1e3:g}", *r.split(",")[2:]])
                        for r in rows[1:])]
    (here / "small.csv").write_text("\n".join(small) + "\n")
    assert say("fit small.csv --bootstrap 20 -o small.json --quiet", capsys)[0] == 0
    code, out, _ = say("predict small.json --at params=7B,tokens=1T --json", capsys)
    assert "small_models" in [w["code"] for w in json.loads(out)["warnings"]]
