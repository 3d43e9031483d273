"""Truth in, truth out: without noise every form returns its coefficients."""

from __future__ import annotations

import numpy as np
import pytest

from conftest import isoflop_design
from lawful.fit import fit
from lawful.laws import Law, published
from lawful.laws.power import FloorPowerLaw
from lawful.runs import RunTable

TRUTHS = {
    # The rest of the catalogue is walked in tests/catalogue/test_walk.py, over each law's own region.
    **{key: entry.law for key, entry in published().items() if key.startswith(("kaplan2020", "hoffmann2022"))},
    "floor over compute": FloorPowerLaw(E=1.75, A=1600.0, alpha=0.165),
    "floor over tokens": FloorPowerLaw(E=2.1, A=410.0, alpha=0.28, over="tokens"),
}


def design(law: Law) -> dict[str, np.ndarray]:
    grid = isoflop_design()
    grid["compute"] = 6 * grid["params"] * grid["tokens"]
    runs = len(grid["params"])
    grid["steps"] = np.geomspace(1e6, 1e3, runs) * (1 + 0.3 * np.sin(np.arange(runs)))
    grid["loss"] = np.geomspace(2.0, 6.0, runs)
    values = {name: grid[name] for name in law.inputs}
    if len(values) == 1:
        values = {name: np.unique(v) for name, v in values.items()}
    return values


@pytest.mark.parametrize("loss", ["huber_log", "log_squares"])
@pytest.mark.parametrize("key", sorted(TRUTHS))
def test_without_noise_every_form_returns_its_coefficients(key: str, loss: str) -> None:
    law = TRUTHS[key]
    values = design(law)
    table = RunTable.of(**values, **{law.output.name: law.at(values)})
    found = fit(type(law)(**law.settings, **dict.fromkeys(law.names(), 0.5)), table, bootstrap=0, loss=loss)
    for name, value in law.coefficients.items():
        assert found.law.coefficients[name] == pytest.approx(value, rel=1e-6), name
