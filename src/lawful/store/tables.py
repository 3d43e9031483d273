"""Tables of runs from files: csv, tsv, jsonl, parquet, or ``-`` for standard input.

Readers return raw columns by header, packed text or numbers; ``lawful.runs`` checks them. The header is
looked at before the rest is read, so that a gigabyte of something else is refused at once. Rows are
read a block at a time: a table never stands in memory as Python's lists of strings.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from lawful import labels
from lawful.errors import MissingExtra, RunsError
from lawful.labels import Text
from lawful.quantities import OUTPUTS, resolve_columns
from lawful.runs import RunTable

LONGEST_LINE = 1 << 20
"""Bytes in which a header line must end: no table of runs has a longer one."""

LARGE = 64 << 20
"""Bytes beyond which a file must look right by its header before it is read."""

_DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}

Columns = dict[str, Text | npt.NDArray[Any]]


def read_runs(path: str, *, mapping: Mapping[str, str] | None = None, where: str | None = None) -> RunTable:
    """The runs in the file ``path``, by its ending: csv, tsv, jsonl (all may end in .gz) or parquet.

    ``-`` reads standard input, csv or jsonl by its first character. ``mapping`` and ``where`` are those of
    ``RunTable.from_columns``. Raises ``RunsError`` for a file that is missing, empty or no table.
    """
    source = "standard input" if path == "-" else path
    try:
        columns = _read_stdin(source) if path == "-" else _read(Path(path), bool(mapping))
    except UnicodeDecodeError:
        raise RunsError(f"{source}: is not text; accepted are csv, tsv, jsonl and parquet") from None
    except (OSError, EOFError, zlib.error, csv.Error) as problem:
        raise RunsError(f"{source}: cannot be read ({getattr(problem, 'strerror', None) or problem})") from None
    return RunTable.from_columns(columns, mapping=mapping, where=where, source=source)


def _read_stdin(source: str) -> Columns:
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="strict")  # as files are, whatever the locale
    lines = iter(sys.stdin)
    head = [next(lines, "").removeprefix("\ufeff")]
    while head[-1] and not head[-1].strip():
        head.append(next(lines, ""))
    return (_json_lines if head[-1].lstrip()[:1] == "{" else _delimited)(chain(head, lines), source)


def _read(file: Path, mapped: bool) -> Columns:
    if not file.exists():
        near = sorted(p.name for p in file.parent.glob(f"*{file.suffix}"))[:5] if file.parent.is_dir() else []
        raise RunsError(f"{file}: no such file" + (f"; the folder holds {', '.join(near)}" if near else ""))
    if file.is_dir():
        raise RunsError(f"{file} is a folder; give a table of runs in it")
    suffixes = [s.lower() for s in file.suffixes]
    packed = suffixes[-1:] == [".gz"]
    kind = (suffixes[-2:-1] if packed else suffixes[-1:]) or [".csv"]
    if kind[0] == ".parquet":
        return _parquet(file)
    if file.is_file() and file.stat().st_size == 0:
        raise RunsError(f"{file}: the file is empty; give a header line and one row a run")
    with gzip.open(file, "rt", encoding="utf-8-sig", newline="") if packed else open(
            file, encoding="utf-8-sig", newline="") as handle:
        lines = chain([_header(handle, file, kind[0], mapped)], handle)  # a pipe cannot be rewound
        if kind[0] in (".jsonl", ".ndjson", ".json"):
            return _json_lines(lines, str(file))
        return _delimited(lines, str(file), _DELIMITERS.get(kind[0], ","))


def _header(handle: IO[str], file: Path, kind: str, mapped: bool) -> str:
    """The first line; what cannot be a table of runs is refused by it."""
    head = handle.readline(LONGEST_LINE)
    if len(head) >= LONGEST_LINE:
        raise RunsError(f"{file}: the first line does not end within {LONGEST_LINE:,} characters: this is no table")
    if "\0" in head:
        raise RunsError(f"{file}: is not text; accepted are csv, tsv, jsonl and parquet")
    if kind in _DELIMITERS:
        header = next(csv.reader([head], delimiter=_DELIMITERS[kind]), [])
        if len(header) < 2 and file.stat().st_size > LONGEST_LINE:
            raise RunsError(f"{file}: the header {head.strip()[:60]!r} has one column; a table of runs has several, "
                            f"separated by {'tabs' if kind != '.csv' else 'commas'}")
        if not mapped and not set(OUTPUTS) & resolve_columns(header).keys() and file.stat().st_size > LARGE:
            raise RunsError(f"{file}: none of the columns {', '.join(header)[:200]} is an outcome such as loss, and "
                            "the file is large; name the column with --map loss=COLUMN")
    return head


def _delimited(lines: Iterable[str], source: str, delimiter: str = ",") -> Columns:
    reader = csv.reader(lines, delimiter=delimiter)
    header = [name.strip() for name in next(reader, [])]
    if not any(header):
        raise RunsError(f"{source}: the table is empty; give a header line and one row a run")
    _once(header, source)

    def rows() -> Iterator[list[str]]:
        for row in reader:
            if len(row) == len(header):
                yield row
            elif row:
                raise RunsError(f"{source}, line {reader.line_num}: {len(row)} cells under {len(header)} headers")

    columns = [Text() for _ in header]
    try:
        for block in _blocks(rows()):
            for column, cells in zip(columns, zip(*block, strict=True), strict=True):
                column.extend(cells)
    except csv.Error as problem:
        raise RunsError(f"{source}, line {reader.line_num}: {problem}") from None
    if not len(columns[0]):
        raise RunsError(f"{source}: there is a header and no rows; give one row a run")
    return dict(zip(header, columns, strict=True))


def _once(header: list[str], source: str) -> None:
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise RunsError(f"{source}: column {sorted(twice)[0]!r} appears twice in the header")


def _blocks(rows: Iterator[Any]) -> Iterator[list[Any]]:
    """``rows``, a block at a time."""
    while block := list(islice(rows, labels.BLOCK)):
        yield block


def _json_lines(lines: Iterable[str], source: str) -> Columns:
    columns: dict[str, Text] = {}
    count = 0
    for block in _blocks(_records(lines, source)):
        for name in dict.fromkeys(chain(columns, chain.from_iterable(block))):
            if name not in columns:
                columns[name] = Text([""] * count)
            columns[name].extend(_cells(record.get(name) for record in block))
        count += len(block)
    if not count:
        raise RunsError(f"{source}: the table is empty; give one JSON object a run")
    return {**columns}


def _records(lines: Iterable[str], source: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as problem:
            raise RunsError(f"{source}, line {number}: not JSON ({problem.msg}); one object a line") from None
        except (ValueError, RecursionError):
            raise RunsError(f"{source}, line {number}: nested too deeply, or a number is too long") from None
        if not isinstance(record, dict):
            raise RunsError(f"{source}, line {number}: {type(record).__name__} where an object of columns should be")
        yield record


def _cells(values: Iterable[Any]) -> list[str]:
    return ["" if value is None else str(value) for value in values]


def _parquet(file: Path) -> Columns:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtra("reading parquet", "parquet") from None
    try:
        table = pq.ParquetFile(file)
        fields = list(table.schema_arrow)
        _once([field.name for field in fields], str(file))
        columns: list[Text | npt.NDArray[Any]] = []
        for field in fields:
            kind = (np.float64 if pa.types.is_floating(field.type) else
                    field.type.to_pandas_dtype() if pa.types.is_integer(field.type) else None)
            columns.append(Text() if kind is None else np.empty(table.metadata.num_rows, kind))
        count = 0
        for batch in table.iter_batches(batch_size=10 * labels.BLOCK):
            columns = [_filled(column, count, cells) for column, cells in zip(columns, batch.columns, strict=True)]
            count += len(batch)
    except RunsError:
        raise
    except Exception as problem:  # pyarrow raises its own tree, none of it exported
        raise RunsError(f"{file}: is not a parquet table ({str(problem).splitlines()[0]})") from None
    return {field.name: column for field, column in zip(fields, columns, strict=True)}


def _filled(column: Text | npt.NDArray[Any], count: int, cells: Any) -> Text | npt.NDArray[Any]:
    """``column``, whose first ``count`` cells are known, with ``cells`` of parquet after them.

    A column of numbers becomes text where one is missing: an empty cell is not NaN.
    """
    if isinstance(column, np.ndarray) and not cells.null_count:
        column[count : count + len(cells)] = cells.to_numpy()
        return column
    if isinstance(column, np.ndarray):
        column = Text(_cells(column[:count].tolist()))
    column.extend(_cells(cells.to_pylist()))
    return column
