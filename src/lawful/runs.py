"""What a training run is: a table of runs, checked once, at the door.

``RunTable.from_columns`` takes raw columns (strings or numbers), finds the known quantities among
them, applies a row filter, checks every value, and derives what is missing, saying so. From then on
quantities are float64 arrays of shape ``(run,)`` and everything else is kept as labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import InputError, RunsError
from lawful.filters import select
from lawful.labels import Labels, Text
from lawful.quantities import (
    FLOP_PER_PARAM_TOKEN,
    PARAM_COUNTS,
    QUANTITIES,
    Column,
    parse_number,
    quantity,
    resolve_columns,
)
from lawful.results import Caveat

Array = npt.NDArray[np.float64]

CORE = ("params", "nonembedding_params", "tokens", "compute", "loss")
"""Quantities that laws are fitted on: their columns must hold positive numbers once asked for, as every
count of parameters must, any of which may serve as params."""

LOSSES = ("loss", "bits_per_byte", "error")
"""Outcomes that a form in the task's own unit describes as well as any."""


@dataclass(frozen=True)
class RunTable:
    """Validated runs: one row a finished training run.

    ``quantities`` maps names of the glossary to float64 arrays ``(run,)``; ``labels`` keeps every
    other column as strings; ``rows`` are the rows' numbers in the file, from 1; ``columns`` says
    where each quantity came from; ``notes`` tells what was derived or read in a particular way;
    ``problems`` keeps, for a quantity whose column holds impossible values, the sentence that is
    raised when someone asks for it: a bad column that nobody needs stops nobody.
    """

    quantities: Mapping[str, Array]
    labels: Mapping[str, npt.NDArray[np.str_]] = field(default_factory=dict)
    rows: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    columns: Mapping[str, Column] = field(default_factory=dict)
    notes: tuple[Caveat, ...] = ()
    source: str = "runs"
    problems: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, name: str) -> bool:
        return name in self.quantities

    def __getitem__(self, name: str) -> Array:
        """The values of one quantity, or of the column with exactly this header, shape ``(run,)``.

        ``task_loss``, a loss in whatever unit the task has, is read from the first of ``LOSSES`` where it has no
        column of its own. Raises ``RunsError`` with the row of the first cell that is no number, or with what is
        there instead.
        """
        if name == "task_loss" and name not in self.quantities and name not in self.headers:
            name = next((loss for loss in LOSSES if loss in self.quantities or loss in self.problems), name)
        if name in self.problems:
            raise RunsError(self.problems[name])
        if name not in self.quantities and name not in self.headers:
            raise self.missing(name)
        return self.number(name)

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers of the table: of the labels, and of the columns that the quantities were read from."""
        return (*self.labels, *dict.fromkeys(column.column for column in self.columns.values()))

    @classmethod
    def of(cls, **quantities: Sequence[float] | Array) -> RunTable:
        """A table from arrays by name: ``RunTable.of(params=..., tokens=..., loss=...)``."""
        return cls.from_columns(dict(quantities))

    @classmethod
    def from_columns(
        cls,
        columns: Mapping[str, Sequence[Any] | npt.NDArray[Any] | Text],
        *,
        mapping: Mapping[str, str] | None = None,
        where: str | None = None,
        source: str = "runs",
    ) -> RunTable:
        """The runs in raw ``columns``, equal-length sequences of strings or numbers, or packed text, by header.

        ``mapping`` gives {quantity: column} where the headers do not say it; ``where`` keeps the rows
        for which it holds, before any value is checked. Text in a number column, and values that are
        NaN, infinite, zero or negative where a count or a loss must be positive, are refused with their
        row as soon as that quantity is asked for; an optional quantity of that sort becomes a label.

        Raises ``RunsError`` for an empty table, columns of different lengths, or a filter that keeps nothing.
        """
        lengths = {len(values) for values in columns.values()}
        if not columns or lengths in (set(), {0}):
            raise RunsError(f"{source}: the table is empty; give a header line and one row a run")
        if len(lengths) > 1:
            raise RunsError(f"{source}: the columns have different lengths")
        found = resolve_columns(columns, mapping)
        rows = np.arange(1, lengths.pop() + 1)
        if where is not None:
            kept = select(where, _Readable(columns, found), len(rows))
            rows = rows[kept]
            if not len(rows):
                raise RunsError(f"{source}: --where {where!r} keeps none of the {len(kept)} rows")
            columns = {name: values.select(kept) if isinstance(values, Text) else np.asarray(values)[kept]
                       for name, values in columns.items()}
        quantities: dict[str, Array] = {}
        problems: dict[str, str] = {}
        for name, column in found.items():
            try:
                quantities[name] = _numbers(columns[column.column], column, rows, source)
            except RunsError as problem:
                if _is_core(name) or name in (mapping or {}):
                    problems[name] = str(problem)
        used = {c.column for name, c in found.items() if name in quantities}
        labels = Labels({name: _as_label(values) for name, values in columns.items() if name not in used})
        kept_columns = {name: column for name, column in found.items() if name in quantities}
        return cls(quantities, labels, rows, kept_columns, (), source, problems)._derive()

    def _derive(self) -> RunTable:
        """Fill in whichever of params, tokens and compute follows from the other two by C = 6 N D."""
        have = dict(self.quantities)
        notes = [
            Caveat("scaled_column", f"{c.name} is column {c.column!r} times {c.scale:g}, as its header states")
            for c in self.columns.values() if c.scale != 1.0
        ]
        problems = dict(self.problems)
        size = next((name for name in PARAM_COUNTS if name in have), None)
        others = [name for name in PARAM_COUNTS if name != size and (name in have or name in problems)]
        if size is not None and size != "params" and "params" not in problems:
            have["params"] = have[size]
            why = f"the table also has {', '.join(others)}" if others else "the only count of parameters in the table"
            notes.append(Caveat("params_convention", f"params are {size} (column "
                                f"{self.columns[size].column!r}): {why}"))
        elif size is None and others:
            problems.setdefault("params", problems[others[0]])
        if "compute" not in have and {"params", "tokens"} <= have.keys():
            have["compute"] = FLOP_PER_PARAM_TOKEN * have["params"] * have["tokens"]
            why = problems.pop("compute", "the table has no such column")
            notes.append(Caveat("compute_derived", f"compute is derived as 6 N D: {why}"))
        elif "tokens" not in {*have, *problems} and {"params", "compute"} <= have.keys():
            have["tokens"] = have["compute"] / (FLOP_PER_PARAM_TOKEN * have["params"])
            notes.append(Caveat("tokens_derived", "tokens are derived as C / (6 N): the table has no such column"))
        elif "params" not in {*have, *problems} and {"tokens", "compute"} <= have.keys():
            have["params"] = have["compute"] / (FLOP_PER_PARAM_TOKEN * have["tokens"])
            notes.append(Caveat("params_derived", "params are derived as C / (6 D): the table has no such column"))
        return replace(self, quantities=have, notes=tuple(notes), problems=problems)

    def need(self, *names: str) -> tuple[Array, ...]:
        """The named quantities' values; ``RunsError`` lists the columns found when one is missing."""
        return tuple(self[name] for name in names)

    def label(self, column: str) -> npt.NDArray[np.str_]:
        """The column ``column`` as text, ``(run,)``: a label by its header, or a quantity by name or header."""
        if column in self.labels:
            return self.labels[column]
        for name, values in self.quantities.items():
            if column == name or (name in self.columns and self.columns[name].column == column):
                return values.astype(str)
        raise self._unknown_column(column)

    def number(self, column: str) -> Array:
        """The column ``column`` as float64, ``(run,)``: a quantity by its name, any column as it stands by its header.

        Raises ``RunsError`` with the row of the first cell that is no number.
        """
        if column in self.quantities:
            return self.quantities[column]
        for name, source in self.columns.items():
            if source.column == column:
                return self.quantities[name] / source.scale
        if column not in self.labels:
            raise self._unknown_column(column)
        return _numbers(self.labels[column], Column(column, column), self.rows, self.source)

    def _unknown_column(self, column: str) -> RunsError:
        import difflib

        found = self.headers
        near = difflib.get_close_matches(column, found, n=3)
        return RunsError(f"{self.source}: no column is called {column!r}; "
                         f"{'nearest: ' + ', '.join(near) if near else 'there are ' + ', '.join(found)}")

    def missing(self, name: str) -> RunsError:
        """The error for a quantity that the table lacks: what was found, and how to map it."""
        import difflib

        found = self.headers
        about = QUANTITIES.get(name)
        aliases = (name, *about.aliases) if about else (name,)
        near = [c for c in found if difflib.get_close_matches(c.lower(), aliases, n=1, cutoff=0.6)]
        hint = f"; the nearest is {near[0]!r}: pass --map {name}={near[0]}" if near else f"; --map {name}=COLUMN"
        return RunsError(f"{self.source}: no column for {name} ({', '.join(aliases[:5])}); "
                         f"found {', '.join(found) or 'none'}{hint}")

    def take(self, keep: npt.NDArray[Any]) -> RunTable:
        """The runs that ``keep``, a mask or indices, selects."""
        return replace(
            self,
            quantities={k: v[keep] for k, v in self.quantities.items()},
            labels=_labels(self.labels).take(keep, len(self)),
            rows=self.rows[keep],
        )


def _is_core(name: str) -> bool:
    """Whether a bad column of this name is a problem, not a label; families such as ``loss.<domain>`` included."""
    return name in (*CORE, *PARAM_COUNTS) or "." in name


def _as_label(values: Any) -> Text | npt.NDArray[Any]:
    """A column that is no quantity, as small as it may be kept: numbers of one type become text when asked for."""
    if isinstance(values, Text):
        return values
    return values.copy() if isinstance(values, np.ndarray) and values.dtype.kind in "iuf" else np.array(values, str)


def _labels(labels: Mapping[str, npt.NDArray[np.str_]]) -> Labels:
    return labels if isinstance(labels, Labels) else Labels(labels)


@dataclass(frozen=True)
class _Readable(Mapping[str, npt.NDArray[Any]]):
    """What a filter may name: columns by header and quantities, each read when it is named."""

    columns: Mapping[str, Any]
    found: Mapping[str, Column]

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name in self.columns:
            return self._read(name)
        column = self.found[name]
        source = self._read(column.column)
        return source * column.scale if source.dtype.kind == "f" else source

    def __iter__(self) -> Iterator[str]:
        return iter({**self.columns, **self.found})

    def __len__(self) -> int:
        return len({**self.columns, **self.found})

    def _read(self, header: str) -> npt.NDArray[Any]:
        values = self.columns[header]
        with suppress(ValueError, TypeError, OverflowError):
            return np.asarray(values, dtype=np.float64)
        if any(column.column == header for column in self.found.values()):
            with suppress(InputError):  # shorthand: 70B
                return np.fromiter((_number(value) for value in values), np.float64, len(values))
        return np.asarray(values, dtype=str)


def _number(value: Any) -> float:
    """One cell; NaN and infinity pass here, so that they are refused by what they are."""
    try:
        return float(value)
    except (ValueError, TypeError, OverflowError):
        return parse_number("" if value is None else value)


def _numbers(values: Any, column: Column, rows: npt.NDArray[np.int64], source: str) -> Array:
    """One column as float64; ``RunsError`` with the row of the first value that no run can have."""
    where = f"{source}: column {column.column!r}"
    try:
        numbers = np.array(values, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        numbers = np.empty(len(rows))
        for i, value in enumerate(values):
            try:
                numbers[i] = _number(value)
            except InputError:
                shown = "is empty" if value is None or not str(value).strip() else f"got {str(value)[:40]!r}"
                raise RunsError(f"{where}, row {rows[i]}: {column.name} must be a number, {shown}; "
                                f"filter the row out with --where, or map another column") from None
    if column.scale != 1.0:
        numbers *= column.scale
    positive = _is_core(column.name) and quantity(column.name, (column.column,)).positive
    bad = ~np.isfinite(numbers) | ((numbers <= 0) if positive else False)
    if bad.any():
        first = int(np.argmax(bad))
        more = f" (and {int(bad.sum()) - 1} more rows)" if bad.sum() > 1 else ""
        wanted = "a positive, finite number" if positive else "a finite number"
        raise RunsError(f"{where}, row {rows[first]}{more}: {column.name} must be {wanted}, "
                        f"got {numbers[first]:g}; filter it out with --where, or correct it")
    return numbers
