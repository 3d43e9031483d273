"""A journal: one JSON object a line, added as each is known, so that a killed run loses at most the line it wrote.

One process writes it. For a file that several write, and whose history must hold, see ``lawful.store.ledger``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lawful.errors import InputError, OutputError


def add_entry(path: str | Path, entry: Mapping[str, Any]) -> None:
    """Add ``entry`` to the journal ``path`` in one write, on a line of its own even after one that was cut short.

    Raises ``OutputError`` when it cannot be written.
    """
    line = json.dumps(entry) + "\n"
    try:
        with open(path, "a+b") as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                line = line if file.read(1) == b"\n" else f"\n{line}"
            os.write(file.fileno(), line.encode())
    except OSError as problem:
        raise OutputError(f"cannot write {path}: {problem.strerror or problem}") from None


def read_entries(path: str | Path) -> Iterator[dict[str, Any]]:
    """The entries of the journal ``path``, none where there is no file; a line that is no object is passed over."""
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    except OSError as problem:
        raise InputError(f"{path}: cannot be read ({problem.strerror or problem})") from None
    for line in text.split("\n"):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry
