"""What a law is: a small frozen object whose fields are coefficients and whose call is the formula.

To write one: subclass ``Law``, declare the coefficients with their limits (``Positive``, ``Scale``,
``Place``, ``Exponent``, ``Real``), name the form, and write ``__call__`` with operators and the functions of
``lawful.laws.expressions``. Everything else follows from that one method: names, limits, text,
derivatives, the compute-optimal split, the dictionary form.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, get_args, get_type_hints

from lawful.errors import LawError, UnknownName
from lawful.laws.expressions import Expr, symbol
from lawful.quantities import FLOP_PER_PARAM_TOKEN, QUANTITIES, Quantity, quantity

if TYPE_CHECKING:
    from lawful.laws.composed import Composed
    from lawful.laws.modules import Module

LOSS = QUANTITIES["loss"]


MORE_IS_BETTER = ("accuracy", "coverage", "elo", "reward", "bleu", "capability")
"""Outputs that nobody wants to be small."""

SETTINGS = ("learning_rate", "batch_tokens", "weight_decay", "decay_timescale")
"""Outputs that are settings of a run: neither more nor less of them is better."""

COSTS = ("compute", "hours", "usd", "kwh", "co2e_kg", "latency_s", "memory_bytes")
"""Outputs that are costs: the least of them is that of no run at all."""


@dataclass(frozen=True)
class Limit:
    """The open interval a coefficient lives in, and the span in which a search for it starts.

    Where a search can start often depends on the runs. ``along`` says that ``start`` is meant along the data of
    the form's one input x, whose smallest value is x_0 and whose span, largest over smallest, is S:

        "place"    x_0 S**start      somewhere along x: start = (0, 1) is the whole of the data
        "ratio"    S**start          from one place to a later one
    """

    low: float
    high: float
    start: tuple[float, float]
    along: Literal["", "place", "ratio"] = ""

    @property
    def inside(self) -> float:
        """A number within the limits, to stand in: 1, or the middle of the limits, or of the start."""
        if self.low < 1.0 < self.high:
            return 1.0
        return 0.5 * sum((self.low, self.high) if math.isfinite(self.high - self.low) else self.start)

    def on(self, x: Any) -> Limit:
        """This limit with its start as numbers, for the values ``x`` of the form's input."""
        if not self.along:
            return self
        first, span = float(x[x > 0].min()), math.log(float(x.max() / x[x > 0].min()))
        origin = first if self.along == "place" else 1.0
        low, high = (origin * math.exp(share * span) for share in self.start)
        return Limit(self.low, self.high, (low, high))


Positive = Annotated[float, Limit(0.0, math.inf, (1e-2, 1e8))]
"""A scale: any positive number."""

Scale = Annotated[float, Limit(0.0, math.inf, (1.0, 1e26))]
"""A scale in the unit of a quantity, such as Kaplan's N_c: positive, and often far beyond every run."""

Place = Annotated[float, Limit(0.0, math.inf, (-0.1, 1.1), "place")]
"""A place along the form's one input, in its unit, where something happens: a bend, a peak, the half of a gain."""

Exponent = Annotated[float, Limit(0.0, math.inf, (0.02, 1.6))]
"""The exponent of a power law: positive, and in every published law below 2."""

Real = Annotated[float, Limit(-math.inf, math.inf, (-10.0, 10.0))]
"""Any finite number."""


class Region:
    """The span of the evidence: per quantity, the smallest and the largest value seen.

    ``Region(params=(70e6, 16e9), tokens=(5e9, 500e9))``.
    """

    def __init__(self, **spans: tuple[float, float]) -> None:
        self.spans: Mapping[str, tuple[float, float]] = {k: (float(a), float(b)) for k, (a, b) in spans.items()}

    def reach(self, **values: float) -> dict[str, float]:
        """How far outside each span a value lies, in decades; 0 inside; only for the spans known."""
        return {name: _decades(values[name], low, high) for name, (low, high) in self.spans.items() if name in values}

    def to_dict(self) -> dict[str, list[float]]:
        """The spans as JSON holds them."""
        return {name: [low, high] for name, (low, high) in self.spans.items()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Region) and self.spans == other.spans

    def __hash__(self) -> int:
        return hash(tuple(self.spans.items()))

    def __repr__(self) -> str:
        return f"Region({', '.join(f'{k}=({a:g}, {b:g})' for k, (a, b) in self.spans.items())})"


def _decades(value: float, low: float, high: float) -> float:
    """How far ``value`` lies outside a span, in decades of a quantity that is positive.

    Of one that is not, in those of 1 + its distance over the width of the span: the same where the span begins at 0.
    """
    if value > 0 and low > 0:
        return max(0.0, math.log10(low / value), math.log10(value / high))
    return math.log10(1.0 + max(0.0, low - value, value - high) / ((high - low) or 1.0))


@dataclass(frozen=True)
class Allocation:
    """A compute budget split between model and data; each a float, or an array over draws."""

    compute: Any   # FLOP
    params: Any
    tokens: Any
    output: Any    # the law's output there: for most laws, loss in nats/token


def field_types(cls: type) -> dict[str, Any]:
    """The types of a dataclass's fields, limits included.

    Only the fields' annotations are resolved: a form has several class variables to each coefficient.
    """
    named = {f.name: f.type for f in dataclasses.fields(cls)}
    return get_type_hints(type("Fields", (), {"__annotations__": named, "__module__": cls.__module__}),
                          include_extras=True)


def field_limits(cls: type) -> dict[str, Limit]:
    """The coefficients among a dataclass's fields, in order, each with the interval it lives in."""
    return {name: limit for name, hint in field_types(cls).items()
            for limit in get_args(hint)[1:] if isinstance(limit, Limit)}


@cache
def _taken(form: type) -> tuple[str, ...]:
    """The names that a form's call takes; asked many times in every search."""
    return tuple(list(inspect.signature(form.__call__).parameters)[1:])


@dataclass(frozen=True)
class Law(ABC):
    """A formula with numbers in it, called with quantities by name: ``law(params=70e9, tokens=1.4e12)``.

    A subclass is a *form*; an instance is the form with coefficients. Subclassing registers the form
    under ``form`` and ``aliases``. Coefficients may be arrays of shape ``(draw, 1)`` as well as floats:
    the law is then a whole sample of laws, evaluated at once.
    """

    form: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    output: ClassVar[Quantity] = LOSS
    falls_with: ClassVar[tuple[str, ...]] = ()   # inputs of which more never makes the output larger
    rises_with: ClassVar[tuple[str, ...]] = ()   # inputs of which more never makes it smaller
    bends: ClassVar[int] = 0                     # places where the curve may bend: see ``fewest_runs``
    simpler: ClassVar[type[Law] | None] = None   # the form that this one extends by a term: see ``extending``
    composed: ClassVar[bool] = False             # a base law with modules: never validated jointly
    leaves_a_share: ClassVar[bool] = False       # of the mixture's domains it names all but one, which has what is left
    listed: ClassVar[bool] = True                # found by its name; else by its parts, or by its text

    registry: ClassVar[dict[str, type[Law]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.listed:
            return
        if "form" not in cls.__dict__:
            raise TypeError(f"{cls.__name__} needs a name: form = '...'")
        for name in (cls.form, *cls.aliases):
            other = Law.registry.setdefault(name, cls)
            if (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
                raise TypeError(f"two forms are called {name!r}: {other.__name__}, {cls.__name__}")
            Law.registry[name] = cls

    def __post_init__(self) -> None:
        for name, limit in self.limits().items():
            value = getattr(self, name)
            if isinstance(value, (int, float)) and not (limit.low < value < limit.high):
                raise LawError(f"{self.form}: {name} must lie in ({limit.low:g}, {limit.high:g}), got {value:g}")

    @abstractmethod
    def __call__(self, *args: Any, **quantities: Any) -> Any:
        """The output at these quantities: floats, arrays that broadcast, or symbols."""

    # ------------------------------------------------------------------------ what a form consists of

    @classmethod
    @cache
    def limits(cls) -> Mapping[str, Limit]:
        """The coefficients, in order, each with the interval it lives in."""
        return field_limits(cls)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The names of the coefficients, in order."""
        return tuple(cls.limits())

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the quantities the formula takes, in order; of a form ``over`` one quantity, that one."""
        over = getattr(self, "over", None)
        if isinstance(over, str):
            return (over,)
        return _taken(type(self))

    @classmethod
    def fewest_runs(cls, free: int) -> int:
        """How many runs, at distinct places, a fit of ``free`` coefficients needs: one each, and one more a bend.

        A bend with no run left over to contradict it can be laid through any noise.
        """
        return free + cls.bends

    def extending(self, simpler: Law, x: Any) -> list[Law]:
        """Laws of this form that give what ``simpler`` gives, for a search over the runs' ``x`` to start from."""
        return []

    @property
    def settings(self) -> dict[str, Any]:
        """The fields that are choices, not coefficients."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in self.limits()}

    def limits_on(self, quantities: Mapping[str, Any]) -> dict[str, Limit]:
        """``limits`` for a search on runs with these quantities, by name: those meant along the data as numbers.

        Raises ``LawError`` for such a limit in a form over more than one quantity.
        """
        limits = dict(self.limits())
        for name, limit in limits.items():
            if limit.along and len(self.inputs) != 1:
                raise LawError(f"{self.form}: the search for {name} is to start along the data, but the form takes "
                               f"{', '.join(self.inputs)}; give the start of its limit as numbers")
            if limit.along:
                limits[name] = limit.on(quantities[self.inputs[0]])
        return limits

    @property
    def coefficients(self) -> dict[str, Any]:
        """The coefficients by name."""
        return {name: getattr(self, name) for name in self.names()}

    def with_coefficients(self, values: Mapping[str, Any] | Sequence[Any]) -> Self:
        """The same form with other coefficients, by name or in order; columns of draws are welcome."""
        if not isinstance(values, Mapping):
            values = dict(zip(self.names(), values, strict=True))
        return dataclasses.replace(self, **values)

    def with_(self, *modules: Module) -> Composed:
        """This law at the effective quantities of ``modules``: a law again, marked ``composed``."""
        from lawful.laws.composed import compose

        return compose(self, modules)

    def expression(self) -> Expr:
        """The formula as an expression in the coefficients and the quantities, by their names."""
        symbols = self.with_coefficients({name: symbol(name) for name in self.names()})
        formula = symbols(**{name: symbol(name) for name in self.inputs})
        assert isinstance(formula, Expr)
        return formula

    def formula(self) -> str:
        """The formula as text, derived from the call itself: ``loss = E + A / params**alpha + ...``."""
        return f"{self.output.name} = {self.expression()}"

    def at(self, quantities: Mapping[str, Any]) -> Any:
        """The output at ``quantities``, which may hold more than the law takes.

        Raises ``LawError`` naming what is missing, with units.
        """
        missing = [name for name in self.inputs if name not in quantities]
        if missing:
            needed = ", ".join(quantity(name, self.inputs).label() for name in self.inputs)
            raise LawError(f"{self.form} needs {needed}; missing {', '.join(missing)}")
        return self(**{name: quantities[name] for name in self.inputs})

    # -------------------------------------------------------------------------------- compute-optimal

    @property
    def splits_compute(self) -> bool:
        """Whether the law says how to divide compute: it takes params and tokens alone, and less is better."""
        return (set(self.inputs) == {"params", "tokens"}
                and self.output.name not in (*MORE_IS_BETTER, *SETTINGS, *COSTS))

    def allocate(self, compute: Any, flop_per_param_token: float = FLOP_PER_PARAM_TOKEN) -> Allocation:
        """The params and tokens with the best output at ``compute`` = k N D [FLOP].

        Raises ``LawError`` for a law that does not take params and tokens.
        """
        if not self.splits_compute:
            raise LawError(f"{self.form} takes {', '.join(self.inputs)}: it cannot divide compute between "
                           "params and tokens; fit a joint form such as chinchilla")
        product = compute / flop_per_param_token
        params = self.optimal_params(product)
        return Allocation(compute, params, product / params, self(params=params, tokens=product / params))

    def optimal_params(self, product: Any) -> Any:
        """The params N that are best when params x tokens = ``product``; found numerically.

        A form with a closed solution overrides this; ``numeric_optimal_params`` stays to test it.
        """
        return self.numeric_optimal_params(product)

    def numeric_optimal_params(self, product: Any) -> Any:
        """``optimal_params`` by a dense scan of log N over [1, product], then golden-section search."""
        import numpy as np

        top = np.log(np.asarray(product, dtype=float))
        share = np.linspace(0.0, 1.0, 257).reshape(-1, *([1] * max(np.ndim(top), 2)))

        def value(log_params: Any) -> Any:
            return self(params=np.exp(log_params), tokens=np.exp(top - log_params))

        scan = np.asarray(value(share * top))
        best = np.argmin(scan, axis=0)
        step = top / 256.0
        low, high = np.clip(best - 1, 0, None) * step, np.clip(best + 1, None, 256) * step
        golden = (math.sqrt(5.0) - 1.0) / 2.0
        for _ in range(80):
            left, right = high - golden * (high - low), low + golden * (high - low)
            shrink = value(left) < value(right)
            low, high = np.where(shrink, low, left), np.where(shrink, right, high)
        params = np.exp(0.5 * (low + high))
        shape = np.broadcast_shapes(np.shape(product), *(np.shape(value) for value in self.coefficients.values()))
        return params.reshape(shape) if shape else params.item()

    def allocation_exponents(self, compute: float = 1e21) -> tuple[Any, Any]:
        """The exponents (a, b) of N* ~ C**a and D* ~ C**b; local, around ``compute``, where they vary."""
        import numpy as np

        factor = 1.1
        low, high = (self.allocate(compute * f) for f in (1 / factor, factor))
        a = np.log(high.params / low.params) / (2.0 * math.log(factor))
        return a, 1.0 - a

    # -------------------------------------------------------------------------------------- plain data

    def to_dict(self) -> dict[str, Any]:
        """The law as data: form, settings, coefficients."""
        return {"form": self.form, "settings": self.settings, "coefficients": self.coefficients}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Law:
        """The law that ``to_dict`` described.

        Raises ``LawError`` for a form, settings or coefficients that do not exist, or that are no numbers.
        """
        from lawful.laws.composed import find_form
        from lawful.laws.formula import Formula, form_of

        name, coefficients, settings = str(data.get("form")), data.get("coefficients", {}), data.get("settings", {})
        cls = Law.registry.get(name) or find_form(name)
        if name == Formula.form:
            cls, settings = form_of(settings), {}
        if cls is None and ".py:" in name:
            raise LawError(f"{name} is a class in a file of its own: the command line looks for the file from here and "
                           f"beside the saved fit; in Python, lawful.laws.registry.enter(TheClass, {name!r}) gives it")
        if cls is None:
            raise LawError(f"no form is called {data.get('form')!r}; known: {', '.join(sorted(Law.registry))}")
        if set(coefficients) != set(cls.names()):
            raise LawError(f"{cls.form} has coefficients {', '.join(cls.names())}; got {', '.join(coefficients)}")
        for coefficient, value in coefficients.items():
            if isinstance(value, str | bool | list | Mapping | None):
                raise LawError(f"{cls.form}: {coefficient} must be a number, got {value!r}")
        known = [f.name for f in dataclasses.fields(cls) if f.name not in coefficients]
        if not set(settings) <= set(known):
            raise LawError(f"{cls.form} has settings {', '.join(known) or 'none'}; got {', '.join(settings)}")
        try:
            quantity(str(settings.get("over", LOSS.name)))
        except UnknownName as problem:
            raise LawError(f"{cls.form}: {problem}") from None
        return cls(**settings, **coefficients)
