"""The page: whole, safe, in order, honest about what is missing, and printing the numbers it was given."""

import json
import math
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
import sample

from lawful.fit.result import FitStatus
from lawful.quantities import format_number
from lawful.report import render
from lawful.report.page import STATUS_SENTENCES
from lawful.report.reading import how_far

HOSTILE = "<script>alert(1)</script>.csv"


class Page(HTMLParser):
    """Every tag with its attributes, and the text outside of scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside.append(tag)

    def handle_endtag(self, tag):
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"script", "style"} & set(self._inside[-1:]):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] for _, attrs in self.tags if attrs.get("id")]


@pytest.fixture(scope="module")
def whole():
    return sample.analysis()


@pytest.fixture(scope="module")
def html(whole):
    return render(whole)


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_answers_come_in_the_readers_order(page):
    order = ["decision", "sure", "evidence", "figure-loss", "figure-residuals", "figure-isoflops",
             "figure-allocation", "figure-backtest", "figure-calibration", "data"]
    assert [i for i in page.ids if i in order] == order


def test_nothing_is_fetched(page, html):
    for tag, attrs in page.tags:
        assert tag not in ("link", "iframe", "img", "object", "embed", "form")
        assert "src" not in attrs
        assert (attrs.get("href") or "#").startswith("#")
    assert "@import" not in html
    assert not re.search(r"url\(\s*['\"]?https?:", html.split("plotly.js (cartesian")[0])
    policy = next(a["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "http" not in policy


def test_the_plotting_library_brings_its_notice(html):
    assert "plotly.js (cartesian - minified) v4.1.1" in html
    assert "Permission is hereby granted, free of charge" in html


def test_the_numbers_are_those_of_the_data(page, whole):
    plan, fit, backtest = whole["plan"], whole["fit"], whole["backtest"]
    for value in plan["decision"].values():
        assert format_number(value) in page.text
    for name in ("params", "tokens"):
        ends = plan["intervals"][name]
        assert f"{format_number(ends['low'])} to {format_number(ends['high'])}" in page.text
    forecast = plan["forecast"]
    ends = f"{forecast['low']:.4f} to {forecast['high']:.4f}"
    assert f"{forecast['value']:.4f} nats/token (90 % interval {ends})" in page.text
    assert f"a single run: {forecast['new_run']['low']:.4f} to {forecast['new_run']['high']:.4f}" in page.text
    for row in plan["sensitivity"].values():
        assert f"{row['loss_increase']:.4f}" in page.text
    for interval in (*fit["coefficients"].values(), *fit["derived"].values()):
        assert format_number(interval["value"]) in page.text
        assert f"{format_number(interval['low'])} to {format_number(interval['high'])}" in page.text
    assert "Error 0.71 % rms" in page.text
    assert f"held 91 % of {backtest['summary']['predictions']} predictions" in page.text


def test_only_answered_costs_are_shown(page, whole):
    assert "Training cost" in page.text
    assert format_number(whole["plan"]["cost"]["usd"]) in page.text
    assert "Emissions" not in page.text
    assert "Serving cost" not in page.text


def test_serious_findings_come_first(page):
    findings = {f["severity"]: f["title"] for f in sample.analysis()["diagnosis"]["findings"]}
    places = [page.text.index(findings[severity]) for severity in ("serious", "caution", "note")]
    assert places == sorted(places)


def test_every_sentence_of_the_analysis_is_on_the_page(page, whole):
    said = [whole["diagnosis"]["verdict"], whole["command"], *whole["plan"]["assumptions"],
            *(n["message"] for n in whole["notes"]),
            *(w["message"] for w in whole["plan"]["forecast"]["warnings"]),
            *(c["message"] for r in whole["readings"] for c in r["caveats"])]
    for finding in whole["diagnosis"]["findings"]:
        said += [finding["title"], finding["evidence"], finding["action"]]
    for sentence in said:
        assert sentence in page.text


def test_the_stated_limit_stands_with_the_reach(page, whole):
    limit = whole["plan"]["forecast"]["limit"]
    assert limit[1:] in page.text


def everywhere(value, text):
    """The data with every string that a user could have written replaced."""
    if isinstance(value, dict):
        return {k: v if k in ("schema", "status", "severity", "approach", "level") else everywhere(v, text)
                for k, v in value.items()}
    if isinstance(value, list):
        return [everywhere(v, text) for v in value]
    return text if isinstance(value, str) else value


@pytest.mark.parametrize("make", [sample.analysis, sample.one_variable])
def test_text_from_the_users_file_stays_text(make):
    hostile = everywhere(make(), HOSTILE) | {"source": HOSTILE, "command": f"lawful report '{HOSTILE}'"}
    hostile["fit"]["output"] = "loss.<img src=x onerror=alert(1)>"
    hostile["fit"]["coefficients"][HOSTILE] = hostile["fit"]["coefficients"]["E"]
    html = render(hostile)
    assert "<script>alert" not in html
    assert "<img" not in html.split("plotly.js (cartesian")[0]
    assert HOSTILE in Page(html).text
    assert sum(tag == "script" for tag, _ in Page(html).tags) == 3


def test_a_form_over_one_variable_has_no_allocation():
    made = sample.one_variable()
    page = Page(render(made))
    assert [i for i in page.ids if i.startswith("figure-")] == ["figure-loss", "figure-residuals"]
    assert "No budget was asked for" in page.text
    assert f"None: {made['backtest_refused']}" in page.text
    assert "refused" in page.text
    assert made["readings"][0]["caveats"][0]["message"] in page.text
    assert "The fit did not end well" in page.text
    assert "nan" not in page.text.lower().split()


def test_without_a_budget_the_exponents_answer():
    page = Page(render(sample.analysis(plan=None)))
    assert "grows as compute to the power 0.4516" in page.text
    assert "What it costs" not in page.text


@pytest.mark.parametrize("part", ["runs", "notes", "fit", "diagnosis", "backtest", "readings", "plan",
                                  "curves", "command", "created", "version", "source"])
def test_any_part_may_be_missing(part, whole):
    without = {k: v for k, v in whole.items() if k != part}
    for analysis in (without, without | {part: None}):
        assert "</html>" in render(analysis)


@pytest.mark.parametrize("part", ["fit", "plan", "curves", "backtest", "diagnosis"])
def test_any_detail_may_be_missing(part, whole):
    for key in whole[part]:
        absent = math.nan if isinstance(whole[part][key], float) else None
        assert "</html>" in render(whole | {part: whole[part] | {key: absent}})


def test_the_sentences_of_the_status_are_those_of_the_fit():
    assert {status.value: status.sentence for status in FitStatus} == STATUS_SENTENCES


def test_an_empty_analysis_is_still_a_page():
    page = Page(render({"schema": "lawful.analysis/1", "source": "empty.csv"}))
    assert "empty.csv" in page.text
    assert "evidence" not in page.ids


def test_the_table_of_runs_stops_at_five_hundred(whole):
    many = {name: (column * 6)[:620] for name, column in whole["runs"].items()}
    page = Page(render(whole | {"runs": many, "curves": {}, "backtest": None}))
    assert "Table of 620 runs, the first 500 shown" in page.text
    assert sum(tag == "tr" for tag, _ in page.tags) < 540


def test_three_hundred_runs_weigh_less_than_two_megabytes():
    table, rows = sample.runs(n_sizes=34)
    assert len(table["loss"]) > 300
    whole = sample.analysis(runs=table, backtest=sample.backtest(table))
    whole["curves"]["isoflops"] = sample.isoflops(rows)
    assert len(render(whole).encode()) < 2_000_000


def test_the_figures_travel_as_json(html):
    embedded = re.search(r'<script type="application/json" id="figures">(.*?)</script>', html, re.DOTALL)
    for figure in json.loads(embedded[1]):
        assert {"name", "title", "caption", "data", "layout", "table"} <= set(figure)


def test_the_report_needs_neither_numpy_nor_the_laws():
    code = ("import sys, lawful.report.page; "
            "heavy = {'numpy', 'scipy', 'lawful.laws', 'lawful.fit'} & set(sys.modules); "
            "sys.exit(f'imports {heavy}' if heavy else 0)")
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_how_far_a_plan_reaches_counts_scale_where_every_quantity_is_inside():
    inside = {"reach": {"params": 0.0, "tokens": 0.0}}
    assert how_far(inside) == ", inside the span of the runs"
    assert how_far({**inside, "joint": {"scale": 1.0}}) == ", 1.0 decades of scale beyond the runs"
    assert how_far({"reach": {"params": 0.5}, "joint": {"scale": 1.0}}) == ", 0.5 decades beyond the runs in params"
