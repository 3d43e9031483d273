"""Does what ``--form auto`` forecasts come nearer than every single form, and do its intervals hold what they say?

    python benchmarks/selection.py [--shared ../shared] [--groups nd,lc,more] [--half development] [-o table.csv]

Three groups of public tables, none of which any choice saw above its split:

- ``nd``, tables in params and tokens (those of ``intervals.py``): fitted to the runs a decade of compute below the
  largest, asked about all above;
- ``lc``, the learning curves of the public benchmark (learning-curve-benchmark), at its own split, to about twice the
  examples; the errors of single forms there, and of the published recipe, are those that ``learning_curves.py`` found,
  from the last of its tables in ``results``;
- ``more``, other curves (training, width, samples, checkpoints; a part of each set), split at a half and at
  a tenth of their largest x.

Curves at even places of their set, in the order of their names, are the development half: constants were set on it.
Those at odd places are held out. A row is one form on one table: its root mean square log error (RMSLE); of ``auto``
also the share of the points within its interval for a new run, and the interval's width in logs. ``auto`` is what a
saved fit forecasts, ``chosen`` the chosen form alone. Single forms along curves minimise squared log residuals. Writes
a dated table to ``benchmarks/results`` and prints a summary.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import itertools
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")})

import numpy as np

from intervals import TABLES
from lawful.errors import LawfulError
from lawful.fit import fit
from lawful.fit.choice.selection import select
from lawful.runs import RunTable
from lawful.store import read_runs

FEWEST, FEWEST_ON_A_CURVE = 15, 7
"""Runs below a split, at least."""

SINGLE = ("m1", "m2", "m3", "m4", "bnsl1")
"""The single forms of ``more``; two breaks take seconds a curve, and ``learning_curves.py`` has them."""

LEVEL, DRAWS = 0.9, 200
SPLITS = (2.0, 10.0)
HORIZONS = (0.0, 0.15, 0.3, 1.01)
"""Ends of the stretches, in decades beyond the runs, over which coverage is counted."""


@dataclass(frozen=True)
class Split:
    """What is fitted and what is asked, with the group that medians are taken over."""

    group: str
    name: str
    half: str
    train: RunTable
    test: RunTable

    @property
    def is_curve(self) -> bool:
        """Whether it is along one quantity."""
        return self.group != "nd"


def tables(shared: Path) -> Iterator[Split]:
    """The N-D tables, split a decade of compute below their largest run."""
    for name, (file, where, mapping) in TABLES.items():
        runs = read_runs(str(shared / "data" / file), where=where, mapping=mapping)
        below = runs["compute"] <= runs["compute"].max() / 10
        if below.sum() >= FEWEST:
            yield Split("nd", name, "all", runs.take(below), runs.take(~below))


def rows_of(shared: Path, file: str) -> list[dict[str, str]]:
    """The rows of a csv file, packed or not."""
    path = shared / "data" / file
    with (gzip.open(path, "rt") if path.suffix == ".gz" else path.open()) as lines:
        return list(csv.DictReader(lines))


def half(place: int) -> str:
    """Which half the curve at this place among the sorted names belongs to."""
    return "development" if place % 2 == 0 else "held out"


def learning_curves(shared: Path) -> Iterator[Split]:
    """The benchmark's curves at its own split, repeated points left out."""
    found: dict[str, set[tuple[float, float, bool]]] = defaultdict(set)
    for row in rows_of(shared, "learning-curve-benchmark/curves.csv.gz"):
        found[row["curve"]].add((float(row["x"]), float(row["loss"]), row["split"] == "train"))
    for place, name in enumerate(sorted(found)):
        points = np.array(sorted(found[name]))
        runs, train = RunTable.of(examples=points[:, 0], task_loss=points[:, 1]), points[:, 2] > 0
        yield Split("lc", name, half(place), runs.take(train), runs.take(~train))


SOURCES: Mapping[str, tuple[str, Callable[[dict[str, str]], str], str, str, int]] = {
    "width": ("double-descent/curves.csv", lambda r: f"{r['experiment']}|{r['x_name']}|{r['metric']}", "x", "y", 2),
    "training": ("pretraining-curves/curves.csv.gz", lambda r: f"{r['family']}|{r['curve']}", "D", "loss", 4),
    "collapse": ("scaling-collapse/curves.csv.gz", lambda r: f"{r['sweep']}|{r['run']:>3}", "compute", "test_loss", 20),
    "checkpoints": ("pythia-downstream/evals.csv.gz",
                    lambda r: "|".join(r[k] for k in ("size", "data", "shots", "task", "metric")), "D", "value", 32),
    "difficulty": ("u-shaped-emergence/groups.csv.gz",
                   lambda r: f"{r['task']}|{r['group']}", "log10_flops", "brier", 8),
}
"""Of each further set: its file, the name of a row's curve, the columns x and y, and one in how many pairs is taken."""


def more_curves(shared: Path) -> Iterator[Split]:
    """Curves of other kinds, each split at a half and at a tenth of its largest x; accuracies as such."""
    for group, (file, named, x, y, step) in SOURCES.items():
        found: dict[str, set[tuple[float, float]]] = defaultdict(set)
        for row in rows_of(shared, file):
            if row[x] and row[y] and float(row[y]) > 0 and float(row[x]) > 0:
                found[named(row)].add((10 ** float(row[x]) if x.startswith("log10") else float(row[x]), float(row[y])))
        names = sorted(found)
        for place, name in enumerate(names):
            points = np.array(sorted(found[name]))
            target = "accuracy" if "|acc" in name else "task_loss"
            runs = RunTable.of(**{"examples": points[:, 0], target: points[:, 1]})
            for by in SPLITS:
                below = points[:, 0] <= points[-1, 0] / by
                enough = len(np.unique(points[below, 0])) >= FEWEST_ON_A_CURVE and not below.all()
                if (place // 2) % step == 0 and enough and np.ptp(points[below, 1]) > 0:
                    yield Split(group, f"{name}|1/{by:g}", half(place), runs.take(below), runs.take(~below))


def rmsle(forecast: Any, observed: Any) -> float:
    """The root mean square of the log of their ratio."""
    with np.errstate(all="ignore"):
        return float(np.sqrt(np.mean(np.log(np.asarray(forecast) / observed) ** 2)))


def errors(split: Split) -> Iterator[dict[str, Any]]:
    """A row for what auto forecasts, for the form that it chose, and for each single form."""
    begin = time.process_time()
    chosen = select(split.train, bootstrap=DRAWS)
    observed = split.test[chosen.target]
    at = {name: split.test[name] for name in chosen.fit.law.inputs}
    values, runs = chosen.forecasts(at)
    seconds = time.process_time() - begin
    about = {"group": split.group, "table": split.name, "half": split.half, "train": len(split.train),
             "test": len(split.test)}
    low, high = np.nanpercentile(runs, [50 * (1 - LEVEL), 50 * (1 + LEVEL)], axis=0)
    inside = (low <= observed) & (observed <= high)
    horizon = np.log10(split.test[next(iter(at))] / split.train[next(iter(at))].max()) if split.is_curve else None
    stretches = {} if horizon is None else {
        f"coverage_{k}": float(inside[part].mean()) for k, (a, b) in enumerate(itertools.pairwise(HORIZONS))
        if (part := (horizon > a) & (horizon <= b)).any()}
    first = chosen.rows[0].form.partition(":")[0]
    yield {**about, "form": "auto", "rmsle": rmsle(values, observed), "verdict": first, "seconds": round(seconds, 2),
           "coverage": float(inside.mean()), "width": float(np.median(np.log(high / low))), **stretches}
    yield {**about, "form": "chosen", "rmsle": rmsle(chosen.fit.law.at(at), observed)}
    if split.group == "lc":
        yield from ({**about, "form": form, "rmsle": known[split.name]} for form, known in published().items())
        return
    names = SINGLE if split.is_curve and chosen.target == "task_loss" else [
        row.form.partition(":")[0] for row in chosen.rows]
    verdicts = {row.form.partition(":")[0]: row.verdict for row in chosen.rows}
    options = {"loss": "log_squares"} if split.is_curve else {}
    for form in names:
        try:
            law = fit(f"{form}:examples" if split.is_curve else form, split.train, bootstrap=0, **options).law
            error = rmsle(law.at(at), observed)
        except LawfulError:
            error = float("nan")
        yield {**about, "form": form, "rmsle": error, "verdict": verdicts.get(form, "")}


def summary(rows: list[dict[str, Any]]) -> Iterator[str]:
    """By group and half: errors of each form, how often auto was nearer, and what its intervals held."""
    for group, side in dict.fromkeys((row["group"], row["half"]) for row in rows):
        part = [row for row in rows if (row["group"], row["half"]) == (group, side)]
        found: dict[str, dict[str, float]] = defaultdict(dict)
        for row in part:
            found[row["form"]][row["table"]] = row["rmsle"] if np.isfinite(row["rmsle"]) else np.inf
        others = [form for form in found if form not in ("auto", "chosen")]
        best = np.mean([all(error < found[form].get(name, np.inf) for form in others)
                        for name, error in found["auto"].items()])
        yield f"\n{group}, {side}: {len(found['auto'])} tables; auto the nearest on {100 * best:.0f} %"
        for form, by_table in found.items():
            values = np.array(list(by_table.values()))
            known = np.isfinite(values)
            nearer = np.mean([found["auto"][name] < error for name, error in by_table.items()])
            yield (f"  {form:<22} median {np.median(values):.4f}  mean {values[known].mean():.4f}  geometric mean "
                   f"{np.exp(np.log(values[known]).mean()):.4f}  failed {np.sum(~known)}  auto nearer {nearer:.2f}")
        auto = [row for row in part if row["form"] == "auto"]
        held = {key: np.mean([row[key] for row in auto if key in row]) for key in
                ("coverage", *(f"coverage_{k}" for k in range(len(HORIZONS) - 1))) if any(key in row for row in auto)}
        points = np.average([row["coverage"] for row in auto], weights=[row["test"] for row in auto])
        yield (f"  90 % intervals held, mean over tables: {', '.join(f'{k} {v:.3f}' for k, v in held.items())}; over "
               f"points {points:.3f}; median width {np.median([row['width'] for row in auto]):.3f}; "
               f"{np.median([row['seconds'] for row in auto]):.2f} CPU seconds at the median")


@cache
def published() -> dict[str, dict[str, float]]:
    """The RMSLE of each form by curve, from the last table that ``learning_curves.py`` wrote; NaN where it failed."""
    files = sorted((Path(__file__).parent / "results").glob("*-learning-curves.csv"))
    found: dict[str, dict[str, float]] = defaultdict(dict)
    with files[-1].open() as lines:
        for row in csv.DictReader(lines):
            found[row["form"]][row["curve"]] = float(row["rmsle"])
    return found


def main() -> None:
    """Run, write, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    beside = os.environ.get("LAWFUL_SHARED", Path(__file__).parents[2] / "shared")
    parser.add_argument("--shared", type=Path, default=Path(beside))
    parser.add_argument("--groups", default="nd,lc,more")
    parser.add_argument("--half", choices=("development", "held out"), default=None, help="one half of the curves")
    parser.add_argument("-o", type=Path)
    asked = parser.parse_args()
    out = asked.o or Path(__file__).parent / "results" / f"{date.today().isoformat()}-selection.csv"
    fields = ["group", "table", "half", "train", "test", "form", "rmsle", "verdict", "seconds", "coverage", "width",
              *(f"coverage_{k}" for k in range(len(HORIZONS) - 1))]
    sources = {"nd": tables, "lc": learning_curves, "more": more_curves}
    rows: list[dict[str, Any]] = []
    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        writer.writeheader()
        for group in asked.groups.split(","):
            for split in sources[group](asked.shared):
                if asked.half is None or split.half in (asked.half, "all"):
                    for row in errors(split):
                        writer.writerow({k: f"{v:.5g}" if isinstance(v, float) else v for k, v in row.items()})
                        rows.append(row)
                    file.flush()
    print(*summary(rows), sep="\n")


if __name__ == "__main__":
    main()
