"""Laws whose coefficients come from a population over groups."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from lawful.errors import InputError, MissingExtra
from lawful.fit import GroupedFit, fit, hierarchical
from lawful.fit.hierarchical import fit_hierarchical
from lawful.results import to_plain
from lawful.runs import RunTable

pytest.importorskip("numpyro", reason="the extra bayes is not installed")

ALPHAS = {"a": 0.23, "b": 0.18, "c": 0.2, "d": 0.215, "few": 0.195}


@pytest.fixture(autouse=True)
def _short_chains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hierarchical, "CHAINS", 2)
    monkeypatch.setattr(hierarchical, "WARM_UP", 250)
    monkeypatch.setattr(hierarchical, "STEPS", 250)


def table(noise: float = 0.02) -> RunTable:
    """Power laws in tokens with exponents about 0.2; the last group has four runs over half a decade."""
    rng = np.random.default_rng(0)
    tokens, loss, group = [], [], []
    for label, alpha in ALPHAS.items():
        x = np.geomspace(1e9, 3e9, 4) if label == "few" else np.geomspace(1e9, 1e11, 15)
        tokens.append(x)
        loss.append(200.0 * x**-alpha * np.exp(noise * rng.standard_normal(len(x))))
        group += [label] * len(x)
    return RunTable.from_columns({"tokens": np.concatenate(tokens), "loss": np.concatenate(loss), "family": group})


def test_a_group_with_few_runs_borrows_its_exponent_and_the_population_is_found() -> None:
    runs = table()
    found = fit_hierarchical("power_law:tokens", runs, ["alpha"], "family", bootstrap=400)
    alone = fit("power_law:tokens", runs.take(runs.label("family") == "few"), bootstrap=400).intervals["alpha"]
    few = found.groups.fits["few"].intervals["alpha"]
    assert few.std < 0.7 * alone.std
    assert few.low < ALPHAS["few"] < few.high
    assert found.centre["alpha"].value == pytest.approx(0.2, abs=0.02)
    assert found.spread["alpha"].low < np.std(np.log(list(ALPHAS.values()))) < found.spread["alpha"].high
    assert found.groups.shared == ()
    for label in "abcd":
        interval = found.groups.fits[label].intervals["alpha"]
        assert abs(interval.value - ALPHAS[label]) < 4 * interval.std
    data = to_plain(found)
    assert data["schema"] == "lawful.hierarchical_fit/1"
    again = GroupedFit.from_dict({**data, "schema": "lawful.grouped_fit/1"})
    np.testing.assert_allclose(again.fits["few"].draws, found.groups.fits["few"].draws)


def test_what_cannot_be_pooled_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = table()
    long = runs.take(runs.label("family") != "few")
    with pytest.raises(InputError, match="not simply positive"):
        fit_hierarchical("bnsl1:tokens", long, ["c_0"], "family")
    monkeypatch.setitem(sys.modules, "numpyro", None)
    with pytest.raises(MissingExtra, match=r"pip install 'lawful\[bayes\]'"):
        fit_hierarchical("power_law:tokens", table(), ["alpha"], "family")
