"""A class in a file of the user's own: loaded by its path, and refused by what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lawful.errors import InputError
from lawful.store import load_class

CODE = """
from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Mine:
    kind: ClassVar[str] = "mine"
    value: float = 3.0
"""


def test_loads_a_class_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(CODE)
    found = load_class(f"{tmp_path / 'own.py'}:Mine")
    assert found().value == 3.0
    assert load_class("own.py:Mine", [tmp_path / "nowhere", tmp_path])().value == 3.0


def test_the_first_folder_wins(tmp_path: Path) -> None:
    for folder, value in (("a", "1.0"), ("b", "2.0")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "own.py").write_text(CODE.replace("3.0", value))
    assert load_class("own.py:Mine", [tmp_path / "b", tmp_path / "a"])().value == 2.0


@pytest.mark.parametrize(("code", "name", "says"), [
    (None, "own.py:Mine", "no file own.py in"),
    (CODE, "own.py:mine", "unknown class 'mine' in own.py; nearest: Mine"),
    (CODE, "own.py:dataclass", "unknown class 'dataclass'"),
    (CODE, "own.py:ClassVar", "unknown class 'ClassVar'"),
    ("x = 1\ny = x / 0\n", "own.py:Mine", "own.py, line 2: running the file raised ZeroDivisionError"),
    ("x = 1\n\ndef f(:\n", "own.py:Mine", "own.py, line 3: running the file raised SyntaxError"),
    ("import no_such_module_anywhere\n", "own.py:Mine", "line 1: running the file raised ModuleNotFoundError"),
    ("import sys\nsys.exit(3)\n", "own.py:Mine", "line 2: running the file raised SystemExit: 3"),
    ("\0", "own.py:Mine", "running the file raised"),
])
def test_what_cannot_be_loaded_is_refused(tmp_path: Path, code: str | None, name: str, says: str) -> None:
    if code is not None:
        (tmp_path / "own.py").write_text(code)
    with pytest.raises(InputError) as caught:
        load_class(name, [tmp_path])
    assert says in str(caught.value)


def test_a_file_that_cannot_be_read_as_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_bytes(b"\xff\xfe\x00x = 1")
    with pytest.raises(InputError, match="running the file raised"):
        load_class("own.py:Mine", [tmp_path])
