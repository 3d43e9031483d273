"""The parts that the figures share: colours, axes, bands and the ``Figure`` itself.

Colours of text and grid are left out: the page sets them for its light and its dark theme. Names that
come from the user's file pass through ``plain``, because plotly reads a little HTML in its texts.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lawful.report import words

Trace = dict[str, Any]

# Okabe and Ito's palette, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, VERMILLION, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
GREY = "#8a9199"

_VIRIDIS = ((68, 1, 84), (71, 44, 122), (59, 81, 139), (44, 113, 142), (33, 144, 141),
            (39, 173, 129), (92, 200, 99), (170, 220, 50), (253, 231, 37))


@dataclass(frozen=True)
class Figure:
    """A plotly figure with what the page puts around it.

    ``title`` says the finding and ``caption`` how to read it; ``data`` and ``layout`` are plotly's;
    ``narrow`` is laid over ``layout`` on a phone; ``table`` holds ``columns`` and ``rows``, the numbers
    shown, for the download.
    """

    name: str
    title: str
    caption: str
    data: list[Trace]
    layout: dict[str, Any]
    table: dict[str, list[Any]]
    narrow: dict[str, Any] = field(default_factory=dict)


def plain(text: object) -> str:
    """``text`` with its HTML made harmless, for a label inside plotly."""
    return html.escape(str(text), quote=False)


def numbers(values: Iterable[object] | None) -> list[float | None]:
    """``values`` with everything that is not a finite number made None, to the digits a screen can show."""
    return [float(f"{v:.7g}") if words.is_number(v) else None for v in values or ()]


def positive(values: Iterable[object] | None) -> list[float]:
    """The positive numbers among ``values``."""
    return [v for v in numbers(values) if v is not None and v > 0]


def log10(value: object) -> float | None:
    """The decimal logarithm, None where there is none."""
    return round(math.log10(value), 5) if words.is_number(value) and value > 0 else None


def viridis(share: float) -> str:
    """The colour at ``share`` in [0, 1] of the viridis scale."""
    place = min(max(share, 0.0), 1.0) * (len(_VIRIDIS) - 1)
    left = min(int(place), len(_VIRIDIS) - 2)
    mixed = (round(a + (place - left) * (b - a))
             for a, b in zip(_VIRIDIS[left], _VIRIDIS[left + 1], strict=True))
    return "#" + "".join(f"{c:02x}" for c in mixed)


def veil(colour: str, opacity: float) -> str:
    """The ``#rrggbb`` colour, seen through."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def axis(name: str, scale: str = "log", **more: Any) -> dict[str, Any]:
    """An axis for the quantity ``name``, titled with its unit."""
    numerals = {"exponentformat": "power"} if name == "compute" else {}
    return titled_axis(words.label(name), scale, **numerals, **more)


def whole_decades(values: Iterable[object] | None, at_most: int = 6) -> dict[str, Any]:
    """Ticks at powers of ten only, where ``values`` span enough of them; else as plotly likes."""
    known = positive(values)
    span = math.log10(max(known) / min(known)) if known else 0.0
    return {"dtick": math.ceil(span / at_most)} if span > 1.5 else {}


def titled_axis(title: str, scale: str = "linear", **more: Any) -> dict[str, Any]:
    """An axis with a ``title`` of its own, its unit in brackets."""
    return {"type": scale, "title": {"text": plain(title), "standoff": 8}, "automargin": True,
            "showline": True, "ticks": "outside", "ticklen": 4, "zeroline": False,
            "exponentformat": "B", "minexponent": 3, **more}


def layout(height: int, **more: Any) -> dict[str, Any]:
    """A calm layout of ``height`` pixels: no frame, the legend below."""
    return {"height": height, "margin": {"l": 64, "r": 16, "t": 16, "b": 48},
            "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)", "hovermode": "closest",
            "legend": {"orientation": "h", "traceorder": "normal", "x": 0, "y": -0.2, "yanchor": "top"},
            **more}


def dots(x: Sequence[object], y: Sequence[object], **more: Any) -> Trace:
    """Points without a line."""
    return {"type": "scatter", "mode": "markers", "x": numbers(x), "y": numbers(y),
            "hovertemplate": "%{text}<extra></extra>" if "text" in more else "(%{x}, %{y})", **more}


def line(x: Sequence[object], y: Sequence[object], name: str, colour: str, **more: Any) -> Trace:
    """A line; its hover gives both numbers."""
    return {"type": "scatter", "mode": "lines", "x": numbers(x), "y": numbers(y), "name": plain(name),
            "line": {"color": colour, "width": 2.5, **more.pop("line", {})}, **more}


def band(x: Sequence[object], curve: Mapping[str, Any], name: str, colour: str, **more: Any) -> list[Trace]:
    """The area between ``low`` and ``high`` of ``curve``; nothing where the curve has no ends."""
    corners = [(a, low, high) for a, low, high in zip(numbers(x), numbers(curve.get("low")),
                                                      numbers(curve.get("high")), strict=False)
               if a is not None and low is not None and high is not None]
    if len(corners) < 2:
        return []
    xs = [a for a, _, _ in corners]
    edge = {"type": "scatter", "mode": "lines", "x": xs, "line": {"width": 0}, "hoverinfo": "skip", **more}
    return [{**edge, "y": [low for _, low, _ in corners], "showlegend": False},
            {**edge, "y": [high for _, _, high in corners], "name": plain(name), "fill": "tonexty",
             "fillcolor": veil(colour, 0.18), "showlegend": bool(name)}]


def star(x: object, y: object, text: str, interval: Mapping[str, Any] | None = None,
         **more: Any) -> list[Trace]:
    """The plan's point, with its ``interval`` as a bar; nothing where it has no place."""
    if not (words.is_number(x) and words.is_number(y)):
        return []
    edge = {"width": 1, "color": "#ffffff"}
    mark = dots([x], [y], text=[text], name="the plan", **more,
                marker={"symbol": "star", "size": 16, "color": VERMILLION, "line": edge})
    if interval and words.is_number(interval.get("low")) and words.is_number(interval.get("high")):
        mark["error_y"] = error_bars([y], [interval["low"]], [interval["high"]], VERMILLION)
    return [mark]


def error_bars(centre: Sequence[object], low: Sequence[object], high: Sequence[object],
               colour: str) -> dict[str, Any]:
    """Bars from ``low`` to ``high`` about ``centre``; no bar where one of the three is missing."""
    triples = list(zip(numbers(centre), numbers(low), numbers(high), strict=True))
    reach = [(0.0, 0.0) if a is None or b is None or c is None else (max(c - a, 0.0), max(a - b, 0.0))
             for a, b, c in triples]
    return {"type": "data", "symmetric": False, "color": colour, "thickness": 1.5, "width": 4,
            "array": numbers(up for up, _ in reach), "arrayminus": numbers(down for _, down in reach)}


def dot(size: int, colour: str) -> dict[str, Any]:
    """A marker with a thin edge, which keeps pale and dark colours apart from the page."""
    return {"size": size, "color": colour, "line": {"width": 0.6, "color": GREY}}


def by_params(params: Sequence[object], show_scale: bool = True) -> dict[str, Any]:
    """Markers coloured by the size of the model; one colour where no size is known."""
    logs = [log10(v) for v in params]
    known = [v for v in logs if v is not None]
    edge = {"width": 0.6, "color": "rgba(128,128,128,0.65)"}
    if not known:
        return {"size": 7, "color": BLUE, "opacity": 0.85, "line": edge}
    ticks = _ticks(min(known), max(known))
    return {"size": 7, "color": logs, "colorscale": "Viridis", "cmin": min(known), "cmax": max(known),
            "line": edge, "showscale": show_scale,
            "colorbar": {"title": {"text": "params", "side": "top"}, "thickness": 10, "len": 0.9,
                         "outlinewidth": 0, "tickvals": ticks,
                         "ticktext": [words.size(float(f"{10**t:.3g}")) for t in ticks]}}


def _ticks(low: float, high: float) -> list[float]:
    for steps in ((1, 2, 5), (1, 3), (1,)):
        places = [e + math.log10(s) for e in range(math.floor(low), math.ceil(high) + 1) for s in steps]
        inside = [p for p in places if low - 1e-9 <= p <= high + 1e-9]
        if len(inside) <= 7:
            break
    return inside or [low]


def beyond(last: float | None, end: float | None, xref: str = "x") -> dict[str, Any]:
    """Grey from the ``last`` run to the ``end`` of the axis, with its label: shapes and annotations."""
    if last is None or end is None or end <= last:
        return {"shapes": [], "annotations": []}
    yref = xref.replace("x", "y")
    return {
        "shapes": [{"type": "rect", "layer": "below", "xref": xref, "yref": f"{yref} domain",
                    "x0": last, "x1": end, "y0": 0, "y1": 1, "line": {"width": 0},
                    "fillcolor": "rgba(128,128,128,0.10)"}],
        "annotations": [{"xref": f"{xref} domain", "yref": f"{yref} domain", "x": 1, "y": 1,
                         "xanchor": "right", "yanchor": "top", "showarrow": False,
                         "text": "beyond the runs", "font": {"size": 11}}],
    }


NARROW: dict[str, Any] = {"margin": {"l": 48, "r": 8, "t": 8, "b": 40}}
"""What every layout changes on a phone."""


def panels(count: int, index: int, gap: float) -> list[float]:
    """The share of the plot that panel ``index`` of ``count`` takes."""
    width = (1 - gap * (count - 1)) / count
    start = index * (width + gap)
    return [round(start, 4), round(start + width, 4)]


def nth_colour(index: int, count: int) -> str:
    """The colour of one of ``count`` ordered lines: viridis without its ends, which vanish on the page."""
    return viridis(0.15 + 0.75 * index / max(count - 1, 1))


def few_ticks(scale: str) -> dict[str, Any]:
    """Plain decimals on a log axis that spans less than a decade or two."""
    return {"nticks": 8, "tickformat": ".3~g"} if scale == "log" else {}
