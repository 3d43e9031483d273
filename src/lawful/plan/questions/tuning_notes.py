"""What every answer about tuning says: the best way and the next, ties, options, grounds, what to measure first."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lawful.errors import InputError
from lawful.laws import registry
from lawful.laws.published import Published
from lawful.plan.laws import law_caveats
from lawful.plan.questions.topic import Option, Situation
from lawful.plan.questions.tuning_sections import Asked
from lawful.plan.tuning.ways import Tuned, Way, crossings, worth
from lawful.quantities import format_number
from lawful.results import Caveat

WORTH = "hernandez2021_transfer:text_to_python"
"""The law that says what pre-training is worth."""


def whole(data: float, asked: Asked) -> str:
    """An amount of data in whole examples: as many as are paid for, or as a target needs."""
    return format_number(math.ceil(data) if asked.target else math.floor(data))


def sentence(best: Tuned, asked: Asked) -> str:
    """What to do, with what it gives and costs."""
    money = f", for {best.usd:.4g} dollars" if best.usd else ""
    outcome = best.way.law.law.output.name
    return f"Take {best.way.name} on {whole(best.data, asked)} {best.way.data}: {outcome} {best.outcome:.4g}{money}."


def against(found: Sequence[Tuned], asked: Asked) -> str:
    """The second, and where it takes over."""
    if len(found) < 2:
        return ""
    best, other = found[0], found[1]
    price = f", for {other.usd:.4g} dollars" if other.usd else ""
    text = (f" {other.way.name} would need {whole(other.data, asked)}{price}." if asked.target else
            f" {other.way.name} would give {other.outcome:.4g}.")
    cross = crossings(best.way, other.way)
    if cross:
        text += f" The two do equally well at {' and '.join(format_number(x) for x in cross)} {best.way.data}."
    return text


def ties_of(found: Sequence[Tuned], asked: Asked) -> tuple[Caveat, ...]:
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


def option_of(t: Tuned, task: str = "") -> Option:
    """A way with its data as an option, of one of the published tasks where they stand in."""
    gives = {t.way.law.law.output.name: t.outcome, "train_flop": t.flop}
    if t.usd:
        gives["usd"] = t.usd
    if t.way.memory_bytes is not None:
        gives["memory_bytes"] = t.way.memory_bytes
    spread = t.way.spread(t.data)
    decision = {t.way.data: t.data, **{n: x for n, x in t.way.at.items() if n != t.way.data}}
    return Option(t.way.name + (f", {task}" if task else ""), decision, gives,
                  {} if spread is None else {t.way.law.law.output.name: spread})


def caveats_of(t: Tuned) -> tuple[Caveat, ...]:
    """Where the law of a way stops holding; of a published one the printed digits give the interval."""
    return tuple(c for c in law_caveats(t.way.law, t.way.inputs(t.data)) if c.code != "no_interval")


def worth_text(asked: Asked, way: Way) -> str:
    """What pre-training is worth, where the characters are said."""
    if not asked.characters:
        return ""
    if not way.at.get("params"):
        raise InputError("[tuning] characters: what pre-training is worth depends on params; give them")
    found = worth(registry.law(WORTH), way.at["params"], asked.characters)
    return (f" Pre-training is worth {format_number(found.transferred)} characters of the task, {found.multiplier:.3g} "
            "times those there are, by the law of text to Python (arXiv:2102.01293).")


def measure_first(found: Sequence[Tuned]) -> tuple[str, ...]:
    """What to find out before spending."""
    data = found[0].way.data
    return (f"Tune with each way on five amounts of {data}, twice as many from one to the next, and fit its law: "
            "curves are flat before they fall (arXiv:2402.02314), so let the largest be 1/8 of all or more.",
            "Score what the model could do before: full tuning loses more of it than LoRA or a prompt "
            "(arXiv:2402.17193).")


def assumptions_of(situation: Situation, asked: Asked) -> tuple[str, ...]:
    """What every answer rests on, a sentence each."""
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
