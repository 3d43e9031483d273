"""Paired arms: two or more recipes tried at the same sizes, and which of them is better.

Two answers stand side by side. The matched pairs assume no law: the mean difference at the sizes tried
(``lawful.fit.comparing.pairs``). The fits carry the difference to a scale that nobody tried, and say what compute it
is worth (``lawful.fit.comparing.compare``); the floor may be one for all arms, since it is what the data hold and not
what a recipe does to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError, RunsError, unknown
from lawful.fit.comparing.compare import compare
from lawful.fit.comparing.contrast import Contrast, row
from lawful.fit.comparing.pairs import Paired, paired
from lawful.fit.engine import fit
from lawful.fit.groups import fit_groups
from lawful.fit.origins import axis
from lawful.fit.result import Fit
from lawful.laws.base import Law
from lawful.laws.expressions import differentiate
from lawful.laws.registry import form as find_form
from lawful.results import Caveat, Interval
from lawful.runs import RunTable

Array = npt.NDArray[np.float64]

ASYMPTOTES = ("shared", "free", "reference")
"""What the floor may be, beside a number: one for all arms, one for each, or that of the reference fitted alone."""


@dataclass(frozen=True)
class Arm:
    """One arm held against the reference: its matched pairs, and the contrast of the two fits.

    ``contrast`` is None where the runs could not carry the form.
    """

    name: str
    n_runs: int
    paired: Paired
    contrast: Contrast | None

    def to_dict(self) -> dict[str, Any]:
        """The arm as data."""
        pairs = self.paired
        return {
            "name": self.name, "n_runs": self.n_runs,
            "pairs": [{"at": dict(p.at), "runs": {"reference": p.runs[0], "arm": p.runs[1]},
                       "difference": p.difference} for p in pairs.pairs],
            "unmatched": {"reference": pairs.unmatched[0], "arm": pairs.unmatched[1]},
            "effect": vars(pairs.effect), "distinguishable": pairs.distinguishable, "noise": pairs.noise,
            "noise_from": pairs.noise_from, "seeds": pairs.seeds,
            "contrast": self.contrast and self.contrast.to_dict(),
        }


@dataclass(frozen=True)
class Arms:
    """The arms of a table against one of them, the ``reference``.

    ``asymptote`` is how the floor was treated (``shared``, ``free``, ``reference`` or the value it was held at), None
    where the form has none; ``floor`` the coefficient's name. ``fits`` holds a fit per arm, the reference included,
    and is empty where the runs could not carry the form.
    """

    by: str
    reference: str
    pair: tuple[str, ...]
    form: str
    floor: str | None
    asymptote: str | float | None
    level: float
    arms: tuple[Arm, ...]
    fits: Mapping[str, Fit]
    warnings: tuple[Caveat, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The arms as data: the contract of ``lawful arms --json``."""
        return {
            "schema": "lawful.arms/1", "by": self.by, "reference": self.reference, "pair": list(self.pair),
            "form": self.form, "floor": self.floor, "asymptote": self.asymptote, "level": self.level,
            "arms": [arm.to_dict() for arm in self.arms],
            "fits": {name: {"status": f.status.value, "n_runs": f.n_runs, "noise": f.noise,
                            "coefficients": {c: vars(i) for c, i in f.intervals.items()}}
                     for name, f in self.fits.items()},
            "warnings": [vars(w) for w in self.warnings],
        }

    def __repr__(self) -> str:
        return "\n\n".join(self._told(arm) for arm in self.arms)

    def _told(self, arm: Arm) -> str:
        found = arm.paired
        percent = Interval(*(100 * v for v in vars(found.effect).values()))
        said = {None: "one pair alone says nothing of the noise", True: "distinguishable", False: "not distinguishable"}
        lines = [f"{arm.name} against {self.reference}: {len(found.pairs)} sizes of equal {', '.join(self.pair)}",
                 f"  mean log ratio at these sizes  {row(percent, self.level, '%')}: {said[found.distinguishable]}"]
        if found.seeds is not None:
            source = "repeats" if found.noise_from == "seeds" else "the scatter of the pairs"
            lines.append(f"  one run scatters by {100 * found.noise:.2g} % (from {source}); an effect this large is "
                         f"decided by {found.seeds} seed{'s' * (found.seeds > 1)} per size")
        if any(found.unmatched):
            lines.append(f"  without a counterpart: {found.unmatched[0]} runs of {self.reference}, "
                         f"{found.unmatched[1]} of {arm.name}")
        return "\n".join(lines) + (f"\n{arm.contrast!r}" if arm.contrast is not None else "")


def arms(
    runs: RunTable,
    *,
    by: str,
    reference: str | None = None,
    form: str | Law | type[Law] = "chinchilla",
    pair: Sequence[str] | None = None,
    asymptote: str | float = "shared",
    at: Mapping[str, float] | None = None,
    compute: float | None = None,
    level: float = 0.9,
    more_is_better: bool | None = None,
    **options: Any,
) -> Arms:
    """Hold the arms that the column ``by`` names against the ``reference``, by default that of the first run.

    Runs pair where the quantities ``pair`` agree, by default the inputs of ``form``. The floor of the form, a
    coefficient that is added to the rest, is ``shared`` by all arms, ``free`` in each, that of the ``reference``
    fitted alone, or a number. The fits are compared at ``at`` or at the best split of ``compute``, by default at
    the largest run; ``options`` go to ``fit``.

    Raises ``UnknownName`` for a column or reference that is not there; ``RunsError`` for one arm alone or no common
    size; ``InputError`` for an asymptote that is none.
    """
    law = find_form(form)
    group = _labels(runs, by)
    names = list(dict.fromkeys(group.tolist()))
    if len(names) < 2:
        raise RunsError(f"{runs.source}: every run has {by} {names[0]!r}; comparing needs two arms or more")
    if reference is not None and reference not in names:
        raise unknown(by, reference, names)
    first = names[0] if reference is None else reference
    over = tuple(pair or law.inputs)
    outcome = np.log(runs[law.output.name]) if law.output.positive else runs[law.output.name]
    matched = {name: paired(runs, outcome, group == first, group == name, over, level, (first, name))
               for name in names if name != first}
    tables = {name: runs.take(group == name) for name in names}
    floor, held = _asymptote(law, asymptote, options.get("fixed") or {})
    try:
        fits = _fits(law, runs, by, tables, first, floor, held, {**options, "level": level})
        warnings = tuple(dict.fromkeys(w for f in fits.values() for w in f.warnings))
        if held == "shared" and floor is not None:
            warnings += _floors_apart(law, tables, floor, {**options, "level": level})
    except RunsError as problem:  # the form asks for more runs than an arm has
        fits, warnings = {}, (Caveat("arms_not_fitted", f"{problem}; the pairs stand without a fit"),)
    if at is None and compute is None:
        at, compute = _largest(law, runs)
    return Arms(by, first, over, law.form, floor, held, level, tuple(
        Arm(name, len(tables[name]), found, compare(
            fits[first], fits[name], at=at, compute=compute, level=level, paired=held == "shared",
            more_is_better=more_is_better, names=(first, name)) if fits else None)
        for name, found in matched.items()), fits, warnings)


def floor_of(law: Law) -> str | None:
    """The coefficient that the formula adds to everything else, or None where there is none or several."""
    slopes = {name: differentiate(law.expression(), name) for name in law.names()}
    added = [name for name, slope in slopes.items() if slope.op == "constant" and slope.value == 1.0]
    return added[0] if len(added) == 1 else None


def _labels(runs: RunTable, by: str) -> npt.NDArray[np.str_]:
    group = runs.label(by)
    if empty := [int(row) for row, name in zip(runs.rows, group, strict=True) if not name.strip()]:
        raise RunsError(f"{runs.source}, row {empty[0]}: {by} is empty; name every run's arm, or keep the others "
                        "with --where")
    return group


def _largest(law: Law, runs: RunTable) -> tuple[dict[str, float] | None, float | None]:
    """The scale of the largest run: compute where the law divides it, otherwise the run's own quantities."""
    if law.splits_compute or law.inputs == ("compute",):
        return None, float(runs["compute"].max())
    largest = int(np.argmax(axis(runs, law.inputs)))
    return {name: float(runs[name][largest]) for name in law.inputs}, None


def _asymptote(law: Law, asymptote: str | float, fixed: Mapping[str, float]) -> tuple[str | None, str | float | None]:
    """The floor's name and how it is treated; ``InputError`` for a word or a number that cannot be."""
    floor = floor_of(law)
    try:
        held: str | float = float(asymptote)
    except ValueError:
        held = str(asymptote)
        if held not in ASYMPTOTES:
            raise InputError(f"--asymptote {asymptote}: give {', '.join(ASYMPTOTES)}, or the floor's value") from None
    if floor is None and isinstance(held, float):
        raise InputError(f"--asymptote {asymptote}: {law.form} has no floor, a coefficient added to all the rest")
    return floor, None if floor is None else fixed.get(floor, held)


def _fits(law: Law, runs: RunTable, by: str, tables: Mapping[str, RunTable], reference: str, floor: str | None,
          held: str | float | None, options: Mapping[str, Any]) -> dict[str, Fit]:
    """A fit per arm, its floor as ``held`` says."""
    if floor is None or held == "free":
        return {name: fit(law, table, **options) for name, table in tables.items()}
    if held == "shared":
        if options.get("cluster") is not None:
            raise InputError("--cluster and a shared floor: resamples are then drawn within the arms; give --asymptote "
                             "free, or leave --cluster out")
        if options.get("uncertainty", "bootstrap") != "bootstrap":
            raise InputError(f"--uncertainty {options['uncertainty']} and a shared floor: arms fitted together are "
                             "resampled together; give --asymptote free, or leave --uncertainty out")
        joint = {name: value for name, value in options.items() if name not in ("cluster", "uncertainty")}
        return dict(fit_groups(law, runs, (floor,), by, **joint).fits)
    found = {}
    if held == "reference":
        found[reference] = fit(law, tables[reference], **options)
        held = found[reference].law.coefficients[floor]
    options = {**options, "fixed": {**(options.get("fixed") or {}), floor: held}}
    return found | {name: fit(law, table, **options) for name, table in tables.items() if name not in found}


def _floors_apart(law: Law, tables: Mapping[str, RunTable], floor: str,
                  options: Mapping[str, Any]) -> tuple[Caveat, ...]:
    """The warning that floors fitted to each arm on its own do not agree; none where an arm is too small to say."""
    try:
        apart = {name: fit(law, table, **options).intervals[floor] for name, table in tables.items()}
    except RunsError:
        return ()
    if not max(i.low for i in apart.values()) > min(i.high for i in apart.values()):
        return ()
    said = ", ".join(f"{i.value:.4g} [{i.low:.4g}, {i.high:.4g}] in {name}" for name, i in apart.items())
    return (Caveat("floors_differ", f"one {floor} for all is not what the arms say on their own: {said}; recipes that "
                   "change the data change the floor: --asymptote free"),)
