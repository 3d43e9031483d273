"""Task files: which table, which columns, what is fitted and what is forecast, in TOML.

A data set joins the benchmark with one file. ``find_tasks`` collects those that come with the package and those in
a folder of data; ``lawful.bench.series`` cuts a task's table into train and test. Every key is checked here:
a slip is one sentence that names the file and the key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from lawful.errors import InputError, unknown
from lawful.store import read_toml

METRICS = ("rmsle", "are", "mae", "r2")
"""What a task may be judged by: root mean square log error, absolute relative error, mean absolute error, R2."""

METHODS = ("curves", "joint")
"""Sets of methods that a task may name in place of a list: for one input, and for several."""

KINDS = {str: "a text", bool: "true or false", int: "a whole number", float: "a number", list: "a list",
         dict: "a table of keys"}


@dataclass(frozen=True)
class Split:
    """Where a series is cut: by a ``column``, by row filters, below so many decades of the top, or at a share.

    ``along`` is the quantity whose order counts: compute where it is left out, or the one input. ``interpolates``
    allows training runs beyond the largest test run.
    """

    column: str | None = None
    train: str | Sequence[str] = "train"
    test: str | Sequence[str] = "test"
    train_where: str | None = None
    test_where: str | None = None
    along: str | None = None
    below: Sequence[float] = ()
    share: float | None = None
    interpolates: bool = False

    @property
    def cuts(self) -> tuple[float | None, ...]:
        """The cuts it asks for: decades below the top, or one that has no distance."""
        return tuple(self.below) or (None,)


@dataclass(frozen=True)
class Published:
    """What others reported for a task, over the series whose runs ``where`` keeps, or all.

    ``by_method`` are scores in the task's metric, ``share_best`` the share of series that each method is best on among
    those named. ``file`` has a row of scores for each series, found by the columns of ``key``; ``columns`` says which
    method is in which.
    """

    source: str = ""
    where: str = ""
    by_method: Mapping[str, float] = field(default_factory=dict)
    share_best: Mapping[str, float] = field(default_factory=dict)
    file: str | None = None
    key: Sequence[str] = ()
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """One data set's extrapolation task.

    ``series`` are the columns whose every combination is one extrapolation, ``by`` the column that medians are taken
    over. Of runs that share the columns ``best``, the one with the lowest target stands for all: a sweep of learning
    rates, or the log of a run. ``thin`` keeps so many training runs of each series, even in the logarithm of its
    scale, for every method alike; ``fewest`` is what a cut must leave below it. ``content`` is the file as it was read.
    """

    name: str
    folder: str
    table: str
    target: str
    inputs: tuple[str, ...]
    split: Split
    title: str = ""
    source: str = ""
    where: str | None = None
    map: Mapping[str, str] = field(default_factory=dict)
    derive: Mapping[str, str] = field(default_factory=dict)
    series: tuple[str, ...] = ()
    by: str | None = None
    metric: str = "rmsle"
    methods: str | tuple[str, ...] = "curves"
    dedupe: bool = True
    best: tuple[str, ...] = ()
    thin: int | None = None
    fewest: int = 5
    published: Published = Published()
    content: Mapping[str, Any] = field(default_factory=dict, repr=False)


_KEYS: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "task": {"title": (str,), "source": (str,), "folder": (str,), "table": (str,), "where": (str,), "map": (dict,),
             "derive": (dict,), "series": (str, list), "by": (str,), "target": (str,), "inputs": (str, list),
             "metric": (str,), "methods": (str, list), "dedupe": (bool,), "best": (str, list), "thin": (int,),
             "fewest": (int,), "split": (dict,), "published": (dict,)},
    "split": {"column": (str,), "train": (str, list), "test": (str, list), "train_where": (str,),
              "test_where": (str,), "along": (str,), "below": (float, int, list), "share": (float,),
              "interpolates": (bool,)},
    "published": {"source": (str,), "where": (str,), "by_method": (dict,), "share_best": (dict,),
                  "file": (str,), "key": (str, list), "columns": (dict,)},
}
assert _KEYS["split"].keys() == {f.name for f in fields(Split)}


def find_tasks(data: Path, names: Sequence[str] | None = None) -> tuple[Task, ...]:
    """The tasks whose data are in the folder ``data``, or those ``names``, in alphabetical order.

    Task files are those of the package, then ``*.toml`` in ``data`` and in its folders: one of a user's own takes
    the place of the package's of that name. Raises ``InputError`` for a folder without data, a task that is asked
    for and not there, and for whatever is wrong in a file.
    """
    if not data.is_dir():
        raise InputError(f"no folder of data at {data}: give --data FOLDER, or set LAWFUL_SHARED to the folder that "
                         "holds data/")
    packaged = files("lawful") / "bench" / "tasks"
    found = {path.name.removesuffix(".toml"): (path, "") for path in map(Path, map(str, packaged.iterdir()))
             if path.suffix == ".toml"}
    own = {path.stem: (path, path.parent.name if path.parent != data else "")
           for path in sorted([*data.glob("*.toml"), *data.glob("*/*.toml")])}
    known = {**found, **own}
    for name in names or ():
        if name not in known:
            raise unknown("task", name, known)
    tasks = {name: parse(read_toml(path), str(path) if name in own else f"{name}.toml", name, beside)
             for name, (path, beside) in sorted(known.items()) if names is None or name in names}
    here = tuple(task for task in tasks.values() if (data / task.folder).is_dir())
    for name in names or ():
        if tasks[name] not in here:
            raise InputError(f"task {name}: {data} has no folder {tasks[name].folder!r}")
    if not here:
        raise InputError(f"no task has its data in {data}; a task is a TOML file there, or a folder with the name of a "
                         f"public set: {', '.join(sorted(known))}")
    return here


def parse(content: Mapping[str, Any], file: str, name: str, beside: str = "") -> Task:
    """The task that the keys of ``content`` say; ``beside`` is the folder that the file lies in, where it does.

    Raises ``InputError`` that names the ``file`` and the key for one that is unknown, missing, or of another kind.
    """
    given = _checked(content, "task", file)
    given.setdefault("folder", beside)
    for key in ("folder", "table", "target", "inputs", "split"):
        if not given.get(key):
            raise InputError(f"{file}: {key} is missing; a task has folder, table, target, inputs and [split]")
    if given.get("metric", METRICS[0]) not in METRICS:
        raise unknown("metric", given["metric"], METRICS, where=f"in {file}")
    methods = given.get("methods", METHODS[0] if len(_listed(given["inputs"])) == 1 else METHODS[1])
    split = _split(_checked(given["split"], "split", file), file)
    published = _checked(given.get("published", {}), "published", file)
    if (published.get("file") is None) != (not published.get("columns")) or (
            published.get("columns") and not published.get("key")):
        raise InputError(f"{file}: [published] file goes with key and columns: file = \"scores.csv\", key = \"curve\", "
                         "columns = {m1 = \"rmsle_m1\"}")
    for key in ("thin", "fewest"):
        if given.get(key, 3) < 3:
            raise InputError(f"{file}: {key} must be 3 or more, got {given[key]}")
    for key in ("by_method", "share_best"):
        for inner, value in published.get(key, {}).items():
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise InputError(f"{file}: [published] {key}.{inner} must be a number, got {value!r}")
    for key in ("map", "derive"):
        for inner, value in given.get(key, {}).items():
            if not isinstance(value, str):
                raise InputError(f"{file}: {key}.{inner} must be a text, got {value!r}")
    return Task(**{
        **given, "name": name, "content": content, "inputs": _listed(given["inputs"]),
        "series": _listed(given.get("series", ())), "best": _listed(given.get("best", ())), "split": split,
        "methods": methods if methods in METHODS else _listed(methods),
        "published": Published(**{**published, "key": _listed(published.get("key", ()))})})


def _checked(given: Mapping[str, Any], part: str, file: str) -> dict[str, Any]:
    """``given`` as it is, once every key is known and of its kind."""
    keys = _KEYS[part]
    for key, value in given.items():
        if key not in keys:
            raise unknown("key", key, keys, where=f"in {file}" + ("" if part == "task" else f", [{part}]"))
        if not isinstance(value, keys[key]) or (isinstance(value, bool) and bool not in keys[key]):
            raise InputError(f"{file}: {key} must be {' or '.join(dict.fromkeys(KINDS[k] for k in keys[key]))}, "
                             f"got {value!r}")
    return dict(given)


def _split(given: dict[str, Any], file: str) -> Split:
    """The split, once it says one way to cut and no other."""
    below = given.get("below", ())
    below = tuple(below) if isinstance(below, list) else (below,) if below != () else ()
    ways = [key for key in ("column", "train_where", "below", "share") if given.get(key) not in (None, [])]
    if len(ways) != 1:
        raise InputError(f"{file}: [split] needs one of column, train_where, below and share, "
                         f"got {' and '.join(ways) or 'none'}")
    if ("train_where" in given) != ("test_where" in given):
        raise InputError(f"{file}: [split] train_where and test_where go together")
    if not all(isinstance(d, (int, float)) and not isinstance(d, bool) and d > 0 for d in below):
        raise InputError(f"{file}: [split] below must be decades above 0, as [0.5, 1.0], got {given['below']!r}")
    if not 0 < given.get("share", 0.5) < 1:
        raise InputError(f"{file}: [split] share must lie between 0 and 1, got {given['share']:g}")
    return Split(**{**given, "below": tuple(map(float, below))})


def _listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(map(str, value))
