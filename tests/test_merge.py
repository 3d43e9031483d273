"""Several tables as one: what is kept, what counts once, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from lawful.errors import RunsError
from lawful.merge import merge
from lawful.runs import RunTable

OLD = {"params": ["1e8", "2e8", "4e8"], "tokens": ["2e9", "4e9", "8e9"], "val_loss": ["3.4", "3.2", "3.0"],
       "recipe": ["a", "a", "a"]}
NEW = {"params": ["4e8", "8e8"], "tokens": ["8e9", "16e9"], "val_loss": ["3.0", "2.9"], "recipe": ["a", "b"]}


def table(columns: dict[str, list[str]], source: str) -> RunTable:
    return RunTable.from_columns(columns, source=source)


def codes(runs: RunTable) -> list[str]:
    return [note.code for note in runs.notes]


def test_runs_of_both_stand_in_order_with_the_table_they_came_from():
    whole = merge(table(OLD, "old.csv"), table({**NEW, "params": ["5e8", "8e8"]}, "new.csv"))
    assert whole["params"].tolist() == [1e8, 2e8, 4e8, 5e8, 8e8]
    assert whole.label("recipe").tolist() == ["a", "a", "a", "a", "b"]
    assert whole.label("table").tolist() == ["old.csv"] * 3 + ["new.csv"] * 2
    assert whole.rows.tolist() == [1, 2, 3, 1, 2]  # the rows of their own files
    assert whole.source == "old.csv + new.csv"
    assert codes(whole) == ["compute_derived"]


def test_a_run_in_two_tables_counts_once_and_that_is_said():
    whole = merge(table(OLD, "old.csv"), table(NEW, "new.csv"))
    assert len(whole) == 4
    assert whole["params"].tolist() == [1e8, 2e8, 4e8, 8e8]
    (note,) = [n for n in whole.notes if n.code == "merged_duplicates"]
    assert note.message.startswith("1 of new.csv stand in an earlier table too")


def test_repeats_within_one_table_stay_for_diagnose_to_judge():
    twice = {name: [*cells, cells[0]] for name, cells in OLD.items()}
    assert len(merge(table(twice, "old.csv"), table({**NEW, "params": ["5e8", "8e8"]}, "new.csv"))) == 6


def test_the_same_setting_with_another_loss_is_another_run():
    assert len(merge(table(OLD, "old.csv"), table({**NEW, "val_loss": ["3.01", "2.9"]}, "new.csv"))) == 5


def test_a_quantity_that_one_table_lacks_is_refused_when_it_is_asked_for():
    whole = merge(table(OLD, "old.csv"), table({**NEW, "unique_tokens": ["1e9", "1e9"]}, "new.csv"))
    assert "unique_tokens" not in whole
    with pytest.raises(RunsError, match=r"old.csv: no column for unique_tokens, which the others have"):
        whole["unique_tokens"]


def test_a_label_that_one_table_lacks_is_empty_there():
    bare = {name: cells for name, cells in NEW.items() if name != "recipe"}
    whole = merge(table(OLD, "old.csv"), table({**bare, "params": ["5e8", "8e8"]}, "new.csv"))
    assert whole.label("recipe").tolist() == ["a", "a", "a", "", ""]


def test_tables_that_count_params_differently_are_refused():
    other = {"nonembedding_params" if name == "params" else name: cells for name, cells in NEW.items()}
    with pytest.raises(RunsError, match=r"params in old.csv, nonembedding_params in new.csv; map one count"):
        merge(table(OLD, "old.csv"), table(other, "new.csv"))


def test_tables_with_nothing_in_common_are_refused():
    with pytest.raises(RunsError, match="no quantity in common"):
        merge(table({"loss": ["3.0"]}, "a.csv"), table({"accuracy": ["0.3"]}, "b.csv"))


def test_one_table_is_itself():
    alone = table(OLD, "old.csv")
    assert merge(alone) is alone


def test_many_runs_merge_as_few_do():
    rng = np.random.default_rng(0)
    params, loss = rng.uniform(1e8, 1e9, 20_000), rng.uniform(2, 3, 20_000)
    old = RunTable.of(params=params, loss=loss)
    new = RunTable.of(params=np.r_[params[:5000], params[:5000] + 1], loss=np.r_[loss[:5000], loss[:5000]])
    assert len(merge(old, new)) == 25_000
