"""How long a plan takes, with and without its doubt, beside what people write in notebooks.

    python benchmarks/planning.py [-o table.csv] [--repeats N]

In one run, under a fit to the public runs of ``epoch-chinchilla`` (``outlier == 0``, 240 runs) with 10,000 draws:

- one decision: params and tokens under money, memory and tokens per param, training and serving together, with its
  interval over 0 to 10,000 draws; and the same in less memory with six choices of bits after training;
- the recipe: scipy's SLSQP with its own differences, from the optimum, once for each draw; and scipy's
  differential evolution for the decision itself, with the constraints as penalties;
- frontiers: of two goals over two variables, of three goals over six; and the latter by SLSQP, bound for bound, on the
  planner's own function.

``objective`` is the loss at the decision, or for a recipe over draws the largest difference of a draw's optimum from
ours, relative. Every process uses one thread. The table goes to ``benchmarks/results/`` with the date, or where ``-o``
says.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from clocks import HERE, Row, machine, public_runs, timed, write

# isort: split
import numpy as np
from scipy.optimize import differential_evolution, minimize

from lawful.fit import Fit, fit
from lawful.laws import law
from lawful.laws.composed import compose_by_name
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import decide, frontier
from lawful.plan.problem import Problem, parse_problem
from lawful.plan.solving.epsilon import GRID, Search
from lawful.plan.solving.program import Program, draws_of
from lawful.plan.solving.solver import lattice, slsqp
from lawful.plan.solving.spread import optima
from lawful.store import read_runs

DRAWS = (0, 100, 1000, 10_000)
SPANS = (1e8, 1e12), (1e9, 1e15)
BOUNDS = {"usd": 50e3, "memory_bytes": 8e9, "tokens_per_param": 2000.0}
SERVED = 1e12
EVERY = 12
"""Of the bounds of a frontier of three goals, those that the recipe is given: it needs minutes for all."""

Array = np.ndarray


def problem_of(fitted: Fit) -> Problem:
    """Params and tokens under money, memory and tokens per param."""
    spans = tuple(f"{n}={low!r}:{high!r}" for n, (low, high) in zip(("params", "tokens"), SPANS, strict=True))
    return parse_problem(fitted, spans, [f"{n}<={b!r}" for n, b in BOUNDS.items()],
                         rates=Rates("h100", serve_tokens=SERVED))


def rounded(fitted: Fit) -> Problem:
    """The same in 2 GB, with weights rounded after training to one of six widths."""
    problem = problem_of(fitted)
    return parse_problem(fitted, ("params=1e8:1e12", "tokens=1e9:1e15", "post_bits=2,3,4,6,8,16"),
                         ["usd<=50e3", "memory_bytes<=2e9"], rates=problem.rates, then=(law("kumar2024_ptq"),))


def six_variables() -> Problem:
    """Loss, money and memory over size, tokens, unique tokens and the bits of weights, activations and cache."""
    return parse_problem(
        compose_by_name("hoffmann2022_approach3+repetition+precision"),
        ("params=1e8:1e12", "tokens=1e9:1e14", "unique_tokens=1e9:1e12", "weight_bits=3:16", "activation_bits=3:16",
         "kv_bits=3:16"), ["usd<=1e7", "usd>=1e3"], "loss,usd,memory_bytes", Rates("h100", serve_tokens=1e12))


def clock(what: str, work: Callable[[], Any], repeats: int) -> tuple[Any, Row]:
    """What ``work`` gives, and the medians of its times, of several after one that is not counted."""
    if repeats > 1:
        work()
    runs = [timed(work) for _ in range(repeats)]
    wall, cpu = (statistics.median(run[i] for run in runs) for i in (1, 2))
    return runs[-1][0], Row(what, wall, cpu)


def in_turns(problem: Problem, repeats: int) -> list[Row]:
    """One plan with every number of draws, in turns, so that all meet the same machine."""
    made = [decide(problem, draws=draws) for draws in DRAWS]
    runs = [[timed(partial(decide, problem, draws=draws))[1:] for draws in DRAWS] for _ in range(repeats)]
    middle = np.median(np.array(runs), axis=0)
    return [Row(f"lawful: one plan with {draws:,} draws", float(wall), float(cpu), one.metrics["loss"])
            for draws, one, (wall, cpu) in zip(DRAWS, made, middle, strict=True)]


# -------------------------------------------------------------------------------------------- recipes

class Notebook:
    """The same problem as written by hand: a loss, three constraints, logarithms of params and tokens."""

    def __init__(self, problem: Problem) -> None:
        unit = {n: float(v) for n, v in problem.metrics({"params": np.ones(()), "tokens": np.ones(())}).items()}
        self.serve = unit["serve_usd"]
        self.train = unit["usd"] - unit["serve_usd"]
        self.byte = unit["memory_bytes"]
        self.bounds = [tuple(np.log(span)) for span in SPANS]

    @staticmethod
    def loss(x: Array, E: float, A: float, alpha: float, B: float, beta: float) -> float:
        """The loss at the logarithms ``x`` of params and tokens."""
        return E + A * np.exp(-alpha * x[0]) + B * np.exp(-beta * x[1])

    def slack(self, x: Array) -> Array:
        """How far each constraint is from binding."""
        N, D = np.exp(x)
        usd = self.train * N * D + self.serve * N
        return np.log([BOUNDS["usd"] / usd, BOUNDS["memory_bytes"] / (self.byte * N),
                       BOUNDS["tokens_per_param"] * N / D])

    def once(self, start: Array, coefficients: Array) -> Array:
        """The optimum of one law, from ``start``."""
        found = minimize(self.loss, start, tuple(coefficients), method="SLSQP", bounds=self.bounds,
                         constraints={"type": "ineq", "fun": self.slack}, options={"ftol": 1e-12})
        return np.array([*found.x, found.fun])

    def every(self, start: Array, draws: Array) -> Array:
        """The optima of all draws, ``(draw, (log params, log tokens, loss))``."""
        return np.array([self.once(start, row) for row in draws])

    def evolved(self, coefficients: Array) -> float:
        """The loss that differential evolution comes to, broken constraints punished."""
        found = differential_evolution(
            lambda x: self.loss(x, *coefficients) + 10.0 * np.maximum(-self.slack(x), 0.0).sum(), self.bounds,
            seed=0, tol=1e-10)
        return float(found.fun)


def bound_for_bound(search: Search) -> int:
    """Every twelfth of the grid of bounds of three goals by SLSQP, from two points of a lattice; how many were met."""
    program = search.program
    low, high = search.spans
    axes = (np.linspace(a, b, GRID[3]) for a, b in zip(low[1:], high[1:], strict=True))
    bounds = np.array(list(itertools.product(*axes)))
    met = 0
    for bound in bounds[::EVERY]:
        best = np.inf
        for i, (first, last) in enumerate(zip(*program.limits, strict=True)):
            starts = first + (last - first) * lattice(2, len(first))
            function = search.function(np.array([i]), bound[None])
            for start in starts:
                one = slsqp(function, 0, start, first, last, program.equal)
                best = min(best, float(one.value[0]) if one.feasible[0] else np.inf)
        met += np.isfinite(best)
    return met


# ---------------------------------------------------------------------------------------------- table

def measure(repeats: int) -> list[Row]:
    """Every row of the table."""
    runs = read_runs(str(public_runs()), where="outlier == 0")
    fitted = fit("chinchilla", runs, bootstrap=max(DRAWS))
    problem = problem_of(fitted)
    rows = in_turns(problem, repeats)
    none, _, thousand, most = (row.cpu_seconds or 0.0 for row in rows)
    rows[-1].ratio = (most - none) / (thousand - none)
    rows[-1].note = "ratio: CPU seconds of 10,000 draws over those of 1,000, each without the plan itself"

    notebook, program = Notebook(problem), Program(problem)
    found = program.minimise()
    (drawn,) = draws_of(problem, 1000)
    ours = optima(program, found, np.zeros(1, dtype=int), [drawn])
    theirs, row = clock("recipe: SLSQP for each of 1,000 draws, from the optimum",
                        lambda: notebook.every(found.x[0], drawn), 1)
    row.objective = float(np.abs(theirs[:, 2] / np.exp(ours.value) - 1.0).max())
    row.ratio, row.note = (row.cpu_seconds or 0.0) / (thousand - none), "ratio: CPU seconds over our 1,000 draws alone"
    rows.append(row)
    coefficients = np.array(list(fitted.law.coefficients.values()))
    best, row = clock("recipe: differential evolution of the plan alone", lambda: notebook.evolved(coefficients), 3)
    row.objective, row.ratio, row.note = best, (row.cpu_seconds or 0.0) / none, "ratio: CPU seconds over our plan"
    rows.append(row)

    chosen, row = clock("lawful: one plan among six choices of bits, with 1,000 draws",
                        lambda: decide(rounded(fitted), draws=1000), repeats)
    row.objective = chosen.metrics["loss"]
    rows.append(row)

    two = dataclasses.replace(problem, minimise=("loss", "memory_bytes"))
    front, row = clock("lawful: frontier of 2 goals over 2 variables, ties by 10,000 draws", lambda: frontier(two), 3)
    row.note = f"{len(front.plans)} plans"
    rows.append(row)
    six = six_variables()
    front, row = clock("lawful: frontier of 3 goals over 6 variables", lambda: frontier(six), 3)
    row.note = f"{len(front.plans)} plans"
    ours_cpu = row.cpu_seconds or 1.0
    rows.append(row)
    met, row = clock("recipe: 12 of its 144 bounds by SLSQP, from two starts a piece",
                     lambda: bound_for_bound(Search(six)), 1)
    row.ratio = (row.cpu_seconds or 0.0) / ours_cpu
    row.note = f"{met} of 12 bounds met; ratio: CPU seconds over those of the whole frontier"
    rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, help="csv file; default benchmarks/results/DATE-planning.csv")
    parser.add_argument("--repeats", type=int, default=21, help="runs of one plan, of which the median counts")
    options = parser.parse_args()
    rows, where = measure(options.repeats), machine()
    print(", ".join(where.values()))
    print(f"{'what':<66} {'wall s':>8} {'CPU s':>8} {'ratio':>7}  objective")
    for row in rows:
        shown = ["" if v is None else format(v, p) for v, p in ((row.cpu_seconds, ".4f"), (row.ratio, ".1f"),
                                                               (row.objective, ".9g"))]
        print(f"{row.what:<66} {row.seconds:>8.4f} {shown[0]:>8} {shown[1]:>7}  {shown[2]}")
    for row in rows:
        if row.note:
            print(f"  {row.what}: {row.note}")
    kept = [{k: f"{v:.9g}" if isinstance(v, float) else v for k, v in dataclasses.asdict(row).items()} for row in rows]
    write(kept, where, options.output or HERE / "results" / f"{where['date']}-planning.csv")


if __name__ == "__main__":
    main()
