"""``train_memory`` and ``serve_memory``: what a shape holds on one device, item by item.

Training holds weights, gradients, the optimiser's state and the activations that the backward pass needs; serving
holds weights and the cache. Sharding divides them by simple divisors, stated at ``Sharding``; buffers of communication,
fragments of the allocator and the peak of a single operation come on top, and are not counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lawful.cost.checks import positive
from lawful.cost.shapes.parts import Activation, Cache, Weight
from lawful.cost.shapes.shape import Shape
from lawful.errors import InputError, unknown

BYTES: Mapping[str, float] = {"fp32": 4.0, "tf32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0, "fp4": 0.5,
                              "int4": 0.5}
"""Bytes of a number in each precision; the scales of block formats are not counted."""

STORED: Mapping[str, str] = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16", "float8_e4m3fn": "fp8"}
"""Precisions by the names that configurations use."""

OPTIMISERS: Mapping[str, tuple[float, str]] = {
    "adamw": (8.0, "two moments in fp32"), "adamw-8bit": (2.0, "two moments in 8 bits"),
    "muon": (4.0, "one moment in fp32"), "momentum": (4.0, "one moment in fp32"), "sgd": (0.0, "no state"),
}
"""Bytes of state for each weight, beside the master copy in fp32 that training in fewer bits keeps."""

MASTER = 4.0
"""Bytes of the fp32 copy of each weight."""

RECOMPUTE = ("none", "scores", "layer")
"""What the backward pass computes again: nothing; the attention scores, as fused kernels do; every layer from its
input."""


@dataclass(frozen=True)
class Sharding:
    """Over how many devices each thing is divided.

    ``tensor`` and ``pipeline`` divide weights, gradients, state and activations (activations with sequence parallelism;
    a pipeline that is kept full holds as many micro-batches as it has stages, so that it does not divide them);
    ``expert`` divides the experts; ``zero`` 1 divides the state over ``data`` replicas, 2 the gradients as well, 3 the
    weights as well.
    """

    data: int = 1
    tensor: int = 1
    pipeline: int = 1
    expert: int = 1
    zero: int = 0

    def __post_init__(self) -> None:
        for name in ("data", "tensor", "pipeline", "expert"):
            if positive(f"sharding: {name}", getattr(self, name), "devices") % 1:
                raise InputError(f"sharding: {name} must be a whole number of devices, got {getattr(self, name)!r}.")
        if self.zero not in (0, 1, 2, 3):
            raise InputError(f"sharding: zero must be 0, 1, 2 or 3, got {self.zero!r}.")

    @property
    def devices(self) -> int:
        """All devices; experts are spread over the replicas."""
        return self.data * self.tensor * self.pipeline


@dataclass(frozen=True)
class Memory:
    """Bytes on one device by item, which add up to ``total``; ``assumptions`` say what they rest on."""

    items: Mapping[str, float]
    assumptions: tuple[str, ...] = field(default=(), compare=False)

    @property
    def total(self) -> float:
        """All items [bytes]."""
        return sum(self.items.values())

    def to_dict(self) -> dict[str, Any]:
        """The memory as data: the contract of ``lawful calc memory --json``."""
        return {"schema": "lawful.memory/1", "memory_bytes": self.total, "items": dict(self.items),
                "assumptions": list(self.assumptions)}


def precision_of(shape: Shape, precision: str | None) -> str:
    """``precision``, or that in which the shape says its weights are stored.

    Raises ``UnknownName`` for another precision, ``InputError`` where neither says one.
    """
    if precision is None:
        if shape.precision is None:
            raise InputError(f"{shape.name} does not say its precision (torch_dtype): give one of {', '.join(BYTES)}")
        precision = STORED.get(shape.precision, shape.precision)
    if precision not in BYTES:
        raise unknown("precision", precision, BYTES)
    return precision


def train_memory(shape: Shape, *, batch: int = 1, context: int | None = None, precision: str = "bf16",
                 optimiser: str = "adamw", recompute: str = "scores", sharding: Sharding | None = None) -> Memory:
    """What training holds on one device, with ``batch`` sequences of ``context`` tokens in flight on each replica.

        weights      params x bytes(precision)
        gradients    the same
        state        params x bytes of the optimiser, and 4 of a master copy where precision has fewer
        activations  batch x tokens x what each layer keeps, in the precision of the weights

    Raises ``UnknownName`` for another precision, optimiser or recomputation, ``InputError`` where no context is known.
    """
    if optimiser not in OPTIMISERS:
        raise unknown("optimiser", optimiser, OPTIMISERS)
    if recompute not in RECOMPUTE:
        raise unknown("recomputation", recompute, RECOMPUTE)
    size, over = BYTES[precision_of(shape, precision)], sharding or Sharding()
    replicas = [over.data if over.zero >= stage else 1 for stage in (3, 2, 1)]
    weights = _held(shape, over)
    state, about = OPTIMISERS[optimiser]
    kept = state + (MASTER if size < MASTER else 0.0)
    tokens = positive("batch", batch, "sequences") * _context(shape, context)
    activations = tokens * sum(_activations(shape, _context(shape, context), recompute, size)) / over.tensor
    return Memory(
        {"weights": weights * size / replicas[0], "gradients": weights * size / replicas[1],
         "optimiser": weights * kept / replicas[2], "activations": activations},
        (f"Weights and gradients are in {precision}; {optimiser} keeps {about}"
         + (" and a master copy in fp32." if kept > state else "."),
         {"none": "Every activation is kept, attention scores as well.",
          "scores": "Attention scores are computed again in the backward pass, as fused kernels do.",
          "layer": "Every layer is computed again from its input; one layer at a time is whole."}[recompute],
         "Buffers of communication, the allocator's fragments and single large operations come on top."))


def serve_memory(shape: Shape, *, batch: int = 1, context: int | None = None, precision: str | None = None,
                 cache_precision: str | None = None, sharding: Sharding | None = None) -> Memory:
    """What serving holds on one device: the weights, and the cache of ``batch`` sequences of ``context`` tokens.

    The cache is in the precision of the weights, or in bf16 where they have fewer than 16 bits, unless
    ``cache_precision`` says otherwise. Raises as ``train_memory``.
    """
    stored, over = precision_of(shape, precision), sharding or Sharding()
    cached = precision_of(shape, cache_precision or (stored if BYTES[stored] >= 2 else "bf16"))
    sequences = positive("batch", batch, "sequences")
    elements = sum(part.size(_context(shape, context)) for part in shape.parts() if isinstance(part, Cache))
    return Memory(
        {"weights": _held(shape, over) * BYTES[stored],
         "cache": sequences * elements * BYTES[cached] / (over.tensor * over.pipeline)},
        (f"Weights are in {stored}, the cache in {cached}.",
         "Activations of the step, buffers and the allocator's fragments come on top."))


def _held(shape: Shape, over: Sharding) -> float:
    """The weights of one device, before ZeRO."""
    weights = [part for part in shape.parts() if isinstance(part, Weight)]
    return sum(w.params / (over.expert if w.group == "experts" and w.used is not None else 1)
               for w in weights) / (over.tensor * over.pipeline)


def _context(shape: Shape, context: int | None) -> int:
    tokens = context or shape.context or shape.towers[0].length
    if not tokens:
        raise InputError(f"{shape.name} says no longest context: give the number of tokens, as context=4096")
    return int(positive("context", tokens, "tokens"))


def _activations(shape: Shape, context: int, recompute: str, number: float) -> Iterator[float]:
    """What each tower keeps for one token [bytes], at ``number`` bytes an element."""
    for tower in shape.towers:
        parts = [part for part in tower.parts() if isinstance(part, Activation)]
        inside, ends = (sum(part.size(number, context if recompute == "none" else 0.0) for part in parts
                            if part.inside == within) for within in (True, False))
        layers = max(tower.layers, 1)
        yield ends + (tower.width * number * layers + inside / layers if recompute == "layer" else inside)
