"""Do the intervals of a comparison hold what was built in, and is no effect called none? Small by default.

``LAWFUL_STUDIES=full`` compares 100 pairs of tables a case with 200 resamples; the default is 8 with 40, of one
multiplier.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

from conftest import TRUTH, isoflop_design
from lawful.fit import fit
from lawful.fit.comparing.arms import arms
from lawful.fit.comparing.compare import compare
from lawful.fit.comparing.contrast import Contrast
from lawful.laws import Law
from lawful.laws.language import AdditiveLoss
from lawful.laws.power import FloorPowerLaw
from lawful.runs import RunTable

FULL = os.environ.get("LAWFUL_STUDIES") == "full"
PAIRS, RESAMPLES = (100, 200) if FULL else (8, 40)
NOISE, LEVEL = 0.006, 0.9
FLOOR = FloorPowerLaw(E=1.75, A=1600.0, alpha=0.165)


def cheaper(law: Law, multiplier: float) -> Law:
    """``law`` reaching each loss with 1 / ``multiplier`` of the compute, at every budget."""
    c = law.coefficients
    if isinstance(law, AdditiveLoss):
        return law.with_coefficients({**c, "A": c["A"] / multiplier ** (c["alpha"] / 2),
                                      "B": c["B"] / multiplier ** (c["beta"] / 2)})
    return law.with_coefficients({**c, "A": c["A"] / multiplier ** c["alpha"]})


def contrast(law: Law, multiplier: float, how: str, seed: int) -> Contrast:
    """``law`` against its cheaper self at 1e21 FLOP, each from 24 or 25 noisy runs, at the upper end of these."""
    grid = isoflop_design(5, 5)
    design = grid if law.splits_compute else {"compute": np.geomspace(1e18, 1e21, 24)}
    rng = np.random.default_rng(seed)
    losses = [truth.at(design) * np.exp(NOISE * rng.standard_normal(len(next(iter(design.values())))))
              for truth in (law, cheaper(law, multiplier))]
    if how == "separate":
        fits = [fit(law, RunTable.of(**design, loss=loss), bootstrap=RESAMPLES, seed=seed) for loss in losses]
        return compare(*fits, compute=1e21, level=LEVEL)
    both = {name: np.tile(values, 2) for name, values in design.items()}
    recipe = np.repeat(["old", "new"], len(losses[0]))
    runs = RunTable.from_columns({**both, "loss": np.concatenate(losses), "recipe": recipe})
    found = arms(runs, by="recipe", form=law, asymptote=how, compute=1e21, bootstrap=RESAMPLES, seed=seed, level=LEVEL)
    assert found.arms[0].contrast is not None
    return found.arms[0].contrast


def coverage(law: Law, multiplier: float, how: str) -> dict[str, float]:
    """The share of comparisons whose interval holds the multiplier, and of those that tell the laws apart."""
    found = [contrast(law, multiplier, how, 1000 + pair) for pair in range(PAIRS)]
    held = [f.multipliers["compute"].low <= multiplier <= f.multipliers["compute"].high for f in found]
    return {"held": float(np.mean(held)), "told apart": float(np.mean([bool(f.distinguishable) for f in found]))}


CASES = [(FLOOR, "separate"), (FLOOR, "shared"), *([(TRUTH, "separate"), (TRUTH, "shared")] if FULL else [])]


@pytest.mark.study
@pytest.mark.parametrize("multiplier", [1.0, 1.5] if FULL else [1.5])
@pytest.mark.parametrize(("law", "how"), CASES, ids=lambda value: getattr(value, "form", value))
def test_intervals_hold_the_multiplier(law: Law, how: str, multiplier: float) -> None:
    found = coverage(law, multiplier, how)
    print(f"\n{law.form}, {how}, multiplier {multiplier}, {PAIRS} pairs, {RESAMPLES} resamples:", found)
    bound = 3 * np.sqrt(LEVEL * (1 - LEVEL) / PAIRS)  # three standard errors of the study itself
    assert abs(found["held"] - LEVEL) <= bound, found
    if multiplier == 1.0:
        assert found["told apart"] <= 1 - LEVEL + bound, found
