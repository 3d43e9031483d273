"""Where the coefficients of a formula may lie, and where a search for them begins: by how each enters it.

| a coefficient that is | lies in | is searched |
| --- | --- | --- |
| part of an exponent | (0, inf) | from 0.02 to 1.6 |
| a term of a sum in an exp or a sigmoid | the whole line | where the inputs it is added to lie, or -10 to 10 |
| subtracted from inputs elsewhere | (0, inf) | where these inputs lie |
| added to inputs elsewhere | (0, inf) | where these inputs lie, and two decades about |
| multiplied with inputs in an exp or a sigmoid | (0, inf) | where the product is 0.001 to 30 |
| multiplied with inputs elsewhere, or one over the other | (0, inf) | where the product is 0.0001 to 10,000 |
| anything else | (0, inf) | from 1e-2 to 1e8 |

The first row that holds counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np

from lawful.laws.base import Exponent, Limit, Positive, Real
from lawful.laws.expressions import Expr, constant, evaluate

PRODUCT = {"times": (1e-4, 1e4), "rate": (1e-3, 30.0)}
"""Between what the product of a factor and its inputs is searched, by role: an exp of more is nothing or everything."""

BEYOND = 1e2
"""How far beyond the inputs a positive constant is searched that is added to them."""

STEEP = 30.0
"""The largest size, either way, of the product of inputs and a factor of any sign."""


@dataclass(frozen=True)
class Guess:
    """The limits of a coefficient, and what of the inputs stands ``beside`` it in the ``role`` of ...

    ``times``: it is multiplied with that, ``rate``: in an exp or a sigmoid; ``minus``: it is subtracted from it;
    ``plus``: it is added to it.
    """

    limit: Limit
    role: str = ""
    beside: Expr | None = None

    def on(self, limit: Limit, quantities: Mapping[str, Any]) -> Limit:
        """``limit`` with its search beginning where the inputs ``quantities`` say; one with two finite ends stays."""
        if self.beside is None or np.isfinite(limit.high - limit.low):
            return limit
        with np.errstate(all="ignore"):
            values = np.ravel(np.asarray(evaluate(self.beside, quantities), dtype=float))
        values = values[np.isfinite(values) & (values != 0.0)]
        if not len(values):
            return limit
        low, high = self._span(values, limit.low < 0.0)
        low, high = max(low, limit.low), min(high, limit.high)
        return replace(limit, start=(low, high)) if low < high else limit

    def _span(self, values: Any, signed: bool) -> tuple[float, float]:
        size = np.abs(values)
        most = float(size.max())
        least = max(float(size.min()), 1e-6 * most)
        if self.role in PRODUCT:
            smallest, largest = PRODUCT[self.role]
            return (-STEEP / most, STEEP / most) if signed else (smallest / most, largest / least)
        if self.role == "plus":
            return (-float(values.max()), -float(values.min())) if signed else (least / BEYOND, most * BEYOND)
        return (float(values.min()), float(values.max())) if signed or values.min() > 0.0 else (least, most)


def guesses(body: Expr, inputs: set[str]) -> dict[str, Guess]:
    """A guess for each coefficient of ``body``, that is each symbol which is none of ``inputs``."""
    found: dict[str, Guess] = {}
    exponents: set[str] = set()
    free: set[str] = set()
    rates: set[str] = set()

    def of_inputs(part: Expr) -> bool:
        symbols = part.symbols()
        return bool(symbols) and symbols <= inputs

    for node in body.walk():
        if node.op == "power":
            exponents |= node.args[1].symbols()
        elif node.op in ("exp", "sigmoid"):
            free |= _terms(node.args[0])
            rates |= node.symbols()
        elif node.op == "add":
            for term, rest in (node.args, node.args[::-1]):
                role, symbol = _signed(term)
                if symbol.op == "symbol" and of_inputs(rest):
                    found[symbol.name] = Guess(get_args(Positive)[1], role, rest)
        elif node.op == "multiply":
            factors = node.factors()
            known = [f for f in factors if of_inputs(f)]
            beside = constant(1.0)
            for factor in known:
                beside = beside * factor
            for factor in factors if known else ():
                over = factor.op == "power" and factor.args[1] == constant(-1.0)
                symbol = factor.args[0] if over else factor
                if symbol.op == "symbol":
                    found[symbol.name] = Guess(get_args(Positive)[1], "times", 1.0 / beside if over else beside)
    made: dict[str, Guess] = {}
    for name in body.symbols() - inputs:
        guess = found.get(name, Guess(get_args(Positive)[1]))
        if guess.role == "times" and name in rates:
            guess = replace(guess, role="rate")
        if name in exponents:
            guess = Guess(get_args(Exponent)[1])
        elif name in free:
            guess = replace(guess, limit=get_args(Real)[1])
        made[name] = guess
    return made


def _terms(part: Expr) -> set[str]:
    """The names that are terms of a sum in ``part``, in products and whole powers of sums as well."""
    if part.op == "power":
        return _terms(part.args[0]) if part.args[1] in (constant(2.0), constant(4.0)) else set()
    inside = {name for arg in part.args for name in _terms(arg)} if part.op in ("add", "multiply") else set()
    return inside | ({_signed(term)[1].name for term in part.args} if part.op == "add" else set())


def _signed(term: Expr) -> tuple[str, Expr]:
    """The role of a term in a sum, and the term without its sign."""
    if term.op == "multiply" and term.args[0] == constant(-1.0):
        return "minus", term.args[1]
    return "plus", term
