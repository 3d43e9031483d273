"""``diagnose(runs, form)``: everything that stands between a table of runs and a plan."""

from __future__ import annotations

from collections.abc import Iterator

from lawful.fit import Fit, fit
from lawful.laws.base import Law
from lawful.runs import RunTable
from lawful.validate.failures import FAILURE_CHECKS
from lawful.validate.findings import Diagnosis, Finding
from lawful.validate.fit_checks import FIT_CHECKS
from lawful.validate.table_checks import TABLE_CHECKS


def diagnose(runs: RunTable, form: str | Law | type[Law] | Fit = "chinchilla", *, bootstrap: int = 200,
             seed: int = 0) -> Diagnosis:
    """What the runs, and ``form`` fitted to them, show: findings with severity, evidence and what to do.

    A ``Fit`` to these runs may be given instead of a form, and is then not made again. Raises what
    ``fit`` raises where no law can be fitted at all.
    """
    fitted = form if isinstance(form, Fit) else fit(form, runs, bootstrap=bootstrap, seed=seed)

    def findings() -> Iterator[Finding]:
        for check in TABLE_CHECKS:
            yield from check(runs)
        for fit_check in (*FAILURE_CHECKS, *FIT_CHECKS):
            yield from fit_check(fitted, runs)

    return Diagnosis.of(runs.source, len(runs), findings(), fitted.law.form)
