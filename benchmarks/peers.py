"""Other packages that fit the same law to the same runs, in turns with ours.

They are run by the interpreter of their own environment and never imported here. ``chinchilla`` (0.2.0) is
timed in process, on the objective that ours minimises and the grid of its manual, 5 x 5 x 5 x 5 x 5 starts;
``simple-scaling-laws`` (0.2.0) as a whole command with its 1,000 draws: weighted least squares, of which a
draw is a wild bootstrap started from the estimate.
"""

from __future__ import annotations

import csv
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from clocks import HERE, Row, child, lawful_command, timed

# isort: split
import numpy as np

from lawful.fit import fit
from lawful.fit.objective import objective
from lawful.store import read_runs

SLICES = 5
"""Values of E in the grid of ``chinchilla``: one turn each."""


def against_peers(interpreter: str, table: Path, repeats: int) -> list[Row]:
    """Rows for each package that ``interpreter`` has, and for ours beside it."""
    have = json.loads(subprocess.run([interpreter, "-c", _VERSIONS], capture_output=True, text=True, check=True).stdout)
    rows: list[Row] = []
    if have["chinchilla"]:
        rows += _chinchilla(interpreter, table, repeats, have)
    if have["simple-scaling-laws"]:
        rows += _simple(interpreter, table, repeats, have)
    return rows


_VERSIONS = """
import json, platform
from importlib.metadata import PackageNotFoundError, version
found = {"python": platform.python_version()}
for name in ("chinchilla", "simple-scaling-laws", "numpy", "scipy"):
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        found[name] = None
print(json.dumps(found))
"""


def _named(package: str, have: dict[str, str]) -> str:
    return f"{package} {have[package]} on Python {have['python']}, numpy {have['numpy']}, scipy {have['scipy']}"


def _value(runs: Any, c: dict[str, float]) -> float:
    """The objective of ours at the coefficients of another."""
    law = c["E"] + c["A"] / runs["params"] ** c["alpha"] + c["B"] / runs["tokens"] ** c["beta"]
    return float(objective().value(np.log(law) - np.log(runs["loss"])).sum())


def _chinchilla(interpreter: str, table: Path, repeats: int, have: dict[str, str]) -> list[Row]:
    runs = read_runs(str(table), where="outlier == 0")
    theirs: list[dict[str, Any]] = []
    ours: list[tuple[float, float]] = []
    for turn in range(SLICES):
        done = subprocess.run([interpreter, str(HERE / "peer_chinchilla.py"), str(table), str(turn)],
                              capture_output=True, text=True, check=True)
        theirs.append(json.loads(done.stdout.splitlines()[-1]))
        for _ in range(repeats):
            fitted, wall, cpu = timed(lambda: fit("chinchilla", runs, bootstrap=0))
            ours.append((wall, cpu))
        print(f"  {turn + 1}/{SLICES} of the grid of chinchilla", file=sys.stderr)
    wall, cpu = (statistics.median(column) for column in zip(*ours, strict=True))
    spent = sum(t["cpu"] for t in theirs)
    return [
        Row("chinchilla.fit: 3125 starts of BFGS, point only", sum(t["wall"] for t in theirs), spent,
            min(_value(runs, t["coefficients"]) for t in theirs),
            note=_named("chinchilla", have) + "; its log_huber with delta 1e-3, figures left out, one process"),
        Row("lawful.fit beside it, point only", wall, cpu, fitted.objective["value"], ratio=spent / cpu,
            note="ratio: CPU seconds of theirs over ours"),
    ]


def _simple(interpreter: str, table: Path, repeats: int, have: dict[str, str]) -> list[Row]:
    runs = read_runs(str(table), where="outlier == 0")
    script = str(Path(interpreter).with_name("scaling-laws"))
    with tempfile.TemporaryDirectory() as folder:
        same = Path(folder, "runs.csv")
        with same.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["training_run_id", "model_size__params", "dataset_size__tokens", "test_loss__nats"])
            rows = zip(runs["params"].tolist(), runs["tokens"].tolist(), runs["loss"].tolist(), strict=True)
            writer.writerows((f"run{i}", *row) for i, row in enumerate(rows))
        theirs, ours = [], []
        for turn in range(repeats + 1):
            theirs.append(child(script, "fit", str(same), "--output", f"{folder}/{turn}.slaw", "--draws", "1000",
                                "--quiet"))
            ours.append(child(*lawful_command(), "fit", str(table), "--where", "outlier == 0", "--bootstrap", "1000",
                              "-o", f"{folder}/{turn}.json", "--quiet"))
        fitted = json.loads(Path(folder, "0.slaw", "fits.json").read_text())["test_loss__nats"]["params_raw_scale"]
        value = json.loads(Path(folder, "0.json").read_text())["objective"]["value"]

    def middle(timings: list[dict[str, float]], name: str) -> float:
        return statistics.median(t[name] for t in timings[1:])

    spent, cost = middle(theirs, "cpu"), middle(ours, "cpu")
    return [
        Row("command: scaling-laws fit with 1000 draws", middle(theirs, "wall"), spent, _value(runs, fitted),
            middle(theirs, "mib"), note=_named("simple-scaling-laws", have) + "; least squares of the loss"),
        Row("command beside it: lawful fit with 1000 refits", middle(ours, "wall"), cost, value, middle(ours, "mib"),
            ratio=spent / cost, note="ratio: CPU seconds of theirs over ours; robust, each refit solved anew"),
    ]
