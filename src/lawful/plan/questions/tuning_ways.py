"""Ways of tuning as a section tells them: what they take of compute and memory, and which the situation allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from lawful.cost.shapes.adapters import METHODS, tuning_flop, tuning_memory
from lawful.cost.shapes.memory import Sharding
from lawful.cost.shapes.models import model as known_shape
from lawful.errors import unknown
from lawful.plan.costs.extras import FROZEN_SHARE
from lawful.plan.questions.topic import Situation
from lawful.plan.questions.tuning_sections import Asked, Tuning
from lawful.plan.tuning.ways import Purse, Tuned, Way, weigh
from lawful.quantities import FLOP_PER_PARAM_TOKEN


def way_of(t: Tuning, asked: Asked) -> Way:
    """The way that ``t`` tells, with what it takes of compute and memory; ``UnknownName`` for another method."""
    if t.method not in METHODS:
        raise unknown("way of tuning", t.method, METHODS, where=f"in {t.name}")
    at = dict(t.at)
    if t.params:
        at.setdefault("params", t.params)
    flop, memory = work(t.method, t.params, t.shape, asked)
    counted = Way(t.name, t.law, at, flop, memory)
    if counted.data == "finetune_tokens":
        return replace(counted, flop_per_unit=flop / asked.tokens_per_example)
    return counted


def work(method: str, params: float, shape: str, asked: Asked) -> tuple[float, float | None]:
    """FLOP of one example over all passes, and the bytes that tuning holds; None without a shape."""
    length = asked.tokens_per_example
    if shape:
        form = known_shape(shape)
        context = max(1, round(length))
        flop = tuning_flop(form, method, context, rank=asked.rank, prompt=asked.prompt)
        held = tuning_memory(form, method, rank=asked.rank, prompt=asked.prompt, frozen=asked.frozen or None,
                             batch=asked.batch, context=context + (asked.prompt if method == "prompt" else 0),
                             sharding=Sharding(data=asked.devices, zero=3)).total
        return flop * asked.epochs, held
    longer = asked.prompt if method == "prompt" else 0
    share = 1.0 if method == "full" else FROZEN_SHARE
    return share * FLOP_PER_PARAM_TOKEN * params * (length + longer) * asked.epochs, None


def weighed(situation: Situation, asked: Asked, ways: Sequence[Way]) -> tuple[list[Tuned], str]:
    """The ways under the purse and the memory, and what was left out for its memory."""
    purse = Purse(asked.examples, asked.usd_per_example, asked.most_examples if asked.usd_per_example else
                  max(asked.examples, 0.0) or math.inf, float(situation.rates.costs({"compute": 1.0}).get("usd", 0.0)))
    device = situation.rates.hardware
    memory = math.inf if device is None else device.memory_bytes
    budget = situation.budget
    usd = budget.usd if budget else None
    flop = math.inf if budget is None or usd is not None else budget.train_flop
    found = weigh(ways, purse, usd=usd, flop=flop, target=asked.target or None, memory=memory)
    big = [f" {w.name} does not fit: it takes {w.memory_bytes / 1e9:.3g} GB of {memory / 1e9:.3g}."
           for w in ways if w.memory_bytes is not None and w.memory_bytes > memory]
    return found, "".join(big)
