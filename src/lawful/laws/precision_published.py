"""Published laws of low precision: Kumar 2024, Chen 2025, Ouyang 2024, Dettmers 2023, Cao 2024."""

from __future__ import annotations

from lawful.laws.base import Region
from lawful.laws.language import AdditiveLoss, KaplanLoss
from lawful.laws.precision import (
    AccuracyPerByte,
    PostTrainingDamage,
    PrecisionLoss,
    QatDamage,
    QuantisationDegradation,
)
from lawful.laws.published import Check, Failure, Fittable, Guidance, Published, Source

_BY_HAND = "worked by hand from the printed coefficients"


# ------------------------------------------------------------------------------------- Kumar 2024

def _kumar(where: str) -> Source:
    return Source("2411.04330", where, "Kumar et al.", 2024, "Scaling Laws for Precision")


Published(
    key="kumar2024_precision_training",
    title="Loss of models trained in low precision",
    law=PrecisionLoss(A=4299.0, alpha=0.4965, B=18060.0, E=2.7648, gamma_w=2.6745, n_w=0.3037,
                      gamma_a=2.2102, n_a=1.4072, gamma_kv=0.9578, n_kv=2.4185),
    source=_kumar("equations 3 and 4; appendix K, Table 2"),
    region=Region(params=(3e7, 1.7e9), tokens=(1.5e9, 2.6e10), weight_bits=(3, 16), activation_bits=(4, 16),
                  kv_bits=(4, 16)),
    checks=(
        Check({"params": 1e9, "tokens": 2e10, "weight_bits": 16, "activation_bits": 16, "kv_bits": 16},
              "3.0502", _BY_HAND),
        Check({"params": 1e9, "tokens": 2e10, "weight_bits": 4, "activation_bits": 8, "kv_bits": 8},
              "3.0891", _BY_HAND),
    ),
    category="precision",
    questions=(7,),
    failures=(
        Failure("The authors call the constants specific to their setup: one architecture, one corpus", "2411.04330"),
        Failure("The survey prints plain exponentials without the offsets n_x that the fit uses", "2502.12051"),
        Failure("Integer types with one scale a tensor for activations: floating-point and grouped formats have "
                "other gammas", "2501.02423"),
    ),
    symbols={"weight_bits": "P_w", "activation_bits": "P_a", "kv_bits": "P_kv"},
    notes="465 runs of OLMo-style models on Dolma; alpha = beta is tied in the fit. With N, D and P free together "
          "the optimum is 7 to 8 bits whatever the compute. The appendix writes exp(x / gamma + n) for the "
          "exponentials of x = -P: so the offsets add to the sensitivity, which alone gives those 7 bits, the fourfold "
          "size at 4 bits and the failures of 3-bit activations that the text reports. Appendix N refits the weights "
          "for floating-point types: gamma_w 2.8111, n_w 0.1240. N_eff = N (1 - g / 2**P), found in some notes, is not "
          "in the paper.",
)

Published(
    key="kumar2024_ptq",
    title="Loss added by rounding the weights after training",
    law=PostTrainingDamage(C_T=0.0598, gamma_D=0.5068, gamma_N=0.3439, gamma_post=0.5907),
    source=_kumar("equation 2; appendix K, Table 2"),
    region=Region(params=(3e7, 1.7e9), tokens=(1.5e9, 2.6e10), post_bits=(3, 8)),
    checks=(Check({"params": 1e9, "tokens": 2e10, "post_bits": 4}, "0.009147", _BY_HAND),),
    category="precision",
    questions=(7,),
    failures=(
        Failure("GPTQ-like quantisers on small models: better quantisation moves the threshold", "2411.17691"),
        Failure("For models trained in low precision the paper multiplies by prod_x (1 - exp(-C_x (P_x - P_post))) "
                "and takes N_eff for N: this form is for 16-bit training", "2411.04330"),
    ),
    unconfirmed=("C_T",),
    notes="The text calls gamma_D and gamma_N alike (a power of D / N); the table has 0.5068 and 0.3439, and the "
          "table is taken. Table 2 prints a bias b = 1.1277 beside these that equation 2 does not have: it is left "
          "out, and if it belongs in the exponent the damage changes by exp(1.1277) throughout, hence C_T is "
          "unconfirmed. The span of post_bits is from memory.",
)


# -------------------------------------------------------------------------------------- Chen 2025

_CHEN = Source("2505.14302", "Table 1; equation 5", "Chen et al.", 2025, "Scaling Law for Quantization-Aware Training")
_CHEN_REGION = Region(params=(7.4e7, 5.95e8), tokens=(1e10, 1e11), group_size=(32, 256))
_CHEN_FAILURES = (
    Failure("One format each: no dependence on the number of bits, and a recipe with outliers left in the input of "
            "the second feed-forward matrix, which dominate the error of 4-bit activations", "2505.14302"),
)
_CHEN_NOTE = ("Llama-3-style models on OLMo2-Mix-1124; smoothed training loss. The runs also hold one scale a token "
              "or channel. Checked by the authors on 973M params and 200B tokens. ")


def _qat(name: str, title: str, k: float, gamma_N: float, gamma_D: float, gamma_G: float, printed: str) -> None:
    Published(
        key=f"chen2025_qat:{name}",
        title=title,
        law=QatDamage(k=k, gamma_N=gamma_N, gamma_D=gamma_D, gamma_G=gamma_G),
        source=_CHEN,
        region=_CHEN_REGION,
        checks=(Check({"params": 5.95e8, "tokens": 1e11, "group_size": 128}, printed, _BY_HAND),),
        category="precision",
        questions=(7,),
        failures=_CHEN_FAILURES,
        notes=_CHEN_NOTE + "W4A4 comes to 0.906 times the sum of W4A16 and W16A4. FC2 is the second feed-forward "
              "matrix; which of the two gamma_G printed for 8-bit FC2 inputs belongs to which format was settled by "
              "the text (0.98 falls to 0.45 for W16A4) and the errors it quotes.",
    )


_qat("W4A4", "Loss added by 4-bit weights and activations in training", 0.1582, 0.2186, 0.0745, 0.7779, "0.05728")
_qat("W4A16", "Loss added by 4-bit weights in training", 0.2522, 0.3589, 0.1610, 0.3533, "0.02100")
_qat("W16A4", "Loss added by 4-bit activations in training", 0.1004, 0.1816, 0.0331, 0.9812, "0.03996")
_qat("W4A4_fc2_8bit", "Loss added by 4-bit weights and activations, inputs of FC2 in 8 bits",
     0.3519, 0.2637, 0.0964, 0.3407, "0.03810")
_qat("W16A4_fc2_8bit", "Loss added by 4-bit activations, inputs of FC2 in 8 bits",
     0.1273, 0.2347, 0.0827, 0.4491, "0.02161")

Published(
    key="chen2025_qat:bf16",
    title="Loss in BFloat16, to which the damage is added",
    law=AdditiveLoss(E=1.9279, A=237.7042, alpha=0.3022, B=596.2490, beta=0.3022),
    source=_CHEN,
    region=Region(params=(7.4e7, 5.95e8), tokens=(1e10, 1e11)),
    checks=(Check({"params": 5.95e8, "tokens": 1e11}, "2.7407", _BY_HAND),),
    category="precision",
    questions=(7,),
    failures=_CHEN_FAILURES,
    notes=_CHEN_NOTE + "Both exponents are 0.3022 in the table.",
)


# ------------------------------------------------------------------- Ouyang 2024, Dettmers 2023, Cao 2024

_OUYANG_FAILURE = Failure("GPTQ on Pythia: other quantisers and families have other constants", "2411.17691")


def _ouyang(where: str) -> Source:
    return Source("2411.17691", where, "Ouyang et al.", 2024, "Low-Bit Quantization Favors Undertrained LLMs")


Published(
    key="ouyang2024_qid",
    title="Loss added by low-bit rounding of checkpoints, by how long they trained",
    law=QuantisationDegradation(k=0.017, beta=0.5251, alpha=0.2261, gamma=5.4967),
    source=_ouyang("equation 8; Figure 6"),
    counting={"params": "non-embedding"},
    region=Region(params=(1.6e8, 1.2e10), tokens=(1e9, 2.06e11), post_bits=(2, 4)),
    checks=(Check({"params": 1e9, "tokens": 1e11, "post_bits": 4}, "0.04595", _BY_HAND),),
    category="precision",
    questions=(7,),
    failures=(
        Failure("Damage falls as a power of the bits here and exponentially in Kumar et al.: they disagree outside "
                "2 to 4 bits", "2411.04330"),
        _OUYANG_FAILURE,
    ),
    notes="1,500 quantised Pythia checkpoints. The constants are those of the joint fit (caption of Figure 6); one "
          "factor at a time the paper fits beta 0.5316, alpha 0.2276 and gamma 5.4812 (Figures 3 to 5).",
)

Published(
    key="ouyang2024_qid:fp16",
    title="Loss of the checkpoints in 16 bits, to which the damage is added",
    law=KaplanLoss(N_c=4.74e19, alpha_N=0.045, D_c=7.63e10, alpha_D=0.399),
    source=_ouyang("equation 3; Figure 7"),
    counting={"params": "non-embedding"},
    region=Region(params=(1.6e8, 1.2e10), tokens=(1e9, 2.06e11)),
    checks=(Check({"params": 1e9, "tokens": 1e11}, "3.0795", _BY_HAND),),
    category="precision",
    questions=(7,),
    failures=(
        _OUYANG_FAILURE,
        Failure("Checkpoints within one decaying schedule, not models trained to their own end: more tokens look "
                "worth more than they are", "2203.15556"),
    ),
    notes="Pythia on the Pile, cross-entropy on RefinedWeb (caption of Figure 7, where 4.74e^19 stands for 4.74e19).",
)

Fittable(
    key="dettmers2023_kbit",
    title="Zero-shot accuracy against total model bits, one line a precision",
    law=AccuracyPerByte(a=-0.5, b=0.05),
    source=Source("2212.09720", "figure 1", "Dettmers & Zettlemoyer", 2023,
                  "The case for 4-bit precision: k-bit Inference Scaling Laws"),
    category="precision",
    questions=(7,),
    failures=(Failure("Rounding of weights only, with the quantisers of 2023; models trained longer lose more",
                      "2411.04330"),),
    notes="The paper draws the lines (accuracy linear in log bits, parallel from 4 to 16 bits) and prints no "
          "coefficients. Its finding, over more than 35,000 measurements of 19M to 176B params at 3 to 16 bits: "
          "at a given memory 4-bit weights are almost always best, with small blocks and float-like types helping.",
)

Guidance(
    key="cao2024_mixed_quantisation",
    title="Share of weights that may be rounded, by model size",
    source=Source("2410.06722", "abstract", "Cao et al.", 2024,
                  "Scaling Laws for Mixed Quantization in Large Language Models"),
    category="precision",
    questions=(7,),
    advice="At a given loss budget larger models bear a higher share of low-bit weights: the share that must stay "
           "in high precision falls about exponentially with the number of params. Choose the share per model "
           "size, by measurement, rather than carrying it over from a small model.",
    concerns=("kumar2024_ptq", "ouyang2024_qid", "dettmers2023_kbit"),
    notes="No form with coefficients could be found.",
)
