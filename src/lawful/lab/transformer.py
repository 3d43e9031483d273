"""A small decoder-only transformer over bytes, in muP, with its parameters and FLOPs counted exactly.

Pre-norm RMSNorm, rotary positions, GELU, tied embeddings, no biases. In muP (Tensor Programs V,
arXiv:2203.03466, Table 8) one base learning rate serves every width: matrices inside the blocks step
by ``base * BASE_WIDTH / width``, logits are means over the width rather than sums, and attention
scores are scaled by ``1 / head_dim``. At `BASE_WIDTH` all of it equals the usual parametrisation.
Nothing scales with depth; the packaged tuning runs show how far that holds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lawful.errors import InputError, MissingExtra

try:
    import torch
    import torch.nn.functional as F  # noqa: N812
    from torch import Tensor, nn
except ModuleNotFoundError as error:
    raise MissingExtra("training", "train") from error

BASE_WIDTH = 64
BASE_HEAD_DIM = 16
EMBEDDING_SD = 0.02
MLP_RATIO = 4


@dataclass(frozen=True)
class Shape:
    """What decides a model's size: ``width`` is d_model, ``depth`` the number of blocks."""

    width: int
    depth: int
    heads: int
    context: int = 128
    vocab_size: int = 256

    def __post_init__(self) -> None:
        if min(self.width, self.depth, self.heads, self.context, self.vocab_size) < 1:
            raise InputError(f"{self}: every size must be a positive whole number")
        if self.width % (2 * self.heads):
            raise InputError(f"{self}: width must be an even multiple of heads, since rotary positions turn pairs")


@dataclass(frozen=True)
class ParamGroups:
    """Parameters by role [count]; the embedding is tied, so it is also the output matrix."""

    embedding: int
    attention: int
    mlp: int
    norm: int

    @property
    def nonembedding(self) -> int:
        """Everything but the embedding."""
        return self.attention + self.mlp + self.norm

    @property
    def total(self) -> int:
        """All parameters: the N of the packaged sweep."""
        return self.embedding + self.nonembedding


def param_groups(shape: Shape) -> ParamGroups:
    """The parameters of a model of this ``shape``, by role, without building it."""
    d, layers = shape.width, shape.depth
    return ParamGroups(
        embedding=shape.vocab_size * d,
        attention=layers * 4 * d * d,
        mlp=layers * 2 * MLP_RATIO * d * d,
        norm=(2 * layers + 1) * d,
    )


def flop_per_token(shape: Shape, *, causal: bool = True) -> float:
    """Training FLOPs per token: three times the forward pass's matrix multiplications.

        3 * [ 2 * (attention + mlp + embedding params) + depth * 4 * width * keys ]      [FLOP/token]

    ``keys`` is the mean number of positions a token attends to, (context + 1) / 2; with
    ``causal=False`` it is the whole context, which is what masked attention computes when it does
    not skip. Norms, softmax, GELU, the loss and the optimiser are left out, as is usual.
    """
    groups = param_groups(shape)
    keys = (shape.context + 1) / 2 if causal else shape.context
    matrices = 2 * (groups.attention + groups.mlp + groups.embedding)
    return 3 * (matrices + shape.depth * 4 * shape.width * keys)


class Block(nn.Module):
    """Attention, then MLP, each added to the residual stream."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        d = shape.width
        self.heads, self.head_dim = shape.heads, d // shape.heads
        self.attention_norm = nn.RMSNorm(d)
        self.qkv = nn.Linear(d, 3 * d, bias=False)
        self.attention_out = nn.Linear(d, d, bias=False)
        self.mlp_norm = nn.RMSNorm(d)
        self.mlp_in = nn.Linear(d, MLP_RATIO * d, bias=False)
        self.mlp_out = nn.Linear(MLP_RATIO * d, d, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """The stream after this block; ``x`` is (sequence, position, width)."""
        batch, length, width = x.shape
        qkv = self.qkv(self.attention_norm(x)).view(batch, length, 3 * self.heads, self.head_dim)
        queries_keys, values = qkv.transpose(1, 2).split((2 * self.heads, self.heads), dim=1)
        queries, keys = rotate(queries_keys, cos, sin).chunk(2, dim=1)
        scale = math.sqrt(BASE_HEAD_DIM) / self.head_dim  # muP: 1/d, not 1/sqrt(d)
        mixed = F.scaled_dot_product_attention(queries, keys, values, is_causal=True, scale=scale)
        x = x + self.attention_out(mixed.transpose(1, 2).reshape(batch, length, width))
        change: Tensor = self.mlp_out(F.gelu(self.mlp_in(self.mlp_norm(x))))
        return x + change


class Transformer(nn.Module):
    """The model of a ``shape``, initialised from the torch generator's present seed.

    Matrices start with sd 1/sqrt(fan_in), those that write to the residual stream at zero.
    """

    cos: Tensor
    sin: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocab_size, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.depth))
        self.norm = nn.RMSNorm(shape.width)
        half = shape.width // shape.heads // 2
        angle = torch.outer(torch.arange(shape.context), 10_000.0 ** (-torch.arange(half) / half))
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        self.reset()

    def reset(self) -> None:
        """Draw every weight anew, in a fixed order."""
        nn.init.normal_(self.embedding.weight, std=EMBEDDING_SD)
        for name, weight in self.blocks.named_parameters():
            if name.endswith("out.weight"):
                nn.init.zeros_(weight)
            elif weight.ndim == 2:
                nn.init.normal_(weight, std=weight.shape[1] ** -0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (sequence, position, vocab) for the byte after each of ``tokens``."""
        width, length = self.shape.width, tokens.shape[1]
        x = F.rms_norm(self.embedding(tokens), (width,))
        for block in self.blocks:
            x = block(x, self.cos[:length], self.sin[:length])
        return F.linear(self.norm(x) * (BASE_WIDTH / width), self.embedding.weight)

    def optimiser_groups(self, learning_rate: float, weight_decay: float) -> list[dict[str, object]]:
        """Parameter groups for AdamW at this base ``learning_rate``.

        Block matrices get ``learning_rate * BASE_WIDTH / width`` and are decayed by
        ``learning_rate * weight_decay`` a step at any width; embedding and gains are not decayed.
        """
        matrices = [p for p in self.blocks.parameters() if p.ndim == 2]
        gains = [p for p in self.parameters() if p.ndim == 1]
        ratio = BASE_WIDTH / self.shape.width
        return [
            {"params": matrices, "lr": learning_rate * ratio, "weight_decay": weight_decay / ratio},
            {"params": [self.embedding.weight, *gains], "lr": learning_rate, "weight_decay": 0.0},
        ]


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """``x`` (..., position, dim) with each pair of dimensions turned by its position's angle."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)
