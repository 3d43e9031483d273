"""The row filter: a small language, read and never run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lawful.errors import RunsError, UnknownName
from lawful.filters import select

COLUMNS = {
    "outlier": np.array([0.0, 1.0, 2.0, 3.0]),
    "loss": np.array([3.0, 2.5, 2.5, 2.0]),
    "corpus": np.array(["c4", "rpj", "c4", "it's"]),
    "val/loss": np.array([1.0, 2.0, 3.0, 4.0]),
    "learning rate": np.array(["low", "high", "low", "high"]),
}


def kept(expression: str) -> list[int]:
    mask = select(expression, COLUMNS, 4)
    assert mask.dtype == bool
    assert mask.shape == (4,)
    return list(np.flatnonzero(mask))


@pytest.mark.parametrize(("expression", "rows"), [
    ("outlier == 1", [1]), ("outlier != 1", [0, 2, 3]), ("outlier < 1", [0]), ("outlier <= 1", [0, 1]),
    ("outlier > 1", [2, 3]), ("outlier >= 1", [1, 2, 3]),
    ("outlier == -1", []), ("1 == outlier", [1]), ("1 < outlier", [2, 3]), ("outlier == True", [1]),
    ("outlier in (1, 3)", [1, 3]), ("outlier in [1, 3]", [1, 3]), ("outlier in {1, 3}", [1, 3]),
    ("outlier in (1,)", [1]),
    ("outlier not in (1, 3)", [0, 2]), ("outlier in ()", []), ("outlier not in ()", [0, 1, 2, 3]),
    ("outlier in (-1, 2e0)", [2]),
    ("corpus == 'c4'", [0, 2]), ('corpus == "it\'s"', [3]), ("corpus != 'c4'", [1, 3]), ("corpus >= 'd'", [1, 3]),
    ("corpus in ('c4', 'rpj')", [0, 1, 2]), ("corpus not in ['c4']", [1, 3]),
    ("outlier == loss", []), ("outlier < loss", [0, 1, 2]), ("corpus == corpus", [0, 1, 2, 3]),
    ("0 < outlier < 3", [1, 2]), ("0 < outlier <= loss", [1, 2]), ("3 > outlier >= 1 != loss", [1, 2]),
    ("1 < 2", [0, 1, 2, 3]), ("2 < 1", []),
    ("outlier == 0 and corpus == 'c4'", [0]), ("outlier == 0 or corpus == 'rpj'", [0, 1]),
    ("outlier == 0 or outlier == 1 or outlier == 3", [0, 1, 3]),
    ("outlier == 0 or corpus == 'c4' and outlier == 2", [0, 2]),
    ("(outlier == 0 or corpus == 'c4') and outlier == 2", [2]),
    ("not outlier == 0", [1, 2, 3]), ("not (outlier == 0 or outlier == 3)", [1, 2]),
    ("not outlier == 0 and outlier < 2", [1]),
    ("`val/loss` > 2", [2, 3]), ("`learning rate` == 'low' and `val/loss` < 2", [0]), ("`outlier` == 1", [1]),
    ("  outlier == 1  ", [1]),
])
def test_keeps_the_rows_for_which_it_holds(expression, rows):
    assert kept(expression) == rows


COMPARISONS = {
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}
atoms = st.tuples(st.sampled_from(["outlier", "loss"]), st.sampled_from(list(COMPARISONS)),
                  st.sampled_from([-1, 0, 1, 2, 2.5, 3]))
sentences = st.recursive(
    atoms.map(lambda a: (f"{a[0]} {a[1]} {a[2]}", lambda row, a=a: COMPARISONS[a[1]](row[a[0]], a[2]))),
    lambda inner: (
        st.tuples(inner, inner).map(lambda p: (f"({p[0][0]}) and ({p[1][0]})", lambda r: p[0][1](r) and p[1][1](r)))
        | st.tuples(inner, inner).map(lambda p: (f"({p[0][0]}) or ({p[1][0]})", lambda r: p[0][1](r) or p[1][1](r)))
        | inner.map(lambda p: (f"not ({p[0]})", lambda r: not p[1](r)))
    ), max_leaves=6)


@settings(max_examples=60, deadline=None)
@given(sentences)
def test_the_mask_is_the_sentence_row_by_row(sentence):
    text, holds = sentence
    rows = [{name: COLUMNS[name][i] for name in ("outlier", "loss")} for i in range(4)]
    assert list(select(text, COLUMNS, 4)) == [bool(holds(row)) for row in rows]


# ----------------------------------------------------------------------------------------- refusals

@pytest.mark.parametrize("expression", [
    "outlier == 'c4'", "corpus == 0", "corpus < 3", "outlier == corpus", "corpus in ('c4', 1)", "outlier in ('1',)",
    "0 < corpus", "0 < outlier < 'x'",
])
def test_text_and_numbers_do_not_compare(expression):
    with pytest.raises(RunsError, match="compares text with a number"):
        kept(expression)


def test_an_unknown_column_names_its_neighbours():
    with pytest.raises(UnknownName, match=r"unknown column 'outlir' in --where 'outlir == 0'; nearest: outlier\."):
        kept("outlir == 0")
    with pytest.raises(UnknownName, match=r"'val/los' in --where .*; nearest: .*val/loss"):
        kept("`val/los` == 0")


@pytest.mark.parametrize("expression", [
    "", " ", "outlier", "outlier = 0", "outlier ==", "outlier == 0 &&", "outlier == 0; loss == 1", "0", "'text'",
    "outlier and loss == 1", "not outlier", "outlier == 0 if loss > 1 else loss == 2", "outlier is 0",
    "corpus in 'c4'", "'c4' in corpus", "corpus in corpus", "-outlier == 1", "+1 == outlier", "outlier + 1 == 2",
    "outlier == 2 ** 9", "outlier == None", "outlier == ...", "corpus == b'c4'", "outlier == 1j", "outlier == {}",
    "outlier & 1 == 1", "(outlier == 0) & (loss == 2)", "outlier in (*corpus,)", "outlier == 0\x00", "`outlier == 0",
    "outlier <> 0", "import os", "pass", "outlier: 0", "outlier == 0\nloss == 1",
])
def test_what_is_outside_the_language_is_refused_with_an_example(expression):
    with pytest.raises(RunsError, match="write for example") as refusal:
        kept(expression)
    assert str(refusal.value).startswith(f"--where {expression!r}")


@pytest.mark.parametrize("expression", [
    "__import__('os').mkdir(FOLDER)",
    "__import__('os').mkdir(FOLDER) == 0",
    "outlier == __import__('os').mkdir(FOLDER)",
    "outlier in (__import__('os').mkdir(FOLDER),)",
    "outlier in [open(FOLDER, 'w')]",
    "open(FOLDER, 'w') and outlier == 0",
    "not open(FOLDER, 'w')",
    "(lambda: open(FOLDER, 'w'))() == 0",
    "outlier == [open(FOLDER, 'w') for _ in '1'][0]",
    "outlier in {open(FOLDER, 'w') for _ in '1'}",
    "outlier in (open(FOLDER, 'w') for _ in '1')",
    "outlier == {0: open(FOLDER, 'w')}",
    "outlier == (x := open(FOLDER, 'w'))",
    "corpus == f'{open(FOLDER, \"w\")}'",
    "0 < outlier < open(FOLDER, 'w')",
    "(open(FOLDER, 'w') if True else 1) == outlier",
    "exec('open(FOLDER, \"w\")') == 0",
    "eval('1') == outlier",
    "outlier.tofile(FOLDER) == 0",
    "outlier.shape == 4",
    "outlier[0] == 0",
    "corpus[outlier == 0] == 'c4'",
    "corpus.__class__ == 0",
    "print == 0",
    "__builtins__ == 0",
    "columns == 0",
    "np == 0",
    "(yield) == 0",
    "await outlier == 0",
    "`__import__('os').mkdir(FOLDER)` == 0",
    "`outlier` .tofile(FOLDER) == 0",
])
def test_nothing_is_ever_executed(expression, tmp_path):
    folder = tmp_path / "made"
    before = {name: values.copy() for name, values in COLUMNS.items()}
    with pytest.raises((RunsError, UnknownName)):
        kept(expression.replace("FOLDER", repr(str(folder))))
    assert not folder.exists()
    assert all((COLUMNS[name] == before[name]).all() for name in before)


@pytest.mark.parametrize("expression", ["f'c4' == corpus", "corpus == f'c4'", "[outlier == 0]", "(outlier == 0,)"])
def test_even_harmless_python_is_not_the_language(expression):
    with pytest.raises(RunsError):
        kept(expression)


@pytest.mark.parametrize("expression", [
    "outlier == (0, 1)", "(0, 1) == outlier", "outlier < (0, 1)", "corpus == ('a', 'b')", "corpus < ('a', 'b')",
    "outlier in ((0, 1), 2)", "outlier in (loss, 1)", "(0, 1) in (0, 1)", "outlier == (0, 1, 2, 3)",
])
def test_a_list_stands_only_after_in_and_holds_only_constants(expression):
    with pytest.raises(RunsError):
        kept(expression)


@pytest.mark.parametrize("expression", [
    "not " * 20_000 + "outlier == 0", "outlier" + " + 1" * 20_000 + " == 0", "outlier == " + "9" * 400,
    "outlier == " + "9" * 5000, "corpus == '\udcff'",
])
def test_a_very_long_filter_is_refused_like_any_other(expression):
    with pytest.raises(RunsError):
        kept(expression)


def test_a_backtick_in_a_string_is_text():
    columns = {"corpus": np.array(["a`b`c", "d"])}
    assert list(select("corpus == 'a`b`c'", columns, 2)) == [True, False]
