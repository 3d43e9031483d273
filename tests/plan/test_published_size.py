"""What the notes beside published decisions claim: the reasons why some printed figures are not met."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lawful.laws import law

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from decisions import size

# Hoffmann et al. 2022, table A3, approach 2: params and FLOP.
TABLE_A3 = ((4e8, 1.84e19), (1e9, 1.20e20), (1e10, 1.32e22), (67e9, 6.88e23), (175e9, 4.54e24), (280e9, 1.18e25),
            (520e9, 4.19e25), (1e12, 1.59e26), (1e13, 1.75e28))


def test_the_row_of_67b_in_table_a3_lies_off_the_line_of_the_others():
    params, compute = np.log(np.array(TABLE_A3)).T
    others = params != np.log(67e9)
    slope, height = np.polyfit(compute[others], params[others], 1)
    assert slope == pytest.approx(0.49, abs=0.001)
    assert np.abs(params - height - slope * compute)[others].max() < 0.005
    assert np.exp(height + slope * np.log(6.88e23)) / 67e9 == pytest.approx(1.037, abs=0.001)
    assert np.exp(height + slope * np.log(5.76e23)) / 1e9 == pytest.approx(63.7, abs=0.05), "figure 3: 63"


# Sardana et al. 2023, section 6 and table 3: params [B], tokens [T], dollars saved [%] or above the least [%].
def test_one_price_of_serving_meets_every_figure_in_money():
    def at(requests):
        rates = size.priced(requests, (70, 215), (0.5, 0.01), (1.50, 1.10))
        return replace(rates, serve_tokens=0.895 * rates.serve_tokens)

    one = size.served(30e9, at(1.5e9), "usd")
    assert (round(one["params"] / 1e9), round(100 * one["saved_share"])) == (16, 17)
    assert one["tokens"] / 1e12 == pytest.approx(3.35, abs=0.005)
    assert round(100 * (size.served(70e9, at(7.02e9), "usd")["usual_over_best"] - 1)) == 36
    one = size.served(70e9, at(35.1e9), "usd")
    assert (round(one["params"] / 1e9, 1), round(one["tokens"] / 1e12)) == (21.5, 27)
    assert round(100 * one["saved_share"]) == 54


def test_serving_is_counted_as_tokens_that_cost_as_much():
    rates = size.priced(1e9, (1000, 250), (0.4, 0.2), (1.40, 0.60))
    params, peak = 1e10, 312e12
    bill = 2 * params * 1e9 * (1000 / 0.4 + 250 / 0.2) / (2 * peak) / 3600 * 0.60
    assert float(rates.costs({"params": params, "tokens": 1.0})["serve_usd"]) == pytest.approx(bill, rel=1e-12)


def test_kaplans_law_of_the_whole_compute_is_not_what_hoffmann_read():
    entry = law("kaplan2020_compute_optimal")
    assert entry(compute=1e21) / 1e9 == pytest.approx(7.77, abs=0.005)
    assert entry(compute=0.5e21) / 1e9 == pytest.approx(4.68, abs=0.005)
