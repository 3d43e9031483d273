"""Results to files and back: written beside and renamed, so that a failed write leaves the old one."""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lawful.errors import InputError, OutputError
from lawful.results import to_plain


def to_json(result: Any, indent: int | None = None) -> str:
    """``result`` as one JSON document; NaN and infinity are null."""
    return json.dumps(to_plain(result), indent=indent, allow_nan=False)


def check_writable(path: str | Path) -> None:
    """Raise ``OutputError`` now if ``write_text`` could not write ``path``, before any work is done."""
    try:
        file = _target(path)
        folder = file.parent
        if file.is_dir():
            raise OutputError(f"cannot write {path}: it is a folder; give a file name")
        if not folder.is_dir():
            raise OutputError(f"cannot write {path}: there is no folder {str(folder)!r}")
        beside = _is_device(file) or os.access(folder, os.W_OK)  # a device needs no temporary beside it
        if not beside or (file.exists() and not os.access(file, os.W_OK)):
            raise OutputError(f"cannot write {path}: permission denied")
    except OSError as problem:
        raise OutputError(f"cannot write {path}: {problem.strerror or problem}") from None


def _target(path: str | Path) -> Path:
    """The file that ``path`` leads to, so that a link stays one; a device keeps its name, often its only one."""
    file = Path(path)
    return Path(os.path.realpath(file)) if file.is_symlink() and not _is_device(file) else file


def _is_device(file: Path) -> bool:
    """Whether ``file`` is a device or a pipe, such as /dev/stdout: written straight into, never replaced."""
    return file.exists() and not file.is_file() and not file.is_dir()


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` to ``path``, whole or not at all; ``OutputError`` when it cannot be written."""
    try:
        content = text.encode("utf-8")
    except UnicodeEncodeError as problem:
        raise OutputError(f"cannot write {path}: the text is not UTF-8 ({problem.reason})") from None
    write_bytes(path, content)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write ``content`` to ``path``, whole or not at all, or straight into a device or a pipe.

    Raises ``OutputError`` when it cannot be written.
    """
    check_writable(path)
    file = _target(path)
    temporary = None
    try:
        if _is_device(file):
            file.write_bytes(content)
            return
        with tempfile.NamedTemporaryFile("wb", dir=file.parent, prefix=f".{file.name}.", delete=False) as handle:
            temporary = Path(handle.name)
            handle.write(content)
        temporary.chmod(0o644)
        os.replace(temporary, file)
    except OSError as problem:
        raise OutputError(f"cannot write {path}: {problem.strerror or problem}") from None
    finally:  # an interrupted write too leaves nothing beside the file
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def read_json(path: str | Path) -> Mapping[str, Any]:
    """The JSON object in ``path``; ``InputError`` when it is missing or is something else."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as problem:
        raise InputError(f"{path}: cannot be read ({problem.strerror or problem})") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path}: is not JSON; a saved fit comes from lawful fit -o fit.json") from None
    if not isinstance(data, dict):
        raise InputError(f"{path}: holds no saved fit; one comes from lawful fit -o fit.json")
    return data


def read_toml(path: str | Path) -> Mapping[str, Any]:
    """The keys of the TOML file ``path``; ``InputError`` with the place when it cannot be read."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as problem:
        raise InputError(f"{path}: cannot be read ({problem.strerror or problem})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not text") from None
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise InputError(f"{path}: is not TOML ({problem})") from None
