"""What decisions cost: against the papers' own accounts of FLOP and params, closed forms, and the devices' peaks."""

from __future__ import annotations

import numpy as np
import pytest

from lawful.cost import hardware
from lawful.errors import InputError, UnknownName
from lawful.fit import Fit, FitStatus
from lawful.laws import law
from lawful.laws.base import Region
from lawful.laws.moe import JointMoeLoss
from lawful.laws.precision import PrecisionLoss
from lawful.plan.costs.extras import Store
from lawful.plan.costs.metrics import METRICS, NEEDS
from lawful.plan.costs.rates import Rates
from lawful.plan.costs.served import Served, Trained
from lawful.plan.costs.sizes import LAYOUTS, Counting, sizes
from lawful.plan.decide import decide
from lawful.plan.problem import parse_problem

JOINT = Counting.of(law("ludziejewski2025_joint_moe"))
FINE = Counting.of(law("krajewski2024_fine_grained:moe"))
SPARSE = Counting.of(law("frantar2023_sparse:t5_c4"))


def guess(inner) -> Fit:
    """A law as if it had been fitted without doubt."""
    return Fit(inner, np.zeros((0, len(inner.names()))), FitStatus.CONVERGED, Region(),
               {"name": "none", "value": 0.0}, np.zeros(0), 0.0, 0)


def cost(rates: Rates | None = None, counting: Counting | None = None, **decision: float) -> dict[str, float]:
    found = (rates or Rates()).costs(decision, *([counting] if counting else []))
    return {name: float(value) for name, value in found.items()}


# --------------------------------------------------------------------------------------- experts

# Krajewski et al. 2024 (arXiv:2402.07871), table 2: "64 x N" with N active params, D, G, FLOP. Their N are rounded to a
# digit and their widths are whole, so that the FLOP agree to half a per cent and not to every digit.
@pytest.mark.parametrize(("active", "tokens", "granularity", "printed"), [
    (100e6, 4.37e9, 8, 2.95e18), (1e9, 28.94e9, 16, 1.93e20), (3e9, 72.90e9, 16, 1.41e21), (7e9, 137.60e9, 32, 6.46e21),
    (70e9, 941.07e9, 32, 4.16e23), (300e9, 2.96e12, 64, 5.69e24), (1e12, 7.94e12, 64, 4.97e25)])
def test_routing_of_fine_experts_costs_what_its_paper_says(active, tokens, granularity, printed):
    total = active * (8 * 64 + 4) / 12      # N = width**2 (8 E + 4) layers, of which 12 width**2 layers are active
    found = cost(counting=FINE, params=total, tokens=tokens, granularity=granularity)
    assert found["train_flop"] == pytest.approx(printed, rel=5e-3)
    assert found["active_params"] == pytest.approx(active, rel=1e-12)
    assert found["total_params"] == pytest.approx(total, rel=1e-12)
    # equation 10, written out: F = (12 d**2 6 + d E G 14) D layers with d = 64 layers
    d = (64 * active / 12) ** (1 / 3)
    assert found["train_flop"] == pytest.approx((72 * d**2 + 14 * 64 * granularity * d) * tokens * d / 64, rel=1e-12)


# Ludziejewski et al. 2025 (arXiv:2502.05172), appendix E: N_total, blocks, width, N_act, E; N_act by their equation 10.
@pytest.mark.parametrize(("width", "experts", "active", "total"), [
    (1024, 32, "321M", "5.0B"), (1792, 4, "1.3B", "3.8B"), (1664, 4, "1.1B", "3.0B"), (2304, 1, "2.7B", "2.7B"),
    (1920, 2, "1.6B", "2.6B"), (1024, 16, "321M", "2.6B"), (1792, 2, "1.3B", "2.2B"), (768, 32, "169M", "2.1B"),
    (640, 32, "118M", "1.3B"), (768, 16, "169M", "1.1B"), (1152, 4, "426M", "1.1B"), (1280, 2, "555M", "850M"),
    (1536, 1, "890M", "890M"), (512, 32, "79M", "664M"), (512, 16, "79M", "362M"), (704, 4, "142M", "289M")])
def test_all_params_follow_from_the_active_ones_as_the_joint_law_counts_them(width, experts, active, total):
    n = 2 * width * 50257 + 13 * width**3 / 64
    found = sizes({"params": np.array(n), "experts": np.array(float(experts))}, JOINT)
    for count, printed in ((n, active), (float(found.total), total)):
        scale, decimals = (1e6, 0) if printed.endswith("M") else (1e9, 1)
        assert count / scale == pytest.approx(float(printed[:-1]), abs=0.5 * 10**-decimals)
    assert float(found.total) == pytest.approx(2 * width * 50257 + (4 + 9 * experts) * width**3 / 64, rel=1e-12)


# The same paper, table 1: compute-optimal active params and tokens; its digits, and no more, follow from its table 4.
@pytest.mark.parametrize(("budget", "experts", "active", "tokens"), [
    (1e20, 1, 1.7e9, 9.7e9), (1e20, 8, 990e6, 17e9), (1e20, 32, 669e6, 24.9e9), (1e21, 4, 4.4e9, 38e9),
    (1e22, 1, 18.8e9, 88.6e9), (1e22, 32, 12.2e9, 136.9e9)])
def test_the_joint_laws_optima_are_decided_at_six_active_params_a_token(budget, experts, active, tokens):
    vary = ["params=1e7:1e12", "tokens=1e8:1e14", f"experts={experts}"]
    made = decide(parse_problem(law("ludziejewski2025_joint_moe"), vary, [f"train_flop<={budget}"]))
    assert made.decision["params"] == pytest.approx(active, rel=0.02)
    assert made.decision["tokens"] == pytest.approx(tokens, rel=0.02)
    assert any("13 are in experts" in sentence for sentence in made.assumptions)


def test_memory_holds_every_expert_and_training_pays_for_those_taken():
    one, many = (cost(counting=JOINT, params=1e9, tokens=1e10, experts=e) for e in (1, 8))
    assert one["train_flop"] == many["train_flop"] == 6e19
    assert one["memory_bytes"] == pytest.approx(2e9)
    assert many["memory_bytes"] == pytest.approx(2 * many["total_params"])
    assert many["total_params"] > 4 * many["active_params"]


def test_a_law_of_all_params_with_idle_experts_is_charged_for_those_in_use():
    counting = Counting.of(law("abnar2025_moe_sparsity"))
    found = cost(counting=counting, params=1.2e10, tokens=1e11, sparsity=0.75)
    # 8 of 12 are experts, of which a quarter is in use: N = N_a (1 + 8 / 12 (4 - 1))
    assert found["active_params"] == pytest.approx(4e9)
    assert found["total_params"] == 1.2e10


def test_two_experts_a_token_halve_what_idles():
    top2 = cost(params=1e9, tokens=1e9, experts=8, active_experts=2)
    assert top2["total_params"] == cost(params=1e9, tokens=1e9, experts=4)["total_params"]
    with pytest.raises(InputError, match="active_experts must not exceed experts, got 4 of 2"):
        cost(params=1e9, tokens=1e9, experts=2, active_experts=4)


def test_the_root_of_width_holds_over_all_sizes():
    layout = LAYOUTS["joint_moe"]
    widths = np.geomspace(8, 1e6, 50)
    active = 2 * widths * layout.vocab + layout.block * widths**3 / layout.aspect
    blocks = (layout.total(active, np.full(50, 2.0)) - active) / layout.expert
    assert blocks == pytest.approx(widths**3 / layout.aspect, rel=1e-8)


# --------------------------------------------------------------------------------------- zeros

def test_zeros_cost_like_weights_unless_the_device_skips_them_and_are_not_stored():
    dense = cost(counting=SPARSE, params=1e8, tokens=1e10, sparsity=0.75)
    assert dense["train_flop"] == pytest.approx(6 * 4e8 * 1e10)
    assert dense["memory_bytes"] == pytest.approx(2e8)
    skipped = cost(Rates(skips_zeros=True), SPARSE, params=1e8, tokens=1e10, sparsity=0.75)
    assert skipped["train_flop"] == pytest.approx(6e18)
    pruned = cost(params=4e8, tokens=1e10, density=0.25)      # params counted before pruning
    assert pruned["train_flop"] == pytest.approx(2.4e19)
    assert pruned["memory_bytes"] == pytest.approx(2e8)


@pytest.mark.parametrize("share", [{"sparsity": 1.0}, {"density": 1.5}, {"sparsity": -0.1}])
def test_a_share_beyond_all_is_refused(share):
    with pytest.raises(InputError, match="0 <= sparsity < 1"):
        cost(params=1e9, tokens=1e9, **share)


# --------------------------------------------------------------------------------------- bits

def test_bits_cost_as_kumar_counts_them():
    found = cost(params=1e9, tokens=1e10, weight_bits=8, activation_bits=8, kv_bits=8)
    assert found["bit_flop"] == pytest.approx(6 / 16 * 1e9 * 1e10 * 8)       # arXiv:2411.04330, equation 5
    assert found["train_flop"] == 6e19
    assert found["memory_bytes"] == 1e9
    assert cost(params=1e9, tokens=1e10, weight_bits=4)["bit_flop"] == 3e19, "the mean of 4 and of 16, by ratio"
    assert cost(params=1e9, tokens=1e10, weight_bits=8, post_bits=4)["memory_bytes"] == 5e8


# Kumar et al. 2024, equation 7: with one sensitivity and no offsets the best precision solves e**x = 1 + 3 x for
# x = P / gamma, whatever the compute: 7.4 bits for a gamma of 3.9.
@pytest.mark.parametrize("budget", [1e20, 1e24])
def test_the_best_precision_is_that_of_the_closed_form_and_the_same_at_every_budget(budget):
    one = {f"{name}_{x}": value for name, value in (("gamma", 3.9), ("n", 0.0)) for x in ("w", "a", "kv")}
    inner = PrecisionLoss(A=4299.0, alpha=0.4965, B=18060.0, E=2.7648, **one)
    bits = [f"{name}=2:32" for name in ("weight_bits", "activation_bits", "kv_bits")]
    made = decide(parse_problem(guess(inner), ["params=1e6:1e14", "tokens=1e8:1e16", *bits], [f"bit_flop<={budget}"]))
    x = 2.0
    for _ in range(50):
        x = np.log(1 + 3 * x)
    for name in ("weight_bits", "activation_bits", "kv_bits"):
        assert made.decision[name] == pytest.approx(3.9 * x, rel=1e-2)
    assert 7 < 3.9 * x < 8


@pytest.mark.parametrize(("device", "bits", "share"), [
    ("h100", 8, 989.4 / 1979), ("h100", 4, 989.4 / 1979), ("h100", 16, 1), ("h100", 10, 1), ("h100", 32, 2),
    ("b200", 4, 2.25 / 9), ("b200", 6, 2.25 / 4.5), ("a100", 8, 0.5), ("cpu-core", 8, 1)])
def test_hours_follow_the_devices_peak_in_few_bits(device, bits, share):
    full, few = (cost(Rates(device), params=1e9, tokens=1e10, weight_bits=b, activation_bits=b) for b in (16, bits))
    assert few["gpu_hours"] / full["gpu_hours"] == pytest.approx(share)
    for item in ("usd", "energy_kwh"):
        assert few[item] / full[item] == pytest.approx(share)


def test_the_arithmetic_may_be_linear_or_left_alone():
    asked = {"params": 1e9, "tokens": 1e10, "weight_bits": 4.0, "activation_bits": 4.0}
    full = cost(Rates("h100"), params=1e9, tokens=1e10)["gpu_hours"]
    assert cost(Rates("h100", arithmetic="linear"), **asked)["gpu_hours"] == pytest.approx(full / 4)
    assert cost(Rates("h100", arithmetic="none"), **asked)["gpu_hours"] == full
    with pytest.raises(UnknownName, match="arithmetic 'fast'"):
        Rates("h100", arithmetic="fast")


# --------------------------------------------------------------------------------------- what comes beside

# Busbridge 2025 (arXiv:2502.08606), equation 9: 3 F(N_S) D_S + F(N_T) (delta_Lgt D_S + delta_Pre 3 D_T); F = 2 N.
@pytest.mark.parametrize(("teacher", "logits", "pretraining"), [("stored", 0, 0), ("runs", 1, 0), ("trained", 1, 1)])
def test_a_teacher_costs_as_busbridge_counts_it(teacher, logits, pretraining):
    n, d, teacher_n, teacher_d = 1e9, 1e11, 7e9, 5e11
    found = cost(Rates(teacher=teacher), params=n, tokens=d, teacher_params=teacher_n, teacher_tokens=teacher_d)
    expected = 3 * 2 * n * d + 2 * teacher_n * (logits * d + pretraining * 3 * teacher_d)
    assert found["train_flop"] == pytest.approx(expected)
    assert found["total_flop"] == pytest.approx(expected)
    with pytest.raises(UnknownName, match="teacher 'free'"):
        Rates(teacher="free")


def test_frozen_weights_are_fine_tuned_at_two_thirds():
    full = cost(params=1e9, finetune_tokens=1e8)
    assert full["finetune_flop"] == full["train_flop"] == 6e17
    assert cost(params=1e9, finetune_tokens=1e8, lora_rank=8)["finetune_flop"] == pytest.approx(4e17)


def test_a_store_takes_bytes_and_an_encoders_pass():
    found = cost(params=1e9, tokens=1e10, datastore_tokens=1e12)
    assert found["store_bytes"] == pytest.approx(1e12 * (4 + 1536 / 256))
    assert found["store_flop"] == pytest.approx(2 * 110e6 * 1e12)
    assert found["train_flop"] == pytest.approx(6e19 + 2.2e20)
    with pytest.raises(InputError, match="store: text_bytes must be a positive number"):
        Store(text_bytes=0.0)


def test_streams_members_and_samples_multiply_passes():
    rates = Rates("h100", serve_tokens=1e12)
    one = cost(rates, params=1e9, tokens=1e11)
    streams = cost(rates, params=1e9, tokens=1e11, streams=4)
    assert streams["total_flop"] == pytest.approx(4 * one["total_flop"])
    assert streams["memory_bytes"] == one["memory_bytes"]
    members = cost(rates, params=1e9, tokens=1e11, members=4)
    assert members["usd"] == pytest.approx(4 * one["usd"])
    assert members["memory_bytes"] == 4 * one["memory_bytes"]
    samples = cost(rates, params=1e9, tokens=1e11, samples=10)
    assert samples["serve_usd"] == pytest.approx(10 * one["serve_usd"])
    assert samples["train_flop"] == one["train_flop"]


def test_the_vocabulary_costs_beside_non_embedding_params():
    counting = Counting.of(law("tao2024_vocabulary:approach3"))
    found = cost(counting=counting, params=1e9, tokens=1e10, vocab_size=64e3, width=2048)
    assert found["train_flop"] == pytest.approx(6 * (1e9 + 64e3 * 2048) * 1e10)


# --------------------------------------------------------------------------------------- as a whole

EVERYTHING = {"params": 1e9, "tokens": 1e11, "experts": 8, "weight_bits": 8, "activation_bits": 8,
              "teacher_params": 7e9, "finetune_tokens": 1e9, "datastore_tokens": 1e10, "samples": 4, "streams": 2}


def test_every_metric_is_described_and_arrays_give_what_numbers_give():
    rates = Rates("h100", serve_tokens=1e12, options={"devices": 8}, shape="mixtral-8x7b", serving=Served(batch=8),
                  training=Trained())
    found = cost(rates, **EVERYTHING)
    assert found.keys() == {*METRICS, "width", "depth"}
    assert NEEDS.keys() <= METRICS.keys()
    factors = np.array([1.0, 2.0, 0.5])
    many = rates.costs({name: value * (factors if name in ("params", "tokens") else np.ones(3))
                        for name, value in EVERYTHING.items()})
    for name, value in many.items():
        assert np.broadcast_to(value, 3)[0] == pytest.approx(found[name]), name
        third = cost(rates, **{**EVERYTHING, "params": 5e8, "tokens": 5e10})
        assert np.broadcast_to(value, 3)[2] == pytest.approx(third[name]), name


def test_a_metric_that_cannot_be_answered_says_what_it_needs():
    hoffmann = law("hoffmann2022_approach3")
    for metric, says in (("usd", "it needs a device"), ("bit_flop", "it needs weight_bits or"),
                         ("total_params", "it needs experts"), ("store_bytes", "it needs datastore_tokens")):
        with pytest.raises(UnknownName, match=says):
            parse_problem(hoffmann, ["params=1e9:1e12", "tokens=1e9:1e15"], [f"{metric}<=1e9"])


def test_only_what_is_decided_is_assumed():
    short = Rates().assumptions(("params", "tokens"))
    assert not any(word in " ".join(short) for word in ("experts", "teacher", "bits", "store"))
    said = " ".join(Rates().assumptions((*EVERYTHING, "lora_rank"), JOINT))
    for word in ("experts", "teacher", "bits", "store", "streams", "low-rank"):
        assert word in said
    zeros = " ".join(Rates().assumptions(("params", "tokens", "sparsity"), SPARSE))
    assert "zero cost FLOP like any other" in zeros


def test_a_fitted_form_counts_as_its_published_one():
    inner = JointMoeLoss(**law("ludziejewski2025_joint_moe").law.coefficients)
    assert Counting.of(guess(inner)).layout is JOINT.layout
    composed = law("hoffmann2022_approach3").with_(__import__("lawful.laws.modules", fromlist=["_"]).Routing.of())
    assert Counting.of(composed).layout is LAYOUTS["routed"]


def test_the_peak_of_a_device_is_what_its_table_says():
    assert hardware("h100").peaks["fp8"] == 1979e12
