"""``lawful backtest`` as a new user types it, the wrong ways too."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from conftest import simulate
from lawful.cli import main
from lawful.validate import Backtest


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    runs = simulate()
    rows = ["params,tokens,loss,family,released,seed"]
    for i in range(len(runs)):
        values = (runs[name][i] for name in ("params", "tokens", "loss"))
        rows.append(",".join([*(f"{v:.8g}" for v in values), f"f{i % 3}", f"202{i // 12}-0{1 + i % 9}-01", "a"]))
    path = tmp_path_factory.mktemp("runs") / "runs.csv"
    path.write_text("\n".join(rows) + "\n")
    return str(path)


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = 0
    try:
        main(["backtest", *words])
    except SystemExit as stop:
        code = int(stop.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_text_has_cuts_horizons_and_what_following_it_would_have_cost(table, capsys):
    code, out, err = call(capsys, table, "--bootstrap", "20", "--device", "h100")
    assert (code, err) == (0, "")
    assert "fitted up to [FLOP]" in out
    assert "decades beyond" in out
    assert "Following these forecasts at" in out
    assert "USD" in out
    assert max(map(len, out.splitlines())) <= 120


@pytest.mark.parametrize(("words", "says"), [
    (("--along", "tokens"), "fitted up to [tokens]"),
    (("--along", "time"), "years beyond"),
    (("--leave-out", "family"), "family left out"),
    (("--leave-out", "budget"), "budget left out"),
    (("--below", "0.5,1.0"), "2.51e+20"),
])
def test_each_way_of_dividing_is_shown_as_what_it_is(table, capsys, words, says):
    code, out, _ = call(capsys, table, "--bootstrap", "0", *words)
    assert code == 0
    assert says in out


def test_without_resamples_no_coverage_is_claimed(table, capsys):
    _, out, _ = call(capsys, table, "--bootstrap", "0")
    assert "without resamples there are no intervals" in out
    assert "held" not in out


def test_it_is_saved_and_read_again(table, capsys, tmp_path: Path):
    file = tmp_path / "bt.json"
    code, out, _ = call(capsys, table, "--bootstrap", "20", "--json", "-o", str(file))
    assert code == 0
    assert json.loads(out) == json.loads(file.read_text())
    tested = Backtest.from_dict(json.loads(file.read_text()))
    assert np.isfinite(tested.rmse_log)
    assert tested.top == pytest.approx(1e21, rel=1e-6)


@pytest.mark.parametrize(("words", "code", "says"), [
    (("--along", "nonsense"), 2, "nonsense"),
    (("--along", "family"), 2, "neither a number nor an ISO date"),
    (("--leave-out", "seed"), 2, "every run has seed 'a'"),
    (("--leave-out", "nonsense"), 2, "no column is called 'nonsense'"),
    (("--leave-out", "family", "--below", "1"), 2, "give one of them"),
    (("--below", "often"), 2, "--below"),
    (("--below", "0"), 2, "positive distances"),
    (("--below", "9"), 1, "no back-test is possible"),
    (("--device", "abacus"), 2, "abacus"),
    (("--mfu", "0.4"), 2, "give --device"),
    (("--device", "h100", "--usd-per-hour", "-1"), 2, "usd-per-hour"),
])
def test_what_cannot_be_is_one_sentence(table, capsys, words, code, says):
    stopped, out, err = call(capsys, table, "--bootstrap", "0", *words)
    assert stopped == code
    assert says in err
    assert out == ""
    assert len(err.strip().splitlines()) == 1, err
    assert "Traceback" not in err


def test_a_saved_back_test_adjusts_a_forecast_and_only_of_its_own_form(table, capsys, tmp_path: Path):
    bt, own, other = (str(tmp_path / name) for name in ("bt.json", "fit.json", "other.json"))
    call(capsys, table, "--bootstrap", "20", "-o", bt)

    def ask(law: str, *words: str) -> tuple[int, str, str]:
        code = 0
        try:
            main(["predict", law, "--at", "params=3B,tokens=220B", "--conformal", bt, *words])
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    for form, file in (("chinchilla", own), ("kaplan", other)):
        with suppress(SystemExit):
            main(["fit", table, "--form", form, "--bootstrap", "20", "-o", file])
    capsys.readouterr()
    code, out, err = ask(own, "--json")
    assert code == 0
    assert json.loads(out)["basis"]["new_run"] == "conformal"
    assert "warning [conformal]" in err
    for law, says in ((other, "back-test of chinchilla"), ("hoffmann2022_approach3", "no interval to adjust")):
        code, out, err = ask(law)
        assert (code, out) == (2, "")
        assert says in err
