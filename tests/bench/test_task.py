"""Task files: what they may say, and what each slip is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest
from made import TASK, made

from conftest import SHARED
from lawful.bench.series import load
from lawful.bench.task import find_tasks
from lawful.errors import InputError

DATA = SHARED / "data"


def test_a_data_set_joins_with_one_file(tmp_path: Path) -> None:
    (task,) = find_tasks(made(tmp_path))
    assert (task.name, task.folder, task.inputs, task.series) == ("toy", "toy", ("examples",), ("name",))
    assert task.methods == ("m1", "m2")
    assert task.metric == "rmsle"
    series, left_out = load(task, tmp_path)
    assert not left_out
    assert [s.name for s in series] == ["a", "b", "c"]
    assert all(s.train["examples"].max() <= 1000 < s.test["examples"].min() for s in series)
    assert series[0].horizon.max() == pytest.approx(1.0, abs=0.01)


def test_a_users_file_takes_the_place_of_the_packages(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "toy" / "toy.toml").rename(tmp_path / "epoch-chinchilla.toml")
    (tmp_path / "epoch-chinchilla.toml").write_text('folder = "toy"\n' + TASK)
    (task,) = find_tasks(tmp_path)
    assert (task.name, task.folder) == ("epoch-chinchilla", "toy")


@pytest.mark.parametrize(("edit", "said"), [
    (('map = {', 'maps = {'), "unknown key 'maps' in .*toy.toml; nearest: map"),
    (('column = "part"', 'colum = "part"'), r"unknown key 'colum' in .*toy.toml, \[split\]; nearest: column"),
    (('target = "task_loss"', ""), "target is missing"),
    (('[split]\ncolumn = "part"', ""), "split is missing"),
    (('series = "name"', "series = 3"), "series must be a text or a list, got 3"),
    (('column = "part"', ""), "split is missing"),
    (('column = "part"', 'column = "part"\nshare = 0.5'), "below and share, got column and share"),
    (('column = "part"', 'train_where = "x < 5"'), "train_where and test_where go together"),
    (('column = "part"', "below = [-1]"), r"below must be decades above 0, as \[0.5, 1.0\]"),
    (('column = "part"', "share = 1.5"), "share must lie between 0 and 1, got 1.5"),
    (('[split]', 'metric = "rmlse"\n[split]'), "unknown metric 'rmlse' in .*toy.toml; nearest: .*rmsle"),
    (('[split]', "fewest = 1\n[split]"), "fewest must be 3 or more, got 1"),
    (('[split]', '[published]\nfile = "scores.csv"\n[split]'), "file goes with key and columns"),
    (('[split]', '[published]\nby_method = { m1 = "good" }\n[split]'), "by_method.m1 must be a number, got 'good'"),
    (('{ examples = "x"', '{ examples = 3'), "map.examples must be a text, got 3"),
    (('methods', 'methods = ['), "toy.toml: is not TOML"),
])
def test_a_slip_in_a_task_file_is_named(tmp_path: Path, edit: tuple[str, str], said: str) -> None:
    assert edit[0] in TASK
    with pytest.raises(InputError, match=said):
        find_tasks(made(tmp_path, TASK.replace(*edit)))


@pytest.mark.parametrize(("edit", "said"), [
    (('examples = "x"', 'examples = "xs"'), "task toy: --map examples=xs: no column 'xs'; found name, x"),
    (('series = "name"', 'series = "names"'), "no column is called 'names'; nearest: name"),
    (('target = "task_loss"', 'target = "accuracy"'), "task toy: .*no column for accuracy"),
    (('column = "part"', 'column = "prt"'), "no column is called 'prt'; nearest: part"),
    (('column = "part"', 'column = "part"\ntrain = "early"'), "series 'a': 0 of 25 runs are to be fitted, at least 5"),
    (('column = "part"', 'column = "part"\ntest = "late"'), "series 'a': no run is left to forecast"),
    (('column = "part"', 'column = "part"\ntrain = "test"\ntest = "train"'),
     "series 'a': training runs reach examples 1e.04, beyond the largest test run at 1000: no extrapolation"),
    (('column = "part"', 'along = "steps"\nbelow = [0.5]'), "no column for steps"),
    (('column = "part"', "below = [3.5]"), "no series has runs enough: a @3.5: 0 of 25 runs are to be fitted"),
    (('column = "part"', 'train_where = "seen == 1"\ntest_where = "sen == 0"'), "unknown column 'sen'"),
    (('[split]', 'derive = { compute = "x * kk" }\n[split]'), "derive compute = 'x [*] kk': .*no column for kk"),
    (('[split]', 'where = "x > 1e9"\n[split]'), "keeps none of the 75 rows"),
    (('table = "curves.csv"', 'table = "curve.csv"'), "no such file; the folder holds curves.csv"),
])
def test_a_table_that_is_not_as_the_task_says(tmp_path: Path, edit: tuple[str, str], said: str) -> None:
    assert edit[0] in TASK
    (task,) = find_tasks(made(tmp_path, TASK.replace(*edit)))
    with pytest.raises(InputError, match=said):
        load(task, tmp_path)


@pytest.mark.parametrize(("split", "counts"), [
    ('column = "part"', [(17, 8)]),
    ('train_where = "seen == 1"\ntest_where = "x > 5000"', [(17, 3)]),
    ("below = [0.5, 1.0]", [(21, 4), (17, 8)]),
    ("share = 0.4", [(10, 15)]),
    ('column = "part"\ntrain = ["train", "test"]\ntest = "test"', [(25, 8)]),
    ('column = "part"\ntrain = "test"\ntest = "train"\ninterpolates = true', [(8, 17)]),
])
def test_every_way_to_cut(tmp_path: Path, split: str, counts: list[tuple[int, int]]) -> None:
    (task,) = find_tasks(made(tmp_path, TASK.replace('column = "part"', split)))
    series, _ = load(task, tmp_path)
    assert [(len(s.train), len(s.test)) for s in series if s.name == "b"] == counts


def test_a_cut_that_leaves_a_series_too_short_leaves_it_out(tmp_path: Path) -> None:
    data = made(tmp_path, TASK.replace('column = "part"', "below = [0.5, 2.9]"))
    (task,) = find_tasks(data)
    series, left_out = load(task, data)
    assert [s.key for s in series] == ["a @0.5", "b @0.5", "c @0.5"]
    assert [one.name for one in left_out] == ["a @2.9", "b @2.9", "c @2.9"]
    assert "at least 5 are needed" in left_out[0].reason


def test_repeated_rows_count_once_and_thinning_keeps_the_ends(tmp_path: Path) -> None:
    data = made(tmp_path, TASK.replace("[split]", "thin = 8\n[split]"))
    table = data / "toy" / "curves.csv"
    head, *rows = table.read_text().splitlines()
    table.write_text("\n".join([head, *rows, *rows]) + "\n")
    (task,) = find_tasks(data)
    (one, *_), _ = load(task, data)
    assert len(one.train) == 8
    assert len(one.test) == 8
    assert (one.train["examples"].min(), one.train["examples"].max()) == (10, 1000)


def test_a_derived_column_is_what_its_formula_says(tmp_path: Path) -> None:
    data = made(tmp_path, TASK.replace("[split]", 'derive = { tokens = "2 * x" }\n[split]').replace(
        'inputs = "examples"', 'inputs = "tokens"'))
    (task,) = find_tasks(data)
    (one, *_), _ = load(task, data)
    assert one.test["tokens"].max() == 2e4


def test_a_series_is_called_by_its_values(tmp_path: Path) -> None:
    data = made(tmp_path, TASK.replace('series = "name"', 'series = ["name", "N_billions"]'))
    table = data / "toy" / "curves.csv"
    head, *rows = table.read_text().splitlines()
    table.write_text("\n".join([f"{head},N_billions", *(f"{row},34" for row in rows)]) + "\n")
    (task,) = find_tasks(data)
    assert [one.name for one in load(task, data)[0]] == ["a, 3.4e+10", "b, 3.4e+10", "c, 3.4e+10"]


def test_no_folder_and_no_task(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no folder of data at .*nowhere: give --data FOLDER"):
        find_tasks(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no task has its data in"):
        find_tasks(tmp_path)
    with pytest.raises(InputError, match="unknown task 'tay'; nearest: toy"):
        find_tasks(made(tmp_path), ["tay"])
    with pytest.raises(InputError, match=r"task epoch-chinchilla: .* has no folder 'epoch-chinchilla'"):
        find_tasks(tmp_path, ["epoch-chinchilla"])


@pytest.mark.skipif(not DATA.is_dir(), reason="public data not here (set LAWFUL_SHARED)")
def test_every_packaged_task_finds_its_runs() -> None:
    for task in find_tasks(DATA):
        series, _ = load(task, DATA)
        assert series, task.name
        assert task.title, task.name
        assert task.source.startswith(("arXiv:", "http")), task.name
        assert (task.published.source != "") == bool(task.published.by_method or task.published.share_best), task.name
