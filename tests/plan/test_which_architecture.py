"""Question 2: vocabulary, rivals, streams, contexts and vision encoders by themselves, and the answer of the topic."""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np
import pytest

from conftest import shared
from lawful.cost import Budget
from lawful.errors import InputError, LawError, UnknownName
from lawful.fit import fit, forecast
from lawful.laws import law
from lawful.plan.architecture.passes import weigh_contexts, weigh_streams
from lawful.plan.architecture.rivals import rank
from lawful.plan.architecture.vision import encoder_params, vision_shape
from lawful.plan.architecture.vocabulary import LOSS, best_vocabularies, compute_worth, optimal_compute
from lawful.plan.decide import decide
from lawful.plan.problem import Constraint, Problem, Variable
from lawful.plan.questions.architecture import TOPIC, Asked, recommend
from lawful.plan.questions.topic import Situation
from lawful.plan.sections import read_section
from lawful.runs import RunTable
from lawful.store import read_runs

TAO = law(LOSS)


class TestVocabulary:
    def test_the_vocabulary_is_decided_with_its_width_and_costs_compute(self):
        """vocab_params are vocab_size x width, and compute is 6 (N_nv + N_v) D: Tao et al. 2024."""
        problem = Problem(TAO, (Variable("params", 1e9, 1e9), Variable("width", 2048, 2048),
                                Variable("vocab_size", 1e3, 1e6), Variable("tokens", 1e9, 1e13)),
                          constraints=(Constraint("train_flop", "<=", 1e21),))
        at = decide(problem).metrics
        assert at["vocab_params"] == pytest.approx(2048 * at["vocab_size"])
        assert 6 * (1e9 + at["vocab_params"]) * at["tokens"] == pytest.approx(1e21)

    @pytest.mark.parametrize("params", [1e9, 7e9, 70e9])
    def test_approach_three_is_where_its_derivative_is_zero(self, params):
        """a2 A2 / N_v**(a2 + 1) = beta B (6 / C)**beta (N_nv + N_v)**(beta - 1), differentiated by hand."""
        compute = optimal_compute(params)
        held = next(v.params for v in best_vocabularies(params, 4096.0) if v.law == LOSS)
        c = TAO.law.coefficients
        left = c["a2"] * c["A2"] / held ** (c["a2"] + 1)
        right = c["beta"] * c["B"] * (6 / compute) ** c["beta"] * (params + held) ** (c["beta"] - 1)
        assert left == pytest.approx(right, rel=1e-4)

    def test_the_optimal_compute_of_a_size_is_that_of_approach_one(self):
        """N_nv = 0.08 C**0.5, printed to two digits."""
        assert 0.08 * optimal_compute(7e9) ** 0.5 == pytest.approx(7e9, rel=0.05)

    def test_less_compute_than_optimal_asks_for_a_smaller_vocabulary(self):
        """Tao et al. 2024, section on data that are insufficient or overly sufficient."""
        sizes = [next(v.size for v in best_vocabularies(2.87e9, 3200.0, c) if v.law == LOSS)
                 for c in (2.8e20, 1.2e21, 2.3e21)]
        assert sizes == sorted(sizes)
        assert sizes[0] < 32_000 < sizes[2]     # their 3B models: 32K is too many with few data, too few with many

    def test_what_another_size_wastes(self):
        best = next(v.size for v in best_vocabularies(7e9, 4096.0) if v.law == LOSS)
        compute = optimal_compute(7e9)
        shares = [compute_worth(size, 7e9, 4096.0, compute) for size in (best, best / 2, best / 4, 4 * best)]
        assert shares[0] == pytest.approx(1.0, abs=1e-3)
        assert shares[0] > shares[1] > shares[2]
        assert 0.5 < shares[3] < 1.0

    def test_bad_sizes_are_named(self):
        with pytest.raises(InputError, match="width must be"):
            best_vocabularies(1e9, 0.0)
        with pytest.raises(InputError, match="positive number of parameters without vocabulary"):
            best_vocabularies(-1e9, 2048.0)


class TestRivals:
    """Two power laws that cross where a hand can say: (x1 / C)**a1 = (x2 / C)**a2."""

    EARLY, LATE = (1e24, 0.05), (1.46e23, 0.06)

    def fits(self, noise: float = 1e-4, bootstrap: int = 100, seed: int = 0):
        compute = np.geomspace(1e17, 1e21, 24)
        rng = np.random.default_rng(seed)
        return {name: fit("power_law:compute", RunTable.of(compute=compute, loss=(x / compute) ** a * np.exp(
            noise * rng.standard_normal(24))), bootstrap=bootstrap) for name, (x, a) in
            (("early", self.EARLY), ("late", self.LATE))}

    def crossing(self) -> float:
        (x1, a1), (x2, a2) = self.EARLY, self.LATE
        return float(np.exp((a2 * log(x2) - a1 * log(x1)) / (a2 - a1)))

    def test_the_order_changes_at_the_crossing(self):
        met = self.crossing()
        below, above = (rank(self.fits(), met * factor) for factor in (0.03, 30.0))
        assert [s.name for s in below] == [*reversed([s.name for s in above])]
        second = below[1]
        assert second.apart is True
        found = second.against.crossing
        assert second.overtakes == pytest.approx(met, rel=0.01)
        assert abs(second.overtakes - met) < found.high - found.low     # twice the half of a 90 % interval
        assert above[1].overtakes is None          # it has been overtaken, and will not come back

    def test_rivals_that_the_runs_cannot_tell_apart_are_said_so(self):
        """At the crossing both are equal: at 90 % one in ten is told apart by chance, and three in six once in 60."""
        told = [rank(self.fits(0.02, seed=seed), self.crossing())[1].apart for seed in range(6)]
        assert told.count(True) <= 2

    def test_a_budget_beyond_the_runs_says_how_far(self):
        laws = self.fits(bootstrap=0)
        for one in rank(laws, 1e23):
            assert one.reach == pytest.approx(2.0)
            assert one.limit == forecast(laws[one.name], {"compute": 1e23}).limit

    def test_the_most_of_an_accuracy_is_best(self):
        compute = np.geomspace(1e17, 1e20, 12)
        laws = {name: fit("accuracy_power", RunTable.of(compute=compute, accuracy=k * compute**0.1), bootstrap=0)
                for name, k in (("less", 1e-3), ("more", 2e-3))}
        assert [s.name for s in rank(laws, 1e20)] == ["more", "less"]

    def test_two_at_least(self):
        with pytest.raises(InputError, match="at least two architectures, got 1"):
            rank({"one": law("besiroglu2024_refit")}, 1e21)


class TestPasses:
    def test_streams_are_worth_one_plus_k_log_p(self):
        """Chen et al. 2025, equation 5: P streams give what a model 1 + k ln P times as large gives."""
        pile = law("chen2025_parscale:pile")
        for s in weigh_streams(pile, 1.6e9, (1, 2, 8)):
            assert s.worth == pytest.approx(1.6e9 * (1 + 0.33446 * log(s.streams)))
            assert s.loss == pytest.approx(float(pile(params=s.worth, streams=1)))
            assert s.flop == s.streams >= s.larger

    def test_streams_fitted_to_the_public_runs(self):
        """The paper gives k of about 0.33 on the Pile; the runs are its own table."""
        runs = read_runs(shared("parallel-scaling/runs.csv"), where="corpus == 'pile'", mapping={"streams": "P"})
        worth = weigh_streams(fit("parallel", runs, bootstrap=0), 1e9, (np.e,))[0].worth
        assert worth / 1e9 - 1 == pytest.approx(0.33, abs=0.005)

    def test_contexts_as_printed(self):
        """Xiong et al. 2023, figure 1: L(c) = (25.4 / c)**0.45 + 1.56 at 7B; a token of 32 layers of 4,096."""
        short, long = weigh_contexts(law("xiong2023_context_length:7B"), (32768, 4096), 7e9, 4096, 32)
        assert short.loss == pytest.approx((25.4 / 4096) ** 0.45 + 1.56)
        assert long.loss == pytest.approx((25.4 / 32768) ** 0.45 + 1.56)
        assert short.flop == 1
        assert long.flop == pytest.approx((7e9 + 32 * 32768 * 4096) / (7e9 + 32 * 4096 * 4096))

    def test_other_laws_are_refused(self):
        with pytest.raises(LawError, match="knows no parallel streams"):
            weigh_streams(law("besiroglu2024_refit"), 1e9, (2,))
        with pytest.raises(LawError, match="weighed by a law of context alone"):
            weigh_contexts(law("besiroglu2024_refit"), (4096,), 7e9, 4096, 32)


class TestVision:
    def test_the_shape_has_the_size_and_lies_on_the_line(self):
        found = vision_shape(4e8)
        assert encoder_params(found.width, found.depth, found.mlp) == pytest.approx(4e8)
        for start, at, exponent in ((608, found.width, 0.22), (10, found.depth, 0.45), (928, found.mlp, 0.60)):
            assert at == pytest.approx(start * found.scale_up**exponent)

    def test_the_start_is_its_own_shape(self):
        assert vision_shape(encoder_params(608, 10, 928)).scale_up == pytest.approx(1.0)

    def test_another_task_is_named(self):
        with pytest.raises(UnknownName, match="unknown task 'detection'"):
            vision_shape(4e8, "detection")


class TestTopic:
    BUDGET = Situation(budget=Budget(compute=1e21))

    def test_the_shape_and_the_vocabulary_are_always_answered(self):
        made = recommend(self.BUDGET, Asked())
        shape = made.options[0]
        assert shape.note == "recommended"
        assert 6 * shape.decision["params"] * shape.decision["tokens"] == pytest.approx(1e21)
        assert any("vocab_size" in o.decision for o in made.options)
        assert {"mcleish2025_gemstones:shape", "tao2024_vocabulary:approach3"} <= set(made.laws)
        assert made.limits
        assert made.measure_first
        others = [o.gives["loss"] for o in made.options if "width" in o.decision]
        assert others[0] == min(others)

    def test_every_part_that_is_asked_is_answered_with_its_law(self):
        data = {"rivals": {"llama": "shen2024_linear_lm:llama", "hgrn2": "shen2024_linear_lm:hgrn2"},
                "params": "7B", "contexts": ["4096", "32768"], "streams": [1, 8], "encoder_params": "400M"}
        made = recommend(self.BUDGET, read_section(Asked, data, "[architecture]", law))
        assert {"shen2024_linear_lm:llama", "xiong2023_context_length:7B", "chen2025_parscale:pile",
                "alabdulmohsin2023_sovit:depth"} <= set(made.laws)
        assert made.options[0].name == "hgrn2"
        assert "hgrn2 is better; without draws" in made.answer
        shapes = [o for o in made.options if "width" in o.decision and "tokens" in o.decision]
        for one in shapes:      # widths are multiples of 64
            assert one.decision["params"] == pytest.approx(7e9, rel=0.05)
        assert "32,768 tokens of context" in made.answer
        assert "8 parallel streams act like 1.7 times the params" in made.answer

    def test_of_a_named_model_the_proportions_are_its_own(self):
        made = recommend(self.BUDGET, read_section(Asked, {"model": "llama-3-8b"}, "[architecture]", law))
        assert made.options[0].decision["width"] % 128 == 0
        assert any("the shape of llama-3-8b" in a for a in made.assumptions)
        planned = next(o for o in made.options if o.note == "as planned")
        assert planned.decision["vocab_size"] == 128256
        with pytest.raises(UnknownName, match="unknown model 'lama-3'"):
            recommend(self.BUDGET, Asked(model="lama-3"))

    def test_a_pace_adds_the_best_shape_in_the_same_hours(self):
        from test_shapes import pace

        made = recommend(self.BUDGET, Asked(pace=pace(c=6e-14, a=1.0, k=0.33)))
        timed = next(o for o in made.options if o.note.startswith("the best in"))
        assert timed.decision["width"] > made.options[0].decision["width"]
        assert "hours that it takes" in made.answer
        assert not any("give the law of hours" in m for m in made.measure_first)

    def test_ones_own_law_of_shapes_goes_first(self):
        from test_shapes import fit_of

        own = fit_of(replace(law("mcleish2025_gemstones:shape").law, B=10.0))
        made = recommend(Situation(law=own, budget=Budget(compute=1e21)), Asked())
        assert made.laws[0] == "shape_loss fitted to runs"
        assert made.options[0].decision["depth"] > recommend(self.BUDGET, Asked()).options[0].decision["depth"]

    def test_without_a_budget_it_says_what_is_missing(self):
        with pytest.raises(InputError, match="no budget is given"):
            recommend(Situation(), Asked())

    def test_the_guidance_has_sources(self):
        assert TOPIC.number == 2
        assert len(TOPIC.guidance) >= 8
        assert all(g.source.startswith("arXiv:") for g in TOPIC.guidance)
