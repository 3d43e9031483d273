"""What a method is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lawful.fit.origins import Array
from lawful.runs import RunTable


@dataclass(frozen=True)
class Question:
    """What a method may know: the ``train`` runs, and where the test runs lie (``at``, ``(point,)`` each)."""

    train: RunTable
    at: Mapping[str, Array]
    target: str
    inputs: tuple[str, ...]
    seed: int = 0

    @property
    def points(self) -> int:
        """How many forecasts are asked for."""
        return len(next(iter(self.at.values())))


@dataclass(frozen=True)
class Answer:
    """A forecast of every point: ``values`` ``(point,)``, and ``draws`` ``(draw, point)`` of a new run there.

    ``detail`` says what came of it: the status of the fit, the form that was chosen.
    """

    values: Array
    draws: Array | None = None
    detail: str = ""
