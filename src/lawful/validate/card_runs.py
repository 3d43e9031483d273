"""What the runs of a study answer on its card: how the models were trained, which numbers were collected.

Each group is a generator of its questions in order; a new question is one more ``Item``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from lawful.fit.result import Fit
from lawful.quantities import FLOP_PER_PARAM_TOKEN, OUTPUTS, PARAM_COUNTS, format_number, quantity
from lawful.runs import Array, RunTable
from lawful.validate.card import Item
from lawful.validate.departures import MOST_KINDS

CONTINUES = ("run", "run_id", "run_name")
"""Headers that name a training run: several rows of one are checkpoints."""


def training(runs: RunTable) -> Iterator[Item]:
    """Sizes, counting, data, recipe and hardware, from whichever columns tell them."""
    yield Item("How many runs, of how many sizes?", _sizes(runs), "")
    spans = [_span(runs, name) for name in ("params", "tokens", "compute") if name in runs]
    yield Item("Over which range?", "; ".join(spans) or None, "params, tokens and compute of each run")
    yield Item("At which tokens per parameter?", _ratio(runs), "tokens and params of each run")
    yield Item("Which params are counted?", _counting(runs),
               "whether embeddings, the output layer and idle experts are counted; a column nonembedding_params beside "
               "total_params settles it")
    yield Item("How is compute counted?", _compute(runs), "the FLOP of each run, and what is counted")
    for question, names, add in (
            ("Which architecture and shape?", ("architecture", "arch", "width", "depth", "heads", "vocab_size",
                                               "experts", "active_experts"), "architecture, width, depth, vocabulary"),
            ("Which context length?", ("context",), "the context length"),
            ("Which training data?", ("corpus", "dataset", "data", "mixture"), "corpus, version, filters, mixture"),
            ("Do data repeat?", ("epochs", "unique_tokens"), "distinct tokens (a column unique_tokens) or passes"),
            ("Which tokenizer?", ("tokenizer", "vocab_size"), "the tokenizer and its vocabulary"),
            ("Which optimizer?", ("optimizer", "weight_decay", "beta2"), "optimizer, its betas, weight decay"),
            ("Which learning rate, and how was it tuned?", ("learning_rate",), "rate and tuning at each size"),
            ("Which schedule?", ("schedule", "lr_schedule", "scheduler", "decay", "warmup", "warmup_steps"),
             "schedule, warm-up and whether the decay ends with each run"),
            ("Which batch size?", ("batch_tokens",), "tokens per step"),
            ("Which precision?", ("precision", "dtype", "weight_bits", "activation_bits"),
             "number format of weights and activations"),
            ("On which hardware, for how long?", ("hours", "gpu_hours", "device", "devices"), "devices and hours"),
    ):
        yield Item(question, _columns(runs, names), add)
    yield Item("How many seeds?", _seeds(runs), "repeats of a few settings with other seeds: their spread is the noise")
    yield Item("Are code, runs and checkpoints public?", None, "where they are, and under which licence")


def _sizes(runs: RunTable) -> str:
    if "params" not in runs:
        return f"{len(runs)} runs"
    return f"{len(runs)} runs of {len(np.unique(runs['params']))} sizes"


def _span(runs: RunTable, name: str) -> str:
    low, high, unit = runs[name].min(), runs[name].max(), quantity(name).unit
    decades = f" ({np.log10(high / low):.1f} decades)" if low > 0 else ""
    return f"{name} {format_number(low, unit=unit)} to {format_number(high, unit=unit)}{decades}"


def _ratio(runs: RunTable) -> str | None:
    if not {"params", "tokens"} <= set(runs.quantities):
        return None
    low, middle, high = np.quantile(runs["tokens"] / runs["params"], [0.0, 0.5, 1.0])
    return f"{low:.3g} to {high:.3g}, {middle:.3g} in the middle run"


def _counting(runs: RunTable) -> str | None:
    counts = [name for name in PARAM_COUNTS if name in runs.columns]
    said = [name for name in counts if quantity(name).convention in ("total", "non-embedding", "active")]
    labels = [_kinds(runs, name) for name in runs.labels if name.lower() in ("param_count", "counting")]
    if not said and not labels:
        return None
    columns = [f"{name} (column `{runs.columns[name].column}`)" for name in counts]
    return "; ".join([*columns, *labels])


def _compute(runs: RunTable) -> str | None:
    if "compute" not in runs:
        return None
    if "compute" not in runs.columns:
        return f"as {FLOP_PER_PARAM_TOKEN:g} N D: the table has none of its own"
    named = f"column `{runs.columns['compute'].column}`"
    if "tokens" not in runs.columns or not set(PARAM_COUNTS) & runs.columns.keys():
        return named
    share = runs["compute"] / (FLOP_PER_PARAM_TOKEN * runs["params"] * runs["tokens"])
    low, high = f"{share.min():.3g}", f"{share.max():.3g}"
    return f"{named}, {low if low == high else f'{low} to {high}'} times {FLOP_PER_PARAM_TOKEN:g} N D"


def _columns(runs: RunTable, names: tuple[str, ...]) -> str | None:
    """What the columns called ``names``, quantities or labels, say; None where the table has none of them."""
    said = []
    for name in names:
        if name in runs.columns:
            values = runs[name]
            said.append(_span(runs, name) if np.ptp(values) > 0 else f"{name} {format_number(float(values[0]))}")
        else:
            said += [_kinds(runs, header) for header in runs.labels if header.lower() == name]
    return "; ".join(said) or None


def _kinds(runs: RunTable, header: str) -> str:
    values, counts = np.unique(runs.labels[header], return_counts=True)
    order = np.argsort(-counts, kind="stable")[:5]
    shown = ", ".join(f"{values[i] or 'empty'} ({counts[i]})" for i in order)
    return f"`{header}`: {shown}" + (f" and {len(values) - 5} more" if len(values) > 5 else "")


def _seeds(runs: RunTable) -> str | None:
    """Settings that were run more than once, and the spread of their loss."""
    seeds = next((name for name in runs.labels if name.lower() == "seed"), None)
    settings = _settings(runs)
    if not settings or "loss" not in runs.columns:
        return None if seeds is None else _kinds(runs, seeds)
    _, at, counts = np.unique(np.stack(settings, axis=1), axis=0, return_inverse=True, return_counts=True)
    again = counts > 1
    if not again.any():
        return None if seeds is None else _kinds(runs, seeds)
    logs: Array = np.log(runs["loss"])
    freedom = float((counts[again] - 1).sum())
    spread = np.sqrt(sum(((logs[np.ravel(at) == k] - logs[np.ravel(at) == k].mean()) ** 2).sum()
                         for k in np.flatnonzero(again)) / freedom)
    return (f"{int(again.sum())} settings were run {counts[again].min()} to {counts.max()} times; their losses differ "
            f"by {100 * spread:.2g} % (standard deviation)")


def _settings(runs: RunTable) -> list[Array]:
    """What was chosen for each run, ``(run,)`` each: quantities that are no outcome, and labels of a few kinds."""
    chosen = [runs[name] for name in runs.columns if name not in (*OUTPUTS, "compute", "hours") and "." not in name]
    for name in runs.labels:
        kinds, at = np.unique(runs.labels[name], return_inverse=True)
        if len(kinds) <= MOST_KINDS and name.lower() not in (*CONTINUES, "seed"):
            chosen.append(at.astype(float))
    return chosen


def collection(fit: Fit, runs: RunTable, where: str | None) -> Iterator[Item]:
    """The outcome, the rows, and what identifies them."""
    output = fit.law.output.name
    column = runs.columns[output].column if output in runs.columns else output
    yield Item("Which outcome, on which data?", None if column in ("loss", output) else f"column `{column}`",
               f"whether {output} is of training or held-out data, of which set, averaged over how much")
    yield Item("Final values or checkpoints?", _checkpoints(runs),
               "whether each row is a finished run with its learning rate decayed, or a checkpoint")
    rows = f"{len(runs)} rows, up to row {int(runs.rows.max())}"
    left = int(runs.rows.max()) - len(runs)
    kept = f"; kept where `{where}`" if where else "; no filter" if not left else ""
    yield Item("Which runs were left out, and why?", rows + kept + (f" ({left} rows left out)" if left else ""), "")
    yield Item("Which runs failed, and were they left out before?", None, "runs that diverged or were stopped")
    yield Item("Was the outcome smoothed or averaged?", None, "the window over which it was averaged, if any")
    notes = "; ".join(note.message for note in runs.notes)
    yield Item("What was derived?", notes or "nothing: every quantity stands in the table", "")
    yield Item("How can others tell that they have the same runs?",
               f"SHA-256 `{fingerprint(runs)}` over {', '.join(f'`{name}`' for name in sorted(runs.columns))}: each "
               "name, a zero byte, the values as little-endian float64 in the order of the rows", "")


def _checkpoints(runs: RunTable) -> str | None:
    name = next((header for header in runs.labels if header.lower() in CONTINUES), None)
    if name is None:
        return None
    count = len(np.unique(runs.labels[name]))
    if count == len(runs):
        return f"one row a run (column `{name}`)"
    return f"{count} runs in {len(runs)} rows (column `{name}`): checkpoints, or repeats"


def fingerprint(runs: RunTable) -> str:
    """SHA-256 of the runs as parsed: equal for the same rows in whatever file, format or order of columns.

    Each quantity that the table holds (none that was derived), in order of its name: the name in UTF-8, a zero byte,
    and its values as little-endian float64 in the order of the rows. Labels are left out.
    """
    digest = hashlib.sha256()
    for name in sorted(runs.columns):
        digest.update(name.encode() + b"\0" + np.ascontiguousarray(runs[name], dtype="<f8").tobytes())
    return digest.hexdigest()
