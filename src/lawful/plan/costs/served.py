"""How a decided model answers: latency, throughput and memory from the roofline of ``lawful.cost.serving``, for arrays.

The same work over the same device as ``lawful.cost.serve``, whose answers these are at every shape that can be built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lawful.cost import Efficiency, Hardware
from lawful.cost.checks import positive
from lawful.cost.serving import Roof, cached_elements, check_writes, chosen_share, prefill_flop, read_weights, step_flop
from lawful.cost.shapes import Count, Family, Sharding, train_memory
from lawful.errors import InputError
from lawful.plan.costs.arithmetic import peak_share
from lawful.plan.costs.extras import FULL_BITS

Array = npt.NDArray[np.float64]
ONE, FULL = np.ones(()), np.full((), FULL_BITS)
Place = tuple[Array, Array, Array, Array]
"""Width, depth, vocabulary and experts."""


@dataclass(frozen=True)
class Served:
    """How answers are written: ``batch`` requests at a time, of ``prompt`` tokens read and ``output`` written each.

    ``devices`` share each layer of one replica, and ``efficiency`` is what of their figures is reached.
    """

    batch: int = 1
    prompt: int = 1024
    output: int = 256
    devices: int = 1
    efficiency: Efficiency = field(default_factory=Efficiency)

    def __post_init__(self) -> None:
        for name, unit in (("batch", "requests"), ("prompt", "tokens"), ("output", "tokens"), ("devices", "devices")):
            if positive(f"served: {name}", getattr(self, name), unit) % 1:
                raise InputError(f"served: {name} must be a whole number of {unit}, got {getattr(self, name)!r}")

    def sentence(self, family: Family) -> str:
        """What is served how."""
        reached = self.efficiency
        several = "" if self.devices == 1 else f", {self.devices} devices to a replica"
        return (f"{self.batch} request{'s' * (self.batch > 1)} at a time, {self.prompt:,} tokens read and "
                f"{self.output:,} written of each{several}, by the roofline of the shape of {family.name}: of the peak "
                f"{reached.compute:g} is used, of the bandwidth {reached.memory:g}, and a step takes "
                f"{1e3 * reached.overhead_s:g} ms beside (assumed; measure your own). Batches are full all the time.")


@dataclass(frozen=True)
class Trained:
    """How training is held in memory: ``batch`` sequences in flight on each replica, and over how many devices."""

    batch: int = 1
    precision: str = "bf16"
    optimiser: str = "adamw"
    recompute: str = "scores"
    sharding: Sharding = field(default_factory=Sharding)

    def count(self, family: Family, context: int | None) -> Count:
        """Bytes on one device, in the shapes of ``family``. Raises as ``lawful.cost.shapes.train_memory``."""
        return family.count(lambda shape: train_memory(
            shape, batch=self.batch, context=context, precision=self.precision, optimiser=self.optimiser,
            recompute=self.recompute, sharding=self.sharding).total)

    def sentence(self, family: Family, context: int | None) -> str:
        """What is held how."""
        over = self.sharding
        tokens = context or family.template.context
        length = "" if tokens is None else f" of {tokens:,} tokens"
        return (f"Training holds {self.batch} sequence{'s' * (self.batch > 1)}{length} on each replica in "
                f"{self.precision} with {self.optimiser}, recomputing {self.recompute}, data {over.data} x tensor "
                f"{over.tensor} x pipeline {over.pipeline}, ZeRO {over.zero}, experts over {over.expert}, by the shape "
                f"of {family.name}; buffers and fragments come on top.")


@dataclass(frozen=True)
class Answers:
    """``step_s`` for a further token, ``first_s`` to the first, ``tokens_per_second`` written, cache [bytes]."""

    step_s: Array
    first_s: Array
    tokens_per_second: Array
    cache_bytes: Array


@dataclass(frozen=True)
class Server:
    """A family served by ``how`` on ``device``."""

    family: Family
    how: Served
    device: Hardware | None

    def __post_init__(self) -> None:
        check_writes(self.family.template)

    @cached_property
    def _counts(self) -> dict[str, Count]:
        prompt, count = self.how.prompt, self.family.count
        middle, end = prompt + self.how.output / 2, float(prompt + self.how.output)
        return {"step": count(lambda s: step_flop(s, middle)), "prefill": count(lambda s: prefill_flop(s, prompt)),
                "weights": count(lambda s: read_weights(s, False)), "routed": count(lambda s: read_weights(s, True)),
                "middle": count(lambda s: cached_elements(s, middle)), "end": count(lambda s: cached_elements(s, end))}

    def cache_bytes(self, q: Mapping[str, Array], at: Place) -> Array:
        """The cache of all sequences at their end."""
        return np.asarray(self._sequences(q) * self._counts["end"](*at) * _cache_bits(q) / 8.0)

    def answers(self, q: Mapping[str, Array], at: Place, weight_bits: Array) -> Answers | None:
        """How the decision ``q`` at the shapes ``at`` answers; None without a device."""
        if self.device is None:
            return None
        how, counts, roof = self.how, self._counts, Roof(self.device, self.how.efficiency, self.how.devices)
        bits = np.maximum(weight_bits, q.get("activation_bits", FULL))
        peak = self.device.peak_flop_per_second / peak_share(bits, self.device)
        weights, routed = counts["weights"](*at), counts["routed"](*at)
        sequences, prompts = self._sequences(q), how.batch * q.get("streams", ONE)

        def read(tokens: Array) -> Array:
            chosen = routed * chosen_share(self.family.taken, at[3], tokens) if self.family.experts else 0.0
            return np.asarray((weights + chosen) * weight_bits / 8.0)

        def time(flop: Array, size: Array) -> Array:
            return np.asarray(np.maximum(roof.computing(flop, peak), roof.reading(size)) + how.efficiency.overhead_s)

        first = time(prompts * counts["prefill"](*at), read(prompts * how.prompt))
        cache = sequences * counts["middle"](*at) * _cache_bits(q) / 8.0
        step = time(sequences * counts["step"](*at), read(sequences) + cache)
        written = how.batch * q.get("samples", ONE) * how.output
        return Answers(step, first, written / (first + (how.output - 1) * step), self.cache_bytes(q, at))

    def _sequences(self, q: Mapping[str, Array]) -> Array:
        """Sequences in flight: requests, each in so many samples and streams."""
        return np.asarray(self.how.batch * q.get("samples", ONE) * q.get("streams", ONE))


def _cache_bits(q: Mapping[str, Array]) -> Array:
    return q.get("kv_bits", FULL)
