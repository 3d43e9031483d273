"""``lawful sensitivity`` and ``lawful attribute``: what an outcome answers to, and what a change of it is owed to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from lawful.cli.fitting import asked
from lawful.cli.options import Output, find_law
from lawful.cli.output import aligned, check, show
from lawful.errors import InputError, LawfulError

if TYPE_CHECKING:
    from lawful.fit import Fit
    from lawful.laws import Published
    from lawful.plan.explaining.attribution import Attribution
    from lawful.plan.explaining.sensitivity import Sensitivity
    from lawful.plan.explaining.variance import Variance

_NO_OUTPUT = Output()

LISTED = 0.01
"""A smaller part of a variance is not named in the text."""

BENT = 1.5
"""From this ratio of the spread to the linear one on, the text says so."""


def sensitivity(
    law: str,
    /,
    *,
    at: str,
    level: float | None = None,
    output: Output = _NO_OUTPUT,
) -> None:
    """How a law's outcome moves with each quantity and each coefficient at a point.

    Parameters
    ----------
    law
        A catalogue key (hoffmann2022_approach3) or a saved fit (fit.json).
    at
        The point: params=70B,tokens=1.4T.
    level
        Level of the intervals; the fit's own where it is left out.
    """
    from lawful.plan.explaining.elasticities import elasticities

    check(output)
    found = find_law(law)
    answer = elasticities(found, asked(at, "--at", found.law.inputs), level)
    show(answer, repr(answer), output, answer.warnings)


def attribute(
    *,
    law: str | None = None,
    to_law: str | None = None,
    before: Annotated[str, Parameter(name="--from")],
    after: Annotated[str, Parameter(name="--to")],
    group: Annotated[list[str] | None, Parameter(negative="", consume_multiple=False)] = None,
    metric: str | None = None,
    method: str = "shapley",
    coefficients: Annotated[bool, Parameter(negative="")] = False,
    level: float | None = None,
    output: Output = _NO_OUTPUT,
) -> None:
    """Split the change of an outcome between two points, two plans or two laws over what changed; sums exactly.

    Parameters
    ----------
    law
        A catalogue key or a saved fit (fit.json); that of the plan, where --from is one and its law is published.
    to_law
        The law at the other end, if it is another.
    before
        Where the change starts: params=1B,tokens=20B, or a plan (plan.json).
    after
        Where it ends.
    group
        Factors that count as one: --group data=tokens+epochs. May be given several times.
    metric
        Of two plans, another metric than the outcome: --metric usd. The plans are made again from their questions.
    method
        shapley (every order of the factors alike), or path (all move at one pace).
    coefficients
        With --to-law of the same form, each coefficient is a factor, instead of the law as one.
    level
        Level of the intervals; the fit's own where it is left out.
    """
    from lawful.plan.explaining.attribution import attribute as split

    check(output)
    if metric is not None:
        if method != "shapley" or coefficients or to_law is not None:
            raise InputError("--metric is split by shapley, over what was decided, the laws and the rates: leave out "
                             "--method, --coefficients and --to-law")
        found = _between(before, after, metric, law, _groups(group or []))
        show(found, repr(found), output, found.warnings)
        return
    laws = _laws(law, to_law, before, after)
    known = [*laws[0].law.inputs, *laws[1].law.inputs]
    points = _point(before, "--from", known), _point(after, "--to", known)
    answer = split(laws[0], *points, to=laws[1], groups=_groups(group or []), method=method,
                   coefficients=coefficients, level=level)
    show(answer, repr(answer), output, answer.warnings)


def _between(before: str, after: str, metric: str, law: str | None,
             groups: Mapping[str, tuple[str, ...]]) -> Attribution:
    """The change of a metric between two saved plans, each made again as a decision under constraints."""
    from lawful.cli.plan_files import open_plan, remade
    from lawful.plan.decision import Decision
    from lawful.plan.explaining.between import between

    made = []
    for end, option in ((before, "--from"), (after, "--to")):
        if not _is_plan(end):
            raise InputError(f"--metric is one of two plans: {option} {end} is none; give a plan of lawful plan -o")
        decision, _, _ = remade(open_plan(end), law, sensitivity=True)   # so that a plain plan is a decision as well
        if not isinstance(decision, Decision):
            raise InputError(f"{option} {end} is a frontier: --metric takes plans with one goal")
        made.append(decision)
    return between(made[0], made[1], metric, groups=groups)


def _laws(law: str | None, to_law: str | None, before: str, after: str) -> tuple[Fit | Published, Fit | Published]:
    """The laws at both ends: as named, or as the plans there name them; one law where both ends have the same."""
    plans = [str(_plan(end, option)["law"]) if _is_plan(end) else None
             for end, option in ((before, "--from"), (after, "--to"))]
    first = law or plans[0] or plans[1]
    if first is None:
        raise InputError("give a law: --law hoffmann2022_approach3 or --law fit.json")
    other = to_law or law or plans[1] or first
    found = _law(first, law is None)
    return found, found if other == first else _law(other, to_law is None)


def _law(name: str, of_plan: bool) -> Fit | Published:
    try:
        return find_law(name)
    except LawfulError:
        if not of_plan:
            raise
        raise InputError(f"the plan was made with {name}, which is not in the catalogue: give its law, as --law "
                         "fit.json") from None


def _point(text: str, option: str, known: Sequence[str]) -> dict[str, float]:
    """The quantities that ``params=1B,tokens=20B`` or the forecast of a plan names."""
    if not _is_plan(text):
        return asked(text, option, known)
    at: Mapping[str, float] = _plan(text, option)["forecast"]["at"]
    return dict(at)


def _is_plan(text: str) -> bool:
    return text.endswith(".json")


def _plan(file: str, option: str) -> Mapping[str, Any]:
    from lawful.store import read_json

    made: Mapping[str, Any] = read_json(file)
    if made.get("schema") != "lawful.plan/1":
        raise InputError(f"{option} {file} is no plan: its schema is {made.get('schema')!r}; write one with lawful "
                         "plan -o plan.json")
    return made


def _groups(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found = {}
    for text in texts:
        name, equals, members = (part.strip() for part in text.partition("="))
        if not (name and equals and members):
            raise InputError(f"--group {text}: write --group NAME=FACTOR+FACTOR, as --group data=tokens+epochs")
        found[name] = tuple(member.strip() for member in members.split("+"))
    return found


def sensitivity_text(found: Sensitivity) -> str:
    """The sensitivity of a decision: what one per cent more of each thing moves, and whose doubt the doubt is."""
    rows = {**found.bounds, **found.coefficients}
    targets = list(dict.fromkeys(target for moves in rows.values() for target in moves))
    alone = ", ".join(f"{name} {i.value:.3g} %" for name, i in found.quantities.items())
    lines = [f"One per cent more of one alone moves the {found.outcome} by: {alone}"]
    if rows and not found.warnings:
        body = [[name, *(f"{moves[target]:.3g}" for target in targets)] for name, moves in rows.items()]
        lines += ["", "One per cent more, and the decision made again, moves by per cent",
                  *(f"  {line}" for line in aligned(body, ["", *targets]).splitlines())]
    if found.variance:
        lines += ["", "Whose doubt the doubt is (Shapley shares of the variance)"]
    for target, doubt in found.variance.items():
        lines.append(f"  {target}, {_spread(doubt)}: " + ", ".join(
            f"{term.replace(', ', ' and ')} {100 * share:.0f} %" for share, term in _ranked(doubt) if share >= LISTED))
    return "\n".join([*lines, *(w.message for w in found.warnings)])


def _spread(doubt: Variance) -> str:
    """The standard deviation of a target in per cent, and the linear one where the law bends too much for it."""
    if not math.isfinite(doubt.std):
        return f"{100 * doubt.linear:.2g} %"
    said = f"{100 * doubt.std:.2g} %"
    if 1 / BENT < doubt.linear / max(doubt.std, 1e-300) < BENT:
        return said
    return f"{said} ({100 * doubt.linear:.2g} % if it were linear: a hint only)"


def _ranked(doubt: Variance) -> list[tuple[float, str]]:
    """The shares of the terms, the largest first; that of each alone where there are too many to share out."""
    return sorted(((s.alone if s.shapley is None else s.shapley, term) for term, s in doubt.terms.items()),
                  reverse=True)
