"""``lawful fit --form auto`` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import simulate
from lawful.cli import main
from lawful.fit import Fit

AUTO = ["fit", "runs.csv", "--form", "auto", "--candidates", "chinchilla,kaplan"]


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = simulate()
    rows = zip(table["params"], table["tokens"], table["loss"], strict=True)
    (tmp_path / "runs.csv").write_text("\n".join(["N,D,loss", *(",".join(map(str, row)) for row in rows)]) + "\n")
    monkeypatch.chdir(tmp_path)


def lawful(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    return int(stop.value.code or 0)


def test_json_is_the_fit_of_the_chosen_form_with_the_selection_beside_it(capsys):
    assert lawful(*AUTO, "--bootstrap", "20", "--json", "--stack", "params=70B,tokens=1.4T") == 0
    data = json.loads(capsys.readouterr().out)
    assert Fit.from_dict(data).law.form == data["form"] == data["selection"]["form"] == "chinchilla"
    assert data["selection"]["schema"] == "lawful.selection/1"
    assert [row["form"] for row in data["selection"]["rows"]] == ["chinchilla", "kaplan"]
    assert data["stacked"]["low"] < data["stacked"]["value"] < data["stacked"]["high"]


def test_the_text_has_the_comparison_the_verdict_and_the_fit(capsys):
    assert lawful(*AUTO, "--bootstrap", "0") == 0
    said = capsys.readouterr().out
    assert said.index("to the chosen") < said.index("these runs tell it from kaplan") < said.index("loss = E + A")


@pytest.mark.parametrize(("arguments", "message"), [
    (["fit", "runs.csv", "--candidates", "kaplan"], "--candidates goes with --form auto"),
    (["fit", "runs.csv", "--form", "kaplan", "--stack", "params=1B"], "--stack goes with --form auto"),
    (["fit", "runs.csv", "--form", "auto", "--candidates", "chinchila"], "unknown form 'chinchila'"),
    (["fit", "runs.csv", "--form", "auto:nothing"], "unknown quantity 'nothing'"),
    (["fit", "runs.csv", "--form", "auto", "--formula", "E + A*params**-a"], "two laws"),
    ([*AUTO, "--bootstrap", "0", "--stack", "params=70B"], "missing tokens"),
    ([*AUTO, "--target", "accuracy"], "no column for accuracy"),
])
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, message, capsys):
    assert lawful(*arguments) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert told.out == ""
