"""Faults of the runs themselves, planted in clean tables: runs gone wrong, and losses that no one power law follows.

A fault that bends the losses is kept only where it matters: where the law fitted to the bent losses misses, a decade
beyond the runs, what the bent losses would be there by ``WORTH`` standard deviations of one run or more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from lawful.bench.planted_runs import DESIGNS, Array, CleanTable, Planted, Random, log_uniform, planted
from lawful.fit import fit
from lawful.runs import RunTable

WORTH = 4.0
"""Standard deviations of one run by which a fault must move the forecast a decade of compute beyond the runs."""

Change = Callable[[Mapping[str, Array], Array], Array]
"""From quantities and clean log losses to faulty log losses."""


def moved(clean: CleanTable, change: Change, lasting: bool = True) -> float:
    """How far the law fitted to noiseless changed losses misses a decade of compute out, in noises.

    What it should say is the changed loss there, or the clean one where the change is none of the law's
    (``lasting`` false).
    """
    at = {name: np.asarray(clean.columns[name], float) for name in clean.law.inputs}
    top = int(np.argmax(np.prod(list(at.values()), axis=0)))
    out = {name: values[top : top + 1] * 10 ** (1 / len(at)) for name, values in at.items()}
    loss = np.exp(change(at, np.log(clean.law.at(at))))
    fitted = fit(clean.form, RunTable.of(**at, loss=loss), bootstrap=0)
    clear = np.log(clean.law.at(out))
    truth = change(out, clear) if lasting else clear
    return float(np.abs(np.log(fitted.law.at(out)) - truth)[0] / clean.noise)


def turns(clean: CleanTable, change: Change) -> bool:
    """Whether the changed losses rise anywhere along an input, the others at their middle."""
    middle = {name: np.full(50, np.median(clean.columns[name])) for name in clean.law.inputs}
    for name in clean.law.inputs:
        at = {**middle, name: np.geomspace(clean.columns[name].min(), clean.columns[name].max(), 50)}
        if np.diff(change(at, np.log(clean.law.at(at)))).max() > 1e-9:
            return True
    return False


def bent(clean: CleanTable, change: Change, strength: str, turning: bool = False) -> Planted | None:
    """``clean`` with its losses changed, or None where nobody would need to hear of it, or they turn unasked."""
    if moved(clean, change) < WORTH or (turns(clean, change) and not turning):
        return None
    at = {name: np.asarray(clean.columns[name], float) for name in clean.law.inputs}
    clear = np.log(clean.law.at(at))
    return clean.planted(strength, loss=clean.columns["loss"] * np.exp(change(at, clear) - clear))


def _axis(clean: CleanTable, rng: Random) -> str:
    """A variable along which something happens."""
    return clean.law.inputs[0] if clean.design == "curve" else str(rng.choice(["params", "tokens", "compute"]))


def _along(at: Mapping[str, Array], name: str) -> Array:
    return np.log(6 * at["params"] * at["tokens"] if name == "compute" and "params" in at else at[name])


def _place(clean: CleanTable, rng: Random, name: str, low: float, high: float) -> float:
    """The log of a place between two quantiles of the variable, as its runs are spread."""
    at = {key: np.asarray(clean.columns[key], float) for key in clean.law.inputs}
    return float(np.quantile(_along(at, name), rng.uniform(low, high)))


def _soft(x: Array, width: float) -> Array:
    """max(0, x), rounded over ``width``."""
    return np.asarray(width * np.logaddexp(0.0, x / width))


@planted("diverged runs", "diverged", designs=DESIGNS)
def _diverged(clean: CleanTable, rng: Random) -> Planted:
    """One to three runs end 15 to 150 % above the law."""
    n = len(clean.columns["loss"])
    bad = rng.choice(n, int(rng.integers(1, 4)), replace=False)
    loss = clean.columns["loss"].copy()
    loss[bad] *= log_uniform(rng, 1.15, 2.5, len(bad))
    return clean.planted(f"{len(bad)} of {n}", loss=loss)


@planted("outliers", "outliers", designs=DESIGNS)
def _outliers(clean: CleanTable, rng: Random) -> Planted:
    """One to three runs lie 8 to 25 noises off the law: misread, mislabelled, or of another set-up."""
    n = len(clean.columns["loss"])
    bad = rng.choice(n, int(rng.integers(1, 4)), replace=False)
    off = clean.noise * rng.uniform(8, 25, len(bad)) * rng.choice([-1, 1], len(bad))
    loss = clean.columns["loss"].copy()
    loss[bad] *= np.exp(np.minimum(off, 0.09))
    return clean.planted(f"{len(bad)} of {n}, {100 * np.abs(off).max():.1f} %", loss=loss)


@planted("under-tuned runs", "under_tuned")
def _under_tuned(clean: CleanTable, rng: Random) -> Planted:
    """Learning rates were guessed, not tuned: losses lie above the law by squares of the misses, which no column
    tells, or one does."""
    n = len(clean.columns["loss"])
    cost = clean.noise * rng.uniform(3, 8)
    miss = rng.standard_normal(n)
    loss = clean.columns["loss"] * np.exp(cost * miss**2)
    shown = f"by {100 * cost:.1f} % on average"
    if rng.integers(2):
        return clean.without("lr").planted(shown, loss=loss)
    best = 0.003 * (clean.columns["params"] / 1e8) ** -0.25
    return clean.planted(shown, loss=loss, lr=best * np.exp(0.8 * miss))


@planted("a break", "break", designs=DESIGNS)
def _break(clean: CleanTable, rng: Random) -> Planted | None:
    """Beyond a place along params, tokens or compute the losses fall faster, or more slowly, than below it."""
    name = _axis(clean, rng)
    place, slope = _place(clean, rng, name, 0.25, 0.75), float(rng.choice([-1, 1]) * log_uniform(rng, 0.01, 0.08))
    return bent(clean, lambda at, log_loss: log_loss + slope * _soft(_along(at, name) - place, 0.1),
                f"slope of {slope:+.3f} beyond {name} {np.exp(place):.2g}")


@planted("curvature", "curvature", designs=DESIGNS)
def _curvature(clean: CleanTable, rng: Random) -> Planted | None:
    """The losses bend along params, tokens or compute, all the way, beyond what the form can follow."""
    name = _axis(clean, rng)
    at = {key: np.asarray(clean.columns[key], float) for key in clean.law.inputs}
    x = _along(at, name)
    middle, half = float(x.max() + x.min()) / 2, float(np.ptp(x)) / 2
    size = float(rng.choice([-1, 1]) * log_uniform(rng, 0.02, 0.12))
    return bent(clean, lambda at, log_loss: log_loss + size * ((_along(at, name) - middle) / half) ** 2,
                f"{100 * size:+.1f} % at the ends of {name}")


@planted("saturation at the low end", "saturation_low", designs=DESIGNS)
def _plateau(clean: CleanTable, rng: Random) -> Planted | None:
    """The poorest sixth to two fifths of the runs have learnt nothing yet: their losses stand at a plateau."""
    at = {key: np.asarray(clean.columns[key], float) for key in clean.law.inputs}
    level = float(np.quantile(np.log(clean.law.at(at)), 1 - rng.uniform(0.16, 0.4)))
    return bent(clean, lambda at, log_loss: level - _soft(level - log_loss, 0.01),
                f"plateau at {np.exp(level):.2f}")


@planted("saturation at the high end", "saturation_high", designs=DESIGNS)
def _floor(clean: CleanTable, rng: Random) -> Planted | None:
    """The best sixth to two fifths of the runs have reached a floor: their losses no longer fall."""
    at = {key: np.asarray(clean.columns[key], float) for key in clean.law.inputs}
    level = float(np.quantile(np.log(clean.law.at(at)), rng.uniform(0.16, 0.4)))
    return bent(clean, lambda at, log_loss: level + _soft(log_loss - level, 0.01), f"floor at {np.exp(level):.2f}")


@planted("U-shape", "u_shape", designs=DESIGNS)
def _u_shape(clean: CleanTable, rng: Random) -> Planted | None:
    """Beyond a place along params or tokens the losses rise again, all else the same, by 8 noises or more: too many
    passes over the data, or inverse scaling."""
    name = str(rng.choice(clean.law.inputs))
    place, slope = _place(clean, rng, name, 0.3, 0.7), log_uniform(rng, 0.06, 0.2)
    along = _along(clean.columns, name)
    x = np.linspace(float(along.min()), float(along.max()), 50)
    middle = {key: np.full(50, np.median(clean.columns[key])) for key in clean.law.inputs}
    alone = np.log(clean.law.at({**middle, name: np.exp(x)})) + slope * _soft(x - place, 0.3)
    if alone[-1] - alone.min() < 8 * clean.noise:
        return None
    return bent(clean, lambda at, log_loss: log_loss + slope * _soft(_along(at, name) - place, 0.3),
                f"rises beyond {name} {np.exp(place):.2g}", turning=True)
