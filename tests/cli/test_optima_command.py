"""``lawful optima``: the table of cells, its file, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lawful.cli import main
from lawful.fit.sweeps.optima import optima
from lawful.store import read_runs

SWEEP = Path(__file__).parents[2] / "docs" / "examples" / "sweep.csv"


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = 0
    try:
        main(list(arguments))
    except SystemExit as stop:
        code = int(stop.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_json_is_what_python_says(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "optima", str(SWEEP), "--json", "--bootstrap", "50")
    assert code == 0
    data = json.loads(out)
    python = optima(read_runs(str(SWEEP)), bootstrap=50)
    assert data["schema"] == "lawful.optima/1"
    assert [b["status"] for b in data["bowls"]] == [b.status.value for b in python.bowls.bowls]
    fitted = data["laws"]["learning_rate"]["coefficients"]
    assert {name: c["value"] for name, c in fitted.items()} == python.laws["learning_rate"].law.coefficients
    assert "warning [edge_cells]: 1 of 9 cells" in err


def test_the_text_shows_every_cell_and_the_honest_figure(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "optima", str(SWEEP), "--bootstrap", "50", "--quiet")
    assert code == 0
    assert sum(line.endswith((" ok", " edge")) for line in out.splitlines()) == 9
    assert "each cell set by the laws of the others" in out
    assert "2 x the best" in out


def test_the_table_of_optima_is_a_table_of_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "optima.csv"
    code, _, err = call(capsys, "optima", str(SWEEP), "--bootstrap", "0", "-o", str(file))
    assert code == 0
    assert f"wrote {file}" in err
    code, out, _ = call(capsys, "fit", str(file), "--form", "learning_rate_surface", "--loss", "log_squares",
                        "--where", "status == 'ok'", "--noise", "learning_rate_std", "--bootstrap", "0", "--json")
    assert code == 0
    assert json.loads(out)["coefficients"]["p"]["value"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(("arguments", "said"), [
    (["--over", "learning_rat"], "learning_rat"),
    (["--over", "params"], "each name once"),
    (["--window", "3"], "--window"),
    (["--cells", "corpus"], "corpus"),
    (["--form", "learning_rate"], "HYPERPARAMETER=FORM"),
    (["--form", "learning_rate=nonsense"], "nonsense"),
    (["--form", "learning_rate=chinchilla"], "gives loss, not learning_rate"),
    (["--form", "weight_decay=weight_decay"], "not among the hyper-parameters"),
    (["-o", "optima.txt"], ".csv"),
])
def test_bad_questions_are_one_sentence_and_exit_code_2(arguments: list[str], said: str,
                                                        capsys: pytest.CaptureFixture[str], tmp_path: Path,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = call(capsys, "optima", str(SWEEP), *arguments)
    assert code == 2
    assert said in err
    assert out == ""
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())
