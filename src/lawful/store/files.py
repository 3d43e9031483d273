"""Results to files and back: written beside and renamed, so that a failed write leaves the old one."""

from __future__ import annotations

import json
import os
import tempfile
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
    file = Path(path)
    folder = file.parent
    if file.is_dir():
        raise OutputError(f"cannot write {path}: it is a folder; give a file name")
    if not folder.is_dir():
        raise OutputError(f"cannot write {path}: there is no folder {str(folder)!r}")
    if not os.access(folder, os.W_OK) or (file.exists() and not os.access(file, os.W_OK)):
        raise OutputError(f"cannot write {path}: permission denied")


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` to ``path``, whole or not at all; ``OutputError`` when it cannot be written."""
    check_writable(path)
    file = Path(path)
    temporary = None
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, prefix=f".{file.name}.",
                                         delete=False) as handle:
            temporary = Path(handle.name)
            handle.write(text)
        temporary.chmod(0o644)
        os.replace(temporary, file)
    except OSError as problem:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise OutputError(f"cannot write {path}: {problem.strerror or problem}") from None


def read_json(path: str | Path) -> Mapping[str, Any]:
    """The JSON object in ``path``; ``InputError`` when it is missing or is something else."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as problem:
        raise InputError(f"{path}: cannot be read ({problem.strerror or problem})") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise InputError(f"{path}: is not JSON; a saved fit comes from lawful fit -o fit.json") from None
    if not isinstance(data, dict):
        raise InputError(f"{path}: holds no saved fit; one comes from lawful fit -o fit.json")
    return data
