"""``lawful plan`` under constraints: what was asked becomes a problem, and its answer a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lawful.cli.options import Output, find_law
from lawful.cli.output import aligned, show
from lawful.cost.budget import CURRENCIES
from lawful.errors import FailedToAnswer
from lawful.quantities import format_number, parse_positive

if TYPE_CHECKING:
    from lawful.cost import Budget
    from lawful.fit import Fit
    from lawful.laws import Published
    from lawful.plan.decide import Decision, Frontier
    from lawful.plan.problem import Problem


@dataclass(frozen=True)
class Asked:
    """What a plan under constraints was asked for, as texts."""

    vary: Sequence[str]
    subject: Sequence[str]
    minimise: str | None
    serve_tokens: str | None
    serve_mfu: str | None
    unique_tokens: str | None
    max_memory: str | None
    then: Sequence[str]

    @property
    def anything(self) -> bool:
        """Whether more is asked than to divide a budget between params and tokens."""
        return any(value for value in vars(self).values())

    def problem(self, law: Fit | Published, budget: Budget | None) -> Problem:
        """The problem of deciding under ``law``, within ``budget`` where one is given."""
        from lawful.plan.costs import Rates
        from lawful.plan.problem import SPANS, parse_problem

        vary = list(self.vary)
        named = {text.partition("=")[0].strip() for text in vary}
        if self.unique_tokens is not None:
            vary.append(f"unique_tokens={self.unique_tokens}")
            named.add("unique_tokens")
        vary += [f"{name}={span}" for name, span in SPANS.items() if name in law.law.inputs and name not in named
                 and not (name == "tokens" and {"unique_tokens", "epochs"} <= named)]
        subject = list(self.subject)
        if self.max_memory is not None:
            subject.append(f"memory_bytes<={self.max_memory}")
        given: dict[str, Any] = {}
        if budget is not None:
            metric = {"compute": "train_flop", "days": "wall_days", "kwh": "energy_kwh"}
            name, amount = next((n, a) for n in CURRENCIES if (a := getattr(budget, n)) is not None)
            subject.insert(0, f"{metric.get(name, name)}<={amount!r}")
            given = {"device": budget.device, "mfu": budget.mfu, "options": {
                "devices": budget.devices, "usd_per_hour": budget.usd_per_hour}}
        if self.serve_tokens is not None:
            given["serve_tokens"] = parse_positive(self.serve_tokens, "--serve-tokens")
        if self.serve_mfu is not None:
            given["serve_mfu"] = parse_positive(self.serve_mfu, "--serve-mfu")
        made: Problem = parse_problem(law, vary, subject, self.minimise, Rates(**given),
                                      [find_law(name) for name in self.then])
        return made


def decide_and_show(problem: Problem, level: float | None, strict: bool, output: Output) -> None:
    """The best decision, or with several goals the frontier."""
    from lawful.plan.decide import decide, frontier

    if len(problem.minimise) > 1:
        front = frontier(problem, level)
        show(front, frontier_text(front), output)
        return
    made = decide(problem, level)
    if strict and made.forecast.refused:
        raise FailedToAnswer(f"--strict: {made.forecast.refused}")
    show(made, decision_text(made), output, made.warnings)


def decision_text(made: Decision) -> str:
    """The decision first, then what it gives and costs, and what each bound is worth."""
    from lawful.plan.costs import METRICS

    lines = [made.answer, ""]
    for name, value in made.decision.items():
        i = made.intervals.get(name)
        lines.append(_line(name, value, None if i is None else (i.low, i.high), made.forecast.level))
    answer = made.forecast
    ends = None if answer.low is None or answer.high is None else (answer.low, answer.high)
    lines.append(_line(answer.output.name, answer.value, ends, answer.level))
    outputs = dict.fromkeys(law.law.output.name for law in made.problem.laws)
    lines += [_line(name, made.metrics[name], None, answer.level) for name in outputs if name != answer.output.name]
    for name, (unit, _) in METRICS.items():
        if made.metrics.get(name):
            shown = format_number(made.metrics[name], unit="FLOP" if unit == "FLOP" else "")
            lines.append(f"  {name:<16} {shown:>12}   {unit}")
    if made.prices:
        lines += ["", "One per cent more of a bound would gain"]
        goal = made.problem.minimise[0]
        lines += [f"  {bound:<24} {gain:.3g} % of {goal}" for bound, gain in made.prices.items()]
    lines += ["", "This rests on:", *(f"  - {a}" for a in made.assumptions)]
    return "\n".join(lines)


def _line(name: str, value: float, ends: tuple[float, float] | None, level: float) -> str:
    spread = "" if ends is None else f"   {100 * level:g} % [{digits(name, ends[0])}, {digits(name, ends[1])}]"
    return f"  {name:<16} {digits(name, value):>12}{spread}"


def frontier_text(front: Frontier) -> str:
    """A row for each plan: the goals, then what is decided."""
    decided = [name for name in front.plans[0].decision if name not in front.objectives]
    moving = [n for n in decided if len({p.decision[n] for p in front.plans}) > 1]
    body = [[*(format_number(p.metrics[g]) for g in front.objectives), *(format_number(p.decision[n]) for n in moving)]
            for p in front.plans]
    return aligned(body, [*front.objectives, *moving])


def digits(name: str, value: float) -> str:
    """A loss to four places, anything else in short."""
    return f"{value:.4f}" if name == "loss" else format_number(value)
