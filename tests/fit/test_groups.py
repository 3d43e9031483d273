"""Fits that share coefficients over groups of runs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from conftest import isoflop_design
from lawful.errors import InputError, RunsError, UnknownName
from lawful.fit import GroupedFit, fit, fit_groups
from lawful.laws.language import AdditiveLoss
from lawful.results import to_plain
from lawful.runs import RunTable

LAWS = {"c4": AdditiveLoss(E=1.8, A=480.0, alpha=0.35, B=2000.0, beta=0.366),
        "code": AdditiveLoss(E=0.9, A=300.0, alpha=0.35, B=900.0, beta=0.34),
        "wiki": AdditiveLoss(E=2.1, A=700.0, alpha=0.35, B=5000.0, beta=0.41)}


def arms(noise: float, seed: int = 0, sizes: int = 5) -> RunTable:
    rng = np.random.default_rng(seed)
    design = isoflop_design(budgets=5, sizes=sizes)
    n = len(design["params"])
    columns = {name: np.tile(values, len(LAWS)) for name, values in design.items()}
    loss = np.concatenate([law.at(design) * np.exp(noise * rng.standard_normal(n)) for law in LAWS.values()])
    return RunTable.from_columns({**columns, "loss": loss, "corpus": np.repeat(list(LAWS), n)})


def test_without_noise_every_group_s_law_returns_and_the_exponent_is_one() -> None:
    found = fit_groups("chinchilla", arms(0.0), ["alpha"], "corpus", bootstrap=20)
    assert list(found.fits) == sorted(LAWS)
    for label, law in LAWS.items():
        got = found.fits[label].law.coefficients
        for name, value in law.coefficients.items():
            assert got[name] == pytest.approx(value, rel=1e-5), (label, name)
    draws = [f.draws[:, 2] for f in found.fits.values()]
    np.testing.assert_array_equal(draws[0], draws[1])


def test_sharing_never_fits_better_than_separate_laws_and_shares_exactly() -> None:
    runs = arms(0.01)
    separate = sum(fit("chinchilla", runs.take(runs.label("corpus") == label), bootstrap=0).objective["value"]
                   for label in LAWS)
    values = []
    for share in (["alpha"], ["alpha", "beta"], ["E", "A", "alpha", "B", "beta"]):
        found = fit_groups("chinchilla", runs, share, "corpus", bootstrap=0)
        first = next(iter(found.fits.values()))
        values.append(first.objective["value"])
        for other in found.fits.values():
            assert all(other.law.coefficients[name] == first.law.coefficients[name] for name in share)
    assert separate <= values[0] <= values[1] <= values[2]
    assert values[2] == pytest.approx(fit("chinchilla", runs, bootstrap=0).objective["value"], rel=1e-9)


def test_a_shared_exponent_is_known_better_and_its_interval_holds_the_truth() -> None:
    runs = arms(0.006, seed=3)
    shared = fit_groups("chinchilla", runs, ["alpha"], "corpus", bootstrap=200).shared_intervals["alpha"]
    alone = fit("chinchilla", runs.take(runs.label("corpus") == "wiki"), bootstrap=200).intervals["alpha"]
    assert shared.std < alone.std
    assert shared.low < 0.35 < shared.high


def test_a_group_with_two_runs_borrows_what_it_cannot_know() -> None:
    runs = arms(0.004)
    few = np.flatnonzero(runs.label("corpus") == "wiki")[2:]
    kept = np.setdiff1d(np.arange(len(runs)), few)
    found = fit_groups("chinchilla", runs.take(kept), ["A", "alpha", "B", "beta"], "corpus", bootstrap=0)
    assert found.fits["wiki"].n_runs == 2


def test_a_grouped_fit_goes_through_json_and_back() -> None:
    found = fit_groups("chinchilla", arms(0.01), ["alpha"], "corpus", bootstrap=10)
    again = GroupedFit.from_dict(json.loads(json.dumps(to_plain(found))))
    assert repr(again) == repr(found)
    with pytest.raises(InputError, match=r"expected 'lawful.grouped_fit/1'"):
        GroupedFit.from_dict({"schema": "lawful.fit/1"})


def test_bad_groups_are_refused_by_name() -> None:
    runs = arms(0.01)
    few = runs.take(np.concatenate([np.flatnonzero(runs.label("corpus") != "wiki"),
                                    np.flatnonzero(runs.label("corpus") == "wiki")[:3]]))
    with pytest.raises(RunsError, match="group 'wiki' of corpus has 3 runs and 4 coefficients of its own"):
        fit_groups("chinchilla", few, ["alpha"], "corpus")
    with pytest.raises(UnknownName, match="nearest: alpha"):
        fit_groups("chinchilla", runs, ["alfa"], "corpus")
    with pytest.raises(RunsError, match="no column is called 'corpora'; nearest: corpus"):
        fit_groups("chinchilla", runs, ["alpha"], "corpora")
    with pytest.raises(InputError, match="both fixed and shared"):
        fit_groups("chinchilla", runs, ["E"], "corpus", fixed={"E": 1.0})
    with pytest.raises(InputError, match="every run has corpus 'wiki'; sharing needs two groups"):
        fit_groups("chinchilla", runs.take(runs.label("corpus") == "wiki"), ["alpha"], "corpus")
