"""What tuning a part of a shape takes: parameters that are trained, FLOP, and memory, beside those of full tuning.

    full     every weight is trained
    lora     beside each matrix of the layers, (out, in), two of rank r: r (out + in) parameters
    prompt   as many vectors of the model's width as the prompt has tokens, before every example

The gradient passes through frozen weights, which costs as much as the forward pass; their own gradients, as much again,
are not needed: a token costs 2/3 of full tuning. Gradients and the optimiser's state are those of what is trained.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from lawful.cost.checks import positive
from lawful.cost.shapes.flops import BACKWARD, flops
from lawful.cost.shapes.memory import BYTES, MASTER, OPTIMISERS, Memory, precision_of, train_memory
from lawful.cost.shapes.parts import Weight
from lawful.cost.shapes.shape import Shape
from lawful.errors import InputError, unknown

METHODS: Mapping[str, str] = {"full": "every weight is trained", "lora": "low-rank matrices beside the frozen ones",
                              "prompt": "vectors before every example"}
"""Ways of tuning."""

LAYERS = ("attention", "mlp", "experts")
"""The groups of weights beside whose matrices LoRA puts its own unless told otherwise."""


def trained_params(shape: Shape, method: str, *, rank: int = 16, prompt: int = 100,
                   targets: Collection[str] = ()) -> int:
    """The parameters that ``method`` trains: all, r (out + in) for each matrix, or width x prompt.

    ``targets`` names the matrices that LoRA works on (``query``, ``value``), or groups of them; every matrix of the
    layers where it is left out. Raises ``UnknownName`` for another method or target.

        >>> from lawful.cost.shapes import model
        >>> trained_params(model("llama-3-8b"), "lora", rank=16)
        41943040
    """
    if method not in METHODS:
        raise unknown("way of tuning", method, METHODS)
    if method == "full":
        return shape.params().total
    if method == "prompt":
        if len(shape.towers) != 1:
            raise InputError(f"{shape.name} has several streams of tokens: a prompt goes before one")
        return int(positive("prompt", prompt, "tokens")) * shape.towers[0].width
    matrices = [part for part in shape.parts() if isinstance(part, Weight) and len(part.shape) == 2
                and part.use == "token" and not part.tied]
    known = {name for w in matrices for name in (w.name, w.group)}
    for name in targets:
        if name not in known:
            raise unknown("target of LoRA", name, known, where=f"in {shape.name}")
    return sum(int(positive("rank", rank, "dimensions")) * sum(w.shape) * w.copies for w in matrices
               if (w.name in targets or w.group in targets if targets else w.group in LAYERS))


def tuning_flop(shape: Shape, method: str, context: int, *, rank: int = 16, prompt: int = 100,
                targets: Collection[str] = ()) -> float:
    """FLOP of tuning on one example of ``context`` tokens.

    Forward and backward through all weights in full tuning; in the others forward, backward to the inputs, and all
    three of what is trained, which for a prompt are the tokens that it adds.
    """
    trained = trained_params(shape, method, rank=rank, prompt=prompt, targets=targets)
    if method == "full":
        return flops(shape, context=context).train
    if method == "prompt":
        return BACKWARD * flops(shape, context=context + prompt).forward
    return BACKWARD * flops(shape, context=context).forward + 2.0 * (1.0 + BACKWARD) * trained * context


def tuning_memory(shape: Shape, method: str, *, rank: int = 16, prompt: int = 100, targets: Collection[str] = (),
                  frozen: str | None = None, precision: str = "bf16", optimiser: str = "adamw",
                  **options: Any) -> Memory:
    """What tuning holds on one device: as ``train_memory`` for all weights, or frozen weights and what is trained.

    ``frozen`` is the precision of the frozen weights, ``precision`` where it is left out: ``int4`` for LoRA over
    quantised weights. ``options`` are those of ``train_memory``. Activations are counted as in full tuning, of which
    frozen matrices alone would let some go. Raises as ``trained_params`` and ``train_memory``.
    """
    trained = trained_params(shape, method, rank=rank, prompt=prompt, targets=targets)
    whole = train_memory(shape, precision=precision, optimiser=optimiser, **options)
    if method == "full":
        return whole
    stored = BYTES[precision_of(shape, frozen or precision)]
    size = BYTES[precision]
    state = OPTIMISERS[optimiser][0] + (MASTER if size < MASTER else 0.0)
    weights = whole.items["weights"] / size * stored
    return Memory(
        {"weights": weights, "trained weights": trained * size, "gradients": trained * size,
         "optimiser": trained * state, "activations": whole.items["activations"]},
        (f"Frozen weights are in {frozen or precision}; {trained:,} parameters are trained in {precision}, on every "
         "device.", *whole.assumptions[1:]))
