"""Figures of plans, drawn by ``docs/figures.py``: from the simulated runs of ``docs/examples`` and a published law."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from lawful.fit import fit
from lawful.laws import law
from lawful.plan.costs import Rates
from lawful.plan.decide import decide
from lawful.plan.explaining.attribution import attribute
from lawful.plan.frontier import frontier
from lawful.plan.problem import parse_problem
from lawful.store import read_runs

RUNS = Path(__file__).parent / "examples" / "runs.csv"
INK, BAND, MARK = "#1f2933", "#9fb3c8", "#b4531f"
PARTS = ("#334e68", "#627d98", "#b4531f")
SIZES = "params=1e8:1e14", "tokens=1e9:1e15"


def memory_frontier() -> plt.Figure:
    """Loss against memory in serving for one budget: the plans of the frontier with intervals, and the best's ties."""
    problem = parse_problem(fit("chinchilla", read_runs(str(RUNS))), ["params=1e9:4e9", "tokens=1e9:1e14"],
                            ["train_flop<=1e21"], "loss,memory_bytes")
    found = frontier(problem)
    memory = np.array([plan.metrics["memory_bytes"] for plan in found.plans]) / 1e9
    spread = [plan.forecast for plan in found.plans]
    tied = np.isin(np.arange(len(memory)), (0, *found.ties[0]))
    figure, axes = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    axes.vlines(memory, [i.low for i in spread], [i.high for i in spread], color=BAND, linewidth=2.4,
                label="90 % interval of the loss")
    for some, face, label in ((tied, MARK, "not told from the best loss"), (~tied, "white", "told from it")):
        axes.plot(memory[some], [i.value for i, one in zip(spread, some, strict=True) if one], "o", color=INK,
                  markerfacecolor=face, markersize=5, label=label)
    axes.set(xscale="log", xlabel="memory of the weights in serving [GB]", ylabel="loss [nats/token]",
             title="1e21 FLOP: no plan is better in both")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xticks([2, 2.5, 3, 3.5], minor=False)
    axes.minorticks_off()
    axes.legend(frameon=False, fontsize=8)
    return figure


def served() -> plt.Figure:
    """Loss against size for one sum of money, for training alone and with tokens served, and the best of each."""
    figure, axes = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    entry, usd, params = law("besiroglu2024_refit"), 50e3, np.geomspace(4e8, 8e10, 200)
    for demand, colour, label, aside in ((0.0, PARTS[0], "training alone", (-48, -14)),
                                         (1e12, PARTS[1], "and 1T tokens served", (46, -3)),
                                         (5e12, PARTS[2], "and 5T tokens served", (24, -3))):
        rates = Rates("h100", serve_tokens=demand)
        tokens = affordable(rates, params, usd)
        paid = tokens > 1e9
        loss = entry(params=params[paid], tokens=tokens[paid])
        axes.plot(params[paid], loss, color=colour, linewidth=1.4, label=label)
        best = decide(parse_problem(entry, SIZES, [f"usd<={usd}"], rates=rates))
        at = best.decision["params"], best.metrics["loss"]
        axes.plot(*at, "D", color=colour, markersize=5)
        axes.annotate(f"{at[0] / 1e9:.1f}B on {best.decision['tokens'] / 1e9:,.0f}B tokens", at, fontsize=8,
                      color=colour, xytext=aside, textcoords="offset points")
    axes.set(xscale="log", xlabel="params", ylabel="loss [nats/token]", ylim=(2.05, 2.65),
             title="50,000 dollars of H100 hours, by besiroglu2024_refit")
    axes.legend(frameon=False, fontsize=8, loc="upper right")
    return figure


def affordable(rates: Rates, params: np.ndarray, usd: float) -> np.ndarray:
    """Tokens of training that are paid for beside what is served, for each size: the bill is linear in them."""
    first, second = (rates.costs({"params": params, "tokens": tokens})["usd"] for tokens in (1e9, 2e9))
    return 1e9 + 1e9 * (usd - first) / (second - first)


def explained() -> plt.Figure:
    """Whose doubt the doubt about a plan is, and what a change of the loss is owed to."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.4), layout="constrained")
    made = decide(parse_problem(fit("chinchilla", read_runs(str(RUNS))), SIZES, ["train_flop<=1e22"]))
    doubts = made.sensitivity.variance
    shares = {term: [100 * (doubts[name].terms[term].shapley or 0.0) for name in ("loss", "params")]
              for term in doubts["loss"].terms}
    stack(left, shares, ("doubt about\nthe loss", "doubt about\nthe size"), "{:.0f} %")
    left.set(xlabel="share of the variance [%]", title="Whose doubt a plan's doubt is")
    small = {"params": 1e9, "tokens": 2e10, "unique_tokens": 1e10}
    large = {"params": 7e9, "tokens": 1e12, "unique_tokens": 5e10}
    splits = [attribute(law("muennighoff2023_data_constrained"), small, large, method=method).parts
              for method in ("shapley", "path")]
    stack(right, {name: [-parts[name].value for parts in splits] for name in small}, ("shapley", "path"), "{:.3f}")
    right.set(xlabel="loss gained [nats/token]", title="What a change is owed to")
    return figure


def stack(axes: plt.Axes, parts: dict[str, list[float]], rows: tuple[str, ...], form: str) -> None:
    """A bar for each row, of the parts end to end, each with its value."""
    places, reached = -np.arange(len(rows), dtype=float), np.zeros(len(rows))
    for (name, values), colour in zip(parts.items(), PARTS, strict=False):
        bars = axes.barh(places, values, left=reached, height=0.5, color=colour, label=name)
        axes.bar_label(bars, [form.format(v) for v in values], label_type="center", fontsize=8, color="white")
        reached += values
    axes.set_yticks(places, rows)
    axes.set_ylim(places[-1] - 0.45, 0.45)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.legend(frameon=False, fontsize=8, ncols=len(parts), loc="upper center", bbox_to_anchor=(0.5, -0.22))
