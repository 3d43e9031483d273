"""Packed text gives back what was put in, whatever it holds, a block or many at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lawful import labels
from lawful.labels import Labels, Text

ANY = st.lists(st.text(st.characters(), max_size=4) | st.sampled_from(["\x1f", "\x1f\x20", "", "\n", "\ud800", "日本"]),
               max_size=9)


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY, max_size=4), st.integers(1, 4))
def test_cells_come_back_as_they_went_in(parts, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(labels, "BLOCK", block)
        text = Text()
        for part in parts:
            text.extend(part)
    cells = [cell for part in parts for cell in part]
    assert list(text) == cells
    assert len(text) == len(cells)
    keep = np.arange(len(cells)) % 2 == 0
    assert list(text.select(keep)) == cells[::2]


def test_text_is_an_array_of_strings_or_of_numbers(monkeypatch):
    monkeypatch.setattr(labels, "BLOCK", 2)
    text = Text(["1", "2.5", "1_000", " 7 ", "nan"])
    assert np.asarray(text).tolist() == ["1", "2.5", "1_000", " 7 ", "nan"]
    assert np.asarray(text, dtype=np.float64)[:4].tolist() == [1.0, 2.5, 1000.0, 7.0]
    assert np.asarray(Text(), dtype=str).tolist() == []
    for word in ("", "7B", "0x10"):
        with pytest.raises(ValueError, match="could not convert"):
            np.asarray(Text(["1", "2", word]), dtype=np.float64)


def test_text_takes_the_bytes_that_it_has():
    """A million labels of ten characters as Python's strings take 59 bytes each and 8 in the list."""
    import tracemalloc

    cells = [f"run-{i:06}" for i in range(1000)]
    tracemalloc.start()
    text = Text()
    for _ in range(50):
        text.extend(cells)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert taken < 1.5 * len(text) * len(cells[0])


@pytest.mark.parametrize("column", [Text(list("abcd")), np.array(list("abcd"))], ids=["packed", "array"])
def test_labels_are_arrays_of_strings_and_follow_their_runs(column):
    table = Labels({"corpus": column, "seed": np.array([1, 2, 3, 4])})
    assert list(table) == ["corpus", "seed"]
    assert table["corpus"].tolist() == ["a", "b", "c", "d"]
    some = table.take(np.array([True, False, True, True]), 4)
    assert some["corpus"].tolist() == ["a", "c", "d"]
    fewer = some.take(np.array([2, 0, 0]), 3)
    assert fewer["corpus"].tolist() == ["d", "a", "a"]
    assert fewer["seed"].tolist() == ["4", "1", "1"]
    assert fewer["seed"].dtype.kind == "U"
    with pytest.raises(KeyError):
        table["corpsu"]
