"""The acoustic law's limits, and allocations that are exponents only."""

from __future__ import annotations

import pytest

from lawful.laws.language import KaplanLoss
from lawful.laws.registry import catalogue, law
from lawful.laws.speech import AcousticLoss


def test_without_a_floor_the_acoustic_law_is_kaplans():
    acoustic = AcousticLoss(L_inf=1e-9, N_C=8e3, alpha_N=0.1, D_C=50.0, alpha_D=0.2, alpha=0.2)
    kaplan = KaplanLoss(N_c=8e3, alpha_N=0.1, D_c=50.0, alpha_D=0.2)
    assert acoustic(params=1e6, audio_hours=1e3) == pytest.approx(kaplan(params=1e6, tokens=1e3))


def test_each_bottleneck_alone_gives_its_own_term():
    acoustic = AcousticLoss(L_inf=0.3, N_C=8e3, alpha_N=0.1, D_C=50.0, alpha_D=0.2, alpha=0.05)
    assert acoustic(params=1e60, audio_hours=1e60) == pytest.approx(0.3)
    assert acoustic(params=8e-7, audio_hours=1e60) == pytest.approx(10.0, rel=1e-3)
    assert acoustic(params=1e60, audio_hours=5e-8) == pytest.approx(10 ** (9 * 0.2), rel=1e-3)


def test_masked_proteins_want_larger_models_than_causal_ones():
    masked, causal = (law(f"cheng2024_protein:{o}_params").law.a for o in ("mlm", "clm"))
    assert masked > causal


def test_audio_tokens_grow_faster_than_params():
    assert law("openathena2026_audio_soda:tokens").law.a > law("openathena2026_audio_soda:params").law.a


def test_every_allocation_has_both_halves():
    halves = [k for k, e in catalogue().items() if e.category == "speech_other" and k.endswith("params")
              and e.kind == "published"]
    assert len(halves) == 8
    for key in halves:
        assert law(key.removesuffix("params") + "tokens").law.of == "tokens"
