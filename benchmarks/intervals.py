"""Do intervals for new runs hold on real runs? Cuts of public tables and learning curves, with and without drift.

    python benchmarks/intervals.py [--bootstrap 200] [--shared ../shared] [--scratch intervals.jsonl] [--curves 8]

Each table of params, tokens and loss is cut at growing compute (rolling), and at half a decade and a decade below its
top; the additive law is fitted to the runs below (at least 10) and asked about every run above. ``without drift`` is
what resamples and noise alone say. Then 10 % of the runs below the last two cuts are spoiled (loss 5 to 30 % up). Every
``--curves``-th learning curve of Alabdulmohsin et al. is fitted by ``m3`` and ``bnsl1`` on its training points and
asked about its test points.

The constants of ``lawful.fit.drift`` were chosen on simulated tables and on the development half: the sets whose
folders stand at odd places in alphabetical order. The held-out half is reported beside it. Every table is written to
the scratch file when it is done, so that a killed run goes on where it stopped. Writes a dated table to
``benchmarks/results``.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")})

import numpy as np

from lawful.errors import LawfulError
from lawful.fit import Fit, fit
from lawful.fit.drift import NO_DRIFT
from lawful.fit.origins import origins
from lawful.runs import RunTable
from lawful.store import read_runs

SHARED = Path(os.environ.get("LAWFUL_SHARED", Path(__file__).parents[2] / "shared"))

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
    "olmo-ladder": ("olmo-ladder/evals.csv.gz", "D > 0", {"loss": "loss_c4_en"}),
    "steplaw, best of each cell": ("steplaw-dense/runs.csv", None, {"loss": "smooth_loss"}),
}
"""The tables with params, tokens and loss: file, rows, columns."""

DEVELOPMENT = sorted({path.split("/")[0] for path, _, _ in TABLES.values()})[::2]
"""The sets on which, beside simulations, the constants of the drift were chosen."""

FEWEST, SPOILED = 10, 0.1
LEVELS = (0.9, 0.95)
KINDS = ("rolling", "half a decade", "a decade")
WHATS = ("with drift", "without drift", "10 % bad runs")
CURVE_FORMS = ("m3", "bnsl1")


@dataclass(frozen=True)
class Asked:
    """One cut of one table at one level: what share of its runs held, how wide the interval was (of the log)."""

    what: str
    table: str
    half: str
    kind: str
    level: float
    runs: int
    held: float
    width: float


def table(name: str, folder: Path) -> RunTable:
    """The runs of a table: of the ladder the last of each series, of the sweep the best of each size and length."""
    path, where, mapping = TABLES[name]
    runs = read_runs(str(folder / "data" / path), where=where, mapping=mapping)
    if name == "olmo-ladder":
        series = runs.label("series")
        known = np.array([not s.startswith("peteish") or s in ("peteish13_eval_final", "peteish7_eval_anneal")
                          for s in series])
        last = {s: int(i) for i in np.argsort(runs["tokens"], kind="stable") for s in [series[i]] if known[i]}
        runs = runs.take(np.array(sorted(last.values())))
    if name.startswith("steplaw"):
        best = {(runs["params"][i], runs["tokens"][i]): int(i) for i in np.argsort(-runs["loss"], kind="stable")}
        runs = runs.take(np.array(sorted(best.values())))
    if "compute" not in runs:
        runs = replace(runs, quantities={**runs.quantities, "compute": 6.0 * runs["params"] * runs["tokens"]})
    return runs


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


def asked(what: str, fitted: Fit, at: dict[str, np.ndarray], outcome: np.ndarray, **labels: Any) -> Iterator[Asked]:
    """How the runs with this ``outcome`` fell about the fit's intervals for new runs."""
    new = fitted.new_runs(at)
    for level in LEVELS:
        low, high = np.percentile(new, [50 - 50 * level, 50 + 50 * level], axis=0)
        held = float(np.mean((outcome >= low) & (outcome <= high)))
        yield Asked(what, level=level, runs=len(outcome), held=held, width=float(np.mean(np.log(high / low))), **labels)


def of_table(name: str, folder: Path, bootstrap: int) -> Iterator[dict[str, Any]]:
    """Every answer of a table, and the drift of the whole of it."""
    runs = table(name, folder)
    half = "development" if TABLES[name][0].split("/")[0] in DEVELOPMENT else "held out"
    whole = fit("chinchilla", runs, bootstrap=bootstrap).drift
    yield {"table": name, "n": len(runs), "noise": whole.noise, "slope": whole.slope, "cuts": whole.cuts,
           "share": whole.share, "right": whole.weights[0] if whole.shares[0] == 0 else 0.0, "half": half}
    for number, (kind, below) in enumerate(cuts(runs)):
        train, test = runs.take(below), runs.take(~below)
        at = {q: test[q] for q in ("params", "tokens")}
        found = fit("chinchilla", train, bootstrap=bootstrap)
        fits = {WHATS[0]: found, WHATS[1]: replace(found, drift=NO_DRIFT)}
        if kind != KINDS[0]:
            spoilt = spoiled(train, np.random.default_rng(number))
            fits[WHATS[2]] = fit("chinchilla", spoilt, bootstrap=bootstrap)
        for what, fitted in fits.items():
            for answer in asked(what, fitted, at, test["loss"], table=name, half=half, kind=kind):
                yield {"cut": number, **asdict(answer)}


def of_curve(curve: Any, form: str, bootstrap: int) -> Iterator[dict[str, Any]]:
    """Every answer of a learning curve; none where it has too few points for the form."""
    try:
        found = fit(f"{form}:examples", RunTable.of(examples=curve.x, task_loss=curve.y), bootstrap=bootstrap)
    except LawfulError:
        return
    for what, fitted in zip(WHATS[:2], (found, replace(found, drift=NO_DRIFT)), strict=True):
        for answer in asked(what, fitted, {"examples": curve.x_test}, curve.y_test, table=curve.name, half="curves",
                            kind=form):
            yield {"cut": 0, **asdict(answer)}


def summary(answers: Sequence[dict[str, Any]]) -> str:
    """Coverage over predictions, over tables and over cuts; width as mean and median over tables."""
    runs = np.array([a["runs"] for a in answers])
    held, width = (np.array([a[key] for a in answers]) for key in ("held", "width"))
    names = np.array([a["table"] for a in answers])
    by_table = {n: np.average(held[names == n], weights=runs[names == n]) for n in np.unique(names)}
    wide = [np.average(width[names == n], weights=runs[names == n]) for n in by_table]
    shown = (np.average(held, weights=runs), np.mean(list(by_table.values())), held.mean(), np.mean(wide),
             np.median(wide))
    return f"{len(by_table)} | {len(answers)} | {runs.sum()} | " + " | ".join(f"{100 * x:.1f} %" for x in shown)


def main() -> None:
    """Ask what was not asked yet, and write the results."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bootstrap", type=int, default=200)
    options.add_argument("--shared", type=Path, default=SHARED)
    options.add_argument("--scratch", type=Path, default=Path("intervals.jsonl"))
    options.add_argument("--curves", type=int, default=8, help="every which curve; 0 for none")
    given = options.parse_args()
    os.environ["LAWFUL_SHARED"] = str(given.shared)
    done = [json.loads(line) for line in given.scratch.read_text().splitlines()] if given.scratch.exists() else []
    known = {part["part"] for part in done}

    def keep(part: str, rows: Iterator[dict[str, Any]]) -> None:
        if part not in known:
            done.append({"part": part, "rows": list(rows)})
            with given.scratch.open("a") as file:
                file.write(json.dumps(done[-1]) + "\n")
            print(part, "done", flush=True)

    for name in TABLES:
        keep(name, of_table(name, given.shared, given.bootstrap))
    if given.curves:
        from learning_curves import curves

        for curve in list(curves())[2 :: given.curves]:
            for form in CURVE_FORMS:
                keep(f"{curve.name} {form}", of_curve(curve, form, given.bootstrap))
    rows = [row for part in done for row in part["rows"]]
    text = report([r for r in rows if "what" in r], [r for r in rows if "what" not in r], given.bootstrap)
    print(text)
    (Path(__file__).parent / "results" / f"intervals-{date.today()}.md").write_text(text, encoding="utf-8")


def report(answers: list[dict[str, Any]], tables: list[dict[str, Any]], bootstrap: int) -> str:
    """The results as Markdown."""
    head = ("| interval | cut | level | tables | cuts | runs | covered | mean of tables | mean of cuts | mean width | "
            "median width |")
    rule = "| --- " * 11 + "|"
    lines = [f"# Intervals for new runs on public tables, {date.today()}", "",
             f"{len(tables)} tables, additive law, {bootstrap} resamples, at least {FEWEST} runs below a cut. Covered: "
             "of all predictions, as the mean over tables, as the mean over cuts. Width: of the log of the loss, the "
             "mean of each table, of which the mean and the median over tables.", ""]
    for title, halves in (("All tables", ("development", "held out")),
                          (f"Development half ({', '.join(DEVELOPMENT)})", ("development",)),
                          ("Held-out half", ("held out",)), ("Learning curves, train to test", ("curves",))):
        lines += [f"## {title}", "", head, rule]
        for what in WHATS:
            for kind in (*KINDS, *CURVE_FORMS):
                for level in LEVELS:
                    these = [a for a in answers if (a["what"], a["kind"], a["level"]) == (what, kind, level)
                             and a["half"] in halves]
                    if these:
                        lines.append(f"| {what} | {kind} | {100 * level:g} % | {summary(these)} |")
        lines.append("")
    pairs = {w: {(a["table"], a["cut"]): a["width"] for a in answers if (a["what"], a["level"]) == (w, LEVELS[0])}
             for w in WHATS}
    q = np.quantile([pairs[WHATS[2]][key] / pairs[WHATS[0]][key] for key in pairs[WHATS[2]]], [0.5, 0.9])
    lines += [f"With 10 % bad runs the intervals are {q[0]:.2f} times as wide in the median over "
              f"{len(pairs[WHATS[2]])} cuts, {q[1]:.2f} times in the widest tenth.", "", "## Table by table", "",
              "| table | half | runs | noise | slope at the top, per decade | cuts | share wrong | right form | "
              + " | ".join(f"{kind}: {100 * level:g} % held, width" for kind in KINDS[1:] for level in LEVELS) + " |",
              "| --- " * 12 + "|"]
    for t in tables:
        cells = []
        for kind in KINDS[1:]:
            for level in LEVELS:
                found = [a for a in answers if (a["what"], a["table"], a["kind"], a["level"])
                         == (WHATS[0], t["table"], kind, level)]
                cells += [f"{100 * a['held']:.0f} % of {a['runs']}, {100 * a['width']:.1f} %" for a in found] or [""]
        lines.append(f"| {t['table']} | {t['half']} | {t['n']} | {100 * t['noise']:.2f} % | {100 * t['slope']:.1f} % | "
                     f"{t['cuts']} | {t['share']:.2f} | {100 * t['right']:.0f} % | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
