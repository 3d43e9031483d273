"""What the section ``[tuning]`` takes, and the ways of one's own in it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from lawful.fit import Fit
from lawful.laws.published import Published

TASKS = ("en_de", "en_zh", "mlsum")
"""The published tasks: English to German, English to Chinese, multilingual summaries."""


@dataclass(frozen=True)
class Tuning:
    """A way of tuning of one's own: a model, a method, and the law of its loss over data."""

    name: str
    "What to call it."
    law: Fit | Published
    "The law of its loss over examples or finetune_tokens: a fit of one's own runs, or a key."
    method: str = "full"
    "full, lora or prompt."
    params: float = 0.0
    "Parameters of the model, where the law takes them or the price needs them."
    shape: str = ""
    "A published model of that shape, as llama-3-8b, for FLOP and memory."
    at: Mapping[str, float] = field(default_factory=dict)
    "Further quantities that the law takes, as lora_rank."


@dataclass(frozen=True)
class Asked:
    """What there is to tune on, with what, and what is wanted."""

    ways: tuple[Tuning, ...] = ()
    "Ways of one's own, each with its law."
    params: tuple[float, ...] = ()
    "Without them: sizes of the model to choose from, weighed by the published laws of `tasks`."
    tasks: tuple[str, ...] = TASKS
    "Published tasks that stand in: en_de, en_zh, mlsum."
    examples: float = 0.0
    "Examples that there are; tokens, here and below, where the laws count tokens."
    usd_per_example: float = 0.0
    "What a further one costs to collect; 0 where there are no others."
    most_examples: float = math.inf
    "How many there could be at most."
    target: float = 0.0
    "The loss to reach; without it the best for the budget."
    tokens_per_example: float = 512.0
    "Tokens of an example."
    epochs: float = 1.0
    "Passes over the data."
    rank: int = 16
    "Rank of LoRA."
    prompt: int = 100
    "Tokens of a tuned prompt."
    batch: int = 1
    "Examples in a device's memory at once."
    frozen: str = ""
    "Precision of frozen weights, as int4; that of training where nothing is said."
    devices: int = 1
    "Devices that share weights, gradients and state."
    characters: float = 0.0
    "Characters of the data, to say what pre-training is worth."
