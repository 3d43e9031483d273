"""``lawful plan`` under constraints, as a user would ask, the wrong ways too."""

from __future__ import annotations

import json

import pytest

from conftest import simulate
from lawful.cli import main

LAW = ("--law", "besiroglu2024_refit")


def run(capsys, *arguments):
    """The exit code, what was printed, and what was said on stderr."""
    try:
        main(["plan", *arguments])
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def test_a_decision_is_a_plan_with_what_binds_and_what_it_is_worth(capsys):
    code, out, _ = run(capsys, *LAW, "--usd", "50k", "--device", "h100", "--max-memory", "2e9", "--serve-tokens", "1T",
                       "--json")
    assert code == 0
    made = json.loads(out)
    assert made["schema"] == "lawful.plan/1"
    assert made["binding"] == ["usd <= 50000", "memory_bytes <= 2e+09"]
    assert made["decision"]["params"] == pytest.approx(1e9, rel=1e-6)
    assert made["cost"]["usd"] == pytest.approx(50e3, rel=1e-6)
    assert 0 < made["cost"]["serve_usd"] < 50e3
    assert set(made["prices"]) == set(made["binding"])


def test_several_goals_give_a_frontier(capsys):
    code, out, _ = run(capsys, *LAW, "--compute", "1e22", "--subject", "tokens_per_param<=500",
                       "--minimise", "loss,memory_bytes", "--json")
    assert code == 0
    front = json.loads(out)
    assert front["schema"] == "lawful.frontier/1"
    losses = [p["metrics"]["loss"] for p in front["plans"]]
    assert losses == sorted(losses)
    assert len(losses) > 5


def test_plans_that_a_fit_does_not_tell_apart_are_marked(capsys, tmp_path):
    runs = tmp_path / "runs.csv"
    table = simulate(noise=0.02)
    rows = [f"{p!r},{d!r},{y!r}" for p, d, y in zip(*(map(float, table[n]) for n in ("params", "tokens", "loss")),
                                                    strict=True)]
    runs.write_text("\n".join(["params,tokens,loss", *rows]), encoding="utf-8")
    asked = (str(runs), "--bootstrap", "200", "--compute", "1e21", "--vary", "params=1B:4B", "--minimise",
             "loss,params")
    code, out, _ = run(capsys, *asked)
    assert code == 0
    head, _, first, *_ = out.splitlines()
    assert head.split() == ["plan", "loss", "90", "%", "params", "tokens", "not", "told", "from"]
    assert " to " in first
    assert first.split()[-1].startswith("2")
    assert "the draws of the fit disagree on which is better" in out
    code, out, _ = run(capsys, *asked, "--json")
    front = json.loads(out)
    assert len(front["ties"]) == len(front["plans"])
    assert 1 in front["ties"][0]


def test_unique_tokens_are_repeated_where_that_pays(capsys):
    code, out, _ = run(capsys, "--law", "muennighoff2023_data_constrained", "--compute", "9.3e21", "--unique-tokens",
                       "25B", "--vary", "epochs=1:100", "--json")
    assert code == 0
    assert json.loads(out)["decision"]["epochs"] == pytest.approx(9.1, abs=0.2)


@pytest.mark.parametrize(("arguments", "code", "says"), [
    (["--vary", "params=1e9:1e8"], 2, "runs from low to high"),
    (["--compute", "1e22", "--vary", "paramms=1e9"], 2, "unknown quantity 'paramms'"),
    (["--compute", "1e22", "--subject", "lossy<=2"], 2, "unknown metric 'lossy'"),
    (["--compute", "1e22", "--subject", "usd<=2"], 2, "it needs a device"),
    (["--compute", "1e22", "--subject", "loss=2"], 2, "write METRIC<=BOUND"),
    (["--compute", "1e22", "--serve-tokens", "0"], 2, "--serve-tokens: must be positive"),
    (["--compute", "1e22", "--max-memory", "lots"], 2, "the bound of memory_bytes"),
    (["--compute", "1e22", "--minimise", "loss,speed"], 2, "unknown metric 'speed'"),
    (["--compute", "1e20", "--subject", "loss<=1.9"], 1, "the nearest that could be kept is"),
    ([], 2, "give a budget"),
])
def test_what_cannot_be_asked_is_one_sentence(capsys, arguments, code, says):
    found, out, err = run(capsys, *LAW, *arguments)
    assert found == code
    assert out == ""
    assert says in err
    assert err.count("\n") == 1


def test_a_law_that_takes_more_than_size_and_data_says_what_is_missing(capsys):
    code, _, err = run(capsys, "--law", "muennighoff2023_data_constrained", "--compute", "1e22")
    assert code == 2
    assert "nothing says unique_tokens" in err


def test_a_metric_that_needs_more_says_what(capsys):
    code, _, err = run(capsys, "--law", "kaplan2020_l_n", "--compute", "1e21", "--serve-tokens", "1T")
    assert code == 2
    assert "train_flop" in err
    assert "it needs params and tokens" in err


def test_a_frontier_warns_and_is_refused_where_strict(capsys):
    asked = (*LAW, "--usd", "1B", "--device", "h100", "--minimise", "loss,usd")
    code, out, err = run(capsys, *asked)
    assert code == 0
    assert "warning [far_extrapolation]" in err
    code, out, err = run(capsys, *asked, "--strict")
    assert (code, out) == (1, "")
    assert err.startswith("lawful: --strict: ")
