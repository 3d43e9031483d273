"""Which of many models to tune, from a little of the data: python benchmarks/tuning.py

The public runs of Lin et al. 2024 (arXiv:2402.02314): 30 models, FLAN, up to 1.6M examples. For each share of the data,
the correlation of forecast and truth and 1 - regret / (worst - best) of the model that is chosen, by each way of
carrying a curve on, by the loss at the largest amount tried, by the loss before tuning, and by size; and for how many
models the rectified law's 90 % interval held the truth. The table stands in ``docs/tuning.md``.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

from lawful.plan.tuning.model_choice import Ranked, rank_models, selection_score

SHARED = Path(os.environ.get("LAWFUL_SHARED", Path(__file__).parents[2] / "shared"))
TABLE = SHARED / "data" / "rectified-finetuning" / "curves.csv"
SHARES = (8, 16, 32, 64, 128, 256, 512)


def main() -> None:
    curves, sizes = read()
    full = max(max(curve) for curve in curves.values())
    truth = {model: curve[full] for model, curve in curves.items()}
    print("| data used | line through the last points | rectified law | loss at the largest amount tried |")
    print("| --- | --- | --- | --- |")
    held = {}
    for share in SHARES:
        few = {model: tuple(zip(*[p for p in sorted(curve.items()) if 0 < p[0] <= full / share], strict=True))
               for model, curve in curves.items()}
        line, bent = (rank_models(few, full, way) for way in ("line", "rectified"))
        last = by({model: losses[-1] for model, (_, losses) in few.items()})
        held[share] = sum(r.interval.low <= truth[r.model] <= r.interval.high for r in bent if r.interval)
        print(f"| 1/{share} | {' | '.join(score(ranked, truth) for ranked in (line, bent, last))} |")
    print(f"| none: loss before tuning | | | {score(by({m: c[0.0] for m, c in curves.items()}), truth)} |")
    print(f"| none: the largest model | | | {score(by({m: -size for m, size in sizes.items()}), truth)} |")
    print("held by the rectified law's 90 % interval:",
          ", ".join(f"1/{share} {count} of {len(truth)}" for share, count in held.items()))


def read() -> tuple[dict[str, dict[float, float]], dict[str, float]]:
    """For each model its losses by examples, and its params."""
    curves: dict[str, dict[float, float]] = {}
    sizes = {}
    with open(TABLE, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            curves.setdefault(row["model"], {})[float(row["D_sft"])] = float(row["loss"])
            sizes[row["model"]] = float(row["N"])
    return curves, sizes


def by(values: dict[str, float]) -> list[Ranked]:
    """The models by a number of each, the least first."""
    return sorted((Ranked(model, value, None, 1) for model, value in values.items()), key=lambda r: r.loss)


def score(ranked: list[Ranked], truth: dict[str, float]) -> str:
    found = selection_score(ranked, truth)
    return f"{found['correlation']:.3f}, {found['relative']:.3f}"


if __name__ == "__main__":
    main()
