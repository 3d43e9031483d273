"""Which of many models to tune: their curves over a little data, carried on to all of it, and ranked.

A model's loss before tuning, or with few examples, ranks models badly, since curves are flat until the data exceed what
pre-training knows of the task (Lin et al. 2024, arXiv:2402.02314). Two ways to carry a curve on:

    line        a straight line in the logarithms through the last points, as many as lie on one: accept, then stop.
                No interval: curves bend away from it, and the scatter about it held the truth for 12 of 30 models
    rectified   the rectified law through all points, E + B / (D_l + D**beta): for curves that reach well past D_l

On the paper's 30 models the line ranks better the less data it has (``docs/tuning.md``): it is the default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError, unknown
from lawful.results import Interval, interval

Array = npt.NDArray[np.float64]

ACCEPTED = 3
"""Points through which the line is first drawn."""

DEPARTS = 5.0
"""Standard deviations of the points on the line by which a further one departs from it: there the line stops."""


@dataclass(frozen=True)
class Ranked:
    """A model and the loss that its curve comes to with all data; ``used`` counts the points that say so.

    ``interval`` is over the draws of the rectified law (90 %, which held the truth for 23 of the paper's 30 models from
    1/8 of the data), None for a line.
    """

    model: str
    loss: float
    interval: Interval | None
    used: int


def rank_models(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], data: float,
                way: str = "line") -> list[Ranked]:
    """The models by the loss that each is expected to have with ``data``, best first.

    ``curves`` gives for each model amounts of fine-tuning data and the losses with them. Raises ``InputError`` for
    curves that are too short or not positive, ``UnknownName`` for another ``way``.
    """
    if way not in WAYS:
        raise unknown("way to carry a curve on", way, WAYS)
    carry, fewest = WAYS[way]
    found = []
    for model, (amounts, losses) in curves.items():
        x, y = np.asarray(amounts, dtype=float), np.asarray(losses, dtype=float)
        if x.shape != y.shape or len(np.unique(x)) != len(x) or len(x) < fewest:
            raise InputError(f"{model}: a curve needs {fewest} amounts of data or more, each once, with a loss; got "
                             f"{len(x)} and {len(y)}")
        if not ((x > 0).all() and (y > 0).all()):
            raise InputError(f"{model}: amounts of data and losses must be positive; leave the loss before tuning out")
        order = np.argsort(x)
        loss, spread, used = carry(x[order], y[order], data)
        found.append(Ranked(model, loss, spread, used))
    return sorted(found, key=lambda r: r.loss)


def _line(x: Array, y: Array, data: float) -> tuple[float, Interval | None, int]:
    """The line through the last points that lie on one."""
    X, Y = np.log(x[::-1]), np.log(y[::-1])
    used = ACCEPTED
    while True:
        slope, height = np.polyfit(X[:used], Y[:used], 1)
        off = Y[:used] - (slope * X[:used] + height)
        if used == len(X) or abs(Y[used] - (slope * X[used] + height)) > DEPARTS * float(np.std(off)):
            break
        used += 1
    return float(np.exp(slope * np.log(data) + height)), None, used


def _rectified(x: Array, y: Array, data: float) -> tuple[float, Interval | None, int]:
    from lawful.fit import fit
    from lawful.runs import RunTable

    fitted = fit("rectified", RunTable.of(finetune_tokens=x, loss=y), loss="log_squares", bootstrap=100)
    at = {"finetune_tokens": data}
    value = float(fitted.expected(at)[0])
    return value, interval(value, fitted.expectations(at), fitted.level), len(x)


WAYS: Mapping[str, tuple[Callable[[Array, Array, float], tuple[float, Interval | None, int]], int]] = {
    "line": (_line, ACCEPTED), "rectified": (_rectified, 5),
}
"""How a curve is carried on, and the points that it needs."""


def selection_score(ranked: Sequence[Ranked], truth: Mapping[str, float]) -> dict[str, Any]:
    """How good a choice the first of ``ranked`` is, once the losses with all data are known.

    ``correlation`` is Pearson's between forecast and truth, ``regret`` the loss of the chosen over that of the best,
    ``relative`` 1 - regret / (worst - best): the measures of arXiv:2402.02314.
    """
    said, true = np.array([r.loss for r in ranked]), np.array([truth[r.model] for r in ranked])
    regret = float(true[0] - true.min())
    return {"chosen": ranked[0].model, "correlation": float(np.corrcoef(said, true)[0, 1]), "regret": regret,
            "relative": 1.0 - regret / float(true.max() - true.min())}
