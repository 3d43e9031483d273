"""Question 5, how fine-tuning scales: full tuning, LoRA or a prompt, on which model, and with how much data.

Ways of tuning are weighed by their laws over data (``lawful.plan.tuning.ways``), under a budget that collects data and
trains on them, and under the memory of the device (``lawful.cost.shapes.adapters``). Without laws of one's own those of
Zhang et al. 2024 stand in, three tasks of translation and summaries, and the answer says that they are other tasks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lawful.cost import Budget, hardware, train_cost
from lawful.cost.hardware import Hardware
from lawful.cost.shapes.adapters import METHODS, tuning_flop, tuning_memory
from lawful.cost.shapes.memory import Sharding
from lawful.cost.shapes.models import model as known_shape
from lawful.errors import FailedToAnswer, InputError, unknown
from lawful.fit import Fit
from lawful.laws import registry
from lawful.laws.published import Published
from lawful.plan.costs.rates import Rates
from lawful.plan.laws import law_caveats, law_name
from lawful.plan.questions.topic import Option, Recommendation, Situation, Topic
from lawful.plan.tuning.ways import Purse, Tuned, Way, crossings, weigh, worth
from lawful.quantities import FLOP_PER_PARAM_TOKEN, format_number
from lawful.results import Caveat

TASKS = ("en_de", "en_zh", "mlsum")
"""The published tasks: English to German, English to Chinese, multilingual summaries."""

FROZEN = 2.0 / 3.0
"""FLOP of a way that freezes the weights over those of full tuning: their own gradients are not needed."""

WORTH = "hernandez2021_transfer:text_to_python"


@dataclass(frozen=True)
class Tuning:
    """A way of tuning of one's own: a model, a method, and the law of its loss over data."""

    name: str
    "What to call it."
    law: Fit | Published
    "The law of its loss over examples or finetune_tokens: a fit of one's own runs, or a key."
    method: str = "full"
    "full, lora or prompt."
    params: float = 0.0
    "Parameters of the model, where the law takes them or the price needs them."
    shape: str = ""
    "A published model of that shape, as llama-3-8b, for FLOP and memory."
    at: Mapping[str, float] = field(default_factory=dict)
    "Further quantities that the law takes, as lora_rank."


@dataclass(frozen=True)
class Asked:
    """What there is to tune on, with what, and what is wanted."""

    ways: tuple[Tuning, ...] = ()
    "Ways of one's own, each with its law."
    params: tuple[float, ...] = ()
    "Without them: sizes of the model to choose from, weighed by the published laws of `tasks`."
    tasks: tuple[str, ...] = TASKS
    "Published tasks that stand in: en_de, en_zh, mlsum."
    examples: float = 0.0
    "Examples that there are; tokens, here and below, where the laws count tokens."
    usd_per_example: float = 0.0
    "What a further one costs to collect; 0 where there are no others."
    most_examples: float = math.inf
    "How many there could be at most."
    target: float = 0.0
    "The loss to reach; without it the best for the budget."
    tokens_per_example: float = 512.0
    "Tokens of an example."
    epochs: float = 1.0
    "Passes over the data."
    rank: int = 16
    "Rank of LoRA."
    prompt: int = 100
    "Tokens of a tuned prompt."
    batch: int = 1
    "Examples in a device's memory at once."
    frozen: str = ""
    "Precision of frozen weights, as int4; that of training where nothing is said."
    devices: int = 1
    "Devices that share weights, gradients and state."
    characters: float = 0.0
    "Characters of the data, to say what pre-training is worth."


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
    ways = [_way(t, asked) for t in asked.ways]
    if len({w.data for w in ways}) > 1:
        raise InputError(f"[tuning]: the laws count {' and '.join(sorted({w.data for w in ways}))}; give laws that "
                         "count the same")
    found, left_out = _weighed(situation, asked, ways)
    best = found[0]
    answer = _sentence(best, asked) + _against(found, asked) + left_out + _worth(asked, best.way)
    caveats = (*_caveats(best), *_ties(found, asked))
    return Recommendation("tuning", answer, tuple(_option(t) for t in found),
                          tuple(dict.fromkeys(law_name(t.way.law) for t in found)), caveats, _measure(found),
                          _assumptions(situation, asked))


def _way(t: Tuning, asked: Asked) -> Way:
    if t.method not in METHODS:
        raise unknown("way of tuning", t.method, METHODS, where=f"in {t.name}")
    at = dict(t.at)
    if t.params:
        at.setdefault("params", t.params)
    flop, memory = _work(t.method, t.params, t.shape, asked)
    counted = Way(t.name, t.law, at, flop, memory)
    if counted.data == "finetune_tokens":
        return replace(counted, flop_per_unit=flop / asked.tokens_per_example)
    return counted


def _work(method: str, params: float, shape: str, asked: Asked) -> tuple[float, float | None]:
    """FLOP of one example over all passes, and the bytes that tuning holds; None without a shape."""
    length = asked.tokens_per_example
    if shape:
        form = known_shape(shape)
        context = max(1, round(length))
        flop = tuning_flop(form, method, context, rank=asked.rank, prompt=asked.prompt)
        held = tuning_memory(form, method, rank=asked.rank, prompt=asked.prompt, frozen=asked.frozen or None,
                             batch=asked.batch, context=context + (asked.prompt if method == "prompt" else 0),
                             sharding=Sharding(data=asked.devices, zero=3)).total
        return flop * asked.epochs, held
    longer = asked.prompt if method == "prompt" else 0
    share = 1.0 if method == "full" else FROZEN
    return share * FLOP_PER_PARAM_TOKEN * params * (length + longer) * asked.epochs, None


def _weighed(situation: Situation, asked: Asked, ways: Sequence[Way]) -> tuple[list[Tuned], str]:
    """The ways under the purse and the memory, and what was left out for its memory."""
    purse = Purse(asked.examples, asked.usd_per_example, asked.most_examples if asked.usd_per_example else
                  max(asked.examples, 0.0) or math.inf, _usd_per_flop(situation.rates))
    device = _device(situation.rates)
    memory = math.inf if device is None else device.memory_bytes
    budget = situation.budget
    usd = budget.usd if budget else None
    flop = math.inf if budget is None or usd is not None else budget.train_flop
    found = weigh(ways, purse, usd=usd, flop=flop, target=asked.target or None, memory=memory)
    big = [f" {w.name} does not fit: it takes {w.memory_bytes / 1e9:.3g} GB of {memory / 1e9:.3g}."
           for w in ways if w.memory_bytes is not None and w.memory_bytes > memory]
    return found, "".join(big)


def _device(rates: Rates) -> Hardware | None:
    return hardware(rates.device) if isinstance(rates.device, str) else rates.device


def _usd_per_flop(rates: Rates) -> float:
    if rates.device is None:
        return 0.0
    return train_cost(1.0, Budget(compute=1.0, device=rates.device, mfu=rates.mfu, **(rates.options or {}))).usd or 0.0


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
    data = " to ".join(dict.fromkeys(_whole(pick(t.data for t in chosen), asked) for pick in (min, max)))
    worse = (f"it reaches {asked.target:g} at {1.0 + most:.3g} times the price of the cheapest at most" if asked.target
             else f"it loses least to the best of each, {100 * most:.2g} % at most")
    first = "cheapest" if asked.target else "best"
    answer = (f"Begin with {name} on {data} examples: over the published tasks ({', '.join(by_task)}) {worse}"
              f"{f', and is the {first} in {len(best)}' if best else ''}. These are translation and summaries and not "
              "your task: fit your own curves before you commit." + _worth(asked, chosen[0].way))
    options = [_option(t, task) for task, found in by_task.items() for t in found]
    options.sort(key=lambda o: not o.name.startswith(f"{name},"))
    ties = [Caveat(tied.code, f"{task}: {tied.message}")
            for task, found in by_task.items() for tied in _ties(found, asked)]
    limits = [c for t in chosen for c in _caveats(t)]
    laws = dict.fromkeys(law_name(t.way.law) for found in by_task.values() for t in found)
    return Recommendation("tuning", answer, tuple(options), tuple(laws), tuple(dict.fromkeys((*ties, *limits))),
                          _measure(chosen), _assumptions(situation, asked))


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
                {"params": params}, _work(method, params, "", asked)[0])
            for params in asked.params for method in METHODS]
    try:
        return _weighed(situation, asked, ways)[0]
    except FailedToAnswer as problem:
        raise FailedToAnswer(f"{task}: {problem}") from problem


# ------------------------------------------------------------------------------------------------ what is said of it

def _whole(data: float, asked: Asked) -> str:
    """An amount of data in whole examples: as many as are paid for, or as a target needs."""
    return format_number(math.ceil(data) if asked.target else math.floor(data))


def _sentence(best: Tuned, asked: Asked) -> str:
    money = f", for {best.usd:.4g} dollars" if best.usd else ""
    outcome = best.way.law.law.output.name
    return f"Take {best.way.name} on {_whole(best.data, asked)} {best.way.data}: {outcome} {best.outcome:.4g}{money}."


def _against(found: Sequence[Tuned], asked: Asked) -> str:
    """The second, and where it takes over."""
    if len(found) < 2:
        return ""
    best, other = found[0], found[1]
    price = f", for {other.usd:.4g} dollars" if other.usd else ""
    text = (f" {other.way.name} would need {_whole(other.data, asked)}{price}." if asked.target else
            f" {other.way.name} would give {other.outcome:.4g}.")
    cross = crossings(best.way, other.way)
    if cross:
        text += f" The two do equally well at {' and '.join(format_number(x) for x in cross)} {best.way.data}."
    return text


def _ties(found: Sequence[Tuned], asked: Asked) -> tuple[Caveat, ...]:
    """Ways whose intervals overlap that of the best."""
    best = found[0].way.spread(found[0].data)
    if best is None or asked.target:
        return ()
    tied = []
    for t in found[1:]:
        spread = t.way.spread(t.data)
        if spread is not None and spread.low <= best.high:
            tied.append(t.way.name)
    why = "what the printed digits leave open" if isinstance(found[0].way.law, Published) else "the draws of the fits"
    return (Caveat("tie", f"{found[0].way.name} is not told from {', '.join(tied)} by {why}"),) if tied else ()


def _option(t: Tuned, task: str = "") -> Option:
    gives = {t.way.law.law.output.name: t.outcome, "train_flop": t.flop}
    if t.usd:
        gives["usd"] = t.usd
    if t.way.memory_bytes is not None:
        gives["memory_bytes"] = t.way.memory_bytes
    spread = t.way.spread(t.data)
    decision = {t.way.data: t.data, **{n: x for n, x in t.way.at.items() if n != t.way.data}}
    return Option(t.way.name + (f", {task}" if task else ""), decision, gives,
                  {} if spread is None else {t.way.law.law.output.name: spread})


def _caveats(t: Tuned) -> tuple[Caveat, ...]:
    """Where the law of a way stops holding; of a published one the printed digits give the interval."""
    return tuple(c for c in law_caveats(t.way.law, t.way.inputs(t.data)) if c.code != "no_interval")


def _worth(asked: Asked, way: Way) -> str:
    """What pre-training is worth, where the characters are said."""
    if not asked.characters:
        return ""
    if not way.at.get("params"):
        raise InputError("[tuning] characters: what pre-training is worth depends on params; give them")
    found = worth(registry.law(WORTH), way.at["params"], asked.characters)
    return (f" Pre-training is worth {format_number(found.transferred)} characters of the task, {found.multiplier:.3g} "
            "times those there are, by the law of text to Python (arXiv:2102.01293).")


def _measure(found: Sequence[Tuned]) -> tuple[str, ...]:
    data = found[0].way.data
    return (f"Tune with each way on five amounts of {data}, twice as many from one to the next, and fit its law: "
            "curves are flat before they fall (arXiv:2402.02314), so let the largest be 1/8 of all or more.",
            "Score what the model could do before: full tuning loses more of it than LoRA or a prompt "
            "(arXiv:2402.17193).")


def _assumptions(situation: Situation, asked: Asked) -> tuple[str, ...]:
    said = [f"An example has {format_number(asked.tokens_per_example)} tokens; {asked.epochs:g} "
            f"pass{'es' * (asked.epochs != 1)} over the data.",
            "Full tuning costs 6 FLOP a parameter and token; LoRA and prompts 4, since frozen weights need no gradient "
            "of their own."]
    if situation.rates.device is None:
        said.append("No device is named: training costs nothing, and memory limits nothing.")
    if any(t.shape for t in asked.ways):
        shared = f", weights, gradients and state spread over {asked.devices} (ZeRO 3)" if asked.devices > 1 else ""
        said.append(f"Memory is that of one device with {asked.batch} example{'s' * (asked.batch > 1)} at "
                    f"once{shared}; activations are counted as in full tuning.")
    return tuple(said)


TOPIC = Topic("tuning", 5, "How to fine-tune?", Asked, recommend)
