"""How results are shown: one JSON document, or an aligned text with warnings on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from lawful.cli.options import Output
from lawful.results import Caveat


def show(result: Any, text: str, output: Output, warnings: Iterable[Caveat] = ()) -> None:
    """Print ``result`` as JSON or ``text``, and its ``warnings`` on stderr; write it where ``-o`` says."""
    from lawful.store import to_json, write_text

    if output.output is not None:
        write_text(output.output, to_json(result, indent=1) + "\n")
        say(f"wrote {output.output}", output)
    print(to_json(result) if output.json else text)
    for warning in warnings:
        say(f"warning [{warning.code}]: {warning.message}", output)


def say(message: str, output: Output) -> None:
    """A line on stderr, unless ``--quiet``."""
    if not output.quiet:
        print(message, file=sys.stderr)


def check(output: Output) -> None:
    """Refuse an unwritable ``-o`` before any work is done."""
    from lawful.store import check_writable

    if output.output is not None:
        check_writable(output.output)


def aligned(rows: Sequence[Sequence[str]], head: Sequence[str]) -> str:
    """Aligned columns: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        first, *rest = (cell.ljust(w) if i == 0 else cell.rjust(w)
                        for i, (cell, w) in enumerate(zip(row, widths, strict=True)))
        return "  ".join([first, *rest]).rstrip()

    return "\n".join([line(head), line(["-" * w for w in widths]), *map(line, rows)])
