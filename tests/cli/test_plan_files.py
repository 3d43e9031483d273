"""``lawful plan -o``, ``plan diff``, ``plan check`` and policies, as a user meets them."""

from __future__ import annotations

import json

import pytest

from conftest import simulate
from lawful.cli import main
from lawful.cli.options import Fitting, Spending, as_given, as_tokens
from lawful.fit import fit
from lawful.store import to_json

LAW = ("--law", "besiroglu2024_refit")
SPEND = ("--usd", "50k", "--device", "h100")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys):
    def call(*arguments):
        """The exit code, what was printed, and what was said on stderr."""
        try:
            main(["plan", *arguments])
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out, err
    return call


def edit(path, change):
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def test_a_written_plan_is_what_was_printed_and_checks(run, folder):
    _, out, _ = run(*LAW, *SPEND, "--json", "-o", "plan.json")
    assert json.loads(out) == json.loads((folder / "plan.json").read_text())
    code, out, err = run("check", "plan.json")
    assert (code, err) == (0, "")
    assert "as it was written" in out
    assert "made again: it comes out the same" in out


def test_every_kind_of_plan_comes_out_again(run, folder):
    simulate_csv(folder)
    for options in (
        ("runs.csv", "--compute", "1e22", "--bootstrap", "50", "--where", "params > 0"),
        (*LAW, *SPEND, "--serve-tokens", "1T", "--vary", "params=1e8:1e12", "--subject", "loss<=2.3"),
        (*LAW, "--compute", "1e22", "--subject", "tokens_per_param<=100", "--minimise", "loss,memory_bytes"),
        ("--law", "hoffmann2022_approach1", "--compute", "1e22"),
        (*LAW, "--compute", "64xH100*10d"),
    ):
        code, _, err = run(*options, "-o", "plan.json", "--quiet")
        assert code == 0, err
        code, out, err = run("check", "plan.json")
        assert code == 0, err
        assert "comes out the same" in out


def simulate_csv(folder):
    runs = simulate()
    lines = ["params,tokens,loss", *(f"{n},{d},{y}" for n, d, y in zip(runs["params"], runs["tokens"], runs["loss"],
                                                                      strict=True))]
    (folder / "runs.csv").write_text("\n".join(lines) + "\n")


def test_a_changed_plan_is_named(run, folder):
    run(*LAW, *SPEND, "-o", "plan.json", "--quiet")
    edit(folder / "plan.json", lambda d: d["decision"].update(params=7e9))
    code, out, err = run("check", "plan.json")
    assert (code, out) == (2, "")
    assert "plan.json: was changed after it was written" in err
    code, out, err = run("diff", "plan.json", "plan.json")
    assert code == 0
    assert "warning [changed_file]: plan.json was changed" in err


def test_a_plan_whose_runs_have_changed_does_not_come_out_again(run, folder):
    simulate_csv(folder)
    run("runs.csv", "--compute", "1e22", "--bootstrap", "20", "-o", "plan.json", "--quiet")
    lines = (folder / "runs.csv").read_text().splitlines()
    (folder / "runs.csv").write_text("\n".join(lines[:-8]) + "\n")
    code, out, err = run("check", "plan.json")
    assert code == 1
    assert "made again: it comes out otherwise" in out
    assert "plan.json does not come out again: now against plan.json: params" in err
    assert "not the same fit" in err
    assert run("check", "plan.json", "--as-written")[0] == 0


def test_the_difference_in_three_forms(run):
    run(*LAW, *SPEND, "-o", "a.json", "--quiet")
    run(*LAW, "--usd", "40k", "--device", "h100", "-o", "b.json", "--quiet")
    code, text, _ = run("diff", "a.json", "b.json")
    assert code == 0
    assert text.startswith("b.json against a.json: params -")
    _, out, _ = run("diff", "a.json", "b.json", "--json")
    data = json.loads(out)
    assert data["schema"] == "lawful.plan_diff/1"
    usd = next(c for c in data["changes"] if c["name"] == "usd")
    assert (usd["a"]["value"], usd["difference"]) == (pytest.approx(50e3), pytest.approx(-10e3))
    _, marked, _ = run("diff", "a.json", "b.json", "--markdown")
    assert "| usd [US dollars] | 50,000 | 40,000 | -20 % | – |" in marked


def test_a_plan_as_markdown_holds_its_figures_and_what_it_rests_on(run):
    code, out, _ = run(*LAW, *SPEND, "--markdown", "--max-cost", "60k", "--quiet")
    assert code == 0
    assert "| usd [US dollars] | 50,000 | – |" in out
    assert "- kept: usd 50,000 is within max_cost 60,000 (US dollars)" in out
    assert "- Compute is 6 x params x tokens" in out
    front = run(*LAW, "--compute", "1e22", "--subject", "tokens_per_param<=100", "--minimise", "loss,memory_bytes",
                "--markdown")[1]
    assert front.splitlines()[2] == "| plan | loss | memory_bytes | params | tokens |"


def test_a_policy_judges_and_the_plan_is_still_written(run, folder):
    code, out, err = run(*LAW, *SPEND, "--max-cost", "10k", "-o", "plan.json", "--quiet", "--json")
    assert code == 3
    assert err == "lawful: policy broken: usd 50,000 is over max_cost 10,000 (US dollars)\n"
    assert json.loads(out)["policies"][0]["broken"] is True
    assert json.loads((folder / "plan.json").read_text())["decision"]["params"] > 1e9
    code, _, err = run("check", "plan.json")
    assert code == 0, err           # the policy is no part of what is sealed
    assert run("check", "plan.json", "--max-cost", "10k")[0] == 3
    assert run("check", "plan.json", "--max-gpu-hours", "20k")[0] == 0


def test_of_a_target_the_upper_end_of_what_it_costs_is_judged(run, folder):
    """The price of reaching a loss is as uncertain as the law: draws that need more set the end of its interval."""
    simulate_csv(folder)
    (folder / "fit.json").write_text(to_json(fit("chinchilla", simulate(), bootstrap=60)))
    asked = ("--law", "fit.json", "--subject", "loss<=2.3", "--minimise", "usd", "--days", "1000", "--device", "h100",
             "--devices", "8", "--quiet")
    made = json.loads(run(*asked, "--json")[1])
    value, high = made["cost"]["usd"], made["intervals"]["usd"]["high"]
    assert value < high
    between = repr((value * high) ** 0.5)
    code, _, err = run(*asked, "--max-cost", between)
    assert code == 3
    assert "the upper end of its 90 % interval is over max_cost" in err
    assert run(*asked, "--max-cost", repr(high * 1.001))[0] == 0


def test_a_team_s_policy_from_a_file(run, folder):
    (folder / "policy.toml").write_text('max_cost = "60k"\nmax_co2e_kg = 1000\n')
    code, _, err = run(*LAW, *SPEND, "--policy", "policy.toml", "--quiet")
    assert code == 3
    assert "co2e_kg" in err
    assert "usd" not in err
    code, _, err = run(*LAW, *SPEND, "--policy", "policy.toml", "--max-co2e", "1M")
    assert code == 0
    assert "policy kept: usd 50,000 is within max_cost 60,000 (US dollars)" in err


def test_of_a_frontier_one_plan_within_the_policy_is_enough(run, folder):
    asked = (*LAW, "--usd", "50k", "--device", "h100", "--subject", "tokens_per_param<=100", "--minimise",
             "loss,total_flop", "--quiet")
    code, out, err = run(*asked, "--max-cost", "20k", "-o", "front.json", "--json")
    assert code == 0, err
    verdicts = json.loads(out)["policies"]
    assert {v["broken"] for v in verdicts} == {True, False}
    assert len(verdicts) == len(json.loads(out)["plans"])
    code, _, err = run(*asked, "--max-cost", "1e-9")
    assert code == 3
    assert f"no plan of {len(verdicts)} keeps it" in err
    code, out, _ = run("diff", "front.json:1", "front.json:2")
    assert code == 0
    assert "usd" in out
    code, _, err = run("diff", "front.json", "front.json:2")
    assert code == 2
    assert "name one, as front.json:1" in err


@pytest.mark.parametrize(("arguments", "says"), [
    (("--compute", "1e22", "--max-cost", "10k"), "max_cost: the plan does not say its US dollars (usd)"),
    ((*SPEND, "--max-days", "10"), "plan with --device and --devices"),
    ((*SPEND, "--max-cost", "cheap"), "--max-cost"),
    ((*SPEND, "--policy", "nowhere.toml"), "nowhere.toml: cannot be read"),
])
def test_a_policy_that_cannot_be_judged_is_bad_input(run, arguments, says):
    code, out, err = run(*LAW, *arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [("diff", "a.json"), ("diff", "none.json", "none.json"), ("check", "runs.csv")])
def test_what_is_no_plan_file_is_one_sentence(run, folder, arguments):
    simulate_csv(folder)
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


def test_a_table_called_diff_is_given_with_its_folder(run, folder):
    simulate_csv(folder)
    (folder / "runs.csv").rename(folder / "diff.csv")
    assert run("./diff.csv", "--compute", "1e22", "--bootstrap", "20", "--quiet")[0] == 0


def test_options_travel_as_words():
    given = as_given(runs="r.csv", law=None, strict=True, spending=Spending(usd="50k", devices=8),
                     fitting=Fitting(limit=["alpha=0:2", "E=:3"], seed=0))
    assert as_tokens(given) == ["r.csv", "--strict", "--usd=50k", "--devices=8", "--limit=alpha=0:2", "--limit=E=:3"]
