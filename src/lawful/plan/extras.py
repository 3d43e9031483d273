"""What is paid for beside a model's own pre-training: a teacher, fine-tuning, a store of passages; and what bits save.

Each function takes the quantities that are decided, by name, and gives None where they say nothing of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lawful.cost import Hardware
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

TEACHERS: Mapping[str, str] = {
    "stored": "The teacher's outputs are there already and cost nothing.",
    "runs": "The teacher reads every token of the student, at 2 FLOP a parameter; its own training is paid for "
            "(arXiv:2502.08606, equation 9, with delta_Lgt = 1 and delta_Pre = 0).",
    "trained": "The teacher is trained for this student alone, at 6 FLOP a parameter and token, and reads every token "
               "of the student, at 2 (arXiv:2502.08606, equation 9, with delta_Lgt = delta_Pre = 1).",
}
"""What of a teacher is charged for, and the sentence that says so."""

ARITHMETIC: Mapping[str, str] = {
    "peaks": "Training in few bits runs at the device's peak for the wider of weights and activations, in 16 bits "
             "where it knows no fewer.",
    "linear": "Training in few bits takes bits / 16 of the time, by the geometric mean of its operands "
              "(arXiv:2411.04330, equation 5, for equal bits; its authors expect less in practice).",
    "none": "Bits in training change no time: they are simulated in 16.",
}
"""How bits in training change its time, and the sentence that says so."""

BITS = ("weight_bits", "activation_bits", "kv_bits")
"""The quantities that are bits of training."""

FORMATS: tuple[tuple[float, tuple[str, ...]], ...] = ((4.0, ("fp4", "int4")), (8.0, ("fp8", "int8")))
"""Formats that devices multiply in below 16 bits, by bits."""


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


def mean_bits(q: Mapping[str, Array]) -> Array | None:
    """The geometric mean of the bits of training: weights and activations, and the cache where its bits are decided.

    Where all are the same this is Kumar et al.'s P; they price no other. None where nothing is said of any.
    """
    operands = _operands(q)
    if operands is None:
        return None
    product: Array = np.ones(())
    for bits in operands:
        product = product * bits
    return np.asarray(product ** (1.0 / len(operands)))


def time_share(q: Mapping[str, Array], device: Hardware | None, arithmetic: str) -> Array:
    """The time of a FLOP of training at the bits decided over that at 16."""
    operands = _operands(q)
    if operands is None or arithmetic == "none":
        return np.ones(())
    if arithmetic == "linear":
        mean = mean_bits(q)
        assert mean is not None
        return mean / FULL_BITS
    return np.ones(()) if device is None else peak_share(np.maximum(*operands[:2]), device)


def _operands(q: Mapping[str, Array]) -> tuple[Array, ...] | None:
    """The bits of weights, activations and, where they are decided, the cache."""
    if not any(name in q for name in BITS):
        return None
    full = np.full((), FULL_BITS)
    cached = (q["kv_bits"],) if "kv_bits" in q else ()
    return (q.get("weight_bits", full), q.get("activation_bits", full), *cached)


def peak_share(bits: Array, device: Hardware) -> Array:
    """The device's peak in 16 bits over its peak in the fastest format that holds ``bits``."""
    share = np.ones(bits.shape)
    fastest = device.peak_flop_per_second
    for wide, formats in reversed(FORMATS):
        fastest = max(fastest, *(device.peaks.get(name, 0.0) for name in formats))
        share = np.where(bits <= wide, device.peak_flop_per_second / fastest, share)
    if (fp32 := device.peaks.get("fp32")) is not None:
        share = np.where(bits > FULL_BITS, device.peak_flop_per_second / fp32, share)
    return share
