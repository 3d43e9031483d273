"""Do 90 % intervals of a fit to training curves hold the truth at the end of schedules that it did not see?

``LAWFUL_STUDIES=full`` simulates 60 tables a law with 200 resamples; the default is 8 with 40. Curves have noise of
0.1 %, of which neighbouring points share four fifths, and follow the law exactly: the error of the form is not in it.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

from lawful.fit.curves.curves import fit_curves
from lawful.fit.curves.schedules import along
from lawful.laws.annealing import AnnealedLoss, MultiPowerLoss, ScheduleLoss
from lawful.laws.schedules import schedule
from lawful.runs import RunTable

FULL = os.environ.get("LAWFUL_STUDIES") == "full"
TABLES, RESAMPLES = (60, 200) if FULL else (8, 40)
NOISE, SHARED, LEVEL = 1e-3, 0.8, 0.9

LAWS: dict[str, ScheduleLoss] = {
    "multi_power": MultiPowerLoss(L0=2.9, A=0.55, alpha=0.5, B=420.0, C=2.0, beta=0.6, gamma=0.65, stages=None),
    "annealed_loss": AnnealedLoss(L0=3.0, A=0.55, alpha=0.5, C=0.7, lam=0.996, stages=None),
}
SEEN = [schedule(f"{text}=3e-4,steps=12000,warmup=400") for text in ("constant:peak", "cosine:peak")]
SEEN.append(schedule("two_stage:peak=3e-4,steps=12000,warmup=400,second=9e-5,at=6000"))
ASKED = [schedule(f"wsd:peak=3e-4,steps=12000,warmup=400,{rest}") for rest in ("decay=0.2", "decay=0.4,shape=linear")]


def table(law: ScheduleLoss, seed: int, points: int = 60) -> RunTable:
    """Curves of ``law`` under the schedules seen."""
    rng = np.random.default_rng(seed)
    columns: dict[str, list[float | str]] = {"run": [], "step": [], "lr": [], "loss": []}
    for made in SEEN:
        at = made.points(points)
        off = np.empty(len(at))
        for i, shock in enumerate(rng.standard_normal(len(at))):
            off[i] = SHARED * off[i - 1] + (1 - SHARED**2) ** 0.5 * shock if i else shock
        columns["run"] += [made.name] * len(at)
        columns["step"] += at.tolist()
        columns["lr"] += made.rates[at - 1].tolist()
        columns["loss"] += (law.at(made.changes(at)) * np.exp(NOISE * off)).tolist()
    return RunTable.from_columns(columns)


def coverage(name: str, tables: int, resamples: int) -> tuple[float, float]:
    """The share of ends that the law's interval holds, and that of one more run."""
    inside, new = [], []
    for seed in range(tables):
        fitted = fit_curves(name, table(LAWS[name], seed), warmup=400, bootstrap=resamples, seed=seed, level=LEVEL)
        for made in ASKED:
            answer = along(fitted, made, [made.steps])
            truth = float(LAWS[name].at(made.changes([made.steps]))[0])
            assert answer.low is not None
            assert answer.high is not None
            assert answer.new_low is not None
            assert answer.new_high is not None
            inside.append(answer.low[0] <= truth <= answer.high[0])
            new.append(answer.new_low[0] <= truth <= answer.new_high[0])
    return float(np.mean(inside)), float(np.mean(new))


@pytest.mark.study
@pytest.mark.parametrize("name", LAWS)
def test_intervals_of_unseen_ends_cover(name: str) -> None:
    law, new = coverage(name, TABLES, RESAMPLES)
    print(f"\n{name}, {TABLES} tables, {RESAMPLES} resamples: law {law:.3f}, one more run {new:.3f}")
    slack = 3 * np.sqrt(LEVEL * (1 - LEVEL) / TABLES)  # the two ends of a table are one draw of its noise
    assert law >= LEVEL - slack
    assert new >= LEVEL - slack
