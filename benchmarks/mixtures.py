"""The mixture that small runs choose, judged by what larger ones measured: python benchmarks/mixtures.py

Laws of mixing are fitted to small runs and asked which of the measured mixtures of larger or held-out runs is the best.
``regret`` is the measured target of the mixture so chosen, over that of the best measured one [nats/token]; ``average``
is the regret of a mixture drawn at random, ``rank`` Spearman's correlation of predicted and measured targets, ``error``
the mean relative error of the predicted target. The target is the mean of the losses on all domains measured.

- ``mixture-nd-slimpajama``: seven domains, fitted at 122M (``additive`` from 122M to 680M, every third checkpoint past
  3B tokens), asked at 937M and 1.2B; ``small runs`` takes the mixture that was best at 122M;
- ``regmix``: 17 domains, fitted to 512 mixtures of 1M params, asked about held-out ones at 1M, 60M and 1B;
- ``bimix``: 22 domains and six mixtures, each forecast from the other five at its last step.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from lawful.fit import Fit, fit
from lawful.laws.base import Law
from lawful.laws.data import BivariateMixing
from lawful.laws.mixtures import additive_mixing, exponential_mixing, share_mixing
from lawful.plan.data.target import target
from lawful.runs import RunTable

HERE = Path(__file__).parent
SHARED = Path(os.environ.get("LAWFUL_SHARED", HERE.parents[1] / "shared"))
Run = dict[str, str]
HEAD = ("| set | law | asked at | mixtures | regret | average | rank | error |", "|" + " --- |" * 8)


def main() -> None:
    """Print the table, and write it with the date."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("-o", "--output", type=Path, default=HERE / "results" / f"mixtures-{date.today()}.md")
    asked = options.parse_args()
    lines = [f"# Mixtures chosen by small runs, {date.today()}", "", *HEAD]
    for line in chain(slimpajama(), regmix(), bimix()):
        lines.append(line)
        print(line, flush=True)
    asked.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


def judged(name: str, law: str, asked: str, expected: np.ndarray, measured: np.ndarray, level: bool = True) -> str:
    """A line of the table."""
    regret, average = (value - measured.min() for value in (measured[int(np.argmin(expected))], measured.mean()))
    rank = np.corrcoef(*(np.argsort(np.argsort(values)) for values in (expected, measured)))[0, 1]
    error = f"{100 * np.abs(expected / measured - 1).mean():.2f} %" if level else ""
    return f"| {name} | {law} | {asked} | {len(measured)} | {regret:.4f} | {average:.4f} | {rank:.3f} | {error} |"


def columns(runs: Sequence[Run], names: dict[str, str]) -> dict[str, np.ndarray]:
    """The columns of ``runs`` by the quantities' names."""
    return {name: np.array([float(run[column]) for run in runs]) for name, column in names.items()}


def by_domain(form: Callable[[Sequence[str], str], Law], domains: Sequence[str], losses: Sequence[str],
              runs: Sequence[Run], names: dict[str, str]) -> Fit:
    """The mean of the losses from one fit for each."""
    shares = columns(runs, names)
    return target({name: fit(form(domains, f"loss.{name}"), RunTable.from_columns(
        {**shares, f"loss.{name}": [run[f"loss_{name}"] for run in runs]}), bootstrap=0) for name in losses})


def mean_loss(runs: Sequence[Run], losses: Sequence[str]) -> np.ndarray:
    """The mean of the measured losses, ``(run,)``."""
    return np.mean([[float(run[f"loss_{name}"]) for name in losses] for run in runs], axis=1)


def asked_of(law: Fit, runs: Sequence[Run], names: dict[str, str]) -> np.ndarray:
    """What ``law`` forecasts for ``runs``."""
    found = law.law.at(columns(runs, names))
    return np.asarray(found, dtype=float)


def own_share(domains: Sequence[str], output: str) -> Law:
    """The law of the domain's own share, whatever else there is."""
    return share_mixing(output.partition(".")[2], output=output)


def all_shares(domains: Sequence[str], output: str) -> Law:
    """The law of the domain's own share and what the others are worth of it."""
    domain = output.partition(".")[2]
    return share_mixing(domain, [name for name in domains if name != domain], output)


# ------------------------------------------------------------------------------------------- the three sets

SLIM = ("arxiv", "book", "c4", "github", "commoncrawl", "stackexchange", "wikipedia")


def slim_runs() -> list[Run]:
    """Every checkpoint at which all seven losses were measured."""
    with gzip.open(SHARED / "data/mixture-nd-slimpajama/checkpoints.csv.gz", "rt", newline="") as file:
        return [run for run in csv.DictReader(file) if all(run[f"loss_{name}"] for name in SLIM)]


def finals(runs: Sequence[Run], size: str) -> list[Run]:
    """The last checkpoint of each mixture at one size."""
    some = [run for run in runs if run["N"] == size]
    end = max(float(run["D"]) for run in some)
    return [run for run in some if float(run["D"]) == end]


def slimpajama() -> Iterator[str]:
    """One law of the mean, laws of each domain at one size, and over sizes; and no law at all."""
    runs = slim_runs()
    shares = {f"mixture.{name}": f"p_{name}" for name in SLIM}
    grown = {**shares, "params": "N", "tokens": "D"}
    small = finals(runs, "122000000")
    one = fit(exponential_mixing(SLIM), RunTable.from_columns(
        {**columns(small, shares), "loss": mean_loss(small, SLIM)}), bootstrap=0)
    each = by_domain(exponential_mixing, SLIM, SLIM, small, shares)
    own, helped = (by_domain(form, SLIM, SLIM, small, shares) for form in (own_share, all_shares))
    several = [run for run in runs if float(run["N"]) < 7e8 and float(run["D"]) > 3e9][::3]
    added = by_domain(additive_mixing, SLIM, SLIM, several, grown)
    best = {run["mixture"]: loss for run, loss in zip(small, mean_loss(small, SLIM), strict=True)}
    for size in ("937000000", "1235000000"):
        held = finals(runs, size)
        measured, at = mean_loss(held, SLIM), f"{float(size) / 1e6:g}M"
        yield judged("slimpajama", "one exponential of the mean", at, asked_of(one, held, shares), measured, False)
        yield judged("slimpajama", "an exponential a domain", at, asked_of(each, held, shares), measured, False)
        yield judged("slimpajama", "own share, a law a domain", at, asked_of(own, held, shares), measured, False)
        yield judged("slimpajama", "all shares, a law a domain", at, asked_of(helped, held, shares), measured, False)
        yield judged("slimpajama", "additive, a law a domain", at, asked_of(added, held, grown), measured)
        yield judged("slimpajama", "none: small runs", at, np.array([best[run["mixture"]] for run in held]), measured,
                     False)


def regmix() -> Iterator[str]:
    """The loss on web text alone, and the mean of all thirteen."""
    with open(SHARED / "data/regmix/mixtures.csv", newline="") as file:
        runs = list(csv.DictReader(file))
    domains = [name[2:] for name in runs[0] if name.startswith("p_")]
    losses = [name[5:] for name in runs[0] if name.startswith("loss_")]
    names = {f"mixture.{name}": f"p_{name}" for name in domains}
    train = [run for run in runs if run["split"] == "train"]
    for what, some in (("web text", ["pile_cc"]), ("the mean of 13", losses)):
        for law, form in (("an exponential a domain", exponential_mixing), ("own share, a law a domain", own_share),
                          ("all shares, a law a domain", all_shares)):
            each = by_domain(form, domains, some, train, names)
            for size in ("1M", "60M", "1B"):
                held = [run for run in runs if run["size"] == size and run["split"] == "test"]
                yield judged(f"regmix, {what}", law, size, asked_of(each, held, names), mean_loss(held, some),
                             size == "1M")


def bimix() -> Iterator[str]:
    """Each of six mixtures from the other five."""
    with open(SHARED / "data/bimix/losses.csv", newline="") as file:
        runs = list(csv.DictReader(file))
    domains, mixtures = (sorted({run[name] for run in runs}) for name in ("domain", "mixture"))
    end = max(int(run["step"]) for run in runs)
    form: Any = BivariateMixing(B=1.0, beta=0.5, C=1.0, alpha=0.5, domain="own")
    names = {"mixture.own": "proportion", "steps": "step", "loss": "loss"}
    expected, measured = np.zeros(len(mixtures)), np.zeros(len(mixtures))
    for i, left_out in enumerate(mixtures):
        for domain in domains:
            some = [run for run in runs if run["domain"] == domain]
            law = fit(form, RunTable.from_columns(columns([r for r in some if r["mixture"] != left_out], names)),
                      bootstrap=0)
            last = [r for r in some if r["mixture"] == left_out and int(r["step"]) == end]
            expected[i] += asked_of(law, last, names)[0] / len(domains)
            measured[i] += float(last[0]["loss"]) / len(domains)
    yield judged("bimix, the mean of 22", "bimix, each domain", "the mixture left out", expected, measured)


if __name__ == "__main__":
    main()
