"""A law from a formula typed as text: ``formula("E + A*params**-alpha + B*tokens**-beta")``.

Names of the glossary, ``mixture.<domain>`` and ``loss.<domain>``, and the columns named in ``inputs`` are
inputs; every other name is a coefficient. How it enters the formula says where it may lie (``lawful.laws.guesses``),
unless ``limits`` say it. Coefficients that enter linearly are solved for and not searched.
"""

from __future__ import annotations

import difflib
import keyword
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, make_dataclass, replace
from functools import lru_cache
from typing import Annotated, Any, ClassVar, get_args

import numpy as np

from lawful.errors import InputError, LawError, LawfulError, UnknownName
from lawful.laws.base import Exponent, Law, Limit, Real
from lawful.laws.expressions import Expr, evaluate
from lawful.laws.guesses import Guess, guesses
from lawful.laws.parser import parse, refusal
from lawful.laws.registry import template
from lawful.quantities import QUANTITIES, parse_number, quantity, resolve_columns

Limits = Mapping[str, tuple[float | None, float | None] | str]

NEAR = 0.8
"""Likeness (difflib) from which a name that is none is taken for a slip of a name that is one."""


@dataclass(frozen=True)
class Formula(Law):
    """A law that was typed as a formula; its class is made by ``formula``, a field for each coefficient."""

    form: ClassVar[str] = "formula"
    listed: ClassVar[bool] = False

    _typed: ClassVar[Mapping[str, Any]]     # what makes the class again: the settings of a saved fit
    _body: ClassVar[Expr]
    _takes: ClassVar[tuple[str, ...]]
    _guesses: ClassVar[Mapping[str, Guess]]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the quantities and columns that the formula takes, in its order."""
        return self._takes

    @property
    def settings(self) -> dict[str, Any]:
        """What makes the form again: text, output, inputs, limits, and whether the output is positive."""
        return dict(self._typed)

    @property
    def splits_compute(self) -> bool:
        """Whether the law says how to divide compute: params and tokens alone, and an output known to be a loss."""
        return super().splits_compute and self.output.unit != ""

    def limits_on(self, quantities: Mapping[str, Any]) -> dict[str, Limit]:
        """``limits`` with every search beginning where these quantities of the runs say."""
        inputs = {name: quantities[name] for name in self.inputs}
        return {name: self._guesses[name].on(limit, inputs) for name, limit in self.limits().items()}

    def __call__(self, /, *args: Any, **quantities: Any) -> Any:
        given = {**dict(zip(self.inputs, args, strict=False)), **quantities}
        if len(args) + len(quantities) != len(self.inputs) or set(given) != set(self.inputs):
            raise LawError(f"the formula takes {', '.join(self.inputs)}; got {', '.join(given) or 'nothing'}")
        values = {name: np.float64(value) if isinstance(value, (int, float)) else value
                  for name, value in {**given, **self.coefficients}.items()}
        with np.errstate(all="ignore"):  # where the formula has no value it gives NaN or infinity, as arrays do
            return evaluate(self._body, values)

    def __reduce__(self) -> tuple[Any, ...]:
        return Law.from_dict, (self.to_dict(),)


def formula(text: str, *, output: str | None = None, inputs: Sequence[str] | None = None, limits: Limits | None = None,
            positive: bool | None = None, columns: Iterable[str] = ()) -> Law:
    """A law of the form that ``text`` states, its coefficients standing in: a template to fit or to fill.

    ``output`` is what it predicts: the name before an ``=`` in the text, else ``loss``. Beside the glossary,
    ``inputs`` names columns that are inputs, and so do those of a table's ``columns`` that occur in the text.
    ``limits`` are (low, high) by coefficient, None or ``"0:"`` leaving a side as it would be; a name that has one
    is a coefficient, whatever it is called. ``positive`` says whether the output is, and so is fitted on its
    logarithm: by default as the glossary says, and an output of one's own is.

    Raises ``LawError`` with the column for what cannot be read, ``UnknownName`` for a name that is nearly one that
    is known, ``LawError`` for a formula without inputs or coefficients, and for limits that leave no room.
    """
    parsed = parse(text)
    limits = dict(limits or {})
    target = output or parsed.output or "loss"
    if output is not None and parsed.output not in (None, output):
        raise LawError(f"formula: the text gives {parsed.output}, and the output asked for is {output}")
    found = parsed.expression.symbols()
    for name in (*(inputs or ()), *limits):
        if name not in found:
            raise LawError(f"formula: {name} does not occur in it; its names are {', '.join(parsed.names)}")
    if both := [name for name in limits if name in (inputs or ())]:
        raise LawError(f"formula: {both[0]} is named as an input and has a limit: limits are for coefficients")
    if gone := [name for name in parsed.names if name not in found]:
        raise refusal(parsed.names[gone[0]], f"{gone[0]} cancels out; leave it away")
    own = {*(inputs or ()), *(columns if inputs is None else ())} - limits.keys()
    takes = tuple(name for name in parsed.names if name not in limits and (name in own or _is_quantity(name)))
    for name, column in parsed.names.items():
        if name == target:
            raise refusal(column, f"{name} is the output: it cannot stand in its own formula")
        if name not in takes:
            _check_name(name, column)
        if name not in (*takes, *limits):
            _check_spelling(name, column, {*own, *columns} - {target})
    if positive is None:
        about = quantity(target, (target,))
        positive = about.positive or not about.unit
    return template(_form(text, target, positive, takes, tuple((n, _range(limit, n)) for n, limit in limits.items())))


def form_of(settings: Mapping[str, Any]) -> type[Formula]:
    """The form behind the ``settings`` of a saved law; ``LawError`` where they are not those of one."""
    try:
        limits = tuple((str(name), _range(limit, name)) for name, limit in settings["limits"].items())
        return _form(str(settings["text"]), str(settings["output"]), bool(settings["positive"]),
                     tuple(map(str, settings["inputs"])), limits)
    except LawfulError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise LawError(f"formula: settings that make no law ({type(problem).__name__} {problem}); they are text, "
                       "output, inputs, limits and positive") from None


def parse_limit(text: str, name: str) -> tuple[float | None, float | None]:
    """The ends of ``"0:2"``: None for an end that is left out, ``inf`` and ``-inf`` for none."""
    low, colon, high = text.partition(":")
    if not colon:
        raise InputError(f"limit of {name}: {text!r} is no range; write LOW:HIGH, as 0:2, 0.1: or -inf:inf")
    infinite = {"inf": math.inf, "+inf": math.inf, "-inf": -math.inf}
    first, last = (None if not end.strip() else infinite[end.strip()] if end.strip() in infinite
                   else parse_number(end.strip(), f"limit of {name}") for end in (low, high))
    return first, last


def limited(guess: Limit, low: float | None, high: float | None, name: str) -> Limit:
    """``guess`` with other ends, None leaving one; the search then spans what lies between.

    Between two finite ends it spans all of it, an exponent's no more than it would; beyond one it begins there.
    Raises ``LawError`` for ends that leave no room.
    """
    low, high = guess.low if low is None else float(low), guess.high if high is None else float(high)
    if not low < high or low == math.inf or high == -math.inf:
        raise LawError(f"limit of {name}: nothing lies between {low:g} and {high:g}")
    first, last = max(guess.start[0], low), min(guess.start[1], high)
    if low == -math.inf:
        first, last = get_args(Real)[1].start if high == math.inf else (high - 10.0 * max(1.0, abs(high)), high)
    elif math.isfinite(high) and (guess != get_args(Exponent)[1] or first >= last):
        first, last = low if low != 0.0 else 1e-6 * high, high
    elif first >= last:
        first, last = low, low + guess.start[1] * max(1.0, abs(low))
    inset = 0.01 * (last - first)
    return Limit(low, high, (first * 1.05 if first > 0 and last > 4 * first else first + inset, last - inset))


def _range(limit: tuple[float | None, float | None] | str, name: str) -> str:
    """A limit as the text of it, which JSON can hold whatever its ends."""
    low, high = parse_limit(limit, name) if isinstance(limit, str) else limit
    return f"{'' if low is None else repr(float(low))}:{'' if high is None else repr(float(high))}"


def _is_quantity(name: str) -> bool:
    try:
        return bool(quantity(name))
    except UnknownName:
        return False


def _check_name(name: str, column: int) -> None:
    """Refuse a name that no coefficient can have."""
    if "." in name:
        raise refusal(column, f"{name} is neither mixture.<domain>, loss.<domain> nor a column named as an input")
    if keyword.iskeyword(name) or hasattr(Formula, name) or name.startswith("_"):
        raise refusal(column, f"a coefficient cannot be called {name!r}, which has another meaning; rename it")


def _check_spelling(name: str, column: int, columns: set[str]) -> None:
    """Refuse a coefficient by nearly the name of a quantity or of one of ``columns``, or by another name of one."""
    way_out = f"if it is a coefficient, give it a limit: {name}=0:"
    for meant in resolve_columns([name]).values():
        if len(name) > 2 and meant.scale == 1.0:
            raise UnknownName(f"formula, column {column}: {name} is called {meant.name} here; {way_out}")
    candidates = {*QUANTITIES, *columns}
    if any(name.startswith(c) and not name[len(c):][:1].isalpha() for c in candidates):
        return  # loss_floor, params0: a constant of the quantity that it is named after
    if near := difflib.get_close_matches(name, candidates, n=3, cutoff=NEAR):
        raise UnknownName(f"formula, column {column}: unknown name {name!r}; nearest: {', '.join(near)}; {way_out}")


@lru_cache(maxsize=4096)
def _form(text: str, output: str, positive: bool, takes: tuple[str, ...],
          limits: tuple[tuple[str, str], ...]) -> type[Formula]:
    """The class of a formula, one for all that is typed alike: it is not entered among the forms."""
    parsed = parse(text)
    names = [name for name in parsed.names if name not in takes]
    if not takes:
        raise LawError(f"formula: it has no input, for {', '.join(names) or 'nothing'} would be coefficients; write "
                       "params, tokens, compute ..., or name the columns that are inputs")
    if not names:
        raise LawError("formula: it has no coefficient, so that there is nothing to fit")
    given = dict(limits)
    guessed = guesses(parsed.expression, set(takes))
    fields: list[tuple[str, Any]] = []
    for name in names:
        limit = guessed[name].limit
        if name in given:
            limit = limited(limit, *parse_limit(given[name], name), name)
        fields.append((name, Annotated[float, limit]))
    typed = {"text": text, "output": output, "inputs": list(takes), "limits": given, "positive": positive}
    return make_dataclass(
        "TypedFormula", fields, bases=(Formula,), frozen=True,
        namespace={"__module__": __name__, "__doc__": f"The formula {text.strip()}", "_typed": typed,
                   "_body": parsed.expression, "_takes": takes, "_guesses": guessed,
                   "output": replace(quantity(output, (output,)), positive=positive)})

