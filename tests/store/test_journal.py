"""A journal keeps every whole entry, whatever was cut short between them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lawful.errors import InputError, OutputError
from lawful.store.journal import add_entry, read_entries


def test_entries_come_back_in_order(tmp_path: Path) -> None:
    file = tmp_path / "j.jsonl"
    assert list(read_entries(file)) == []
    for i in range(3):
        add_entry(file, {"i": i, "text": "a\nb\u2028c"})
    assert [entry["i"] for entry in read_entries(file)] == [0, 1, 2]
    assert next(read_entries(file))["text"] == "a\nb\u2028c"


def test_an_entry_that_was_cut_short_harms_no_other(tmp_path: Path) -> None:
    file = tmp_path / "j.jsonl"
    add_entry(file, {"i": 0})
    with file.open("ab") as half:
        half.write(b'{"i": 1, "te')
    add_entry(file, {"i": 2})
    with file.open("ab") as half:
        half.write(b"3\n[4]\n\xff\n")
    assert [entry["i"] for entry in read_entries(file)] == [0, 2]


def test_where_it_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        add_entry(tmp_path, {})
    with pytest.raises(InputError, match="cannot be read"):
        list(read_entries(tmp_path))
