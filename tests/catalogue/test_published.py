"""The catalogue against its papers: values it must give, and numbers typed in by a second reader."""

from __future__ import annotations

import json
import math

import pytest

from lawful.errors import LawError
from lawful.laws import Region, law, published
from lawful.laws.language import AdditiveLoss
from lawful.laws.power import PowerLaw
from lawful.laws.published import Check, Entry, Published, Source

PAPERS = ("2001.08361", "2203.15556", "2404.10102")   # Kaplan 2020, Hoffmann 2022, Besiroglu 2024
ENTRIES = [entry for entry in published().values() if entry.source.arxiv in PAPERS]
every_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.key)

PF_DAY = 8.64e19
CATEGORIES = {"lm_pretraining", "hyperparameters"}


# ------------------------------------------------------------------------------------- every entry

@every_entry
def test_reproduces_its_source(entry):
    assert entry.checks, "quote at least one value this law must give"
    for check in entry.checks:
        assert float(entry.law(**check.at)) == pytest.approx(check.value, abs=check.half_unit)
        assert set(check.at) == set(entry.law.inputs)
        assert check.where
        assert entry.passes(check)


@every_entry
def test_a_check_would_fail_on_another_law(entry):
    """The printed values are sharp enough to tell a coefficient that is 20 % off."""
    for name, value in entry.law.coefficients.items():
        for factor in (0.8, 1.25):
            wrong = entry.law.with_coefficients({**entry.law.coefficients, name: value * factor})
            missed = [c for c in entry.checks if abs(wrong(**c.at) - c.value) > c.half_unit]
            assert missed, f"{entry.key}: no check notices {name} times {factor}"


@every_entry
def test_says_where_it_comes_from_and_what_it_answers(entry):
    assert entry.source.arxiv.replace(".", "").isdigit()
    assert len(entry.source.arxiv) == 10
    assert entry.source.where
    assert entry.source.authors
    assert entry.source.title
    assert 2017 <= entry.source.year <= 2026
    assert entry.category in CATEGORIES
    assert entry.questions
    assert set(entry.questions) <= set(range(1, 9))
    assert entry.title
    assert entry.failures, "every law misleads somewhere"
    for failure in entry.failures:
        assert failure.text
        assert failure.source.replace(".", "").isdigit()


@every_entry
def test_says_what_evidence_it_rests_on(entry):
    assert entry.region.spans
    for name, (low, high) in entry.region.spans.items():
        assert 0 < low < high, name
    assert set(entry.region.spans) & set(entry.law.inputs), "the span of at least one input"


@every_entry
def test_says_how_it_counts_parameters(entry):
    if "params" in entry.law.inputs:
        assert entry.counting["params"] in ("total", "non-embedding", "active")
    assert set(entry.counting) <= set(entry.law.inputs)


@every_entry
def test_is_found_under_its_key(entry):
    assert law(entry.key) is entry
    assert published()[entry.key] is entry


@every_entry
def test_is_callable_like_its_law(entry):
    for check in entry.checks:
        assert entry(**check.at) == entry.law(**check.at)


@every_entry
def test_travels_as_the_json_of_the_design(entry):
    data = json.loads(json.dumps(entry.to_dict(), allow_nan=False))
    assert data["schema"] == "lawful.law/1"
    assert {"key", "title", "formula", "inputs", "output", "coefficients", "region", "failures", "source", "category",
            "questions", "checks"} <= data.keys()
    assert data["key"] == entry.key
    assert data["formula"].startswith(f"{entry.law.output.name} = ")
    assert data["coefficients"] == entry.law.coefficients
    assert all(coefficient in data["formula"] for coefficient in data["coefficients"])
    assert [i["name"] for i in data["inputs"]] == list(entry.law.inputs)
    for given in data["inputs"]:
        assert given.keys() >= {"name", "symbol", "unit", "convention"}
        assert given["convention"] == entry.counting.get(given["name"], "")
        assert given["name"] in data["formula"]
    assert data["output"].keys() >= {"name", "unit"}
    assert all(low < high for low, high in data["region"].values())
    assert all(f.keys() >= {"text", "source"} for f in data["failures"])
    assert data["source"].keys() >= {"arxiv", "where"}
    assert [c["verdict"] for c in data["checks"]] == ["pass"] * len(entry.checks)
    assert all(c.keys() >= {"at", "printed"} for c in data["checks"])


def test_a_failing_check_is_reported_as_such(monkeypatch):
    monkeypatch.setattr(Entry, "registry", {})
    right = law_without_counting(PowerLaw(8.8e13, 0.076, "params"), (
        Check({"params": 1e9}, "2.3757", ""), Check({"params": 1e9}, "2.38", "")))
    assert [c["verdict"] for c in right.to_dict()["checks"]] == ["fail", "pass"]


def test_a_key_is_taken_once(monkeypatch):
    monkeypatch.setattr(Entry, "registry", {})
    law_without_counting(AdditiveLoss(1.0, 1.0, 0.5, 1.0, 0.5))
    with pytest.raises(ValueError, match="are called 'bare'"):
        law_without_counting(AdditiveLoss(1.0, 1.0, 0.5, 1.0, 0.5))


def law_without_counting(one, checks=()):
    return Published(key="bare", title="Bare", law=one, source=Source("0000.00000", "", "", 2020),
                     region=Region(params=(1.0, 2.0)), checks=checks, category="lm_pretraining", questions=(1,))


@pytest.mark.parametrize(("printed", "value", "half"), [
    ("1.937", 1.937, 0.0005), ("1.9", 1.9, 0.05), ("2", 2.0, 0.5), ("1.123e6", 1.123e6, 500.0), ("4e8", 4e8, 5e7),
    ("10e9", 1e10, 5e8), ("1.0e-3", 1e-3, 5e-5), ("0.50", 0.5, 0.005),
])
def test_the_tolerance_is_half_a_unit_of_the_last_printed_digit(printed, value, half):
    check = Check({}, printed, "")
    assert check.value == pytest.approx(value)
    assert check.half_unit == pytest.approx(half)
    assert check.half_unit >= half, "the last bit never decides"


# ----------------------------------------------------------- a second reader, from the papers' tables

NON_EMBEDDING, TOTAL = {"params": "non-embedding"}, {"params": "total"}

SECOND_READER = {
    # Kaplan et al. 2020, tables 2, 3, 5 and 6; 1 PF-day = 8.64e19 FLOP
    "kaplan2020_l_n": ("2001.08361", 2020, {"x_c": 8.8e13, "alpha": 0.076}, NON_EMBEDDING),
    "kaplan2020_l_d": ("2001.08361", 2020, {"x_c": 5.4e13, "alpha": 0.095}, {}),
    "kaplan2020_l_c_naive": ("2001.08361", 2020, {"x_c": 1.6e7 * PF_DAY, "alpha": 0.057}, {}),
    "kaplan2020_l_cmin": ("2001.08361", 2020, {"x_c": 3.1e8 * PF_DAY, "alpha": 0.050}, {}),
    "kaplan2020_l_nd": ("2001.08361", 2020, {"alpha_N": 0.076, "alpha_D": 0.103, "N_c": 6.4e13, "D_c": 1.8e13},
                        NON_EMBEDDING),
    "kaplan2020_l_ns": ("2001.08361", 2020, {"alpha_N": 0.077, "alpha_S": 0.76, "N_c": 6.5e13, "S_c": 2100.0},
                        NON_EMBEDDING),
    "kaplan2020_critical_batch": ("2001.08361", 2020, {"B_star": 2.1e8, "alpha_B": 0.21}, {}),
    "kaplan2020_compute_optimal": ("2001.08361", 2020, {"a": 0.73, "k": 1.3e9 / PF_DAY**0.73}, {}),
    # Hoffmann et al. 2022, table 2 and appendix D.3; approaches 1 and 2 print no prefactor
    "hoffmann2022_approach1": ("2203.15556", 2022, {"a": 0.50}, {}),
    "hoffmann2022_approach2": ("2203.15556", 2022, {"a": 0.49}, {}),
    "hoffmann2022_approach3": ("2203.15556", 2022,
                               {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28}, TOTAL),
    # Besiroglu et al. 2024, the authors' notebook
    "besiroglu2024_refit": ("2404.10102", 2024,
                            {"E": 1.8172, "A": 482.01, "B": 2085.43, "alpha": 0.3478, "beta": 0.3658}, TOTAL),
}


@pytest.mark.parametrize("key", SECOND_READER)
def test_coefficients_as_a_second_reader_typed_them(key):
    arxiv, year, coefficients, counting = SECOND_READER[key]
    entry = law(key)
    assert (entry.source.arxiv, entry.source.year) == (arxiv, year)
    assert set(coefficients) <= set(entry.law.coefficients)
    assert {name: entry.law.coefficients[name] for name in coefficients} == pytest.approx(coefficients, rel=1e-12)
    assert dict(entry.counting) == counting


def test_every_entry_has_had_a_second_reader():
    assert {entry.key for entry in ENTRIES} <= SECOND_READER.keys()


@pytest.mark.parametrize(("keys", "region"), [
    (["kaplan2020_l_n"], {"params": (768, 1.5e9)}),
    (["kaplan2020_l_d"], {"tokens": (2.2e7, 2.3e10)}),
    (["kaplan2020_l_nd"], {"params": (768, 1.5e9), "tokens": (2.2e7, 2.3e10)}),
    (["hoffmann2022_approach1", "hoffmann2022_approach2"], {"compute": (6e18, 3e21)}),
    (["hoffmann2022_approach3"], {"params": (7e7, 1.6e10), "tokens": (5e9, 5e11)}),
    (["besiroglu2024_refit"], {"params": (5.7e7, 1.6e10), "compute": (1.4e18, 1.3e22)}),
], ids=lambda value: value[0] if isinstance(value, list) else "")
def test_regions_as_a_second_reader_typed_them(keys, region):
    for key in keys:
        assert law(key).region == Region(**region)


KAPLAN_CRITICS = {"2406.19146", "2406.12907", "2203.15556", "2001.08361"}
HOFFMANN_CRITICS = {"2401.00448", "2305.16264", "2401.02954", "2203.15556"}


@pytest.mark.parametrize(("key", "critics"), [
    *((f"kaplan2020_{name}", KAPLAN_CRITICS)
      for name in ("l_n", "l_d", "l_c_naive", "l_cmin", "l_ns", "compute_optimal")),
    ("kaplan2020_l_nd", KAPLAN_CRITICS | {"2502.12051"}),
    ("kaplan2020_critical_batch", {"2001.08361", "2410.21676"}),
    ("hoffmann2022_approach1", HOFFMANN_CRITICS | {"2404.10102"}),
    ("hoffmann2022_approach2", HOFFMANN_CRITICS),
    ("hoffmann2022_approach3", HOFFMANN_CRITICS | {"2404.10102", "2410.11840"}),
    ("besiroglu2024_refit", {"2404.10102"}),
])
def test_known_failures_are_on_record(key, critics):
    assert critics <= {failure.source for failure in law(key).failures}


def test_which_quantity_each_power_law_is_over():
    over = {"kaplan2020_l_n": "params", "kaplan2020_l_d": "tokens", "kaplan2020_l_c_naive": "compute",
            "kaplan2020_l_cmin": "compute"}
    assert {key: law(key).law.inputs for key in over} == {key: (name,) for key, name in over.items()}


# --------------------------------------------------------------- sentences and tables of the papers

def test_kaplan_doubling_parameters_multiplies_the_loss_by_095():
    """Section 1.2: 2**-alpha_N = 0.95."""
    small, large = (law("kaplan2020_l_n")(params=n) for n in (1e8, 2e8))
    assert large / small == pytest.approx(0.95, abs=0.005)


def test_kaplan_the_joint_law_is_not_additive():
    """Equation 1.5 by hand, at a point where the additive retelling gives another number."""
    N, D = 1e8, 1e9
    inside = (6.4e13 / N) ** (0.076 / 0.103) + 1.8e13 / D
    assert law("kaplan2020_l_nd")(params=N, tokens=D) == pytest.approx(math.exp(0.103 * math.log(inside)), rel=1e-12)


def test_kaplan_steps_and_batch_by_hand():
    assert law("kaplan2020_l_ns")(params=6.5e13, steps=2100.0) == pytest.approx(2.0), "each term is 1 at its own scale"
    assert law("kaplan2020_critical_batch")(loss=1.0) == pytest.approx(2.1e8)
    batch = law("kaplan2020_critical_batch")
    assert batch(loss=2.0) / batch(loss=4.0) == pytest.approx(2.0 ** (1 / 0.21))


def test_kaplan_power_laws_give_one_nat_at_their_scale():
    for key in ("kaplan2020_l_n", "kaplan2020_l_d", "kaplan2020_l_c_naive", "kaplan2020_l_cmin"):
        entry = law(key)
        assert entry(**{entry.law.inputs[0]: SECOND_READER[key][2]["x_c"]}) == pytest.approx(1.0)


def test_kaplan_one_petaflop_day_pays_for_1_3_billion_parameters():
    assert law("kaplan2020_compute_optimal")(compute=PF_DAY) == pytest.approx(1.3e9)
    assert law("kaplan2020_compute_optimal")(compute=10 * PF_DAY) == pytest.approx(1.3e9 * 10**0.73)


@pytest.mark.parametrize(("key", "ratio"), [
    ("hoffmann2022_approach3", "92.6"),   # the rounded constants at Gopher's budget
    ("besiroglu2024_refit", "18.4"),
])
def test_tokens_per_parameter_at_gophers_budget(key, ratio):
    split = law(key).law.allocate(5.76e23)
    assert f"{split.tokens / split.params:.1f}" == ratio


def test_besiroglu_exponent_of_the_optimal_size():
    a, b = law("besiroglu2024_refit").law.allocation_exponents()
    assert a == pytest.approx(0.513, abs=5e-4)
    assert a + b == pytest.approx(1.0)


def test_approach_1_asks_for_67_billion_parameters_at_gophers_budget():
    assert law("hoffmann2022_approach1")(compute=5.76e23) == pytest.approx(67e9)


# ---------------------------------------------------------------------------------- conventions

COUNTED = [e for e in ENTRIES if e.counting.get("params")]
OWN_NAME = {"non-embedding": "nonembedding_params", "total": "total_params", "active": "active_params"}


def others(entry):
    return {n: 1e6 for n in entry.law.inputs if n != "params"}


@pytest.mark.parametrize("entry", COUNTED, ids=lambda e: e.key)
def test_its_own_count_is_taken_without_a_word(entry):
    taken, caveats = entry.resolve({OWN_NAME[entry.counting["params"]]: 1e9, **others(entry)})
    assert taken == {"params": 1e9, **others(entry)}
    assert caveats == ()


@pytest.mark.parametrize("entry", COUNTED, ids=lambda e: e.key)
def test_plain_params_are_taken_with_a_caveat(entry):
    taken, (caveat,) = entry.resolve({"params": 1e9, **others(entry)})
    assert taken["params"] == 1e9
    assert caveat.code == "params_convention"
    assert f"read as {entry.counting['params']} counts" in caveat.message


@pytest.mark.parametrize("entry", COUNTED, ids=lambda e: e.key)
def test_another_count_is_refused_and_never_converted(entry):
    own = OWN_NAME[entry.counting["params"]]
    for name in {"nonembedding_params", "total_params", "active_params"} - {own}:
        with pytest.raises(LawError) as refusal:
            entry.resolve({name: 1e9, **others(entry)})
        convention = f"({entry.counting['params']})"
        for part in (entry.key, "params [count]", convention, "missing params", "convert the count"):
            assert part in str(refusal.value)
        with pytest.raises(LawError, match=f"it does not take {name}"):
            entry.resolve({own: 1e9, name: 2e9, **others(entry)})


@every_entry
def test_a_missing_or_surplus_quantity_names_what_is_needed(entry):
    right = dict.fromkeys(entry.law.inputs, 1e6)
    assert entry.resolve(right)[0] == right
    for name in entry.law.inputs:
        with pytest.raises(LawError, match=rf"^{entry.key} takes .*\[.*\].*: missing {name}") as refusal:
            entry.resolve({n: v for n, v in right.items() if n != name})
        assert "convert" not in str(refusal.value)
    with pytest.raises(LawError, match=rf"^{entry.key} takes .*: it does not take learning_rate$"):
        entry.resolve({**right, "learning_rate": 1e-3})


def test_a_law_that_states_no_counting_takes_params_for_params(monkeypatch):
    monkeypatch.setattr(Entry, "registry", {})
    joint = law_without_counting(AdditiveLoss(1.0, 1.0, 0.5, 1.0, 0.5))
    taken, _ = joint.resolve({"params": 1e9, "tokens": 2e10})
    assert taken == {"params": 1e9, "tokens": 2e10}
