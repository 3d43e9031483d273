"""What an ensemble of language models gains, where every byte is new: python benchmarks/ensembles.py [-o FILE]

Small transformers on the bytes of Python's standard library (``lawful.lab``): at each budget of compute one model, and
2, 4 and 8 models with an equal share of it each, all of the size that is best for their share and trained once over
bytes drawn by their own seed. Members are combined by the mean of their logits. Writes the held-out loss of every
number of members (the mean over the cyclic runs of members that long), and the gain b of L - b (1 - 1 / n) by least
squares. About a quarter of an hour of one core; a second start goes on where the first stopped.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from dataclasses import replace
from datetime import date
from importlib.resources import files
from pathlib import Path

os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")})

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from lawful.lab.corpus import Corpus, load_corpus
from lawful.lab.sweep import spec_for
from lawful.lab.train import EVAL_SEQUENCES, RunSpec, train_model
from lawful.lab.transformer import Transformer, param_groups

COLUMNS = ("compute", "split", "members", "params", "tokens", "loss", "gain", "gain_needed", "one", "wall_s")

# The best size of the packaged sweep near each share of compute: width and depth by FLOP up to which it is taken.
SIZES = ((1.8e11, (24, 2)), (4.1e11, (32, 2)), (7e11, (40, 2)), (2e12, (48, 2)), (5e12, (64, 2)))
PLAN = ((1e12, (2, 4, 8)), (10**12.5, (8, 4, 2)))


def size_for(compute: float) -> tuple[int, int]:
    return next(shape for most, shape in SIZES if compute <= most)


def packaged(compute: float) -> float:
    """The loss of one model of the packaged sweep at ``compute``."""
    run = spec_for(compute, *size_for(compute)).run
    text = (files("lawful.data") / "stdlib_bytes.csv").read_text(encoding="utf-8")
    return next(float(row["loss"]) for row in csv.DictReader(text.splitlines()) if row["run"] == run)


def members(compute: float, count: int) -> list[RunSpec]:
    """``count`` runs of an equal share of ``compute``, that differ in their seed."""
    spec = spec_for(compute / count, *size_for(compute / count))
    return [replace(spec, seed=seed) for seed in range(count)]


@torch.no_grad()
def losses(models: list[Transformer], corpus: Corpus) -> dict[int, float]:
    """The held-out loss by number of members: the mean over every cyclic run of so many of them."""
    data, context, n = corpus.held_out, models[0].shape.context, len(models)
    starts = np.arange(0, data.size - context, context)
    windows = torch.from_numpy(data[starts[:, None] + np.arange(context + 1)].astype(np.int64))
    counts = [k for k in (1, 2, 4, 8) if k <= n]
    total = dict.fromkeys(counts, 0.0)
    for part in torch.split(windows, EVAL_SEQUENCES):
        logits = [model(part[:, :-1]).flatten(0, 1) for model in models]
        target = part[:, 1:].flatten()
        for k in counts:
            runs = [sum(logits[(first + i) % n] for i in range(k)) / k for first in range(n if k < n else 1)]
            total[k] += len(part) * float(np.mean([F.cross_entropy(run, target).item() for run in runs]))
    return {k: value / len(windows) for k, value in total.items()}


def gain(by_count: dict[int, float]) -> float:
    """b of L - b (1 - 1 / n) by least squares, the loss of one member held."""
    x = np.array([1.0 - 1.0 / k for k in by_count])
    y = by_count[1] - np.array(list(by_count.values()))
    return float(x @ y / (x @ x))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path,
                        default=Path(__file__).parent / "results" / f"{date.today()}-ensembles.csv")
    path = parser.parse_args().output
    torch.set_num_threads(1)
    corpus = load_corpus()
    done: set[tuple[float, int]] = set()
    if path.exists():
        with path.open(encoding="utf-8") as file:
            done = {(float(r["compute"]), int(r["split"])) for r in csv.DictReader(file)}
    else:
        path.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    for compute, counts in PLAN:
        one = packaged(compute)
        for count in counts:
            if (compute, count) in done:
                continue
            start = time.perf_counter()
            specs = members(compute, count)
            found = losses([train_model(spec, corpus)[0] for spec in specs], corpus)
            needed = (found[1] - one) / (1.0 - 1.0 / count)
            with path.open("a", newline="", encoding="utf-8") as file:
                for k, loss in found.items():
                    row = (compute, count, k, param_groups(specs[0].shape).total, specs[0].tokens, f"{loss:.5f}",
                           f"{gain(found):.5f}", f"{needed:.5f}", f"{one:.5f}", f"{time.perf_counter() - start:.0f}")
                    csv.writer(file, lineterminator="\n").writerow(row)
                    print(*row, flush=True)


if __name__ == "__main__":
    main()
