"""Published laws of vision: Zhai 2022, Alabdulmohsin 2023, Liang 2024."""

from __future__ import annotations

from lawful.laws.allocation import OptimalTokens
from lawful.laws.base import Region
from lawful.laws.language import OptimalParams
from lawful.laws.published import Check, Failure, Fittable, Published, Source
from lawful.laws.theory import Growth, TaskPowerLaw
from lawful.laws.vision import ShapeError, ShiftedPowerLaw

_BY_HAND = "worked by hand from the printed coefficients"
_DAY = 24.0   # device-hours in one TPUv3 core-day


# ------------------------------------------------------------------------------------- Zhai 2022

_ZHAI = (
    # set, what the error is of, (c, a, d, b) as printed, C in core-days, error at C = 1 and at C = 1000 core-days
    ("imagenet_finetune", "ImageNet, fine-tuned", (0.09, 0.26, 0.01, 0.35), "0.34910", "0.11317"),
    ("imagenet_10shot", "ImageNet, 10-shot", (0.12, 0.63, 0.52, 0.32), "0.67100", "0.18907"),
    ("imagenet_5shot", "ImageNet, 5-shot", (0.14, 0.68, 0.67, 0.32), "0.71708", "0.21454"),
    ("imagenet_10shot_in21k_pretrain", "ImageNet, 10-shot, pre-trained on ImageNet-21k", (0.24, 0.96, 1.57, 0.61),
     "0.77977", "0.25419"),
    ("cifar100_10shot", "CIFAR-100, 10-shot", (0.06, 0.48, 0.03, 0.21), "0.53703", "0.17252"),
    ("cifar100_5shot", "CIFAR-100, 5-shot", (0.08, 0.53, 0.07, 0.20), "0.60288", "0.21313"),
    ("pets_10shot", "Pets, 10-shot", (0.03, 0.60, 0.75, 0.77), "0.41995", "0.03294"),
    ("pets_5shot", "Pets, 5-shot", (0.04, 0.72, 0.97, 0.72), "0.48189", "0.04498"),
    ("birds_10shot", "Birds, 10-shot", (0.10, 0.62, 0.55, 0.43), "0.61351", "0.13179"),
    ("birds_5shot", "Birds, 5-shot", (0.11, 0.68, 0.65, 0.37), "0.67499", "0.16277"),
)

for _set, _task, (_c, _a, _d, _b), _at_one, _at_thousand in _ZHAI:
    Published(
        key=f"zhai2022_vit:{_set}",
        title=f"Error of vision transformers against compute: {_task}",
        law=ShiftedPowerLaw(c=_c, a=_a * _DAY**_b, d=_d * _DAY, b=_b, over="device_hours"),
        source=Source("2106.04560", "section 2.2; formulas printed in figures 2, 4 and 9", "Zhai et al.", 2022,
                      "Scaling Vision Transformers"),
        category="vision",
        questions=(2,),
        region=Region(device_hours=(1.0 * _DAY, 1e4 * _DAY)),
        symbols={"device_hours": "C"},
        checks=(Check({"device_hours": _DAY}, _at_one, _BY_HAND),
                Check({"device_hours": 1000 * _DAY}, _at_thousand, _BY_HAND)),
        failures=(
            Failure("Both ends saturate: between them it is no pure power law", "2106.04560"),
            Failure("Compute is in hours of one device, so it does not carry over to other hardware", "2106.04560"),
            *((Failure("The authors find that the law fits Pets imperfectly", "2106.04560"),)
              if _set.startswith("pets") else ()),
        ),
        notes="Device-hours are TPUv3 core-hours: the paper counts core-days, and a and d are converted. The law "
              "is the frontier over models of 5e6 to 2e9 params and 3e7 to 3e9 images (JFT unless said). Size, data "
              "and duration must grow together.",
    )


# --------------------------------------------------------------------------- Alabdulmohsin 2023

def _sovit(where: str) -> Source:
    return Source("2305.13035", where, "Alabdulmohsin et al.", 2023,
                  "Getting ViT in Shape: Scaling Laws for Compute-Optimal Model Design")


_SOVIT_FAILURES = (
    Failure("The shape that the recipe starts from, at small compute, must itself be on the frontier, or everything "
            "that follows is skewed", "2305.13035"),
)
_SOVIT_NOTE = ("ViT/14 on JFT-3B, ImageNet 10-shot error for classification. Each exponent comes from a sweep of "
               "one dimension around the centre 1968 wide, 40 deep, MLP 6144; together they describe directions (MLP "
               "fastest, then depth, then width) and not a joint optimum at total compute t, since width, depth and "
               "MLP so scaled would make params grow faster than t. The recipe starts from 608/10/928 and gave "
               "SoViT-400m, 1152/27/4304.")

for _set, _of, _s, _printed in (
    ("width", "width", 0.22, "1.6596"), ("depth", "depth", 0.45, "2.8184"), ("mlp", "MLP width", 0.60, "3.9811"),
    ("captioning_width", "width, for captioning", 0.25, "1.7783"),
    ("captioning_depth", "depth, for captioning", 0.49, "3.0903"),
    ("captioning_mlp", "MLP width, for captioning", 0.62, "4.1687"),
):
    Published(
        key=f"alabdulmohsin2023_sovit:{_set}",
        title=f"Compute-optimal shape of a vision transformer: {_of}",
        law=Growth(a=_s, of=_of, per="compute"),
        source=_sovit("section 4.2" if "captioning" in _set else "section 4.1"),
        category="vision",
        questions=(2,),
        region=Region(),
        region_note="up to 4e10 images seen; the prefactor is not printed",
        checks=(Check({"scale_up": 10.0}, _printed, _BY_HAND),),
        failures=_SOVIT_FAILURES,
        notes=_SOVIT_NOTE,
    )

Published(
    key="alabdulmohsin2023_sovit:params",
    title="Compute-optimal params of a vision transformer",
    law=Growth(a=0.398, of="params", per="compute"),
    source=_sovit("section 4.1"),
    category="vision",
    questions=(2,),
    region=Region(),
    region_note="up to 4e10 images seen; the prefactor is not printed",
    checks=(Check({"scale_up": 10.0}, "2.5", "section 4.1: params grow 2.5 times for each tenfold compute"),),
    failures=_SOVIT_FAILURES,
    notes="a is log10(2.5), of the printed factor. " + _SOVIT_NOTE,
)

Fittable(
    key="alabdulmohsin2023_sovit:error",
    title="Error against one dimension of the shape and compute",
    law=ShapeError(alpha=1.0, a=1.0, beta=1.0, b=1.0, xi=1.0, c=0.5, eps=0.1, over="width"),
    source=_sovit("equation 2"),
    category="vision",
    questions=(2,),
    symbols={"width": "x", "compute": "t"},
    failures=_SOVIT_FAILURES,
    notes="Only the exponents s = c / (a + b) are printed; the paper counts t in GFLOP, which moves beta and xi.",
)


# ------------------------------------------------------------------------------------ Liang 2024

def _liang(where: str) -> Source:
    return Source("2410.08184", where, "Liang et al.", 2024, "Scaling Laws For Diffusion Transformers")


_LIANG_NOTE = ("Text-to-image diffusion transformers with rectified flow on Laion-Aesthetic. The authors extrapolate "
               "to 1.5e21 FLOP, for loss and for FID.")
_LIANG_REGION = Region(compute=(1e17, 6e18))
_LIANG_FAILURES = (
    Failure("The exponents come from parabolas over isoFLOP sweeps, whose optimum is biased where the sweep is off "
            "centre", "2603.22339"),
)

Published(
    key="liang2024_dit:params",
    title="Compute-optimal params of a diffusion transformer",
    law=OptimalParams(k=0.0009, a=0.5681),
    source=_liang("equation 5"),
    category="vision",
    questions=(8,),
    region=_LIANG_REGION,
    checks=(
        Check({"compute": 1.5e21}, "1e9", "the model that tests the law has 1B params (abstract), at 1.5e21 FLOP"),
        Check({"compute": 1e21}, "7.662e8", _BY_HAND),
    ),
    failures=_LIANG_FAILURES,
    notes=_LIANG_NOTE + " The two prefactors agree with C = 6 N D: 6 * 0.0009 * 186.8535 = 1.009.",
)

Published(
    key="liang2024_dit:tokens",
    title="Compute-optimal tokens of a diffusion transformer",
    law=OptimalTokens(k=186.8535, b=0.4319),
    source=_liang("equation 6"),
    category="vision",
    questions=(8,),
    region=_LIANG_REGION,
    checks=(Check({"compute": 1e21}, "2.1948e11", _BY_HAND),),
    failures=_LIANG_FAILURES,
    notes=_LIANG_NOTE + " Tokens are those of image patches and text together.",
)

Published(
    key="liang2024_dit:loss",
    title="Rectified-flow loss against compute",
    law=TaskPowerLaw(l_0=2.3943, alpha=0.0273, over="compute"),
    source=_liang("section 3"),
    category="vision",
    questions=(8,),
    region=_LIANG_REGION,
    checks=(Check({"compute": 1e21}, "0.6396", _BY_HAND),),
    failures=(
        *_LIANG_FAILURES,
        Failure("There is no floor, though the loss of a flow has one", "2410.08184"),
    ),
    notes=_LIANG_NOTE + " l_0 is 2.3943 in three copies and 3.3943 in a fourth; the majority is taken.",
)
