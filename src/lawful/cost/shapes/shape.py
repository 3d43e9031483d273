"""``Shape``: a model as towers of counted blocks, and its parameters by group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lawful.cost.shapes.blocks import Block
from lawful.cost.shapes.parts import EMBEDDINGS, GROUPS, Part, Weight


@dataclass(frozen=True)
class Tower:
    """Blocks over one stream of tokens: ``blocks`` as (how many, which), all ``width`` channels wide.

    ``name`` is that of its tokens: text, image, encoder. ``length`` is how many there are of them in an example where
    the shape decides that, as for an image; None where the user does. ``rest`` holds what does not belong to a tower
    of layers, such as a projection of its end.
    """

    name: str
    width: int
    blocks: tuple[tuple[int, Block], ...]
    length: int | None = None

    def parts(self) -> Iterator[Part]:
        """Its parts, over all layers."""
        for count, block in self.blocks:
            for part in block.parts(self.width):
                if count:
                    yield part.times(count)

    @property
    def layers(self) -> int:
        """How many layers it has: the most often repeated kinds of block that mix tokens, together."""
        mixers = [count for count, block in self.blocks if type(block).__name__ in MIXERS]
        return sum(mixers)


MIXERS = ("Attention", "LatentAttention", "SelectiveScan")
"""The blocks that mix tokens: one of them makes a layer."""


@dataclass(frozen=True)
class Params:
    """Parameters by group, which add up to ``total``.

    ``nonembedding`` leaves out embeddings, learned positions and the head; ``active`` are those that one token passes
    through: all but the experts it does not take.
    """

    groups: Mapping[str, int]
    total: int
    nonembedding: int
    active: int
    active_nonembedding: int

    def to_dict(self) -> dict[str, Any]:
        """The counts as data: the contract of ``lawful calc params --json``."""
        return {"schema": "lawful.params/1", "groups": dict(self.groups), "total_params": self.total,
                "nonembedding_params": self.nonembedding, "active_params": self.active,
                "active_nonembedding_params": self.active_nonembedding}


@dataclass(frozen=True)
class Shape:
    """A model's architecture: its towers, the longest context it was made for, and the precision of its weights.

    ``precision`` is the type that its weights are stored in, as written in its configuration; None where it says none.
    """

    name: str
    towers: tuple[Tower, ...]
    context: int | None = None
    precision: str | None = None

    def parts(self) -> Iterator[Part]:
        """All parts of all towers."""
        for tower in self.towers:
            yield from tower.parts()

    def params(self) -> Params:
        """Parameters by group; only groups that the model has are listed."""
        weights = [part for part in self.parts() if isinstance(part, Weight)]
        groups = {group: sum(w.params for w in weights if w.group == group) for group in GROUPS}
        active = {group: sum(w.active for w in weights if w.group == group) for group in GROUPS}

        def inner(counts: Mapping[str, int]) -> int:
            return sum(count for group, count in counts.items() if group not in EMBEDDINGS)

        return Params({group: count for group, count in groups.items() if count}, sum(groups.values()), inner(groups),
                      sum(active.values()), inner(active))
