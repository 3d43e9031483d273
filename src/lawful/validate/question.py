"""Known failure modes that a question meets: what ``predict`` and ``plan`` say beside how far it reaches.

How far a question lies from the runs is the forecast's own matter (``lawful.fit.reach``); here stands what the law
cannot know about it: how its params are counted, whether its data would repeat, what the runs behind it share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lawful.fit.result import Fit
from lawful.laws.published import Published
from lawful.quantities import format_number
from lawful.results import Caveat
from lawful.runs import RunTable
from lawful.validate.failures import FAILURE_CHECKS, SMALL
from lawful.validate.findings import Severity
from lawful.validate.modes import MODES

GROWTH = 10.0
"""Factor in params beyond a table of small models from which their smallness bears on the question."""


def question_caveats(law: Fit | Published, at: Mapping[str, float], runs: RunTable | None = None) -> tuple[Caveat, ...]:
    """What the known failure modes say of asking ``law`` at the quantities ``at``.

    ``runs`` are those that a fit was made on, where they are at hand: then the modes that they show (repeated data,
    mixed corpora, a warm-up too long) are said too, but for mere notes. Caveats that a forecast already carries (reach,
    the known failures of a published law) are left to it.
    """
    found = [*_counting(law, at), *_grown(law, at)]
    if runs is not None and isinstance(law, Fit):
        found += [*_exhausted(law, at, runs), *_seen(law, runs)]
    return tuple({caveat.code: caveat for caveat in reversed(found)}.values())[::-1]


def _counting(law: Fit | Published, at: Mapping[str, float]) -> Iterator[Caveat]:
    """A fit on one count of several: the question's params are read as that count."""
    if isinstance(law, Fit) and "params" in at:
        for note in law.warnings:
            if note.code == "params_convention":
                yield Caveat("params_convention", f"the question's params are counted as the fit's: {note.message}")


def _grown(law: Fit | Published, at: Mapping[str, float]) -> Iterator[Caveat]:
    """A question far above a law of small models, whose embeddings and recipes weigh more."""
    largest = law.region.spans.get("params", (0.0, 0.0))[1]
    if "tokens" in law.law.inputs and 0 < largest < SMALL and at.get("params", 0.0) > GROWTH * largest:
        yield Caveat("small_models", f"the law rests on models of at most {format_number(largest)} params. "
                     f"{MODES['small_models'].why} {_sources('small_models')}")


def _exhausted(fit: Fit, at: Mapping[str, float], runs: RunTable) -> Iterator[Caveat]:
    """More tokens than the runs had distinct ones, under a law that takes all for new."""
    if "unique_tokens" in runs and "unique_tokens" not in fit.law.inputs and "tokens" in at:
        most = float(runs["unique_tokens"].max())
        if at["tokens"] > most:
            yield Caveat("repeated_data", f"{format_number(at['tokens'])} tokens are {at['tokens'] / most:.2g} passes "
                         f"over the {format_number(most)} distinct ones of the runs, and the law takes all for new. "
                         f"{MODES['repeated_data'].why} {_sources('repeated_data')}")


def _seen(fit: Fit, runs: RunTable) -> Iterator[Caveat]:
    """What the runs behind the fit show, as ``diagnose`` finds it."""
    for check in FAILURE_CHECKS:
        for finding in check(fit, runs):
            if finding.severity is not Severity.NOTE:
                yield Caveat(finding.code, f"{finding.title}: {finding.evidence} ({'; '.join(finding.sources)})")


def _sources(code: str) -> str:
    return f"({'; '.join(MODES[code].sources)})"
