"""``lawful plan`` under constraints: what was asked becomes a problem, and its answer a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lawful.cli.options import Spending, find_law, rates_of
from lawful.cli.output import aligned
from lawful.cli.pricing import Priced
from lawful.errors import LawError
from lawful.quantities import format_loss, format_number, parse_positive

if TYPE_CHECKING:
    from lawful.cost import Budget
    from lawful.fit import Fit
    from lawful.laws import Published
    from lawful.plan.decide import Decision, Frontier
    from lawful.plan.problem import Problem


Several = Annotated[list[str] | None, Parameter(negative="", consume_multiple=False)]
"""An option that may be given several times."""


@Parameter(name="*")
@dataclass(frozen=True)
class Asked:
    """What a plan under constraints is asked for."""

    vary: Several = None
    "A quantity to decide, within limits, among choices, or held: --vary params=1e8:1e12 --vary post_bits=4,8,16."
    subject: Several = None
    "What must hold: --subject \"loss<=2.1\" --subject \"tokens_per_param==20\"."
    minimise: Annotated[str | None, Parameter(name=["--minimise", "--minimize"])] = None
    "What is to be least, the law's outcome where left out; several with commas give a frontier: --minimise loss,usd."
    then: Several = None
    "A further law that takes what the law gives: --then gadre2024_downstream:c4_46task makes an error of the loss."
    serve_tokens: str | None = None
    "Tokens to be served over the model's life: they cost 2 FLOP a parameter."
    serve_mfu: str | None = None
    "What serving reaches of the device's peak (default 0.2)."
    unique_tokens: str | None = None
    "Unique tokens there are; with a law of repetition they are repeated where that pays."
    max_memory: str | None = None
    "Bytes that the weights may take in serving: 80e9."
    sensitivity: Annotated[bool, Parameter(negative="")] = False
    "Say what one per cent more of each bound and coefficient moves, and which uncertainty matters."

    @property
    def anything(self) -> bool:
        """Whether more is asked than to divide a budget between params and tokens."""
        return any(value for value in vars(self).values())

    def problem(self, law: Fit | Published, budget: Budget | None, spending: Spending, priced: Priced) -> Problem:
        """The problem of deciding under ``law``, within ``budget`` where one is given, by the bill of ``priced``."""
        from lawful.plan.costs.rates import Rates
        from lawful.plan.laws import law_name
        from lawful.plan.problem import SPANS, parse_problem
        from lawful.plan.spending import budget_limits

        vary = list(self.vary or [])
        named = {text.partition("=")[0].strip() for text in vary}
        then = [find_law(name) for name in self.then or []]
        outputs = [one.law.output.name for one in (law, *then)]
        if twice := [name for one, name in zip(then, outputs[1:], strict=True)
                     if outputs.count(name) > 1 and name not in (*one.law.inputs, "added_loss")]:
            raise LawError(f"--then: two laws of the row give {twice[0]}, and the later takes nothing of the earlier: "
                           "leave one of them out")
        if self.unique_tokens is not None:
            if not any("unique_tokens" in one.law.inputs for one in (law, *then)):
                raise LawError(f"--unique-tokens: {law_name(law)} counts every token as new and says nothing of "
                               "repeats; ask a law of repetition (a catalogue key with +repetition), or limit the "
                               f"tokens, as --vary tokens=1e6:{self.unique_tokens}")
            vary.append(f"unique_tokens={self.unique_tokens}")
            named.add("unique_tokens")
        vary += [f"{name}={span}" for name, span in SPANS.items() if name in law.law.inputs and name not in named
                 and not (name == "tokens" and {"unique_tokens", "epochs"} <= named)
                 and not (name == "params" and priced.shape is not None and {"width", "depth"} <= named)]
        subject = list(self.subject or [])
        if self.max_memory is not None:
            subject.append(f"memory_bytes<={self.max_memory}")
        subject += priced.ceilings()
        given = {**(spending.rates() if budget is None else rates_of(budget)), **priced.rates()}
        if budget is not None:
            subject[:0] = [f"{c.metric}{c.sense}{c.bound!r}" for c in budget_limits(budget)]
        if self.serve_tokens is not None:
            given["serve_tokens"] = parse_positive(self.serve_tokens, "--serve-tokens")
        if self.serve_mfu is not None:
            given["serve_mfu"] = parse_positive(self.serve_mfu, "--serve-mfu")
        made: Problem = parse_problem(law, vary, subject, self.minimise, Rates(**given), then)
        return made


def decision_text(made: Decision) -> str:
    """The decision first, then what it gives and costs, and what each bound is worth."""
    from lawful.plan.costs.metrics import DERIVED, METRICS

    lines = [made.answer, ""]
    answer, spread = made.forecast, {name: (i.low, i.high) for name, i in made.intervals.items()}
    lines += [_line(name, value, spread.get(name), answer.level) for name, value in made.decision.items()]
    ends = None if answer.low is None or answer.high is None else (answer.low, answer.high)
    lines.append(_line(answer.output.name, answer.value, ends, answer.level))
    outputs = dict.fromkeys(law.law.output.name for law in made.problem.laws)
    lines += [_line(name, made.metrics[name], spread.get(name), answer.level) for name in outputs
              if name != answer.output.name]
    lines += [f"{_line(name, made.metrics[name], None, answer.level)}   {unit}" for name, unit in DERIVED.items()
              if name in made.metrics and name not in made.decision]
    for name, (unit, _) in METRICS.items():
        if name not in made.decision and made.metrics.get(name):
            shown, *span = (format_number(value, unit="FLOP" if unit == "FLOP" else "")
                            for value in (made.metrics[name], *spread.get(name, ())))
            within = f"{'':<{max(0, 14 - len(unit))}}{100 * answer.level:g} % [{', '.join(span)}]" if span else ""
            lines.append(f"  {name:<16} {shown:>12}   {unit}{within}")
    if made.shape is not None:
        near = made.shape
        lines += ["", f"Nearest to build: width {near.width:,}, depth {near.depth:,}, {near.params:,} params"]
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
    """A row for each plan: goals, the outcome's interval, what is decided, plans whose outcome is not told from it."""
    first = front.plans[0]
    decided = [name for name in first.decision if name not in front.objectives]
    moving = [n for n in decided if len({p.decision[n] for p in front.plans}) > 1]
    shown = [*front.objectives, *moving]
    body = [[digits(n, p.metrics[n]) for n in shown] for p in front.plans]
    outcome = first.forecast.output.name
    if first.forecast.low is not None and outcome in front.objectives:
        shown.insert(at := shown.index(outcome) + 1, f"{100 * first.forecast.level:g} %")
        for row, p in zip(body, front.plans, strict=True):
            row.insert(at, " to ".join(digits(outcome, end) for end in (p.forecast.low, p.forecast.high)
                                       if end is not None))
    if any(front.ties):
        body = [[str(i + 1), *row, _places(front.ties[i])] for i, row in enumerate(body)]
        shown = ["plan", *shown, "not told from"]
    text = aligned(body, shown)
    return f"{text}\n\nPlans not told from one another: the draws of the fit disagree on which is better." if any(
        front.ties) else text


def _places(tied: tuple[int, ...]) -> str:
    """The numbers of plans in short, as ``2-4, 7``."""
    runs: list[list[int]] = []
    for i in tied:
        if runs and i == runs[-1][-1] + 1:
            runs[-1].append(i)
        else:
            runs.append([i])
    return ", ".join(f"{r[0] + 1}-{r[-1] + 1}" if len(r) > 1 else str(r[0] + 1) for r in runs)


def digits(name: str, value: float) -> str:
    """A loss to four places, anything else in short."""
    return format_loss(value) if name == "loss" else format_number(value)
