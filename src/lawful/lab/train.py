"""One training run: a frozen `RunSpec` in, a flat record out.

The record is a row of the sweep's table. `run` names it by the spec's hash, so the same settings are
the same run wherever they are trained.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from lawful.errors import InputError, MissingExtra
from lawful.lab.corpus import Corpus

try:
    import torch
    import torch.nn.functional as F  # noqa: N812
except ModuleNotFoundError as error:
    raise MissingExtra("training", "train") from error

from lawful.lab.transformer import Shape, Transformer, flop_per_token, param_groups

Record = dict[str, str | int | float]
EVAL_SEQUENCES = 64  # windows per forward pass when measuring the held-out loss


@dataclass(frozen=True)
class RunSpec:
    """Everything that decides a run's outcome, given the corpus.

    ``budget`` is the nominal compute of the isoFLOP curve the run belongs to [FLOP, as 6 N D].
    ``learning_rate`` is the base rate of muP; the schedule rises linearly over ``warmup_steps``, then
    falls by half a cosine to ``final_lr_fraction`` of it at the last step.
    """

    budget: float
    width: int
    depth: int
    heads: int
    batch_tokens: int
    steps: int
    warmup_steps: int
    learning_rate: float
    seed: int = 0
    context: int = 128
    vocab_size: int = 256
    schedule: str = "cosine"
    final_lr_fraction: float = 0.0
    weight_decay: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.99
    grad_clip: float = 1.0

    def __post_init__(self) -> None:
        if self.schedule != "cosine":
            raise InputError(f"schedule must be 'cosine', got {self.schedule!r}")
        if self.steps < 1 or self.batch_tokens < 1 or self.batch_tokens % self.context:
            raise InputError(
                f"a run needs steps >= 1 and batch_tokens a multiple of its context {self.context}, "
                f"got {self.steps} steps of {self.batch_tokens} tokens"
            )

    @property
    def run(self) -> str:
        """The run's name: 12 hexadecimal digits of the hash of every field."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:12]

    @property
    def shape(self) -> Shape:
        """The model's shape."""
        return Shape(self.width, self.depth, self.heads, self.context, self.vocab_size)

    @property
    def tokens(self) -> int:
        """Tokens trained on, repeats counted: D."""
        return self.steps * self.batch_tokens

    @property
    def compute(self) -> float:
        """Training compute by the convention 6 N D, with N all parameters [FLOP]."""
        return 6.0 * param_groups(self.shape).total * self.tokens

    def learning_rate_at(self, step: int) -> float:
        """The base learning rate at ``step``, counted from zero."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        progress = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        fall = 0.5 * (1 + math.cos(math.pi * progress))
        return self.learning_rate * (self.final_lr_fraction + (1 - self.final_lr_fraction) * fall)


def train(spec: RunSpec, corpus: Corpus) -> Record:
    """The record of one run of ``spec`` on ``corpus``: settings, counts, losses [nats/byte], time.

    ``loss`` is the mean over every position of the held-out windows; ``train_loss`` the mean over the
    last twentieth of the steps. A diverged run is a record too: its loss is large, or nan.
    """
    start = time.perf_counter()
    model, history = train_model(spec, corpus)
    wall = time.perf_counter() - start
    return {
        **describe(spec, corpus),
        "loss": held_out_loss(model, corpus.held_out),
        "train_loss": float(history[-max(1, spec.steps // 20) :].mean()),
        "wall_s": round(wall, 2),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def train_model(spec: RunSpec, corpus: Corpus) -> tuple[Transformer, NDArray[np.float64]]:
    """The model that one run of ``spec`` on ``corpus`` leaves, and its loss at every step [nats/byte]."""
    torch.manual_seed(spec.seed)
    model = Transformer(spec.shape)
    groups = model.optimiser_groups(1.0, spec.weight_decay)
    optimiser = torch.optim.AdamW(groups, betas=(spec.beta1, spec.beta2), fused=True)
    relative = [group["lr"] for group in optimiser.param_groups]
    history = np.empty(spec.steps)
    for step, batch in zip(range(spec.steps), batches(spec, corpus.train), strict=False):
        rate = spec.learning_rate_at(step)
        for group, ratio in zip(optimiser.param_groups, relative, strict=True):
            group["lr"] = rate * ratio
        loss = batch_loss(model, batch)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), spec.grad_clip)
        optimiser.step()
        history[step] = loss.item()
    return model, history


def describe(spec: RunSpec, corpus: Corpus) -> Record:
    """What is known of a run before it starts: its settings and its counts."""
    groups = param_groups(spec.shape)
    return {
        "run": spec.run,
        "params": groups.total,
        "embedding_params": groups.embedding,
        "nonembedding_params": groups.nonembedding,
        "attention_params": groups.attention,
        "mlp_params": groups.mlp,
        "norm_params": groups.norm,
        "tokens": spec.tokens,
        "compute": spec.compute,
        "exact_flop": flop_per_token(spec.shape) * spec.tokens,
        **asdict(spec),
        "unique_tokens": min(spec.tokens, corpus.train.size),
        "epochs": spec.tokens / corpus.train.size,
        "corpus_sha256": corpus.sha256,
        "parametrisation": "mup",
    }


def batches(spec: RunSpec, data: NDArray[np.uint8]) -> Iterator[torch.Tensor]:
    """Batches (sequence, context + 1) without end; each epoch cuts windows anew and shuffles them.

    Only the seed decides the order. A window overlaps the next by the one byte that is predicted.
    """
    rng = np.random.default_rng([spec.seed, spec.context])
    reach = np.arange(spec.context + 1)
    size = spec.batch_tokens // spec.context
    pending = np.empty(0, np.int64)
    while True:
        while pending.size < size:
            first = rng.integers(spec.context)
            starts = np.arange(first, data.size - spec.context, spec.context)
            pending = np.concatenate([pending, rng.permutation(starts)])
        chosen, pending = pending[:size], pending[size:]
        yield torch.from_numpy(data[chosen[:, None] + reach].astype(np.int64))


def batch_loss(model: Transformer, batch: torch.Tensor) -> torch.Tensor:
    """Mean loss over the batch [nats/byte]; each row holds the inputs and one more byte."""
    logits = model(batch[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())


@torch.no_grad()
def held_out_loss(model: Transformer, data: NDArray[np.uint8]) -> float:
    """Mean loss over all of ``data`` cut into windows of the context [nats/byte]."""
    context = model.shape.context
    starts = np.arange(0, data.size - context, context)
    windows = torch.from_numpy(data[starts[:, None] + np.arange(context + 1)].astype(np.int64))
    parts = torch.split(windows, EVAL_SEQUENCES)
    return math.fsum(batch_loss(model, part).item() * len(part) for part in parts) / len(windows)
