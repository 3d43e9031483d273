"""``lawful plan diff`` and ``lawful plan check``: saved plans side by side, and one held to what it says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from lawful.cli.options import Output, Policies, as_tokens, find_law
from lawful.cli.output import aligned, check, show
from lawful.errors import FailedToAnswer, InputError
from lawful.quantities import format_loss, format_number

if TYPE_CHECKING:
    from lawful.fit import Fit
    from lawful.laws import Published
    from lawful.plan.saved.changes import Change, PlanDiff, Side
    from lawful.plan.saved.files import Made, PlanFile
    from lawful.plan.saved.policy import Policy, Verdict

_NO_OUTPUT, _FREE = Output(), Policies()


def diff(
    a: str,
    b: str,
    /,
    *,
    law: str | None = None,
    markdown: Annotated[bool, Parameter(negative="")] = False,
    output: Output = _NO_OUTPUT,
) -> None:
    """Two saved plans side by side: what is decided, what it should give and what it costs, with intervals.

    Parameters
    ----------
    a
        A plan that lawful plan -o wrote; of a frontier one of its plans, as front.json:3.
    b
        Another.
    law
        The saved fit that both rest on (fit.json): the difference of their outcomes is then read off its draws.
    markdown
        Print Markdown for a pull request.
    """
    from lawful.plan.saved.changes import compare_plans
    from lawful.report.plans import diff_markdown

    check(output)
    found = compare_plans(open_plan(a), open_plan(b), None if law is None else find_law(law))
    show(found, diff_markdown(found.to_dict()) if markdown else diff_text(found), output, found.warnings)


def verify(
    plan: str,
    /,
    *,
    law: str | None = None,
    again: Annotated[bool, Parameter(negative="--as-written")] = True,
    policies: Policies = _FREE,
    output: Output = _NO_OUTPUT,
) -> None:
    """Check a saved plan: that it is as it was written, that it comes out again, that it keeps the policies.

    Parameters
    ----------
    plan
        A plan that lawful plan -o wrote.
    law
        Where the saved fit that it rests on lies now, or another law to make it with.
    again
        Make the plan again from its question; --as-written takes its figures as they stand.
    """
    from lawful.plan.saved.policy import enforce

    check(output)
    policy = policies.policy()
    file = open_plan(plan).whole()
    verdicts = judged(file.data, policy)
    moved = _made_again(file, law) if again else []
    lines = [f"{file.source}: as it was written; hash {file.hash}"]
    if again:
        lines.append("made again: it comes out the same" if not moved else "made again: it comes out otherwise")
        lines += [f"  {c}" for d in moved for c in _moved(d)]
    lines += [v.sentence for plan in verdicts for v in plan] if len(verdicts) == 1 else [
        f"plan {n}: {v.sentence}" for n, plan in enumerate(verdicts, start=1) for v in plan]
    show({"schema": "lawful.plan_check/1", "source": file.source, "hash": file.hash,
          "again": ("same" if not moved else "differs") if again else None,
          "changes": [c.to_dict() for d in moved for c in d.changes if not c.same],
          "policies": [v.to_dict() for plan in verdicts for v in plan]}, "\n".join(lines), output,
         {w.code: w for d in moved for w in d.warnings if w.code == "other_law"}.values())
    enforce(verdicts)
    if moved:
        raise FailedToAnswer(f"{file.source} does not come out again: {moved[0].answer}")


def open_plan(name: str) -> PlanFile:
    """The plan in the file ``name``; ``front.json:3`` is the third of a frontier."""
    from lawful.plan.saved.files import read_plan
    from lawful.store import read_json

    found = re.fullmatch(r"(.+):(\d+)", name)
    path, number = (found[1], int(found[2])) if found else (name, None)
    return read_plan(read_json(path), path, number)


def sealed(made: Made, law: Fit | Published, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """What is written of a plan made now with these options of the command line."""
    from datetime import UTC, datetime

    from lawful import __version__
    from lawful.plan.saved.files import seal

    return seal(made, law, name, options, created=datetime.now(UTC).isoformat(timespec="seconds"), version=__version__)


def judged(content: Mapping[str, Any], policy: Policy) -> tuple[tuple[Verdict, ...], ...]:
    """How each plan of a file stands against the policy; none where nothing is limited."""
    from lawful.plan.saved.policy import judge

    return tuple(judge(plan, policy) for plan in content.get("plans", [content])) if policy.limits else ((),)


def plan_markdown(content: Mapping[str, Any]) -> str:
    """A plan as Markdown."""
    from lawful.plan.costs.metrics import METRICS
    from lawful.report.plans import plan_markdown as written

    return written(content, {name: unit for name, (unit, _) in METRICS.items()})


def _made_again(file: PlanFile, law: str | None) -> list[PlanDiff]:
    """The plans of ``file`` beside those that its question gives now, where they differ."""
    from lawful.plan.saved.changes import compare_plans
    from lawful.plan.saved.files import read_plan

    made, found, options = remade(file, law)
    now = read_plan(sealed(made, found, str(options.get("law") or options.get("runs")), options), "now")
    if len(now.plans) != len(file.plans):
        raise FailedToAnswer(f"{file.source} does not come out again: it holds {len(file.plans)} plans, and "
                             f"{len(now.plans)} are made now")
    pairs = [compare_plans(read_plan(file.data, file.source, n), read_plan(now.data, now.source, n))
             for n in range(1, len(file.plans) + 1)]
    return [pair for pair in pairs if not pair.same]


def remade(file: PlanFile, law: str | None = None, **more: Any) -> tuple[Made, Fit | Published, dict[str, Any]]:
    """The plan that the question of ``file`` gives now, its law, and the options it was made with, and ``more``.

    ``law`` takes the place of that of the file. Raises ``InputError`` for a file without its question.
    """
    from lawful.cli.planning import answer, app

    options = file.data.get("question", {}).get("options")
    if options is None:
        raise InputError(f"{file.source}: was not written by lawful plan, and cannot be made again; --as-written "
                         "checks the rest")
    if options.get("runs") == "-":
        raise InputError(f"{file.source}: was made of runs from standard input, and cannot be made again; --as-written "
                         "checks the rest")
    options = {**options, **more}
    if law is not None:
        options = {**{k: v for k, v in options.items() if k != "runs"}, "law": law}
    _, bound, _ = app.parse_args(as_tokens(options), exit_on_error=False, print_error=False)
    bound.apply_defaults()
    shown = ("markdown", "settings", "policies", "output")
    asked = {name: value for name, value in bound.arguments.items() if name not in shown}
    made, found = answer(**asked)
    return made, found, options


def _moved(found: PlanDiff) -> list[str]:
    return [f"{c.name}: {_cell(c, c.a)} as written, {_cell(c, c.b)} now" for c in found.changes if not c.same]


def diff_text(found: PlanDiff) -> str:
    """The answer, then each figure of the two plans."""
    lines = [found.answer, ""]
    rows = [[c.name, _cell(c, c.a), _cell(c, c.b), c.shift, {True: "overlap", False: "apart", None: ""}[c.overlap]]
            for c in found.changes]
    lines.append(aligned(rows, ["", found.a.source, found.b.source, "change", "intervals"]))
    if found.paired is not None:
        p = found.paired
        lines += ["", f"Paired over the draws of the fit: the outcome changes by {p.value:+.4f} "
                      f"({p.low:+.4f} to {p.high:+.4f}, {100 * found.level:g} %)."]
    for file, only in ((found.a, found.only_a), (found.b, found.only_b)):
        if only:
            lines += ["", f"Only {file.source} rests on:", *(f"  - {sentence}" for sentence in only)]
    return "\n".join(lines)


def _cell(change: Change, side: Side | None) -> str:
    if side is None:
        return "-"
    value, *ends = (_number(change, x) for x in (side.value, *(side.ends or ())))
    return f"{value} [{', '.join(ends)}]" if ends else value


def _number(change: Change, value: float) -> str:
    if change.kind == "outcome":
        return format_loss(value)
    return format_number(value, unit="FLOP" if change.unit == "FLOP" else "")
