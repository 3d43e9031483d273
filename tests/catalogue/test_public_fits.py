"""Fits that others published on open runs: reproduced to their digits, or bettered and said so."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from conftest import shared
from lawful.fit import Fit, fit
from lawful.fit.objective import objective
from lawful.store import read_runs


def logs(found: Fit) -> dict[str, float]:
    """The fit in the published parametrisation: log A, log B, log E, exponents, objective."""
    c = found.law.coefficients
    return {"log A": np.log(c["A"]), "log B": np.log(c["B"]), "log E": np.log(c["E"]), "alpha": c["alpha"],
            "beta": c["beta"], "objective": found.objective["value"]}


def test_gemstones_at_delta_1e_3_to_the_printed_digits() -> None:
    runs = read_runs(shared("gemstones/runs.csv"), where='set == "hot"')
    found = logs(fit("chinchilla", runs, delta=1e-3, bootstrap=0))
    printed = {"alpha": (0.2929, 5e-5), "beta": (0.7129, 1.1e-4), "log A": (5.3613, 5e-4), "log B": (15.4160, 3e-3),
               "log E": (0.7623, 5e-5), "objective": (1.9816e-3, 5e-8)}
    for name, (value, tolerance) in printed.items():
        assert found[name] == pytest.approx(value, abs=tolerance), name


@pytest.mark.parametrize(("which", "published"), [("hot", 2.076e-4), ("hot_all", 6.923e-4), ("cool_end", 2.059e-4),
                                                  ("lr_ablation_hot", 2.059e-4)])
def test_gemstones_at_delta_1e_4_is_never_above_the_published_objective(which: str, published: float) -> None:
    """The stored points of the authors are not optima of their objective: all four can be bettered."""
    runs = read_runs(shared("gemstones/runs.csv"), where=f'set == "{which}"')
    found = fit("chinchilla", runs, delta=1e-4, bootstrap=0)
    assert found.objective["value"] <= published + 5e-8
    assert found.objective["value"] == pytest.approx(published, rel=0.01)


def test_misfitting_s_surface_over_all_final_checkpoints() -> None:
    found = logs(fit("chinchilla", read_runs(shared("misfitting/final.csv")), bootstrap=0))
    published = {"log A": 3.9388, "log B": 13.0558, "log E": 0.5921, "alpha": 0.2002, "beta": 0.6357}
    for name, value in published.items():
        assert found[name] == pytest.approx(value, abs=1.1e-3), name
    assert found["objective"] <= 0.0050217


def test_loss_to_loss_fits_of_every_corpus_and_target() -> None:
    """60 published additive fits whose columns are here: none is better than ours, and most are ours."""
    with open(shared("loss-to-loss/runs.csv"), newline="") as file:
        columns = next(csv.reader(file))
    with open(shared("loss-to-loss/published_fits.csv"), newline="") as file:
        published = [row for row in csv.DictReader(file) if row["form"] == "chinchilla" and row["target"] in columns]
    same = 0
    for row in published:
        runs = read_runs(shared("loss-to-loss/runs.csv"), mapping={"loss": row["target"]},
                         where=f'role == "sweep" and corpus == "{row["corpus"]}"')
        found = fit("chinchilla", runs, bootstrap=0)
        names = found.law.names()
        theirs = found.law.with_coefficients({name: float(row[name]) for name in names})
        residuals = np.log(theirs.at(runs.quantities)) - np.log(runs["loss"])
        at_theirs = float(objective().value(residuals).sum())
        # The printed objective is the mean in single precision; at the printed point ours agrees with it.
        assert at_theirs == pytest.approx(float(row["objective"]) * found.n_runs, rel=1e-5)
        assert found.objective["value"] <= at_theirs * (1 + 1e-9), (row["corpus"], row["target"])
        same += all(found.law.coefficients[c] == pytest.approx(float(row[c]), rel=2e-3) for c in names)
    print(f"\n{same} of {len(published)} published fits are our optimum to 0.2 %; the others lie above it")
    assert len(published) == 60
    assert same >= 45
