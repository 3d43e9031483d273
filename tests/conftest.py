"""What tests share: simulated tables with a known truth, and the public data where they are."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from lawful.fit import Fit, FitStatus
from lawful.laws.base import Law, Region
from lawful.laws.language import AdditiveLoss
from lawful.runs import RunTable

TRUTH = AdditiveLoss(E=1.82, A=480.0, alpha=0.348, B=2085.0, beta=0.366)
SHARED = Path(os.environ.get("LAWFUL_SHARED", Path(__file__).parents[2] / "shared"))


def shared(path: str) -> str:
    """A file of the public data, or a skip that says what is missing."""
    file = SHARED / "data" / path
    if not file.exists():
        pytest.skip(f"public data not here: {file} (set LAWFUL_SHARED)")
    return str(file)


def isoflop_design(budgets: int = 6, sizes: int = 8, width: float = 30.0) -> dict[str, np.ndarray]:
    """An isoFLOP grid about the truth's optimum: budgets 1e18 to 1e21, sizes over a factor ``width``."""
    params, tokens = [], []
    for compute in np.geomspace(1e18, 1e21, budgets):
        centre = TRUTH.allocate(compute).params
        for size in np.geomspace(centre / width**0.5, centre * width**0.5, sizes):
            params.append(size)
            tokens.append(compute / 6 / size)
    return {"params": np.array(params), "tokens": np.array(tokens)}


def simulate(noise: float = 0.006, seed: int = 0, law: AdditiveLoss = TRUTH, **columns: np.ndarray) -> RunTable:
    """Runs of ``law`` on an isoFLOP grid (or on ``columns``) with log-normal noise."""
    design = columns or isoflop_design()
    rng = np.random.default_rng(seed)
    clean = law.at(design)
    return RunTable.of(**design, loss=clean * np.exp(noise * rng.standard_normal(len(clean))))


def known(law: Law) -> Fit:
    """The law as a fit without doubt."""
    return Fit(law, np.zeros((0, len(law.names()))), FitStatus.CONVERGED, Region(), {"name": "none", "value": 0.0},
               np.zeros(0), 0.0, 0)
