"""Published laws of several modalities: autoregressive, contrastive, mixed."""

from __future__ import annotations

from lawful.laws.base import Law, Region
from lawful.laws.language import AdditiveLoss, OptimalParams
from lawful.laws.multimodal import MixedModalLoss, PowerError
from lawful.laws.power import FloorPowerLaw, PowerLaw
from lawful.laws.published import Check, Failure, Fittable, Guidance, Published, Source
from lawful.laws.vision import ShiftedPowerLaw
from lawful.quantities import PF_DAY

_BY_HAND = "worked by hand from the printed coefficients"

# ---------------------------------------------------------------------------------- Henighan 2020

_HENIGHAN = Source("2010.14701", "Table 1", "Henighan et al.", 2020,
                   "Scaling Laws for Autoregressive Generative Modeling")
_HENIGHAN_FAILURES = (
    Failure("The training protocol is Kaplan's, and so is its bias: later work does not find the exponent 0.7",
            "2203.15556"),
    Failure("Models with contexts longer than their size fall off the trend", "2010.14701"),
    Failure("The data need it implies grows more slowly than the paper's own trend of loss with data allows "
            "(its section 6)", "2010.14701"),
)
_HENIGHAN_NOTES = ("Loss per token of the modality (image and video tokens where they are coded); the span is quoted "
                   "from memory.")

_BY_PARAMS = (  # modality, floor, N0, alpha_N; loss at 1e8 params
    ("language", None, 1.47e14, 0.070, "2.7022"),
    ("image_8x8", 3.12, 80.0, 0.24, "3.1544"),
    ("image_16x16", 2.64, 280.0, 0.22, "2.7000"),
    ("image_32x32", 2.20, 63.0, 0.13, "2.3563"),
    ("image_vq_16x16", 3.99, 2.7e4, 0.13, "4.3336"),
    ("image_vq_32x32", 3.07, 1.9e4, 0.14, "3.3713"),
    ("text2im_text", None, 5.6e8, 0.037, "1.0658"),
    ("text2im_image", 2.00, 5.1e3, 0.16, "2.2057"),
    ("im2text_text", None, 7.0e8, 0.039, "1.0788"),
    ("im2text_image", 2.00, 5.5e3, 0.15, "2.2296"),
    ("video_vq", 1.01, 3.7e4, 0.24, "1.1601"),
    ("math_extrapolate", 0.28, 1.1e4, 0.16, "0.5126"),
)
_BY_COMPUTE = (  # modality, floor, C0 [PF-days], alpha_C; loss at 1 PF-day
    ("language", None, 3.47e8, 0.048, "2.5700"),
    ("image_8x8", 3.13, 1.8e-8, 0.19, "3.1638"),
    ("image_16x16", 2.64, 1.6e-8, 0.16, "2.6966"),
    ("image_32x32", 2.21, 3.6e-9, 0.10, "2.3531"),
    ("image_vq_16x16", 4.09, 6.1e-7, 0.11, "4.2972"),
    ("image_vq_32x32", 3.17, 2.6e-6, 0.12, "3.3837"),
    ("text2im_image", 1.93, 1.5e-6, 0.15, "2.0638"),
    ("im2text_image", 1.97, 1.5e-6, 0.16, "2.0870"),
    ("video_vq", 0.95, 2.2e-5, 0.14, "1.1728"),
    ("math_extrapolate", 0.14, 1.4e-5, 0.17, "0.2896"),
)
_OPTIMAL = (  # modality, K0 [PF-days], beta; best params at 1 PF-day
    ("language", 3.3e-13, 0.73, "1.2927e9"),
    ("image_8x8", 5.3e-14, 0.64, "3.1366e8"),
    ("image_16x16", 4.8e-12, 0.75, "3.0837e8"),
    ("image_32x32", 1.6e-13, 0.65, "2.0765e8"),
    ("image_vq_16x16", 6.2e-14, 0.64, "2.8371e8"),
    ("image_vq_32x32", 9.4e-13, 0.70, "2.6231e8"),
    ("text2im_image", 9.4e-13, 0.70, "2.6231e8"),
    ("im2text_image", 3.3e-12, 0.72, "1.8479e8"),
    ("video_vq", 1.13e-12, 0.71, "3.0361e8"),
    ("math_extrapolate", 2.3e-12, 0.69, "1.0725e8"),
)


def _power(floor: float | None, scale: float, alpha: float, over: str) -> Law:
    """L = floor + (scale / x)**alpha; without a floor the plain power law."""
    if floor is None:
        return PowerLaw(x_c=scale, alpha=alpha, over=over)
    return FloorPowerLaw(E=floor, A=scale**alpha, alpha=alpha, over=over)


def _params_span(modality: str) -> tuple[float, float]:
    return (1e4, 1.75e11) if modality == "language" else (1e4, 1e9)


for _modality, _floor, _N0, _alpha, _at in _BY_PARAMS:
    Published(
        key=f"henighan2020_modalities:{_modality}",
        title=f"Loss against model size: {_modality.replace('_', ' ')}",
        law=_power(_floor, _N0, _alpha, "params"),
        source=_HENIGHAN, counting={"params": "non-embedding"},
        region=Region(params=_params_span(_modality)),
        checks=(Check({"params": 1e8}, _at, _BY_HAND),),
        category="multimodal", questions=(8,), failures=_HENIGHAN_FAILURES, notes=_HENIGHAN_NOTES,
    )

for _modality, _floor, _C0, _alpha, _at in _BY_COMPUTE:
    Published(
        key=f"henighan2020_modalities:{_modality}_compute",
        title=f"Loss against optimally allocated compute: {_modality.replace('_', ' ')}",
        law=_power(_floor, _C0 * PF_DAY, _alpha, "compute"),
        source=_HENIGHAN,
        region=Region(compute=(1e-9 * PF_DAY, 1e2 * PF_DAY)),
        checks=(Check({"compute": 8.64e19}, _at, _BY_HAND),),
        category="multimodal", questions=(8,), failures=_HENIGHAN_FAILURES,
        notes=_HENIGHAN_NOTES + " C0 is in PF-days in the paper, in FLOP here.",
    )

for _modality, _K0, _beta, _at in _OPTIMAL:
    Published(
        key=f"henighan2020_modalities:{_modality}_optimal_params",
        title=f"Compute-optimal model size: {_modality.replace('_', ' ')}",
        law=OptimalParams(k=(1.0 / (_K0 * PF_DAY)) ** _beta, a=_beta),
        source=_HENIGHAN,
        region=Region(compute=(1e-9 * PF_DAY, 1e2 * PF_DAY)),
        checks=(Check({"compute": 8.64e19}, _at, _BY_HAND),),
        category="multimodal", questions=(8,), failures=_HENIGHAN_FAILURES,
        notes="N_opt = (C / K0)**beta with K0 in PF-days; params are non-embedding. beta near 0.7 in every modality, "
              "hence data ~ params**0.4." + (
                  " K0 and beta are the same as in the VQ 32x32 row of the table: possibly a slip of the source."
                  if _modality == "text2im_image" else ""),
        unconfirmed=("k", "a") if _modality == "text2im_image" else (),
    )

# ------------------------------------------------------------------------------------ Cherti 2022

GMAC = 6e9
"""Training FLOP for one GMAC a sample: 2 for a multiply-add, 3 for forward and backward."""

_CHERTI = (  # set, what, data, alpha, beta at 1 GMAC; error at 1e12 GMAC
    ("imagenet_openclip", "ImageNet", "LAION", -0.1114, 5.858, "0.2697"),
    ("imagenet_wit", "ImageNet", "WIT", -0.1638, 23.18, "0.2509"),
    ("robustness_openclip", "ImageNet robustness sets", "LAION", -0.1255, 11.61, "0.3621"),
    ("robustness_wit", "ImageNet robustness sets", "WIT", -0.2378, 211.7, "0.2966"),
    ("coco_retrieval_openclip", "COCO image retrieval at 5", "LAION", -0.0794, 2.75, "0.3066"),
    ("coco_retrieval_wit", "COCO image retrieval at 5", "WIT", -0.0508, 1.589, "0.3904"),
    ("flickr_retrieval_openclip", "Flickr30k image retrieval at 5", "LAION", -0.1892, 15.51, "0.08322"),
    ("flickr_retrieval_wit", "Flickr30k image retrieval at 5", "WIT", -0.1028, 2.208, "0.1289"),
)

for _set, _what, _data, _alpha, _beta, _at in _CHERTI:
    Published(
        key=f"cherti2022_openclip:{_set}",
        title=f"Zero-shot error of CLIP against compute: {_what}, {_data}",
        law=PowerError(beta=_beta / GMAC**_alpha, alpha=_alpha, over="compute"),
        source=Source("2212.07143", "figure 1; figures.ipynb of the authors, refitted", "Cherti et al.",
                      2022, "Reproducible scaling laws for contrastive language-image learning"),
        region=Region(compute=(1.8e10 * GMAC, 6.6e12 * GMAC)),
        checks=(Check({"compute": 6e21}, _at, _BY_HAND),),
        category="multimodal", questions=(8,),
        failures=(
            Failure("No saturation at either end; the line on WIT rests on three models", "2212.07143"),
            Failure("Runs that repeat their data much bend away from the line", "2506.04598"),
        ),
        notes="The paper's C is GMAC a sample times samples seen; here it is training FLOP, at 6e9 a GMAC (2 for a "
              "multiply-add, 3 for forward and backward). The printed exponents agree to two digits. The data set the "
              "exponent: WIT is better for classification, LAION for retrieval. 29 OpenCLIP models, ViT-B/32 to H/14, "
              "3e9 to 3.4e10 samples; the Pareto front only.",
    )

# -------------------------------------------------------------------------------- Nezhurina 2025

Fittable(
    key="nezhurina2025_compare",
    title="Zero-shot error against compute, saturating at both ends",
    law=ShiftedPowerLaw(a=1e6, b=0.3, c=0.1, d=1e20),
    source=Source("2506.04598", "functions.py and README of the authors", "Nezhurina et al.", 2025,
                  "Scaling Laws for Robust Comparison of Open Foundation Language-Vision Models and Datasets"),
    category="multimodal", questions=(8,),
    failures=(Failure("It assumes that every sample is seen once: at 12.8B samples on 1.4B unique ones the model falls "
                      "short, 80.34 against a predicted 82.0 % on ImageNet", "2506.04598"),),
    notes="No coefficients could be confirmed. The paper writes E = a (C + b)**c + d with c < 0: its b is d here, its "
          "d is c. 4,686 models, 15 sizes, 11 sample scales. Compare training recipes by their fitted laws with "
          "intervals, not at one scale.",
)

# -------------------------------------------------------------------------------- Aghajanyan 2023


def _aghajanyan(where: str) -> Source:
    return Source("2301.03728", where, "Aghajanyan et al.", 2023,
                  "Scaling Laws for Generative Mixed-Modal Language Models")


_UNIMODAL = (  # modality, E, A, alpha, B, beta; loss at 1e9 params and 5e10 tokens
    ("code", 0.16, 611.91, 0.37, 4484.08, 0.32, "2.1367"),
    ("text", 2.42, 492.51, 0.18, 1987.40, 0.22, "23.0351"),
    ("image", 2.84, 340.96, 0.13, 875.30, 0.13, "61.4787"),
    ("speech", 3.02, 154.45, 0.31, 205.10, 0.24, "3.8254"),
    ("image_text", 2.47, 320.51, 0.12, 658.31, 0.11, "72.9359"),
    ("molecules", 2.39, 158.19, 0.37, 189.36, 0.26, "2.7770"),
)
_TOO_LARGE = Failure("With params and tokens as plain counts the printed constants give 18 to 75 nats per token over "
                     "the fitted span, more than any vocabulary allows: a unit, an exponent or a scale differs from "
                     "what is printed. Do not forecast with this set", "2301.03728")

_DOUBTFUL = Failure("This set gives plausible losses with params and tokens as plain counts; those of text, image and "
                    "image-text do not, which throws doubt on the units of the whole table", "2301.03728")

for _modality, _E, _A, _alpha, _B, _beta, _at in _UNIMODAL:
    Published(
        key=f"aghajanyan2023_mixed_modal:{_modality}",
        title=f"Loss of one modality alone: {_modality.replace('_', '-')}",
        law=AdditiveLoss(E=_E, A=_A, alpha=_alpha, B=_B, beta=_beta),
        source=_aghajanyan("the table of unimodal coefficients"),
        region=Region(params=(8e6, 6.7e9), tokens=(5e9, 1e11)),
        checks=(Check({"params": 1e9, "tokens": 5e10}, _at, _BY_HAND),),
        category="multimodal", questions=(8,),
        failures=(_TOO_LARGE if float(_at) > 12.0 else _DOUBTFUL,),
        notes="Coefficients from secondary notes only. Checked against one model of 3e10 params.",
        unconfirmed=("E", "A", "alpha", "B", "beta"),
    )

Fittable(
    key="aghajanyan2023_mixed_modal:pair",
    title="Two modalities trained together: synergy and competition",
    law=MixedModalLoss(C=0.1, A=100.0, alpha=0.3, B=100.0, beta=0.3),
    source=_aghajanyan("the law of competition and synergy"),
    category="multimodal", questions=(8,),
    failures=(
        Failure("Pairs in equal shares only", "2301.03728"),
        Failure("Retellings divide A by N**alpha times D**beta; the original adds a term for each", "2502.12051"),
    ),
    notes="The constants of the pairs could not be confirmed. Over 250 runs of 8e6 to 6.7e9 params. Small models show "
          "competition, large ones synergy: for speech and text the barrier was predicted at 2.835e10 params and "
          "4.5e10 tokens.",
)

# ------------------------------------------------------------------------------------ Shukor 2025

_NATIVE = (  # set, title, what is known
    ("early_fusion", "early fusion", "alpha 0.301, beta 0.335; N_opt ~ C**0.526, D_opt ~ C**0.473"),
    ("late_fusion", "late fusion", "alpha 0.290, beta 0.338; N_opt ~ C**0.636, D_opt ~ C**0.462, fitted separately: "
                                   "they do not sum to 1"),
    ("sparse_early", "early fusion with experts", "beta 0.372; N_opt ~ C**0.361, D_opt ~ C**0.656, N being active "
                                                  "params"),
)

for _set, _what, _known in _NATIVE:
    Fittable(
        key=f"shukor2025_native_multimodal:{_set}",
        title=f"Native multimodal pre-training: {_what}",
        law=AdditiveLoss(E=1.5, A=100.0, alpha=0.3, B=100.0, beta=0.33),
        source=Source("2504.07951", "the table of fitted coefficients", "Shukor et al.", 2025,
                      "Scaling Laws for Native Multimodal Models"),
        counting={"params": "active" if _set == "sparse_early" else "total"},
        category="multimodal", questions=(8,),
        failures=(Failure("Exponents of params and tokens are fitted apart: for late fusion they sum to more than 1",
                          "2504.07951"),),
        notes=f"Only exponents could be found, from secondary lists: {_known}. E, A and B could not be confirmed. 457 "
              "models of 3e8 to 4e9 params (from memory). Early fusion is as good, and cheaper at small size; experts "
              "shift compute from active params to tokens.",
    )

Guidance(
    key="li2024_vision_encoder",
    title="A larger vision encoder is not always better",
    source=Source("2408.00620", "results", "Li et al.", 2024,
                  "Are Bigger Encoders Always Better in Vision Large Models?"),
    category="multimodal", questions=(2, 8),
    notes="A claim as the survey arXiv:2502.12051 reports it; the arXiv number is from memory.",
    advice="Enlarging the vision encoder alone helps and then does not: the size of the language model and the quality "
           "of the data matter more. Balance encoder, language model and data.",
    concerns=("shukor2025_native_multimodal",),
)
