"""Methods: on curves of their own kind they forecast what comes, and each takes what it says it takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made import TASK, made

from conftest import TRUTH, simulate
from lawful.bench import peers, recipes
from lawful.bench.methods import METHODS, find_method, methods_of, question
from lawful.bench.question import Question
from lawful.bench.series import load
from lawful.bench.task import find_tasks
from lawful.errors import FailedToAnswer, LawfulError, RunsError, UnknownName
from lawful.runs import RunTable

X = np.geomspace(1e4, 1e6, 30)
AHEAD = np.geomspace(1.2e6, 1e7, 5)


def curve(y: np.ndarray) -> Question:
    return Question(RunTable.of(examples=X, task_loss=y), {"examples": AHEAD}, "task_loss", ("examples",))


def m4_loss(x: np.ndarray) -> np.ndarray:
    """(L - 0.1) / (0.9 - L)^0.5 = 60 x^-0.5 by bisection: rising on the left, falling on the right."""
    low, high = np.full(len(x), 0.1), np.full(len(x), 0.9)
    for _ in range(80):
        middle = (low + high) / 2
        over = (middle - 0.1) / (0.9 - middle) ** 0.5 > 60 * x**-0.5
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return low


@pytest.mark.parametrize(("method", "law", "within"), [
    (recipes.m1, lambda x: 30 * x**-0.3, 1e-9),
    (recipes.m2, lambda x: 0.2 + 30 * x**-0.4, 1e-3),
    (recipes.m3, lambda x: 30 * (1 / x + 2e-7) ** 0.4, 1e-4),
    (recipes.m4, m4_loss, 0.02),
    (recipes.bnsl, lambda x: recipes.broken(x / 1e4, 0.1, 0.6, 0.2, 0.4, 12.0, 0.3), 0.02),
    (peers.last_points, lambda x: 30 * x**-0.3, 1e-9),
])
def test_a_recipe_forecasts_a_curve_of_its_own_form(method, law, within) -> None:
    answer = method(curve(law(X)))
    assert answer.values == pytest.approx(law(AHEAD), rel=within)
    assert answer.draws is None


def test_m2_takes_the_first_limit_below_the_smallest_loss() -> None:
    """Logs of the excess have a second, lower place at a limit of 0; the published steps stop before it."""
    rng = np.random.default_rng(1)
    y = (0.35 + 20 * X**-0.5) * np.exp(0.004 * rng.standard_normal(len(X)))
    answer = recipes.m2(curve(y))
    line = recipes.m1(curve(y))
    truth = 0.35 + 20 * AHEAD**-0.5
    assert np.abs(np.log(answer.values / truth)).max() < 0.03 < np.abs(np.log(line.values / truth)).max()


def test_approach_three_finds_the_additive_law() -> None:
    runs = simulate(noise=0.0)
    at = {"params": np.array([5e9, 2e10]), "tokens": np.array([1e11, 1e12])}
    answer = peers.approach3(Question(runs, at, "loss", ("params", "tokens")))
    assert answer.values == pytest.approx(TRUTH.at(at), rel=1e-4)


def test_the_gradient_of_approach_three_is_that_of_its_value() -> None:
    from scipy.optimize import check_grad

    runs = simulate()
    data = tuple(np.log(runs[name]) for name in ("params", "tokens", "loss"))
    for start in peers.LATTICE[7::1500]:
        assert check_grad(lambda t: peers.recipe_value(t, *data)[0], lambda t: peers.recipe_value(t, *data)[1],
                          np.array(start)) < 1e-4


def test_last_points_take_more_than_one_budget() -> None:
    """Nine runs of one budget lie above three of a smaller: a line through the nine alone has no slope to speak of."""
    params = np.concatenate([np.geomspace(1e7, 1e8, 3), np.geomspace(1e7, 1e9, 9)])
    tokens = np.concatenate([np.full(3, 1e17), np.full(9, 1e18)]) / params
    runs = RunTable.of(params=params, tokens=tokens, loss=30 * (params * tokens) ** -0.05)
    at = {"params": np.array([1e9]), "tokens": np.array([1e10])}
    answer = peers.last_points(Question(runs, at, "loss", ("params", "tokens")))
    assert answer.values == pytest.approx(30 * 1e19**-0.05, rel=1e-6)


def test_boosting_cannot_leave_what_it_saw() -> None:
    pytest.importorskip("sklearn", reason="pip install -e '.[bench]'")
    y = 30 * X**-0.3
    assert peers.boosting(curve(y)).values == pytest.approx(y[-1], rel=0.05)


@pytest.mark.parametrize("method", [recipes.m1, recipes.m2, recipes.m3, recipes.m4, recipes.bnsl])
def test_a_recipe_refuses_what_it_cannot_take(method) -> None:
    flat = Question(RunTable.of(examples=np.ones(5), task_loss=np.ones(5)), {"examples": AHEAD}, "task_loss",
                    ("examples",))
    negative = Question(RunTable({"examples": X, "task_loss": -X}, rows=np.arange(30)), {"examples": AHEAD},
                        "task_loss", ("examples",))
    for asked in (flat, negative):
        with pytest.raises(RunsError):
            method(asked)


def test_approach_three_needs_params_and_tokens() -> None:
    with pytest.raises(RunsError, match="params and tokens"):
        peers.approach3(curve(X**-0.3))


def test_ours_answer_with_draws_on_several_inputs_and_values_on_one(tmp_path: Path) -> None:
    data = made(tmp_path, noise=0.01)
    series, _ = load(find_tasks(data)[0], data)
    single = find_method("m2").answer(question(series[1]))
    assert single.draws is None
    assert single.values == pytest.approx(series[1].observed, rel=0.1)
    runs = simulate()
    several = find_method("chinchilla").answer(
        Question(runs, {"params": np.array([1e10]), "tokens": np.array([1e12])}, "loss", ("params", "tokens")))
    assert several.draws is not None
    assert several.draws.shape[1] == 1
    low, high = np.percentile(several.draws, [2.5, 97.5])
    assert low < several.values[0] < high
    with pytest.raises(LawfulError):
        find_method("kaplan").answer(curve(X**-0.3))


def test_a_question_holds_no_outcome_of_a_test_run(tmp_path: Path) -> None:
    data = made(tmp_path)
    (one, *_), _ = load(find_tasks(data)[0], data)
    asked = question(one)
    assert set(asked.at) == {"examples"}
    assert asked.train["examples"].max() < asked.at["examples"].min()


def test_methods_are_those_that_go_with_the_inputs(tmp_path: Path) -> None:
    data = made(tmp_path, TASK.replace('["m1", "m2"]', '"curves"'))
    (task,) = find_tasks(data)
    series, _ = load(task, data)
    every = {method.name for method in methods_of(task, series)}
    assert {"m1", "m2", "m3", "m4", "bnsl1", "auto", "discover", "m4_recipe", "bnsl_recipe", "boosting"} <= every
    assert "approach3_scipy" not in every
    assert not {"task_power_law", "bnsl2"} & every, "another name of m1; too costly unless asked for"
    assert [m.name for m in methods_of(task, series, ["bnsl2", "chinchilla", "approach3_scipy", "m1"])] == [
        "bnsl2", "m1"]


def test_a_method_that_nobody_knows() -> None:
    with pytest.raises(UnknownName, match=r"unknown method 'boostin'; nearest: .*boosting"):
        find_method("boostin")
    assert find_method("auto") is METHODS["auto"]


def test_a_fit_that_gives_up_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "EVALUATIONS", 3)
    with pytest.raises(FailedToAnswer, match="curve_fit gave up"):
        recipes.bnsl(curve(0.2 + 30 * X**-0.4))
