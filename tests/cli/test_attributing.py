"""``lawful sensitivity`` and ``lawful attribute``, as a user would ask, the wrong ways too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lawful.cli import main
from lawful.laws import law

LAW = "besiroglu2024_refit"


def run(capsys, *arguments):
    """The exit code, what was printed, and what was said on stderr."""
    try:
        main(list(arguments))
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def plans(capsys, tmp_path):
    """Two plans under a published law, ten times the compute apart."""
    files = []
    for compute in ("1e22", "1e23"):
        files.append(str(tmp_path / f"{compute}.json"))
        assert run(capsys, "plan", "--law", LAW, "--compute", compute, "-o", files[-1])[0] == 0
    return files


def test_the_outcome_moves_with_every_quantity_and_coefficient(capsys):
    code, out, _ = run(capsys, "sensitivity", LAW, "--at", "params=7B,tokens=1T", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["schema"] == "lawful.elasticities/1"
    assert set(found["quantities"]) == {"params", "tokens"}
    c = law(LAW).law
    assert found["coefficients"]["E"]["value"] == pytest.approx(c.E / c(params=7e9, tokens=1e12), rel=1e-12)
    assert found["coefficients"]["E"]["low"] is None


def test_a_change_between_points_is_split(capsys):
    code, out, _ = run(capsys, "attribute", "--law", LAW, "--from", "params=1B,tokens=20B", "--to",
                       "params=7B,tokens=1T", "--to-law", "hoffmann2022_approach3", "--group", "run=params+tokens",
                       "--method", "path", "--coefficients", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["schema"] == "lawful.attribution/1"
    assert set(found["parts"]) == {"run", "E", "A", "alpha", "B", "beta"}
    assert sum(p["value"] for p in found["parts"].values()) == pytest.approx(found["change"], abs=1e-10)


def test_plans_say_their_own_law_and_quantities(capsys, plans):
    code, out, _ = run(capsys, "attribute", "--from", plans[0], "--to", plans[1], "--json")
    assert code == 0
    found = json.loads(out)
    ends = [json.loads(Path(file).read_text(encoding="utf-8"))["forecast"]["value"] for file in plans]
    assert found["change"] == pytest.approx(ends[1] - ends[0], abs=1e-12)
    assert set(found["parts"]) == {"params", "tokens"}
    code, out, _ = run(capsys, "attribute", "--from", plans[0], "--to", "params=1B,tokens=1T")
    assert code == 0
    assert "change" in out


def test_any_metric_of_two_plans_is_split(capsys, tmp_path):
    files = []
    for compute, served in (("1e22", "100B"), ("4e22", "2T")):
        files.append(str(tmp_path / f"{compute}.json"))
        assert run(capsys, "plan", "--law", LAW, "--compute", compute, "--device", "h100", "--serve-tokens", served,
                   "-o", files[-1])[0] == 0
    code, out, _ = run(capsys, "attribute", "--from", files[0], "--to", files[1], "--metric", "usd", "--json")
    assert code == 0
    found = json.loads(out)
    assert set(found["parts"]) == {"params", "tokens", "rates"}
    ends = [json.loads(Path(file).read_text(encoding="utf-8"))["metrics"]["usd"] for file in files]
    assert found["change"] == pytest.approx(ends[1] - ends[0], rel=1e-6)
    assert sum(p["value"] for p in found["parts"].values()) == pytest.approx(found["change"], rel=1e-9)
    for wrong, says in ((["--to", "params=1B,tokens=1B"], "is one of two plans"),
                        (["--to", files[1], "--method", "path"], "leave out --method")):
        code, _, err = run(capsys, "attribute", "--from", files[0], *wrong, "--metric", "usd")
        assert code == 2
        assert says in err


def test_a_plan_says_what_it_is_sensitive_to_when_asked(capsys):
    code, out, _ = run(capsys, "plan", "--law", LAW, "--compute", "1e22", "--sensitivity", "--quiet")
    assert code == 0
    assert "One per cent more, and the decision made again, moves by per cent" in out
    code, out, _ = run(capsys, "plan", "--law", LAW, "--compute", "1e22", "--sensitivity", "--json")
    assert set(json.loads(out)["sensitivity"]["bounds"]["train_flop <= 1e+22"]) == {"loss", "params", "tokens"}


@pytest.mark.parametrize(("arguments", "says"), [
    (["--from", "params=1B,tokens=20B", "--to", "params=7B,tokens=1T"], "give a law"),
    (["--law", LAW, "--from", "params=1B", "--to", "params=7B,tokens=1T"], "missing tokens"),
    (["--law", LAW, "--from", "params=1B,tokens=1B", "--to", "params=2B,tokens=1B", "--group", "data"],
     "write --group NAME=FACTOR"),
    (["--law", LAW, "--from", "params=1B,tokens=1B", "--to", "params=2B,tokens=1B", "--method", "both"],
     "unknown method 'both'"),
    (["--law", LAW, "--from", "params=1B,tokens=1B", "--to", "params=1B,tokens=1B"], "nothing changes"),
    (["--law", LAW, "--from", "nothing.json", "--to", "params=1B,tokens=1B"], "nothing.json"),
])
def test_what_cannot_be_split_is_said_in_one_sentence(capsys, arguments, says):
    code, out, err = run(capsys, "attribute", *arguments)
    assert code in (1, 2)
    assert says in err
    assert out == ""


def test_a_document_that_is_no_plan_is_named(capsys, tmp_path):
    file = tmp_path / "forecast.json"
    assert run(capsys, "predict", LAW, "--at", "params=1B,tokens=1B", "-o", str(file))[0] == 0
    code, _, err = run(capsys, "attribute", "--from", str(file), "--to", "params=1B,tokens=1B")
    assert code == 2
    assert "is no plan" in err


def test_slices_say_whether_they_differ(capsys):
    runs = str(Path(__file__).parents[2] / "docs" / "examples" / "recipes.csv")
    code, out, _ = run(capsys, "slices", runs, "--by", "recipe", "--bootstrap", "20", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["schema"] == "lawful.slices/1"
    assert [s["label"] for s in found["slices"]] == sorted({s["label"] for s in found["slices"]})
    assert set(found["p_values"]) == {"all", "E", "A, alpha", "B, beta"}
    code, _, err = run(capsys, "slices", runs, "--by", "colour")
    assert code == 2
    assert "no column" in err
    code, _, err = run(capsys, "slices", runs, "--by", "recipe", "--weights", "params")
    assert code == 2
    assert "--weights is not known to slices" in err
