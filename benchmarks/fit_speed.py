"""How long a fit takes, beside the published recipe, beside other packages, and beside the arithmetic itself.

    python benchmarks/fit_speed.py [-o table.csv] [--starts N] [--repeats N] [--peers PYTHON]

In one run, on the public runs of ``epoch-chinchilla`` (``outlier == 0``, 240 runs):

- the recipe: L-BFGS-B of scipy from each of the 4,500 starts of Hoffmann et al. 2022, on the summed Huber
  loss of log-sum-exp, with exact gradients (``lawful.bench.peers``); ours runs between its blocks,
  so that both meet the same machine;
- ours in process, the point alone and with 1,000 refits, and as a whole command with interpreter start-up;
- the floor: the exp, log and multiply-adds that the 1,000 refits consist of, done by numpy and nothing else
  (``arithmetic.py``);
- with ``--peers``, the interpreter of an environment that has them: the packages ``chinchilla`` and
  ``simple-scaling-laws``, in turns with ours (``peers.py``).

Every process uses one thread. The table goes to ``benchmarks/results/`` with the date, or where ``-o`` says.
"""

from __future__ import annotations

import argparse
import compileall
import dataclasses
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from clocks import HERE, Row, command_row, lawful_command, machine, public_runs, timed, write

# isort: split
import numpy as np
from scipy.optimize import minimize

import lawful
from arithmetic import LATTICE_PAIRS, LATTICE_POINTS, PER_POINT, REFITS, evaluations, floor
from lawful.bench.peers import LATTICE, TOLERANCES, recipe_value
from lawful.fit import Fit, fit
from lawful.fit.resampling import CHECKED_RESAMPLES
from lawful.store import read_runs
from peers import against_peers

BLOCKS = 9
"""Parts into which the recipe's starts are cut, with one fit of ours after each."""

Array = np.ndarray


def recipe(starts: Iterable[Sequence[float]], data: tuple[Array, ...], options: dict[str, float]) -> list[float]:
    """The objective that L-BFGS-B reaches from each of ``starts``."""
    return [float(minimize(recipe_value, np.array(start), data, "L-BFGS-B", jac=True, options=options).fun)
            for start in starts]


def arrived(reached: Sequence[float]) -> str:
    """How many starts ended within a millionth of the best."""
    return f"{np.mean(np.array(reached) <= min(reached) * (1 + 1e-6)):.1%} of the starts arrive"


# ---------------------------------------------------------------------------------------------- table

def measure(starts: int, repeats: int, peers: str | None) -> list[Row]:
    """Every row of the table."""
    table = public_runs()
    runs = read_runs(str(table), where="outlier == 0")
    data = (np.log(runs["params"]), np.log(runs["tokens"]), np.log(runs["loss"]))
    compileall.compile_dir(str(Path(lawful.__file__).parent), quiet=2)
    fit("chinchilla", runs, bootstrap=REFITS)  # imports and caches, not counted

    points = evaluations(runs)
    arithmetic: list[float] = []
    ours: dict[int, list[tuple[float, float]]] = {0: [], REFITS: []}
    fits: dict[int, Fit] = {}
    rng = np.random.default_rng(0)
    chosen = [LATTICE[i] for i in (range(len(LATTICE)) if starts >= len(LATTICE)
                                else np.sort(rng.choice(len(LATTICE), starts, replace=False)))]
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
    once = floor(REFITS * len(runs), len(runs), lattice=False)
    rows.append(Row("floor: their exp, log, multiply-adds in numpy", least, least, ratio=1.0,
                    note=f"{points} (fit, run) points, " + ", ".join(f"{k} {v}" for k, v in PER_POINT.items())
                    + f" each; lattice {CHECKED_RESAMPLES * len(runs) * LATTICE_POINTS * LATTICE_PAIRS} multiply-adds"))
    rows.append(Row("floor of a solver that knows the answer: one evaluation a refit", once, once,
                    ratio=once / least, note="ratio: to the floor; no search, no step, no lattice"))
    rows += commands(table, spent[1], repeats)
    return rows + (against_peers(peers, table, repeats) if peers else [])


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
    start = lawful_command()
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


def text(value: float | None, pattern: str) -> str:
    return "" if value is None else format(value, pattern)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("-o", "--output", type=Path, help="csv file; default benchmarks/results/DATE-fit-speed.csv")
    add("--starts", type=int, default=len(LATTICE), help="starts of the recipe (default all 4,500)")
    add("--repeats", type=int, default=9, help="runs of ours, of which the median counts")
    add("--peers", metavar="PYTHON", help="an interpreter that has the packages to compare with")
    options = parser.parse_args()
    rows, where = measure(options.starts, options.repeats, options.peers), machine()
    print(", ".join(where.values()))
    print(f"{'what':<64} {'wall s':>8} {'CPU s':>8} {'ratio':>7} {'MiB':>6}  objective")
    for row in rows:
        numbers = (text(row.cpu_seconds, ".3f"), text(row.ratio, ".1f"), text(row.peak_mib, ".0f"))
        print("{:<64} {:>8.3f} {:>8} {:>7} {:>6}  {}".format(
            row.what, row.seconds, *numbers, text(row.objective, ".13f")))
    for row in rows:
        if row.note:
            print(f"  {row.what}: {row.note}")
    digits = {"objective": 13}
    write([{k: f"{v:.{digits.get(k, 6)}g}" if isinstance(v, float) else v for k, v in dataclasses.asdict(row).items()}
           for row in rows], where, options.output or HERE / "results" / f"{where['date']}-fit-speed.csv")


if __name__ == "__main__":
    main()
