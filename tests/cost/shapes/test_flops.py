"""FLOP: every kind of block against torch's own counter, conventions against what papers print."""

from __future__ import annotations

import math

import pytest

from lawful.cost.shapes import CONVENTIONS, flops, model, models, read_config
from lawful.errors import InputError, UnknownName

torch = pytest.importorskip("torch", reason="torch counts the FLOP that ours are compared with")
F = torch.nn.functional
N = 48  # tokens of an example


def counted(run):
    """The FLOP that torch counts, with a rule for the attention kernel of CPUs, which it counts as nothing."""
    from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

    def attention(query, key, value, *_args, out_shape=None, **_kwargs):
        return sdpa_flop_count(query, key, value)

    rule = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention}
    with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=rule) as counter:
        run()
    return counter.get_total_flops()


def linear(x, rows):
    return F.linear(x, torch.empty(rows, x.shape[-1]))


def attend(query, key, value, heads):
    """Attention of heads laid side by side in channels, keys repeated for the queries that share them."""
    def split(x):
        return x.reshape(1, x.shape[-2], -1, query.shape[-1] // heads).transpose(1, 2)

    keys, values = split(key), split(value)
    repeat = heads // keys.shape[1]
    return F.scaled_dot_product_attention(
        split(query), keys.repeat_interleave(repeat, 1), values.repeat_interleave(repeat, 1), is_causal=False,
    ).transpose(1, 2).reshape(1, query.shape[-2], -1)


def self_attention(x, heads, kv_heads, head_dim):
    out = attend(linear(x, heads * head_dim), linear(x, kv_heads * head_dim), linear(x, kv_heads * head_dim), heads)
    return linear(out, x.shape[-1])


def cross_attention(x, memory, heads, head_dim):
    inner = heads * head_dim
    return linear(attend(linear(x, inner), linear(memory, inner), linear(memory, inner), heads), x.shape[-1])


def latent_attention(x, c):
    heads, keys = c["num_attention_heads"], c["qk_nope_head_dim"] + c["qk_rope_head_dim"]
    query = linear(linear(x, c["q_lora_rank"]), heads * keys).reshape(1, N, heads, keys).transpose(1, 2)
    latent = linear(x, c["kv_lora_rank"] + c["qk_rope_head_dim"])
    up = linear(latent[..., :c["kv_lora_rank"]], heads * (c["qk_nope_head_dim"] + c["v_head_dim"]))
    up = up.reshape(1, N, heads, -1).transpose(1, 2)
    rope = latent[:, None, :, c["kv_lora_rank"]:].expand(1, heads, N, c["qk_rope_head_dim"])
    key, value = torch.cat([up[..., :c["qk_nope_head_dim"]], rope], -1), up[..., c["qk_nope_head_dim"]:]
    out = torch.softmax(query @ key.transpose(-1, -2), -1) @ value
    return linear(out.transpose(1, 2).reshape(1, N, -1), x.shape[-1])


def gated(x, hidden):
    return linear(linear(x, hidden) * F.silu(linear(x, hidden)), x.shape[-1])


def plain(x, hidden):
    return linear(F.gelu(linear(x, hidden)), x.shape[-1])


def experts(x, routed, active, hidden):
    """Every token to its own ``active`` experts, each run on the tokens that chose it."""
    scores = linear(x, routed) + torch.randn(N, routed)
    chosen = torch.topk(scores, active, dim=-1).indices[0]
    for expert in range(routed):
        took = x[0, (chosen == expert).any(-1)]
        if len(took):
            gated(took, hidden)


def selective_scan(x, inner, states, convolution, rank):
    """A Mamba block; the recurrence is elementwise, which torch does not count."""
    u, _gate = linear(x, 2 * inner).chunk(2, -1)
    u = F.conv1d(F.pad(u.transpose(1, 2), (convolution - 1, 0)), torch.empty(inner, 1, convolution), groups=inner)
    selected = linear(u.transpose(1, 2), rank + 2 * states)
    linear(selected[..., :rank], inner)
    linear(u.transpose(1, 2), x.shape[-1])


DECODER = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 8, "num_key_value_heads": 2,
           "intermediate_size": 96, "vocab_size": 200}


def dense(c, heads=8, kv_heads=2, head_dim=8):
    x = torch.zeros(1, N, 64)
    for _ in range(2):
        self_attention(x, heads, kv_heads, head_dim)
        gated(x, 96)
    linear(x, 200)


def sparse(c):
    x = torch.zeros(1, N, 64)
    for _ in range(2):
        self_attention(x, 8, 2, 8)
        experts(x, 6, 2, 96)
    linear(x, 200)


DEEPSEEK = {**DECODER, "model_type": "deepseek_v3", "q_lora_rank": 24, "kv_lora_rank": 16, "qk_nope_head_dim": 8,
            "qk_rope_head_dim": 4, "v_head_dim": 10, "moe_intermediate_size": 32, "n_routed_experts": 6,
            "num_experts_per_tok": 2, "n_shared_experts": 2, "first_k_dense_replace": 1}


def deepseek(c):
    x = torch.zeros(1, N, 64)
    latent_attention(x, c)
    gated(x, 96)
    latent_attention(x, c)
    experts(x, 6, 2, 32)
    gated(x, 64)
    linear(x, 200)


def gpt2(c):
    x = torch.zeros(1, N, 64)
    for _ in range(2):
        self_attention(x, 8, 8, 8)
        plain(x, 256)
    linear(x, 200)


def vit(c):
    x = F.conv2d(torch.zeros(1, 3, 32, 32), torch.empty(64, 3, 8, 8), stride=8).flatten(2).transpose(1, 2)
    x = torch.cat([torch.zeros(1, 1, 64), x], 1)
    for _ in range(2):
        self_attention(x, 8, 8, 8)
        plain(x, 96)
    linear(x[:, 0], 10)


def clip(c):
    words = torch.zeros(1, 20, 64)
    for _ in range(2):
        self_attention(words, 8, 8, 8)
        plain(words, 96)
    linear(words[:, -1], 40)
    image = F.conv2d(torch.zeros(1, 3, 32, 32), torch.empty(64, 3, 8, 8), stride=8).flatten(2).transpose(1, 2)
    image = torch.cat([torch.zeros(1, 1, 64), image], 1)
    for _ in range(2):
        self_attention(image, 8, 8, 8)
        plain(image, 96)
    linear(image[:, 0], 40)


def t5(c):
    memory, x = torch.zeros(1, N, 64), torch.zeros(1, 30, 64)
    for _ in range(2):
        self_attention(memory, 4, 4, 8)
        plain(memory, 96)
    for _ in range(2):
        self_attention(x, 4, 4, 8)
        cross_attention(x, memory, 4, 8)
        plain(x, 96)
    linear(x, 200)


def mamba(c):
    x = torch.zeros(1, N, 64)
    for _ in range(2):
        selective_scan(x, 128, 8, 4, 4)
    linear(x, 200)


IMAGE = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 8, "intermediate_size": 96, "image_size": 32,
         "patch_size": 8}

CASES = {
    "grouped-query, gated": ({**DECODER, "model_type": "llama"}, dense, {}),
    "multi-query, wide heads": ({**DECODER, "model_type": "gemma", "num_key_value_heads": 1, "head_dim": 16},
                                lambda c: dense(c, 8, 1, 16), {}),
    "window": ({**DECODER, "model_type": "mistral", "sliding_window": 16}, dense, {}),
    "experts": ({**DECODER, "model_type": "mixtral", "num_local_experts": 6, "num_experts_per_tok": 2}, sparse, {}),
    "latent attention, shared experts": (DEEPSEEK, deepseek, {}),
    "plain, tied": ({"model_type": "gpt2", "n_embd": 64, "n_layer": 2, "n_head": 8, "n_positions": 64,
                     "vocab_size": 200}, gpt2, {}),
    "image": ({**IMAGE, "model_type": "vit", "num_labels": 10}, vit, {"image": 17}),
    "pair": ({"model_type": "clip", "projection_dim": 40, "vision_config": IMAGE,
              "text_config": {**IMAGE, "vocab_size": 200, "max_position_embeddings": 20}}, clip,
             {"image": 17, "text": 20}),
    "encoder and decoder": ({"model_type": "t5", "d_model": 64, "num_layers": 2, "num_heads": 4, "d_kv": 8, "d_ff": 96,
                             "vocab_size": 200}, t5, {"encoder": N, "decoder": 30}),
    "selective scan": ({"model_type": "mamba", "hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 200,
                        "state_size": 8}, mamba, {}),
}


@pytest.mark.parametrize("kind", CASES)
def test_exact_is_what_torch_counts(kind):
    fields, run, lengths = CASES[kind]
    ours = flops(read_config(fields, kind), "exact", N, **lengths)
    uncounted = ours.items.get("scan", 0.0)  # torch counts no elementwise recurrence
    torch.manual_seed(0)
    assert ours.forward - uncounted == pytest.approx(counted(lambda: run(fields)), rel=1e-3)


def test_training_costs_three_forward_passes_as_torch_counts_them():
    from torch.utils.flop_counter import FlopCounterMode

    layer = torch.nn.Sequential(torch.nn.Linear(64, 96), torch.nn.GELU(), torch.nn.Linear(96, 64))
    x = torch.zeros(N, 64, requires_grad=True)
    with FlopCounterMode(display=False) as counter:
        layer(x).sum().backward()
    assert counter.get_total_flops() == 3 * 2 * N * 2 * 64 * 96


# --------------------------------------------------------------------------------------- conventions

def test_vit_multiply_adds_are_those_that_torchvision_states():
    assert flops(model("vit-l-16")).forward / 2e9 == pytest.approx(61.555, abs=0.0005)
    assert flops(model("vit-b-16")).forward / 2e9 == pytest.approx(17.564, abs=0.0005)


def test_a_plain_gpt_costs_the_same_by_megatrons_formula_as_exactly():
    gpt = model("gpt2")
    assert flops(gpt, "megatron").forward == pytest.approx(flops(gpt, "exact").forward, rel=1e-12)


def test_kaplan_counts_the_weights_and_attentions_causal_mean():
    gpt = model("gpt2-xl")
    by_hand = 2 * gpt.params().nonembedding + 2 * 48 * 1024 * 1600    # table 1: 2N + 2 n_layer n_ctx d_attn
    assert flops(gpt, "kaplan", 1024).forward / 1024 == pytest.approx(by_hand, rel=1e-12)


def test_palm_is_six_n_and_twelve_lhqt():
    llama = model("llama-3-8b")
    by_hand = 6 * llama.params().total + 12 * 32 * 32 * 128 * 8192
    assert flops(llama, "palm", 8192).train / 8192 == pytest.approx(by_hand, rel=1e-12)


def test_a_causal_mask_halves_the_scores_and_a_window_bounds_them():
    full, half = (flops(model("llama-3-8b"), c, 8192).items["scores and values"] for c in ("exact", "causal"))
    assert half / full == pytest.approx((8192 + 1) / (2 * 8192), rel=1e-12)
    wide, narrow = (flops(model("mistral-7b"), c, 16384).items["scores and values"] for c in ("exact", "causal"))
    kept = sum(min(i + 1, 4096) for i in range(16384))
    assert narrow / wide == pytest.approx(kept / 16384**2, rel=1e-12)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("name", ["llama-3-8b", "mixtral-8x7b", "mamba-2.8b"])
def test_more_context_never_costs_less_and_items_add_up(convention, name):
    short, long = (flops(model(name), convention, n) for n in (512, 4096))
    assert long.forward / 4096 >= short.forward / 512 > 0
    assert sum(long.items.values()) == long.forward
    assert long.train == 3 * long.forward


def test_what_cannot_be_counted_is_said():
    with pytest.raises(UnknownName, match="kaplan"):
        flops(model("gpt2"), "kapln")
    with pytest.raises(UnknownName, match="text"):
        flops(model("gpt2"), "exact", image=4)
    with pytest.raises(InputError, match="says no longest context"):
        flops(model("mamba-130m"))
    with pytest.raises(InputError, match="one stream of tokens"):
        flops(model("t5-base"), "6N", 512)
    with pytest.raises(InputError, match="at least 1"):
        flops(model("gpt2"), "exact", -4)


def test_every_published_shape_is_counted_under_every_convention_that_applies():
    for name in models():
        shape = model(name)
        for convention in CONVENTIONS:
            if len(shape.towers) == 1 or convention in ("exact", "causal"):
                assert math.isfinite(flops(shape, convention, 512).train)
