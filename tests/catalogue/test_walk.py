"""Every entry of the catalogue at once: what must hold of any law holds of each."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lawful.fit import fit
from lawful.laws import Fittable, Guidance, Law, Published, catalogue, form
from lawful.laws import entry as entry_of
from lawful.laws.base import Limit
from lawful.laws.expressions import Tape, differentiate, symbol
from lawful.quantities import quantity
from lawful.runs import RunTable

ENTRIES = list(catalogue().values())
WITH_FORM = [e for e in ENTRIES if isinstance(e, Published | Fittable)]
PUBLISHED = [e for e in ENTRIES if isinstance(e, Published)]

RUNS = 64
FRACTIONS = ("fraction",)
# Quantities with a natural end or origin: a thousand times more bits, streams or years is no question.
BOUNDED = ("depth", "width", "heads", "streams", "granularity", "experts", "active_experts", "weight_bits",
           "activation_bits", "kv_bits", "post_bits", "temperature", "years", "elo", "board_size", "kl", "epochs",
           "reward", "group_size")


# Forms whose coefficients stand in (no set is published) are looked at where those numbers matter.
STAND_INS = {
    "caballero2022_bnsl:one_break": {"compute": (1e-3, 1e4)}, "caballero2022_bnsl:two_breaks": {"compute": (1e-3, 1e6)},
    "alabdulmohsin2022_m4": {"examples": (1e-2, 1e4)}, "khatri2025_scalerl": {"device_hours": (1e1, 1e5)},
    "ardalani2022_recsys:compute": {"compute": (1e-1, 1e4)}, "liu2024_graphs:edges": {"edges": (1e-2, 1e3)},
    "liu2024_graphs:params": {"params": (1e-2, 1e3)},
    "ho2024_algorithmic_progress:loss": {"params": (1.0, 1e4), "tokens": (1.0, 1e4), "years": (0.1, 10.0)},
}


def key(entry: object) -> str:
    return entry.key  # type: ignore[attr-defined]


def spans(entry: Published | Fittable) -> dict[str, tuple[float, float]]:
    """Where to look at a law: its region, or what its inputs usually are."""
    known = dict(entry.region.spans) if isinstance(entry, Published) else {}
    usual = {"FLOP": (1e18, 1e22), "tokens": (1e9, 1e11), "fraction": (0.05, 0.9), "bits": (3.0, 16.0),
             "nats/token": (2.0, 4.0), "steps": (1e3, 1e5), "1": (1e-4, 1e-2)}
    small = {"experts": (4.0, 256.0), "active_experts": (1.0, 8.0), "granularity": (1.0, 16.0), "epochs": (1.0, 40.0),
             "samples": (1.0, 1e3), "streams": (1.0, 8.0), "lora_rank": (2.0, 128.0), "depth": (4.0, 64.0),
             "width": (256.0, 8192.0), "heads": (4.0, 64.0), "sparsity": (0.05, 0.9), "temperature": (0.2, 1.5),
             "elo": (-1500.0, -100.0), "capability": (-6.0, 6.0), "years": (0.1, 10.0),
             "group_size": (16.0, 256.0), "pue": (1.05, 2.0), "carbon_intensity": (0.02, 0.8)}
    found = {}
    for name in entry.law.inputs:
        if name in STAND_INS.get(entry.key, {}):
            found[name] = STAND_INS[entry.key][name]
            continue
        low, high = known.get(name) or small.get(name) or usual.get(quantity(name).unit) or (1e7, 1e10)
        if 0 < high < 3 * low and name in known:  # a law fitted at one value still varies about it
            middle = (low + high) / 2
            low, high = middle / 2, middle * 2
        if quantity(name).unit in FRACTIONS:
            low, high = max(low, 0.02), min(high, 0.95)
        found[name] = (low, high)
    return found


def design(entry: Published | Fittable, runs: int = RUNS) -> dict[str, np.ndarray]:
    """Points spread over the spans: additive recurrences, one irrational a variable, evenly in the logarithm."""
    irrationals = np.sqrt(np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37], dtype=float))
    points = {}
    for j, (name, (low, high)) in enumerate(spans(entry).items()):
        share = (0.5 + np.arange(1, runs + 1) * irrationals[j % 12]) % 1.0
        points[name] = low * (high / low) ** share if low > 0 else low + (high - low) * share
    return points


def test_every_law_of_the_facts_is_present_once() -> None:
    ids = {e.key.partition(":")[0] for e in ENTRIES}
    assert len(ids) >= 136
    assert len({e.key for e in ENTRIES}) == len(ENTRIES)


@pytest.mark.parametrize("entry", ENTRIES, ids=key)
def test_says_where_it_comes_from(entry: Published | Fittable | Guidance) -> None:
    assert entry.title
    assert entry.source.where
    assert entry.source.year > 1990
    assert entry.source.authors
    assert set(entry.questions) <= set(range(1, 9))
    assert json.dumps(entry.to_dict())
    if isinstance(entry, Guidance):
        assert entry.advice
        ids = {e.key.partition(":")[0] for e in ENTRIES}
        assert {c.partition(":")[0] for c in entry.concerns} <= ids


@pytest.mark.parametrize("entry", PUBLISHED, ids=key)
def test_reproduces_its_source(entry: Published) -> None:
    assert entry.checks, "quote at least one value this law must give"
    for check in entry.checks:
        assert float(entry.law.at(check.at)) == pytest.approx(check.value, abs=check.half_unit), check.where
    assert entry.region.spans or entry.region_note, "state the region, or that there is none"
    for name in entry.unconfirmed:
        assert name in entry.law.names()


@pytest.mark.parametrize("entry", WITH_FORM, ids=key)
def test_inputs_are_quantities_and_the_law_survives_a_round_trip(entry: Published | Fittable) -> None:
    for name in entry.law.inputs:
        assert quantity(name).unit
    assert Law.from_dict(json.loads(json.dumps(entry.law.to_dict()))) == entry.law
    assert form(entry.key).form == entry.law.form


@pytest.mark.parametrize("entry", PUBLISHED, ids=key)
def test_is_finite_over_its_region_and_three_decades_beyond(entry: Published) -> None:
    for factor in (1e-3, 1.0, 1e3):
        at = {}
        for name, values in design(entry, 16).items():
            top = 0.999 if quantity(name).unit in FRACTIONS else np.inf
            at[name] = values if name in BOUNDED else np.minimum(values * factor, top)
        with np.errstate(all="ignore"):
            output = np.asarray(entry.law.at(at), dtype=float)
        assert np.isfinite(output).all(), (factor, output)


@pytest.mark.parametrize("entry", PUBLISHED, ids=key)
def test_floats_and_arrays_agree(entry: Published) -> None:
    points = design(entry, 5)
    together = np.broadcast_to(np.asarray(entry.law.at(points), dtype=float), (5,))
    for i in range(5):
        alone = float(entry.law.at({name: float(v[i]) for name, v in points.items()}))
        assert alone == pytest.approx(together[i], rel=1e-12)


@pytest.mark.parametrize("entry", PUBLISHED, ids=key)
def test_is_monotone_where_it_says_so(entry: Published) -> None:
    points = design(entry, 24)
    base = np.asarray(entry.law.at(points), dtype=float)
    slack = 1e-12 * np.abs(base)
    for name in (*entry.law.falls_with, *entry.law.rises_with):
        top = 0.999 if quantity(name).unit in FRACTIONS else np.inf
        more = {**points, name: np.minimum(points[name] * 1.3, top)}
        change = np.asarray(entry.law.at(more), dtype=float) - base
        if name in entry.law.falls_with:
            assert (change <= slack).all(), name
        else:
            assert (change >= -slack).all(), name


@pytest.mark.parametrize("entry", WITH_FORM, ids=key)
def test_derivatives_are_those_of_the_formula(entry: Published | Fittable) -> None:
    law_ = entry.law
    points = {name: float(v[2]) for name, v in design(entry, 5).items()}
    expression = law_.with_coefficients({n: symbol(n) for n in law_.names()}).at(points)
    for name, value in law_.coefficients.items():
        slope = float(np.asarray(Tape([differentiate(expression, name)], {})(
            {n: np.float64(c) for n, c in law_.coefficients.items()})[0]))
        step = 1e-6 * max(abs(value), 1e-9)
        high, low = (float(law_.with_coefficients({**law_.coefficients, name: value + s}).at(points))
                     for s in (step, -step))
        scale = abs(float(law_.at(points))) / max(abs(value), 1e-300)
        assert slope == pytest.approx((high - low) / (2 * step), rel=1e-4, abs=1e-7 * scale), name


@pytest.mark.parametrize("entry", PUBLISHED, ids=key)
def test_jax_agrees(entry: Published) -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    points = design(entry, 3)
    ours = np.broadcast_to(np.asarray(entry.law.at(points), dtype=float), (3,))
    theirs = entry.law.at({name: jax.numpy.asarray(v) for name, v in points.items()})
    np.testing.assert_allclose(np.broadcast_to(np.asarray(theirs), (3,)), ours, rtol=1e-9)


def _one_of_each_form() -> list[Published | Fittable]:
    seen: dict[tuple[str, tuple[str, ...]], Published | Fittable] = {}
    for entry in sorted(WITH_FORM, key=lambda e: isinstance(e, Fittable)):
        seen.setdefault((entry.law.form, entry.law.inputs), entry)
    return list(seen.values())


@pytest.mark.parametrize("entry", _one_of_each_form(), ids=key)
def test_without_noise_a_fit_returns_the_coefficients(entry: Published | Fittable) -> None:
    points = design(entry)
    observed = np.broadcast_to(np.asarray(entry.law.at(points), dtype=float), (RUNS,))
    table = RunTable.of(**points, **{entry.law.output.name: observed})
    found = fit(entry.law, table, bootstrap=0, loss="log_squares")
    for name, value in entry.law.coefficients.items():
        assert found.law.coefficients[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name


def test_a_bare_id_means_its_first_set() -> None:
    for entry in PUBLISHED:
        bare, _, which = entry.key.partition(":")
        if which:
            first = next(e for e in ENTRIES if e.key.partition(":")[0] == bare)
            assert entry_of(bare) is first


def test_limits_hold_every_published_coefficient() -> None:
    for entry in PUBLISHED:
        for name, limit in entry.law.limits().items():
            assert isinstance(limit, Limit)
            assert limit.low < entry.law.coefficients[name] < limit.high, (entry.key, name)
