"""How wide and how deep: the best shape for a budget in FLOP, or in hours, and what another shape costs.

A ``Template`` says how many parameters a width and a depth make, a ``Counted`` those of a known family of shapes
(``lawful.plan.architecture.templates``). ``weigh_shapes(law, compute=...)`` asks a law of width and depth for the best
model of each depth, all at the same FLOP; with a law of hours fitted to one's own logs it asks the same at the same
hours, where wide and shallow models gain: they keep a device busier (McLeish et al. 2025).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.cost.checks import positive
from lawful.errors import FailedToAnswer, InputError, LawError
from lawful.fit import Fit
from lawful.laws.base import MORE_IS_BETTER, Law
from lawful.laws.published import Published
from lawful.plan.architecture.templates import Built, Template
from lawful.plan.bisection import turn
from lawful.quantities import FLOP_PER_PARAM_TOKEN
from lawful.results import Interval, interval

Array = npt.NDArray[np.float64]

TAKES = ("width", "depth", "params", "tokens")
"""What a law of shapes may take."""

DEPTHS = (4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 48, 56, 64, 72, 80, 96, 112, 128)
"""Depths that are weighed where nobody says."""

SIZES, ZOOMS, HALVINGS = 121, 3, 60
"""Sizes that are looked at for each depth, how often about the best of them, and the halvings for its tokens."""

DRAWS = 48
"""Draws of a fit whose own best shape is sought."""


@dataclass(frozen=True)
class ModelShape:
    """The best model of one depth: its shape, what it is trained on, and what that gives and takes."""

    width: float
    depth: float
    params: float
    tokens: float
    outcome: float
    train_flop: float
    hours: float | None = None

    @property
    def aspect(self) -> float:
        """Width over depth."""
        return self.width / self.depth


@dataclass(frozen=True)
class Shapes:
    """Every depth that was weighed, the best first; ``intervals`` are the spread of the best over the fit's draws.

    The order is that before widths are rounded: a model that is rounded up is larger, and not for that a better shape.
    """

    found: tuple[ModelShape, ...]
    output: str
    intervals: Mapping[str, Interval] = field(default_factory=dict)

    @property
    def best(self) -> ModelShape:
        """The best of them."""
        return self.found[0]

    def near(self, share: float) -> tuple[ModelShape, ...]:
        """Those whose outcome is within ``share`` of the best, by depth: the shapes between which the law is flat."""
        close = (s for s in self.found if s.outcome <= self.best.outcome * (1.0 + share))
        return tuple(sorted(close, key=lambda s: s.depth))


def weigh_shapes(law: Fit | Published, *, compute: float | None = None, hours: float | None = None,
                 pace: Fit | Published | None = None, params: float | None = None,
                 template: Built | None = None, depths: Iterable[float] = DEPTHS, level: float = 0.9) -> Shapes:
    """The best model of each depth under ``law``, for ``compute`` [FLOP] or for ``hours`` at the ``pace`` of a law.

    ``pace`` gives hours from any of width, depth, params and tokens; it is fitted to logs. With ``params`` the size is
    held and the width follows from the depth. Raises ``LawError`` for laws that take something else, ``InputError``
    for two budgets or none, ``FailedToAnswer`` where no depth has a model of at least one multiple of width.
    """
    _check(law, pace, compute, hours)
    template = template or Template()
    grid = np.array(sorted(set(map(float, depths))))
    if not len(grid) or grid[0] <= 0:
        raise InputError("depths must be positive numbers of layers, at least one")
    grid = np.array([depth for depth in grid if template.takes(depth)])
    if not len(grid):
        raise InputError(f"none of the depths can be built: {template.sentence}")
    spend = _Spender(compute, hours, pace.law if pace is not None else None)
    found = _ranked(law.law, spend, template, grid, params)
    built = [s for one in found if (s := _built(law.law, spend, pace, template, one)) is not None]
    if not built:
        raise FailedToAnswer(f"no depth of {grid[0]:g} to {grid[-1]:g} has a model of this budget that is at least "
                             f"{template.multiple} wide")
    spans = _spread(law, spend, template, grid, params, built[0], level) if isinstance(law, Fit) else {}
    return Shapes(tuple(built), law.law.output.name, spans)


def depth_that_pays(law: Published | Fit, params: float, template: Built | None = None) -> tuple[float, float]:
    """The depth and the width at which a model of ``params`` stands on the law of the width that depth needs.

    A deeper one of that size is too narrow for its depth, by Levine et al. 2020. ``law`` gives the width from the
    depth. Raises ``LawError`` for another law, ``FailedToAnswer`` where the sizes never meet it.
    """
    if law.law.inputs != ("depth",) or law.law.output.name != "width":
        raise LawError(f"{law.law.form} gives {law.law.output.name} from {', '.join(law.law.inputs)}: the depth that "
                       "pays takes a law of width from depth, as levine2020_depth_width")
    template = template or Template()
    low, high = 1.0, 1e4

    def needs_more(depth: float) -> bool:
        with np.errstate(over="ignore"):
            return bool(float(law.law(depth=np.float64(depth))) < float(template.width(params, depth)))

    if not needs_more(low) or needs_more(high):
        raise FailedToAnswer(f"at {params:g} params no depth of {low:g} to {high:g} layers meets {law.law.formula()}")
    low, _ = turn(needs_more, low, high)
    return low, float(template.width(params, low))


def _check(law: Fit | Published, pace: Fit | Published | None, compute: float | None, hours: float | None) -> None:
    strange = [name for name in law.law.inputs if name not in TAKES]
    if strange or not {"width", "depth"} & set(law.law.inputs):
        raise LawError(f"{law.law.form} takes {', '.join(law.law.inputs)}: a law of shapes takes width or depth, "
                       "beside params and tokens, as mcleish2025_gemstones:shape")
    if law.law.output.name in MORE_IS_BETTER:
        raise LawError(f"{law.law.form} gives {law.law.output.name}, of which more is better: weigh shapes by a loss "
                       "or an error")
    if (compute is None) == (hours is None):
        raise InputError("give one budget: compute in FLOP, or hours with the law of hours as pace")
    if (hours is None) != (pace is None):
        raise InputError("hours are spent at the pace of a law of hours: give both or neither")
    positive("budget", compute if compute is not None else hours or 0.0, "FLOP or hours")
    if pace is not None and (pace.law.output.name != "hours" or not set(pace.law.inputs) <= set(TAKES)
                             or "tokens" not in pace.law.inputs):
        raise LawError(f"{pace.law.form} gives {pace.law.output.name} from {', '.join(pace.law.inputs)}: a pace gives "
                       "hours from tokens and any of width, depth and params")


@dataclass(frozen=True)
class _Spender:
    """How many tokens the budget buys for models of some shapes."""

    compute: float | None
    hours: float | None
    pace: Law | None

    def tokens(self, width: Array, depth: Array, params: Array) -> Array:
        if self.compute is not None:
            return np.asarray(self.compute / (FLOP_PER_PARAM_TOKEN * params))
        low, high = np.zeros(params.shape), np.full(params.shape, 60.0)
        for _ in range(HALVINGS):    # hours rise with tokens
            middle = 0.5 * (low + high)
            over = self.taken(width, depth, params, np.exp(middle)) > self.hours
            low, high = np.where(over, low, middle), np.where(over, middle, high)
        return np.exp(low)

    def taken(self, width: Any, depth: Any, params: Any, tokens: Any) -> Any:
        assert self.pace is not None
        return _ask(self.pace, width=width, depth=depth, params=params, tokens=tokens)


def _ask(law: Law, **quantities: Any) -> Any:
    with np.errstate(all="ignore"):
        return law.at({name: quantities[name] for name in law.inputs})


def _ranked(law: Law, spend: _Spender, template: Built, depths: Array, params: float | None) -> Array:
    """Each depth with the params of its best model, the best first: before widths are rounded, which moves sizes."""
    found = _best_of_each(law, spend, template, depths, params)
    outcomes = _outcome(law, spend, template, found[:, 0], found[:, 1])
    return np.asarray(found[np.argsort(np.where(np.isfinite(outcomes), outcomes, np.inf), kind="stable")])


def _best_of_each(law: Law, spend: _Spender, template: Built, depths: Array, params: float | None) -> Array:
    """Each depth with the params of its best model, ``(depth, 2)``: a grid of sizes, then finer ones about its best."""
    if params is not None:
        return np.column_stack([depths, np.full(len(depths), float(params))])
    middle, span = np.full((len(depths), 1), math.log(1e9)), math.log(1e7)
    for _ in range(ZOOMS):
        sizes = np.exp(middle + np.linspace(-span, span, SIZES))
        losses = _outcome(law, spend, template, depths[:, None], sizes)
        best = np.argmin(np.where(np.isfinite(losses), losses, np.inf), axis=1)
        middle = np.log(np.take_along_axis(sizes, best[:, None], axis=1))
        span *= 4.0 / SIZES
    return np.column_stack([depths, np.exp(middle[:, 0])])


def _outcome(law: Law, spend: _Spender, template: Built, depth: Array, params: Array) -> Array:
    depth = np.broadcast_to(depth, params.shape)
    width = template.width(params, depth)
    tokens = spend.tokens(width, depth, params)
    return np.asarray(_ask(law, width=width, depth=depth, params=params, tokens=tokens), dtype=float)


def _built(law: Law, spend: _Spender, pace: Fit | Published | None, template: Built, one: Array) -> ModelShape | None:
    """The model of a depth and a size, at the nearest width that can be built; None where that is narrower than one."""
    depth, size = map(float, one)
    wanted = float(template.width(size, depth))
    if wanted < 0.5 * template.multiple:
        return None
    width = float(max(1, round(wanted / template.multiple)) * template.multiple)
    params = float(template.params(width, depth))
    tokens = float(spend.tokens(*(np.array([v]) for v in (width, depth, params)))[0])
    outcome = float(_ask(law, width=width, depth=depth, params=params, tokens=tokens))
    hours = None if pace is None else float(spend.taken(width, depth, params, tokens))
    return ModelShape(width, depth, params, tokens, outcome, FLOP_PER_PARAM_TOKEN * params * tokens, hours)


def _spread(law: Fit, spend: _Spender, template: Built, depths: Array, params: float | None, best: ModelShape,
            level: float) -> dict[str, Interval]:
    """The spread of the best depth, width and size over some of the fit's draws."""
    if not len(law.draws):
        return {}
    rows = law.draws[np.linspace(0, len(law.draws) - 1, min(DRAWS, len(law.draws))).astype(np.int64)]
    found = []
    for row in rows:
        drawn = law.law.with_coefficients(row.tolist())
        found.append(_ranked(drawn, spend, template, depths, params)[0])
    each = np.array(found)
    spans = {"depth": interval(best.depth, each[:, 0], level),
             "width": interval(best.width, template.width(each[:, 1], each[:, 0]), level)}
    return spans if params is not None else {**spans, "params": interval(best.params, each[:, 1], level)}
