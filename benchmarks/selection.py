"""Does a form chosen by its forecasts forecast better? ``--form auto`` and the stack beside every single form.

    python benchmarks/selection.py [--shared ../shared] [--every 5] [-o table.csv]

Public N-D tables (those of ``intervals.py``): fitted to the runs a decade of compute below the largest, asked about
all runs above. Learning curves of the public benchmark, one of every ``--every``: fitted to the points that it calls
train, thinned to at most 60 even in log x, asked about those that it calls test. Nothing above a split is seen by a
choice. A row is one form on one table: its root mean square log error (RMSLE) there, and what the selection said of
it; ``auto`` is the chosen form, ``stack`` the combination with its rivals. Writes a dated table to
``benchmarks/results`` and prints medians.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")})

import numpy as np

from intervals import TABLES
from lawful.errors import LawfulError
from lawful.fit import fit
from lawful.fit.choice.rolling import thinned
from lawful.fit.choice.selection import Selection, select
from lawful.runs import RunTable
from lawful.store import read_runs

FEWEST = 15
"""Runs below a split, at least."""


@dataclass(frozen=True)
class Split:
    """What is fitted and what is asked, with the group that medians are taken over."""

    group: str
    name: str
    train: RunTable
    test: RunTable


def tables(shared: Path) -> Iterator[Split]:
    """The N-D tables, split a decade of compute below their largest run."""
    for name, (file, where, mapping) in TABLES.items():
        runs = read_runs(str(shared / "data" / file), where=where, mapping=mapping)
        below = runs["compute"] <= runs["compute"].max() / 10
        if below.sum() >= FEWEST:
            yield Split("N-D", name, runs.take(below), runs.take(~below))


def curves(shared: Path, every: int) -> Iterator[Split]:
    """One of every so many learning curves, repeated points left out."""
    columns: dict[str, list[dict[str, str]]] = defaultdict(list)
    with gzip.open(shared / "data/learning-curve-benchmark/curves.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            columns[row["curve"]].append(row)
    for name in sorted(columns)[::every]:
        rows = columns[name]
        x = np.array([float(row["x"]) for row in rows])
        _, first = np.unique(x, return_index=True)
        rows = [rows[i] for i in first]
        runs = RunTable.of(examples=x[first], task_loss=np.array([float(row["loss"]) for row in rows]))
        train = np.array([row["split"] == "train" for row in rows])
        below = runs.take(train)
        yield Split(rows[0]["domain"], name, below.take(thinned(below, ["examples"])), runs.take(~train))


def stacked(chosen: Selection, test: RunTable) -> Any:
    """The combined forecasts of a table, in logs."""
    return sum(weight * np.log(member.law.at({n: test[n] for n in member.law.inputs}))
               for member, weight in chosen.members)


def errors(split: Split) -> Iterator[dict[str, Any]]:
    """A row for each form, for the chosen one and for the stack."""
    observed = np.log(split.test["task_loss"])

    def rmsle(log_forecast: Any) -> float:
        return float(np.sqrt(np.mean((log_forecast - observed) ** 2)))

    begin = time.process_time()
    chosen = select(split.train, bootstrap=0)
    seconds = time.process_time() - begin
    about = {"group": split.group, "table": split.name, "train": len(split.train), "test": len(split.test)}
    fitted = dict(zip([row.form for row in chosen.rows if row.verdict in ("chosen", "tied")],
                      [member for member, _ in chosen.members], strict=True))
    for row in chosen.rows:
        try:
            law = (fitted.get(row.form) or fit(row.form, split.train, bootstrap=0)).law
            with np.errstate(all="ignore"):
                error = rmsle(np.log(law.at({name: split.test[name] for name in law.inputs})))
        except LawfulError:
            error = float("nan")
        short = row.form.partition(":")[0]
        yield {**about, "form": short, "rmsle": error, "verdict": row.verdict, "rolling": row.error,
               "failed": row.failed}
        if row.verdict == "chosen":
            yield {**about, "form": "auto", "rmsle": error, "verdict": short, "seconds": round(seconds, 2)}
    yield {**about, "form": "stack", "rmsle": rmsle(stacked(chosen, split.test)), "verdict": " ".join(
        sorted(label.partition(":")[0] for label in fitted))}


def main() -> None:
    """Run, write, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    beside = os.environ.get("LAWFUL_SHARED", Path(__file__).parents[2] / "shared")
    parser.add_argument("--shared", type=Path, default=Path(beside))
    parser.add_argument("--every", type=int, default=5)
    parser.add_argument("-o", type=Path)
    asked = parser.parse_args()
    out = asked.o or Path(__file__).parent / "results" / f"{date.today().isoformat()}-selection.csv"
    fields = ["group", "table", "train", "test", "form", "rmsle", "verdict", "rolling", "failed", "seconds"]
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        for split in [*tables(asked.shared), *curves(asked.shared, asked.every)]:
            for row in errors(split):
                writer.writerow({k: f"{v:.5f}" if isinstance(v, float) else v for k, v in row.items()})
                found[row["group"], row["form"]].append(row["rmsle"])
            file.flush()
    for (group, form), values in found.items():
        answered = [v for v in values if np.isfinite(v)]
        middle = f"median RMSLE {np.median(answered):.4f}, geometric mean {np.exp(np.mean(np.log(answered))):.4f}"
        print(f"{group:<6} {form:<20} {len(values)} tables, {len(values) - len(answered)} failed: "
              f"{middle if answered else 'no answer'}")


if __name__ == "__main__":
    main()
