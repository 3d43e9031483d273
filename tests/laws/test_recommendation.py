"""Recommendation models and graphs."""

from __future__ import annotations

import pytest

from lawful.laws.recommendation import LogGain
from lawful.laws.registry import catalogue, entry, law


def test_each_fourfold_compute_takes_the_same_share():
    gain = LogGain(g=0.001)
    assert gain(scale_up=1.0) == 1.0
    steps = [gain(scale_up=4.0**k) - gain(scale_up=4.0 ** (k + 1)) for k in range(4)]
    assert steps == pytest.approx([0.001] * 4)


def test_the_remembered_curve_of_wukong_has_the_printed_slope():
    curve = [-100 + 99.56 * x**0.00071 for x in (1.0, 4.0)]
    assert (curve[1] - curve[0]) / 100 == pytest.approx(law("zhang2024_wukong").law.g, rel=0.05)
    assert entry("zhang2024_wukong").unconfirmed == ("g",)


def test_no_numbers_are_given_for_laws_whose_numbers_could_not_be_confirmed():
    for key, one in catalogue().items():
        if key.startswith(("ardalani2022", "liu2024_graphs")):
            assert one.kind == "fittable"
            assert set(one.to_dict()["coefficients"].values()) == {None}


def test_graphs_count_edges_first():
    assert entry("liu2024_graphs").law.inputs == ("edges",)
