"""Laws by name: the forms that can be fitted, and the published laws of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lawful.errors import InputError, unknown
from lawful.laws import language_published  # noqa: F401  (importing a family registers its forms and entries)
from lawful.laws.base import Law
from lawful.laws.published import Published
from lawful.laws.published import entries as _entries
from lawful.quantities import QUANTITIES


def forms() -> dict[str, type[Law]]:
    """Every form by its own name, aliases left out."""
    return {cls.form: cls for cls in Law.registry.values()}


def form(name: str | Law | type[Law]) -> Law:
    """A law of the form called ``name``, its coefficients standing in (1 or within limits): a template.

    ``name`` is a form, an alias, ``power_law:tokens`` for a form over one quantity, a catalogue key
    (whose form is taken), a ``Law`` class or an instance. Raises ``UnknownName`` with the nearest names.
    """
    if isinstance(name, Law):
        return name
    if isinstance(name, type):
        return _template(name, {})
    stem, _, over = name.strip().partition(":")
    cls = Law.registry.get(stem.lower().replace("-", "_"))
    if cls is None:
        entry = published().get(name)
        if entry is not None:
            return entry.law
        raise unknown("form", name, {*Law.registry, *published()})
    if not over:
        return _template(cls, {})
    if not hasattr(cls, "over"):
        raise InputError(f"form {stem!r} takes no ':{over}': only forms over one quantity do, "
                         f"such as power_law:tokens")
    if over not in QUANTITIES:
        raise unknown("quantity", over, QUANTITIES, f"in form {name!r}")
    return _template(cls, {"over": over})


def _template(cls: type[Law], settings: Mapping[str, Any]) -> Law:
    inside = {name: 1.0 if limit.low < 1.0 < limit.high else 0.5 * (limit.low + limit.high)
              for name, limit in cls.limits().items()}
    return cls(**settings, **inside)


def published() -> Mapping[str, Published]:
    """The published laws by key."""
    return _entries()


def law(key: str) -> Published:
    """The published law called ``key``; raises ``UnknownName`` with the nearest keys."""
    if key not in published():
        raise unknown("law", key, published(), "`lawful laws` lists them; a saved fit is given by its file.")
    return published()[key]
