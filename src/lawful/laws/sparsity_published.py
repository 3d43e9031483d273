"""Published laws of sparse weights: Frantar 2023, Hossain 2025; forms of Chen 2024 and Rosenfeld 2020."""

from __future__ import annotations

from lawful.laws.base import Region
from lawful.laws.published import Check, Failure, Fittable, Published, Source
from lawful.laws.sparsity import GeneralisedSparseLoss, PrunedError, PruneRecoverLoss, SparseLoss

_BY_HAND = "worked by hand from the printed coefficients"

_FRANTAR = Source("2309.08520", "equation 1; Table 1", "Frantar et al.", 2023,
                  "Scaling Laws for Sparsely-Connected Foundation Models")
_FRANTAR_FAILURES = (
    Failure("Gradual magnitude pruning during training; what hardware gains from zeros is not in the law",
            "2309.08520"),
    Failure("The survey prints the bracket as multiplying the data term too: another law", "2502.12051"),
)
_FRANTAR_NOTE = ("S = 0, 0.5, 0.75 and 0.875; the range of N is from memory. The constants agree in two reviews of the "
                 "paper. The paper's closed-form best sparsity rises with training length; found here by minimising "
                 "the law at fixed non-zero N and fixed compute. ")

Published(
    key="frantar2023_sparse:t5_c4",
    title="Sparse T5 on C4",
    law=SparseLoss(a_S=16.8, b_S=0.722, c_S=45.0, b_N=0.245, a_D=6.90e8, b_D=0.203, c=0.651),
    source=_FRANTAR,
    counting={"params": "non-zero"},
    region=Region(params=(7e5, 8.5e7)),
    region_note="sparsity from 0 to 0.875; the range of tokens is not known here",
    checks=(Check({"params": 2e7, "tokens": 2e10, "sparsity": 0.75}, "1.9882", _BY_HAND),),
    category="sparsity",
    questions=(6,),
    failures=_FRANTAR_FAILURES,
    symbols={"sparsity": "S"},
    notes=_FRANTAR_NOTE + "At S = 0.75 it equals a dense model 2.16 times as large.",
)

Published(
    key="frantar2023_sparse:vit_jft",
    title="Sparse vision transformer on JFT-4B",
    law=SparseLoss(a_S=2.94e2, b_S=0.821, c_S=4.68e2, b_N=0.392, a_D=2.37e8, b_D=0.890, c=4.517, data="images"),
    source=_FRANTAR,
    counting={"params": "non-zero"},
    region=Region(params=(7e5, 8.5e7)),
    region_note="sparsity from 0 to 0.875; the range of images is not known here",
    checks=(Check({"params": 1e7, "images": 1e9, "sparsity": 0.75}, "5.8083", _BY_HAND),),
    category="sparsity",
    questions=(6,),
    failures=_FRANTAR_FAILURES,
    symbols={"sparsity": "S"},
    notes=_FRANTAR_NOTE + "The loss is the cross-entropy of the classes.",
)

_HOSSAIN = Source("2508.06617", "equation 7; Tables VII to IX", "Hossain et al.", 2025,
                  "Generalizing Scaling Laws for Dense and Sparse Large Language Models")
_HOSSAIN_FAILURES = (
    Failure("No runs of its own: fitted to values of Hoffmann's, Frantar's and Abnar's laws and data", "2508.06617"),
    Failure("The floor e (1 - S)**gamma sinks to nothing as S nears 1: do not extrapolate in sparsity", "2508.06617"),
)
_HOSSAIN_NOTE = ("The form is that of the authors' code and of two reports of the paper: e is multiplied by "
                 "(1 - S)**gamma and a by (1 - S)**alpha. Notes that put (1 - S)**gamma on a, with a constant e, "
                 "contradict both. ")
_HOSSAIN_RANGE = "the range of the fitted values could not be confirmed"


def _hossain(name: str, title: str, law: GeneralisedSparseLoss, check: Check, notes: str) -> None:
    Published(
        key=f"hossain2025_generalised_sparse:{name}",
        title=title,
        law=law,
        source=_HOSSAIN,
        counting={"params": "active"},
        region=Region(),
        region_note=_HOSSAIN_RANGE,
        checks=(check,),
        category="sparsity",
        questions=(6,),
        failures=_HOSSAIN_FAILURES,
        symbols={"sparsity": "S"},
        notes=_HOSSAIN_NOTE + notes,
    )


_hossain("dense", "Dense models: Hoffmann's constants",
         GeneralisedSparseLoss(e=1.69, a=406.4, b=410.7, c=0.0, alpha=0.34, beta=0.28, gamma=0.01),
         Check({"params": 1e9, "tokens": 1e11, "sparsity": 0.0}, "2.3856", _BY_HAND),
         "At S = 0 this is hoffmann2022_approach3; c and gamma are placeholders, so use it at S = 0 only.")
_hossain("frantar_data", "Pruned models: Frantar's data",
         GeneralisedSparseLoss(e=0.15, a=86.03, b=7.90, c=29.26, alpha=0.28, beta=0.08, gamma=2.00),
         Check({"params": 1e8, "tokens": 1e10, "sparsity": 0.5}, "1.7815", _BY_HAND),
         "Close to frantar2023_sparse:t5_c4 over its runs.")
_hossain("moe_data", "Mixtures of experts: Abnar's data",
         GeneralisedSparseLoss(e=0.57, a=8.26, b=6324.82, c=3.57, alpha=0.08, beta=0.40, gamma=1.19),
         Check({"params": 1e9, "tokens": 1e11, "sparsity": 0.9}, "2.2099", _BY_HAND),
         "S is the share of idle experts, N the active params.")

Fittable(
    key="chen2024_p2",
    title="P2 law: post-training after pruning",
    law=PruneRecoverLoss(gamma=-0.5, delta=0.1, N_C=10.0, alpha=0.2, D_C=100.0, beta=0.3, E=0.5),
    source=Source("2411.10272", "abstract and section 3, the selected form", "Chen et al.", 2024,
                  "P2 Law: Scaling Law for Post-Training After Model Pruning"),
    category="sparsity",
    questions=(6,),
    failures=(
        Failure("The survey leaves out the factor (1 / N0)**delta", "2502.12051"),
        Failure("As printed the loss falls with the pruning rate when gamma > 0: gamma is left free in sign here",
                "2411.10272"),
    ),
    symbols={"params": "N0", "finetune_tokens": "D", "sparsity": "rho", "initial_loss": "L0"},
    notes="The paper fits each family and pruning method apart; no coefficients could be confirmed. Its runs: Llama-3 "
          "1B to 8B and Qwen-2.5 0.5B to 3B, depth, width and 2:4 pruning, rates 0.15 to 0.35, 0.5B to 1B tokens.",
)

Fittable(
    key="rosenfeld2020_pruning",
    title="Test error of pruned networks across depth, width and density",
    law=PrunedError(e_up=0.9, gamma=0.5, p=0.1, phi=1.0, psi=1.0),
    source=Source("2006.10621", "equations 2 and 3", "Rosenfeld et al.", 2020,
                  "On the Predictability of Pruning Across Scales"),
    category="sparsity",
    questions=(6,),
    failures=(Failure("Iterative magnitude pruning of ResNets on CIFAR-10 and ImageNet only", "2006.10621"),),
    symbols={"depth": "l", "width": "w", "density": "d", "unpruned_error": "e_np"},
    notes="The form is from memory and no coefficients could be confirmed.",
)
