"""The terms of a formula: which coefficients meet in one addend, and so stand in for one another."""

from __future__ import annotations

from lawful.laws.base import Law
from lawful.laws.expressions import Expr


def terms_of(law: Law) -> list[tuple[str, ...]]:
    """The coefficients by term, in their order: (E,), (A, alpha), (B, beta) of Chinchilla's law."""
    terms: list[set[str]] = []
    for addend in _addends(law.expression()):
        inside = set(law.names()) & addend.symbols()
        met = [t for t in terms if t & inside]
        terms = [t for t in terms if t not in met] + ([inside.union(*met)] if inside else [])
    found = [tuple(n for n in law.names() if n in t) for t in terms]
    return sorted(found, key=lambda t: law.names().index(t[0]))


def _addends(node: Expr) -> list[Expr]:
    return [a for arg in node.args for a in _addends(arg)] if node.op == "add" else [node]
