"""A corpus that is on every machine with Python: the source files of its standard library, as bytes.

The texts are never shipped, only the rule that selects them. The rule, in order:

1. every ``*.py`` below ``sysconfig.get_path("stdlib")``, the test suite included: without it there
   are 12 MB, too few for the largest runs to see each byte about once;
2. except what an installation adds or generates: `ADDED_FOLDERS`, `ADDED_FILES`;
3. files with the same content as an earlier path are dropped, so no held-out file was trained on;
4. a file is held out when the hash of its path says so (`is_held_out`), whatever its content.

Another CPython has other files. `load_corpus` then warns, because losses on another corpus are not
comparable with the packaged ones: the checksum covers every path and every content.
"""

from __future__ import annotations

import hashlib
import platform
import sysconfig
import tomllib
import warnings
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawful.errors import InputError

ADDED_FOLDERS = ("site-packages", "dist-packages", "__pycache__", "config-")
ADDED_FILES = ("_sysconfigdata", "sitecustomize", "usercustomize")
HELD_OUT_PER_MILLE = 20
SEPARATOR = b"\0"  # one byte between files; Python source holds no NUL


class CorpusWarning(UserWarning):
    """The corpus on this machine is not the one behind the packaged sweep."""


@dataclass(frozen=True)
class Corpus:
    """Training and held-out bytes, each an array of uint8, and where they come from."""

    train: NDArray[np.uint8]
    held_out: NDArray[np.uint8]
    train_files: int
    held_out_files: int
    sha256: str  # over the sorted (path, hash of the content) of every file kept
    python: str  # the CPython version, as 3.11.7


def is_held_out(path: str) -> bool:
    """Whether the file at ``path`` (relative, with forward slashes) belongs to the held-out part."""
    digest = hashlib.sha256(path.encode()).digest()
    return int.from_bytes(digest[:8], "big") % 1000 < HELD_OUT_PER_MILLE


def list_sources(root: Path) -> list[str]:
    """The relative paths of the corpus's files under ``root``, sorted, before duplicates are dropped."""
    paths = (path.relative_to(root) for path in root.rglob("*.py") if path.is_file())
    return sorted(
        path.as_posix()
        for path in paths
        if not path.name.startswith(ADDED_FILES) and not any(part.startswith(ADDED_FOLDERS) for part in path.parts[:-1])
    )


def read_corpus(root: Path) -> Corpus:
    """The corpus made from the ``*.py`` files under ``root`` by this module's rule.

    Raises `InputError` when either side of the split is empty.
    """
    checksum = hashlib.sha256()
    seen: set[str] = set()
    parts: dict[bool, list[bytes]] = {False: [], True: []}
    for path in list_sources(root):
        content = (root / path).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if content and digest not in seen:
            seen.add(digest)
            parts[is_held_out(path)].append(content)
            checksum.update(f"{path} {digest}\n".encode())
    if not parts[False] or not parts[True]:
        raise InputError(
            f"{len(seen)} distinct *.py files under {root}, too few for a training and a held-out part; "
            "a corpus needs hundreds of files. Is the standard library installed as source?"
        )
    train, held_out = (np.frombuffer(SEPARATOR.join(parts[side]), np.uint8) for side in (False, True))
    return Corpus(train, held_out, len(parts[False]), len(parts[True]), checksum.hexdigest(), platform.python_version())


@cache
def load_corpus() -> Corpus:
    """The corpus of this machine's standard library, read once per process.

    Warns with `CorpusWarning` when its checksum is not that of the packaged sweep's recipe.
    """
    corpus = read_corpus(Path(sysconfig.get_path("stdlib")))
    recipe = packaged_recipe()["corpus"]
    if corpus.sha256 != recipe["sha256"]:
        warnings.warn(
            f"this machine's corpus ({corpus.python}, {corpus.train.size} bytes) is not the packaged sweep's "
            f"({recipe['python']}, {recipe['train_bytes']} bytes): do not mix their losses in one table. "
            f"Use CPython {recipe['python']}, with its test suite, for the same one.",
            CorpusWarning,
            stacklevel=2,
        )
    return corpus


def packaged_recipe() -> dict[str, Any]:
    """How the packaged sweep ``stdlib_bytes.csv`` was made: corpus, training, conventions, machine."""
    return tomllib.loads(files("lawful.data").joinpath("stdlib_bytes.toml").read_text("utf-8"))
