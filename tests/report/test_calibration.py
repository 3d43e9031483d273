"""The figure of a back-test's calibration, from the data that a back-test gives."""

from __future__ import annotations

import json

import pytest
import sample

from conftest import simulate
from lawful.report.calibration import calibration_figure
from lawful.results import to_plain
from lawful.validate import backtest


def test_its_numbers_are_those_of_the_back_test():
    tested = backtest(simulate(), "chinchilla", bootstrap=30)
    made = calibration_figure({"backtest": to_plain(tested)})
    assert made is not None
    shown = {trace["name"]: trace["y"] for trace in made.data if trace.get("mode") == "lines+markers"}
    assert list(shown) == ["50 %", "80 %", "90 %", "95 %"]
    for level, values in shown.items():
        share = float(level.removesuffix(" %")) / 100
        assert values == pytest.approx([100 * h.coverage[share] for h in tested.horizons])
    bars = next(trace for trace in made.data if trace["type"] == "bar")
    assert sum(bars["y"]) == pytest.approx(100, abs=1e-3)
    assert [row[1] for row in made.table["rows"]] == [h.n for h in tested.horizons]
    json.dumps(to_plain(made), allow_nan=False)


def test_without_resamples_there_is_nothing_to_draw():
    tested = backtest(simulate(), "chinchilla", bootstrap=0)
    assert calibration_figure({"backtest": to_plain(tested)}) is None
    assert calibration_figure({"backtest": None}) is None


def test_bins_are_named_as_they_lie():
    rows = [row | {"low": low, "high": high} for row, (low, high) in
            zip(sample.horizons(), ((0, 0), (0, 0.25), (1, 2), (2, None)), strict=True)]
    made = calibration_figure({"backtest": {"level": 0.9, "horizons": rows, "pit": {"counts": [1] * 10}}})
    assert made is not None
    assert made.data[0]["x"] == ["inside", "0 to 0.25", "1 to 2", "over 2"]
