"""Question 1: how large a model, and on how many tokens."""

from __future__ import annotations

from decisions import Row
from lawful.cost import Budget
from lawful.laws import law
from lawful.plan import plan

TITLE = "How large, and on how much data"

HOFFMANN = "arXiv:2203.15556"


def rows() -> list[Row]:
    return hoffmann()


def hoffmann() -> list[Row]:
    """The size and the tokens of approach 1 for the compute of Gopher."""
    best = plan(law("hoffmann2022_approach1"), Budget(compute=5.76e23)).decision
    return [
        Row("Chinchilla, approach 1, 5.76e23 FLOP: size", f"{HOFFMANN}, table 3", "67", best["params"] / 1e9,
            "B params", note="the prefactor of the catalogue was made to meet this row"),
        Row("the same: tokens", f"{HOFFMANN}, table 3", "1.5", best["tokens"] / 1e12, "T tokens", 0.05,
            "67B params on 1.5T tokens are 6.03e23 FLOP by 6 N D, and the table has 5.76e23"),
    ]
