"""The figures of a report, from the plain data of an analysis to plotly JSON.

What shows what: ``loss_figure`` the fit among the runs; ``residuals_figure`` what the fit leaves over;
``isoflop_figure`` the best size at each budget; ``allocation_figure`` how the best size and data grow with
compute; ``backtest_figure`` how runs kept aside were predicted, ``calibration_figure`` whether their intervals
held. Each returns a ``Figure``, or None where the analysis has nothing to show; ``figures`` gives all that
there are, in the order of the page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lawful.report import marks, reading, words
from lawful.report.calibration import calibration_figure
from lawful.report.marks import Figure, Trace

Analysis = Mapping[str, Any]

_SIZES = ("params", "tokens", "compute")
_READING_MARKS = {"envelope": (marks.ORANGE, "circle-open"), "parabola": (marks.GREEN, "square")}
_BASELINES = {"last_value": ("last value", marks.GREY, "dot"),
              "power_law_compute": ("power law in compute", marks.ORANGE, "dash"),
              "last_points": ("line through the last points", marks.GREEN, "dashdot")}


def figures(analysis: Analysis) -> list[Figure]:
    """Every figure that the analysis has data for."""
    made = (loss_figure(analysis), residuals_figure(analysis), isoflop_figure(analysis),
            allocation_figure(analysis), backtest_figure(analysis), calibration_figure(analysis))
    return [figure for figure in made if figure is not None]


# -------------------------------------------------------------------------------------------- the fit

def loss_figure(analysis: Analysis) -> Figure | None:
    """The runs, coloured by size, with the fitted curve and its band, and the plan."""
    runs, output = reading.runs(analysis), words.output_of(analysis)
    observed = reading.outputs(runs, output)
    variable, curve = reading.curve(analysis, output)
    if not observed or variable not in runs:
        return None
    x, y = runs[variable], curve.get(output) or {}
    level = words.percent(reading.fit(analysis).get("level"))
    name = "compute-optimal frontier" if curve.get("frontier") else "fitted law"
    data = [*marks.band(curve.get("x") or (), y, f"{level} interval", marks.BLUE),
            marks.dots(x, observed, name="runs", text=_hover(runs, output), marker=_colours(runs, variable))]
    if y.get("value"):
        data.append(marks.line(curve["x"], y["value"], name, marks.BLUE,
                               hovertemplate=f"{name}<br>%{{x}}: %{{y:.4f}}<extra></extra>"))
    data += _planned(analysis, variable, output)
    forecast = reading.plan(analysis).get("forecast") or {}
    if forecast:
        reached = f"{words.outcome(forecast.get('value'))} {forecast.get('unit') or ''}".strip()
        title = f"The plan is expected to reach {reached}{reading.how_far(forecast)}"
    else:
        title = f"{reading.fit(analysis).get('n_runs', len(observed))} runs and the law fitted to them"
    scale = "log" if len(marks.positive(observed)) == len(observed) else "linear"
    caption = f"Each dot is a run. The line is the {name}, with its {level} interval."
    if curve.get("frontier"):
        caption += " Runs above it are too small or too large for their compute, or unlucky."
    return Figure(
        "loss", title, caption, data,
        marks.layout(460, xaxis=marks.axis(variable, **marks.whole_decades(_span(x, curve))),
                     yaxis=marks.axis(output, scale, **marks.few_ticks(scale)),
                     **_beyond(runs, variable, curve.get("x"), reading.decision(analysis).get(variable))),
        reading.run_table(runs, output), marks.NARROW)


def residuals_figure(analysis: Analysis) -> Figure | None:
    """How far each run lies from the fitted law, against compute, params and tokens."""
    runs, output = reading.runs(analysis), words.output_of(analysis)
    left_over = [reading.log_ratio(seen, fitted) for seen, fitted in
                 zip(reading.outputs(runs, output), runs.get("fitted") or (), strict=False)]
    against = ([name for name in ("compute", "params", "tokens") if marks.positive(runs.get(name))]
               or [name for name in (reading.curve(analysis, output)[0],) if name in runs])
    if not against or all(v is None for v in left_over):
        return None
    noise = reading.fit(analysis).get("noise")
    data: list[Trace] = []
    shapes: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    narrow: dict[str, Any] = {"height": 80 + 240 * len(against)}
    for i, name in enumerate(against):
        ref = "" if i == 0 else str(i + 1)
        data.append(marks.dots(runs[name], left_over, showlegend=False, xaxis=f"x{ref}", yaxis=f"y{ref}",
                               marker=_colours(runs, name, i == 0),
                               hovertemplate=f"{name} %{{x:.4s}}<br>%{{y:+.2f}} %<extra></extra>"))
        shapes.append({"type": "line", "xref": f"x{ref} domain", "yref": f"y{ref}", "x0": 0, "x1": 1, "y0": 0,
                       "y1": 0, "layer": "below", "line": {"color": marks.BLUE, "width": 1.5}})
        if words.is_number(noise):
            shapes.append({"type": "rect", "xref": f"x{ref} domain", "yref": f"y{ref}", "x0": 0, "x1": 1,
                           "y0": -100 * noise, "y1": 100 * noise, "layer": "below", "line": {"width": 0},
                           "fillcolor": marks.veil(marks.BLUE, 0.13)})
        wide = marks.panels(len(against), i, gap=0.05)
        tall = marks.panels(len(against), len(against) - 1 - i, gap=0.16)
        axes[f"xaxis{ref}"] = marks.axis(name, anchor=f"y{ref}", domain=wide,
                                         **marks.whole_decades(runs[name], 4))
        axes[f"yaxis{ref}"] = marks.titled_axis(f"observed over fitted {output} [%]" if i == 0 else "",
                                                anchor=f"x{ref}", showticklabels=i == 0,
                                                **({} if i == 0 else {"matches": "y"}))
        narrow[f"xaxis{ref}"] = {"domain": [0, 1]}
        narrow[f"yaxis{ref}"] = {"domain": tall, "showticklabels": True, "title": {"text": "off the fit [%]"}}
    title = (f"A single run scatters by {words.percent(noise)} about the law" if words.is_number(noise)
             else "What the law leaves over")
    return Figure(
        "residuals", title,
        "Log of observed over fitted, in percent. A sound law leaves no slope and no curve in any panel; the "
        "band is one standard deviation of a run.",
        data, marks.layout(360, shapes=shapes, **axes),
        reading.run_table(runs, output, left_over), {**marks.NARROW, **narrow})


# ---------------------------------------------------------------------------------------- allocation

def isoflop_figure(analysis: Analysis) -> Figure | None:
    """Per budget, the observed runs and the fitted curve over the size of the model, its minimum marked."""
    runs, output = reading.runs(analysis), words.output_of(analysis)
    curves = [c for c in (analysis.get("curves") or {}).get("isoflops") or () if c.get("params")]
    if not curves:
        return None
    curves = sorted(curves, key=lambda c: c["compute"])
    data: list[Trace] = []
    minima: list[tuple[float, float, float]] = []
    bracketed = 0
    rows: list[list[Any]] = []
    for i, curve in enumerate(curves):
        colour = marks.nth_colour(i, len(curves))
        budget, value = words.flop(curve["compute"]), reading.outputs(curve, output) or {}
        group: dict[str, Any] = {"legendgroup": budget}
        data += marks.band(curve["params"], value, "", colour, **group)
        if value.get("value"):
            data.append(marks.line(curve["params"], value["value"], budget, colour, **group,
                                   hovertemplate=f"{budget}<br>params %{{x:.4s}}: %{{y:.4f}}<extra></extra>"))
        seen = reading.rows_of(runs, curve.get("runs") or ())
        data.append(marks.dots(seen.get("params") or (), reading.outputs(seen, output),
                               text=_hover(seen, output), name=budget, marker=marks.dot(7, colour),
                               showlegend=not value.get("value"), **group))
        best = reading.inner_minimum(curve["params"], value.get("value") or ())
        if best:
            minima.append((*best, curve["compute"]))
            tried = marks.positive(seen.get("params"))
            bracketed += bool(tried) and min(tried) < best[0] < max(tried)
        rows += [["fitted", curve["compute"], n, d, v, low, high] for n, d, v, low, high in reading.aligned(
            curve["params"], curve.get("tokens"), value.get("value"), value.get("low"), value.get("high"))]
        rows += [["run", curve["compute"], n, d, v, None, None] for n, d, v in reading.aligned(
            seen.get("params"), seen.get("tokens"), reading.outputs(seen, output))]
    if minima:
        data.append(marks.dots(
            [n for n, _, _ in minima], [v for _, v, _ in minima], name="fitted minimum", mode="markers+lines",
            text=[f"minimum at {words.size(n)} params<br>{marks.plain(output)} {words.outcome(v)}<br>"
                  + words.flop(c) for n, v, c in minima],
            line={"color": marks.VERMILLION, "width": 1.5, "dash": "dot"},
            marker={"symbol": "diamond", "size": 10, "color": marks.VERMILLION,
                    "line": {"width": 1, "color": "#ffffff"}}))
    level = words.percent(reading.fit(analysis).get("level"))
    return Figure(
        "isoflops", f"{bracketed} of {len(curves)} budgets have runs on both sides of their best size",
        f"Runs of equal compute (dots) and the fitted law at that compute, with its {level} interval. "
        "A diamond marks the best size: left of it the model is too small, right of it the tokens too few.",
        data,
        marks.layout(480, xaxis=marks.axis("params"), yaxis=marks.axis(output, **marks.few_ticks("log")),
                     legend={"orientation": "v", "traceorder": "normal", "x": 1.02, "y": 1, "yanchor": "top",
                             "title": {"text": "training compute"}}),
        {"columns": ["kind", *map(words.label, ("compute", "params", "tokens", output)), "low", "high"],
         "rows": rows}, {**marks.NARROW, "legend": {"title": {"text": ""}, "font": {"size": 11}}})


def allocation_figure(analysis: Analysis) -> Figure | None:
    """The best params and tokens against compute, beside other readings of the same runs, and the plan."""
    frontier = (analysis.get("curves") or {}).get("frontier") or {}
    if not frontier.get("compute"):
        return None
    readings = [r for r in analysis.get("readings") or () if r.get("status") == "ok"]
    level = words.percent(reading.fit(analysis).get("level"))
    plan, decision = reading.plan(analysis), reading.decision(analysis)
    data: list[Trace] = []
    axes: dict[str, Any] = {}
    shown = [name for name in ("params", "tokens") if (frontier.get(name) or {}).get("value")]
    rows: list[list[Any]] = []
    shapes: list[Any] = []
    annotations: list[Any] = []
    narrow: dict[str, Any] = {"height": 760}
    for i, name in enumerate(shown):
        ref = "" if i == 0 else str(i + 1)
        on: dict[str, Any] = {"xaxis": f"x{ref}", "yaxis": f"y{ref}"}
        first: dict[str, Any] = {**on, "showlegend": i == 0}
        compute, best = frontier["compute"], frontier[name]
        data += marks.band(compute, best, f"{level} interval" if i == 0 else "", marks.BLUE, **on)
        data.append(marks.line(compute, best["value"], "fitted law", marks.BLUE, **first,
                               hovertemplate=f"best {name}<br>%{{x}}: %{{y:.4s}}<extra></extra>"))
        for other in readings:
            data += _reading(other, name, first)
        data += marks.star(decision.get("compute"), decision.get(name),
                           f"the plan: {words.size(decision.get(name))} {name}<br>"
                           + words.flop(decision.get("compute")),
                           (plan.get("intervals") or {}).get(name), **first)
        shade = _beyond(reading.runs(analysis), "compute", compute, decision.get("compute"), on["xaxis"])
        shapes, annotations = shapes + shade["shapes"], annotations + shade["annotations"]
        wide = marks.panels(len(shown), i, gap=0.14)
        axes[f"xaxis{ref}"] = marks.axis("compute", anchor=f"y{ref}", domain=wide)
        axes[f"yaxis{ref}"] = marks.axis(name, anchor=f"x{ref}")
        narrow[f"xaxis{ref}"] = {"domain": [0, 1]}
        narrow[f"yaxis{ref}"] = {"domain": marks.panels(len(shown), len(shown) - 1 - i, gap=0.16)}
        rows += [["fitted law", name, *row] for row in
                 reading.aligned(compute, *(marks.numbers(best.get(k)) for k in ("value", "low", "high")))]
        rows += [[r.get("label"), name, p.get("compute"), p.get(name), None, None]
                 for r in readings for p in r.get("points") or () if not p.get("refused")]
    exponent = (reading.fit(analysis).get("derived") or {}).get("params_exponent")
    title = "The best size and data for a budget" if not exponent else (
        f"The best size grows as compute to the power {words.size(exponent.get('value'))} "
        f"({level} interval {words.within(exponent)})")
    return Figure(
        "allocation", title,
        "The line is the best split of each budget under the fitted law." + (
            " Other readings of the same runs stand beside it: where they part, the method decides."
            if readings else ""), data,
        marks.layout(440, **axes, shapes=shapes, annotations=annotations),
        {"columns": ["reading", "quantity", words.label("compute"), "value", "low", "high"], "rows": rows},
        {**marks.NARROW, **narrow})


def _reading(other: Analysis, name: str, on: dict[str, Any]) -> list[Trace]:
    points = [p for p in other.get("points") or () if not p.get("refused")
              and words.is_number(p.get("compute")) and words.is_number(p.get(name))]
    if not points:
        return []
    colour, symbol = _READING_MARKS.get(str(other.get("approach")), (marks.PURPLE, "triangle-up"))
    shown = marks.plain(other.get("label") or other.get("approach"))
    return [marks.dots(
        [p["compute"] for p in points], [p[name] for p in points], name=shown, legendgroup=shown, **on,
        marker={"size": 9, "symbol": symbol, "color": colour, "line": {"width": 2, "color": colour}},
        text=[f"{shown}<br>{words.size(p[name])} {name}<br>{words.flop(p['compute'])}" for p in points])]


# ----------------------------------------------------------------------------------------- back-test

def backtest_figure(analysis: Analysis) -> Figure | None:
    """Runs kept aside: their predictions by distance beyond training, and the error beside baselines."""
    backtest = analysis.get("backtest") or {}
    cuts = sorted(backtest.get("cuts") or (), key=lambda c: c.get("horizon_decades") or 0.0)
    if not cuts:
        return None
    output, level = words.output_of(analysis), words.percent(backtest.get("level"))
    places = [_places(cut) for cut in cuts]
    data = [trace for i, (cut, found) in enumerate(zip(cuts, places, strict=True))
            for trace in _predictions(cut, found, i, len(cuts))]
    data += _errors(cuts)
    mean, baselines = backtest.get("summary") or {}, backtest.get("baselines") or {}
    others = words.listed(f"{_BASELINES.get(k, (k,))[0]} {words.percent((v or {}).get('rmse_log'))}"
                          for k, v in baselines.items()) if baselines else ""
    title = f"Held-out runs were predicted to {words.percent(mean.get('rmse_log'))}"
    return Figure(
        "backtest", f"{title} ({others})" if others else title,
        "Fitted on the smaller runs only, then asked about the larger ones. Left: each held-out run with its "
        f"{level} interval, moved a little so that all can be seen; a bar that crosses zero holds the truth. "
        "Right: the error of the law beside simpler guesses.",
        data,
        marks.layout(
            440, xaxis=marks.titled_axis("compute beyond training [decades]", domain=[0, 0.56], anchor="y"),
            yaxis=marks.titled_axis(f"predicted over observed {output} [%]", anchor="x"),
            xaxis2=marks.titled_axis("horizon of the cut [decades]", domain=[0.7, 1], anchor="y2"),
            yaxis2=marks.titled_axis("rms error [%]", "log", anchor="x2", dtick="D2"),
            shapes=[{"type": "line", "xref": "x domain", "yref": "y", "x0": 0, "x1": 1, "y0": 0, "y1": 0,
                     "line": {"color": marks.BLUE, "width": 1.5}, "layer": "below"}]),
        {"columns": ["training runs", "largest training compute [FLOP]", words.label("compute"),
                     "beyond training [decades]", f"observed {words.label(output)}",
                     "predicted", "low", "high"],
         "rows": [[cut.get("train"), cut.get("train_compute_max"), p.get("compute"), away,
                   *(p.get(key) for key in ("observed", "predicted", "low", "high"))]
                  for cut, found in zip(cuts, places, strict=True) for away, p in found]},
        {**marks.NARROW, "height": 820, "xaxis": {"domain": [0, 1]}, "xaxis2": {"domain": [0, 1]},
         "yaxis": {"domain": [0.5, 1]}, "yaxis2": {"domain": [0, 0.36]}})


def _places(cut: Analysis) -> list[tuple[float | None, Analysis]]:
    """Each prediction of a cut with its distance beyond the training runs [decades]."""
    placed = []
    for prediction in cut.get("predictions") or ():
        reach = reading.log_ratio(prediction.get("compute"), cut.get("train_compute_max"))
        away = cut.get("horizon_decades") if reach is None else reach / 100 / math.log(10)
        placed.append((away, prediction))
    return placed


def _predictions(cut: Analysis, placed: Sequence[tuple[float | None, Analysis]],
                 index: int, cuts: int) -> list[Trace]:
    """The held-out runs of one cut: predicted over observed, each with its interval."""
    known = []
    for away, p in placed:
        ends = [reading.log_ratio(p.get(key), p.get("observed")) for key in ("predicted", "low", "high")]
        if away is not None and ends[0] is not None:
            known.append((away, p, ends))
    if not known:
        return []
    colour = marks.nth_colour(index, cuts)
    centre, low, high = zip(*(ends for _, _, ends in known), strict=True)
    return [marks.dots(
        [away + _aside(index, cuts, j) for j, (away, _, _) in enumerate(known)], centre,
        name=f"trained on {cut.get('train')} runs", marker=marks.dot(6, colour),
        error_y={**marks.error_bars(centre, low, high, marks.veil(colour, 0.45)), "width": 0},
        text=[f"predicted {words.outcome(p.get('predicted'))} ({words.within(p, words.outcome)})<br>"
              f"observed {words.outcome(p.get('observed'))}<br>"
              f"{words.decades(away)} beyond training" for away, p, _ in known])]


def _aside(cut: int, cuts: int, index: int) -> float:
    """How far a point moves sideways [decades], so that runs of equal compute do not hide each other."""
    return 0.04 * (cut - (cuts - 1) / 2) + 0.008 * (index % 5 - 2)


def _errors(cuts: Sequence[Analysis]) -> list[Trace]:
    """The error of the law and of each baseline, by horizon."""
    x = [cut.get("horizon_decades") for cut in cuts]
    on: dict[str, Any] = {"xaxis": "x2", "yaxis": "y2", "mode": "lines+markers"}
    lines = [("the law", marks.BLUE, "solid", [cut.get("rmse_log") for cut in cuts])]
    for key in dict.fromkeys(k for cut in cuts for k in cut.get("baselines") or {}):
        name, colour, dash = _BASELINES.get(key, (key, marks.PURPLE, "dashdot"))
        lines.append((name, colour, dash, [(cut.get("baselines") or {}).get(key) for cut in cuts]))
    return [marks.line(x, [100 * e if words.is_number(e) and e > 0 else None for e in errors], name, colour,
                       line={"dash": dash}, text=[words.percent(e) for e in errors],
                       hovertemplate=f"{marks.plain(name)}: %{{text}}<extra></extra>", **on)
            for name, colour, dash, errors in lines]


# ------------------------------------------------------------------------------ what figures share

def _planned(analysis: Analysis, variable: str, output: str) -> list[Trace]:
    forecast = reading.plan(analysis).get("forecast") or {}
    planned = reading.decision(analysis).get(variable)
    return marks.star(
        planned, forecast.get("value"),
        f"the plan: {words.outcome(forecast.get('value'))} ({words.within(forecast, words.outcome)})<br>"
        f"{words.size(planned)} {marks.plain(words.label(variable))}", forecast)


def _hover(runs: Mapping[str, list[Any]], output: str) -> list[str]:
    """What each run says when pointed at."""
    observed = reading.outputs(runs, output)
    lines = []
    for i, value in enumerate(observed):
        parts = [words.flop(runs[name][i]) if name == "compute" else f"{words.size(runs[name][i])} {name}"
                 for name in _SIZES if i < len(runs.get(name) or ())]
        fitted = runs.get("fitted") or ()
        parts.append(f"{marks.plain(output)} {words.outcome(value)}"
                     + (f", fitted {words.outcome(fitted[i])}" if i < len(fitted) else ""))
        lines.append("<br>".join(parts))
    return lines


def _beyond(runs: Mapping[str, list[Any]], variable: str, curve: object, planned: object,
            xref: str = "x") -> dict[str, Any]:
    seen = marks.positive(runs.get(variable))
    ahead = marks.positive([*(curve if isinstance(curve, list) else ()), planned])
    return marks.beyond(max(seen, default=None), max(ahead, default=None), xref)


def _colours(runs: Mapping[str, list[Any]], variable: str, show_scale: bool = True) -> dict[str, Any]:
    alone = variable == "params" and "tokens" not in runs  # then colour would repeat the axis
    return marks.by_params(() if alone else runs.get("params") or (), show_scale)


def _span(x: Sequence[Any], curve: Analysis) -> list[Any]:
    return [*x, *(curve.get("x") or ())]
