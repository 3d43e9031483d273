"""Do intervals for new runs hold on real tables? Rolling origins over public N-D tables, with and without drift.

    python benchmarks/intervals.py [--bootstrap 200] [--shared ../shared]

Each table is cut at growing compute, and at half a decade and a decade below its top; the additive law is fitted to
the runs below (at least 15) and asked about every run above. ``without drift`` is what resamples and noise alone say.
Then 10 % of the runs below each cut are spoiled (loss 5 to 30 % up), and the widths are compared. Writes a dated
table to ``benchmarks/results``.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np

from lawful.fit import fit
from lawful.fit.drift import NO_DRIFT
from lawful.fit.origins import origins
from lawful.runs import RunTable
from lawful.store import read_runs

TABLES: dict[str, tuple[str, str | None, dict[str, str]]] = {
    "chinchilla": ("epoch-chinchilla/runs.csv", "outlier == 0", {}),
    **{f"gemstones, {s}": ("gemstones/runs.csv", f'set == "{s}"', {}) for s in ("hot", "cool_end", "lr_ablation_hot")},
    **{f"porian, {s}": ("porian-refinedweb/isoflop.csv", f'setting == "{s}" and dataset == "refinedweb"', {})
       for s in ("counting_last_layer", "correcting_warmup", "cosine_decay", "optimizer_tuning_no_decay")},
    "datablations, one epoch": ("datablations/runs.csv", "epochs <= 1", {}),
    **{f"gadre, {s}": ("overtraining-gadre/runs.csv", f'dataset == "{s}"', {"loss": "loss_c4_val"})
       for s in ("c4", "rpj", "rw")},
    **{f"loss-to-loss, {s}": ("loss-to-loss/runs.csv", f'corpus == "{s}"', {"loss": "loss_own_val"})
       for s in ("fineweb-100b", "fineweb-edu-100b", "starcoder")},
    "llama3": ("llama3-isoflops/isoflop.csv", "outlier == 0", {}),
    **{f"marin, {s}": ("marin-isoflops/runs.csv", f'corpus == "{s}"', {"compute": "C_6ND"}) for s in ("comma", "dclm")},
    "misfitting": ("misfitting/final.csv", None, {}),
    "xlstm": ("xlstm-isoflops/runs.csv", None, {"loss": "val_loss", "compute": "C_estimated"}),
}
"""The tables with params, tokens and loss: file, rows, columns."""

FEWEST, SPOILED = 15, 0.1
LEVELS = (0.9, 0.95)
KINDS = ("rolling", "half a decade", "a decade")


@dataclass
class Score:
    """Hits and widths (of the log) of one kind of cut at one level, by table."""

    hits: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    widths: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def pooled(self) -> float:
        """The share of all predictions that held."""
        return float(np.mean([h for hits in self.hits.values() for h in hits]))

    @property
    def by_table(self) -> float:
        """The mean over tables of the share that held."""
        return float(np.mean([np.mean(hits) for hits in self.hits.values()]))

    @property
    def width(self) -> float:
        """The median over tables of the mean width, as a share of the value."""
        return float(np.median([np.mean(widths) for widths in self.widths.values()]))


def cuts(runs: RunTable) -> Iterator[tuple[str, np.ndarray]]:
    """The runs below each cut, with the kind of cut."""
    compute = runs["compute"]
    yield from (("rolling", origin.train) for origin in origins(compute, FEWEST))
    for kind, decades in zip(KINDS[1:], (0.5, 1.0), strict=True):
        below = compute <= compute.max() / 10**decades
        if below.sum() >= FEWEST:
            yield kind, below


def spoiled(runs: RunTable, rng: np.random.Generator) -> RunTable:
    """The runs with a share of them gone bad."""
    loss = runs["loss"].copy()
    bad = rng.choice(len(loss), max(1, round(SPOILED * len(loss))), replace=False)
    loss[bad] *= np.exp(rng.uniform(0.05, 0.3, len(bad)))
    return replace(runs, quantities={**runs.quantities, "loss": loss})


def main() -> None:
    """Score every table and write the results."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bootstrap", type=int, default=200)
    options.add_argument("--shared", default=os.environ.get("LAWFUL_SHARED", Path(__file__).parents[2] / "shared"))
    given = options.parse_args()
    scores: dict[tuple[str, str, float], Score] = defaultdict(Score)
    drifts, ratios = {}, []
    for name, (path, where, mapping) in TABLES.items():
        runs = read_runs(str(Path(given.shared) / "data" / path), where=where, mapping=mapping)
        drifts[name] = (len(runs), fit("chinchilla", runs, bootstrap=given.bootstrap).drift)
        for number, (kind, below) in enumerate(cuts(runs)):
            train, test = runs.take(below), runs.take(~below)
            at = {q: test[q] for q in ("params", "tokens")}
            found = fit("chinchilla", train, bootstrap=given.bootstrap)
            bad = fit("chinchilla", spoiled(train, np.random.default_rng(number)), bootstrap=given.bootstrap)
            wide = {}
            for what, fitted in (("with drift", found), ("without drift", replace(found, drift=NO_DRIFT)),
                                 ("10 % bad runs", bad)):
                new = fitted.new_runs(at)
                for level in LEVELS:
                    low, high = np.percentile(new, [50 - 50 * level, 50 + 50 * level], axis=0)
                    score = scores[what, kind, level]
                    score.hits[name] += ((test["loss"] >= low) & (test["loss"] <= high)).tolist()
                    score.widths[name] += np.log(high / low).tolist()
                wide[what] = float(np.median(np.log(high / low)))
            ratios.append(wide["10 % bad runs"] / wide["with drift"])
        print(name, "done", flush=True)
    lines = [f"# Intervals for new runs on public tables, {date.today()}", "",
             f"{len(TABLES)} tables, additive law, {given.bootstrap} resamples. Coverage: of all predictions, and the "
             "mean over tables; width: median over tables of the mean width, as a share of the loss.", "",
             "| interval | cut | level | covered | mean of tables | width |", "| --- | --- | --- | --- | --- | --- |"]
    lines += [f"| {what} | {kind} | {100 * level:g} % | {100 * s.pooled:.1f} % | {100 * s.by_table:.1f} % | "
              f"{100 * s.width:.1f} % |" for (what, kind, level), s in sorted(scores.items(), reverse=True)]
    q = np.quantile(ratios, [0.5, 0.9])
    lines += ["", f"With 10 % bad runs the intervals are {q[0]:.2f} times as wide in the median over "
              f"{len(ratios)} cuts, {q[1]:.2f} times in the widest tenth.", "",
              "| table | runs | noise | cuts | rate with the usual | the table's own |",
              "| --- | --- | --- | --- | --- | --- |"]
    for name, (n, d) in drifts.items():
        own = (d.rate * (d.cuts + 2) - 80) / d.cuts if d.cuts else float("nan")
        lines.append(f"| {name} | {n} | {100 * d.noise:.2f} % | {d.cuts} | {d.rate:.0f} | {own:.0f} |")
    text = "\n".join(lines) + "\n"
    print(text)
    (Path(__file__).parent / "results" / f"intervals-{date.today()}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
