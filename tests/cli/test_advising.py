"""``lawful advise``: a situation in a file or told at the terminal, answered in text and JSON, its slips named."""

from __future__ import annotations

import io
import json

import pytest

from conftest import simulate
from lawful.cli import main
from lawful.fit import fit
from lawful.results import to_plain

SITUATION = """
budget = {usd = "50k", device = "h100"}
serving = {tokens = "1T"}
[size]
tokens_per_param = [100]
"""


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    try:
        main(["advise", *arguments])
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    return code, *capsys.readouterr()


@pytest.fixture
def situation(tmp_path):
    def write(text: str) -> str:
        (tmp_path / "situation.toml").write_text(text)
        return str(tmp_path / "situation.toml")
    return write


def test_each_answer_says_what_it_rests_on_where_that_stops_and_what_to_measure(capsys, situation):
    code, text, _ = run(capsys, situation(SITUATION))
    assert code == 0
    for part in ("1. How large a model", "weighed", "Rests on:", "Stops holding:", "Measure first:", "The field says:",
                 "(arXiv:2502.12051)"):
        assert part in text
    assert max(len(line) for line in text.splitlines() if "weighed" not in line and "  " not in line.strip()) <= 110


def test_the_same_as_one_json_document(capsys, situation):
    code, text, _ = run(capsys, situation(SITUATION), "--json")
    made = json.loads(text)
    assert (code, made["schema"]) == (0, "lawful.advice/1")
    answer, = made["answers"]
    assert (answer["topic"], answer["question"]) == ("size", 1)
    assert {"answer", "options", "laws", "limits", "measure_first", "assumptions", "guidance"} <= answer.keys()
    assert answer["options"][0]["decision"]["params"] > 0
    assert all(g["text"] and g["source"] for g in answer["guidance"])


def test_without_a_file_the_situation_is_asked_for(capsys, situation, monkeypatch):
    told = "1e22\n\n\n1\n\n25B\n\n100, 500\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(told))
    code, text, asked = run(capsys, "--json")
    assert code == 0
    assert "[size] Distinct training tokens there are" in asked
    written = situation('budget = "1e22"\n[size]\nunique_tokens = "25B"\ntokens_per_param = [100, 500]\n')
    assert json.loads(text) == json.loads(run(capsys, written, "--json")[1])


@pytest.mark.parametrize(("text", "code", "says"), [
    ("[sise]\n", 2, "unknown section 'sise' in the situation; nearest: size"),
    ('budget = "1e22"\n', 2, "asks no question: give a section, as [size]"),
    ("[size]\n", 2, "no budget is given"),
    ("[size]\ntarget_los = 2\n", 2, "unknown key 'target_los' in [size]; nearest: target_loss"),
    ('budget = {usd = "50k"}\n[size]\n', 2, "device"),
    ('budget = {usd = "50k", devise = "h100"}\n[size]\n', 2, "unknown key 'devise' in [budget]; nearest: device"),
    ('budget = "1e22"\nserving = {token = 1}\n[size]\n', 2, "unknown key 'token' in [serving]"),
    ('budget = "1e22"\nserving = {tokens = 0}\n[size]\n', 2, "[serving] tokens: must be positive"),
    ('budget = "1e18"\n[size]\ntarget_loss = 1.9\n', 1, "size: a loss of 1.9 takes"),
    ("budget = 1e22\n[size\n", 2, "is not TOML"),
])
def test_a_slip_is_one_sentence(capsys, situation, text, code, says):
    stopped, out, err = run(capsys, situation(text))
    assert (stopped, out) == (code, "")
    assert says in err
    assert len(err.strip().splitlines()) == 1


def test_a_terminal_that_ends_is_said(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("1e22\n"))
    code, _, err = run(capsys)
    assert code == 2
    assert "the situation ends here: give a TOML file, or answer at the terminal" in err


@pytest.mark.parametrize(("told", "says"), [
    ("lots\n\n\n", "budget: 'lots' is not a number"),
    ("1e22\n0\n\n", "[serving] tokens: must be positive"),
    ("1e22\n\nnone\n", "unknown law 'none'"),
    ("1e22\n\n\n\n", "no question is asked: name one or more of size, architecture"),
    ("1e22\n\n\n9\n", "unknown question '9'"),
])
def test_a_slip_at_the_terminal_is_said_before_the_next_questions(capsys, monkeypatch, told, says):
    monkeypatch.setattr("sys.stdin", io.StringIO(told))
    code, out, err = run(capsys)
    assert (code, out) == (2, "")
    assert says in err
    assert "[size]" not in err


def test_a_number_of_the_survey_asks_all_that_it_stands_for(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("1e22\n\n\n6\n" + 40 * "\n"))
    code, out, _ = run(capsys, "--json")
    assert code == 0
    assert [a["topic"] for a in json.loads(out)["answers"]] == ["sparsity", "downscaling"]


def test_what_has_no_end_is_null_in_json_and_said_in_text(capsys, situation):
    text = situation('budget = "1e22"\n[precision]\nmemory_bytes = "4e9"\n')
    first = json.loads(run(capsys, text, "--json")[1])["answers"][0]["options"][0]
    assert first["gives"]["times_budget"] is None, "no plain model that fits reaches it"
    row = next(line for line in run(capsys, text)[1].splitlines() if line.strip().startswith(first["name"]))
    assert "no end" in row


def test_every_interval_is_that_of_a_number_given_and_holds_it(capsys, situation, tmp_path):
    fitted = fit("chinchilla", simulate(), bootstrap=50)
    (tmp_path / "fit.json").write_text(json.dumps(to_plain(fitted)))
    made = json.loads(run(capsys, situation(
        f'law = "{tmp_path}/fit.json"\nbudget = {{usd = "50k", device = "h100"}}\nserving = {{tokens = "1T"}}\n[size]\n'
        '[data]\nunique_tokens = "25B"\n[sparsity]\n[precision]\n[downscaling]\n'), "--json")[1])
    options = [o for a in made["answers"] for o in a["options"] if o["intervals"]]
    assert {a["topic"] for a in made["answers"] if any(o["intervals"] for o in a["options"])} == {
        "size", "data", "sparsity", "precision", "downscaling"}
    for option in options:
        given = {**option["decision"], **option["gives"]}
        for name, ends in option["intervals"].items():
            room = 1e-6 * abs(given[name]) + 1e-9
            assert ends["low"] - room <= given[name] <= ends["high"] + room, (option["name"], name)
