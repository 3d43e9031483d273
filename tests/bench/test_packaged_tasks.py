"""The packaged tasks: each is sound, finds its table, and leaves runs on both sides of every cut."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from made import TASK, made

from conftest import SHARED
from lawful.bench.series import load
from lawful.bench.task import Task, find_tasks, parse
from lawful.store import read_toml

DATA = SHARED / "data"
TASKS = sorted(Path(str(path)) for path in (files("lawful") / "bench" / "tasks").iterdir() if path.suffix == ".toml")
PAGE = (Path(__file__).parents[2] / "docs" / "benchmark_tasks.md").read_text(encoding="utf-8")
MOST = 300
"""Series of all tasks together: more would not be asked of every method within ten minutes."""


def task(path: Path) -> Task:
    return parse(read_toml(path), path.name, path.stem)


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.stem)
def test_the_file_says_what_it_is_from(path: Path) -> None:
    read = task(path)
    assert read.title
    assert re.match(r"arXiv:\d{4}\.\d{5}$|https://github\.com/", read.source), read.source
    assert read.fewest >= 3
    assert not read.published.by_method or read.published.source, "say where a published score is printed"


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.stem)
def test_both_sides_of_every_cut_hold_runs(path: Path) -> None:
    read = task(path)
    if not (DATA / read.folder).is_dir():
        pytest.skip(f"public data not here: {DATA / read.folder} (set LAWFUL_SHARED)")
    series, left_out = load(read, DATA)
    listed = re.search(rf"^\| `{path.stem}` \| (\d+) \|", PAGE, re.MULTILINE)
    assert listed is not None, f"docs/benchmark_tasks.md has no line for {path.stem}"
    assert len(series) == int(listed[1])
    assert not left_out
    for one in series:
        assert len(one.train) >= read.fewest
        assert len(one.observed)
        assert np.isfinite(one.observed).all()
        assert np.isfinite(one.train[one.target]).all()
        assert all(np.isfinite(one.train[name]).all() and np.isfinite(one.test[name]).all() for name in one.inputs)
        assert read.split.interpolates or one.horizon.max() > 0


def test_every_public_set_has_a_task_or_a_reason() -> None:
    without = set(re.findall(r"^\| `([\w-]+)` \| [^|\d]", PAGE.partition("## Sets without a task")[2], re.MULTILINE))
    asked = {task(path).folder for path in TASKS}
    assert not asked & without
    if not DATA.is_dir():
        pytest.skip(f"public data not here: {DATA} (set LAWFUL_SHARED)")
    assert {path.name for path in DATA.iterdir() if path.is_dir()} == asked | without
    assert len({task.name for task in find_tasks(DATA)}) == len(TASKS)


def test_the_page_counts_no_more_series_than_can_be_asked() -> None:
    counts = re.findall(r"^\| `([\w-]+)` \| (\d+) \|", PAGE, re.MULTILINE)
    assert {name for name, _ in counts} == {path.stem for path in TASKS}
    assert sum(int(n) for _, n in counts) <= MOST


def test_of_a_sweep_the_best_run_is_kept(tmp_path: Path) -> None:
    """Two learning rates at each size: one stands at the floor's curve, the other above it."""
    folder = made(tmp_path, TASK.replace("[split]", 'best = ["x"]\n[split]'))
    curves = folder / "toy" / "curves.csv"
    head, *lines = curves.read_text().splitlines()
    worse = [",".join([*row[:2], str(1.5 * float(row[2])), *row[3:]]) for row in (line.split(",") for line in lines)]
    curves.write_text("\n".join([head, *worse, *lines]) + "\n")
    (read,) = find_tasks(folder)
    series, _ = load(read, folder)
    assert [len(one.train) + len(one.test) for one in series] == [25, 25, 25]
    for one, floor in zip(series, (0.1, 0.2, 0.4), strict=True):
        x = one.train["examples"]
        assert one.train["task_loss"] == pytest.approx(floor + 5 * x**-0.4, rel=1e-6)
