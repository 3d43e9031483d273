"""Decisions of a known shape: counted as the shape counts, served as the roofline serves, or refused."""

from __future__ import annotations

import numpy as np
import pytest

from lawful.cost import Efficiency, serve
from lawful.cost.shapes import CONVENTIONS, Family, Sharding, flops, model, serve_memory, train_memory
from lawful.errors import FailedToAnswer, InputError, LawError, UnknownName
from lawful.laws import law
from lawful.laws.modules import Routing
from lawful.plan.costs.rates import Rates
from lawful.plan.costs.served import Served, Trained
from lawful.plan.costs.sizes import Counting
from lawful.plan.decide import decide
from lawful.plan.problem import parse_problem

HOFFMANN = law("hoffmann2022_approach3")
KAPLAN = Counting.of(law("kaplan2020_l_nd"))
LLAMA = {"width": 4096, "depth": 32}
FREE = ("params=1e6:1e14", "tokens=1e6:1e17")


def cost(rates: Rates, counting: Counting | None = None, **decision: float) -> dict[str, float]:
    found = rates.costs(decision, *([counting] if counting else []))
    return {name: float(value) for name, value in found.items()}


# --------------------------------------------------------------------------------------- counted

@pytest.mark.parametrize("convention", CONVENTIONS)
def test_flop_are_those_of_the_shape(convention):
    rates = Rates(shape="llama-3-8b", context=8192, convention=convention, serve_tokens=1e12)
    found = cost(rates, **LLAMA, tokens=15e12)
    counted = flops(model("llama-3-8b"), convention, 8192)
    assert found["train_flop"] == pytest.approx(counted.train / 8192 * 15e12, rel=1e-12)
    assert found["serve_flop"] == pytest.approx(counted.forward / 8192 * 1e12, rel=1e-12)
    assert found["params"] == 8_030_261_248           # the page of Meta-Llama-3-8B
    assert found["memory_bytes"] == 2 * 8_030_261_248


def test_the_training_of_llama_405b_costs_what_its_paper_says():
    found = cost(Rates(shape="llama-3.1-405b", convention="6N"), width=16384, depth=126, tokens=15.6e12)
    assert found["train_flop"] == pytest.approx(3.8e25, rel=0.005)    # arXiv:2407.21783: 405B on 15.6T, 3.8e25 FLOP


@pytest.mark.parametrize("name", ["llama-3-8b", "mixtral-8x7b", "deepseek-v3", "jamba-v0.1", "mamba-130m"])
@pytest.mark.parametrize(("convention", "attribute"), [("", "total"), ("non-embedding", "nonembedding"),
                                                       ("active", "active")])
def test_params_are_read_as_the_law_counts_them(name, convention, attribute):
    counts = model(name).params()
    family = Family.named(name)
    counting = Counting(convention)
    found = cost(Rates(shape=name, context=2048), counting, params=getattr(counts, attribute), tokens=1e12)
    assert found["width"] == pytest.approx(family.width)
    assert found["depth"] == pytest.approx(family.depth)
    given = cost(Rates(shape=name, context=2048), counting, width=family.width, depth=family.depth, tokens=1e12)
    assert given["params"] == getattr(counts, attribute)
    assert found["train_flop"] == pytest.approx(given["train_flop"])
    if family.experts:
        assert (given["active_params"], given["total_params"]) == (counts.active, counts.total)


def test_two_of_params_width_and_depth_give_the_third():
    rates = Rates(shape="llama-3-8b")
    assert cost(rates, params=8_030_261_248, width=4096, tokens=1e9)["depth"] == pytest.approx(32)
    assert cost(rates, params=8_030_261_248, depth=32, tokens=1e9)["width"] == pytest.approx(4096)
    with pytest.raises(InputError, match="params, width and depth are one too many"):
        cost(rates, params=8e9, **LLAMA, tokens=1e9)


def test_vocabulary_and_experts_move_the_counts():
    small = Family.named("llama-3-8b").shape(4096, 32, vocab_size=32000).params()
    assert cost(Rates(shape="llama-3-8b"), **LLAMA, vocab_size=32000, tokens=1e9)["params"] == small.total
    many = Family.named("mixtral-8x7b").shape(4096, 32, experts=64).params()
    found = cost(Rates(shape="mixtral-8x7b"), Counting("active"), **LLAMA, experts=64, tokens=1e9)
    assert (found["params"], found["total_params"]) == (many.active, many.total)


def test_pruned_weights_of_a_shape_are_not_stored():
    found = cost(Rates(shape="llama-3-8b"), **LLAMA, tokens=1e9, sparsity=0.5)
    assert found["memory_bytes"] == 8_030_261_248
    skipped = cost(Rates(shape="llama-3-8b", skips_zeros=True), **LLAMA, tokens=1e9, sparsity=0.5)
    assert skipped["train_flop"] == pytest.approx(found["train_flop"] / 2)


# --------------------------------------------------------------------------------------- served

@pytest.mark.parametrize(("name", "devices"), [("llama-3-8b", 1), ("mixtral-8x7b", 2), ("deepseek-v3", 16),
                                               ("gemma-3-1b", 1), ("jamba-v0.1", 2), ("gpt2", 1)])
@pytest.mark.parametrize(("batch", "samples"), [(1, 1), (64, 1), (8, 16)])
def test_a_decision_is_served_as_its_shape_is(name, devices, batch, samples):
    family, shape = Family.named(name), model(name)
    how = Served(batch=batch, prompt=900, output=120, devices=devices, efficiency=Efficiency(compute=0.4))
    rates = Rates("h200", shape=name, serving=how, serve_tokens=1e12, options={"usd_per_hour": 3.0, "pue": 1.25})
    at = {"width": family.width, "depth": family.depth, "tokens": 1e12, "samples": samples}
    for bits, precision in ((16.0, "bf16"), (8.0, "fp8")):
        found = cost(rates, **at, weight_bits=bits, activation_bits=bits, kv_bits=bits)
        exact = serve(shape, "h200", batch=batch, prompt=900, output=120, samples=samples, devices=devices,
                      precision=precision, cache_precision=precision, efficiency=Efficiency(compute=0.4),
                      usd_per_hour=3.0, pue=1.25)
        assert found["latency_s"] == pytest.approx(exact.step_s, rel=1e-12)
        assert found["ttft_s"] == pytest.approx(exact.ttft_s, rel=1e-12)
        assert found["tokens_per_second"] == pytest.approx(exact.tokens_per_second, rel=1e-12)
        assert found["memory_bytes"] == pytest.approx(exact.memory_bytes, rel=1e-12)
        assert found["serve_usd"] == pytest.approx(exact.usd_per_million_tokens * 1e6 * samples, rel=1e-12)
        trained = cost(Rates("h200", shape=name, options={"pue": 1.25}), **at, weight_bits=bits, activation_bits=bits)
        joule = 3.6e6 * (found["energy_kwh"] - trained["energy_kwh"])
        assert joule == pytest.approx(exact.joule_per_token * 1e12 * samples, rel=1e-6)


def test_few_bits_of_weights_and_cache_are_read_faster():
    rates = Rates("h100", shape="llama-3-8b", serving=Served(batch=4))
    full, weights, both = (cost(rates, **LLAMA, tokens=1e9, **bits)["latency_s"] for bits in (
        {}, {"post_bits": 4.0}, {"post_bits": 4.0, "kv_bits": 4.0}))
    assert full > weights > both
    read = 2 * (8_030_261_248 - 128_256 * 4096)      # all but the embedding, in bf16; norms are not counted
    least = read / (3.35e12 * 0.7)
    assert full > least
    assert full - weights == pytest.approx(0.75 * least, rel=1e-3)


def test_streams_share_their_weights():
    rates = Rates("h100", shape="llama-3-8b", serving=Served())
    one, eight = (cost(rates, **LLAMA, tokens=1e9, streams=p) for p in (1, 8))
    assert eight["cache_bytes"] == 8 * one["cache_bytes"]
    assert one["latency_s"] < eight["latency_s"] < 1.2 * one["latency_s"]


def test_training_is_held_as_the_shape_holds_it():
    over = Sharding(data=8, tensor=2, zero=1)
    training = Trained(2, recompute="layer", sharding=over)
    found = cost(Rates(shape="llama-3-8b", context=4096, training=training), **LLAMA, tokens=1e9)
    exact = train_memory(model("llama-3-8b"), batch=2, context=4096, recompute="layer", sharding=over)
    assert found["train_memory_bytes"] == pytest.approx(exact.total, rel=1e-12)


def test_without_a_shape_a_plain_transformer_stands_in_and_is_named():
    rates = Rates("h100", serving=Served(batch=4))
    found = cost(rates, params=7_241_732_096, tokens=1e12)
    assert found["train_flop"] == 6 * 7_241_732_096 * 1e12
    exact = serve(Family("mistral", {**Family.named("mistral-7b").fields, "sliding_window": None}).template, "h100",
                  batch=4)
    assert found["latency_s"] == pytest.approx(exact.step_s)
    assert any("a plain transformer like Mistral 7B" in said for said in rates.assumptions())
    held = serve_memory(model("mistral-7b"), batch=4, context=1280, precision="bf16")
    assert found["memory_bytes"] == pytest.approx(held.total)


# --------------------------------------------------------------------------------------- decided

def test_a_latency_ceiling_bounds_the_size():
    rates = Rates("h100", serving=Served(batch=1), shape="llama-3-8b")
    vary = ["params=1e8:1e12", "tokens=1e9:1e14"]
    free = decide(parse_problem(HOFFMANN, vary, ["train_flop<=1e23"], rates=rates))
    assert free.metrics["latency_s"] > 0.01
    made = decide(parse_problem(HOFFMANN, vary, ["train_flop<=1e23", "latency_s<=0.01"], rates=rates))
    assert made.metrics["latency_s"] == pytest.approx(0.01, rel=1e-6)
    assert made.decision["params"] < free.decision["params"]
    # the roofline by hand: weights but the embedding over 0.7 of 3.35 TB/s, and a millisecond; the cache is small
    width = made.metrics["width"]
    read = 2 * (made.decision["params"] - 128_256 * width)
    assert read / (0.7 * 3.35e12) + 1e-3 == pytest.approx(0.01, rel=0.02)
    with pytest.raises(FailedToAnswer, match="latency_s"):
        decide(parse_problem(HOFFMANN, vary, ["latency_s<=0.0005"], rates=rates))


def test_what_does_not_fit_into_a_device_is_warned_of():
    vary = ["params=1e8:1e12", "tokens=1e9:1e14"]
    rates = Rates("l4", shape="llama-3-8b", serving=Served(), training=Trained())
    made = decide(parse_problem(HOFFMANN, vary, ["train_flop<=1e23"], rates=rates))
    said = [w.message for w in made.warnings if w.code == "does_not_fit"]
    assert len(said) == 2
    assert said[0].startswith("serving takes")
    assert "NVIDIA L4 24 GB holds 24" in said[0]
    limits = ["train_flop<=1e23", "memory_bytes<=24e9", "train_memory_bytes<=24e9"]
    made = decide(parse_problem(HOFFMANN, vary, limits, rates=rates))
    assert not any(w.code == "does_not_fit" for w in made.warnings)


def test_width_and_depth_may_be_decided_and_give_the_params_of_the_law():
    rates = Rates(shape="llama-3-8b", context=4096)
    made = decide(parse_problem(HOFFMANN, ["width=512:32768", "depth=4:200", "tokens=1e8:1e15"],
                                ["train_flop<=1e23", "width<=4096"], rates=rates))
    w, d = made.decision["width"], made.decision["depth"]
    assert made.metrics["params"] == pytest.approx(Family.named("llama-3-8b").total(w, d, 128_256, 0))
    assert made.metrics["loss"] == pytest.approx(
        float(HOFFMANN.law(params=made.metrics["params"], tokens=made.decision["tokens"])))
    assert made.metrics["train_flop"] == pytest.approx(1e23, rel=1e-6)
    assert any("the shape of llama-3-8b" in said for said in made.assumptions)


def test_counted_flop_move_the_optimum_from_six_nd():
    """At a long context the same budget trains fewer params on fewer tokens."""
    vary = ["params=1e7:1e12", "tokens=1e8:1e14"]
    plain, short, long = (decide(parse_problem(HOFFMANN, vary, ["train_flop<=1e21"], rates=rates)) for rates in (
        Rates(), Rates(shape="llama-2-7b", context=512), Rates(shape="llama-2-7b", context=32768)))
    assert long.metrics["loss"] > short.metrics["loss"]
    assert short.metrics["loss"] == pytest.approx(plain.metrics["loss"], rel=5e-3)
    work = [6 * made.decision["params"] * made.decision["tokens"] for made in (short, long)]
    assert work[1] < 0.7 * work[0]


def test_a_law_of_mixtures_takes_the_shape_of_one():
    routed = HOFFMANN.with_(Routing.of())
    made = decide(parse_problem(routed, ["params=1e8:1e11", "tokens=1e9:1e13", "experts=2,8"], ["train_flop<=1e21"],
                                rates=Rates(shape="mixtral-8x7b", context=2048)))
    assert made.metrics["total_params"] > made.metrics["active_params"]
    assert made.metrics["active_params"] == pytest.approx(made.decision["params"])


def test_laws_in_a_row_are_each_told_params_as_they_count_them():
    """Kaplan's law counts no embeddings, the law of Chinchilla all: the same shape is told to both."""
    first = law("kaplan2020_l_nd")
    vary = ["width=1024:8192", "depth=32", "tokens=1e11"]
    made = decide(parse_problem(law("besiroglu2024_refit"), vary, ["width<=4096"], then=[first],
                                rates=Rates(shape="llama-3-8b", context=2048)))
    counts = model("llama-3-8b").params()
    assert made.metrics["params"] == pytest.approx(counts.total, rel=1e-6)
    assert made.metrics["loss"] == pytest.approx(float(first.law(params=counts.nonembedding, tokens=1e11)), rel=1e-6)
    assert made.forecast.at["params"] == pytest.approx(made.metrics["params"])


def test_no_grid_finds_a_better_shape_within_latency_and_memory():
    rates = Rates("h100", shape="mixtral-8x7b", context=4096, serving=Served(batch=8), training=Trained(
        sharding=Sharding(data=64, expert=8, zero=1)))
    asked = law("ludziejewski2025_joint_moe")
    limits = ["train_flop<=1e23", "latency_s<=0.02", "memory_bytes<=8e10", "train_memory_bytes<=6e10"]
    problem = parse_problem(asked, ["width=256:16384", "depth=2:128", "tokens=1e9:1e14", "experts=8,32"], limits,
                            rates=rates)
    made = decide(problem)
    width, depth = np.meshgrid(np.geomspace(256, 16384, 500), np.geomspace(2, 128, 500))
    best = np.inf
    for experts in (8.0, 32.0):
        at = {"width": width.ravel(), "depth": depth.ravel(), "experts": np.full(width.size, experts)}
        flop = problem.metrics({**at, "tokens": np.full(width.size, 1.0)})["train_flop"]
        tokens = np.clip(1e23 / flop, 1e9, 1e14)      # more data never hurt this law, so that the budget binds
        found = problem.metrics({**at, "tokens": tokens})
        ok = (problem.gaps(found, width.size) <= 1e-7).all(axis=0)
        best = min(best, float(found["loss"][ok].min()))
    assert made.metrics["loss"] <= best * (1 + 1e-4)
    assert (problem.gaps({n: np.array(v) for n, v in made.metrics.items()}) <= 1e-6).all()


# --------------------------------------------------------------------------------------- what cannot be

@pytest.mark.parametrize(("key", "shape", "says"), [
    ("hoffmann2022_approach3", "mixtral-8x7b", "is a law of dense models, and mixtral-8x7b has 8 experts"),
    ("frantar2023_sparse:t5_c4", "llama-3-8b", "counts non-zero params, and a shape counts all"),
])
def test_a_law_that_does_not_count_as_the_shape_is_refused(key, shape, says):
    asked = law(key)
    vary = [f"{name}={'0.1:0.9' if name == 'sparsity' else '1e8:1e12'}" for name in asked.law.inputs]
    with pytest.raises(LawError, match=says):
        parse_problem(asked, vary, rates=Rates(shape=shape))


@pytest.mark.parametrize(("given", "error", "says"), [
    ({"shape": "lama-3-8b"}, UnknownName, "unknown model 'lama-3-8b'; nearest"),
    ({"shape": "llama-3-8b", "convention": "7N"}, UnknownName, "unknown convention '7N'"),
    ({"shape": "llama-3-8b", "context": 0}, InputError, "context must be a positive number of tokens"),
    ({"context": 4096}, InputError, "context is that of a shape"),
    ({"shape": "t5-small"}, InputError, "t5-small has 2 streams"),
    ({"shape": Family("mine", {**Family.named("llama-3-8b").fields, "max_position_embeddings": None})}, InputError,
     "mine says no longest context"),
    ({"shape": "llama-3-8b", "training": Trained(precision="fp7")}, UnknownName, "unknown precision 'fp7'"),
])
def test_rates_that_cannot_be_are_refused_at_the_door(given, error, says):
    with pytest.raises(error, match=says):
        Rates(**given)


@pytest.mark.parametrize(("decided", "says"), [
    ({"experts": 8}, "llama-3-8b has no experts"), ({"active_params": 1e9}, "active_params follows from the shape"),
])
def test_a_decision_that_the_shape_does_not_have_is_refused(decided, says):
    with pytest.raises(InputError, match=says):
        cost(Rates(shape="llama-3-8b"), **LLAMA, tokens=1e9, **decided)


@pytest.mark.parametrize("name", ["batch", "prompt", "output", "devices"])
def test_what_is_served_is_a_whole_number(name):
    with pytest.raises(InputError, match=f"served: {name} must be"):
        Served(**{name: 0})
    with pytest.raises(InputError, match=f"served: {name} must be a whole number"):
        Served(**{name: 1.5})


def test_arrays_give_what_numbers_give():
    rates = Rates("h100", serve_tokens=1e12, shape="mixtral-8x7b", context=2048, serving=Served(batch=3),
                  training=Trained())
    at = {"params": np.array([1e9, 7e9, 3e10]), "tokens": np.array([1e10, 1e11, 1e12]),
          "experts": np.array([4, 8, 64.0])}
    many = rates.costs(at, KAPLAN)
    for i in range(3):
        one = cost(rates, KAPLAN, **{name: value[i] for name, value in at.items()})
        for name, value in many.items():
            assert np.broadcast_to(value, 3)[i] == pytest.approx(one[name]), name


def test_a_shape_of_images_says_no_length_of_text():
    problem = parse_problem(law("besiroglu2024_refit"), FREE, ["train_flop<=1e21"],
                            rates=Rates(shape="vit-l-16", training=Trained()))
    made = decide(problem)
    assert "the shape of vit-l-16, by the convention exact" in made.assumptions[0]
    assert any("Training holds 1 sequence on each replica" in one for one in made.assumptions)


def test_what_does_not_write_is_not_served():
    with pytest.raises(InputError, match="bert-base does not write one token after another"):
        Rates("h100", shape="bert-base", serving=Served())


def test_a_size_below_the_smallest_of_its_family_is_warned_of():
    for flop, small in ((1e15, True), (1e21, False)):
        made = decide(parse_problem(law("besiroglu2024_refit"), FREE, [f"train_flop<={flop}"],
                                    rates=Rates(shape="llama-3-8b", context=2048)))
        assert any(w.code == "too_small_to_build" for w in made.warnings) == small
        assert (made.metrics["depth"] < 1.0) == small
