"""The file of a ledger: whole lines or none, whatever several writers and a full disk do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lawful.errors import InputError, OutputError
from lawful.store import ledger
from lawful.store.ledger import append_lines, read_lines

WRITER = """
import sys
from lawful.store.ledger import append_lines
for _ in range(25):
    append_lines(sys.argv[1], lambda lines: [f"{len(lines) + 1} {sys.argv[2]} " + 3000 * "x" + "\\n"])
"""


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    for n in range(3):
        append_lines(path, lambda lines, n=n: [f"{n} after {len(lines)} \u2028\n"])  # type: ignore[misc]
    assert read_lines(path) == [f"{n} after {n} \u2028\n" for n in range(3)]


def test_processes_that_write_at_once_see_each_other(tmp_path: Path) -> None:
    """Each line is numbered by how many lines stood before it: a lost or torn write would repeat a number."""
    path = tmp_path / "ledger.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(i)]) for i in range(4)]
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 4
    lines = read_lines(path)
    assert [int(line.split()[0]) for line in lines] == list(range(1, 101))
    assert {len(line.split()[2]) for line in lines} == {3000}


def test_a_write_that_the_disk_cuts_short_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.jsonl"
    append_lines(path, lambda lines: ["first\n"])
    write, calls = os.write, []

    def full(handle: int, data: bytes) -> int:
        calls.append(data)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return write(handle, data[:3])

    monkeypatch.setattr(ledger.os, "write", full)
    with pytest.raises(OutputError, match="No space left on device; it is as it was"):
        append_lines(path, lambda lines: ["second\n"])
    monkeypatch.undo()
    assert read_lines(path) == ["first\n"]


def test_a_file_that_takes_the_name_while_one_waits_is_the_one_written_to(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, other = tmp_path / "ledger.jsonl", tmp_path / "other.jsonl"
    path.write_text("old\n")
    other.write_text("new\n")
    lock, locked = ledger._lock, []

    def swap(handle: int, shared: bool = False) -> None:
        lock(handle, shared)
        if not locked:
            os.replace(other, path)
        locked.append(handle)

    monkeypatch.setattr(ledger, "_lock", swap)
    append_lines(path, lambda lines: [f"after {lines[-1].strip()}\n"])
    assert len(locked) == 2
    assert path.read_text() == "new\nafter new\n"


def test_what_cannot_be_read_or_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing.jsonl: cannot be read \(No such file"):
        read_lines(tmp_path / "nothing.jsonl")
    with pytest.raises(OutputError, match="Is a directory"):
        append_lines(tmp_path, lambda lines: ["line\n"])
    with pytest.raises(RuntimeError, match="as is"):
        append_lines(tmp_path / "new.jsonl", _fail)
    assert read_lines(tmp_path / "new.jsonl") == []


def _fail(lines: object) -> list[str]:
    raise RuntimeError("as is")


def test_bytes_that_are_no_text_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"\xff\xfe\n")
    append_lines(path, lambda lines: [*lines, "more\n"])
    assert path.read_bytes() == b"\xff\xfe\n\xff\xfe\nmore\n"
