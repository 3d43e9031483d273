"""Question 5: full tuning, LoRA or prompts; what they take; which model to tune."""

from __future__ import annotations

import csv
import itertools
import math

import numpy as np

from decisions import Row, data
from lawful.cost.shapes import read_config
from lawful.cost.shapes.adapters import METHODS, trained_params, tuning_memory
from lawful.laws import law
from lawful.plan.questions.tuning_sections import TASKS
from lawful.plan.tuning.model_choice import rank_models, selection_score
from lawful.plan.tuning.ways import Way, half_unit

TITLE = "Full tuning, LoRA or prompts, and on which model"

ZHANG, HU, LIN = "arXiv:2402.17193", "arXiv:2106.09685", "arXiv:2402.02314"

# Zhang et al., table 5: H and gamma of the data at which two ways are as far apart as their floors, over model size.
TABLE_5 = (
    ("en_de", "full", "prompt", "3.7e14", "-1.2"), ("en_de", "full", "lora", "2e24", "-2.4"),
    ("en_de", "prompt", "lora", "1.6e-9", "1.5"), ("en_zh", "full", "prompt", "6.1e4", "-0.12"),
    ("en_zh", "full", "lora", "1.6e6", "-0.3"), ("en_zh", "prompt", "lora", "1.8e-11", "1.9"),
    ("mlsum", "full", "prompt", "3.6e18", "-2.1"), ("mlsum", "full", "lora", "1.2e17", "-1.8"),
    ("mlsum", "prompt", "lora", "0.00045", "2.3"),
)
SLIP = "the two tables do not agree here: table 4's digits leave {}"


def rows() -> list[Row]:
    return [*by_data(), *adapters(), *table_5(), *which_model()]


def by_data() -> list[Row]:
    """The paper's advice for few and for many examples, of its 1B models."""
    said = {8e3: "PET", 1e6: "full tuning"}
    return [Row(f"1B params, {examples:,.0f} examples: the way that loses least over the three tasks",
                f"{ZHANG}, section 5", printed, least_lost(examples)) for examples, printed in said.items()]


def least_lost(examples: float) -> str:
    """Full tuning or PET, by the mean loss over the best of each task."""
    lost = dict.fromkeys(METHODS, 0.0)
    for task in TASKS:
        losses = {m: float(way(task, m).outcome(examples)) for m in METHODS}
        for m in METHODS:
            lost[m] += losses[m] / min(losses.values()) - 1.0
    return "full tuning" if min(lost, key=lambda m: lost[m]) == "full" else "PET"


def way(task: str, method: str) -> Way:
    return Way(method, law(f"zhang2024_finetuning:{task}_{method}"), {"params": 1e9})


def adapters() -> list[Row]:
    """LoRA on the queries and values of GPT-3."""
    gpt3 = read_config({"model_type": "gpt2", "n_embd": 12288, "n_layer": 96, "n_head": 96, "n_positions": 2048,
                        "vocab_size": 50257, "torch_dtype": "float16"}, "gpt-3")
    targets = ("query", "value")
    held = tuning_memory(gpt3, "lora", rank=4, targets=targets, precision="fp16", context=1).items["weights"]
    return [
        Row("GPT-3, LoRA of rank 1 on queries and values: trained params", f"{HU}, table 4", "4.7",
            trained_params(gpt3, "lora", rank=1, targets=targets) / 1e6, "M"),
        Row("the same at rank 8", f"{HU}, table 4", "37.7", trained_params(gpt3, "lora", rank=8, targets=targets) / 1e6,
            "M"),
        Row("GPT-3, LoRA: memory in training", f"{HU}, section 4.2", "350", held / 1e9, "GB", 0.005,
            "the frozen weights in 16 bits, of which there are 175.2B by the shape"),
    ]


def table_5() -> list[Row]:
    """H and gamma from the two digits that table 4 prints of every coefficient."""
    found = []
    for task, one, other, height, gamma in TABLE_5:
        coefficients = [law(f"zhang2024_finetuning:{task}_{m}").law.coefficients for m in (one, other)]
        centre = [derived(*coefficients)]
        box = [derived(a, b) for a, b in itertools.product(*(corners(c) for c in coefficients))]
        for what, printed, i in (("H", height, 0), ("gamma", gamma, 1)):
            values = [value[i] for value in box]
            low, high = min(values), max(values)
            inside = low - half_unit(float(printed)) <= float(printed) <= high + half_unit(float(printed))
            span = f"{low:.2g} to {high:.2g}"
            note = f"table 4's digits leave {span}" if inside else SLIP.format(span)
            within = max(abs(v / float(printed) - 1.0) for v in (low, high))
            found.append(Row(f"{task}, {one} against {other}, by model size: {what}", f"{ZHANG}, table 5", printed,
                             centre[0][i], "", within, note, not inside))
    return found


def derived(one: dict[str, float], other: dict[str, float]) -> tuple[float, float]:
    """H and gamma, equation 3."""
    beta = one["beta"] - other["beta"]
    return math.exp(math.log(one["A"] / other["A"]) / beta), (other["alpha"] - one["alpha"]) / beta


def corners(coefficients: dict[str, float]) -> list[dict[str, float]]:
    """The coefficients at either end of what their digits leave open."""
    names = ("A", "alpha", "beta")
    ends = [(coefficients[n] - half_unit(coefficients[n]), coefficients[n] + half_unit(coefficients[n])) for n in names]
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*ends)]


def which_model() -> list[Row]:
    """The 30 models on FLAN from 1/8 of the data."""
    file = data("rectified-finetuning/curves.csv")
    if file is None:
        return []
    curves: dict[str, dict[float, float]] = {}
    with open(file, newline="", encoding="utf-8") as text:
        for r in csv.DictReader(text):
            if float(r["D_sft"]) > 0:
                curves.setdefault(r["model"], {})[float(r["D_sft"])] = float(r["loss"])
    full = max(max(c) for c in curves.values())
    few = {m: np.array([p for p in sorted(c.items()) if p[0] <= full / 8]).T for m, c in curves.items()}
    ranked = rank_models({m: (x, y) for m, (x, y) in few.items()}, full)
    found = selection_score(ranked, {m: c[full] for m, c in curves.items()})
    return [Row("FLAN, 30 models from 1/8 of the data: correlation of forecast and truth", LIN, "90.9",
                100 * found["correlation"], "%", 0.01, "accept, then stop, with thresholds of our own")]
