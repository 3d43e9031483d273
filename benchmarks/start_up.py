"""How long the command takes to answer before any arithmetic: whole processes, best and median of several.

    python benchmarks/start_up.py [--runs 9]

Modules are byte-compiled first, as an installation leaves them. Wall and CPU seconds; on a busy machine
compare the CPU seconds, and with the interpreter and numpy alone, which are timed beside them.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "python -c 'import numpy'": ["-c", "import numpy"],
    "lawful --help": ["-m", "lawful", "--help"],
    "lawful laws --json": ["-m", "lawful", "laws", "--json"],
    "lawful laws show hoffmann2022_approach3": ["-m", "lawful", "laws", "show", "hoffmann2022_approach3"],
    "lawful predict hoffmann2022_approach3": ["-m", "lawful", "predict", "hoffmann2022_approach3", "--at",
                                              "params=70B,tokens=1.4T"],
}


def once(arguments: list[str], environment: dict[str, str]) -> tuple[float, float]:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=environment)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        print(f"{'command':<42} wall: best  median   CPU: best  median  [s]   load {os.getloadavg()[0]:.1f}")
        for name, arguments in COMMANDS.items():
            once(arguments, environment)
            walls, cpus = zip(*(once(arguments, environment) for _ in range(runs)), strict=True)
            print(f"{name:<42} {min(walls):10.3f} {statistics.median(walls):7.3f} {min(cpus):10.3f} "
                  f"{statistics.median(cpus):7.3f}")


if __name__ == "__main__":
    main()
