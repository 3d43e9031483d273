"""Batch, learning rate and weight decay for a run of a given size, as each published law has them.

``recommended_settings(params, tokens)`` asks every law of the catalogue that gives such a setting, says how far each is
from the runs it rests on, and takes the geometric mean between them. The laws differ by more than a factor of two: the
spread is the answer as much as the middle is, and a sweep of your own is worth more (``lawful optima``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lawful.cost.checks import positive
from lawful.errors import InputError, LawError
from lawful.fit import forecast
from lawful.laws import registry
from lawful.plan.decide import Decision, Frontier
from lawful.plan.saved.files import Made
from lawful.quantities import FLOP_PER_PARAM_TOKEN, format_number
from lawful.results import Caveat, to_plain

LAWS: Mapping[str, tuple[str, ...]] = {
    "learning_rate": ("steplaw2025:learning_rate", "deepseek2024_hparams:learning_rate",
                      "porian2024_hparams:learning_rate"),
    "batch_tokens": ("steplaw2025:batch", "deepseek2024_hparams:batch", "porian2024_hparams:batch",
                     "bergsma2025_power_lines:best_batch"),
    "critical_batch": ("zhang2024_critical_batch", "bergsma2025_power_lines:critical_batch",
                       "kaplan2020_critical_batch"),
    "decay_timescale": ("bergsma2025_power_lines:timescale",),
    "weight_decay": ("bergsma2025_power_lines:weight_decay",),
}
"""The laws that are asked for each setting. ``critical_batch`` [tokens] is the batch beyond which more is wasted.

Left out are ``schaipp2026_three_term``, which reads the runs of the Step Law again and would count them twice, and
``minicpm2024:batch``, a law of the loss of its own corpus and tokenizer: on the Step Law's sweep it costs 5 % of the
loss, where the others cost up to 1 % (``benchmarks/settings.py``).
"""

AT_20 = ("porian2024_hparams:learning_rate", "porian2024_hparams:batch")
"""Laws of runs that all had 20 tokens per parameter."""

NEAR = 2.0
"""Factor of tokens per parameter within which such a law is taken at its word."""


@dataclass(frozen=True)
class Setting:
    """What one law recommends: its ``value``, and how far beyond its runs that is, in decades per quantity.

    ``reach`` is None where nobody says what the law rests on.
    """

    quantity: str
    law: str
    value: float
    reach: Mapping[str, float] | None
    caveats: tuple[Caveat, ...] = ()

    @property
    def beyond(self) -> float:
        """Decades beyond its runs in the quantity that lies farthest; infinite where they are not known."""
        return math.inf if self.reach is None else max(self.reach.values(), default=0.0)


@dataclass(frozen=True)
class Spread:
    """The least, the geometric mean, and the most that laws recommend for one setting."""

    low: float
    middle: float
    high: float

    @property
    def factor(self) -> float:
        """The most over the least."""
        return self.high / self.low


@dataclass(frozen=True)
class Settings:
    """What the laws recommend for a run of ``params`` on ``tokens``, law by law."""

    params: float
    tokens: float
    settings: tuple[Setting, ...]

    def of(self, quantity: str) -> tuple[Setting, ...]:
        """The recommendations for one setting, that of the nearest runs first."""
        return tuple(sorted((s for s in self.settings if s.quantity == quantity), key=lambda s: s.beyond))

    @property
    def spreads(self) -> Mapping[str, Spread]:
        """What the laws say together, by setting."""
        found = {}
        for quantity in dict.fromkeys(s.quantity for s in self.settings):
            logs = [math.log(s.value) for s in self.of(quantity)]
            found[quantity] = Spread(*(math.exp(x) for x in (min(logs), sum(logs) / len(logs), max(logs))))
        return found

    def to_dict(self) -> dict[str, Any]:
        """The settings as data: the key ``settings`` of ``lawful plan --settings --json``."""
        return {quantity: {**vars(spread), "laws": [to_plain(s) for s in self.of(quantity)]}
                for quantity, spread in self.spreads.items()}


def recommended_settings(params: float, tokens: float, *, nonembedding_params: float | None = None,
                         compute: float | None = None, loss: float | None = None) -> Settings:
    """Batch, learning rate and weight decay for a dense language model of ``params`` trained on ``tokens``.

    ``nonembedding_params`` go to the laws that count so, and ``params`` with a caveat where they are not given;
    ``compute`` is 6 x params x tokens where it is not given. The laws of a batch at a ``loss`` [nats/token] are asked
    where one is given. The weight decay is that of the middle batch and learning rate. Raises ``InputError`` for what
    is not positive.
    """
    known = {"params": positive("params", params, "parameters"), "tokens": positive("tokens", tokens, "tokens"),
             "compute": positive("compute", compute or FLOP_PER_PARAM_TOKEN * params * tokens, "FLOP")}
    for name, value in (("nonembedding_params", nonembedding_params), ("loss", loss)):
        if value is not None:
            known[name] = positive(name, value, name)
    found: list[Setting] = []
    for quantity, keys in LAWS.items():
        asked = [_ask(quantity, key, known) for key in keys]
        found += [setting for setting in asked if setting is not None]
        known |= {name: s.middle for name, s in Settings(params, tokens, tuple(found)).spreads.items()}
    return Settings(params, tokens, tuple(found))


def settings_of(made: Made) -> Settings:
    """The settings for the run of a plan or a decision.

    Raises ``LawError`` where it decides no params and tokens, ``InputError`` for a frontier, which is many runs.
    """
    if isinstance(made, Frontier):
        raise InputError("settings are those of one run: a frontier has many, give one goal")
    metrics = {**made.decision, **(made.metrics if isinstance(made, Decision) else {})}
    if missing := [name for name in ("params", "tokens") if name not in metrics]:
        raise LawError(f"settings are laws of params and tokens, and the plan says no {' and no '.join(missing)}")
    answer = made.forecast
    loss = answer.value if answer.output.name == "loss" else metrics.get("loss")
    return recommended_settings(metrics["params"], metrics["tokens"], loss=loss,
                                compute=metrics.get("train_flop", metrics.get("compute")))


def settings_lines(settings: Settings) -> Sequence[str]:
    """A line for each setting, and one for each law below it."""
    lines = []
    for quantity, spread in settings.spreads.items():
        of = settings.of(quantity)
        between = f", {_short(spread.low)} to {_short(spread.high)} by {len(of)} laws" if len(of) > 1 else ""
        lines.append(f"  {quantity:<16} {_short(spread.middle):>12}{between}")
        lines += [f"    {s.law:<38} {_short(s.value):>10}   {_where(s)}" for s in of]
    return lines


def _short(value: float) -> str:
    return format_number(value, 3)


def _where(setting: Setting) -> str:
    if setting.reach is None:
        return "its runs are not known"
    far = {name: decades for name, decades in setting.reach.items() if decades > 0.005}
    said = ", ".join(f"{name} by {decades:.2g} decades" for name, decades in far.items())
    inside = f"beyond its runs: {said}" if far else "inside its runs"
    return "; ".join([inside, *(c.message for c in setting.caveats if c.code == "other_ratio")])


def _ask(quantity: str, key: str, known: Mapping[str, float]) -> Setting | None:
    """What one law says, None where it takes what is not known."""
    entry = registry.law(key)
    counted = entry.counting.get("params") == "non-embedding" and "nonembedding_params" in known
    names = ["nonembedding_params" if name == "params" and counted else name for name in entry.law.inputs]
    if not set(names) <= known.keys():
        return None
    answer = forecast(entry, {name: known[name] for name in names})
    caveats = tuple(w for w in answer.warnings if w.code not in ("no_interval", "far_extrapolation"))
    ratio = known["tokens"] / known["params"]
    if key in AT_20 and not 1 / NEAR <= ratio / 20.0 <= NEAR:
        caveats = (*caveats, Caveat("other_ratio", f"for 20 tokens per parameter, here {ratio:.3g}"))
    return Setting(quantity, key, answer.value, answer.reach if entry.region.spans else None, caveats)
