"""Theory: Alabdulmohsin 2022, Caballero 2022, and what explains the exponents."""

from __future__ import annotations

from lawful.laws.base import Region
from lawful.laws.broken import BrokenPowerLaw1, BrokenPowerLaw2, SaturatingPowerLaw
from lawful.laws.published import Check, Failure, Fittable, Guidance, Published, Source
from lawful.laws.theory import DynamicsLoss, Growth, ManifoldExponent, ManifoldLoss, QuantaLoss, VarianceLoss

_BY_HAND = "worked by hand from the printed coefficients"

Fittable(
    key="alabdulmohsin2022_m4",
    title="M4: a law that saturates at both ends",
    law=SaturatingPowerLaw(e_inf=0.1, span=1.0, alpha=1.0, d=1.0, c=0.5, over="examples"),
    source=Source("2209.06640", "section 3, estimator M4", "Alabdulmohsin, Neyshabur & Zhai", 2022,
                  "Revisiting Neural Scaling Laws in Language and Vision"),
    category="theory",
    questions=(1, 8),
    symbols={"examples": "x"},
    failures=(
        Failure("It cannot describe curves that turn or bend more than twice", "2210.14891"),
        Failure("On the authors' benchmark the broken power law extrapolates better on most vision curves",
                "2210.14891"),
    ),
    notes="Written for about 90 learning curves and fitted to each: no set of coefficients is the paper's. On one set "
          "of data the exponent -c ranges from -0.09 (power law without a floor) to -0.57 (M4): judge a form by how "
          "it extrapolates, not by how it fits. The authors keep alpha, beta and c of their sign by constrained "
          "regression, start e_0 at 1 and solve the implicit law on a grid.",
)

_CABALLERO_FAILURES = (
    Failure("A break beyond the data cannot be extrapolated: nothing before it tells where it lies", "2210.14891"),
    Failure("A retelling cuts it into two pieces at a threshold of N: the original is one smooth product",
            "2502.12051"),
)
_CABALLERO_NOTE = ("One break is often enough; use it for curves that are not monotone or have an inflection. The "
                   "authors fit logarithms of y + 1 from a wide grid.")


def _caballero(where: str) -> Source:
    return Source("2210.14891", where, "Caballero et al.", 2022, "Broken Neural Scaling Laws")


Fittable(
    key="caballero2022_bnsl:one_break",
    title="Broken power law with one break",
    law=BrokenPowerLaw1(a=1.0, b=1.0, c_0=0.1, c_1=0.5, d_1=1.0, f_1=0.5, over="compute"),
    source=_caballero("equation 1"),
    category="theory",
    questions=(1,),
    failures=_CABALLERO_FAILURES,
    notes="Fitted to each curve anew: no general coefficients. " + _CABALLERO_NOTE,
)

Fittable(
    key="caballero2022_bnsl:two_breaks",
    title="Broken power law with two breaks",
    law=BrokenPowerLaw2(a=1.0, b=1.0, c_0=0.1, c_1=-0.5, d_1=1.0, f_1=0.5, c_2=0.8, step_2=100.0, f_2=0.5,
                        over="compute"),
    source=_caballero("equation 1"),
    category="theory",
    questions=(1,),
    failures=_CABALLERO_FAILURES,
    notes="Fitted to each curve anew: no general coefficients. d_2 is written as d_1 times step_2. " + _CABALLERO_NOTE,
)

Published(
    key="caballero2022_bnsl:addition",
    title="Learning to add numbers of four digits",
    law=BrokenPowerLaw1(a=0.41388453071629455, b=2.2772722897737556, c_0=0.055077348404973955,
                        c_1=5.662903816010331, d_1=612.5836172918001, f_1=0.059193036393742314, over="examples"),
    source=_caballero("figure 5 right; constants in the authors' code of that figure"),
    category="theory",
    questions=(1,),
    symbols={"examples": "x"},
    region=Region(examples=(1.0, 4095.0)),
    region_note="the authors extrapolate from the first 405 points; from 390 it fails",
    checks=(
        Check({"examples": 300.0}, "2.077224", _BY_HAND),
        Check({"examples": 612.5836172918001}, "1.681533", _BY_HAND),
        Check({"examples": 900.0}, "0.591035", _BY_HAND),
    ),
    failures=_CABALLERO_FAILURES,
    notes="Test cross-entropy of a small model on one task: an example of a sharp break, not a law for other tasks. "
          + _CABALLERO_NOTE,
)

_SHARMA = Source("2004.10802", "section 1", "Sharma & Kaplan", 2020,
                 "A Neural Scaling Law from the Dimension of the Data Manifold")
_SHARMA_FAILURES = (
    Failure("For smooth targets 4/d is a lower bound of the exponent rather than its value", "2102.06701"),
    Failure("The dimension is hard to measure in language", "2004.10802"),
)

Published(
    key="sharma2020_manifold:exponent",
    title="Exponent of model size from the dimension of the data",
    law=ManifoldExponent(m=4.0),
    source=_SHARMA,
    category="theory",
    questions=(1,),
    symbols={"intrinsic_dim": "d"},
    region=Region(intrinsic_dim=(2.0, 100.0)),
    region_note="dimensions up to about 20 in teacher-student tests, larger in images and text; read off the text",
    checks=(Check({"intrinsic_dim": 50.0}, "0.0800", _BY_HAND),
            Check({"intrinsic_dim": 52.63}, "0.0760", _BY_HAND)),
    failures=_SHARMA_FAILURES,
    notes="For cross-entropy and squared error alike. Kaplan's exponent 0.076 would be a dimension of about 53.",
)

Fittable(
    key="sharma2020_manifold:loss",
    title="Loss against params, with the dimension of the data as coefficient",
    law=ManifoldLoss(L_inf=1.0, A=1.0, d=20.0, over="params", m=4.0),
    source=_SHARMA,
    category="theory",
    questions=(1,),
    symbols={"params": "N"},
    failures=_SHARMA_FAILURES,
    notes="No prefactors are published: they belong to the task.",
)


def _bahri(where: str) -> Source:
    return Source("2102.06701", where, "Bahri et al.", 2021, "Explaining Neural Scaling Laws")


_BAHRI_FAILURES = (
    Failure("The regimes are limits: a run between them follows neither, so find out which one holds before "
            "extrapolating", "2102.06701"),
)
_BAHRI_NOTE = "Four regimes: data or width, each limited by variance or by resolution. No prefactors are published."

Fittable(
    key="bahri2021_four_regimes:variance_data",
    title="Variance-limited in data",
    law=VarianceLoss(L_inf=1.0, A=1.0, over="examples"),
    source=_bahri("section 2"),
    category="theory",
    questions=(1,),
    failures=_BAHRI_FAILURES,
    notes=_BAHRI_NOTE,
)

Fittable(
    key="bahri2021_four_regimes:variance_width",
    title="Variance-limited in width",
    law=VarianceLoss(L_inf=1.0, A=1.0, over="width"),
    source=_bahri("section 2"),
    category="theory",
    questions=(1,),
    failures=_BAHRI_FAILURES,
    notes=_BAHRI_NOTE,
)

Fittable(
    key="bahri2021_four_regimes:resolution_data",
    title="Resolution-limited in data",
    law=ManifoldLoss(L_inf=1.0, A=1.0, d=20.0, over="examples", m=1.0),
    source=_bahri("section 2"),
    category="theory",
    questions=(1,),
    failures=_BAHRI_FAILURES,
    notes=_BAHRI_NOTE + " The exponent goes as 1/d; m = 1 is the weakest case, and a smooth target allows up to 4.",
)

Fittable(
    key="bahri2021_four_regimes:resolution_params",
    title="Resolution-limited in model size",
    law=ManifoldLoss(L_inf=1.0, A=1.0, d=20.0, over="params", m=1.0),
    source=_bahri("section 2"),
    category="theory",
    questions=(1,),
    failures=_BAHRI_FAILURES,
    notes=_BAHRI_NOTE + " The exponent goes as 1/d; m = 1 is the weakest case, and a smooth target allows up to 4.",
)

Fittable(
    key="michaud2023_quantization",
    title="Loss of a model that learns discrete skills",
    law=QuantaLoss(E=1.0, A=1.0, alpha=0.3, B=1.0),
    source=Source("2303.13506", "section 2", "Michaud et al.", 2023, "The Quantization Model of Neural Scaling"),
    category="theory",
    questions=(1,),
    failures=(
        Failure("The tie between the exponents is rejected by refitted language-model runs: alpha = 0.348 asks for "
                "0.258 of data, and 0.366 is found", "2404.10102"),
    ),
    notes="Skills are used as k**-(alpha + 1); one skill is learnt at once, the sum is smooth. The paper derives L(N) "
          "and L(D), not their sum. No coefficients are published for it.",
)

Fittable(
    key="bordelon2024_dynamics",
    title="Time, size and data as bottlenecks of a random-feature model",
    law=DynamicsLoss(L_inf=1.0, A=1.0, r_t=0.3, B=1.0, r_N=0.5, C=1.0, r_D=0.5),
    source=Source("2402.01092", "section 3", "Bordelon, Atanasov & Pehlevan", 2024,
                  "A Dynamical Model of Neural Scaling Laws"),
    category="theory",
    questions=(1,),
    symbols={"steps": "t", "width": "N", "examples": "D"},
    failures=(
        Failure("A sum of limits is no exact solution, and leaves out corrections in 1/width and 1/data that dominate "
                "early", "2402.01092"),
    ),
    notes="Quoted from memory. The exponents follow from the spectrum of the features; since that of time differs "
          "from that of size, the compute-optimal split is uneven. No coefficients are published.",
)

Guidance(
    key="maloney2022_solvable",
    title="A solvable model: scaling ends with the latent space",
    source=Source("2210.16859", "abstract", "Maloney, Roberts & Sully", 2022,
                  "A Solvable Model of Neural Scaling Laws"),
    category="theory",
    questions=(1,),
    advice="Grow params and data in proportion: with data of a power-law spectrum the loss falls as a power of the "
           "smaller of the two, and the best use of either is near equality. Expect a plateau when both exceed the "
           "dimension of the latent space.",
    concerns=("hoffmann2022_approach3", "bahri2021_four_regimes:resolution_data", "bordelon2024_dynamics"),
    notes="The joint law is solved for random features on data with a power-law spectrum; its formula could not be "
          "confirmed word for word and is left out.",
)

Published(
    key="paquette2024_phases",
    title="Compute-optimal model size of a random-feature model",
    law=Growth(a=0.5, of="params", per="compute"),
    source=Source("2405.15074", "section 1", "Paquette et al.", 2024,
                  "4+3 Phases of Compute-Optimal Neural Scaling Laws"),
    category="theory",
    questions=(1,),
    region=Region(),
    region_note="a theorem about a model: one-pass SGD on power-law random features",
    checks=(Check({"scale_up": 100.0}, "10", "section 1: the exponent is 1/2"),),
    failures=(
        Failure("It holds in a large region of the two exponents of the model; elsewhere noise of the optimiser or the "
                "embedding of the features sets another exponent", "2405.15074"),
    ),
    notes="Numerical experiments give 0.508 and 0.525. It shows that an allocation like Hoffmann's can follow from "
          "theory.",
)
