"""One plain-data form for everything that leaves us."""

from __future__ import annotations

import enum
import json
import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lawful.results import Caveat, Interval, interval, to_plain


class Mood(enum.Enum):
    GOOD = "good"


class Rank(enum.IntEnum):
    FIRST = 1


@dataclass(frozen=True)
class Inner:
    value: float
    label: str | None = None


@dataclass(frozen=True)
class Own:
    value: float

    def to_dict(self):
        return {"schema": "own/1", "twice": np.float64(2 * self.value), "inner": Inner(self.value)}


@pytest.mark.parametrize(("value", "plain"), [
    (None, None), (True, True), (3, 3), (2.5, 2.5), ("text", "text"),
    (math.nan, None), (math.inf, None), (-math.inf, None),
    (np.float64(1.5), 1.5), (np.float32(0.5), 0.5), (np.int64(7), 7), (np.bool_(True), True),
    (np.float64("nan"), None),
    (np.array(2.0), 2.0), (np.array([1.0, np.nan, np.inf]), [1.0, None, None]),
    (np.array([["a"], ["b"]]), [["a"], ["b"]]),
    ((1, [2.0, math.nan]), [1, [2.0, None]]), ({3}, [3]), (frozenset({"x"}), ["x"]),
    (Mood.GOOD, "good"), (Rank.FIRST, 1),
    ({"a": np.arange(2), 3: Mood.GOOD}, {"a": [0, 1], "3": "good"}),
    (Inner(math.nan, "x"), {"value": None, "label": "x"}),
    (Caveat("code", "Sentence."), {"code": "code", "message": "Sentence."}),
    (Interval(1.0, 0.1, math.nan, 1.2), {"value": 1.0, "std": 0.1, "low": None, "high": 1.2}),
    (Own(2.0), {"schema": "own/1", "twice": 4.0, "inner": {"value": 2.0, "label": None}}),
    ([Own(math.nan)], [{"schema": "own/1", "twice": None, "inner": {"value": None, "label": None}}]),
])
def test_every_kind_has_one_plain_form(value, plain):
    shown = to_plain(value)
    assert shown == plain
    assert type(shown) is type(plain) or isinstance(shown, type(plain))
    assert json.loads(json.dumps(shown, allow_nan=False)) == plain


@pytest.mark.parametrize("value", [object(), 1j, np.array([1j]), b"bytes", Inner, lambda: None])
def test_what_has_no_plain_form_is_said(value):
    with pytest.raises(TypeError, match="has no plain form"):
        to_plain(value)


numbers = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=50, deadline=None)
@given(st.recursive(numbers | st.booleans() | st.text() | st.none() | st.integers(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_the_plain_form_is_json_and_its_own_plain_form(value):
    plain = to_plain(value)
    json.dumps(plain, allow_nan=False)
    assert to_plain(plain) == plain


# ----------------------------------------------------------------------------------------- intervals

def test_an_interval_holds_the_central_draws():
    draws = np.arange(101.0)
    for level, low, high in ((0.9, 5.0, 95.0), (0.5, 25.0, 75.0)):
        found = interval(40.0, draws, level)
        assert (found.value, found.low, found.high) == pytest.approx((40.0, low, high))
        assert found.std == pytest.approx(29.300170647967224), "n - 1 below: sqrt(101 * 102 / 12)"


def test_draws_that_are_not_finite_are_left_out_of_both():
    kept = [1.0, 2.0, 3.0, 4.0]
    assert interval(2.0, [*kept, math.nan, math.inf, -math.inf], 0.8) == interval(2.0, kept, 0.8)


@pytest.mark.parametrize("draws", [[], [math.nan], [math.inf, -math.inf]])
def test_without_draws_there_is_a_value_and_no_spread(draws):
    found = interval(2.0, draws, 0.9)
    assert found.value == 2.0
    assert all(math.isnan(x) for x in (found.std, found.low, found.high))


def test_one_draw_has_no_standard_deviation():
    found = interval(2.0, [3.0], 0.9)
    assert math.isnan(found.std)
    assert (found.low, found.high) == (3.0, 3.0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2), st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_a_higher_level_never_narrows(draws, level, other):
    narrow, wide = (interval(0.0, draws, x) for x in sorted((level, other)))
    slack = 1e-9 * max(map(abs, draws))
    assert wide.low <= narrow.low + slack
    assert narrow.high <= wide.high + slack
    assert all(type(x) is float for x in (wide.value, wide.std, wide.low, wide.high))
