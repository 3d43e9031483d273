"""One fifth of the grid of the package ``chinchilla``: run by an interpreter that has it (see ``peers.py``).

    python benchmarks/peer_chinchilla.py runs.csv SLICE

The manual's grid has five values of E, of which SLICE (0 to 4) takes one; a search from each start depends on no
other, so that five slices are the whole grid. Prints seconds and coefficients as JSON.
"""

from __future__ import annotations

import csv
import functools
import json
import sys
import tempfile
import time

import matplotlib
import numpy as np
import pandas as pd

matplotlib.use("Agg")

from chinchilla import Chinchilla
from chinchilla._metrics import log_huber


def main(table: str, turn: int) -> None:
    with open(table, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["outlier"] == "0"]
    data = {name: np.array([float(row[name]) for row in rows]) for name in ("C", "N", "D", "loss")}
    grid = {"E": np.linspace(1, 2, 5)[turn : turn + 1], "a": np.linspace(1, 10, 5), "b": np.linspace(1, 10, 5),
            "alpha": np.linspace(0.1, 0.7, 5), "beta": np.linspace(0.1, 0.7, 5)}
    with tempfile.TemporaryDirectory() as folder:
        study = Chinchilla(folder, param_grid=grid, loss_fn=functools.partial(log_huber, delta=1e-3), log_level=50)
        study.database.df = pd.DataFrame(data)
        study.visualizer.optim = lambda *_, **__: None  # no figure: the fit alone is timed
        wall, cpu = time.perf_counter(), time.process_time()
        study.fit(parallel=False)
        print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu,
                          "coefficients": study.params}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
