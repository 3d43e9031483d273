"""Forecasts of unseen schedules on public curves: python benchmarks/curves.py

Fits the curves marked ``train`` of Luo et al. 2025 (three schedules a model) and forecasts those marked ``test`` (six).
Prints a table: R2, mean absolute error, root mean square error, mean and worst relative error, each a mean over the six
curves as in the authors' table, and the share of points within the 90 % interval of one more run. Needs the public
curves, found by LAWFUL_SHARED or beside the repository.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lawful.fit import Fit
from lawful.fit.curves.curves import fit_curves
from lawful.fit.curves.schedules import along
from lawful.fit.curves.trajectories import Trajectory, trajectories
from lawful.laws.annealing import MultiPowerLoss
from lawful.laws.schedules import MOST_CHANGES
from lawful.store import read_runs

SHARED = Path(os.environ.get("LAWFUL_SHARED", Path(__file__).parents[2] / "shared"))
CURVES = SHARED / "data" / "multi-power-law" / "curves.csv"
WARMUP = 2160
PRINTED = {"25M": "0.9988 | 0.00376 | 0.00465 | 0.00110 | 0.00409",
           "100M": "0.9983 | 0.00435 | 0.00592 | 0.00142 | 0.00583"}
AUTHORS = {"25M": (3.04045, 0.52469, 0.50787, 363.79, 2.06561, 0.58279, 0.64142),
           "100M": (2.65145, 0.60115, 0.45296, 437.95, 2.13245, 0.59785, 0.65524)}
BOOTSTRAP = 200


def scores(law, curves: Sequence[Trajectory]) -> tuple[float, ...]:
    """The five errors of the authors' table, each a mean over ``curves``."""
    found = []
    for curve in curves:
        off = law.at(curve.schedule.changes(curve.steps, 2 * MOST_CHANGES)) - curve.loss
        share = np.abs(off) / curve.loss
        r2 = 1.0 - np.sum(off**2) / np.sum((curve.loss - curve.loss.mean()) ** 2)
        found.append((r2, np.abs(off).mean(), np.sqrt(np.mean(off**2)), share.mean(), share.max()))
    return tuple(np.mean(found, axis=0))


def held(fit: Fit, curves: Sequence[Trajectory]) -> tuple[float, int]:
    """The share of points within the interval of one more run, a mean over ``curves``; the curves whose end is."""
    inside = []
    for curve in curves:
        answer = along(fit, curve.schedule, curve.steps)
        inside.append((curve.loss >= answer.new_low) & (curve.loss <= answer.new_high))
    return float(np.mean([one.mean() for one in inside])), sum(bool(one[-1]) for one in inside)


def main() -> None:
    """Print the table."""
    print("| model | law | R2 | MAE | RMSE | mean rel. | worst rel. | points held | ends held |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for model in PRINTED:
        parts = {role: read_runs(str(CURVES), where=f"model == '{model}' and role == '{role}'")
                 for role in ("train", "test")}
        test = trajectories(parts["test"], by="schedule", warmup=WARMUP)
        print(f"| {model} | as printed by the authors | {PRINTED[model]} | | |")
        rows = {"their coefficients, here": MultiPowerLoss(*AUTHORS[model], stages=None)}
        for name, form, anchors in (("multi_power", "multi_power", None), ("multi_power --free", "multi_power", {}),
                                    ("annealed_loss", "annealed_loss", None),
                                    ("annealed_loss --free", "annealed_loss", {})):
            rows[name] = fit_curves(form, parts["train"], by="schedule", warmup=WARMUP, bootstrap=BOOTSTRAP,
                                    anchors=anchors)
        for name, found in rows.items():
            errors = scores(found.law if isinstance(found, Fit) else found, test)
            cells = [f"{errors[0]:.4f}", *(f"{e:.5f}" for e in errors[1:])]
            cover, ends = held(found, test) if isinstance(found, Fit) else (None, None)
            cells += ["", ""] if cover is None else [f"{100 * cover:.0f} %", f"{ends} of {len(test)}"]
            print(f"| {model} | {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
