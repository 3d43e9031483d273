"""``Family``: a template model whose width and depth move, so that every count is a polynomial in them.

Head width, feed-forward ratio and the share of key-value heads stay as in the template, so that a count of params,
FLOP or bytes is a sum of terms c width^i depth^j vocab^k experts^m. The terms are found from exact counts of a few
small shapes, and no formula is written twice; at every shape that can be built they give what ``Shape`` gives.

    family = Family.named("llama-3-8b")
    family.total(4096, 32)                  8030261248.0
    family.nearest(1e9)                     the depth and width of a model of that kind with about 1e9 params
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lawful.cost.checks import positive
from lawful.cost.shapes.configs import read_config
from lawful.cost.shapes.counts import Count, interpolated
from lawful.cost.shapes.flops import flops
from lawful.cost.shapes.models import models
from lawful.cost.shapes.parts import Cache
from lawful.cost.shapes.shape import Shape
from lawful.errors import InputError, unknown

WIDTH = ("hidden_size", "n_embd", "d_model")
DEPTH = ("num_hidden_layers", "n_layer")
EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts")
"""The fields of a configuration that move, by each of their names."""

WITH_WIDTH = ("intermediate_size", "moe_intermediate_size", "shared_expert_intermediate_size", "n_inner",
              "num_attention_heads", "num_key_value_heads", "n_head", "mamba_dt_rank", "time_step_rank")
"""The fields that grow in proportion to the width; a single key-value head stays one."""

LONGEST_PERIOD = 16
"""Layers after which a pattern of layers must have come round."""

TILE = 16
"""Widths are multiples of it where the template's is: state-space blocks round a sixteenth of the width."""

STEPS, CLOSE = 40, 1e-9
"""Newton's steps at most for the width of a size, half a dozen being the rule, and the relative step that ends them."""

ASKEW = 0.1
"""What it weighs in the choice of a shape that its width over depth is off by a factor e, where params off by as much
weigh 1."""


@dataclass(frozen=True)
class Sized:
    """A shape of a family that can be built: its depth, width and exact params."""

    width: int
    depth: int
    params: int


@dataclass(frozen=True)
class Family:
    """The shapes that the template configuration ``fields`` makes at other widths and depths.

    Widths are multiples of ``unit``, depths lie ``period`` apart, so that every part stays whole. Raises ``InputError``
    for a template of several streams of tokens, or one whose layers follow no pattern.
    """

    name: str
    fields: Mapping[str, Any]

    def __post_init__(self) -> None:
        if len(self.template.towers) != 1:
            raise InputError(f"{self.name} has {len(self.template.towers)} streams of tokens: a family has one")
        assert self.period  # a template without a pattern is refused at the door

    @staticmethod
    def named(name: str) -> Family:
        """The family of a published model. Raises ``UnknownName`` for one that is not in the table."""
        key = name.strip().lower()
        if key not in models():
            raise unknown("model", name, models(), hint="Give the path of its config.json instead.")
        return Family(key, models()[key]["config"])

    @cached_property
    def template(self) -> Shape:
        """The template itself."""
        return read_config(self.fields, self.name)

    @cached_property
    def width(self) -> int:
        """The width of the template."""
        return self.template.towers[0].width

    @cached_property
    def depth(self) -> int:
        """The depth of the template."""
        return int(self.fields[self._field(DEPTH)])

    @cached_property
    def vocab_size(self) -> int:
        """The vocabulary of the template, 0 where it has none."""
        return int(self.fields.get("vocab_size") or 0)

    @cached_property
    def experts(self) -> int:
        """The routed experts of the template, 0 where it has none."""
        name = next((n for n in EXPERTS if self.fields.get(n)), None)
        return 0 if name is None else int(self.fields[name])

    @cached_property
    def taken(self) -> int:
        """The routed experts that a token takes, 1 where there are none."""
        return int(self.fields.get("num_experts_per_tok") or 1)

    @cached_property
    def aspect(self) -> float:
        """Width over depth of the template."""
        return self.width / self.depth

    @cached_property
    def unit(self) -> int:
        """The width that all widths are multiples of."""
        unit = self.width // math.gcd(self.width, *(int(self.fields[n]) for n in self._moving()))
        tiled = math.lcm(unit, TILE)
        return tiled if self.width % tiled == 0 else unit

    @cached_property
    def period(self) -> int:
        """The layers after which the pattern of layers comes round: depths lie so far apart."""
        def signature(depth: int) -> tuple[float, ...]:
            shape = self._built(self.width, depth, self.vocab_size, self.experts)
            counts = shape.params()
            return counts.total, counts.active, sum(p.size(1e6) for p in shape.parts() if isinstance(p, Cache))

        known: dict[int, tuple[float, ...]] = {}
        for period in range(1, LONGEST_PERIOD + 1):
            first = self.least_depth + (self.depth - self.least_depth) % period
            depths = [first + period * k for k in range(2 * LONGEST_PERIOD)]
            known |= {depth: signature(depth) for depth in depths if depth not in known}
            if all(a + c == 2 * b for low, middle, high in zip(depths, depths[1:], depths[2:], strict=False)
                   for a, b, c in zip(known[low], known[middle], known[high], strict=True)):
                return period
        raise InputError(f"{self.name}: its layers follow no pattern that comes round within {LONGEST_PERIOD}: it "
                         "makes no family")

    @cached_property
    def least_depth(self) -> int:
        """The fewest layers: one more than those that are dense before experts begin."""
        return 1 + int(self.fields.get("first_k_dense_replace") or 0)

    def _field(self, names: Sequence[str]) -> str:
        name = next((n for n in names if self.fields.get(n)), None)
        if name is None:
            raise InputError(f"{self.name}: no {' or '.join(names)}: it makes no family")
        return name

    def _moving(self) -> Iterator[str]:
        for name in WITH_WIDTH:
            value = self.fields.get(name)
            if isinstance(value, int) and not (name == "num_key_value_heads" and value == 1):
                yield name

    # ------------------------------------------------------------------------------------------- shapes

    def shape(self, width: int, depth: int, vocab_size: int | None = None, experts: int | None = None) -> Shape:
        """The shape of that width and depth. Raises ``InputError`` for one that cannot be built whole."""
        if width < 1 or width % self.unit:
            raise InputError(f"{self.name}: width must be a multiple of {self.unit}, so that heads stay whole, "
                             f"got {width}")
        if depth < self.least_depth or (depth - self.depth) % self.period:
            raise InputError(f"{self.name}: depth must be at least {self.least_depth} and lie a multiple of "
                             f"{self.period} from {self.depth}, got {depth}")
        if experts is not None and not self.experts:
            raise InputError(f"{self.name} has no experts: take the shape of a mixture, such as mixtral-8x7b")
        return self._built(width, depth, vocab_size or self.vocab_size, experts or self.experts)

    def _built(self, width: int, depth: int, vocab: int, experts: int) -> Shape:
        fields = {**self.fields, self._field(WIDTH): width, self._field(DEPTH): depth,
                  **{name: int(self.fields[name]) * width // self.width for name in self._moving()}}
        if vocab:
            fields["vocab_size"] = vocab
        if experts:
            fields[self._field(EXPERTS)] = experts
        return read_config(fields, self.name)

    # ------------------------------------------------------------------------------------------- counts

    @cached_property
    def _grid(self) -> tuple[tuple[tuple[int, ...], ...], dict[tuple[int, ...], Shape]]:
        """Nodes along width, depth, vocabulary and experts, and the shapes there."""
        least = self.least_depth + (self.depth - self.least_depth) % self.period
        nodes = (tuple(self.unit * k for k in (1, 2, 3)), tuple(least + self.period * k for k in (0, 1, 2)),
                 (64, 128) if self.vocab_size else (0,), (self.taken, self.taken + 1) if self.experts else (0,))
        return nodes, {point: self._built(*point) for point in itertools.product(*nodes)}

    def count(self, of: Callable[[Shape], float]) -> Count:
        """The polynomial that gives ``of`` at every shape of the family.

        ``of`` may be any sum over parts whose sizes are products of width, depth, vocabulary and experts, divided by
        the depth or not: params, FLOP and bytes all are.
        """
        nodes, shapes = self._grid
        return interpolated(self.unit, nodes, {point: of(shape) for point, shape in shapes.items()})

    @cached_property
    def total(self) -> Count:
        """All params."""
        return self.count(lambda shape: shape.params().total)

    @cached_property
    def nonembedding(self) -> Count:
        """Params without embeddings, positions and head."""
        return self.count(lambda shape: shape.params().nonembedding)

    @cached_property
    def active(self) -> Count:
        """Params that a token passes through."""
        return self.count(lambda shape: shape.params().active)

    def counted(self, convention: str) -> Count:
        """The params of a law that counts ``total`` (or says nothing), ``non-embedding`` or ``active`` ones."""
        counts = {"": "total", "total": "total", "non-embedding": "nonembedding", "active": "active"}
        if convention not in counts:
            raise InputError(f"{self.name}: a shape counts {', '.join(filter(None, counts))} params, not "
                             f"{convention} ones")
        found: Count = getattr(self, counts[convention])
        return found

    def train_flop(self, convention: str = "exact", context: int | None = None) -> Count:
        """FLOP of training on one token of a text of ``context``, by a convention of ``lawful.cost.shapes.flops``."""
        tokens = float(next(iter(flops(self.template, convention, context).lengths.values())))
        return self.count(lambda shape: flops(shape, convention, context).train).over(tokens)

    # ------------------------------------------------------------------------------------------- sizes

    def width_of(self, params: Any, *, aspect: float | None = None, depth: Any = None, convention: str = "",
                 vocab_size: Any = None, experts: Any = None) -> Any:
        """The width, not rounded, at which the family has so many params: at a depth, or at width over depth.

        The template's ``aspect`` is taken where neither is said. Params are counted as ``convention`` says. Takes and
        gives numbers or arrays.
        """
        import numpy as np

        vocab, held = self._rest(vocab_size, experts)
        ratio = positive("aspect", aspect or self.aspect, "channels a layer")
        by_power: dict[int, Any] = {}
        for c, i, j, k, m in self.counted(convention).terms:
            worth = c / self.unit**i * (vocab**k if k else 1.0) * (held**m if m else 1.0)
            power = i + j if depth is None else i
            by_power[power] = by_power.get(power, 0.0) + worth * (ratio**-j if depth is None else depth**j)
        asked = np.asarray(params, dtype=float)
        terms = [by_power.get(power, 0.0) for power in range(max(by_power) + 1)]
        with np.errstate(all="ignore"):
            # a sum of growing terms is at least each of them, and convex: Newton's steps come down from there
            roots = [np.where(c > 0, np.maximum(asked / c, 0.0) ** (1.0 / p), np.inf) for p, c in enumerate(terms) if p
                     and not (isinstance(c, float) and c == 0.0)]
            x = functools.reduce(np.minimum, roots)
            for _ in range(STEPS):
                value, slope = terms[-1] - 0.0 * x, 0.0 * x
                for c in reversed(terms[:-1]):   # Horner's scheme, of the sum and of its slope
                    slope = slope * x + value
                    value = value * x + c
                step = (value - asked) / slope
                x = x - step
                if not (np.abs(step) > CLOSE * np.abs(x)).any():   # the next would be about its square
                    break
        return x

    def depth_of(self, params: Any, width: Any, *, convention: str = "", vocab_size: Any = None,
                 experts: Any = None) -> Any:
        """The depth, not rounded, at which the family has so many params at ``width``."""
        sizes = self._rest(vocab_size, experts)
        count = self.counted(convention)
        none = count(width, 0.0, *sizes)
        return (params - none) / (count(width, 1.0, *sizes) - none)

    def _rest(self, vocab_size: Any, experts: Any) -> tuple[Any, Any]:
        """Vocabulary and experts as given, or those of the template."""
        return (self.vocab_size if vocab_size is None else vocab_size), (self.experts if experts is None else experts)

    def nearest(self, params: float, aspect: float | None = None, convention: str = "") -> Sized | None:
        """The shape that can be built with about so many params, at about the width over depth asked for.

        None where even the smallest has more than twice as many.
        """
        wanted = positive("params", params, "params")
        middle = float(self.width_of(wanted, aspect=aspect, convention=convention)) / self.unit
        found = []
        for steps in {max(1, math.floor(middle)), max(1, math.ceil(middle))}:
            width = steps * self.unit
            layers = (float(self.depth_of(wanted, width, convention=convention)) - self.depth) / self.period
            lowest = math.ceil((self.least_depth - self.depth) / self.period)
            depth = self.depth + self.period * max(lowest, round(layers))
            counted = self.counted(convention)(width, depth, self.vocab_size, self.experts)
            off = abs(math.log(counted / wanted))
            askew = abs(math.log(width / depth / (aspect or self.aspect)))
            found.append((off + ASKEW * askew, off, Sized(width, depth, round(counted))))
        _, off, best = min(found, key=lambda option: option[0])
        if off > math.log(2.0):
            return None
        return best
