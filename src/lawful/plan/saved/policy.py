"""Policies: what a plan may come to, judged after it is made. A constraint steers a plan; a policy lets it pass or not.

Where a plan gives an interval for what a policy limits, its upper end is judged: a plan that may well cost more than
allowed is not within the policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from lawful.cost.checks import positive
from lawful.errors import InputError, PolicyBroken, unknown
from lawful.quantities import format_number, parse_positive

LIMITS: Mapping[str, tuple[str, str]] = {
    "max_cost": ("usd", "US dollars"),
    "max_days": ("wall_days", "days"),
    "max_co2e_kg": ("co2e_kg", "kg CO2e"),
    "max_gpu_hours": ("gpu_hours", "device hours"),
}
"""What a policy may limit: the metric of a plan, and its unit."""

ROUNDING = 1e-6
"""What a bound may be passed by, relatively: a budget of exactly the bound is within it."""


@dataclass(frozen=True)
class Policy:
    """The most that a plan may come to, in money, days, CO2e and device hours; None where there is no limit."""

    max_cost: float | None = None
    max_days: float | None = None
    max_co2e_kg: float | None = None
    max_gpu_hours: float | None = None

    def __post_init__(self) -> None:
        for name, bound in self.limits.items():
            positive(name, bound, LIMITS[name][1])

    @property
    def limits(self) -> dict[str, float]:
        """The limits that are set."""
        return {f.name: bound for f in fields(self) if (bound := getattr(self, f.name)) is not None}

    @staticmethod
    def read(data: Mapping[str, Any], source: str = "policy") -> Policy:
        """The policy in ``data``, as TOML gives it; ``UnknownName`` for a limit that nobody knows."""
        for name in data:
            if name not in LIMITS:
                raise unknown("limit", name, LIMITS, where=f"in {source}")
        return Policy(**{name: parse_positive(value, f"{name} in {source}") for name, value in data.items()})


@dataclass(frozen=True)
class Verdict:
    """One limit held against one plan: ``judged`` is the upper end of the interval, or the planned ``value``."""

    limit: str
    bound: float
    value: float
    judged: float
    level: float | None    # of the interval whose upper end is judged; None where there is none

    @property
    def broken(self) -> bool:
        """Whether the plan comes to more than the limit."""
        return self.judged > self.bound * (1 + ROUNDING)

    @property
    def sentence(self) -> str:
        """What was judged, and how it stands."""
        metric, unit = LIMITS[self.limit]
        ends = "" if self.level is None else f", the upper end of its {100 * self.level:g} % interval"
        stands = "is over" if self.broken else "is within"
        return f"{metric} {format_number(self.judged)}{ends} {stands} {self.limit} {format_number(self.bound)} ({unit})"

    def to_dict(self) -> dict[str, Any]:
        """The verdict as data."""
        return {**vars(self), "metric": LIMITS[self.limit][0], "broken": self.broken, "sentence": self.sentence}


def judge(plan: Mapping[str, Any], policy: Policy) -> tuple[Verdict, ...]:
    """How ``plan``, as data, stands against each limit of ``policy``.

    Raises ``InputError`` where the plan does not answer what is limited: nothing passes for want of a figure.
    """
    found = []
    for limit, bound in policy.limits.items():
        metric, unit = LIMITS[limit]
        value = plan["cost"].get(metric)
        if value is None:
            needs = "--device and --devices" if metric == "wall_days" else "--device"
            raise InputError(f"{limit}: the plan does not say its {unit} ({metric}), so the policy cannot be judged; "
                             f"plan with {needs}")
        spread = plan.get("intervals", {}).get(metric)
        high = None if spread is None else spread.get("high")
        level = None if high is None else plan["forecast"]["level"]
        found.append(Verdict(limit, bound, value, value if high is None else max(value, high), level))
    return tuple(found)


def enforce(judged: tuple[tuple[Verdict, ...], ...]) -> None:
    """Raise ``PolicyBroken`` where no plan of those ``judged`` keeps every limit; of a frontier one is enough."""
    if any(not any(v.broken for v in verdicts) for verdicts in judged):
        return
    nearest = min(judged, key=lambda verdicts: max(v.judged / v.bound for v in verdicts))
    which = "" if len(judged) == 1 else f"no plan of {len(judged)} keeps it, and of the nearest "
    raise PolicyBroken(f"policy broken: {which}{'; '.join(v.sentence for v in nearest if v.broken)}")
