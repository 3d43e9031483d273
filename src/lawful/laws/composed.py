"""Laws with modules: a base law at effective quantities, again a law, and never validated jointly.

What to use when: ``law.with_(Repetition.of())`` for a law, or for a published law whose region, failures and
counting then come along (``ComposedEntry``); ``.given(unique_tokens=100e9)`` to hold an input, so that the rest
can be planned with; ``compose_by_name`` for ``hoffmann2022_approach3+repetition``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Self

from lawful.errors import LawError, unknown
from lawful.laws import registry
from lawful.laws.base import Allocation, Law, Region, field_types
from lawful.laws.modules import Module
from lawful.laws.published import Published
from lawful.quantities import FLOP_PER_PARAM_TOKEN, quantity
from lawful.results import Caveat


@dataclass(frozen=True)
class Composed(Law):
    """A base law at the effective quantities that modules make of those given.

    Its coefficients are the base law's, and the modules' as ``repetition_R_D_star``. ``held`` are inputs that
    are given once and for all (``given``): a law of params and tokens at so many unique tokens divides compute.
    """

    composed: ClassVar[bool] = True
    listed: ClassVar[bool] = False
    base_form: ClassVar[type[Law]]
    module_forms: ClassVar[tuple[type[Module], ...]]
    held: Mapping[str, float] = dataclasses.field(default_factory=dict, kw_only=True, hash=False)

    @property
    def base(self) -> Law:
        """The base law."""
        return self.base_form(**{f.name: getattr(self, f.name) for f in dataclasses.fields(self.base_form)})

    @property
    def modules(self) -> tuple[Module, ...]:
        """The modules, in the order in which they apply."""
        return tuple(m(**{f.name: getattr(self, f"{m.name}_{f.name}") for f in dataclasses.fields(m)})
                     for m in self.module_forms)

    @property
    def region(self) -> Region:
        """Where the modules were fitted; the base law alone has no region."""
        return intersection(*(m.region for m in self.modules))

    @property
    def inputs(self) -> tuple[str, ...]:
        """The base law's inputs, then those that the modules add, without those held."""
        needed = [*self.base.inputs, *(name for module in self.module_forms for name in module.inputs)]
        return tuple(name for name in dict.fromkeys(needed) if name not in self.held)

    def given(self, **held: float) -> Self:
        """The same law with these inputs held: ``law.given(unique_tokens=100e9)`` takes params and tokens."""
        for name, value in held.items():
            if name not in self.inputs:
                raise LawError(f"{self.form} takes {', '.join(self.inputs)}: {name} cannot be held")
            if not math.isfinite(value) or value < 0 or (value == 0 and quantity(name).positive):
                raise LawError(f"{name} must be positive and finite, got {value:g}")
        return dataclasses.replace(self, held={**self.held, **held})

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        given = {**dict(zip(self.inputs, args, strict=False)), **quantities}
        if len(args) + len(quantities) != len(self.inputs) or set(given) != set(self.inputs):
            raise LawError(f"{self.form} takes {', '.join(self.inputs)}; got {', '.join(given) or 'nothing'}")
        known, base = {**given, **self.held}, self.base
        for module in self.modules:
            known |= module(base, **{name: known[name] for name in module.inputs})
        return base(**{name: known[name] for name in base.inputs})

    @property
    def splits_compute(self) -> bool:
        """Whether params and tokens are all that is still to be chosen."""
        return set(self.inputs) == {"params", "tokens"}

    def allocate(self, compute: Any, flop_per_param_token: float = FLOP_PER_PARAM_TOKEN) -> Allocation:
        """The best params and tokens at ``compute``; every other input must be held.

        Raises ``LawError`` naming the inputs to hold.
        """
        if others := [name for name in self.inputs if name not in ("params", "tokens")]:
            hold = ", ".join(f"{name}=..." for name in others)
            raise LawError(f"{self.form} divides compute only at given {', '.join(others)}: law.given({hold})")
        return super().allocate(compute, flop_per_param_token)

    def __reduce__(self) -> tuple[Any, ...]:
        return Law.from_dict, (self.to_dict(),)


def compose(base: Law, modules: Sequence[Module]) -> Composed:
    """``base`` with ``modules``; what ``law.with_`` returns. A composed base keeps its modules, which go first.

    Raises ``LawError`` where the base does not take what a module gives, is a typed formula, or a module comes twice.
    """
    held: Mapping[str, float] = {}
    if isinstance(base, Composed):
        modules, held, base = (*base.modules, *modules), base.held, base.base
    if not modules:
        raise LawError("with_() needs a module, such as Repetition.of()")
    if not set(base.settings) <= {f.name for f in dataclasses.fields(base)}:  # its text makes its class
        raise LawError(f"{base.form}: a law typed as text takes no module; write into it what the module would do")
    if len({m.name for m in modules}) < len(modules):
        raise LawError(f"a module comes twice: {', '.join(m.name for m in modules)}")
    for module in modules:
        module.accept(base)
    own = {f"{m.name}_{f.name}": getattr(m, f.name) for m in modules for f in dataclasses.fields(m)}
    form = composed_form(type(base), tuple(type(m) for m in modules))
    return form(**base.settings, **base.coefficients, **own, held=held)


@cache
def composed_form(base: type[Law], modules: tuple[type[Module], ...]) -> type[Composed]:
    """The form ``chinchilla+repetition``: a class whose fields are those of its parts, made when asked for.

    It is not entered among the forms: there are as many as one cares to compose.
    """
    fields: list[tuple[str, Any, Any]] = []
    parts: list[tuple[type[Law] | type[Module], str]] = [(base, ""), *((m, f"{m.name}_") for m in modules)]
    for part, prefix in parts:
        typed = field_types(part)
        for f in dataclasses.fields(part):
            default = {} if f.default is dataclasses.MISSING else {"default": f.default}
            fields.append((prefix + f.name, typed[f.name], dataclasses.field(kw_only=True, **default)))
    return dataclasses.make_dataclass(
        "".join([base.__name__, *(f"With{m.__name__}" for m in modules)]), fields, bases=(Composed,), frozen=True,
        namespace={"__module__": __name__, "__doc__": base.__doc__, "form": "+".join([base.form,
                   *(m.name for m in modules)]), "output": base.output, "base_form": base, "module_forms": modules,
                   **_monotone(base, modules)})


def _monotone(base: type[Law], modules: Sequence[type[Module]]) -> dict[str, tuple[str, ...]]:
    """The inputs in which the composition falls: the base's where no module breaks it, and what modules add."""
    falls = list(base.falls_with)
    for module in modules:
        if set(module.gives) <= set(falls):
            falls += [name for name in module.rises_with if name not in falls]
        falls = [name for name in falls if name not in module.gives or name in module.rises_with]
    return {"falls_with": tuple(falls)}


def find_form(name: str) -> type[Law] | None:
    """The form called ``name`` in any family, or the composed form ``chinchilla+repetition``; None if unknown."""
    registry.forms()  # loads the families
    base, *modules = name.split("+")
    if base not in Law.registry or not all(m in Module.registry for m in modules):
        return None
    return composed_form(Law.registry[base], tuple(Module.registry[m] for m in modules)) if modules \
        else Law.registry[base]


def intersection(*regions: Region) -> Region:
    """The region inside all of ``regions``, of which each may leave quantities open.

    Spans that do not overlap come out with low above high: no question then lies inside, and ``reach`` says
    how far outside the farther one it is.
    """
    spans: dict[str, tuple[float, float]] = {}
    for region in regions:
        for name, (low, high) in region.spans.items():
            known = spans.get(name, (low, high))
            spans[name] = (max(low, known[0]), min(high, known[1]))
    return Region(**spans)


# ------------------------------------------------------------------------------- composed catalogue entries

@dataclass(frozen=True, kw_only=True)
class ComposedEntry(Published):
    """A published law with modules: called, forecast and planned with like one, and never entered among them."""

    law: Composed
    kind: ClassVar[str] = "composed"

    def __post_init__(self) -> None:
        """Stay out of the catalogue."""

    def given(self, **held: float) -> ComposedEntry:
        """The same law with these inputs held, such as ``unique_tokens=100e9``."""
        return dataclasses.replace(self, law=self.law.given(**held))

    def resolve(self, given: Mapping[str, float]) -> tuple[dict[str, float], tuple[Caveat, ...]]:
        """As for a published law, with the caveat that nobody has validated the composition."""
        taken, caveats = super().resolve(given)
        held = "".join(f"; {name} is held at {value:g}" + _beyond(self.region.reach(**{name: value}))
                       for name, value in self.law.held.items())
        parts = ", ".join(f"{m.name} (arXiv:{m.paper.source.arxiv})" for m in self.law.modules)
        return taken, (Caveat("composed", f"never validated jointly: {self.key.partition('+')[0]} with {parts}{held}"),
                       *caveats)


def _beyond(reach: Mapping[str, float]) -> str:
    return "".join(f", {decades:.1f} decades beyond the runs" for decades in reach.values() if decades > 0)


def compose_entry(base: Published, modules: Sequence[Module]) -> ComposedEntry:
    """``base`` with ``modules``: its region the intersection of theirs, its failures those of all parts."""
    law = compose(base.law, modules)
    counting = {**base.counting}
    notes = [base.notes] if base.notes else []
    for module in modules:
        for name, convention in module.counting.items():
            if counting.get(name, convention) != convention:
                notes.append(f"{base.key} counts {name} as {counting[name]}, {module.name} as {convention}")
            counting[name] = convention
    return ComposedEntry(
        key="+".join([base.key, *(m.name for m in modules)]), law=law, checks=(), source=base.source,
        title=f"{base.title}, with {', '.join(m.name.replace('_', ' ') for m in modules)}",
        region=intersection(base.region, *(m.region for m in modules)), region_note=base.region_note,
        category=base.category, questions=base.questions, counting=counting, symbols=base.symbols,
        failures=tuple(dict.fromkeys([*base.failures, *(f for m in modules for f in m.paper.failures)])),
        notes="; ".join(notes),
        unconfirmed=(*base.unconfirmed, *(f"{m.name} {name}" for m in modules for name in m.paper.unconfirmed)))


def compose_by_name(text: str) -> ComposedEntry:
    """The composition called ``text``: ``hoffmann2022_approach3+repetition``, ``KEY+routing:hash``.

    Every module takes its published coefficients. Raises ``UnknownName`` for a law or module nobody knows.
    """
    base, *names = text.split("+")
    modules = []
    for name in names:
        stem, _, key = name.partition(":")
        if stem not in Module.registry:
            raise unknown("module", stem, Module.registry, where=f"in {text!r}")
        modules.append(Module.registry[stem].of(key))
    return compose_entry(registry.law(base), modules)
