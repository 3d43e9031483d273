"""Published laws of data: repetition, mixtures, continued training, quality."""

from __future__ import annotations

from math import exp

from lawful.laws.base import Region
from lawful.laws.data import (
    BivariateMixing,
    ContinualLoss,
    CriticalMixtureRatio,
    DataMixing,
    DataMixing3,
    DecayingUtility,
    DomainShareLoss,
    EquivalentData,
    MixtureAdditiveLoss,
    RepeatedDataLoss,
)
from lawful.laws.published import Check, Failure, Fittable, Guidance, Published, Source
from lawful.laws.transfer import RectifiedLoss

_BY_HAND = "worked by hand from the printed coefficients"
_NONE = "No coefficients are listed: the constants belong to one model, corpus and set of domains"

# -------------------------------------------------------------------------------- Muennighoff 2023

Published(
    key="muennighoff2023_data_constrained",
    title="Loss with repeated data",
    law=RepeatedDataLoss(E=exp(0.6254804), A=exp(6.255414), alpha=0.3526596, B=exp(7.3049974), beta=0.3526596,
                         R_N_star=5.309743, R_D_star=15.387756),
    source=Source("2305.16264", "equations 5 and 6; parametric_fit.ipynb of the authors", "Muennighoff et al.", 2023,
                  "Scaling Data-Constrained Language Models"),
    counting={"params": "total"},
    symbols={"unique_tokens": "D_C"},
    region=Region(params=(7.1e6, 8.67e9), tokens=(1e8, 9e11), unique_tokens=(1e8, 1.78e11)),
    region_note="182 runs of up to 500 epochs; over-fitted runs were left out",
    checks=(
        Check({"params": 2.8e9, "tokens": 55e9, "unique_tokens": 1.25e9}, "2.7012", _BY_HAND),
        Check({"params": 4.2e9, "tokens": 84e9, "unique_tokens": 21e9}, "2.3082", _BY_HAND),
        Check({"params": 1e9, "tokens": 20e9, "unique_tokens": 20e9}, "2.5646", _BY_HAND),
    ),
    category="data",
    questions=(1, 3),
    failures=(
        Failure("Runs in which further epochs or parameters hurt were removed, so the form cannot show over-fitting",
                "2305.16264"),
        Failure("One family of corpora; the law without repeats was refitted on 54 points read off a figure of "
                "Hoffmann et al.", "2305.16264"),
        Failure("Repetition wears out faster or more slowly with the quality of the data and the compute",
                "2404.07177"),
    ),
    notes="C4; alpha and beta are tied. R_D_star is an e-fold of 15.4 repeats: up to 4 epochs are nearly as good as "
          "fresh data. The printed pair is not the optimum of its own objective (0.015826 over the 182 runs, the other "
          "five held): along a flat valley R_D_star 95 with R_N_star 1.7 reaches 0.015805. A secondary source reports "
          "0.014928 at R_D_star 2.86 with R_N_star without end; this form gives 0.0169 there. With all seven free the "
          "objective is 0.00655, and R_N_star runs off.",
)

# --------------------------------------------------------------------------------------- mixtures

_MOVES = Failure("The best mixture can move with scale", "2407.20177")


def _ye(where: str) -> Source:
    return Source("2403.16952", where, "Ye et al.", 2024, "Data Mixing Laws")


_YE_FAILURES = (
    Failure("Refitted at every size and length; M domains need M**2 slopes", "2403.16952"),
    _MOVES,
)

Fittable(
    key="ye2024_data_mixing:two",
    title="Loss against the proportions of two domains",
    law=DataMixing(c=1.0, k=1.0, t=-1.0),
    source=_ye("section 3, two domains"),
    category="data", questions=(3,), failures=_YE_FAILURES,
    notes=f"{_NONE}. Runs of 7e7 to 1e9 params on 30B tokens of the Pile and RedPajama. The paper nests it with laws "
          "of steps and size to reach other scales.",
)

Fittable(
    key="ye2024_data_mixing:three",
    title="Loss against the proportions of three domains",
    law=DataMixing3(c=1.0, k=1.0, t_1=-1.0, t_2=-1.0),
    source=_ye("section 3, several domains"),
    category="data", questions=(3,), failures=_YE_FAILURES,
    notes=f"{_NONE}. More domains add a slope each.",
)

Fittable(
    key="ge2024_bimix",
    title="Loss against a domain's proportion and the steps",
    law=BivariateMixing(B=1.0, beta=0.5, C=1.0, alpha=0.5),
    source=Source("2405.14908", "equation 3", "Ge et al.", 2024, "BiMix: Bivariate data mixing law"),
    category="data", questions=(3,),
    failures=(Failure("No domain helps or hurts another", "2405.14908"),),
    notes=f"{_NONE}. Read with steps as the second variable, as in the authors' data (some retellings say tokens); "
          "the paper's factor A only rescales B and C and is left out. On the released Pile runs (6 mixtures) it "
          "explains 94 % of the variance, mean over the domains.",
)

Guidance(
    key="liu2024_regmix",
    title="Mixtures by regression on many small runs",
    source=Source("2407.01492", "the method and its tests", "Liu et al.", 2024, "RegMix: Data Mixture as Regression"),
    category="data", questions=(3,),
    failures=(Failure("Ranks can change with scale, and the best mixture with them", "2407.20177"),),
    notes="Proxies: 512 runs of 1e6 params on 1B tokens (from memory). On the released runs gradient-boosted trees "
          "predict held-out mixtures of the same scale with rank correlations of 0.97 to 0.998.",
    advice="Train many tiny models on random mixtures, regress the target loss on the proportions (boosted trees "
           "rank better than a linear model) and take the best predicted mixture: the ranking of mixtures is assumed "
           "to carry over to the large model. Web text is a good target loss.",
    concerns=("ye2024_data_mixing", "kang2024_autoscale"),
)

Fittable(
    key="kang2024_autoscale",
    title="Loss against one domain's tokens beside the others",
    law=EquivalentData(l=1.0, N_0=1e8, gamma=0.1),
    source=Source("2407.20177", "the fitted loss of one domain", "Kang et al.", 2024,
                  "AutoScale: Scale-Aware Data Mixing for Pre-Training LLMs"),
    category="data", questions=(3,),
    notes=f"{_NONE}; the form itself is quoted from memory. The best tokens per domain at two small budgets, D1 and "
          "D2, are carried on log-linearly: D3 = D2 * D2 / D1 domain by domain.",
)

Fittable(
    key="que2024_dcpt",
    title="Continued pre-training against size, tokens and the domain's share",
    law=ContinualLoss(E=1.0, A=1.0, alpha=0.3, B=1.0, eta=0.5, beta=0.3, C=1.0, eps=0.1, gamma=0.5),
    source=Source("2406.01375", "the D-CPT law", "Que et al.", 2024,
                  "D-CPT Law: Domain-specific Continual Pre-Training Scaling Law"),
    category="data", questions=(3,),
    failures=(Failure("Nine constants a domain on few sizes: the fit is weakly determined", "2406.01375"),),
    notes=f"{_NONE}. Qwen-1.5 of 5e8 to 4e9 params (from memory), six domains. Fit it once to the domain's loss and "
          "once to the general loss, each with its own corpus's share. The paper's example: chemistry, 1.8B params, "
          "10B tokens, at most 3 % more general loss: a domain share of 0.924.",
)


def _gu(where: str) -> Source:
    return Source("2407.17467", where, "Gu et al.", 2024,
                  "CMR Scaling Law: Predicting Critical Mixture Ratios for Continual Pre-training")


_CMR = (  # size, a4, s4, b3; printed ratio at T = 100
    ("460M", 0.22524761, 0.26944345, -0.48139982, "0.298"),
    ("940M", 0.7520627, 0.13720245, -1.06581937, "0.349"),
    ("1.6B", -2.36384831, -0.15125569, 1.59223649, "0.414"),
    ("3.1B", -2.5368197, -0.42071423, 0.84375368, "0.478"),
)
_GU_FAILURES = (
    Failure("The constants change sign and size from one model to the next: nothing to carry to other sizes",
            "2407.17467"),
    Failure("At T = 250 the print says 500B tokens, its own unit of 0.2B gives 50B, as do steps times batch "
            "(10,000 steps of 512 sequences of 4,096: 21B at T = 105)", "2407.17467"),
)

for _size, _a4, _s4, _b3, _at_100 in _CMR:
    Published(
        key=f"gu2024_cmr:{_size}",
        title=f"Critical mixture ratio of continued pre-training, {_size}",
        law=CriticalMixtureRatio(a4=_a4, s4=_s4, b3=_b3),
        source=_gu("Table 5"),
        symbols={"tokens": "T"},
        region=Region(tokens=(2e9, 2e10)),
        region_note="about 20B tokens of continued training; the lower end is a guess",
        checks=(Check({"tokens": 2e10}, _at_100, "the ratio printed for T = 100"),),
        category="data", questions=(3,), failures=_GU_FAILURES,
        notes="Finance. Coefficients from a public transcription of the table, which reproduces the printed ratios. "
              "Larger models bear a larger share of the domain.",
    )

Fittable(
    key="gu2024_cmr:domain_loss",
    title="Domain loss against the domain's share",
    law=DomainShareLoss(beta=2.0, alpha=-0.5, s=0.2),
    source=_gu("the law of domain loss; Table 2"),
    category="data", questions=(3,),
    notes=f"{_NONE}. Least squares on the losses of Table 2 at shares of 1/3 to 1 give s of 0.16 to 0.20 and alpha of "
          "-0.31 to -0.43 for the four sizes, and the loss at a share of 1/4 to 0.0002 nats/token.",
)

Fittable(
    key="shukor2025_optimal_mixtures",
    title="Loss against size, tokens and a mixture of two domains",
    law=MixtureAdditiveLoss(E=1.0, C_1=1.0, gamma_1=0.5, C_2=1.0, gamma_2=0.5, A=1.0, alpha=0.3, B=1.0, beta=0.3),
    source=Source("2507.09404", "the additive law", "Shukor et al.", 2025,
                  "Scaling Laws for Optimal Data Mixtures"),
    category="data", questions=(3, 8),
    notes=f"{_NONE}; the inner form is quoted from memory and agrees with a public data set's description. Models of "
          "1.06e8 to 8e9 params (from memory). The additive law's best mixture does not depend on scale; the joint "
          "law's, with A and B depending on the mixture, does.",
)

# ---------------------------------------------------------------------------------------- quality

Fittable(
    key="goyal2024_qqt",
    title="Error on a filtered pool seen several times",
    law=DecayingUtility(a=1.0, b=-0.2, tau=3.0, d=0.1),
    source=Source("2404.07177", "the utility with its half-life", "Goyal et al.", 2024,
                  "Scaling Laws for Data Filtering: Data Curation cannot be Compute Agnostic"),
    category="data", questions=(3,),
    failures=(
        Failure("Utility sits in the exponent: extrapolation is sensitive to it", "2404.07177"),
        Failure("The authors fit by grid search, general optimisers being unstable", "2404.07177"),
    ),
    notes=f"{_NONE}. CLIP ViT-B/32 on 3.2e7 to 6.4e8 pairs (from memory). Here the exponent decays with repeats; "
          "Muennighoff et al. let the effective data decay. The authors' code multiplies d by the product of the "
          "later passes as well; the form here is the paper's.",
)

_T_MARS = (  # share of the pool by the T-MARS score, b, tau; error of 1.28e8 pairs in one pass: 32**b + 0.1
    ("top_10", "the best tenth", -0.16, 6.7272727272727275, "0.6743"),
    ("top_20", "the second tenth", -0.125, 8.545454545454547, "0.7484"),
    ("top_30", "the third tenth", -0.1, 5.2727272727272725, "0.8071"),
    ("top_40", "the fourth tenth", -0.085, 2.2727272727272725, "0.8448"),
)

for _tenth, _which, _b, _tau, _at_once in _T_MARS:
    Published(
        key=f"goyal2024_qqt:{_tenth}",
        title=f"ImageNet error on pairs filtered by T-MARS, {_which} of the pool",
        law=DecayingUtility(a=(1e5 / 0.025) ** -_b, b=_b, tau=_tau, d=0.1),
        source=Source("2404.07177", "results/parameter_values.jsonl of the authors' code, set tmars_imagenet1k_utility",
                      "Goyal et al.", 2024,
                      "Scaling Laws for Data Filtering: Data Curation cannot be Compute Agnostic"),
        region=Region(pairs=(1.28e7, 1.28e8), epochs=(1.0, 10.0)),
        region_note="runs of 1.28e8 pairs on pools of 1.28e7, ten passes: the span is read off the code",
        checks=(Check({"pairs": 1.28e8, "epochs": 1.0}, _at_once, _BY_HAND),),
        category="data", questions=(3,),
        failures=(
            Failure("Utility sits in the exponent: extrapolation is sensitive to it", "2404.07177"),
            Failure("Below 4e6 pairs the error of this form exceeds 1, and a better pool is the worse one",
                    "2404.07177"),
        ),
        notes="CLIP ViT-B/32, DataComp. The code counts pairs in units of 1e5 / 0.025, which stand in a here; d was "
              "held at 0.1. In the code d is multiplied by the product of the later passes as well, by which errors "
              "come out lower, by 0.023 after ten passes over the best tenth; the form here is the paper's.",
    )

Guidance(
    key="sorscher2022_pruning",
    title="Keeping the best examples can beat a power law",
    source=Source("2206.14486", "theory and experiments", "Sorscher et al.", 2022,
                  "Beyond neural scaling laws: beating power law scaling via data pruning"),
    category="data", questions=(3,),
    failures=(
        Failure("Most cheap measures of difficulty fail at the scale of ImageNet", "2206.14486"),
        Failure("The gain shrinks where compute, not data, is the limit", "2404.07177"),
    ),
    notes="In the best cases 20 % of ImageNet goes without loss (from memory).",
    advice="Rank examples by difficulty and keep fewer of them as the set grows: error can then fall faster than any "
           "power of the kept data. Keep the hard ones where data are plentiful, the easy ones where they are scarce.",
    concerns=("goyal2024_qqt",),
)

Fittable(
    key="qin2025_synthetic",
    title="Error against synthetic pre-training tokens",
    law=RectifiedLoss(E=1.0, B=1000.0, D_l=1000.0, beta=0.3, over="tokens"),
    source=Source("2503.19551", "the rectified law for synthetic data", "Qin et al.", 2025,
                  "Scaling Laws of Synthetic Data for Language Models"),
    category="data", questions=(3,),
    failures=(Failure("How the data are generated decides whether they scale at all", "2503.19551"),),
    notes=f"{_NONE}. The output is an error rate on mathematics there. Gains flatten near 300B tokens (from memory).",
)
