"""``lawful curves``: laws over training curves, fitted, asked about another schedule, and searched for the best one."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from lawful.cli.options import Output, Rows, RunsPath, find_law
from lawful.cli.output import aligned, check, show
from lawful.errors import InputError
from lawful.quantities import parse_assignments, parse_number

if TYPE_CHECKING:
    from lawful.fit.curves.schedules import CurveForecast, ScheduleChoice
    from lawful.laws.schedules import Schedule

app = App(name="curves", help="Laws over training curves: the loss under another learning-rate schedule.",
          help_format="plaintext")

_NO_OUTPUT, _ALL_ROWS = Output(), Rows()
_SHOWN = 8
"""Points of a forecast curve that are printed; the JSON holds all."""

_TRIED = 24
"""Values that ``best`` compares."""


@app.command
def fit(
    curves: RunsPath,
    /,
    *,
    form: str = "multi_power",
    by: str | None = None,
    warmup: int | None = None,
    loss: str = "huber_log",
    delta: float = 1e-3,
    fix: Annotated[list[str] | None, Parameter(negative="", consume_multiple=False)] = None,
    free: Annotated[bool, Parameter(negative="")] = False,
    bootstrap: int = 200,
    seed: int = 0,
    level: float = 0.9,
    rows: Rows = _ALL_ROWS,
    output: Output = _NO_OUTPUT,
) -> None:
    """Fit a law to training curves: a row for each recorded step of each run, with step, learning rate and loss.

    Parameters
    ----------
    curves
        The table: csv, tsv, jsonl, parquet, or - for standard input.
    form
        multi_power or annealed_loss.
    by
        The column that tells runs apart (run, run_id, run_name, curve, schedule or name where it is left out).
    warmup
        Steps of the warm-up; without it, up to the first record of the highest rate.
    loss
        What is minimised over the log residuals: huber_log, log_squares or absolute_log.
    delta
        Where the Huber loss turns from quadratic to linear.
    fix
        Hold a coefficient: --fix gamma=0.5. May be given several times.
    free
        Do not draw coefficients that few curves determine to customary values.
    bootstrap
        Resamples for the intervals.
    seed
        Seed of the resamples.
    level
        Level of the intervals.
    """
    from lawful.fit.curves.curves import fit_curves

    check(output)
    fixed = {name: parse_number(value, f"--fix {name}") for pair in fix or []
             for name, value in parse_assignments(pair, "--fix").items()}
    fitted = fit_curves(form, rows.read(curves), by=by, warmup=warmup, loss=loss, delta=delta, bootstrap=bootstrap,
                        seed=seed, level=level, fixed=fixed, anchors={} if free else None)
    about = fitted.objective
    text = (f"curves {about['curves']}, schedules {about['schedules']}; each point of a curve counts as a run below\n"
            f"{fitted!r}")
    show(fitted, text, output, fitted.warnings)


@app.command
def predict(
    law: str,
    /,
    *,
    schedule: str,
    by: str | None = None,
    warmup: int | None = None,
    level: float | None = None,
    rows: Rows = _ALL_ROWS,
    output: Output = _NO_OUTPUT,
) -> None:
    """The loss along another schedule and at its end.

    Parameters
    ----------
    law
        A saved fit (fit.json) or a published law of schedules (luo2025_multi_power_law:25M).
    schedule
        wsd:peak=3e-4,steps=20000,decay=0.2, or cosine:, constant:, two_stage:; or a table with the steps and learning
        rates of one run.
    by
        The column that tells runs apart in the table.
    warmup
        Steps of the warm-up of the schedule in the table.
    level
        Level of the interval; the fit's own where it is left out.
    """
    from lawful.fit.curves.schedules import along

    check(output)
    if level is not None and not 0 < level < 1:
        raise InputError(f"--level must lie between 0 and 1, got {level:g}")
    answer = along(find_law(law), _schedule(schedule, by, warmup, rows), level=level)
    show(answer, _forecast_text(answer), output, answer.warnings)


@app.command
def best(law: str, /, *, schedule: str, over: str, output: Output = _NO_OUTPUT) -> None:
    """The best schedule of a family that differs in one number, such as how long a WSD schedule decays.

    Parameters
    ----------
    law
        A saved fit (fit.json) or a published law of schedules.
    schedule
        The family without that number: wsd:peak=3e-4,steps=20000.
    over
        The number and its span: decay=0.05:0.6.
    """
    import numpy as np

    from lawful.fit.curves.schedules import best_schedule
    from lawful.laws.schedules import schedule as read_schedule

    check(output)
    name, _, span = over.partition("=")
    low, high = (parse_number(end, f"--over {name}") for end in span.split(":")) if span.count(":") == 1 else (0, 0)
    if not low < high:
        raise InputError(f"--over {over}: write NAME=LOW:HIGH, for example decay=0.05:0.6")
    join = "," if ":" in schedule else ":"
    answer = best_schedule(find_law(law), lambda value: read_schedule(f"{schedule}{join}{name}={value!r}"),
                           np.linspace(low, high, _TRIED).tolist(), name)
    show(answer, _choice_text(answer), output, answer.warnings)


def _schedule(text: str, by: str | None, warmup: int | None, rows: Rows) -> Schedule:
    """The schedule that ``text`` describes, or the one in the table of that name."""
    from pathlib import Path

    from lawful.fit.curves.trajectories import recorded_schedules
    from lawful.laws.schedules import schedule as read_schedule

    if text != "-" and not Path(text).suffix.lower().lstrip(".").isalpha() and not Path(text).exists():
        return read_schedule(text)
    found = recorded_schedules(rows.read(text), by=by, warmup=warmup)
    if len(found) > 1:
        raise InputError(f"{text}: {len(found)} runs ({', '.join(list(found)[:5])}); keep one with --where")
    return next(iter(found.values()))


def _forecast_text(answer: CurveForecast) -> str:
    percent = f"{100 * answer.level:g} %"
    lines = [f"{answer.output.name} {answer.final:.4f} {answer.output.unit} at the end of {answer.schedule.name}"]
    if answer.low is not None and answer.high is not None and answer.new_low is not None:
        assert answer.new_high is not None
        lines[0] += f"   {percent} [{answer.low[-1]:.4f}, {answer.high[-1]:.4f}]"
        lines.append(f"  one new run: [{answer.new_low[-1]:.4f}, {answer.new_high[-1]:.4f}]")
    kept = sorted({round(i * (len(answer.steps) - 1) / (_SHOWN - 1)) for i in range(_SHOWN)})
    body = [[f"{answer.steps[i]:,}", f"{answer.schedule.rates[answer.steps[i] - 1]:.3g}", f"{answer.value[i]:.4f}"]
            for i in kept]
    reach = ", ".join(f"{name} {decades:.2f}" for name, decades in answer.reach.items()) or "unknown"
    return "\n".join([*lines, f"  reach {reach} decades beyond the curves",
                      aligned(body, ["step", "learning rate", answer.output.name])])


def _choice_text(answer: ScheduleChoice) -> str:
    lines = [f"{answer.over} {answer.best.value:.4g}",
             f"{answer.output.name} {answer.final.value:.4f} {answer.output.unit} at the end"]
    if isfinite(answer.best.low):  # a law with draws
        lines[0] += f"   {100 * answer.level:g} % [{answer.best.low:.4g}, {answer.best.high:.4g}]"
        lines[1] += f"   {100 * answer.level:g} % [{answer.final.low:.4f}, {answer.final.high:.4f}]"
    kept = sorted({round(i * (len(answer.values) - 1) / (_SHOWN - 1)) for i in range(_SHOWN)})
    body = [[f"{answer.values[i]:.4g}", f"{answer.finals[i]:.4f}"] for i in kept]
    return "\n".join([*lines, aligned(body, [answer.over, f"final {answer.output.name}"])])
