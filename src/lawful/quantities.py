"""Names, symbols, units and counting conventions of the field, and the numbers people type.

One word per idea: these names are used in code, in columns and in ``--at``. What to use when:

- ``quantity("params")`` looks a name up, ``QUANTITIES`` is the whole glossary;
- ``resolve_columns`` finds the known quantities among the columns of somebody's table;
- ``parse_number("70B")`` reads the field's shorthand, ``parse_assignments("params=7B,tokens=1.4T")``
  a list of values, ``parse_device_time("8xH100*72h")`` a stretch of machine time.

Importing this module costs nothing: no numpy.
"""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from lawful.errors import InputError, RunsError, unknown


@dataclass(frozen=True)
class Quantity:
    """A named variable of the field.

    ``convention`` says what is counted where the field disagrees (``total``, ``non-embedding``,
    ``active``); ``aliases`` are column names that mean the same, best first.
    """

    name: str
    symbol: str
    unit: str
    about: str
    convention: str = ""
    aliases: tuple[str, ...] = ()
    positive: bool = True

    def label(self) -> str:
        """The name with its unit, as an axis or a table head shows it."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name


def _count(name: str, symbol: str, about: str, *aliases: str, convention: str = "") -> Quantity:
    return Quantity(name, symbol, "count", about, convention, aliases)


_GLOSSARY = (
    Quantity("params", "N", "count", "parameters of the model", "as the table counts them",
             ("n", "n_params", "num_params", "parameters", "n_parameters", "num_parameters", "param_count",
              "model_size", "model_params")),
    _count("nonembedding_params", "N", "parameters without embeddings", "n_no_embed", "n_nonemb",
           "n_non_embedding", "non_embedding_params", "params_non_embedding", "n_nonembedding",
           "params_no_embed", "n_nonvocab", "nonemb_params", convention="non-embedding"),
    _count("active_params", "N_a", "parameters used per token", "n_active", "params_active",
           "activated_params", convention="active"),
    _count("total_params", "N_t", "all parameters, embeddings and idle experts included", "n_total",
           "params_total", convention="total"),
    _count("encoder_params", "N_e", "parameters of the encoder"),
    _count("decoder_params", "N_d", "parameters of the decoder"),
    Quantity("tokens", "D", "tokens", "training tokens, repeats included", "",
             ("d", "n_tokens", "num_tokens", "train_tokens", "training_tokens", "tokens_seen",
              "data_size", "dataset_size", "total_tokens")),
    Quantity("unique_tokens", "U", "tokens", "distinct training tokens", "", ("u", "tokens_unique")),
    Quantity("epochs", "R", "passes", "passes over the data", "", ("epoch", "num_epochs")),
    Quantity("tokens_per_param", "D/N", "tokens/param", "training tokens per parameter"),
    Quantity("compute", "C", "FLOP", "training compute", "",
             ("c", "flops", "flop", "c_flops", "train_flops", "training_flops", "training_compute",
              "total_flops", "compute_flops", "c_nominal")),
    Quantity("loss", "L", "nats/token", "cross-entropy loss", "",
             ("l", "final_loss", "val_loss", "validation_loss", "valid_loss", "eval_loss", "eval/loss",
              "val/loss", "test_loss", "cross_entropy", "ce_loss", "train_loss", "training_loss",
              "final_val_loss")),
    Quantity("bits_per_byte", "L_b", "bits/byte", "cross-entropy per byte of text", "", ("bpb",)),
    Quantity("error", "err", "fraction", "share of wrong answers", "", ("error_rate", "err")),
    Quantity("accuracy", "acc", "fraction", "share of right answers", "", ("acc",)),
    Quantity("coverage", "pass@k", "fraction", "share of problems solved by any sample", "", ("pass_at_k",)),
    Quantity("elo", "Elo", "points", "rating", positive=False),
    Quantity("reward", "R", "reward", "reward", positive=False),
    Quantity("learning_rate", "lr", "1", "peak learning rate", "", ("lr", "peak_lr", "max_lr")),
    Quantity("batch_tokens", "B", "tokens", "tokens per optimiser step", "", ("batch_size_tokens",)),
    Quantity("weight_decay", "lambda", "1", "decoupled weight decay"),
    Quantity("decay_timescale", "tau", "fraction", "averaging time of the weights over the length of the run"),
    Quantity("steps", "S", "steps", "optimiser steps", "", ("step", "total_steps", "num_steps")),
    Quantity("warmup_steps", "S_w", "steps", "warm-up steps", "", ("warmup",)),
    _count("width", "d", "hidden size", "d_model", "hidden_size"),
    _count("depth", "l", "layers", "layers", "n_layers", "num_layers", "n_layer"),
    _count("heads", "h", "attention heads", "n_heads", "num_heads"),
    Quantity("context", "T", "tokens", "context length", "", ("ctx", "seq_len", "context_length")),
    _count("vocab_size", "V", "vocabulary size", "vocab"),
    _count("experts", "E", "experts per layer", "num_experts", "n_experts"),
    _count("active_experts", "k", "experts per token", "top_k"),
    Quantity("shared_ratio", "S", "fraction", "share of active experts that every token shares", positive=False),
    Quantity("granularity", "G", "ratio", "dense feed-forward width over expert width"),
    Quantity("sparsity", "s", "fraction", "share of weights that are zero", positive=False),
    Quantity("density", "rho", "fraction", "share of weights kept"),
    Quantity("unpruned_error", "e_np", "fraction", "share of wrong answers before pruning"),
    Quantity("initial_loss", "L0", "nats/token", "loss of the model that a treatment starts from"),
    Quantity("weight_bits", "P_w", "bits", "bits per weight in training", "", ("w_bits",)),
    Quantity("activation_bits", "P_a", "bits", "bits per activation", "", ("a_bits",)),
    Quantity("kv_bits", "P_kv", "bits", "bits per cached key and value"),
    Quantity("post_bits", "P_post", "bits", "bits per weight after training"),
    _count("group_size", "G", "values that share a quantisation scale"),
    Quantity("added_loss", "dL", "nats/token", "loss added by quantisation"),
    Quantity("finetune_tokens", "D_f", "tokens", "fine-tuning tokens", "", ("d_sft",)),
    _count("lora_rank", "r", "rank of the low-rank update", "rank"),
    Quantity("pretrain_tokens", "D_p", "tokens", "pre-training tokens"),
    Quantity("datastore_tokens", "D_s", "tokens", "tokens in the retrieval store"),
    _count("samples", "k", "samples per query", "n_samples"),
    Quantity("inference_compute", "C", "FLOP", "compute spent on one query"),
    Quantity("flop_per_token", "M", "FLOP", "training compute per token"),
    _count("images", "D", "training images", "num_images"),
    _count("pairs", "D", "image-text pairs"),
    _count("members", "n", "networks in an ensemble"),
    _count("interactions", "D", "environment steps", "env_steps"),
    _count("episodes", "D", "episodes"),
    _count("users", "U", "users"),
    _count("items", "I", "items"),
    _count("nodes", "V", "graph nodes"),
    _count("edges", "D", "graph edges"),
    Quantity("temperature", "tau", "1", "sampling temperature"),
    _count("teacher_params", "N_T", "parameters of the teacher"),
    Quantity("teacher_tokens", "D_T", "tokens", "tokens the teacher saw"),
    Quantity("teacher_loss", "L_T", "nats/token", "loss of the teacher"),
    _count("streams", "P", "parallel streams"),
    Quantity("hours", "t", "h", "wall-clock hours", "", ("wall_hours",)),
    Quantity("usd", "cost", "USD", "money", "", ("cost_usd", "dollars")),
    Quantity("kwh", "W", "kWh", "energy", "", ("energy_kwh",)),
    Quantity("co2e_kg", "CO2e", "kg", "emissions, CO2 equivalent"),
    Quantity("latency_s", "t", "s", "latency", "", ("latency",)),
    Quantity("memory_bytes", "M", "bytes", "memory", "", ("memory",)),
    Quantity("scale_up", "r", "x", "times as much of a resource"),
    Quantity("growth", "g", "x", "times as much of what the resource buys"),
    Quantity("task_loss", "L", "task unit", "loss or error in the task's own unit"),
    Quantity("exponent", "alpha", "1", "exponent of a power law"),
    _count("examples", "D", "training examples"),
    Quantity("audio_hours", "D", "h", "hours of recorded speech"),
    Quantity("device_hours", "C", "device-hours", "devices times hours, on the device that the law names"),
    Quantity("years", "t", "years", "time since the date that the law names"),
    Quantity("intrinsic_dim", "d", "dimensions", "dimension of the data manifold"),
    _count("board_size", "s", "side of the board"),
    Quantity("kl", "KL", "nats", "divergence of the policy from where it began"),
    Quantity("pue", "PUE", "ratio", "energy of the site over energy of its devices"),
    Quantity("carbon_intensity", "c_inten", "kg/kWh", "emissions of the grid per energy"),
    Quantity("finetune_characters", "D_F", "characters", "fine-tuning data in characters"),
    Quantity("transferred_characters", "D_T", "characters", "fine-tuning data that pre-training is worth"),
    Quantity("upstream_error", "e_US", "fraction", "error on the pre-training task"),
    Quantity("bleu", "BLEU", "points", "translation score"),
    Quantity("capability", "S", "score", "first principal component of benchmark scores", positive=False),
    _count("vocab_params", "N_v", "parameters of the vocabulary: its size times the width"),
    Quantity("normalised_loss", "L_u", "nats/token", "loss minus that of a unigram model", positive=False),
)

QUANTITIES: Mapping[str, Quantity] = {q.name: q for q in _GLOSSARY}

PARAM_COUNTS = ("params", "nonembedding_params", "active_params", "total_params")
"""The names under which a table may hold the size of a model."""

OUTPUTS = ("loss", "bits_per_byte", "error", "accuracy", "coverage", "elo", "reward")
"""The names that are outcomes of a run, never choices."""


def quantity(name: str, own: Container[str] = ()) -> Quantity:
    """The quantity called ``name``; ``mixture.<domain>``, ``tokens.<domain>`` and ``loss.<domain>`` are families.

    A name among ``own`` that the glossary lacks is a column of the user's own: any number, in a unit of its own.
    Raises ``UnknownName`` with the nearest names for any other.
    """
    found = QUANTITIES.get(name) or _of_family(name)
    if found is None and name in own:
        return Quantity(name, name, "", "a column of the table", positive=False)
    if found is None:
        raise unknown("quantity", name, QUANTITIES)
    return found


def _of_family(name: str) -> Quantity | None:
    family, _, domain = name.partition(".")
    if domain and family == "mixture":
        return Quantity(name, "r", "fraction", f"share of {domain} in the mixture", positive=False)
    if domain and family == "tokens":
        return Quantity(name, "D", "tokens", f"training tokens of {domain}, repeats included", positive=False)
    if domain and family == "loss":
        return Quantity(name, "L", "nats/token", f"loss on {domain}")
    return None


# ------------------------------------------------------------------------------------------ columns

_SCALES = {"millions": 1e6, "million": 1e6, "m": 1e6, "billions": 1e9, "billion": 1e9, "b": 1e9,
           "trillions": 1e12, "trillion": 1e12, "t": 1e12}
_SCALE_SUFFIX = re.compile(r"^(?P<stem>.+?)_(?P<scale>1e\d+|" + "|".join(_SCALES) + r")$")


def _plain(column: str) -> str:
    return re.sub(r"[^a-z0-9./]+", "_", column.strip().lower()).strip("_")


_ALIASES: Mapping[str, tuple[str, int]] = {
    alias: (q.name, rank) for q in _GLOSSARY for rank, alias in enumerate((q.name, *q.aliases))
}


@dataclass(frozen=True)
class Column:
    """Where a quantity was found: the ``column`` of the table and the ``scale`` its header states."""

    name: str
    column: str
    scale: float = 1.0


def _scaled(column: str) -> tuple[str, float]:
    """The header without the scale that it states, and that scale."""
    plain = _plain(column)
    scaled = _SCALE_SUFFIX.match(plain)
    if scaled is None or plain in _ALIASES:
        return plain, 1.0
    scale = scaled["scale"]
    return scaled["stem"], float(scale) if scale.startswith("1e") else _SCALES[scale]


def _has_scale(name: str) -> bool:
    return quantity(name).unit in ("count", "tokens", "FLOP")


def _guess(column: str) -> tuple[str, int, float] | None:
    if _of_family(column.strip()):
        return column.strip(), 0, 1.0
    stem, scale = _scaled(column)
    if stem not in _ALIASES:
        return None
    name, rank = _ALIASES[stem]
    if scale == 1.0:
        return name, rank, scale
    return (name, 100 + rank, scale) if _has_scale(name) else None


def resolve_columns(columns: Iterable[str], mapping: Mapping[str, str] | None = None) -> dict[str, Column]:
    """The known quantities among ``columns``, by name.

    An explicit ``mapping`` {quantity: column} wins; then the quantity's own name; then its aliases in
    the order of the glossary. A header such as ``N_billions`` states its scale, mapped or not, for a
    count, tokens or FLOP. ``mixture.<domain>`` and ``loss.<domain>`` are found by these names. Columns
    that mean nothing here are left for the caller to keep as labels.

    Raises ``RunsError`` for a mapped column that is not there, ``UnknownName`` for a mapped quantity
    that does not exist.
    """
    columns = list(columns)
    found: dict[str, tuple[int, Column]] = {}
    for column in columns:
        guess = _guess(column)
        if guess is None:
            continue
        name, rank, scale = guess
        if name not in found or rank < found[name][0]:
            found[name] = (rank, Column(name, column, scale))
    for name, column in (mapping or {}).items():
        if column not in columns:
            raise RunsError(f"--map {name}={column}: no column {column!r}; found {', '.join(columns)}")
        scale = _scaled(column)[1] if _has_scale(name) else 1.0
        found = {k: v for k, v in found.items() if v[1].column != column or k == name}
        found[name] = (-1, Column(name, column, scale))
    return {name: column for name, (_, column) in found.items()}


# ------------------------------------------------------------------------------------------ numbers

_SUFFIXES = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12, "p": 1e15, "e": 1e18, "z": 1e21, "y": 1e24}
_NUMBER = re.compile(
    r"([+-]?(?:\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*"  # commas between thousands only
    r"(?:((?i:pf-?days?))|(?:([kKmMbBgGtTpPEzZyY])\s*)?(?i:flops?|tokens?|params?|parameters?|bytes?|steps?)?)")

FLOP_PER_PARAM_TOKEN = 6.0
"""Training FLOP per parameter and token in C = 6 N D: 2 forward, 4 backward (Kaplan et al. 2020, section 2.1)."""

PF_DAY = 8.64e19
"""FLOP in one petaFLOP/s-day: 1e15 x 86,400 (Kaplan et al. 2020)."""


def parse_number(text: str | float, what: str = "value") -> float:
    """The number that ``text`` means: ``70B``, ``1.4T``, ``5.76e23``, ``300B tokens``, ``1_000``, ``3 PF-days``.

    ``what`` names the place in the error. Raises ``InputError`` for anything else, NaN and infinity included.
    """
    if isinstance(text, (int, float)):
        try:
            number = float(text)
        except OverflowError:
            raise InputError(f"{what}: a whole number of more than 308 digits is not a finite number") from None
    else:
        match = _NUMBER.fullmatch(str(text).replace("_", "").strip())
        if match is None:
            raise InputError(f"{what}: {text!r} is not a number; write 7e9, 7B, 1.4T or 5.76e23")
        factor = PF_DAY if match[2] else _SUFFIXES[match[3].lower()] if match[3] else 1.0
        number = float(match[1].replace(",", "")) * factor
    if not math.isfinite(number):
        raise InputError(f"{what}: {text!r} is not a finite number")
    return number


def parse_positive(text: str | float, what: str = "value") -> float:
    """Like ``parse_number``, refusing zero and negative numbers by name."""
    number = parse_number(text, what)
    if number <= 0:
        raise InputError(f"{what}: must be positive, got {text}")
    return number


def parse_assignments(text: str, what: str = "--at") -> dict[str, str]:
    """``{"params": "7B", "tokens": "1.4T"}`` from ``"params=7B,tokens=1.4T"``.

    Raises ``InputError`` for a part without ``=`` and for a name given twice.
    """
    pairs: dict[str, str] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, equals, value = (s.strip() for s in part.partition("="))
        if not equals or not name or not value:
            raise InputError(f"{what}: {part!r} is not NAME=VALUE; write for example params=7B,tokens=1.4T")
        if name in pairs:
            raise InputError(f"{what}: {name} is given twice")
        pairs[name] = value
    return pairs


@dataclass(frozen=True)
class DeviceTime:
    """So many devices of one kind for so many hours."""

    devices: int
    device: str
    hours: float


_HOURS = {"h": 1.0, "hr": 1.0, "hrs": 1.0, "hour": 1.0, "hours": 1.0, "d": 24.0, "day": 24.0, "days": 24.0,
          "w": 168.0, "week": 168.0, "weeks": 168.0}
_DEVICE_TIME = re.compile(r"^\s*(\d{1,12})\s*[xX]\s*([A-Za-z0-9 _.-]+?)\s*\*\s*([\d.eE+]+)\s*([a-zA-Z]+)\s*$")


def parse_device_time(text: str) -> DeviceTime:
    """The machine time that ``"8xH100*72h"`` means; ``h``, ``d`` and ``w`` are hours, days and weeks.

    Raises ``InputError`` for anything else.
    """
    match = _DEVICE_TIME.match(text)
    if match is None or match[4].lower() not in _HOURS:
        raise InputError(f"{text!r} is not machine time; write for example 8xH100*72h or 64xH100*30d")
    hours = parse_positive(match[3], f"hours in {text!r}") * _HOURS[match[4].lower()]
    if int(match[1]) < 1:
        raise InputError(f"{text!r}: at least one device is needed")
    return DeviceTime(int(match[1]), match[2], hours)


def format_loss(value: float) -> str:
    """A loss to four places: ``2.3045``; one that is beyond all losses, in short."""
    return f"{value:.4f}" if abs(value) < 1e4 else format_number(value)


def format_number(value: float, digits: int = 4, unit: str = "") -> str:
    """A short reading of ``value`` for people: ``402B``, ``1.43T``, ``183,900``, ``0.3473``, ``5.76e+23``.

    FLOP (``unit="FLOP"``) are always written as a power of ten, as the field does.
    """
    if value == 0 or not math.isfinite(value) or unit == "FLOP":
        return f"{value:.{digits}g}" if abs(value) >= 1e6 else f"{value:g}"
    size = abs(value)
    if 1e3 <= size < 1e6:
        return f"{float(f'{value:.{digits}g}'):,.{max(digits, 7)}g}"
    for factor, suffix in ((1e6, "M"), (1e9, "B"), (1e12, "T")):
        rounded = float(f"{value / factor:.{max(digits - 1, 1)}g}")
        if size >= 1e6 and 1.0 <= abs(rounded) < 1e3:   # 999.9B is 1T
            return f"{rounded:g}{suffix}"
    return f"{value:.{digits}g}"
