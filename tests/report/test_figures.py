"""The figures: plain JSON that plotly takes, axes with units, and the data's own numbers in the download."""

import json
import math

import pytest
import sample

from lawful.report import figures, marks, words
from lawful.results import to_plain


@pytest.fixture(scope="module")
def drawn():
    return {figure.name: figure for figure in figures(sample.analysis())}


def test_each_figure_is_json_without_nan(drawn):
    assert list(drawn) == ["loss", "residuals", "isoflops", "allocation", "backtest", "calibration"]
    for figure in drawn.values():
        plain = to_plain(figure)
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_each_axis_names_its_unit(drawn):
    for figure in drawn.values():
        axes = {k: v for k, v in figure.layout.items() if k.startswith(("xaxis", "yaxis"))}
        assert axes
        for name, axis in axes.items():
            shared = axis.get("matches") and not axis["showticklabels"]
            assert shared or "[" in axis["title"]["text"], f"{figure.name} {name}"


def test_each_trace_lies_on_axes_of_its_figure(drawn):
    for figure in drawn.values():
        for trace in figure.data:
            for letter in "xy":
                axis = trace.get(f"{letter}axis", letter).replace(letter, f"{letter}axis")
                assert axis in figure.layout


def test_the_download_holds_the_runs_unrounded(drawn):
    table, runs = drawn["loss"].table, sample.analysis()["runs"]
    assert table["columns"] == ["params [count]", "tokens [count]", "compute [FLOP]", "loss [nats/token]",
                                "fitted"]
    assert [row[3] for row in table["rows"]] == runs["loss"]
    assert all(len(row) == len(f.table["columns"]) for f in drawn.values() for row in f.table["rows"])


def test_residuals_are_percent_of_the_fit(drawn):
    runs = sample.analysis()["runs"]
    expected = [100 * math.log(o / f) for o, f in zip(runs["loss"], runs["fitted"], strict=True)]
    assert drawn["residuals"].data[0]["y"] == pytest.approx(expected, rel=1e-6)


def test_the_plan_is_marked_where_it_lies(drawn):
    plan = sample.analysis()["plan"]
    decision = plan["decision"]
    star = next(t for t in drawn["loss"].data if t.get("name") == "the plan")
    assert star["x"] == pytest.approx([decision["compute"]], rel=1e-6)
    assert star["y"] == pytest.approx([plan["forecast"]["value"]], rel=1e-6)
    stars = [t for t in drawn["allocation"].data if t.get("name") == "the plan"]
    assert [t["y"][0] for t in stars] == pytest.approx([decision["params"], decision["tokens"]], rel=1e-6)


def test_minima_lie_at_the_best_sizes(drawn):
    minima = next(t for t in drawn["isoflops"].data if t.get("name") == "fitted minimum")
    assert minima["x"] == pytest.approx([sample.best_params(c) for c in sample.BUDGETS], rel=0.06)
    assert drawn["isoflops"].title.startswith("9 of 9 budgets")


def test_a_budget_with_runs_on_one_side_only_is_not_counted():
    whole = sample.analysis()
    whole["curves"]["isoflops"][0]["runs"] = whole["curves"]["isoflops"][0]["runs"][:3]
    title = {f.name: f.title for f in figures(whole)}["isoflops"]
    assert title.startswith("8 of 9 budgets")


def test_refused_points_and_refused_readings_are_left_out(drawn):
    assert all(row[3] is not None for row in drawn["allocation"].table["rows"])
    refused = sample.analysis(readings=[sample.readings()[0] | {"status": "refused"}])
    names = {t.get("name") for t in {f.name: f for f in figures(refused)}["allocation"].data}
    assert "approach 1 (envelope)" not in names


def test_gaps_in_the_runs_are_gaps_in_the_figure():
    whole = sample.analysis()
    whole["runs"]["loss"][0], whole["runs"]["fitted"][1], whole["runs"]["params"][2] = None, math.nan, None
    whole["backtest"]["cuts"][0]["predictions"][0]["low"] = None
    made = {figure.name: figure for figure in figures(whole)}
    json.dumps(to_plain(made), allow_nan=False)
    runs = next(t for t in made["loss"].data if t.get("name") == "runs")
    assert runs["y"][0] is None
    assert made["residuals"].data[0]["y"][:2] == [None, None]


def test_an_outcome_that_may_be_negative_gets_a_linear_axis():
    whole = sample.analysis()
    whole["fit"]["output"] = "elo"
    whole["runs"]["elo"] = [-v for v in whole["runs"].pop("loss")]
    made = {figure.name: figure for figure in figures(whole)}
    assert made["loss"].layout["yaxis"]["type"] == "linear"
    assert made["loss"].layout["yaxis"]["title"]["text"] == "elo [points]"
    assert "residuals" not in made


def test_plotly_texts_hold_no_html_of_the_user():
    whole = sample.analysis()
    whole["fit"]["output"] = "loss.<b>"
    for figure in figures(whole):
        assert "<b>" not in json.dumps(to_plain([figure.data, figure.layout]))


@pytest.mark.parametrize(("value", "printed"), [
    (0.00587, "0.59 %"), (0.118, "12 %"), (0.9, "90 %"), (0.995, "99.5 %"), (1.0, "100 %"), (2.4, "240 %"),
    (None, "–"), (math.nan, "–")])
def test_percent(value, printed):
    assert words.percent(value) == printed


def test_words_for_what_is_missing():
    assert words.size(None) == words.outcome(math.nan) == words.decades(None) == "–"
    assert words.within({"low": None, "high": 1.0}) == words.within(None) == "no interval"
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b", "c"]) == "a, b and c"


def test_viridis_runs_from_dark_to_light():
    assert (marks.viridis(0), marks.viridis(1)) == ("#440154", "#fde725")
