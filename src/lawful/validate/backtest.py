"""``backtest(runs, form)``: fit some of the runs, predict the others, and see how it went.

Rolling origin by default: the runs are cut at growing compute; each cut fits on all runs up to it and predicts
every larger run, with an interval for a new run. Other axes, single cuts and groups left out are options
(``lawful.validate.splits``); baselines stand beside (``lawful.validate.baselines``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lawful.errors import FailedToAnswer, InputError, RunsError
from lawful.fit import Fit, fit
from lawful.fit.choice.candidates import candidates, is_auto, outcome, over
from lawful.laws.base import Law
from lawful.laws.registry import form as find_form
from lawful.results import Caveat
from lawful.runs import RunTable
from lawful.validate import splits
from lawful.validate.baselines import baseline_errors
from lawful.validate.cuts import Backtest, Cut, Prediction
from lawful.validate.findings import Finding, Severity
from lawful.validate.horizons import QUANTILES
from lawful.validate.regret import Regret, best_ratio, frontier, regrets
from lawful.validate.scores import crps, log_score, pit
from lawful.validate.splits import Axis, Split

FEWEST_TO_FIT = 3
"""Runs beyond the number of coefficients that a cut needs below it."""

TOLERATED = 0.15
"""Shortfall of coverage below the level at which a back-test warns: few predictions are no precise count."""

SMALL_GROUP = 5
"""Runs in a group, below which the share of them within their interval says little."""


def backtest(runs: RunTable, form: str | Law | type[Law] = "chinchilla", *, level: float = 0.9,
             bootstrap: int = 200, seed: int = 0, along: str | None = None, leave_out: str | None = None,
             below: Sequence[float] | None = None, usd_per_flop: float | None = None, **options: Any) -> Backtest:
    """How forecasts of ``form`` would have gone on these runs; ``options`` are those of ``fit``.

    ``along`` is the axis of the cuts: compute (the default), params, tokens, any column, or ``time``. ``below`` makes
    one cut at each distance below the largest run instead of rolling origins; ``leave_out`` predicts each group of a
    column from all the others. ``usd_per_flop`` prices the compute that a forecast would have wasted. With ``auto``
    each cut chooses its form from the runs that it fits alone.

    Raises ``FailedToAnswer`` where no cut leaves enough runs to fit and one to predict, ``RunsError`` or
    ``InputError`` for a column that cannot serve.
    """
    if leave_out is not None and below is not None:
        raise InputError("--leave-out and --below divide the runs in two ways: give one of them")
    laws, target = _asked(form, runs)
    name = str(form) if is_auto(form) else laws[0].form
    runs.need(target, *(["compute"] if along is None else []), *(i for law in laws for i in law.inputs))
    if not laws[0].output.positive:
        raise FailedToAnswer(f"{runs.source}: no back-test of {target}: its errors are measured on the logarithm, and "
                             f"{target} may be negative")
    fewest = min(len(law.names()) for law in laws) + FEWEST_TO_FIT
    axis = splits.axis(runs, along or "compute")
    cuts: list[Cut] = []
    lost: list[Regret] = []
    divided, warnings = _divided(runs, axis, fewest, leave_out, below)
    chooses = leave_out is None and axis.name == "compute" and any(law.splits_compute for law in laws)
    known, refused = frontier(runs, target, level) if chooses else ([], {})
    for split in divided:
        train, test = runs.take(split.train), runs.take(split.test)
        try:
            fitted = fit(form, train, bootstrap=bootstrap, seed=seed, level=level, **options)
        except RunsError:  # too few distinct sizes so low: the next cut has more
            continue
        largest = float(train["compute"].max()) if "compute" in train else float("nan")
        cuts.append(Cut(len(train), largest, _predict(fitted, test, axis.values[split.test], split, target),
                        baseline_errors(train, test, target, *_scale(axis, runs)), fitted.law.form, split.top,
                        split.left_out))
        if (known or refused) and fitted.law.splits_compute:
            lost += regrets(fitted.expected, largest, known, refused, level, best_ratio(train, target), usd_per_flop,
                            seed)
    if not cuts:
        raise FailedToAnswer(
            f"{runs.source}: no back-test is possible: {name} needs {fewest} runs of differing sizes "
            + (f"beside the group of {leave_out} that is left out" if leave_out else "below a cut and one above it")
            + f"; the table has {len(runs)} runs")
    return Backtest(name, level, tuple(cuts), runs.source, axis.name, axis.unit, leave_out,
                    float(axis.values.max()), tuple(lost), tuple(warnings))


def _asked(form: str | Law | type[Law], runs: RunTable) -> tuple[tuple[Law, ...], str]:
    """The law, or with ``auto`` those to choose among, and the outcome that is predicted."""
    if is_auto(form):
        target = outcome(runs)
        return candidates(runs, target, over(str(form))), target
    law = find_form(form)
    return (law,), law.output.name


def _divided(runs: RunTable, axis: Axis, fewest: int, leave_out: str | None,
             below: Sequence[float] | None) -> tuple[tuple[Split, ...], list[Caveat]]:
    """The splits that were asked for, and what is to be said of those that could not be made."""
    if leave_out is None and below is None:
        return tuple(splits.rolling(axis, fewest)), []
    if below is not None:
        made = tuple(splits.below(axis, below, fewest))
        short = len(set(below)) - len(made)
        return made, [] if not short else [Caveat(
            "cut_left_out", f"{short} of the {len(set(below))} cuts asked for leave fewer than {fewest} runs below "
            "them, or none above, and were left out")]
    assert leave_out is not None
    labels = splits.groups_of(runs, leave_out)
    made = tuple(splits.leaving_out(axis, labels, fewest))
    names, counts = np.unique(labels, return_counts=True)
    warnings = []
    if large := sorted(set(names.tolist()) - {split.left_out for split in made}):
        warnings.append(Caveat("group_left_in", f"without {leave_out} {_some(large)} fewer than {fewest} runs are "
                               "left to fit: not predicted"))
    if small := [str(n) for n, count in zip(names, counts, strict=True) if count < SMALL_GROUP]:
        warnings.append(Caveat("small_group", f"fewer than {SMALL_GROUP} runs have {leave_out} {_some(small)}: "
                               "their coverage says little"))
    return made, warnings


def _some(names: Sequence[str]) -> str:
    """The first few of many names."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _scale(axis: Axis, runs: RunTable) -> tuple[str, bool]:
    """What the baselines take powers of: the axis where it is a quantity, otherwise compute, otherwise nothing."""
    if axis.unit == "decades":
        return axis.name, True
    return "compute", "compute" in runs


def _predict(fitted: Fit, test: RunTable, places: Any, split: Split, target: str) -> tuple[Prediction, ...]:
    """The runs of ``test`` in order of their ``places`` along the axis, each with its forecast and its scores."""
    at = {name: test[name] for name in fitted.law.inputs}
    values = fitted.expected(at)
    observed, horizon = test[target], split.horizon[split.test]
    compute = test["compute"] if "compute" in test else np.full(len(test), np.nan)
    if len(fitted.draws):
        sampled = fitted.new_runs(at)
        tail = 50.0 * (1.0 - fitted.level)
        asked = [tail, 100.0 - tail, *(100.0 * q for q in QUANTILES)]
        (low, high, *_), quantiles = (found := np.nanpercentile(sampled, asked, axis=0)), found[2:].T.tolist()
        with np.errstate(all="ignore"):
            logs = np.log(sampled)
        scores = [score(logs, np.log(observed)) for score in (pit, crps, log_score)]
    else:
        low = high = np.full(len(test), np.nan)
        quantiles, scores = None, [low, low, low]
    return tuple(
        Prediction(int(test.rows[i]), float(compute[i]), float(horizon[i]), float(observed[i]), float(values[i]),
                   float(low[i]), float(high[i]), quantiles and tuple(quantiles[i]), *(float(s[i]) for s in scores))
        for i in np.argsort(places, kind="stable"))


def backtest_findings(tested: Backtest) -> Iterator[Finding]:
    """What a back-test says against using the law: intervals too narrow, or a baseline that did better."""
    shares = f"the {100 * tested.level:g} % interval held {100 * tested.coverage:.0f} % of {len(tested.predictions)}"
    if tested.coverage < tested.level - TOLERATED:
        yield Finding(
            "backtest_coverage", Severity.CAUTION, "Intervals were too narrow in the back-test",
            f"{shares} predictions of larger runs",
            "read the interval of a forecast as a lower bound on its doubt: the form is not exactly right; runs nearer "
            "the question shorten the reach")
    names = [name for name in tested.cuts[0].baselines if tested.baseline(name) < tested.rmse_log]
    if names:
        better = ", ".join(f"{name.replace('_', ' ')} {100 * tested.baseline(name):.2g} %" for name in names)
        yield Finding(
            "backtest_baseline", Severity.CAUTION, "A baseline predicted larger runs better than the law",
            f"error of the law {100 * tested.rmse_log:.2g} %; of the {better}",
            "do not extrapolate with this form from these runs: drop the smallest runs (--where) or try another form")
