"""The timing of a fit beside the recipe: both reach one optimum, and what is stated is what was measured."""

from __future__ import annotations

import pytest

from conftest import simulate
from lawful.bench.speed import REFITS, bench_speed
from lawful.errors import InputError


def test_recipe_and_ours_reach_one_optimum() -> None:
    timed = bench_speed(simulate(), {"machine": "one"}, "2026-11-23", starts=25, repeats=1)
    recipe, point, refits = timed.timings
    assert point.objective == refits.objective == pytest.approx(recipe.objective, rel=1e-6)
    assert "25 starts measured" in recipe.note
    for ours in (point, refits):
        assert ours.ratio == pytest.approx(recipe.cpu_seconds / ours.cpu_seconds)
    assert f"{REFITS} refits" in refits.what
    assert timed.to_dict()["schema"] == "lawful.bench_speed/1"


@pytest.mark.parametrize(("options", "said"), [({"starts": 4}, "--starts must lie between 5 and 4500"),
                                               ({"starts": 4501}, "--starts must lie"),
                                               ({"repeats": 0}, "--repeats must be 1 or more")])
def test_numbers_that_cannot_be(options: dict[str, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        bench_speed(simulate(), {}, "", **options)
