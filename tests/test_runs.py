"""Runs are checked once, at the door, and what is derived is said."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import shared
from lawful.errors import RunsError, UnknownName
from lawful.runs import CORE, RunTable
from lawful.store import read_runs


def notes(table: RunTable) -> dict[str, str]:
    assert len({n.code for n in table.notes}) == len(table.notes)
    return {note.code: note.message for note in table.notes}


# -------------------------------------------------------------------------------------- what is kept

def test_known_columns_become_float64_and_the_rest_stay_labels():
    table = RunTable.from_columns({"N": ["7B", "1e9", "1_000"], "Val Loss": [2, 3, 4], "corpus": ["c4", "rpj", "c4"],
                                   "seed": [1, 2, 3]})
    assert table["params"].dtype == np.float64
    assert list(table["params"]) == [7e9, 1e9, 1e3]
    assert list(table["loss"]) == [2.0, 3.0, 4.0]
    assert set(table.labels) == {"corpus", "seed"}
    assert list(table.labels["seed"]) == ["1", "2", "3"]
    assert table.columns["params"].column == "N"
    assert list(table.rows) == [1, 2, 3]
    assert len(table) == 3
    assert "params" in table
    assert "tokens" not in table


def test_tokens_keep_their_digits():
    """Counts beyond int32 and beyond float32's 24 bits."""
    table = RunTable.of(tokens=[15_000_000_000_001, 1], loss=[2, 3])
    assert table["tokens"][0] == 15_000_000_000_001


def test_need_gives_the_columns_in_the_order_asked():
    tokens, params = RunTable.of(params=[1.0], tokens=[2.0], loss=[3.0]).need("tokens", "params")
    assert (tokens[0], params[0]) == (2.0, 1.0)


def test_a_mapping_says_what_a_column_is():
    columns = {"params": [1, 2], "backbone": ["3B", "4B"], "loss": [2, 3]}
    table = RunTable.from_columns(columns, mapping={"params": "backbone"})
    assert list(table["params"]) == [3e9, 4e9]
    assert "params" in table.labels, "the column that was passed over is still there to read"
    with pytest.raises(RunsError, match="no column 'bakbone'"):
        RunTable.from_columns(columns, mapping={"params": "bakbone"})
    with pytest.raises(UnknownName):
        RunTable.from_columns(columns, mapping={"prams": "backbone"})


def test_a_scaled_header_is_multiplied_out_and_said():
    table = RunTable.from_columns({"N_billions": ["0.4", "7"], "flops_1e21": [1, 2], "loss": [3, 2]})
    assert list(table["params"]) == [4e8, 7e9]
    assert list(table["compute"]) == [1e21, 2e21]
    messages = [n.message for n in table.notes if n.code == "scaled_column"]
    assert messages == ["params is column 'N_billions' times 1e+09, as its header states",
                        "compute is column 'flops_1e21' times 1e+21, as its header states"]


# ------------------------------------------------------------------------------------------- derived

def test_compute_is_derived_by_6nd_and_said():
    table = RunTable.of(params=[1e9, 2e9], tokens=[2e10, 4e10], loss=[3, 2])
    assert list(table["compute"]) == [1.2e20, 4.8e20]
    assert "6 N D" in notes(table)["compute_derived"]
    assert "no such column" in notes(table)["compute_derived"]
    assert "compute" not in table.columns, "what is derived came from no column"


def test_tokens_are_derived_from_compute_and_said():
    table = RunTable.of(params=[1e9], compute=[1.2e20], loss=[3])
    assert table["tokens"][0] == pytest.approx(2e10)
    assert "C / (6 N)" in notes(table)["tokens_derived"]


def test_params_are_derived_from_compute_and_said():
    table = RunTable.of(tokens=[2e10], compute=[1.2e20], loss=[3])
    assert table["params"][0] == pytest.approx(1e9)
    assert "C / (6 D)" in notes(table)["params_derived"]


def test_nothing_is_derived_where_all_three_are_given():
    table = RunTable.of(params=[1e9], tokens=[2e10], compute=[9e20], loss=[3])
    assert table["compute"][0] == 9e20, "the table's own count stands, 6 N D or not"
    assert table.notes == ()


def test_nothing_is_derived_from_one():
    table = RunTable.of(params=[1e9], loss=[3])
    assert "tokens" not in table
    assert "compute" not in table


@settings(max_examples=40, deadline=None)
@given(st.floats(1e3, 1e13), st.floats(1e5, 1e15))
def test_whichever_is_missing_is_the_same(params, tokens):
    compute = 6.0 * params * tokens
    for given_ in ({"params": params, "tokens": tokens}, {"params": params, "compute": compute},
                   {"tokens": tokens, "compute": compute}):
        table = RunTable.of(**{name: [value] for name, value in given_.items()})
        assert [table[name][0] for name in ("params", "tokens", "compute")] == pytest.approx([params, tokens, compute])


@pytest.mark.parametrize("name", ["nonembedding_params", "active_params", "total_params"])
def test_another_count_used_as_params_is_said(name):
    table = RunTable.of(**{name: [1e9], "tokens": [2e10], "loss": [3]})
    assert table["params"][0] == 1e9
    assert table["compute"][0] == pytest.approx(1.2e20)
    assert f"params are {name}" in notes(table)["params_convention"]


def test_params_beside_another_count_are_left_as_they_are():
    table = RunTable.of(params=[2e9], nonembedding_params=[1e9], tokens=[2e10])
    assert table["params"][0] == 2e9
    assert table["nonembedding_params"][0] == 1e9
    assert "params_convention" not in notes(table)


def test_a_bad_column_of_params_is_not_passed_over_for_another_count():
    table = RunTable.of(params=[-1.0], nonembedding_params=[1e9], tokens=[2e10])
    with pytest.raises(RunsError, match="row 1: params"):
        table["params"]
    assert "params_convention" not in notes(table)
    assert "compute" not in table, "nor is anything derived from it"


def test_of_two_counts_the_one_taken_is_not_called_the_only_one():
    table = RunTable.of(nonembedding_params=[1e9], total_params=[2e9], tokens=[2e10])
    assert table["params"][0] == 1e9
    assert "only" not in notes(table)["params_convention"]


# ------------------------------------------------------------------------- impossible values, by row

@pytest.mark.parametrize("name", CORE)
@pytest.mark.parametrize(("value", "shown"), [
    ("-3.2", "-3.2"), (0, "0"), ("nan", "nan"), (math.nan, "nan"), ("inf", "inf"), ("-inf", "-inf"), (-1e9, "-1e+09"),
])
def test_an_impossible_number_is_refused_when_it_is_asked_for(name, value, shown):
    columns = {"params": [1e9] * 4, "tokens": [1e10] * 4, "loss": [3.0] * 4}
    columns[name] = [1e9, 1e9, value, 1e9]
    if name == "compute":
        del columns["tokens"]
    table = RunTable.from_columns(columns, source="runs.csv")
    assert list(table["params" if name != "params" else "loss"]), "a bad column that nobody needs stops nobody"
    with pytest.raises(RunsError) as refusal:
        table[name]
    for part in ("runs.csv", f"column '{name}'", "row 3", name, "positive, finite", f"got {shown}"):
        assert part in str(refusal.value)


@pytest.mark.parametrize(("value", "shown"), [
    ("many", "got 'many'"), ("", "is empty"), (" ", "is empty"), (None, "is empty"), ("7 Bananas", "got '7 Bananas'"),
    ("x" * 500, "got '" + "x" * 40 + "'"),
])
def test_text_in_a_number_column_is_refused_when_it_is_asked_for(value, shown):
    table = RunTable.from_columns({"N": ["1e9", value, "oops"], "tokens": ["1", "2", "3"], "loss": ["3", "2", "1"]})
    assert list(table["loss"]) == [3.0, 2.0, 1.0]
    with pytest.raises(RunsError, match=rf"runs: column 'N', row 2: params must be a number, {shown}; filter"):
        table["params"]


def test_more_bad_rows_are_counted():
    with pytest.raises(RunsError, match=r"row 2 \(and 2 more rows\)"):
        RunTable.of(loss=[1, -1, 0, 2, math.nan])["loss"]


def test_a_bad_column_is_named_by_its_own_header():
    with pytest.raises(RunsError, match=r"column 'val_loss', row 1: loss must"):
        RunTable.from_columns({"val_loss": [-1.0]})["loss"]


def test_bad_compute_is_derived_again_and_that_is_said():
    table = RunTable.of(params=[1e9, 1e9], tokens=[2e10, 2e10], compute=[1e20, -1])
    assert list(table["compute"]) == pytest.approx([1.2e20, 1.2e20])
    assert "row 2" in notes(table)["compute_derived"], "why the column was not used"


@pytest.mark.parametrize("column", [["none", "12"], ["", ""], [math.nan, 1.0]])
def test_an_optional_quantity_that_is_no_number_stays_a_label(column):
    table = RunTable.from_columns({"loss": [2.0, 3.0], "warmup": column})
    assert "warmup_steps" not in table
    assert list(table.labels["warmup"]) == [str(x) for x in column]


def test_an_optional_quantity_that_was_mapped_is_answered_for():
    table = RunTable.from_columns({"loss": [2.0], "w": ["none"]}, mapping={"warmup_steps": "w"})
    with pytest.raises(RunsError, match=r"column 'w', row 1: warmup_steps must be a number, got 'none'"):
        table["warmup_steps"]


@pytest.mark.parametrize("name", ["active_params", "total_params"])
@pytest.mark.parametrize("value", [-1e9, 0.0])
def test_a_count_that_serves_as_params_is_checked_like_params(name, value):
    with pytest.raises(RunsError, match="row 2"):
        RunTable.of(**{name: [1e9, value], "tokens": [1e9, 1e9], "loss": [3, 2]})["params"]


@pytest.mark.parametrize("bad", ["tokens", "params"])
def test_what_is_refused_when_asked_for_is_not_noted_as_derived(bad):
    good = "params" if bad == "tokens" else "tokens"
    table = RunTable.from_columns({good: [1e9, 1e9], bad: ["x", "1e9"], "compute": [6e18, 6e18]})
    if f"{bad}_derived" in notes(table):  # as compute is: used, and the note says what was wrong with the column
        assert "row 1" in notes(table)[f"{bad}_derived"]
        assert list(table[bad]) == [1e9, 1e9]
    else:
        assert bad not in table
        with pytest.raises(RunsError, match="row 1"):
            table[bad]


def test_an_integer_beyond_floats_is_refused_with_its_row():
    with pytest.raises(RunsError, match="row 2"):
        RunTable.of(params=[1, 10**400], loss=[1, 2])["params"]


def test_a_share_may_be_zero_and_a_loss_may_not():
    table = RunTable.from_columns({"mixture.code": ["0", "0.5"], "loss.c4": ["3", "0"]}, where="`mixture.code` < 1")
    assert list(table["mixture.code"]) == [0.0, 0.5]
    with pytest.raises(RunsError, match=r"row 2: loss\.c4 must be a positive, finite number"):
        table["loss.c4"]
    with pytest.raises(RunsError, match=r"row 1: mixture\.code must be a finite number, got nan"):
        RunTable.from_columns({"mixture.code": ["nan"]})["mixture.code"]


def test_text_that_looks_like_shorthand_is_text_unless_it_is_a_quantity():
    columns = {"model": ["7B", "13B"], "N": ["7B", "13B"], "loss": [2, 1]}
    assert list(RunTable.from_columns(columns, where="model == '7B' and N < 10e9").rows) == [1]


# ------------------------------------------------------------------------------------ missing columns

def test_a_missing_quantity_names_what_was_found_and_the_nearest():
    table = RunTable.from_columns({"params": [1], "token_count": [2], "corpus": ["a"]}, source="runs.csv")
    with pytest.raises(RunsError) as refusal:
        table["tokens"]
    message = str(refusal.value)
    assert message.startswith("runs.csv: no column for tokens (tokens, d, n_tokens,")
    assert "found token_count, corpus, params" in message
    assert "the nearest is 'token_count': pass --map tokens=token_count" in message


def test_a_missing_quantity_without_a_neighbour_says_how_to_map():
    with pytest.raises(RunsError, match=r"no column for loss .*; found zzz, params; --map loss=COLUMN"):
        RunTable.from_columns({"params": [1], "zzz": ["a"]})["loss"]
    with pytest.raises(RunsError, match=r"no column for mixture\.code"):
        RunTable.of(loss=[1.0])["mixture.code"]


@pytest.mark.parametrize("columns", [{}, {"params": []}, {"params": [], "loss": []}])
def test_an_empty_table_is_refused(columns):
    with pytest.raises(RunsError, match=r"runs\.csv: the table is empty; give a header"):
        RunTable.from_columns(columns, source="runs.csv")


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(RunsError, match="different lengths"):
        RunTable.of(params=[1, 2], loss=[1])


def test_the_length_is_that_of_the_rows():
    assert len(RunTable.from_columns({"corpus": ["a", "b"], "params": ["x", "y"]})) == 2


# ------------------------------------------------------------------------------ filters and selections

TABLE = {"N": ["1e9", "2e9", "x", "4e9"], "D_billions": [1, 2, 3, 4], "loss": [4, 3, 2, 1],
         "corpus": ["a", "b", "a", "b"]}


def test_a_filter_works_before_any_value_is_checked_and_keeps_row_numbers():
    table = RunTable.from_columns(TABLE, where="N != 'x'")
    assert list(table["params"]) == [1e9, 2e9, 4e9]
    assert list(table.rows) == [1, 2, 4]
    assert list(table.labels["corpus"]) == ["a", "b", "b"]


@pytest.mark.parametrize("where", [
    "corpus == 'b'", "tokens in (2e9, 4e9)", "D_billions in (2, 4)", "loss < 4 and loss != 2",
])
def test_a_filter_reads_headers_and_scaled_quantities_by_name(where):
    assert list(RunTable.from_columns(TABLE, where=where).rows) == [2, 4]


def test_an_error_after_a_filter_names_the_row_of_the_file():
    with pytest.raises(RunsError, match="row 3: params must be a number, got 'x'"):
        RunTable.from_columns(TABLE, where="corpus == 'a'")["params"]
    with pytest.raises(RunsError, match="row 4: loss"):
        RunTable.from_columns({"loss": [1.0, 2.0, 3.0, -4.0]}, where="loss != 2")["loss"]


def test_a_filter_that_keeps_nothing_says_so():
    with pytest.raises(RunsError, match=r"runs: --where 'loss > 9' keeps none of the 4 rows"):
        RunTable.from_columns(TABLE, where="loss > 9")


def test_a_filter_on_a_column_that_is_not_there_names_the_nearest():
    with pytest.raises(UnknownName, match=r"unknown column 'corpsu' in --where .*; nearest: corpus"):
        RunTable.from_columns(TABLE, where="corpsu == 'a'")


def test_a_filter_reads_shorthand_as_the_table_does():
    table = RunTable.from_columns({"params": ["70B", "1B"], "loss": [1, 2]}, where="params > 2e9")
    assert list(table.rows) == [1]


@pytest.mark.parametrize("keep", [np.array([True, False, False, True]), np.array([0, 3])])
def test_take_selects_everything_alike(keep):
    table = RunTable.from_columns({**TABLE, "N": [1, 2, 3, 4]}).take(keep)
    assert list(table.rows) == [1, 4]
    assert list(table["params"]) == [1, 4]
    assert list(table["compute"]) == [6e9, 96e9]
    assert list(table.labels["corpus"]) == ["a", "b"]
    assert len(table) == 2
    assert notes(table)


def test_take_after_a_filter_still_names_rows_of_the_file():
    table = RunTable.from_columns(TABLE, where="corpus == 'b'").take(np.array([1]))
    assert list(table.rows) == [4]


def test_take_keeps_the_reason_why_a_column_cannot_be_used():
    with pytest.raises(RunsError, match="row 3: params"):
        RunTable.from_columns(TABLE).take(np.array([0]))["params"]


def test_a_table_does_not_follow_the_arrays_it_was_made_from():
    columns = {"params": np.array([1e9, 2e9]), "seed": np.array([1, 2]), "corpus": np.array(["a", "b"])}
    table = RunTable.from_columns(columns)
    for values in columns.values():
        values[0] = values[1]
    assert table["params"].tolist() == [1e9, 2e9]
    assert table.labels["seed"].tolist() == ["1", "2"]
    assert table.labels["corpus"].tolist() == ["a", "b"]


def test_a_table_is_frozen():
    with pytest.raises(AttributeError):
        RunTable.of(loss=[1.0]).source = "other"


# ------------------------------------------------------------------------------------ tables as found

def test_reads_the_reconstructed_chinchilla_runs():
    """245 digitised runs with N, C and D, five of them flagged (README of epoch-chinchilla)."""
    table = read_runs(shared("epoch-chinchilla/runs.csv"), where="outlier == 0")
    assert len(table) == 240
    assert {"params", "tokens", "compute", "loss"} <= set(table.quantities)
    assert table.notes == ()
    assert len(read_runs(shared("epoch-chinchilla/runs.csv"))) == 245
    assert set(table.rows) < set(range(1, 246))


def test_tells_the_two_counts_of_misfitting_apart():
    table = read_runs(shared("misfitting/final.csv"))
    assert table["params"][0] == 57_234_240
    assert table["nonembedding_params"][0] == 12_047_168
    assert table["tokens"][0] == 104_857_600
    assert table["loss"][0] == 6.256837685


class TestColumnsOfAnyName:
    runs = RunTable.from_columns({"N_millions": ["1", "2"], "tokens": [1e9, 2e9], "my depth": ["-1.5", "3e1"],
                                  "x.y": [0.0, 1.0], "tag": ["a", "b"], "gap": ["1", ""], "big": ["1", "inf"]})

    def test_a_column_of_numbers_is_found_by_its_header(self) -> None:
        assert list(self.runs["my depth"]) == [-1.5, 30.0]
        assert list(self.runs["x.y"]) == [0.0, 1.0]
        assert self.runs["my depth"].dtype == np.float64
        assert "my depth" not in self.runs, "the glossary's names are what a table contains"

    def test_a_column_that_a_quantity_was_read_from_is_itself(self) -> None:
        assert list(self.runs["N_millions"]) == [1.0, 2.0]
        assert list(self.runs["params"]) == [1e6, 2e6]

    def test_headers_are_all_there(self) -> None:
        assert set(self.runs.headers) == {"N_millions", "tokens", "my depth", "x.y", "tag", "gap", "big"}

    @pytest.mark.parametrize(("name", "says"), [
        ("tag", "column 'tag', row 1: tag must be a number, got 'a'"),
        ("gap", "column 'gap', row 2: gap must be a number, is empty"),
        ("big", "column 'big', row 2: big must be a finite number, got inf"),
        ("my_depth", "no column for my_depth"),
    ])
    def test_cells_that_are_no_numbers_are_refused_with_their_row(self, name: str, says: str) -> None:
        with pytest.raises(RunsError, match=says):
            self.runs[name]

    def test_rows_are_those_of_the_file(self) -> None:
        with pytest.raises(RunsError, match="column 'tag', row 2"):
            self.runs.take(np.array([1]))["tag"]
