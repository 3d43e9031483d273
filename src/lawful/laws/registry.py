"""Laws by name: the forms that can be fitted, and the entries of the catalogue.

The families are imported when they are asked for: a fit of a common form loads two of them, a listing
loads all.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

from lawful.errors import InputError, LawError, UnknownName, unknown
from lawful.laws import language, power  # noqa: F401  (importing a family registers its forms)
from lawful.laws.base import Law
from lawful.laws.published import Entry, Fittable, Guidance, Published
from lawful.laws.search import nearest
from lawful.quantities import QUANTITIES

FAMILIES: tuple[str, ...] = (
    "language_published",
    "allocation_published",
    "hyperparameters_published",
    "architecture_published",
    "precision_published",
    "sparsity_published",
    "moe_published",
    "inference_published",
    "retrieval",
    "distillation_published",
    "data_published",
    "downstream_published",
    "transfer_published",
    "vocabulary",
    "multimodal_published",
    "vision_published",
    "theory_published",
    "speech_published",
    "rl_published",
    "recommendation",
    "progress_published",
)
"""The modules of this package that hold entries, in the order of the catalogue; one line a family."""


@cache
def _load() -> None:
    """Import every family, once."""
    for family in FAMILIES:
        import_module(f"lawful.laws.{family}")


def forms() -> dict[str, type[Law]]:
    """Every form by its own name, aliases left out."""
    _load()
    return {cls.form: cls for cls in Law.registry.values()}


def form(name: str | Law | type[Law]) -> Law:
    """A law of the form called ``name``, its coefficients standing in (1 or within limits): a template.

    ``name`` is a form, an alias, ``power_law:tokens`` for a form over one quantity, a catalogue key
    (whose form is taken), a ``Law`` class or an instance. Raises ``UnknownName`` with the nearest names.
    """
    if isinstance(name, Law):
        return name
    if isinstance(name, type):
        return template(name)
    stem, _, over = name.strip().partition(":")
    stem = stem.lower().replace("-", "_")
    if stem not in Law.registry:
        _load()
    cls = Law.registry.get(stem)
    if cls is None:
        return _form_of_entry(name)
    if not over:
        return template(cls)
    if not hasattr(cls, "over"):
        raise InputError(f"form {stem!r} takes no ':{over}': only forms over one quantity do, "
                         f"such as power_law:tokens")
    if over not in QUANTITIES:
        raise unknown("quantity", over, QUANTITIES, where=f"in form {name!r}")
    return template(cls, over=over)


def _form_of_entry(name: str) -> Law:
    if "+" in name and (composed := import_module("lawful.laws.composed").find_form(name)) is not None:
        return template(composed)
    entry = _find(name)
    if isinstance(entry, Published | Fittable):
        return entry.law
    if entry is not None:
        raise _guidance(entry)
    raise unknown("form", name, {*Law.registry, *Entry.registry})


def template(cls: type[Law], **settings: Any) -> Law:
    """A law of the form ``cls`` whose coefficients stand in: 1, or another number within their limits."""
    return cls(**settings, **{name: limit.inside for name, limit in cls.limits().items()})


def enter(cls: type[Law], name: str) -> Law:
    """A law of the user's own class, from now on also found as ``name``, which its saved fits then give.

    Raises ``LawError`` where its call is no formula: it must take symbols as well as numbers.
    """
    law = template(cls)
    try:
        law.expression()
    except Exception as problem:  # whatever a user's own code may raise
        raise LawError(f"{name}: the call must be a formula of operators and the functions of "
                       f"lawful.laws.expressions; on symbols it raises {type(problem).__name__}: {problem}") from None
    cls.form = name
    Law.registry[name] = cls
    return law


def catalogue() -> Mapping[str, Entry]:
    """Every entry by key: published laws, forms without coefficients, and guidance."""
    _load()
    return Entry.registry


def published() -> Mapping[str, Published]:
    """The published laws by key."""
    return {key: entry for key, entry in catalogue().items() if isinstance(entry, Published)}


def entry(key: str) -> Entry:
    """The entry called ``key``, a bare id meaning its first set; ``UnknownName`` with the nearest keys."""
    found = _find(key)
    if found is None:
        near = nearest(key, catalogue().values())
        listed = f"nearest: {', '.join(near)}" if near else "no key is near"
        raise UnknownName(f"unknown law {key!r}; {listed}. `lawful laws` lists them; a saved fit is given by its file.")
    return found


def law(key: str) -> Published:
    """The published law called ``key``.

    Raises ``UnknownName`` with the nearest keys, ``LawError`` for an entry without coefficients.
    """
    found = entry(key)
    if isinstance(found, Published):
        return found
    if isinstance(found, Fittable):
        raise LawError(f"{key} has no confirmed coefficients: fit it to runs first (lawful fit RUNS --form {key})")
    raise _guidance(found)


def _find(key: str) -> Entry | None:
    """The entry, loading the families one by one until it turns up."""
    for family in FAMILIES:
        import_module(f"lawful.laws.{family}")
        found = Entry.registry.get(key)
        found = found or next((e for k, e in Entry.registry.items() if k.partition(":")[0] == key), None)
        if found is not None:
            return found
    return None


def _guidance(found: Entry) -> LawError:
    advice = found.advice if isinstance(found, Guidance) else ""
    return LawError(f"{found.key} is guidance, not a formula: {advice}")
