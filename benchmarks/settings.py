"""What each published law of batch and learning rate costs on Step Law's public sweep: python benchmarks/settings.py

For every cell of dense runs (a size and a number of tokens, each over a grid of learning rates and batches) the loss of
the run nearest to what each law recommends, above the lowest of the cell, in per cent; and above the cell's bowl where
one was found. A law that gives one of the two takes the other from the middle of ``lawful plan --settings``. Step Law
was fitted to these very runs, and says so by being best.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from lawful.fit.sweeps.bowls import bowls
from lawful.fit.sweeps.optima import nearest_excess
from lawful.plan.sizing.settings import recommended_settings
from lawful.store import read_runs

SHARED = Path(os.environ.get("LAWFUL_SHARED", Path(__file__).parents[2] / "shared")) / "data"
TUNED = ("learning_rate", "batch_tokens")


def main() -> None:
    runs = read_runs(str(SHARED / "steplaw-dense" / "runs.csv"), mapping={"loss": "smooth_loss"})
    found = bowls(runs, cells=("params", "tokens"))
    cells = found.having("ok")
    costs: dict[str, list[tuple[float, float]]] = {}
    for cell in cells:
        params, tokens = float(cell.cell["params"]), float(cell.cell["tokens"])
        made = recommended_settings(params, tokens, nonembedding_params=params, loss=cell.optimum["loss"].value)
        middle = {name: made.spreads[name].middle for name in TUNED}
        said = [s for name in TUNED for s in made.of(name)]
        asked = {"the middle": middle} | {s.law: {**middle, s.quantity: s.value} for s in said}
        for paper in ("steplaw2025", "deepseek2024_hparams", "porian2024_hparams"):
            asked[f"{paper}, both"] = {s.quantity: s.value for s in said if s.law.startswith(paper)}
        for name, at in asked.items():
            costs.setdefault(name, []).append((100 * cell.excess(**at), 100 * nearest_excess(runs, cell, at)))
    print(f"{len(cells)} cells of {len(found.bowls)} with an optimum")
    for name, of in sorted(costs.items(), key=lambda item: np.mean([c[1] for c in item[1]])):
        bowl, near = np.array(of).T
        print(f"{name:38} above the bowl {bowl.mean():5.2f} % (most {bowl.max():.2f}), "
              f"nearest run {near.mean():5.2f} % (most {near.max():.2f})")


if __name__ == "__main__":
    main()
