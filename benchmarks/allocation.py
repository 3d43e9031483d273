"""Published exponents of compute-optimal allocation on public tables, recovered or explained.

    python benchmarks/allocation.py [--bootstrap 400] [-o table.md] [--shared ../shared]

For each published figure: the same method here (``recipe``), with an interval of 95 %, and beside it what a fit of the
additive law and a parabola at each budget say of the same runs. Verdicts:

- ``within``: ours lies in the published interval; ``same digits``: it rounds to what is printed;
- ``agrees``: neither, and our interval holds the published figure; ``differs``: none of these.

Whatever differs has a line that says why; one without is printed as UNEXPLAINED. Published figures are those in the
README beside each table; nothing was chosen to come nearer to them. Writes a dated table to ``benchmarks/results``.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")})

import numpy as np

from lawful.errors import LawfulError
from lawful.fit import fit
from lawful.fit.readings import reading
from lawful.fit.sweeps.optima import optima
from lawful.results import Interval
from lawful.runs import RunTable
from lawful.store import read_runs

LEVEL = 0.95
RESAMPLED = 1000
"""Resamples of a line or an envelope, which cost nothing."""


@dataclass(frozen=True)
class Figure:
    """One published figure: as printed, its interval where one is given, how it was found, and why ours may differ."""

    table: str
    what: str
    printed: str
    recipe: str
    low: float | None = None
    high: float | None = None
    why: str = ""

    @property
    def value(self) -> float:
        """The printed number."""
        return float(self.printed)

    @property
    def half_unit(self) -> float:
        """Half a unit of its last digit, with room for the last bit."""
        return 0.5 * 10.0 ** -len(self.printed.partition(".")[2]) * (1 + 1e-9)


@dataclass(frozen=True)
class Found:
    """What came out here: by the published method, by the surface, and by parabolas, each of ``Figure.what``."""

    recipe: Interval
    surface: Interval | None = None
    parabola: Interval | None = None


def verdict(figure: Figure, found: Interval) -> str:
    if figure.low is not None and figure.high is not None and figure.low <= found.value <= figure.high:
        return "within"
    if abs(found.value - figure.value) <= figure.half_unit:
        return "same digits"
    if found.low <= figure.value <= found.high:
        return "agrees"
    return "differs"


# ------------------------------------------------------------------------------------------ methods

def surface(runs: RunTable, bootstrap: int, what: str = "params_exponent", cluster: str | None = None) -> Interval:
    """The exponent of the additive law fitted to ``runs``."""
    return fit("chinchilla", runs, bootstrap=bootstrap, level=LEVEL, cluster=cluster).derived[what]


def parabola(runs: RunTable, what: str = "params") -> Interval | None:
    """The slope of the minima of parabolas; over tokens, parabolas over tokens. None where it is refused."""
    shown = runs if what == "params" else RunTable.of(params=runs["tokens"], loss=runs["loss"], compute=runs["compute"])
    return reading(shown, "parabola", LEVEL).params_exponent


def front(runs: RunTable, column: str, rng: np.random.Generator) -> Interval:
    """The slope of log params over the runs that no cheaper one beats, with an interval from resampled ``column``s."""
    names = runs.label(column)
    groups = [np.flatnonzero(names == name) for name in np.unique(names)]

    def slope(rows: np.ndarray) -> float:
        compute, loss = runs["compute"][rows], runs["loss"][rows]
        order = np.lexsort((loss, compute))
        best = order[np.diff(np.minimum.accumulate(np.append(np.inf, loss[order]))) < 0]
        return float(np.polyfit(np.log(compute[best]), np.log(runs["params"][rows][best]), 1)[0])

    draws = [slope(np.concatenate([groups[i] for i in rng.integers(len(groups), size=len(groups))]))
             for _ in range(RESAMPLED)]
    return drawn(slope(np.arange(len(runs))), draws)


def envelopes(runs: RunTable) -> tuple[float, float]:
    """The least and the largest slope of an envelope, by rules that a reader of its description might choose.

    Compute is 6 N D with all parameters, or without embeddings (two matrices of 50,304 tokens); the envelope is the
    front, its lower convex hull, or the lowest run in each of 20, 50, 100 or 250 bins.
    """
    found = []
    for size in (runs["params"], runs["params"] - 2 * 50304 * runs["width"]):
        x, loss, log_size = np.log(6 * size * runs["tokens"]), runs["loss"], np.log(runs["params"])
        order = np.lexsort((loss, x))
        best = order[np.diff(np.minimum.accumulate(np.append(np.inf, loss[order]))) < 0]
        hull: list[int] = []
        for i in best:
            while len(hull) > 1 and ((x[hull[-1]] - x[hull[-2]]) * (loss[i] - loss[hull[-2]])
                                     <= (x[i] - x[hull[-2]]) * (loss[hull[-1]] - loss[hull[-2]])):
                hull.pop()
            hull.append(int(i))
        chosen = [best, np.array(hull)]
        for bins in (20, 50, 100, 250):
            at = np.digitize(x, np.linspace(x.min(), x.max() + 1e-9, bins + 1))
            chosen.append(np.array([np.flatnonzero(at == b)[np.argmin(loss[at == b])] for b in np.unique(at)]))
        found += [float(np.polyfit(x[rows], log_size[rows], 1)[0]) for rows in chosen]
    return min(found), max(found)


def drawn(value: float, draws: object) -> Interval:
    """``value`` with the interval of its draws."""
    sample = np.asarray(draws, dtype=float)
    low, high = np.quantile(sample, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    return Interval(value, float(sample.std(ddof=1)), float(low), float(high))


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a public table as text."""
    with (gzip.open(path, "rt") if path.suffix == ".gz" else open(path, newline="")) as handle:
        return list(csv.DictReader(handle))


# ------------------------------------------------------------------------------------------ tables

def chinchilla(data: Path, n: int) -> Iterator[tuple[Figure, Found]]:
    runs = read_runs(str(data / "epoch-chinchilla/runs.csv"), where="outlier == 0")
    ours = surface(runs, n)
    yield Figure("epoch-chinchilla", "params exponent", "0.513", "additive law", 0.474, 0.552), Found(ours, ours)
    yield Figure("epoch-chinchilla", "params exponent, from Hoffmann et al.'s coefficients", "0.457",
                 "additive law",
                 why="their search stopped early: the objective was a mean and not a sum (arXiv:2404.10102)"
                 ), Found(ours, ours)


PORIAN: Mapping[str, tuple[str, float, float]] = {
    "reproducing_kaplan": ("0.835", 0.82, 0.85), "counting_last_layer": ("0.706", 0.69, 0.72),
    "correcting_warmup": ("0.602", 0.59, 0.62), "cosine_decay": ("0.571", 0.56, 0.59),
    "optimizer_tuning_no_decay": ("0.497", 0.49, 0.50), "attn_counting_last_layer": ("0.717", 0.70, 0.73),
    "attn_correcting_warmup": ("0.622", 0.61, 0.63), "attn_cosine_decay": ("0.577", 0.56, 0.59),
    "attn_optimizer_tuning": ("0.505", 0.50, 0.51), "kaplan_count_tuned": ("0.711", 0.70, 0.72)}
"""Exponent and interval as the authors store them."""


def porian(data: Path, n: int) -> Iterator[tuple[Figure, Found]]:
    stored = rows_of(data / "porian-refinedweb/optimal.csv")
    for setting, (printed, low, high) in PORIAN.items():
        runs = read_runs(str(data / "porian-refinedweb/isoflop.csv"), where=f"setting == '{setting}'")
        best = [row for row in stored if row["setting"] == setting and row["log_N_opt_std"]]
        compute, params, std = (np.array([float(row[c]) for row in best]) for c in ("flops", "N_opt", "log_N_opt_std"))
        line = fit("optimal_params", RunTable.of(compute=compute, params=params), loss="log_squares", level=LEVEL,
                   bootstrap=RESAMPLED, noise=std * params)
        yield (Figure(f"porian-refinedweb, {setting}", "params exponent", printed, "line through the stored optima",
                      low, high), Found(line.intervals["a"], surface(runs, n), parabola(runs)))


def gemstones(data: Path, n: int) -> Iterator[tuple[Figure, Found]]:
    for which, printed in (("hot", "0.4994"), ("hot_all", "0.4579"), ("cool_end", "0.5970"),
                           ("lr_ablation_hot", "0.5131")):
        runs = read_runs(str(data / "gemstones/runs.csv"), where=f"set == '{which}'")
        low, high = envelopes(runs)
        why = (f"the rule of their envelope is not stated with the data; simple ones give {low:.2f} to {high:.2f} on "
               "these runs")
        yield (Figure(f"gemstones, {which}", "params exponent", printed, "front of all checkpoints", why=why),
               Found(front(runs, "run", np.random.default_rng(0)), surface(runs, n, cluster="run")))
    for which, printed, delta in (("hot", "0.7088", 1e-3), ("hot_all", "0.6964", 1e-4)):
        runs = read_runs(str(data / "gemstones/runs.csv"), where=f"set == '{which}'")
        ours = fit("chinchilla", runs, bootstrap=n, level=LEVEL, cluster="run", delta=delta).derived["params_exponent"]
        yield (Figure(f"gemstones, {which}", "params exponent, from the printed coefficients", printed,
                      f"additive law, delta {delta:g}",
                      why="the stored point is no optimum of its objective: docs/accuracy.md"),
               Found(ours, ours))


def llama3(data: Path, n: int) -> Iterator[tuple[Figure, Found]]:
    runs = read_runs(str(data / "llama3-isoflops/isoflop.csv"))
    clean = read_runs(str(data / "llama3-isoflops/isoflop.csv"), where="outlier == 0")
    found = parabola(runs, "tokens")
    assert found is not None
    yield (Figure("llama3-isoflops", "tokens exponent", "0.53", "parabolas over tokens"),
           Found(found, surface(clean, n, "tokens_exponent"), found))


def xlstm(data: Path, n: int) -> Iterator[tuple[Figure, Found]]:
    path = str(data / "xlstm-isoflops/runs.csv")
    runs = read_runs(path, mapping={"loss": "val_loss", "compute": "C_nominal"})
    compute, loss = runs["compute"], runs["loss"]
    near = runs.take(loss <= np.array([loss[compute == c].min() for c in compute]) + 0.12)
    for what, printed in (("params", "0.575"), ("tokens", "0.424")):
        windowed, whole = parabola(near, what), parabola(runs, what)
        assert windowed is not None
        yield (Figure("xlstm-isoflops, Transformer", f"{what} exponent", printed, "parabolas within 0.12 nats",
                      why="the paper's largest budget is not in the table"),
               Found(windowed, surface(runs, n, f"{what}_exponent"), whole))


def marin(data: Path, n: int) -> Iterator[tuple[Figure, Found]]:
    for corpus, printed in (("comma", "0.345"), ("dclm", "0.371")):
        where = f"kind == 'isoflop' and corpus == '{corpus}'"
        runs = read_runs(str(data / "marin-isoflops/runs.csv"), mapping={"compute": "C_6ND"}, where=where)
        budgets = read_runs(str(data / "marin-isoflops/runs.csv"), mapping={"compute": "C_nominal"}, where=where)
        ours = surface(runs, n)
        yield (Figure(f"marin-isoflops, {corpus}", "params exponent (recomputed by the collector)", printed,
                      "additive law"), Found(ours, ours, parabola(budgets)))


def misfitting(data: Path, n: int) -> Iterator[tuple[Figure, Found]]:
    runs = read_runs(str(data / "misfitting/final.csv"))
    ours = surface(runs, n)
    yield (Figure("misfitting, all rates", "params exponent, from the printed coefficients", "0.7605", "additive law"),
           Found(ours, ours))
    order = np.lexsort((runs["loss"], runs["tokens"], runs["params"]))
    first = np.unique(np.stack([runs["params"], runs["tokens"]])[:, order], axis=1, return_index=True)[1]
    tuned = runs.take(order[first])   # the best learning rate of each size and horizon
    yield (Figure("misfitting, best rate", "params exponent (isoFLOP)", "0.584", "front of the tuned runs",
                  why="how their budgets were made from runs of any compute is not stated with the data"),
           Found(front(tuned, "size", np.random.default_rng(0)), surface(tuned, n), parabola(tuned)))


def loss_to_loss(data: Path, n: int) -> Iterator[tuple[Figure, Found]]:
    for row in rows_of(data / "loss-to-loss/published_fits.csv"):
        if row["form"] != "chinchilla" or row["target"] != "loss_own_val":
            continue
        runs = read_runs(str(data / "loss-to-loss/runs.csv"), mapping={"loss": "loss_own_val"},
                         where=f"role == 'sweep' and corpus == '{row['corpus']}'")
        a = float(row["beta"]) / (float(row["alpha"]) + float(row["beta"]))
        ours = surface(runs, n)
        yield (Figure(f"loss-to-loss, {row['corpus']}", "params exponent, from the stored coefficients", f"{a:.4f}",
                      "additive law"),
               Found(ours, ours, parabola(runs)))


def gadre(data: Path, n: int) -> Iterator[tuple[Figure, Found]]:
    for corpus in ("c4", "rpj", "rw"):
        runs = read_runs(str(data / "overtraining-gadre/runs.csv"), mapping={"loss": "loss_c4_val"},
                         where=f"dataset == '{corpus}'")
        ours = surface(runs, n)
        yield (Figure(f"overtraining-gadre, {corpus}", "params exponent (the form has one exponent)", "0.500",
                      "additive law, exponents free",
                      why="one exponent for both is an assumption of their form"),
               Found(ours, ours))


def datablations(data: Path, n: int) -> Iterator[tuple[Figure, Found]]:
    runs = read_runs(str(data / "datablations/runs.csv"), where="epochs <= 2.5")
    ours = surface(runs, n)
    yield (Figure("datablations, few epochs", "params exponent (alpha and beta are tied)", "0.500",
                  "additive law, exponents free",
                  why="one exponent for both is an assumption of their fit"), Found(ours, ours))


def olmo(data: Path, n: int) -> Iterator[tuple[Figure, Found]]:
    rows = rows_of(data / "olmo-ladder/evals.csv.gz")

    def end(series: str) -> tuple[float, float, float]:
        run = sorted((row for row in rows if row["series"] == series), key=lambda row: float(row["step"]))
        return float(run[-1]["N"]), float(run[-1]["D"]), float(np.mean([float(row["loss_c4_en"]) for row in run[-5:]]))

    params, tokens, loss = np.array([end(f"{size}-{times}xC") for size in ("190M", "370M", "760M", "1B")
                                     for times in (1, 2, 5, 10)]).T
    found = fit("chinchilla", RunTable.of(params=params, tokens=tokens, loss=loss), bootstrap=n, level=LEVEL)
    size, seen, _ = end("peteish13_eval_final")
    at = {"params": size, "tokens": seen}
    forecast = drawn(float(found.law.at(at)), found.outputs(at)[:, 0])
    yield (Figure("olmo-ladder", "C4 loss of 13B at 5T tokens", "2.3444", "additive law, 16 runs"),
           Found(forecast, forecast))


def steplaw(data: Path, n: int) -> Iterator[tuple[Figure, Found]]:
    stored = rows_of(data / "steplaw-dense/bootstrap.csv")
    runs = read_runs(str(data / "steplaw-dense/runs.csv"), mapping={"loss": "smooth_loss"})
    found = optima(runs, cells=("params", "tokens"), bootstrap=n, level=LEVEL)
    for what, column, law, name, sign, printed in (
            ("learning rate in params", "lr_coefN", "learning_rate", "p", -1, "-0.713"),
            ("learning rate in tokens", "lr_coefD", "learning_rate", "q", 1, "0.307"),
            ("batch in tokens", "bs_coefD", "batch_tokens", "g", 1, "0.571")):
        low, high = np.quantile([float(row[column]) for row in stored], [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
        i = found.laws[law].intervals[name]
        ours = i if sign > 0 else Interval(-i.value, i.std, -i.high, -i.low)
        yield (Figure("steplaw-dense", what, printed, "bowls in each cell, then a law", float(low), float(high),
                      why="within two standard errors of ours, which are wide: the optima scatter (docs/optima.md)"),
               Found(ours))


TABLES: tuple[Callable[[Path, int], Iterator[tuple[Figure, Found]]], ...] = (
    chinchilla, porian, gemstones, llama3, xlstm, marin, misfitting, loss_to_loss, gadre, datablations, steplaw, olmo)


# ------------------------------------------------------------------------------------------ table

def shown(i: Interval | None, digits: int = 3) -> str:
    if i is None:
        return ""
    ends = "" if math.isnan(i.low) else f" [{i.low:.{digits}f}, {i.high:.{digits}f}]"
    return f"{i.value:.{digits}f}{ends}"


def line(figure: Figure, found: Found) -> list[str]:
    """One row of the table."""
    said = verdict(figure, found.recipe)
    digits = max(3, len(figure.printed.partition(".")[2]))
    span = "" if figure.low is None else f" [{figure.low:.3g}, {figure.high:.3g}]"
    other = [shown(i) if i is not None and i is not found.recipe else "" for i in (found.surface, found.parabola)]
    return [figure.table, figure.what, figure.printed + span, figure.recipe, shown(found.recipe, digits), said, *other,
            "" if said in ("within", "same digits") else figure.why or ("UNEXPLAINED" if said == "differs" else "")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bootstrap", type=int, default=400, help="resamples of each fit")
    parser.add_argument("--shared", type=Path, default=Path(
        os.environ.get("LAWFUL_SHARED", Path(__file__).resolve().parents[2] / "shared")))
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent / "results" /
                        f"allocation-{date.today()}.md")
    options = parser.parse_args()
    rows = []
    for table in TABLES:
        try:
            for figure, found in table(options.shared / "data", options.bootstrap):
                rows.append(line(figure, found))
                print(" | ".join(rows[-1]), flush=True)
        except (FileNotFoundError, LawfulError) as problem:
            print(f"{table.__name__}: left out: {problem}")
    counts = {said: sum(row[5] == said for row in rows) for said in ("within", "same digits", "agrees", "differs")}
    head = ["table", "figure", "published", "method", "the same here", "verdict", "additive law", "parabolas", "why"]
    text = [f"# Published exponents on public tables, {date.today()}", "",
            f"{len(rows)} figures: " + ", ".join(f"{n} {said}" for said, n in counts.items())
            + f". Intervals of {100 * LEVEL:g} %, {options.bootstrap} resamples a fit; `benchmarks/allocation.py`.",
            "", f"| {' | '.join(head)} |", "|" + " --- |" * len(head), *(f"| {' | '.join(row)} |" for row in rows)]
    options.output.write_text("\n".join(text) + "\n", encoding="utf-8")
    print(f"{text[2]}\nwrote {options.output}")


if __name__ == "__main__":
    main()
