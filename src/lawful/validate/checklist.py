"""``checklist(fit, runs)``: a reproducibility card of a scaling study, filled in from the data as far as they go.

The questions follow the checklist of Li, Kudugunta & Zettlemoyer 2025 (arXiv:2502.18969), in our words: what is
claimed, how the models were trained, which numbers were collected, how the law was fitted, and how far it was tested.
What a table cannot tell is marked "not recorded", with what to add.
"""

from __future__ import annotations

from pathlib import PurePath

from lawful.fit.result import Fit
from lawful.runs import RunTable
from lawful.validate.card import Checklist, Group, Item
from lawful.validate.card_fit import claim, fitting, testing
from lawful.validate.card_runs import collection, fingerprint, training
from lawful.validate.cuts import Backtest
from lawful.validate.findings import Diagnosis


def checklist(fit: Fit, runs: RunTable, tested: Backtest | None = None, diagnosis: Diagnosis | None = None, *,
              where: str | None = None, refused: str | None = None) -> Checklist:
    """The reproducibility card of ``fit``, made on ``runs``.

    ``tested`` is a back-test of the same form on the same runs and ``diagnosis`` what stands against them; without them
    their questions stay open, with ``refused``, why no back-test was possible, where it is given. ``where`` is the
    filter by which the rows were chosen.
    """
    parts = {
        "What is claimed": claim(fit),
        "How the models were trained": training(runs),
        "Which numbers were collected": collection(fit, runs, where),
        "How the law was fitted": fitting(fit),
        "How far it was tested": testing(fit, tested, diagnosis, refused),
    }
    groups = tuple(Group(title, tuple(_published(item, runs) for item in items)) for title, items in parts.items())
    return Checklist(_named(runs.source, runs), len(runs), fit.law.form, fingerprint(runs), groups)


def _published(item: Item, runs: RunTable) -> Item:
    """The item without the paths of its author's machine: a card is published."""
    return Item(item.question, None if item.answer is None else _named(item.answer, runs), _named(item.add, runs))


def _named(text: str, runs: RunTable) -> str:
    """``text`` with the files that the runs came from named, not their folders."""
    for path in sorted(runs.source.split(" + "), key=len, reverse=True):
        text = text.replace(path, PurePath(path).name or path)
    return text
