import pytest

from lawful.cost import DEFAULT_MFU, Budget, Hardware, hardware
from lawful.errors import InputError, UnknownName

BARE = Hardware("bare", "a bare card", 50e12, 16e9, 400e9)  # neither power nor price known
BAD = [0, -1, float("nan"), float("inf")]

# Worked by hand: 8 H100 for 72 h at 40 % are 8 * 72 * 3600 = 2,073,600 device seconds, times
# 989.4e12 * 0.4 = 3.9576e14 FLOP/s, which is 8.20647936e20 FLOP.
EIGHT_H100_72_H = 8.20647936e20


@pytest.mark.parametrize(
    "budget",
    [
        Budget(gpu_hours=576, device="h100"),
        Budget(gpu_hours=576, device="h100", devices=8),
        Budget(days=3, device="H100-SXM", devices=8),
        Budget(usd=576 * 2.5, device="h100", usd_per_hour=2.5),
        Budget(kwh=576 * 0.7 * 1.2, device="h100", pue=1.2),
        Budget(compute=8.20647936e20, device="h100"),
        Budget.parse("8xH100*72h"),
        Budget.parse("8xH100*3d"),
        Budget.parse("8.20647936e20"),
        Budget.parse("8.20647936e20 FLOP", device="l4"),
    ],
)
def test_buys_the_compute_worked_by_hand(budget):
    assert budget.train_flop == pytest.approx(EIGHT_H100_72_H, rel=1e-12)


def test_mfu_scales_the_compute():
    assert DEFAULT_MFU == 0.4
    half = Budget.parse("8xH100*72h", mfu=0.2)
    assert half.train_flop == pytest.approx(EIGHT_H100_72_H / 2, rel=1e-12)
    # One L4 for an hour at its peak: 3600 * 121e12.
    assert Budget(gpu_hours=1, device="l4", mfu=1).train_flop == pytest.approx(4.356e17, rel=1e-12)


def test_a_price_of_ones_own_replaces_that_of_the_table():
    table = Budget(usd=1000, device="h100")
    assert table.price == hardware("h100").usd_per_hour
    own = Budget(usd=1000, device="h100", usd_per_hour=2 * table.price)
    assert own.train_flop == pytest.approx(table.train_flop / 2)


def test_parse_keeps_the_machines():
    budget = Budget.parse("64 x rtx-4090 * 1.5h", pue=1.1)
    assert (budget.gpu_hours, budget.devices, budget.hardware.key, budget.pue) == (96, 64, "rtx-4090", 1.1)


def test_a_hardware_of_ones_own_serves():
    # 3600 * 50e12 * 0.4 * 10
    assert Budget(gpu_hours=10, device=BARE).train_flop == pytest.approx(7.2e17)


@pytest.mark.parametrize(
    "text", ["", "soon", "8xH100", "h100*72h", "0xH100*3h", "-1", "0", "nan", "72h", "300B tokens"]
)
def test_unreadable_texts_are_refused(text):
    with pytest.raises(InputError):
        Budget.parse(text)


def test_parse_refuses_to_be_told_twice():
    with pytest.raises(InputError, match="already says device"):
        Budget.parse("8xH100*72h", device="l4")


def test_unknown_device_is_refused_at_the_door():
    with pytest.raises(UnknownName, match="abacus"):
        Budget(compute=1e21, device="abacus")
    with pytest.raises(UnknownName, match="abacus"):
        Budget.parse("8xabacus*72h")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "exactly one of compute, gpu_hours, days, usd, kwh; got none"),
        ({"device": "h100", "devices": 8}, "got none"),
        ({"compute": 1e21, "usd": 100, "device": "h100"}, "got compute and usd"),
        ({"gpu_hours": 1, "days": 1, "usd": 1, "device": "h100"}, "got gpu_hours and days and usd"),
        ({"days": 3, "device": "h100"}, "days needs devices, the number of h100"),
        ({"days": 3, "devices": 8}, "days needs a device"),
        ({"gpu_hours": 3}, "gpu_hours needs a device"),
        ({"usd": 3}, "usd needs a device"),
        ({"usd": 3, "usd_per_hour": 2}, "usd needs a device"),
        ({"kwh": 3}, "kwh needs a device"),
        ({"compute": 1e21, "devices": 8}, "devices needs a device"),
        ({"compute": 1e21, "usd_per_hour": 2}, "usd_per_hour needs a device"),
        ({"kwh": 3, "device": "tpu-v5p"}, "power .* not known for tpu-v5p .*Google publishes no power"),
        ({"kwh": 3, "device": BARE}, "power .* not known for bare; pass a Hardware"),
        ({"usd": 3, "device": BARE}, "no price is known for bare; give usd_per_hour"),
        ({"compute": 1e21, "mfu": 40}, r"mfu must be above 0 and at most 1, got 40\. If in percent"),
        ({"compute": 1e21, "mfu": 1.01}, "mfu must be above 0 and at most 1"),
        ({"compute": 1e21, "pue": 0.9}, "pue must be at least 1"),
        ({"gpu_hours": 3, "device": "h100", "devices": 1.5}, "devices must be a whole number"),
        (
            {"compute": 1e21, "grid_kg_per_kwh": -0.1},
            "grid_kg_per_kwh must be .* or zero",
        ),
        (
            {"compute": 1e21, "grid_kg_per_kwh": float("nan")},
            "grid_kg_per_kwh must be .* or zero",
        ),
        ({"compute": "1e21"}, "compute must be a positive number of FLOP, got '1e21'"),
    ],
)
def test_bad_budgets_are_refused(fields, says):
    with pytest.raises(InputError, match=says):
        Budget(**fields)


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("name", ["compute", "gpu_hours", "days", "usd", "kwh"])
def test_amounts_must_be_positive(name, value):
    with pytest.raises(InputError, match=f"{name} must be a positive number"):
        Budget(**{name: value}, device="h100", devices=8)


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("name", ["mfu", "pue", "usd_per_hour", "devices"])
def test_rates_must_be_positive(name, value):
    with pytest.raises(InputError, match=f"{name} must be a positive number"):
        Budget(gpu_hours=1, device="h100", **{name: value})


def test_assumptions_bring_sources_and_dates():
    text = "\n".join(Budget.parse("8xH100*72h").assumptions())
    figures = ("0.4", "9.894e+14 FLOP/s", "700 W", "1.54", "0.481 kg")
    sources = ("2407.21783", "NVIDIA H100 data sheet", "typical, look up your own", "Uptime", "Ember")
    dates = [source.date for name, source in hardware("h100").sources.items() if not name.endswith("bytes")]
    for wanted in (*figures, *sources, *dates):
        assert wanted in text


def test_assumptions_call_your_own_figures_given():
    budget = Budget(gpu_hours=1, device="h100", mfu=0.3, pue=1.1, usd_per_hour=2, grid_kg_per_kwh=0.05)
    text = "\n".join(budget.assumptions())
    assert text.count("as given") == 4
    assert "look up your own" not in text


def test_assumptions_say_what_is_not_answered():
    assert "names no device" in Budget(compute=1e21).assumptions()[0]
    assert any("energy and CO2e are not answered" in s for s in Budget.parse("1xtpu-v5p*1h").assumptions())
    bare = Budget(gpu_hours=1, device=BARE).assumptions()
    assert any("money is not answered" in sentence for sentence in bare)
    assert all(sentence.endswith(".") for sentence in bare)
