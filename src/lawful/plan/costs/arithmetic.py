"""Bits in training: what they save of its time, by the device's peaks or by a paper's price."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from lawful.cost import Hardware
from lawful.plan.costs.extras import BITS, FULL_BITS

Array = npt.NDArray[np.float64]

ARITHMETIC: Mapping[str, str] = {
    "peaks": "Training in few bits runs at the device's peak for the wider of weights and activations, in 16 bits "
             "where it knows no fewer.",
    "linear": "Training in few bits takes bits / 16 of the time, by the geometric mean of its operands "
              "(arXiv:2411.04330, equation 5, for equal bits; its authors expect less in practice).",
    "none": "Bits in training change no time: they are simulated in 16.",
}
"""How bits in training change its time, and the sentence that says so."""

FORMATS: tuple[tuple[float, tuple[str, ...]], ...] = ((4.0, ("fp4", "int4")), (8.0, ("fp8", "int8")))
"""Formats that devices multiply in below 16 bits, by bits."""


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


def bit_sentences(decided: Collection[str], arithmetic: str) -> Iterator[str]:
    """What is assumed of bits, where some are among the quantities ``decided``."""
    if not set(BITS).isdisjoint(decided):
        yield ARITHMETIC[arithmetic]
