"""Question 4: which model, and how many samples."""

from __future__ import annotations

import csv

import numpy as np

from decisions import Row, data
from lawful.laws import law
from lawful.plan.sampling.choosing import Choice, Sampler, choices
from lawful.plan.sampling.coverage import pass_by_problem

TITLE = "How many samples of which model"

BROWN = "arXiv:2407.21787"
ISSUES = 300   # of SWE-bench Lite


def rows() -> list[Row]:
    return [*prices(), *counts()]


def prices() -> list[Row]:
    """Table 1 of Brown et al.: prices of an attempt as printed, the curve of the catalogue."""
    curve = law("brown2024_coverage:swe_bench_lite")
    samplers = [Sampler("DeepSeek-Coder-V2-Instruct", lambda k: curve(samples=k), 0.0072, most=250),
                Sampler("GPT-4o", lambda k: 0.24 + 0.0 * np.asarray(k), 0.13, most=1),
                Sampler("Claude 3.5 Sonnet", lambda k: 0.267 + 0.0 * np.asarray(k), 0.17, most=1)]
    found = choices(samplers, target=0.267)
    best, claude = found
    gpt = next(c for c in choices(samplers, target=0.24) if c.sampler.name == "GPT-4o")
    five = float(curve(samples=5))
    where = f"{BROWN}, table 1"
    return [
        Row("SWE-bench Lite, to solve what Claude 3.5 Sonnet solves at once: the model", where,
            "DeepSeek-Coder-V2-Instruct", best.sampler.name),
        Row("the same: attempts", where, "5", float(best.samples)),
        Row("the same: solved", where, "29.62", 100 * five, "%", 0.1,
            "the catalogue's curve goes through the two values of the abstract, at 1 and 250 attempts"),
        Row("the same: cost of all issues", where, "10.8", total(best), "US dollars"),
        Row("one attempt of GPT-4o: cost over that", where, "3.6", total(gpt) / total(best), "x"),
        Row("one attempt of Claude 3.5 Sonnet: cost over that", where, "4.7", total(claude) / total(best), "x"),
    ]


def total(choice: Choice) -> float:
    """What all issues cost."""
    return ISSUES * choice.price


def counts() -> list[Row]:
    """Section 2.2 of Brown et al. from the public counts."""
    file = data("repeated-sampling-math/problems.csv")
    if file is None:
        return []
    with open(file, newline="", encoding="utf-8") as text:
        mine = [r for r in csv.DictReader(text) if r["model"] == "Pythia 160M"]
    n, c = ([int(r[name]) for r in mine] for name in ("n_samples", "n_correct"))
    one, all_ = 100 * pass_by_problem(n, c, [1, 10_000]).mean(axis=1)
    where = f"{BROWN}, section 2.2"
    return [Row("Pythia-160M on MATH, from its public counts: solved with one sample", where, "0.27", float(one), "%"),
            Row("the same with 10,000", where, "57", float(all_), "%")]
