"""Make the simulated tables of the documentation: python docs/examples/make.py

``runs.csv`` holds runs of the law of Hoffmann et al. 2022 (approach 3) on an isoFLOP grid, with noise of 0.5 % in
the log of the loss. ``recipes.csv`` holds two recipes at the same sizes: the old is that law, the new reaches each
loss with 1 / 1.25 of the compute. ``sweep.csv`` holds learning rates and batches at nine sizes and horizons, under a
law of the form ``tuned_chinchilla`` with noise of 0.2 %; at the largest size and horizon its grid ends below the best
rate. ``streams.csv`` holds models with parallel streams. The laws are known, so that the pages can show what a fit gets
right and what it does not.

``curves.csv`` holds training curves of the multi-power law (Luo et al. 2025, 400M) under three schedules, with noise
of 0.05 % of which neighbouring points share four fifths.

``plateau.csv`` is one learning curve that leaves the plateau of guessing: M4 with noise of 0.5 %.

``data`` is a folder of data for the benchmark: learning curves of power laws with a floor, with noise of 1 %.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np

from lawful.laws import law
from lawful.laws.broken import SaturatingPowerLaw
from lawful.laws.hyperparameters import TunedChinchilla
from lawful.laws.schedules import schedule

NOISE, SEED = 0.005, 2022
BUDGETS = np.geomspace(1e18, 1e21, 7)
SIZES = np.geomspace(0.15, 6.0, 7)
MULTIPLIER = 1.25
STREAM_SIZES, STREAM_NOISE = (5e8, 8e8, 1.3e9, 2e9, 3.2e9, 5e9), 0.001

SWEPT = TunedChinchilla(E=1.69, A=406.4, alpha=0.34, B=410.7, beta=0.28, eta_0=8e-4, p=0.5, q=0.2, batch_0=4e5, g=0.5,
                        c_eta=0.02, c_batch=0.012, r=0.3)

CURVES = {"constant": "constant:peak=3e-4,steps=12000,warmup=600", "cosine": "cosine:peak=3e-4,steps=12000,warmup=600",
          "drop": "two_stage:peak=3e-4,steps=12000,warmup=600,second=9e-5,at=6000"}
CURVE_NOISE, SHARED = 0.0005, 0.8


def main() -> None:
    """Write the tables beside this file."""
    runs()
    recipes()
    sweep()
    curves()
    streams()
    plateau()
    folder()


def curves() -> None:
    """Write ``curves.csv``: a row for every 150th step."""
    truth, rng = replace(law("luo2025_multi_power_law:400M").law, stages=None), np.random.default_rng(SEED)
    with (Path(__file__).parent / "curves.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["run", "step", "lr", "loss"])
        for name, text in CURVES.items():
            made = schedule(text)
            steps = np.append(np.arange(150, made.steps, 150), made.steps)
            steps[steps == 6000] += 1  # where the rate of ``drop`` is new
            clean, off = truth.at(made.changes(steps, most=made.steps)), 0.0
            for step, value in zip(steps, clean, strict=True):
                off = SHARED * off + (1 - SHARED**2) ** 0.5 * rng.standard_normal()
                writer.writerow([name, step, f"{made.rates[step - 1]:.6g}", f"{value * np.exp(CURVE_NOISE * off):.4f}"])


def runs() -> None:
    """Write ``runs.csv``."""
    truth, rng = law("hoffmann2022_approach3"), np.random.default_rng(SEED)
    with (Path(__file__).parent / "runs.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["run", "params", "tokens", "flops", "val_loss"])
        for i, compute in enumerate(BUDGETS):
            for j, size in enumerate(SIZES):
                params = float(f"{truth.law.allocate(compute).params * size:.4g}")
                tokens = float(f"{compute / 6 / params:.4g}")
                loss = truth(params=params, tokens=tokens) * np.exp(NOISE * rng.standard_normal())
                writer.writerow([f"b{i}s{j}", f"{params:.0f}", f"{tokens:.0f}", f"{6 * params * tokens:.6g}",
                                 f"{loss:.4f}"])


def recipes() -> None:
    """Write ``recipes.csv``."""
    old, rng = law("hoffmann2022_approach3").law, np.random.default_rng(SEED + 1)
    c = old.coefficients  # params and tokens are each worth the root of the multiplier more
    new = old.with_coefficients({**c, "A": c["A"] / MULTIPLIER ** (c["alpha"] / 2),
                                 "B": c["B"] / MULTIPLIER ** (c["beta"] / 2)})
    with (Path(__file__).parent / "recipes.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["recipe", "params", "tokens", "val_loss"])
        for name, truth in (("old", old), ("new", new)):
            for compute in BUDGETS[:5]:
                for size in SIZES[1:6]:
                    params = float(f"{old.allocate(compute).params * size:.4g}")
                    tokens = float(f"{compute / 6 / params:.4g}")
                    loss = truth(params=params, tokens=tokens) * np.exp(NOISE * rng.standard_normal())
                    writer.writerow([name, f"{params:.0f}", f"{tokens:.0f}", f"{loss:.4f}"])


def sweep() -> None:
    """Write ``sweep.csv`` beside this file."""
    rng = np.random.default_rng(SEED)
    with (Path(__file__).parent / "sweep.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["params", "tokens", "learning_rate", "batch_tokens", "loss"])
        for params in (1e8, 3e8, 1e9):
            for tokens in (2e9, 1e10, 5e10):
                rates = 1e-4 * 2.0 ** np.arange(8) if (params, tokens) != (1e9, 5e10) else 6e-5 * 2.0 ** np.arange(4)
                for rate in rates:
                    for batch in 65536 * 2 ** np.arange(6):
                        loss = SWEPT(params=params, tokens=tokens, learning_rate=rate, batch_tokens=float(batch))
                        loss *= np.exp(0.002 * rng.standard_normal())
                        writer.writerow([f"{params:.0f}", f"{tokens:.0f}", f"{rate:.4g}", batch, f"{loss:.4f}"])


def streams() -> None:
    """Write ``streams.csv``: sizes and parallel streams, a law with an effective size (arXiv:2505.10475, eq. 5)."""
    rng = np.random.default_rng(SEED + 2)
    with (Path(__file__).parent / "streams.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["params", "streams", "val_loss"])
        for params in STREAM_SIZES:
            for count in (1, 2, 4, 8):
                loss = 1.2 + (1e8 / (params * (1 + 0.35 * np.log(count)))) ** 0.2
                writer.writerow([f"{params:.0f}", count, f"{loss * np.exp(STREAM_NOISE * rng.standard_normal()):.5f}"])


def plateau() -> None:
    """Write ``plateau.csv``."""
    truth, rng = SaturatingPowerLaw(e_inf=0.2, span=0.79, alpha=0.5, d=2e7, c=0.7), np.random.default_rng(SEED + 2)
    with (Path(__file__).parent / "plateau.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["examples", "error"])
        for examples in np.geomspace(1e6, 1e8, 40):
            error = truth(examples=round(examples)) * np.exp(NOISE * rng.standard_normal())
            writer.writerow([f"{examples:.0f}", f"{error:.4f}"])


def folder() -> None:
    """Write ``data/made-up/curves.csv``: four learning curves, of which the last three points are to be forecast."""
    rng = np.random.default_rng(SEED + 3)
    with (Path(__file__).parent / "data" / "made-up" / "curves.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["model", "images_seen", "error_rate"])
        for model, floor, slope in zip(("tiny", "small", "base", "large"), (0.3, 0.2, 0.12, 0.08),
                                       (0.4, 0.4, 0.5, 0.5), strict=True):
            for images in np.geomspace(1e5, 1e8, 16):
                error = (floor + 0.5 * (images / 1e5) ** -slope) * np.exp(0.01 * rng.standard_normal())
                writer.writerow([model, f"{images:.0f}", f"{error:.4f}"])


if __name__ == "__main__":
    main()
