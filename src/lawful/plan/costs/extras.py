"""What is paid for beside a model's own pre-training: a teacher, fine-tuning, a store of passages.

Each function takes the quantities that are decided, by name, and gives None where they say nothing of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lawful.cost.checks import positive
from lawful.errors import unknown
from lawful.quantities import FLOP_PER_PARAM_TOKEN

Array = npt.NDArray[np.float64]

FORWARD_FLOP = 2.0
"""FLOP a token for each active parameter: a forward pass."""

FROZEN_SHARE = 2.0 / 3.0
"""What training costs beside frozen weights, over training them: the gradient of their inputs alone is taken."""

FULL_BITS = 16.0
"""Bits that count as full precision, and those of whatever nothing says the bits of."""

BITS = ("weight_bits", "activation_bits", "kv_bits")
"""The quantities that are bits of training."""

TEACHERS: Mapping[str, str] = {
    "stored": "The teacher's outputs are there already and cost nothing.",
    "runs": "The teacher reads every token of the student, at 2 FLOP a parameter; its own training is paid for "
            "(arXiv:2502.08606, equation 9, with delta_Lgt = 1 and delta_Pre = 0).",
    "trained": "The teacher is trained for this student alone, at 6 FLOP a parameter and token, and reads every token "
               "of the student, at 2 (arXiv:2502.08606, equation 9, with delta_Lgt = delta_Pre = 1).",
}
"""What of a teacher is charged for, and the sentence that says so."""


@dataclass(frozen=True)
class Store:
    """What a retrieval store takes for each token: text, a vector a passage, and the encoder's pass over it, once.

    The defaults are those of a dense retriever of BERT's size: 110M params, 768 numbers of 2 bytes for every passage
    of 256 tokens; 4 bytes of text a token. What searching it costs is not counted.
    """

    encoder_params: float = 110e6
    passage_tokens: float = 256.0
    vector_bytes: float = 1536.0
    text_bytes: float = 4.0

    def __post_init__(self) -> None:
        for name, unit in (("encoder_params", "params"), ("passage_tokens", "tokens"), ("vector_bytes", "bytes"),
                           ("text_bytes", "bytes a token")):
            positive(f"store: {name}", getattr(self, name), unit)

    @property
    def bytes_per_token(self) -> float:
        """What a token takes on disk [bytes]."""
        return self.text_bytes + self.vector_bytes / self.passage_tokens

    @property
    def flop_per_token(self) -> float:
        """What embedding a token takes [FLOP]."""
        return FORWARD_FLOP * self.encoder_params

    @property
    def sentence(self) -> str:
        """What the store is assumed to be."""
        return (f"A token of the store takes {self.bytes_per_token:.3g} bytes, and embedding it "
                f"{self.flop_per_token:.3g} FLOP, once; searching it is not counted.")


DENSE = Store()
"""The store of a dense retriever of BERT's size."""


def known(name: str, value: str, choices: Collection[str]) -> None:
    """Raises ``UnknownName`` for a ``value`` that is not among the ``choices`` of ``name``."""
    if value not in choices:
        raise unknown(name, value, choices)


def teacher_flop(q: Mapping[str, Array], teacher: str) -> Array | None:
    """2 N_T D for the student's tokens D, and 6 N_T D_T where the teacher is trained for it [FLOP].

    Busbridge et al. 2025, equation 9. None without ``teacher_params``.
    """
    if "teacher_params" not in q or "tokens" not in q:
        return None
    reads = 0.0 if teacher == "stored" else FORWARD_FLOP
    flop = reads * q["teacher_params"] * q["tokens"]
    if teacher == "trained" and "teacher_tokens" in q:
        flop = flop + FLOP_PER_PARAM_TOKEN * q["teacher_params"] * q["teacher_tokens"]
    return np.asarray(flop)


def finetune_flop(q: Mapping[str, Array], train: Array) -> Array | None:
    """The FLOP of fine-tuning at ``train`` a token, 6 N; 4 N where a low-rank update is trained beside frozen weights.

    None without ``finetune_tokens``.
    """
    if "finetune_tokens" not in q:
        return None
    return np.asarray((FROZEN_SHARE if "lora_rank" in q else 1.0) * train * q["finetune_tokens"])


def beside_sentences(decided: Collection[str], teacher: str, store: Store) -> Iterator[str]:
    """What is assumed of what is paid for beside, where it is among the quantities ``decided``."""
    if "teacher_params" in decided:
        yield TEACHERS[teacher]
    if "finetune_tokens" in decided:
        yield ("A low-rank update costs two thirds of training all weights: those beside it are frozen."
               if "lora_rank" in decided else "Fine-tuning changes all weights.")
    if "datastore_tokens" in decided:
        yield store.sentence
    if "streams" in decided:
        yield "Parallel streams cost as many passes, in training and serving, and share one set of weights."
