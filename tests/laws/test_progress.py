"""Algorithmic progress, density and carbon."""

from __future__ import annotations

import math

import pytest

from lawful.laws.progress import ProgressLoss, TrainingCarbon
from lawful.laws.registry import catalogue, law


def test_progress_multiplies_params_and_tokens():
    one = ProgressLoss(E=1.5, A=400.0, alpha=0.34, a_N=0.5, B=410.0, beta=0.28, a_D=0.7)
    now = one(params=1e9, tokens=2e10, years=4.0)
    before = one(params=1e9 * math.exp(0.5 * 4), tokens=2e10 * math.exp(0.7 * 4), years=0.0)
    assert now == pytest.approx(before)
    assert one.doubling_years() == pytest.approx(math.log(2) / 1.2)
    assert not one.splits_compute


@pytest.mark.parametrize(("key", "months"), [
    ("ho2024_algorithmic_progress", 8.4), ("xiao2024_densing", 3.3), ("xiao2024_densing:journal", 3.5)])
def test_doubling_times_are_those_printed(key, months):
    assert law(key).law.doubling_years() * 12 == pytest.approx(months, abs=0.05)


def test_the_densing_rate_is_per_day():
    per_day = law("xiao2024_densing").law.A / 365.25
    assert per_day == pytest.approx(0.007)
    assert math.log(2) / 0.007 == pytest.approx(99.0, abs=0.1)      # days


def test_carbon_is_energy_times_the_grid_plus_a_share_of_the_device():
    run = TrainingCarbon(P=0.4, e=0.02)
    energy = 1000.0 * 0.4 * 1.1                                      # kWh
    assert run(device_hours=1000.0, pue=1.1, carbon_intensity=0.4) == pytest.approx(energy * 0.4 + 20.0)


def test_hardware_is_guidance_and_points_at_laws_that_exist():
    guidance = catalogue()["fernandez2024_hardware"]
    assert guidance.kind == "guidance"
    assert set(guidance.concerns) <= set(catalogue())
