"""Results to files: whole or not at all, and back."""

from __future__ import annotations

import json
import math
import os
import stat

import numpy as np
import pytest

from lawful.errors import InputError, OutputError
from lawful.laws import law
from lawful.results import Caveat
from lawful.store import check_writable, files, read_json, to_json, write_text


def names(folder):
    return sorted(p.name for p in folder.iterdir())


# ------------------------------------------------------------------------------------------- writing

def test_writes_a_file_and_nothing_beside_it(tmp_path):
    write_text(tmp_path / "fit.json", "{}\n")
    write_text(str(tmp_path / "note.md"), "naïve — 日本\n")
    assert (tmp_path / "fit.json").read_bytes() == b"{}\n"
    assert (tmp_path / "note.md").read_text(encoding="utf-8") == "naïve — 日本\n"
    assert names(tmp_path) == ["fit.json", "note.md"]


def test_a_file_is_readable_by_others_though_the_temporary_is_not(tmp_path):
    write_text(tmp_path / "report.html", "x")
    assert stat.S_IMODE((tmp_path / "report.html").stat().st_mode) == 0o644


def test_a_name_alone_goes_to_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_text("fit.json", "{}")
    assert names(tmp_path) == ["fit.json"]


def test_replaces_the_old_file_whole(tmp_path):
    path = tmp_path / "fit.json"
    path.write_text("a much longer text than the new one")
    write_text(path, "new")
    assert path.read_text() == "new"


class FullDisk:
    """A handle that writes half and then finds the disk full."""

    def __init__(self, handle):
        self.handle = handle
        self.name = handle.name

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.handle.close()

    def write(self, text):
        self.handle.write(text[: len(text) // 2])
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", ["rename", "write"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(step, tmp_path, monkeypatch):
    path = tmp_path / "fit.json"
    path.write_text("old")
    if step == "rename":
        def refuse(*_):
            raise OSError(18, "Invalid cross-device link")

        monkeypatch.setattr(files.os, "replace", refuse)
    else:
        real = files.tempfile.NamedTemporaryFile
        monkeypatch.setattr(files.tempfile, "NamedTemporaryFile", lambda *a, **k: FullDisk(real(*a, **k)))
    with pytest.raises(OutputError, match=r"cannot write .*fit\.json: (Invalid cross-device|No space left)"):
        write_text(path, "new and long enough to be cut in half")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["fit.json"]


def test_the_file_appears_only_when_it_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "fit.json"
    seen = []
    real = os.replace

    def watch(source, target):
        seen.append((target.exists(), source.read_text(), source.parent == target.parent))
        real(source, target)

    monkeypatch.setattr(files.os, "replace", watch)
    write_text(path, "all of it")
    assert seen == [(False, "all of it", True)]


@pytest.mark.parametrize("stop", ["text that utf-8 cannot hold", "interrupted"])
def test_no_temporary_is_left_however_the_write_ends(stop, tmp_path, monkeypatch):
    if stop == "interrupted":
        def interrupt(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(files.os, "replace", interrupt)
    with pytest.raises((OutputError, KeyboardInterrupt)):
        write_text(tmp_path / "report.html", "x" if stop == "interrupted" else "\ud800")
    assert names(tmp_path) == []


@pytest.mark.parametrize("check", [check_writable, lambda path: write_text(path, "x")], ids=["check", "write"])
def test_says_where_nothing_can_be_written(check, tmp_path):
    with pytest.raises(OutputError, match="it is a folder; give a file name"):
        check(tmp_path)
    with pytest.raises(OutputError, match=r"there is no folder '.*nowhere'"):
        check(tmp_path / "nowhere" / "fit.json")
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="there is no folder"):
        check(tmp_path / "file" / "fit.json")
    assert names(tmp_path) == ["file"]


def test_permission_is_asked_before_any_work(tmp_path, monkeypatch):
    """By what the system answers, since tests may run as root, for whom permission bits do not bind."""
    (tmp_path / "fit.json").write_text("old")
    for refused in (tmp_path, tmp_path / "fit.json"):
        monkeypatch.setattr(files.os, "access", lambda path, mode, refused=refused: str(path) != str(refused))
        with pytest.raises(OutputError, match="permission denied"):
            check_writable(tmp_path / "fit.json")
    assert (tmp_path / "fit.json").read_text() == "old"


def test_check_writable_writes_nothing(tmp_path):
    check_writable(tmp_path / "fit.json")
    assert names(tmp_path) == []


def test_a_name_too_long_for_the_system_is_refused(tmp_path):
    with pytest.raises(OutputError):
        check_writable(tmp_path / ("a" * 5000))


def test_what_is_no_regular_file_is_not_replaced(tmp_path):
    """Stands for /dev/null and /dev/stdout, which nobody may try here."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_text(pipe, "x")
    except OutputError:
        pass  # refusing is as good
    else:
        assert os.read(reader, 10) == b"x"
    finally:
        os.close(reader)
        assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    write_text(tmp_path / "link.json", "new")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_text() == "new"


# ----------------------------------------------------------------------------------------- documents

def test_a_result_is_one_json_document():
    data = json.loads(to_json(law("hoffmann2022_approach3")))
    assert data["coefficients"]["B"] == 410.7
    assert to_json({"a": [math.nan, np.float64(1.5)], "b": Caveat("c", "ü")}) == (
        '{"a": [null, 1.5], "b": {"code": "c", "message": "\\u00fc"}}')
    assert to_json({"a": 1}, indent=2) == '{\n  "a": 1\n}'


def test_what_was_written_is_read_back(tmp_path):
    write_text(tmp_path / "fit.json", to_json(law("besiroglu2024_refit"), indent=2))
    assert read_json(tmp_path / "fit.json") == law("besiroglu2024_refit").to_dict()


@pytest.mark.parametrize(("content", "words"), [
    (b"", "is not JSON; a saved fit comes from lawful fit -o fit.json"), (b"{'a': 1}", "is not JSON"),
    (b"params,loss\n1,2\n", "is not JSON"), (b"{\"a\": 1", "is not JSON"), (b"\xff\xfe\x00", "is not JSON"),
    (b"[1, 2]", "holds no saved fit"), (b"3", "holds no saved fit"), (b"null", "holds no saved fit"),
    (b'"text"', "holds no saved fit"),
])
def test_what_is_no_saved_result_is_refused(content, words, tmp_path):
    path = tmp_path / "fit.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as refusal:
        read_json(path)
    assert str(refusal.value).startswith(f"{path}: ")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"fit\.json: cannot be read \(No such file or directory\)"):
        read_json(tmp_path / "fit.json")
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\)"):
        read_json(tmp_path)


def test_json_nested_beyond_reason_is_refused(tmp_path):
    (tmp_path / "fit.json").write_text("[" * 100_000)
    with pytest.raises(InputError):
        read_json(tmp_path / "fit.json")
