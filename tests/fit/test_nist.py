"""Our least squares, from our own starts, against fits that NIST certified: eight digits of every coefficient."""

from __future__ import annotations

import numpy as np
import pytest
from nist import SETS, Certified

from lawful.fit import FitStatus
from lawful.fit.problem import Problem

NO_NOISE = "Lanczos1"
"""A set without noise: its residuals are those of its coefficients' eleventh digits, so that no sum tells anything."""


every_set = pytest.mark.parametrize("certified", SETS.values(), ids=list(SETS))
every_set_with_noise = pytest.mark.parametrize("certified", [s for n, s in SETS.items() if n != NO_NOISE],
                                               ids=[name for name in SETS if name != NO_NOISE])


def residuals(certified: Certified) -> np.ndarray:
    return np.asarray(certified.law.at(certified.columns)) - certified.columns[certified.response]


@every_set_with_noise
def test_the_data_are_those_that_were_certified(certified: Certified) -> None:
    rest = residuals(certified)
    assert float(rest @ rest) == pytest.approx(certified.rss, rel=2e-10)


def test_the_data_without_noise_are_those_that_were_certified() -> None:
    assert np.abs(residuals(SETS[NO_NOISE])).max() < 1e-9


@every_set_with_noise
def test_the_slopes_give_the_certified_standard_deviations(certified: Certified) -> None:
    problem = Problem(certified.law, certified.columns, certified.columns[certified.response])
    J = problem.gradients(np.array([certified.certified[name][0] for name in problem.names]))
    size = np.sqrt((J**2).sum(axis=1))
    covariance = np.linalg.inv((J / size[:, None]) @ (J / size[:, None]).T) / np.outer(size, size)
    spread = np.sqrt(np.diag(covariance) * certified.rss / (J.shape[1] - J.shape[0]))
    assert spread == pytest.approx([certified.certified[name][1] for name in problem.names], rel=1e-6)


@every_set
def test_the_fit_is_the_certified_one_to_eight_digits(certified: Certified) -> None:
    fitted = certified.fitted()
    assert fitted.status is FitStatus.CONVERGED
    assert certified.digits(fitted.law.coefficients) >= 8.0
    if certified.name != NO_NOISE:
        assert 2.0 * fitted.objective["value"] == pytest.approx(certified.rss, rel=2e-10)


def test_digits_count_the_least_accurate_coefficient_in_the_best_order_of_the_terms() -> None:
    values = {name: value for name, (value, _) in SETS["Lanczos3"].certified.items()}
    assert SETS["Lanczos3"].digits(values) == 11.0
    swapped = {"b1": values["b3"], "b2": values["b4"], "b3": values["b1"] * (1 + 1e-5), "b4": values["b2"],
               "b5": values["b5"], "b6": values["b6"]}
    assert SETS["Lanczos3"].digits(swapped) == pytest.approx(5.0, abs=1e-3)
    assert SETS["Misra1a"].digits({"b1": 238.94212918 * 1.001, "b2": 5.5015643181e-4}) == pytest.approx(3.0, abs=1e-3)
