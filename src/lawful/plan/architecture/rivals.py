"""Which architecture wins at a budget: laws of several, ranked there, each held against the best, and where they cross.

An architecture that is ahead at the sizes that were run may fall behind at the size that is wanted: what counts is the
law of each at the budget, with how far that lies beyond its runs, and the compute at which the order changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lawful.errors import InputError
from lawful.fit import Fit, forecast
from lawful.fit.comparing.compare import compare
from lawful.fit.comparing.contrast import Contrast
from lawful.laws.base import Law
from lawful.laws.published import Published
from lawful.results import Interval


@dataclass(frozen=True)
class Standing:
    """One architecture at the budget: what its law gives, how far that is to be trusted, and ``against`` the best.

    ``at`` is the split of compute that its law calls best. ``against`` holds this one (b) against the best (a); None of
    the best itself. ``reach`` is in decades beyond the runs of its law, the farthest quantity; ``limit`` says within
    what error, up to how far, the law has been right.
    """

    name: str
    value: Interval
    at: Mapping[str, float]
    reach: float
    limit: str
    against: Contrast | None = None

    @property
    def apart(self) -> bool | None:
        """Whether the runs can tell it from the best; None without draws, and of the best itself."""
        return None if self.against is None else self.against.distinguishable

    @property
    def overtakes(self) -> float | None:
        """The larger compute at which it meets the best, where the laws say one."""
        if self.against is None or self.against.crossing.value is None:
            return None
        met = self.against.crossing.value
        return met if met > self.against.at["compute"] else None


def rank(rivals: Mapping[str, Fit | Published], compute: float, level: float = 0.9) -> tuple[Standing, ...]:
    """The architectures by what their laws give at ``compute`` [FLOP], the best first, each at its own best split.

    Draws of separate fits are independent. Raises ``InputError`` for fewer than two, or for laws of different outputs;
    ``LawError`` for a law that knows no best split of compute.
    """
    if len(rivals) < 2:
        raise InputError(f"give the laws of at least two architectures, got {len(rivals)}")
    names = list(rivals)
    first = names[0]
    others = [compare(rivals[first], rivals[name], compute=compute, level=level, names=(first, name))
              for name in names[1:]]
    values = {first: (others[0].values[0], others[0].reach[0]),
              **{c.b: (c.values[1], c.reach[1]) for c in others}}
    sign = -1.0 if others[0].more_is_better else 1.0
    order = sorted(names, key=lambda name: sign * values[name][0].value)
    found = []
    for name in order:
        at = _best_split(rivals[name].law, compute)
        against = None if name == order[0] else compare(rivals[order[0]], rivals[name], compute=compute, level=level,
                                                        names=(order[0], name))
        found.append(Standing(name, values[name][0], at, max([0.0, *values[name][1].values()]),
                              forecast(rivals[name], at, level).limit, against))
    return tuple(found)


def _best_split(law: Law, compute: float) -> dict[str, float]:
    """What a law that knows a best split is asked at: its split, or the compute where it takes nothing else."""
    if law.inputs == ("compute",):
        return {"compute": compute}
    best = law.allocate(compute)
    return {"params": float(best.params), "tokens": float(best.tokens)}
