"""Columns of text as a table keeps them: packed, and unpacked when someone asks.

A million labels as Python strings take sixty bytes each and more; joined, they take what they took in the
file. ``Text`` is one such column and ``Labels`` all of a table's, by header.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, compress
from typing import Any

import numpy as np
import numpy.typing as npt

BLOCK = 1000
"""Cells that are joined at a time: few enough to stay in a core's cache while they are apart."""

_CODEC = ("utf-8", "surrogatepass")  # JSON may hold half a surrogate pair; it comes back as it went in


class Text:
    """A column of text: its cells in order, in about as many bytes as its file gave them.

    ``extend`` adds cells. As an array it is one of strings, or of numbers, ``np.asarray(text, float)``,
    which raises ``ValueError`` where a cell is none.
    """

    def __init__(self, cells: Sequence[str] = ()) -> None:
        self._joined = bytearray()
        self._blocks: list[tuple[int, str]] = []  # where each block ends, and what separates its cells
        self._count = 0
        self.extend(cells)

    def extend(self, cells: Sequence[str]) -> None:
        """Add ``cells`` at the end."""
        for first in range(0, len(cells), BLOCK):
            block = cells[first : first + BLOCK]
            for separator in map(chr, range(0x1F, 0xD800)):  # the first that stands in none of the cells
                joined = separator.join(block)
                if joined.count(separator) == len(block) - 1:
                    break
            self._joined += joined.encode(*_CODEC)
            self._blocks.append((len(self._joined), separator))
            self._count += len(block)

    def blocks(self) -> Iterator[list[str]]:
        """The cells, a block at a time."""
        begin = 0
        for end, separator in self._blocks:
            yield self._joined[begin:end].decode(*_CODEC).split(separator)
            begin = end

    def select(self, keep: npt.NDArray[np.bool_]) -> Text:
        """The cells for which ``keep``, a mask, holds."""
        chosen = Text()
        begin = 0
        for block in self.blocks():
            chosen.extend(list(compress(block, keep[begin : begin + len(block)].tolist())))
            begin += len(block)
        return chosen

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self.blocks())

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        kind = np.dtype(dtype or str)
        if kind.kind != "f":
            return np.concatenate([np.array(block, dtype=kind) for block in self.blocks()] or [np.zeros(0, kind)])
        numbers = np.empty(len(self), kind)
        begin = 0
        for block in self.blocks():
            numbers[begin : begin + len(block)] = np.array(block, dtype=kind)
            begin += len(block)
        return numbers


class Labels(Mapping[str, npt.NDArray[np.str_]]):
    """Columns by header, packed text or arrays; each is an array ``(run,)`` of strings once it is asked for."""

    def __init__(self, columns: Mapping[str, Text | npt.NDArray[Any]],
                 keep: npt.NDArray[np.int64] | None = None) -> None:
        self._columns = columns
        self._keep = keep
        self._unpacked: dict[str, npt.NDArray[np.str_]] = {}

    def __getitem__(self, name: str) -> npt.NDArray[np.str_]:
        if name not in self._unpacked:
            whole = np.asarray(self._columns[name], dtype=str)
            self._unpacked[name] = whole if self._keep is None else whole[self._keep]
        return self._unpacked[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def take(self, keep: npt.NDArray[Any], rows: int) -> Labels:
        """The labels of the runs that ``keep``, a mask or indices into the ``rows`` runs, selects."""
        return Labels(self._columns, (np.arange(rows) if self._keep is None else self._keep)[keep])
