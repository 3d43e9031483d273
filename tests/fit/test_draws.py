"""Draws as columns and as the groups of an InferenceData."""

from __future__ import annotations

import json

import numpy as np
import pytest

from conftest import simulate
from lawful.errors import InputError
from lawful.fit import fit
from lawful.fit.draws import draw_columns, draw_groups
from lawful.results import to_plain

FITTED = fit("chinchilla", simulate(), bootstrap=30)


def test_columns_are_the_draws_and_the_exponents_that_follow():
    columns = draw_columns(FITTED)
    assert list(columns) == ["E", "A", "alpha", "B", "beta", "params_exponent", "tokens_exponent"]
    assert np.array_equal(np.column_stack([columns[name] for name in FITTED.law.names()]), FITTED.draws)
    # a = beta / (alpha + beta): Hoffmann et al. 2022, equation 4
    assert columns["params_exponent"] == pytest.approx(columns["beta"] / (columns["alpha"] + columns["beta"]))


def test_groups_hold_one_chain_and_go_through_json():
    groups = draw_groups(FITTED)
    assert groups["posterior"]["alpha"].shape == (1, 30)
    assert groups["observed_data"]["log_residual"].shape == (48,)
    data = json.loads(json.dumps(to_plain(groups)))
    assert data["posterior"]["alpha"][0] == FITTED.draws[:, 2].tolist()
    assert data["attrs"]["formula"] == FITTED.law.formula()


def test_a_fit_without_draws_has_nothing_to_export():
    with pytest.raises(InputError, match="--bootstrap 1000"):
        draw_columns(fit("chinchilla", simulate(), bootstrap=0))
