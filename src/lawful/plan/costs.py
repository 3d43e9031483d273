"""What a decision costs: every metric that may be limited or minimised, for many decisions at once.

A decision is a set of quantities by name, floats or arrays of one shape; ``Rates`` are what a FLOP, an hour and a token
cost. Metrics that cannot be answered (money without a device) are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.cost import DEFAULT_MFU, Budget, Hardware, train_cost
from lawful.cost.checks import positive
from lawful.errors import InputError
from lawful.plan.extras import (
    ARITHMETIC,
    BITS,
    FORWARD_FLOP,
    FULL_BITS,
    TEACHERS,
    Store,
    finetune_flop,
    known,
    mean_bits,
    teacher_flop,
    time_share,
)
from lawful.plan.sizes import PLAIN, ROUTE_FORWARD, ROUTE_TRAIN, Counting, Sizes, layout_of, sizes
from lawful.quantities import FLOP_PER_PARAM_TOKEN

Array = npt.NDArray[np.float64]

SIX_ND = (f"Compute is {FLOP_PER_PARAM_TOKEN:g} x params x tokens: attention over long contexts and recomputation "
          "come on top.")

METRICS: Mapping[str, tuple[str, str]] = {
    "train_flop": ("FLOP", "6 x active params x tokens, and what stands in the next four lines"),
    "router_flop": ("FLOP", "routing of fine-grained experts: 14 x weights of the routers x tokens"),
    "teacher_flop": ("FLOP", "the teacher's passes over the student's tokens, and its training"),
    "finetune_flop": ("FLOP", "6 x active params x fine-tuning tokens, or 4 with a low-rank update"),
    "store_flop": ("FLOP", "embedding the tokens of a retrieval store, once"),
    "bit_flop": ("FLOP", "train_flop, the model's own times the mean of its bits / 16 (arXiv:2411.04330)"),
    "serve_flop": ("FLOP", "2 x active params x tokens served x samples"),
    "total_flop": ("FLOP", "training and serving"),
    "gpu_hours": ("device hours", "training and serving"),
    "wall_days": ("days", "training, on all devices"),
    "usd": ("US dollars", "training and serving"),
    "serve_usd": ("US dollars", "serving alone"),
    "energy_kwh": ("kWh", "training and serving"),
    "co2e_kg": ("kg CO2e", "training and serving"),
    "memory_bytes": ("bytes", "weights in serving: params that are held x bits / 8"),
    "store_bytes": ("bytes", "the retrieval store: text and vectors"),
    "active_params": ("count", "params that a token passes through"),
    "total_params": ("count", "params that are held"),
}
"""What may be limited or minimised beside the quantities themselves and the outcome: unit and meaning."""

NEEDS: Mapping[str, str] = {
    **dict.fromkeys(("gpu_hours", "usd", "serve_usd", "energy_kwh", "co2e_kg"), "a device"),
    "wall_days": "a device and how many of it", "router_flop": "a law of fine-grained experts",
    "teacher_flop": "teacher_params", "finetune_flop": "finetune_tokens",
    "store_flop": "datastore_tokens", "store_bytes": "datastore_tokens", "bit_flop": " or ".join(BITS),
    "active_params": "experts, or a share of zeros", "total_params": "experts, or a share of zeros",
}
"""What a metric needs to be answered, where it is not always."""


@dataclass(frozen=True)
class Rates:
    """Prices of a decision: the device and how well it is used, and what is to be served.

    ``serve_tokens`` are all tokens to be written over the model's life, ``serve_mfu`` what serving them reaches of the
    device's peak. ``options`` are those of ``lawful.cost.Budget``: pue, usd_per_hour, grid_kg_per_kwh, devices.
    ``teacher`` says what of a teacher is paid for, ``arithmetic`` what few bits save of training's time, ``store`` what
    a retrieval store takes, and ``skips_zeros`` that the device skips weights that are zero.
    """

    device: Hardware | str | None = None
    mfu: float = DEFAULT_MFU
    serve_tokens: float = 0.0
    serve_mfu: float = 0.2
    options: Mapping[str, Any] | None = None
    teacher: str = "runs"
    arithmetic: str = "peaks"
    store: Store = field(default_factory=Store)
    skips_zeros: bool = False

    def __post_init__(self) -> None:
        if self.serve_tokens:
            positive("serve_tokens", self.serve_tokens, "tokens")
        known("teacher", self.teacher, TEACHERS)
        known("arithmetic", self.arithmetic, ARITHMETIC)
        assert self._unit  # a device or a rate that is not known is refused at the door

    @cached_property
    def _unit(self) -> tuple[dict[str, float | None], dict[str, float | None]]:
        """What one FLOP costs by item, in training and in serving."""
        return tuple(  # type: ignore[return-value]
            train_cost(1.0, self._budget(mfu)).to_dict() for mfu in (self.mfu, self.serve_mfu))

    @cached_property
    def _hardware(self) -> Hardware | None:
        return self._budget(self.mfu).hardware

    def _budget(self, mfu: float) -> Budget:
        return Budget(compute=1.0, device=self.device, mfu=mfu, **(self.options or {}))

    def assumptions(self, decided: Collection[str] = (), counting: Counting = PLAIN) -> tuple[str, ...]:
        """What the metrics of a decision of the quantities ``decided`` rest on, a sentence each."""
        said = [SIX_ND, *self._budget(self.mfu).assumptions()]
        if self.serve_tokens:
            said.append(f"{self.serve_tokens:.4g} tokens are served over the model's life, at 2 FLOP a parameter and "
                        f"{self.serve_mfu:g} of the device's peak.")
        if layout := layout_of(decided, counting):
            said.append(layout.sentence)
        elif {"sparsity", "density"} & set(decided):
            said.append("Zeros are skipped: they cost no FLOP." if self.skips_zeros else
                        "Weights that are zero cost FLOP like any other, and no memory; what says where they are is "
                        "not counted.")
        if "teacher_params" in decided:
            said.append(TEACHERS[self.teacher])
        if "finetune_tokens" in decided:
            said.append("A low-rank update costs 4 FLOP a parameter and token: the weights beside it are frozen."
                        if "lora_rank" in decided else "Fine-tuning changes all weights, at 6 FLOP a parameter.")
        if "datastore_tokens" in decided:
            said.append(self.store.sentence)
        if set(BITS) & set(decided):
            said.append(ARITHMETIC[self.arithmetic])
        if "streams" in decided:
            said.append("Parallel streams cost as many passes, in training and serving, and share one set of weights.")
        return tuple(said)

    def costs(self, decision: Mapping[str, Any], counting: Counting = PLAIN) -> dict[str, Array]:
        """The metrics of ``decision`` that can be answered, in the shape of its quantities.

        ``counting`` says how the decision's params are counted: ``Counting.of(law)``.
        """
        q = {name: np.asarray(value, dtype=float) for name, value in decision.items()}
        if (tokens := trained_tokens(q)) is not None:
            q["tokens"] = tokens
        size = sizes(q, counting)
        passes = _product(q, "members", "streams")
        found = {**_counts(q, size), **self._training(q, size, passes)}
        flop, hours = self._trained(q, found)
        active = self._multiplied(size)
        if active is not None:
            forward = FORWARD_FLOP * active + (0.0 if size.router is None else ROUTE_FORWARD * size.router)
            found["serve_flop"] = forward * self.serve_tokens * passes * _product(q, "samples")
        if flop is not None and hours is not None:
            found["train_flop"] = flop
            found |= self._spent(flop, hours, found.get("serve_flop", np.zeros(())))
        if size.nonzero is not None:
            bits = q.get("post_bits", q.get("weight_bits", np.full((), FULL_BITS)))
            found["memory_bytes"] = size.nonzero * bits / 8.0 * _product(q, "members")
        if "datastore_tokens" in q:
            found["store_bytes"] = q["datastore_tokens"] * self.store.bytes_per_token
        return found

    def _multiplied(self, size: Sizes) -> Array | None:
        """The params that cost FLOP."""
        return size.nonzero if self.skips_zeros and size.nonzero is not size.total else size.active

    def _training(self, q: Mapping[str, Array], size: Sizes, passes: Array) -> dict[str, Array]:
        """What training takes beside the model's own passes."""
        found: dict[str, Array | None] = {
            "teacher_flop": teacher_flop(q, self.teacher), "finetune_flop": finetune_flop(q, self._multiplied(size))}
        if size.router is not None and "tokens" in q:
            found["router_flop"] = ROUTE_TRAIN * size.router * q["tokens"] * passes
        if "datastore_tokens" in q:
            found["store_flop"] = q["datastore_tokens"] * self.store.flop_per_token
        active = self._multiplied(size)
        if "compute" in q:
            found["train_flop"] = q["compute"]
        elif active is not None and "tokens" in q:
            found["train_flop"] = FLOP_PER_PARAM_TOKEN * active * q["tokens"] * passes
        return {name: flop for name, flop in found.items() if flop is not None}

    def _trained(self, q: Mapping[str, Array], found: dict[str, Array]) -> tuple[Array | None, Array | None]:
        """All FLOP of training, and the same as time sees them; adds ``bit_flop`` where bits are decided."""
        own = found.get("train_flop")
        beside = [found[name] for name in ("router_flop", "teacher_flop", "finetune_flop", "store_flop")
                  if name in found]
        if own is None and not beside:
            return None, None
        rest: Array = sum(beside, np.zeros(()))
        model = np.zeros(()) if own is None else own
        timed = model
        if own is not None and (bits := mean_bits(q)) is not None:
            found["bit_flop"] = own * bits / FULL_BITS + rest
            timed = own * time_share(q, self._hardware, self.arithmetic)
        return model + rest, timed + rest

    def _spent(self, flop: Array, hours: Array, serve: Array) -> dict[str, Array]:
        """Time, money and energy of training, as ``hours`` FLOP, and of serving."""
        found = {"total_flop": flop + serve}
        train_unit, serve_unit = self._unit
        for item in ("gpu_hours", "usd", "energy_kwh", "co2e_kg"):
            if (a := train_unit[item]) is not None and (b := serve_unit[item]) is not None:
                found[item] = a * hours + b * serve
        if (price := serve_unit["usd"]) is not None:
            found["serve_usd"] = price * serve
        if (days := train_unit["wall_days"]) is not None:
            found["wall_days"] = days * hours
        return found


def _counts(q: Mapping[str, Array], size: Sizes) -> dict[str, Array]:
    """The counts of params where they are not one and the same."""
    if size.active is None or size.total is None or size.active is size.total:
        return {}
    return {"active_params": size.active, "total_params": size.total}


def _product(q: Mapping[str, Array], *names: str) -> Array:
    """The product of those of ``names`` that are decided, 1 where none is."""
    found: Array = np.ones(())
    for name in names:
        if name in q:
            found = found * q[name]
    return found


def trained_tokens(q: Mapping[str, Any]) -> Any:
    """The tokens of training: as decided, or unique tokens times epochs; None where neither is said."""
    if "tokens" in q:
        if {"unique_tokens", "epochs"} <= q.keys():
            raise InputError("tokens, unique_tokens and epochs are one too many: tokens are unique_tokens x epochs")
        return q["tokens"]
    return q["unique_tokens"] * q["epochs"] if {"unique_tokens", "epochs"} <= q.keys() else None
