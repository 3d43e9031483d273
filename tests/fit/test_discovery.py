"""Laws found in simulated tables whose law is known, and what no law can be found in."""

from __future__ import annotations

import numpy as np
import pytest

from lawful.errors import FailedToAnswer, InputError, RunsError, UnknownName
from lawful.fit import Fit, discover, forecast
from lawful.fit.discovery.grammar import Factor, Structure, blueprint, grow, shrink
from lawful.fit.discovery.parts import Axis
from lawful.laws.formula import formula
from lawful.results import to_plain
from lawful.runs import RunTable

BUDGET = 40


def grid(**axes: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(axes, (m.ravel() for m in np.meshgrid(*axes.values(), indexing="ij")), strict=True))


def noisy(clean: np.ndarray, noise: float, seed: int = 0) -> np.ndarray:
    return clean * np.exp(noise * np.random.default_rng(seed).standard_normal(len(clean)))


def errors_beyond(found, truth, ahead):
    """The largest relative error of the best law against the true one at points beyond every run."""
    return np.abs(found.best.law.at(ahead) / truth(**ahead) - 1).max()


CASES = {
    "one power": (grid(width=np.geomspace(64, 4096, 24)), lambda width: 1.5 + 30 * width**-0.5, 0.002),
    "a saturation": (grid(examples=np.geomspace(200, 1e6, 24)),
                     lambda examples: 1.2 + 2000 / (900 + examples**0.75), 0.002),
    "two powers": (grid(params=np.geomspace(1e7, 3e9, 7), tokens=np.geomspace(1e9, 3e11, 7)),
                   lambda params, tokens: 1.8 + 480 / params**0.35 + 2000 / tokens**0.37, 0.003),
    "an interaction": (grid(size=np.geomspace(1, 100, 6), data=np.geomspace(1, 1000, 6)),
                       lambda size, data: 1 + 3 * size**-0.4 * data**-0.2, 0.003),
}


@pytest.mark.parametrize("name", CASES)
def test_finds_a_law_that_forecasts_as_the_true_one_does(name):
    columns, truth, noise = CASES[name]
    found = discover(RunTable.of(**columns, outcome=noisy(truth(**columns), noise)), "outcome", list(columns),
                     budget=BUDGET)
    ahead = {column: np.array([3.0 * values.max()]) for column, values in columns.items()}
    assert errors_beyond(found, truth, ahead) < 5 * noise
    assert found.best.complexity <= 6
    assert set(found.inputs) == set(found.best.law.inputs)


def test_finds_streams_that_act_as_a_larger_model():
    columns = grid(params=np.geomspace(5e8, 5e9, 6), streams=np.array([1.0, 2, 4, 8]))
    clean = 1.2 + (1e8 / (columns["params"] * (1 + 0.35 * np.log(columns["streams"])))) ** 0.2
    found = discover(RunTable.of(**columns, loss=noisy(clean, 0.0005)), "loss", ["params", "streams"], budget=BUDGET)
    assert "log(streams)" in found.best.formula
    assert found.best.coefficients["c_1"] == pytest.approx(0.35, rel=0.1)
    assert found.best.coefficients["E"] == pytest.approx(1.2, rel=0.05)


def test_finds_a_bowl_whose_middle_moves():
    columns = grid(size=np.geomspace(1, 100, 5), rate=np.geomspace(1e-4, 1e-2, 7))
    middle = np.log(1e-3) - 0.3 * np.log(columns["size"])
    clean = -2.0 + columns["size"] ** -0.5 + 0.05 * (np.log(columns["rate"]) - middle) ** 2
    found = discover(RunTable.of(**columns, score=clean), "score", ["size", "rate"], budget=2 * BUDGET)
    assert not found.relative, "the target is negative"
    rates = np.geomspace(1e-4, 1e-2, 2001)
    best = rates[np.argmin(found.best.law(size=np.full(2001, 200.0), rate=rates))]
    assert best == pytest.approx(1e-3 * 200.0**-0.3, rel=0.05)


def test_a_share_that_may_be_zero_acts_by_an_exponential():
    share = np.linspace(0.0, 0.9, 20)
    found = discover(RunTable.of(code=share, outcome=noisy(1.5 + 0.8 * np.exp(-2.5 * share), 0.001)), "outcome",
                     ["code"], budget=BUDGET)
    assert found.best.law(code=1.0) == pytest.approx(1.5 + 0.8 * np.exp(-2.5), rel=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_a_constant(seed):
    columns = grid(params=np.geomspace(1e7, 1e9, 6), tokens=np.geomspace(1e9, 1e11, 6))
    runs = RunTable.of(**columns, loss=noisy(np.full(36, 2.5), 0.02, seed))
    found = discover(runs, budget=BUDGET)
    assert found.best.complexity == 1
    assert found.best.law is None
    assert found.best.coefficients["E"] == pytest.approx(2.5, rel=0.02)
    with pytest.raises(FailedToAnswer, match="better than a constant"):
        discover(runs, budget=10, bootstrap=10)


def chinchilla_runs() -> RunTable:
    columns, truth, noise = CASES["two powers"]
    return RunTable.of(**columns, loss=noisy(truth(**columns), noise))


def test_is_the_same_twice_and_says_what_it_did():
    said: list[str] = []
    first, second = (discover(chinchilla_runs(), budget=30, progress=said.append) for _ in range(2))
    assert to_plain(first) == to_plain(second)
    assert said[: len(said) // 2] == said[len(said) // 2 :]
    data = first.to_dict()
    assert data["schema"] == "lawful.discovery/1"
    assert [law["score"] for law in data["laws"]] == sorted(law["score"] for law in data["laws"])
    assert all({"formula", "coefficients", "complexity", "score"} <= law.keys() for law in data["laws"])
    assert data["laws"][0]["complexity"] == len(data["laws"][0]["coefficients"])


def test_a_long_table_is_thinned_alike_each_time():
    rng = np.random.default_rng(4)
    size = 10 ** rng.uniform(6, 9, 800)
    runs = RunTable.of(size=size, outcome=noisy(1.0 + 200 * size**-0.4, 0.005))
    first, second = (discover(runs, "outcome", ["size"], budget=12, seed=5) for _ in range(2))
    assert to_plain(first) == to_plain(second)
    assert first.n_runs == 800
    assert first.best.law(size=1e10) == pytest.approx(1.0 + 200 * 1e10**-0.4, rel=0.02)


def test_the_best_law_has_draws_and_survives_being_saved():
    found = discover(chinchilla_runs(), budget=30, bootstrap=20)
    again = Fit.from_dict(to_plain(found.fit))
    at = {"params": 1e10, "tokens": 1e12}
    answer = forecast(again, at)
    assert answer.low <= answer.value <= answer.high
    assert answer.value == pytest.approx(float(found.best.law.at(at)), rel=0.005)


def test_a_gross_outlier_does_not_choose_the_law():
    columns, truth, noise = CASES["one power"]
    outcome = noisy(truth(**columns), noise)
    outcome[12] *= 3
    found = discover(RunTable.of(**columns, outcome=outcome), "outcome", ["width"], budget=BUDGET)
    assert errors_beyond(found, truth, {"width": np.array([8192.0])}) < 0.05


@pytest.mark.parametrize(("change", "error", "says"), [
    ({"target": "lossy"}, UnknownName, "nearest: loss"),
    ({"inputs": ["params", "tokenz"]}, UnknownName, "nearest: tokens"),
    ({"inputs": ["params", "loss"]}, InputError, "cannot be among the inputs"),
    ({"inputs": ["params", "same"]}, RunsError, "same is 3 in every run"),
    ({"inputs": ["params", "words"]}, RunsError, "row 1.*must be a number"),
    ({"inputs": []}, InputError, "--inputs"),
    ({"inputs": ["params", "two words"]}, InputError, "cannot stand in a formula"),
    ({"top": 0}, InputError, "1 or more"),
])
def test_refuses(change, error, says):
    runs = chinchilla_runs()
    n = len(runs)
    full = RunTable.of(**runs.quantities, same=np.full(n, 3.0), words=["adam"] * n, **{"two words": np.arange(n)})
    with pytest.raises(error, match=says):
        discover(full, **{"target": "loss", "inputs": ["params", "tokens"], "budget": 5, **change})


def test_too_few_runs_says_how_many_it_needs():
    few = chinchilla_runs().take(np.arange(0, 49, 7))
    with pytest.raises(RunsError, match="at least 8 runs, better 20 and more; the table has 7"):
        discover(few)


def test_a_table_without_a_cut_is_refused():
    two = RunTable.of(size=np.repeat([1.0, 2.0], 6), outcome=np.arange(1.0, 13.0))
    with pytest.raises(RunsError, match="3 distinct values"):
        discover(two, "outcome", ["size"])


AXES = {name: Axis(name, 1.0, 1e4) for name in "xyz"}


def test_every_structure_is_a_formula_and_its_names_grow_with_it():
    level, seen = [Structure()], 0
    for _ in range(2):
        level = [child for parent in level[::11] or level for child in grow(parent, AXES)]
        for structure in level:
            plan = blueprint(structure, AXES)
            text = str(plan.expression())
            law = formula(text, output="target", inputs=sorted(plan.expression().symbols() & AXES.keys()),
                          limits=dict.fromkeys(plan.names, (None, None)))
            assert set(law.names()) == set(plan.names), text
            assert len({s.key for s in shrink(structure)}) >= 1
            seen += 1
    assert seen > 100
    parent = Structure(((Factor("fall", "x"),),))
    for child in grow(parent, AXES):
        assert set(blueprint(parent, AXES).names) <= set(blueprint(child, AXES).names)


def test_one_law_reached_two_ways_is_one_key():
    x, y = (Factor("fall", "x"),), (Factor("fall", "y"),)
    assert Structure((x, y)).key == Structure((y, x)).key != Structure((x, y), floor=False).key


def test_inputs_may_be_called_like_coefficients():
    values = np.geomspace(1, 100, 16)
    found = discover(RunTable.of(A1=values, outcome=2 + 3 / values), "outcome", ["A1"], budget=20)
    assert found.best.law(A1=1000.0) == pytest.approx(2.003, rel=1e-3)
