"""``read_config(config) -> Shape``: the architecture that a Hugging Face ``config.json``, read as a dict, describes.

Each family is a small function on a ``Config``, registered under its ``model_type``. Defaults are those of the library
that wrote the file, so that a field it left out means what it means there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lawful.cost.shapes.blocks import (
    Attention,
    Block,
    Experts,
    FeedForward,
    LatentAttention,
    Linear,
    Norm,
    Patches,
    Scalars,
    SelectiveScan,
    Table,
)
from lawful.cost.shapes.shape import Shape, Tower
from lawful.errors import InputError, unknown

Blocks = list[tuple[int, Block]]


@dataclass(frozen=True)
class Config:
    """The fields of a configuration, asked for by name; ``where`` is what messages call it."""

    fields: Mapping[str, Any]
    where: str

    def count(self, *names: str, default: int | None = None) -> int:
        """The whole number under the first of ``names`` that is there. Raises InputError where none is, or it is not
        a whole number above 0."""
        name = next((n for n in names if self.fields.get(n) is not None), None)
        if name is None:
            if default is None:
                raise InputError(f"{self.where}: no {' or '.join(names)}; a {self.fields.get('model_type')} needs it")
            return default
        value = self.fields[name]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value) or value < 0:
            raise InputError(f"{self.where}: {name} must be a whole number, got {value!r}")
        return int(value)

    def flag(self, name: str, default: bool) -> bool:
        """Whether ``name`` is set."""
        value = self.fields.get(name)
        return default if value is None else bool(value)

    def inner(self, name: str) -> Config:
        """The configuration under ``name``."""
        value = self.fields.get(name)
        if not isinstance(value, Mapping):
            raise InputError(f"{self.where}: no {name}; a {self.fields.get('model_type')} needs it")
        return Config({"model_type": name, **value}, f"{self.where}, {name}")

    @property
    def head_dim(self) -> int:
        """Channels of a head: as said, or the width over the heads. Raises InputError where that is not whole."""
        width, heads = self.count("hidden_size", "n_embd", "d_model"), self.count("num_attention_heads", "n_head")
        if self.fields.get("head_dim") is None and width % heads:
            raise InputError(f"{self.where}: hidden_size {width} is not a multiple of {heads} attention heads")
        return self.count("head_dim", default=width // heads)


Reader = Callable[[Config], tuple[Tower, ...]]
_READERS: dict[str, Reader] = {}


def _reads(*types: str) -> Callable[[Reader], Reader]:
    """Registers the reader of these ``model_type``."""
    def register(reader: Reader) -> Reader:
        _READERS.update(dict.fromkeys(types, reader))
        return reader
    return register


def model_types() -> tuple[str, ...]:
    """The ``model_type`` that can be read."""
    return tuple(sorted(_READERS))


def read_config(fields: Mapping[str, Any], name: str = "config") -> Shape:
    """The shape that the ``fields`` of a ``config.json`` describe; ``name`` is what to call it.

    Raises ``UnknownName`` for a ``model_type`` that is not known, ``InputError`` for a field that is missing or is not
    what it should be, naming it.
    """
    if not isinstance(fields, Mapping) or not isinstance(fields.get("model_type"), str):
        raise InputError(f"{name}: no model_type; give a Hugging Face config.json, or one of the models of lawful calc")
    kind = fields["model_type"]
    if kind not in _READERS:
        raise unknown("model_type", kind, model_types(), where=f"in {name}")
    towers = _READERS[kind](Config(fields, name))
    context = next((fields[n] for n in ("max_position_embeddings", "n_positions", "n_ctx") if fields.get(n)), None)
    precision = fields.get("torch_dtype") or fields.get("dtype")
    return Shape(name, towers, context, precision if isinstance(precision, str) else None)


# --------------------------------------------------------------------------------- decoders of the llama kind

def _grouped(c: Config, **options: Any) -> Attention:
    heads = c.count("num_attention_heads")
    return Attention(heads, c.head_dim, c.count("num_key_value_heads", default=heads), **options)


def _decoder(c: Config, mixers: Blocks, feeds: Blocks, *, norms: int = 2, norm: Block | None = None,
             tied: bool = False) -> tuple[Tower, ...]:
    """Embedding, layers, last norm and head; ``norms`` of them in a layer."""
    vocab, layers, norm = c.count("vocab_size"), c.count("num_hidden_layers"), norm or Norm()
    blocks: Blocks = [(1, Table(vocab)), *mixers, *feeds, (norms * layers + 1, norm),
                      (1, Linear(vocab, tied=c.flag("tie_word_embeddings", tied)))]
    return (Tower("text", c.count("hidden_size"), tuple(blocks)),)


def _dense(c: Config, bias: bool = False) -> Blocks:
    return [(c.count("num_hidden_layers"), FeedForward(c.count("intermediate_size"), bias=bias))]


def _windowed(c: Config, full: int, **options: Any) -> Blocks:
    """Attention in all layers, of which ``full`` see everything and the others a window."""
    layers = c.count("num_hidden_layers")
    window = c.count("sliding_window", default=0) or None
    whole = layers if window is None else full
    return [(whole, _grouped(c, **options)), (layers - whole, _grouped(c, window=window, **options))]


@_reads("llama")
def _llama(c: Config) -> tuple[Tower, ...]:
    bias = c.flag("attention_bias", False)
    mixer = _grouped(c, bias=bias, out_bias=bias)
    return _decoder(c, [(c.count("num_hidden_layers"), mixer)], _dense(c, c.flag("mlp_bias", False)))


@_reads("mistral", "phi3")
def _mistral(c: Config) -> tuple[Tower, ...]:
    return _decoder(c, _windowed(c, 0), _dense(c))


@_reads("mixtral")
def _mixtral(c: Config) -> tuple[Tower, ...]:
    experts = Experts(c.count("num_local_experts"), c.count("num_experts_per_tok"), c.count("intermediate_size"))
    return _decoder(c, _windowed(c, 0), [(c.count("num_hidden_layers"), experts)])


def _qwen_window(c: Config) -> Config:
    """Qwen's window counts only where it is switched on."""
    return c if c.flag("use_sliding_window", False) else Config({**c.fields, "sliding_window": None}, c.where)


@_reads("qwen2")
def _qwen2(c: Config) -> tuple[Tower, ...]:
    c = _qwen_window(c)
    return _decoder(c, _windowed(c, c.count("max_window_layers", default=0), bias=True), _dense(c))


@_reads("qwen3")
def _qwen3(c: Config) -> tuple[Tower, ...]:
    c = _qwen_window(c)
    bias = c.flag("attention_bias", False)
    return _decoder(c, _windowed(c, c.count("max_window_layers", default=0), bias=bias, out_bias=bias,
                                 qk_norm=(c.head_dim,) * 2), _dense(c))


def _sparse(c: Config, experts: Experts) -> Blocks:
    """Experts in every ``decoder_sparse_step``-th layer but those of ``mlp_only_layers``, plain ones elsewhere."""
    layers, step = c.count("num_hidden_layers"), c.count("decoder_sparse_step", default=1)
    plain = c.fields.get("mlp_only_layers") or ()
    routed = sum((i + 1) % step == 0 and i not in plain for i in range(layers))
    dense: Blocks = [(layers - routed, FeedForward(c.count("intermediate_size")))] if routed < layers else []
    return [(routed, experts), *dense]


@_reads("qwen2_moe")
def _qwen2_moe(c: Config) -> tuple[Tower, ...]:
    c = _qwen_window(c)
    experts = Experts(c.count("num_experts"), c.count("num_experts_per_tok"), c.count("moe_intermediate_size"),
                      shared=c.count("shared_expert_intermediate_size"), shared_gate=True)
    return _decoder(c, _windowed(c, c.count("max_window_layers", default=0), bias=True), _sparse(c, experts))


@_reads("qwen3_moe")
def _qwen3_moe(c: Config) -> tuple[Tower, ...]:
    c = _qwen_window(c)
    experts = Experts(c.count("num_experts"), c.count("num_experts_per_tok"), c.count("moe_intermediate_size"))
    return _decoder(c, _windowed(c, c.count("max_window_layers", default=0), qk_norm=(c.head_dim,) * 2),
                    _sparse(c, experts))


@_reads("gemma")
def _gemma(c: Config) -> tuple[Tower, ...]:
    return _decoder(c, [(c.count("num_hidden_layers"), _grouped(c))], _dense(c), tied=True)


@_reads("gemma2")
def _gemma2(c: Config) -> tuple[Tower, ...]:
    return _decoder(c, _windowed(c, c.count("num_hidden_layers") // 2), _dense(c), norms=4, tied=True)


@_reads("gemma3_text")
def _gemma3(c: Config) -> tuple[Tower, ...]:
    full = c.count("num_hidden_layers") // c.count("sliding_window_pattern", default=6)
    return _decoder(c, _windowed(c, full, qk_norm=(c.head_dim,) * 2), _dense(c), norms=4, tied=True)


@_reads("olmo")
def _olmo(c: Config) -> tuple[Tower, ...]:
    return _decoder(c, [(c.count("num_hidden_layers"), _grouped(c))], _dense(c), norm=Norm(gain=False))


def _wide_norms(c: Config) -> tuple[int, int]:
    """Gains on all query heads together, and on all key heads."""
    heads = c.count("num_attention_heads")
    return heads * c.head_dim, c.count("num_key_value_heads", default=heads) * c.head_dim


@_reads("olmo2")
def _olmo2(c: Config) -> tuple[Tower, ...]:
    return _decoder(c, [(c.count("num_hidden_layers"), _grouped(c, qk_norm=_wide_norms(c)))], _dense(c))


@_reads("olmoe")
def _olmoe(c: Config) -> tuple[Tower, ...]:
    layers = c.count("num_hidden_layers")
    experts = Experts(c.count("num_experts"), c.count("num_experts_per_tok"), c.count("intermediate_size"))
    return _decoder(c, [(layers, _grouped(c, qk_norm=_wide_norms(c)))], [(layers, experts)])


@_reads("deepseek_v2", "deepseek_v3")
def _deepseek(c: Config) -> tuple[Tower, ...]:
    layers, hidden = c.count("num_hidden_layers"), c.count("moe_intermediate_size")
    dense = c.count("first_k_dense_replace")
    mixer = LatentAttention(
        c.count("num_attention_heads"), c.count("kv_lora_rank"), c.count("qk_nope_head_dim"),
        c.count("qk_rope_head_dim"), c.count("v_head_dim"), c.count("q_lora_rank", default=0) or None)
    experts = Experts(c.count("n_routed_experts"), c.count("num_experts_per_tok"), hidden,
                      shared=hidden * c.count("n_shared_experts"),
                      router_bias=c.fields["model_type"] == "deepseek_v3")
    return _decoder(c, [(layers, mixer)],
                    [(dense, FeedForward(c.count("intermediate_size"))), (layers - dense, experts)])


# --------------------------------------------------------------------------------- older and other decoders

@_reads("gpt2")
def _gpt2(c: Config) -> tuple[Tower, ...]:
    width, layers, heads = c.count("n_embd"), c.count("n_layer"), c.count("n_head")
    vocab = c.count("vocab_size")
    return (Tower("text", width, (
        (1, Table(vocab)), (1, Table(c.count("n_positions", "n_ctx"), "position")),
        (layers, Attention(heads, c.head_dim, heads, bias=True, out_bias=True)),
        (layers, FeedForward(c.count("n_inner", default=4 * width), gated=False, bias=True)),
        (2 * layers + 1, Norm(bias=True)), (1, Linear(vocab, tied=c.flag("tie_word_embeddings", True))))),)


@_reads("gpt_neox")
def _gpt_neox(c: Config) -> tuple[Tower, ...]:
    layers, heads = c.count("num_hidden_layers"), c.count("num_attention_heads")
    bias = c.flag("attention_bias", True)
    return _decoder(c, [(layers, Attention(heads, c.head_dim, heads, bias=bias, out_bias=bias))],
                    [(layers, FeedForward(c.count("intermediate_size"), gated=False, bias=True))], norm=Norm(bias=True))


@_reads("mamba")
def _mamba(c: Config) -> tuple[Tower, ...]:
    layers, width = c.count("num_hidden_layers", "n_layer"), c.count("hidden_size", "d_model")
    inner = c.count("intermediate_size", default=c.count("expand", default=2) * width)
    rank = c.fields.get("time_step_rank")
    mixer = SelectiveScan(inner, c.count("state_size", default=16), c.count("conv_kernel", default=4),
                          -(-width // 16) if rank in (None, "auto") else c.count("time_step_rank"),
                          c.flag("use_bias", False), c.flag("use_conv_bias", True))
    return _decoder(c, [(layers, mixer)], [], norms=1, tied=True)


@_reads("jamba")
def _jamba(c: Config) -> tuple[Tower, ...]:
    layers, width = c.count("num_hidden_layers"), c.count("hidden_size")

    def every(kind: str) -> int:
        period, offset = c.count(f"{kind}_layer_period"), c.count(f"{kind}_layer_offset")
        return sum(i % period == offset for i in range(layers))

    attention, routed = every("attn"), every("expert")
    scan = SelectiveScan(c.count("mamba_expand") * width, c.count("mamba_d_state"), c.count("mamba_d_conv"),
                         c.count("mamba_dt_rank"), c.flag("mamba_proj_bias", False), c.flag("mamba_conv_bias", True),
                         norms=True)
    hidden = c.count("intermediate_size")
    experts = Experts(c.count("num_experts"), c.count("num_experts_per_tok"), hidden)
    return _decoder(c, [(attention, _grouped(c)), (layers - attention, scan)],
                    [(routed, experts), (layers - routed, FeedForward(hidden))])


# --------------------------------------------------------------------------------- encoders, pairs, images

def _plain_layers(c: Config, *, causal: bool) -> Blocks:
    """Layers with biases everywhere and two layer norms."""
    layers, heads = c.count("num_hidden_layers"), c.count("num_attention_heads")
    return [(layers, Attention(heads, c.head_dim, heads, bias=True, out_bias=True, causal=causal)),
            (layers, FeedForward(c.count("intermediate_size"), gated=False, bias=True)), (2 * layers, Norm(bias=True))]


@_reads("bert")
def _bert(c: Config) -> tuple[Tower, ...]:
    width = c.count("hidden_size")
    return (Tower("text", width, (
        (1, Table(c.count("vocab_size"))), (1, Table(c.count("max_position_embeddings"), "position")),
        (1, Table(c.count("type_vocab_size", default=2))), (1, Norm(bias=True)), *_plain_layers(c, causal=False),
        (1, Linear(width, bias=True, use="example")))),)


def _image(c: Config, head: Blocks, extra_norms: int, patch_bias: bool) -> Tower:
    """A vision transformer with a class token; ``head`` is what stands at its end."""
    side, patch = c.count("image_size"), c.count("patch_size")
    if side % patch:
        raise InputError(f"{c.where}: image_size {side} is not a multiple of patch_size {patch}")
    patches = (side // patch) ** 2
    return Tower("image", c.count("hidden_size"), (
        (1, Patches(patches, patch, c.count("num_channels", default=3), patch_bias)), (1, Table(1, "position")),
        (1, Table(patches + 1, "position")), *_plain_layers(c, causal=False), (extra_norms, Norm(bias=True)), *head),
        patches + 1)


@_reads("vit")
def _vit(c: Config) -> tuple[Tower, ...]:
    labels = len(c.fields.get("id2label") or ()) or c.count("num_labels", default=0)
    head: Blocks = [(1, Linear(labels, bias=True, use="example"))] if labels else []
    return (_image(c, head, 1, patch_bias=True),)


@_reads("clip")
def _clip(c: Config) -> tuple[Tower, ...]:
    text, image, common = c.inner("text_config"), c.inner("vision_config"), c.count("projection_dim")
    project: Blocks = [(1, Linear(common, use="example"))]
    words = Tower("text", text.count("hidden_size"), (
        (1, Table(text.count("vocab_size"))), (1, Table(text.count("max_position_embeddings"), "position")),
        *_plain_layers(text, causal=True), (1, Norm(bias=True)), *project, (1, Scalars(1))),
        text.count("max_position_embeddings"))
    return (words, _image(image, project, 2, patch_bias=False))


@_reads("t5")
def _t5(c: Config) -> tuple[Tower, ...]:
    width, heads, vocab = c.count("d_model"), c.count("num_heads"), c.count("vocab_size")
    layers = c.count("num_layers")
    below = c.count("num_decoder_layers", default=layers)
    gated = str(c.fields.get("feed_forward_proj", "relu")).startswith("gated")
    feed, places = FeedForward(c.count("d_ff"), gated), c.count("relative_attention_num_buckets", default=32)

    def attention(**options: Any) -> Attention:
        return Attention(heads, c.count("d_kv"), heads, **options)

    bias = Table(places, "position", channels=heads)   # of the first layer, shared by the others
    encoder = Tower("encoder", width, (
        (1, Table(vocab)), (1, bias), (layers, attention(causal=False)), (layers, feed), (2 * layers + 1, Norm())))
    decoder = Tower("decoder", width, (
        (1, bias), (below, attention()), (below, attention(causal=False, across="encoder")), (below, feed),
        (3 * below + 1, Norm()), (1, Linear(vocab, tied=c.flag("tie_word_embeddings", True)))))
    return (encoder, decoder)
