import datetime
import pickle

import pytest

from lawful.cost import Hardware, all_hardware, hardware
from lawful.cost.hardware import MAY_BE_MISSING, UNITS, read_hardware
from lawful.errors import InputError, UnknownName

# Typed in from the vendors' sheets: dense bf16 FLOP/s, bytes, bytes/s, watts.
SHEETS = {
    "h200": (989.4e12, 141e9, 4.8e12, 700),
    "h100": (989.4e12, 80e9, 3.35e12, 700),
    "a100": (312e12, 80e9, 2.039e12, 400),
    "b200": (2.25e15, 180e9, 8e12, 1000),
    "mi300x": (1307.4e12, 192e9, 5.3e12, 750),
    "tpu-v5p": (459e12, 95e9, 2.765e12, None),
    "l4": (121e12, 24e9, 300e9, 72),
    "rtx-4090": (165.2e12, 24e9, 1008e9, 450),
    "cpu-core": (2 * 8 * 2 * 3.0e9, 4e9, 8 * 3.2e9 * 8 / 64, 280 / 64),
}
FIGURES = [(device, name) for device in all_hardware() for name in UNITS]
FIGURE_IDS = [f"{device.key}-{name}" for device, name in FIGURES]
MINE = {"key": "mine", "title": "my card", "peak_flop_per_second": 50e12, "memory_bytes": 16e9}


def test_holds_the_devices_of_the_sheets():
    assert {device.key for device in all_hardware()} == set(SHEETS)


@pytest.mark.parametrize("key", SHEETS)
def test_figures_are_those_of_the_sheets(key):
    device = hardware(key)
    got = (
        device.peak_flop_per_second,
        device.memory_bytes,
        device.bandwidth_bytes_per_second,
        device.power_w,
    )
    for figure, printed in zip(got, SHEETS[key], strict=True):
        assert figure is None if printed is None else figure == pytest.approx(printed, rel=1e-12)


@pytest.mark.parametrize(("device", "name"), FIGURES, ids=FIGURE_IDS)
def test_every_figure_has_a_source_and_a_date(device, name):
    source = device.sources[name]
    assert len(source.text) > 10
    assert datetime.date(2024, 1, 1) < datetime.date.fromisoformat(source.date)
    assert source.url == "" or source.url.startswith("https://")
    if getattr(device, name) is None:
        assert name in MAY_BE_MISSING
        assert "no" in source.text.split(), "a figure that is missing says why"


def test_every_price_asks_to_be_looked_up():
    for device in all_hardware():
        assert device.usd_per_hour is not None
        assert "typical, look up your own" in device.sources["usd_per_hour"].text


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("H100", "h100"),
        ("h100-sxm", "h100"),
        (" H100 SXM ", "h100"),
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("h200", "h200"),
        ("a100-80gb", "a100"),
        ("NVIDIA A100-SXM4-80GB", "a100"),
        ("B200", "b200"),
        ("mi300x", "mi300x"),
        ("tpu_v5p", "tpu-v5p"),
        ("TPU v5p", "tpu-v5p"),
        ("L4", "l4"),
        ("rtx4090", "rtx-4090"),
        ("RTX-4090", "rtx-4090"),
        ("4090", "rtx-4090"),
        ("cpu", "cpu-core"),
    ],
)
def test_aliases(name, key):
    assert hardware(name) is hardware(key)
    assert hardware(name).key == key


@pytest.mark.parametrize("name", ["h100-pcie", "a100-40gb", "H101", "abacus", "", "--"])
def test_unknown_device_says_what_to_do(name):
    with pytest.raises(UnknownName, match=r"unknown device .*Hardware\(\.\.\.\).*budget in FLOP"):
        hardware(name)


def test_near_names_are_offered():
    with pytest.raises(UnknownName, match=r"nearest: .*h100"):
        hardware("h101")


def test_a_device_of_ones_own():
    mine = Hardware(**MINE, bandwidth_bytes_per_second=400e9)
    assert mine.power_w is None
    assert mine.usd_per_hour is None
    assert mine.sources == {}


@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf"), "many", True])
def test_bad_figures_are_refused(name, value):
    figures = MINE | {"bandwidth_bytes_per_second": 400e9} | {name: value}
    with pytest.raises(InputError, match=f"mine: {name} must be a positive number of {UNITS[name]}"):
        Hardware(**figures)


def test_only_power_and_price_may_be_missing():
    with pytest.raises(InputError, match="memory_bytes"):
        Hardware("mine", "my card", 50e12, None, 400e9)


def test_is_frozen_hashable_and_picklable():
    device = hardware("h100")
    with pytest.raises(AttributeError):
        device.power_w = 1.0
    assert len({device, hardware("H100"), hardware("l4")}) == 2
    assert pickle.loads(pickle.dumps(device)) == device


# --------------------------------------------------------------------------------------- a device of one's own

OWN = {"title": "mine", "peak_flop_per_second": 5e13, "bandwidth_bytes_per_second": 4e11,
       "memory_bytes": {"value": 16e9, "source": "my notes", "date": "2026-11-01"},
       "peaks": {"int8": {"value": 1e14, "source": "its page"}}}


def test_a_file_of_figures_is_a_device_with_its_sources():
    device = read_hardware(OWN, "mine.toml")
    assert (device.memory_bytes, device.power_w, device.peak("int8"), device.peak("fp8")) == (16e9, None, 1e14, 5e13)
    assert str(device.sources["memory_bytes"]) == "my notes, 2026-11-01"
    assert "peak_flop_per_second" not in device.sources
    assert device.to_dict()["sources"]["peaks.int8"]["text"] == "its page"


@pytest.mark.parametrize(("change", "error", "says"), [
    ({"peak": 1.0}, UnknownName, "unknown key 'peak' in mine.toml; nearest: peaks"),
    ({"memory_bytes": None}, InputError, "mine.toml: no memory_bytes; give a number of bytes"),
    ({"memory_bytes": {"source": "nobody says"}}, InputError, "mine.toml: no memory_bytes"),
    ({"memory_bytes": {"value": 1.0, "by": "me"}}, UnknownName, "unknown key 'by' in mine.toml: memory_bytes"),
    ({"memory_bytes": "16GB"}, InputError, "mine.toml: memory_bytes must be a positive number of bytes, got '16GB'"),
    ({"peaks": {"int8": 0.0}}, InputError, "mine.toml: peaks, int8 must be a positive number"),
    ({"peaks": {"int9": 1.0}}, UnknownName, "unknown precision 'int9' in mine.toml"),
    ({"peaks": 1.0}, InputError, "mine.toml: peaks must be a table"),
])
def test_a_file_that_is_no_device_is_refused_by_name(change, error, says):
    with pytest.raises(error, match=says):
        read_hardware({**OWN, **change}, "mine.toml")
