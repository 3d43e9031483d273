"""What holds for every law at once: the tests loop over the registry, so a new form is tested on arrival."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lawful.errors import InputError, LawError, UnknownName
from lawful.laws import Law, Region, form, forms, law, published
from lawful.laws.base import Exponent, Positive
from lawful.laws.language import AdditiveLoss
from lawful.laws.power import FloorPowerLaw, PowerLaw
from lawful.quantities import quantity

SPANS = {"count": (1e5, 1e12), "tokens": (1e7, 1e13), "FLOP": (1e15, 1e25), "nats/token": (0.5, 8.0),
         "steps": (1e2, 1e7), "fraction": (0.01, 0.99)}
MORE_IS_BETTER = {"params", "nonembedding_params", "active_params", "tokens", "unique_tokens", "compute", "steps"}
ALL = [*forms(), "power_law:tokens", "power_law_floor:params"]
SHORT = [name for name, cls in forms().items() if cls.__module__ in ("lawful.laws.language", "lawful.laws.power")]
TEMPLATES = [*SHORT, "power_law:params", "power_law:tokens", "power_law_floor:tokens", "power_law_floor:steps"]


def span(name):
    return SPANS.get(quantity(name).unit, (1.0, 1e4))


def usual(law_, rng):
    """A law of the same form with coefficients from the spans where a search starts."""
    return law_.with_coefficients({
        name: float(np.exp(rng.uniform(np.log(low), np.log(high)))) if low > 0 else float(rng.uniform(low, high))
        for name, (low, high) in ((n, limit.start) for n, limit in law_.limits().items())})


def laws_of(name, count, seed=0):
    """Laws of one form that give usual values at usual sizes: published ones first, then drawn ones."""
    template = form(name)
    found = [entry.law for entry in published().values()
             if type(entry.law) is type(template) and entry.law.settings == template.settings]
    rng = np.random.default_rng(seed)
    middle = {n: math.sqrt(span(n)[0] * span(n)[1]) for n in template.inputs}
    for _ in range(2000):
        with np.errstate(all="ignore"):
            made = usual(template, rng)
            value = made(**{n: np.float64(v) for n, v in middle.items()})
        if 1e-6 < value < 1e12:
            found.append(made)
        if len(found) >= count:
            return found
    raise AssertionError(f"no usual law of form {name}")


# ---------------------------------------------------------------------------- names, limits, data

@pytest.mark.parametrize("name", ALL)
def test_a_form_names_its_coefficients_and_their_limits(name):
    template = form(name)
    assert list(template.names()) == list(template.coefficients) == list(template.limits())
    assert template.names()
    for coefficient, limit in template.limits().items():
        assert limit.low < getattr(template, coefficient) < limit.high
        start = limit.on(np.geomspace(1e3, 1e9, 7)).start  # one that is meant along the data, as numbers
        assert limit.low <= start[0] < start[1] <= limit.high
    assert not set(template.settings) & set(template.names())
    for name in (*template.inputs, template.output.name):
        assert quantity(name), "a form speaks in the glossary's names"
    assert " = " in type(template).__doc__, "the docstring shows the formula"


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_law_goes_to_data_and_back(name):
    for one in laws_of(name, 5):
        data = json.loads(json.dumps(one.to_dict()))
        assert Law.from_dict(data) == one
        assert data["form"] == one.form
        assert set(data) == {"form", "settings", "coefficients"}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("kind", ["at_low", "below", "nan", "inf"])
def test_coefficients_outside_their_limits_are_refused(name, kind):
    template = form(name)
    for coefficient, limit in template.limits().items():
        bad = {"at_low": limit.low, "below": limit.low - 1.0, "nan": math.nan, "inf": math.inf}[kind]
        with pytest.raises(LawError, match=rf"{template.form}: {coefficient} must lie in \(.*\), got"):
            template.with_coefficients({**template.coefficients, coefficient: bad})


@pytest.mark.parametrize("name", ALL)
def test_with_coefficients_takes_names_or_the_order(name):
    template = form(name)
    values = [getattr(template, c) * 1.25 for c in template.names()]
    made = template.with_coefficients(values)
    assert made == template.with_coefficients(dict(zip(template.names(), values, strict=True)))
    assert list(made.coefficients.values()) == values
    assert made.settings == template.settings
    with pytest.raises(ValueError, match="zip"):
        template.with_coefficients(values[:-1])


def test_from_dict_refuses_what_no_form_has():
    with pytest.raises(LawError, match=r"no form is called 'chinchila'; known: .*chinchilla"):
        Law.from_dict({"form": "chinchila", "coefficients": {}})
    with pytest.raises(LawError, match="no form is called None"):
        Law.from_dict({})
    for coefficients in ({"E": 1.0}, {**form("chinchilla").coefficients, "gamma": 1.0}):
        with pytest.raises(LawError, match=r"chinchilla has coefficients E, A, alpha, B, beta; got E"):
            Law.from_dict({"form": "chinchilla", "coefficients": coefficients})
    with pytest.raises(LawError, match="E must lie in"):
        Law.from_dict({"form": "chinchilla", "coefficients": {**form("chinchilla").coefficients, "E": -1.0}})


@pytest.mark.parametrize("change", [
    {"coefficients": {"x_c": "1e13", "alpha": 0.1}}, {"coefficients": {"x_c": None, "alpha": 0.1}},
    {"settings": {"colour": "red"}}, {"settings": {"over": "banana"}},
])
def test_from_dict_refuses_a_damaged_file(change):
    data = {"form": "power_law", "settings": {"over": "params"}, "coefficients": {"x_c": 1e13, "alpha": 0.1}}
    assert Law.from_dict(data) == PowerLaw(1e13, 0.1, "params")
    with pytest.raises(InputError):
        Law.from_dict({**data, **change})


# ------------------------------------------------------------------------------- floats and arrays

@pytest.mark.parametrize("name", TEMPLATES)
def test_floats_arrays_and_draws_agree(name):
    some = laws_of(name, 6)
    template = some[0]
    rng = np.random.default_rng(1)
    at = {n: np.exp(rng.uniform(*np.log(span(n)), 7)) for n in template.inputs}
    with np.errstate(all="ignore"):
        draws = np.array([[getattr(one, c) for c in one.names()] for one in some])
        sample = template.with_coefficients(draws.T[:, :, None])
        whole = sample(**at)
        assert whole.shape == (len(some), 7)
        by_name = template.with_coefficients({c: draws[:, [i]] for i, c in enumerate(template.names())})
        assert np.array_equal(by_name(**at), whole)
        for d, one in enumerate(some):
            assert one(**at) == pytest.approx(whole[d], rel=1e-12)
            for run in range(7):
                single = one(**{n: float(v[run]) for n, v in at.items()})
                assert np.ndim(single) == 0
                assert single == pytest.approx(whole[d, run], rel=1e-12)
        assert one.at({**at, "seed": "ignored"}) == pytest.approx(whole[-1]), "at() takes what it needs of a table"


@pytest.mark.parametrize("name", TEMPLATES)
def test_laws_stay_finite_far_outside_every_run(name):
    """Six decades beyond the usual sizes on both sides, in any combination, without a warning."""
    published_or_template = [entry.law for entry in published().values() if type(entry.law) is type(form(name))]
    for one in [*published_or_template, form(name)]:
        ends = [[span(n)[0] / 1e3, span(n)[1] * 1e6] for n in one.inputs]
        for corner in np.stack(np.meshgrid(*ends), axis=-1).reshape(-1, len(one.inputs)):
            value = one(**{n: float(v) for n, v in zip(one.inputs, corner, strict=True)})
            assert math.isfinite(value)
            assert value > 0


@pytest.mark.parametrize("name", [n for n in TEMPLATES if form(n).output.name == "loss"])
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_more_never_hurts(name, data):
    """A law of loss never rises with params, tokens, steps or compute."""
    template = form(name)
    unit = st.floats(0.0, 1.0)
    coefficients = {}
    for c, limit in template.limits().items():
        low, high = limit.start
        share = data.draw(unit, label=c)
        coefficients[c] = low * (high / low) ** share if low > 0 else low + share * (high - low)
    at = {n: np.float64(span(n)[0] * (span(n)[1] / span(n)[0]) ** data.draw(unit, label=n)) for n in template.inputs}
    one = template.with_coefficients(coefficients)
    which = data.draw(st.sampled_from([n for n in template.inputs if n in MORE_IS_BETTER]))
    factor = data.draw(st.floats(1.0, 1e6))
    with np.errstate(all="ignore"):
        before, after = one(**at), one(**{**at, which: at[which] * factor})
    assert after <= before * (1 + 1e-12)


@pytest.mark.parametrize("name", ALL)
def test_missing_quantities_are_named_with_units(name):
    template = form(name)
    for missing in template.inputs:
        given_ = {n: 1e6 for n in template.inputs if n != missing}
        with pytest.raises(LawError) as refusal:
            template.at(given_)
        assert str(refusal.value).endswith(f"missing {missing}")
        for needed in template.inputs:
            assert f"{needed} [{quantity(needed).unit}]" in str(refusal.value)


@pytest.mark.parametrize("one", [PowerLaw(1e13, 0.1, "tokens"), FloorPowerLaw(1.7, 400.0, 0.3, "tokens")], ids=str)
def test_a_law_over_one_quantity_takes_that_one(one):
    assert one(tokens=1e10) == one(1e10)
    assert one.inputs == ("tokens",)
    for wrong in ({"params": 1e10}, {"tokens": 1e10, "params": 1e9}, {}):
        with pytest.raises(LawError, match="over tokens takes tokens and nothing else"):
            one(**wrong)
    with pytest.raises(LawError):
        one(1e10, 1e9)


# --------------------------------------------------------------------------------- compute-optimal

SPLITTING = [n for n in TEMPLATES if form(n).splits_compute]
COMPUTE = 1e21


def well_posed(name):
    """Laws of the form whose optimum lies inside, and matters."""
    found = []
    for one in laws_of(name, 60, seed=3):
        with np.errstate(all="ignore"):
            product = np.float64(COMPUTE / 6)
            best = one.optimal_params(product)
            if not 1e2 < best < product / 1e2:
                continue
            here, aside = one(best, product / best), min(one(best * f, product / best / f) for f in (0.5, 2.0))
        if aside / here - 1 > 1e-5:
            found.append(one)
    assert len(found) >= 5
    return found


def test_the_joint_forms_split_compute():
    assert {"chinchilla", "kaplan"} <= set(SPLITTING)
    assert "kaplan_steps" not in SPLITTING


@pytest.mark.parametrize("name", SPLITTING)
def test_the_closed_optimum_is_the_numeric_one_and_no_neighbour_is_better(name):
    for one in well_posed(name):
        product = COMPUTE / 6
        best = one.optimal_params(product)
        with np.errstate(all="ignore"):
            assert best == pytest.approx(one.numeric_optimal_params(product), rel=2e-3)
        here = one(params=best, tokens=product / best)
        for factor in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0):
            assert one(params=best * factor, tokens=product / best / factor) >= here * (1 - 1e-14)


@pytest.mark.parametrize("name", SPLITTING)
def test_an_allocation_spends_exactly_the_compute(name):
    for one in well_posed(name)[:5]:
        for k in (6.0, 4.2):
            split = one.allocate(COMPUTE, k)
            assert k * split.params * split.tokens == pytest.approx(COMPUTE)
            assert split.params == pytest.approx(one.optimal_params(COMPUTE / k))
            assert split.output == one(params=split.params, tokens=split.tokens)
            assert split.compute == COMPUTE


@pytest.mark.parametrize("name", SPLITTING)
def test_allocation_exponents_are_the_slope_of_the_optimum(name):
    for one in well_posed(name):
        a, b = one.allocation_exponents(COMPUTE)
        lower, upper = (one.allocate(COMPUTE * f) for f in (1 / 1.02, 1.02))
        width = 2 * math.log(1.02)
        assert a == pytest.approx(math.log(upper.params / lower.params) / width, abs=1e-3)
        assert b == pytest.approx(math.log(upper.tokens / lower.tokens) / width, abs=1e-3)
        assert a + b == pytest.approx(1.0)


@pytest.mark.parametrize("name", SPLITTING)
def test_draws_and_budgets_allocate_at_once(name):
    some = well_posed(name)[:4]
    sample = some[0].with_coefficients(np.array([[getattr(s, c) for c in s.names()] for s in some]).T[:, :, None])
    budgets = np.array([1e20, 1e21, 1e22])
    split = sample.allocate(budgets)
    assert np.shape(split.params) == np.shape(split.output) == (4, 3)
    for d, one in enumerate(some):
        for i, budget in enumerate(budgets):
            single = one.allocate(budget)
            assert split.params[d, i] == pytest.approx(single.params)
            assert split.tokens[d, i] == pytest.approx(single.tokens)
            assert split.output[d, i] == pytest.approx(single.output)


@pytest.fixture
def plain(monkeypatch):
    """The additive loss written anew: one class, nothing but the call."""
    monkeypatch.setattr(Law, "registry", dict(Law.registry))

    @dataclass(frozen=True)
    class Plain(Law):
        form: ClassVar[str] = "plain"
        E: Positive
        A: Positive
        alpha: Exponent
        B: Positive
        beta: Exponent

        def __call__(self, params, tokens):
            return self.E + self.A / params**self.alpha + self.B / tokens**self.beta

    return Plain


CLOSED = AdditiveLoss(E=1.82, A=480.0, alpha=0.348, B=2085.0, beta=0.366)


def test_one_class_is_all_that_a_new_form_takes(plain):
    assert form("plain") == plain(1.0, 1.0, 1.0, 1.0, 1.0)
    one = plain(**CLOSED.coefficients)
    assert one.inputs == ("params", "tokens")
    assert one.formula() == CLOSED.formula()
    assert Law.from_dict(one.to_dict()) == one
    assert one.allocate(1e21).params == pytest.approx(CLOSED.allocate(1e21).params, rel=1e-4)
    assert one.allocation_exponents(1e21) == pytest.approx(CLOSED.allocation_exponents(1e21), abs=1e-4)


def test_a_numeric_optimum_takes_draws(plain):
    draws = {name: np.array([[value], [value * 1.1]]) for name, value in CLOSED.coefficients.items()}
    for budgets in (1e21, np.array([[1e19, 1e21, 1e23]])):
        numeric, closed = (cls(**draws).allocate(budgets) for cls in (plain, AdditiveLoss))
        assert numeric.params.shape == closed.params.shape
        assert numeric.params == pytest.approx(closed.params, rel=1e-4)


@pytest.mark.parametrize("budgets", [np.array([1e19, 1e21]), np.array([1e21])])
def test_a_numeric_optimum_has_the_shape_of_its_budgets(plain, budgets):
    found = plain(**CLOSED.coefficients).allocate(budgets)
    assert np.shape(found.params) == np.shape(found.output) == budgets.shape
    assert found.params == pytest.approx(CLOSED.allocate(budgets).params, rel=1e-4)


@pytest.mark.parametrize("name", [n for n in TEMPLATES if n not in SPLITTING])
def test_other_forms_say_why_they_cannot_split(name):
    template = form(name)
    with pytest.raises(LawError) as refusal:
        template.allocate(1e21)
    for part in (*template.inputs, "cannot divide compute", "chinchilla"):
        assert part in str(refusal.value)


# ------------------------------------------------------------------------------- forms by their name

def test_every_name_and_alias_finds_its_form():
    ours = {name: cls for name, cls in Law.registry.items() if ".py:" not in name}  # other tests load their own
    for name, cls in ours.items():
        assert type(form(name)) is cls
        assert type(form(name.upper().replace("_", "-"))) is cls
    assert {cls.form for cls in Law.registry.values()} == set(forms())
    assert type(form("additive")) is AdditiveLoss
    assert "additive" not in forms(), "aliases are left out"


def test_a_form_over_one_quantity_is_named_with_it():
    assert form("power_law:tokens").inputs == ("tokens",)
    assert form("power_law").inputs == ("compute",)
    with pytest.raises(InputError, match=r"form 'chinchilla' takes no ':tokens'.*power_law:tokens"):
        form("chinchilla:tokens")
    with pytest.raises(UnknownName, match=r"unknown quantity 'tokns' in form 'power_law:tokns'; nearest: .*tokens"):
        form("power_law:tokns")


def test_a_catalogue_key_is_a_form_and_so_are_classes_and_laws():
    assert form("hoffmann2022_approach3") is law("hoffmann2022_approach3").law
    assert form("kaplan2020_l_n").inputs == ("params",)
    mine = AdditiveLoss(1.0, 2.0, 0.3, 4.0, 0.5)
    assert form(mine) is mine
    assert type(form(AdditiveLoss)) is AdditiveLoss


def test_a_bad_name_gives_the_nearest():
    with pytest.raises(UnknownName, match="unknown form 'chinchila'; nearest: chinchilla"):
        form("chinchila")
    with pytest.raises(UnknownName, match=r"unknown law 'hoffmann2022_aproach3'; nearest: .*hoffmann2022_approach3"):
        law("hoffmann2022_aproach3")
    with pytest.raises(UnknownName, match=r"unknown law 'chinchilla'.*`lawful laws` lists them"):
        law("chinchilla")


def test_two_forms_of_one_name_are_refused(monkeypatch):
    for taken in ("chinchilla", "additive"):
        monkeypatch.setattr(Law, "registry", dict(Law.registry))
        with pytest.raises(TypeError, match=f"two forms are called '{taken}': AdditiveLoss, Other"):
            type("Other", (Law,), {"form": taken})
        with pytest.raises(TypeError, match=f"two forms are called '{taken}': AdditiveLoss, Other"):
            type("Other", (Law,), {"form": "quite_new", "aliases": (taken,)})


def test_a_form_needs_a_name_of_its_own():
    with pytest.raises(TypeError, match="Nameless needs a name"):
        type("Nameless", (Law,), {})
    with pytest.raises(TypeError, match="Heir needs a name"):
        type("Heir", (AdditiveLoss,), {})


def test_a_law_is_frozen_and_hashable():
    one = form("chinchilla")
    with pytest.raises(AttributeError):
        one.E = 2.0
    assert len({one, form("chinchilla"), one.with_coefficients([2.0, 1.0, 1.0, 1.0, 1.0])}) == 2


# ------------------------------------------------------------------------------------------ regions

def test_reach_is_in_decades_outside_the_span():
    region = Region(params=(1e6, 1e9), tokens=(1e8, 1e10))
    assert region.reach(params=1e10, tokens=1e9) == pytest.approx({"params": 1.0, "tokens": 0.0})
    assert region.reach(params=1e4) == pytest.approx({"params": 2.0}), "only what was asked"
    assert region.reach(params=1e9, compute=1e30) == {"params": 0.0}, "and only what is known"
    assert region.reach(tokens=10**10.5) == pytest.approx({"tokens": 0.5})


@pytest.mark.parametrize(("span", "value", "decades"), [
    ((0.0, 2.0), 20.0, 1.0), ((0.0, 2.0), 1.0, 0.0), ((-1.0, 1.0), -19.0, 1.0), ((-1.0, 1.0), 3.0, math.log10(2.0)),
    ((1.0, 2.0), 0.0, math.log10(2.0)), ((1.0, 2.0), -8.0, 1.0), ((0.0, 0.0), 0.0, 0.0),
])
def test_reach_of_what_is_not_positive_counts_widths_of_the_span(span, value, decades):
    assert Region(x=span).reach(x=value) == pytest.approx({"x": decades})


def test_regions_compare_and_go_to_data():
    region = Region(params=(1, 2))
    assert region.to_dict() == {"params": [1.0, 2.0]}
    assert region == Region(params=(1.0, 2.0))
    assert region != Region(params=(1.0, 3.0))
    assert region != {"params": (1.0, 2.0)}
    assert hash(region) == hash(Region(params=(1.0, 2.0)))
    assert repr(region) == "Region(params=(1, 2))"
