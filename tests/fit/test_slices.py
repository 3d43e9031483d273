"""Slices: laws that differ are told apart, laws that do not are not; on public runs, what the paper says."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from conftest import TRUTH, shared
from lawful.errors import InputError, RunsError
from lawful.fit.comparing.slices import slices
from lawful.runs import RunTable
from lawful.store import read_runs

STUDY = os.environ.get("LAWFUL_STUDIES") == "full"


def suite(seed: int, change: float = 0.0, models: int = 24) -> RunTable:
    """Checkpoints of ``models``, each with an offset of its own; alpha rises by ``change`` over the aspect's thirds."""
    rng = np.random.default_rng(seed)
    params = np.exp(rng.permutation(np.linspace(np.log(5e7), np.log(2e9), models)))
    aspect = np.exp(rng.uniform(np.log(4.0), np.log(256.0), models))
    third = np.searchsorted(np.quantile(aspect, [1 / 3, 2 / 3], method="higher"), aspect, side="right")
    tokens = np.geomspace(2e9, 1e11, 8)
    rows = []
    for k in range(models):
        alpha = TRUTH.alpha + change * (third[k] - 1)
        law = replace(TRUTH, alpha=alpha, A=TRUTH.A * 3e8 ** (alpha - TRUTH.alpha))     # the same loss at 3e8 params
        luck = 0.004 * rng.standard_normal() + 0.001 * rng.standard_normal(len(tokens))
        rows += [(params[k], d, law(params=params[k], tokens=d) * np.exp(e), aspect[k] * 16, 16.0, f"m{k}",
                  ("deep", "middling", "wide")[third[k]]) for d, e in zip(tokens, luck, strict=True)]
    names = ("params", "tokens", "loss", "width", "depth", "model", "kind")
    return RunTable.from_columns({n: list(column) for n, column in zip(names, zip(*rows, strict=True), strict=True)})


def test_the_term_that_differs_is_told_apart():
    found = slices("chinchilla", suite(0, change=0.06), "width/depth", cluster="model", bootstrap=50)
    assert "differ:" in found.verdict
    assert found.p_values["A, alpha"] < 0.01 < 0.5 < min(found.p_values["E"], found.p_values["B, beta"])
    exponents = [s.values["alpha"].value for s in found.slices]
    assert exponents == sorted(exponents)
    assert [s.clusters for s in found.slices] == [8, 8, 8]


def test_intervals_hold_the_exponents_of_their_slices():
    held = [part.values["alpha"].low < TRUTH.alpha + 0.06 * step < part.values["alpha"].high
            for seed in range(12 if STUDY else 4)
            for step, part in zip((-1, 0, 1), slices("chinchilla", suite(seed, change=0.06), "width/depth",
                                                     cluster="model", bootstrap=200).slices, strict=True)]
    # 90 % intervals; from eight models each a little narrow (few_clusters): held to 85 %
    assert binom.cdf(sum(held), len(held), 0.85) > 0.005, f"{sum(held)} of {len(held)}"


def test_laws_that_do_not_differ_are_seldom_told_apart():
    count = 300 if STUDY else 25
    chances = [slices("chinchilla", suite(seed), "width/depth", cluster="model", bootstrap=0).p_values
               for seed in range(count)]
    for name, share in (("all", 0.10), ("A, alpha", 0.14)):     # of one term a little often: measured over 300 suites
        seen = sum(p[name] <= 0.1 for p in chances)
        assert binom.sf(seen - 1, count, share) > 0.005, f"{seen} of {count}"


def test_a_label_slices_and_cuts_can_be_said():
    runs = suite(1)
    by_label = slices("chinchilla", runs, "kind", cluster="model", bootstrap=50)
    assert [s.label for s in by_label.slices] == ["deep", "middling", "wide"]
    by_thirds = slices("chinchilla", runs, "width/depth", cluster="model", bootstrap=50)
    assert by_label.p_values == pytest.approx(by_thirds.p_values)
    two = slices("chinchilla", runs, "params", edges=[3e8], cluster="model", bootstrap=50)
    assert len(two.slices) == 2
    assert two.slices[0].span[1] < 3e8 <= two.slices[1].span[0]
    assert "few_clusters" in [w.code for w in by_label.warnings]


@pytest.mark.parametrize(("by", "options", "error", "says"), [
    ("nothing", {}, RunsError, "no column"),
    ("depth", {}, InputError, "every run has"),
    ("params", {"edges": [1e15]}, InputError, "between two of the edges"),
    ("params", {"parts": 1}, InputError, "--parts must be 2 or more"),
    ("params", {"edges": [5.5e7]}, RunsError, "too few to fit"),
])
def test_what_cannot_be_sliced_is_said(by, options, error, says):
    with pytest.raises(error, match=says):
        slices("chinchilla", suite(1), by, cluster="model", bootstrap=0, **options)


def test_a_slice_that_cannot_be_fitted_is_named():
    with pytest.raises(RunsError, match=r"the slice model m0: .*params is .* in every run"):
        slices("chinchilla", suite(1), "model", bootstrap=0)


# McLeish et al. 2025 (arXiv:2502.06857), the message of the paper: prescriptions change much with the shapes that are
# chosen. Their stored fits go from an exponent of N_opt of 0.61 (shapes like Chinchilla's: 0.4494 / (0.2845 + 0.4494))
# to 0.70 (all: 0.6928 / (0.2989 + 0.6928)) by one approach. Over the width of these 22 models the laws differ; over the
# ratio of width to depth the 22 are too few to tell.
def test_exponents_of_gemstones_move_with_width():
    runs = read_runs(shared("gemstones/runs.csv"), where="set == 'hot'")
    by_width = slices("chinchilla", runs, "width", cluster="run", delta=1e-4, bootstrap=200)
    assert by_width.p_values["all"] < 0.05
    exponents = [s.values["params_exponent"].value for s in by_width.slices]
    assert exponents == sorted(exponents, reverse=True)
    assert exponents[0] > 0.70 > 0.61 > exponents[-1]       # the slices go beyond what the authors' own choices span
    by_ratio = slices("chinchilla", runs, "width/depth", cluster="run", delta=1e-4, bootstrap=200)
    assert by_ratio.p_values["all"] > 0.1
