"""``lawful bench``: forecasts on public runs for every method, and how long a fit takes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from lawful.cli.output import aligned

if TYPE_CHECKING:
    from lawful.bench.methods import Method
    from lawful.bench.task import Task

app = App(name="bench", help="Benchmarks that anyone can run again: forecasts on public runs, and speed.",
          help_format="plaintext")


@app.command
def forecast(
    *,
    data: str | None = None,
    tasks: str | None = None,
    methods: str | None = None,
    list_: Annotated[bool, Parameter(name="--list", negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
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
    json
        Print one JSON document on stdout, and nothing else.
    """
    from lawful.bench.methods import find_method, methods_of
    from lawful.bench.series import load
    from lawful.bench.task import find_tasks
    from lawful.store import to_json

    folder = data_folder(data)
    named = names(methods)
    for name in named or ():
        find_method(name)
    listed = []
    for task in find_tasks(folder, names(tasks)):
        series, left_out = load(task, folder)
        listed.append(task_row(task, len(series), len(left_out), methods_of(task, series, named)))
    print(to_json({"schema": "lawful.bench_tasks/1", "tasks": listed}) if json else aligned(
        [[row["task"], str(row["series"]), str(row["left_out"]), row["metric"], " ".join(row["methods"])]
         for row in listed], ["task", "series", "left out", "metric", "methods"]))


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


def data_folder(data: str | None) -> Path:
    """The folder of data: what was asked for, or ``data`` in the folder that LAWFUL_SHARED names, or in ../shared."""
    return Path(data) if data is not None else Path(os.environ.get("LAWFUL_SHARED", "../shared")) / "data"


def names(text: str | None) -> list[str] | None:
    """The names in a list with commas, None where there is none."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def task_row(task: Task, series: int, left_out: int, methods: tuple[Method, ...]) -> dict[str, Any]:
    """One line of ``--list``."""
    return {"task": task.name, "title": task.title, "source": task.source, "series": series, "left_out": left_out,
            "metric": task.metric, "methods": [method.name for method in methods]}
