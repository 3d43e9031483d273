"""What a fit and its tests answer on the card of a study: what is claimed, how it was fitted, how far it was tested.

Each group is a generator of its questions in order; a new question is one more ``Item``.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from lawful.fit.result import Fit
from lawful.fit.tested import reach_tested
from lawful.quantities import quantity
from lawful.validate.card import Item
from lawful.validate.cuts import Backtest
from lawful.validate.findings import Diagnosis
from lawful.validate.modes import MODES


def claim(fit: Fit) -> Iterator[Item]:
    """The form, its variables, and what it is for."""
    law = fit.law
    yield Item("Which form?", f"{law.form}: `{law.formula()}`", "")
    units = [f"{name} [{quantity(name, law.inputs).unit or 'as the table has it'}]" for name in law.inputs]
    yield Item("Of which variables, predicting what?",
               f"{', '.join(units)}; predicts {law.output.name} [{law.output.unit or 'as the table has it'}]", "")
    chosen = [note.message for note in fit.warnings if note.code == "selected"]
    yield Item("Why this form, and which others were tried?", "; ".join(chosen) or None,
               "the forms that were considered, and how they compare (lawful fit RUNS --form auto)")
    yield Item("What will the law decide?", None, "the question, and how far beyond the runs it lies")


def fitting(fit: Fit) -> Iterator[Item]:
    """Objective, algorithm, coefficients with their doubt, and the software."""
    objective = dict(fit.objective)
    delta = f", delta {objective['delta']:g}" if "huber" in str(objective["name"]) and "delta" in objective else ""
    yield Item("What is minimised?",
               f"{objective['name']}{delta}, of {'the logarithm' if fit.relative else 'the value itself'}; "
               f"{objective['value']:.6g} at the optimum", "")
    search = fit.search
    yield Item("By which algorithm, from where?",
               f"damped Newton steps with exact derivatives from {search.starts} starts across the limits; "
               f"{search.agree} of them reached the best optimum", "")
    limits = fit.law.limits()
    bounds = [f"{name} in ({limit.low:g}, {limit.high:g})" for name, limit in limits.items() if name not in fit.fixed]
    held = [f"{name} held at {fit.law.coefficients[name]:g}" for name in fit.fixed]
    yield Item("Within which limits?", ", ".join([*bounds, *held]), "")
    if len(fit.draws):
        shown = [f"{name} {i.value:.5g} [{i.low:.4g}, {i.high:.4g}]"
                 for name, i in (fit.intervals | fit.derived).items()]
        uncertainty: str | None = (f"{fit.uncertainty.get('method', 'bootstrap')}, {len(fit.draws)} draws, seed "
                                   f"{fit.seed}; {100 * search.resamples_converged:.0f} % converged")
    else:
        shown, uncertainty = [f"{name} {value:.6g}" for name, value in fit.law.coefficients.items()], None
    yield Item("Which coefficients, with which intervals?",
               "; ".join(shown) + (f"; at {100 * fit.level:g} %" if len(fit.draws) else " without intervals"), "")
    yield Item("How is the uncertainty estimated?", uncertainty, "intervals: --bootstrap 1000")
    yield Item("Do the runs determine the coefficients?",
               f"{fit.status.sentence}; condition of the scaled information matrix {search.condition:.2g}", "")
    rms, worst = float(np.sqrt(np.mean(fit.residuals**2))), float(np.abs(fit.residuals).max())
    scale = (100.0, " %") if fit.relative else (1.0, "")
    yield Item("How well does it fit?",
               f"residuals {scale[0] * rms:.2g}{scale[1]} (root mean square), largest {scale[0] * worst:.2g}"
               f"{scale[1]}; robust noise of one run {scale[0] * fit.noise:.2g}{scale[1]}", "")
    yield Item("With which software?", _software(), "")


def _software() -> str:
    named = []
    for package in ("lawful", "numpy", "scipy"):
        try:
            named.append(f"{package} {version(package)}")
        except PackageNotFoundError:  # run from a source tree that was not installed
            from lawful import __version__

            named.append(f"{package} {__version__}" if package == "lawful" else f"{package} of unknown version")
    return ", ".join([*named, f"Python {platform.python_version()}"])


def testing(fit: Fit, tested: Backtest | None, diagnosis: Diagnosis | None, refused: str | None) -> Iterator[Item]:
    """Forecasts of larger runs, what stands against the law, and what no table tells."""
    test = f"larger runs ({refused})" if refused else "a back-test: lawful backtest RUNS"
    yield Item("Was it tested on larger runs than it was fitted on?",
               None if tested is None else _backtest(tested), test)
    yield Item("How does it compare with simpler forecasts?", None if tested is None else _baselines(tested), test)
    limit = reach_tested(fit.record, fit.evidence, fit.relative, fit.law.output.unit)
    yield Item("How far beyond the runs may it be used?", limit.sentence(limit.decades) if limit.steps else None,
               f"larger runs: {limit.sentence()}")
    yield Item("What stands against it?", None if diagnosis is None else _findings(diagnosis),
               "a diagnosis: lawful diagnose RUNS")
    yield Item("How much do the conclusions depend on choices?", None,
               "what the answer becomes with other forms (--form), without the smallest runs and without outliers "
               "(--where), and with another count of params (--map)")
    for mode in MODES.values():
        if mode.hidden and mode.code != "not_reproducible":
            yield Item(f"{mode.title}: does it apply?", None,
                       f"a sentence on it: {mode.action} ({'; '.join(mode.sources)})")


def _backtest(tested: Backtest) -> str:
    horizon = max(p.horizon for p in tested.predictions)
    asked = (f"each {tested.left_out} predicted from the others, {len(tested.predictions)} runs" if tested.left_out else
             f"fitted below {len(tested.cuts)} cuts along {tested.along} and asked about {len(tested.predictions)} "
             f"larger runs, up to {horizon:.2f} {tested.unit} beyond")
    return (f"{asked}: error {100 * tested.rmse_log:.2g} % (root mean square of the log); the {100 * tested.level:g} % "
            f"interval held {100 * tested.coverage:.0f} %")


def _baselines(tested: Backtest) -> str:
    named = [f"{name.replace('_', ' ')} {100 * tested.baseline(name):.2g} %" for name in tested.cuts[0].baselines]
    return f"errors over the same runs: the law {100 * tested.rmse_log:.2g} %, {', '.join(named)}"


def _findings(diagnosis: Diagnosis) -> str:
    if not diagnosis.findings:
        return "nothing was found by lawful diagnose"
    return "; ".join(f"{f.severity.value}: {f.title} ({f.evidence})" for f in diagnosis.findings)
