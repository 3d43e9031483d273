"""The metrics that a plan may limit or minimise beside quantities and outcomes: unit, meaning, and what each needs."""

from __future__ import annotations

from collections.abc import Mapping

from lawful.plan.costs.extras import BITS

METRICS: Mapping[str, tuple[str, str]] = {
    "active_params": ("count", "params that a token passes through"),
    "total_params": ("count", "params that are there"),
    "train_flop": ("FLOP", "6 x active params x tokens, or as the shape counts; and the next three"),
    "teacher_flop": ("FLOP", "the teacher's passes over the student's tokens, and its training"),
    "finetune_flop": ("FLOP", "training on the fine-tuning tokens, two thirds of it beside frozen weights"),
    "store_flop": ("FLOP", "embedding the tokens of a retrieval store, once"),
    "bit_flop": ("FLOP", "train_flop, the model's own times the mean of its bits / 16 (arXiv:2411.04330)"),
    "serve_flop": ("FLOP", "a forward pass over the tokens served x samples"),
    "total_flop": ("FLOP", "training and serving"),
    "gpu_hours": ("device hours", "training and serving"),
    "wall_days": ("days", "training, on all devices"),
    "usd": ("US dollars", "training and serving"),
    "serve_usd": ("US dollars", "serving alone"),
    "energy_kwh": ("kWh", "training and serving"),
    "co2e_kg": ("kg CO2e", "training and serving"),
    "memory_bytes": ("bytes", "weights in serving, and the caches of what is served at a time, on each device"),
    "cache_bytes": ("bytes", "the caches alone, of all sequences at their end"),
    "latency_s": ("s", "time to write a further token"),
    "ttft_s": ("s", "time to the first token"),
    "tokens_per_second": ("tokens/s", "written by one replica"),
    "train_memory_bytes": ("bytes", "weights, gradients, optimiser and activations on one device of training"),
    "store_bytes": ("bytes", "the retrieval store: text and vectors"),
}
"""What a decision costs, and may be limited or minimised beside quantities and outcomes: unit and meaning."""

NEEDS: Mapping[str, str] = {
    **dict.fromkeys(("gpu_hours", "usd", "serve_usd", "energy_kwh", "co2e_kg"), "a device"),
    **dict.fromkeys(("train_flop", "total_flop"), "params and tokens: --vary what the law does not take"),
    **dict.fromkeys(("serve_flop", "memory_bytes"), "params"),
    "wall_days": "a device and how many of it", "teacher_flop": "teacher_params", "finetune_flop": "finetune_tokens",
    "store_flop": "datastore_tokens", "store_bytes": "datastore_tokens", "bit_flop": " or ".join(BITS),
    "active_params": "experts, or a share of zeros", "total_params": "experts, or a share of zeros",
    **dict.fromkeys(("latency_s", "ttft_s", "tokens_per_second"), "a device and how it serves: --batch, or Served()"),
    "cache_bytes": "how the model is served: --batch, or Served()",
    "train_memory_bytes": "how training is held: --train-batch, or Trained()",
}
"""What a metric needs to be answered, where it is not always."""

DERIVED: Mapping[str, str] = {"params": "count", "width": "channels", "depth": "layers"}
"""Quantities that follow from a shape where they are not decided, and their units."""
