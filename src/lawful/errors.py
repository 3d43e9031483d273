"""Every error that lawful raises, in one tree.

    LawfulError
    ├── InputError            what was given cannot be used; the command line exits with 2
    │   ├── RunsError         a table of runs: its file, columns or values
    │   ├── UnknownName       a law, form, device or column that nobody has heard of
    │   ├── LawError          a law asked for, or given, quantities or coefficients it does not take
    │   └── OutputError       a file that cannot be written
    ├── FailedToAnswer        the input is fine and there is still no honest answer; exit code 1
    ├── PolicyBroken          a plan comes to more than a policy allows; it is still shown; exit code 3
    └── MissingExtra          an optional dependency is not installed; names the install command

A message is one sentence or two: where, what came, what is accepted, what to do. Soft trouble is
not an error: it is a status or a warning on a returned result.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LawfulError(Exception):
    """The root of the tree: catch this to catch everything that lawful raises on purpose."""


class InputError(LawfulError, ValueError):
    """The input cannot be used; the message says what is accepted instead."""


class RunsError(InputError):
    """A table of runs cannot be read or holds values that no run can have."""


class UnknownName(InputError):
    """A name that is not in the list it should come from; the message gives the nearest ones."""


class LawError(InputError):
    """A law was given quantities or coefficients that it does not take."""


class OutputError(InputError):
    """A result cannot be written where it was asked to go."""


class FailedToAnswer(LawfulError, RuntimeError):
    """The input is sound, but no honest answer follows from it."""


class PolicyBroken(LawfulError):
    """A plan comes to more than a policy allows; the message says by what, and what was judged."""


class MissingExtra(LawfulError, ImportError):
    """An optional dependency is missing; the message names the command that installs it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional part: pip install 'lawful[{extra}]'")


def unknown(kind: str, name: str, known: Iterable[str], hint: str = "", where: str = "") -> UnknownName:
    """The error for a ``name`` that is not among the ``known`` names of its ``kind``, met ``where``: "in --where"."""
    names = sorted(known)
    near = difflib.get_close_matches(name.lower(), [n.lower() for n in names], n=3, cutoff=0.5)
    close = [n for n in names if n.lower() in near]
    listed = f"nearest: {', '.join(close)}" if close else f"known: {', '.join(names[:12])}"
    return UnknownName(f"unknown {kind} {name!r}{' ' + where if where else ''}; {listed}.{' ' + hint if hint else ''}")
