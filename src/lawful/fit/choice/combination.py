"""What a forecast that combines several forms is made of, and how it is saved.

A ``Combination`` answers as a fit does: the expected output, draws of it, and draws of a new run. ``Stack`` is the
plainest: fits and their weights. A fit that ``auto`` chose holds one, so that what is saved and asked later forecasts
with all of the forms, while its ``law`` stays that of the chosen form.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError

if TYPE_CHECKING:
    from lawful.fit.result import Fit

Array = npt.NDArray[np.float64]


class Combination(ABC):
    """Several forms that forecast together; ``weights`` gives the share of each by name, largest first."""

    kind: ClassVar[str]
    kinds: ClassVar[dict[str, type[Combination]]] = {}

    def __init_subclass__(cls) -> None:
        Combination.kinds[cls.kind] = cls

    @property
    @abstractmethod
    def weights(self) -> dict[str, float]:
        """The share of each form in the forecast."""

    @abstractmethod
    def expected(self, quantities: Mapping[str, Any]) -> Array:
        """The expected output, ``(point,)``, at quantities that are floats or ``(point,)``."""

    @abstractmethod
    def outputs(self, quantities: Mapping[str, Any]) -> Array:
        """Draws of the expected output, ``(draw, point)``; none where the forms were fitted without draws."""

    @abstractmethod
    def new_runs(self, quantities: Mapping[str, Any]) -> Array:
        """Draws of one more run, ``(draw, point)``."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The combination as data, without what the fit that holds it has anyway."""

    @classmethod
    @abstractmethod
    def of(cls, data: Mapping[str, Any], fit: Fit) -> Combination:
        """The combination that ``to_dict`` described, held by ``fit``."""

    @staticmethod
    def from_dict(data: Mapping[str, Any], fit: Fit) -> Combination:
        """The combination of any kind that ``data`` describes; ``InputError`` for a kind that is not known."""
        from lawful.fit.choice import kriging  # enters its kind

        assert kriging.Kriging.kind in Combination.kinds
        if data.get("kind") not in Combination.kinds:
            raise InputError(f"a combination of kind {data.get('kind')!r}; this version knows "
                             f"{', '.join(Combination.kinds)}")
        return Combination.kinds[data["kind"]].of(data, fit)

    @property
    def sentence(self) -> str:
        """That the forecast combines forms, and which."""
        named = [f"{name} {100 * weight:.0f} %" for name, weight in self.weights.items() if round(100 * weight)]
        return f"the forecast combines {', '.join(named)}; the coefficients are those of the chosen form alone"


@dataclass(frozen=True)
class Stack(Combination):
    """Fits with their weights, the chosen one first.

    The expected output is the weighted mean of the forms' logs (of their outputs where those may be negative); the
    draws are the mixture of theirs, each form giving draws in proportion to its weight, so that a new run carries the
    noise and the drift of its own form.
    """

    kind: ClassVar[str] = "stack"

    members: tuple[tuple[Fit, float], ...]

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each form."""
        shares = {member.law.form: weight for member, weight in self.members}
        return dict(sorted(shares.items(), key=lambda pair: -pair[1]))

    def expected(self, quantities: Mapping[str, Any]) -> Array:
        """The weighted mean of the forms, ``(point,)``."""
        weights = np.array([weight for _, weight in self.members])
        with np.errstate(all="ignore"):
            values = np.array([np.atleast_1d(member.law.at(quantities)) for member, _ in self.members], dtype=float)
            positive = self.members[0][0].law.output.positive
            mean: Array = np.exp(weights @ np.log(values)) if positive else weights @ values
        return mean

    def outputs(self, quantities: Mapping[str, Any]) -> Array:
        """The mixture of the forms' draws."""
        return self._mixed([member.outputs(quantities) for member, _ in self.members])

    def new_runs(self, quantities: Mapping[str, Any]) -> Array:
        """The mixture of the forms' draws of a new run."""
        return self._mixed([member.new_runs(quantities) for member, _ in self.members])

    def _mixed(self, draws: Sequence[Array]) -> Array:
        """Draws of every member in proportion to its weight, in one array."""
        count = min(len(d) for d in draws)
        return np.concatenate([d[np.linspace(0, len(d) - 1, round(weight * count)).round().astype(int)] if count else d
                               for d, (_, weight) in zip(draws, self.members, strict=True)])

    def to_dict(self) -> dict[str, Any]:
        """The weights, and the fits of all but the chosen form."""
        (_, weight), *others = self.members
        return {"kind": self.kind, "weight": weight,
                "others": [{"weight": w, "fit": member.to_dict()} for member, w in others]}

    @classmethod
    def of(cls, data: Mapping[str, Any], fit: Fit) -> Stack:
        """The stack of ``fit`` and the other fits that were saved with it."""
        others = tuple((type(fit).from_dict(each["fit"]), float(each["weight"])) for each in data["others"])
        return cls(((replace(fit, combination=None), float(data["weight"])), *others))
