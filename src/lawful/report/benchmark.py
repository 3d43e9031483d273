"""The figure of a forecast benchmark: how the methods' losses are spread, a panel a task."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from lawful.errors import MissingExtra

COLUMNS = 3
"""Panels beside one another."""


def draw(tasks: Mapping[str, Mapping[str, Sequence[float]]], marked: str = "auto", format_: str = "svg") -> bytes:
    """Median and quartiles of the losses of each method, by task, as the bytes of a figure.

    ``tasks`` gives by title the losses of each method, lower is better; ``marked`` is set apart by colour. Raises
    ``MissingExtra`` without matplotlib.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra("the figure of a benchmark", "plot") from None
    columns = min(COLUMNS, len(tasks))
    lines = -(-len(tasks) // columns)
    tallest = max(len(methods) for methods in tasks.values())
    figure = Figure(figsize=(4.6 * columns, lines * (0.8 + 0.2 * tallest)), layout="constrained")
    FigureCanvasAgg(figure)
    for number, (title, methods) in enumerate(tasks.items()):
        _panel(figure.add_subplot(lines, columns, number + 1), title, methods, marked)
    file = io.BytesIO()
    figure.savefig(file, format=format_, dpi=144, metadata={"Date": None} if format_ == "svg" else None)
    return file.getvalue()


def _panel(axes: Any, title: str, methods: Mapping[str, Sequence[float]], marked: str) -> None:
    spreads = sorted(((_quartiles(values), name) for name, values in methods.items() if values), key=lambda s: -s[0][1])
    for place, ((low, middle, high), name) in enumerate(spreads):
        colour = "C3" if name == marked else "C0"
        axes.plot([low, high], [place, place], color=colour, linewidth=1.6)
        axes.plot([middle], [place], marker="o", color=colour, markersize=5)
    axes.set_yticks(range(len(spreads)), [name for _, name in spreads], fontsize=7)
    if all(low > 0 for (low, _, _), _ in spreads):
        from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=6))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.set_title(title, fontsize=9)
    axes.tick_params(axis="x", labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)


def _quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    ordered = sorted(values)

    def at(share: float) -> float:
        place = share * (len(ordered) - 1)
        below = int(place)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (place - below) * (ordered[above] - ordered[below])

    return at(0.25), at(0.5), at(0.75)
