"""Breaks and regime changes: where, along what, and which runs to keep.

A shape in the residuals (``lawful.validate.shapes``) is a finding where it is beyond chance and matters: where it
moves the forecast a decade beyond the runs by ``WORTH`` noises of one run. What it is called:

- ``u_shape``: the losses turn: along one input, the others at their middle, they fall and rise by ``TURN`` noises;
- ``saturation_low``, ``saturation_high``: the poorest runs stand at a plateau, the best at a floor;
- ``break``: the slope changes at one place; ``curvature``: it changes all along.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from lawful.fit.result import Fit, FitStatus
from lawful.quantities import QUANTITIES
from lawful.runs import RunTable
from lawful.validate.findings import Finding, Severity
from lawful.validate.shapes import Axes, Shape, best_shape, shape_test

Array = npt.NDArray[np.float64]

CHANCE = 0.02
"""Share of tables without any shape in which one is seen."""

SURE = 20.0
"""Gain in BIC that tells a shape where the scores do not: a law that ran to its limits to hide one has wrong slopes."""

WORTH = 1.0
"""Noises of one run by which a shape must move the forecast a decade beyond the runs to be worth a finding."""

TURN = 3.0
"""Noises by which outcomes must fall, and rise again, along one input for a U-shape."""

FLAT = 0.25
"""An outcome that moves by less than this share of what it moves on the other side of a break stands still."""

GRID = 60
"""Points along an input at which a turn is looked for."""


def regimes(fit: Fit, runs: RunTable) -> Iterator[Finding]:
    """The one shape that explains most of what the law leaves, if any is beyond chance and matters."""
    if len(fit.residuals) != len(runs) or fit.noise <= 1e-9:
        return
    axes = Axes.of(fit, runs)
    chance, ranked = shape_test(fit, axes)
    if not ranked or (chance > CHANCE and fit.status is FitStatus.CONVERGED):
        return
    shape = best_shape(fit, axes, ranked)
    if shape is None or (chance > CHANCE and shape.gain < SURE):
        return
    moved = _moved(fit, shape, runs)
    if abs(moved) < WORTH * shape.noise:
        return
    seen = (f"beside the law alone, the law with it moves the forecast a decade beyond the runs by "
            f"{_signed(moved, fit)}, {abs(moved) / shape.noise:.0f} times the noise of a run; p = {chance:.2g}")
    turn = _turn(shape, axes)
    term = shape.term
    if turn is not None:
        yield _turned(fit, runs, *turn, seen)
    elif (level := _level(fit, axes, shape)) is not None:
        yield _saturated(fit, runs, axes, shape, *level, seen)
    elif term.kind == "bow":
        assert term.along is not None
        yield Finding(
            "curvature", Severity.CAUTION, f"The runs bend along {term.along} beyond what {fit.law.form} can follow",
            f"the {_outcome(fit)} lies {'above' if term.size > 0 else 'below'} the law at both ends of {term.along}; "
            f"{seen}", "a power law is a straight line for a while: try a form that bends (--form auto), or fit the "
            f"half of the runs nearer to the question {_where(runs, term.along, '>', _middle(axes, term.along))}")
    else:
        yield _broken(fit, runs, axes, shape, seen)


def _broken(fit: Fit, runs: RunTable, axes: Axes, shape: Shape, seen: str) -> Finding:
    """A change of slope at one place."""
    name, term = shape.term.along, shape.term
    assert name is not None
    place = float(np.exp(term.place))
    above = axes.along[name] > term.place
    change = term.size if term.kind == "break" else -term.size  # a term below the place lifts what lies below it
    return Finding(
        "break", Severity.CAUTION, f"The runs break at {name} {_amount(name, place)}",
        f"beyond it the {_outcome(fit)} falls {'more slowly' if change > 0 else 'faster'} than the law that goes with "
        "it: its slope changes by "
        f"{_signed(change * np.log(10), fit)} a decade of {name}; {int((~above).sum())} runs below, "
        f"{int(above.sum())} above; {seen}",
        _keep(fit, runs, name, place, above), tuple(runs.rows[~above].tolist()))


def _level(fit: Fit, axes: Axes, shape: Shape) -> tuple[bool, float] | None:
    """Whether the outcome stands still at the low end of scale (or the high), and where; None where it nowhere does.

    A break beyond which it hardly moves is a plateau or a floor with rounded corners.
    """
    term = shape.term
    if term.kind in ("plateau", "floor"):
        return term.kind == "plateau", term.place
    if term.kind == "bow" or term.along is None:
        return None
    law = axes.observed - fit.residuals
    above = axes.along[term.along] > term.place
    if min(np.var(law[side]) for side in (~above, above)) < 1e-9:
        return None
    slopes = [float(np.cov(law[side], axes.observed[side], ddof=0)[0, 1] / np.var(law[side]))
              for side in (~above, above)]
    low = abs(slopes[0]) < FLAT * slopes[1]
    if not low and not abs(slopes[1]) < FLAT * slopes[0]:
        return None
    return low, float(np.median(axes.observed[~above if low else above]))


def _saturated(fit: Fit, runs: RunTable, axes: Axes, shape: Shape, low: bool, place: float, seen: str) -> Finding:
    """A plateau that the poorest runs stand at, or a floor that the best have reached."""
    level = float(np.exp(place)) if shape.relative else place
    at = axes.observed > place - 2 * shape.noise if low else axes.observed < place + 2 * shape.noise
    name = fit.law.output.name if fit.law.output.name in runs else _outcome(fit)
    rows = tuple(runs.rows[at].tolist())
    margin = 2 * shape.noise * (level if shape.relative else 1.0)
    if low:
        return Finding(
            "saturation_low", Severity.CAUTION, f"{at.sum()} runs stand at a plateau",
            f"their {name} is {level:.4g} whatever their scale, where the law has them fall; {seen}",
            "they have learnt nothing yet and say nothing of the slope: leave them out "
            f"(--where \"{name} < {level - margin:.4g}\")", rows)
    return Finding(
        "saturation_high", Severity.CAUTION, f"{at.sum()} runs have reached a floor",
        f"their {name} is {level:.4g} whatever their scale; {seen}",
        "more scale buys nothing by this measure: take a harder one or the loss; the slope is in the runs before it "
        f"(--where \"{name} > {level + margin:.4g}\")", rows)


def _turned(fit: Fit, runs: RunTable, name: str, place: float, rises: bool, seen: str) -> Finding:
    """An outcome that falls and rises again along one input, or the other way round."""
    shown = _amount(name, place)
    less, more = ("falls", "rises") if rises else ("rises", "falls")
    return Finding(
        "u_shape", Severity.SERIOUS, f"The {_outcome(fit)} turns along {name}",
        f"all else the same it {less} up to {name} {shown} and {more} beyond; {seen}",
        f"no power law turns: look for repeated data, tuning or another cause beyond {shown}; fit one side "
        f"({_where(runs, name, '<', place)} or {_where(runs, name, '>', place)}), or a form that turns "
        "(--form double_descent, or auto)")


def _turn(shape: Shape, axes: Axes) -> tuple[str, float, bool] | None:
    """The input along which outcomes turn, where, and whether they rise beyond it; None where they do not."""
    for name, values in axes.inputs.items():
        if values.min() <= 0:
            continue
        x = np.geomspace(values.min(), values.max(), GRID)
        y = shape.outcome({**{k: np.full(GRID, np.median(v)) for k, v in axes.inputs.items()}, name: x})
        for sign in (1.0, -1.0):
            i = int(np.argmin(sign * y))
            if min(sign * (y[0] - y[i]), sign * (y[-1] - y[i])) > TURN * shape.noise:
                return name, float(x[i]), sign > 0
    return None


def _moved(fit: Fit, shape: Shape, runs: RunTable) -> float:
    """By how much the shape moves the forecast a decade beyond the runs, in residuals."""
    inputs = {name: runs[name] for name in fit.law.inputs}
    top = int(np.argmax(np.sum([np.log(np.maximum(v, 1e-300)) for v in inputs.values()], axis=0)))
    out = {name: v[top : top + 1] * 10 ** (1 / len(inputs)) for name, v in inputs.items()}
    plain = np.asarray(fit.law.at(out), float)
    return float((shape.outcome(out) - (np.log(plain) if fit.relative else plain))[0])


def _keep(fit: Fit, runs: RunTable, name: str, place: float, above: npt.NDArray[np.bool_]) -> str:
    """Which side to fit: the one that a forecast leaves from, where it holds runs enough."""
    enough = 3 * (len(fit.law.names()) - len(fit.fixed))
    if above.sum() >= enough:
        return f"fit the side that the forecast leaves from: {_where(runs, name, '>', place)} keeps {above.sum()} runs"
    return (f"only {above.sum()} runs lie beyond, too few for {fit.law.form}: add runs there before any forecast; "
            f"{_where(runs, name, '<', place)} describes the others, and not what follows")


def _where(runs: RunTable, name: str, side: str, place: float) -> str:
    """A filter to paste, or how to get one: a derived quantity has no column to filter by."""
    if name in runs.columns:
        return f"--where \"{name} {side} {place:.3g}\""
    return f"{name} {side} {place:.3g}; add {name} as a column to filter by it"


def _amount(name: str, value: float) -> str:
    """A value with its unit, unless that is what its name says."""
    unit = QUANTITIES[name].unit if name in QUANTITIES else ""
    return f"{value:.2g}" if unit in ("", "count", name) else f"{value:.2g} {unit}"


def _middle(axes: Axes, name: str) -> float:
    return float(np.exp(np.median(axes.along[name])))


def _outcome(fit: Fit) -> str:
    return fit.law.output.name.replace("_", " ")


def _signed(change: float, fit: Fit) -> str:
    return f"{100 * np.expm1(change):+.2g} %" if fit.relative else f"{change:+.2g}"
