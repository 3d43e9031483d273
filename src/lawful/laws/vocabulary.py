"""How many parameters the vocabulary deserves: the forms and coefficients of Tao et al. 2024."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Any, ClassVar

from lawful.laws.base import Exponent, Law, Positive, Region, Scale
from lawful.laws.data import take
from lawful.laws.language import OptimalParams
from lawful.laws.published import Check, Failure, Published, Source
from lawful.quantities import QUANTITIES, Quantity


@dataclass(frozen=True)
class VocabularyLoss(Law):
    """Unigram-normalised loss against the model without its vocabulary, the vocabulary, and data.

        L_u = -E + A1 / N_nv**a1 + A2 / N_v**a2 + B / D**beta          [nats/token]

    N_nv is ``params`` without embeddings, N_v is ``vocab_params`` (vocabulary size times width), D is
    ``tokens``. L_u is the loss less that of a unigram model with the same vocabulary, so that vocabularies
    compare; it is negative, lower is better. A larger vocabulary pays here because it costs compute and
    thus tokens, D = C / (6 (N_nv + N_v)). Tao et al. 2024, approach 3; in the authors' code N is counted in
    millions and D in billions.
    """

    form: ClassVar[str] = "vocabulary_loss"
    output: ClassVar[Quantity] = QUANTITIES["normalised_loss"]
    falls_with: ClassVar[tuple[str, ...]] = ("params", "vocab_params", "tokens")

    E: Positive      # nats/token below the unigram model, at most
    A1: Positive
    a1: Exponent
    A2: Positive
    a2: Exponent
    B: Positive
    beta: Exponent

    def __call__(self, params: Any, vocab_params: Any, tokens: Any) -> Any:
        return self.A1 / params**self.a1 + self.A2 / vocab_params**self.a2 + self.B / tokens**self.beta - self.E


@dataclass(frozen=True)
class OptimalVocabulary(Law):
    """The best number of vocabulary parameters as a power of one quantity.

        N_v(x) = k x**gamma          [count]

    ``over`` names x: ``compute``, or ``params`` without embeddings at their compute-optimal training. The
    vocabulary size follows as N_v over the width. Tao et al. 2024, approaches 1 and 2.
    """

    form: ClassVar[str] = "optimal_vocabulary"
    output: ClassVar[Quantity] = QUANTITIES["vocab_params"]

    k: Scale         # vocabulary parameters at x = 1
    gamma: Exponent
    over: str = "compute"

    def __call__(self, *args: Any, **quantities: Any) -> Any:
        (x,) = take(self, args, quantities)
        return self.k * x**self.gamma


# ---------------------------------------------------------------------------------------- Tao 2024

def _tao(where: str) -> Source:
    return Source("2407.13623", where, "Tao et al.", 2024,
                  "Scaling Laws with Vocabulary: Larger Models Deserve Larger Vocabularies")


_NONVOCAB = (3.3e7, 1.1e9)
_COMPUTE = (1.3e16, 4.4e20)
_MILLION, _BILLION = 1e6, 1e9
_BY_HAND = "worked by hand from the printed coefficients"
_FAILURES = (
    Failure("The constants of approach 3 hold for parameters in millions and tokens in billions, which is easily "
            "missed; they are converted to plain counts here", "2407.13623"),
    Failure("It leaves out how many languages a vocabulary must cover, and what the softmax costs on hardware",
            "2407.13623"),
)
_TAO = {"category": "vocabulary", "questions": (1, 3), "failures": _FAILURES}

Published(
    key="tao2024_vocabulary:approach3",
    title="Loss against model, vocabulary and data (approach 3)",
    law=VocabularyLoss(
        E=5.5327846803337435,
        A1=1.8313851559554126 * _MILLION**0.44660634152009615, a1=0.44660634152009615,
        A2=0.19584238398665638 * _MILLION**0.6707374679896795, a2=0.6707374679896795,
        B=2.1241123120064955 * _BILLION**0.44660634152009615, beta=0.44660634152009615,
    ),
    source=_tao("approach 3; optimal_Nv_predict.py of the authors"),
    counting={"params": "non-embedding"},
    symbols={"params": "N_nv"},
    region=Region(params=_NONVOCAB, vocab_params=(2.1e6, 1.97e8)),
    region_note="vocabularies of 4,096 to 96,256 at widths of 512 to 2,048; runs of 1.3e16 to 4.4e20 FLOP, "
                "up to 2.4e11 characters",
    checks=(Check({"params": 3.02e8, "vocab_params": 3.2e7, "tokens": 1e10}, "-4.6111", _BY_HAND),),
    notes="a1 is tied to beta. The code counts data in tokens, the paper's text in characters that a function of the "
          "vocabulary turns into tokens. SlimPajama, Llama-like models.",
    **_TAO,  # type: ignore[arg-type]
)

Published(
    key="tao2024_vocabulary:approach1_params",
    title="Best size without vocabulary against compute (approach 1)",
    law=OptimalParams(k=exp(-2.4846510161625193), a=0.5),
    source=_tao("approach 1; optimal_Nv_predict.py of the authors"),
    region=Region(compute=_COMPUTE),
    checks=(
        Check({"compute": 1.0}, "0.08", "approach 1: N_nv = 0.08 C**0.50"),
        Check({"compute": 1e20}, "8.3355e8", _BY_HAND),
    ),
    notes="params are those without the vocabulary; the exponent is rounded to 0.5 in the code",
    **_TAO,  # type: ignore[arg-type]
)

Published(
    key="tao2024_vocabulary:approach1_vocab",
    title="Best vocabulary parameters against compute (approach 1)",
    law=OptimalVocabulary(k=exp(-1.589031299255507), gamma=0.4163622634135234, over="compute"),
    source=_tao("approach 1; optimal_Nv_predict.py of the authors"),
    region=Region(compute=_COMPUTE),
    checks=(
        Check({"compute": 1.0}, "0.20", "approach 1: N_v = 0.20 C**0.42"),
        Check({"compute": 1e20}, "4.3365e7", _BY_HAND),
    ),
    **_TAO,  # type: ignore[arg-type]
)

Published(
    key="tao2024_vocabulary:approach2",
    title="Best vocabulary parameters against the rest of the model (approach 2)",
    law=OptimalVocabulary(k=3145728 / 3.3e7**0.8353974035228025, gamma=0.8353974035228025, over="params"),
    source=_tao("approach 2; optimal_Nv_predict.py of the authors"),
    counting={"params": "non-embedding"},
    symbols={"params": "N_nv"},
    region=Region(params=_NONVOCAB),
    checks=(
        Check({"params": 3.3e7}, "3145728", "optimal_Nv_predict.py: the point from which it extrapolates"),
        Check({"params": 7e9}, "2.7628e8", _BY_HAND),
    ),
    notes="Vocabulary parameters grow more slowly than the rest; a caption in the repository states the reverse",
    **_TAO,  # type: ignore[arg-type]
)
