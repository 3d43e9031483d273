"""An append-only file of lines that several processes may write to: what a ledger of forecasts lies in.

A line is written whole, under the file's lock, after everything that stood there was read; a write that the
system cuts short is taken back. Nothing here reads what the lines say: see ``lawful.validate.registration``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from lawful.errors import InputError, OutputError


def read_lines(path: str | Path) -> list[str]:
    """The lines of the file ``path``, each with its end, byte for byte; ``InputError`` where it cannot be read.

    Bytes that are no UTF-8 are kept as surrogates, so that a damaged line can still be named.
    """
    try:
        with open(path, "rb") as file:
            with suppress(ImportError):   # a system without such locks: the last line may be read half written
                _lock(file.fileno(), shared=True)
            content = file.read()
    except OSError as problem:
        raise InputError(f"{path}: cannot be read ({problem.strerror or problem}); a ledger comes from lawful predict "
                         "--register ledger.jsonl") from None
    return _lines(content)


def append_lines(path: str | Path, make: Callable[[Sequence[str]], Sequence[str]]) -> None:
    """Add to the file ``path`` the lines that ``make`` gives, from those that stand in it; a new file if there is none.

    The file is locked from the reading to the writing, so that of two processes the second sees what the first
    wrote. The lines are on the disk when this returns, all or none. Raises ``OutputError`` where the file cannot
    be written, and whatever ``make`` raises.
    """
    try:
        handle = _locked(Path(path))
    except OSError as problem:
        raise OutputError(f"cannot write {path}: {problem.strerror or problem}") from None
    except ImportError:
        raise OutputError(f"cannot write {path}: this system has no file locks (fcntl), and without them two writers "
                          "would break the ledger") from None
    try:
        with open(handle, "rb", closefd=False) as file:
            content = file.read()
        _write(handle, "".join(make(_lines(content))).encode("utf-8", "surrogateescape"), len(content), path)
    finally:
        os.close(handle)  # and with it the lock


def _lines(content: bytes) -> list[str]:
    """By newlines alone: ``str.splitlines`` would also split at characters that JSON text may hold."""
    return [line.decode("utf-8", "surrogateescape") for line in content.splitlines(keepends=True)]


def _lock(handle: int, shared: bool = False) -> None:
    import fcntl

    fcntl.flock(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)


def _locked(path: Path) -> int:
    """The file, open for appending and locked; opened again where another file took its name meanwhile."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            _lock(handle)
            if os.path.samestat(os.fstat(handle), os.stat(path)):
                return handle
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _write(handle: int, data: bytes, before: int, path: str | Path) -> None:
    """``data`` at the end of a file of ``before`` bytes, flushed to the disk, or the file as it was."""
    try:
        written = 0
        while written < len(data):
            written += os.write(handle, data[written:])
        os.fsync(handle)
    except BaseException as problem:
        os.ftruncate(handle, before)
        if isinstance(problem, OSError):
            raise OutputError(f"cannot write {path}: {problem.strerror or problem}; it is as it was") from None
        raise
