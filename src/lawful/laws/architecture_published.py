"""Published laws of shape, context length and kind of architecture."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp

from lawful.laws.architecture import AccuracyPower, AspectLoss, GatheredLoss, ShapeLoss, TransitionWidth
from lawful.laws.base import Region
from lawful.laws.language import AdditiveLoss, OptimalParams
from lawful.laws.power import FloorPowerLaw, PowerLaw
from lawful.laws.published import Check, Failure, Fittable, Guidance, Published, Source
from lawful.quantities import PF_DAY

_BY_HAND = "worked by hand from the printed coefficients"
_ARCH = "architecture"


# -------------------------------------------------------------------------------- Gemstones 2025

_GEMSTONES = Source("2502.06857", "approaches 1 and 3; constants of the authors' repository", "McLeish et al.", 2025,
                    "Gemstones: A Model Suite for Multi-Faceted Scaling Laws")
_GEMSTONES_FAILURES = (
    Failure("The same suite and authors, another choice of runs, another prescription: the exponent of N_opt goes from "
            "0.46 to 0.63 by approach 1 and from 0.50 to 0.70 by approach 3", "2502.06857"),
)
_GEMSTONES_PARAMS = (5e7, 2e9)


def _gemstones_1(name: str, title: str, intercept: float, a: float, by_hand: str, counting: str = "total") -> None:
    Published(
        key=f"mcleish2025_gemstones:{name}", title=f"Compute-optimal size by the envelope of curves, {title}",
        law=OptimalParams(k=exp(intercept), a=a), source=_GEMSTONES, region=Region(),
        region_note="models of 5e7 to 2e9 params; the span of compute is not stated",
        checks=(Check({"compute": 1e21}, by_hand, _BY_HAND),), category=_ARCH, questions=(2,),
        failures=_GEMSTONES_FAILURES, notes=f"params are {counting}. Approach 1 of Hoffmann et al.",
    )


def _gemstones_3(name: str, title: str, law: AdditiveLoss, by_hand: str, top: float, counting: str = "total") -> None:
    Published(
        key=f"mcleish2025_gemstones:{name}", title=f"Parametric loss, {title}",
        law=law, source=_GEMSTONES, counting={"params": counting},
        region=Region(params=_GEMSTONES_PARAMS, tokens=(1e10, top)),
        checks=(Check({"params": 1e9, "tokens": 1e11}, by_hand, _BY_HAND),), category=_ARCH, questions=(2,),
        failures=_GEMSTONES_FAILURES,
        notes="Huber loss on log loss with delta 1e-4; the coefficients are printed as logs. Dolma; many ratios of "
              "width to depth.",
    )


_gemstones_3("loss", "up to 1e11 tokens",
             AdditiveLoss(E=exp(0.7663), A=exp(5.4575), alpha=0.2989, B=exp(14.9720), beta=0.6928), "2.7066", 1e11)
_gemstones_3("loss_like_chinchilla", "shapes chosen like Chinchilla's",
             AdditiveLoss(E=exp(0.7132), A=exp(4.9947), alpha=0.2845, B=exp(9.8396), beta=0.4494), "2.6604", 1e11)
_gemstones_3("loss_no_embeddings", "embeddings left out",
             AdditiveLoss(E=exp(0.7666), A=exp(5.1055), alpha=0.2844, B=exp(14.564), beta=0.6732), "2.6902", 1e11,
             "non-embedding")
_gemstones_3("loss_all_tokens", "up to 3.5e11 tokens",
             AdditiveLoss(E=exp(0.6655), A=exp(4.8762), alpha=0.2576, B=exp(12.6984), beta=0.5909), "2.6789", 3.5e11)
_gemstones_3("loss_cooldown", "after a cool-down",
             AdditiveLoss(E=exp(0.7459), A=exp(5.3628), alpha=0.2970, B=exp(14.9718), beta=0.6904), "2.6421", 1e11)
_gemstones_1("envelope", "all shapes", -2.8451076960767026, 0.499380216082636, "1.7839e9")
_gemstones_1("envelope_no_embeddings", "embeddings left out", -9.044791057021566, 0.626862527898334, "1.7219e9",
             "non-embedding")
_gemstones_1("envelope_cooldown", "after a cool-down", -7.522191520048853, 0.5969810173757477, "1.8610e9")
_gemstones_1("envelope_late", "beyond 1e11 tokens", -1.025860400775425, 0.45790307973088284, "1.4806e9")
_gemstones_1("envelope_half_rate", "at half the learning rate", -3.568844080633294, 0.5131275357521606, "1.6817e9")

Published(
    key="mcleish2025_gemstones:shape",
    title="Loss from width, depth, size and data",
    law=ShapeLoss(E=exp(0.3925), A=exp(1.4520), alpha=0.2447, B=exp(-0.0781), beta=0.3872, C=exp(7.9700), gamma=0.5001,
                  F=exp(10.0594), delta=0.4761),
    source=_GEMSTONES,
    counting={"params": "total"},
    region=Region(params=_GEMSTONES_PARAMS, tokens=(1e10, 1e11), width=(256.0, 3072.0), depth=(3.0, 80.0)),
    region_note="the spans of width and depth are those of the released models",
    checks=(Check({"width": 2048, "depth": 16, "params": 1e9, "tokens": 1e11}, "2.6847", _BY_HAND),),
    category=_ARCH,
    questions=(2,),
    failures=_GEMSTONES_FAILURES,
    notes="Huber loss on log loss with delta 1e-4, up to 1e11 tokens. Letters A, B, C and F are ours: the authors "
          "number their terms.",
)


# ------------------------------------------------------------------------------------- Tay 2022

Fittable(
    key="tay2022_architecture",
    title="Downstream slope of an architecture",
    law=AccuracyPower(k=1e-3, alpha=0.1),
    source=Source("2207.10551", "the table of slopes, as review notes quote it", "Tay et al.", 2022,
                  "Scaling Laws vs Model Architectures: How does Inductive Bias Influence Scaling?"),
    category=_ARCH,
    questions=(2,),
    failures=(
        Failure("The slope upstream does not foretell the slope downstream", "2207.10551"),
        Failure("Low slopes of sparse models contradict later laws in size and data: FLOP alone is no fair axis there",
                "2402.07871"),
    ),
    notes="Slopes only, no prefactors, so no coefficients are given. In FLOP, upstream / downstream: Transformer 0.54 "
          "/ 0.28, GLU 0.49 / 0.24, Evolved 0.44 / 0.22, MLP-Mixer 0.32 / -0.03, Performer 0.25 / 0.05, Switch 0.23 / "
          "0.14, ALBERT 0.08 / -0.12. The plain Transformer scales most reliably; the best architecture changes with "
          "scale.",
)


# ------------------------------------------------------------------------------------ Levine 2020

Published(
    key="levine2020_depth_width",
    title="Width at which more depth begins to pay",
    law=TransitionWidth(a=5.039, b=0.0555),
    source=Source("2006.12467", "the fitted transition between depths", "Levine et al.", 2020,
                  "The Depth-to-Width Interplay in Self-Attention"),
    region=Region(depth=(6.0, 48.0)),
    region_note="depths of 6 to 48 layers, from memory",
    checks=(Check({"depth": 48.0}, "2215", _BY_HAND), Check({"depth": 80.0}, "1.308e4", _BY_HAND)),
    category=_ARCH,
    questions=(2,),
    failures=(Failure("Kaplan et al. find that the loss depends little on shape", "2001.08361"),),
    unconfirmed=("a", "b"),
    notes="a = 5.039 (0.030) and b = 0.0555 (0.0013), quoted from memory.",
)


# -------------------------------------------------------------------------------------- Bian 2025

Fittable(
    key="bian2025_inference_efficient",
    title="Loss with the ratio of width to depth",
    law=AspectLoss(E=1.7, A=400.0, alpha=0.34, B=400.0, beta=0.28, eps=1e-3, gamma=0.5),
    source=Source("2501.18107", "the conditional law of shape", "Bian et al.", 2025,
                  "Scaling Inference-Efficient Language Models"),
    category=_ARCH,
    questions=(2, 4),
    notes="Form quoted from memory; no coefficients could be confirmed, so none are given. 63 models of 8e7 to 1e9 "
          "params on 1.6e9 to 3e10 tokens. Wider and shallower models of equal loss answer up to 1.8 times as fast: "
          "choose the shape with latency in the objective.",
)


# --------------------------------------------------------------------------------- MobileLLM 2024

Guidance(
    key="mobilellm2024",
    title="Below a billion parameters, deep and thin",
    source=Source("2402.14905", "section 2", "Liu et al.", 2024,
                  "MobileLLM: Optimizing Sub-billion Parameter Language Models for On-Device Use Cases"),
    category=_ARCH,
    questions=(2,),
    advice="At a fixed size below 1e9 params, prefer deep and thin models (about 30 layers at 125M) and share the "
           "input and output embeddings: zero-shot accuracy gains, though the loss laws see little of shape.",
    concerns=("levine2020_depth_width", "bian2025_inference_efficient", "kaplan2020_l_n"),
    failures=(Failure("Depth raises latency: weigh it with a law that knows the shape", "2501.18107"),),
    notes="Models of 125M and 350M params, from memory.",
)


# ------------------------------------------------------------------------------------- xLSTM 2025

_XLSTM = Source("2510.02228", "isoFLOP approach at context 8,192, as a list of published exponents quotes it",
                "Beck et al.", 2025, "xLSTM Scaling Laws: Competitive Performance with Linear Time-Complexity")

Fittable(
    key="xlstm2025:allocation",
    title="Compute-optimal size of xLSTM and Transformer",
    law=OptimalParams(k=1.0, a=0.5),
    source=_XLSTM,
    category=_ARCH,
    questions=(2,),
    notes="Published exponents: N_opt ~ C**0.547 and D_opt ~ C**0.417 for xLSTM, C**0.575 and C**0.424 for the "
          "Transformer; they do not add up to 1 because compute includes attention or the recurrence. No prefactor "
          "could be confirmed, so no coefficients are given. Longer context makes the best Transformer smaller, not "
          "the best xLSTM.",
)

Fittable(
    key="xlstm2025:loss",
    title="Parametric loss over a wide range of tokens per parameter",
    law=GatheredLoss(E=1.5, A=1e3, alpha=0.4, B=1e3, beta=0.4, gamma=0.8),
    source=_XLSTM,
    category=_ARCH,
    questions=(2,),
    notes="A free outer exponent fits better than 1 over a wide range of D / N. The constants could not be confirmed, "
          "so none are given.",
)


# ------------------------------------------------------------------------------------- Xiong 2023

_XIONG: Mapping[str, tuple[float, float, float, str]] = {
    "7B": (25.4, 0.45, 1.56, "1.6343"),
    "13B": (19.5, 0.48, 1.45, "1.5051"),
    "34B": (17.7, 0.50, 1.41, "1.4565"),
    "70B": (17.9, 0.51, 1.35, "1.3940"),
}

for _size, (_alpha, _beta, _gamma, _printed) in _XIONG.items():
    Published(
        key=f"xiong2023_context_length:{_size}", title=f"Loss against context length, Llama 2 Long {_size}",
        law=FloorPowerLaw(E=_gamma, A=_alpha**_beta, alpha=_beta, over="context"),
        source=Source("2309.16039", "figure 1", "Xiong et al.", 2023,
                      "Effective Long-Context Scaling of Foundation Models"),
        region=Region(context=(256.0, 32768.0)),
        region_note="up to 32,768 tokens; the low end is read off a digitised figure, to a factor of two",
        checks=(Check({"context": 8192.0}, _printed, _BY_HAND),),
        category=_ARCH, questions=(2, 4),
        failures=(Failure("With finite data a best context length exists, beyond which the loss rises", "2502.01481"),),
        symbols={"context": "c"},
        unconfirmed=("E",) if _size == "70B" else (),
        notes="L(c) = (alpha / c)**beta + gamma in the paper: E is gamma, A is alpha**beta. Larger models make more of "
              "context." + (" gamma is 1.35 in one secondary source and 1.33 in another." if _size == "70B" else ""),
    )


# -------------------------------------------------------------------------------------- Shen 2024

_SHEN: Mapping[str, tuple[str, float, float, float, float, str, str]] = {
    "llama": ("LLaMA", 3.7087, 0.0798, 1.82e8, 0.7118, "2.5682", "4.827e9"),
    "tnl": ("TNL", 3.5391, 0.0768, 2.74e8, 0.6470, "2.4848", "5.392e9"),
    "hgrn2": ("HGRN2", 3.4788, 0.0753, 2.66e8, 0.6427, "2.4594", "5.132e9"),
    "cosformer2": ("cosFormer2", 3.5877, 0.0756, 2.65e8, 0.6516, "2.5329", "5.327e9"),
}
_SHEN_SOURCE = Source("2406.16690", "the table of scaling laws, as review notes quote it", "Shen et al.", 2024,
                      "Scaling Laws for Linear Complexity Language Models")
_SHEN_FAILURES = (
    Failure("Equal slopes of loss hide unequal ability: needle retrieval scores 10 to 30 against 50 to 60 %",
            "2406.16690"),
    Failure("Allocation exponents of 0.64 to 0.71 follow from Kaplan's protocol, without tuning for every budget",
            "2406.19146"),
)
_SHEN_NOTE = ("C is read in PF-days, the unit in which the laws meet the loss and size of the 7B model on 3e11 tokens. "
              "Models of 7e7 to 7e9 params.")

for _name, (_title, _l0, _g, _n0, _a, _loss, _size) in _SHEN.items():
    Published(
        key=f"shen2024_linear_lm:{_name}", title=f"Loss against compute, {_title}",
        law=PowerLaw(x_c=_l0 ** (1 / _g) * PF_DAY, alpha=_g, over="compute"),
        source=_SHEN_SOURCE, region=Region(compute=(1e-2 * PF_DAY, 146 * PF_DAY)),
        region_note="compute follows from the sizes and 3e11 tokens; the low end is a guess",
        checks=(Check({"compute": 100 * PF_DAY}, _loss, _BY_HAND),), category=_ARCH, questions=(2,),
        failures=_SHEN_FAILURES, notes=_SHEN_NOTE,
    )

for _name, (_title, _l0, _g, _n0, _a, _loss, _size) in _SHEN.items():
    Published(
        key=f"shen2024_linear_lm:{_name}_params", title=f"Compute-optimal size, {_title}",
        law=OptimalParams(k=_n0 / PF_DAY**_a, a=_a),
        source=_SHEN_SOURCE, region=Region(compute=(1e-2 * PF_DAY, 146 * PF_DAY)),
        region_note="compute follows from the sizes and 3e11 tokens; the low end is a guess",
        checks=(Check({"compute": 100 * PF_DAY}, _size, _BY_HAND),), category=_ARCH, questions=(2,),
        failures=_SHEN_FAILURES, notes=_SHEN_NOTE,
    )
