"""Question 5, how fine-tuning scales: full tuning, LoRA or a prompt, on which model, and with how much data.

Ways of tuning are weighed by their laws over data (``lawful.plan.tuning.ways``), under a budget that collects data and
trains on them, and under the memory of the device (``lawful.cost.shapes.adapters``). Without laws of one's own those of
Zhang et al. 2024 stand in, three tasks of translation and summaries, and the answer says that they are other tasks.
"""

from __future__ import annotations

from collections.abc import Sequence

from lawful.cost.shapes.adapters import METHODS
from lawful.errors import FailedToAnswer, InputError, unknown
from lawful.laws import registry
from lawful.plan.laws import law_name
from lawful.plan.questions.topic import Recommendation, Situation, Topic
from lawful.plan.questions.tuning_notes import (
    against,
    assumptions_of,
    caveats_of,
    measure_first,
    option_of,
    sentence,
    ties_of,
    whole,
    worth_text,
)
from lawful.plan.questions.tuning_sections import TASKS, Asked, Tuning
from lawful.plan.questions.tuning_ways import way_of, weighed, work
from lawful.plan.tuning.ways import Tuned, Way
from lawful.quantities import format_number
from lawful.results import Caveat

__all__ = ["TASKS", "TOPIC", "Asked", "Tuning", "recommend"]


def recommend(situation: Situation, asked: Asked) -> Recommendation:
    """The way of tuning with the best loss for the budget, or the cheapest to the target, against the others.

    Raises ``InputError`` where neither ways nor sizes are given, ``FailedToAnswer`` where nothing fits or reaches it.
    """
    if bool(asked.ways) == bool(asked.params):
        raise InputError("[tuning]: give ways, each with the law of your own runs, or params, the sizes to choose "
                         "from, to be weighed by the published laws of other tasks")
    if asked.ways:
        return _own(situation, asked)
    return _published(situation, asked)


# ------------------------------------------------------------------------------------------------- laws of one's own

def _own(situation: Situation, asked: Asked) -> Recommendation:
    ways = [way_of(t, asked) for t in asked.ways]
    if len({w.data for w in ways}) > 1:
        raise InputError(f"[tuning]: the laws count {' and '.join(sorted({w.data for w in ways}))}; give laws that "
                         "count the same")
    found, left_out = weighed(situation, asked, ways)
    best = found[0]
    answer = sentence(best, asked) + against(found, asked) + left_out + worth_text(asked, best.way)
    caveats = (*caveats_of(best), *ties_of(found, asked))
    return Recommendation("tuning", answer, tuple(option_of(t) for t in found),
                          tuple(dict.fromkeys(law_name(t.way.law) for t in found)), caveats, measure_first(found),
                          assumptions_of(situation, asked))


# ----------------------------------------------------------------------------------------------- the published tasks

def _published(situation: Situation, asked: Asked) -> Recommendation:
    """Each published task by itself; recommended is the way that loses least to the best of each, on average.

    What it loses is in the outcome, or with a target in what reaching it costs.
    """
    by_task = {task: _task(situation, asked, task) for task in dict.fromkeys(asked.tasks)}
    if not by_task:
        raise InputError(f"[tuning] tasks: give one or more of {', '.join(TASKS)}")
    lost: dict[str, list[float]] = {}
    for found in by_task.values():
        for t, more in zip(found, _lost(found, asked), strict=True):
            lost.setdefault(t.way.name, []).append(more)
    everywhere = [name for name, losses in lost.items() if len(losses) == len(by_task)]
    name = min(everywhere or lost, key=lambda n: sum(lost[n]) / len(lost[n]))
    chosen = [t for found in by_task.values() for t in found if t.way.name == name]
    best = [task for task, found in by_task.items() if found[0].way.name == name]
    most = max(lost[name])
    data = " to ".join(dict.fromkeys(whole(pick(t.data for t in chosen), asked) for pick in (min, max)))
    worse = (f"it reaches {asked.target:g} at {1.0 + most:.3g} times the price of the cheapest at most" if asked.target
             else f"it loses least to the best of each, {100 * most:.2g} % at most")
    first = "cheapest" if asked.target else "best"
    answer = (f"Begin with {name} on {data} examples: over the published tasks ({', '.join(by_task)}) {worse}"
              f"{f', and is the {first} in {len(best)}' if best else ''}. These are translation and summaries and not "
              "your task: fit your own curves before you commit." + worth_text(asked, chosen[0].way))
    options = [option_of(t, task) for task, found in by_task.items() for t in found]
    options.sort(key=lambda o: not o.name.startswith(f"{name},"))
    ties = [Caveat(tied.code, f"{task}: {tied.message}")
            for task, found in by_task.items() for tied in ties_of(found, asked)]
    limits = [c for t in chosen for c in caveats_of(t)]
    laws = dict.fromkeys(law_name(t.way.law) for found in by_task.values() for t in found)
    return Recommendation("tuning", answer, tuple(options), tuple(laws), tuple(dict.fromkeys((*ties, *limits))),
                          measure_first(chosen), assumptions_of(situation, asked))


def _lost(found: Sequence[Tuned], asked: Asked) -> list[float]:
    """What each way loses to the best of ``found``, as a share: of the outcome, or to a target of the price.

    The price is in FLOP where dollars do not say it.
    """
    spent = [t.usd for t in found] if all(t.usd for t in found) else [t.flop for t in found]
    values = spent if asked.target else [t.outcome for t in found]
    return [value / min(values) - 1.0 for value in values]


def _task(situation: Situation, asked: Asked, task: str) -> list[Tuned]:
    """The ways on one published task, best first."""
    if task not in TASKS:
        raise unknown("published task", task, TASKS, where="in [tuning] tasks")
    ways = [Way(f"{method}, {format_number(params)} params", registry.law(f"zhang2024_finetuning:{task}_{method}"),
                {"params": params}, work(method, params, "", asked)[0])
            for params in asked.params for method in METHODS]
    try:
        return weighed(situation, asked, ways)[0]
    except FailedToAnswer as problem:
        raise FailedToAnswer(f"{task}: {problem}") from problem


TOPIC = Topic("tuning", 5, "How to fine-tune?", Asked, recommend)
