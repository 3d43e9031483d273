"""Figures of laws from their plain curves: as text for a terminal, as small SVG for a page, as a file.

What to use when: ``text_chart`` needs nothing; ``sketch`` is one line in inline SVG, for a page with many;
``draw`` makes a whole figure of one or several laws with matplotlib (extra ``plot``). A curve is a mapping or
object with ``x``, ``y``, ``x_label``, ``y_label``, ``key`` and ``inside``, the part that was fitted.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from lawful.errors import InputError, MissingExtra
from lawful.quantities import format_number

FORMATS = ("svg", "png", "pdf")

WIDE_X, WIDE_Y = 5.0, 20.0
"""The ratios of ends from which an axis is drawn in logarithms."""


class CurveLike(Protocol):
    """What is drawn."""

    @property
    def key(self) -> str: ...  # noqa: D102
    @property
    def x(self) -> Sequence[float]: ...  # noqa: D102
    @property
    def y(self) -> Sequence[float]: ...  # noqa: D102
    @property
    def x_label(self) -> str: ...  # noqa: D102
    @property
    def y_label(self) -> str: ...  # noqa: D102
    @property
    def inside(self) -> tuple[float, float] | None: ...  # noqa: D102


def text_chart(curve: CurveLike, width: int = 56, rows: int = 6) -> str:
    """The curve in ``rows`` + 2 lines of text: two levels a line, the ends of both axes beside them."""
    columns = [min(width - 1, round(u * (width - 1))) for u in _scaled(curve.x, WIDE_X)]
    levels = [round(v * (2 * rows - 1)) for v in _scaled(curve.y, WIDE_Y)]
    grid = [[" "] * width for _ in range(rows)]
    for column, level in zip(columns, levels, strict=True):
        row, upper = rows - 1 - level // 2, level % 2
        mark = "▀" if upper else "▄"
        grid[row][column] = "█" if grid[row][column] not in (" ", mark) else mark
    top, bottom = format_number(max(curve.y)), format_number(min(curve.y))
    wide = max(len(top), len(bottom))
    sides = [top.rjust(wide), *[" " * wide] * (rows - 2), bottom.rjust(wide)]
    lines = [f"{side} │{''.join(cells)}".rstrip() for side, cells in zip(sides, grid, strict=True)]
    low, high = format_number(curve.x[0]), format_number(curve.x[-1])
    name = curve.x_label + (" (log)" if _is_log(curve.x, WIDE_X) else "")
    axis = f"{low} {name.center(max(width - len(low) - len(high) - 2, len(name)))} {high}"
    lines += [f"{' ' * wide} └{'─' * width}", f"{' ' * wide}  {axis}"]
    return "\n".join(lines)


def sketch(curve: CurveLike, width: int = 240, height: int = 72, most: int = 40) -> str:
    """The curve as one inline SVG line of about a kilobyte, axes named by its title."""
    step = max(1, -(-len(curve.x) // most))
    xs, ys = _scaled(curve.x, WIDE_X)[::step], _scaled(curve.y, WIDE_Y)[::step]
    points = " ".join(f"{4 + u * (width - 8):.0f},{height - 4 - v * (height - 8):.0f}"
                      for u, v in zip(xs, ys, strict=True))
    title = (f"{curve.y_label} from {format_number(curve.y[0])} to {format_number(curve.y[-1])} over {curve.x_label} "
             f"from {format_number(curve.x[0])} to {format_number(curve.x[-1])}")
    return (f'<svg class="law" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
            f"<title>{title}</title>"
            f'<path d="M4 4V{height - 4}H{width - 4}" fill="none" stroke="currentColor" stroke-width=".6"/>'
            f'<polyline points="{points}" fill="none" stroke="#2563a8" stroke-width="1.8"/></svg>')


def draw(curves: Sequence[CurveLike], format_: str, title: str = "",
         marks: Mapping[str, tuple[float, float]] | None = None) -> bytes:
    """The curves in one figure, as the bytes of a file: solid where a law was fitted, dashed beyond.

    ``marks`` are points to set, by key. Curves of different outputs get a panel each. Raises ``MissingExtra``
    without matplotlib, ``InputError`` for a format other than svg, png or pdf.
    """
    if format_ not in FORMATS:
        raise InputError(f"a figure is written as {', '.join(FORMATS)}; not as {format_!r}")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra("a figure of laws", "plot") from None
    outputs = list(dict.fromkeys(curve.y_label for curve in curves))
    figure = Figure(figsize=(6.4, 3.8 * len(outputs)), layout="constrained")
    FigureCanvasAgg(figure)
    for number, output in enumerate(outputs):
        axes = figure.add_subplot(len(outputs), 1, number + 1)
        shown = [curve for curve in curves if curve.y_label == output]
        for colour, curve in enumerate(shown):
            _plot(axes, curve, f"C{colour}", (marks or {}).get(curve.key))
        values = [value for curve in shown for value in curve.y]
        axes.set(xlabel=shown[0].x_label, ylabel=output, xscale="log" if _is_log(shown[0].x, WIDE_X) else "linear",
                 yscale="log" if _is_log(values, WIDE_Y) else "linear")
        axes.spines[["top", "right"]].set_visible(False)
        if len(curves) > 1:
            axes.legend(frameon=False, fontsize=8)
    figure.suptitle(title, fontsize=10)
    file = io.BytesIO()
    figure.savefig(file, format=format_, dpi=144, metadata={"Date": None} if format_ == "svg" else None)
    return file.getvalue()


def _plot(axes: object, curve: CurveLike, colour: str, mark: tuple[float, float] | None) -> None:
    plot = axes.plot  # type: ignore[attr-defined]
    low, high = curve.inside or (-math.inf, math.inf)
    fitted = [y if low <= x <= high else math.nan for x, y in zip(curve.x, curve.y, strict=True)]
    plot(curve.x, curve.y, color=colour, linewidth=1.0, linestyle="--")
    plot(curve.x, fitted, color=colour, linewidth=1.8, label=curve.key)
    if mark is not None:
        plot(*mark, marker="o", color=colour)


def _is_log(values: Sequence[float], ratio: float) -> bool:
    return min(values) > 0 and max(values) / min(values) >= ratio


def _scaled(values: Sequence[float], ratio: float) -> list[float]:
    """The values on [0, 1], in logarithms where their ends are ``ratio`` apart; 0.5 where they do not vary."""
    on = [math.log(v) for v in values] if _is_log(values, ratio) else list(values)
    low, high = min(on), max(on)
    return [(v - low) / (high - low) if high > low else 0.5 for v in on]
