"""Memory: against the printed formula for activations, torch's saved tensors, and sums by hand."""

from __future__ import annotations

import pytest

from lawful.cost.shapes import Sharding, model, read_config, serve_memory, train_memory
from lawful.errors import InputError, UnknownName

GPT = {"model_type": "gpt2", "n_embd": 64, "n_layer": 3, "n_head": 4, "n_positions": 128, "vocab_size": 50}


def activations(**options):
    return train_memory(read_config(GPT, "gpt"), context=128, **options).items["activations"]


# Korthikanti et al. 2022 (arXiv:2205.05198), equation 1: s b h (34 + 5 a s / h) bytes a layer. Of the 34, two are the
# masks of dropouts after attention and MLP, of the 5 three are the dropout of the softmax; our shapes have no dropout.
def test_a_plain_layer_keeps_what_korthikanti_prints_less_its_dropouts():
    s, h, a, layers = 128, 64, 4, 3
    ends = s * (64 * 2 + 50 * 4) + s * h * 2      # the head's input, log-softmax in fp32, the last norm's input
    assert activations(recompute="none") - ends == layers * s * h * (32 + 2 * a * s / h)
    assert activations(recompute="scores") - ends == layers * s * h * 32


def test_layers_computed_again_keep_their_inputs_and_one_layer_whole():
    s, h, layers = 128, 64, 3
    kept = activations(recompute="layer")
    assert layers * s * h * 2 < kept < activations(recompute="scores")
    assert kept == pytest.approx(s * (64 * 2 + 50 * 4) + layers * s * h * 2 + s * h * 32 + s * h * 2 / 3)


def test_a_gated_layer_keeps_what_torch_saves():
    torch = pytest.importorskip("torch", reason="torch saves what ours is compared with")
    F = torch.nn.functional
    n, width, hidden, heads = 32, 64, 160, 4
    weight = {k: torch.randn(shape, requires_grad=True) for k, shape in {
        "q": (width, width), "k": (width, width), "v": (width, width), "o": (width, width), "gate": (hidden, width),
        "up": (hidden, width), "down": (width, hidden), "n1": (width,), "n2": (width,)}.items()}
    saved = {}

    def keep(x):
        saved[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
        return x

    def split(x):
        return x.view(1, n, heads, -1).transpose(1, 2)

    x = torch.randn(1, n, width, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        h = F.layer_norm(x, (width,), weight["n1"])   # fused; the plain RMS norm of CPUs keeps its product as well
        q, k, v = (split(F.linear(h, weight[name])) for name in "qkv")
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(1, n, width)
        y = x + F.linear(out, weight["o"])
        h = F.layer_norm(y, (width,), weight["n2"])
        z = y + F.linear(F.silu(F.linear(h, weight["gate"])) * F.linear(h, weight["up"]), weight["down"])
    assert z.shape == x.shape
    kept = sum(saved.values()) - sum(w.untyped_storage().nbytes() for w in weight.values()
                                     if w.untyped_storage().data_ptr() in saved)
    fields = {"model_type": "llama", "hidden_size": width, "num_hidden_layers": 1, "num_attention_heads": heads,
              "intermediate_size": hidden, "vocab_size": 1}
    ours = train_memory(read_config(fields, "one"), context=n, precision="fp32").items["activations"]
    ours -= n * (width + width + 1) * 4          # the last norm, and the head
    assert ours == pytest.approx(kept, rel=0.02)  # torch also keeps a few scalars a token, of norms and softmax


# --------------------------------------------------------------------------------------- totals by hand

def test_mixed_precision_adam_takes_sixteen_bytes_a_param():
    items = train_memory(model("llama-3-8b"), context=1).items
    n = 8_030_261_248
    assert items["weights"] == items["gradients"] == 2 * n
    assert items["optimiser"] == 12 * n            # ZeRO, arXiv:1910.02054, section 3.1: K = 12


def test_zero_divides_state_then_gradients_then_weights():
    whole = train_memory(model("gpt2-xl"), context=1).items
    for stage, divided in enumerate([(), ("optimiser",), ("optimiser", "gradients"),
                                     ("optimiser", "gradients", "weights")]):
        items = train_memory(model("gpt2-xl"), context=1, sharding=Sharding(data=64, zero=stage)).items
        for name in ("weights", "gradients", "optimiser"):
            assert items[name] == whole[name] / (64 if name in divided else 1)


def test_experts_alone_are_divided_over_expert_parallel_devices():
    mixtral, spread = (serve_memory(model("mixtral-8x7b"), context=1, sharding=s).items["weights"]
                       for s in (None, Sharding(expert=8)))
    experts = 2 * model("mixtral-8x7b").params().groups["experts"]
    assert mixtral - spread == pytest.approx(experts * 7 / 8)


# Cache a token in bf16: Llama 3 70B 2 x 80 layers x 8 heads x 128 x 2 bytes; DeepSeek-V3 61 x (512 + 64) x 2 bytes,
# the "70 KB per token" of arXiv:2505.09343, table 1.
@pytest.mark.parametrize(("name", "bytes_"), [("llama-3-70b", 327_680), ("deepseek-v3", 70_272)])
def test_the_cache_of_a_token(name, bytes_):
    assert serve_memory(model(name), context=1).items["cache"] == bytes_


def test_a_window_bounds_the_cache_and_a_scan_keeps_a_fixed_state():
    mistral = [serve_memory(model("mistral-7b"), context=n).items["cache"] for n in (4096, 32768)]
    mamba = [serve_memory(model("mamba-2.8b"), context=n).items["cache"] for n in (10, 10_000)]
    assert mistral[0] == mistral[1]
    assert mamba[0] == mamba[1] > 0


def test_the_cache_stays_in_16_bits_under_fewer_bits_of_weights():
    few, many = (serve_memory(model("llama-3-8b"), context=1000, precision=p).items for p in ("int4", "bf16"))
    assert few["cache"] == many["cache"]
    assert few["weights"] == many["weights"] / 4


def test_bad_input_is_named():
    silent = read_config({**GPT}, "config.json")
    with pytest.raises(InputError, match="does not say its precision"):
        serve_memory(silent)
    with pytest.raises(UnknownName, match="fp16"):
        train_memory(silent, precision="fp61")
    with pytest.raises(UnknownName, match="adamw"):
        train_memory(silent, optimiser="adam")
    with pytest.raises(UnknownName, match="layer"):
        train_memory(silent, recompute="all")
    with pytest.raises(InputError, match="zero must be"):
        Sharding(zero=4)
    with pytest.raises(InputError, match="whole number of devices"):
        Sharding(tensor=2.5)
    with pytest.raises(InputError, match="positive number of sequences"):
        train_memory(silent, batch=0)
