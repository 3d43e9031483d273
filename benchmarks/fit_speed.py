"""How long a fit takes, beside the published recipe and beside the arithmetic itself.

    python benchmarks/fit_speed.py [-o table.csv] [--starts N] [--repeats N]

In one run, on the public runs of ``epoch-chinchilla`` (``outlier == 0``, 240 runs):

- the recipe: L-BFGS-B of scipy from each of the 4,500 starts of Hoffmann et al. 2022, on the summed Huber
  loss of log-sum-exp, written here from the formula, with exact gradients; ours runs between its blocks,
  so that both meet the same machine;
- ours in process, the point alone and with 1,000 refits, and as a whole command with interpreter start-up;
- the floor: the exp, log and multiply-adds that the 1,000 refits consist of, done by numpy and nothing else.

Every process uses one thread. The table goes to ``benchmarks/results/`` with the date, or where ``-o`` says.
"""

from __future__ import annotations

import argparse
import compileall
import csv
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")})

import numpy as np
import scipy
from scipy.optimize import minimize

import lawful
from lawful.fit import Fit, fit
from lawful.fit.problem import Problem
from lawful.fit.solver import CHUNK
from lawful.store import read_runs

HERE = Path(__file__).parent
DELTA = 1e-3
REFITS = 1000
BLOCKS = 9
"""Parts into which the recipe's starts are cut, with one fit of ours after each."""

GRID = tuple(itertools.product(
    (0.0, 5.0, 10.0, 15.0, 20.0, 25.0), (0.0, 5.0, 10.0, 15.0, 20.0, 25.0), (-1.0, -0.5, 0.0, 0.5, 1.0),
    (0.0, 0.5, 1.0, 1.5, 2.0), (0.0, 0.5, 1.0, 1.5, 2.0)))
"""a, b, e, alpha, beta: the 4,500 starts of Hoffmann et al. 2022, appendix D.4."""

TOLERANCES = {"ftol": 1e-14, "gtol": 1e-8, "maxiter": 2000}
"""scipy's ftol is relative to max(|f|, 1), and f is 1e-3 here: 1e-14 means 1e-11 of the objective."""


@dataclass
class Row:
    """One line of the table; ``ratio`` is to the row it names in ``against``."""

    what: str
    seconds: float
    cpu_seconds: float | None = None
    objective: float | None = None
    peak_mib: float | None = None
    ratio: float | None = None
    note: str = ""


# ------------------------------------------------------------------------------------ the recipe

Array = np.ndarray


def recipe_value(theta: Array, log_n: Array, log_d: Array, log_loss: Array) -> tuple[float, Array]:
    """The summed Huber loss of LSE(a - alpha log N, b - beta log D, e) - log L, and its gradient."""
    a, b, e, alpha, beta = theta
    terms = np.empty((3, len(log_n)))
    terms[0], terms[1], terms[2] = a - alpha * log_n, b - beta * log_d, e
    top = terms.max(axis=0)
    share = np.exp(terms - top)
    total = share.sum(axis=0)
    r = top + np.log(total) - log_loss
    share /= total
    psi = np.clip(r, -DELTA, DELTA)
    size = np.abs(r)
    value = np.where(size <= DELTA, 0.5 * r * r, DELTA * (size - 0.5 * DELTA)).sum()
    on_a, on_b, on_e = share * psi
    return float(value), np.array([on_a.sum(), on_b.sum(), on_e.sum(), -(on_a @ log_n), -(on_b @ log_d)])


def recipe(starts: Iterable[Sequence[float]], data: tuple[Array, ...], options: dict[str, float]) -> list[float]:
    """The objective that L-BFGS-B reaches from each of ``starts``."""
    return [float(minimize(recipe_value, np.array(start), data, "L-BFGS-B", jac=True, options=options).fun)
            for start in starts]


def arrived(reached: Sequence[float]) -> str:
    """How many starts ended within a millionth of the best."""
    return f"{np.mean(np.array(reached) <= min(reached) * (1 + 1e-6)):.1%} of the starts arrive"


# --------------------------------------------------------------------------------------- clocks

def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What ``work`` returns, with wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


_LEAN = """
import json, os, sys, time
start = time.perf_counter()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ,
                     file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
_, status, used = os.wait4(pid, 0)
print(json.dumps({"code": status, "wall": time.perf_counter() - start, "cpu": used.ru_utime + used.ru_stime,
                  "mib": used.ru_maxrss / 1024}))
"""


def child(*command: str) -> dict[str, float]:
    """Wall and CPU seconds and peak memory of ``command``, started by a lean process.

    A child's peak memory includes its parent's at the moment of the fork, hence the lean one between.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHONDONTWRITE")}
    done = subprocess.run([sys.executable, "-I", "-S", "-c", _LEAN, *command], env=environment, check=True,
                          capture_output=True, text=True)
    used: dict[str, float] = json.loads(done.stdout)
    if used["code"]:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr}")
    return used


def command_row(what: str, repeats: int, *command: str, **more: Any) -> Row:
    """The medians of ``repeats`` runs of a command."""
    runs = [child(*command) for _ in range(repeats + 1)][1:]
    middle = {name: statistics.median(r[name] for r in runs) for name in ("wall", "cpu", "mib")}
    return Row(what, middle["wall"], middle["cpu"], peak_mib=middle["mib"], **more)


# ---------------------------------------------------------------------------------------- floor

PER_POINT = {"exp": 2, "log": 1, "divide": 1, "elementwise": 40, "matrix": 35}
"""What one run in one fit at one step needs for value, gradient and Hessian of the additive law.

exp: N**-alpha, D**-beta; log: of the law; divide: 1 / law. elementwise, multiplications and additions: law 4,
residual 1, Huber value and slope 6, weights 3, sum 1, Jacobian 6, its weighted copy 6, second derivatives 5,
their four weighted sums 8. matrix, multiply-adds: Hessian 25, gradient 5, diagonal scale 5.
"""

LATTICE_POINTS, LATTICE_PAIRS = 196, 10
"""The start of every refit: one product of weights (refit, run) with (run, pairs x points)."""


def evaluations(runs: Any) -> int:
    """How many (fit, run) points the solver evaluates for 1,000 refits, the point fit left out."""
    counted = [0]
    plain = Problem.derivatives

    def counting(self: Problem, u: Any, weights: Any, penalty: Any) -> Any:
        counted[0] += len(u) * len(self.observed)
        return plain(self, u, weights, penalty)

    Problem.derivatives = counting  # type: ignore[method-assign]
    try:
        fit("chinchilla", runs, bootstrap=0)
        alone, counted[0] = counted[0], 0
        fit("chinchilla", runs, bootstrap=REFITS)
    finally:
        Problem.derivatives = plain  # type: ignore[method-assign]
    return counted[0] - alone


def floor(points: int, runs: int) -> float:
    """CPU seconds that numpy needs for the arithmetic of ``points`` evaluations and the lattice, in cache."""
    batch = CHUNK // runs
    chunk = batch * runs
    x = np.random.default_rng(0).uniform(0.5, 1.5, chunk)
    out, other = np.empty(chunk), np.ones(chunk)
    jacobian = np.ones((batch, 5, runs))
    weights, basis = np.ones((REFITS, runs)), np.ones((runs, LATTICE_PAIRS * LATTICE_POINTS))
    start = time.process_time()
    for _ in range(round(points / chunk)):
        for _ in range(PER_POINT["exp"]):
            np.exp(x, out=out)
        for _ in range(PER_POINT["log"]):
            np.log(x, out=out)
        np.divide(other, x, out=out)
        for _ in range(PER_POINT["elementwise"] // 2):
            np.multiply(x, other, out=out)
            np.add(out, other, out=out)
        np.matmul(jacobian, jacobian.transpose(0, 2, 1))
        np.matmul(jacobian, jacobian[:, :2].transpose(0, 2, 1))
    np.matmul(weights, basis)
    return time.process_time() - start


# ----------------------------------------------------------------------------------------- table

def shared() -> Path:
    """The folder of public data; the benchmark stops with a sentence where it is absent."""
    folder = Path(os.environ.get("LAWFUL_SHARED", HERE.parent.parent / "shared"))
    table = folder / "data" / "epoch-chinchilla" / "runs.csv"
    if not table.is_file():
        raise SystemExit(f"no public runs at {table}: set LAWFUL_SHARED to the folder that holds data/")
    return table


def measure(starts: int, repeats: int) -> list[Row]:
    """Every row of the table."""
    table = shared()
    runs = read_runs(str(table), where="outlier == 0")
    data = (np.log(runs["params"]), np.log(runs["tokens"]), np.log(runs["loss"]))
    compileall.compile_dir(str(Path(lawful.__file__).parent), quiet=2)
    fit("chinchilla", runs, bootstrap=REFITS)  # imports and caches, not counted

    points = evaluations(runs)
    arithmetic: list[float] = []
    ours: dict[int, list[tuple[float, float]]] = {0: [], REFITS: []}
    fits: dict[int, Fit] = {}
    rng = np.random.default_rng(0)
    chosen = [GRID[i] for i in (range(len(GRID)) if starts >= len(GRID)
                                else np.sort(rng.choice(len(GRID), starts, replace=False)))]
    blocks = [chosen[i::BLOCKS] for i in range(BLOCKS)]
    spent, reached = np.zeros(2), []
    for i, block in enumerate(blocks):
        if block:
            found, wall, cpu = timed(partial(recipe, block, data, TOLERANCES))
            spent, reached = spent + np.array([wall, cpu]), reached + found
        for count in ours:
            for _ in range(max(1, round(repeats / BLOCKS)) if i else 1):
                fits[count], wall, cpu = timed(partial(fit, "chinchilla", runs, bootstrap=count))
                ours[count].append((wall, cpu))
        arithmetic.append(floor(points, len(runs)))
        print(f"  {i + 1}/{BLOCKS} of the recipe's starts", file=sys.stderr)
    loose, loose_wall, loose_cpu = timed(partial(recipe, chosen, data, {}))

    rows = [
        Row(f"recipe: {len(chosen)} starts of L-BFGS-B, point only", spent[0], spent[1], min(reached),
            note=arrived(reached)),
        Row(f"recipe at scipy's default tolerances: {len(chosen)} starts", loose_wall, loose_cpu, min(loose),
            note=arrived(loose)),
    ]
    for count, what in ((0, "lawful.fit, point only"), (REFITS, f"lawful.fit with {REFITS} refits")):
        wall, cpu = (statistics.median(column) for column in zip(*ours[count], strict=True))
        rows.append(Row(what, wall, cpu, fits[count].objective["value"], ratio=spent[1] / cpu,
                        note="ratio: CPU seconds of the recipe over ours"))
    least = statistics.median(arithmetic)
    alone, full = rows[-2:]
    refits = (full.cpu_seconds or 0.0) - (alone.cpu_seconds or 0.0)
    rows.append(Row(f"the {REFITS} refits alone", full.seconds - alone.seconds, refits, ratio=refits / least,
                    note="ratio: CPU seconds over the floor"))
    rows.append(Row("floor: their exp, log, multiply-adds in numpy", least, least, ratio=1.0,
                    note=f"{points} (fit, run) points, " + ", ".join(f"{k} {v}" for k, v in PER_POINT.items())
                    + f" each; lattice {REFITS * len(runs) * LATTICE_POINTS * LATTICE_PAIRS} multiply-adds"))
    rows += commands(table, spent[1], repeats)
    return rows


_PROBE = """
import sys
from lawful.cli import main
try:
    main(["--help"])
except SystemExit:
    pass
sys.exit("numpy" in sys.modules)
"""


def commands(table: Path, recipe_cpu: float, repeats: int) -> list[Row]:
    """The rows that start an interpreter: the whole command, ``--help``, and what Python itself costs."""
    me = str(Path(sys.executable).with_name("lawful"))
    start = [me] if Path(me).is_file() else [sys.executable, "-m", "lawful"]
    full = (*start, "fit", str(table), "--where", "outlier == 0", "--bootstrap", str(REFITS), "--json")
    probe = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, check=False)
    few = max(3, repeats)
    row = command_row(f"command: lawful fit with {REFITS} refits", few, *full)
    row.ratio, row.note = recipe_cpu / (row.cpu_seconds or 1.0), "ratio: CPU seconds of the recipe over ours"
    return [
        row,
        command_row("command: lawful --help", few, *start, "--help",
                    note="numpy IMPORTED" if probe.returncode else "numpy not imported"),
        command_row("for scale: python -c pass", few, sys.executable, "-c", "pass"),
        command_row("for scale: python -c 'import numpy'", few, sys.executable, "-c", "import numpy"),
    ]


def machine() -> dict[str, str]:
    """Where and with what this was measured, in words that name no host."""
    load = os.getloadavg()[0]
    return {
        "date": date.today().isoformat(),
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {load:.1f}",
        "python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__,
    }


def text(value: float | None, pattern: str) -> str:
    return "" if value is None else format(value, pattern)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("-o", "--output", type=Path, help="csv file; default benchmarks/results/DATE-fit-speed.csv")
    add("--starts", type=int, default=len(GRID), help="starts of the recipe (default all 4,500)")
    add("--repeats", type=int, default=9, help="runs of ours, of which the median counts")
    options = parser.parse_args()
    rows, where = measure(options.starts, options.repeats), machine()
    print(", ".join(where.values()))
    print(f"{'what':<58} {'wall s':>8} {'CPU s':>8} {'ratio':>7} {'MiB':>6}  objective")
    for row in rows:
        numbers = (text(row.cpu_seconds, ".3f"), text(row.ratio, ".1f"), text(row.peak_mib, ".0f"))
        print("{:<58} {:>8.3f} {:>8} {:>7} {:>6}  {}".format(
            row.what, row.seconds, *numbers, text(row.objective, ".13f")))
    for row in rows:
        if row.note:
            print(f"  {row.what}: {row.note}")
    output = options.output or HERE / "results" / f"{where['date']}-fit-speed.csv"
    output.parent.mkdir(parents=True, exist_ok=True)
    names = ("what", "seconds", "cpu_seconds", "ratio", "peak_mib", "objective", "note")
    with output.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*where, *names], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            cells = ((name, getattr(row, name)) for name in names)
            digits = {"objective": 13}
            writer.writerow({**where, **{k: f"{v:.{digits.get(k, 6)}g}" if isinstance(v, float) else v
                                         for k, v in cells}})
    print(f"wrote {output}", file=sys.stderr)


if __name__ == "__main__":
    main()
