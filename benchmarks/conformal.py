"""Does a conformal adjustment by the back-test bring coverage nearer nominal? Public N-D tables and simulated ones.

    python benchmarks/conformal.py [--bootstrap 200] [--seeds 10] [--rows FILE] [--shared ../shared]

Of each table the runs within half a decade, and within a decade, of the largest compute are held out. The rest is
fitted with the additive law, and back-tested by rolling origins on itself alone; every held-out run is forecast with
the fit's own interval and with the adjusted one. Simulated tables are isoFLOP grids of six budgets from 1e18 to 1e21
FLOP: of the additive law itself, and of one whose reducible loss falls more slowly beyond 1e20 FLOP, which the law
cannot follow. An infinite interval holds its run, and is counted beside; widths are of the finite ones. Writes a dated
table to ``benchmarks/results``. With ``--rows`` each table's verdicts are kept in a file as they come, and a run that
was stopped goes on from there.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np

from intervals import TABLES
from lawful.errors import LawfulError
from lawful.fit import fit
from lawful.laws.language import AdditiveLoss
from lawful.runs import RunTable
from lawful.store import read_runs
from lawful.validate import backtest, conformal

KINDS = {"half a decade": 0.5, "a decade": 1.0}
LEVELS = (0.9, 0.95)
FEWEST = 15
TRUTH = AdditiveLoss(E=1.82, A=480.0, alpha=0.348, B=2085.0, beta=0.366)
NOISE, BENDS_AT, BEND = 0.005, 1e20, 0.15


def simulated(seed: int, bent: bool) -> RunTable:
    """An isoFLOP grid of eight sizes a budget, with noise."""
    rng = np.random.default_rng(seed)
    compute = np.repeat(np.geomspace(1e18, 1e21, 6), 8)
    params = TRUTH.allocate(compute).params * np.tile(np.geomspace(30**-0.5, 30**0.5, 8), 6)
    tokens = compute / 6 / params
    reducible = TRUTH(params=params, tokens=tokens) - TRUTH.E
    if bent:
        reducible *= (1 + (compute / BENDS_AT) ** 0.5) ** BEND
    return RunTable.of(params=params, tokens=tokens,
                       loss=(TRUTH.E + reducible) * np.exp(NOISE * rng.standard_normal(48)))


def tables(seeds: int, shared: Path) -> Iterator[tuple[str, str, RunTable]]:
    """The kind of data, the name of the table, the table."""
    for kind, bent in (("simulated, right form", False), ("simulated, wrong form", True)):
        for seed in range(seeds):
            yield kind, f"{kind} {seed}", simulated(seed, bent)
    for name, (path, where, mapping) in TABLES.items():
        yield "public", name, read_runs(str(shared / "data" / path), where=where, mapping=mapping)


def judge(runs: RunTable, decades: float, bootstrap: int) -> Iterator[tuple[float, str, bool, float]]:
    """For each held-out run: the level, which interval, whether it held, and its width (of the log)."""
    below = runs["compute"] <= runs["compute"].max() / 10**decades * (1 + 1e-9)
    if below.sum() < FEWEST or below.all():
        return
    train, test = runs.take(below), runs.take(~below)
    try:
        calibration = conformal(backtest(train, "chinchilla", bootstrap=bootstrap))
    except LawfulError:
        return
    fitted = fit("chinchilla", train, bootstrap=bootstrap)
    at = {name: test[name] for name in ("params", "tokens")}
    centre, new = np.log(fitted.law.at(at)), np.log(fitted.new_runs(at))
    horizon = np.log10(test["compute"] / train["compute"].max())
    for level in LEVELS:
        low, high = np.percentile(new, [50 - 50 * level, 50 + 50 * level], axis=0)
        for i, observed in enumerate(np.log(test["loss"])):
            yield level, "plain", bool(low[i] <= observed <= high[i]), float(high[i] - low[i])
            half = calibration.factor(float(horizon[i]), level) * (high[i] - low[i]) / 2
            yield level, "conformal", bool(abs(observed - centre[i]) <= half), float(2 * half)


def main() -> None:
    """Judge every table and write the results."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bootstrap", type=int, default=200)
    options.add_argument("--seeds", type=int, default=10)
    options.add_argument("--rows", type=Path)
    options.add_argument("--shared", default=os.environ.get("LAWFUL_SHARED", Path(__file__).parents[2] / "shared"))
    given = options.parse_args()
    found: dict[tuple[str, str, float, str], dict[str, list[tuple[bool, float]]]] = defaultdict(
        lambda: defaultdict(list))
    lines = given.rows.read_text(encoding="utf-8").splitlines() if given.rows and given.rows.exists() else []
    kept = dict(map(json.loads, lines))
    for data, name, runs in tables(given.seeds, Path(given.shared)):
        if name not in kept:
            kept[name] = [[kind, *row] for kind, decades in KINDS.items()
                          for row in judge(runs, decades, given.bootstrap)]
            if given.rows is not None:
                with given.rows.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([name, kept[name]]) + "\n")
        for kind, level, which, held, width in kept[name]:
            found[data, kind, level, which][name].append((held, width))
    lines = [f"# Conformal adjustment of intervals for new runs, {date.today()}", "",
             f"Additive law, {given.bootstrap} resamples, {given.seeds} simulated tables of each kind. Coverage: of "
             "all held-out runs, and the mean over tables; distance: the mean over tables of |coverage - level|; "
             "width: the median over tables of the mean finite width, as a share of the loss.", "",
             "| data | held out | level | interval | tables | covered | mean of tables | distance | infinite | width |",
             "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    for (data, kind, level, which), by_table in found.items():
        every = [pair for pairs in by_table.values() for pair in pairs]
        shares = np.array([np.mean([held for held, _ in pairs]) for pairs in by_table.values()])
        widths = [np.mean([w for _, w in pairs if math.isfinite(w)]) for pairs in by_table.values()
                  if any(math.isfinite(w) for _, w in pairs)]
        lines.append(
            f"| {data} | {kind} | {100 * level:g} % | {which} | {len(by_table)} | "
            f"{100 * np.mean([held for held, _ in every]):.1f} % | {100 * shares.mean():.1f} % | "
            f"{100 * np.abs(shares - level).mean():.1f} | "
            f"{100 * np.mean([not math.isfinite(w) for _, w in every]):.0f} % | "
            f"{100 * np.median(widths) if widths else math.nan:.1f} % |")
    text = "\n".join(lines) + "\n"
    print(text)
    (Path(__file__).parent / "results" / f"conformal-{date.today()}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
