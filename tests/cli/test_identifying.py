"""``lawful identify`` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import simulate
from lawful.cli import main


@pytest.fixture
def table(tmp_path: Path) -> str:
    runs = simulate()
    rows = zip(runs["params"], runs["tokens"], runs["loss"], strict=True)
    path = tmp_path / "runs.csv"
    path.write_text("N,D,loss\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n")
    return str(path)


def test_text_and_document_say_the_same(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["identify", table, "--json"])
    data = json.loads(capsys.readouterr().out)
    with pytest.raises(SystemExit, match="0"):
        main(["identify", table])
    text = capsys.readouterr().out
    assert text.startswith(data["verdict"])
    for c in data["coefficients"]:
        assert f"[{c['low']:.4g}, {c['high']:.4g}]" in text
    assert "What would settle it: one run with" in text
    assert f"at {data['next_runs'][0]['shrinks_to']:.2g} of what it is" in text


@pytest.mark.parametrize(("options", "said"), [
    (["--at", "params=7B"], "tokens"),
    (["--at", "nonsense=3"], "unknown quantity 'nonsense'"),
    (["--most", "x"], "--most: 'x' is not a number"),
    (["--bootstrap", "10"], "profiles, not draws"),
    (["--form", "chinchila"], "chinchilla"),
])
def test_bad_input_is_one_sentence(table: str, options: list[str], said: str,
                                   capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["identify", table, *options])
    assert stop.value.code == 2
    caught = capsys.readouterr()
    assert said in caught.err
    assert caught.err.count("\n") == 1
    assert caught.out == ""
