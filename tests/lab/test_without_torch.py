import importlib
import sys

import pytest

from lawful.errors import MissingExtra


@pytest.mark.parametrize("module", ["sweep", "train", "transformer"])
def test_without_torch_the_error_names_the_install_command(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("lawful.lab.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"pip install 'lawful\[train\]'"):
        importlib.import_module(f"lawful.lab.{module}")
