"""Published laws of language-model pre-training: Kaplan 2020, Hoffmann 2022, Besiroglu 2024."""

from __future__ import annotations

from lawful.laws.base import Region
from lawful.laws.language import AdditiveLoss, CriticalBatch, KaplanLoss, OptimalParams, StepsLoss
from lawful.laws.power import PowerLaw
from lawful.laws.published import Check, Failure, Published, Source
from lawful.quantities import PF_DAY

_BY_HAND = "worked by hand from the printed coefficients"


# ------------------------------------------------------------------------------------ Kaplan 2020

def _kaplan(where: str) -> Source:
    return Source("2001.08361", where, "Kaplan et al.", 2020, "Scaling Laws for Neural Language Models")


_KAPLAN_NOTE = "loss on WebText2 with GPT-2's BPE (50,257): the constants depend on the tokenizer"
_KAPLAN_PARAMS = (768.0, 1.5e9)
_KAPLAN_TOKENS = (2.2e7, 2.3e10)
_KAPLAN_FAILURES = (
    Failure("Its allocation is superseded: non-embedding counts, output-layer FLOPs left out, fixed warm-up and "
            "an untuned optimiser explain the gap to Hoffmann 2022", "2406.19146"),
    Failure("Non-embedding counts at small scale give the exponent 0.73 even from a Chinchilla surface", "2406.12907"),
    Failure("Hoffmann et al. find that model and data should grow equally", "2203.15556"),
    Failure("There is no irreducible term, so it cannot hold at arbitrarily large scale: the paper itself places "
            "the breakdown near 1e4 PF-days and 1e12 params", "2001.08361"),
)
_KAPLAN = {"category": "lm_pretraining", "questions": (1,), "failures": _KAPLAN_FAILURES}

Published(
    key="kaplan2020_l_n",
    title="Loss against model size",
    law=PowerLaw(x_c=8.8e13, alpha=0.076, over="params"),
    source=_kaplan("Table 5; equation 1.1"),
    counting={"params": "non-embedding"},
    region=Region(params=_KAPLAN_PARAMS),
    checks=(Check({"params": 1e9}, "2.3756", _BY_HAND),),
    notes=f"x_c is N_c; {_KAPLAN_NOTE}",
    **_KAPLAN,  # type: ignore[arg-type]
)

Published(
    key="kaplan2020_l_d",
    title="Loss against data set size, early-stopped",
    law=PowerLaw(x_c=5.4e13, alpha=0.095, over="tokens"),
    source=_kaplan("Table 5; equation 1.2"),
    region=Region(tokens=_KAPLAN_TOKENS),
    checks=(Check({"tokens": 1e10}, "2.2624", _BY_HAND),),
    notes=f"x_c is D_c; needs a model large enough not to bottleneck; {_KAPLAN_NOTE}",
    **_KAPLAN,  # type: ignore[arg-type]
)

Published(
    key="kaplan2020_l_c_naive",
    title="Loss against compute at a fixed batch size",
    law=PowerLaw(x_c=1.6e7 * PF_DAY, alpha=0.057, over="compute"),
    source=_kaplan("Table 5"),
    region=Region(compute=(1e-7 * PF_DAY, 1e1 * PF_DAY)),
    checks=(Check({"compute": 1.0 * PF_DAY}, "2.574", _BY_HAND),),
    notes="x_c is C_c = 1.6e7 PF-days in FLOP; the region is read off figure 1, to about half a decade; "
          + _KAPLAN_NOTE,
    **_KAPLAN,  # type: ignore[arg-type]
)

Published(
    key="kaplan2020_l_cmin",
    title="Loss against optimally allocated compute",
    law=PowerLaw(x_c=3.1e8 * PF_DAY, alpha=0.050, over="compute"),
    source=_kaplan("Table 5; equation 1.3"),
    region=Region(compute=(1e-8 * PF_DAY, 1e0 * PF_DAY)),
    checks=(
        Check({"compute": 1e4 * PF_DAY}, "1.7", "section 6.3: where the trends must break down, L* ~ 1.7 nats/token"),
        Check({"compute": 1.0 * PF_DAY}, "2.658", _BY_HAND),
    ),
    notes="x_c is C_c_min = 3.1e8 PF-days in FLOP; compute is what the run would need at a batch far below the "
          "critical one; the region is read off figure 13, to about half a decade; " + _KAPLAN_NOTE,
    **_KAPLAN,  # type: ignore[arg-type]
)

Published(
    key="kaplan2020_l_nd",
    title="Joint law of model size and data",
    law=KaplanLoss(N_c=6.4e13, alpha_N=0.076, D_c=1.8e13, alpha_D=0.103),
    source=_kaplan("Table 2; equation 1.5"),
    counting={"params": "non-embedding"},
    region=Region(params=_KAPLAN_PARAMS, tokens=_KAPLAN_TOKENS),
    checks=(Check({"params": 1e9, "tokens": 1e10}, "2.4197", _BY_HAND),),
    category="lm_pretraining",
    questions=(1,),
    failures=(
        *_KAPLAN_FAILURES,
        Failure("D is the size of an early-stopped, possibly repeated data set: C = 6 N D is not the compute of "
                "these runs", "2001.08361"),
        Failure("Retellings print an additive form N_c/N**a + D_c/D**b: that is another law", "2502.12051"),
    ),
    notes="Over-fitting is avoided when D > 5e3 N**0.74 (equation 4.4); " + _KAPLAN_NOTE,
)

Published(
    key="kaplan2020_l_ns",
    title="Learning-curve law of model size and steps",
    law=StepsLoss(N_c=6.5e13, alpha_N=0.077, S_c=2.1e3, alpha_S=0.76),
    source=_kaplan("Table 3; equation 1.6"),
    counting={"params": "non-embedding"},
    region=Region(params=_KAPLAN_PARAMS, steps=(1e3, 2.5e5)),
    checks=(Check({"params": 1e9, "steps": 1e5}, "2.4005", _BY_HAND),),
    notes="N_c and alpha_N are unconfirmed: quoted from Table 3 from memory, unlike S_c and alpha_S (Table 5); "
          + _KAPLAN_NOTE,
    **_KAPLAN,  # type: ignore[arg-type]
)

Published(
    key="kaplan2020_critical_batch",
    title="Critical batch size against loss",
    law=CriticalBatch(B_star=2.1e8, alpha_B=0.21),
    source=_kaplan("Table 5; equation 1.4"),
    region=Region(loss=(2.5, 6.0)),
    checks=(Check({"loss": 3.0}, "1.123e6", _BY_HAND),),
    category="hyperparameters",
    questions=(1,),
    failures=(
        Failure("The authors do not trust it far outside the losses they explored", "2001.08361"),
        Failure("Later work finds that the critical batch follows the data size rather than the loss", "2410.21676"),
    ),
    notes="The text rounds B_star to 2e8; the region is read off figure 10; " + _KAPLAN_NOTE,
)

Published(
    key="kaplan2020_compute_optimal",
    title="Compute-efficient model size",
    law=OptimalParams(k=1.3e9 / PF_DAY**0.73, a=0.73),
    source=_kaplan("Table 6"),
    region=Region(compute=(1e-8 * PF_DAY, 1e0 * PF_DAY)),
    checks=(
        Check({"compute": 1.0 * PF_DAY}, "1.3e9", "Table 6: N_opt = 1.3e9 C_min**0.73, C in PF-days"),
        Check({"compute": 1e4 * PF_DAY}, "1e12", "section 6.3: the breakdown lies at N* ~ 1e12"),
    ),
    notes="params are non-embedding; the same table gives batch 2.0e6 C**0.24, steps 5.4e3 C**0.03 and tokens "
          "2e10 C**0.27, C in PF-days",
    **_KAPLAN,  # type: ignore[arg-type]
)


# ---------------------------------------------------------------------------------- Hoffmann 2022

def _hoffmann(where: str) -> Source:
    return Source("2203.15556", where, "Hoffmann et al.", 2022, "Training Compute-Optimal Large Language Models")


_HOFFMANN_PARAMS = (7e7, 1.6e10)
_HOFFMANN_TOKENS = (5e9, 5e11)
_HOFFMANN_COMPUTE = (6e18, 3e21)
_HOFFMANN_FAILURES = (
    Failure("Compute-optimal for training only: it ignores what inference costs", "2401.00448"),
    Failure("It assumes that every token is seen once", "2305.16264"),
    Failure("The exponents move with the quality of the data", "2401.02954"),
    Failure("The frontier is curved: the first, middle and last thirds have different slopes", "2203.15556"),
)

Published(
    key="hoffmann2022_approach1",
    title="Compute-optimal model size from the envelope of training curves (approach 1)",
    law=OptimalParams(k=67e9 / 5.76e23**0.50, a=0.50),
    source=_hoffmann("Table 2 (exponent); Table 3 (67B at 5.76e23 FLOP)"),
    region=Region(compute=_HOFFMANN_COMPUTE),
    checks=(
        Check({"compute": 1.92e19}, "4e8", "Table 3, 400 million params"),
        Check({"compute": 1.21e20}, "1e9", "Table 3, 1 billion params"),
        Check({"compute": 1.23e22}, "10e9", "Table 3, 10 billion params"),
        Check({"compute": 1.27e26}, "1e12", "Table 3, 1 trillion params"),
    ),
    category="lm_pretraining",
    questions=(1,),
    failures=(*_HOFFMANN_FAILURES,
              Failure("The lowest of many noisy curves wins: the envelope is biased", "2404.10102")),
    notes="a = 0.50 (0.488, 0.502). The paper prints no prefactor: k makes the printed row 67B at 5.76e23 FLOP "
          "exact. params are total; MassiveText, one epoch.",
)

Published(
    key="hoffmann2022_approach2",
    title="Compute-optimal model size from isoFLOP parabolas (approach 2)",
    law=OptimalParams(k=67e9 / 6.88e23**0.49, a=0.49),
    source=_hoffmann("Table 2 (exponent); Table A3 (67B at 6.88e23 FLOP)"),
    region=Region(compute=_HOFFMANN_COMPUTE),
    checks=(
        Check({"compute": 1.84e19}, "4e8", "Table A3, 400 million params"),
        Check({"compute": 1.20e20}, "1e9", "Table A3, 1 billion params"),
        Check({"compute": 1.32e22}, "10e9", "Table A3, 10 billion params"),
        Check({"compute": 1.59e26}, "1e12", "Table A3, 1 trillion params"),
    ),
    category="lm_pretraining",
    questions=(1,),
    failures=(*_HOFFMANN_FAILURES,
              Failure("Parabolas bias the intercept of N_opt when alpha and beta differ or the sizes are off centre: "
                      "0.3 % on narrow grids, up to 23 % on wide, asymmetric ones; the exponent less", "2603.22339")),
    notes="a = 0.49 (0.462, 0.534). The paper prints no prefactor: k makes the printed row 67B at 6.88e23 FLOP "
          "exact. params are total; MassiveText, one epoch.",
)

Published(
    key="hoffmann2022_approach3",
    title="Parametric loss (approach 3)",
    law=AdditiveLoss(E=1.69, A=406.4, alpha=0.34, B=410.7, beta=0.28),
    source=_hoffmann("equation 10, appendix D.3"),
    counting={"params": "total"},
    region=Region(params=_HOFFMANN_PARAMS, tokens=_HOFFMANN_TOKENS),
    checks=(Check({"params": 70e9, "tokens": 1.4e12}, "1.937", _BY_HAND),),
    category="lm_pretraining",
    questions=(1,),
    failures=(
        *_HOFFMANN_FAILURES,
        Failure("The optimiser stopped early (the Huber loss was averaged, not summed): estimate and intervals are "
                "wrong", "2404.10102"),
        Failure("The surface is weakly identified: A with alpha, and B with beta, are nearly collinear", "2410.11840"),
        Failure("Refits change with the range of tokens per parameter that is included", "2401.00448"),
    ),
    notes="Rounded as printed; unrounded E 1.6934, alpha 0.33917, beta 0.28491. At 5.76e23 FLOP the rounded set asks "
          "for 93 tokens per parameter, the unrounded one for 59. MassiveText, one epoch.",
)


# --------------------------------------------------------------------------------- Besiroglu 2024

Published(
    key="besiroglu2024_refit",
    title="Refit of approach 3 on reconstructed runs",
    law=AdditiveLoss(E=1.8172, A=482.01, alpha=0.3478, B=2085.43, beta=0.3658),
    source=Source("2404.10102", "Table 1 and the authors' notebook", "Besiroglu et al.", 2024,
                  "Chinchilla Scaling: A replication attempt"),
    counting={"params": "total"},
    region=Region(params=(5.7e7, 1.6e10), compute=(1.4e18, 1.3e22)),
    checks=(Check({"params": 70e9, "tokens": 1.4e12}, "1.9739", _BY_HAND),),
    category="lm_pretraining",
    questions=(1,),
    failures=(
        Failure("The data were read off a figure: losses are good to about 0.01", "2404.10102"),
        Failure("Five outliers are left out; with them beta is 0.45 and B 12,530", "2404.10102"),
    ),
    notes="Standard errors: E 0.026, A 124.5, alpha 0.015, B 1293, beta 0.021. This set is not the optimum of the "
          "Huber objective it is quoted for: A, B, alpha and beta are the least-absolute-deviation solution (delta "
          "to 0), whose own E is 1.8169, beside the E of the Huber stage, 1.8172; both sets circulate, and this is "
          "the notebook's. The Huber optimum is A 477.83, B 2143.4, E 1.8172, alpha 0.34731, "
          "beta 0.36717.",
)
