"""Does the run that ``identify`` proposes narrow what it says, and does it name collinear designs? A study.

``LAWFUL_STUDIES=full``, or this file as a script, takes 100 tables a design; the default is 8 and one design.
For each table the proposed run is simulated, added and the law fitted again, and so is a run at random at the same
cost: the width of the target's profile interval is compared, paired by table.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest

from conftest import TRUTH, isoflop_design
from lawful.runs import RunTable
from lawful.validate.designs import collinear
from lawful.validate.identifiability import identify
from lawful.validate.identified import Identifiability
from lawful.validate.next_run import BEYOND

FULL = os.environ.get("LAWFUL_STUDIES") == "full" or __name__ == "__main__"
TABLES = 100 if FULL else 8
NOISE = 0.006

Design = Mapping[str, np.ndarray]


def ladder(rng: np.random.Generator, scatter: float = 0.15) -> Design:
    """24 sizes at about 20 tokens a parameter."""
    params = np.geomspace(1e7, 1e10, 24)
    return {"params": params, "tokens": 20 * params * 10.0 ** rng.normal(0, scatter, 24)}


def scattered(rng: np.random.Generator) -> Design:
    """30 runs with sizes and tokens drawn independently."""
    return {"params": 10.0 ** rng.uniform(7.5, 9.5, 30), "tokens": 10.0 ** rng.uniform(9, 11, 30)}


DESIGNS = {
    "narrow isoFLOP": lambda rng: isoflop_design(4, 6, 4.0),
    "ladder with scatter": ladder,
    "scattered": scattered,
}


def table(design: Design, rng: np.random.Generator) -> RunTable:
    """Runs of the truth with noise."""
    clean = TRUTH.at(design)
    return RunTable.of(**design, loss=clean * np.exp(NOISE * rng.standard_normal(len(clean))))


def with_run(runs: RunTable, at: Mapping[str, float], rng: np.random.Generator) -> RunTable:
    """The table with one more run of the truth."""
    loss = float(TRUTH.at(at)) * np.exp(NOISE * rng.standard_normal())
    return RunTable.of(**{name: np.append(runs[name], at[name]) for name in at}, loss=np.append(runs["loss"], loss))


def at_random(runs: RunTable, cost: float, rng: np.random.Generator) -> dict[str, float]:
    """A run at this cost, its size drawn from the box that runs are proposed in."""
    (low, high), (least, most) = (((np.log10(runs[n].min()) - BEYOND), (np.log10(runs[n].max()) + BEYOND))
                                  for n in ("params", "tokens"))
    product = np.log10(cost / 6.0)
    params = 10.0 ** rng.uniform(max(low, product - most), min(high, product - least))
    return {"params": params, "tokens": cost / 6.0 / params}


@dataclass(frozen=True)
class Outcome:
    """What one table showed: the width of the target's interval over that before, as said, with the run, at random."""

    said: float
    proposed: float
    random: float
    errors: tuple[float, float, float]


def width(found: Identifiability, target: str) -> float:
    """The width of a coefficient's profile interval, infinite where it is open."""
    (c,) = (c for c in found.coefficients if c.name == target)
    return np.inf if c.low is None or c.high is None else c.high - c.low


def outcome(name: str, seed: int) -> Outcome | None:
    """One table of a design; None where the target's interval was open to begin with."""
    rng = np.random.default_rng(seed)
    runs = table(DESIGNS[name](rng), rng)
    found = identify(runs)
    run = found.next_runs[0]
    before = width(found, run.target)
    if not np.isfinite(before):
        return None
    after = identify(with_run(runs, run.at, rng))
    random = identify(with_run(runs, at_random(runs, run.cost, rng), rng))
    errors = [abs(next(c.value for c in f.coefficients if c.name == run.target) - getattr(TRUTH, run.target))
              for f in (found, after, random)]
    return Outcome(run.shrinks_to, width(after, run.target) / before, width(random, run.target) / before,
                   (errors[0], errors[1], errors[2]))


def summary(name: str, tables: int) -> dict[str, float]:
    """Medians over the tables, and the share in which the proposed run beat the random one."""
    found = [o for seed in range(tables) if (o := outcome(name, seed)) is not None]
    error = np.array([o.errors for o in found])
    return {"tables": len(found), "said": float(np.median([o.said for o in found])),
            "proposed": float(np.median([o.proposed for o in found])),
            "random": float(np.median([o.random for o in found])),
            "better than random": float(np.mean([o.proposed < o.random for o in found])),
            "error before": float(np.median(error[:, 0])), "error after": float(np.median(error[:, 1])),
            "error after random": float(np.median(error[:, 2]))}


@pytest.mark.study
@pytest.mark.parametrize("name", DESIGNS if FULL else ["narrow isoFLOP"])
def test_the_proposed_run_narrows_what_it_says_and_more_than_one_at_random(name: str) -> None:
    found = summary(name, TABLES)
    print(f"\n{name}:", found)
    assert found["proposed"] == pytest.approx(found["said"], abs=0.15)
    assert found["proposed"] < found["random"]
    assert found["better than random"] >= 0.5 + (1.0 / np.sqrt(found["tables"]) if FULL else 0.0), "two standard errors"


def collinear_designs(rng: np.random.Generator) -> dict[str, tuple[Design, str]]:
    """A design of each kind, with other sizes, ratios and scatter each time, and the code it must get."""
    count = int(rng.integers(8, 60))
    params = 10.0 ** np.sort(rng.uniform(7, 7 + rng.uniform(1.5, 3), count))
    wobble = 10.0 ** rng.normal(0, rng.uniform(0, 0.02), count)
    slope = rng.choice([0.4, 0.6, 0.75, 1.3, 1.6])
    return {
        "fixed tokens per parameter": ({"params": params, "tokens": 10 ** rng.uniform(0, 2) * params * wobble},
                                       "fixed_ratio"),
        "one budget": ({"params": params, "tokens": 10 ** rng.uniform(17, 20) / params * wobble}, "one_budget"),
        "tokens a function of params": ({"params": params, "tokens": 1e9 * (params / 1e8) ** slope * wobble},
                                        "one_line"),
        "one size": ({"params": 1e8 * 10.0 ** rng.normal(0, 0.003, count), "tokens": params}, "one_level"),
        "two sizes": ({"params": rng.permutation(np.resize([1e8, 10 ** rng.uniform(8.3, 10)], count)),
                       "tokens": params}, "two_level"),
    }


@pytest.mark.study
def test_collinear_designs_are_named_and_sound_ones_are_not() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        for what, (design, code) in collinear_designs(rng).items():
            found = collinear(design)
            assert [d.code for d in found] == [code], (seed, what, found)
        budgets, sizes = int(rng.integers(3, 8)), int(rng.integers(4, 10))
        for name, design in (("isoFLOP", isoflop_design(budgets, sizes, rng.uniform(3, 30))),
                             ("scattered", scattered(rng)), ("a ladder that scatters", ladder(rng, 0.1))):
            assert collinear(design) == (), (seed, name)


if __name__ == "__main__":
    for case in DESIGNS:
        print(case, summary(case, TABLES), flush=True)
