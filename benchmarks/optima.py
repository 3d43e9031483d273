"""Best learning rates and batches on public sweeps: python benchmarks/optima.py [--csv FILE]

- Step Law (arXiv:2503.04715), dense and mixture-of-experts runs: what the published law costs in each cell, and what
  ours costs in cells it has not seen, above the minimum of the cell's bowl and of the run nearest to the prediction
  above the lowest run.
- The learning-rate and batch task of SLDBench (arXiv:2507.21184): R2 on its test split, rows above a loss of 4 left
  out as the benchmark does, of a law put together from the parts and of ``tuned_chinchilla`` fitted to every run; the
  test split is one cell, larger and longer than all others.

The tables are found by LAWFUL_SHARED or beside the repository.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from pathlib import Path

import numpy as np

from lawful.fit import fit
from lawful.fit.sweeps.bowls import bowls
from lawful.fit.sweeps.optima import nearest_excess, optima, optima_table
from lawful.runs import RunTable
from lawful.store import read_runs

SHARED = Path(os.environ.get("LAWFUL_SHARED", Path(__file__).parents[2] / "shared")) / "data"
Rows = list[tuple[str, str, float]]


def step_law(size: float, tokens: float) -> dict[str, float]:
    """The published optimum: equation 1 of arXiv:2503.04715, N all non-embedding parameters."""
    return {"learning_rate": 1.79 * size**-0.713 * tokens**0.307, "batch_tokens": 0.58 * tokens**0.571}


def steplaw(name: str, cells: tuple[str, ...], mapping: dict[str, str]) -> Rows:
    """The price of the published law and of ours, in percent of the loss."""
    runs = read_runs(str(SHARED / name / "runs.csv"), mapping={"loss": "smooth_loss", **mapping})
    size = np.array(read_runs(str(SHARED / name / "runs.csv"))["params"])
    found = optima(runs, cells=cells, bootstrap=1000)
    ok = found.bowls.having("ok")
    at = [step_law(float(np.median(size[b.rows])), float(b.cell["tokens"])) for b in ok]
    rows: Rows = [(name, "cells", len(found.bowls.bowls)), (name, "cells with an optimum", len(ok))]
    for kind, costs in (
        ("published law, above the bowl", [b.excess(**a) for b, a in zip(ok, at, strict=True)]),
        ("published law, nearest run", [nearest_excess(runs, b, a) for b, a in zip(ok, at, strict=True)]),
        ("ours held out, above the bowl", [h.excess for h in found.held_out]),
        ("ours held out, nearest run", [h.nearest_excess for h in found.held_out]),
    ):
        rows += [(name, f"{kind}, mean %", 100 * float(np.mean(costs))), (name, f"{kind}, most %", 100 * max(costs))]
    for hyperparameter, law in found.laws.items():
        rows += [(name, f"{hyperparameter}: {coefficient}{end}", getattr(i, field))
                 for coefficient, i in law.intervals.items()
                 for end, field in (("", "value"), (" low", "low"), (" high", "high"))]
        rows.append((name, f"{hyperparameter}: scatter", found.scatter[hyperparameter]))
    return rows


def sldbench() -> Rows:
    """R2 on the test split, and what the parts say of its cell."""
    name = "sldbench-lr-bsz"
    raw = read_runs(str(SHARED / name / "data.csv"), mapping={"tokens": "D"}, where="loss < 4")
    columns = {q: raw[q] for q in ("params", "tokens", "learning_rate", "loss")}
    table = RunTable.of(**columns, batch_tokens=2048 * raw.number("batch_seqs"))
    test = raw.label("split") == "test"
    train, unseen = table.take(~test), table.take(test)
    observed = unseen["loss"]

    def r2(predicted: np.ndarray) -> float:
        return float(1 - ((predicted - observed) ** 2).sum() / ((observed - observed.mean()) ** 2).sum())

    found = optima(train, bootstrap=0)
    ok = found.bowls.having("ok")
    tuned = fit("chinchilla", optima_table(ok), loss="log_squares", bootstrap=0).law
    away = np.log(np.stack([unseen[q] / found.laws[q].law.at(unseen.quantities) for q in found.bowls.over], axis=1))
    curvature = np.median([b.shape.curvature for b in ok if b.shape is not None], axis=0)
    bowl = np.exp(0.5 * np.einsum("ri,ij,rj->r", away, curvature, away))
    (cell,) = bowls(unseen).bowls
    predicted = {q: float(law.law.at(cell.cell)) for q, law in found.laws.items()}
    rows: Rows = [
        (name, "R2, parts", r2(tuned.at(unseen.quantities) * bowl)),
        (name, "R2, parts, the cell's own tuned loss given", r2(cell.optimum["loss"].value * bowl)),
        (name, "tuned loss of the test cell, predicted over found, %",
         100 * (float(tuned.at(cell.cell)) / cell.optimum["loss"].value - 1)),
        (name, "predicted optimum, above the test cell's bowl, %", 100 * cell.excess(**predicted)),
        (name, "predicted optimum, nearest run above the lowest, %", 100 * nearest_excess(unseen, cell, predicted)),
    ]
    for loss in ("huber_log", "log_squares"):
        begun = time.process_time()
        joint = fit("tuned_chinchilla", train, loss=loss, bootstrap=0)
        rows += [(name, f"R2, tuned_chinchilla, {loss}", r2(joint.law.at(unseen.quantities))),
                 (name, f"starts of 24 that agree, {loss}", joint.search.agree),
                 (name, f"CPU seconds, {loss}", time.process_time() - begun)]
    return rows


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    rows = [*steplaw("steplaw-dense", ("params", "tokens"), {}),
            *steplaw("steplaw-moe", ("params", "tokens"), {"params": "N_active"}), *sldbench()]
    for table, what, value in rows:
        print(f"{table:<16} {what:<58} {value:.4g}")
    if options.csv:
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([("table", "what", "value"),
                                                             *((t, w, f"{v:.5g}") for t, w, v in rows)])


if __name__ == "__main__":
    main()
