"""Several modalities: the tables of Henighan and Cherti, and what cannot be right in Aghajanyan's."""

from __future__ import annotations

import math

import pytest

from lawful.laws import entry, law, published
from lawful.laws.multimodal import MixedModalLoss

PF_DAY = 8.64e19


def test_henighan_image_laws_have_a_floor_and_text_has_none():
    image = law("henighan2020_modalities:image_32x32")
    assert image(params=1e40) == pytest.approx(2.20, abs=1e-3)
    assert image(params=63.0) == pytest.approx(2.20 + 1.0), "N0 is where the reducible loss is 1"
    assert law("henighan2020_modalities")(params=1.47e14) == 1.0


def test_henighan_compute_is_converted_from_pf_days():
    for modality, scale, floor in (("video_vq", 2.2e-5, 0.95), ("math_extrapolate", 1.4e-5, 0.14)):
        one = law(f"henighan2020_modalities:{modality}_compute")
        assert one(compute=scale * PF_DAY) == pytest.approx(floor + 1.0)
    one = law("henighan2020_modalities:im2text_image_optimal_params")
    assert one(compute=3.3e-12 * PF_DAY) == pytest.approx(1.0), "K0 is the compute of one parameter"


def test_henighan_covers_its_table():
    keys = [k for k in published() if k.startswith("henighan2020")]
    assert len(keys) == 12 + 10 + 10
    exponents = [published()[k].law.a for k in keys if k.endswith("optimal_params")]
    assert all(0.63 < a < 0.76 for a in exponents), "about 0.7 for every modality"


def test_openclip_data_decide_which_line_is_steeper():
    def slope(name: str) -> float:
        one = law(f"cherti2022_openclip:{name}")
        return math.log10(one(compute=1e22) / one(compute=1e21))

    for task, laion, wit in (("imagenet", -0.11, -0.16), ("robustness", -0.13, -0.24),
                             ("coco_retrieval", -0.08, -0.05), ("flickr_retrieval", -0.19, -0.10)):
        assert slope(f"{task}_openclip") == pytest.approx(laion, abs=0.0051), "figure 1"
        assert slope(f"{task}_wit") == pytest.approx(wit, abs=0.0051), "figure 1"


def test_mixed_modal_terms_are_added_not_multiplied():
    one = MixedModalLoss(C=0.2, A=100.0, alpha=0.3, B=50.0, beta=0.2, first="speech", second="text")
    at = {"params": 1e9, "tokens": 1e10, "loss.speech": 3.6, "loss.text": 2.8}
    assert one(**at) == pytest.approx(3.2 - 0.2 + 100 / 1e9**0.3 + 50 / 1e10**0.2)
    assert one.inputs == ("params", "tokens", "loss.speech", "loss.text")


def test_competition_turns_into_synergy_with_scale():
    one = MixedModalLoss(C=0.1, A=100.0, alpha=0.3, B=100.0, beta=0.3)
    alone = {"loss.first": 3.0, "loss.second": 3.0}
    assert one(params=1e7, tokens=1e9, **alone) > 3.0 > one(params=1e12, tokens=1e13, **alone)


def test_unimodal_sets_that_cannot_be_in_nats_say_so():
    for name in ("text", "code", "image", "speech", "image_text", "molecules"):
        one = law(f"aghajanyan2023_mixed_modal:{name}")
        loss = one(params=6.7e9, tokens=1e11)
        warned = any("Do not forecast" in f.text for f in one.failures)
        assert warned == (loss > math.log(65536)), name
        assert one.unconfirmed


def test_native_multimodal_has_no_coefficients_to_offer():
    for name in ("early_fusion", "late_fusion", "sparse_early"):
        assert entry(f"shukor2025_native_multimodal:{name}").kind == "fittable"
