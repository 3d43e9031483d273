"""What answers say of gains: a way as an option, where its laws stop, what they are called, its size in words."""

from __future__ import annotations

from collections.abc import Iterable

from lawful.fit.forecast import FAR
from lawful.plan.decision import Decision
from lawful.plan.gains.weighing import Gain
from lawful.plan.laws import law_name
from lawful.plan.questions.topic import Option
from lawful.quantities import format_number
from lawful.results import Caveat, once

SHOWN = ("train_flop", "bit_flop", "memory_bytes", "active_params", "total_params", "teacher_flop", "usd", "serve_flop",
         "serve_usd", "gpu_hours", "wall_days", "energy_kwh", "co2e_kg")
"""Metrics of a decision that an option gives, as far as they are known."""


def shown(decision: Decision) -> dict[str, float]:
    """What ``decision`` takes and costs."""
    return {name: decision.metrics[name] for name in SHOWN if decision.metrics.get(name)}


def option_of(gain: Gain) -> Option:
    """The way of ``gain`` as an option of a recommendation."""
    outcome, metrics, way = gain.made.problem.outcome, gain.made.metrics, gain.way
    gives = {outcome: metrics[outcome], f"plain_{outcome}": gain.plain.metrics[outcome],
             "difference": gain.difference, "times_budget": gain.factor,
             **shown(gain.made)}
    spread = dict(gain.made.intervals) | ({"difference": gain.interval} if gain.interval else {})
    against = "" if way.plain.law is way.problem.law else f", against {law_name(way.plain.law)}"
    beyond = ("the runs behind its law are not known" if gain.reach is None else
              f"{gain.reach:.1f} decades beyond its runs" if gain.reach > FAR else "")
    parts = (gain.answer, f"by {gain.made.law}{against}", beyond, way.note)
    return Option(way.name, gain.made.decision, gives, spread, "; ".join(part for part in parts if part))


def limits_of(gains: Iterable[Gain]) -> tuple[Caveat, ...]:
    """Where the laws behind ``gains`` stop holding, each said once."""
    return once(caveat for gain in gains for caveat in (*gain.made.warnings, *gain.plain.warnings))


def laws_of(decisions: Iterable[Decision]) -> tuple[str, ...]:
    """What the laws behind ``decisions`` are called, each once."""
    return tuple(dict.fromkeys(law_name(law) for decision in decisions for law in decision.problem.laws))


def size_text(decision: Decision) -> str:
    """Params and tokens of a decision in words: "6.03B params (10B held) on 276B tokens"."""
    metrics = decision.metrics
    beside = f" ({format_number(metrics['total_params'])} held)" if "total_params" in metrics else ""
    tokens = metrics["tokens"] if "tokens" in metrics else metrics["finetune_tokens"]
    return (f"{format_number(metrics.get('active_params', metrics['params']))} params{beside} on "
            f"{format_number(tokens)} tokens")
