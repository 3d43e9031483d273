"""Published laws of transfer and fine-tuning."""

from __future__ import annotations

from lawful.laws.base import Region
from lawful.laws.power import FloorPowerLaw
from lawful.laws.published import Check, Failure, Fittable, Guidance, Published, Source
from lawful.laws.transfer import (
    DataTransferred,
    DownstreamError,
    FloorPowerError,
    MultiplicativeFinetuning,
    RectifiedLoss,
    TransferLoss,
    TranslationScore,
)

_BY_HAND = "worked by hand from the printed coefficients"
_NONE = "No coefficients are listed: they belong to one pair of task and model"

# ---------------------------------------------------------------------------------- Hernandez 2021


def _hernandez(where: str) -> Source:
    return Source("2102.01293", where, "Hernandez et al.", 2021, "Scaling Laws for Transfer")


_HERNANDEZ_FAILURES = (
    Failure("Ossification: where the fine-tuning data exceed about 10 % of what a model of the size would need, small "
            "pre-trained models do worse than models trained from scratch", "2102.01293"),
    Failure("Constants of English text to Python; retellings quote the law for D_T without the loss it belongs to",
            "2502.12051"),
)
_HERNANDEZ_NOTES = ("Data in characters. Coefficients agree in two secondary lists (notes from the paper's Table 1 and "
                    "a public review of scaling laws); the span is that review's.")

Published(
    key="hernandez2021_transfer:text_to_python",
    title="Effective data transferred, from text to Python",
    law=DataTransferred(k=1.9e4, alpha=0.18, beta=0.38),
    source=_hernandez("Table 1; equation 1.1"),
    counting={"params": "non-embedding"},
    region=Region(params=(1e5, 1e9), finetune_characters=(4e6, 2e9)),
    checks=(Check({"params": 4e7, "finetune_characters": 3e5}, "1.4237e8", _BY_HAND),),
    category="transfer", questions=(5,), failures=_HERNANDEZ_FAILURES, notes=_HERNANDEZ_NOTES,
)

Published(
    key="hernandez2021_transfer:text_plus_code_to_python",
    title="Effective data transferred, from text and code to Python",
    law=DataTransferred(k=2.1e5, alpha=0.096, beta=0.38),
    source=_hernandez("Table 1; equation 1.1"),
    counting={"params": "non-embedding"},
    region=Region(params=(1e5, 2e8), finetune_characters=(4e6, 9e8)),
    checks=(Check({"params": 4e7, "finetune_characters": 3e5}, "5.4551e8", _BY_HAND),),
    category="transfer", questions=(5,), failures=_HERNANDEZ_FAILURES, notes=_HERNANDEZ_NOTES,
)

Fittable(
    key="hernandez2021_transfer:loss",
    title="Loss after fine-tuning, by effective data",
    law=TransferLoss(N_C=1e13, alpha_N=0.08, D_C=1e13, alpha_D=0.1, k=1.9e4, alpha=0.18, beta=0.38),
    source=_hernandez("the unified law"),
    counting={"params": "non-embedding"},
    category="transfer", questions=(5,), failures=_HERNANDEZ_FAILURES,
    notes="The constants of training from scratch on Python could not be confirmed. D_E = D_F + D_T is kept whole: "
          "with D_F left out, as the paper may at little data, D_C and k could not be told apart.",
)

# --------------------------------------------------------------------------------- fine-tuning laws

Fittable(
    key="lin2024_rectified",
    title="Loss against fine-tuning data, with a pre-learned size",
    law=RectifiedLoss(E=1.0, B=1e5, D_l=1e5, beta=0.5, over="finetune_tokens"),
    source=Source("2402.02314", "the rectified scaling law", "Lin et al.", 2024,
                  "Selecting Large Language Model to Fine-tune via Rectified Scaling Law"),
    symbols={"finetune_tokens": "D"},
    category="transfer", questions=(5,),
    failures=(
        Failure("Four constants for every pair of model and task", "2402.02314"),
        Failure("Retellings write D_t for D_l: it is the pre-learned size, not a number of tokens", "2502.12051"),
    ),
    notes=f"{_NONE}. D counts examples, 200 to 1.6e6; 30 models of 1.2e8 to 7e9 params (from memory) on FLAN, WMT19 "
          "and Gigaword. On FLAN the paper's root mean square error of the log loss is 0.0065, against 0.036 for a "
          "plain power law. Select a model by fitting a few points, not by its loss before tuning.",
)


def _zhang(where: str) -> Source:
    return Source("2402.17193", where, "Zhang et al.", 2024,
                  "When Scaling Meets LLM Finetuning: The Effect of Data, Model and Finetuning Method")


_ZHANG_FAILURES = (
    Failure("Two families of tasks only: translation and summarisation, both multilingual", "2402.17193"),
    Failure("The data size at which methods cross differs by orders of magnitude between tasks and carries over to "
            "none", "2402.17193"),
)

_ZHANG = (
    ("model", "model size", "params"),
    ("pretraining", "pre-training data", "pretrain_tokens"),
    ("adapter", "the rank of the adapter", "lora_rank"),
)

for _set, _what, _over in _ZHANG:
    Fittable(
        key=f"zhang2024_finetuning:{_set}",
        title=f"Loss against fine-tuning data and {_what}",
        law=MultiplicativeFinetuning(E=1.0, A=10.0, alpha=0.1, beta=0.1, over=_over),
        source=_zhang("the multiplicative joint law"),
        symbols={_over: "X"},
        category="transfer", questions=(5,),
        failures=_ZHANG_FAILURES,
        notes="The form, for a fit of one's own: coefficients belong to a task and a method, and those of the paper "
              "are entries of their own (zhang2024_finetuning:en_de_lora). Models of 1e9 to 1.6e10 params, 8e3 to "
              "2.5e7 examples; full tuning, prompt tuning and LoRA. A larger model helps more than more pre-training, "
              "a larger adapter hardly: its exponent lies between -0.0017 and 0.0044 (Table 4).",
    )

_ZHANG_TASKS = {"en_de": "English to German (WMT14)", "en_zh": "English to Chinese (WMT19)",
                "mlsum": "multilingual summaries (MLSum)"}
_ZHANG_METHODS = {"full": "full tuning", "prompt": "prompt tuning", "lora": "LoRA"}
_ZHANG_EXAMPLES = {"en_de": (1e5, 4e6), "en_zh": (1e6, 2e7), "mlsum": (1e5, 8e5)}   # of full tuning; the others' below
_ZHANG_PRETRAINED = {"en_de": (8.4e10, 2.83e11), "en_zh": (8.4e10, 2.06e11), "mlsum": (8.4e10, 2.83e11)}

# Table 4, by task and method: E, beta, then A and alpha of the law over model size with its value at 1e9 params and
# 1e5 examples, and the same over pre-training data at 1e11 tokens.
_ZHANG_TABLE = (
    ("en_de", "full", 0.75, 0.15, (1.2e5, 0.52, "1.1958423"), (630.0, 0.21, "1.2987071")),
    ("en_de", "prompt", 0.62, 0.051, (3.9e3, 0.4, "1.1645837"), (270.0, 0.21, "1.3551294")),
    ("en_de", "lora", 0.62, 0.081, (2.1e3, 0.36, "1.0955753"), (140.0, 0.18, "1.1969365")),
    ("en_zh", "full", 1.0, 0.14, (3.3e3, 0.34, "1.5734743"), (240.0, 0.17, "1.6459684")),
    ("en_zh", "prompt", 0.77, 0.015, (850.0, 0.33, "1.5363355"), (200.0, 0.2, "1.8317689")),
    ("en_zh", "lora", 0.73, 0.025, (660.0, 0.31, "1.5326828"), (130.0, 0.18, "1.7508063")),
    ("mlsum", "full", 0.98, 0.087, (330.0, 0.24, "1.8185210"), (42.0, 0.11, "1.9311506")),
    ("mlsum", "prompt", 0.00051, 0.025, (23.0, 0.1, "2.1718500"), (16.0, 0.069, "2.0903834")),
    ("mlsum", "lora", 0.2, 0.03, (26.0, 0.11, "2.0835335"), (17.0, 0.073, "2.0943007")),
)

for _task, _method, _E, _beta, *_laws in _ZHANG_TABLE:
    _spans = {"examples": _ZHANG_EXAMPLES[_task] if _method == "full" else (8e3, 9e4)}
    for (_suffix, _over, _symbol, _at, _span), (_A, _alpha, _printed) in zip(
            (("", "params", "N", 1e9, (1e9, 8e9)),
             ("_pretraining", "pretrain_tokens", "D_p", 1e11, _ZHANG_PRETRAINED[_task])), _laws, strict=True):
        Published(
            key=f"zhang2024_finetuning:{_task}_{_method}{_suffix}",
            title=f"Loss after {_ZHANG_METHODS[_method]}, {_ZHANG_TASKS[_task]}, by data and "
                  + ("model size" if _over == "params" else "pre-training"),
            law=MultiplicativeFinetuning(E=_E, A=_A, alpha=_alpha, beta=_beta, over=_over, data="examples"),
            source=_zhang("Table 4; equation 1"),
            symbols={_over: _symbol, "examples": "D_f"},
            region=Region(**{_over: _span}, **_spans),
            checks=(Check({_over: _at, "examples": 1e5}, _printed, _BY_HAND),),
            category="transfer", questions=(5,), failures=_ZHANG_FAILURES,
            notes=("Table 5, derived from table 4, does not agree with this row of it. "
                   if (_task, _method, _over) == ("mlsum", "lora", "params") else "") +
                  "The log of the perplexity on test sets; D_f counts examples, sentence pairs or articles, as the "
                  "table of settings does. Coefficients have one to three digits: rounding alone moves the part above "
                  "E by some ten per cent, more than methods differ by. "
                  + ("Models of 1e9 to 8e9 params were fitted, 1.6e10 held out." if _over == "params" else
                     "Models of 1e9 params; intermediate checkpoints stand for models trained on fewer tokens."),
        )

Fittable(
    key="abnar2021_upstream_downstream",
    title="Downstream error against upstream error",
    law=DownstreamError(k=1.0, a=1.0, c=0.1),
    source=Source("2110.02095", "downstream against upstream error", "Abnar et al.", 2021,
                  "Exploring the Limits of Large Scale Pre-training"),
    category="transfer", questions=(5,),
    failures=(Failure("Upstream and downstream can pull apart: the best model upstream is not the best downstream",
                      "2110.02095"),),
    notes=f"{_NONE}. Over 4,800 experiments, 1e7 to 1e10 params, JFT and ImageNet-21k to more than 20 tasks. "
          "Downstream error saturates at c.",
)

Fittable(
    key="mikami2021_synthetic_real",
    title="Error on real images against synthetic pre-training images",
    law=FloorPowerError(a=1.0, alpha=0.3, c=0.1, over="images"),
    source=Source("2108.11018", "the law of synthetic pre-training", "Mikami et al.", 2021,
                  "A Scaling Law for Synthetic-to-Real Transfer"),
    category="transfer", questions=(5,),
    notes=f"{_NONE}. alpha is the rate of pre-training, c the transfer gap that better rendering would have to close.",
)


def _isik(where: str) -> Source:
    return Source("2402.04177", where, "Isik et al.", 2024,
                  "Scaling Laws for Downstream Task Performance of Large Language Models")


_ISIK_FAILURES = (
    Failure("Where pre-training and task data do not match, the score falls or wanders while the loss improves",
            "2402.04177"),
)

Fittable(
    key="isik2024_mt_downstream:bleu",
    title="Translation score after fine-tuning against pre-training data",
    law=TranslationScore(A=1.0, alpha=0.5, beta=1.0),
    source=_isik("the log law of scores"), category="transfer", questions=(5,), failures=_ISIK_FAILURES,
    notes=f"{_NONE}; the form is quoted from memory. COMET scores follow the same form.",
)

Fittable(
    key="isik2024_mt_downstream:loss",
    title="Loss after fine-tuning against pre-training data",
    law=FloorPowerLaw(E=1.0, A=10.0, alpha=0.3, over="pretrain_tokens"),
    source=_isik("the power law of the loss"), category="transfer", questions=(5,), failures=_ISIK_FAILURES,
    notes=f"{_NONE}; the form is quoted from memory.",
)

Guidance(
    key="springer2025_overtraining",
    title="Long pre-training can make a model worse to tune",
    source=Source("2503.19206", "experiments on OLMo and small models", "Springer et al.", 2025,
                  "Overtrained Language Models Are Harder to Fine-Tune"),
    category="transfer", questions=(1, 5),
    failures=(Failure("Seen on small models at very many tokens a parameter; regularised tuning puts it off",
                      "2503.19206"),),
    notes="Models of about 1e9 params on up to 3e12 tokens. After instruction tuning OLMo-1B at 3e12 tokens is more "
          "than 2 % worse than at 2.3e12.",
    advice="The loss that a fixed disturbance of the weights costs grows with pre-training tokens, so the score after "
           "tuning is U-shaped in them. Where a small model will be tuned or quantised, compare checkpoints after "
           "tuning before pre-training further.",
    concerns=("gadre2024_overtraining", "hernandez2021_transfer"),
)
