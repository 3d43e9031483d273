"""Tables of runs from files: the same table however it is stored, and a clear sentence for what is none."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import sys
import time
import tracemalloc

import numpy as np
import pytest

from conftest import shared
from lawful import labels
from lawful.errors import InputError, MissingExtra, RunsError
from lawful.store import packaged_sweep, read_runs, tables

ROWS = [("1e9", "2e10", "3.1", "c4"), ("2e9", "4e10", "2.9", "it's, \"x\""), ("70B", "1.4T", "2.0", "日本")]
HEADER = ("params", "tokens", "loss", "corpus")
PLAIN = {"params": [1e9, 2e9, 70e9], "tokens": [2e10, 4e10, 1.4e12], "loss": [3.1, 2.9, 2.0]}


def delimited(separator: str = ",", end: str = "\n") -> str:
    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if any(c in text for c in '",\t') else text

    return end.join(separator.join(map(cell, row)) for row in (HEADER, *ROWS)) + end


def lines() -> str:
    return "".join(json.dumps(dict(zip(HEADER, row, strict=True)), ensure_ascii=False) + "\n" for row in ROWS)


def check(table, source: str) -> None:
    assert {name: list(table[name]) for name in PLAIN} == PLAIN
    assert list(table.labels["corpus"]) == [row[3] for row in ROWS]
    assert list(table.rows) == [1, 2, 3]
    assert table.source == source
    assert table.columns["params"].column == "params", "a byte order mark is no part of a name"


CONTENTS = {
    "runs.csv": delimited().encode(),
    "RUNS.CSV": delimited().encode(),
    "runs": delimited().encode(),
    "runs.txt": delimited().encode(),
    "runs.tsv": delimited("\t").encode(),
    "runs.tab": delimited("\t").encode(),
    "runs.jsonl": lines().encode(),
    "runs.ndjson": lines().encode(),
    "runs.csv.gz": gzip.compress(delimited().encode()),
    "runs.tsv.gz": gzip.compress(delimited("\t").encode()),
    "runs.jsonl.gz": gzip.compress(lines().encode()),
    "my.runs.v2.csv": delimited().encode(),
    "windows.csv": delimited(end="\r\n").encode(),
    "excel.csv": b"\xef\xbb\xbf" + delimited(end="\r\n").encode(),
    "excel.csv.gz": gzip.compress(b"\xef\xbb\xbf" + delimited().encode()),
    "bom.jsonl": b"\xef\xbb\xbf" + lines().encode(),
    "blank.csv": delimited(end="\n\n").encode(),
    "blank.jsonl": lines().replace("\n", "\n\n  \n").encode(),
    "open.csv": delimited().rstrip("\n").encode(),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_the_same_table_however_it_is_stored(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(CONTENTS[name])
    check(read_runs(str(path)), str(path))


@pytest.mark.parametrize("text", [delimited(), lines(), "\n" + lines()], ids=["csv", "jsonl", "blank line first"])
def test_reads_standard_input(text, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    check(read_runs("-"), "standard input")


@pytest.mark.parametrize("text", [delimited(), lines()], ids=["csv", "jsonl"])
def test_standard_input_may_begin_with_a_byte_order_mark(text, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("\ufeff" + text))
    check(read_runs("-"), "standard input")


def test_reads_a_pipe_by_its_path():
    receives, sends = os.pipe()
    os.write(sends, delimited().encode())
    os.close(sends)
    try:
        check(read_runs(f"/dev/fd/{receives}"), f"/dev/fd/{receives}")
    finally:
        os.close(receives)


def test_reads_parquet(tmp_path):
    pa = pytest.importorskip("pyarrow", reason="the parquet extra is not installed")
    import pyarrow.parquet as pq

    path = tmp_path / "runs.parquet"
    table = pa.table({"N": pa.array([10**9, 2 * 10**9], pa.int64()), "D": pa.array([2e10, 4e10], pa.float32()),
                      "loss": pa.array([3.5, None], pa.float64()), "good": pa.array([True, False]),
                      "kind": ["a", None]})
    pq.write_table(table, path)
    runs = read_runs(str(path))
    assert list(runs["params"]) == [1e9, 2e9]
    assert runs["tokens"] == pytest.approx([2e10, 4e10])
    assert list(runs.labels["good"]) == ["True", "False"]
    assert list(runs.labels["kind"]) == ["a", ""]
    with pytest.raises(RunsError, match=r"row 2: loss must be a number, is empty"):
        runs["loss"]
    assert list(read_runs(str(path), where="good == 'True'")["loss"]) == [3.5]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"params,loss\n1,2\n"])
def test_a_file_that_only_ends_in_parquet_is_refused(content, tmp_path):
    pytest.importorskip("pyarrow", reason="the parquet extra is not installed")
    path = tmp_path / "runs.parquet"
    path.write_bytes(content)
    with pytest.raises(RunsError, match="is not a parquet table"):
        read_runs(str(path))


def test_parquet_without_pyarrow_names_the_install_command(tmp_path, monkeypatch):
    path = tmp_path / "runs.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtra, match=r"pip install 'lawful\[parquet\]'"):
        read_runs(str(path))


def test_json_lines_may_leave_cells_out(tmp_path):
    path = tmp_path / "runs.jsonl"
    path.write_text('{"params": 1, "loss": 3.5, "good": true}\n{"loss": 2.5, "params": "7B", "seed": null}\n')
    runs = read_runs(str(path))
    assert list(runs["params"]) == [1.0, 7e9]
    assert list(runs["loss"]) == [3.5, 2.5]
    assert list(runs.labels["good"]) == ["True", ""]
    assert list(runs.labels["seed"]) == ["", ""]


def test_mapping_and_filter_reach_the_table(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("size,tokens,loss\n1,2,3\n4,5,6\n")
    runs = read_runs(str(path), mapping={"params": "size"}, where="loss > 3")
    assert list(runs["params"]) == [4.0]
    assert list(runs.rows) == [2]


# ------------------------------------------------------------------------------------- block by block

@pytest.fixture
def blocks_of_three(monkeypatch):
    """A table of a few rows is read as one of a million is."""
    monkeypatch.setattr(labels, "BLOCK", 3)


def written(tmp_path, text: str, name: str = "runs.csv") -> str:
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return str(path)


@pytest.mark.usefixtures("blocks_of_three")
@pytest.mark.parametrize("name", ["runs.csv", "runs.csv.gz", "runs.jsonl"])
def test_one_bad_row_among_many_is_named(name, tmp_path):
    losses = ["3"] * 10
    losses[7] = "-3"
    text = ("".join(f'{{"params": 1e9, "loss": {loss}}}\n' for loss in losses) if name.endswith("jsonl") else
            "params,loss\n" + "".join(f"1e9,{loss}\n" for loss in losses))
    with pytest.raises(RunsError, match=r"column 'loss', row 8: loss must be a positive, finite number, got -3"):
        read_runs(written(tmp_path, text, name))["loss"]
    whole = read_runs(written(tmp_path, text, name), where="loss > 0")
    assert list(whole.rows) == [1, 2, 3, 4, 5, 6, 7, 9, 10]
    assert list(whole["params"]) == [1e9] * 9


@pytest.mark.usefixtures("blocks_of_three")
def test_a_short_row_in_a_later_block_is_named_by_its_line(tmp_path):
    text = "params,loss,note\n" + '1,2,"two\nlines"\n' * 4 + "\n3,4\n"
    with pytest.raises(RunsError, match=r"runs\.csv, line 11: 2 cells under 3 headers"):
        read_runs(written(tmp_path, text))


@pytest.mark.usefixtures("blocks_of_three")
def test_a_column_that_turns_out_to_be_text_keeps_every_cell_as_typed(tmp_path):
    """Neither the numbers of the first block nor those of the last are written any other way."""
    typed = ["007", "1e3", "1_000", "2.50", "none", "+7", "0"]
    text = "loss,warmup,tag\n" + "".join(f"3,{cell},{cell}\n" for cell in typed)
    runs = read_runs(written(tmp_path, text))
    assert runs.labels["warmup"].tolist() == typed
    assert runs.labels["tag"].tolist() == typed
    assert read_runs(written(tmp_path, text), where="warmup != 'none'")["warmup_steps"].tolist() == [
        7.0, 1000.0, 1000.0, 2.5, 7.0, 0.0]


@pytest.mark.usefixtures("blocks_of_three")
def test_shorthand_may_begin_in_any_block(tmp_path):
    text = "params,loss\n" + "".join(f"{size},3\n" for size in ("1e9", "2e9", "3e9", "4e9", "5B", "6e9", "7B"))
    assert read_runs(written(tmp_path, text))["params"].tolist() == [1e9, 2e9, 3e9, 4e9, 5e9, 6e9, 7e9]
    assert list(read_runs(written(tmp_path, text), where="params >= 5e9").rows) == [5, 6, 7]


@pytest.mark.usefixtures("blocks_of_three")
def test_a_column_of_json_may_begin_in_any_block(tmp_path):
    text = '{"loss": 3}\n' * 4 + '{"loss": 2, "seed": 1}\n' + '{"loss": 1, "seed": "x"}\n'
    runs = read_runs(written(tmp_path, text, "runs.jsonl"))
    assert runs["loss"].tolist() == [3, 3, 3, 3, 2, 1]
    assert runs.labels["seed"].tolist() == ["", "", "", "", "1", "x"]


@pytest.mark.usefixtures("blocks_of_three")
def test_parquet_may_leave_cells_out_in_any_block(tmp_path):
    pa = pytest.importorskip("pyarrow", reason="the parquet extra is not installed")
    import pyarrow.parquet as pq

    count = 70
    losses = [3.5 if i != 65 else None for i in range(count)]
    pq.write_table(pa.table({"params": pa.array(range(1, count + 1), pa.int64()), "loss": losses,
                             "seed": pa.array(range(count), pa.int32()), "kind": ["a", "b"] * (count // 2)}),
                   tmp_path / "runs.parquet")
    runs = read_runs(str(tmp_path / "runs.parquet"))
    assert runs["params"].tolist() == list(range(1, count + 1))
    assert runs.labels["seed"].tolist() == [str(i) for i in range(count)]
    assert runs.labels["kind"].tolist() == ["a", "b"] * (count // 2)
    with pytest.raises(RunsError, match=r"row 66: loss must be a number, is empty"):
        runs["loss"]
    assert len(read_runs(str(tmp_path / "runs.parquet"), where="kind == 'a'")["loss"]) == count // 2


def test_parquet_with_a_column_twice_is_refused(tmp_path):
    pa = pytest.importorskip("pyarrow", reason="the parquet extra is not installed")
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["loss", "loss"]),
                   tmp_path / "twice.parquet")
    with pytest.raises(RunsError, match=r"twice\.parquet: column 'loss' appears twice in the header"):
        read_runs(str(tmp_path / "twice.parquet"))


@pytest.mark.parametrize("name", ["runs.csv", "runs.csv.gz", "runs.jsonl"])
def test_reading_takes_less_than_three_times_the_table(name, tmp_path):
    """The table is eight bytes a cell of the file; as Python's strings, the cells would take nine times that."""
    cells = [(str(10**9 + i), str(2 * 10**10 + i), f"{3 + i / 1e5:.5f}", ("c4", "rpj")[i % 2], str(i % 5))
             for i in range(20_000)]
    header = ("params", "tokens", "loss", "corpus", "seed")
    if name.endswith("jsonl"):
        text = "".join(json.dumps(dict(zip(header, row, strict=True))) + "\n" for row in cells)
    else:
        text = "\n".join(",".join(row) for row in (header, *cells)) + "\n"
    path = written(tmp_path, text, name)
    del text
    tracemalloc.start()
    runs = read_runs(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 8 * len(cells) * len(header)
    assert runs["tokens"][-1] == int(cells[-1][1])


# ------------------------------------------------------------------------------------------ refusals

def refusal(tmp_path, name: str, content: bytes | str) -> str:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    start = time.perf_counter()
    with pytest.raises(RunsError) as raised:
        read_runs(str(path))
    assert time.perf_counter() - start < 2.0, "refused at once"
    assert str(raised.value).startswith(str(path))
    return str(raised.value).removeprefix(str(path))


@pytest.mark.parametrize(("name", "content", "words"), [
    ("empty.csv", "", ": the file is empty; give a header line"),
    ("empty.jsonl", "", ": the file is empty"),
    ("empty.csv.gz", gzip.compress(b"", mtime=0), ": the table is empty"),
    ("blank.csv", "\n\n", ": the table is empty"),
    ("commas.csv", ",,\n1,2,3\n", ": the table is empty"),
    ("blank.jsonl", "\n \n", ": the table is empty; give one JSON object a run"),
    ("header.csv", "params,loss\n", ": there is a header and no rows"),
    ("header.csv.gz", gzip.compress(b"params,loss\n\n", mtime=0), ": there is a header and no rows"),
    ("short.csv", "params,loss\n1,2\n\n3\n", ", line 4: 1 cells under 2 headers"),
    ("long.csv", "params,loss\n1,2\n3,4,5\n", ", line 3: 3 cells under 2 headers"),
    ("comment.csv", "# my runs\nparams,loss\n1,2\n", ", line 2: 2 cells under 1 headers"),
    ("quoted.csv", 'params,loss\n1,"2\n2"\n3\n', ", line 4: 1 cells under 2 headers"),
    ("twice.csv", "params,loss,params\n1,2,3\n", ": column 'params' appears twice in the header"),
    ("twice2.csv", "params,loss, params\n1,2,3\n", ": column 'params' appears twice in the header"),
    ("text.jsonl", '{"params": 1}\nparams\n', ", line 2: not JSON"),
    ("list.jsonl", '{"params": 1}\n\n[1, 2]\n', ", line 3: list where an object of columns should be"),
    ("number.jsonl", "3\n", ", line 1: int where an object of columns should be"),
    ("latin.csv", b"params,loss,corpus\n1,2,caf\xe9\n", ": is not text; accepted are csv, tsv, jsonl and parquet"),
    ("photo.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)), ": is not text"),
    ("zeros.csv", b"\0" * 4096, ": is not text"),
    ("sheet.csv", b"PK\x03\x04\x14\x00\x06\x00" + b"abc\n" * 20, ": is not text"),
    ("wide.csv", "params,loss\n1,2\n".encode("utf-16"), ": is not text"),
    ("noise.jsonl", b"\xff\xfe\xfd\n", ": is not text"),
    ("plain.csv.gz", "params,loss\n1,2\n", ": cannot be read (Not a gzipped file"),
])
def test_what_is_no_table_is_refused_with_its_place(name, content, words, tmp_path):
    assert refusal(tmp_path, name, content).startswith(words)


def test_a_huge_single_line_is_refused_at_once(tmp_path):
    for name in ("line.csv", "line.tsv", "line.jsonl", "line.txt"):
        assert "the first line does not end within 1,048,576 characters" in refusal(tmp_path, name, b"x,y," * 750_000)
    packed = gzip.compress(b"[" + b"1," * 1_500_000)
    assert "the first line does not end" in refusal(tmp_path, "line.csv.gz", packed)


def test_a_large_file_of_one_column_is_refused_by_its_header(tmp_path):
    said = refusal(tmp_path, "log.csv", b"step loss lr\n" + b"1 2 3\n" * 500_000)
    assert "the header 'step loss lr' has one column" in said
    assert "separated by commas" in said
    assert "separated by tabs" in refusal(tmp_path, "log.tsv", b"step,loss,lr\n" + b"1,2,3\n" * 500_000)


def test_a_very_large_table_of_something_else_is_refused_by_its_header(tmp_path):
    path = tmp_path / "people.csv"
    path.write_bytes(b"first,last,street\na,b,c\n")
    os.truncate(path, tables.LARGE + 1)  # a hole: large, and nothing written
    start = time.perf_counter()
    with pytest.raises(RunsError, match=r"none of the columns first, last, street .*, and the file is large.*--map"):
        read_runs(str(path))
    assert time.perf_counter() - start < 2.0


def test_a_large_table_of_runs_is_read_and_so_is_one_that_is_mapped(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "LARGE", 100)
    for name, header in (("runs.csv", "N,D,eval_loss\n"), ("odd.csv", "N,D,score\n")):
        (tmp_path / name).write_text(header + "1,2,3\n" * 100)
    assert len(read_runs(str(tmp_path / "runs.csv"))) == 100
    assert len(read_runs(str(tmp_path / "odd.csv"), mapping={"loss": "score"})) == 100
    with pytest.raises(RunsError, match="none of the columns N, D, score"):
        read_runs(str(tmp_path / "odd.csv"))


def test_a_missing_file_names_its_siblings(tmp_path):
    for name in ("runs1.csv", "runs2.csv", "notes.txt"):
        (tmp_path / name).write_text("x")
    with pytest.raises(RunsError, match=r"run\.csv: no such file; the folder holds runs1\.csv, runs2\.csv$"):
        read_runs(str(tmp_path / "run.csv"))
    with pytest.raises(RunsError, match=r"run\.tsv: no such file$"):
        read_runs(str(tmp_path / "run.tsv"))
    with pytest.raises(RunsError, match=r"run\.csv: no such file$"):
        read_runs(str(tmp_path / "nowhere" / "run.csv"))


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(RunsError, match="is a folder; give a table of runs in it"):
        read_runs(str(tmp_path))


def test_a_bad_value_is_refused_with_file_column_and_row(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("N,D,L\n1,2,3\n\n4,-3.2,6\n")
    with pytest.raises(RunsError, match=r"runs\.csv: column 'D', row 2: tokens must be a positive.*got -3\.2"):
        read_runs(str(path))["tokens"]


@pytest.mark.parametrize("damage", ["cut short", "overwritten"])
def test_a_damaged_gz_file_is_refused(damage, tmp_path):
    whole = gzip.compress(b"params,loss\n" + random.Random(0).randbytes(3000).hex().encode())
    refusal(tmp_path, "runs.csv.gz", whole[:-40] if damage == "cut short" else whole[:10] + b"\xff" * 40)


@pytest.mark.parametrize("name", ["wide.csv", "wide.txt"])
def test_a_header_of_one_huge_word_is_refused(name, tmp_path):
    refusal(tmp_path, name, "x" * 200_000 + ",loss\n1,2\n")


def test_a_huge_word_in_a_row_is_refused(tmp_path):
    said = refusal(tmp_path, "wide.csv", "params,loss\n" + "x" * 200_000 + ",1\n")
    assert said.startswith(", line 2: field larger than field limit")


@pytest.mark.parametrize("line", ["[" * 100_000, '{"params": 1' + "0" * 5000 + "}"], ids=["deep", "long"])
def test_json_that_python_cannot_hold_is_refused(line, tmp_path):
    refusal(tmp_path, "runs.jsonl", line + "\n")


def test_a_name_too_long_for_the_system_is_refused():
    with pytest.raises(InputError):
        read_runs("a" * 5000 + ".csv")


def test_standard_input_that_is_no_text_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"params,loss\n\xff\xfe,1\n"), encoding="utf-8"))
    with pytest.raises(RunsError, match="standard input: is not text"):
        read_runs("-")


@pytest.mark.parametrize(("text", "words"), [
    ("", "the table is empty"), ("params,loss\n", "no rows"), ("params,loss\n1\n", "standard input, line 2"),
    ('{"params": 1}\nx\n', "standard input, line 2: not JSON"),
])
def test_standard_input_is_checked_like_a_file(text, words, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    with pytest.raises(RunsError, match=words):
        read_runs("-")


# -------------------------------------------------------------------------------------- tables as found

def test_the_packaged_sweep_is_a_table_of_runs():
    table = packaged_sweep()
    assert len(table) >= 20
    assert table.source == "stdlib_bytes"
    assert not table.problems
    for name in ("tokens", "compute", "loss"):
        assert np.all(table[name] > 0)
    one = packaged_sweep(where=f"tokens == {float(table['tokens'][0])!r}")
    assert 0 < len(one) < len(table)


def test_reads_a_gz_of_the_public_data():
    table = read_runs(shared("misfitting/checkpoints.csv.gz"), where="fraction_done == 1")
    assert len(table)
    assert set(table.labels["fraction_done"]) == {"1"}
    assert np.all(table["loss"] > 1)
