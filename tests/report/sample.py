"""A made-up analysis in the report's schema: runs simulated from a known law, and answers shaped like ours.

The numbers are invented, except that the runs scatter about a law of the Chinchilla form; the intervals
are widened by hand. Python's own arithmetic is enough.
"""

from __future__ import annotations

import math
import random
from typing import Any

E, A, ALPHA, B, BETA = 1.69, 406.4, 0.34, 410.7, 0.28
NOISE = 0.006
BUDGETS = tuple(6e17 * 10 ** (0.4375 * i) for i in range(9))
PLANNED = 2.5e22


def law(params: float, tokens: float) -> float:
    return E + A / params**ALPHA + B / tokens**BETA


def best_params(compute: float) -> float:
    share = BETA / (ALPHA + BETA)
    return float((ALPHA * A / (BETA * B)) ** (1 / (ALPHA + BETA)) * (compute / 6) ** share)


def interval(value: float, relative: float) -> dict[str, float]:
    return {"value": value, "std": value * relative / 1.645,
            "low": value * (1 - relative), "high": value * (1 + relative)}


def curve(values: list[float], relative: list[float]) -> dict[str, list[float]]:
    return {"value": values, "low": [v * (1 - r) for v, r in zip(values, relative, strict=True)],
            "high": [v * (1 + r) for v, r in zip(values, relative, strict=True)]}


def runs(n_sizes: int = 12, seed: int = 1) -> tuple[dict[str, list[float]], list[list[int]]]:
    """The table, and for each budget the rows of its runs."""
    rng = random.Random(seed)
    table: dict[str, list[float]] = {k: [] for k in ("params", "tokens", "compute", "loss", "fitted")}
    rows: list[list[int]] = []
    for budget in BUDGETS:
        rows.append([])
        for j in range(n_sizes):
            params = best_params(budget) * 10 ** (-0.75 + 1.5 * j / (n_sizes - 1))
            tokens = budget / (6 * params)
            fitted = law(params, tokens)
            rows[-1].append(len(table["loss"]))
            row = {"params": params, "tokens": tokens, "compute": budget, "fitted": fitted,
                   "loss": fitted * math.exp(rng.gauss(0, NOISE))}
            for name, value in row.items():
                table[name].append(value)
    return table, rows


def backtest(table: dict[str, list[float]]) -> dict[str, Any]:
    rng = random.Random(2)
    cuts = []
    for last in (3, 4, 5, 6):
        top = BUDGETS[last]
        held = [i for i, c in enumerate(table["compute"]) if c > top * 1.01]
        predictions = []
        for i in held[::2]:
            away = math.log10(table["compute"][i] / top)
            predicted = table["fitted"][i] * (1 + rng.gauss(0, 0.002) * (1 + away))
            wide = 0.011 + 0.004 * away
            predictions.append({"compute": table["compute"][i], "observed": table["loss"][i],
                                "predicted": predicted, "low": predicted * (1 - wide),
                                "high": predicted * (1 + wide)})
        horizon = math.log10(BUDGETS[-1] / top)
        cuts.append({"train": 12 * (last + 1), "test": len(held), "train_compute_max": top,
                     "horizon_decades": horizon,
                     "rmse_log": 0.006 + 0.0008 * horizon, "coverage": 0.91, "predictions": predictions,
                     "baselines": {"last_value": 0.05 + 0.05 * horizon,
                                   "power_law_compute": 0.012 + 0.011 * horizon}})
    return {"schema": "lawful.backtest/1", "level": 0.9, "cuts": cuts,
            "summary": {"rmse_log": 0.00713, "coverage": 0.912,
                        "predictions": sum(len(c["predictions"]) for c in cuts)},
            "baselines": {"last_value": {"rmse_log": 0.1184}, "power_law_compute": {"rmse_log": 0.0231}},
            "unit": "decades", "horizons": horizons(),
            "pit": {"edges": [i / 10 for i in range(11)], "counts": [3, 8, 11, 14, 15, 13, 12, 9, 7, 4]}}


def horizons() -> list[dict[str, Any]]:
    return [{"low": low, "high": high, "n": n, "runs": n, "cuts": 3, "rmse_log": 0.006 + 0.001 * low, "bias_log": 0.001,
             "covered": 0.92 - 0.02 * low, "width": 0.02 + 0.01 * low,
             "coverage": {"0.5": 0.55, "0.8": 0.83, "0.9": 0.92 - 0.02 * low, "0.95": 0.97},
             "widths": {"0.5": 0.01, "0.8": 0.016, "0.9": 0.02, "0.95": 0.024}, "crps": 0.004, "pinball": 0.002,
             "log_score": -3.1} for low, high, n in ((0.25, 0.5, 24), (0.5, 1.0, 30), (1.0, 2.0, 40), (2.0, None, 2))]


def readings() -> list[dict[str, Any]]:
    rng = random.Random(3)

    def points(scatter: float) -> list[dict[str, Any]]:
        return [{"compute": c, "params": (n := best_params(c) * math.exp(rng.gauss(0.05, scatter))),
                 "tokens": c / (6 * n), "loss": law(n, c / (6 * n)), "runs": 12, "refused": None}
                for c in BUDGETS]

    refused = {"compute": 1e17, "params": None, "tokens": None, "loss": None, "runs": 3,
               "refused": "fewer than 4 sizes"}
    return [
        {"schema": "lawful.reading/1", "approach": "envelope", "label": "approach 1 (envelope)",
         "status": "ok", "points": points(0.18),
         "params_exponent": interval(0.4713, 0.06), "tokens_exponent": interval(0.5287, 0.05),
         "caveats": [{"code": "final_losses",
                      "message": "The envelope is read from final losses: few runs touch it."}]},
        {"schema": "lawful.reading/1", "approach": "parabola", "label": "approach 2 (parabola)",
         "status": "ok",
         "params_exponent": interval(0.4604, 0.04), "tokens_exponent": interval(0.5396, 0.04),
         "points": [*points(0.06), refused],
         "caveats": [{"code": "refused_budgets",
                      "message": "1 of 10 budgets has no interior minimum and was left out."}]},
    ]


def frontier(wide: float = 0.008) -> dict[str, Any]:
    low, high = math.log10(BUDGETS[0]), math.log10(PLANNED * 4)
    compute = [10 ** (low + (high - low) * i / 59) for i in range(60)]
    params = [best_params(c) for c in compute]
    tokens = [c / (6 * n) for c, n in zip(compute, params, strict=True)]
    away = [abs(math.log10(c) - 19.5) for c in compute]
    return {"compute": compute, "params": curve(params, [0.05 + 0.05 * a for a in away]),
            "tokens": curve(tokens, [0.05 + 0.05 * a for a in away]),
            "loss": curve([law(n, d) for n, d in zip(params, tokens, strict=True)],
                          [wide * (0.3 + a / 2) for a in away])}


def isoflops(rows: list[list[int]]) -> list[dict[str, Any]]:
    made = []
    for budget, picked in zip(BUDGETS, rows, strict=True):
        params = [best_params(budget) * 10 ** (-0.9 + 1.8 * i / 40) for i in range(41)]
        tokens = [budget / (6 * n) for n in params]
        losses = [law(n, d) for n, d in zip(params, tokens, strict=True)]
        made.append({"compute": budget, "params": params, "tokens": tokens, "runs": picked,
                     "loss": curve(losses, [0.003 + 0.004 * abs(i - 20) / 20 for i in range(41)])})
    return made


def analysis(**replaced: Any) -> dict[str, Any]:
    """The whole analysis; ``replaced`` overrides its parts."""
    table, rows = runs()
    n = best_params(PLANNED)
    d = PLANNED / (6 * n)
    expected = law(n, d)
    coefficients = dict(zip(("E", "A", "alpha", "B", "beta"), (E, A, ALPHA, B, BETA), strict=True))

    def off(factor: float) -> dict[str, float]:
        loss = law(n * factor, d / factor)
        return {"params": n * factor, "tokens": d / factor, "loss": loss, "loss_increase": loss - expected,
                "compute_wasted": 0.0714 if factor < 1 else 0.0683}

    made: dict[str, Any] = {
        "schema": "lawful.analysis/1", "source": "runs.csv", "created": "2026-11-23", "version": "0.1.0",
        "command": "lawful report runs.csv --form chinchilla --compute 2.5e22 --device h100 -o report.html",
        "runs": table,
        "notes": [{"code": "tokens_derived",
                   "message": "tokens were derived as compute / (6 params): the table has no such column."},
                  {"code": "convention",
                   "message": "params are counted as the table counts them: with embeddings or without."}],
        "fit": {
            "schema": "lawful.fit/1", "form": "chinchilla", "output": "loss",
            "formula": "loss = E + A / params**alpha + B / tokens**beta", "status": "converged",
            "coefficients": {name: interval(v, 0.03 if name == "E" else 0.12)
                             for name, v in coefficients.items()},
            "level": 0.9, "objective": {"name": "huber_log", "delta": 0.001, "value": 0.0003127},
            "n_runs": len(table["loss"]), "noise": 0.00587,
            "region": {k: [min(table[k]), max(table[k])] for k in ("params", "tokens")},
            "derived": {"params_exponent": interval(0.4516, 0.035),
                        "tokens_exponent": interval(0.5484, 0.03)},
            "search": {"starts": 24, "agree": 21, "condition": 8431.0,
                       "resamples_converged": 0.995, "resamples_agree": 0.97},
            "warnings": []},
        "diagnosis": {
            "schema": "lawful.diagnosis/1",
            "verdict": "The plan can be used, with care: it lies 1.1 decades of compute above the runs.",
            "findings": [
                {"code": "floor_spread", "severity": "note", "title": "The floor E is known to 3 %",
                 "evidence": "Its 90 % interval is 1.639 to 1.741.", "action": "Larger runs narrow it most."},
                {"code": "far", "severity": "serious", "title": "The question lies beyond the runs",
                 "evidence": "The planned compute is 1.1 decades above the largest run.",
                 "action": "Add one run at 5e+21 FLOP before committing the budget."},
                {"code": "derived_tokens", "severity": "caution",
                 "title": "Tokens were derived, not measured",
                 "evidence": "All 108 rows use compute = 6 params tokens.",
                 "action": "Map the column of tokens if there is one."}]},
        "backtest": backtest(table), "backtest_refused": None, "readings": readings(),
        "plan": {
            "schema": "lawful.plan/1", "decision": {"params": n, "tokens": d, "compute": PLANNED},
            "intervals": {"params": interval(n, 0.18), "tokens": interval(d, 0.17),
                          "loss": interval(expected, 0.008)},
            "forecast": {"schema": "lawful.forecast/1", "output": "loss", "unit": "nats/token",
                         "value": expected, "low": expected * 0.992, "high": expected * 1.008, "level": 0.9,
                         "new_run": {"low": expected * 0.987, "high": expected * 1.013},
                         "reach": {"params": 0.0, "tokens": 0.42},
                         "limit": "this fit has been right within 2 % up to 1.0 decades beyond the runs it saw",
                         "warnings": [{"code": "reach", "message": "beyond the runs: tokens by 0.4 decades; "
                                                                   "the interval assumes the law"}]},
            "cost": {"train_flop": PLANNED, "gpu_hours": 17539.2, "usd": 43848.1, "energy_kwh": 14733.4,
                     "co2e_kg": None, "wall_days": 11.42, "serve_usd": None},
            "binding": ["compute"], "sensitivity": {"params_half": off(0.5), "params_double": off(2.0)},
            "assumptions": ["Training costs 6 FLOP per parameter and token.",
                            "H100 SXM at 40 % of its dense bf16 peak.",
                            "2.50 USD per GPU hour, as of 2026-10."],
            "warnings": []},
        "curves": {"frontier": frontier(), "isoflops": isoflops(rows), "line": None},
    }
    return made | replaced


def one_variable() -> dict[str, Any]:
    """A power law in compute alone: no allocation, no budget, no back-test, readings refused."""
    whole = analysis()
    table = {"compute": whole["runs"]["compute"][::6]}
    table["fitted"] = [1.69 + 900 * c**-0.155 for c in table["compute"]]
    table["loss"] = [v * math.exp(random.Random(i).gauss(0, NOISE)) for i, v in enumerate(table["fitted"])]
    x = [10 ** (17.5 + i / 10) for i in range(45)]
    fit = whole["fit"] | {
        "form": "power", "formula": "loss = E + A / compute**alpha", "derived": {},
        "status": "not_identified",
        "n_runs": len(table["loss"]),
        "coefficients": {"E": interval(1.69, 0.3),
                         "A": {"value": 900.0, "std": None, "low": None, "high": math.nan}},
        "region": {"compute": [min(table["compute"]), max(table["compute"])]},
        "warnings": [{"code": "not_identified",
                      "message": "E and alpha trade off: many pairs fit equally well."}]}
    return whole | {
        "runs": table, "fit": fit, "plan": None, "backtest": None, "command": None, "notes": [],
        "backtest_refused": "the runs span fewer than two budgets.",
        "readings": [{"schema": "lawful.reading/1", "approach": "parabola", "label": "approach 2 (parabola)",
                      "status": "refused", "params_exponent": None, "tokens_exponent": None, "points": [],
                      "caveats": [{"code": "no_sizes", "message": "the table has no params column."}]}],
        "diagnosis": {"schema": "lawful.diagnosis/1", "findings": [],
                      "verdict": "Not enough to plan with: the floor is not identified."},
        "curves": {"frontier": None, "isoflops": [],
                   "line": {"variable": "compute", "x": x,
                            "loss": curve([1.69 + 900 * c**-0.155 for c in x], [0.01] * len(x))}}}
