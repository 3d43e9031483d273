"""The shapes of published models by name: ``model("llama-3-8b")``; the facts lie in ``models.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from lawful.cost.shapes.configs import read_config
from lawful.cost.shapes.shape import Shape
from lawful.errors import unknown


@cache
def models() -> Mapping[str, Mapping[str, Any]]:
    """What is known of each model: title, page, the printed number of params, and the fields of its config."""
    return tomllib.loads(files("lawful.cost.shapes").joinpath("models.toml").read_text(encoding="utf-8"))


def model(name: str) -> Shape:
    """The shape of the published model ``name``. Raises ``UnknownName`` for one that is not in the table.

        >>> f"{model('mixtral-8x7b').params().active:,}"
        '12,879,925,248'
    """
    key = name.strip().lower()
    if key not in models():
        raise unknown("model", name, models(), hint="Give the path of its config.json instead.")
    return read_config(models()[key]["config"], key)
