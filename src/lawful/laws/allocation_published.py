"""Published laws of allocation and of later pre-training studies: from Hestness 2017 to Farseer 2025."""

from __future__ import annotations

from collections.abc import Mapping

from lawful.laws.allocation import (
    EmbeddingCount,
    EncoderDecoderLoss,
    EqualExponentLoss,
    FarseerLoss,
    OptimalModelScale,
    OptimalRatio,
    OptimalTokens,
    SubScalingLoss,
    TransitionError,
    TransitionLoss,
)
from lawful.laws.base import Region
from lawful.laws.language import CriticalBatch, OptimalParams
from lawful.laws.power import PowerLaw
from lawful.laws.published import Check, Failure, Fittable, Published, Source

_BY_HAND = "worked by hand from the printed coefficients"
_LM = "lm_pretraining"


# ------------------------------------------------------------------------------------ Pearce 2024

Published(
    key="pearce2024_reconciling",
    title="Total parameters from non-embedding parameters",
    law=EmbeddingCount(omega=47491.0),
    source=Source("2406.12907", "the authors' script", "Pearce & Song", 2024,
                  "Reconciling Kaplan and Chinchilla Scaling Laws"),
    counting={"nonembedding_params": "non-embedding"},
    region=Region(nonembedding_params=(768.0, 1.6e10)),
    checks=(Check({"nonembedding_params": 1e9}, "1.0475e9", _BY_HAND),
            Check({"nonembedding_params": 1e6}, "5.749e6", _BY_HAND)),
    category=_LM,
    questions=(1,),
    failures=(Failure("It stands on the Chinchilla constants it is fed; what tuning contributes is treated elsewhere",
                      "2406.19146"),),
    symbols={"nonembedding_params": "N_\\E"},
    notes="Vocabulary 32,000 and width over depth 39.2. Put into the Chinchilla surface and optimised at fixed "
          "non-embedding compute, over Kaplan's sizes, it gives a local exponent of 0.74 to 0.78 against 0.51 for "
          "total counts: Kaplan's 0.73 without any other cause. The paper's advice: count all parameters and all "
          "compute.",
)


# ------------------------------------------------------------------------------------ Porian 2024

_PORIAN = Source("2406.19146", "section 3, figure 1; the authors' repository", "Porian et al.", 2024,
                 "Resolving Discrepancies in Compute-Optimal Scaling of Language Models")
_PORIAN_FAILURES = (
    Failure("Three decades of compute only, and the floor of the loss drifts with the points included", "2406.19146"),
)
_PORIAN_NOTE = ("RefinedWeb. Budgets are 1.25e16 doubled up to 2.56e19 FLOP; k makes the size that the authors "
                "extrapolate to at 5.88e23 FLOP exact. ")


def _porian(name: str, title: str, k: float, a: float, by_hand: str, *, top: float, counting: str, notes: str) -> None:
    Published(
        key=f"porian2024_allocation:{name}", title=title, law=OptimalParams(k=k, a=a), source=_PORIAN,
        region=Region(compute=(1.25e16, top)), checks=(Check({"compute": 1e18}, by_hand, _BY_HAND),),
        category=_LM, questions=(1,), failures=_PORIAN_FAILURES, notes=f"{_PORIAN_NOTE}{notes} params are {counting}.",
    )


_porian("tuned", "Compute-optimal size with learning rate, batch and beta2 tuned, no decay",
        77e9 / 5.88e23**0.497, 0.497, "1.045e8", top=2.56e19, counting="counted with the output layer",
        notes="a = 0.497 (0.49, 0.50), OpenWebText2 0.518; about 11.9 C**0.006 tokens per parameter.")
_porian("cosine_matched", "Compute-optimal size with a cosine matched to every run",
        183e9 / 5.88e23**0.571, 0.571, "9.293e7", top=2.56e19, counting="counted with the output layer",
        notes="a = 0.571 (0.56, 0.59), OpenWebText2 0.574.")
_porian("short_warmup", "Compute-optimal size with a warm-up in proportion to the model",
        292e9 / 5.88e23**0.602, 0.602, "9.822e7", top=2.56e19, counting="counted with the output layer",
        notes="a = 0.602 (0.59, 0.62), OpenWebText2 0.603.")
_porian("count_head", "Compute-optimal size in Kaplan's set-up with the output layer counted",
        787e9 / 5.88e23**0.706, 0.706, "6.650e7", top=2.56e19, counting="counted with the output layer",
        notes="a = 0.706 (0.69, 0.72), OpenWebText2 0.699.")
_porian("kaplan_setup", "Compute-optimal size in Kaplan's set-up, reproduced",
        3.03e12 / 5.88e23**0.835, 0.835, "4.613e7", top=1.28e19, counting="counted without embeddings and output layer",
        notes="a = 0.835 (0.82, 0.85), OpenWebText2 0.864 (0.87 without weights); the paper rounds 3.03e12 to 3T.")


# -------------------------------------------------------------------------------------- Gadre 2024

_GADRE = Source("2403.08540", "equation 4; refitted with the authors' code", "Gadre et al.", 2024,
                "Language models scale reliably with over-training and on downstream tasks")
_GADRE_FAILURES = (
    Failure("Four coefficients from five runs: the constants are weakly determined", "2403.08540"),
    Failure("Hyperparameters were tuned at 20 tokens per parameter only", "2403.08540"),
)


def _gadre(corpus: str, title: str, E: float, alpha: float, beta: float, b: float, checks: tuple[Check, ...]) -> None:
    Published(
        key=f"gadre2024_overtraining:{corpus}", title=f"Over-training law, {title}",
        law=EqualExponentLoss(E=E, A=alpha, B=beta * 6 ** (b / 2), alpha=-b), source=_GADRE,
        counting={"params": "total"},
        region=Region(params=(1.1e7, 4.11e8), tokens=(2.2e8, 8.3e9)),
        region_note="the five runs of the fit; checked by the authors up to 6.9e9 params and 640 tokens per parameter",
        checks=checks, category=_LM, questions=(1,), failures=_GADRE_FAILURES,
        notes="Loss on C4's validation set. The code writes alpha N**b + beta 6**(b/2) (M N)**b with b < 0: A is its "
              "alpha, B its beta 6**(b/2), and alpha here is -b. The paper prints no constants; these come from "
              "running its code on its runs.",
    )


_gadre("c4", "C4", 1.50826, 113.69, 189.52, -0.24247, (
    Check({"params": 1439795200, "tokens": 28795904000}, "2.6362", _BY_HAND),
    Check({"params": 6889410560, "tokens": 137788211200}, "2.2799", _BY_HAND)))
_gadre("redpajama", "RedPajama", 1.83665, 166.21, 366.69, -0.27285, (
    Check({"params": 1439795200, "tokens": 921468928000}, "2.5198",
          _BY_HAND + "; 0.71 % above the run's 2.5021, as the authors' notebook prints for figure 1"),
    Check({"params": 6889410560, "tokens": 137788211200}, "2.4428",
          _BY_HAND + "; 0.73 % above the run's 2.4250, as the authors' notebook prints for figure 1")))
_gadre("refinedweb", "RefinedWeb", 1.73446, 125.1, 246.21, -0.25439, (
    Check({"params": 1439795200, "tokens": 460734464000}, "2.5314", _BY_HAND),))


# ----------------------------------------------------------------------------------- DeepSeek 2024

_DEEPSEEK = Source("2401.02954", "equation 4", "DeepSeek-AI", 2024,
                   "DeepSeek LLM: Scaling Open-Source Language Models with Longtermism")
_DEEPSEEK_FAILURES = (
    Failure("The exponent changes with the data (0.450 early data, 0.524 current, 0.578 OpenWebText2), which better "
            "data cannot do within an additive law: a sign of a wrong form", "2401.02954"),
)

Published(
    key="deepseek2024_allocation:model_scale",
    title="Compute-optimal model scale in FLOP per token",
    law=OptimalModelScale(k=0.1715, a=0.5243),
    source=_DEEPSEEK,
    region=Region(compute=(1e17, 3e20)),
    checks=(Check({"compute": 1e20}, "5.251e9", _BY_HAND),),
    category=_LM,
    questions=(1, 3),
    failures=_DEEPSEEK_FAILURES,
    notes="M = 72 layers width**2 + 12 layers width context, and C = M D. In-house data of the second kind; loss in "
          "bits per byte. Times the law of tokens it gives back C.",
)

Published(
    key="deepseek2024_allocation:tokens",
    title="Compute-optimal tokens",
    law=OptimalTokens(k=5.8316, b=0.4757),
    source=_DEEPSEEK,
    region=Region(compute=(1e17, 3e20)),
    checks=(Check({"compute": 1e20}, "1.905e10", _BY_HAND),),
    category=_LM,
    questions=(1, 3),
    failures=_DEEPSEEK_FAILURES,
    notes="C = M D with M in FLOP per token, attention counted and vocabulary left out: not 6 N D.",
)


# ------------------------------------------------------------------------------------ MiniCPM 2024

_MINICPM = "MiniCPM: Unveiling the Potential of Small Language Models with Scalable Training Strategies"

Published(
    key="minicpm2024",
    title="Compute-optimal tokens per parameter",
    law=OptimalRatio(C_1=6e18 * 0.01 ** (1 / 0.10), g=0.10),
    source=Source("2404.06395", "equation 3, section 4.5", "Hu et al.", 2024, _MINICPM),
    region=Region(compute=(1e17, 1.5e21)),
    region_note="six sizes from 4e7 to 2e9 params on 10 to 60 tokens each; compute follows as 6 N D",
    checks=(Check({"compute": 1e21}, "166.8", _BY_HAND),),
    category=_LM,
    questions=(1,),
    failures=(Failure("The ratio is ten times Chinchilla's, which the authors put down to data and recipe",
                      "2404.06395"),
              Failure("Twelve tokens per parameter are best in a tuned replication on RefinedWeb", "2406.19146")),
    unconfirmed=("C_1",),
    notes="The paper prints N_opt / D_opt = K2 (C/6)**eta with K2 = 0.01 and eta = -0.10, averages over five corpora, "
          "and no unit. C/6 is read here in 1e18 FLOP, that is, N and D in billions: the ratio is then 192, which the "
          "paper calls its average, at 4.1e21 FLOP; in plain counts it would be 10,000. The averages alpha = 0.29 and "
          "beta = 0.23 alone would give eta = -0.115. Loss per byte; N without embeddings.",
)

Published(
    key="minicpm2024:batch",
    title="Best batch size against loss",
    law=CriticalBatch(B_star=1.21e9, alpha_B=1 / 6.24),
    source=Source("2404.06395", "section 3.2", "Hu et al.", 2024, _MINICPM),
    region=Region(loss=(2.9, 5.0)),
    region_note="models of 9e6, 3e7 and 1.7e8 params; the losses are a guess from their sizes, the figure has no table",
    checks=(Check({"loss": 3.0}, "1.275e6", _BY_HAND),
            Check({"loss": 2.5}, "4e6", "Table 2: the batch of 4M tokens that the models were trained with")),
    category=_LM,
    questions=(1,),
    failures=(Failure("The loss must be guessed before training; later work finds that the batch follows the data",
                      "2410.21676"),),
    notes="bs = 1.21e9 / L**6.24 tokens, on C4. The batch that reaches a loss with the fewest tokens, not the critical "
          "one of Kaplan, whose form it takes.",
)


# ------------------------------------------------------------------------------------- Llama 3 2024

Published(
    key="llama3_2024_allocation",
    title="Compute-optimal tokens",
    law=OptimalTokens(k=0.299, b=0.537),
    source=Source("2407.21783", "section 3.2.1, figure 3", "Grattafiori et al.", 2024, "The Llama 3 Herd of Models"),
    region=Region(compute=(6e18, 1e22)),
    checks=(Check({"compute": 3.8e25}, "1.629e13", _BY_HAND + "; the paper says 16.55T from unrounded constants"),),
    category=_LM,
    questions=(1,),
    failures=(
        Failure("The rounded pair of the text (0.53, 0.29) gives 10.5T tokens instead of 16.3T at 3.8e25 FLOP",
                "2407.21783"),
        Failure("Often misread as a law of parameters: the paper defines N*(C) as training tokens", "2407.21783"),
        Failure("Parabolas through these points put the intercept too high: a surface fit asks for far fewer tokens",
                "2603.22339"),
    ),
    symbols={"compute": "C"},
    notes="(b, k) = (0.537, 0.299) is the label of figure 3; the text rounds to (0.53, 0.29). With C = 6 N D the "
          "optimum at 3.8e25 FLOP has 389B params here, 402B in the paper. The curves flatten with compute: "
          "allocation is forgiving at scale.",
)


# ------------------------------------------------------------------------------------ Farseer 2025

Fittable(
    key="farseer2025",
    title="Loss with a data exponent that depends on model size",
    law=FarseerLoss(a3=-0.1, gamma=0.08, b3=1.1, a2=20.0, beta=-0.1, b2=4.4, a1=-0.05, alpha=0.1, b1=-0.74),
    source=Source("2506.10972", "equation 3", "Li et al.", 2025,
                  "Predictable Scale: Part II, Farseer: A Refined Scaling Law in Large Language Models"),
    counting={"params": "non-embedding"},
    category=_LM,
    questions=(1,),
    failures=(Failure("Nine free constants; the reported gain is over a Chinchilla fit on the same runs",
                      "2506.10972"),),
    notes="The fitted constants could not be confirmed, so none are given. About 1,000 models of roughly 2e8 to 2.5e10 "
          "params. The best number of tokens per parameter rises with compute; 20 holds near 1e20 to 1e21 FLOP only.",
)


# --------------------------------------------------------------------------------------- Chen 2025

Published(
    key="chen2025_sub_scaling",
    title="Sub-scaling law of over-training",
    law=SubScalingLoss(lam_D=455.345, beta=0.289, lam_N=61.929, alpha=0.272, E=1.372, k_D=0.0081, k_N=0.00114),
    source=Source("2507.10613", "the fitted law, as a literature note quotes it", "Chen et al.", 2025,
                  "Sub-Scaling Laws: On the Role of Data Density and Training Strategies in LLMs"),
    region=Region(params=(2e7, 7e9), tokens=(1e8, 1e12)),
    region_note="tokens follow from up to 1,700 tokens per parameter; the paper gives no span",
    checks=(Check({"params": 1e9, "tokens": 2e10}, "2.4439", _BY_HAND),
            Check({"params": 1e9, "tokens": 1e12}, "2.0700", _BY_HAND)),
    category=_LM,
    questions=(1, 3),
    failures=(
        Failure("Data density, which the paper argues with, is not in the law, and its measure cannot be reproduced",
                "2507.10613"),
        Failure("The factors stay between 1.5 and 2: no strong sub-scaling can come of them", "2507.10613"),
        Failure("Fits use checkpoints in the middle of a cosine; the paper's tables show plain forms doing as well at "
                "several sizes", "2507.10613"),
        Failure("The ratio from which over-training counts is 50 in the text and about 20 in an appendix",
                "2507.10613"),
    ),
    unconfirmed=("lam_D", "beta", "lam_N", "alpha", "E", "k_D", "k_N"),
    notes="The Pile; over 400 models. All coefficients come from a secondary note.",
)


# ------------------------------------------------------------------------------------ Hestness 2017

Published(
    key="hestness2017:word_lm",
    title="Word language models: loss against training words",
    law=PowerLaw(x_c=11.9 ** (1 / 0.066), alpha=0.066, over="tokens"),
    source=Source("1712.00409", "section 4.2", "Hestness et al.", 2017,
                  "Deep Learning Scaling is Predictable, Empirically"),
    region=Region(),
    region_note="shards of the Billion Word corpus up to the whole, each with the best model for its size; the paper "
                "gives no span in numbers here",
    checks=(Check({"tokens": 1e8}, "3.528", _BY_HAND),),
    category=_LM,
    questions=(1, 2),
    failures=(Failure("That architecture shifts the curve and never bends it is contradicted by efficient and "
                      "weight-sharing variants", "2207.10551"),),
    symbols={"tokens": "m"},
    notes="The paper writes 11.9 m**-0.066; m counts words and the loss is per word. Exponents it gives elsewhere, in "
          "eps = a m**beta_g + gamma: characters -0.0936 (-0.0954 with Adam), translation -0.128 (projected), ImageNet "
          "top-1 -0.309 and top-5 -0.488, speech -0.299. The best model grows as m**0.69 for words.",
)


# ----------------------------------------------------------------------------------- Rosenfeld 2020

_ROSENFELD = Source("1909.12673", "equation 5, Table 2", "Rosenfeld et al.", 2020,
                    "A Constructive Prediction of the Generalization Error Across Scales")
_ROSENFELD_FAILURES = (Failure("Exponents of an error are not comparable with exponents of a loss", "1909.12673"),)
_ROSENFELD_NOTE = ("Data and model are counted as shares of the full set and of the largest model. The shares are not "
                   "spelt out in the sources at hand: with them the law gives the known error of the full models.")
_ROSENFELD_VISION: Mapping[str, tuple[str, tuple[float, ...], float, float, float, str, str]] = {
    "imagenet": ("ImageNet, ResNet-50", (0.75, 0.76, 0.61, 3.63, 18.50), 1.2e6, 25.5e6, 6230.0, "0.2797", "0.4965"),
    "cifar10": ("CIFAR10, WRN-44-16", (0.66, 5.87e-2, 0.53, 7.14e-14, 19.77), 6e4, 44.8e6, 2730.0, "0.0535", "0.1379"),
    "cifar100": ("CIFAR100, WRN-44-16", (0.70, 0.15, 0.51, 0.71, 6.93), 6e4, 11.2e6, 2730.0, "0.2592", "0.4967"),
    "dtd": ("DTD, WRN-44-16", (0.40, 4.30e-5, 1.16, 1.27e-9, 0.85), 5640.0, 11.2e6, 2730.0, "0.7620", "0.8987"),
    "aircraft": ("Aircraft, WRN-44-16", (1.10, 3.47e-3, 0.83, 5.16e-10, 1.13), 1e4, 11.2e6, 2730.0, "0.6640", "0.9715"),
    "ucf101": ("UCF101, WRN-44-16", (0.93, 4.68e-2, 0.54, 1.16e-9, 2.98), 1.3e4, 11.2e6, 2730.0, "0.3314", "0.7900"),
}
_ROSENFELD_TEXT: Mapping[str, tuple[str, tuple[float, ...], float, float, float, str, str]] = {
    "wikitext103": ("WikiText-103, Transformer-XL", (0.74, 0.33, 0.56, 9.04, 16.34, 6.60), 1e8, 41e6, 1e4,
                    "3.5365", "4.1830"),
    "wikitext2": ("WikiText-2, AWD-LSTM", (1.01, 0.99, 0.22, 8.23, 10.38, 6.21), 2e6, 20e6, 488.0, "4.3569", "5.0020"),
    "ptb": ("PTB, AWD-LSTM", (0.81, 0.15, 0.34, 5.00, 6.27, 6.10), 9e5, 20e6, 488.0, "4.2715", "4.9005"),
}


def _points(data: str, n: float, m: float, full: str, part: str) -> tuple[Check, Check]:
    """The two values of a set: all of data and model, and a quarter of the data in a sixteenth of the model."""
    return Check({data: n, "params": m}, full, _BY_HAND), Check({data: n / 4, "params": m / 16}, part, _BY_HAND)


for _name, (_title, _values, _n, _m, _least, _full, _part) in _ROSENFELD_TEXT.items():
    _alpha, _b, _beta, _c, _eta, _eps = _values
    Published(
        key=f"rosenfeld2019:{_name}", title=f"Loss from guessing to the power laws: {_title}",
        law=TransitionLoss(alpha=_alpha, b=_b, beta=_beta, c_inf=_c, eta=_eta, eps_0=_eps, full_tokens=_n,
                           full_params=_m),
        source=_ROSENFELD, region=Region(tokens=(_n / 32, _n), params=(_least, _m)),
        checks=_points("tokens", _n, _m, _full, _part), category=_LM, questions=(1,), failures=_ROSENFELD_FAILURES,
        symbols={"tokens": "n", "params": "m"}, notes=_ROSENFELD_NOTE + " tokens are words.",
    )

for _name, (_title, _values, _n, _m, _least, _full, _part) in _ROSENFELD_VISION.items():
    _alpha, _b, _beta, _c, _eta = _values
    Published(
        key=f"rosenfeld2019:{_name}", title=f"Error from guessing to the power laws: {_title}",
        law=TransitionError(alpha=_alpha, b=_b, beta=_beta, c_inf=_c, eta=_eta, full_images=_n, full_params=_m),
        source=_ROSENFELD, region=Region(images=(_n / 32 if _name != "imagenet" else _n / 64, _n), params=(_least, _m)),
        checks=_points("images", _n, _m, _full, _part), category=_LM, questions=(1,), failures=_ROSENFELD_FAILURES,
        symbols={"images": "n", "params": "m"}, notes=_ROSENFELD_NOTE,
    )


# ------------------------------------------------------------------------------------ Ghorbani 2021

Fittable(
    key="ghorbani2021_nmt",
    title="Translation: loss from encoder and decoder size",
    law=EncoderDecoderLoss(alpha=1.0, p_e=0.2, p_d=0.2, L_inf=1.0),
    source=Source("2109.07740", "the bivariate law", "Ghorbani et al.", 2021,
                  "Scaling Laws for Neural Machine Translation"),
    category=_LM,
    questions=(1, 2),
    failures=(Failure("BLEU does not follow the loss where the test source is original text", "2109.07740"),),
    notes="Form quoted from memory; no coefficients could be confirmed, so none are given. A symmetric split of "
          "encoder and decoder does well; the exponents depend on whether source or target of the test set is "
          "original.",
)


# ------------------------------------------------------------------------------------- von Ruette 2025

Fittable(
    key="eth2025_discrete_diffusion",
    title="Compute-optimal size of discrete diffusion language models",
    law=OptimalParams(k=1.0, a=0.5),
    source=Source("2512.10858", "as a list of published exponents quotes it", "von Ruette et al.", 2025,
                  "Scaling Behavior of Discrete Diffusion Language Models"),
    category=_LM,
    questions=(2,),
    notes="Published exponents: N_opt ~ C**0.589 and D_opt ~ C**0.411 for uniform diffusion on Nemotron-CC, from a "
          "secondary list; no prefactor could be confirmed, so no coefficients are given. Uniform diffusion asks for "
          "more parameters and less data than masked diffusion; checked up to 10B params and 1e22 FLOP.",
)
