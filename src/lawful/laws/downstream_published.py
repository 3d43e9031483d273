"""Published laws of downstream scores."""

from __future__ import annotations

from lawful.laws.base import Region
from lawful.laws.downstream import (
    CapabilityScore,
    ComputeAccuracy,
    ExactMatch,
    LadderAccuracy,
    LinearAccuracy,
    LogLoss,
    LossAccuracy,
    LossError,
    LossToLoss,
)
from lawful.laws.language import AdditiveLoss
from lawful.laws.power import PowerLaw
from lawful.laws.published import Check, Failure, Fittable, Published, Source

_BY_HAND = "worked by hand from the printed coefficients"
_NONE = "No coefficients are listed: they belong to one task and family of models"
_UNRELIABLE = Failure("Only a minority of single tasks scale predictably: 39 % in a meta-analysis", "2507.00885")

# ------------------------------------------------------------------------------------- Gadre 2024

_GADRE = (  # corpus, tasks, k, gamma, eps, span of the loss, error at a loss of 2.5
    ("c4", "46task", 1.2885, 0.9722, 0.7589, (2.66, 5.3), "0.6455"),
    ("c4", "17task", 2.0789, 0.7561, 0.8497, (2.66, 5.3), "0.5357"),
    ("redpajama", "46task", 1.3229, 0.8907, 0.7608, (2.77, 5.3), "0.6181"),
    ("redpajama", "17task", 2.2065, 0.7146, 0.8570, (2.77, 5.3), "0.4873"),
    ("refinedweb", "46task", 1.1281, 0.8215, 0.7677, (2.76, 5.3), "0.6230"),
    ("refinedweb", "17task", 2.2148, 0.7070, 0.8653, (2.76, 5.3), "0.4871"),
)

for _corpus, _tasks, _k, _gamma, _eps, _span, _at in _GADRE:
    Published(
        key=f"gadre2024_downstream:{_corpus}_{_tasks}",
        title=f"Average error over {_tasks[:2]} tasks against C4 loss, trained on {_corpus}",
        law=LossError(eps=_eps, k=_k, gamma=_gamma),
        source=Source("2403.08540", "equation 5; refitted on the authors' released runs by their protocol",
                      "Gadre et al.", 2024,
                      "Language models scale reliably with over-training and on downstream tasks"),
        region=Region(loss=_span),
        region_note="six runs of 1.1e7 to 1.4e9 params; the upper end of the loss is approximate",
        checks=(Check({"loss": 2.5}, _at, _BY_HAND),),
        category="downstream", questions=(1, 5),
        failures=(
            _UNRELIABLE,
            Failure("The 17 tasks were chosen for being above chance", "2403.08540"),
        ),
        notes="Averages only. On RedPajama the paper predicts the 17-task error of the 6.9B model to 0.05 % from its "
              "predicted loss.",
    )

# ------------------------------------------------------------------------------------ Llama 3 2024


def _llama(where: str) -> Source:
    return Source("2407.21783", where, "Grattafiori et al.", 2024, "The Llama 3 Herd of Models")


_LLAMA_FAILURES = (
    Failure("It slightly underestimates the flagship; the second step pools models with another tokenizer",
            "2407.21783"),
    _UNRELIABLE,
)
_LLAMA_NOTES = (f"{_NONE} (the paper shows ARC-Challenge in a figure). Compute up to 1e22 FLOP in the first step, "
                "extrapolated about four orders of magnitude; the second step adds the Llama 2 models.")

Fittable(
    key="llama3_2024_downstream:accuracy_of_compute",
    title="Accuracy against compute, both steps in one",
    law=ComputeAccuracy(b=0.25, a=0.7, C_half=1e22, s=0.3),
    source=_llama("section 3.2.1, figure 4"), category="downstream", questions=(1, 5), failures=_LLAMA_FAILURES,
    notes=_LLAMA_NOTES,
)

Fittable(
    key="llama3_2024_downstream:loss_of_compute",
    title="Loss of the right answer against compute (step 1)",
    law=LogLoss(a=3.0, b=-0.05, over="compute"),
    source=_llama("section 3.2.1, figure 4 left"), category="downstream", questions=(1, 5), failures=_LLAMA_FAILURES,
    notes=_LLAMA_NOTES + " The loss is per character of the right answer.",
)

Fittable(
    key="llama3_2024_downstream:accuracy_of_loss",
    title="Accuracy against the loss of the right answer (step 2)",
    law=LossAccuracy(b=0.25, a=0.7, k=5.0, L_0=1.0),
    source=_llama("section 3.2.1, figure 4 right"), category="downstream", questions=(1, 5), failures=_LLAMA_FAILURES,
    notes=_LLAMA_NOTES,
)

# ------------------------------------------------------------------------------------ Bhagia 2024


def _bhagia(where: str) -> Source:
    return Source("2412.04403", where, "Bhagia et al.", 2024,
                  "Establishing Task Scaling Laws via Compute-Efficient Model Ladders")


_BHAGIA_FAILURES = (
    Failure("Noisy tasks are left out or badly predicted: up to 17 % relative error at 13B and 5T", "2412.04403"),
    _UNRELIABLE,
)
_LADDER = "Ladder of 1.9e8 to 1.3e9 non-embedding params at 1 to 10 times 20 tokens a param; targets 7B and 13B"

Published(
    key="bhagia2024_ladders:c4",
    title="C4 loss of the ladder against size and tokens (step 1)",
    law=AdditiveLoss(E=0.934375, A=12.48284, alpha=0.1036029, B=33.47682, beta=0.1619685),
    source=_bhagia("step 1; refitted on the authors' released ladder by their protocol"),
    counting={"params": "non-embedding"},
    region=Region(params=(1.9e8, 1.28e9), tokens=(3.8e9, 2.56e11)),
    checks=(Check({"params": 13202396160.0, "tokens": 5.000088518656e12}, "2.3444",
                  "step1_c4_main.csv of the authors: predicted C4 loss of the 13B model on 5T tokens"),),
    category="downstream", questions=(1, 5),
    failures=(*_BHAGIA_FAILURES,
              Failure("The 13B model's true loss is 2.4379, 4 % above the prediction: its last stage saw other data",
                      "2412.04403")),
    notes=f"The paper prints no coefficients. {_LADDER}.",
)

Fittable(
    key="bhagia2024_ladders:accuracy",
    title="Accuracy against size and tokens, both steps in one",
    law=LadderAccuracy(b=0.25, a=0.7, A=1000.0, alpha=0.3, B=1000.0, beta=0.3, c=3.0),
    source=_bhagia("the two steps, chained"), counting={"params": "non-embedding"}, category="downstream",
    questions=(1, 5), failures=_BHAGIA_FAILURES, notes=f"{_NONE}. {_LADDER}.",
)

Fittable(
    key="bhagia2024_ladders:task_loss",
    title="Task loss against size and tokens (step 1)",
    law=AdditiveLoss(E=0.5, A=100.0, alpha=0.3, B=100.0, beta=0.3),
    source=_bhagia("step 1"), counting={"params": "non-embedding"}, category="downstream",
    questions=(1, 5), failures=_BHAGIA_FAILURES, notes=f"{_NONE}. The loss is bits per byte of the answer. {_LADDER}.",
)

Fittable(
    key="bhagia2024_ladders:accuracy_of_loss",
    title="Accuracy against task loss (step 2)",
    law=LossAccuracy(b=0.25, a=0.7, k=5.0, L_0=1.0),
    source=_bhagia("step 2"), category="downstream", questions=(1, 5), failures=_BHAGIA_FAILURES,
    notes=f"{_NONE}. Fitted on all checkpoints of the ladder, smoothed, not on the last ones only.",
)

# -------------------------------------------------------------------------------------- Ruan 2024


def _ruan(where: str) -> Source:
    return Source("2405.10938", where, "Ruan et al.", 2024,
                  "Observational Scaling Laws and the Predictability of Language Model Performance")


_RUAN_FAILURES = (
    Failure("Families differ in efficiency; contamination and the choice of who trains what stay in the data",
            "2405.10938"),
)
_RUAN_NOTES = (f"{_NONE}. 77 public models of 21 families; the first component of their benchmark scores holds about "
               "80 % of the variance, three about 97 %.")

Fittable(
    key="ruan2024_observational:score_of_capability",
    title="Score against capability across families",
    law=CapabilityScore(h=0.9, beta=1.0, alpha=-1.0),
    source=_ruan("section 3, tasks from capabilities"), category="downstream", questions=(1,), failures=_RUAN_FAILURES,
    notes=_RUAN_NOTES,
)

Fittable(
    key="ruan2024_observational:score_of_compute",
    title="Score against compute within one family",
    law=ComputeAccuracy(b=0.1, a=0.8, C_half=1e23, s=0.5),
    source=_ruan("section 3, capabilities from compute"), category="downstream", questions=(1,),
    failures=_RUAN_FAILURES,
    notes=_RUAN_NOTES + " Capability is linear in log compute with a slope and a level for each family.",
)

# ------------------------------------------------------------------------------- one law per paper

Fittable(
    key="schaeffer2023_mirage",
    title="Exact-match accuracy from the loss per token",
    law=ExactMatch(L=5.0),
    source=Source("2304.15004", "section 2", "Schaeffer et al.", 2023,
                  "Are Emergent Abilities of Large Language Models a Mirage?"),
    category="downstream", questions=(1,),
    failures=(Failure("It does not explain every inflection: broken laws are still needed", "2210.14891"),),
    notes="No coefficients are published: L is the length of the task's answers. Check a continuous metric before "
          "claiming that an ability emerges.",
)


def _chen(where: str) -> Source:
    return Source("2410.08527", where, "Chen et al.", 2024,
                  "Scaling Laws for Predicting Downstream Performance in LLMs")


_CHEN_FAILURES = (Failure("The threshold past which the line holds must be found first", "2410.08527"), _UNRELIABLE)

Fittable(
    key="chen2024_flp:performance",
    title="Accuracy against loss past the threshold (step 2)",
    law=LinearAccuracy(w_0=1.0, w_1=-0.2),
    source=_chen("loss to performance"), category="downstream", questions=(5,), failures=_CHEN_FAILURES,
    notes=f"{_NONE}; the form is quoted from memory.",
)

Fittable(
    key="chen2024_flp:loss",
    title="Loss against compute (step 1)",
    law=PowerLaw(x_c=1e24, alpha=0.05, over="compute"),
    source=_chen("FLOPs to loss"), category="downstream", questions=(5,), failures=_CHEN_FAILURES,
    notes=f"{_NONE}; the form is quoted from memory.",
)

Fittable(
    key="brandfonbrener2024_loss_to_loss",
    title="Loss on one data set from the loss on another",
    law=LossToLoss(K=1.1, kappa=1.3, E_0=0.5, E_1=0.4),
    source=Source("2411.12925", "equation 3", "Brandfonbrener et al.", 2024,
                  "Loss-to-Loss Prediction: Scaling Laws for All Datasets"),
    category="downstream", questions=(1, 3),
    notes=f"{_NONE} (they are in the authors' notebooks, pair by pair). It is defined above the floor E_0 only; where "
          "kappa is near 1, E_0 and E_1 cannot be told apart, so take them from the laws of either "
          "loss. Most pairs reach an R2 above 0.99, and the compute-optimal size is the same on both sets.",
)
