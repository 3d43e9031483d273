import json

import pytest

from lawful.cost import Budget, Cost, all_hardware, train_cost
from lawful.errors import InputError

KEYS = {"train_flop", "gpu_hours", "usd", "energy_kwh", "co2e_kg", "wall_days", "serve_usd"}
DEVICES = [device.key for device in all_hardware()]


def test_the_bill_worked_by_hand():
    # 8.20647936e20 FLOP are 576 hours of an H100 at 40 % of 989.4e12 FLOP/s: on 8 of them, 3 days.
    # At 2.5 USD: 1440 USD. At 700 W and a PUE of 1.2: 576 * 0.84 = 483.84 kWh. At 0.5 kg: 241.92 kg.
    budget = Budget(compute=1e22, device="h100", devices=8, usd_per_hour=2.5, pue=1.2, grid_kg_per_kwh=0.5)
    bill = train_cost(8.20647936e20, budget).to_dict()
    serve = bill.pop("serve_usd")
    assert serve is None
    assert bill == pytest.approx(
        {"train_flop": 8.20647936e20, "gpu_hours": 576, "usd": 1440, "energy_kwh": 483.84,
         "co2e_kg": 241.92, "wall_days": 3}, rel=1e-12,
    )  # fmt: skip


@pytest.mark.parametrize("key", DEVICES)
def test_what_a_budget_buys_costs_the_budget(key):
    money = Budget(usd=1234.5, device=key)
    assert train_cost(money.train_flop, money).usd == pytest.approx(1234.5)
    hours = Budget(gpu_hours=77, device=key)
    assert train_cost(hours.train_flop, hours).gpu_hours == pytest.approx(77)
    days = Budget(days=5, device=key, devices=3)
    assert train_cost(days.train_flop, days).wall_days == pytest.approx(5)


@pytest.mark.parametrize("key", [key for key in DEVICES if key != "tpu-v5p"])
def test_what_an_energy_budget_buys_draws_that_energy(key):
    energy = Budget(kwh=250, device=key)
    assert train_cost(energy.train_flop, energy).energy_kwh == pytest.approx(250)


def test_without_a_device_only_the_compute_is_known():
    assert train_cost(1e21, Budget(compute=1e21)) == Cost(train_flop=1e21)


def test_an_unknown_power_leaves_energy_unanswered():
    bill = train_cost(1e21, Budget(gpu_hours=1, device="tpu-v5p"))
    assert (bill.energy_kwh, bill.co2e_kg, bill.wall_days) == (None, None, None)
    assert bill.usd is not None


def test_a_grid_without_emissions_emits_nothing():
    assert train_cost(1e21, Budget(gpu_hours=1, device="h100", grid_kg_per_kwh=0)).co2e_kg == 0


def test_keys_and_round_trip():
    bill = train_cost(1e21, Budget.parse("8xH100*72h"))
    assert set(bill.to_dict()) == KEYS
    assert Cost.from_dict(json.loads(json.dumps(bill.to_dict()))) == bill


@pytest.mark.parametrize("value", [0, -1e20, float("nan"), float("inf"), None])
def test_bad_compute_is_refused(value):
    with pytest.raises(InputError, match="train_flop must be a positive number of FLOP"):
        train_cost(value, Budget(compute=1e21))
