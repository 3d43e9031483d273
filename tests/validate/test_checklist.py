"""The reproducibility card: filled in from the data, frank about the rest, and sound as Markdown."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from conftest import simulate
from lawful.fit import Fit, fit
from lawful.runs import RunTable
from lawful.store import read_runs, to_json
from lawful.validate import Backtest, Diagnosis, backtest, diagnose
from lawful.validate.card import MISSING, Checklist, Group, Item
from lawful.validate.card_runs import fingerprint
from lawful.validate.checklist import checklist


@pytest.fixture(scope="module")
def study() -> tuple[RunTable, Fit, Backtest, Diagnosis]:
    runs = simulate()
    fitted = fit("chinchilla", runs, bootstrap=50)
    return runs, fitted, backtest(runs, "chinchilla", bootstrap=20), diagnose(runs, fitted)


def answers(card: Checklist) -> dict[str, str | None]:
    return {item.question: item.answer for group in card.groups for item in group.items}


def test_what_the_data_tell_is_filled_in(study: tuple[RunTable, Fit, Backtest, Diagnosis]) -> None:
    runs, fitted, tested, found = study
    said = answers(checklist(fitted, runs, tested, found, where="outlier == 0"))
    assert said["Which form?"] == f"chinchilla: `{fitted.law.formula()}`"
    assert said["How many runs, of how many sizes?"] == "48 runs of 48 sizes"
    assert "`outlier == 0`" in str(said["Which runs were left out, and why?"])
    assert "huber_log, delta 0.001, of the logarithm" in str(said["What is minimised?"])
    assert f"{fitted.search.agree} of them" in str(said["By which algorithm, from where?"])
    assert "bootstrap, 50 draws, seed 0" in str(said["How is the uncertainty estimated?"])
    alpha = fitted.intervals["alpha"]
    assert f"alpha {alpha.value:.5g} [{alpha.low:.4g}, {alpha.high:.4g}]" in str(
        said["Which coefficients, with which intervals?"])
    assert f"{100 * fitted.noise:.2g} %" in str(said["How well does it fit?"])
    assert f"{100 * tested.rmse_log:.2g} %" in str(said["Was it tested on larger runs than it was fitted on?"])
    assert str(said["How far beyond the runs may it be used?"]).startswith("this fit has been right within")
    assert said["What stands against it?"] == "nothing was found by lawful diagnose"
    assert "numpy " + np.__version__ in str(said["With which software?"])


def test_what_no_table_tells_says_what_to_add(study: tuple[RunTable, Fit, Backtest, Diagnosis]) -> None:
    runs, fitted, *_ = study
    card = checklist(fitted, runs)
    said = answers(card)
    for question in ("Which tokenizer?", "How many seeds?", "Which params are counted?", "What stands against it?",
                     "Was it tested on larger runs than it was fitted on?", "What will the law decide?"):
        assert said[question] is None
    assert all(item.add for group in card.groups for item in group.items if item.answer is None)
    asked = sum(len(group.items) for group in card.groups)
    assert card.recorded == (asked - card.markdown().count("**not recorded**: add "), asked)


def test_columns_answer_the_questions_about_the_training() -> None:
    runs = simulate()
    own = {name: runs[name] for name in ("params", "tokens", "loss")}
    n = len(runs)
    table = RunTable.from_columns({
        "run": [f"r{i}" for i in range(n)], "N_no_embed": own["params"] * 0.9, "total_params": own["params"],
        "tokens": own["tokens"], "val_loss": own["loss"], "optimizer": ["adamw"] * n,
        "corpus": ["c4"] * 40 + ["code"] * 8, "lr": own["params"] ** -0.3, "context": [2048] * n,
        "flops": 6.6 * own["params"] * own["tokens"]})
    said = answers(checklist(fit("chinchilla", table, bootstrap=0), table))
    assert said["Which params are counted?"] == (
        "nonembedding_params (column `N_no_embed`); total_params (column `total_params`)")
    assert said["Which optimizer?"] == "`optimizer`: adamw (48)"
    assert said["Which training data?"] == "`corpus`: c4 (40), code (8)"
    assert said["Which context length?"] == "context 2,048"
    assert said["How is compute counted?"] == "column `flops`, 1.22 times 6 N D"
    assert said["Final values or checkpoints?"] == "one row a run (column `run`)"
    assert said["Which outcome, on which data?"] == "column `val_loss`"
    assert "without intervals" in str(said["Which coefficients, with which intervals?"])
    assert said["How is the uncertainty estimated?"] is None


def test_repeats_tell_the_noise() -> None:
    runs = simulate()
    rng = np.random.default_rng(0)
    twice = {name: np.concatenate([runs[name], runs[name]]) for name in ("params", "tokens", "loss")}
    twice["loss"] = twice["loss"] * np.exp(0.01 * rng.standard_normal(96))
    table = RunTable.of(**twice)
    said = str(answers(checklist(fit("chinchilla", table, bootstrap=0), table))["How many seeds?"])
    assert said.startswith("48 settings were run 2 to 2 times")
    spread = float(re.findall(r"([\d.]+) %", said)[0])
    assert spread == pytest.approx(1.0, rel=0.3)


def test_runs_on_several_corpora_are_no_repeats() -> None:
    runs = simulate()
    twice = {name: np.concatenate([runs[name], runs[name]]) for name in ("params", "tokens", "loss")}
    table = RunTable.from_columns({**twice, "corpus": np.repeat(["c4", "pile"], 48)})
    assert answers(checklist(fit("chinchilla", table, bootstrap=0), table))["How many seeds?"] is None


def test_the_fingerprint_is_of_the_runs_not_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("N,D,loss,note\n7e7,1e9,3.5,x\n1.4e8,2e9,3.1,y\n")
    (tmp_path / "b.tsv").write_text("loss\ttokens\tparams_millions\n3.50\t1000000000\t70\n3.1\t2B\t140\n")
    (tmp_path / "c.csv").write_text("N,D,loss\n7e7,1e9,3.5\n1.4e8,2e9,3.1001\n")
    (tmp_path / "d.csv").write_text("N,D,loss\n1.4e8,2e9,3.1\n7e7,1e9,3.5\n")
    a, b, c, d = (fingerprint(read_runs(str(tmp_path / name))) for name in ("a.csv", "b.tsv", "c.csv", "d.csv"))
    assert a == b
    assert len({a, c, d}) == 3


def test_the_card_is_sound_markdown_whatever_the_labels(study: tuple[RunTable, Fit, Backtest, Diagnosis]) -> None:
    parser = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable("table")
    runs, *_ = study
    nasty = np.resize(["a|b", "x_y_z", "<script>alert(1)</script>", "`tick", "*s*\n# head"], len(runs))
    table = RunTable.from_columns({**{n: runs[n] for n in ("params", "tokens", "loss")}, "corpus": nasty,
                                   "opt|imizer": nasty, "optimizer": nasty})
    fitted = fit("chinchilla", table, bootstrap=0)
    card = checklist(fitted, table, diagnosis=diagnose(table, fitted), where="a == '|`'")
    html = parser.render(card.markdown())
    assert "<script" not in html
    assert html.count("<table>") == len(card.groups)
    assert html.count("<tr>") == sum(len(group.items) for group in card.groups) + len(card.groups)
    assert html.count("<h1>") == 1
    assert html.count("<td>") == 2 * sum(len(group.items) for group in card.groups)
    assert "a|b" in html


def test_the_card_as_data_is_the_card(study: tuple[RunTable, Fit, Backtest, Diagnosis]) -> None:
    runs, fitted, tested, found = study
    card = checklist(fitted, runs, tested, found)
    data = card.to_dict()
    assert data["schema"] == "lawful.checklist/1"
    assert (data["answered"], data["asked"]) == card.recorded
    assert [g["title"] for g in data["groups"]] == [g.title for g in card.groups]
    assert data["fingerprint"] == fingerprint(runs)
    assert to_json(card)


def test_of_paths_only_the_file_is_named() -> None:
    runs = simulate()
    columns = {n: runs[n] for n in ("params", "tokens", "loss")}
    columns["compute"] = np.where(np.arange(len(runs)) == 3, -1.0, 1e20)  # of which a note with the path comes
    table = RunTable.from_columns(columns, source="/home/me/a b.csv + /x/c.csv")
    card = checklist(fit("chinchilla", table, bootstrap=0), table)
    assert card.source == "a b.csv + c.csv"
    assert "/home" not in card.markdown()


def test_a_cell_without_backticks_is_escaped() -> None:
    card = Checklist("r", 1, "f", "0", (Group("g", (Item("a_b | c?", "`x|y` *z* `"), Item("q", None, "it"))),))
    assert "| a\\_b \\| c? | \\`x\\|y\\` \\*z\\* \\` |" in card.markdown()
    assert f"| q | {MISSING}it |" in card.markdown()
