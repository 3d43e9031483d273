"""Faults of tables, planted in clean ones: units, columns, designs, conventions, schedules, unlike groups.

Strengths are drawn where they matter for the answer and people still overlook them: groups 5 to 15 standard
deviations of one run apart, a third of the rows twice, and so on, as each plant says.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lawful.bench.planted_runs import DESIGNS, CleanTable, Planted, Random, log_uniform, planted


@planted("unit slip", "units")
def _units(clean: CleanTable, rng: Random) -> Planted:
    """Params, tokens or both are in millions or billions, or compute in exaFLOP or PF-days."""
    params, tokens = clean.columns["params"], clean.columns["tokens"]
    bare = clean.without("compute")
    kind = int(rng.integers(5))
    if kind == 0:
        scale = float(rng.choice([1e6, 1e9]))
        return bare.planted(f"params in {scale:g}", params=params / scale)
    if kind == 1:
        scale = float(rng.choice([1e6, 1e9]))
        return bare.planted(f"tokens in {scale:g}", tokens=tokens / scale)
    if kind == 2:
        return bare.planted("both in 1e9", params=params / 1e9, tokens=tokens / 1e9)
    scale = float(rng.choice([1e15, 1e18, 8.64e19]))
    return clean.planted(f"compute in {scale:g} FLOP", compute=6 * params * tokens / scale)


@planted("swapped columns", "swapped")
def _swapped(clean: CleanTable, rng: Random) -> Planted:
    """Params stand in the column of tokens, and tokens in that of params."""
    c = clean.columns
    return clean.planted("swapped", params=c["tokens"], tokens=c["params"])


@planted("duplicates", "duplicates")
def _duplicates(clean: CleanTable, rng: Random) -> Planted:
    """A tenth to a third of the rows stand in the table twice."""
    n = len(clean.columns["loss"])
    again = rng.choice(n, int(rng.uniform(0.1, 0.34) * n), replace=False)
    return clean.take(np.concatenate([np.arange(n), again])).planted(f"{len(again)} of {n} rows twice")


@planted("fixed tokens per parameter", "fixed_ratio", designs=("ladder",))
def _fixed_ratio(clean: CleanTable, rng: Random) -> Planted:
    """Every size is trained on the same number of tokens per parameter, to within 0 to 3 %."""
    sizes = log_uniform(rng, 1e7, 3e9, int(rng.integers(16, 40)))
    ratio = log_uniform(rng, 10.0, 60.0)
    tokens = sizes * ratio * np.exp(rng.uniform(0, 0.03) * rng.standard_normal(len(sizes)))
    return clean.simulated(rng, params=sizes, tokens=tokens).planted(f"{ratio:.0f} tokens per parameter")


@planted("collinear design", "frontier_only", designs=("ladder",))
def _collinear(clean: CleanTable, rng: Random) -> Planted:
    """Tokens are a power of params, not 1, to within 0 to 3 %: a ladder along somebody's optimum."""
    sizes = log_uniform(rng, 1e7, 3e9, int(rng.integers(16, 40)))
    power = float(rng.choice([rng.uniform(0.5, 0.8), rng.uniform(1.25, 1.8)]))
    tokens = 20 * 1e8 * (sizes / 1e8) ** power * np.exp(rng.uniform(0, 0.03) * rng.standard_normal(len(sizes)))
    return clean.simulated(rng, params=sizes, tokens=tokens).planted(f"tokens go as params^{power:.2f}")


@planted("narrow range", "narrow_range", designs=("random", "curve"))
def _narrow(clean: CleanTable, rng: Random) -> Planted:
    """Params, tokens or the one quantity of a curve span 0.2 to 0.8 decades."""
    decades = rng.uniform(0.2, 0.8)
    n = len(clean.columns["loss"])
    if clean.design == "curve":
        (over,) = clean.law.inputs
        x = clean.columns[over].max() / 3 * np.geomspace(10.0**-decades, 1.0, n)
        return clean.simulated(rng, **{over: x}).planted(f"{over} over {decades:.2f} decades")
    narrow, wide = rng.permutation(["params", "tokens"])
    low = {"params": 2e8, "tokens": 5e9}
    columns = {str(narrow): low[narrow] * 10 ** rng.uniform(0, decades, n),
               str(wide): low[wide] * 10 ** rng.uniform(-1, 1, n)}
    return clean.simulated(rng, **columns).planted(f"{narrow} over {decades:.2f} decades")


@planted("accuracy given as loss", "accuracy_as_loss", designs=DESIGNS)
def _accuracy(clean: CleanTable, rng: Random) -> Planted:
    """The loss column holds an accuracy, as a fraction or in percent."""
    loss = clean.columns["loss"]
    middle, scale = float(np.median(loss)), float(np.ptp(loss)) / rng.uniform(2.0, 5.0)
    accuracy = 0.25 + 0.6 / (1 + np.exp((loss - middle) / scale))
    percent = bool(rng.integers(2))
    return clean.planted("percent" if percent else "fraction", loss=accuracy * (100.0 if percent else 1.0))


@planted("compute counted two ways", "mixed_conventions")
def _two_counts(clean: CleanTable, rng: Random) -> Planted:
    """Compute is 6 N D in a quarter to three quarters of the rows, and 1.3 to 2 times that in the others."""
    c, n = clean.columns, len(clean.columns["loss"])
    factor, other = rng.uniform(1.3, 2.0), rng.random(n) < rng.uniform(0.25, 0.75)
    return clean.planted(f"times {factor:.2f} in {100 * other.mean():.0f} %",
                         compute=6 * c["params"] * c["tokens"] * np.where(other, factor, 1.0))


def _apart(clean: CleanTable, second: npt.NDArray[np.bool_], offset: float, column: str, one: str,
           other: str) -> Planted:
    """``clean`` with the losses of its ``second`` runs ``offset`` higher; ``column`` says ``one`` of them."""
    labelled = clean.beside(column, np.where(second, one, other))
    loss = clean.columns["loss"] * np.exp(offset * second)
    return labelled.planted(f"{column}: {100 * offset:.1f} % apart", loss=loss)


@planted("mixed schedules", "mixed_schedules")
def _schedules(clean: CleanTable, rng: Random) -> Planted:
    """A column says that some runs decayed their learning rate and others did not, which cost them."""
    n = len(clean.columns["loss"])
    constant, offset = rng.random(n) < rng.uniform(0.2, 0.5), clean.noise * rng.uniform(5, 15)
    column = str(rng.choice(["schedule", "lr_schedule", "decay"]))
    return _apart(clean, constant, offset, column, "constant", "cosine")


@planted("labelled kinds of run", "mixed_conventions", "data_change", "optimizer_change")
def _kinds(clean: CleanTable, rng: Random) -> Planted:
    """A column that is known to matter, such as corpus or optimizer, tells two kinds of run whose losses differ."""
    n = len(clean.columns["loss"])
    second, offset = rng.random(n) < rng.uniform(0.2, 0.5), clean.noise * rng.uniform(5, 15)
    column, names = [("corpus", ("c4", "pile")), ("eval_set", ("web", "code")), ("optimizer", ("adamw", "muon")),
                     ("param_count", ("total", "non-embedding"))][int(rng.integers(4))]
    return _apart(clean, second, offset, column, names[1], names[0])


@planted("group offset, labelled", "group_offset")
def _labelled(clean: CleanTable, rng: Random) -> Planted:
    """Groups told apart by a column of any name lie 5 to 15 noises apart."""
    n = len(clean.columns["loss"])
    second, offset = rng.random(n) < rng.uniform(0.25, 0.5), clean.noise * rng.uniform(5, 15)
    column = str(rng.choice(["site", "cluster", "engineer", "code_version"]))
    return _apart(clean, second, offset, column, "b", "a")


@planted("group offset, unlabelled", "two_groups")
def _unlabelled(clean: CleanTable, rng: Random) -> Planted:
    """Two groups that no column tells apart lie 6 to 15 noises apart."""
    n = len(clean.columns["loss"])
    second, offset = rng.random(n) < rng.uniform(0.25, 0.5), clean.noise * rng.uniform(6, 15)
    return clean.planted(f"{100 * offset:.1f} % apart", loss=clean.columns["loss"] * np.exp(offset * second))


@planted("checkpoints", "checkpoints", designs=("ladder",))
def _checkpoints(clean: CleanTable, rng: Random) -> Planted:
    """Rows are checkpoints along decayed runs, whose losses lie above those of finished runs of the same length."""
    sizes = np.unique(clean.columns["params"])
    each = int(rng.integers(5, 9))
    params = np.repeat(sizes, each)
    planned = params * log_uniform(rng, 20.0, 100.0)
    done = np.tile(np.geomspace(0.05, 1.0, each), len(sizes))
    whole = clean.simulated(rng, params=params, tokens=planned * done)
    gap = rng.uniform(0.02, 0.05) * 0.5 * (1 + np.cos(np.pi * done))
    name = str(rng.choice(["run", "run_name", "model"]))
    named = whole.beside(name, np.array([f"m{p:.0f}" for p in params]))
    return named.planted(f"up to {100 * gap.max():.1f} % above", loss=whole.columns["loss"] * np.exp(gap))


@planted("unfinished schedules", "unfinished_schedule")
def _unfinished(clean: CleanTable, rng: Random) -> Planted:
    """A column of planned tokens or steps says that some runs stopped, or were read, before their schedule ended."""
    n, tokens = len(clean.columns["loss"]), clean.columns["tokens"]
    early = rng.random(n) < rng.uniform(0.15, 0.45)
    done = np.where(early, rng.uniform(0.2, 0.8, n), 1.0)
    gap = rng.uniform(0.02, 0.05) * 0.5 * (1 + np.cos(np.pi * done))
    loss = clean.columns["loss"] * np.exp(gap)
    shown = f"{100 * early.mean():.0f} % of the runs, up to {100 * gap.max():.1f} % above"
    if rng.integers(2):
        return clean.planted(shown, loss=loss, planned_tokens=np.rint(tokens / done))
    steps = np.rint(tokens / 5e5) + 1
    return clean.planted(shown, loss=loss, step=steps, total_steps=np.rint(steps / done))


@planted("edge of the grid", "grid_edge", designs=("ladder", "random"))
def _edge(clean: CleanTable, rng: Random) -> Planted:
    """Each setting was run at four learning rates, and most of their optima lie at or beyond the last of them."""
    settings, rates = int(rng.integers(12, 18)), 4
    params = np.repeat(log_uniform(rng, 2e7, 3e9, settings), rates)
    tokens = params * np.repeat(log_uniform(rng, 5.0, 200.0, settings), rates)
    lr = np.tile(3e-4 * 2.0 ** np.arange(rates), settings)
    side = float(rng.choice([-1.0, 1.0]))
    best = np.log(lr.min() if side < 0 else lr.max()) + side * np.repeat(rng.uniform(0.0, 1.5, settings), rates)
    whole = clean.simulated(rng, params=params, tokens=tokens)
    excess = rng.uniform(0.01, 0.03) * (np.log(lr) - best) ** 2
    return whole.planted(f"up to {100 * excess.max():.0f} %", loss=whole.columns["loss"] * np.exp(excess), lr=lr)


@planted("emergent metric", "emergent", designs=DESIGNS)
def _emergent(clean: CleanTable, rng: Random) -> Planted:
    """Beside a smooth loss stands an accuracy that leaves chance late and at once; the loss, or it, is fitted."""
    c = clean.columns
    chance, questions = float(rng.choice([0.1, 0.25])), int(rng.choice([500, 2000]))
    scale = np.ptp(np.log(c["loss"])) / rng.uniform(12, 30)
    where = np.quantile(np.log(c["loss"]), rng.uniform(0.15, 0.35))
    share = chance + (0.95 - chance) / (1 + np.exp((np.log(c["loss"]) - where) / scale))
    accuracy = rng.binomial(questions, share) / questions
    over = clean.law.inputs[0] if clean.design == "curve" else "compute"
    form = f"sigmoid:{over}" if rng.integers(2) else None
    return clean.planted(f"{'accuracy' if form else 'loss'} fitted, {questions} questions", form, accuracy=accuracy)
