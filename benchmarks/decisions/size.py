"""Question 1: how large a model, and on how many tokens; what serving changes; how far over-training was foreseen.

Where the figures were read: tables 3 and A3 of Hoffmann et al. in the text of the paper; the first figures of Sardana
et al. in the README of the authors' repository, with the settings beside them, the rest in two sets of reading notes
that agree; those of Gadre et al. in the authors' notebook; those of Llama 3 in section 3.2.1.

Left out, because the catalogue's constants were made to meet what is printed: Porian's sizes at 5.88e23 FLOP, MiniCPM's
192 tokens per parameter (printed without the compute). DeepSeek prints exponents, and no decision that they give.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

import numpy as np

from decisions import Row, data
from lawful.cost import Budget
from lawful.fit import Fit, FitStatus, fit
from lawful.fit.readings import reading
from lawful.laws import law
from lawful.laws.base import Law, Region
from lawful.plan import plan
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import decide
from lawful.plan.problem import parse_problem
from lawful.plan.sizing.overtraining import compute_for
from lawful.runs import RunTable
from lawful.store import read_runs

TITLE = "How large, and on how much data"

HOFFMANN, SARDANA, GADRE = "arXiv:2203.15556", "arXiv:2401.00448", "arXiv:2403.08540"
GOPHER = 5.76e23
"""FLOP that Gopher was trained with."""


def rows() -> list[Row]:
    return [*hoffmann(), *kaplan(), *sardana_compute(), *sardana_money(), *gadre(), *llama()]


# ------------------------------------------------------------------------------------------ Hoffmann 2022

ROUNDED = "the exponent is printed to two digits"
OFF_LINE = ("the catalogue's prefactor is fixed by the row of 67B in table A3, which lies 3.7 % in size off the line "
            "through the other rows")


def hoffmann() -> Iterator[Row]:
    """Sizes and tokens at printed budgets, by each approach."""
    # Table 3, and approach 2 in table A3: tokens for the compute in the same row.
    for name, table, anchor, off, printed in (
        ("approach 1", "table 3", 5.76e23, 0.5 / 67, (("20.2", 1.21e20, 1e9, "B"), ("205.1", 1.23e22, 1e9, "B"),
                                                     ("3.7", 3.85e24, 1e12, "T"), ("21.2", 1.27e26, 1e12, "T"))),
        ("approach 2", "table A3", 6.88e23, 0.037, (("20.0", 1.20e20, 1e9, "B"), ("219.5", 1.32e22, 1e9, "B"),
                                                    ("4.3", 4.54e24, 1e12, "T"), ("26.5", 1.59e26, 1e12, "T"))),
    ):
        entry = law(f"hoffmann2022_{name.replace(' ', '')}")
        for value, compute, scale, unit in printed:
            tokens = plan(entry, Budget(compute=compute)).decision["tokens"]
            decades = abs(np.log10(compute / anchor))
            # half a unit of the exponent over the decades from the row that fixes k, and what that row is off by
            within = 10 ** (0.005 * decades) * (1 + off) - 1
            yield Row(f"Chinchilla, {name}: tokens for {compute:.3g} FLOP", f"{HOFFMANN}, {table}", value,
                      tokens / scale, f"{unit} tokens", within, ROUNDED if off < 0.01 else OFF_LINE)
    size = plan(law("hoffmann2022_approach2"), Budget(compute=GOPHER)).decision["params"]
    yield Row("Chinchilla, approach 2: size for 5.76e23 FLOP", f"{HOFFMANN}, figure 3", "63", size / 1e9, "B params",
              0.037, f"{OFF_LINE}; those give 63.7B")
    yield from _approach3()


def _approach3() -> Iterator[Row]:
    rounded = law("hoffmann2022_approach3").law
    exact = rounded.with_coefficients({**rounded.coefficients, "E": 1.6934, "alpha": 0.33917, "beta": 0.28491})
    yield Row("Chinchilla, approach 3, unrounded: size for 5.76e23 FLOP", f"{HOFFMANN}, figure 4", "40",
              exact.allocate(GOPHER).params / 1e9, "B params")
    yield Row("the same with the rounded coefficients", f"{HOFFMANN}, figure 4", "40",
              rounded.allocate(GOPHER).params / 1e9, "B params", 0.2,
              "alpha 0.34 and beta 0.28 as printed: two digits of an exponent are a fifth of the size")
    for value, compute, scale, unit in (("27.1", 1.62e20, 1e9, "B"), ("410.1", 2.46e22, 1e9, "B"),
                                        ("4.1", 1.71e24, 1e12, "T"), ("94.1", 5.65e26, 1e12, "T")):
        yield Row(f"Chinchilla, approach 3, unrounded: tokens for {compute:.3g} FLOP", f"{HOFFMANN}, table A3", value,
                  exact.allocate(compute).tokens / scale, f"{unit} tokens", 0.07,
                  "the coefficients behind table A3 are not printed: those of the text's source give 3 to 7 % more")
    refit = law("besiroglu2024_refit").law.allocate(GOPHER)
    yield Row("the refit of approach 3: tokens per param for 5.76e23 FLOP", "arXiv:2404.10102, abstract", "20",
              refit.tokens / refit.params, "tokens/param", 0.1,
              "the paper finds its optimum consistent with the rule of 20")


def kaplan() -> Iterator[Row]:
    """What Kaplan's law says of 1e21 FLOP, as Hoffmann et al. tested it, and of ten times the compute."""
    entry = law("kaplan2020_compute_optimal")
    yield Row("Kaplan: size for 1e21 FLOP", f"{HOFFMANN}, appendix D.4", "4.68", entry(compute=1e21 / 2) / 1e9,
              "B params", note="at half the compute: C_min = C / (1 + B / B_crit), at the critical batch; of the whole "
                               "the law makes 7.77B")
    yield Row("Chinchilla, approach 1: size for 1e21 FLOP", f"{HOFFMANN}, appendix D.4", "2.86",
              plan(law("hoffmann2022_approach1"), Budget(compute=1e21)).decision["params"] / 1e9, "B params",
              10 ** (0.005 * 2.76) * (1 + 0.5 / 67) - 1, ROUNDED)
    for what, value, exponent in (("params", "5.5", 0.73), ("tokens", "1.8", 0.27)):
        found = entry(compute=1e21) / entry(compute=1e20)
        yield Row(f"Kaplan: {what} for ten times the compute", f"{HOFFMANN}, section 1", value,
                  found if what == "params" else 10 / found, "times", 0.04,
                  f"10 to the {exponent} of table 6; the printed factors are those of 0.74 and 0.26")


# ------------------------------------------------------------------------------------------- Sardana 2023

# The coefficients that the authors use (their appendix A and code): alpha and beta between the rounded and the exact.
DE_VRIES = law("hoffmann2022_approach3").law.with_coefficients(
    {"E": 1.69, "A": 406.4, "alpha": 0.336, "B": 410.7, "beta": 0.283})


GOOD = DE_VRIES.allocate(compute_for(DE_VRIES, loss=1.947)).params
"""Params of the compute-optimal model with the loss of the README's examples."""


def as_fit(inner: Law) -> Fit:
    """Coefficients from a paper as a fit without draws, which a decision takes."""
    return Fit(inner, np.zeros((0, len(inner.names()))), FitStatus.CONVERGED, Region(), {"name": "none", "value": 0.0},
               np.zeros(0), 0.0, 0)


def served(params: float, rates: Rates, goal: str = "total_flop") -> dict[str, float]:
    """The cheapest model as good as the compute-optimal one of ``params``, and both as ratios to that one."""
    usual = DE_VRIES.allocate(compute_for(DE_VRIES, params=params))
    tokens, as_good = usual.tokens, [f"loss<={usual.output!r}"]
    free = parse_problem(as_fit(DE_VRIES), ["params=1e8:1e13", "tokens=1e9:1e17"], as_good, goal, rates)
    best = decide(free).metrics
    spent = float(free.metrics({"params": params, "tokens": tokens})[goal])
    return {"params": best["params"], "tokens": best["tokens"], "params_share": best["params"] / params,
            "tokens_times": best["tokens"] / tokens, "saved": spent - best[goal],
            "saved_share": 1 - best[goal] / spent, "usual_over_best": spent / best[goal]}


def sardana_compute() -> Iterator[Row]:
    """The least training and serving FLOP for a model as good as a compute-optimal one."""
    readme = f"{SARDANA}, the authors' README"   # compute_optimal.py --loss 1.947 --inference_tokens 2e12
    one = served(GOOD, Rates(serve_tokens=2e12))
    yield Row("a 70B model on 1T tokens: loss", readme, "1.947", DE_VRIES(70e9, 1e12),
              "nats/token")
    yield Row("as good as loss 1.947, 2T tokens served: size", readme, "2.418e10", one["params"], "params")
    yield Row("the same: tokens", readme, "2.657e12", one["tokens"], "tokens")
    yield Row("the same: params over Chinchilla's", readme, "70.96", 100 * one["params_share"], "%")
    yield Row("the same: tokens over Chinchilla's", readme, "146.77", 100 * one["tokens_times"], "%")
    yield Row("the same: FLOP over Chinchilla's", readme, "95.22", 100 * (1 - one["saved_share"]), "%")
    yield Row("the 30B Chinchilla model: tokens", readme, "1.556e12",
              DE_VRIES.allocate(compute_for(DE_VRIES, params=30e9)).tokens, "tokens")
    one = served(13e9, Rates(serve_tokens=2e12))
    yield Row("as good as 13B, 2T served: size", f"{SARDANA}, figure 1", "7", one["params"] / 1e9, "B params")
    yield Row("the same: FLOP saved", f"{SARDANA}, figure 1", "1.7e22", one["saved"], "FLOP")
    yield Row("the same: FLOP saved", f"{SARDANA}, figure 1", "17", 100 * one["saved_share"], "%")
    one = served(7e9, Rates(serve_tokens=1e11))
    yield Row("as good as 7B, 100B served: size", f"{SARDANA}, section 2", "6", one["params"] / 1e9, "B params")
    yield Row("the same: tokens over Chinchilla's", f"{SARDANA}, section 2", "1.18", one["tokens_times"], "times")
    one = served(30e9, Rates(serve_tokens=1e13))
    yield Row("as good as 30B, 10T served: size", f"{SARDANA}, section 2", "13.6", one["params"] / 1e9, "B params")
    yield Row("the same: tokens over Chinchilla's", f"{SARDANA}, section 2", "2.84", one["tokens_times"], "times")
    yield Row("the same: FLOP saved", f"{SARDANA}, section 2", "28", 100 * one["saved_share"], "%")
    one = served(70e9, Rates(serve_tokens=1e13))
    yield Row("as good as 70B, 10T served: size", f"{SARDANA}, table 2", "41.6", one["params"] / 1e9, "B params")
    yield Row("the same: tokens", f"{SARDANA}, table 2", "7.92", one["tokens"] / 1e12, "T tokens")
    yield Row("the same: FLOP saved", f"{SARDANA}, table 2", "12", 100 * one["saved_share"], "%")
    flop = served(70e9, Rates(serve_tokens=2e12))
    yield Row("70B itself, 2T served: FLOP above the least", f"{SARDANA}, section 6", "1.3",
              100 * (flop["usual_over_best"] - 1), "%")


def priced(requests: float, tokens: tuple[float, float], mfu: tuple[float, float], price: tuple[float, float]) -> Rates:
    """Rates of training on an A100 at half its peak and serving on another in INT8, twice as fast as bf16.

    ``tokens`` are read and written in a request, each at its ``mfu``; ``price`` are dollars an hour in training and in
    serving. They are counted as the tokens that would cost as much at the rates of training.
    """
    dear = 0.5 * sum(n / share for n, share in zip(tokens, mfu, strict=True))
    return Rates("a100", mfu=0.5, serve_tokens=requests * dear * price[1] / price[0] / 2, serve_mfu=0.5,
                 options={"usd_per_hour": price[0]})


def sardana_money() -> Iterator[Row]:
    """The least money instead, with an MFU and a price each for training, reading and writing."""
    readme = f"{SARDANA}, the authors' README"   # cost_optimal.py --loss 1.947 --inference_reqs 1e10 ...
    rates = priced(1e10, (1000, 250), (0.4, 0.2), (1.40, 0.60))
    one = served(GOOD, rates, "usd")
    yield Row("as good as loss 1.947, 10B requests, least money: size", readme, "2.053e10", one["params"], "params")
    yield Row("the same: tokens", readme, "3.302e12", one["tokens"], "tokens")
    yield Row("the same: params over Chinchilla's", readme, "60.23", 100 * one["params_share"], "%")
    yield Row("the same: tokens over Chinchilla's", readme, "182.41", 100 * one["tokens_times"], "%")
    yield Row("the same: dollars over Chinchilla's", readme, "88.76", 100 * (1 - one["saved_share"]), "%")
    note = ("at 1.50 and 1.10 dollars an hour and INT8 twice as fast, as the notes have it; with serving at 0.895 of "
            "that price all these figures are met")
    usual = (70.0, 215.0), (0.5, 0.01), (1.50, 1.10)
    one = served(30e9, priced(1.5e9, *usual), "usd")
    yield Row("as good as 30B, 1.5B requests, least money: size", f"{SARDANA}, section 6", "16", one["params"] / 1e9,
              "B params")
    yield Row("the same: tokens", f"{SARDANA}, section 6", "3.35", one["tokens"] / 1e12, "T tokens", 0.05, note)
    yield Row("the same: dollars saved", f"{SARDANA}, section 6", "17", 100 * one["saved_share"], "%", 0.12, note)
    one = served(70e9, priced(7.02e9, *usual), "usd")
    yield Row("70B itself, 7.02B requests: dollars above the least", f"{SARDANA}, section 6", "36",
              100 * (one["usual_over_best"] - 1), "%", 0.1, note)
    one = served(70e9, priced(35.1e9, *usual), "usd")
    yield Row("as good as 70B, 35.1B requests, least money: size", f"{SARDANA}, table 3", "21.5", one["params"] / 1e9,
              "B params", 0.03, note)
    yield Row("the same: tokens", f"{SARDANA}, table 3", "27", one["tokens"] / 1e12, "T tokens", 0.09, note)
    yield Row("the same: dollars saved", f"{SARDANA}, table 3", "54", 100 * one["saved_share"], "%", 0.03, note)


# --------------------------------------------------------------------------------------------- Gadre 2024

def gadre() -> Iterator[Row]:
    """How far off the over-training law is of two runs 300 times as dear as those it was fitted to."""
    runs, scores = data("overtraining-gadre/runs.csv"), data("overtraining-gadre/downstream.csv")
    if runs is None or scores is None:
        return
    loss, error = law("gadre2024_overtraining:redpajama"), law("gadre2024_downstream:redpajama_17task")
    with runs.open() as losses, scores.open() as errors:
        pairs = [(run, score) for run, score in zip(csv.DictReader(losses), csv.DictReader(errors), strict=True)
                 if run["dataset"] == "rpj"]
    for size, ratio, of_loss, of_error in (("1.4B", "640", "0.71", "3.64"), ("6.9B", "20", "0.73", "0.05")):
        run, score = next((r, s) for r, s in pairs if r["tokens_per_param"] == ratio
                          and abs(float(r["N"]) / float(size[:-1]) / 1e9 - 1) < 0.05)
        made = decide(parse_problem(loss, [f"params={run['N']}", f"tokens={run['D']}"], then=[error])).metrics
        where = f"{GADRE}, figure 1, the authors' notebook"
        yield Row(f"{size} at {ratio} tokens per param: loss foreseen, off by", where, of_loss,
                  100 * abs(made["loss"] / float(run["loss_c4_val"]) - 1), "%")
        yield Row(f"{size} at {ratio} tokens per param: error over 17 tasks, off by", where, of_error,
                  100 * abs(made["error"] / float(score["err_avg17"]) - 1), "%")


# ------------------------------------------------------------------------------------------- Llama 3 2024

def llama() -> Iterator[Row]:
    """The size and the tokens of the 405B model's budget, from the printed law and from its isoFLOP curves."""
    where, budget = "arXiv:2407.21783, section 3.2.1", 3.8e25
    tokens = float(law("llama3_2024_allocation")(compute=budget))
    note = "0.537 and 0.299 of figure 3 are rounded: half a unit of the exponent is 3 % here"
    yield Row("Llama 3: tokens for 3.8e25 FLOP", where, "16.55", tokens / 1e12, "T tokens", 0.03, note)
    yield Row("the same: size", where, "402", budget / 6 / tokens / 1e9, "B params", 0.04,
              note + "; 402B on 16.55T is 3.99e25 by 6 N D")
    curves = data("llama3-isoflops/isoflop.csv")
    if curves is None:
        return
    runs, clean = read_runs(str(curves)), read_runs(str(curves), where="outlier == 0")
    surface = fit("chinchilla", runs, bootstrap=0).law.allocate(budget).tokens
    yield Row("the same, refitted to the curves as digitised: tokens", where, "16.55", valleys(runs, budget) / 1e12,
              "T tokens", 0.03, "parabolas over all points; without those flagged as outliers they ask for "
              f"{valleys(clean, budget) / 1e12:.1f}T, and the additive surface fitted to all for {surface / 1e12:.1f}T")


def valleys(runs: RunTable, compute: float) -> float:
    """Tokens at ``compute`` on the line through the minima of parabolas over the tokens of each budget."""
    turned = RunTable.of(params=runs["tokens"], loss=runs["loss"], compute=runs["compute"])
    minima = [point for point in reading(turned, "parabola").points if point.refused is None]
    slope, height = np.polyfit(np.log([m.compute for m in minima]), np.log([m.params for m in minima]), 1)
    return float(np.exp(height + slope * np.log(compute)))
