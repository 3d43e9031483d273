"""Columns of numbers to a file: csv, tsv or parquet, by its ending."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from lawful.errors import MissingExtra, OutputError
from lawful.store.files import write_bytes, write_text

_DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}


def write_columns(path: str | Path, columns: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write equal-length ``columns`` by header to ``path``: csv, tsv or parquet.

    Raises ``OutputError`` for another ending or a file that cannot be written, ``MissingExtra`` for parquet
    without its reader.
    """
    kind = Path(path).suffix.lower()
    if kind == ".parquet":
        write_bytes(path, _parquet(columns))
    elif kind in _DELIMITERS:
        write_text(path, to_text(columns, _DELIMITERS[kind]))
    else:
        raise OutputError(f"cannot write {path}: columns go to a file that ends in .csv, .tsv or .parquet")


def to_text(columns: Mapping[str, npt.NDArray[Any]], delimiter: str = ",") -> str:
    """``columns`` as delimited text with a header; numbers keep every digit."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))
    return text.getvalue()


def _parquet(columns: Mapping[str, npt.NDArray[Any]]) -> bytes:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtra("writing parquet", "parquet") from None
    buffer = io.BytesIO()
    pq.write_table(pa.table(dict(columns)), buffer)
    return buffer.getvalue()
