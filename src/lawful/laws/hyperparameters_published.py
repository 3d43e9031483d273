"""Published laws of learning rate, batch size, weight decay and schedules."""

from __future__ import annotations

from math import exp

from lawful.laws.annealing import AnnealedLoss, MultiPowerLoss
from lawful.laws.base import Region
from lawful.laws.hyperparameters import (
    BatchSize,
    DecayTimescale,
    LearningRate,
    LearningRateSurface,
    OptimalWeightDecay,
    StepsForBatch,
)
from lawful.laws.published import Check, Failure, Fittable, Published, Source

_BY_HAND = "worked by hand from the printed coefficients"
_HP = "hyperparameters"


# ----------------------------------------------------------------------------------- DeepSeek 2024

_DEEPSEEK = Source("2401.02954", "equation 1", "DeepSeek-AI", 2024,
                   "DeepSeek LLM: Scaling Open-Source Language Models with Longtermism")
_DEEPSEEK_FAILURES = (
    Failure("It depends on compute alone; later sweeps find that size and data act separately", "2503.04715"),
)

Published(
    key="deepseek2024_hparams:learning_rate",
    title="Best peak learning rate against compute",
    law=LearningRate(c=0.3118, p=0.125, over="compute"),
    source=_DEEPSEEK,
    region=Region(compute=(1e17, 2e19)),
    checks=(Check({"compute": 1e19}, "1.315e-3", _BY_HAND),),
    category=_HP,
    questions=(1,),
    failures=_DEEPSEEK_FAILURES,
    notes="C = M D with M in FLOP per token, attention counted, vocabulary left out. Runs within 0.25 % of the best "
          "loss count as optimal.",
)

Published(
    key="deepseek2024_hparams:batch",
    title="Best batch size against compute",
    law=BatchSize(c=0.2920, g=0.3271, over="compute"),
    source=_DEEPSEEK,
    region=Region(compute=(1e17, 2e19)),
    checks=(Check({"compute": 1e19}, "4.789e5", _BY_HAND),),
    category=_HP,
    questions=(1,),
    failures=_DEEPSEEK_FAILURES,
    notes="In tokens. C = M D with M in FLOP per token, attention counted, vocabulary left out.",
)


# ----------------------------------------------------------------------------------- Step Law 2025

_STEP_LAW = Source("2503.04715", "equation 1", "Li et al.", 2025,
                   "Predictable Scale: Part I, Step Law: Optimal Hyperparameter Scaling Law in LLM Pre-training")
_STEP_LAW_FAILURES = (
    Failure("The sign of the data exponent disagrees with a study at fixed batch, -0.32 there", "2409.19913"),
    Failure("One optimiser, one schedule, and a final learning rate fixed at 1e-5", "2503.04715"),
    Failure("Little in the exponents is much in the prefactor: its standard error is a factor of 1.9 for the learning "
            "rate and 1.5 for the batch", "2503.04715"),
)
_STEP_LAW_NOTE = ("The authors average 1,000 bootstrap fits of the best cell of each (N, D) grid: ")

Published(
    key="steplaw2025:learning_rate",
    title="Best peak learning rate against model size and data",
    law=LearningRateSurface(c=1.79, p=0.713, q=0.307),
    source=_STEP_LAW,
    counting={"params": "non-embedding"},
    region=Region(params=(6e7, 1.07e9), tokens=(2e9, 1e11)),
    checks=(Check({"params": 1e9, "tokens": 1e11}, "1.6325e-3", _BY_HAND),),
    category=_HP,
    questions=(1,),
    failures=_STEP_LAW_FAILURES,
    notes=_STEP_LAW_NOTE + "p 0.713 (0.030), q 0.307 (0.019), c 1.797. It falls with N and rises with D; the optimum "
          "is broad, and the predicted one within 0.09 % of the best loss of the sweep, as the authors say.",
)

Published(
    key="steplaw2025:batch",
    title="Best batch size against data",
    law=BatchSize(c=0.58, g=0.571, over="tokens"),
    source=_STEP_LAW,
    region=Region(tokens=(2e9, 1e11)),
    checks=(Check({"tokens": 1e11}, "1.1077e6", _BY_HAND),),
    category=_HP,
    questions=(1,),
    failures=_STEP_LAW_FAILURES,
    notes=_STEP_LAW_NOTE + "g 0.571 (0.019), c 0.581. In tokens; model size plays no part.",
)


# ------------------------------------------------------------------------------------- Porian 2024

_PORIAN = Source("2406.19146", "the laws fitted to the sweep", "Porian et al.", 2024,
                 "Resolving Discrepancies in Compute-Optimal Scaling of Language Models")
_PORIAN_FAILURES = (Failure("A sweep of small models, each at 20 tokens per parameter", "2406.19146"),)

Published(
    key="porian2024_hparams:learning_rate",
    title="Best peak learning rate against model size, at 20 tokens per parameter",
    law=LearningRate(c=3.7, p=0.36, over="params"),
    source=_PORIAN,
    region=Region(params=(5e6, 2e8)),
    checks=(Check({"params": 1e8}, "4.878e-3", _BY_HAND),),
    category=_HP,
    questions=(1,),
    failures=_PORIAN_FAILURES,
    notes="Constant learning rate, AdamW; N counts the output layer. The span of sizes is quoted from memory.",
)

Published(
    key="porian2024_hparams:batch",
    title="Best batch size against model size, at 20 tokens per parameter",
    law=BatchSize(c=0.00037 * 2048, g=0.703, over="params"),
    source=_PORIAN,
    region=Region(params=(5e6, 2e8)),
    checks=(Check({"params": 1e8}, "3.188e5", _BY_HAND),),
    category=_HP,
    questions=(1,),
    failures=_PORIAN_FAILURES,
    unconfirmed=("c",),
    notes="The source has 0.00037 N**0.703 without a unit. It is read as sequences of 2,048 tokens, 156 at 1e8 params: "
          "in tokens it would be no batch. At small batches raise beta2 of AdamW to 0.99 or 0.999: 0.95 is poor up to "
          "128 sequences.",
)


# ------------------------------------------------------------------------------------- Bjorck 2024

Fittable(
    key="bjorck2024_lr_horizon",
    title="Best learning rate against model size and training horizon",
    law=LearningRateSurface(c=1.0, p=0.2, q=-0.3),
    source=Source("2409.19913", "the joint law of size and horizon", "Bjorck et al.", 2024,
                  "Scaling Optimal LR Across Token Horizons"),
    category=_HP,
    questions=(1,),
    failures=(Failure("A sweep over batch as well finds that the learning rate rises with data, as D**0.307",
                      "2503.04715"),),
    notes="Published exponents: p = 0.23 and q = -0.32, from a secondary source; the prefactor could not be "
          "confirmed, so no coefficients are given. A longer horizon asks for a smaller learning rate, at a fixed "
          "batch.",
)


# --------------------------------------------------------------------------------- McCandlish 2018

Fittable(
    key="mccandlish2018_noise_scale",
    title="Steps against batch size at a given loss",
    law=StepsForBatch(S_min=1e4, B_crit=1e5),
    source=Source("1812.06162", "equation 2.11", "McCandlish et al.", 2018,
                  "An Empirical Model of Large-Batch Training"),
    category=_HP,
    questions=(1,),
    failures=(Failure("The noise scale is a local estimate for plain gradient descent, and drifts through training",
                      "2410.21676"),),
    notes="Every task and loss has its own S_min and B_crit, so no coefficients are given. Measure B_crit by training "
          "at several batches, or estimate it by the noise scale tr(Sigma) / |G|**2 (B_simple), which leaves out the "
          "curvature of tr(H Sigma) / (G H G).",
)


# ------------------------------------------------------------------------------------- Zhang 2024

Published(
    key="zhang2024_critical_batch",
    title="Critical batch size against data",
    law=BatchSize(c=22.91 * 512 / 1e6**0.47, g=0.47, over="tokens"),
    source=Source("2410.21676", "the fitted law of data size", "Zhang et al.", 2024,
                  "How Does Critical Batch Size Scale in Pre-training?"),
    region=Region(tokens=(1.7e9, 2.46e10)),
    checks=(Check({"tokens": 6.04e9}, "7.021e5", _BY_HAND),),
    category=_HP,
    questions=(1,),
    unconfirmed=("c",),
    notes="C4, context 512, 85M to 1.2B params. The critical batch is where steps exceed the ideal of linear scaling "
          "by a fifth. The law is quoted as 22.91 D**0.47; D is read in millions of tokens and the batch in sequences "
          "of 512, which lies nearest to the authors' published step counts (about 1,500 sequences at 302M params and "
          "6.1B tokens, 2,600 at 1.2B and 24.6B); read in plain tokens it would be 1.29 times as much. Nearly "
          "independent of model size.",
)


# ------------------------------------------------------------------------------------- Bergsma 2025

_BERGSMA = Source("2505.13738", "the fitted laws, as secondary sources quote them", "Bergsma et al.", 2025,
                  "Power Lines: Scaling Laws for Weight Decay and Batch Size in LLM Pre-training")
_BERGSMA_NOTE = "The paper's span of sizes and tokens could not be confirmed. "

Published(
    key="bergsma2025_power_lines:weight_decay",
    title="Best weight decay",
    law=OptimalWeightDecay(c=1.084, p=0.527),
    source=_BERGSMA,
    region=Region(),
    region_note="the span of the runs could not be confirmed",
    checks=(Check({"params": 1e9, "tokens": 2e10, "batch_tokens": 1e6, "learning_rate": 6e-4}, "0.3728", _BY_HAND),),
    category=_HP,
    questions=(1,),
    notes=_BERGSMA_NOTE + "The learning rate is that of the parametrisation used, muP in the paper. R2 of the law of "
          "the timescale 0.975.",
)

Published(
    key="bergsma2025_power_lines:timescale",
    title="Best averaging time of AdamW",
    law=DecayTimescale(c=1.084, p=0.527),
    source=_BERGSMA,
    region=Region(),
    region_note="the span of the runs could not be confirmed",
    checks=(Check({"params": 1e9, "tokens": 2e10}, "0.2236", _BY_HAND),),
    category=_HP,
    questions=(1,),
    notes=_BERGSMA_NOTE + "tau = B / (eta lambda D), a share of the run.",
)

Published(
    key="bergsma2025_power_lines:best_batch",
    title="Best batch size against data",
    law=BatchSize(c=0.0306 * 2048, g=0.383, over="tokens"),
    source=_BERGSMA,
    region=Region(),
    region_note="the span of the runs could not be confirmed",
    checks=(Check({"tokens": 1e11}, "1.0234e6", _BY_HAND),),
    category=_HP,
    questions=(1,),
    failures=(Failure("Other sweeps find a steeper law, with exponent 0.571", "2503.04715"),),
    unconfirmed=("c", "g"),
    notes="0.0306 D**0.383 sequences of 2,048 tokens, quoted from memory; a secondary source has exponents of 0.367 to "
          "0.391.",
)

Published(
    key="bergsma2025_power_lines:critical_batch",
    title="Critical batch size against data",
    law=BatchSize(c=0.0471 * 2048, g=0.462, over="tokens"),
    source=_BERGSMA,
    region=Region(),
    region_note="the span of the runs could not be confirmed",
    checks=(Check({"tokens": 1e11}, "1.1651e7", _BY_HAND),),
    category=_HP,
    questions=(1,),
    unconfirmed=("c", "g"),
    notes="0.0471 D**0.462 sequences of 2,048 tokens, quoted from memory; a secondary source has the exponent 0.47. By "
          "McCandlish's definition (twice the fewest steps): a fifth of it is the batch of 20 % more steps that Zhang "
          "et al. call critical.",
)


# ------------------------------------------------------------------------------------- Schedules

Fittable(
    key="tissue2024_lr_annealing",
    title="Loss along any learning-rate schedule, with an annealing term",
    law=AnnealedLoss(L0=2.6, A=0.43, alpha=0.55, C=0.41, lam=0.999),
    source=Source("2408.11029", "equation 1", "Tissue et al.", 2024, "Scaling Law with Learning Rate Annealing"),
    category=_HP,
    questions=(1,),
    failures=(Failure("The annealing term is linear in the drop of the rate, whatever the rate: curves of large drops "
                      "ask for more", "2503.12811"),),
    symbols={"steps": "s"},
    notes="Constants belong to one model and data set, and none could be confirmed, so none are given. lam is between "
          "0.99 and 0.999 in the paper. One or two curves are enough to fit it. area, fall and lag in the formula are "
          "those of Schedule.changes.",
)

_MPL_FAILURES = (
    Failure("The repository says that its constants differ from the paper's, having been fitted anew", "2503.12811"),
    Failure("One fit per model size: the constants do not transfer", "2503.12811"),
)


def _multi_power(size: str, law: MultiPowerLoss, by_hand: tuple[str, str]) -> None:
    Published(
        key=f"luo2025_multi_power_law:{size}", title=f"Loss along any learning-rate schedule, {size} params",
        law=law,
        source=Source("2503.12811", "the multi-power law; constants of the authors' repository", "Luo et al.", 2025,
                      "A Multi-Power Law for Loss Curve Prediction Across Learning Rate Schedules"),
        region=Region(steps=(2160.0, 72000.0)),
        region_note="schedules with a warm-up of 2,160 steps to a peak of 3e-4",
        checks=(Check({"steps": 12000.0}, by_hand[0], _BY_HAND + ", step by step along the stages"),
                Check({"steps": 24000.0}, by_hand[1], _BY_HAND + ", step by step along the stages")),
        category=_HP, questions=(1,), failures=_MPL_FAILURES, symbols={"steps": "t"},
        notes="The stages are an example; give your own. area, drop, rate and since in the formula are those of "
              "Schedule.changes. The sum over changes of the rate includes the warm-up: the "
              "authors' curves are met to 0.004 nats with it and missed by 0.11 to 0.13 without. R2 0.998, mean "
              "relative error 0.1 to 0.2 %.",
    )


_multi_power("25M", MultiPowerLoss(L0=3.04, A=0.525, alpha=0.508, B=363.788, C=2.066, beta=0.583, gamma=0.641),
             ("3.4350", "3.30474"))
_multi_power("100M", MultiPowerLoss(L0=2.651, A=0.601, alpha=0.453, B=437.946, C=2.132, beta=0.598, gamma=0.655),
             ("3.13208", "2.97834"))
_multi_power("400M", MultiPowerLoss(L0=2.375, A=0.654, alpha=0.429, B=523.425, C=2.025, beta=0.594, gamma=0.635),
             ("2.92315", "2.74515"))


# --------------------------------------------------------------------------------------- MM1 2024

Published(
    key="mm1_2024_lr",
    title="Best peak learning rate of multimodal pre-training",
    law=LearningRate(c=exp(-0.5535), p=0.4214, over="params"),
    source=Source("2403.09611", "the training recipe", "McKinzie et al.", 2024,
                  "MM1: Methods, Analysis & Insights from Multimodal LLM Pre-training"),
    counting={"params": "non-embedding"},
    region=Region(params=(9e6, 1.2e9)),
    checks=(Check({"params": 30e9}, "2.211e-5", _BY_HAND), Check({"params": 1e9}, "9.269e-5", _BY_HAND)),
    category=_HP,
    questions=(8,),
    failures=(Failure("Laws that take the data into account cannot be compared with it", "2503.04715"),),
    notes="eta = exp(-0.4214 ln N - 0.5535), from proxy runs of 9M to 1.2B params (the span from memory). Weight "
          "decay is set to a tenth of the learning rate. The data mix was captions : interleaved : text = 45 : 45 : "
          "10.",
)


# ------------------------------------------------------------------------------------ Schaipp 2026

Published(
    key="schaipp2026_three_term",
    title="Best batch size against data",
    law=BatchSize(c=0.667, g=0.566, over="tokens"),
    source=Source("2607.01487", "the best batch of the fitted three-term law", "Schaipp", 2026,
                  "How to Allocate Your Tokens? Scaling Laws with Training Steps and Batch Size"),
    region=Region(tokens=(2e9, 1e11)),
    region_note="the span of the Step Law runs, which the fit is taken to rest on; not confirmed",
    checks=(Check({"tokens": 1e11}, "1.122e6", _BY_HAND),),
    category=_HP,
    questions=(1,),
    unconfirmed=("c", "g"),
    notes="From a secondary source, without a unit; read in tokens, where it agrees with the Step Law to 2 % at 1e11 "
          "tokens. The paper's law of the loss has one term each in model size, steps and batch; its form and "
          "constants could not be confirmed. A batch within a factor of two of the best wastes about 5 % of the "
          "tokens.",
)
