"""Does the stated limit hold on real runs? Fits below a cut state it, and the runs above the cut are held against it.

    python benchmarks/reach.py [--shared ../shared]

The tables are those of ``benchmarks/intervals.py``, cut half a decade and a decade below their top; the additive law
is fitted to the runs below (at least 15). A run above the cut is tested, novel (a combination that no run had) or
untested (of larger scale than was tested), as a forecast of it says; its error is held against that of the step it
falls in, or of the last step. Writes a dated table to ``benchmarks/results``.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from datetime import date
from pathlib import Path

import numpy as np

from intervals import FEWEST, TABLES
from lawful.fit import Fit, fit, forecast
from lawful.store import read_runs

CUTS = (0.5, 1.0)
GROUPS = ("tested", "novel", "untested")


def judged(fitted: Fit, at: dict[str, float], observed: float) -> tuple[str, float, float] | None:
    """The group of a question, the size of its error and the error that was stated; None for a fit without a limit."""
    answer = forecast(fitted, at)
    if answer.joint is None or answer.tested is None or not answer.tested.steps:
        return None
    codes = {w.code for w in answer.warnings}
    group = "novel" if "novel_combination" in codes else "untested" if "untested_reach" in codes else "tested"
    stated = next((s.error for s in answer.tested.steps if s.decades >= answer.joint.scale),
                  answer.tested.steps[-1].error)
    return group, abs(float(np.log(observed / answer.value))), stated


def main() -> None:
    """Score every table and write the results."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--shared", default=os.environ.get("LAWFUL_SHARED", Path(__file__).parents[2] / "shared"))
    given = options.parse_args()
    found: dict[tuple[float, str], dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    silent = []
    for name, (path, where, mapping) in TABLES.items():
        runs = read_runs(str(Path(given.shared) / "data" / path), where=where, mapping=mapping)
        for decades in CUTS:
            below = runs["compute"] <= runs["compute"].max() / 10**decades
            if below.sum() < FEWEST:
                continue
            fitted, test = fit("chinchilla", runs.take(below), bootstrap=50), runs.take(~below)
            for i in range(len(test)):
                got = judged(fitted, {q: float(test[q][i]) for q in fitted.law.inputs}, float(test["loss"][i]))
                if got is None:
                    silent.append(f"{name} below {decades:g}")
                    break
                found[decades, got[0]][name].append(got[1:])
        print(name, "done", flush=True)
    lines = [f"# The stated limit on public tables, {date.today()}", "",
             f"{len(TABLES)} tables, additive law; no limit was stated for: {', '.join(silent) or 'none'}.", "",
             "| cut, decades below the top | runs above it | tables | runs | within the stated error | mean, tables "
             "| median error | median stated |", "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for (decades, group), tables in sorted(found.items(), key=lambda item: (item[0][0], GROUPS.index(item[0][1]))):
        pairs = np.array([pair for some in tables.values() for pair in some])
        held = [float(np.mean([e <= s for e, s in some])) for some in tables.values()]
        lines.append(f"| {decades:g} | {group} | {len(tables)} | {len(pairs)} | "
                     f"{100 * np.mean(pairs[:, 0] <= pairs[:, 1]):.0f} % | {100 * np.mean(held):.0f} % | "
                     f"{100 * np.median(pairs[:, 0]):.1f} % | {100 * np.median(pairs[:, 1]):.1f} % |")
    text = "\n".join(lines) + "\n"
    print(text)
    (Path(__file__).parent / "results" / f"reach-{date.today()}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
