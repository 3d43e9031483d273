"""How a width and a depth make parameters: by a plain count, or as a known family of shapes counts them.

What to use when: ``Template`` where only the proportions of a model are known, ``Counted`` for the shape of a published
model or of a configuration, whose parts are counted one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from lawful.cost.checks import positive
from lawful.cost.shapes import Family
from lawful.errors import InputError


class Built(Protocol):
    """What makes models of a width and a depth."""

    @property
    def multiple(self) -> int:
        """What a width is a multiple of."""

    @property
    def vocab_size(self) -> float:
        """Entries of the vocabulary."""

    @property
    def sentence(self) -> str:
        """What it takes a model to be."""

    def params(self, width: Any, depth: Any) -> Any:
        """All parameters, as the law counts them."""

    def embedding_params(self, width: Any) -> Any:
        """Those of the vocabulary among all parameters."""

    def width(self, params: Any, depth: Any) -> Any:
        """The width at which ``depth`` layers make ``params``."""

    def takes(self, depth: float) -> bool:
        """Whether so many layers can be built."""


@dataclass(frozen=True)
class Template:
    """How width and depth make parameters: N = embeddings V d + block l d**2, d the width and l the depth.

    ``block`` is the weights of a layer in units of width squared: 12 of a plain transformer (attention 4, feed-forward
    8), ``embeddings`` 2 with a head of its own and 1 where it is tied, ``multiple`` what a width is a multiple of.
    """

    vocab_size: float = 32_000.0
    block: float = 12.0
    embeddings: float = 2.0
    multiple: int = 64

    def __post_init__(self) -> None:
        positive("block", self.block, "weights of a layer over width squared")
        positive("multiple", self.multiple, "hidden units")
        if self.vocab_size < 0 or self.embeddings < 0:
            raise InputError(f"vocab_size and embeddings must not be negative, got {self.vocab_size:g} and "
                             f"{self.embeddings:g}")

    def params(self, width: Any, depth: Any) -> Any:
        """All parameters of this width and depth."""
        return self.embedding_params(width) + self.block * depth * width**2

    def width(self, params: Any, depth: Any) -> Any:
        """The width at which ``depth`` layers make ``params``: the positive root of the count."""
        linear, square = self.embeddings * self.vocab_size, self.block * np.asarray(depth, float)
        return 2.0 * params / (linear + np.sqrt(linear**2 + 4.0 * square * params))

    def embedding_params(self, width: Any) -> Any:
        """Those of the vocabulary."""
        return self.embeddings * self.vocab_size * width

    @property
    def sentence(self) -> str:
        """What it takes a model to be."""
        return (f"A model of width d and depth l has {self.embeddings:g} x {self.vocab_size:,.0f} d + {self.block:g} l "
                f"d**2 params; widths are multiples of {self.multiple}.")

    def takes(self, depth: float) -> bool:
        """Any depth: layers are alike."""
        return depth > 0


@dataclass(frozen=True)
class Counted:
    """The models of a family of shapes; params are counted by a law's ``convention``: total, non-embedding, active."""

    family: Family
    convention: str = ""

    @property
    def multiple(self) -> int:
        """The width that all widths of the family are multiples of."""
        return self.family.unit

    @property
    def vocab_size(self) -> float:
        """Entries of the template's vocabulary."""
        return float(self.family.vocab_size)

    @property
    def sentence(self) -> str:
        """Whose shape it is."""
        return (f"Params are those of the shape of {self.family.name} at other widths and depths, counted exactly; "
                f"widths are multiples of {self.multiple}, depths lie {self.family.period} apart.")

    def params(self, width: Any, depth: Any) -> Any:
        """The parameters as the convention counts them."""
        return self.family.counted(self.convention)(width, depth, self.family.vocab_size, self.family.experts)

    def embedding_params(self, width: Any) -> Any:
        """What the convention counts of embeddings, positions and head: nothing where it leaves them out."""
        whole = (width, self.family.depth, self.family.vocab_size, self.family.experts)
        if self.convention == "non-embedding":
            return 0.0 * np.asarray(width, float)
        return self.family.total(*whole) - self.family.nonembedding(*whole)

    def width(self, params: Any, depth: Any) -> Any:
        """The width, not rounded, at which ``depth`` layers make ``params``."""
        return self.family.width_of(params, depth=np.asarray(depth, float), convention=self.convention)

    def takes(self, depth: float) -> bool:
        """Whether the pattern of the template's layers comes round at ``depth``."""
        try:
            self.family.shape(self.multiple, int(depth))
        except InputError:
            return False
        return depth % 1 == 0
