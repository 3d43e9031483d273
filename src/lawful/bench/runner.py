"""Every method on every series, in worker processes, each result kept as soon as it is known.

A result is a line of ``results.jsonl``. Its key is a hash of the task file, the table, the series, the method and
the code, so that a run that was killed goes on where it stopped, and a result of other code is never taken for one
of this. A method has ``LIMIT`` CPU seconds a series; beyond that it has failed.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

from lawful.bench.methods import methods_of
from lawful.bench.metrics import Score
from lawful.bench.published import counted, reference_scores
from lawful.bench.series import LeftOut, load
from lawful.bench.task import Task
from lawful.bench.worker import LIMIT, Job, alone, answer
from lawful.store.journal import add_entry, read_entries

RESULTS = "results.jsonl"
"""The file of results in the folder of a run."""

AHEAD = 8
"""Jobs handed to each worker beforehand: few, so that an interrupted run stops soon."""


@dataclass(frozen=True)
class Outline:
    """A task as it will be run: its series, each with its group, and the methods that are asked.

    ``counted`` are the series that published shares are about, ``reference`` their published scores by method.
    """

    task: Task
    series: tuple[tuple[str, str], ...]
    left_out: tuple[LeftOut, ...]
    methods: tuple[str, ...]
    counted: frozenset[str]
    reference: Mapping[str, Mapping[str, float]]


def outline(task: Task, data: Path, named: Sequence[str] | None = None) -> Outline:
    """What ``task`` comes to: reads its table once, and raises ``InputError`` for all that is wrong with it."""
    series, left_out = load(task, data)
    return Outline(task, tuple((one.key, one.group) for one in series), left_out,
                   tuple(method.name for method in methods_of(task, series, named)),
                   counted(task, series), reference_scores(task, data))


def jobs(outlines: Sequence[Outline], data: Path) -> tuple[Job, ...]:
    """Every method on every series, task by task."""
    code = code_version()
    found = []
    for one in outlines:
        table = hashlib.sha256((data / one.task.folder / one.task.table).read_bytes()).hexdigest()
        content = json.dumps(one.task.content, sort_keys=True, default=str)
        for series, _ in one.series:
            for method in one.methods:
                said = "\n".join([code, table, content, one.task.name, series, method, f"{LIMIT:g}"])
                found.append(Job(one.task, series, method, hashlib.sha256(said.encode()).hexdigest()[:24]))
    return tuple(found)


@lru_cache(maxsize=1)
def code_version() -> str:
    """A hash of the package's own modules: results of other code are not taken over."""
    import lawful

    root = Path(lawful.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*.py")):
        digest.update(str(file.relative_to(root)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def known(folder: Path) -> dict[str, Score]:
    """The results in ``folder`` by key; a line that a kill cut short is not one."""
    found = {}
    for entry in read_entries(folder / RESULTS):
        key = entry.pop("key", None)
        with suppress(TypeError):  # an entry of another version
            found[key] = Score(**entry)
    return found


def run(work: Sequence[Job], data: Path, folder: Path, *, workers: int = 2,
        progress: Callable[[str], None] = lambda _: None) -> dict[str, Score]:
    """The result of each job by its key: those that ``folder`` has, and the others made by ``workers`` processes."""
    have = known(folder)
    done = {job.key: have[job.key] for job in work if job.key in have}
    todo = [job for job in work if job.key not in done]
    if done:
        progress(f"{len(done)} of {len(work)} results are there already")
    told = time.monotonic()
    for job, score in _made(todo, data, workers):
        add_entry(folder / RESULTS, {"key": job.key, **asdict(score)})
        done[job.key] = score
        if time.monotonic() - told > 5 or len(done) == len(work):
            told = time.monotonic()
            progress(f"{len(done)} of {len(work)}: {job.task.name}, {job.series}, {job.method}")
    return {job.key: done[job.key] for job in work}


def _made(todo: Sequence[Job], data: Path, workers: int) -> Iterator[tuple[Job, Score]]:
    """The jobs with their results, in the order in which they end."""
    if workers <= 1:
        yield from ((job, answer(job, data)) for job in todo)
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=alone, initargs=(os.getpid(),))
    try:
        waiting: dict[Future[Score], Job] = {}
        rest = iter(todo)
        while True:
            for job in rest:
                waiting[pool.submit(answer, job, data)] = job
                if len(waiting) >= AHEAD * workers:
                    break
            if not waiting:
                return
            ended, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in ended:
                yield waiting.pop(future), future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
