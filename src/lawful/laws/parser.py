"""A formula typed as text, read into an expression: numbers, names, arithmetic, powers, a few functions.

    loss = E + A*params**-alpha + B*tokens**-beta

``**`` and ``^`` are powers and bind from the right, a minus binds less than they do. Nothing is ever evaluated
as code, and whatever is not arithmetic is refused with its column.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from lawful.errors import LawError, UnknownName, unknown
from lawful.laws.expressions import Expr, constant, exp, expm1, log, maximum, minimum, sigmoid, symbol

LONGEST, MOST_OPERATIONS, DEEPEST = 4000, 250, 50
"""Characters, operations, and parentheses or powers within one another: far beyond any law that a person writes."""


def _square_root(x: Any) -> Any:
    return x**0.5


FUNCTIONS: Mapping[str, tuple[Callable[..., Any], int]] = {
    "exp": (exp, 1), "expm1": (expm1, 1), "log": (log, 1), "sqrt": (_square_root, 1), "sigmoid": (sigmoid, 1),
    "min": (minimum, 2), "max": (maximum, 2), "minimum": (minimum, 2), "maximum": (maximum, 2),
}
"""The functions of a formula, each with the least number of arguments; min and max take any more."""

_ARITHMETIC: Mapping[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "**": operator.pow, "^": operator.pow,
}

_TOKEN = re.compile(r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*(?:\.\w+)*)|"
                    r"(?P<sign>\*\*|[-+*/^(),=])|(?P<end>$))", re.ASCII)


@dataclass(frozen=True)
class Parsed:
    """What a text says: the expression, the column of each name in it, and the output where ``name =`` leads."""

    expression: Expr
    names: Mapping[str, int]
    output: str | None


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    column: int


def refusal(column: int, why: str) -> LawError:
    """The error for what stands at ``column`` of a formula."""
    return LawError(f"formula, column {column}: {why}")


def parse(text: str) -> Parsed:
    """The expression that ``text`` means. Raises ``LawError`` with the column of whatever is not arithmetic."""
    if not text.strip():
        raise LawError("formula: the text is empty; write for example E + A*params**-alpha")
    if len(text) > LONGEST:
        raise LawError(f"formula: {len(text):,} characters; at most {LONGEST:,} are read")
    tokens = _tokens(text)
    output = None
    if [t.text for t in tokens[1:2]] == ["="] and tokens[0].kind == "name":
        output, tokens = tokens[0].text, tokens[2:]
    reader = _Reader(tokens)
    return Parsed(reader.whole(), reader.names, output)


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while not tokens or tokens[-1].kind != "end":
        found = _TOKEN.match(text, at)
        if found is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise refusal(at + 1, f"{text[at]!r} is not part of a formula; accepted are numbers, names, + - * / ** ( ) "
                                  f"and {', '.join(FUNCTIONS)}")
        kind = str(found.lastgroup)
        tokens.append(_Token(kind, found[kind], found.start(kind) + 1))
        at = found.end()
    return tokens


class _Reader:
    """Recursive descent over the tokens: a method for each strength of binding, the weakest first."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = self.operations = 0
        self.names: dict[str, int] = {}

    @property
    def next(self) -> _Token:
        return self.tokens[self.at]

    def take(self, *signs: str) -> _Token | None:
        """The next token, if it is one of ``signs``."""
        token = self.next
        if token.kind != "sign" or token.text not in signs:
            return None
        self.at += 1
        return token

    def whole(self) -> Expr:
        found = self.sum()
        if self.next.kind != "end":
            raise self.surprise()
        return found

    def sum(self) -> Expr:
        left = self.product()
        while sign := self.take("+", "-"):
            left = self.made(sign, _ARITHMETIC[sign.text], left, self.product())
        return left

    def product(self) -> Expr:
        left = self.signed()
        while sign := self.take("*", "/"):
            left = self.made(sign, _ARITHMETIC[sign.text], left, self.signed())
        return left

    def signed(self) -> Expr:
        self.depth += 1
        if self.depth > DEEPEST:
            raise refusal(self.next.column, f"more than {DEEPEST} parentheses, signs or powers within one another")
        sign = self.take("+", "-")
        if sign is None:
            found = self.power()
        else:
            found = self.signed() if sign.text == "+" else self.made(sign, operator.neg, self.signed())
        self.depth -= 1
        return found

    def power(self) -> Expr:
        base = self.atom()
        sign = self.take("**", "^")
        return base if sign is None else self.made(sign, _ARITHMETIC[sign.text], base, self.signed())

    def atom(self) -> Expr:
        token = self.next
        if token.kind == "number":
            self.at += 1
            if not math.isfinite(float(token.text)):
                raise refusal(token.column, f"{token.text} is not a finite number")
            return constant(float(token.text))
        if token.kind == "name":
            self.at += 1
            opening = self.take("(")
            if opening is not None:
                return self.call(token, opening)
            if token.text in FUNCTIONS:
                raise refusal(token.column, f"{token.text} is a function: write {token.text}(...)")
            self.names.setdefault(token.text, token.column)
            return symbol(token.text)
        if opening := self.take("("):
            return self.inside(opening)[0]
        raise self.surprise()

    def call(self, name: _Token, opening: _Token) -> Expr:
        if name.text not in FUNCTIONS:
            raise UnknownName(f"formula, column {name.column}: {unknown('function', name.text, FUNCTIONS)}")
        function, least = FUNCTIONS[name.text]
        given = self.inside(opening, "(", ",")
        if len(given) < least or (least == 1 and len(given) > 1):
            wanted = "one argument" if least == 1 else "two arguments or more"
            raise refusal(name.column, f"{name.text} takes {wanted}, got {len(given)}")
        return self.made(name, lambda *args: reduce(function, args) if least == 2 else function(*args), *given)

    def inside(self, opening: _Token, *separators: str) -> list[Expr]:
        """What stands between ``opening`` and the parenthesis that closes it."""
        found = [self.sum()]
        while separators and self.take(","):
            found.append(self.sum())
        if self.take(")"):
            return found
        if self.next.kind == "end":
            raise refusal(opening.column, "the parenthesis is never closed")
        raise self.surprise()

    def made(self, sign: _Token, operation: Callable[..., Any], *args: Expr) -> Expr:
        """``operation`` on ``args``; of numbers alone its value, which must be finite."""
        self.operations += 1
        if self.operations > MOST_OPERATIONS:
            raise refusal(sign.column, f"more than {MOST_OPERATIONS} operations")
        try:
            with np.errstate(all="ignore"):
                known = all(a.op == "constant" for a in args)
                found = constant(operation(*(a.value for a in args))) if known else operation(*args)
        except (ArithmeticError, TypeError):  # 1 / 0, and a root of a negative number
            found = constant(math.nan)
        if found.op == "constant" and not math.isfinite(found.value):
            raise refusal(sign.column, f"{sign.text!r} of these numbers has no finite value")
        assert isinstance(found, Expr)
        return found

    def surprise(self) -> LawError:
        """The error for a token that cannot stand where it does."""
        token = self.next
        before = self.tokens[self.at - 1] if self.at else None
        if token.kind == "end":
            after = f" after {before.text!r}" if before else ""
            return refusal(token.column, f"the formula ends{after}, where a number, a name or a parenthesis should be")
        if before is not None and before.kind in ("number", "name") and token.kind != "sign":
            return refusal(token.column, f"{token.text!r} follows {before.text!r} without an operator between them")
        if token.text == ")" and (before is None or before.text not in ("(", ",")):
            return refusal(token.column, "this parenthesis closes nothing")
        if token.text == "=":
            return refusal(token.column, "'=' stands once, after the name of the output that a formula may begin with")
        return refusal(token.column, f"{token.text!r} cannot stand here: a number, a name or a parenthesis should")
