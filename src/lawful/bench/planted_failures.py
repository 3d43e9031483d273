"""The known failure modes of scaling laws, planted: sparse models, repeated data, warm-up, counting and the rest.

Each plant changes the losses as published laws say such runs differ, and writes the columns that a person who made
them would have. A variant is kept where its losses move, beyond a common factor, by one standard deviation of a run's
noise or more. The modes are those of ``lawful.validate.modes``; the names of the columns vary as they do in public
tables.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.bench.planted_runs import CleanTable, Planted, Random, log_uniform, noisy, planted
from lawful.laws import law
from lawful.runs import Array

Column = npt.NDArray[Any]


def _effective(clean: CleanTable, params: Any = 1.0, tokens: Any = 1.0) -> Array:
    """How the law's loss changes, as a factor ``(run,)``, where params and tokens are worth these factors."""
    n, d = clean.columns["params"], clean.columns["tokens"]
    factor = clean.law(params=n * params, tokens=d * tokens) / clean.law(params=n, tokens=d)
    return np.asarray(factor, dtype=float)


def _with(clean: CleanTable, strength: str, factor: Array, **columns: Column) -> Planted | None:
    """``clean`` with its losses times ``factor``, where that moves them by more than their noise."""
    if np.std(np.log(factor)) < clean.noise:
        return None
    return clean.planted(strength, None, **{**columns, "loss": clean.columns["loss"] * factor})


def _one_of(rng: Random, *names: str) -> str:
    return str(rng.choice(names))


def _kinds(clean: CleanTable, rng: Random, values: tuple[Any, ...]) -> Column:
    """One of ``values`` for each run, at random, each at least three times."""
    n = len(clean.columns["loss"])
    first = np.repeat(np.arange(len(values)), 3)
    at = np.concatenate([first, rng.integers(0, len(values), n - len(first))])
    chosen: Column = np.array(values)[rng.permutation(at)]
    return chosen


# ------------------------------------------------------------------------------------- architecture

@planted("mixtures of experts", "experts")
def _experts(clean: CleanTable, rng: Random) -> Planted | None:
    """Dense models and mixtures of experts stand in one table."""
    experts = _kinds(clean, rng, (1, *rng.choice([8, 16, 32, 64], int(rng.integers(1, 3)), replace=False)))
    worth = experts ** rng.uniform(0.15, 0.35)   # of the active params: a fraction of the idle ones
    names = {_one_of(rng, "num_experts", "experts", "n_experts"): experts}
    return _with(clean, f"up to {experts.max()} experts", _effective(clean, params=worth), **names)


@planted("pruned weights", "pruned_weights")
def _pruned(clean: CleanTable, rng: Random) -> Planted | None:
    """Some models were pruned; their remaining params are counted."""
    sparsity = _kinds(clean, rng, (0.0, 0.5, 0.75, 0.875)[: int(rng.integers(2, 5))])
    full = law("frantar2023_sparse:t5_c4").law.coefficients
    gain = (full["a_S"] * (1 - sparsity) ** full["b_S"] + full["c_S"]) / (full["a_S"] + full["c_S"])
    worth = gain ** (-1.0 / full["b_N"])
    columns = {"sparsity": sparsity} if rng.random() < 0.5 else {"density": 1.0 - sparsity}
    return _with(clean, f"up to {100 * sparsity.max():g} % of the weights", _effective(clean, params=worth), **columns)


@planted("low precision", "precision_change")
def _precision(clean: CleanTable, rng: Random) -> Planted | None:
    """Some runs were trained in fewer bits."""
    bits = _kinds(clean, rng, (16, *((8, 4), (4, 3), (6, 3), (4,))[int(rng.integers(4))]))
    c = law("kumar2024_precision_training").law.coefficients
    worth = 1.0 - np.exp(c["n_w"] - bits / c["gamma_w"])
    if rng.random() < 0.4:
        columns = {"precision": np.array([f"int{b}" if b < 16 else "bf16" for b in bits])}
    else:
        columns = {_one_of(rng, "weight_bits", "w_bits"): bits}
    return _with(clean, f"down to {bits.min()} bits", _effective(clean, params=worth), **columns)


@planted("retrieval", "retrieval")
def _retrieval(clean: CleanTable, rng: Random) -> Planted | None:
    """Some models read from a datastore."""
    store = _kinds(clean, rng, (0.0, 1e9, 1e10, 1e11))
    factor = 1.0 - rng.uniform(0.01, 0.02) * np.log10(np.maximum(store, 1e8) / 1e8)
    return _with(clean, "datastores to 1e11 tokens", factor, datastore_tokens=store)


@planted("distillation", "distilled")
def _distilled(clean: CleanTable, rng: Random) -> Planted | None:
    """Some models were students of larger ones."""
    teacher = _kinds(clean, rng, ("none", "3B", "13B"))
    factor = np.where(teacher == "none", 1.0, np.where(teacher == "3B", 1.0 - rng.uniform(0.01, 0.03),
                                                       1.0 - rng.uniform(0.02, 0.05)))
    return _with(clean, "two teachers", factor, teacher=teacher)


@planted("context lengths", "context_change")
def _context(clean: CleanTable, rng: Random) -> Planted | None:
    """Runs were evaluated at their own context lengths."""
    context = _kinds(clean, rng, (512, 2048, 8192)[: int(rng.integers(2, 4))])
    c = law("xiong2023_context_length:7B").law
    factor = np.asarray(c(context=context) / c(context=2048.0), dtype=float)
    return _with(clean, f"{context.min()} to {context.max()}", factor,
                 **{_one_of(rng, "context", "seq_len", "ctx"): context})


@planted("architectures", "architecture_change")
def _architectures(clean: CleanTable, rng: Random) -> Planted | None:
    """Two architectures stand in one table, of other levels and exponents."""
    arch = _kinds(clean, rng, ("transformer", "mamba"))
    other = rng.uniform(0.5, 0.8) * (clean.columns["params"] / 1e9) ** rng.uniform(-0.1, 0.1)
    factor = np.where(arch == "mamba", _effective(clean, params=other), 1.0)
    return _with(clean, "two", factor, **{_one_of(rng, "arch", "architecture"): arch})


# --------------------------------------------------------------------------------------------- data

@planted("tokenizers", "vocabulary_change")
def _tokenizers(clean: CleanTable, rng: Random) -> Planted | None:
    """Runs with different tokenizers: a token holds more text in a larger vocabulary."""
    vocab = _kinds(clean, rng, (32000, 50257, 128256)[: int(rng.integers(2, 4))])
    factor = (vocab / 32000.0) ** rng.uniform(0.03, 0.1)
    columns = ({"tokenizer": np.array([{32000: "llama2", 50257: "gpt2", 128256: "llama3"}[v] for v in vocab])}
               if rng.random() < 0.5 else {"vocab_size": vocab})
    return _with(clean, f"{vocab.min()} to {vocab.max()} tokens", factor, **columns)


@planted("corpora", "data_change")
def _corpora(clean: CleanTable, rng: Random) -> Planted | None:
    """Runs on two or three corpora, of other floors and exponents."""
    names = ("c4", "refinedweb", "slimpajama")[: int(rng.integers(2, 4))]
    corpus = _kinds(clean, rng, names)
    factor = np.ones(len(corpus))
    for name in names[1:]:
        worth = rng.uniform(0.6, 1.5) * (clean.columns["tokens"] / 1e10) ** rng.uniform(-0.1, 0.1)
        own = rng.choice([-1, 1]) * rng.uniform(0.01, 0.05)
        factor = np.where(corpus == name, (1.0 + own) * _effective(clean, tokens=worth), factor)
    return _with(clean, f"{len(names)} corpora", factor, **{_one_of(rng, "corpus", "dataset", "data"): corpus})


@planted("mixtures", "data_change")
def _mixtures(clean: CleanTable, rng: Random) -> Planted | None:
    """The share of code in the training data differs between runs."""
    code = _kinds(clean, rng, (0.05, 0.2, 0.5))
    factor = np.exp(rng.choice([-1, 1]) * rng.uniform(0.05, 0.15) * (code - 0.2))
    return _with(clean, "5 to 50 % of code", factor, **{"mixture.code": code, "mixture.web": 1.0 - code})


@planted("modalities", "modalities")
def _modalities(clean: CleanTable, rng: Random) -> Planted | None:
    """Text alone, and text with images, stand in one table."""
    modality = _kinds(clean, rng, ("text", "image-text"))
    factor = np.where(modality == "text", 1.0, 1.0 + rng.uniform(0.02, 0.08) * rng.choice([-1, 1]))
    return _with(clean, "two", factor, modality=modality)


@planted("repeated data", "repeated_data")
def _repeated(clean: CleanTable, rng: Random) -> Planted | None:
    """The corpus is smaller than the largest runs: they pass over it 6 to 40 times."""
    tokens = clean.columns["tokens"]
    unique = tokens.max() / log_uniform(rng, 6.0, 40.0)
    first = np.minimum(tokens, unique)
    decay = law("muennighoff2023_data_constrained").law.coefficients["R_D_star"]
    worth = (first + first * decay * (1.0 - np.exp((1.0 - tokens / first) / decay))) / tokens
    columns = ({"unique_tokens": first} if rng.random() < 0.6 else {"epochs": tokens / first})
    return _with(clean, f"{tokens.max() / unique:.0f} passes", _effective(clean, tokens=worth), **columns)


# ------------------------------------------------------------------------------------------- recipe

@planted("long warm-up", "long_warmup")
def _warmup(clean: CleanTable, rng: Random) -> Planted | None:
    """Every run warms up for the same number of steps, most of the smallest run's."""
    tokens = clean.columns["tokens"]
    batch = float(rng.choice([131072, 262144]))
    steps = tokens / batch
    warm = rng.uniform(0.4, 0.9) * steps.min()
    factor = _effective(clean, tokens=1.0 - rng.uniform(0.5, 0.9) * warm / steps)  # what warm-up sees is half lost
    columns: dict[str, Column] = {"warmup_steps": np.full(len(tokens), round(warm, 1))}
    columns |= {"steps": steps} if rng.random() < 0.5 else {"batch_tokens": np.full(len(tokens), batch)}
    return _with(clean, f"{100 * (warm / steps).max():.0f} % of the shortest run", factor, **columns)


@planted("one learning rate", "one_learning_rate")
def _one_rate(clean: CleanTable, rng: Random) -> Planted | None:
    """All sizes share one learning rate, right for one of them."""
    clean = replace(clean, columns={name: values for name, values in clean.columns.items() if name != "lr"})
    params, tokens = clean.columns["params"], clean.columns["tokens"]
    best = np.asarray(law("steplaw2025:learning_rate")(params=params, tokens=tokens), dtype=float)
    rate = float(np.exp(rng.uniform(np.log(best.min()), np.log(best.max()))))
    factor = np.exp(rng.uniform(0.004, 0.012) * np.log(rate / best) ** 2)
    return _with(clean, f"the best differ {best.max() / best.min():.0f} times", factor,
                 **{_one_of(rng, "lr", "learning_rate", "peak_lr"): np.full(len(params), float(f"{rate:.2g}"))})


@planted("large batches", "large_batch")
def _batches(clean: CleanTable, rng: Random) -> Planted | None:
    """One batch for all runs, above what the shorter ones can use."""
    tokens = clean.columns["tokens"]
    critical = np.asarray(law("zhang2024_critical_batch")(tokens=tokens), dtype=float)
    batch = 2.0 ** np.round(np.log2(rng.uniform(4.0, 16.0) * critical.min()))
    factor = _effective(clean, tokens=1.0 / (1.0 + batch / (5.0 * critical)))  # a fifth more steps at the critical
    return _with(clean, f"{batch:.3g} tokens", factor, batch_tokens=np.full(len(tokens), batch))


@planted("optimizers", "optimizer_change")
def _optimizers(clean: CleanTable, rng: Random) -> Planted | None:
    """Two optimizers stand in one table."""
    optimizer = _kinds(clean, rng, ("adamw", "muon"))
    factor = np.where(optimizer == "adamw", 1.0, _effective(clean, tokens=rng.uniform(1.2, 2.0)))
    return _with(clean, "two", factor, optimizer=optimizer)


@planted("the frontier alone", "frontier_only")
def _frontier(clean: CleanTable, rng: Random) -> Planted | None:
    """Only runs near the optimum of their compute are in the table."""
    compute = np.geomspace(1.0, 1e3, int(rng.integers(12, 30))) * log_uniform(rng, 3e17, 3e18)
    a = rng.choice([rng.uniform(0.42, 0.47), rng.uniform(0.53, 0.7)])  # as many a plan has it: not in proportion
    middle = float(clean.law.allocate(float(np.sqrt(compute[0] * compute[-1]))).params)
    params = middle * (compute / np.sqrt(compute[0] * compute[-1])) ** a
    params *= np.exp(0.02 * rng.standard_normal(len(compute)))
    columns = {"params": params, "tokens": compute / (6.0 * params)}
    loss = noisy(clean.law.at(columns), clean.noise, rng)
    return Planted({**columns, "loss": loss}, clean.form, clean.design, f"tokens as params^{(1 - a) / a:.2f}")


# ----------------------------------------------------------------------------------------- counting

@planted("embeddings in the count", "embedding_share", designs=("ladder", "random"))
def _embeddings(clean: CleanTable, rng: Random) -> Planted | None:
    """Params are counted without embeddings, which are most of the smallest models; the loss follows all of them."""
    total = clean.columns["params"]
    omega = rng.uniform(0.7, 1.5) * law("pearce2024_reconciling").law.coefficients["omega"]
    without = total.copy()
    for _ in range(60):  # N + omega N**(1/3) = total, by Newton's method
        without -= (without + omega * without ** (1 / 3) - total) / (1.0 + omega / 3.0 * without ** (-2 / 3))
        without = np.maximum(without, 1e4)
    if 1.0 - (without / total).min() < 0.3:
        return None
    strength = f"{100 * (1 - (without / total).min()):.0f} % of the smallest model"
    columns = {name: values for name, values in clean.columns.items() if name not in ("params", "compute")}
    named = {_one_of(rng, "n_nonemb", "nonembedding_params", "N_no_embed"): without}
    if rng.random() < 0.6:
        named |= {_one_of(rng, "total_params", "n_total"): total}
    return Planted({**columns, **named}, clean.form, clean.design, strength)
