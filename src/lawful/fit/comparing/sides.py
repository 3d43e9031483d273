"""One of two laws that are compared: its draws as columns, and its way up and down each axis of scale.

Along compute a law follows the split that it calls best, or, where params and tokens were asked about, their
ratio there; along an input alone the others stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import LawError
from lawful.fit.result import Fit
from lawful.laws.base import Law, Region
from lawful.laws.comparison import read
from lawful.laws.published import Published
from lawful.quantities import PARAM_COUNTS
from lawful.results import Caveat

Array = npt.NDArray[np.float64]
Path = Callable[[Any], dict[str, Any]]
"""From a factor on the scale asked about to the quantities there."""


def takes(law: Fit | Published, name: str) -> bool:
    """Whether ``law`` can read the quantity ``name``; a published law also reads other counts of parameters."""
    other = isinstance(law, Published) and name in PARAM_COUNTS and "params" in law.law.inputs
    return name in law.law.inputs or other


def count(law: Fit | Published) -> int:
    """How many draws ``law`` brings."""
    return len(law.draws) if isinstance(law, Fit) else 0


@dataclass(frozen=True)
class Side:
    """A law, its draws as columns ``(draw, 1)``, and its ``paths`` by axis.

    ``sure`` where it has no draws: ``sample`` is then the law itself, and no interval of it can be given.
    """

    law: Law
    sample: Law
    draws: int
    sure: bool
    region: Region
    paths: Mapping[str, Path]
    warnings: tuple[Caveat, ...]

    @classmethod
    def of(cls, law: Fit | Published, asked: Mapping[str, float], split: bool, draws: int,
           order: np.random.Generator | None) -> Side:
        """``law`` asked about ``asked``, along the best ``split`` of compute or not, with so many ``draws``.

        ``order`` shuffles the draws, so that they are independent of another law's; None leaves them as they are.
        """
        form = sample = law.law
        if isinstance(law, Fit) and len(law.draws):
            rows = np.resize(np.arange(len(law.draws)), draws)
            rows = rows if order is None else order.permutation(rows)
            sample = form.with_coefficients([law.draws[rows, j : j + 1] for j in range(law.draws.shape[1])])
        caveats = _doubts(law)
        if split:
            paths = {"compute": _along_optimum(form, asked["compute"])}
            return cls(form, sample, draws, form is sample, law.region, paths, caveats)
        given = {n: asked[n] for n in form.inputs if n in asked}
        if isinstance(law, Published):
            given, said = read(law, asked)
            caveats += said
        form.at(given)  # names what is missing
        return cls(form, sample, draws, form is sample, law.region, _along_inputs(form, given), caveats)

    def best(self, axis: str, factor: Any) -> Array:
        """The law's output at ``factor`` times the scale."""
        with np.errstate(all="ignore"):
            return np.asarray(self.law(**self.paths[axis](factor)), dtype=float)

    def drawn(self, axis: str, factor: Any) -> Array:
        """The output of every draw, ``(draw, ...)``, at a factor that is a float, ``(scale,)`` or ``(draw, 1)``."""
        with np.errstate(all="ignore"):
            return np.asarray(self.sample(**self.paths[axis](factor)), dtype=float)

    def reach(self, axis: str, factor: float = 1.0) -> dict[str, float]:
        """How far beyond its runs the law is there, in decades."""
        return self.region.reach(**{name: float(v) for name, v in self.paths[axis](factor).items()})


def _doubts(law: Fit | Published) -> tuple[Caveat, ...]:
    """What must be known of one law before it is held against another."""
    if isinstance(law, Published):
        found = [Caveat("no_interval", f"{law.key} is a published law without draws: its doubt is in no interval")]
        if law.law.output.unit == "nats/token":
            found.append(Caveat("own_data", f"{law.key} gives the loss on its own data and tokenizer: a difference in "
                                "level may be that alone"))
        return tuple(found)
    doubts = [w for w in law.warnings if w.code in ("at_bound", "not_identified", "out_of_steps")]
    if law.law.composed:
        doubts.append(Caveat("composed", f"{law.law.form} composes laws that were never validated jointly"))
    if not len(law.draws):
        doubts.append(Caveat("no_interval", f"the fit of {law.law.form} to {law.source} was made with --bootstrap 0: "
                             "its doubt is in no interval"))
    return tuple(doubts)


def _along_optimum(law: Law, compute: float) -> Path:
    """Up and down compute, at the split that the law calls best: the one that would be chosen today."""
    if law.inputs == ("compute",):
        return lambda factor: {"compute": compute * factor}
    if not law.splits_compute:
        raise LawError(f"{law.form} takes {', '.join(law.inputs)} and cannot divide compute; give --at instead")

    def path(factor: Any) -> dict[str, Any]:
        split = law.allocate(compute * factor)
        return {"params": split.params, "tokens": split.tokens}

    return path


def _along_inputs(law: Law, given: Mapping[str, float]) -> dict[str, Path]:
    """Up and down each input alone; and compute, where params and tokens grow together in their ratio."""
    def alone(name: str) -> Path:
        return lambda factor: {**given, name: given[name] * factor}

    paths: dict[str, Path] = {}
    if {"params", "tokens"} <= set(law.inputs) and "compute" not in law.inputs:
        paths["compute"] = lambda factor: {**given, "params": given["params"] * np.sqrt(factor),
                                           "tokens": given["tokens"] * np.sqrt(factor)}
    return paths | {name: alone(name) for name in law.inputs if given[name] > 0}
