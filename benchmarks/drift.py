"""What the constants of the drift do: simulated tables of right and wrong forms, and the development half of the data.

    python benchmarks/drift.py [--tables 96] [--bootstrap 100] [--scratch drift.jsonl]

Simulated: laws of the catalogue at their published coefficients on isoFLOP grids, ladders and scattered designs of
random size, span and noise (0.1 to 2 %, some with heavy tails), fitted by the additive law and asked half a decade and
a decade beyond. A quarter each: the form is right; the runs follow another form; a smooth bend lies on top; a size has
luck of its own. And 15 tables of four cells of ``coverage.py``, with right forms, asked one and two decades beyond.
Reported: coverage of new runs, width beside that without drift, and the mean log likelihood of the runs beyond under
other constants, which is what the constants of ``lawful.fit.drift`` were chosen by. Writes a dated table to
``benchmarks/results``; a killed run goes on from the scratch file.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")})

import numpy as np

import lawful.fit.calibrate as calibrate
import lawful.fit.drift as constants
from coverage import TRUTHS, design, gaussian, questions
from intervals import DEVELOPMENT, SHARED, TABLES, cuts, table
from lawful.fit import fit
from lawful.fit.drift import GRID, NO_DRIFT, posterior, reach
from lawful.laws import Law
from lawful.laws.registry import law as catalogue
from lawful.runs import RunTable

Array = np.ndarray
LEVELS = (0.9, 0.95)
KINDS = ("right form", "another form", "bend", "luck of a size")
ADDITIVE = ("hoffmann2022_approach3", "besiroglu2024_refit", "gadre2024_overtraining:c4", "chen2025_qat:bf16",
            "mcleish2025_gemstones:loss_like_chinchilla", "bhagia2024_ladders:c4",
            "sardana2023_inference_aware:refit_all")
OTHERS = ("kaplan2020_l_nd", "chen2025_sub_scaling", "busbridge2025_distillation:supervised")
BEYOND = (0.5, 1.0)
CELLS = (("chinchilla", "isoflop"), ("chinchilla", "ladder"), ("chinchilla", "random"), ("power_law_floor", "isoflop"))
CELL_TABLES = 15
TRIED: dict[str, tuple[float, ...]] = {"RIGHT": (0.1, 0.2, 0.4, 0.5), "TYPICAL": (0.15, 0.2, 0.4, 0.5),
                                       "SPREAD": (0.15, 0.2, 0.35, 0.5), "COUNTED": (0.0, 0.25, 0.75, 1.0)}
"""Other values of the constants, one at a time; weight 0 of a cut is the expectation alone."""


def grids(rng: np.random.Generator) -> tuple[Array, Array, int]:
    """Params and tokens of the runs, then of those beyond, and how many are runs; about 20 tokens a param."""
    start, span = rng.uniform(17.5, 19.5), rng.uniform(1.5, 3.5)
    kind = rng.choice(["isoflop", "ladder", "random"])
    per = int(rng.integers(4, 12)) if kind == "isoflop" else int(rng.integers(4, 6))
    rows = int(rng.integers(4, 9)) if kind == "isoflop" else int(rng.integers(5, 13))
    scale = 10.0 ** (start + (span * rng.random(rows * per) if kind == "random" else np.linspace(0.0, span, rows)))
    compute = np.concatenate([scale, scale.max() * 10.0 ** np.repeat(BEYOND, 4 if kind == "random" else 1)])
    params = np.sqrt(compute / 120.0)
    if kind == "random":
        params = params * 10.0 ** rng.uniform(-0.8, 0.8, len(compute))
        return params, compute / 6.0 / params, len(scale)
    wide = np.linspace(-0.5, 0.5, per) * np.log10(rng.uniform(8.0, 60.0))
    compute = np.repeat(compute, per)
    if kind == "isoflop":
        params = np.repeat(params, per) * 10.0 ** np.tile(wide, len(scale) + len(BEYOND))
        return params, compute / 6.0 / params, len(scale) * per
    params = np.repeat(params, per)
    return params, 20.0 * params * 10.0 ** np.tile(wide, len(scale) + len(BEYOND)), len(scale) * per


def simulated(number: int) -> tuple[str, RunTable, RunTable]:
    """A table and the runs beyond it, with the kind of truth."""
    rng = np.random.default_rng(31_000 + number)
    kind = KINDS[number % len(KINDS)]
    law: Law = catalogue(str(rng.choice(OTHERS if kind == "another form" else ADDITIVE))).law
    params, tokens, runs = grids(rng)
    noise = 10.0 ** rng.uniform(-3.0, -1.7)
    luck = rng.standard_t(3, len(params)) if rng.random() < 0.3 else rng.standard_normal(len(params))
    off, scale = np.zeros(len(params)), np.log10(params * tokens)
    if kind == "bend":
        near = np.exp(-0.5 * ((scale[:, None] - scale) / rng.uniform(1.0, 2.5)) ** 2) + 1e-8 * np.eye(len(scale))
        off = 10.0 ** rng.uniform(-2.5, -1.7) * np.linalg.cholesky(near) @ rng.standard_normal(len(scale))
    if kind == "luck of a size":
        size = np.unique(params.round(-3), return_inverse=True)[1]
        off = 10.0 ** rng.uniform(-2.7, -1.9) * rng.standard_normal(size.max() + 1)[size]
    loss = law.at({"params": params, "tokens": tokens}) * np.exp(off + noise * luck)
    whole = RunTable.of(params=params, tokens=tokens, loss=loss)
    return kind, whole.take(slice(None, runs)), whole.take(slice(runs, None))


def of_cell(form: str, plan: str, number: int) -> tuple[str, RunTable, RunTable]:
    """A table of a right form as ``coverage.py`` makes them, and a run one and two decades beyond."""
    law, rng = TRUTHS[form], np.random.default_rng(9_000 + number)
    inputs = design(law, plan)
    far = {name: np.array([at[name] for at in questions(law, inputs)]) for name in law.inputs}
    below, above = (RunTable.of(**q, loss=law.at(q) * np.exp(gaussian(rng, len(q[law.inputs[0]]))))
                    for q in (inputs, far))
    return f"{form}, {plan}", below, above


def answer(kind: str, runs: RunTable, beyond: RunTable, form: str | Law, bootstrap: int) -> dict[str, Any]:
    """How the runs beyond fell, and what is needed to ask how other constants would have had it."""
    seen: list[Sequence[tuple[float, float, float]]] = []

    def listening(cuts: Sequence[tuple[float, float, float]]) -> Array:
        seen.append(cuts)
        return posterior(cuts)

    calibrate.posterior = listening
    found = fit(form, runs, bootstrap=bootstrap)
    calibrate.posterior = posterior
    at = {name: beyond[name] for name in found.law.inputs}
    new, plain = found.new_runs(at), replace(found, drift=NO_DRIFT).new_runs(at)
    held, wide = {}, {}
    for level in LEVELS:
        tails = [50 - 50 * level, 50 + 50 * level]
        (low, high), (low0, high0) = np.percentile(new, tails, axis=0), np.percentile(plain, tails, axis=0)
        held[str(level)] = ((beyond["loss"] >= low) & (beyond["loss"] <= high)).tolist()
        wide[str(level)] = [float(np.mean(np.log(high / low))), float(np.mean(np.log(high0 / low0)))]
    expected = found.law.at(at)
    known = found.noise**2 + np.log(found.outputs(at)).var(axis=0)
    unit = (found.drift.slope * reach(found.drift.horizon(at))) ** 2
    return {"kind": kind, "held": held, "wide": wide, "seen": [list(map(list, cuts)) for cuts in seen][-1],
            "error": np.log(beyond["loss"] / expected).tolist(), "known": known.tolist(), "unit": unit.tolist()}


def likelihood(answers: Sequence[dict[str, Any]]) -> float:
    """The mean over tables of the mean log likelihood of the runs beyond, under the constants as they stand."""
    q2 = np.square(GRID)[:, None]
    found = []
    for a in answers:
        weights = posterior([(x, y, z) for x, y, z in a["seen"]])
        variance = np.array(a["known"]) + q2 * np.array(a["unit"])
        density = np.exp(-0.5 * np.square(a["error"]) / variance) / np.sqrt(2.0 * np.pi * variance)
        found.append(np.log(weights @ density + 1e-300).mean())
    return float(np.mean(found))


def development(folder: Path, bootstrap: int) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """The cuts at half a decade and a decade of the development half."""
    for name, (path, _, _) in TABLES.items():
        if path.split("/")[0] in DEVELOPMENT:
            runs = table(name, folder)
            for kind, below in cuts(runs):
                if kind != "rolling":
                    yield f"{name}, {kind}", lambda runs=runs, below=below: answer(
                        "development half", runs.take(below), runs.take(~below), "chinchilla", bootstrap)


def report(answers: list[dict[str, Any]], bootstrap: int) -> str:
    """The results as Markdown."""
    kinds = list(dict.fromkeys(a["kind"] for a in answers))
    lines = [f"# The drift on simulated tables and on the development half, {date.today()}", "",
             f"{bootstrap} resamples. Covered: mean over tables of the share of new runs beyond that held; width: of "
             "the log, the mean of each table, of which the median; without drift: the same of resamples and noise.",
             "", "| truth | tables | 90 %: covered | width | without drift | 95 %: covered | width | without drift |",
             "| --- " * 8 + "|"]
    for kind in kinds:
        these = [a for a in answers if a["kind"] == kind]
        cells = []
        for level in map(str, LEVELS):
            covered = np.mean([np.mean(a["held"][level]) for a in these])
            wide, plain = np.median([a["wide"][level] for a in these], axis=0)
            cells += [f"{100 * covered:.0f} %", f"{100 * wide:.1f} %", f"{100 * plain:.1f} %"]
        lines.append(f"| {kind} | {len(these)} | " + " | ".join(cells) + " |")
    groups = {"right form": ("right form",), "wrong forms": KINDS[1:], "development half": ("development half",)}
    lines += ["", "Mean log likelihood of a new run beyond, under other constants (one changed at a time):", "",
              "| constant | value | " + " | ".join(groups) + " |", "| --- " * (2 + len(groups)) + "|"]

    def line(name: str, value: str) -> str:
        shown = [f"{likelihood([a for a in answers if a['kind'] in part]):.3f}" for part in groups.values()]
        return f"| {name} | {value} | " + " | ".join(shown) + " |"

    lines.append(line("as they are", ""))
    for name, values in TRIED.items():
        as_it_is = getattr(constants, name)
        for value in values:
            setattr(constants, name, value)
            lines.append(line(name, f"{value:g}"))
        setattr(constants, name, as_it_is)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Ask what was not asked yet, and write the results."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tables", type=int, default=96)
    options.add_argument("--bootstrap", type=int, default=100)
    options.add_argument("--shared", type=Path, default=SHARED)
    options.add_argument("--scratch", type=Path, default=Path("drift.jsonl"))
    given = options.parse_args()
    done = [json.loads(line) for line in given.scratch.read_text().splitlines()] if given.scratch.exists() else []
    known = {part["part"] for part in done}
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        f"simulated {n}": lambda n=n: answer(*simulated(n), "chinchilla", given.bootstrap) for n in range(given.tables)}
    parts |= {f"{form} {plan} {n}": lambda form=form, plan=plan, n=n: answer(
        *of_cell(form, plan, n), TRUTHS[form], given.bootstrap) for form, plan in CELLS for n in range(CELL_TABLES)}
    parts |= dict(development(given.shared, given.bootstrap))
    for part, ask in parts.items():
        if part not in known:
            done.append({"part": part, **ask()})
            with given.scratch.open("a") as file:
                file.write(json.dumps(done[-1]) + "\n")
    text = report([part for part in done if part["part"] in parts], given.bootstrap)
    print(text)
    (Path(__file__).parent / "results" / f"drift-{date.today()}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
