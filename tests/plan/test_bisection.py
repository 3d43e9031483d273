"""Where a condition turns."""

from __future__ import annotations

import math

import pytest

from lawful.plan.bisection import fewest, turn


@pytest.mark.parametrize("root", [2.0, 0.5, 1e-7, 3.9])
def test_a_number_is_found_to_the_last_digit(root: float) -> None:
    below, above = turn(lambda x: x < root, 0.0, 4.0)
    assert below < root <= above
    assert above == math.nextafter(below, math.inf)


def test_a_search_may_stop_early() -> None:
    below, above = turn(lambda x: x < 1.0, 0.0, 4.0, halvings=3)
    assert (below, above) == (0.5, 1.0)


@pytest.mark.parametrize("least", [1, 2, 3, 4, 5, 1000, 1023, 1024, 1025])
@pytest.mark.parametrize("most", [1025, 4000])
def test_a_count_is_the_least_that_is_enough(least: int, most: int) -> None:
    asked: list[int] = []

    def enough(count: int) -> bool:
        asked.append(count)
        return count >= least

    assert fewest(enough, most) == least
    assert max(asked) <= most
    assert len(asked) <= 2 * math.log2(most) + 3


@pytest.mark.parametrize("most", [1, 2, 7, 64])
def test_no_count_is_enough(most: int) -> None:
    assert fewest(lambda count: count > most, most) is None
    assert fewest(lambda count: count >= most, most) == most
