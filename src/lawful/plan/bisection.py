"""Where a condition turns: by halving for numbers, by doubling and then halving for counts."""

from __future__ import annotations

from collections.abc import Callable


def turn(holds: Callable[[float], bool], low: float, high: float, halvings: int = 200) -> tuple[float, float]:
    """The last number at which ``holds`` still holds and the first at which it does not, between ``low`` and ``high``.

    It is taken to hold at ``low`` and not at ``high``, and to turn once. Without ``halvings`` the two lie as near as
    doubles do.
    """
    for _ in range(halvings):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low, high


def fewest(enough: Callable[[int], bool], most: int) -> int | None:
    """The least count from 1 to ``most`` that is ``enough``, as all above it are; None where even ``most`` is not."""
    low, high = 0, 1
    while high < most and not enough(high):
        low, high = high, min(2 * high, most)
    if not enough(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
