"""Sections of a file as typed objects: ``read_section(Asked, {...}, "[data]", find_law)``.

Every key is checked against the dataclass that it should fill: a slip is one sentence that names the section and the
key. Numbers may be written as the field does, "100B", and are never negative: a section holds counts, shares, prices
and losses. A law is given by its key or its file.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args, get_origin

from lawful.errors import InputError, unknown
from lawful.fit import Fit
from lawful.laws.published import Published
from lawful.quantities import parse_number

T = TypeVar("T")
FindLaw = Callable[[str], Fit | Published]


def read_section(cls: type[T], data: Any, where: str, find_law: FindLaw) -> T:
    """``data`` as an object of the dataclass ``cls``.

    Raises ``UnknownName`` for a key that it does not have, ``InputError`` for one that is missing or of another kind.
    """
    if not isinstance(data, Mapping):
        raise InputError(f"{where}: expected a table of keys, got {data!r}")
    known = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(cls)
    for name in data:
        if name not in known:
            raise unknown("key", name, known, where=f"in {where}")
    needed = [n for n, f in known.items()
              if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING]
    if missing := [name for name in needed if name not in data]:
        raise InputError(f"{where}: {missing[0]} is missing; it takes {', '.join(known)}")
    return cls(**{name: _read(hints[name], value, f"{where} {name}", find_law) for name, value in data.items()})


def _read(hint: Any, value: Any, where: str, find_law: FindLaw) -> Any:
    """``value`` as the type ``hint`` asks."""
    options = get_args(hint) if get_origin(hint) in (types.UnionType, typing.Union) else (hint,)
    options = tuple(option for option in options if option is not type(None))
    if Fit in options or Published in options:
        return find_law(str(value))
    hint, origin = options[0], get_origin(options[0])
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise InputError(f"{where}: expected a list, got {value!r}")
        return tuple(_read(get_args(hint)[0], one, f"{where}[{i}]", find_law) for i, one in enumerate(value))
    if origin is not None:   # a Mapping by names
        if not isinstance(value, Mapping):
            raise InputError(f"{where}: expected a table of keys, got {value!r}")
        return {str(key): _read(get_args(hint)[1], one, f"{where}.{key}", find_law) for key, one in value.items()}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return read_section(hint, value, where, find_law)
    return _plain(hint, value, where)


def _plain(hint: Any, value: Any, where: str) -> Any:
    if hint in (float, int):
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InputError(f"{where}: expected a number, got {value!r}")
        number = parse_number(value, where)
        if number < 0:
            raise InputError(f"{where}: must not be negative, got {value!r}")
        if hint is int and number % 1:
            raise InputError(f"{where}: expected a whole number, got {value!r}")
        return hint(number)
    if not isinstance(value, hint):
        kind = "true or false" if hint is bool else "a text"
        raise InputError(f"{where}: expected {kind}, got {value!r}")
    return value


def field_texts(cls: type) -> dict[str, str]:
    """What each field of a dataclass means: the string written under it."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for one, after in zip(body.body, body.body[1:], strict=False):
        if (isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)):
            found[one.target.id] = " ".join(after.value.value.split())
    return found


@dataclasses.dataclass(frozen=True)
class Told:
    """A field that can be told in one line: its name, its meaning, whether it is ``needed``, and its type."""

    name: str
    text: str
    needed: bool
    hint: Any

    def parse(self, line: str) -> Any:
        """What a line at the terminal means, as a file would hold it."""
        if get_origin(self.hint) is tuple:
            return [part.strip() for part in line.split(",")]
        if self.hint is bool:
            return line.lower() in ("y", "yes", "true", "1")
        return line


def told_fields(cls: type) -> tuple[Told, ...]:
    """The fields of a dataclass that can be told in one line: numbers, texts, laws, and lists of numbers or texts."""
    hints, texts = typing.get_type_hints(cls), field_texts(cls)
    fields: list[Any] = list(dataclasses.fields(cls))
    return tuple(Told(f.name, texts.get(f.name, ""), f.default is dataclasses.MISSING
                      and f.default_factory is dataclasses.MISSING, hints[f.name])
                 for f in fields if _one_line(hints[f.name]))


def _one_line(hint: Any) -> bool:
    options = get_args(hint) if get_origin(hint) in (types.UnionType, typing.Union) else (hint,)
    if get_origin(options[0]) is tuple:
        options = get_args(options[0])[:1]
    return options[0] in (float, int, str, bool, Fit, Published)
