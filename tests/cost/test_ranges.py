"""Bills from ranges: ends by hand, published runs within them, and figures that do not go together."""

from __future__ import annotations

import pytest

from lawful.cost import Budget, Range, train_bill, train_cost
from lawful.cost.shapes import flops, model
from lawful.errors import InputError


def test_points_give_the_plain_bill():
    plain = train_cost(1e21, Budget(compute=1e21, device="h100", devices=8))
    bill = train_bill(1e21, "h100", devices=8)
    for name in ("gpu_hours", "usd", "energy_kwh", "co2e_kg", "wall_days"):
        assert bill[name].low == bill[name].high == pytest.approx(getattr(plain, name))
    assert bill["embodied_co2e_kg"] is None


def test_ends_are_those_of_the_worst_and_the_best():
    bill = train_bill(1e21, "h100", devices=8, mfu=Range(0.2, 0.4), usd_per_hour=Range(2.0, 3.0), pue=Range(1.1, 1.5))
    hours = 1e21 / (989.4e12 * 3600)
    assert (bill["gpu_hours"].low, bill["gpu_hours"].high) == pytest.approx((hours / 0.4, hours / 0.2))
    assert (bill["usd"].low, bill["usd"].high) == pytest.approx((2 * hours / 0.4, 3 * hours / 0.2))
    assert (bill["energy_kwh"].low, bill["energy_kwh"].high) == pytest.approx((0.7 * 1.1 * hours / 0.4,
                                                                              0.7 * 1.5 * hours / 0.2))


# Llama 3.1 405B: 30.84M hours of H100 80GB (its model card), 15.6T tokens at 38 to 43 % MFU (arXiv:2407.21783, sections
# 3.2 and 3.3, table 4). The MFU is that of steps; 30.84M hours hold everything else too, so that they lie above.
def test_a_published_run_costs_a_little_more_than_its_steps():
    flop = flops(model("llama-3.1-405b"), "palm", 8192).train / 8192 * 15.6e12
    hours = train_bill(flop, "h100", devices=16384, mfu=Range(0.38, 0.43))["gpu_hours"]
    assert 1.0 < 30.84e6 / hours.high < 1.15


# The same card gives 8,930 t CO2e, location-based, of 700 W a device: 30.84e6 h x 0.7 kW = 21.59 GWh, so 0.414 kg a kWh
# of the devices' own power.
def test_published_emissions_follow_from_hours_power_and_grid():
    bill = train_bill(30.84e6 * 3600 * 989.4e12 * 0.4, "h100", pue=1.0, grid_kg_per_kwh=0.4136)
    assert bill["gpu_hours"].value == pytest.approx(30.84e6)
    assert bill["co2e_kg"].value == pytest.approx(8_930e3, rel=1e-3)


def test_embodied_emissions_are_the_share_of_life_used():
    bill = train_bill(1e21, "h100", embodied_kg=164.0, lifetime_years=Range(4.0, 5.0))
    hours = bill["gpu_hours"].value
    assert bill["embodied_co2e_kg"].high == pytest.approx(164 * hours / (4 * 8766))


@pytest.mark.parametrize(("options", "says"), [
    ({"embodied_kg": 100.0}, "go together"), ({"mfu": 1.4}, "mfu must be above 0 and at most 1"),
    ({"interconnect": 1.1}, "interconnect is a share"), ({"interconnect": Range(0.5, 2.0)}, "interconnect is a share"),
    ({"pue": Range(0.5, 1.2)}, "pue must be at least 1"), ({"devices": 2.5}, "whole number")])
def test_bad_figures_are_named(options, says):
    with pytest.raises(InputError, match=says):
        train_bill(1e21, "h100", **options)


def test_a_range_runs_upwards_and_is_positive():
    with pytest.raises(InputError, match="low to high"):
        Range(2.0, 1.0)
    with pytest.raises(InputError, match="positive"):
        Range(0.0, 1.0)
    assert Range(1.0, 4.0).value == 2.0


def test_an_interconnect_divides_the_speed():
    alone, kept = train_bill(1e21, "h100", mfu=0.5), train_bill(1e21, "h100", mfu=0.5, interconnect=0.8)
    assert kept["gpu_hours"].value == pytest.approx(alone["gpu_hours"].value / 0.8)
    assert any("keep 0.8 of what one does" in said for said in kept.assumptions)
