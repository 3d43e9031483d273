"""A class in a Python file of the user's own: loading it runs the file, as running any script does."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path

from lawful.errors import InputError, unknown


def load_class(name: str, folders: Iterable[str | Path] = (".",)) -> type:
    """The class ``name``, as ``mylaw.py:MyLaw``: the file is looked for in ``folders``, in order, and run.

    Raises ``InputError`` where there is no such file or the file raises, ``UnknownName`` where it has no such class.
    """
    path, _, wanted = name.rpartition(":")
    found = next((file for folder in folders if (file := Path(folder) / path).is_file()), None)
    if found is None:
        looked = " or ".join(dict.fromkeys(str(Path(folder).resolve()) for folder in folders))
        raise InputError(f"{name}: no file {path} in {looked}; a form in a file is given as FILE.py:CLASS, and a fit "
                         "of it is read back beside that file")
    file = found.resolve()
    spec = importlib.util.spec_from_file_location(f"lawful own {file}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up by its name
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as problem:  # whatever the user's own code may raise
        line = problem.lineno if isinstance(problem, SyntaxError) else _line(problem, file)
        raise InputError(f"{path}, line {line}: running the file raised {type(problem).__name__}: {problem}") from None
    classes = {n: c for n, c in vars(module).items() if isinstance(c, type) and c.__module__ == spec.name}
    if wanted not in classes:
        raise unknown("class", wanted, classes, where=f"in {path}")
    return classes[wanted]


def _line(problem: BaseException, file: Path) -> int | None:
    """The last line of ``file`` that ran before the ``problem``."""
    lines = [frame.lineno for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == str(file)]
    return lines[-1] if lines else None
