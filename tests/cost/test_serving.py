"""Serving: the roofline by hand, what batching and experts do, efficiencies recovered, and measured latencies."""

from __future__ import annotations

import csv
from itertools import groupby

import numpy as np
import pytest

from conftest import shared
from lawful.cost import Efficiency, hardware, serve
from lawful.cost.measured import fit_efficiency
from lawful.cost.serving import prefill_work, step_work
from lawful.cost.shapes import model, read_config
from lawful.errors import InputError

IDEAL = Efficiency(1.0, 1.0, 0.0, 1.0)


def test_one_sequence_waits_for_the_weights():
    """7,504,658,432 weights of Llama 3 8B are multiplied (no embedding, no norm), 131,072 bytes are cached a token."""
    found = serve(model("llama-3-8b"), "h100", prompt=1000, output=2, efficiency=IDEAL)
    assert found.bound == "memory"
    assert found.step_s == pytest.approx((2 * 7_504_658_432 + 1001 * 131_072) / 3.35e12)


def test_a_large_batch_waits_for_compute():
    found = serve(model("llama-3-8b"), "h100", batch=4096, prompt=1, output=1, efficiency=IDEAL)
    assert found.bound == "compute"
    assert found.step_s == pytest.approx(4096 * (2 * 7_504_658_432 + 4 * 4096 * 32 * 1.5) / 989.4e12)


def test_batches_make_tokens_cheaper_and_answers_later():
    few, many = (serve(model("llama-3-8b"), "h100", batch=b) for b in (1, 64))
    assert many.usd_per_million_tokens < few.usd_per_million_tokens / 10
    assert many.ttft_s > few.ttft_s
    assert many.step_s > few.step_s


def test_experts_that_a_batch_is_expected_to_choose_are_read():
    experts = model("mixtral-8x7b").params().groups["experts"]
    dense = model("mixtral-8x7b").params().total - experts - 32000 * 4096 - 65 * 4096
    for batch, share in ((1, 2 / 8), (4, 1 - (6 / 8) ** 4), (10_000, 1.0)):
        _, size = step_work(model("mixtral-8x7b"), batch, 0, "bf16", "bf16")
        assert size == pytest.approx(2 * (dense + share * experts))


def test_samples_share_one_reading_of_the_prompt():
    one, ten = (serve(model("llama-3-8b"), "h100", samples=n) for n in (1, 10))
    assert ten.ttft_s == one.ttft_s
    assert ten.memory_bytes > one.memory_bytes
    assert ten.request_s < 2 * one.request_s
    apart = serve(model("llama-3-8b"), "h100", batch=10)
    assert ten.usd_per_million_tokens < apart.usd_per_million_tokens


def test_fewer_bits_halve_what_is_read_and_a_scan_has_no_growing_cache():
    half = serve(model("llama-3-8b"), "h100", precision="fp8", efficiency=IDEAL).step_s
    whole = serve(model("llama-3-8b"), "h100", efficiency=IDEAL).step_s
    assert 0.5 < half / whole < 0.52
    short, long = (serve(model("mamba-2.8b"), "h100", prompt=n) for n in (10, 100_000))
    assert short.step_s == long.step_s


def test_what_does_not_fit_is_said_and_devices_share():
    alone, shared_ = (serve(model("llama-3-70b"), "h100", devices=n) for n in (1, 4))
    assert not alone.fits
    assert shared_.fits
    assert alone.step_s > shared_.step_s > alone.step_s / 4


def test_energy_and_price_follow_from_the_rate():
    found = serve(model("gpt2"), "a100", usd_per_hour=3.6, pue=1.2)
    assert found.usd_per_million_tokens == pytest.approx(1e6 * 0.001 / found.tokens_per_second)
    assert found.joule_per_token == pytest.approx(400 * 1.2 / found.tokens_per_second)
    assert serve(model("gpt2"), "tpu-v5p").joule_per_token is None


@pytest.mark.parametrize(("options", "says"), [
    ({"batch": 0}, "positive number of batch"), ({"prompt": 1.5}, "whole number"), ({"devices": -1}, "positive")])
def test_bad_sizes_are_named(options, says):
    with pytest.raises(InputError, match=says):
        serve(model("gpt2"), "h100", **options)


def test_a_share_is_at_most_one():
    with pytest.raises(InputError, match="above 0 and at most 1"):
        Efficiency(compute=1.5)


@pytest.mark.parametrize("name", ["bert-base", "vit-b-16", "t5-base"])
def test_only_decoders_are_served(name):
    with pytest.raises(InputError, match="only decoders"):
        serve(model(name), "h100")


# --------------------------------------------------------------------------------------- measured

def roofline(work, reached):
    on = hardware("h100")
    return max(work[0] / (on.peak_flop_per_second * reached.compute),
               work[1] / (on.bandwidth_bytes_per_second * reached.memory)) + reached.overhead_s


def test_efficiencies_are_recovered_from_times_that_follow_the_roofline():
    true = Efficiency(0.31, 0.62, 0.0008)
    work = [step_work(model("llama-3-8b"), b, n, "bf16", "bf16") for b in (1, 16, 256, 1024) for n in (1, 512, 4096)]
    noise = np.exp(0.02 * np.random.default_rng(3).standard_normal(len(work)))
    found = fit_efficiency(work, [roofline(w, true) * e for w, e in zip(work, noise, strict=True)], "h100")
    for name in ("compute", "memory"):
        low, high = found.intervals[name]
        assert low * 0.97 <= getattr(true, name) <= high * 1.03
        assert getattr(found.efficiency, name) == pytest.approx(getattr(true, name), rel=0.05)
    assert found.error < 0.04


def test_too_few_steps_or_a_bad_time_are_refused():
    with pytest.raises(InputError, match="at least 8"):
        fit_efficiency([(1.0, 1.0)] * 3, [1.0] * 3, "h100")
    with pytest.raises(InputError, match="positive number of seconds"):
        fit_efficiency([(1.0, 1.0)] * 9, [1.0] * 8 + [0.0], "h100")


def test_measured_prefills_follow_a_roofline_fitted_to_smaller_ones():
    """Public latencies (arXiv:2510.02228): the larger half of the work, from efficiencies of the smaller half."""
    with open(shared("inference-latency/latency.csv"), newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["ttft_ms"] and int(row["prefill"])]
    for size, group in groupby(rows, key=lambda row: row["size"]):
        runs = list(group)
        shape = read_config({
            "model_type": "llama", "hidden_size": int(float(runs[0]["d_model"])), "vocab_size": 50304,
            "num_hidden_layers": int(float(runs[0]["layers"])), "num_attention_heads": int(float(runs[0]["heads"])),
            "intermediate_size": int(float(runs[0]["d_ff"]))}, size)
        work = [prefill_work(shape, int(row["batch"]), int(row["prefill"]), "bf16") for row in runs]
        times = np.array([float(row["ttft_ms"]) / 1e3 for row in runs])
        order = np.argsort([f for f, _ in work])
        below, above = np.array_split(order, 2)
        found = fit_efficiency([work[i] for i in below], times[below], "h100", resamples=1)
        off = [abs(np.log(roofline(work[i], found.efficiency) / times[i])) for i in above]
        assert np.median(off) < 0.25, size
        assert found.efficiency.compute <= 1
