"""Laws found by ``discover``, and the catalogue's own forms, on three tasks of SLDBench (arXiv:2507.21184).

    python benchmarks/sldbench.py [--data ../shared/data] [--task NAME] [--budget N] [--csv FILE]

Both see the rows of the published train split only; R2, NMSE and NMAE are those on the test split. NMSE is 1 - R2;
NMAE is the mean absolute error over the mean absolute deviation of the test rows from their mean. The scores of the
benchmark's agents are those listed in the data's README files (best programs of three runs of its first version).
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from lawful.fit import discover, fit
from lawful.laws.base import Law
from lawful.laws.registry import forms
from lawful.runs import RunTable
from lawful.store import read_runs


@dataclass(frozen=True)
class Task:
    """One task: its columns, the catalogue's form with the columns (and factors) it reads, agents' R2, the rows."""

    target: str
    inputs: tuple[str, ...]
    form: str
    reads: Mapping[str, tuple[str, float]]
    agents: tuple[float, ...]
    rows: str = ""


TASKS = {
    "data-constrained": Task(
        "loss", ("N", "D", "U"), "data_constrained",
        {"params": ("N", 1.0), "tokens": ("D", 1.0), "unique_tokens": ("U", 1.0)}, (0.8388, 0.9595, 0.9298)),
    "lr-bsz": Task(
        "loss", ("lr", "batch_seqs", "N", "D"), "tuned_chinchilla",
        {"params": ("N", 1.0), "tokens": ("D", 1.0), "learning_rate": ("lr", 1.0),
         "batch_tokens": ("batch_seqs", 2048.0)},
        (-7.06, 0.990, 0.811), " and loss <= 4"),
    "vocab": Task(
        "loss_u", ("N_nonvocab", "vocab_size", "num_characters"), "vocabulary_loss",
        {"params": ("N_nonvocab", 1.0), "vocab_params": ("vocab_size", 1.0), "tokens": ("num_characters", 1.0)},
        (0.9697, 0.9790, 0.9697)),
}


def scores(observed: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    errors, about = observed - predicted, observed - observed.mean()
    nmse = float(np.sum(errors**2) / np.sum(about**2))
    return {"r2": 1.0 - nmse, "nmse": nmse, "nmae": float(np.abs(errors).mean() / np.abs(about).mean())}


def judged(law: Law, test: RunTable, target: str) -> dict[str, float]:
    return scores(test[target], np.broadcast_to(law.at({name: test[name] for name in law.inputs}), len(test)))


def run(name: str, data: Path, budget: int) -> list[dict[str, object]]:
    task, file = TASKS[name], str(data / f"sldbench-{name}" / "data.csv")
    train, test = (read_runs(file, where=f"split == '{part}'{task.rows}") for part in ("train", "test"))
    begin = time.process_time()
    found = discover(train, task.target, task.inputs, budget=budget,
                     progress=lambda said: print(f"{name}: {said}", file=sys.stderr))
    seconds = time.process_time() - begin
    rows: list[dict[str, object]] = []
    for place, candidate in enumerate(found.laws, 1):
        if candidate.law is not None:
            rows.append({"task": name, "what": f"discover, law {place}", **judged(candidate.law, test, task.target),
                         "coefficients": candidate.complexity, "cpu_seconds": seconds if place == 1 else "",
                         "formula": candidate.formula})
    if task.form in forms():
        output = forms()[task.form].output.name
        seen, ahead = (RunTable.of(**{output: runs[task.target], **{
            quantity: factor * runs[column] for quantity, (column, factor) in task.reads.items()}})
            for runs in (train, test))
        begin = time.process_time()
        own = fit(task.form, seen, bootstrap=0)
        rows.append({"task": name, "what": f"catalogue: {task.form}", **judged(own.law, ahead, output),
                     "coefficients": len(own.law.names()), "cpu_seconds": time.process_time() - begin,
                     "formula": own.law.formula()})
    rows += [{"task": name, "what": f"published agent {i}", "r2": r2, "nmse": 1.0 - r2}
             for i, r2 in enumerate(task.agents, 1)]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("LAWFUL_SHARED", "../shared")) / "data")
    parser.add_argument("--task", choices=TASKS, action="append")
    parser.add_argument("--budget", type=int, default=600)
    parser.add_argument("--csv", type=Path, help="write the table here too")
    given = parser.parse_args()
    rows = [row for name in given.task or TASKS for row in run(name, given.data, given.budget)]
    for row in rows:
        shown = {"r2": np.nan, "nmae": np.nan, "coefficients": "", "cpu_seconds": "", **row}
        seconds = f"{shown['cpu_seconds']:.0f} s" if shown["cpu_seconds"] != "" else ""
        print(f"{row['task']:<17} {row['what']:<28} R2 {shown['r2']:8.4f}  NMAE {shown['nmae']:7.4f}  "
              f"{shown['coefficients']!s:>2} {seconds:>6}  {row.get('formula', '')}")
    if given.csv is not None:
        head = ["date", "machine", "task", "what", "r2", "nmse", "nmae", "coefficients", "cpu_seconds", "formula"]
        about = {"date": date.today().isoformat(), "machine": f"{platform.machine()}, {os.cpu_count()} cores"}
        with given.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, head, restval="")
            writer.writeheader()
            writer.writerows({**about, **{k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()}}
                             for row in rows)


if __name__ == "__main__":
    main()
