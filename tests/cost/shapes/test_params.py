"""Parameters by group: exact against what published models state, and bad configurations named."""

from __future__ import annotations

import pytest

from lawful.cost.shapes import model, models, read_config
from lawful.errors import InputError, UnknownName
from lawful.laws.published import Check


@pytest.mark.parametrize("name", models())
def test_the_total_is_what_the_models_page_states(name):
    printed = Check(at={}, printed=models()[name]["params"], where="the model's page")
    assert model(name).params().total == pytest.approx(printed.value, rel=0, abs=printed.half_unit)


@pytest.mark.parametrize("name", models())
def test_groups_add_up(name):
    counts = model(name).params()
    assert sum(counts.groups.values()) == counts.total
    assert counts.active_nonembedding <= counts.nonembedding <= counts.total
    assert counts.total - counts.nonembedding == counts.active - counts.active_nonembedding, "experts hold no embedding"


# Active params in billions as the papers and model cards state them; DeepSeek-V3's leaves the input embedding out
# (its README_WEIGHTS: 36.6B, printed as 37B), so half a unit and its 0.93B are allowed.
@pytest.mark.parametrize(("name", "printed", "within"), [
    ("mixtral-8x7b", 12.9e9, 0.05e9), ("qwen3-30b-a3b", 3.3e9, 0.06e9), ("qwen1.5-moe-a2.7b", 2.7e9, 0.05e9),
    ("olmoe-1b-7b", 1.3e9, 0.05e9), ("deepseek-v3", 36.6e9, 0.05e9 + 129280 * 7168), ("jamba-v0.1", 12e9, 0.5e9)])
def test_active_params_are_those_stated(name, printed, within):
    assert abs(model(name).params().active - printed) <= within


# EleutherAI's table of Pythia models, non-embedding params: both ends left out.
def test_nonembedding_params_leave_out_both_ends():
    assert model("pythia-160m").params().nonembedding == 85_056_000
    assert model("pythia-6.9b").params().nonembedding == 6_444_163_072


def test_a_tied_head_adds_nothing_and_an_untied_one_a_table():
    fields = dict(models()["qwen2.5-0.5b"]["config"])
    tied, untied = read_config(fields).params(), read_config({**fields, "tie_word_embeddings": False}).params()
    assert untied.total - tied.total == 151936 * 896
    assert untied.nonembedding == tied.nonembedding


LLAMA = dict(models()["llama-3-8b"]["config"])


@pytest.mark.parametrize(("change", "says"), [
    ({"hidden_size": None}, "no hidden_size"),
    ({"vocab_size": "many"}, "vocab_size must be a whole number, got 'many'"),
    ({"num_hidden_layers": 3.5}, "num_hidden_layers must be a whole number"),
    ({"num_attention_heads": 33}, "hidden_size 4096 is not a multiple of 33"),
    ({"intermediate_size": True}, "intermediate_size must be a whole number"),
    ({"model_type": None}, "no model_type"),
])
def test_a_bad_field_is_named(change, says):
    with pytest.raises(InputError, match=says):
        read_config({**LLAMA, **change}, "config.json")


def test_an_unknown_kind_or_model_gets_the_nearest():
    with pytest.raises(UnknownName, match="qwen2_moe"):
        read_config({"model_type": "qwen2_mo"})
    with pytest.raises(UnknownName, match="llama-3-8b"):
        model("lama-3-8b")


def test_a_clip_needs_both_towers():
    words = models()["clip-vit-b-32"]["config"]["text_config"]
    with pytest.raises(InputError, match="no vision_config"):
        read_config({"model_type": "clip", "projection_dim": 512, "text_config": words})
