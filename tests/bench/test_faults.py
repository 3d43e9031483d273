"""The study of planted faults counts what it says it counts."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from lawful.bench.faults import clean_alarm, codes_of, fault_score, fault_study
from lawful.bench.planted_runs import FAULTS
from lawful.errors import InputError, UnknownName


def test_a_score_counts_first_and_anywhere() -> None:
    score = fault_score("swapped columns", variants=2)
    assert (score.variants, score.right_first, score.right_anywhere, dict(score.instead)) == (2, 2, 2, {})


def test_codes_are_those_of_the_diagnosis_in_its_order() -> None:
    codes = codes_of(FAULTS["unit slip"].variant(0))
    assert codes[0] == "units"


def test_a_clean_table_says_nothing() -> None:
    assert clean_alarm(0) == []


def test_a_study_adds_up_and_prints() -> None:
    study = fault_study(["swapped columns", "duplicates"], variants=1, clean=2, seed=3)
    data = study.to_dict()
    assert data["schema"] == "lawful.faults/1"
    assert study.right_first == 1.0
    assert study.silent + sum(study.alarms.values()) == 2
    assert "| swapped columns | 1 of 1 | 1 |" in study.markdown()


def test_an_unknown_fault_and_a_negative_number_are_refused() -> None:
    with pytest.raises(UnknownName, match="swapped columns"):
        fault_study(["swaped columns"])
    with pytest.raises(InputError, match="0 or more"):
        fault_study(variants=-1)


def test_the_command_lists_and_runs() -> None:
    def lawful(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "lawful", "bench", "faults", *words], capture_output=True,
                              text=True, timeout=300, check=False)

    listed = lawful("--list", "--json")
    assert {row["name"] for row in json.loads(listed.stdout)["faults"]} == set(FAULTS)
    done = lawful("--faults", "swapped columns", "--variants", "1", "--clean", "0", "--json")
    assert json.loads(done.stdout)["faults"][0]["right_first"] == 1
    wrong = lawful("--faults", "nothing")
    assert wrong.returncode == 2
    assert "fault" in wrong.stderr
    assert "Traceback" not in wrong.stderr
