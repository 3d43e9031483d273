"""How time and memory grow with the table: from 100 runs to 1,000,000.

    python benchmarks/table_size.py [-o table.csv] [--most N] [--repeats N]

Tables of five columns (params, tokens, loss, corpus, seed) are simulated from the law of besiroglu2024_refit with
1 % noise and written as csv. For each length, in processes of their own:

- ``csv s``: the standard library's reader over the file, and nothing else;
- ``read s``, ``fit s``: ``read_runs`` and ``fit`` with 1,000 refits, in process;
- ``command s``: ``lawful fit FILE --json --quiet``, interpreter start-up included;
- ``peak``: the command's largest resident memory, less that of a process that has imported the same modules; and
  as a multiple of the table, which is its cells at eight bytes each; ``read_peak``: that of reading alone.

Seconds are of CPU, medians of ``--repeats``; every process uses one thread.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from clocks import HERE, child, lawful_command, machine, write

# isort: split
import numpy as np

LENGTHS = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
HEADER = ("params", "tokens", "loss", "corpus", "seed")
TEXTS = np.array(["c4", "fineweb", "pile", "rpj"])

_WORK = """
import csv, json, sys, time
import lawful.cli.fitting
from lawful.fit import fit
from lawful.laws import law
from lawful.runs import RunTable
from lawful.store import read_runs

sizes, tokens = [1e8, 1e9, 1e10] * 5, [1e10] * 5 + [1e11] * 5 + [1e12] * 5
few = RunTable.of(params=sizes, tokens=tokens, loss=[law("besiroglu2024_refit").law(params=n, tokens=d)
                                                     * (1 + 0.01 * (i % 3 - 1))
                                                     for i, (n, d) in enumerate(zip(sizes, tokens))])
fit("chinchilla", few, bootstrap=2)  # what is imported late is imported now
if len(sys.argv) > 1:
    start = time.process_time()
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            pass
    alone = time.process_time() - start
    runs = read_runs(sys.argv[1])
    read = time.process_time() - start - alone
    fit("chinchilla", runs)
    print(json.dumps({"csv": alone, "read": read, "fit": time.process_time() - start - alone - read}))
"""

_READ = """
import sys
import lawful.cli.fitting
import lawful.fit
from lawful.store import read_runs
if len(sys.argv) > 1:
    read_runs(sys.argv[1])
"""


def simulate(file: Path, runs: int) -> None:
    """A table of ``runs`` runs over three decades of size, as csv."""
    rng = np.random.default_rng(runs)
    params = np.round(10.0 ** rng.uniform(7, 10, runs))
    tokens = np.round(params * 10.0 ** rng.uniform(0.5, 2.5, runs))
    loss = (1.8172 + 482.01 / params**0.3478 + 2085.43 / tokens**0.3658) * np.exp(rng.normal(0, 0.01, runs))
    corpus, seed = TEXTS[rng.integers(0, len(TEXTS), runs)], rng.integers(0, 5, runs)
    with file.open("w", encoding="utf-8") as out:
        out.write(",".join(HEADER) + "\n")
        for n, d, value, text, s in zip(params, tokens, loss, corpus, seed, strict=True):
            out.write(f"{n:.0f},{d:.0f},{value:.6f},{text},{s}\n")


def work(*arguments: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", _WORK, *arguments], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def resident(*command: str) -> float:
    """The median of three peaks of a process, MiB."""
    return statistics.median(child(sys.executable, "-c", *command)["mib"] for _ in range(3))


def measure(folder: Path, runs: int, repeats: int, idle: tuple[float, float]) -> dict[str, float]:
    """One row of the table; ``idle`` is what a process that reads, and one that fits, takes without a table."""
    file = folder / f"{runs}.csv"
    simulate(file, runs)
    inside, reading, whole = [], [], []
    for _ in range(repeats):
        inside.append(work(str(file)))
        reading.append(child(sys.executable, "-c", _READ, str(file)))
        whole.append(child(*lawful_command(), "fit", str(file), "--json", "--quiet"))
    middle = {name: statistics.median(r[name] for r in inside) for name in inside[0]}
    table = runs * len(HEADER) * 8 / 2**20
    read_peak, peak = (statistics.median(r["mib"] for r in each) - imports
                       for each, imports in zip((reading, whole), idle, strict=True))
    return {
        "runs": runs, "file_mib": file.stat().st_size / 2**20, "table_mib": table, "csv_s": middle["csv"],
        "read_s": middle["read"], "fit_s": middle["fit"],
        "command_s": statistics.median(r["cpu"] for r in whole),
        "command_wall_s": statistics.median(r["wall"] for r in whole),
        "read_peak_mib": read_peak, "peak_mib": peak, "peak_tables": peak / table,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("-o", "--output", type=Path, help="csv file; default benchmarks/results/DATE-table-size.csv")
    add("--most", type=int, default=LENGTHS[-1], help="runs of the longest table")
    add("--repeats", type=int, default=3, help="measurements of each, of which the median counts")
    options = parser.parse_args()
    idle = resident(_READ), resident(_WORK)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for runs in LENGTHS:
            if runs <= options.most:
                rows.append(measure(Path(folder), runs, options.repeats, idle))
                print("  ".join(f"{name} {value:.4g}" for name, value in rows[-1].items()), flush=True)
    where = machine()
    print(", ".join(where.values()), f", imports {idle[1]:.0f} MiB")
    write([{name: f"{value:.6g}" for name, value in row.items()} for row in rows], where,
          options.output or HERE / "results" / f"{where['date']}-table-size.csv")


if __name__ == "__main__":
    main()
