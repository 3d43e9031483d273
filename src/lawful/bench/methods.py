"""Methods: what is fitted to a series' train runs and asked about its test runs.

A method takes a ``Question``, which holds no outcome of a test run, and gives an ``Answer``: a value for each point
and, where the method has any, draws of what a new run there would give. It raises ``LawfulError`` where it has no
answer, which the benchmark counts. Three kinds are there:

- forms of the catalogue, fitted by ``fit``: every name that is no other method is one;
- ``auto`` and ``discover``, as the commands of that name work;
- what people use elsewhere (``lawful.bench.peers``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lawful.bench import peers, recipes
from lawful.bench.question import Answer, Question
from lawful.bench.series import Series
from lawful.bench.task import Task
from lawful.errors import LawError, LawfulError, UnknownName, unknown
from lawful.fit import discover, fit
from lawful.fit.choice.candidates import candidates
from lawful.fit.choice.selection import select
from lawful.fit.origins import Array
from lawful.laws.base import Law
from lawful.laws.registry import form as find_form
from lawful.laws.registry import forms
from lawful.runs import RunTable

DRAWS = 100
"""Resamples of each fit: intervals are read so that they are right for any number (``lawful.bench.metrics``)."""

CURVE_DRAWS = 40
"""Resamples of a curve under ``auto``: those of a bent form take time, and a 95 % interval needs 39."""

COSTLY = ("bnsl2",)
"""Forms that are not asked unless they are named: a fit takes seconds, and ``auto`` has them among its candidates."""

LAWS = 40
"""Laws that ``discover`` may try on a series: a fifteenth of its own default, for time."""

CURVE_LOSS = "log_squares"
"""What the fits of a curve minimise: the squared log error that such curves are judged by (RMSLE)."""

SAME = {"task_power_law": "m1", "task_power_law_floor": "m2", "power_law": "m1", "power_law_floor": "m2",
        "error_power": "m1", "error_floor": "m2"}
"""Forms of one input that are another under a name of their own: they are asked once."""


@dataclass(frozen=True)
class Method:
    """A method by name; ``inputs`` is how many it takes: one, several (2), or any (0)."""

    name: str
    about: str
    answer: Callable[[Question], Answer]
    inputs: int = 0

    def fits(self, task: Task) -> bool:
        """Whether the task has the inputs that the method is for."""
        return not self.inputs or (len(task.inputs) > 1) == (self.inputs > 1)


def question(series: Series, seed: int = 0) -> Question:
    """What a method is told of ``series``: everything but the outcomes of its test runs."""
    return Question(series.train, series.at, series.target, series.inputs, seed)


def by_form(name: str) -> Callable[[Question], Answer]:
    """The method that fits the form ``name`` of the catalogue, over the task's input where it has one."""
    def answer(asked: Question) -> Answer:
        law = _form(name, asked.inputs)
        runs = _aimed(asked.train, law, asked.target)
        curve = len(asked.inputs) == 1  # a bent curve's resamples cost a minute: it is judged by its values alone
        options: dict[str, Any] = {"loss": CURVE_LOSS, "bootstrap": 0} if curve else {"bootstrap": DRAWS}
        fitted = fit(law, runs, seed=asked.seed, **options)
        at = {n: asked.at[n] for n in law.inputs}
        draws = fitted.new_runs(at) if len(fitted.draws) else None
        return Answer(_values(fitted.law, at, asked.points), draws, fitted.status.value)

    return answer


def auto(asked: Question) -> Answer:
    """What ``lawful fit --form auto`` forecasts: the forms that the runs cannot tell apart, combined."""
    over = asked.inputs[0] if len(asked.inputs) == 1 else None
    chosen = select(asked.train, target=asked.target, over=over, bootstrap=CURVE_DRAWS if over else DRAWS,
                    seed=asked.seed)
    values, draws = chosen.forecasts(asked.at)
    return Answer(np.broadcast_to(values, (asked.points,)), draws, chosen.rows[0].form)


def discovered(asked: Question) -> Answer:
    """What ``lawful discover`` finds, of at most ``LAWS`` laws; its values alone."""
    found = discover(asked.train, asked.target, asked.inputs, seed=asked.seed, budget=LAWS, top=1).best
    if found.law is None:
        return Answer(np.full(asked.points, float(np.median(asked.train[asked.target]))), detail="a constant")
    return Answer(_values(found.law, {n: asked.at[n] for n in found.law.inputs}, asked.points), detail=found.formula)


METHODS: dict[str, Method] = {m.name: m for m in (
    Method("auto", "the form chosen by its rolling forecasts", auto),
    Method("discover", "the best law of a search over formulas", discovered),
    Method("m1_recipe", "M1 as its authors fit it", recipes.m1, 1),
    Method("m2_recipe", "M2 as its authors fit it", recipes.m2, 1),
    Method("m3_recipe", "M3 as its authors fit it", recipes.m3, 1),
    Method("m4_recipe", "M4 as its authors fit it", recipes.m4, 1),
    Method("bnsl_recipe", "one break by a brute-force grid and curve_fit", recipes.bnsl, 1),
    Method("approach3_scipy", "the additive law by scipy's L-BFGS-B", peers.approach3, 2),
    Method("last_points", "a line in logs through the largest runs", peers.last_points),
    Method("boosting", "gradient boosted trees, no law", peers.boosting),
)}
"""Every method that is no form of the catalogue."""


def methods_of(task: Task, series: Sequence[Series], named: Sequence[str] | None = None) -> tuple[Method, ...]:
    """The methods asked for ``task``: those that it lists, or all that go with its inputs; of them those ``named``.

    A name that is in no list is a form of the catalogue. Raises ``UnknownName`` for one that nobody knows.
    """
    listed = task.methods if not isinstance(task.methods, str) else (
        *_forms_for(task, series[0].train), *(m.name for m in METHODS.values() if m.fits(task)))
    wanted = listed if named is None else [name for name in named if name in listed or (
        name not in METHODS and _takes(name, task))]
    return tuple(find_method(name) for name in dict.fromkeys(wanted))


def find_method(name: str) -> Method:
    """The method ``name``; ``UnknownName`` where it is neither in the list nor a form."""
    if name in METHODS:
        return METHODS[name]
    try:
        find_form(name)
    except UnknownName:
        raise unknown("method", name, [*METHODS, *forms()]) from None
    except LawfulError:
        pass  # a form that wants to be told its quantity, which the task does
    return Method(name, "the form of the catalogue, fitted", by_form(name))


def _forms_for(task: Task, runs: RunTable) -> list[str]:
    """The candidates among which ``auto`` chooses, with M1 to M4 by these names."""
    x = task.inputs[0] if len(task.inputs) == 1 else None
    try:
        found = [law.form for law in candidates(runs, task.target, x)]
    except LawfulError:
        found = []
    return list(dict.fromkeys(SAME.get(name, name) if x else name for name in found if name not in COSTLY))


def _takes(name: str, task: Task) -> bool:
    """Whether the form ``name`` can be asked about the task's inputs."""
    try:
        law = _form(name, task.inputs)
    except LawfulError:
        return False
    return set(law.inputs) <= set(task.inputs) and law.output.name in (task.target, "task_loss")


def _form(name: str, inputs: tuple[str, ...]) -> Law:
    cls = Law.registry.get(name)
    return find_form(f"{name}:{inputs[0]}" if len(inputs) == 1 and cls is not None and hasattr(cls, "over") else name)


def _aimed(runs: RunTable, law: Law, target: str) -> RunTable:
    """The runs with the outcome under the name that the law gives it."""
    if law.output.name == target:
        return runs
    if law.output.name != "task_loss":
        raise LawError(f"{law.form} gives {law.output.name}, and the task asks for {target}")
    return RunTable.of(**{name: runs[name] for name in law.inputs}, task_loss=runs[target])


def _values(law: Law, at: Mapping[str, Array], points: int) -> Array:
    with np.errstate(all="ignore"):
        return np.broadcast_to(np.asarray(law.at(at), dtype=np.float64), (points,))
