"""``lawful discover`` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lawful.cli import main

STREAMS = Path(__file__).parents[2] / "docs" / "examples" / "streams.csv"


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main(["discover", *map(str, arguments)])
    out = capsys.readouterr()
    return stop.value.code or 0, out.out, out.err


def test_one_document_on_stdout_progress_on_stderr_and_a_law_to_predict_with(capsys, tmp_path):
    saved = tmp_path / "best.json"
    code, out, err = run(capsys, STREAMS, "--inputs", "params,streams", "--budget", 20, "--top", 2, "--bootstrap", 10,
                         "--json", "-o", saved)
    assert code == 0, err
    found = json.loads(out)
    assert found["schema"] == "lawful.discovery/1"
    assert len(found["laws"]) == 2
    assert "step 1:" in err
    assert str(saved) in err
    assert json.loads(saved.read_text())["schema"] == "lawful.fit/1"
    with pytest.raises(SystemExit) as stop:
        main(["predict", str(saved), "--at", "params=20B,streams=8", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert not stop.value.code
    truth = 1.2 + (1e8 / (20e9 * (1 + 0.35 * 2.0794))) ** 0.2
    assert answer["value"] == pytest.approx(truth, rel=0.02)
    assert answer["low"] <= answer["value"] <= answer["high"]


def test_rows_are_filtered_and_quiet_is_quiet(capsys):
    code, out, err = run(capsys, STREAMS, "--inputs", "params", "--where", "streams <= 2", "--budget", 5, "--quiet")
    assert (code, err) == (0, "")
    assert out.startswith("12 runs")


@pytest.mark.parametrize(("arguments", "says"), [
    (("--inputs", "params,stream"), "nearest: params, streams"),
    (("--target", "params", "--inputs", "params"), "cannot be among the inputs"),
    (("--inputs", "params", "--where", "streams == 1"), "at least 8 runs"),
    (("--inputs", ","), "needs inputs"),
    (("--inputs", "params", "-o", "no/such/folder/best.json"), "no/such/folder"),
])
def test_bad_input_is_one_sentence(capsys, arguments, says):
    code, out, err = run(capsys, STREAMS, *arguments)
    assert code == 2
    assert out == ""
    assert says in err
    assert err.count("\n") == 1
