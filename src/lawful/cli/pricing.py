"""What a plan's bill is counted by: the shape, how the model is served and trained, and ceilings on that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from lawful.cli.calculating import config_fields, whole
from lawful.errors import InputError, unknown
from lawful.quantities import parse_assignments

if TYPE_CHECKING:
    from lawful.cost.shapes import Family, Sharding


@Parameter(name="*")
@dataclass(frozen=True)
class Priced:
    """What the bill of a decision is counted by."""

    shape: str | None = None
    "The kind of model, a published one (llama-3-8b) or a config.json: FLOP are then counted, width and depth known."
    context: str | None = None
    "Tokens of a training text; the longest that the shape was made for where left out."
    convention: str | None = None
    "How FLOP of the shape are counted: exact (default), causal, 6N, kaplan, palm, megatron."
    batch: str | None = None
    "Requests served at a time (default 1)."
    prompt: str | None = None
    "Tokens read of each request (default 1024)."
    written: Annotated[str | None, Parameter(name="--write")] = None
    "Tokens written to each request (default 256)."
    serve_devices: str | None = None
    "Devices that share each layer in serving (default 1)."
    max_latency: str | None = None
    "The most seconds that a further token may take: 0.05."
    max_ttft: str | None = None
    "The most seconds that the first token may take."
    max_train_memory: str | None = None
    "Bytes that training may take on one device: 80e9."
    train_batch: str | None = None
    "Sequences in flight on each replica of training (default 1)."
    sharding: str | None = None
    "Over how many devices training is divided: data=64,tensor=8,pipeline=1,expert=1,zero=1."
    recompute: str | None = None
    "What the backward pass computes again: none, scores (default), layer."
    optimiser: Annotated[str | None, Parameter(name=["--optimiser", "--optimizer"])] = None
    "adamw (default), adamw-8bit, muon, momentum, sgd."
    arithmetic: str | None = None
    "What few bits save of training's time: peaks (of the device, default), linear, none."
    teacher: str | None = None
    "What of a teacher is paid for: stored, runs (default), trained."

    @property
    def anything(self) -> bool:
        """Whether any of it was given."""
        return any(getattr(self, f.name) is not None for f in fields(self))

    def ceilings(self) -> Iterator[str]:
        """The constraints that are asked for."""
        for metric, bound in (("latency_s", self.max_latency), ("ttft_s", self.max_ttft),
                              ("train_memory_bytes", self.max_train_memory)):
            if bound is not None:
                yield f"{metric}<={bound}"

    def rates(self) -> dict[str, Any]:
        """What ``lawful.plan.costs.rates.Rates`` takes of it."""
        from lawful.plan.costs.served import Served, Trained

        found: dict[str, Any] = {name: value for name in ("convention", "arithmetic", "teacher")
                                 if (value := getattr(self, name)) is not None}
        if self.convention is not None and self.shape is None:
            raise InputError("--convention counts a shape: give one, as --shape llama-3-8b")
        if self.shape is not None:
            found["shape"] = family(self.shape)
        if self.context is not None:
            found["context"] = whole(self.context, "--context")
        serving = {"batch": self.batch, "prompt": self.prompt, "output": self.written, "devices": self.serve_devices}
        if self.max_latency is not None or self.max_ttft is not None or any(serving.values()):
            names = {"output": "write", "devices": "serve-devices"}
            served: dict[str, Any] = {name: whole(text, f"--{names.get(name, name)}")
                                      for name, text in serving.items() if text is not None}
            found["serving"] = Served(**served)
        held = {"recompute": self.recompute, "optimiser": self.optimiser,
                "batch": None if self.train_batch is None else whole(self.train_batch, "--train-batch"),
                "sharding": None if self.sharding is None else read_sharding(self.sharding)}
        given: dict[str, Any] = {name: value for name, value in held.items() if value is not None}
        if self.max_train_memory is not None or given:
            found["training"] = Trained(**given)
        return found


def family(name: str) -> Family:
    """The shapes of the published model, or of the configuration in the file, called ``name``."""
    from lawful.cost.shapes import Family

    fields = config_fields(name)
    return Family.named(name) if fields is None else Family(name, fields)


def read_sharding(text: str) -> Sharding:
    """``data=64,tensor=8,zero=1``."""
    from lawful.cost.shapes import Sharding

    given = parse_assignments(text, "--sharding")
    known = [f.name for f in fields(Sharding)]
    for name in given:
        if name not in known:
            raise unknown("way of sharding", name, known, where="in --sharding")
    return Sharding(**{name: int(value) if value == "0" else whole(value, f"--sharding {name}")
                       for name, value in given.items()})

