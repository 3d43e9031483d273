"""Laws over a training curve: the loss at every step of a learning-rate schedule.

What to use when: ``MultiPowerLoss`` where curves under several schedules are at hand; ``AnnealedLoss``, two
coefficients shorter, where there are few. Each is called in one of two ways. With ``stages``, a schedule of constant
rates from step 0 on (``stages_of`` makes them from the rate of every step), it takes ``steps``. With
``stages=None`` it takes what ``Schedule.changes`` gives along any schedule, and that is how it is fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, ClassVar

from lawful.errors import LawError
from lawful.laws.base import Exponent, Law, Limit, Positive
from lawful.laws.expressions import maximum, minimum, total

Stages = tuple[tuple[float, float], ...]
"""A schedule from step 0, warm-up included: (steps, learning rate) one after another; the last rate holds on."""

WARMUP: Stages = ((540.0, 3.75e-5), (540.0, 1.125e-4), (540.0, 1.875e-4), (540.0, 2.625e-4))
"""A linear warm-up of 2,160 steps to 3e-4, in four stages."""

STEP_DECAY: Stages = (*WARMUP, (9840.0, 3e-4), (4000.0, 1.5e-4), (4000.0, 6e-5), (4000.0, 3e-5))
"""A schedule of 24,000 steps to start from: warm-up, a peak of 3e-4, three drops."""


@dataclass(frozen=True)
class AnnealedLoss(Law):
    """Loss at every step of a learning-rate schedule: a power of the area under it, less an annealing term.

        L(s) = L0 + A S1**-alpha - C S2          [nats/token]
        S1 = sum of eta_i,    S2 = sum over i <= s, k <= i of (eta_(k-1) - eta_k) lam**(i - k)

    ``steps`` is s; ``stages`` is the schedule: a choice, not a coefficient. A drop in the rate pays with a delay set by
    lam. The rises of the warm-up are left out of S2. Tissue et al. 2024, equation 1.
    """

    form: ClassVar[str] = "annealed_loss"

    L0: Positive      # nats/token
    A: Positive       # nats/token at S1 = 1
    alpha: Exponent
    C: Annotated[float, Limit(0.0, float("inf"), (1e-2, 1e2))]        # nats/token per unit of S2
    lam: Annotated[float, Limit(0.0, 1.0, (0.99, 0.9998))]            # per step
    stages: Stages | None = STEP_DECAY

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", _as_stages(self.stages))
        super().__post_init__()

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("steps",) if self.stages else ("area", "fall", "lag", "first")

    def formula(self) -> str:
        return _short(self)

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        area, changes, add = _read(self, args, quantities)
        annealing = add(fall * (1.0 - self.lam**lag) for fall, lag in changes) / (1.0 - self.lam)
        return self.L0 + self.A / area**self.alpha - self.C * annealing


@dataclass(frozen=True)
class MultiPowerLoss(Law):
    """Loss at every step of a learning-rate schedule: each drop of the rate pays by a power law of its own.

        L(t) = L0 + A (S1 + S_W)**-alpha - B sum over k of (eta_(k-1) - eta_k) G(eta_k**-gamma S_k)         [nats/token]
        G(x) = 1 - (1 + C x)**-beta

    S1 + S_W is the sum of the learning rates so far, S_k the sum from step k on. ``steps`` is t;
    ``stages`` is the schedule: a choice, not a coefficient. The sum over k starts at step 0: the rise from 0 to the
    peak eta counts as a drop of -eta and adds about B eta, which L0 is short of. C and gamma are told apart only by
    changes to different rates. Fitted per model size: nothing in it scales with N. Luo et al. 2025.
    """

    form: ClassVar[str] = "multi_power"

    L0: Positive      # nats/token, less B times the peak learning rate
    A: Positive       # nats/token at S1 + S_W = 1
    alpha: Exponent
    B: Annotated[float, Limit(0.0, float("inf"), (1e1, 1e4))]         # nats/token per unit of learning rate
    C: Annotated[float, Limit(0.0, float("inf"), (1e-1, 1e2))]
    beta: Exponent
    gamma: Exponent
    stages: Stages | None = STEP_DECAY

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", _as_stages(self.stages))
        super().__post_init__()

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("steps",) if self.stages else ("area", "drop", "rate", "since", "first")

    def formula(self) -> str:
        return _short(self)

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        area, changes, add = _read(self, args, quantities)
        gain = add(drop * (1.0 - (1.0 + self.C * rate**-self.gamma * since) ** -self.beta)
                   for drop, rate, since in changes)
        return self.L0 + self.A / area**self.alpha - self.B * gain


ScheduleLoss = AnnealedLoss | MultiPowerLoss
"""The laws that take a schedule."""


def stages_of(rates: Sequence[float], count: int = 32) -> Stages:
    """At most ``count`` stages of equal length, with the mean rate of each, from the learning rate of every step.

    >>> stages_of([3e-4, 3e-4, 1e-4, 1e-4], count=2)
    ((2.0, 0.0003), (2.0, 0.0001))
    """
    size = -(-len(rates) // count)
    blocks = [rates[i:i + size] for i in range(0, len(rates), size)]
    return tuple((float(len(block)), float(sum(block)) / len(block)) for block in blocks)


def _as_stages(stages: Sequence[Sequence[float]] | None) -> Stages | None:
    """The stages as a tuple of pairs: a saved law brings lists."""
    return None if stages is None else tuple((float(length), float(rate)) for length, rate in stages)


def _short(law: ScheduleLoss) -> str:
    """The formula over the changes of any schedule: over stages it would fill a page."""
    return f"{law.output.name} = {replace(law, stages=None).expression()}"


def _read(law: ScheduleLoss, args: tuple[Any, ...], quantities: dict[str, Any]) -> tuple[
        Any, Iterable[tuple[Any, ...]], Callable[[Iterable[Any]], Any]]:
    """The area, what the law takes of each change of the rate, and how terms of changes are added up.

    Of stages that is one change a stage, and a plain sum; of ``Schedule.changes`` it is all changes at once, in
    arrays over (point, change) pairs, whose terms are added up within each point.
    """
    given = {**dict(zip(law.inputs, args, strict=False)), **quantities}
    if len(given) != len(args) + len(quantities) or set(given) != set(law.inputs):
        raise LawError(f"{law.form} takes {', '.join(law.inputs)}; got {', '.join(given) or 'nothing'}")
    if law.stages is not None:
        area = _area(law.stages, given["steps"])
        return area, _drops(law, law.stages, given["steps"], area), sum
    per_change = tuple(given[name] for name in law.inputs[1:-1])
    return given["area"], [per_change], partial(_one, given["first"])


def _one(first: Any, terms: Iterable[Any]) -> Any:
    (term,) = terms
    return total(term, first)


def _area(stages: Stages, steps: Any) -> Any:
    """The sum of the learning rates up to ``steps``; the last rate holds on."""
    area, start = 0.0, 0.0
    for length, rate in stages[:-1]:
        area = area + rate * minimum(maximum(steps - start, 0.0), length)
        start += length
    return area + stages[-1][1] * maximum(steps - start, 0.0)


def _drops(law: ScheduleLoss, stages: Stages, steps: Any, area: Any) -> list[tuple[Any, ...]]:
    """What the law takes of the change at the start of each stage.

    The rates begin at 0. A law of the ``fall`` of the rate leaves out the changes up to the highest.
    """
    found: list[tuple[Any, ...]] = []
    start, before, last = 0.0, 0.0, 0.0
    for length, rate in stages:
        drop, lag, since = last - rate, maximum(steps - start, 0.0), maximum(area - before, 0.0)
        found.append((drop, lag) if isinstance(law, AnnealedLoss) else (drop, rate, since))
        start, before, last = start + length, before + length * rate, rate
    rates = [rate for _, rate in stages]
    return found[rates.index(max(rates)) + 1:] if isinstance(law, AnnealedLoss) else found
