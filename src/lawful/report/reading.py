"""What the figures look up in an analysis: its parts under one name each, whatever is missing.

An absent part reads as empty, so that a figure asks once whether there is anything to show.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lawful.report import words

Analysis = Mapping[str, Any]


def fit(analysis: Analysis) -> Analysis:
    """The fit, or nothing."""
    return analysis.get("fit") or {}


def plan(analysis: Analysis) -> Analysis:
    """The plan, or nothing."""
    return analysis.get("plan") or {}


def decision(analysis: Analysis) -> Analysis:
    """What the plan decides, or nothing."""
    return plan(analysis).get("decision") or {}


def runs(analysis: Analysis) -> Mapping[str, list[Any]]:
    """The columns of the runs that hold anything."""
    return {name: column for name, column in (analysis.get("runs") or {}).items() if column}


def outputs(columns: Analysis, output: str) -> Any:
    """What is said of the output, under its own name or under ``loss``."""
    return columns.get(output) or columns.get("loss") or []


def rows_of(runs: Mapping[str, list[Any]], picked: Sequence[int]) -> dict[str, list[Any]]:
    """The columns at the ``picked`` rows."""
    return {name: [column[i] for i in picked if 0 <= i < len(column)] for name, column in runs.items()}


def curve(analysis: Analysis, output: str) -> tuple[str, dict[str, Any]]:
    """The variable along which the fitted curve runs, and the curve: frontier, else line, else none."""
    curves = analysis.get("curves") or {}
    frontier, single = curves.get("frontier") or {}, curves.get("line") or {}
    if frontier.get("compute"):
        return "compute", {"x": frontier["compute"], output: outputs(frontier, output), "frontier": True}
    if single.get("x"):
        return single["variable"], {"x": single["x"], output: outputs(single, output)}
    present = [name for name in ("compute", "params", "tokens") if name in runs(analysis)]
    return (present or ["compute"])[0], {}


def aligned(*columns: Sequence[Any] | None) -> list[list[Any]]:
    """The columns as rows; an absent column, or one that is too short, gives None."""
    given = [list(column or ()) for column in columns]
    length = max(map(len, given), default=0)
    return [[column[i] if i < len(column) else None for column in given] for i in range(length)]


def run_table(runs: Mapping[str, list[Any]], output: str,
              residual: list[Any] | None = None) -> dict[str, list[Any]]:
    """The runs as a table for the download, the output and what the law says of it last."""
    columns = {words.label(name): runs[name] for name in runs if name not in ("loss", output, "fitted")}
    columns |= {words.label(output): outputs(runs, output)}
    columns |= {"fitted": runs["fitted"]} if "fitted" in runs else {}
    columns |= {"residual [%]": residual} if residual else {}
    return {"columns": list(columns), "rows": aligned(*columns.values())}


def log_ratio(above: object, below: object) -> float | None:
    """100 times the log of a ratio: percent, where it is small."""
    if not (words.is_number(above) and words.is_number(below)) or above <= 0 or below <= 0:
        return None
    return 100.0 * math.log(above / below)


def inner_minimum(x: Sequence[Any], y: Sequence[Any]) -> tuple[float, float] | None:
    """The lowest point of a curve, unless it is one of its ends."""
    points = [(a, b) for a, b in zip(x, y, strict=False) if words.is_number(a) and words.is_number(b)]
    if len(points) < 3:
        return None
    best = min(range(len(points)), key=lambda i: points[i][1])
    return points[best] if 0 < best < len(points) - 1 else None


def how_far(forecast: Analysis) -> str:
    """How far beyond the runs a forecast reaches, to end a sentence with."""
    beyond = {k: v for k, v in (forecast.get("reach") or {}).items() if words.is_number(v) and v > 0}
    scale = (forecast.get("joint") or {}).get("scale")
    if not beyond and words.is_number(scale) and scale > 0:
        return f", {words.decades(scale)} of scale beyond the runs"
    if not beyond:
        return ", inside the span of the runs"
    return ", " + words.listed(f"{words.decades(v)} beyond the runs in {k}" for k, v in beyond.items())
