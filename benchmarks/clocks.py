"""What the benchmarks share: clocks, child processes, and tables of rows with a date.

Import it before numpy: every process uses one thread.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")})

import numpy as np
import scipy

HERE = Path(__file__).parent


@dataclass
class Row:
    """One line of the table; ``note`` says what ``ratio`` is to."""

    what: str
    seconds: float
    cpu_seconds: float | None = None
    objective: float | None = None
    peak_mib: float | None = None
    ratio: float | None = None
    note: str = ""


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


def lawful_command() -> list[str]:
    """How ``lawful`` is started: the installed script where there is one."""
    script = Path(sys.executable).with_name("lawful")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "lawful"]


def public_runs() -> Path:
    """The table of epoch-chinchilla; a benchmark stops with a sentence where the public data are absent."""
    folder = Path(os.environ.get("LAWFUL_SHARED", HERE.parent.parent / "shared"))
    table = folder / "data" / "epoch-chinchilla" / "runs.csv"
    if not table.is_file():
        raise SystemExit(f"no public runs at {table}: set LAWFUL_SHARED to the folder that holds data/")
    return table


def machine() -> dict[str, str]:
    """Where and with what this was measured, in words that name no host."""
    load = os.getloadavg()[0]
    return {
        "date": date.today().isoformat(),
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {load:.1f}",
        "python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__,
    }


def write(rows: Sequence[dict[str, Any]], where: dict[str, str], output: Path) -> None:
    """``rows`` as csv, each with ``where`` it was measured."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*where, *rows[0]], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({**where, **row})
    print(f"wrote {output}", file=sys.stderr)
