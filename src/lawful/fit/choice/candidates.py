"""Which forms come into question for a table, and which of them its runs can carry.

``candidates`` reads the table: the joint forms in params and tokens where both vary on their own, those
with repetition where tokens repeat, and otherwise the curves over the one quantity that varies.
``too_small`` is the guard: what a form needs before a refit of it says anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError, RunsError, unknown
from lawful.laws.base import Law
from lawful.laws.registry import form as find_form
from lawful.laws.registry import forms
from lawful.quantities import OUTPUTS, QUANTITIES
from lawful.runs import RunTable

AUTO = "auto"
"""The form that stands for a choice among the candidates; ``auto:tokens`` for the curves over one quantity."""

JOINT = ("equal_exponents", "quanta", "kaplan", "chinchilla", "gathered_loss")
"""Joint forms of general nature. ``farseer`` has nine constants and no dependable search: name it to have it compared;
``sub_scaling`` and ``transition_loss`` are the additive law again wherever their extra coefficients do nothing."""

REPEATED = ("data_constrained",)
"""Joint forms that also take the unique tokens."""

CURVES = {
    "loss": ("power_law", "power_law_floor"),
    "error": ("error_power", "error_floor", "shifted_power_law"),
    "accuracy": ("accuracy_power", "sigmoid", "gompertz"),
}
"""Curves over one quantity, by what they give; any other outcome takes those in the task's own unit."""

TASK_CURVES = ("task_power_law", "task_power_law_floor")

BENT = ("m3", "m4", "bnsl1", "bnsl2")
"""Curves that leave a plateau or break, for every outcome that falls with scale."""

SCALES = ("compute", "tokens", "params", "examples", "samples", "images", "pairs", "steps", "epochs")
"""The quantities that a curve may be over, the likeliest first."""

ONE_SPAN = 0.02
"""Params and tokens are one variable where tokens per parameter are known from params to within these decades."""

RUNS_PER_COEFFICIENT, SPARE_RUNS = 2, 3
"""A refit needs twice as many runs as coefficients, and three more than them."""

DISTINCT = 3
"""Distinct values of each input that a refit needs: two leave no bend to see."""


def is_auto(form: object) -> bool:
    """Whether ``form`` asks for a choice among forms: ``auto`` or ``auto:QUANTITY``."""
    return isinstance(form, str) and form.strip().lower().partition(":")[0] == AUTO


def over(form: str) -> str | None:
    """The quantity of ``auto:QUANTITY``, None of plain ``auto``. Raises ``UnknownName`` for any other word."""
    name = form.strip().lower().partition(":")[2]
    if name and name not in QUANTITIES:
        raise unknown("quantity", name, QUANTITIES, f"in form {form!r}")
    return name or None


def outcome(runs: RunTable, target: str | None = None) -> str:
    """The column that laws are to predict: ``target``, or the table's loss, or its first other outcome."""
    if target is not None:
        runs.need(target)
        return target
    if found := [name for name in (*OUTPUTS, "task_loss") if name in runs or name in runs.problems]:
        return found[0]
    raise runs.missing("loss")


def candidates(runs: RunTable, target: str, x: str | None = None) -> tuple[Law, ...]:
    """Templates of the forms that come into question for ``target``, fewest coefficients first.

    ``x`` asks for curves over that quantity. Raises ``RunsError`` where no known quantity varies.
    """
    if x is None and target == "loss" and _spread_out(runs):
        names = JOINT + (REPEATED if _repeats(runs) else ())
        laws = [find_form(name) for name in names if name in forms()]
    else:
        x = x or _scale(runs)
        laws = list(_curves(target, x))
    if not laws:
        raise InputError(f"no form is known that gives {target} over {x}: name candidates")
    return tuple(sorted(laws, key=lambda law: len(law.names())))


def label(law: Law) -> str:
    """The name that finds the form again: ``chinchilla``, ``power_law:tokens``."""
    return f"{law.form}:{law.inputs[0]}" if "over" in law.settings else law.form


def too_small(law: Law, runs: RunTable, fixed: Sequence[str] = ()) -> str | None:
    """Why ``runs`` cannot carry ``law``, in a few words; None where they can."""
    free = len([name for name in law.names() if name not in fixed])
    needed = needs(free)
    if len(runs) < needed:
        return f"{free} coefficients need {needed} runs"
    columns = np.stack([runs[name] for name in law.inputs], axis=1)
    if (points := len(np.unique(columns, axis=0))) <= free:
        return f"{free} coefficients need {free + 1} distinct settings, here are {points}"
    for name, values in zip(law.inputs, columns.T, strict=True):
        if len(np.unique(values)) < DISTINCT:
            return f"{name} needs {DISTINCT} distinct values"
    return None


def needs(coefficients: int) -> int:
    """The fewest runs that a refit of so many coefficients is made from."""
    return max(RUNS_PER_COEFFICIENT * coefficients, coefficients + SPARE_RUNS)


def _curves(target: str, x: str) -> Iterator[Law]:
    """The curves over ``x`` that are there: forms are added and this list only names them."""
    names = CURVES.get(target, TASK_CURVES) + (() if target == "accuracy" else BENT)
    for name in names:
        if name not in Law.registry and name not in forms():
            continue
        law = find_form(f"{name}:{x}") if hasattr(Law.registry[name], "over") else find_form(name)
        if law.inputs == (x,) and law.output.name in (target, "task_loss"):
            yield law


def _spread_out(runs: RunTable) -> bool:
    """Whether params and tokens both vary, and not as one: at a fixed ratio a joint form cannot be told."""
    if not {"params", "tokens"} <= set(runs.quantities):
        return False
    n, d = np.log10(runs["params"]), np.log10(runs["tokens"])
    return _off_line(n, d) > ONE_SPAN and _off_line(d, n) > ONE_SPAN


def _off_line(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    """How far ``y`` scatters about its line in ``x``."""
    dx, dy = x - x.mean(), y - y.mean()
    slope = dx @ dy / (dx @ dx) if dx @ dx > 0 else 0.0
    return float(np.std(dy - slope * dx))


def _repeats(runs: RunTable) -> bool:
    return "unique_tokens" in runs and bool((runs["unique_tokens"] < 0.99 * runs["tokens"]).any())


def _scale(runs: RunTable) -> str:
    """The one quantity that a curve is over: of params and tokens the one that varies, compute where both do."""
    moving = [name for name in SCALES if name in runs and np.ptp(runs[name]) > 1e-9 * np.abs(runs[name]).max()]
    if not moving:
        raise RunsError(f"{runs.source}: no known quantity varies; one of {', '.join(SCALES)} must (--map)")
    alone = [name for name in ("params", "tokens") if name in moving]
    return alone[0] if len(alone) == 1 and {"params", "tokens"} <= set(runs.quantities) else moving[0]
