"""Width and depth against closed forms, and against the public runs of the Gemstones suite."""

from __future__ import annotations

from dataclasses import replace
from math import exp

import numpy as np
import pytest

from conftest import shared
from lawful.cost.shapes import Family
from lawful.errors import FailedToAnswer, InputError, LawError
from lawful.fit import fit
from lawful.laws import law
from lawful.laws.architecture import ShapeLoss
from lawful.laws.formula import formula
from lawful.plan.architecture.shapes import depth_that_pays, weigh_shapes
from lawful.plan.architecture.templates import Counted, Template
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import decide
from lawful.plan.problem import Constraint, Problem, Variable
from lawful.runs import RunTable
from lawful.store import read_runs

SHAPE = law("mcleish2025_gemstones:shape")
GEMSTONES = Template(vocab_size=50304, block=15, embeddings=2)
BARE = Template(vocab_size=0, multiple=1)


def pace(**coefficients: float):
    """Hours by a formula with these coefficients, as if fitted to logs."""
    form = formula("hours = c*params**a*tokens*width**-k", output="hours", inputs=["params", "tokens", "width"])
    rng = np.random.default_rng(0)
    params, tokens, width = 10 ** rng.uniform(8, 10, 40), 10 ** rng.uniform(9, 11, 40), 2.0 ** rng.uniform(8, 13, 40)
    truth = form.with_coefficients([coefficients[name] for name in form.names()])
    at = {"params": params, "tokens": tokens, "width": width}
    return fit(form, RunTable.of(**at, hours=truth.at(at)), bootstrap=0)


@pytest.mark.parametrize(("width", "depth", "printed"), [
    (2048, 27, 1904850944), (3072, 12, 2007837696), (256, 80, 104440064), (1280, 15, 497457920)])
def test_a_template_counts_what_the_suite_counts(width, depth, printed):
    """N of the public table of McLeish et al. 2025, which counts norms as well."""
    assert GEMSTONES.params(width, depth) == pytest.approx(printed, rel=1e-3)


@pytest.mark.parametrize("template", [Template(), Template(0.0), GEMSTONES, Counted(Family.named("llama-3-8b")),
                                      Counted(Family.named("mistral-7b"), "non-embedding")])
def test_the_width_of_a_size_is_the_root_of_its_count(template):
    depth = np.array([2.0, 24.0, 96.0])
    for params in (1e8, 1e10, 1e12):
        assert template.params(template.width(params, depth), depth) == pytest.approx(np.full(3, params), rel=1e-12)


def test_the_best_depth_of_a_size_is_the_closed_form():
    """With N = 12 l d**2 the loss A / d**a + B / l**b is least where a A / d**a = 2 b B / l**b."""
    a, b, a_, b_ = 30.0, 4.0, 0.5, 0.7
    flat = replace(SHAPE.law, A=a, alpha=a_, B=b, beta=b_)
    ours = fit_of(flat)
    found = weigh_shapes(ours, compute=1e21, params=1e9, depths=np.arange(1, 400) / 2, template=BARE)
    width, depth = found.best.width, found.best.depth
    assert a_ * a / width**a_ == pytest.approx(2 * b_ * b / depth**b_, rel=0.02)
    assert found.best.params == pytest.approx(1e9, rel=1e-2)      # widths are whole numbers
    assert found.best.train_flop == pytest.approx(1e21)


def fit_of(inner: ShapeLoss):
    """A fit with the law ``inner``, without draws."""
    rng = np.random.default_rng(0)
    params = 10 ** rng.uniform(8, 10, 60)
    made = fit("power_law:params", RunTable.of(params=params, loss=params**-0.1), bootstrap=0)
    return replace(made, law=inner, draws=np.empty((0, len(inner.names()))))


def test_the_best_size_of_each_depth_is_chinchillas():
    """Without a term in width the size of each depth is the optimum of C / N**gamma + F / D**delta at C = 6 N D."""
    inner = replace(SHAPE.law, A=exp(-20.0), B=exp(-20.0))
    found = weigh_shapes(fit_of(inner), compute=1e22, depths=(10, 40), template=BARE)
    best = (inner.gamma * inner.C / (inner.delta * inner.F)) ** (1 / (inner.gamma + inner.delta)) * (
        1e22 / 6) ** (inner.delta / (inner.gamma + inner.delta))
    for shape in found.found:
        assert shape.params == pytest.approx(best, rel=2e-3)


def test_hours_that_are_flop_change_nothing():
    """At 1e-15 hours a FLOP a budget of 1e6 hours is one of 1e21 FLOP."""
    flop = weigh_shapes(SHAPE, compute=1e21, template=GEMSTONES)
    time = weigh_shapes(SHAPE, hours=1e6, pace=pace(c=6e-15, a=1.0, k=1e-9), template=GEMSTONES)
    assert [s.depth for s in time.found] == [s.depth for s in flop.found]
    assert time.best.tokens == pytest.approx(flop.best.tokens, rel=1e-3)
    assert time.best.hours == pytest.approx(1e6, rel=1e-6)


def test_where_width_saves_time_the_best_shape_is_wider():
    time = weigh_shapes(SHAPE, hours=1e6, pace=pace(c=6e-14, a=1.0, k=0.33), template=GEMSTONES)
    assert time.best.aspect > 2 * weigh_shapes(SHAPE, compute=1e21, template=GEMSTONES).best.aspect


def test_by_the_suites_own_step_times_wide_models_win_in_hours():
    """McLeish et al. 2025: deep at equal FLOP, wide and shallow at equal GPU hours."""
    logs = read_runs(shared("gemstones/runs.csv"), where="set == 'hot'", mapping={"hours": "gpu_hours"})
    suite = fit(formula("hours = c*params**a*tokens*width**-k*depth**d", output="hours",
                        inputs=["params", "tokens", "width", "depth"]), logs, bootstrap=0)
    flop = weigh_shapes(SHAPE, compute=1e21, template=GEMSTONES, depths=range(3, 81)).best
    hours = float(suite(width=flop.width, depth=flop.depth, params=flop.params, tokens=flop.tokens))
    time = weigh_shapes(SHAPE, hours=hours, pace=suite, template=GEMSTONES, depths=range(3, 81)).best
    assert time.depth < 0.6 * flop.depth
    assert time.width > 1.5 * flop.width
    assert time.outcome < flop.outcome


def test_a_law_of_shapes_fitted_below_ranks_the_shapes_above():
    """Shapes of at most 0.54B params order the three of 1B and the three of 2B, as their runs then did."""
    file = shared("gemstones/runs.csv")
    below, above = (read_runs(file, where=f"set == 'hot' and N {side} 6e8") for side in ("<", ">="))
    law_of_shapes = fit("mcleish2025_gemstones:shape", below, bootstrap=0).law
    forecast = law_of_shapes.at({name: above[name] for name in law_of_shapes.inputs})
    last = above["tokens"] == above["tokens"].max()
    for low, high in ((9e8, 1.2e9), (1.8e9, 2.2e9)):
        of_size = last & (above["params"] > low) & (above["params"] < high)
        assert of_size.sum() == 3
        assert list(np.argsort(forecast[of_size])) == list(np.argsort(above["loss"][of_size]))
    blind = fit("chinchilla", below, bootstrap=0).law
    off, off_blind = (float(np.sqrt(np.mean(np.log(above["loss"] / values) ** 2)))
                      for values in (forecast, blind.at({name: above[name] for name in blind.inputs})))
    assert off == pytest.approx(0.017, abs=0.001)          # measured, as docs/architecture.md has it
    assert off_blind == pytest.approx(0.024, abs=0.001)


def test_the_draws_of_a_fit_give_the_spread_of_the_best_shape():
    form = formula("E + A*width**-a + B*depth**-b", limits={"a": (0, 3), "b": (0, 3)})
    rng = np.random.default_rng(1)
    width, depth = 2.0 ** rng.uniform(7, 12, 80), rng.uniform(3, 90, 80)
    truth = form.with_coefficients({"E": 2.0, "A": 30.0, "a": 0.5, "B": 4.0, "b": 0.7}[name] for name in form.names())
    at = {"width": width, "depth": depth}
    spans = {}
    for noise in (1e-3, 1e-2):
        loss = truth.at(at) * np.exp(noise * rng.standard_normal(80))
        made = fit(form, RunTable.of(**at, loss=loss), bootstrap=60)
        found = weigh_shapes(made, compute=1e21, params=1e9, depths=range(4, 97), template=BARE)
        spans[noise] = found.intervals["depth"]
    exact = weigh_shapes(fit_of(truth), compute=1e21, params=1e9, depths=range(4, 97), template=BARE)
    assert spans[1e-3].low <= exact.best.depth <= spans[1e-3].high
    assert spans[1e-2].high - spans[1e-2].low > 3 * (spans[1e-3].high - spans[1e-3].low)


def test_a_known_shape_is_counted():
    """Llama 3 8B has 8,030,261,248 params at 4,096 x 32, of which 2 x 128,256 x 4,096 are in embedding and head."""
    llama = Counted(Family.named("llama-3-8b"))
    assert llama.params(4096, 32) == 8030261248
    assert llama.embedding_params(4096) == 2 * 128256 * 4096
    best = weigh_shapes(SHAPE, compute=1e22, template=llama, depths=range(8, 65)).best
    assert best.width % 128 == 0        # heads stay whole
    assert best.params == Family.named("llama-3-8b").shape(int(best.width), int(best.depth)).params().total


def test_depths_that_a_pattern_does_not_allow_are_left_out():
    jamba = Counted(Family.named("jamba-v0.1"))
    shapes = weigh_shapes(SHAPE, compute=1e22, template=jamba, depths=range(4, 40))
    assert {s.depth % 8 for s in shapes.found} == {0}
    with pytest.raises(InputError, match="none of the depths can be built"):
        weigh_shapes(SHAPE, compute=1e22, template=jamba, depths=(5, 6))


def test_the_planner_finds_the_same_shape():
    """`decide` with width, depth and tokens free, FLOP counted as 6 N D: continuous where this goes by whole layers."""
    family = Family.named("llama-2-7b")
    problem = Problem(SHAPE, (Variable("width", 256, 32768), Variable("depth", 4, 256), Variable("tokens", 1e8, 1e14)),
                      constraints=(Constraint("train_flop", "<=", 1e22),), rates=Rates(shape=family, convention="6N"))
    made = decide(problem)
    best = weigh_shapes(SHAPE, compute=1e22, template=Counted(family, "total"), depths=range(4, 257)).best
    assert made.metrics["depth"] == pytest.approx(best.depth, rel=0.05)
    assert made.metrics["width"] == pytest.approx(best.width, rel=0.05)
    assert made.metrics["loss"] == pytest.approx(best.outcome, rel=1e-4)


def test_levines_width_of_a_trillion_params():
    """arXiv:2006.12467, abstract: 30K is the optimal width of a network of 1e12 params; GPT-3 is too deep."""
    plain = Template(0.0)
    assert depth_that_pays(law("levine2020_depth_width"), 1e12, plain)[1] == pytest.approx(30e3, abs=500)
    assert depth_that_pays(law("levine2020_depth_width"), 175e9, plain)[0] < 96


@pytest.mark.parametrize(("asked", "error", "says"), [
    ({"law": law("besiroglu2024_refit"), "compute": 1e21}, LawError, "a law of shapes takes width or depth"),
    ({}, InputError, "give one budget"),
    ({"compute": 1e21, "hours": 10.0}, InputError, "give one budget"),
    ({"hours": 10.0}, InputError, "at the pace of a law of hours"),
    ({"hours": 10.0, "pace": SHAPE}, LawError, "a pace gives hours from tokens"),
    ({"compute": -1.0}, InputError, "budget must be"),
    ({"compute": 1e21, "depths": ()}, InputError, "at least one"),
    ({"compute": 1e21, "depths": (0, 4)}, InputError, "positive numbers of layers"),
    ({"compute": 1e21, "params": 1e4}, FailedToAnswer, "at least 64 wide"),
])
def test_what_cannot_be_asked_is_one_sentence(asked, error, says):
    with pytest.raises(error, match=says):
        weigh_shapes(asked.pop("law", SHAPE), **asked)


def test_an_accuracy_is_no_loss():
    more = formula("1 - width**-a", output="accuracy", inputs=["width"]).with_coefficients([0.5])
    with pytest.raises(LawError, match="of which more is better"):
        weigh_shapes(fit_of(more), compute=1e21)


def test_a_law_that_gives_no_width_says_no_depth():
    with pytest.raises(LawError, match="takes a law of width from depth"):
        depth_that_pays(SHAPE, 1e9)
