"""``lawful bench``: forecasts on public runs for every method, and how long a fit takes."""

from __future__ import annotations

import os
import sys
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from lawful.cli.options import Output, Rows
from lawful.cli.output import aligned, check, say, show

if TYPE_CHECKING:
    from lawful.bench.runner import Outline
    from lawful.bench.speed import Speed
    from lawful.bench.table import Benchmark

app = App(name="bench", help="Benchmarks that anyone can run again: forecasts on public runs, and speed.",
          help_format="plaintext")

_NO_OUTPUT, _ALL_ROWS = Output(), Rows()


@app.command
def forecast(
    *,
    data: str | None = None,
    tasks: str | None = None,
    methods: str | None = None,
    list_: Annotated[bool, Parameter(name="--list", negative="")] = False,
    output: Annotated[str, Parameter(name=["--output", "-o"])] = "lawful-bench",
    workers: int = 2,
    resume: bool = True,
    json: Annotated[bool, Parameter(negative="")] = False,
    quiet: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Fit below, forecast above, on every data set of a folder and with every method.

    Parameters
    ----------
    data
        The folder of data: a folder a data set, and TOML files that say what is asked of them.
    tasks
        The tasks, with commas between: --tasks epoch-chinchilla,gemstones (default: all whose data are there).
    methods
        The methods, with commas between: --methods auto,m2,bnsl1 (default: all that go with a task).
    list_
        Print the tasks with their series and methods, and stop.
    output
        The folder for results, table, report and figure.
    workers
        Processes at a time.
    resume
        Keep the results that are in the folder and make only what is missing.
    json
        Print one JSON document on stdout, and nothing else.
    quiet
        Say nothing on stderr.
    """
    from lawful.bench.forecast import bench_forecasts, outlines
    from lawful.store import to_json

    folder, said = data_folder(data), Output(json=json, quiet=quiet)
    if list_:
        listed = [task_row(one) for one in outlines(folder, names(tasks), names(methods))]
        print(to_json({"schema": "lawful.bench_tasks/1", "tasks": listed}) if json else tasks_text(listed))
        return
    done = bench_forecasts(folder, Path(output), names(tasks), names(methods), workers=workers, resume=resume,
                           progress=lambda message: say(message, said))
    print(to_json(done) if json else forecast_text(done))


@app.command
def faults(
    *,
    faults: str | None = None,
    variants: int = 20,
    clean: int = 200,
    seed: int = 0,
    list_: Annotated[bool, Parameter(name="--list", negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Plant faults in simulated runs and see whether diagnose says the right thing first, and nothing of clean runs.

    Parameters
    ----------
    faults
        The faults, with commas between: --faults swapped columns,U-shape (default: all).
    variants
        Tables with each fault.
    clean
        Tables without any.
    seed
        Another seed gives other tables.
    list_
        Print the faults with the findings that are right for each, and stop.
    json
        Print one JSON document on stdout, and nothing else.
    """
    from lawful.bench.faults import fault_list, fault_study
    from lawful.store import to_json

    if list_:
        listed = fault_list()
        print(to_json({"schema": "lawful.fault_list/1", "faults": listed}) if json else aligned(
            [[row["name"], " ".join(row["codes"]), row["about"]] for row in listed], ["fault", "findings", "about"]))
        return
    study = fault_study(names(faults), variants=variants, clean=clean, seed=seed,
                        told=lambda line: print(line, file=sys.stderr))
    print(to_json(study) if json else study.markdown())


@app.command
def speed(
    runs: str | None = None,
    /,
    *,
    starts: int = 300,
    repeats: int = 9,
    rows: Rows = _ALL_ROWS,
    output: Output = _NO_OUTPUT,
) -> None:
    """Time a fit beside the published recipe on the same runs, as ratios of CPU time.

    Parameters
    ----------
    runs
        The table, with params, tokens and loss; without one, the packaged sweep.
    starts
        How many of the recipe's 4,500 starts are run; the time is stated for all.
    repeats
        Fits of ours, of which the median counts.
    """
    from datetime import date

    from lawful.bench.forecast import machine
    from lawful.bench.speed import bench_speed
    from lawful.store import packaged_sweep

    check(output)
    read = packaged_sweep(rows.where) if runs is None else rows.read(runs)
    timed = bench_speed(read, machine(), date.today().isoformat(), starts=starts, repeats=repeats,
                        progress=lambda message: say(message, output))
    show(timed, speed_text(timed), output)


def speed_text(timed: Speed) -> str:
    """The timings, what they were taken on, and their notes."""
    body = [[t.what, f"{t.seconds:.3f}", f"{t.cpu_seconds:.3f}", f"{t.ratio:.1f}", f"{t.objective:.8g}"]
            for t in timed.timings]
    notes = [f"{t.what}: {t.note}" for t in timed.timings if t.note]
    return "\n".join([f"{timed.source}, {timed.runs} runs; {', '.join(timed.machine.values())}",
                      aligned(body, ["fit of the additive law", "seconds", "CPU s", "recipe's over its", "objective"]),
                      *notes])


def data_folder(data: str | None) -> Path:
    """The folder of data: what was asked for, or ``data`` in the folder that LAWFUL_SHARED names, or in ../shared."""
    return Path(data) if data is not None else Path(os.environ.get("LAWFUL_SHARED", "../shared")) / "data"


def names(text: str | None) -> list[str] | None:
    """The names in a list with commas, None where there is none."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def task_row(one: Outline) -> dict[str, Any]:
    """One task of ``--list`` as data."""
    return {"task": one.task.name, "title": one.task.title, "source": one.task.source, "series": len(one.series),
            "left_out": len(one.left_out), "metric": one.task.metric, "methods": list(one.methods)}


def tasks_text(listed: list[dict[str, Any]]) -> str:
    """The tasks of ``--list``: a table, and the methods below."""
    body = [[row["task"], str(row["series"]), str(row["left_out"]), row["metric"], row["source"]] for row in listed]
    lines = [aligned(body, ["task", "series", "left out", "metric", "source"]), ""]
    by_methods: dict[str, list[str]] = {}
    for row in listed:
        by_methods.setdefault(" ".join(row["methods"]) or "none", []).append(row["task"])
    return "\n".join([*lines, *(f"{', '.join(tasks)}: {methods}" for methods, tasks in by_methods.items())])


def forecast_text(done: Benchmark) -> str:
    """For each task the methods by their median; then what ``auto`` is not ahead of."""
    from lawful.bench.summary import lines

    parts = []
    for one in done.tasks:
        body = [[line.method, _number(line.median), _number(line.mean), _number(100 * line.best, "0f", " %"),
                 str(line.failed + line.timeouts), str(line.not_run)] for line in lines(done.of(one.task))]
        parts.append(f"{one.task.name}: {len(one.series)} series, {one.task.metric}\n" + aligned(
            body, ["method", "median", "mean", "best on", "failed", "not run"]))
    behind = [pair.rival for pair in done.compared if not pair.ahead]
    if done.compared:
        parts.append(f"auto is not ahead of {', '.join(behind)} in median, mean and share of series alike"
                     if behind else "auto is ahead of every other in median, mean and share of series")
    return "\n\n".join(parts)


def _number(value: float, digits: str = "4g", unit: str = "") -> str:
    """A number, or a dash where there is none."""
    return "-" if isnan(value) else f"{value:.{digits}}{unit}"
