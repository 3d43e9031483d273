"""Published laws of inference: Sardana 2023, Brown 2024, Wu 2024, Chen 2025; forms and guidance beside them."""

from __future__ import annotations

from math import log

from lawful.laws.base import Region
from lawful.laws.inference import CoverageLaw, CoverageTail, ParallelLoss, QueryOptimalParams
from lawful.laws.language import AdditiveLoss
from lawful.laws.published import Check, Failure, Fittable, Guidance, Published, Source

_BY_HAND = "worked by hand from the printed coefficients"


# ----------------------------------------------------------------------------------- Sardana 2023

def _sardana(name: str, title: str, law: AdditiveLoss, printed: str) -> None:
    Published(
        key=f"sardana2023_inference_aware:{name}",
        title=title,
        law=law,
        source=Source("2401.00448", "Table 1", "Sardana et al.", 2023,
                      "Beyond Chinchilla-Optimal: Accounting for Inference in Language Model Scaling Laws"),
        counting={"params": "total"},
        region=Region(params=(1.5e8, 6e9)),
        region_note="47 models at 10 to 10,000 tokens per parameter, of which each set takes those up to its limit",
        checks=(Check({"params": 1e9, "tokens": 1e11}, printed, _BY_HAND),),
        category="inference",
        questions=(1, 4),
        failures=(
            Failure("The constants depend strongly on which ratios of tokens to parameters are in the fit",
                    "2401.00448"),
            Failure("Over-trained models can be harder to fine-tune", "2503.19206"),
            Failure("The damage of quantisation grows with tokens per parameter", "2411.04330"),
        ),
        notes="To serve D_inf tokens at a target loss, minimise 6 N D + 2 N D_inf on the curve of that loss: "
              "the elasticity of the loss in N over that in D is then 1 + D_inf / (3 D), so the model is smaller "
              "and trained longer the more it will serve.",
    )


_sardana("refit_le100_tok_per_param", "Loss, fitted up to 100 tokens per parameter",
         AdditiveLoss(E=0.17, A=7.199, alpha=0.08, B=25.97, beta=0.13), "2.5066")
_sardana("refit_le250", "Loss, fitted up to 250 tokens per parameter",
         AdditiveLoss(E=0.98, A=14.23, alpha=0.13, B=39.54, beta=0.16), "2.6292")
_sardana("refit_le500", "Loss, fitted up to 500 tokens per parameter",
         AdditiveLoss(E=0.95, A=17.07, alpha=0.13, B=35.80, beta=0.16), "2.7262")
_sardana("refit_all", "Loss, fitted on all ratios up to 10,000 tokens per parameter",
         AdditiveLoss(E=1.45, A=33.66, alpha=0.18, B=138.9, beta=0.24), "2.5756")


# ------------------------------------------------------------------------------- repeated sampling

_BROWN = Source("2407.21787", "section 3 (form); section 2 (values)", "Brown et al.", 2024,
                "Large Language Monkeys: Scaling Inference Compute with Repeated Sampling")
_BROWN_FAILURES = (
    Failure("Without a verifier, voting and reward ranking stop improving after a few hundred samples", "2407.21787"),
    Failure("Each problem's failures fall exponentially: the power law comes from the spread of difficulty",
            "2502.17578"),
    Failure("A verifier that passes wrong samples sets a ceiling, and may make fewer than 10 samples best",
            "2411.17501"),
    Failure("The survey prints log c = a k**-b without saying that a is negative", "2502.12051"),
)
_BROWN_NOTE = ("The paper prints no a and b for this model: these make the two printed values exact, which is not its "
               "fit over all k.")

Published(
    key="brown2024_coverage:swe_bench_lite",
    title="Coverage of SWE-bench Lite by DeepSeek-Coder-V2-Instruct",
    law=CoverageLaw(a=log(0.159), b=log(log(0.56) / log(0.159)) / log(250.0)),
    source=_BROWN,
    region=Region(samples=(1, 250)),
    checks=(
        Check({"samples": 1}, "0.159", "abstract: 15.9 % with one sample"),
        Check({"samples": 250}, "0.56", "abstract: 56 % with 250 samples"),
        Check({"samples": 50}, "0.4441", "worked by hand from the two printed values"),
    ),
    category="inference",
    questions=(4,),
    failures=_BROWN_FAILURES,
    notes=_BROWN_NOTE,
)

Published(
    key="brown2024_coverage:codecontests_gemma2b",
    title="Coverage of CodeContests by Gemma-2B",
    law=CoverageLaw(a=log(0.0002), b=log(log(0.071) / log(0.0002)) / log(10000.0)),
    source=_BROWN,
    region=Region(samples=(1, 10000)),
    checks=(
        Check({"samples": 1}, "0.0002", "0.02 % with one sample"),
        Check({"samples": 10000}, "0.071", "7.1 % with 10,000 samples"),
    ),
    category="inference",
    questions=(4,),
    failures=_BROWN_FAILURES,
    notes=f"{_BROWN_NOTE} The first value has one digit.",
)

Fittable(
    key="schaeffer2025_monkeys",
    title="Power law of repeated sampling from the spread of difficulty",
    law=CoverageLaw(a=-1.5, b=-0.3),
    source=Source("2502.17578", "sections 2 and 3", "Schaeffer et al.", 2025,
                  "How Do Large Language Monkeys Get Their Power (Laws)?"),
    category="inference",
    questions=(4,),
    failures=(Failure("A power law appears only if single-try success has a power-law left tail; with a bounded or "
                      "lighter tail coverage leaves it", "2502.17578"),),
    notes="-log(coverage) ~ c k**-b: Brown's form with a = -c and b with its sign turned. Per model and task; no "
          "coefficients are quoted here. The finding: if the density of single-try success p goes as p**(b - 1) "
          "near 0, b is the exponent, so a fit of that density (a scaled Beta) forecasts it with far fewer samples.",
)

Fittable(
    key="levi2024_pass_at_k",
    title="Failures of repeated sampling as a power of the samples",
    law=CoverageTail(A=0.5, b=0.5),
    source=Source("2410.16377", "the limit of many attempts", "Levi", 2024,
                  "A Simple Model of Inference Scaling Laws"),
    category="inference",
    questions=(4,),
    failures=(Failure("The power law is the limit of many attempts: at few samples the share unsolved is less than "
                      "A / k**b", "2410.16377"),),
    notes="1 - pass@k ~ k**-b from pass@k = mean_i(1 - p_i**k), p_i the error rates; no coefficients could be "
          "confirmed.",
)

Guidance(
    key="snell2024_test_time",
    title="How to spend test-time compute",
    source=Source("2408.03314", "sections 5 to 7", "Snell et al.", 2024,
                  "Scaling LLM Test-Time Compute Optimally can be More Effective than Scaling Model Parameters"),
    category="inference",
    questions=(4,),
    advice="Choose between revisions, search and best-of-N by the difficulty of the question: doing so saved more "
           "than 4 times the compute of best-of-N on MATH. On easy and medium questions test-time compute can "
           "match a model 14 times larger; for hard questions, or when far more tokens are served than trained on, "
           "spend on pre-training.",
    concerns=("brown2024_coverage:swe_bench_lite", "wu2024_inference_scaling"),
    failures=(Failure("It needs an estimate of difficulty and a process reward model", "2408.03314"),),
    notes="PaLM-2 variants, five bins of difficulty; ratios of inference to pre-training tokens of 0.16, 0.79 and 22.",
)


# ------------------------------------------------------------------------------ Wu 2024, Chen 2025

Published(
    key="wu2024_inference_scaling",
    title="Model size that uses a query's compute best",
    law=QueryOptimalParams(slope=1.19, intercept=2.03),
    source=Source("2408.00724", "fit of the compute-optimal model size", "Wu et al.", 2024,
                  "Inference Scaling Laws: An Empirical Analysis of Compute-Optimal Inference for Problem-Solving"),
    region=Region(),
    region_note="Pythia and Llemma of 0.41B to 34B params on GSM8K and MATH500; the span of compute is not known here",
    checks=(Check({"inference_compute": 1e14}, "1.145e10", _BY_HAND),),
    category="inference",
    questions=(4,),
    failures=(
        Failure("The accuracy of voting saturates at a point set by the base model's answer distribution",
                "2408.00724"),
    ),
    unconfirmed=("slope", "intercept"),
    notes="Printed as log10 C = 1.19 log10 N + 2.03, seen in a survey of the paper; it does not say that C is FLOP "
          "per question. Read so, 7B params go with 5.6e13 FLOP, a handful of samples. Smaller models with "
          "tree search (REBASE) beat larger ones at small budgets: 7B beats 34B on MATH.",
)

_PARSCALE = Source("2505.10475", "equation 5 and the released runs", "Chen et al.", 2025,
                   "Parallel Scaling Law for Language Models")
_PARSCALE_REGION = Region(params=(5.36e8, 4.35e9), streams=(1, 8))
_PARSCALE_FAILURES = (Failure("At most 8 streams, and one amount of data", "2505.10475"),)
_PARSCALE_NOTE = ("All runs saw the same data (42B tokens, from memory). Streams cost compute but little memory and "
                  "latency at batch 1.")

Published(
    key="chen2025_parscale:stack_v2",
    title="Parallel streams, Python code (Stack-V2)",
    law=ParallelLoss(E=0.69124, A=1.13062e7, alpha=0.18937, k=0.39346),
    source=_PARSCALE,
    counting={"params": "non-embedding"},
    region=_PARSCALE_REGION,
    checks=(Check({"params": 1.6e9, "streams": 8}, "1.0408", _BY_HAND),),
    category="inference",
    questions=(4,),
    failures=_PARSCALE_FAILURES,
    notes=_PARSCALE_NOTE,
)

Published(
    key="chen2025_parscale:pile",
    title="Parallel streams, text (Pile)",
    law=ParallelLoss(E=1.28877, A=1.97352e8, alpha=0.19633, k=0.33446),
    source=_PARSCALE,
    counting={"params": "non-embedding"},
    region=_PARSCALE_REGION,
    checks=(Check({"params": 1.6e9, "streams": 8}, "1.8866", _BY_HAND),),
    category="inference",
    questions=(4,),
    failures=_PARSCALE_FAILURES,
    notes=_PARSCALE_NOTE,
)
