"""Samples without a perfect verifier: what a verifier that errs, and a majority vote, make of k samples.

Both need the success rates of single problems (``lawful.plan.sampling.coverage``): a curve of coverage does not say
them.

    a verifier   passes a right sample with ``recall`` and a wrong one with ``false_positive``; the first that passes
                 within k is the answer, and none is given where none passes (Stroebl et al. 2024, arXiv:2411.17501)
    a vote       the answer of most of k samples, each right or wrong alike: with wrong answers that differ among
                 themselves fewer right ones would do (Chen et al. 2024, arXiv:2403.02419)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError
from lawful.plan.sampling.coverage import Problems

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Verifier:
    """What passes: ``recall`` of the right samples and ``false_positive`` of the wrong ones, the same for all problems.

    The source finds false positives to be commoner on the problems that a model finds hard: these are then too few.
    """

    recall: float = 1.0
    false_positive: float = 0.0

    def __post_init__(self) -> None:
        for name in ("recall", "false_positive"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"verifier: {name} is a share from 0 to 1, got {getattr(self, name)!r}")
        if self.recall == 0:
            raise InputError("verifier: recall 0 passes no right sample; give a share above 0")

    @property
    def perfect(self) -> bool:
        """Whether it passes all right samples and no others."""
        return self.recall == 1 and self.false_positive == 0

    def right(self, problems: Problems, samples: Any) -> Any:
        """The share of problems answered rightly within ``samples``: mean of p r / q (1 - (1 - q)**k).

        q = p r + (1 - p) f is the chance that a sample of a problem with success rate p passes.
        """
        return problems.mean(lambda p, k: self._answered(p, p * self.recall, k), samples)

    def wrong(self, problems: Problems, samples: Any) -> Any:
        """The share of problems answered wrongly: mean of (1 - p) f / q (1 - (1 - q)**k)."""
        return problems.mean(lambda p, k: self._answered(p, (1.0 - p) * self.false_positive, k), samples)

    def ceiling(self, problems: Problems) -> float:
        """What the share answered rightly comes to with samples without end: mean of p r / q."""
        passed = self._passed(problems.rates)
        share = np.divide(problems.rates * self.recall, passed, out=np.zeros_like(passed), where=passed > 0)
        return float(share @ problems.weights)

    def best_samples(self, problems: Problems, most: int, wrong_costs: float = 0.0) -> int:
        """The samples, up to ``most``, with the most right answers less ``wrong_costs`` for each wrong one.

        0 where no sample is worth taking: an answer that errs costs more than it brings.
        """
        k = np.arange(most + 1.0)
        return int(np.argmax(self.right(problems, k) - wrong_costs * self.wrong(problems, k)))

    def _passed(self, p: Array) -> Array:
        return p * self.recall + (1.0 - p) * self.false_positive

    def _answered(self, p: Array, kind: Array, k: Array) -> Array:
        passed = self._passed(p)
        share = np.divide(kind, passed, out=np.zeros_like(passed), where=passed > 0)
        answered: Array = share * -np.expm1(k * np.log1p(-np.minimum(passed, 1 - 1e-16)))
        return answered


def voted(problems: Problems, samples: Any) -> Any:
    """The share of problems that a majority of ``samples`` answers rightly; a tie is broken by a coin.

    Mean of I_p((k + 1) / 2, (k + 1) / 2), the regularised incomplete Beta function, for an odd k: arXiv:2403.02419. An
    even k is worth the odd one before it.
    """
    from scipy.special import betainc

    def majority(p: Array, k: Array) -> Array:
        odd = np.where(k % 2 == 0, k - 1, k)
        return np.asarray(betainc((odd + 1) / 2, (odd + 1) / 2, p), dtype=float)

    if not (np.asarray(samples) >= 1).all():
        raise InputError("a vote takes at least one sample")
    return problems.mean(majority, samples)


def best_votes(problems: Problems, most: int) -> int:
    """The odd number of votes, up to ``most``, with the most right answers."""
    k = np.arange(1.0, most + 1.0, 2.0)
    return int(k[np.argmax(voted(problems, k))])


def best_votes_of_two(easy_share: float, easy: float, hard: float) -> float:
    """The votes that are best where a share of problems is ``easy``, a rate above 1/2, and the rest ``hard``, below.

        k = 2 log(share (2 easy - 1) / ((1 - share) (1 - 2 hard))) / log(hard (1 - hard) / (easy (1 - easy)))

    More votes help the easy problems and harm the hard ones. Two votes more than 2 m - 1 change what they decide by
    C(2m - 1, m) (p (1 - p))**m (2p - 1), so the best odd number is within one of k where easy + hard > 1. Elsewhere the
    best number is 1 or without end, and nan is given. The optimum of arXiv:2403.02419's model.
    """
    if not (0 < easy_share < 1 and 0 <= hard < 0.5 < easy <= 1):
        raise InputError(f"two kinds of problem: a share between 0 and 1, an easy rate above 0.5 and a hard one below, "
                         f"got {easy_share:g}, {easy:g} and {hard:g}")
    if not (easy + hard > 1 and hard > 0 and easy < 1):
        return math.nan
    gain = easy_share * (2 * easy - 1) / ((1 - easy_share) * (1 - 2 * hard))
    votes = 2 * math.log(gain) / math.log(hard * (1 - hard) / (easy * (1 - easy)))
    return max(votes, 1.0)
