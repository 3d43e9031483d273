"""How well bent laws extrapolate learning curves, beside reference fits and the published recipe.

    python benchmarks/learning_curves.py [-o table.csv] [--forms m1,bnsl1] [--every K] [--loss log_squares]

Each curve of ``learning-curve-benchmark`` (Alabdulmohsin et al. 2022; a part of it, see the README beside the
data) is fitted on its training points, with repeated rows dropped, and judged on its test points by the root mean
square error of the log of the loss (RMSLE), on which the benchmark is defined. The fits minimise squared log
residuals for that reason, whatever the form; nothing was chosen by looking at test points. Beside them stand

- the reference: the RMSLE of M1, M2 and BNSL with one break in ``reference_rmsle.csv``;
- the recipe: BNSL with one break as its authors fit it, in their code of figure 4 (a brute-force grid of 163,840
  starts on the mean square of log(y + 1), then ``curve_fit`` from the best), as ``lawful.bench.recipes`` has it.

The table goes to ``benchmarks/results/`` with the date, or where ``-o`` says; a summary is printed. Seconds are
CPU seconds of one thread.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import itertools
import math
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path

os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")})

import numpy as np

from lawful.bench.question import Question
from lawful.bench.recipes import bnsl
from lawful.errors import FailedToAnswer, RunsError
from lawful.fit.engine import identified, judge
from lawful.fit.objective import objective
from lawful.fit.prepare import prepare
from lawful.fit.search import make_job, search
from lawful.laws import form as find_form
from lawful.runs import RunTable

HERE = Path(__file__).parent
DATA = Path(os.environ.get("LAWFUL_SHARED", HERE.parents[1] / "shared")) / "data" / "learning-curve-benchmark"
FORMS = ("m1", "m2", "m3", "m4", "bnsl1", "bnsl2")
REFERENCE = {"m1": "rmsle_m1", "m2": "rmsle_m2", "bnsl1": "rmsle_bnsl1"}
WORSE = 1.1
"""How many times the reference's RMSLE counts as worse than it."""

Array = np.ndarray


@dataclass(frozen=True)
class Curve:
    """One learning curve: examples seen and loss, the points to fit and those to predict."""

    name: str
    x: Array
    y: Array
    x_test: Array
    y_test: Array


@dataclass(frozen=True)
class Row:
    """One form fitted to one curve; ``rmsle`` on the test points, ``train`` on the training points."""

    curve: str
    form: str
    n_train: int
    n_test: int
    rmsle: float
    train: float
    reference: float
    status: str
    agree: str
    seconds: float


def curves() -> Iterator[Curve]:
    """The curves, each point once, in the order of x."""
    with gzip.open(DATA / "curves.csv.gz", "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    for name, group in itertools.groupby(rows, key=lambda row: row["curve"]):
        points = sorted({(float(r["x"]), float(r["loss"]), r["split"]) for r in group})
        parts = {split: np.array([p[:2] for p in points if p[2] == split]).T for split in ("train", "test")}
        yield Curve(name, *parts["train"], *parts["test"])


def rmsle(predicted: Array, observed: Array) -> float:
    """The root mean square of the log of their ratio; NaN where a prediction has no logarithm."""
    with np.errstate(all="ignore"):
        return float(np.sqrt(np.mean(np.log(predicted / observed) ** 2)))


def ours(curve: Curve, form: str, loss: str, reference: float) -> Row:
    """Our point estimate of ``form``, as ``fit`` finds it before it resamples; a refusal is no failure."""
    def row(test: float, train: float, status: str, agree: str = "") -> Row:
        return Row(curve.name, form, len(curve.x), len(curve.x_test), test, train, reference, status, agree,
                   time.process_time() - begin)

    begin, penalty = time.process_time(), objective(loss)
    runs = RunTable.of(examples=curve.x, task_loss=curve.y)
    try:
        problem, _ = prepare(find_form(f"{form}:examples"), runs, penalty, fixed={}, limits={}, weights=None,
                             noise=None)
        best, agree = search(make_job(problem, penalty))
    except RunsError:  # fewer runs than the form needs
        return row(math.nan, math.nan, "refused")
    except FailedToAnswer:
        return row(math.nan, math.nan, "failed")
    status, _ = judge(problem, best, agree, *identified(problem, best.coefficients[0]), 1.0)
    law = problem.law.with_coefficients(best.coefficients[0].tolist())
    return row(rmsle(law.at({"examples": curve.x_test}), curve.y_test), rmsle(law.at({"examples": curve.x}), curve.y),
               status.value, f"{agree}/{len(best.objective)}")


def recipe(curve: Curve, reference: float) -> Row:
    """The published fit of one break."""
    begin = time.process_time()
    runs = RunTable.of(examples=curve.x, task_loss=curve.y)
    everywhere = np.concatenate([curve.x_test, curve.x])
    try:
        found = bnsl(Question(runs, {"examples": everywhere}, "task_loss", ("examples",))).values
    except FailedToAnswer:
        found = np.full(len(everywhere), math.nan)
    test, train = rmsle(found[: len(curve.x_test)], curve.y_test), rmsle(found[len(curve.x_test) :], curve.y)
    return Row(curve.name, "recipe", len(curve.x), len(curve.x_test), test, train, reference,
               "converged" if math.isfinite(test) else "failed", "", time.process_time() - begin)


# ----------------------------------------------------------------------------------- the summary

def summary(rows: Sequence[Row]) -> Iterator[str]:
    """Medians by domain, failures and comparisons with the reference, as Markdown."""
    forms = list(dict.fromkeys(row.form for row in rows))
    domains = sorted({row.curve.partition("|")[0] for row in rows})
    known = [form for form in forms if form in REFERENCE]
    yield f"| domain | curves | {' | '.join(forms)} | {' | '.join(f'reference {form}' for form in known)} |"
    yield "|" + " --- |" * (2 + len(forms) + len(known))
    for domain in domains:
        part = [row for row in rows if row.curve.startswith(domain + "|")]
        medians = [middle([r.rmsle for r in part if r.form == form]) for form in forms]
        medians += [middle([r.reference for r in part if r.form == form]) for form in known]
        yield f"| {domain} | {len({r.curve for r in part})} | {' | '.join(medians)} |"
    yield ""
    yield "| form | curves | failed | out of steps | at a bound | refused | seconds, median and largest |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for form in forms:
        part = [r for r in rows if r.form == form]
        count = [sum(r.status == s for r in part) for s in ("failed", "out_of_steps", "at_bound", "refused")]
        times = sorted(r.seconds for r in part)
        yield (f"| {form} | {len(part)} | {' | '.join(map(str, count))} | "
               f"{statistics.median(times):.2f}, {times[-1]:.2f} |")
    yield ""
    for form in known:
        part = [r for r in rows if r.form == form]
        ratios = [r.rmsle / r.reference for r in part]
        yield (f"{form} against its reference: better by more than 10 % on {sum(q < 1 / WORSE for q in ratios)} "
               f"curves, within 10 % on {sum(1 / WORSE <= q <= WORSE for q in ratios)}, "
               f"worse on {sum(not q <= WORSE for q in ratios)} of {len(part)}.")
    recipes = {r.curve: r for r in rows if r.form == "recipe"}
    for r in rows:
        if r.form in REFERENCE and not r.rmsle <= WORSE * r.reference:
            other = f", the recipe's {recipes[r.curve].train:.5f}" if r.form == "bnsl1" and r.curve in recipes else ""
            yield (f"- {r.form}, {r.curve}: {r.rmsle:.4f}, reference {r.reference:.4f}; on the training points ours is "
                   f"{r.train:.5f}{other}; {r.agree} starts agree; {r.status}")


def middle(values: Sequence[float]) -> str:
    """The median of the numbers among ``values``."""
    numbers = [v for v in values if math.isfinite(v)]
    return f"{statistics.median(numbers):.4f}" if numbers else "-"


def main() -> None:
    """Fit, print, write."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("-o", "--output", type=Path,
                         default=HERE / "results" / f"{date.today():%Y-%m-%d}-learning-curves.csv")
    options.add_argument("--forms", default=",".join(FORMS), help="forms of ours, with commas between")
    options.add_argument("--every", type=int, default=1, help="take every K-th curve")
    options.add_argument("--loss", default="log_squares", help="what our fits minimise")
    asked = options.parse_args()
    with open(DATA / "reference_rmsle.csv", newline="") as file:
        reference = {row["curve"]: row for row in csv.DictReader(file)}
    rows: list[Row] = []
    for curve in itertools.islice(curves(), 0, None, asked.every):
        known = {form: float(reference[curve.name][column]) for form, column in REFERENCE.items()}
        rows += [ours(curve, form, asked.loss, known.get(form, math.nan)) for form in asked.forms.split(",")]
        rows.append(recipe(curve, known["bnsl1"]))
        print(curve.name, *(f"{r.form} {r.rmsle:.4f}" for r in rows if r.curve == curve.name), flush=True)
    print("", *summary(rows), sep="\n")
    with open(asked.output, "w", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in asdict(row).items()} for row in rows)


if __name__ == "__main__":
    main()
