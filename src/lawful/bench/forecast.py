"""``bench_forecasts(data)``: every task whose data are in a folder, every method, and the files that come of it."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np

from lawful.bench.methods import find_method
from lawful.bench.runner import RESULTS, Outline, jobs, outline, run
from lawful.bench.summary import losses
from lawful.bench.table import Benchmark, markdown, rows
from lawful.bench.task import find_tasks
from lawful.errors import InputError, MissingExtra, OutputError
from lawful.report.benchmark import draw
from lawful.store import write_bytes, write_columns, write_text

TABLE, REPORT, FIGURE = "table.csv", "report.md", "figure.svg"
"""What a run leaves in its folder, beside ``results.jsonl``."""


def outlines(data: Path, tasks: Sequence[str] | None = None, methods: Sequence[str] | None = None
             ) -> tuple[Outline, ...]:
    """The tasks whose data are in ``data``, or those named, each with its series and methods; all of it checked.

    Raises ``InputError`` for the first thing that is wrong in any of them, and for a method that goes with none.
    """
    for name in methods or ():
        find_method(name)
    found = tuple(outline(task, data, methods) for task in find_tasks(data, tasks))
    for name in methods or ():
        if not any(name in one.methods for one in found):
            raise InputError(f"method {name} goes with none of the tasks {', '.join(one.task.name for one in found)}: "
                             "lawful bench forecast --list shows which do")
    return found


def bench_forecasts(data: Path, folder: Path, tasks: Sequence[str] | None = None, methods: Sequence[str] | None = None,
                    *, workers: int = 2, resume: bool = True, progress: Callable[[str], None] = lambda _: None
                    ) -> Benchmark:
    """Every method on every series of every task, with the table, the report and the figure written to ``folder``.

    With ``resume`` the results that are there are kept, and only what is missing is made. ``progress`` is told how
    far it is. Raises ``InputError`` for whatever is wrong in a task, before anything is run, and ``OutputError`` for
    a folder that cannot be written.
    """
    if workers < 1:
        raise InputError(f"--workers must be 1 or more, got {workers}")
    found = outlines(data, tasks, methods)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not resume:
            (folder / RESULTS).unlink(missing_ok=True)
    except OSError as problem:
        raise OutputError(f"cannot write {folder}: {problem.strerror or problem}") from None
    work = jobs(found, data)
    for name in methods or ():
        if without := [one.task.name for one in found if name not in one.methods]:
            progress(f"{name} does not go with {', '.join(without)}")
    progress(f"tasks {len(found)}, series {sum(len(one.series) for one in found)}, fits {len(work)}")
    scores = tuple(run(work, data, folder, workers=workers, progress=progress).values())
    done = Benchmark(found, scores, machine(), date.today().isoformat())
    write(done, folder, progress)
    return done


def write(done: Benchmark, folder: Path, progress: Callable[[str], None] = lambda _: None) -> None:
    """The table, the report and, where matplotlib is installed, the figure of a benchmark."""
    table = list(rows(done))
    write_columns(folder / TABLE, {name: np.array([_cell(row[name]) for row in table]) for name in table[0]})
    write_text(folder / REPORT, markdown(done))
    try:
        panels = {}
        for one in done.tasks:
            found = losses(done.of(one.task)).values()
            panels[one.task.name] = {method: [row[method] for row in found if method in row] for method in one.methods}
        write_bytes(folder / FIGURE, draw(panels))
    except MissingExtra as missing:
        progress(str(missing))
    progress(f"wrote {TABLE}, {REPORT} and {FIGURE} to {folder}" if (folder / FIGURE).exists()
             else f"wrote {TABLE} and {REPORT} to {folder}")


def machine() -> dict[str, str]:
    """Where and with what this was measured, in words that name no host."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return {"machine": f"{platform.machine()}, {os.cpu_count()} cores{load}",
            "versions": ", ".join([f"lawful {version('lawful')}", f"Python {platform.python_version()}",
                                   f"numpy {version('numpy')}", f"scipy {version('scipy')}"])}


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
