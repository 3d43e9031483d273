"""Question 6: experts, zeros and teachers, under limits of compute and memory."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np

from decisions import Row
from lawful.laws import law
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import Decision, best_metrics, decide
from lawful.plan.gains.variants import best_share, experts, fine_grained, held, problem_of
from lawful.plan.gains.weighing import Way, least, weigh, worth_in_params
from lawful.plan.problem import Constraint, Problem, Variable

TITLE = "Experts, zeros and teachers"

FREE = Rates()
KRAJEWSKI, LUDZIEJEWSKI, BUSBRIDGE = "arXiv:2402.07871", "arXiv:2502.05172", "arXiv:2502.08606"


def rows() -> list[Row]:
    return [*krajewski(), *ludziejewski(), *clark(), *abnar(), *frantar(), *busbridge()]


# ---------------------------------------------------------------------------------- Krajewski et al. 2024

TABLE_2 = (("100", "4.37", "8", 2.95e18, "3.133"), ("1000", "28.94", "16", 1.93e20, "2.491"),
           ("3000", "72.90", "16", 1.41e21, "2.245"), ("7000", "137.60", "32", 6.46e21, "2.076"),
           ("70000", "941.07", "32", 4.16e23, "1.694"), ("300000", "2960", "64", 5.69e24, "1.503"),
           ("1000000", "7940", "64", 4.97e25, "1.367"))
"""Active params [millions], tokens [billions], granularity, FLOP, loss. The paper writes 64 x active params for N."""

ROUNDED = "the law's constants are printed to two or three digits"


def krajewski() -> list[Row]:
    """The compute-optimal size, tokens and granularity, routing paid for; what that is worth in dense compute."""
    found = []
    for active, tokens, granularity, flop, loss in TABLE_2:
        limit = (Constraint("train_flop", "<=", flop),)
        made = decide(fine_grained(limit, FREE, [2.0**k for k in range(9)]).problem).metrics
        at, where = f"64 experts, {flop:.3g} FLOP", f"{KRAJEWSKI}, table 2"
        found += [
            Row(f"{at}: granularity", where, granularity, made["granularity"]),
            Row(f"{at}: active params", where, active, made["active_params"] / 1e6, "M params", 0.04, ROUNDED),
            Row(f"{at}: tokens", where, tokens, made["tokens"] / 1e9, "B tokens", 0.03, ROUNDED),
            Row(f"{at}: loss", where, loss, made["loss"], "nats/token", 0.01,
                "half a unit of the last digit of the exponents moves the loss at 3e18 FLOP by 0.03"),
        ]
    for flop, printed, within, note in (
            (1e20, "20", 0.07, ROUNDED),
            (1e25, "40", 0.25, "half a unit of the last digit of the dense law's exponents makes it 25 to 40")):
        way = fine_grained((Constraint("train_flop", "<=", flop),), FREE, [2.0**k for k in range(9)])
        found.append(Row(f"dense compute for the loss of 64 experts at {flop:.0e} FLOP", f"{KRAJEWSKI}, figure 1",
                         printed, weigh(way).factor, "times", within, note))
    return found


# ------------------------------------------------------------------------------- Ludziejewski et al. 2025

TABLE_1 = {1e20: (("1.7", "9.7"), ("1.5", "11.4"), ("1.2", "13.9"), ("0.990", "17"), ("0.810", "20.7"),
                  ("0.669", "24.9")),
           1e21: (("5.7", "29.3"), ("5", "33"), ("4.4", "38"), ("3.8", "44.3"), ("3.3", "51.2"), ("2.85", "58.4")),
           1e22: (("18.8", "88.6"), ("17.4", "96"), ("15.8", "105.4"), ("14.4", "115.8"), ("13.2", "126.5"),
                  ("12.2", "136.9"))}
"""Active params and tokens [billions] for 1, 2, 4, 8, 16 and 32 experts, by compute."""

TABLE_2_MEMORY = {1e21: ("16", "32", "32"), 1e22: ("4", "16", "32"), 1e23: ("1", "8", "32"), 1e24: ("1", "1", "16")}
"""The best number of experts in 24, 80 and 640 GB with a cache of 16k tokens; 32 stands for "32 or more"."""

DIGITS = "of the constants printed twice, tables 3 and 4, the one set or the other moves it by 1 %"

CACHED, VOCABULARY, ASPECT = 16384.0, 50257.0, 64.0
"""Tokens in the cache, entries of the vocabulary, width over depth: the paper's, appendix A."""


def ludziejewski() -> list[Row]:
    """Compute-optimal active params and tokens by experts; the best experts in a given memory; the rule of thumb."""
    found = []
    for flop, table in TABLE_1.items():
        for count, (params, tokens) in zip((1, 2, 4, 8, 16, 32), table, strict=True):
            made = decide(experts((Constraint("train_flop", "<=", flop),), FREE, [float(count)]).problem).decision
            at = f"{count} expert{'s' * (count > 1)}, {flop:.0e} FLOP"
            found += [Row(f"{at}: active params", f"{LUDZIEJEWSKI}, table 1", params, made["params"] / 1e9, "B params",
                          0.015, DIGITS),
                      Row(f"{at}: tokens", f"{LUDZIEJEWSKI}, table 1", tokens, made["tokens"] / 1e9, "B tokens",
                          0.015, DIGITS)]
    for flop, best in TABLE_2_MEMORY.items():
        for memory, printed in zip((24e9, 80e9, 640e9), best, strict=True):
            loss = {count: in_memory(flop, count, memory) for count in (1, 2, 4, 8, 16, 32)}
            ours = min(loss, key=lambda count: loss[count])
            note = f"printed against ours: losses {loss[int(printed)]:.3f} and {loss[ours]:.3f}, a flat optimum"
            found.append(Row(f"experts in {memory / 1e9:g} GB at {flop:.0e} FLOP", f"{LUDZIEJEWSKI}, table 2",
                             printed, ours, "", 1.0, note))
    return [*found, *rule_of_thumb()]


def in_memory(flop: float, count: int, memory: float) -> float:
    """The best loss of ``count`` experts whose weights and cache in 16 bits fit into ``memory`` bytes.

    The cache is 2 T x depth x width, as the paper counts it, which is no metric of a plan without a shape: width is
    looked for where weights and cache fill the memory.
    """
    joint = law("ludziejewski2025_joint_moe")
    low, high = 64.0, 1e6
    for _ in range(80):
        width = math.sqrt(low * high)
        square = width**3 / ASPECT
        held_bytes = 2 * (2 * width * VOCABULARY + (4 + 9 * count) * square) + 2 * 2 * CACHED * width**2 / ASPECT
        low, high = (width, high) if held_bytes < memory else (low, width)
    most = 2 * low * VOCABULARY + 13 * low**3 / ASPECT
    found = best_metrics(problem_of(joint, (Constraint("train_flop", "<=", flop), Constraint("params", "<=", most)),
                                    FREE, held("experts", float(count))))
    assert found is not None
    return found["loss"]


def rule_of_thumb() -> list[Row]:
    """1.1B params in all: experts on as many times more tokens against the dense model on 8B."""
    joint = law("ludziejewski2025_joint_moe")
    dense = float(joint(params=1.1e9, tokens=8e9, experts=1))
    found = []
    for count, fewer in ((2, "36"), (4, "61")):
        made = decide(problem_of(joint, (Constraint("total_params", "<=", 1.1e9),), FREE,
                                 held("experts", float(count)), held("tokens", 8e9 * count)))
        better = "lower loss" if made.metrics["loss"] < dense else "higher loss"
        found += [Row(f"{count} experts, 1.1B params in all, {8 * count}B tokens, against dense on 8B",
                      f"{LUDZIEJEWSKI}, rule of thumb", "lower loss", better),
                  Row(f"{count} experts, 1.1B params in all: FLOP a token saved", f"{LUDZIEJEWSKI}, section 4.4", fewer,
                      100 * (1 - made.metrics["active_params"] / 1.1e9), "%", 0.02,
                      "the paper's models are of whole layers: 709M and 426M of 1.1B active")]
    matched = decide(problem_of(joint, (Constraint("total_params", "<=", 1e9), Constraint("train_flop", "<=", 6e19)),
                                FREE, held("experts", 16.0))).metrics
    where = f"{LUDZIEJEWSKI}, appendix C"
    return [*found,
            Row("16 experts matching 1B dense on 10B tokens: active params", where, "155", matched["params"] / 1e6,
                "M params", 0.02, "the paper's model is of whole layers"),
            Row("the same: tokens", where, "64", matched["tokens"] / 1e9, "B tokens", 0.02,
                "the paper's model is of whole layers")]


# ------------------------------------------------------------------------ Clark, Abnar and Frantar et al.

def clark() -> list[Row]:
    """The dense size that a routed model is worth, and where routing stops helping."""
    routed = law("clark2022_routed:s_base")
    made = problem_of(routed, (), FREE, held("params", 5e6), held("experts", 128.0))
    loss = float(routed(params=5e6, experts=128.0))
    worth = least(replace(made, variables=(Variable("params", 1e6, 1e12), held("experts", 1.0))), "params", loss)
    c = routed.law.coefficients
    return [
        Row("5M params with 128 experts: as a dense model of", "arXiv:2202.01169, effective parameters", "55",
            worth / 1e6, "M params", 0.07, "constants printed to three decimals"),
        Row("params beyond which routing stops helping, S-BASE", "arXiv:2202.01169, table 3", "937",
            10 ** (-c["b"] / c["c"]) / 1e9, "B params", 0.07, "10**(-b / c) of constants printed to three decimals"),
    ]


def abnar() -> list[Row]:
    """At fixed compute the best share of idle experts grows with all params, towards 1."""
    found = []
    for flop in (3e19, 1e20, 1e21):
        best = [decide(problem_of(law("abnar2025_moe_sparsity"), (Constraint("train_flop", "<=", flop),), FREE,
                                  held("params", size), Variable("sparsity", 0.0, 0.999))).decision["sparsity"]
                for size in (3e8, 1e9, 3e9, 1e10, 3e10)]
        grows = all(a < b for a, b in pairwise(best)) and best[-1] > 0.95
        found.append(Row(f"best share of idle experts as params grow from 0.3B to 30B at {flop:.0e} FLOP",
                         "arXiv:2501.12370, section 3", "grows towards 1", "grows towards 1" if grows else str(best)))
    return found


def frantar() -> list[Row]:
    """What zeros are worth, and the best share of them beside the closed form."""
    sparse = law("frantar2023_sparse:t5_c4")
    tokens, size = held("tokens", 1e10), held("params", 2e7)
    way = Way("sparse", problem_of(sparse, (), FREE, size, tokens, held("sparsity", 0.75)),
              problem_of(sparse, (), FREE, Variable("params", 1e6, 1e10), tokens, held("sparsity", 0.0)))
    longer = [best_share(sparse, 1e7, flop) for flop in (1e17, 1e18, 1e19, 1e20)]
    grows = all(a < b for a, b in pairwise(longer))
    return [
        Row("T5 with 75 % zeros: as a dense model of so many times its non-zero params", "arXiv:2309.08520, table 2",
            "2.16", worth_in_params(weigh(way)) / 2e7, "times"),
        Row("best share of zeros in 10M non-zero params as training grows longer", "arXiv:2309.08520, section 3.2",
            "grows", "grows" if grows else str(longer)),
    ]


# ---------------------------------------------------------------------------------- Busbridge et al. 2025

SIZES = (3e8, 1e9, 3e9, 1e10)
"""The students of figures 8 and 9."""


def busbridge() -> list[Row]:
    """When a teacher pays, how its cost is divided, and how a student's optimum grows."""
    a, b = law("busbridge2025_distillation:supervised").law.allocation_exponents()
    c = law("busbridge2025_distillation").law.coefficients
    student = c["b1"] / (c["a1"] + c["b1"])
    note, where = "from exponents printed to three decimals", f"{BUSBRIDGE}, table 6"
    found = [
        Row("without a teacher: exponent of params in compute", where, "0.513", float(a), "", 0.002, note),
        Row("without a teacher: exponent of tokens in compute", where, "0.486", float(b), "", 0.002, note),
        Row("of the student's share of the loss: exponent of params", where, "0.664", student, "", 0.002, note),
        Row("of the student's share of the loss: exponent of tokens", where, "0.335", 1 - student, "", 0.002, note),
    ]
    for size in SIZES:
        verdicts = {without_teacher(size, flop) for flop in (1e21, 1e22, 1e23, 1e24, 1e25)}
        found.append(Row(f"student of {size / 1e9:g}B, a teacher trained for it alone, 1e21 to 1e25 FLOP",
                         f"{BUSBRIDGE}, section 5.3", "train it without one", " or ".join(sorted(verdicts))))
    crossing = [crosses(size) for size in SIZES[1:]]
    grows = all(low < high for low, high in pairwise(crossing))
    found.append(Row("compute up to which the best teacher, paid for by others, pays: from 1B to 10B",
                     f"{BUSBRIDGE}, section 5.3", "grows", "grows" if grows else str(crossing), note=(
                         f"{crossing[0]:.1e} to {crossing[-1]:.1e} FLOP; for 0.3B it is {crosses(SIZES[0]):.1e}, where "
                         "the two have been within 0.003 of one another since 1e22")))
    for size, flop, printed in ((1e9, 1e21, "teacher's training"), (3e9, 1e21, "teacher's training"),
                                (1e9, 1e25, "student, teacher's outputs"),
                                (1e10, 1e25, "student, teacher's outputs, teacher's training")):
        found.append(Row(f"student of {size / 1e9:g}B, {flop:.0e} FLOP: what takes most of the compute",
                         f"{BUSBRIDGE}, table 3", printed, shares(decide(paid(size, flop)[0]))))
    return found


def paid(size: float, flop: float) -> tuple[Problem, Problem]:
    """A student of ``size`` and its teacher, all paid for, and the same without one, at ``flop``."""
    limit, student = (Constraint("train_flop", "<=", flop),), held("params", size)
    teacher = (Variable("teacher_params", 1e8, 1e12), Variable("teacher_tokens", 1e9, 1e14))
    return (problem_of(law("busbridge2025_distillation:taught"), limit, Rates(teacher="trained"), student, *teacher),
            problem_of(law("busbridge2025_distillation:supervised"), limit, FREE, student))


def without_teacher(size: float, flop: float) -> str:
    """What is better for one student: to train it without a teacher, or to train a teacher first."""
    student, own = map(best_metrics, paid(size, flop))
    assert own is not None
    assert student is not None
    return "train it without one" if own["loss"] <= student["loss"] else "train a teacher"


def crosses(size: float) -> float:
    """The compute at which the student without a teacher reaches the student of the best one, on as many tokens."""
    alone, student = law("busbridge2025_distillation:supervised"), law("busbridge2025_distillation")
    losses = np.linspace(1.2, 4.0, 5601)
    low, high = math.log(1e19), math.log(1e28)
    for _ in range(60):
        middle = 0.5 * (low + high)
        tokens = math.exp(middle) / (6 * size)
        best = float(np.min(student(params=size, tokens=tokens, teacher_loss=losses)))
        low, high = (middle, high) if best < float(alone(params=size, tokens=tokens)) else (low, middle)
    return math.exp(low)


def shares(made: Decision) -> str:
    """The parts that take more than a fifth of the compute where none takes half, else the one or two that lead."""
    metrics = made.metrics
    trained = 6.0 * metrics["teacher_params"] * metrics["teacher_tokens"]
    parts = {"student": metrics["train_flop"] - metrics["teacher_flop"],
             "teacher's outputs": metrics["teacher_flop"] - trained, "teacher's training": trained}
    total = sum(parts.values())
    leading = [name for name, flop in parts.items() if flop > 0.5 * total and name == "teacher's training"]
    return ", ".join(leading or [name for name, flop in parts.items() if flop > 0.2 * total])
