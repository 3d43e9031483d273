"""What a table of runs shows before any law is fitted: units, swaps, duplicates, designs, mixtures.

Each check is a generator ``(runs) -> findings``; ``TABLE_CHECKS`` lists them. The thresholds are facts
about training runs (nobody trains on fewer than a million tokens), named and explained where they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from lawful.quantities import FLOP_PER_PARAM_TOKEN
from lawful.runs import Array, RunTable
from lawful.validate.findings import Finding, Severity, rows_text
from lawful.validate.schedule_checks import checkpoints, unfinished
from lawful.validate.tuning import grid_edge

SMALLEST_MODEL = 1_000.0
"""Params below which a language model is not a model: Kaplan et al. 2020 started at 768."""

SMALLEST_RUN = 1e5
"""Tokens below which a training run is not one."""

PLAUSIBLE_RATIO = (0.05, 1e5)
"""Tokens per parameter of the runs people make: Chinchilla 20, Kaplan down to 0.1, tiny models 10,000."""

SWAPPED_RATIO = 0.5
"""A median of tokens per parameter below this is rarer than two swapped columns."""

FIXED_RATIO_SPREAD = 0.04
"""Decades: when log10(D/N) has a standard deviation below this, D/N is fixed."""

NARROW, VERY_NARROW = 1.0, 0.5
"""Decades that a variable should span for its exponent to be worth extrapolating, and barely does."""

SCHEDULES = ("schedule", "lr_schedule", "decay", "scheduler", "warmup")
CONVENTIONS = ("param_count", "counting", "loss_kind", "eval_set", "setting", "set", "kind", "hparams", "role",
               "experiment")


def units(runs: RunTable) -> Iterator[Finding]:
    """Counts that look like millions or billions, by their size and by C = 6 N D."""
    for name, smallest in (("params", SMALLEST_MODEL), ("tokens", SMALLEST_RUN)):
        if name not in runs or name not in runs.columns:
            continue
        values = runs[name]
        if values.max() < smallest * 100 and np.median(values) < smallest:
            column = runs.columns[name].column
            yield Finding(
                "units", Severity.SERIOUS, f"{name.capitalize()} look like millions or billions, not counts",
                f"{name} run from {values.min():g} to {values.max():g}; no run is that small",
                f"multiply column {column!r} by 1e6 or 1e9, or name its header {column}_millions or {column}_billions")
    if {"params", "tokens", "compute"} <= runs.columns.keys():
        off = np.log10(np.median(runs["compute"] / (FLOP_PER_PARAM_TOKEN * runs["params"] * runs["tokens"])))
        if abs(off) > 2.0:
            yield Finding(
                "units", Severity.SERIOUS, "Params, tokens and compute are not in the same units",
                f"compute is 10^{off:.1f} times 6 N D in the middle run",
                "write all three as plain counts and FLOP; an exponent near 6, 9 or 12 tells which scale is missing")


def ratios(runs: RunTable) -> Iterator[Finding]:
    """Tokens per parameter: swapped columns, impossible ratios, and designs with one fixed ratio."""
    if not {"params", "tokens"} <= set(runs.quantities):
        return
    ratio = runs["tokens"] / runs["params"]
    middle = float(np.median(ratio))
    if middle < SWAPPED_RATIO and runs["params"].max() > SMALLEST_RUN:
        yield Finding(
            "swapped", Severity.SERIOUS, "Params and tokens look swapped",
            f"tokens per parameter are {middle:.3g} in the middle run; the other way round they are {1 / middle:.3g}",
            "check the columns, and pass --map params=... --map tokens=... if they are swapped")
    elif not PLAUSIBLE_RATIO[0] <= middle <= PLAUSIBLE_RATIO[1]:
        yield Finding(
            "ratio", Severity.CAUTION, "Tokens per parameter are unlike any training run",
            f"{middle:.3g} in the middle run; published runs lie between {PLAUSIBLE_RATIO[0]:g} and "
            f"{PLAUSIBLE_RATIO[1]:g}", "check the units of both columns")
    spread = float(np.std(np.log10(ratio)))
    if spread < FIXED_RATIO_SPREAD and len(runs) > 2:
        yield Finding(
            "fixed_ratio", Severity.SERIOUS, "Every run has the same tokens per parameter",
            f"tokens per parameter vary by a standard deviation of {spread:.3f} decades about {middle:.3g}",
            "A/N^alpha and B/D^beta cannot be told apart on such runs: add runs with a few times more and fewer "
            "tokens per parameter, or fit a law in compute alone (--form power_law_floor)")


def ranges(runs: RunTable) -> Iterator[Finding]:
    """Variables that span too little to carry an exponent."""
    for name in ("params", "tokens", "compute"):
        if name not in runs:
            continue
        decades = float(np.log10(runs[name].max() / runs[name].min()))
        if decades < NARROW and not (name == "compute" and {"params", "tokens"} <= set(runs.quantities)):
            bad = decades < VERY_NARROW
            yield Finding(
                "narrow_range", Severity.SERIOUS if bad else Severity.CAUTION,
                f"{name.capitalize()} span only {decades:.2f} decades",
                f"from {runs[name].min():.3g} to {runs[name].max():.3g}",
                f"add runs with smaller {name}: they are cheap, and a decade or more is what an exponent rests on")


def duplicates(runs: RunTable) -> Iterator[Finding]:
    """Rows that repeat one another, and honest repeats, which are useful."""
    have = [name for name in ("params", "tokens", "compute", "loss") if name in runs]
    if "loss" not in have or len(have) < 2:
        return
    table = np.stack([runs[name] for name in have], axis=1)
    _, first = np.unique(table, axis=0, return_index=True)
    copies = np.setdiff1d(np.arange(len(table)), first)
    if len(copies):
        rows = runs.rows[copies]
        yield Finding(
            "duplicates", Severity.CAUTION, f"{len(copies)} row{'s' * (len(copies) > 1)} repeat another exactly",
            f"{rows_text(rows.tolist())}: same {', '.join(have)}",
            "remove them: a run that is counted twice narrows the intervals for nothing", tuple(rows.tolist()))
    inputs = [name for name in ("params", "tokens") if name in runs and name in runs.columns] or ["compute"]
    cells: dict[tuple[float, ...], list[float]] = {}
    for i in np.setdiff1d(np.arange(len(table)), copies):
        cells.setdefault(tuple(float(runs[name][i]) for name in inputs), []).append(float(np.log(runs["loss"][i])))
    repeats = [np.var(v, ddof=1) for v in cells.values() if len(v) > 1]
    if repeats:
        yield Finding(
            "repeats", Severity.NOTE, f"{len(repeats)} settings were run more than once",
            f"their losses differ by {100 * np.sqrt(np.mean(repeats)):.2g} % (standard deviation, pooled)",
            "if they differ by seed only, this is the noise no law can explain; if by learning rate or another "
            "choice, keep the best of each with --where")


def outcome(runs: RunTable) -> Iterator[Finding]:
    """A loss that rises with compute: accuracy given as loss, or runs that got worse."""
    if "loss" not in runs:
        return
    loss = runs["loss"]
    size = next((runs[name] for name in ("compute", "tokens", "params") if name in runs), None)
    if size is None or len(loss) < 5:
        return
    rise = _rank_correlation(size, loss)
    if rise > 0.3:
        fraction = loss.max() <= 1.0
        likely = fraction or (loss.max() <= 100.0 and np.ptp(loss) > 5.0)
        title = "The loss column looks like an accuracy" if likely else "Loss rises with scale"
        yield Finding(
            "accuracy_as_loss" if likely else "loss_rises", Severity.SERIOUS, title,
            f"the rank correlation with scale is {rise:+.2f} and the values run from {loss.min():.3g} to "
            f"{loss.max():.3g}",
            "laws of loss fall with scale: map the loss (--map loss=COLUMN), or turn accuracy into error first"
            if likely else "check the column; more scale making runs worse points at tuning, data or a wrong column")


def mixtures(runs: RunTable) -> Iterator[Finding]:
    """Labels that say the rows are not of one kind: schedules, conventions, checkpoints of one run."""
    for names, code, what in ((SCHEDULES, "mixed_schedules", "learning-rate schedules"),
                              (CONVENTIONS, "mixed_conventions", "kinds of run")):
        for name in runs.labels:
            if name.lower() not in names:
                continue
            values, counts = np.unique(runs.labels[name], return_counts=True)
            if 1 < len(values) <= max(20, len(runs) // 4):
                shown = ", ".join(f"{v} ({c})" for v, c in list(zip(values, counts, strict=True))[:5])
                yield Finding(
                    code, Severity.CAUTION, f"The table mixes {what}: {name}", f"{name} is {shown}",
                    f"fit one at a time, for example --where \"{name} == '{values[np.argmax(counts)]}'\"")
    if {"params", "tokens", "compute"} <= runs.columns.keys():
        share = runs["compute"] / (FLOP_PER_PARAM_TOKEN * runs["params"] * runs["tokens"])
        low, high = np.percentile(share, [5, 95])
        if (high / low > 1.3 or not 0.9 < np.median(share) < 1.1) and 0.01 < np.median(share) < 100:
            exact = float(np.mean(np.abs(share - 1) < 1e-3))
            mixed = 0.1 < exact < 0.9
            yield Finding(
                "mixed_conventions" if mixed else "compute_convention",
                Severity.CAUTION if mixed else Severity.NOTE,
                "Compute is counted in two ways" if mixed else "Compute is not 6 N D",
                f"compute / (6 N D) runs from {low:.3g} to {high:.3g} (5 % to 95 %)"
                + (f"; {100 * exact:.0f} % of the rows are exactly 6 N D" if mixed else ""),
                "recount the rows that differ" if mixed else "plans use 6 N D: read a budget in the table's own "
                "counting as smaller or larger by that factor (attention, embeddings and recomputation are the "
                "usual reasons)")


def _rank_correlation(x: Array, y: Array) -> float:
    ranks = [np.argsort(np.argsort(v)).astype(float) for v in (x, y)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


TABLE_CHECKS: tuple[Callable[[RunTable], Iterator[Finding]], ...] = (
    units, ratios, ranges, duplicates, outcome, mixtures, checkpoints, unfinished, grid_edge,
)
