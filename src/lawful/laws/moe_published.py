"""Published laws of mixtures of experts: Clark 2022 to Wan 2026."""

from __future__ import annotations

from lawful.laws.allocation import OptimalModelScale, OptimalTokens
from lawful.laws.base import Law, Region
from lawful.laws.language import AdditiveLoss
from lawful.laws.moe import (
    FineGrainedLoss,
    FiveFactorMoeLoss,
    JointMoeLoss,
    MoeSparsityLoss,
    RoutedLoss,
    ServedMoeLoss,
)
from lawful.laws.power import PowerLaw
from lawful.laws.published import Check, Failure, Fittable, Published, Source

_BY_HAND = "worked by hand from the printed coefficients"


# ------------------------------------------------------------------------------------- Clark 2022

def _clark(where: str) -> Source:
    return Source("2202.01169", where, "Clark et al.", 2022, "Unified Scaling Laws for Routed Language Models")


_CLARK_FAILURES = (
    Failure("All runs saw 130B tokens at granularity 1: that routing stops helping large models is an artefact of "
            "not scaling the data with them", "2402.07871"),
    Failure("The size where routing stops helping, 10**(-b / c), hangs on digits that the table rounds away",
            "2202.01169"),
)


def _routed(name: str, title: str, law: RoutedLoss, printed: str, notes: str) -> None:
    Published(
        key=f"clark2022_routed:{name}",
        title=title,
        law=law,
        source=_clark("equation 1; Table 3"),
        counting={"params": "active"},
        region=Region(params=(1.65e7, 1.31e9), experts=(1, 512)),
        checks=(Check({"params": 1e9, "experts": 64}, printed, _BY_HAND),),
        category="moe",
        questions=(6,),
        failures=_CLARK_FAILURES,
        notes=f"Data fixed at 130B tokens, one expert a token, every other block routed. {notes}",
    )


_routed("s_base", "Routed models, Sinkhorn-BASE",
        RoutedLoss(a=-0.082, b=-0.108, c=0.009, d=1.104, E_start=1.847, E_max=314.478), "2.0858",
        "The paper puts N_cutoff at 937B. A refit of the released curves (58 points) gives a -0.083, b -0.118, c "
        "0.00992, d 1.1136, E_start 2.075, E_max 238.7 and a cutoff of 780B.")
_routed("rl_r", "Routed models, reinforcement-learned routing",
        RoutedLoss(a=-0.083, b=-0.126, c=0.012, d=1.111, E_start=1.880, E_max=469.982), "2.1498",
        "The paper puts N_cutoff at 85B; the rounded constants give 32B. A refit of the released curves gives a "
        "-0.0827, b -0.1234, c 0.01123, d 1.107, E_start 1.722, E_max 470.1 and a cutoff of 97B.")
_routed("hash", "Routed models, hash layers",
        RoutedLoss(a=-0.087, b=-0.136, c=0.012, d=1.157, E_start=4.175, E_max=477.741), "2.1107",
        "The paper puts N_cutoff at 83B; the rounded constants give 215B. A refit of the released curves gives a "
        "-0.0874, b -0.1384, c 0.01264, d 1.1595, E_start 4.269, E_max 427.3 and a cutoff of 89B.")

Published(
    key="clark2022_routed:dense_baseline",
    title="Dense baseline of the routed models",
    law=PowerLaw(x_c=3.568e13, alpha=0.078, over="params"),
    source=_clark("section 4, dense models"),
    region=Region(params=(1.65e7, 1.31e9)),
    checks=(Check({"params": 1e9}, "2.2651", _BY_HAND),),
    category="moe",
    questions=(6,),
    failures=_CLARK_FAILURES,
    notes="x_c is N_c; data fixed at 130B tokens, no floor.",
)


# --------------------------------------------------------------------------------- Krajewski 2024

_KRAJEWSKI = Source("2402.07871", "equation 9; Table 1", "Krajewski et al.", 2024,
                    "Scaling Laws for Fine-Grained Mixture of Experts")
_KRAJEWSKI_REGION = {"params": (1.29e8, 3.7e9), "tokens": (1.6e10, 1.3e11)}
_KRAJEWSKI_FAILURES = (
    Failure("The advantage over dense models far out rests on a floor of 0.47 and on small exponents; the number of "
            "experts is fixed", "2502.05172"),
    Failure("The survey prints c + g / G**gamma + a (1 / b + N**alpha / D**beta)", "2502.12051"),
)

Published(
    key="krajewski2024_fine_grained:moe",
    title="Fine-grained mixture of experts at expansion 64",
    law=FineGrainedLoss(a=18.1, alpha=0.115, b=30.8, beta=0.147, g=2.1, gamma=0.58, c=0.47),
    source=_KRAJEWSKI,
    counting={"params": "non-embedding"},
    region=Region(**_KRAJEWSKI_REGION, granularity=(1, 16)),
    checks=(Check({"params": 1e9, "tokens": 5e10, "granularity": 8}, "3.0216", _BY_HAND),),
    category="moe",
    questions=(6,),
    failures=_KRAJEWSKI_FAILURES,
    notes="N includes idle experts and leaves embeddings and routers out: d**2 (8 E + 4) a block, of which 12 d**2 are "
          "active (section 6.1). Fitted by Huber, delta 0.1.",
)

Published(
    key="krajewski2024_fine_grained:dense",
    title="Dense models of the fine-grained study",
    law=AdditiveLoss(E=0.47, A=16.3, alpha=0.126, B=26.7, beta=0.127),
    source=_KRAJEWSKI,
    counting={"params": "non-embedding"},
    region=Region(**_KRAJEWSKI_REGION),
    checks=(Check({"params": 1e9, "tokens": 5e10}, "2.8361", _BY_HAND),),
    category="moe",
    questions=(6,),
    failures=_KRAJEWSKI_FAILURES,
    notes="The floor is that of the mixture's fit. The range is the mixture's.",
)


# ------------------------------------------------------------------------------ Ludziejewski 2025

Published(
    key="ludziejewski2025_joint_moe",
    title="Joint law of active size, data and experts",
    law=JointMoeLoss(a=35.91, alpha=-0.1889, delta=-0.2285, gamma=0.0098, b=35.98, beta=-0.1775, omega=0.5529,
                     zeta=-0.0259, E_start=2.0732, E_max=290.4521, c=1.3637),
    source=Source("2502.05172", "equation 6; Table 3", "Ludziejewski et al.", 2025,
                  "Joint MoE Scaling Laws: Mixture of Experts Can Be Memory Efficient"),
    counting={"params": "active"},
    region=Region(params=(7.9e7, 2.7e9), tokens=(5e8, 8e10), experts=(1, 32)),
    region_note="more than 280 models of up to 5B total params, listed in appendix E",
    checks=(
        Check({"params": 1e9, "tokens": 2e10, "experts": 1}, "2.578",
              "Table 4, row E = 1: 30.3640 N**-0.1817 + 53.9838 D**-0.1965 + 1.3637"),
        Check({"params": 1e9, "tokens": 2e10, "experts": 8}, "2.509",
              "Table 4, row E = 8: 21.8330 N**-0.1676 + 119.9126 D**-0.2338 + 1.3637"),
        Check({"params": 1e9, "tokens": 2e10, "experts": 32}, "2.455",
              "Table 4, row E = 32: 16.5424 N**-0.1557 + 234.6726 D**-0.2652 + 1.3637"),
        Check({"params": 1e9, "tokens": 2e10, "experts": 8}, "2.5088", _BY_HAND),
    ),
    category="moe",
    questions=(6,),
    failures=(
        Failure("One expert a token, experts as wide as the dense layer: granularity and shared experts are not in "
                "it", "2402.07871"),
        Failure("It extrapolates to models trained far past the compute-optimal point, where the authors themselves "
                "limit their rule to E <= 8", "2502.05172"),
    ),
    notes="The signs are those of Table 3 (exponents written with a plus in equation 6), confirmed by Table 4; "
          "secondary notes flip delta, gamma, omega and zeta. FineWeb-Edu, GPT-2's tokenizer. The learning rates "
          "were exp(8.39 - 0.81 ln N - 0.25 ln E), N active without embeddings (equation 8).",
)


# ------------------------------------------------------------------- Abnar 2025, Yun 2024, Zhao 2025

Published(
    key="abnar2025_moe_sparsity",
    title="Joint law of total size, data and the share of idle experts",
    law=MoeSparsityLoss(alpha=0.5962, beta=0.3954, lam=-0.1666, delta=0.1603, gamma=0.1595, a=16612.50, b=5455.67,
                        c=0.4598, d=17.26, e=0.94),
    source=Source("2501.12370", "equation 6; Table 3", "Abnar et al.", 2025,
                  "Parameters vs FLOPs: Scaling Laws for Optimal Sparsity for Mixture-of-Experts Language Models"),
    counting={"params": "total"},
    region=Region(),
    region_note="sparsity from 0 to 0.98 and, from memory, compute from 3e19 to 1e21 FLOP; the spans of params and "
                "tokens are not known here",
    checks=(Check({"params": 1e10, "tokens": 1e11, "sparsity": 0.9}, "2.1498", _BY_HAND),),
    category="moe",
    questions=(6,),
    failures=(
        Failure("R2 is 99 % on the fitted runs and 68 % on those held out (S = 0.98)", "2501.12370"),
        Failure("Memory and the cost of serving are ignored", "2502.05172"),
        Failure("The best sparsity for the pre-training loss is not the best for few-shot tasks", "2501.12370"),
    ),
    symbols={"sparsity": "S"},
    notes="Most of the paper works with polynomial isoFLOP surfaces, which is why some notes say that it has no closed "
          "form; the constants agree in two independent sources, one of them code that refits this law.",
)

Fittable(
    key="yun2024_inference_optimal_moe",
    title="Loss of mixtures of experts by base size, experts and data",
    law=ServedMoeLoss(a=400.0, alpha=0.34, b=0.1, beta=0.5, c=400.0, gamma=0.28, f=1.5, d=-0.001),
    source=Source("2404.02852", "section 3", "Yun et al.", 2024,
                  "Toward Inference-optimal Mixture-of-Expert Large Language Models"),
    category="moe",
    questions=(6,),
    failures=(Failure("The survey prints log(a / b + N**alpha / E**beta + c / D**gamma + f)", "2502.12051"),),
    notes="The form is from memory, with the survey's misprint undone; no coefficients could be confirmed. The "
          "paper's findings: 4 to 8 experts serve cheapest but cost 2.5 to 3.5 times the training compute at equal "
          "loss; 16 to 32 experts, over-trained at 70 to 85 % of the loss-optimal size, about halve the cost of "
          "serving. Base models up to about 700M params (from memory).",
)

Published(
    key="zhao2025_comprehensive_moe",
    title="Five-factor law of mixtures of experts",
    law=FiveFactorMoeLoss(e=0.1577, f=7.2446, m=5.1395, n=-3.2363, k=0.0013, h=0.0450, a=38.051, alpha=0.2383,
                          b=27129.05, beta=0.4694, c=31.096, eps=1.8182),
    source=Source("2509.23678", "the joint law and its fitted constants", "Zhao et al.", 2025,
                  "Towards a Comprehensive Scaling Law of Mixture-of-Experts"),
    counting={"params": "total", "active_params": "active"},
    region=Region(),
    region_note="446 runs; the abstract and the reviews at hand give no range",
    checks=(Check({"params": 1e10, "active_params": 1e9, "tokens": 1e11, "active_experts": 7, "shared_ratio": 0.3},
                  "2.3989", _BY_HAND),),
    category="moe",
    questions=(6,),
    failures=(Failure("Twelve constants from one pipeline: nobody has repeated it", "2509.23678"),),
    symbols={"active_experts": "G"},
    notes="The abstract calls G the number of active experts and S the ratio of shared ones; the printed optima "
          "(G about 7, S about 0.31) follow from the constants. The constants were seen in one review of the "
          "paper, not in the paper.",
    unconfirmed=("e", "f", "m", "n", "k", "h", "a", "alpha", "b", "beta", "c", "eps"),
)


# --------------------------------------------------------------------------------------- Wan 2026

def _wan(name: str, title: str, law: Law, printed: str) -> None:
    Published(
        key=f"wan2026_holistic_moe:{name}",
        title=title,
        law=law,
        source=Source("2603.21862", "the allocation laws", "Wan et al.", 2026,
                      "Holistic Scaling Laws for Optimal Mixture-of-Experts Architecture Optimization"),
        region=Region(compute=(1e18, 3e20)),
        checks=(Check({"compute": 1e20}, printed, _BY_HAND),),
        category="moe",
        questions=(6,),
        failures=(Failure("FLOP per token alone does not fix a mixture: the paper constrains it together with the "
                          "active and the total params", "2603.21862"),),
        notes="M_opt = 0.0437 C**0.5437 and D_opt = 22.89 C**0.4563, so M D = 1.0003 C. The one review that quotes "
              "them gives C in 1e18 FLOP; with D and M then in 1e9 (the product allows no other scale), 23B tokens "
              "at 44 MFLOP a token would be the optimum at 1e18 FLOP. In plain FLOP and tokens it is 3.7B tokens at "
              "270 MFLOP a token, as other laws have it, and this reading is taken. Near-optimal total over active "
              "params: 18 to 25. About 670 models.",
        unconfirmed=law.names(),
    )


_wan("tokens", "Compute-optimal tokens of a mixture of experts", OptimalTokens(k=22.89, b=0.4563), "3.0595e10")
_wan("flop_per_token", "Compute-optimal mixture of experts by FLOP per token",
     OptimalModelScale(k=0.0437, a=0.5437), "3.2695e9")
