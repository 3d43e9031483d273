"""Designs of runs that cannot tell the terms of a law apart, by name: one line through the plane of its inputs.

A law with a term in each input needs runs that vary the inputs independently. Where all of them lie on one line or
curve, such as a ladder with fixed tokens per parameter, the terms trade against one another and only what holds along
the line is determined. What is looked at are the logarithms of two inputs at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

THIN = 0.04
"""Decades: runs that scatter about one line or curve by a smaller standard deviation lie on it. Of a ratio that is
9 %, about what rounding sizes to whole layers does."""

NEAR_A_SLOPE = 0.1
"""How near a slope is to 0, 1 or -1 to be called by its name."""

LEVELS, ONE_LEVEL = 3, 0.02
"""Values that an input must take for an exponent beside a floor, and the decades within which two are one."""

CURVED = 8
"""Runs from which on a curve is looked for as well: three of fewer runs could be its coefficients."""


@dataclass(frozen=True)
class Collinear:
    """Why runs cannot tell the terms in these ``inputs`` apart: a stable ``code``, its ``name``, and what to do."""

    code: str
    inputs: tuple[str, ...]
    name: str
    evidence: str
    action: str

    def to_dict(self) -> dict[str, Any]:
        """The design as data."""
        return {**vars(self), "inputs": list(self.inputs)}


def collinear(quantities: Mapping[str, Array]) -> tuple[Collinear, ...]:
    """The collinear designs among runs with these inputs of a law, ``(run,)`` each; none for a sound design."""
    positive = {name: np.log10(values) for name, values in quantities.items() if values.min() > 0}
    found: list[Collinear] = []
    for name, x in positive.items():
        found += _levels(name, x)
    named = {name for design in found for name in design.inputs}
    for a, b in combinations(positive, 2):
        if not {a, b} & named:
            found += _line(a, b, positive[a], positive[b])
    return tuple(found)


def _levels(name: str, x: Array) -> Iterator[Collinear]:
    """One or two values of an input: nothing says how its term bends."""
    ordered = np.sort(x)
    count = 1 + int(np.sum(np.diff(ordered) > ONE_LEVEL)) if np.ptp(x) > THIN else 1
    if count < LEVELS:
        few, many = ("one", "") if count == 1 else ("two", "s")
        what = {"params": "size", "tokens": "amount", "compute": "budget"}.get(name, "value")
        of = {"params": "", "tokens": " of data", "compute": ""}.get(name, f" of {name}")
        yield Collinear(
            f"{few}_level", (name,), f"{few} {what}{many}{of}",
            f"{name} take {few} value{'s' * (count > 1)}, {' and '.join(f'{10**v:.3g}' for v in _distinct(ordered))}",
            f"the term in {name} cannot be told from the floor: add runs with {LEVELS} or more values of {name}, "
            "over a decade")


def _distinct(ordered: Array) -> list[float]:
    parts = np.split(ordered, np.flatnonzero(np.diff(ordered) > ONE_LEVEL) + 1) if np.ptp(ordered) > THIN else [ordered]
    return [float(np.mean(part)) for part in parts]


def _line(a: str, b: str, x: Array, y: Array) -> Iterator[Collinear]:
    """All runs on one line or curve of log ``b`` against log ``a``, both of which vary."""
    centred = np.stack([x - x.mean(), y - y.mean()])
    lengths, axes = np.linalg.eigh(centred @ centred.T / len(x))
    slope = float(axes[1, 1] / axes[0, 1]) if axes[0, 1] else np.inf
    scatter = float(np.sqrt(2.0 * max(lengths[0], 0.0)))  # across the line; of a slope of 1, that of the ratio
    curve = scatter
    if len(x) >= CURVED:
        along, across = axes.T[::-1] @ centred
        curve = float(np.sqrt(2.0) * np.std(across - np.polyval(np.polyfit(along, across, 2), along)))
    if min(scatter, curve) >= THIN:
        return
    code, name, says = _named(a, b, slope, float(np.mean(y - x)), scatter < THIN)
    yield Collinear(
        code, (a, b), name, f"{says}; log {b} against log {a} scatters by {min(scatter, curve):.3f} decades about one "
        f"{'line' if scatter < THIN else 'curve'}",
        f"the terms in {a} and {b} cannot be told apart, and what holds along the line can: add runs with a few times "
        f"more and fewer {b} at the same {a}, or fit a law in one quantity")


def _named(a: str, b: str, slope: float, ratio: float, straight: bool) -> tuple[str, str, str]:
    pair = (a, b) == ("params", "tokens")
    if straight and abs(slope - 1.0) < NEAR_A_SLOPE:
        name = "fixed tokens per parameter" if pair else f"fixed ratio of {b} to {a}"
        return "fixed_ratio", name, f"{name}, {10**ratio:.3g} in the middle run"
    if straight and abs(slope + 1.0) < NEAR_A_SLOPE:
        name = "one budget" if pair else f"fixed product of {a} and {b}"
        return "one_budget", name, f"{name}: {a} x {b} is the same in every run"
    name = f"{b} a function of {a}"
    return "one_line", name, f"{b} ~ {a}^{slope:.2f}" if straight else f"{b} follow from {a}"
