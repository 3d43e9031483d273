"""``fit_efficiency``: what an implementation reaches, from steps that were measured on it, instead of assumed shares.

The roofline of ``lawful.cost.serving`` has three unknowns: the share of the peak, the share of the bandwidth, and the
overhead of a step. They are fitted to measured times by least squares of the log, and resampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lawful.cost.hardware import Hardware, hardware
from lawful.cost.serving import Efficiency
from lawful.errors import FailedToAnswer, InputError

FEWEST = 8
"""Measured steps that three unknowns need, so that a misfit can be seen."""

RESAMPLES = 200

SHARES = (1e-3, 1.0)
"""The shares that are looked for: below a thousandth something other than the device is measured."""


@dataclass(frozen=True)
class Measured:
    """Efficiencies fitted to measured steps, with 90 % intervals by name and the ``error`` of one step.

    ``error`` is the median of the absolute log error, ``largest`` the largest.
    """

    efficiency: Efficiency
    intervals: dict[str, tuple[float, float]]
    error: float
    largest: float
    steps: int


def fit_efficiency(work: Sequence[tuple[float, float]], seconds: Sequence[float], device: Hardware | str,
                   precision: str = "bf16", resamples: int = RESAMPLES, seed: int = 0) -> Measured:
    """The efficiencies at which ``device`` did ``work``, pairs of FLOP and bytes, in ``seconds``.

    ``lawful.cost.serving.step_work`` and ``prefill_work`` give the pairs. Raises InputError for fewer than ``FEWEST``
    steps or a time that is not positive, FailedToAnswer where no efficiencies answer.
    """
    import numpy as np
    from scipy.optimize import least_squares

    on = hardware(device) if isinstance(device, str) else device
    flop, size = np.array(work, dtype=float).reshape(-1, 2).T
    time = np.array(seconds, dtype=float)
    if len(time) != len(flop) or len(time) < FEWEST:
        raise InputError(f"fit_efficiency: give at least {FEWEST} steps, each with its work; got {len(flop)} and "
                         f"{len(time)} times")
    if not (np.isfinite(time).all() and (time > 0).all()):
        raise InputError("fit_efficiency: every time must be a positive number of seconds")
    fastest = np.stack([flop / on.peak(precision), size / on.bandwidth_bytes_per_second])

    def misfit(c: Any, rows: Any) -> Any:
        return np.log((fastest[:, rows] / np.exp(c[:2, None])).max(axis=0) + np.exp(c[2])) - np.log(time[rows])

    low, high = np.log([SHARES[0], SHARES[0], 1e-9]), np.log([SHARES[1], SHARES[1], time.min()])

    def solve(rows: Any) -> Any:
        starts = [np.log([compute, memory, 0.5 * time.min()]) for compute in (0.05, 0.4) for memory in (0.1, 0.6)]
        found = [least_squares(misfit, start, bounds=(low, high), loss="soft_l1", f_scale=0.1, args=(rows,))
                 for start in starts]
        return min(found, key=lambda f: float(f.cost)).x

    everything = np.arange(len(time))
    best = solve(everything)
    if not np.isfinite(best).all():
        raise FailedToAnswer("fit_efficiency: the times follow no roofline of this device")
    rng = np.random.default_rng(seed)
    draws = np.exp([solve(rng.choice(everything, len(time))) for _ in range(max(resamples, 1))])
    ends = np.quantile(draws, [0.05, 0.95], axis=0)
    names = ("compute", "memory", "overhead_s")
    off = np.abs(misfit(best, everything))
    return Measured(Efficiency(*map(float, np.exp(best))),
                    {name: (float(a), float(b)) for name, a, b in zip(names, *ends, strict=True)},
                    float(np.median(off)), float(off.max()), len(time))
