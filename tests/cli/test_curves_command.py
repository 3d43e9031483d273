"""``lawful curves`` as a user meets it: what is printed and saved, and one sentence where it cannot be answered."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lawful.cli import main
from lawful.fit import Fit

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "curves.csv"
FIT = "curves fit curves.csv --form annealed_loss --warmup 600 --bootstrap 20"


@pytest.fixture
def say(tmp_path, monkeypatch, capsys):
    """Runs a command in a folder with the example's curves: its exit code, stdout and stderr."""
    shutil.copy(EXAMPLE, tmp_path)
    monkeypatch.chdir(tmp_path)

    def run(command):
        code = 0
        try:
            main(command.split())
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_a_fit_is_saved_and_asked(say):
    code, out, err = say(f"{FIT} -o fit.json --json")
    assert code == 0, err
    fitted, saved = (Fit.from_dict(json.loads(text)) for text in (out, Path("fit.json").read_text()))
    assert fitted.law == saved.law
    assert fitted.law == Fit.from_dict(json.loads(Path("fit.json").read_text())).law
    assert fitted.objective["curves"] == fitted.objective["schedules"] == 3
    asked = "--schedule wsd:peak=3e-4,steps=12000,warmup=600"
    code, out, _ = say(f"curves predict fit.json {asked} --json --level 0.5")
    answer = json.loads(out)
    assert answer["level"] == 0.5
    assert answer["final"]["new_low"] < answer["final"]["low"] < answer["final"]["high"] < answer["final"]["new_high"]
    assert answer["schedule"]["steps"] == answer["steps"][-1] == 12_000
    code, out, _ = say(f"curves best fit.json {asked} --over decay=0.05:0.6 --json")
    choice = json.loads(out)
    assert choice["final"]["value"] == min(choice["finals"])
    assert choice["values"][0] == 0.05
    assert choice["values"][-1] == pytest.approx(0.6)


def test_a_schedule_may_be_a_table(say):
    law = "luo2025_multi_power_law:400M"
    _, from_table, err = say(f"curves predict {law} --schedule curves.csv --where run=='drop' --warmup 600 --json")
    assert "no_interval" in err
    text = "two_stage:peak=3e-4,steps=12000,second=9e-5,at=6000,warmup=600"
    _, from_text, _ = say(f"curves predict {law} --schedule {text} --json")
    assert json.loads(from_table)["final"]["value"] == pytest.approx(json.loads(from_text)["final"]["value"], rel=1e-9)


@pytest.mark.parametrize(("command", "sentence"), [
    ("curves fit curves.csv --by rum", "no column is called 'rum'"),
    ("curves fit curves.csv --form chinchilla", "chinchilla takes no schedule"),
    ("curves fit curves.csv --where run=='constant'", "no learning rate falls by a tenth"),
    ("curves fit curves.csv --fix gamma", "'gamma' is not NAME=VALUE"),
    ("curves predict luo2025_multi_power_law:25M --schedule wdd:peak=1", "unknown schedule 'wdd'; nearest: wsd"),
    ("curves predict luo2025_multi_power_law:25M --schedule none.csv", "none.csv: no such file"),
    ("curves predict luo2025_multi_power_law:25M --schedule curves.csv", "3 runs (constant, cosine, drop)"),
    ("curves predict hoffmann2022_approach3 --schedule constant:peak=1e-3,steps=9", "takes no schedule"),
    ("curves best luo2025_multi_power_law:25M --schedule wsd:peak=1e-3,steps=99 --over decay=0.2", "NAME=LOW:HIGH"),
])
def test_what_cannot_be_answered_is_one_sentence(say, command, sentence):
    code, out, err = say(command)
    assert code == 2
    assert not out
    assert sentence in err
    assert err.count("\n") == 1
