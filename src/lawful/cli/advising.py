"""``lawful advise``: the survey's questions, answered for a situation in a file or told at the terminal."""

from __future__ import annotations

import math
import sys
import textwrap
from typing import TYPE_CHECKING, Any

from lawful.cli.options import Output, find_device, find_law
from lawful.cli.output import aligned, check, show
from lawful.errors import InputError, unknown
from lawful.quantities import format_loss, format_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lawful.plan.advice import Advice, Answer
    from lawful.plan.questions.topic import Option, Topic

_NO_OUTPUT = Output()

SHARED_QUESTIONS = {
    "budget": "What may be spent: FLOP (1e22) or machine time (64xH100*30d)?",
    "serving": "How many tokens are to be served over the model's life?",
    "law": "A law of your own: a saved fit, or a key of the catalogue?",
}
"""What is asked at the terminal before the questions themselves."""

IN_JSON_ALONE = ("serve_flop", "gpu_hours", "energy_kwh", "co2e_kg", "serve_usd", "wall_days", "bit_flop")
"""Metrics that would make the table of options too wide to read."""

WIDTH = 110
"""Characters of a line of prose."""


def advise(situation: str | None = None, /, *, output: Output = _NO_OUTPUT) -> None:
    """Answer the survey's questions for a situation: what to do, on which laws, where they stop, what to measure first.

    Parameters
    ----------
    situation
        A TOML file: a budget, what is to be served, and a section for each question: [size], [data] ... Without one
        the situation is asked for at the terminal.
    """
    from lawful.plan.advice import advise as answer
    from lawful.store import read_toml

    check(output)
    told = ask() if situation is None else dict(read_toml(situation))
    if isinstance(budget := told.get("budget"), dict) and str(budget.get("device")).endswith(".toml"):
        told["budget"] = {**budget, "device": find_device(str(budget["device"]))}
    made = answer(told, find_law)
    show(made, advice_text(made), output)


def ask() -> dict[str, Any]:
    """The situation, asked for at the terminal, an empty line for what is not known or does not apply."""
    from lawful.plan.advice import TOPICS, read_situation
    from lawful.plan.sections import told_fields

    told: dict[str, Any] = {name: {"tokens": value} if name == "serving" else value
                            for name, text in SHARED_QUESTIONS.items() if (value := _prompt(text))}
    read_situation(told, find_law)   # a slip is said before the questions
    names = ", ".join(topic.name for topic in TOPICS)
    line = _prompt(f"Which questions ({names})?")
    if not line:
        raise InputError(f"no question is asked: name one or more of {names}")
    for topic in (topic for name in line.split(",") for topic in _called(name.strip())):
        told[topic.name] = {field.name: field.parse(text) for field in told_fields(topic.asked)
                            if (text := _prompt(f"[{topic.name}] {field.text or field.name}"
                                                f"{' (needed)' if field.needed else ''}"))}
    return told


def _called(name: str) -> list[Topic]:
    """The topic of that name, or those of that number."""
    from lawful.plan.advice import TOPICS

    found = [topic for topic in TOPICS if name in (topic.name, str(topic.number))]
    if not found:
        raise unknown("question", name, [topic.name for topic in TOPICS])
    return found


def _prompt(text: str) -> str:
    print(text, end=" ", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise InputError("the situation ends here: give a TOML file, or answer at the terminal")
    return line.strip()


def advice_text(made: Advice) -> str:
    """Each answer with what was weighed, what it rests on, where that stops, and what to measure first."""
    return "\n\n".join("\n".join(_answer_lines(answer)) for answer in made.answers)


def _answer_lines(answer: Answer) -> Iterator[str]:
    topic, made = answer.topic, answer.recommendation
    yield f"{topic.number}. {topic.title} [{topic.name}]"
    if made is None:
        yield from _prose(f"Not answered: {answer.unanswered}")
        return
    yield from _prose(made.answer)
    if len(made.options) > 1:
        yield ""
        yield textwrap.indent(options_text(made.options), "   ")
    for head, lines in (
        ("Rests on", made.laws), ("Taken for granted", made.assumptions),
        ("Stops holding", [c.message for c in made.limits]), ("Measure first", made.measure_first),
        ("The field says", [f"{g.text} ({g.source})" for g in topic.guidance]),
    ):
        if lines:
            yield from ("", f"   {head}:")
        for line in lines:
            yield from _prose(line, "   - ", "     ")


def _prose(text: str, first: str = "   ", rest: str = "   ") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest)


def options_text(options: tuple[Option, ...]) -> str:
    """A row for each way that was weighed: what it decides, then what that gives; notes below."""
    told = [name for o in options for name in (*o.decision, *o.gives)]
    names = [name for name in dict.fromkeys(told) if name not in IN_JSON_ALONE]
    rows = [[option.name, *(_cell(name, option) for name in names)] for option in options]
    notes = {note: ", ".join(o.name for o in options if o.note == note)
             for note in dict.fromkeys(o.note for o in options if o.note)}
    lines = (textwrap.wrap(f"{who}: {note}", WIDTH - 3, subsequent_indent="  ") for note, who in notes.items())
    return "\n".join([aligned(rows, ["weighed", *names]), *(line for one in lines for line in one)])


def _cell(name: str, option: Option) -> str:
    value = {**option.decision, **option.gives}.get(name)
    if value is None:
        return ""
    return format_loss(value) if name == "loss" else format_number(value) if math.isfinite(value) else "no end"
