"""What tuning a part of a shape takes: counts that papers print, and sums that add up."""

from __future__ import annotations

import pytest

from lawful.cost.shapes import model, read_config
from lawful.cost.shapes.adapters import trained_params, tuning_flop, tuning_memory
from lawful.cost.shapes.flops import flops
from lawful.cost.shapes.memory import Sharding, train_memory
from lawful.errors import InputError, UnknownName

LLAMA = model("llama-3-8b")

# GPT-3 as Brown et al. 2020 (arXiv:2005.14165), table 2.1, describe it.
GPT3 = read_config({"model_type": "gpt2", "n_embd": 12288, "n_layer": 96, "n_head": 96, "n_positions": 2048,
                    "vocab_size": 50257, "torch_dtype": "float16"}, "gpt-3")

# The 1B model of Zhang et al. 2024 (arXiv:2402.17193), table 3: 16 layers, 8 heads of 256, 2048 wide, 8192 inside.
ZHANG = read_config({"model_type": "gpt2", "n_embd": 2048, "n_layer": 16, "n_head": 8, "n_inner": 8192,
                     "n_positions": 512, "vocab_size": 128000, "torch_dtype": "float32"}, "zhang-1b")


# Hu et al. 2021 (arXiv:2106.09685), table 4: LoRA on the query and value matrices of GPT-3 has 4.7M parameters at rank
# 1 and 37.7M at rank 8.
@pytest.mark.parametrize(("rank", "printed"), [(1, 4.7e6), (8, 37.7e6)])
def test_lora_has_as_many_parameters_as_its_paper_says(rank, printed):
    assert trained_params(GPT3, "lora", rank=rank, targets=("query", "value")) == pytest.approx(printed, abs=0.05e6)


# Zhang et al. 2024, footnote 1: in their 1B model a prompt of 100 tokens adds 0.017 % and LoRA of rank 4 0.19 %. The
# number of parameters is not printed; one number, between 1.21e9 and 1.24e9, makes both right to the last digit.
def test_one_size_makes_both_shares_of_zhang_right():
    prompt, lora = trained_params(ZHANG, "prompt", prompt=100), trained_params(ZHANG, "lora", rank=4)
    low = max(prompt / 0.000175, lora / 0.00195)
    high = min(prompt / 0.000165, lora / 0.00185)
    assert low < high
    assert 1.0e9 < low < 1.5e9


# Hu et al. 2021, section 4.2: training GPT-3 with LoRA takes 350 GB, where the frozen weights in 16 bits stay.
def test_what_is_frozen_is_held_once_and_needs_neither_gradients_nor_state():
    held = tuning_memory(GPT3, "lora", rank=4, targets=("query", "value"), precision="fp16", context=1)
    assert held.items["weights"] == pytest.approx(350e9, rel=0.005)
    trained = trained_params(GPT3, "lora", rank=4, targets=("query", "value"))
    assert held.items["gradients"] == held.items["trained weights"] == 2 * trained
    assert held.items["optimiser"] == 12 * trained
    assert held.total == sum(held.items.values())


def test_full_tuning_is_training():
    assert tuning_memory(LLAMA, "full", context=512) == train_memory(LLAMA, context=512)
    assert tuning_flop(LLAMA, "full", 512) == flops(LLAMA, context=512).train
    assert trained_params(LLAMA, "full") == LLAMA.params().total


def test_frozen_weights_may_be_quantised_and_are_shared():
    whole, few = (tuning_memory(LLAMA, "lora", frozen=frozen, context=512) for frozen in (None, "int4"))
    assert few.items["weights"] == pytest.approx(whole.items["weights"] / 4)
    assert {n: v for n, v in few.items.items() if n != "weights"} == {n: v for n, v in whole.items.items()
                                                                     if n != "weights"}
    spread = tuning_memory(LLAMA, "lora", context=512, sharding=Sharding(data=8, zero=3))
    assert spread.items["weights"] == pytest.approx(whole.items["weights"] / 8)
    assert spread.items["trained weights"] == whole.items["trained weights"]


def test_freezing_the_weights_saves_a_third_of_the_flop():
    full = tuning_flop(LLAMA, "full", 1024)
    assert tuning_flop(LLAMA, "lora", 1024, rank=8) / full == pytest.approx(2 / 3, rel=0.01)
    assert tuning_flop(LLAMA, "lora", 1024, rank=8) > 2 / 3 * full
    longer = tuning_flop(LLAMA, "prompt", 1024, prompt=100)
    assert longer == 2 * flops(LLAMA, context=1124).forward


def test_every_expert_gets_matrices_of_its_own():
    # r (out + in) for every matrix of attention and of each expert, by hand from the configuration
    mixtral = model("mixtral-8x7b")
    attention = 2 * (4096 + 4096) + 2 * (1024 + 4096)
    experts = 8 * 3 * (14336 + 4096)
    assert trained_params(mixtral, "lora", rank=16) == 16 * 32 * (attention + experts)
    assert trained_params(mixtral, "lora", rank=16, targets=("attention",)) == 16 * 32 * attention


@pytest.mark.parametrize(("call", "error", "says"), [
    (lambda: trained_params(LLAMA, "adapter"), UnknownName, "way of tuning 'adapter'"),
    (lambda: trained_params(LLAMA, "lora", targets=("queries",)), UnknownName, r"target of LoRA 'queries'.*query"),
    (lambda: trained_params(LLAMA, "lora", rank=0), InputError, "rank"),
    (lambda: trained_params(model("clip-vit-b-32"), "prompt"), InputError, "several streams"),
    (lambda: tuning_memory(LLAMA, "lora", frozen="int3", context=512), UnknownName, "int3"),
])
def test_what_cannot_be_tuned_so_is_named(call, error, says):
    with pytest.raises(error, match=says):
        call()
