"""What a decision costs: every metric that may be limited or minimised, for many decisions at once.

A decision is a set of quantities by name, floats or arrays of one shape; ``Rates`` are what a FLOP, an hour and a token
cost. Metrics that cannot be answered (money without a device) are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.cost import DEFAULT_MFU, Budget, Hardware, train_cost
from lawful.cost.checks import positive
from lawful.errors import InputError
from lawful.quantities import FLOP_PER_PARAM_TOKEN

Array = npt.NDArray[np.float64]

FORWARD_FLOP = 2.0
"""FLOP a token for each active parameter in serving: a forward pass."""

DEFAULT_BITS = 16.0
"""Bits of a weight in serving where nothing says them."""

SIX_ND = (f"Compute is {FLOP_PER_PARAM_TOKEN:g} x params x tokens: attention over long contexts and recomputation "
          "come on top.")

METRICS: Mapping[str, tuple[str, str]] = {
    "train_flop": ("FLOP", "6 x active params x tokens"),
    "serve_flop": ("FLOP", "2 x active params x tokens served x samples"),
    "total_flop": ("FLOP", "training and serving"),
    "gpu_hours": ("device hours", "training and serving"),
    "wall_days": ("days", "training, on all devices"),
    "usd": ("US dollars", "training and serving"),
    "serve_usd": ("US dollars", "serving alone"),
    "energy_kwh": ("kWh", "training and serving"),
    "co2e_kg": ("kg CO2e", "training and serving"),
    "memory_bytes": ("bytes", "weights in serving: total params x bits / 8"),
}
"""What may be limited or minimised beside the quantities themselves and the outcome: unit and meaning."""


@dataclass(frozen=True)
class Rates:
    """Prices of a decision: the device and how well it is used, and what is to be served.

    ``serve_tokens`` are all tokens to be written over the model's life, ``serve_mfu`` what serving them reaches of the
    device's peak. ``options`` are those of ``lawful.cost.Budget``: pue, usd_per_hour, grid_kg_per_kwh, devices.
    """

    device: Hardware | str | None = None
    mfu: float = DEFAULT_MFU
    serve_tokens: float = 0.0
    serve_mfu: float = 0.2
    options: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.serve_tokens:
            positive("serve_tokens", self.serve_tokens, "tokens")
        assert self._unit  # a device or a rate that is not known is refused at the door

    @cached_property
    def _unit(self) -> tuple[dict[str, float | None], dict[str, float | None]]:
        """What one FLOP costs by item, in training and in serving."""
        return tuple(  # type: ignore[return-value]
            train_cost(1.0, Budget(compute=1.0, device=self.device, mfu=mfu, **(self.options or {}))).to_dict()
            for mfu in (self.mfu, self.serve_mfu))

    def assumptions(self) -> tuple[str, ...]:
        """What the metrics rest on, a sentence each."""
        served = () if not self.serve_tokens else (
            f"{self.serve_tokens:.4g} tokens are served over the model's life, at 2 FLOP a parameter and "
            f"{self.serve_mfu:g} of the device's peak.",)
        return (SIX_ND, *Budget(compute=1.0, device=self.device, mfu=self.mfu, **(self.options or {})).assumptions(),
                *served)

    def costs(self, decision: Mapping[str, Any]) -> dict[str, Array]:
        """The metrics of ``decision`` that can be answered, in the shape of its quantities."""
        q = {name: np.asarray(value, dtype=float) for name, value in decision.items()}
        active = q.get("active_params", q.get("params"))
        tokens = trained_tokens(q)
        found: dict[str, Array] = {}
        if "compute" in q:
            found["train_flop"] = q["compute"]
        elif active is not None and tokens is not None:
            found["train_flop"] = FLOP_PER_PARAM_TOKEN * active * tokens
        if active is not None:
            found["serve_flop"] = FORWARD_FLOP * active * self.serve_tokens * q.get("samples", np.ones(()))
        if "train_flop" in found:
            serve = found.get("serve_flop", np.zeros(()))
            found["total_flop"] = found["train_flop"] + serve
            train_unit, serve_unit = self._unit
            for item in ("gpu_hours", "usd", "energy_kwh", "co2e_kg"):
                if (a := train_unit[item]) is not None and (b := serve_unit[item]) is not None:
                    found[item] = a * found["train_flop"] + b * serve
            if (price := serve_unit["usd"]) is not None:
                found["serve_usd"] = price * serve
            if (days := train_unit["wall_days"]) is not None:
                found["wall_days"] = days * found["train_flop"]
        held = q.get("total_params", q.get("params"))
        if held is not None:
            bits = q.get("post_bits", q.get("weight_bits", np.full((), DEFAULT_BITS)))
            found["memory_bytes"] = held * bits / 8.0
        return found


def trained_tokens(q: Mapping[str, Any]) -> Any:
    """The tokens of training: as decided, or unique tokens times epochs; None where neither is said."""
    if "tokens" in q:
        if {"unique_tokens", "epochs"} <= q.keys():
            raise InputError("tokens, unique_tokens and epochs are one too many: tokens are unique_tokens x epochs")
        return q["tokens"]
    return q["unique_tokens"] * q["epochs"] if {"unique_tokens", "epochs"} <= q.keys() else None
