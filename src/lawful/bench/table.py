"""A benchmark as it is handed on: one row a series and method for a csv file, and the report in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from lawful.bench.metrics import LEVELS, WIDTH, Score
from lawful.bench.runner import Outline
from lawful.bench.summary import Held, Line, Pair, beside, held, lines, loss, losses, pairs, shares
from lawful.bench.task import Task

AUTO = "auto"
"""The method that the report holds against every other, where it was asked."""


@dataclass(frozen=True)
class Benchmark:
    """The scores of a run over ``tasks``, with the ``day`` and how it was made (``machine``, in words)."""

    tasks: tuple[Outline, ...]
    scores: tuple[Score, ...]
    machine: Mapping[str, str]
    day: str = ""

    @property
    def dated(self) -> str:
        """The day of the run, today where none was given."""
        return self.day or date.today().isoformat()

    def of(self, task: Task) -> tuple[Score, ...]:
        """The scores of one task."""
        return tuple(score for score in self.scores if score.task == task.name)

    @property
    def compared(self) -> tuple[Pair, ...]:
        """``auto`` beside every other method, over all tasks."""
        return pairs(self.scores, AUTO) if any(score.method == AUTO for score in self.scores) else ()

    def to_dict(self) -> dict[str, Any]:
        """The benchmark as data: the contract of ``lawful bench forecast --json``."""
        return {
            "schema": "lawful.bench_forecast/1", "date": self.dated, "machine": dict(self.machine),
            "tasks": [{
                "task": one.task.name, "title": one.task.title, "source": one.task.source, "metric": one.task.metric,
                "series": len(one.series), "left_out": [vars(out) for out in one.left_out],
                "methods": [vars(line) for line in lines(self.of(one.task))],
                "published": dict(one.task.published.by_method), "share_best": dict(one.task.published.share_best),
            } for one in self.tasks],
            "pairs": [{**vars(pair), "ahead": pair.ahead} for pair in self.compared],
            "coverage": [{**vars(one), "levels": list(LEVELS)} for one in held(self.scores)],
        }


def rows(benchmark: Benchmark) -> Iterator[dict[str, Any]]:
    """One row a series and method: the score, the other metrics, and what its intervals held."""
    charged = losses(benchmark.scores)
    reference = {one.task.name: one.reference for one in benchmark.tasks}
    for score in benchmark.scores:
        bins = [part for part in score.bins.values() if "hits" in part]
        n = sum(part["n"] for part in bins)
        named = f"{score.task}: {score.series}"
        means = {name: math.fsum(part[name] for part in bins) / n if n and all(
            part[name] is not None for part in bins) else None for name in ("width", "crps", "log_score")}
        yield {
            "date": benchmark.dated, "task": score.task, "series": score.series, "group": score.group,
            "method": score.method, "status": score.status, "train": score.train, "test": score.test,
            "horizon_decades": score.horizon, "metric": score.metric, "score": score.score,
            "charged": charged.get(named, {}).get(score.method),
            "published": reference.get(score.task, {}).get(score.series, {}).get(score.method),
            **{name: score.errors.get(name) for name in ("rmsle", "are", "mae", "r2")},
            **{f"held_{100 * level:g}": sum(part["hits"][i] for part in bins) / n if n else None
               for i, level in enumerate(LEVELS)},
            f"width_{100 * WIDTH:g}": means["width"], "crps": means["crps"], "log_score": means["log_score"],
            "cpu_seconds": round(score.seconds, 3), "detail": score.detail,
        }


def markdown(benchmark: Benchmark) -> str:
    """The report: how ``auto`` did in pairs, what intervals held, and a section for each task."""
    parts = [f"# Forecasts of larger runs, {benchmark.dated}", ", ".join(benchmark.machine.values()),
             "A failed method is charged the worst score that another has on the series; what could not be run is "
             "listed and not compared. Scores of R2 are shown as 1 - R2: lower is better everywhere."]
    intervals = sorted(held(benchmark.scores), key=lambda one: one.method != AUTO)  # and else as they were asked
    parts += ["\n".join(part) for part in (_pairs(benchmark), _coverage(intervals)) if part]
    parts += ["\n\n".join(_task(benchmark, one)) for one in benchmark.tasks]
    return "\n\n".join(parts) + "\n"


def _pairs(benchmark: Benchmark) -> list[str]:
    compared = benchmark.compared
    if not compared:
        return []
    found = [f"## `{AUTO}` beside every other method", "",
             *_table(["method", "series", "auto better", "tied", "ratio of losses", "median: auto, theirs",
                      "mean: auto, theirs"],
                     [[f"`{p.rival}`", str(p.series), _percent(p.better / p.series), str(p.ties), _number(p.ratio),
                       f"{_number(p.median)}, {_number(p.rival_median)}", f"{_number(p.mean)}, {_number(p.rival_mean)}"]
                      for p in compared]), ""]
    behind = [p for p in compared if not p.ahead]
    found.append("The ratio is the geometric mean over series. Losses of several metrics are mixed in medians and "
                 "means over all tasks: read those by task.")
    for p in behind:
        ways = [*(["median"] if p.median >= p.rival_median else []), *(["mean"] if p.mean >= p.rival_mean else []),
                *(["more than half of the series"] if p.better <= 0.5 * (p.series - p.ties) else [])]
        found.append(f"\n`{AUTO}` is not ahead of `{p.rival}` in {' and '.join(ways)}.")
    if not behind:
        found.append(f"\n`{AUTO}` is ahead of every other in median, mean and share of series.")
    return found


def _coverage(found: Sequence[Held]) -> list[str]:
    if not found:
        return []
    head = ["method", "decades ahead", "series", "points", *(f"{100 * level:g} %" for level in LEVELS),
            *(f"{100 * level:g} % by series" for level in LEVELS[2:]), "width", "CRPS", "log score"]
    body = [[f"`{one.method}`", one.horizon, str(one.series), str(one.points),
             *(_percent(share) for share in one.coverage), *(_percent(share) for share in one.by_series[2:]),
             _number(one.width), _number(one.crps), _number(one.log_score)] for one in found]
    return ["## What intervals held, by horizon", "",
            "Shares of test points within the central interval at each level, over all points and as the mean over "
            "series; methods without an interval are not here.", "", *_table(head, body)]


def _task(benchmark: Benchmark, one: Outline) -> Iterator[str]:
    task, scores = one.task, benchmark.of(one.task)
    yield f"## {task.name}"
    yield (f"{task.title or task.name}{f' ({task.source})' if task.source else ''}: {len(one.series)} series, "
           f"{task.metric.upper()}" + (f", by {task.by}" if task.by else ""))
    groups = list(dict.fromkeys(group for _, group in one.series))
    found = lines(scores)
    head = ["method", "median", "mean", "best on", "failed", "too long", "not run", "CPU s",
            *(f"median {group}" for group in groups if len(groups) > 1)]
    by_group = {group: {line.method: line for line in lines([s for s in scores if s.group == group])}
                for group in groups if len(groups) > 1}
    yield "\n".join(_table(head, [_line(line, [by_group[g][line.method] for g in by_group]) for line in found]))
    for said in (_reported(one), _shared(one, scores), _referred(one, scores), _why(scores)):
        if said:
            yield said
    if one.left_out:
        yield (f"Left out: {len(one.left_out)} series or cuts, such as {one.left_out[0].name} "
               f"({one.left_out[0].reason}).")


def _line(line: Line, groups: Sequence[Line]) -> list[str]:
    return [f"`{line.method}`", _number(line.median), _number(line.mean), _percent(line.best), str(line.failed),
            str(line.timeouts), str(line.not_run), f"{line.seconds:.2f}", *(_number(g.median) for g in groups)]


def _reported(one: Outline) -> str:
    """The scores that others reported, as losses."""
    published, r2 = one.task.published, one.task.metric == "r2"
    if not published.by_method:
        return ""
    told = ", ".join(f"`{name}` {_number(1 - value if r2 else value)}" for name, value in published.by_method.items())
    about = f", where {published.where}" if published.where else ""
    return f"As published ({published.source}{about}): {told}."


def _shared(one: Outline, scores: Sequence[Score]) -> str:
    """The published share of series that each method is best on, beside ours among the same methods."""
    published = one.task.published
    methods = [m for m in published.share_best if any(score.method == m for score in scores)]
    if len(methods) < 2:
        return ""
    found = losses([score for score in scores if score.series in one.counted and score.method in methods])
    own = shares(found, methods)
    recipes = [f"{m}_recipe" if m != "bnsl1" else "bnsl_recipe" for m in methods]
    theirs = shares(losses([s for s in scores if s.series in one.counted and s.method in recipes]), recipes)
    body = [[f"`{m}`", _percent(published.share_best[m]), _percent(own[m]), _percent(theirs[r]) if any(
        theirs.values()) else "-"] for m, r in zip(methods, recipes, strict=True)]
    return "\n".join([f"Best of these methods, as published ({published.source}) and on the {len(found)} series here "
                      "that it is about; the recipes among themselves:", "",
                      *_table(["method", "published", "here", "its recipe here"], body)])


def _referred(one: Outline, scores: Sequence[Score]) -> str:
    """Each method against its published score on the same series."""
    if not one.reference:
        return ""
    said = []
    for method in dict.fromkeys(m for row in one.reference.values() for m in row):
        better, near, worse = beside(scores, one.reference, method)
        if better + near + worse:
            said.append(f"`{method}` against its score in the data's folder: better by more than 10 % on {better} "
                        f"series, within 10 % on {near}, worse on {worse}.")
            said += [f"- worse: {score.series}, {_number(loss(score))} against "
                     f"{_number(one.reference[score.series][method])}" for score in scores
                     if beside([score], one.reference, method)[2]]
    return "\n".join(said)


def _why(scores: Sequence[Score]) -> str:
    """The reason of each method's first failure, so that none is a mere count."""
    said = []
    for method in dict.fromkeys(score.method for score in scores):
        bad = [score for score in scores if score.method == method and not score.answered]
        if bad:
            said.append(f"- `{method}`, {bad[0].status.replace('_', ' ')} on {len(bad)}: {bad[0].series}: "
                        f"{bad[0].detail}")
    return "\n".join(said)


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *body)]


def _number(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.4g}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if math.isfinite(share) else "-"


