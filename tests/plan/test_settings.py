"""Batch and learning rate by law: the printed values, what is said of each, and the identity of the weight decay."""

from __future__ import annotations

import json
import math

import pytest

from lawful.cli import main
from lawful.cost import Budget
from lawful.errors import InputError, LawError
from lawful.laws import law
from lawful.plan import plan
from lawful.plan.decide import decide, frontier
from lawful.plan.problem import parse_problem
from lawful.plan.sizing.settings import LAWS, recommended_settings, settings_lines, settings_of


def value(settings, key):
    (found,) = [s for s in settings.settings if s.law == key]
    return found.value


# Worked by hand from the papers' printed laws: 1.79 N**-0.713 D**0.307 and 0.58 D**0.571 (arXiv:2503.04715, equation
# 1); 0.3118 C**-0.125 and 0.2920 C**0.3271 (arXiv:2401.02954, equation 1); 2.1e8 / L**(1 / 0.21) (arXiv:2001.08361).
def test_each_law_says_what_it_prints():
    made = recommended_settings(1e9, 1e11, loss=2.5)
    assert value(made, "steplaw2025:learning_rate") == pytest.approx(1.6325e-3, rel=1e-4)
    assert value(made, "steplaw2025:batch") == pytest.approx(1.1077e6, rel=1e-4)
    assert value(made, "deepseek2024_hparams:learning_rate") == pytest.approx(0.3118 * 6e20**-0.125)
    assert value(made, "deepseek2024_hparams:batch") == pytest.approx(0.2920 * 6e20**0.3271)
    assert value(made, "kaplan2020_critical_batch") == pytest.approx(2.1e8 / 2.5 ** (1 / 0.21), rel=1e-9)
    assert value(made, "bergsma2025_power_lines:critical_batch") == pytest.approx(1.1651e7, rel=1e-4)


def test_the_middle_is_the_geometric_mean_and_the_ends_are_the_laws():
    made = recommended_settings(1e9, 1e11)
    values = [s.value for s in made.of("learning_rate")]
    spread = made.spreads["learning_rate"]
    assert spread.middle == pytest.approx(math.prod(values) ** (1 / 3))
    assert (spread.low, spread.high) == pytest.approx((min(values), max(values)))
    assert spread.factor == pytest.approx(max(values) / min(values))


# Bergsma et al. 2025 (arXiv:2505.13738): tau = B / (eta lambda D).
def test_the_weight_decay_belongs_to_the_middle_batch_and_rate():
    made = recommended_settings(3e9, 2e11)
    s = {name: spread.middle for name, spread in made.spreads.items()}
    assert s["batch_tokens"] / (s["learning_rate"] * s["weight_decay"] * 2e11) == pytest.approx(s["decay_timescale"])


def test_each_law_says_how_far_it_is_from_its_runs():
    near, far = recommended_settings(5e8, 1e10), recommended_settings(7e10, 1.5e13)
    assert near.of("learning_rate")[0].law == "steplaw2025:learning_rate"
    assert near.of("learning_rate")[0].beyond == 0
    assert far.of("learning_rate")[0].beyond > 1
    (unknown,) = [s for s in far.settings if s.law == "bergsma2025_power_lines:best_batch"]
    assert unknown.reach is None
    assert unknown.beyond == math.inf
    codes = {c.code for s in far.of("learning_rate") if s.law.startswith("porian") for c in s.caveats}
    assert "other_ratio" in codes, "Porian's runs had 20 tokens per parameter, here 214"
    codes = {c.code for s in near.of("learning_rate") if s.law.startswith("porian") for c in s.caveats}
    assert "other_ratio" not in codes, "20 tokens per parameter"


def test_counts_without_embeddings_go_to_the_laws_that_count_so():
    plain, told = recommended_settings(1e9, 2e10), recommended_settings(1e9, 2e10, nonembedding_params=8e8)
    assert value(told, "steplaw2025:learning_rate") / value(plain, "steplaw2025:learning_rate") == pytest.approx(
        0.8**-0.713)
    assert value(told, "porian2024_hparams:learning_rate") == value(plain, "porian2024_hparams:learning_rate")


def test_laws_of_the_loss_are_asked_where_one_is_given():
    assert not any(s.law == "kaplan2020_critical_batch" for s in recommended_settings(1e9, 2e10).settings)
    assert {s.quantity for s in recommended_settings(1e9, 2e10, loss=2.6).settings} == set(LAWS)
    with pytest.raises(InputError, match="tokens"):
        recommended_settings(1e9, -1.0)


def test_a_plan_and_a_decision_have_the_settings_of_their_run():
    besiroglu, vary = law("besiroglu2024_refit"), ["params=1e8:1e12", "tokens=1e9:1e14"]
    one = settings_of(plan(besiroglu, Budget(compute=1e21)))
    two = settings_of(decide(parse_problem(besiroglu, vary, ["train_flop<=1e21"])))
    for name, spread in one.spreads.items():
        assert two.spreads[name].middle == pytest.approx(spread.middle, rel=0.01)
    assert len(settings_lines(one)) == len(one.settings) + len(LAWS)
    with pytest.raises(LawError, match="no params and no tokens"):
        settings_of(decide(parse_problem(law("kaplan2020_l_cmin"), ["compute=1e20"])))
    with pytest.raises(InputError, match="a frontier has many"):
        settings_of(frontier(parse_problem(besiroglu, vary, ["train_flop<=1e21"], "loss,memory_bytes")))


@pytest.mark.parametrize("extra", [[], ["--serve-tokens", "1T"]])
def test_the_command_prints_them(extra, capsys):
    def said(*more):
        with pytest.raises(SystemExit) as stop:
            main(["plan", "--law", "besiroglu2024_refit", "--compute", "1e21", "--settings", "--quiet", *extra, *more])
        assert not stop.value.code
        return capsys.readouterr().out

    data = json.loads(said("--json"))
    assert data["schema"] == "lawful.plan/1"
    assert {"low", "middle", "high", "laws"} == set(data["settings"]["batch_tokens"])
    assert data["settings"]["batch_tokens"]["laws"][0]["law"] == "steplaw2025:batch"
    assert "steplaw2025:batch" in said()


def test_a_saved_plan_with_settings_is_made_again(tmp_path, capsys):
    file = str(tmp_path / "plan.json")
    for words in (["plan", "--law", "besiroglu2024_refit", "--compute", "1e21", "--settings", "-o", file, "--quiet"],
                  ["plan", "check", file]):
        with pytest.raises(SystemExit) as stop:
            main(words)
        assert not stop.value.code, capsys.readouterr()
