"""A folder of data with a known truth: three learning curves of one power law with a floor."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

TASK = """
table = "curves.csv"
map = { examples = "x", task_loss = "y" }
series = "name"
target = "task_loss"
inputs = "examples"
methods = ["m1", "m2"]
[split]
column = "part"
"""


def made(folder: Path, task: str = TASK, noise: float = 0.0) -> Path:
    """``folder`` with a data set ``toy``: y = floor + 5 x**-0.4 for x to 1e3 to fit, to 1e4 to forecast."""
    rng = np.random.default_rng(0)
    (folder / "toy").mkdir(parents=True)
    (folder / "toy" / "toy.toml").write_text(task)
    with (folder / "toy" / "curves.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "x", "y", "part", "seen"])
        for name, floor in (("a", 0.1), ("b", 0.2), ("c", 0.4)):
            for x in np.geomspace(10, 1e4, 25).round().tolist():
                y = (floor + 5 * x**-0.4) * np.exp(noise * rng.standard_normal())
                writer.writerow([name, x, y, "train" if x <= 1000 else "test", int(x <= 1000)])
    return folder
