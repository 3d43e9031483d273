"""Finding entries of the catalogue: by category, question, variable, modality, kind or a word."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

from lawful.errors import InputError, unknown
from lawful.laws.published import Entry, Fittable, Guidance, Published
from lawful.quantities import quantity

MODALITIES: Mapping[str, str] = {
    "vision": "vision", "multimodal": "multimodal", "speech_other": "speech", "rl": "rl", "graphs": "graphs",
    "recommendation": "recommendation", "theory": "other", "progress_energy": "other",
}
"""The modality of a category; every other category is about language."""

KINDS = (Published.kind, Fittable.kind, Guidance.kind)
QUESTIONS = range(1, 9)


def modality(entry: Entry) -> str:
    """What the entry is about: language, vision, multimodal, speech, rl, graphs, recommendation, other."""
    return MODALITIES.get(entry.category, "language")


def variables(entry: Entry) -> tuple[str, ...]:
    """The inputs and the output of the entry's law, by name; none for guidance."""
    law = entry.law if isinstance(entry, Published | Fittable) else None
    return (*law.inputs, law.output.name) if law is not None else ()


def search(entries: Iterable[Entry], *, category: str | None = None, question: int | None = None,
           variable: str | None = None, modality_: str | None = None, kind: str | None = None,
           text: str | None = None) -> list[Entry]:
    """The ``entries`` for which all that is given holds; ``text`` is looked for in all they say, in any case.

    Raises ``UnknownName`` or ``InputError`` for a filter that nothing in the catalogue could answer.
    """
    found = list(entries)
    for what, given, known in (("category", category, {e.category for e in found}), ("kind", kind, set(KINDS)),
                               ("modality", modality_, {"language", *MODALITIES.values()})):
        if given is not None and given not in known:
            raise unknown(what, given, known, f"One of: {', '.join(sorted(known))}.")
    if question is not None and question not in QUESTIONS:
        raise InputError(f"--question is one of the survey's research questions, 1 to 8; got {question}")
    if variable is not None:
        quantity(variable)
    return [e for e in found
            if (category is None or e.category == category) and (question is None or question in e.questions)
            and (kind is None or e.kind == kind) and (modality_ is None or modality(e) == modality_)
            and (variable is None or variable in variables(e)) and (text is None or text.lower() in words(e))]


def nearest(name: str, entries: Iterable[Entry], most: int = 5) -> list[str]:
    """The keys nearest to ``name``: by themselves, by their parts, by the name of the form or an alias.

    ``chinchila`` finds the laws of the form chinchilla, ``hofmann`` those of Hoffmann.
    """
    called: dict[str, dict[str, None]] = {}
    for entry in entries:
        law = entry.law if isinstance(entry, Published | Fittable) else None
        forms = (law.form, *law.aliases) if law is not None else ()
        for part in (entry.key, entry.key.partition(":")[0], *re.findall(r"[a-z]+", entry.key.lower()), *forms):
            if len(part) > 2:
                called.setdefault(part.lower(), {})[entry.key] = None
    close = difflib.get_close_matches(name.lower(), called, n=most, cutoff=0.6)
    return list(dict.fromkeys(key for word in close for key in called[word]))[:most]


def words(entry: Entry) -> str:
    """What the entry says, in small letters, for a search."""
    said = [entry.key, entry.title, entry.category, entry.notes, entry.source.authors, entry.source.title,
            entry.source.arxiv, *(f.text for f in entry.failures), *variables(entry)]
    if isinstance(entry, Guidance):
        said.append(entry.advice)
    if isinstance(entry, Published | Fittable):
        said.append(entry.law.form)
    return "\n".join(said).lower()
