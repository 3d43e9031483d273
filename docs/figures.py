"""Draw the figures of the documentation: python docs/figures.py [--png FOLDER]

``quickstart.svg`` is drawn from the packaged sweep, ``chinchilla-fit.svg`` from the public table of Besiroglu et
al. 2024, found by LAWFUL_SHARED or beside the repository; where it is absent that figure is left as it is.
``schedules.svg``, ``reach.svg``, ``profiles.svg`` and ``combined.svg`` are drawn from the simulated tables of
``docs/examples``, and so are those of plans (``docs/figures_planning.py``): ``frontier.svg``, ``served.svg``,
``explained.svg``.
``backtest.svg`` is drawn from the public table as well, ``slices.svg`` from that of McLeish et al. 2025.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np

from figures_planning import explained, memory_frontier, served
from lawful.cli.reporting import ON_THE_LAW
from lawful.fit import Fit, fit, forecast
from lawful.fit.choice.selection import select
from lawful.fit.comparing.slices import slices
from lawful.fit.curves.curves import fit_curves
from lawful.fit.curves.schedules import along
from lawful.fit.curves.trajectories import trajectories
from lawful.fit.readings import budgets
from lawful.laws.schedules import Schedule
from lawful.runs import RunTable
from lawful.store import packaged_sweep, read_runs
from lawful.validate import backtest
from lawful.validate.horizons import pit_histogram
from lawful.validate.identifiability import trace
from lawful.validate.shapes import Axes, best_shape, shape_test

STATIC = Path(__file__).parent / "_static"
SHARED = Path(os.environ.get("LAWFUL_SHARED", Path(__file__).parents[2] / "shared"))
CHINCHILLA = SHARED / "data" / "epoch-chinchilla" / "runs.csv"
GEMSTONES = SHARED / "data" / "gemstones" / "runs.csv"
INK, BAND = "#1f2933", "#9fb3c8"
STYLE = {"svg.hashsalt": "lawful", "svg.fonttype": "none", "font.size": 10, "axes.spines.top": False,
         "axes.spines.right": False, "axes.edgecolor": INK, "text.color": INK, "axes.labelcolor": INK,
         "xtick.color": INK, "ytick.color": INK, "font.family": "sans-serif"}


def band(values: np.ndarray, level: float = 0.9) -> np.ndarray:
    """The central interval of each column of draws."""
    return np.percentile(values, [50 * (1 - level), 50 * (1 + level)], axis=0)


def curves(axes: plt.Axes, runs: RunTable, fitted: Fit, unit: str) -> None:
    """Loss against params at each budget: runs, law and band."""
    groups = [g for g in budgets(runs) if len(np.unique(runs["params"][g])) >= 3]
    colours = plt.colormaps["viridis"](np.linspace(0.0, 0.85, max(len(groups), 1)))
    for group, colour in zip(groups, colours, strict=False):
        compute = float(np.exp(np.log(runs["compute"][group]).mean()))
        sizes = runs["params"][group]
        params = np.geomspace(sizes.min() / 1.25, sizes.max() * 1.25, 80)
        at = {"params": params, "tokens": compute / (6 * params)}
        axes.fill_between(params, *band(fitted.outputs(at)), color=colour, alpha=0.18, linewidth=0)
        axes.plot(params, fitted.law.at(at), color=colour, linewidth=1.2)
        axes.plot(sizes, runs["loss"][group], "o", color=colour, markersize=3.2)
        axes.annotate(f"{compute:.1e} FLOP", (params[-1], fitted.law.at(at)[-1]), fontsize=7, color=colour,
                      xytext=(3, 0), textcoords="offset points", va="center")
    axes.set(xscale="log", xlabel="params", ylabel=f"loss [{unit}]", title="Runs and the law, by budget")
    axes.set_xlim(runs["params"].min() / 1.6, runs["params"].max() * 4)


def misfits(axes: plt.Axes, runs: RunTable, fitted: Fit) -> None:
    """Residuals against compute, where compute is spread and there are no budgets to draw."""
    shown = axes.scatter(runs["compute"], 100 * fitted.residuals, c=np.log10(runs["params"]), s=11, cmap="viridis")
    axes.axhline(0.0, color=INK, linewidth=0.8)
    axes.figure.colorbar(shown, ax=axes, label="log10 params", shrink=0.8)
    axes.set(xscale="log", xlabel="compute [FLOP]", ylabel="observed over fitted loss [%]", title="Residuals")


def draw(runs: RunTable, fitted: Fit, unit: str, title: str) -> plt.Figure:
    """What the law leaves or draws through, and the optimal loss against compute with its band."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.0), layout="constrained")
    if sum(len(g) for g in budgets(runs)) >= 0.8 * len(runs):
        curves(left, runs, fitted, unit)
    else:
        misfits(left, runs, fitted)
    grid = np.geomspace(runs["compute"].min(), runs["compute"].max() * 30, 120)
    best = fitted.law.allocate(grid)
    at = {"params": best.params, "tokens": best.tokens}
    right.plot(runs["compute"], runs["loss"], "o", color=BAND, markersize=3, label="runs")
    right.fill_between(grid, *band(fitted.outputs(at)), color=BAND, alpha=0.55, linewidth=0, label="90 % interval")
    right.plot(grid, best.output, color=INK, linewidth=1.4, label="best split of the compute")
    right.axvline(runs["compute"].max(), color=INK, linewidth=0.7, linestyle=":")
    right.annotate("largest run ", (runs["compute"].max(), right.get_ylim()[1]), ha="right", va="top", fontsize=8)
    right.set(xscale="log", xlabel="compute [FLOP]", ylabel=f"loss [{unit}]", title="Forecast")
    right.legend(frameon=False, fontsize=8)
    figure.suptitle(title, fontsize=10)
    return figure


def schedules() -> plt.Figure:
    """Learning rates and losses of the example's curves, and the forecast of a schedule that is not among them."""
    table = read_runs(str(Path(__file__).parent / "examples" / "curves.csv"))
    fitted = fit_curves("multi_power", table, warmup=600)
    unseen = Schedule.wsd(3e-4, 12_000, warmup=600)
    answer = along(fitted, unseen)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.0), layout="constrained")
    seen = trajectories(table, warmup=600)
    for curve, colour in zip(seen, plt.colormaps["viridis"](np.linspace(0.0, 0.85, len(seen))), strict=True):
        left.plot(np.arange(1, curve.schedule.steps + 1), curve.schedule.rates, color=colour, label=curve.name)
        right.plot(curve.steps, curve.loss, "o", color=colour, markersize=2.4, label=curve.name)
    left.plot(np.arange(1, unseen.steps + 1), unseen.rates, color=INK, linestyle="--", label="wsd")
    right.fill_between(answer.steps, answer.new_low, answer.new_high, color=BAND, alpha=0.55, linewidth=0)
    right.plot(answer.steps, answer.value, color=INK, linestyle="--", label="wsd, forecast with 90 %\nof one more run")
    left.set(xlabel="step", ylabel="learning rate", title="Schedules")
    right.set(xlabel="step", ylabel="loss [nats/token]", title="Curves", ylim=(2.75, 3.5))
    left.legend(frameon=False, fontsize=8)
    right.legend(frameon=False, fontsize=8)
    return figure


def reach() -> plt.Figure:
    """The example's runs, their hull, and questions inside it, onwards from it and aside of it."""
    from scipy.spatial import ConvexHull

    table = read_runs(str(Path(__file__).parent / "examples" / "runs.csv"))
    x = np.stack([table["params"], table["tokens"]], axis=1)
    hull = x[ConvexHull(np.log10(x)).vertices]
    found = fit("chinchilla", table, bootstrap=200)
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    axes.fill(*hull.T, color=BAND, alpha=0.35, linewidth=0, label="hull of the runs")
    axes.plot(*x.T, "o", color=INK, markersize=3, label="runs")
    for params, tokens, what in ((1e9, 1e10, "inside"), (7e9, 140e9, "more compute"), (3e7, 3e11, "aside")):
        place = forecast(found, {"params": params, "tokens": tokens}).joint
        axes.plot(params, tokens, "D", color="#b4531f", markersize=5)
        axes.annotate(f"{what}: scale {place.scale:.2f}, aside {place.aside:.2f}", (params, tokens), fontsize=8,
                      color="#b4531f", xytext=(6, 4), textcoords="offset points")
    axes.set(xscale="log", yscale="log", xlabel="params", ylabel="tokens", title="Questions, in decades from the hull")
    axes.set_xlim(table["params"].min() / 2, table["params"].max() * 20)
    axes.set_ylim(table["tokens"].min() / 2, table["tokens"].max() * 3)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def back_test(runs: RunTable) -> plt.Figure:
    """Held-out runs by their distance beyond the fitted ones, and the PIT histogram."""
    tested = backtest(runs, "chinchilla")
    found = sorted(tested.predictions, key=lambda p: p.horizon)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.0), width_ratios=(2, 1), layout="constrained")
    x = np.array([p.horizon for p in found])
    ends = np.array([[100 * np.log(end / p.predicted) for end in (p.low, p.high)] for p in found])
    left.vlines(x, *ends.T, color=BAND, linewidth=0.8, alpha=0.5, label="90 % interval")
    left.plot(x, [100 * p.error for p in found], "o", color=INK, markersize=2.2, label="held-out run")
    left.axhline(0.0, color=INK, linewidth=0.7)
    left.set(xlabel="beyond the fitted runs [decades of compute]", ylabel="observed over predicted loss [%]",
             title=f"{len(found)} predictions from {len(tested.cuts)} cuts")
    left.legend(frameon=False, fontsize=8)
    places = pit_histogram(tested.predictions)
    right.bar(places["edges"][:-1], places["counts"], width=0.1, align="edge", color=BAND, edgecolor=INK, linewidth=0.6)
    right.axhline(len(found) / len(places["counts"]), color=INK, linewidth=0.9, linestyle=":")
    right.set(xlabel="place in the forecast [quantile]", ylabel="runs", title="PIT", xlim=(0, 1))
    return figure


def profiles() -> plt.Figure:
    """The profile of beta on the example's runs, and on a ladder with fixed tokens per parameter."""
    table = read_runs(str(Path(__file__).parent / "examples" / "runs.csv"))
    law = fit("chinchilla", table, bootstrap=0).law
    params = np.geomspace(table["params"].min(), table["params"].max(), len(table))
    noise = np.random.default_rng(0).standard_normal(len(table))
    ladder = RunTable.of(params=params, tokens=20 * params, loss=law(params=params, tokens=20 * params)
                         * np.exp(0.008 * noise))
    values = np.linspace(0.05, 0.7, 66)
    figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    for runs, colour, name in ((table, INK, "sizes and tokens varied"), (ladder, "#b4531f", "20 tokens per parameter")):
        axes.plot(values, trace(runs, "chinchilla", "beta", values), color=colour, label=name)
    axes.axhline(2.71, color=BAND, linewidth=1, linestyle="--")
    axes.annotate("ends of a 90 % interval", (values[-1], 2.71), ha="right", va="bottom", fontsize=8)
    axes.set(xlabel="beta, held", ylabel="rise of twice the log likelihood", ylim=(0, 12), title="Profile likelihood")
    axes.legend(frameon=False, fontsize=8)
    return figure


def break_found() -> plt.Figure:
    """Runs that fall faster beyond a compute: what the law leaves, and what law and break together leave."""
    plain = read_runs(str(Path(__file__).parent / "examples" / "runs.csv"))
    place = float(np.quantile(plain["compute"], 0.55))
    faster = -0.03 * np.maximum(0.0, np.log(plain["compute"] / place))
    table = RunTable.of(params=plain["params"], tokens=plain["tokens"], compute=plain["compute"],
                        loss=plain["loss"] * np.exp(faster))
    found = fit("chinchilla", table, bootstrap=0)
    axes_of = Axes.of(found, table)
    shape = best_shape(found, axes_of, shape_test(found, axes_of)[1])
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 3.6), layout="constrained", sharey=True)
    left = 100 * (np.log(table["loss"]) - shape.outcome(table.quantities))
    for axes, misfit, title in zip(panels, (100 * found.residuals, left), ("The law alone", "The law with a break"),
                                   strict=True):
        axes.plot(table["compute"], misfit, "o", color=INK, markersize=3)
        axes.axhline(0.0, color=INK, linewidth=0.8)
        axes.axvline(float(np.exp(shape.term.place)), color="#b4531f", linewidth=1.0)
        axes.set(xscale="log", xlabel="compute [FLOP]", title=title)
    panels[0].set_ylabel("observed over fitted loss [%]")
    panels[1].annotate(f"break at {np.exp(shape.term.place):.1e}\nput at {place:.1e}", (np.exp(shape.term.place), 0.9),
                       xycoords=("data", "axes fraction"), xytext=(5, -8), textcoords="offset points", fontsize=8,
                       color="#b4531f")
    return figure


def combined() -> plt.Figure:
    """A curve as far as it was seen: forms fitted to it, what auto forecasts, and the runs that came after."""
    runs = read_runs(str(Path(__file__).parent / "examples" / "plateau.csv"), mapping={"task_loss": "error"})
    seen = runs["examples"] < 2e7
    train, x = runs.take(seen), np.geomspace(runs["examples"].min(), 1.2 * runs["examples"].max(), 200)
    chosen = select(train, bootstrap=1000)
    figure, axes = plt.subplots(figsize=(6.4, 3.8))
    values, draws = chosen.forecasts({"examples": x})
    axes.fill_between(x, *band(draws), color=BAND, alpha=0.4, linewidth=0, label="90 % for one more run")
    for form, line in (("m2", ":"), ("m3", "-."), ("m4", "--")):
        law = fit(f"{form}:examples", train, loss="log_squares", bootstrap=0).law
        axes.plot(x, law.at({"examples": x}), line, color="#829ab1", linewidth=1.2, label=form)
    axes.plot(x, values, color=INK, linewidth=1.6, label="auto")
    axes.plot(runs["examples"][seen], runs["task_loss"][seen], "o", color=INK, markersize=3.5, label="seen")
    axes.plot(runs["examples"][~seen], runs["task_loss"][~seen], "o", markerfacecolor="white", color=INK,
              markersize=3.5, label="came after")
    axes.set(xscale="log", yscale="log", xlabel="examples", ylabel="error [task unit]",
             title="What auto forecasts of a curve")
    axes.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    return figure


def sliced(runs: RunTable) -> plt.Figure:
    """The exponents of models cut by width, by depth, and by their ratio, beside that of all models."""
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 4.0), layout="constrained", sharey=True)
    places, ticks = 0.0, []
    for by in ("width", "depth", "width/depth"):
        found = slices("chinchilla", runs, by, cluster="run", delta=1e-4)
        for part in found.slices:
            for axes, name in zip(panels, ("alpha", "params_exponent"), strict=True):
                at = part.values[name]
                axes.plot([at.low, at.high], [places, places], color=BAND, linewidth=3.0)
                axes.plot(at.value, places, "o", color=INK, markersize=4.5)
            ticks.append((places, f"{by} {part.label}, {part.clusters} models"))
            places -= 1.0
        panels[1].text(1.02, places + 2.0, f"by chance:\n{100 * found.p_values['all']:.2g} %", fontsize=8,
                       va="center", transform=panels[1].get_yaxis_transform())
        places -= 0.6
    for axes, name, label in zip(panels, ("alpha", "params_exponent"), ("alpha: loss in params",
                                                                        "exponent of the best params in compute"),
                                 strict=True):
        whole = found.together.intervals[name] if name == "alpha" else found.together.derived[name]
        axes.axvline(whole.value, color=INK, linewidth=0.8, linestyle=":")
        axes.set(xlabel=label, xlim=(0.0, 1.0))
    panels[0].set_yticks(*zip(*ticks, strict=True), fontsize=8)
    figure.suptitle("22 shapes of McLeish et al. 2025, ten checkpoints each: a law to each slice", fontsize=10)
    return figure


def main() -> None:
    """Write each figure as SVG, and as PNG where asked, to be looked at."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--png", type=Path, help="also write PNG files to this folder")
    options = parser.parse_args()
    tables = {"quickstart": (packaged_sweep(ON_THE_LAW), "nats/byte",
                             "Small transformers on the bytes of Python's standard library: {} runs, {} noise")}
    if CHINCHILLA.is_file():
        tables["chinchilla-fit"] = (read_runs(str(CHINCHILLA), where="outlier == 0"), "nats/token",
                                    "Runs of Hoffmann et al. 2022 as read by Besiroglu et al. 2024: {} runs, {} noise")
    else:
        print(f"no table at {CHINCHILLA}: chinchilla-fit.svg is left as it is", file=sys.stderr)
    STATIC.mkdir(exist_ok=True)
    with plt.rc_context(STYLE):
        for name, (runs, unit, title) in tables.items():
            fitted = fit("chinchilla", runs)
            figure = draw(runs, fitted, unit, title.format(len(runs), f"{100 * fitted.noise:.2g} %"))
            save(figure, name, options.png)
        save(schedules(), "schedules", options.png)
        save(reach(), "reach", options.png)
        save(break_found(), "break", options.png)
        if CHINCHILLA.is_file():
            save(back_test(tables["chinchilla-fit"][0]), "backtest", options.png)
        save(profiles(), "profiles", options.png)
        save(combined(), "combined", options.png)
        for name, planned in (("frontier", memory_frontier), ("served", served), ("explained", explained)):
            save(planned(), name, options.png)
        if GEMSTONES.is_file():
            save(sliced(read_runs(str(GEMSTONES), where="set == 'hot'")), "slices", options.png)


def save(figure: plt.Figure, name: str, png: Path | None) -> None:
    """Write ``figure`` as SVG, and as PNG to the folder ``png`` where there is one."""
    figure.savefig(STATIC / f"{name}.svg", metadata={"Date": None})
    if png:
        png.mkdir(parents=True, exist_ok=True)
        figure.savefig(png / f"{name}.png", dpi=110)


if __name__ == "__main__":
    main()
