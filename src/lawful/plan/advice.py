"""``advise(situation)``: the survey's questions that a situation raises, answered from the planner.

A situation is a mapping as a TOML file gives it. What all questions share stands at the top; each question has a
section of its own, and is answered where that section is there, if only empty:

    law = "fit.json"                       # the user's own loss law, or a key of the catalogue
    budget = {usd = "50k", device = "h100"}
    serving = {tokens = "1T", mfu = 0.2}
    [size]
    [data]
    unique_tokens = "25B"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from lawful.cost import Budget, Hardware
from lawful.errors import FailedToAnswer, InputError, LawError, unknown
from lawful.plan.costs.rates import Rates
from lawful.plan.questions import (
    architecture,
    downscaling,
    modalities,
    precision,
    size,
    sparsity,
    test_time,
    tuning,
)
from lawful.plan.questions import data as which_data
from lawful.plan.questions.topic import Recommendation, Situation, Topic
from lawful.plan.sections import FindLaw, read_section
from lawful.quantities import parse_positive

TOPICS: tuple[Topic, ...] = (
    size.TOPIC, architecture.TOPIC, which_data.TOPIC, test_time.TOPIC, tuning.TOPIC, sparsity.TOPIC, downscaling.TOPIC,
    precision.TOPIC, modalities.TOPIC)
"""The questions, in the order of the survey."""

SHARED = ("law", "budget", "serving")
"""Keys of a situation that all questions share."""


@dataclass(frozen=True)
class Serving:
    """What is to be served over the model's life."""

    tokens: float
    "Tokens to be written over the model's life: 1T."
    mfu: float = 0.2
    "What serving reaches of the device's peak."


@dataclass(frozen=True)
class Answer:
    """A topic, and what is recommended there; ``unanswered`` says why nothing is."""

    topic: Topic
    recommendation: Recommendation | None
    unanswered: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The answer as data, with the topic's guidance."""
        made = self.recommendation
        return {
            "topic": self.topic.name, "question": self.topic.number, "title": self.topic.title,
            "answer": made.answer if made else None, "unanswered": self.unanswered or None,
            "options": [vars(o) for o in made.options] if made else [], "laws": list(made.laws) if made else [],
            "limits": [vars(c) for c in made.limits] if made else [],
            "measure_first": list(made.measure_first) if made else [],
            "assumptions": list(made.assumptions) if made else [],
            "guidance": [vars(g) for g in self.topic.guidance],
        }


@dataclass(frozen=True)
class Advice:
    """The answers to every question that a situation raises, in the order of the survey."""

    answers: tuple[Answer, ...]

    def to_dict(self) -> dict[str, Any]:
        """The advice as data: the contract of ``lawful advise --json``."""
        return {"schema": "lawful.advice/1", "answers": [answer.to_dict() for answer in self.answers]}


def advise(situation: Mapping[str, Any], find_law: FindLaw) -> Advice:
    """The answers to the questions that ``situation`` raises; ``find_law`` turns a key or a file's name into a law.

    Raises ``UnknownName`` or ``InputError`` for a key or a value that no question takes, and where none is asked;
    ``FailedToAnswer`` where none of those that are asked has an answer.
    """
    topics = {topic.name: topic for topic in TOPICS}
    for name in situation:
        if name not in topics and name not in SHARED:
            raise unknown("section", name, (*SHARED, *topics), where="in the situation")
    shared = read_situation(situation, find_law)
    asked = [topic for topic in TOPICS if topic.name in situation]
    if not asked:
        raise InputError(f"the situation asks no question: give a section, as [size]; known: {', '.join(topics)}")
    sections: list[Any] = [read_section(topic.asked, situation[topic.name], f"[{topic.name}]", find_law)
                           for topic in asked]
    answers = tuple(_answer(topic, shared, section, len(asked) == 1)
                    for topic, section in zip(asked, sections, strict=True))
    if not any(answer.recommendation for answer in answers):
        raise FailedToAnswer("; ".join(f"{answer.topic.name}: {answer.unanswered}" for answer in answers))
    return Advice(answers)


def _answer(topic: Topic, shared: Situation, asked: Any, alone: bool) -> Answer:
    """The answer to one question. A law that does not suit it may suit the others, and stops it ``alone``."""
    try:
        return Answer(topic, topic.recommend(shared, asked))
    except LawError as problem:
        if alone:
            raise
        return Answer(topic, None, str(problem))
    except FailedToAnswer as problem:
        return Answer(topic, None, str(problem))


def read_situation(data: Mapping[str, Any], find_law: FindLaw) -> Situation:
    """What all questions share, from the keys ``law``, ``budget`` and ``serving``."""
    law = find_law(str(data["law"])) if "law" in data else None
    budget = _budget(data["budget"]) if "budget" in data else None
    rates = Rates()
    if "serving" in data:
        serving = read_section(Serving, data["serving"], "[serving]", find_law)
        rates = Rates(serve_tokens=parse_positive(serving.tokens, "[serving] tokens"), serve_mfu=serving.mfu)
    return Situation(law, budget, rates)


def _budget(data: Any) -> Budget:
    if not isinstance(data, Mapping):
        return Budget.parse(str(data))
    known = [f.name for f in fields(Budget)]
    for name in data:
        if name not in known:
            raise unknown("key", name, known, where="in [budget]")
    device = data.get("device", "")
    if not isinstance(device, str | Hardware):
        raise InputError(f"[budget] device: expected a name or a TOML file of its figures, got {device!r}")
    given: dict[str, Any] = {name: value if name == "device" else parse_positive(value, f"[budget] {name}")
                             for name, value in data.items() if name != "compute"}
    if given.get("devices", 1) % 1:
        raise InputError(f"[budget] devices: a whole number of devices, got {given['devices']:g}")
    if "devices" in given:
        given["devices"] = int(given["devices"])
    return Budget.parse(str(data["compute"]), **given) if "compute" in data else Budget(**given)
