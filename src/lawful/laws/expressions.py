"""Formulas as data: a law called with symbols instead of numbers gives its own expression.

From it follow the exact first and second derivatives, which coefficients enter linearly, and the
formula as text, so that none of these is ever written down a second time. ``exp``, ``log`` and the
other functions here take symbols, floats and any array alike, and are what formulas are written with.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import numpy as np

__all__ = ["Expr", "Tape", "constant", "differentiate", "evaluate", "exp", "expm1", "log", "maximum", "minimum",
           "sigmoid", "softplus", "symbol", "total", "unbend"]


class Expr:
    """A node of an expression: an operation on other nodes, a symbol, or a constant.

    Nodes are interned: the same operation on the same nodes is the same object, so that equality is identity
    however much of a formula is shared.
    """

    __slots__ = ("__weakref__", "args", "name", "op", "value")

    op: str
    args: tuple[Expr, ...]
    name: str
    value: float
    _known: ClassVar[WeakValueDictionary[tuple[Any, ...], Expr]] = WeakValueDictionary()

    def __new__(cls, op: str, args: tuple[Expr, ...] = (), name: str = "", value: float = 0.0) -> Expr:
        key = (op, args, name, value)
        node = cls._known.get(key)
        if node is None:
            node = super().__new__(cls)
            node.op, node.args, node.name, node.value = key
            cls._known[key] = node
        return node

    __array_ufunc__ = None  # numpy arrays hand the operation over to us instead of looping over it

    def __add__(self, other: Expr | float) -> Expr:
        return _add(self, _expr(other))

    def __radd__(self, other: float) -> Expr:
        return _add(_expr(other), self)

    def __sub__(self, other: Expr | float) -> Expr:
        return _add(self, _multiply(constant(-1.0), _expr(other)))

    def __rsub__(self, other: float) -> Expr:
        return _add(_expr(other), _multiply(constant(-1.0), self))

    def __mul__(self, other: Expr | float) -> Expr:
        return _multiply(self, _expr(other))

    def __rmul__(self, other: float) -> Expr:
        return _multiply(_expr(other), self)

    def __truediv__(self, other: Expr | float) -> Expr:
        return _multiply(self, _power(_expr(other), constant(-1.0)))

    def __rtruediv__(self, other: float) -> Expr:
        return _multiply(_expr(other), _power(self, constant(-1.0)))

    def __pow__(self, other: Expr | float) -> Expr:
        return _power(self, _expr(other))

    def __rpow__(self, other: float) -> Expr:
        return _power(_expr(other), self)

    def __neg__(self) -> Expr:
        return _multiply(constant(-1.0), self)

    def walk(self) -> list[Expr]:
        """Every node of this expression once, arguments before the operations that use them."""
        return _in_order([self])

    def symbols(self) -> frozenset[str]:
        """The names of the symbols this expression depends on."""
        return frozenset(node.name for node in self.walk() if node.op == "symbol")

    def factors(self) -> list[Expr]:
        """What this product multiplies; of anything else, itself."""
        if self.op != "multiply":
            return [self]
        return [f for arg in self.args for f in arg.factors()]

    def __str__(self) -> str:
        return _text(self)[0]

    __repr__ = __str__


def symbol(name: str) -> Expr:
    """A symbol: a coefficient or a quantity."""
    return Expr("symbol", name=name)


def constant(value: float) -> Expr:
    """A number."""
    return Expr("constant", value=float(value))


def _expr(value: Expr | float) -> Expr:
    return value if isinstance(value, Expr) else constant(value)


def _is(node: Expr, value: float) -> bool:
    return node.op == "constant" and node.value == value


def _add(a: Expr, b: Expr) -> Expr:
    if a.op == b.op == "constant":
        return constant(a.value + b.value)
    if _is(a, 0.0):
        return b
    return a if _is(b, 0.0) else Expr("add", (a, b))


def _multiply(a: Expr, b: Expr) -> Expr:
    if a.op == b.op == "constant":
        return constant(a.value * b.value)
    if b.op == "constant":
        a, b = b, a
    if _is(a, 0.0):
        return a
    if _is(a, 1.0):
        return b
    if a.op == "constant" and b.op == "multiply" and b.args[0].op == "constant":
        return _multiply(constant(a.value * b.args[0].value), b.args[1])
    return Expr("multiply", (a, b))


def _power(base: Expr, exponent: Expr) -> Expr:
    if _is(exponent, 1.0):
        return base
    if _is(exponent, 0.0):
        return constant(1.0)
    if base.op == exponent.op == "constant":
        return constant(base.value**exponent.value)
    if base.op == "power" and exponent.op == "constant" and not _is_even(base.args[1]):
        # (x**a)**c = x**(a c) where x is positive; an even power has a value for a negative x too
        return _power(base.args[0], _multiply(exponent, base.args[1]))
    return Expr("power", (base, exponent))


def _is_even(exponent: Expr) -> bool:
    return exponent.op == "constant" and exponent.value % 2.0 == 0.0


# ------------------------------------------------------------------------ functions for formulas

def _function(name: str) -> Callable[[Any], Any]:
    def apply(x: Any) -> Any:
        if isinstance(x, Expr):
            return Expr(name, (x,))
        namespace = x.__array_namespace__() if hasattr(x, "__array_namespace__") else np
        return getattr(namespace, name)(x)

    apply.__name__ = name
    apply.__doc__ = f"``{name}`` of a symbol, a float or an array of any kind."
    return apply


exp = _function("exp")
expm1 = _function("expm1")
log = _function("log")


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)) of a symbol, a float or an array of any kind; overflows nowhere, exact in both tails."""
    if isinstance(x, Expr):
        return Expr("sigmoid", (x,))
    return exp(minimum(x, 0.0)) / (1.0 + exp(minimum(x, -x)))


def _pairwise(name: str) -> Callable[[Any, Any], Any]:
    def apply(a: Any, b: Any) -> Any:
        if isinstance(a, Expr) or isinstance(b, Expr):
            return Expr(name, (_expr(a), _expr(b)))
        namespace = next((x.__array_namespace__() for x in (a, b) if hasattr(x, "__array_namespace__")), np)
        return getattr(namespace, name)(a, b)

    apply.__name__ = name
    apply.__doc__ = f"The elementwise ``{name}`` of two symbols, floats or arrays."
    return apply


minimum = _pairwise("minimum")
maximum = _pairwise("maximum")
_log1p = _function("log1p")


def softplus(z: Any) -> Any:
    """log(1 + e**z) of a symbol, a float or an array: z for large z, 0 for small, without overflow."""
    if isinstance(z, Expr):
        return Expr("softplus", (z,))
    return maximum(z, 0.0) + _log1p(exp(-abs(z)))


_ROUNDS = 8
"""Steps of Halley's method: to all digits of a double for 1 + k from 1e-4 to 20 (three are enough from 0.05 on), to
1e-6 where it is smaller still."""


def unbend(t: Any, k: Any) -> Any:
    """The z at which z + k log(1 + e**z) = t: straightens a line whose slope goes from 1 to 1 + k, which is positive.

    Solved by Halley's method from a curve with the same two ends; its derivatives follow from the equation.
    """
    if isinstance(t, Expr) or isinstance(k, Expr):
        return Expr("unbend", (_expr(t), _expr(k)))
    root = (1.0 + k) ** 0.5
    z = t - (root - 1.0 / root) * softplus(t / root)
    for _ in range(_ROUNDS):
        u = sigmoid(z)
        miss, slope = z + k * softplus(z) - t, 1.0 + k * u
        z = z - miss * slope / (slope * slope - 0.5 * miss * k * u * (1.0 - u))
    return z


def total(x: Any, first: Any) -> Any:
    """The sums of ``x`` over groups of neighbours along its last axis: ``(..., pair)`` becomes ``(..., group)``.

    ``first`` is where each group starts, ``(group,)``, from 0 upwards; no group is empty. For laws with a sum of events
    in each point, such as the changes of a learning rate: both are arrays, or both symbols, and ``x`` depends on a
    quantity of the pairs.
    """
    if isinstance(x, Expr) or isinstance(first, Expr):
        return Expr("total", (_expr(x), _expr(first)))
    return np.add.reduceat(x, np.asarray(first).astype(np.intp), axis=-1)


# -------------------------------------------------------------------------------- differentiation

def differentiate(node: Expr, name: str) -> Expr:
    """The exact derivative of ``node`` with respect to the symbol ``name``."""
    known: dict[Expr, Expr] = {}
    for step in _in_order([node]):
        known[step] = _derivative(step, name, known)
    return known[node]


def _derivative(node: Expr, name: str, known: Mapping[Expr, Expr]) -> Expr:
    d = [known[a] for a in node.args]
    match node.op:
        case "symbol":
            return constant(1.0 if node.name == name else 0.0)
        case "constant":
            return constant(0.0)
        case "add":
            return d[0] + d[1]
        case "multiply":
            a, b = node.args
            return d[0] * b + a * d[1]
        case "power":
            base, exponent = node.args
            # node / base, not base**(exponent - 1): the power is at hand, a second one would cost an exp;
            # a small whole power costs nothing, and has a slope where its base is 0
            below = base ** constant(exponent.value - 1.0) if _is_short(exponent, 2) else node / base
            through_base = exponent * below * d[0] if not _is(d[0], 0.0) else d[0]
            through_exponent = node * log(base) * d[1] if not _is(d[1], 0.0) else d[1]
            return through_base + through_exponent
        case "exp":
            return node * d[0]
        case "expm1":
            return Expr("exp", node.args) * d[0]
        case "log":
            return d[0] / node.args[0]
        case "sigmoid":
            return node * Expr("sigmoid", (-node.args[0],)) * d[0]
        case "minimum" | "maximum":
            a, b = node.args
            first = Expr("less", (a, b)) if node.op == "minimum" else Expr("less", (b, a))
            return first * d[0] + (1.0 - first) * d[1]
        case "less":
            return constant(0.0)
        case "total":  # where a group starts is never differentiated
            return Expr("total", (d[0], node.args[1])) if not _is(d[0], 0.0) else d[0]
        case "softplus":
            return Expr("sigmoid", node.args) * d[0]
        case "unbend":  # both sides of z + k softplus(z) = t, differentiated
            return (d[0] - Expr("softplus", (node,)) * d[1]) / (1.0 + node.args[1] * Expr("sigmoid", (node,)))
    raise AssertionError(f"no derivative for {node.op!r}")


def _in_order(roots: Iterable[Expr]) -> list[Expr]:
    """Every node under ``roots`` once, arguments before the operations that use them."""
    done: dict[Expr, None] = {}
    stack = list(roots)[::-1]
    while stack:
        node = stack[-1]
        waiting = [a for a in node.args if a not in done]
        if node in done or not waiting:
            done.setdefault(node)
            stack.pop()
        else:
            stack.extend(waiting)
    return list(done)


# -------------------------------------------------------------------------------------- evaluation

_UFUNCS: Mapping[str, Callable[..., Any]] = {
    "add": np.add, "multiply": np.multiply, "exp": np.exp, "expm1": np.expm1, "log": np.log, "sigmoid": sigmoid,
    "minimum": np.minimum, "maximum": np.maximum, "total": total,
    "less": lambda a, b: np.less(a, b).astype(float),  # numbers, since truth values do not add up
    "softplus": softplus, "unbend": unbend,
    "reciprocal": lambda a: np.divide(1.0, a),         # a true division for whole numbers too
}


class Tape:
    """Expressions compiled for one set of data: common parts are computed once, constant parts ahead.

    ``fixed`` gives the symbols that never change (the runs' quantities, shape ``(run,)``); calling the
    tape with the others (coefficients, shape ``(batch, 1)``) gives one array an output. A power of a
    fixed quantity becomes ``exp(exponent * log(quantity))`` with the logarithm taken once.
    """

    def __init__(self, outputs: Sequence[Expr], fixed: Mapping[str, Any]) -> None:
        self._known: dict[int, Any] = {}
        self._steps: list[tuple[Callable[..., Any], tuple[int, ...], int]] = []
        self._free: dict[str, int] = {}
        slots: dict[Expr, int] = {}
        lowered = [_lowered(output) for output in outputs]
        for node in _in_order(lowered):
            slot = slots.setdefault(node, len(slots))
            args = tuple(slots[a] for a in node.args)
            if node.op == "constant":
                self._known[slot] = node.value
            elif node.op == "symbol" and node.name in fixed:
                self._known[slot] = np.asarray(fixed[node.name], dtype=float)
            elif node.op == "symbol":
                self._free[node.name] = slot
            elif all(a in self._known for a in args):
                with np.errstate(all="ignore"):  # a term without a value in some run is for the caller to judge
                    self._known[slot] = _UFUNCS[node.op](*(self._known[a] for a in args))
            else:
                self._steps.append((_UFUNCS[node.op], args, slot))
        self._outputs = [slots[node] for node in lowered]
        self._size = len(slots)

    def __call__(self, free: Mapping[str, Any]) -> list[Any]:
        """The outputs for these values of the free symbols; a constant output is a float."""
        cells: list[Any] = [None] * self._size
        for slot, value in self._known.items():
            cells[slot] = value
        for name, slot in self._free.items():
            cells[slot] = free[name]
        for function, args, slot in self._steps:
            cells[slot] = function(*[cells[a] for a in args])
        return [cells[slot] for slot in self._outputs]


def _lowered(node: Expr) -> Expr:
    """``node`` with every power whose exponent varies written as an exponential of a logarithm."""
    known: dict[Expr, Expr] = {}
    for step in _in_order([node]):
        args = tuple(known[a] for a in step.args)
        if step.op == "power" and step.args[1].op == "constant" and step.args[1].value == -1.0:
            known[step] = Expr("reciprocal", args[:1])
        elif step.op == "power" and _is_short(step.args[1], 2):
            known[step] = _product(args[0], int(step.args[1].value))
        elif step.op == "power" and _is_short(step.args[1], -2):
            known[step] = Expr("reciprocal", (_product(args[0], -int(step.args[1].value)),))
        elif step.op == "power":
            known[step] = exp(args[1] * log(args[0]))
        else:
            known[step] = step if args == step.args else Expr(step.op, args, step.name, step.value)
    return known[node]


def _is_short(exponent: Expr, least: int) -> bool:
    """Whether a power (from ``least``, 2 or -2) is a few multiplications: exact, and defined for a base below 0."""
    return exponent.op == "constant" and exponent.value in range(least, 5 * least, least // 2)


def _product(base: Expr, times: int) -> Expr:
    """``base`` to the power ``times``, by squaring."""
    if times == 1:
        return base
    half = _product(base, times // 2)
    return half * half * base if times % 2 else half * half


_OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "add": operator.add, "multiply": operator.mul, "power": operator.pow,
    "exp": exp, "expm1": expm1, "log": log, "minimum": minimum, "maximum": maximum, "sigmoid": sigmoid,
    "total": total,
    "softplus": softplus, "unbend": unbend,
}


def evaluate(node: Expr, values: Mapping[str, Any]) -> Any:
    """``node`` at ``values`` of its symbols: floats, arrays that broadcast, of any kind, or other expressions."""
    known: dict[Expr, Any] = {}
    for step in _in_order([node]):
        if step.op in ("symbol", "constant"):
            known[step] = values[step.name] if step.op == "symbol" else step.value
        else:
            known[step] = _OPERATIONS[step.op](*(known[a] for a in step.args))
    return known[node]


# --------------------------------------------------------------------------------------------- text

_LEVEL = {"add": 1, "multiply": 2, "power": 4}


def _text(node: Expr) -> tuple[str, int]:
    """The formula in usual notation, with the binding strength of its outermost operation."""
    if node.op == "symbol":
        return node.name, 9
    if node.op == "constant":
        return f"{node.value:g}", 9 if node.value >= 0 else 3

    def inside(part: Expr, level: int) -> str:
        shown, strength = _text(part)
        return shown if strength >= level else f"({shown})"

    if node.op == "add":
        left, right = node.args
        if right.op == "multiply" and right.args[0].op == "constant" and right.args[0].value < 0:
            positive = _multiply(constant(-right.args[0].value), right.args[1])
            return f"{inside(left, 1)} - {inside(positive, 2)}", 1
        return f"{inside(left, 1)} + {inside(right, 1)}", 1
    if node.op == "multiply":
        if _is(node.args[0], -1.0):
            return f"-{inside(node.args[1], 2)}", 3
        above: list[Expr] = []
        below: list[Expr] = []
        for factor in node.factors():
            flipped = _reciprocal(factor)
            (above if flipped is None else below).append(factor if flipped is None else flipped)
        top = " * ".join(inside(f, 2) for f in above) or "1"
        return (top + "".join(f" / {inside(f, 3)}" for f in below)), 2
    if node.op == "power":
        flipped = _reciprocal(node)
        if flipped is not None:
            return f"1 / {inside(flipped, 3)}", 2
        return f"{inside(node.args[0], 5)}**{inside(node.args[1], 4)}", 4
    if node.op == "total":
        return f"sum_k({_text(node.args[0])[0]})", 9
    return f"{node.op}({', '.join(_text(a)[0] for a in node.args)})", 9


def _reciprocal(node: Expr) -> Expr | None:
    """What ``node`` divides by, if it is a power with a negative exponent."""
    if node.op != "power":
        return None
    base, exponent = node.args
    if exponent.op == "constant" and exponent.value < 0:
        return _power(base, constant(-exponent.value))
    if exponent.op == "multiply" and exponent.args[0].op == "constant" and exponent.args[0].value < 0:
        return _power(base, _multiply(constant(-exponent.args[0].value), exponent.args[1]))
    return None
