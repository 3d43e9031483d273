"""Conversions against counts and units known from elsewhere."""

from __future__ import annotations

import doctest
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lawful.errors import InputError, LawError
from lawful.laws import conversions, published
from lawful.laws.conversions import (
    COUNTS,
    ModelShape,
    active_params,
    bits_per_byte_to_nats,
    bytes_to_tokens,
    convert_params,
    embedding_params,
    flop_to_pf_days,
    nats_to_bits_per_byte,
    nonembedding_params,
    pf_days_to_flop,
    tokens_to_bytes,
    total_params,
)

GPT2 = ModelShape(width=768, depth=12, vocab_size=50257, positions=1024)
GPT3 = ModelShape(width=12288, depth=96, vocab_size=50257, positions=2048)
LLAMA2_7B = ModelShape(width=4096, depth=32, vocab_size=32000, tied=False, ff_width=11008, gated=True)
LLAMA3_8B = ModelShape(width=4096, depth=32, vocab_size=128256, tied=False, ff_width=14336, gated=True, kv_share=0.25)
MIXTRAL = ModelShape(width=4096, depth=32, vocab_size=32000, tied=False, ff_width=14336, gated=True, kv_share=0.25,
                     experts=8, active_experts=2)


@pytest.mark.parametrize(("shape", "count", "published"), [
    (GPT2, total_params, 124.4e6), (GPT3, total_params, 175e9),
    (LLAMA2_7B, total_params, 6.738e9), (LLAMA3_8B, total_params, 8.03e9),
    (MIXTRAL, total_params, 46.7e9), (MIXTRAL, active_params, 12.9e9),
])
def test_counts_are_those_of_the_model_cards(shape, count, published):
    assert count(shape) == pytest.approx(published, rel=0.005)


def test_kaplans_twelve_l_d_squared():
    assert nonembedding_params(GPT2) == 12 * 12 * 768**2


def test_groups_add_up():
    for shape in (GPT2, LLAMA2_7B, MIXTRAL):
        assert total_params(shape) == nonembedding_params(shape) + embedding_params(shape)
        assert active_params(shape) <= total_params(shape)
    assert active_params(GPT2) == total_params(GPT2)


@pytest.mark.parametrize("from_", COUNTS)
@pytest.mark.parametrize("to", COUNTS)
def test_converts_there_and_back(from_, to):
    params = COUNTS[from_](MIXTRAL) * 1.001  # a card counts a little more than the shape: norms, routers
    converted = convert_params(params, from_, to, MIXTRAL)
    assert converted - COUNTS[to](MIXTRAL) == pytest.approx(params - COUNTS[from_](MIXTRAL))
    assert convert_params(converted, to, from_, MIXTRAL) == pytest.approx(params)


def test_refuses_a_shape_of_another_model():
    with pytest.raises(InputError, match=r"params: a model of this shape has 1\.243e\+08 total params, got 7e\+09"):
        convert_params(7e9, "total", "non-embedding", GPT2)
    with pytest.raises(InputError, match="total, non-embedding, active; not as 'dense'"):
        convert_params(124e6, "dense", "total", GPT2)


@pytest.mark.parametrize("change", [{"width": 0}, {"depth": -1}, {"vocab_size": math.nan}, {"experts": 0}])
def test_refuses_a_shape_that_no_model_has(change):
    with pytest.raises(InputError, match=next(iter(change))):
        ModelShape(**{"width": 64, "depth": 2, "vocab_size": 256, **change})


def test_more_active_experts_than_experts():
    with pytest.raises(InputError, match="active_experts must not exceed experts"):
        ModelShape(width=64, depth=2, vocab_size=256, experts=4, active_experts=8)


@given(st.floats(0.1, 20.0), st.floats(1.0, 10.0))
def test_losses_there_and_back(loss, ratio):
    assert bits_per_byte_to_nats(nats_to_bits_per_byte(loss, ratio), ratio) == pytest.approx(loss)
    assert bytes_to_tokens(tokens_to_bytes(loss, ratio), ratio) == pytest.approx(loss)


def test_units():
    assert nats_to_bits_per_byte(math.log(256), 1.0) == pytest.approx(8.0)  # uniform bytes
    assert tokens_to_bytes(1e9, 4.5) == 4.5e9
    assert pf_days_to_flop(1.0) == 1e15 * 86_400
    assert flop_to_pf_days(pf_days_to_flop(3640.0)) == pytest.approx(3640.0)  # GPT-3's table D.1: 3.64e3 PF-days
    assert pf_days_to_flop(3640.0) == pytest.approx(3.14e23, rel=0.002)


@pytest.mark.parametrize("convert", [tokens_to_bytes, bytes_to_tokens, nats_to_bits_per_byte, bits_per_byte_to_nats])
def test_no_ratio_is_guessed(convert):
    with pytest.raises(TypeError):
        convert(1.0)
    with pytest.raises(InputError, match="bytes_per_token must be positive"):
        convert(1.0, 0.0)


def test_every_convention_of_the_catalogue_that_a_shape_knows_is_converted():
    used = {entry.counting.get("params") for entry in published().values()} - {None}
    assert {"total", "non-embedding"} <= used
    assert {"total", "non-embedding", "active"} == set(COUNTS)


def test_a_law_refuses_another_convention_and_names_the_conversion():
    kaplan = published()["kaplan2020_l_nd"]
    with pytest.raises(LawError, match=r"conversions\.convert_params"):
        kaplan.resolve({"total_params": 1e9, "tokens": 1e10})
    count = convert_params(124.4e6, "total", "non-embedding", GPT2)
    taken, caveats = kaplan.resolve({"nonembedding_params": count, "tokens": 1e10})
    assert taken["params"] == count
    assert not caveats


def test_examples():
    assert doctest.testmod(conversions).failed == 0
