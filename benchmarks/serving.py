"""Measured latencies of a Transformer on one H100-class device, beside the roofline: python benchmarks/serving.py

The public table ``inference-latency`` (Beck et al. 2025, arXiv:2510.02228): six Llama-shaped models, 160M to 7B,
batches of 1 to 1,024, prompts up to 16,384 tokens; time to the first token, and mean time of 100 further steps. For
each size:

- assumed: our roofline at its default efficiencies, over the measured time (1 is right, below 1 too optimistic);
- fitted: efficiencies fitted to the smaller half of the work, asked about the larger half: the absolute log error.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
from datetime import date
from itertools import groupby
from pathlib import Path

import numpy as np

from lawful.cost import Efficiency
from lawful.cost.hardware import hardware
from lawful.cost.measured import fit_efficiency
from lawful.cost.serving import prefill_work, step_work
from lawful.cost.shapes import read_config

HERE = Path(__file__).parent
SHARED = Path(os.environ.get("LAWFUL_SHARED", HERE.parents[1] / "shared"))
VOCABULARY, WRITTEN = 50304, 100
"""The vocabulary that the stated numbers of params imply, and the steps that the mean is over."""


def seconds(work: tuple[float, float], reached: Efficiency) -> float:
    """The roofline of an H100 in bf16."""
    device = hardware("h100")
    return max(work[0] / (device.peak_flop_per_second * reached.compute),
               work[1] / (device.bandwidth_bytes_per_second * reached.memory)) + reached.overhead_s


def main() -> None:
    """Print the table, and write it with the date."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("-o", "--output", type=Path, default=HERE / "results" / f"serving-{date.today()}.md")
    asked = options.parse_args()
    with open(SHARED / "data/inference-latency/latency.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [f"# Roofline and measured latencies, {date.today()}", "",
             "| size | what | n | assumed / measured | compute | memory | overhead | error above, median | largest |",
             "|" + " --- |" * 9]
    for size, group in groupby(rows, key=lambda row: row["size"]):
        runs = list(group)
        shape = read_config({
            "model_type": "llama", "hidden_size": int(float(runs[0]["d_model"])), "vocab_size": VOCABULARY,
            "num_hidden_layers": int(float(runs[0]["layers"])), "num_attention_heads": int(float(runs[0]["heads"])),
            "intermediate_size": int(float(runs[0]["d_ff"]))}, size)
        for what, column in (("step", "step_time_ms"), ("first token", "ttft_ms")):
            measured = [row for row in runs if row[column] and (what == "step" or int(row["prefill"]) > 0)]
            work = [step_work(shape, int(row["batch"]), int(row["prefill"]) + WRITTEN / 2, "bf16", "bf16")
                    if what == "step" else prefill_work(shape, int(row["batch"]), int(row["prefill"]), "bf16")
                    for row in measured]
            times = np.array([float(row[column]) / 1e3 for row in measured])
            order = np.argsort([f + 295 * b for f, b in work])   # FLOP and bytes at the device's own balance
            below, above = np.array_split(order, 2)
            found = fit_efficiency([work[i] for i in below], times[below], "h100", resamples=1)
            off = [abs(np.log(seconds(work[i], found.efficiency) / times[i])) for i in above]
            ratio = statistics.median(seconds(w, Efficiency()) / t for w, t in zip(work, times, strict=True))
            e = found.efficiency
            lines.append(f"| {size} | {what} | {len(times)} | {ratio:.2f} | {e.compute:.2f} | {e.memory:.2f} | "
                         f"{1e3 * e.overhead_s:.2f} ms | {statistics.median(off):.2f} | {max(off):.2f} |")
    text = "\n".join(lines) + "\n"
    print(text)
    asked.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
