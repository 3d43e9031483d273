"""One method on one series, within a limit of CPU time: what a worker process does.

Whatever a method raises is a result: what is expected of lawful is a failure with its sentence, and so is anything
else, with the name of the error.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from lawful.bench.methods import find_method, question
from lawful.bench.metrics import Score, judge
from lawful.bench.series import Series, load
from lawful.bench.task import Task
from lawful.errors import FailedToAnswer, LawfulError, MissingExtra

LIMIT = 60.0
"""CPU seconds that a method has for a series."""

KEPT = 2
"""Tasks whose tables a worker holds: jobs come task by task."""


class TooLongError(BaseException):
    """The limit of CPU time was reached; no ``except Exception`` on the way holds it up."""


@dataclass(frozen=True)
class Job:
    """One method on one series; ``key`` tells it from every other, of other code or data as well."""

    task: Task
    series: str
    method: str
    key: str


def answer(job: Job, data: Path, limit: float = LIMIT) -> Score:
    """What came of ``job``: never raises for what a method did."""
    one = _loaded(job.task, data)[job.series]
    begin = time.process_time()
    status, detail, judged = _asked(job, one, limit)
    seconds = time.process_time() - begin
    score = judged.get("errors", {}).get(job.task.metric)
    return Score(job.task.name, one.key, one.group, job.method, status, job.task.metric, score, detail,
                 len(one.train), len(one.test), float(one.horizon.max()), seconds=seconds, peak_mib=_peak(), **judged)


def _asked(job: Job, one: Series, limit: float) -> tuple[str, str, Mapping[str, Any]]:
    """The status, what is said of it, and the judgement where there is one."""
    try:
        with _within(limit), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            given = find_method(job.method).answer(question(one))
            judged = judge(given, one)
        found = judged["errors"][job.task.metric]
        if found is None or not isfinite(found):
            raise FailedToAnswer(f"a forecast without a finite {job.task.metric}")
    except MissingExtra as problem:
        return "not_run", str(problem), {}
    except LawfulError as problem:
        return "failed", str(problem), {}
    except TooLongError:
        return "timeout", f"no answer within {limit:g} s of CPU time", {}
    except Exception as problem:  # anything a method does is its result
        return "failed", f"{type(problem).__name__}: {problem}", {}
    return "answered", given.detail, judged


@contextmanager
def _within(limit: float) -> Iterator[None]:
    """Raise ``TooLongError`` inside after so many CPU seconds, where the system has such a clock."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


_tables: dict[tuple[str, str, Path], dict[str, Series]] = {}


def _loaded(task: Task, data: Path) -> dict[str, Series]:
    """The series of ``task`` by key, kept for the jobs that follow."""
    key = (task.name, repr(task.content), data)
    if key not in _tables:
        while len(_tables) >= KEPT:
            _tables.pop(next(iter(_tables)))
        _tables[key] = {one.key: one for one in load(task, data)[0]}
    return _tables[key]


def _peak() -> float:
    """The most memory that this process has held [MiB]; 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0.0
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 2**20 if sys.platform == "darwin" else used / 2**10


def alone(parent: int) -> None:
    """Make this process a worker of ``parent``: on one thread, deaf to Ctrl-C, and gone when its parent is."""
    for library in ("OPENBLAS", "MKL", "OMP"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
