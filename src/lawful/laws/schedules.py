"""Learning-rate schedules: the rate of every step, and what laws over a training curve take from it.

What to use when: ``Schedule.constant``, ``cosine``, ``wsd``, ``two_stage`` for a schedule to be asked about;
``Schedule.recorded`` for one that a curve table holds at some steps; ``schedule("wsd:peak=3e-4,steps=20000")`` for
what somebody typed. ``Schedule.changes`` gives the quantities that ``AnnealedLoss`` and ``MultiPowerLoss`` are called
with along it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError, LawError, unknown
from lawful.quantities import parse_assignments, parse_number

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

MOST_CHANGES = 192
"""Changes of the rate kept apart; more are gathered into groups of neighbours."""

MOST_STEPS = 10_000_000
"""Steps of a schedule: one number each is kept."""

FINAL = 0.1
"""The last rate as a share of the peak where it is not given, as in most published recipes."""

JUMP = 10.0
"""A recorded change this many times those beside it is a jump within one step, not a slope."""


@dataclass(frozen=True, eq=False)
class Schedule:
    """The learning rate of every optimiser step, ``(step,)``, the first ``warmup`` of which are warm-up.

    ``name`` says in words what it is. Raises ``InputError`` for rates that are negative, not finite or all zero.
    """

    rates: Array
    warmup: int = 0
    name: str = "schedule"

    def __post_init__(self) -> None:
        rates = np.array(self.rates, dtype=np.float64)
        if rates.ndim != 1 or not len(rates):
            raise InputError(f"{self.name}: a schedule is one learning rate a step, at least one step long")
        if not np.isfinite(rates).all() or rates.min() < 0 or rates.max() <= 0:
            raise InputError(f"{self.name}: learning rates must be finite, not negative, and not all zero")
        if not 0 <= self.warmup < len(rates):
            raise InputError(f"{self.name}: warm-up must be shorter than the schedule of {len(rates)} steps, "
                             f"got {self.warmup}")
        rates.setflags(write=False)
        object.__setattr__(self, "rates", rates)

    # ------------------------------------------------------------------------------------- to make one

    @classmethod
    def constant(cls, peak: float, steps: float, *, warmup: float = 0) -> Schedule:
        """The rate ``peak`` for ``steps`` steps, after a linear warm-up that counts among them."""
        return cls._shaped("constant", peak, steps, warmup, lambda share: np.ones_like(share))

    @classmethod
    def cosine(cls, peak: float, steps: float, *, final: float | None = None, warmup: float = 0) -> Schedule:
        """Half a cosine from ``peak`` down to ``final`` (a tenth of the peak) at the last step."""
        low = _final(final, peak)
        return cls._shaped("cosine", peak, steps, warmup,
                           lambda share: low + (1.0 - low) * 0.5 * (1.0 + np.cos(np.pi * share)))

    @classmethod
    def wsd(cls, peak: float, steps: float, *, decay: float = 0.2, final: float | None = None, warmup: float = 0,
            shape: str = "exponential") -> Schedule:
        """Warm-up, stable, decay: ``peak`` held, then brought to ``final`` over the last ``decay`` share of the steps.

        ``shape`` is ``exponential`` or ``linear``.
        """
        if not 0.0 < decay <= 1.0:
            raise InputError(f"decay is the share of the steps over which the rate falls, in (0, 1], got {decay:g}")
        if shape not in ("exponential", "linear"):
            raise unknown("shape of decay", str(shape), ("exponential", "linear"))
        low = _final(final, peak)
        if shape == "exponential" and low == 0:
            raise InputError("an exponential decay never reaches 0: give final, or shape=linear")
        count, rise = _steps(steps), _steps(warmup, least=0)
        start = 1.0 - decay * count / max(count - rise, 1)
        if start < -1e-9:
            raise InputError(f"decay={decay:g} of {count} steps leaves no room for a warm-up of {rise}")

        def fall(share: Array) -> Array:
            gone = np.clip((share - start) / (1.0 - start), 0.0, 1.0)
            return low**gone if shape == "exponential" else 1.0 - (1.0 - low) * gone

        return cls._shaped("wsd" if shape == "exponential" else "linear wsd", peak, steps, warmup, fall)

    @classmethod
    def two_stage(cls, peak: float, steps: float, *, second: float, at: float, warmup: float = 0) -> Schedule:
        """The rate ``peak`` for ``at`` steps, warm-up included, then ``second`` at once."""
        made = cls.constant(peak, steps, warmup=warmup)
        if not made.warmup < at < made.steps:
            raise InputError(f"at={at:g} must lie between the warm-up and the last of {made.steps} steps")
        rates = np.where(np.arange(made.steps) < int(at), made.rates, second)
        return cls(rates, made.warmup, f"two stages, {peak:g} then {second:g}")

    @classmethod
    def recorded(cls, steps: Any, rates: Any, *, warmup: int | None = None, name: str = "schedule") -> Schedule:
        """The rate of every step from ``rates`` recorded at increasing ``steps``, both ``(point,)``.

        Between two records the rate is interpolated linearly; a change ten times those on either side is taken as
        a jump at the later record. Before the first record a linear warm-up is assumed, of ``warmup`` steps or of
        all of them. Without ``warmup``, warm-up ends where the highest rate is first recorded.
        """
        at, rate = np.asarray(steps, dtype=np.float64), np.asarray(rates, dtype=np.float64)
        if len(at) < 2 or (np.diff(at) < 1).any() or at[0] < 0 or at[-1] > MOST_STEPS:
            raise InputError(f"{name}: a schedule needs the rate at two or more increasing steps, up to {MOST_STEPS:,}")
        rise = int(at[0]) if warmup is None else int(warmup)
        if warmup is not None and not 0 <= warmup < at[-1]:
            raise InputError(f"{name}: warm-up must end before the last record, step {at[-1]:g}, got {warmup}")
        x, y = _with_jumps(at, rate)
        every = np.arange(1.0, at[-1] + 1.0)
        full = np.interp(every, x, y)
        before = every < at[0]
        full[before] = rate[0] * np.minimum(every[before] / max(min(rise, at[0]), 1), 1.0)
        if warmup is None:
            rise = int(at[int(np.argmax(rate))]) if np.argmax(rate) else int(at[0])
        return cls(full, min(rise, len(full) - 1), name)

    @classmethod
    def _shaped(cls, name: str, peak: float, steps: float, warmup: float, fall: Callable[[Array], Array]) -> Schedule:
        """Linear warm-up to ``peak``, then ``peak`` times ``fall`` of the share done of what follows."""
        if not (np.isfinite(peak) and peak > 0):
            raise InputError(f"peak must be a positive learning rate, got {peak:g}")
        count, rise = _steps(steps), _steps(warmup, least=0)
        if rise >= count:
            raise InputError(f"a warm-up of {rise} steps leaves nothing of {count}")
        rates = np.empty(count)
        rates[:rise] = peak * np.arange(1, rise + 1) / max(rise, 1)
        rates[rise:] = peak * fall(np.arange(1, count - rise + 1) / (count - rise))
        return cls(rates, rise, f"{name}, peak {peak:g}, {count:,} steps")

    # ----------------------------------------------------------------------------------- to read from it

    @property
    def steps(self) -> int:
        """How many steps it has."""
        return len(self.rates)

    @property
    def peak(self) -> float:
        """Its highest rate."""
        return float(self.rates.max())

    @cached_property
    def area(self) -> Array:
        """The sum of the rates of the first 0, 1, ... steps, ``(step + 1,)``."""
        return np.concatenate([[0.0], np.cumsum(self.rates)])

    def points(self, count: int = 200) -> Indices:
        """At most ``count`` steps after the warm-up, evenly spaced, the last one included."""
        left = self.steps - self.warmup
        return self.warmup + np.unique(np.linspace(1, left, min(count, left)).round().astype(np.int64))

    def changes(self, steps: Any, most: int = MOST_CHANGES) -> dict[str, Array]:
        """What a law over a training curve is called with after ``steps``, whole numbers from 1 on, ``(point,)``.

        ``area`` is the sum of the rates so far, ``(point,)``. The other arrays hold a pair of a point and a change of
        the rate before it, ``(pair,)``: ``drop``, the fall of the rate (negative for a rise; from 0 at the first
        step); ``fall``, the same without the warm-up; ``rate`` after it; ``since``, the sum of the rates from the
        change on; ``lag``, the steps from it on. ``first`` is where each point's pairs begin, ``(point,)``.

        Beyond ``most`` changes, neighbours are gathered: their drops are added and their places averaged, weighted
        by the drop. Raises ``LawError`` for steps beyond the schedule.
        """
        at = np.atleast_1d(np.asarray(steps)).astype(np.int64)
        if at.size and (at.min() < 1 or at.max() > self.steps):
            raise LawError(f"{self.name} has steps 1 to {self.steps:,}; asked about {at.min():,} to {at.max():,}")
        drops = -np.diff(self.rates, prepend=0.0)
        drops[np.abs(drops) < 1e-9 * self.peak] = 0.0  # the rounding of a constant rate is no change
        when = np.flatnonzero(drops)
        drop = drops[when]
        edges = _groups(drop, when > self.warmup, most)
        seen = np.searchsorted(when, at, side="left")           # changes before each point
        begin, end = edges[:-1], np.minimum(edges[1:], seen[:, None])
        point, group = np.nonzero(end > begin)
        a, b = begin[group], end[point, group]

        def summed(values: Array) -> Array:
            sums = np.concatenate([[0.0], np.cumsum(values)])
            within: Array = sums[b] - sums[a]
            return within

        whole = summed(drop)
        start, before, rate = (summed(drop * v) / whole for v in (when, self.area[when], self.rates[when]))
        return {
            "area": self.area[at], "drop": whole, "fall": np.where(when[a] > self.warmup, whole, 0.0),
            "rate": np.maximum(rate, 1e-12 * self.peak),        # a rate of 0 has nothing since
            "since": np.maximum(self.area[at][point] - before, 0.0), "lag": np.maximum(at[point] - start, 0.0),
            "first": np.searchsorted(point, np.arange(len(at))).astype(np.float64),
        }

    def to_dict(self) -> dict[str, Any]:
        """What describes it, not its every step."""
        return {"name": self.name, "steps": self.steps, "warmup": self.warmup, "peak": self.peak,
                "final": float(self.rates[-1]), "area": float(self.area[-1])}


_MAKERS: Mapping[str, Callable[..., Schedule]] = {
    "constant": Schedule.constant, "cosine": Schedule.cosine, "wsd": Schedule.wsd, "two_stage": Schedule.two_stage,
}


def schedule(text: str) -> Schedule:
    """The schedule that ``text`` describes: ``wsd:peak=3e-4,steps=20000,decay=0.2``.

    The families are ``constant``, ``cosine``, ``wsd`` and ``two_stage``; what follows are the arguments of their
    constructors. Raises ``InputError`` for anything else.
    """
    family, _, given = text.strip().partition(":")
    make = _MAKERS.get(family.strip())
    if make is None:
        raise unknown("schedule", family, _MAKERS, "Write for example wsd:peak=3e-4,steps=20000,decay=0.2")
    wanted = inspect.signature(make).parameters
    arguments: dict[str, Any] = {}
    for name, value in parse_assignments(given, f"schedule {family}").items():
        if name not in wanted:
            raise unknown("argument", name, wanted, f"{family} takes {', '.join(wanted)}")
        arguments[name] = value if name == "shape" else parse_number(value, f"{family} {name}")
    missing = [n for n, p in wanted.items() if p.default is p.empty and n not in arguments]
    if missing:
        raise InputError(f"schedule {family}: give {', '.join(missing)}, as in {family}:peak=3e-4,steps=20000")
    return make(**arguments)


def _steps(count: float, least: int = 1) -> int:
    if not (np.isfinite(count) and least <= count <= MOST_STEPS):
        raise InputError(f"steps must be a whole number from {least} to {MOST_STEPS:,}, got {count:g}")
    return int(count)


def _final(final: float | None, peak: float) -> float:
    """The last rate as a share of the peak."""
    if final is not None and not 0.0 <= final <= peak:
        raise InputError(f"final must lie between 0 and the peak of {peak:g}, got {final:g}")
    return FINAL if final is None else final / peak


def _with_jumps(at: Array, rate: Array) -> tuple[Array, Array]:
    """The records, with one more just before each jump, so that the old rate holds up to it."""
    change = np.abs(np.diff(rate))
    beside = np.maximum(np.concatenate([[0.0], change[:-1]]), np.concatenate([change[1:], [0.0]]))
    jump = 1 + np.flatnonzero((change > JUMP * beside) & (change > 0.01 * rate.max()))
    return np.insert(at, jump, at[jump] - 1.0), np.insert(rate, jump, rate[jump - 1])


def _groups(drop: Array, after: npt.NDArray[np.bool_], most: int) -> Indices:
    """Where groups of neighbouring changes begin, and the end: of one sign, on one side of the warm-up's end.

    Equal shares of the whole change and of its length in steps make ``most`` groups, so that neither a steep nor a
    slow part of a decay is coarse.
    """
    if not len(drop):
        return np.zeros(1, dtype=np.int64)
    if len(drop) <= most:
        return np.arange(len(drop) + 1)
    size = np.cumsum(np.abs(drop))
    share = 0.5 * size / size[-1] + 0.5 * np.arange(len(drop)) / len(drop)
    part = np.minimum((share * most).astype(np.int64), most - 1)
    new = (np.diff(part) != 0) | (np.diff(np.sign(drop)) != 0) | (np.diff(after) != 0)
    return np.concatenate([[0], 1 + np.flatnonzero(new), [len(drop)]])
