"""The figure of a back-test's calibration: how often intervals held by distance, and where in them the runs fell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lawful.report import marks, words
from lawful.report.marks import Figure, Trace

Analysis = Mapping[str, Any]


def calibration_figure(analysis: Analysis) -> Figure | None:
    """Coverage at several levels by distance beyond the fitted runs, and the PIT histogram beside."""
    backtest = analysis.get("backtest") or {}
    rows = [row for row in backtest.get("horizons") or () if words.is_number(row.get("crps"))]
    counts = (backtest.get("pit") or {}).get("counts") or ()
    if not rows or not counts:
        return None
    unit = str(backtest.get("unit") or "decades")
    names = [_name(row) for row in rows]
    held = [row.get("covered") for row in rows]
    ends = f"{words.percent(min(held))} to {words.percent(max(held))}" if len(rows) > 1 else words.percent(held[0])
    total = sum(counts)
    return Figure(
        "calibration", f"By distance, the {words.percent(backtest.get('level'))} intervals held {ends} of the runs",
        "Left: the share of held-out runs inside intervals of several levels, by distance beyond the runs that were "
        "fitted; a dotted line is what the level promises. Right: where in its forecast each run fell; flat is right, "
        "a hump says that intervals are too wide, a bowl too narrow, a slope that forecasts are off to one side.",
        [*_coverage(rows, names), _histogram(counts, total)],
        marks.layout(
            400, xaxis=marks.titled_axis(f"beyond training [{marks.plain(unit)}]", "category", domain=[0, 0.58],
                                         anchor="y"),
            yaxis=marks.titled_axis("runs inside [%]", range=[0, 104], anchor="x"),
            xaxis2=marks.titled_axis("place in the forecast [quantile]", domain=[0.7, 1], anchor="y2", range=[0, 1]),
            yaxis2=marks.titled_axis("share of runs [%]", anchor="x2", rangemode="tozero"),
            shapes=[{"type": "line", "xref": "x2 domain", "yref": "y2", "x0": 0, "x1": 1, "y0": 100 / len(counts),
                     "y1": 100 / len(counts), "line": {"color": marks.GREY, "width": 1.5, "dash": "dot"}}]),
        {"columns": [f"beyond training [{unit}]", "predictions", "rms error", "bias", "mean width", "CRPS", "pinball",
                     "log score", *(f"inside {words.percent(float(level))}" for level in rows[0]["coverage"])],
         "rows": [[name, *(row.get(key) for key in ("n", "rmse_log", "bias_log", "width", "crps", "pinball",
                                                    "log_score")), *row["coverage"].values()]
                  for name, row in zip(names, rows, strict=True)]},
        {**marks.NARROW, "height": 700, "xaxis": {"domain": [0, 1]}, "xaxis2": {"domain": [0, 1]},
         "yaxis": {"domain": [0.55, 1]}, "yaxis2": {"domain": [0, 0.38]}})


def _name(row: Analysis) -> str:
    low, high = row.get("low"), row.get("high")
    if high == 0:
        return "inside"
    return f"{words.size(low)} to {words.size(high)}" if words.is_number(high) else f"over {words.size(low)}"


def _coverage(rows: Sequence[Analysis], names: Sequence[str]) -> list[Trace]:
    """A line for each level, and a dotted one where it should be."""
    levels = list(rows[0]["coverage"])
    traces: list[Trace] = []
    for i, level in enumerate(levels):
        colour, shown = marks.nth_colour(i, len(levels)), words.percent(float(level))
        traces.append({"type": "scatter", "mode": "lines+markers", "x": list(names), "name": shown,
                       "y": marks.numbers(100 * row["coverage"][level] for row in rows), "line": {"color": colour},
                       "text": [f"{words.percent(row['coverage'][level])} of {row.get('n')} runs inside {shown}"
                                for row in rows], "hovertemplate": "%{text}<extra></extra>"})
        traces.append({"type": "scatter", "mode": "lines", "x": list(names), "y": [100 * float(level)] * len(rows),
                       "line": {"color": colour, "width": 1, "dash": "dot"}, "showlegend": False, "hoverinfo": "skip"})
    return traces


def _histogram(counts: Sequence[float], total: float) -> Trace:
    wide = 1.0 / len(counts)
    return {"type": "bar", "x": marks.numbers((i + 0.5) * wide for i in range(len(counts))), "xaxis": "x2",
            "yaxis": "y2", "y": marks.numbers(100 * n / max(total, 1) for n in counts), "width": wide,
            "marker": {"color": marks.veil(marks.BLUE, 0.55), "line": {"color": marks.BLUE, "width": 1}},
            "showlegend": False, "hovertemplate": "%{y:.3s} % of the runs<extra></extra>"}
