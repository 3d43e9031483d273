"""The shape of a vision transformer of some size, by the exponents of Alabdulmohsin et al. 2023 (SoViT).

Width, depth and the width of the feed-forward layers each grow as a power of compute from a small shape that was found
by search. The paper prints the exponents and that shape; all three are scaled by one factor until the encoder has the
size that is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lawful.cost.checks import positive
from lawful.errors import unknown
from lawful.laws import registry
from lawful.plan.bisection import turn

START: Mapping[str, float] = {"width": 608.0, "depth": 10.0, "mlp": 928.0}
"""The shape on the frontier at small compute that the recipe starts from: arXiv:2305.13035, section 4.1."""

SCALES = (1e-6, 1e12)
"""Between which factors on the compute of the start a shape is looked for."""

TASKS: Mapping[str, str] = {"classification": "", "captioning": "captioning_"}
"""Tasks, and how the keys of their exponents begin."""


@dataclass(frozen=True)
class VisionShape:
    """Width, depth and feed-forward width of the encoder, its params, and the factor on the compute of the start."""

    width: float
    depth: float
    mlp: float
    params: float
    scale_up: float


def encoder_params(width: float, depth: float, mlp: float) -> float:
    """Weights of an encoder's layers: attention 4 d**2, feed-forward 2 d m; patches and head are left out."""
    return depth * (4.0 * width**2 + 2.0 * width * mlp)


def vision_shape(params: float, task: str = "classification") -> VisionShape:
    """The shape of an encoder of ``params`` for a ``task``. Raises ``UnknownName`` for another task."""
    if task not in TASKS:
        raise unknown("task", task, TASKS)
    positive("params", params, "parameters of the encoder")
    laws = {name: registry.law(f"alabdulmohsin2023_sovit:{TASKS[task]}{name}") for name in START}

    def shape(scale_up: float) -> dict[str, float]:
        return {name: START[name] * float(law(scale_up=scale_up)) for name, law in laws.items()}

    least, most = map(math.log, SCALES)
    scale_up = math.exp(turn(lambda x: encoder_params(**shape(math.exp(x))) < params, least, most)[0])
    found = shape(scale_up)
    return VisionShape(**found, params=encoder_params(**found), scale_up=scale_up)
