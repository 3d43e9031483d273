"""``checklist(fit, runs)``: a reproducibility card of a scaling study, filled in from the data as far as they go.

The questions follow the checklist of Li, Kudugunta & Zettlemoyer 2025 (arXiv:2502.18969), in our words: what is
claimed, how the models were trained, which numbers were collected, how the law was fitted, and how far it was tested.
What a table cannot tell is marked "not recorded", with what to add.
"""

from __future__ import annotations

from pathlib import PurePath

from lawful.fit.result import Fit
from lawful.runs import RunTable
from lawful.validate.card import Checklist, Group
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
    groups = (
        Group("What is claimed", tuple(claim(fit))),
        Group("How the models were trained", tuple(training(runs))),
        Group("Which numbers were collected", tuple(collection(fit, runs, where))),
        Group("How the law was fitted", tuple(fitting(fit))),
        Group("How far it was tested", tuple(testing(fit, tested, diagnosis, refused))),
    )
    source = " + ".join(PurePath(part).name for part in runs.source.split(" + "))  # of a path only the file
    return Checklist(source, len(runs), fit.law.form, fingerprint(runs),
                     groups)
