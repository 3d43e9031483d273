"""The packaged sweep: its list of runs, and the command that trains them.

    python -m lawful.lab.sweep -o stdlib_bytes.csv            all of it, an hour or two on two cores
    python -m lawful.lab.sweep -o out.csv --only-budget 1e11  one isoFLOP curve, about a minute
    python -m lawful.lab.sweep --dry-run                      what would run, and its FLOPs

A finished run is one appended row; a second start skips the runs already in the file.
"""

from __future__ import annotations

import argparse
import csv
import math
import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

from lawful.errors import InputError, MissingExtra
from lawful.lab.corpus import load_corpus

try:
    import torch
except ModuleNotFoundError as error:
    raise MissingExtra("training", "train") from error

from lawful.lab.train import Record, RunSpec, train
from lawful.lab.transformer import Shape, flop_per_token, param_groups

CONTEXT = 128
# (width, depth): one ladder, each rung about 1.6 times the last; a budget uses seven in a row.
LADDER = (
    (8, 1), (12, 1), (16, 1), (16, 2), (24, 2), (32, 2), (40, 2),
    (48, 2), (64, 2), (64, 3), (80, 3), (96, 3), (128, 3), (160, 4),
)  # fmt: skip
FIRST_RUNG = {10**10.5: 0, 1e11: 1, 10**11.5: 2, 1e12: 4, 10**12.5: 5, 1e13: 6}
RUNGS = 7
SEEDED_BUDGET = 1e11  # this curve is trained with every seed, the others with seed 0
SEEDS = (0, 1, 2)


def shape_of(width: int, depth: int) -> Shape:
    """The model shape with heads about 16 wide."""
    return Shape(width, depth, max(1, round(width / 16)), CONTEXT)


def batch_rule(tokens: float) -> int:
    """Batch size [tokens] for a run of so many ``tokens``: their square root, in whole windows.

    Steps and batch then grow alike: 300 steps of 300 tokens, or 5,000 steps of 5,000.
    """
    return CONTEXT * max(2, round(math.sqrt(tokens) / CONTEXT))


def learning_rate_rule(tokens: float) -> float:
    """The base learning rate for a horizon of ``tokens``: a power law through the tuning runs' optima.

    It rises because the batch does (`batch_rule`). The eight optima scatter about it by a factor of
    1.35, the farthest by 1.75; a rate twice too low or too high costs about 1 % of the loss.
    """
    return float(f"{0.0115 * (tokens / 2**20) ** 0.37:.3g}")


def spec_for(budget: float, width: int, depth: int, learning_rate: float | None = None) -> RunSpec:
    """The run of a model of this size whose 6 N D is ``budget`` [FLOP], to within half a step."""
    shape = shape_of(width, depth)
    tokens = budget / (6 * param_groups(shape).total)
    batch = batch_rule(tokens)
    steps = round(tokens / batch)
    return RunSpec(
        budget=float(f"{budget:.3g}"),
        width=width,
        depth=depth,
        heads=shape.heads,
        batch_tokens=batch,
        steps=steps,
        warmup_steps=max(20, round(0.05 * steps)),
        learning_rate=learning_rate_rule(tokens) if learning_rate is None else learning_rate,
    )


def isoflop_specs() -> list[RunSpec]:
    """The packaged sweep, cheapest budget first: seven sizes a budget, three seeds at one of them."""
    return [
        replace(spec_for(budget, width, depth), seed=seed)
        for budget, first in FIRST_RUNG.items()
        for seed in (SEEDS if budget == SEEDED_BUDGET else SEEDS[:1])
        for width, depth in LADDER[first : first + RUNGS]
    ]


def tuning_specs() -> list[RunSpec]:
    """The runs behind `learning_rate_rule`: six powers of two at eight pairs of size and horizon."""
    plan = {
        10**10.5: ((16, 1),),
        1e11: ((16, 1), (32, 2), (64, 2)),
        10**11.5: ((16, 2), (64, 2)),
        1e12: ((24, 2), (64, 2)),
    }
    return [
        spec_for(budget, width, depth, 2.0**power)
        for budget, sizes in plan.items()
        for width, depth in sizes
        for power in range(-9, -3)
    ]


def pending(specs: Sequence[RunSpec], path: Path) -> list[RunSpec]:
    """The ``specs`` with no row yet in the table at ``path``, which need not exist."""
    if not path.exists():
        return list(specs)
    with path.open(newline="", encoding="utf-8") as file:
        done = {row["run"] for row in csv.DictReader(file)}
    return [spec for spec in specs if spec.run not in done]


def append(record: Record, path: Path) -> None:
    """Add ``record`` as the last row of the table at ``path``, with a header if the file is new.

    Raises `InputError` when the file's columns are others.
    """
    if not path.exists():
        path.write_text(",".join(record) + "\n", encoding="utf-8")
    with path.open("r+", newline="", encoding="utf-8") as file:
        columns = next(csv.reader(file))
        if columns != list(record):
            raise InputError(f"{path} has other columns than these runs; give a new file with -o")
        file.seek(0, 2)
        csv.DictWriter(file, columns, lineterminator="\n").writerow(record)


def run(specs: Sequence[RunSpec], path: Path, workers: int = 1) -> Iterator[Record]:
    """Train the ``specs`` that ``path`` lacks, in ``workers`` processes; yields each record once saved."""
    todo = pending(specs, path)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            for future in as_completed([pool.submit(work, spec) for spec in todo]):
                record = future.result()
                append(record, path)
                yield record
        finally:  # stopped by a key, an error or the caller: start no more
            pool.shutdown(wait=False, cancel_futures=True)


def work(spec: RunSpec) -> Record:
    """One run on this machine's corpus: what a worker process does."""
    return train(spec, load_corpus())


def overview(specs: Sequence[RunSpec]) -> Iterator[str]:
    """A line for each run, with its FLOP by both conventions, and one for their sum."""
    for spec in specs:
        params = param_groups(spec.shape).total
        yield (
            f"{spec.run}  budget {spec.budget:.3g}  {spec.width:3d}x{spec.depth}  N {params:7,d}  "
            f"D {spec.tokens:10,d}  D/N {spec.tokens / params:6.1f}  "
            f"{spec.steps:4d} steps of {spec.batch_tokens:4d}  learning rate {spec.learning_rate:.3g}  "
            f"6ND {spec.compute:.3g}  exact {flop_per_token(spec.shape) * spec.tokens:.3g} FLOP"
        )
    yield f"{len(specs)} runs, {sum(spec.compute for spec in specs):.3g} FLOP as 6 N D"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m lawful.lab.sweep",
        description="Train the packaged sweep: small transformers on the bytes of Python's standard library.",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="OUT.csv", help="table to append to, or resume")
    parser.add_argument("--only-budget", type=float, metavar="FLOP", help="one isoFLOP curve, as 1e11")
    parser.add_argument("--tuning", action="store_true", help="the learning-rate runs instead")
    parser.add_argument("--workers", type=int, default=2, help="processes, one thread each (default 2)")
    parser.add_argument("--dry-run", action="store_true", help="list the runs and their FLOPs; train nothing")
    options = parser.parse_args(arguments)
    specs = tuning_specs() if options.tuning else isoflop_specs()
    if options.only_budget is not None:
        specs = [s for s in specs if abs(s.budget / options.only_budget - 1) < 0.02]
    if options.dry_run:
        print("\n".join(overview(specs)))
        return 0
    if options.output is None:
        parser.error("say where the table goes: -o OUT.csv")
    for record in run(specs, options.output, options.workers):
        print(
            f"{record['run']}  {record['budget']:.3g} FLOP  {record['params']:,} params  "
            f"loss {record['loss']:.4f}  {record['wall_s']} s",
            file=sys.stderr,
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
