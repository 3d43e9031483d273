"""``lawful laws`` and ``lawful cite``, and the page that is made from the same registry."""

from __future__ import annotations

import importlib.util
import io
import json
import math
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lawful.cli import main
from lawful.errors import InputError, LawError, MissingExtra, UnknownName
from lawful.laws import Published, catalogue, entry, law, published
from lawful.laws.comparison import compare
from lawful.laws.curves import curve, is_wide
from lawful.laws.search import KINDS, modality, nearest, search, variables
from lawful.report.laws import draw, sketch, text_chart

ROOT = Path(__file__).parents[2]
ENTRIES = list(catalogue().values())


def say(*arguments: str) -> tuple[int, str, str]:
    """The exit code and the two streams of ``lawful laws ...``, run in this process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main(["laws", *arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
    return code, out.getvalue(), err.getvalue()


def read(*arguments: str) -> dict[str, object]:
    code, out, err = say(*arguments, "--json")
    assert code == 0, err
    data = json.loads(out)
    assert isinstance(data, dict)
    return data


def refused(*arguments: str, code: int = 2) -> str:
    got, out, err = say(*arguments)
    assert got == code, (out, err)
    assert out == "" or code == 1
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


# ------------------------------------------------------------------------------------------------ list

def test_every_entry_is_listed():
    data = read()
    assert data["schema"] == "lawful.laws/1"
    assert [e["key"] for e in data["laws"]] == [e.key for e in ENTRIES]  # type: ignore[index, attr-defined]
    text = say()[1]
    for e in ENTRIES:
        assert e.key in text
    assert text.splitlines()[-1].startswith(f"{len(published())} published, ")


@pytest.mark.parametrize(("option", "value", "keeps"), [
    ("--category", "lm_pretraining", lambda e: e.category == "lm_pretraining"),
    ("--question", "1", lambda e: 1 in e.questions),
    ("--variable", "tokens", lambda e: "tokens" in variables(e)),
    ("--modality", "language", lambda e: modality(e) == "language"),
    ("--kind", "published", lambda e: isinstance(e, Published)),
    ("--text", "HOFFMANN", lambda e: "hoffmann" in json.dumps(e.to_dict()).lower()),
])
def test_a_filter_keeps_what_it_says(option, value, keeps):
    found = {e["key"] for e in read(option, value)["laws"]}  # type: ignore[attr-defined]
    assert found
    if option == "--text":
        assert "hoffmann2022_approach3" in found
        assert found <= {e.key for e in ENTRIES if keeps(e)}
    else:
        assert found == {e.key for e in ENTRIES if keeps(e)}


def test_filters_add_up():
    found = search(ENTRIES, category="lm_pretraining", variable="compute", kind="published")
    assert found
    assert all(e.category == "lm_pretraining" and "compute" in variables(e) for e in found)
    assert say("--category", "lm_pretraining", "--text", "no such words at all")[1].strip() == "nothing of that kind"


def test_every_entry_has_a_modality_that_can_be_asked_for():
    for e in ENTRIES:
        assert e in search(ENTRIES, modality_=modality(e), kind=e.kind, category=e.category)
    assert {e.kind for e in ENTRIES} <= set(KINDS)


@pytest.mark.parametrize(("arguments", "expected"), [
    (("--category", "lm"), "unknown category 'lm'"), (("--question", "9"), "1 to 8; got 9"),
    (("--variable", "tokns"), "nearest: batch_tokens, tokens"), (("--modality", "sound"), "One of: graphs, language"),
    (("--kind", "publishd"), "nearest: published"),
])
def test_a_filter_that_nothing_could_answer_is_refused(arguments, expected):
    assert expected in refused(*arguments)


# ------------------------------------------------------------------------------------------------ show

@pytest.mark.parametrize("key", list(catalogue()))
def test_shows_every_entry_with_all_it_says(key):
    found = entry(key)
    text = say("show", key)[1]
    assert text.startswith(f"{key}: {found.title}\n")
    data = json.loads(json.dumps(found.to_dict()))
    for said in (data["formula"], data["category"], data["region_note"], data["notes"], data.get("advice")):
        assert not said or str(said) in text
    for name, value in data["coefficients"].items():
        assert f"{name} = {value:.6g}" in text if value is not None else name in text
    for failure in found.failures:
        assert failure.text in text
    for check in data["checks"]:
        assert f"check: {check['printed']} at " in text
    for name in found.unconfirmed:
        assert name in text
    if found.kind == "fittable":
        assert f"lawful fit RUNS --form {key}" in text


def test_shows_a_figure_at_most_eight_lines_high():
    for e in published().values():
        line = curve(e)
        assert line is not None, e.key
        assert all(map(math.isfinite, line.y))
        rows = text_chart(line).splitlines()
        assert len(rows) == 8
        assert max(map(len, rows)) < 100
        assert line.x_label in rows[-1]


def test_a_curve_stays_in_the_region_with_the_rest_in_its_middle():
    line = curve(law("hoffmann2022_approach3"))
    region = law("hoffmann2022_approach3").region.spans
    assert line.over == "params"
    assert (line.x[0], line.x[-1]) == region["params"] == line.inside
    assert line.at["tokens"] == pytest.approx(math.sqrt(math.prod(region["tokens"])))
    for x, y in zip(line.x, line.y, strict=True):
        assert y == pytest.approx(float(law("hoffmann2022_approach3")(params=x, tokens=line.at["tokens"])))
    assert is_wide(1.0, 10.0)
    assert not is_wide(0.0, 10.0)


def test_a_bare_id_means_its_first_set_and_names_the_others():
    first = next((k for k in published() if ":" in k), None)
    assert first is not None
    stem = first.partition(":")[0]
    rest = [k for k in catalogue() if k.startswith(f"{stem}:") and k != first]
    text = say("show", stem)[1]
    assert text.startswith(f"{first}: ")
    for key in rest:
        assert key in text
    assert read("show", stem)["key"] == first


@pytest.mark.parametrize(("typed", "meant"), [
    ("chinchila", "hoffmann2022_approach3"), ("besiroglu2024_rfit", "besiroglu2024_refit"),
    ("hofmann", "hoffmann2022_approach1"), ("kaplan2020", "kaplan2020_l_n"),
])
def test_an_unknown_key_names_the_nearest(typed, meant):
    for command in (("show", typed), ("cite", typed), ("compare", typed, "--at", "params=1")):
        said = refused(*command)
        assert f"unknown law {typed!r}; nearest: " in said
        assert meant in said
    assert meant in nearest(typed, ENTRIES)


def test_nothing_near():
    with pytest.raises(UnknownName, match="no key is near"):
        entry("zzzzqqqq")


# --------------------------------------------------------------------------------------------- figures

@pytest.mark.parametrize(("suffix", "starts"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_writes_a_figure(suffix, starts, tmp_path):
    pytest.importorskip("matplotlib")
    one, many = tmp_path / f"one.{suffix}", tmp_path / f"many.{suffix}"
    code, out, err = say("show", "besiroglu2024_refit", "-o", str(one))
    assert (code, f"wrote {one}" in err) == (0, True)
    assert out.startswith("besiroglu2024_refit: ")
    code, _, _ = say("compare", "besiroglu2024_refit", "kaplan2020_l_nd", "hoffmann2022_approach1", "--at",
                     "params=1B,tokens=20B,compute=1e21", "-o", str(many))
    assert code == 0
    for file in (one, many):
        assert file.read_bytes().startswith(starts)
    assert {p.name for p in tmp_path.iterdir()} == {one.name, many.name}


def test_the_same_figure_is_the_same_file():
    pytest.importorskip("matplotlib")
    lines = [curve(law(key)) for key in ("besiroglu2024_refit", "hoffmann2022_approach3")]
    with_marks = draw(lines, "svg", "a title", {"besiroglu2024_refit": (1e9, 2.5)})
    assert b"besiroglu2024" in with_marks or b"<path" in with_marks
    with pytest.raises(InputError, match="svg, png, pdf; not as 'gif'"):
        draw(lines, "gif")


def test_a_missing_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(MissingExtra, match=r"lawful\[plot\]"):
        draw([curve(law("besiroglu2024_refit"))], "svg")
    assert "lawful[plot]" in refused("show", "besiroglu2024_refit", "-o", str(tmp_path / "x.svg"), code=1)
    assert not list(tmp_path.iterdir())


def test_any_other_file_takes_the_json(tmp_path):
    file = tmp_path / "law.json"
    assert say("show", "besiroglu2024_refit", "-o", str(file))[0] == 0
    assert json.loads(file.read_text())["key"] == "besiroglu2024_refit"
    assert "there is no folder" in refused("show", "besiroglu2024_refit", "-o", str(tmp_path / "no" / "x.svg"))


def test_a_sketch_is_one_small_valid_line():
    for e in published().values():
        drawn = sketch(curve(e))
        assert len(drawn) < 1500
        root = ElementTree.fromstring(drawn)
        points = [tuple(map(float, p.split(","))) for p in root.find("polyline").get("points").split()]
        assert all(0 <= x <= 240 and 0 <= y <= 72 for x, y in points)


# --------------------------------------------------------------------------------------------- compare

AT = "params=1B,tokens=20B"


def test_laws_of_one_output_stand_in_one_table():
    code, out, _ = say("compare", "besiroglu2024_refit", "hoffmann2022_approach3", "--at", AT)
    assert code == 0
    rows = out.splitlines()
    assert rows[0].split()[:3] == ["key", "loss", "[nats/token]"]
    for key in ("besiroglu2024_refit", "hoffmann2022_approach3"):
        value = float(law(key)(params=1e9, tokens=2e10))
        assert any(row.startswith(key) and f"{value:.4f}" in row and "params total" in row for row in rows)


def test_different_outputs_never_share_a_column():
    keys = ("besiroglu2024_refit", "hoffmann2022_approach1")
    _, out, _ = say("compare", *keys, "--at", f"{AT},compute=1e21")
    loss, _, params = out.partition("\n\n")
    assert "besiroglu2024_refit" in loss
    assert "hoffmann2022_approach1" not in loss
    assert params.startswith("key                     params [count]")
    assert "different outputs, which do not compare" in out


def test_conventions_explain_differences():
    answers = compare([law("besiroglu2024_refit"), law("kaplan2020_l_nd")], {"params": 1e9, "tokens": 2e10})
    assert any("params are counted differently" in n and "non-embedding by kaplan2020_l_nd" in n
               for n in answers.notes)
    assert any("its own tokenizer" in n for n in answers.notes)
    asked = {"total_params": 1.3e9, "nonembedding_params": 1.2e9, "tokens": 2e10}
    exact = compare([law("besiroglu2024_refit"), law("kaplan2020_l_nd")], asked)
    assert [a.at["params"] for a in exact.answers] == [1.3e9, 1.2e9]
    assert not any("counted differently" in n for n in exact.notes)


def test_a_count_of_another_convention_is_refused_with_the_conversion():
    with pytest.raises(LawError, match=r"non-embedding.*missing params.*convert_params"):
        compare([law("besiroglu2024_refit"), law("kaplan2020_l_nd")], {"total_params": 1e9, "tokens": 2e10})


def test_reach_says_how_far():
    _, out, _ = say("compare", "hoffmann2022_approach3", "--at", "params=1e12,tokens=1e10")
    assert "1.8 decades (params)" in out
    data = read("compare", "hoffmann2022_approach3", "besiroglu2024_refit", "--at", AT)
    assert data["schema"] == "lawful.comparison/1"
    first = data["answers"][0]  # type: ignore[index]
    assert {"key", "output", "unit", "value", "at", "reach", "conventions", "unconfirmed", "warnings"} == set(first)
    assert first["reach"] == {"params": 0.0, "tokens": 0.0}


def test_params_of_no_stated_convention_are_the_params_given():
    for e in published().values():
        if "params" in e.law.inputs and not e.counting.get("params"):
            at = e.checks[0].at
            taken, _ = e.resolve(dict(reversed(at.items())))
            assert taken == dict(at)


def test_unconfirmed_coefficients_are_named():
    doubtful = [e for e in published().values() if e.unconfirmed]
    for e in doubtful[:5]:
        at = ",".join(f"{name}={value!r}" for name, value in e.checks[0].at.items())
        code, out, err = say("compare", e.key, "--at", at)
        assert code == 0, err
        assert e.unconfirmed[0] in out


@pytest.mark.parametrize(("arguments", "expected"), [
    ((), "name the laws to compare"),
    (("besiroglu2024_refit",), "these laws take params [count], tokens [tokens]"),
    (("besiroglu2024_refit", "--at", "params=1B"),
     "besiroglu2024_refit takes params [count] (total), tokens [tokens]: missing tokens"),
    (("besiroglu2024_refit", "--at", f"{AT},width=64"), "none of these laws takes width; they take params [count]"),
    (("besiroglu2024_refit", "--at", f"{AT},tokns=64"), "unknown quantity 'tokns'; nearest: "),
    (("besiroglu2024_refit", "--at", "params=0,tokens=1B"), "params must be positive and finite, got 0"),
    (("besiroglu2024_refit", "--at", "params=1B,tokens=-3"), "tokens must be positive and finite, got -3"),
    (("besiroglu2024_refit", "--at", "params=many,tokens=3"), "--at params: 'many' is not a number"),
])
def test_a_question_that_has_no_answer_says_what_is_needed(arguments, expected):
    assert expected in refused("compare", *arguments)


# --------------------------------------------------------------------------------------- check and cite

def test_check_lists_every_entry_with_its_verdict():
    code, out, _ = say("check")
    assert code == 0
    data = read("check")
    assert data["verdicts"].keys() == catalogue().keys()  # type: ignore[attr-defined]
    kinds = [e.kind for e in ENTRIES]
    assert data["counts"] == {"pass": kinds.count("published"), "fail": 0, "fittable": kinds.count("fittable"),
                              "guidance": kinds.count("guidance")}
    assert out.splitlines()[-1].startswith(f"{len(ENTRIES)} entries: {kinds.count('published')} pass, 0 fail")


def test_check_fails_where_a_value_is_not_reproduced(monkeypatch):
    monkeypatch.setattr(Published, "passes", lambda self, check: self.key != "besiroglu2024_refit")
    assert "check values not reproduced: besiroglu2024_refit" in refused("check", code=1)
    assert "besiroglu2024_refit" in say("check")[1]


def test_cites_each_paper_once():
    code, out, _ = say("cite", "kaplan2020_l_n", "kaplan2020_l_nd", "besiroglu2024_refit")
    assert code == 0
    assert out.count("@misc{") == 2
    assert "eprint = {2001.08361}" in out
    assert "author = {Kaplan and others}" in out
    assert "% kaplan2020_l_nd: Table 2; equation 1.5" in out
    data = read("cite", "kaplan2020_l_n")
    assert data["schema"] == "lawful.citations/1"
    assert len(data["bibtex"]) == 1  # type: ignore[arg-type]
    assert "name the laws to cite" in refused("cite")


@pytest.mark.parametrize("found", ENTRIES, ids=lambda e: e.key)
def test_bibtex_is_well_formed(found):
    text = found.source.bibtex()
    assert text.count("{") == text.count("}")
    assert re.match(r"@misc\{[a-z]+\d{4}_[^\s,{}]*,\n", text), text
    assert f"year = {{{found.source.year}}}" in text
    assert not re.search(r"(?<!\\)[&%#]", text)


def test_citations_go_to_a_file(tmp_path):
    file = tmp_path / "laws.bib"
    assert say("cite", "besiroglu2024_refit", "-o", str(file))[0] == 0
    assert file.read_text().startswith("% besiroglu2024_refit: ")


# ------------------------------------------------------------------------------------------------ the page

@pytest.fixture(scope="module")
def page_module():
    spec = importlib.util.spec_from_file_location("docs_catalogue", ROOT / "docs" / "catalogue.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_page_has_a_row_and_a_card_for_every_entry(page_module):
    text = page_module.PAGE.read_text(encoding="utf-8")
    cards = re.findall(r"^\((law-\S+)\)=$", text, re.MULTILINE)
    assert cards == list(dict.fromkeys(cards)), "no card twice"
    targets = [page_module.target(key) for key in catalogue()]
    missing = sorted(set(targets) ^ set(cards))
    assert not missing, f"python docs/catalogue.py writes the page; differs in {missing[:5]}"
    assert all(f"](#{target})<br>" in text for target in targets)
    assert len(text.encode()) < 1.5e6


def test_every_published_card_has_its_figure(page_module):
    for e in published().values():
        text = "\n".join(page_module.card(e))
        assert text.count("<svg") == 1
        assert e.law.formula() in text
        assert all(f.source in text for f in e.failures)
