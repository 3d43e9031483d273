"""``lawful compare``, ``arms``, ``export`` and ``fit --from``, run in this process."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest

from conftest import simulate
from lawful.cli import main
from lawful.fit import Fit
from lawful.fit.comparing.compare import compare
from lawful.fit.draws import draw_columns
from lawful.store import read_json


def said(command: str) -> tuple[int, str, str]:
    """The exit code and the two streams of a command."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main(command.split())
        except SystemExit as stop:
            code = int(stop.code or 0)
    return code, out.getvalue(), err.getvalue()


def read(command: str) -> dict[str, object]:
    code, out, err = said(f"{command} --json")
    assert code == 0, err
    data = json.loads(out)
    assert isinstance(data, dict)
    return data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("comparing")
    runs = simulate()
    small = runs["compute"] < 3e20
    for name, keep in (("old.csv", small), ("new.csv", ~small), ("all.csv", small | ~small)):
        columns = np.column_stack([runs[q][keep] for q in ("params", "tokens", "loss")])
        np.savetxt(folder / name, columns, delimiter=",", header="params,tokens,loss", comments="", fmt="%.17g")
    two = np.column_stack([np.tile(columns, (2, 1)), np.repeat([0.0, 1.0], len(columns))])
    two[:, 2] *= np.where(two[:, 3] == 1.0, 0.98, 1.0)
    np.savetxt(folder / "two.csv", two, delimiter=",", header="params,tokens,loss,recipe", comments="", fmt="%.17g")
    for name in ("old", "all"):
        assert said(f"fit {folder}/{name}.csv --bootstrap 60 --quiet -o {folder}/{name}.json")[0] == 0
    return folder


def test_compare_is_the_library_in_text_and_json(folder: Path) -> None:
    a, b = (Fit.from_dict(read_json(folder / f"{name}.json")) for name in ("old", "all"))
    names = (f"{folder}/old.json", f"{folder}/all.json")
    direct = compare(a, b, compute=1e21, names=names)
    assert read(f"compare {names[0]} {names[1]} --compute 1e21") == json.loads(json.dumps(direct.to_dict()))
    assert said(f"compare {names[0]} {names[1]} --compute 1e21")[1].strip() == repr(direct)


def test_compare_reads_the_catalogue_and_shorthand(folder: Path) -> None:
    code, out, err = said(f"compare besiroglu2024_refit {folder}/all.json --at params=7B,tokens=1.4T")
    assert code == 0
    assert "at params 7B, tokens 1.4T" in out
    assert "warning [no_interval]: besiroglu2024_refit is a published law without draws" in err


def test_groups_of_one_fit_compare_as_arms_with_that_floor_do(folder: Path) -> None:
    said(f"fit {folder}/two.csv --share E by=recipe --bootstrap 20 --quiet -o {folder}/shared.json")
    groups = read(f"compare {folder}/shared.json:0 {folder}/shared.json:1 --compute 1e21")
    (arm,) = read(f"arms {folder}/two.csv --by recipe --bootstrap 20 --compute 1e21")["arms"]  # type: ignore[misc]
    assert groups["multipliers"] == arm["contrast"]["multipliers"]  # type: ignore[index]
    assert groups["log_ratio"] == arm["contrast"]["log_ratio"]  # type: ignore[index]


def test_arms_of_one_table_and_of_two(folder: Path) -> None:
    data = read(f"arms {folder}/two.csv --by recipe --bootstrap 20 --asymptote free")
    (arm,) = data["arms"]  # type: ignore[misc]
    assert arm["effect"]["value"] == pytest.approx(np.log(0.98))  # type: ignore[index]
    lines = (folder / "two.csv").read_text().splitlines()
    for name, end in (("first", ",0"), ("second", ",1")):
        (folder / f"{name}.csv").write_text("\n".join([lines[0], *(x for x in lines if x.endswith(end))]) + "\n")
    apart = read(f"arms {folder}/first.csv {folder}/second.csv --by table --bootstrap 20 --asymptote free")
    assert apart["reference"] == f"{folder}/first.csv"
    assert apart["arms"][0]["effect"] == arm["effect"]  # type: ignore[index]
    code, out, _ = said(f"arms {folder}/old.csv {folder}/all.csv --by table")
    assert (code, out) == (2, "")  # the runs that both hold count once: no size is left in common


def test_laws_of_ones_own_compare_in_columns_of_ones_own(folder: Path) -> None:
    x = np.tile(np.geomspace(1.0, 100.0, 12), 2)
    arm = np.repeat([1, 2], 12)
    rng = np.random.default_rng(0)
    score = (0.5 + 2.0 * x**-0.4 / arm**0.1) * np.exp(0.002 * rng.standard_normal(24))
    np.savetxt(folder / "own.csv", np.column_stack([x, score, arm]), delimiter=",", comments="",
               header="rounds,score,arm")
    data = read(f"arms {folder}/own.csv --by arm --bootstrap 30 --formula score=E+A*rounds**-a --at rounds=50")
    (found,) = data["arms"]  # type: ignore[misc]
    assert data["floor"] == "E"
    contrast = found["contrast"]  # type: ignore[index]
    assert contrast["axis"] == "rounds"
    assert contrast["multipliers"]["rounds"]["value"] == pytest.approx(2 ** (0.1 / 0.4), rel=0.1)
    assert [w["code"] for w in contrast["warnings"]] == ["less_is_better"]


def test_fit_again_with_more_runs(folder: Path) -> None:
    data = read(f"fit {folder}/old.csv {folder}/new.csv --from {folder}/old.json")
    fresh = read(f"fit {folder}/all.csv --bootstrap 60")
    assert data["n_runs"] == fresh["n_runs"]
    for name, c in fresh["coefficients"].items():  # type: ignore[attr-defined]
        assert data["coefficients"][name]["value"] == pytest.approx(c["value"], rel=1e-6)  # type: ignore[index]
    assert data["refit"]["new_runs"]["runs"] == 8  # type: ignore[index]
    out = said(f"fit {folder}/old.csv {folder}/new.csv --from {folder}/old.json")[1]
    assert "what moved, in half widths of the old interval" in out
    assert "8 new runs:" in out


def test_export_to_every_kind_of_file(folder: Path) -> None:
    columns = draw_columns(Fit.from_dict(read_json(folder / "all.json")))
    code, out, err = said(f"export {folder}/all.json -o {folder}/draws.csv")
    assert (code, out) == (0, "")
    assert err.startswith("wrote 60 draws of E, A, alpha, B, beta, params_exponent, tokens_exponent to")
    table = np.loadtxt(folder / "draws.csv", delimiter=",", skiprows=1)
    assert np.array_equal(table, np.column_stack(list(columns.values())))
    assert said(f"export {folder}/all.json")[1] == (folder / "draws.csv").read_text()
    said(f"export {folder}/all.json -o {folder}/draws.json")
    groups = json.loads((folder / "draws.json").read_text())
    assert groups == read(f"export {folder}/all.json")
    assert groups["posterior"]["E"] == [columns["E"].tolist()]


REFUSED = {
    "no scale": ("compare {0}/old.json {0}/all.json", "give either the quantities to ask at"),
    "unknown law": ("compare {0}/old.json besirogl2024_refit --compute 1e21", "besiroglu2024_refit"),
    "other output": ("compare hoffmann2022_approach1 {0}/all.json --compute 1e21", "these do not compare"),
    "no column": ("arms {0}/two.csv --by recipes", "nearest: recipe"),
    "no arm column": ("arms {0}/two.csv", "--by"),
    "bad floor": ("arms {0}/two.csv --by recipe --asymptote half", "shared, free, reference"),
    "unknown option": ("fit {0}/old.csv {0}/new.csv --bogus 3", "--bogus"),
    "decided": ("fit {0}/old.csv --from {0}/old.json --form kaplan", "--form is decided by --from"),
    "not a fit": ("fit {0}/old.csv --from besiroglu2024_refit", "give a saved fit"),
    "published": ("export besiroglu2024_refit", "without draws"),
    "ending": ("export {0}/all.json -o {0}/draws.xls", "ends in .csv, .tsv or .parquet"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_one_sentence(folder: Path, case: str) -> None:
    command, words = REFUSED[case]
    code, out, err = said(command.format(folder))
    assert (code, out) == (2, ""), err
    assert words in err
    assert err.count("\n") == 1
