"""``serve``: how fast a model answers on a device, and what a token costs, from the device's roofline.

Work takes as long as its FLOP at the device's peak, or its bytes at the device's bandwidth, whichever is more, at the
efficiencies that an implementation reaches; every step has an overhead on top:

    prefill of b prompts of n tokens   max(FLOP / (peak x compute), bytes / (bandwidth x memory)) + overhead
    one step of b sequences            the same; bytes = weights that b tokens pass through + b caches

Weights are read once a step however many sequences share it; of routed experts those that b tokens are expected to
choose, E (1 - (1 - k / E)^b). What a roofline leaves out is scheduling: batches that fill and drain, prompts that wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lawful.cost.checks import positive
from lawful.cost.hardware import Hardware, hardware
from lawful.cost.shapes.memory import BYTES, Sharding, precision_of, serve_memory
from lawful.cost.shapes.parts import Cache, Product, Scan, Weight
from lawful.cost.shapes.shape import Shape
from lawful.errors import InputError


@dataclass(frozen=True)
class Efficiency:
    """What of a device's figures an implementation reaches: assumed unless measured (``benchmarks/serving.py``).

    ``compute`` is the share of the peak, ``memory`` that of the bandwidth, ``overhead_s`` what every step takes beside,
    ``interconnect`` what remains of both when several devices share a layer.
    """

    compute: float = 0.5
    memory: float = 0.7
    overhead_s: float = 0.001
    interconnect: float = 0.8

    def __post_init__(self) -> None:
        for name in ("compute", "memory", "interconnect"):
            if positive(f"efficiency: {name}", getattr(self, name), "share") > 1:
                raise InputError(f"efficiency: {name} is a share of what the device can do, above 0 and at most 1, got "
                                 f"{getattr(self, name):g}")
        if self.overhead_s != 0:
            positive("efficiency: overhead_s", self.overhead_s, "seconds, or zero")


@dataclass(frozen=True)
class Serving:
    """How ``devices`` serve ``batch`` sequences at a time, each of ``prompt`` tokens read and ``output`` written.

    ``ttft_s`` is the time to the first token [s], ``step_s`` that of a further one, at the middle of the output, and
    ``request_s`` a whole request; ``bound`` what a step waits for, memory or compute. ``tokens_per_second`` are those
    written by all sequences, prefill included; ``usd_per_million_tokens`` and ``joule_per_token`` are per token
    written, None without a price or a power.
    """

    devices: int
    batch: int
    prompt: int
    output: int
    ttft_s: float
    step_s: float
    request_s: float
    tokens_per_second: float
    bound: str
    memory_bytes: float
    share_of_device: float
    usd_per_million_tokens: float | None
    joule_per_token: float | None
    assumptions: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether weights and caches fit in the devices' memory."""
        return self.share_of_device <= 1.0

    def to_dict(self) -> dict[str, Any]:
        """The answer as data: the contract of ``lawful calc serve --json``."""
        return {"schema": "lawful.serving/1", **vars(self), "assumptions": list(self.assumptions), "fits": self.fits}


def check_writes(shape: Shape) -> None:
    """Raises ``InputError`` for a shape that does not write: an encoder, or one of several towers."""
    if len(shape.towers) != 1 or not any(isinstance(part, Cache) for part in shape.parts()):
        raise InputError(f"{shape.name} does not write one token after another: only decoders are served here")


def serve(shape: Shape, device: Hardware | str, *, batch: int = 1, prompt: int = 1024, output: int = 256,
          samples: int = 1, precision: str | None = None, cache_precision: str | None = None, devices: int = 1,
          efficiency: Efficiency | None = None, usd_per_hour: float | None = None, pue: float = 1.0) -> Serving:
    """What serving ``shape`` takes: ``batch`` requests at a time, ``devices`` to a replica.

    ``samples`` are written to each prompt, which is read once: n samples of repeated sampling or the leaves of a
    search. ``pue`` is what the site draws over what the devices draw. Raises InputError for a shape without a decoder,
    a size that is not positive, or a precision that is not said.
    """
    on = hardware(device) if isinstance(device, str) else device
    reached = efficiency or Efficiency()
    for name, number in (("batch", batch), ("prompt", prompt), ("output", output), ("samples", samples),
                         ("devices", devices)):
        if positive(f"serving: {name}", number, name) % 1:
            raise InputError(f"serving: {name} must be a whole number, got {number!r}")
    check_writes(shape)
    stored = precision_of(shape, precision)
    cached = precision_of(shape, cache_precision or (stored if BYTES[stored] >= 2 else "bf16"))
    roof = Roof(on, reached, devices)
    peak = on.peak(stored)
    sequences = batch * samples
    first, _ = roof.time(*prefill_work(shape, batch, prompt, stored), peak)
    step, bound = roof.time(*step_work(shape, sequences, prompt + output / 2, stored, cached), peak)
    request = first + (output - 1) * step
    rate = sequences * output / request
    held = serve_memory(shape, batch=sequences, context=prompt + output, precision=stored, cache_precision=cached,
                        sharding=Sharding(tensor=devices))
    price = usd_per_hour if usd_per_hour is not None else on.usd_per_hour
    return Serving(
        devices, batch, prompt, output, first, step, request, rate, bound, held.total, held.total / on.memory_bytes,
        None if price is None else devices * price / 3600 / rate * 1e6,
        None if on.power_w is None else devices * on.power_w * positive("pue", pue, "watts per watt") / rate,
        _assumed(on, reached, stored, cached, devices))


@dataclass(frozen=True)
class Roof:
    """What ``devices`` that share each layer can do together, at the shares that are ``reached``."""

    device: Hardware
    reached: Efficiency
    devices: int = 1

    @property
    def together(self) -> float:
        """How many devices apart they are worth."""
        return self.devices * (self.reached.interconnect if self.devices > 1 else 1.0)

    def computing(self, flop: Any, peak: Any) -> Any:
        """How long ``flop`` FLOP take at a ``peak`` of one device [s]."""
        return flop / (peak * self.reached.compute * self.together)

    def reading(self, size: Any) -> Any:
        """How long ``size`` bytes take [s]."""
        return size / (self.device.bandwidth_bytes_per_second * self.reached.memory * self.together)

    def time(self, flop: float, size: float, peak: float) -> tuple[float, str]:
        """How long both take with the overhead of a step [s], and which of them decides."""
        compute, memory = self.computing(flop, peak), self.reading(size)
        return max(compute, memory) + self.reached.overhead_s, "compute" if compute > memory else "memory"


def prefill_work(shape: Shape, batch: float, prompt: int, precision: str) -> tuple[float, float]:
    """FLOP and bytes of reading ``batch`` prompts of ``prompt`` tokens."""
    return batch * prefill_flop(shape, prompt), _weight_bytes(shape, batch * prompt, precision)


def step_work(shape: Shape, batch: float, context: float, precision: str, cached: str) -> tuple[float, float]:
    """FLOP and bytes of one step of ``batch`` sequences that hold ``context`` tokens each."""
    return (batch * step_flop(shape, context),
            _weight_bytes(shape, batch, precision) + batch * cached_elements(shape, context) * BYTES[cached])


def prefill_flop(shape: Shape, prompt: int) -> float:
    """FLOP of reading a prompt: every product but the head's, which the last token alone needs."""
    total = 0.0
    for part in shape.parts():
        match part:
            case Weight():
                total += part.flop * (1 if part.group == "head" else prompt)
            case Product():
                total += part.flop(prompt, prompt, skip_masked=True)
            case Scan():
                total += part.flop * prompt
    return total


def step_flop(shape: Shape, context: float) -> float:
    """FLOP of writing one token after ``context`` others."""
    total = 0.0
    for part in shape.parts():
        match part:
            case Weight() | Scan():
                total += part.flop
            case Product():
                total += part.flop(1, context if part.window is None else min(part.window, context))
    return total


def cached_elements(shape: Shape, context: float) -> float:
    """What is cached of a sequence of ``context`` tokens [elements]."""
    return sum(part.size(context) for part in shape.parts() if isinstance(part, Cache))


def read_weights(shape: Shape, routed: bool) -> int:
    """The weights that tokens pass through: those of routed experts, or all others."""
    return sum(part.elements for part in shape.parts()
               if isinstance(part, Weight) and part.use == "token" and (part.used is not None) == routed)


def chosen_share(taken: Any, experts: Any, tokens: Any) -> Any:
    """The share of routed experts that ``tokens`` tokens are expected to choose, each ``taken`` of them."""
    return 1.0 - (1.0 - taken / experts) ** tokens


def _weight_bytes(shape: Shape, tokens: float, precision: str) -> float:
    """The weights that ``tokens`` tokens together pass through, read once."""
    routed = sum(part.elements * chosen_share(part.used, part.copies, tokens) for part in shape.parts()
                 if isinstance(part, Weight) and part.use == "token" and part.used is not None)
    return float((read_weights(shape, False) + routed) * BYTES[precision])


def _assumed(on: Hardware, reached: Efficiency, stored: str, cached: str, devices: int) -> tuple[str, ...]:
    said: Mapping[bool, str] = {True: f" in {stored}", False: f" in bf16: none is known in {stored}"}
    known = stored in on.peaks or stored in ("bf16", "fp16")
    shared = f"; {devices} devices keep {reached.interconnect:g} of what they can do apart" if devices > 1 else ""
    return (
        f"Weights are in {stored}, the cache in {cached}; the peak of {on.title} is {on.peak(stored):.4g} FLOP/s"
        f"{said[known]}, its bandwidth {on.bandwidth_bytes_per_second:.4g} bytes/s.",
        f"Of the peak {reached.compute:g} is reached and of the bandwidth {reached.memory:g}, and a step takes "
        f"{1e3 * reached.overhead_s:g} ms beside{shared}: assumed; measure your own.",
        "The batch is full all the time: requests that wait, and batches that drain, come on top.")
