"""``predict --register`` and ``score``, as a user meets them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from test_commands import lawful, read, write

from conftest import TRUTH, simulate
from lawful.cli import main

QUESTIONS = ("params=1B,tokens=20B", "params=2B,tokens=40B", "params=4B,tokens=80B")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fit, three registered forecasts, and the runs that answer two of them."""
    folder = tmp_path_factory.mktemp("ledger")
    runs = simulate()
    write(folder / "runs.csv", N=runs["params"], D=runs["tokens"], loss=runs["loss"])
    assert lawful("fit", "runs.csv", "-o", "fit.json", "--bootstrap", "100", cwd=folder).returncode == 0
    for question in QUESTIONS:
        done = lawful("predict", "fit.json", "--at", question, "--register", "ledger.jsonl", "--note", "a, b",
                      cwd=folder)
        assert done.returncode == 0, done.stderr
        assert "of ledger.jsonl; head " in done.stderr
    sizes = [1e9, 2e9, 9e9]
    write(folder / "new.csv", params=sizes, tokens=[20 * n for n in sizes],
          loss=[TRUTH(params=n, tokens=20 * n) * factor for n, factor in zip(sizes, (1.0, 1.2, 1.0), strict=True)])
    return folder


def test_a_forecast_says_where_it_was_registered(folder: Path, tmp_path: Path) -> None:
    asked = ("predict", str(folder / "fit.json"), "--at", QUESTIONS[0], "--json")
    data = read(lawful(*asked, "--register", "ledger.jsonl", cwd=tmp_path))
    line = json.loads((tmp_path / "ledger.jsonl").read_text())
    registered = data.pop("registered")
    assert registered == {"ledger": "ledger.jsonl", "entries": [1], "time": line["time"], "head": line["hash"]}
    assert data == read(lawful(*asked, cwd=tmp_path))
    assert line["forecast"] == {k: v for k, v in data.items() if k != "schema"}


def test_the_rows_of_a_table_are_registered_together(folder: Path, tmp_path: Path) -> None:
    data = read(lawful("predict", str(folder / "fit.json"), "--table", str(folder / "new.csv"), "--json", "--register",
                       "ledger.jsonl", cwd=tmp_path))
    assert data["registered"]["entries"] == [1, 2, 3]  # type: ignore[index]
    assert read(lawful("score", "ledger.jsonl", "--check", "--json", cwd=tmp_path))["entries"] == 3


def test_what_has_come_in_is_scored(folder: Path) -> None:
    card = read(lawful("score", "ledger.jsonl", "new.csv", "--json", "-o", "card.json", cwd=folder))
    outcomes = card["outcomes"]
    assert [o["status"] for o in outcomes] == ["hit", "miss", "pending"]  # type: ignore[attr-defined]
    assert outcomes[1]["error"] == pytest.approx(0.182, abs=0.01)  # type: ignore[index]
    assert card["summary"]["scored"] == 2  # type: ignore[index]
    assert json.loads((folder / "card.json").read_text()) == card
    text = lawful("score", "ledger.jsonl", "new.csv", cwd=folder)
    assert "entry 3 is pending: nearest is row 2, params 50 % off" in text.stdout
    assert "90 % intervals held 1 of 2; true ones hold 1 to 2: in keeping" in text.stdout
    assert "warning [shared_outcomes]" in text.stderr


def test_runs_come_from_standard_input_as_well(folder: Path) -> None:
    piped = read(lawful("score", "ledger.jsonl", "-", "--json", cwd=folder, stdin=(folder / "new.csv").read_text()))
    assert [o["status"] for o in piped["outcomes"]] == ["hit", "miss", "pending"]  # type: ignore[attr-defined]


def test_without_runs_the_ledger_is_listed(folder: Path) -> None:
    shown = lawful("score", "ledger.jsonl", cwd=folder).stdout
    assert shown.count("fit.json") == shown.count("a, b") == 3


def test_one_outcome_by_hand(folder: Path) -> None:
    card = read(lawful("score", "ledger.jsonl", "--entry", "2", "--observed", "loss=2.3", "--json", cwd=folder))
    assert [(o["number"], o["observed"]) for o in card["outcomes"]] == [(2, 2.3)]  # type: ignore[attr-defined]


def test_an_edited_ledger_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    lines = (folder / "ledger.jsonl").read_text().splitlines(keepends=True)
    head = json.loads(lines[-1])["hash"]
    (tmp_path / "ledger.jsonl").write_text("".join([lines[0], lines[1].replace('"value":2', '"value":1'), lines[2]]))
    message = "lawful: ledger.jsonl: line 2 was changed: its content does not match its hash\n"
    for rest in (("score", "ledger.jsonl", str(folder / "new.csv")),
                 ("predict", str(folder / "fit.json"), "--at", QUESTIONS[0], "--register", "ledger.jsonl")):
        done = lawful(*rest, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", message)
    checked = lawful("score", "ledger.jsonl", "--check", "--json", cwd=tmp_path)
    assert (checked.returncode, checked.stderr) == (2, message)
    assert [b["line"] for b in json.loads(checked.stdout)["breaks"]] == [2]
    (tmp_path / "ledger.jsonl").write_text("".join(lines[:2]))
    assert lawful("score", "ledger.jsonl", "--check", cwd=tmp_path).returncode == 0
    cut = lawful("score", "ledger.jsonl", "--check", "--head", head, cwd=tmp_path)
    assert cut.returncode == 2
    assert "entries were removed after it was published" in cut.stderr
    (tmp_path / "ledger.jsonl").write_text("".join(lines)[:-40])
    assert "line 3 is cut short" in lawful("score", "ledger.jsonl", cwd=tmp_path).stderr


def test_a_refused_question_is_not_registered(folder: Path, tmp_path: Path) -> None:
    done = lawful("predict", str(folder / "fit.json"), "--at", "params=1T,tokens=20T", "--strict", "--register",
                  "ledger.jsonl", cwd=tmp_path)
    assert done.returncode == 1
    assert not (tmp_path / "ledger.jsonl").exists()


@pytest.mark.parametrize(("command", "message"), [
    ("score nothing.jsonl", "nothing.jsonl: cannot be read (No such file or directory); a ledger comes from"),
    ("score new.csv", "new.csv: is no ledger: line 1 holds no registered forecast"),
    ("score ledger.jsonl --entry 2", "one outcome is given as --entry 3 --observed loss=2.41"),
    ("score ledger.jsonl new.csv --entry 2 --observed loss=2", "without a table of runs"),
    ("score ledger.jsonl --entry 2 --observed loss=2,error=1", "--observed loss=2,error=1: give one outcome"),
    ("score ledger.jsonl --entry 2 --observed loss=low", "--observed loss: 'low' is not a number"),
    ("score ledger.jsonl --tolerance 0.1", "--tolerance is for a table of runs: lawful score ledger.jsonl RUNS"),
    ("score ledger.jsonl new.csv --check", "--check looks at the ledger alone"),
    ("score ledger.jsonl new.csv --date day", "no column is called 'day'"),
    ("score ledger.jsonl --head 12", "give the 8 to 64 hexadecimal digits"),
    ("predict fit.json --at params=1B,tokens=1B --note x", "--note belongs to --register"),
    ("predict fit.json --at params=1B,tokens=1B --register fit.json", "fit.json: is no ledger"),
    ("predict fit.json --at params=1B,tokens=1B --register .", "it is a folder; give a file name"),
    ("predict fit.json --at params=1B,tokens=1B --register ledger.jsonl -o ledger.jsonl", "would overwrite the ledger"),
])
def test_bad_input_is_one_sentence(folder: Path, command: str, message: str, tmp_path: Path,
                                   monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("ledger.jsonl", "fit.json", "new.csv"):
        shutil.copy(folder / name, tmp_path)
    before = (tmp_path / "ledger.jsonl").read_bytes()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(command.split())
    said = capsys.readouterr()
    assert (stop.value.code, said.err.count("\n"), said.out) == (2, 1, "")
    assert message in said.err
    assert (tmp_path / "ledger.jsonl").read_bytes() == before
