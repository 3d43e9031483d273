"""Tables of runs from files: csv, tsv, jsonl, parquet, or ``-`` for standard input.

Readers return raw columns by header, strings or numbers; ``lawful.runs`` checks them. The header is
looked at before the rest is read, so that a gigabyte of something else is refused at once.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import zlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any

from lawful.errors import MissingExtra, RunsError
from lawful.quantities import OUTPUTS, resolve_columns
from lawful.runs import RunTable

LONGEST_LINE = 1 << 20
"""Bytes in which a header line must end: no table of runs has a longer one."""

LARGE = 64 << 20
"""Bytes beyond which a file must look right by its header before it is read."""

_DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}

Columns = dict[str, Sequence[Any]]


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
    text = sys.stdin.read().removeprefix("\ufeff")
    lines = io.StringIO(text)
    return _json_lines(lines, source) if text.lstrip()[:1] == "{" else _delimited(lines, ",", source)


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
        return _delimited(lines, _DELIMITERS.get(kind[0], ","), str(file))


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


def _delimited(handle: Iterable[str], delimiter: str, source: str) -> Columns:
    reader = csv.reader(handle, delimiter=delimiter)
    header = [name.strip() for name in next(reader, [])]
    if not any(header):
        raise RunsError(f"{source}: the table is empty; give a header line and one row a run")
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise RunsError(f"{source}: column {sorted(twice)[0]!r} appears twice in the header")
    rows: list[list[str]] = []
    try:
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise RunsError(f"{source}, line {reader.line_num}: {len(row)} cells under {len(header)} headers")
            rows.append(row)
    except csv.Error as problem:
        raise RunsError(f"{source}, line {reader.line_num}: {problem}") from None
    if not rows:
        raise RunsError(f"{source}: there is a header and no rows; give one row a run")
    return dict(zip(header, zip(*rows, strict=True), strict=True))


def _json_lines(lines: Iterable[str], source: str) -> Columns:
    records: list[dict[str, Any]] = []
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
        records.append(record)
    if not records:
        raise RunsError(f"{source}: the table is empty; give one JSON object a run")
    names = list(dict.fromkeys(name for record in records for name in record))
    return {name: [_cell(record.get(name)) for record in records] for name in names}


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def _parquet(file: Path) -> Columns:
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtra("reading parquet", "parquet") from None
    try:
        table = pq.read_table(file)
    except Exception as problem:  # pyarrow raises its own tree, none of it exported
        raise RunsError(f"{file}: is not a parquet table ({str(problem).splitlines()[0]})") from None
    return {name: [_cell(v) for v in table[name].to_pylist()] for name in table.column_names}
