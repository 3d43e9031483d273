"""Question 3: which data. How often to repeat them, how to mix them, how hard to filter, how much of a domain.

Each part is answered where the section gives what it needs:

    [data]
    unique_tokens = "25B"                                        # how often to repeat, and what more would be worth
    [data.mixture]
    domains = ["web", "code", "books"]                           # how to mix
    laws = {web = "web.json", code = "code.json", books = "books.json"}
    [data.filter]
    samples = "128M"                                             # how hard to filter
    pools = {best = {samples = "12.8M", law = "goyal2024_qqt:top_10"}, next = {...}}
    [data.continued]
    params = "1.8B"                                              # which share of a domain
    tokens = "10B"
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lawful.errors import FailedToAnswer
from lawful.plan.questions import data_answers as answers
from lawful.plan.questions.data_sections import ContinuedAsked, FilterAsked, MixtureAsked
from lawful.plan.questions.topic import Part, Recommendation, Situation, Topic, in_parts


@dataclass(frozen=True)
class Asked:
    """What the section ``[data]`` takes; each key asks a part of the question."""

    unique_tokens: float | None = None
    "Distinct tokens that there are: 25B."
    mixture: MixtureAsked | None = None
    "How to mix domains."
    filter: FilterAsked | None = None
    "How hard to filter."
    continued: ContinuedAsked | None = None
    "Which share of a domain in continued training."


def recommend(situation: Situation, asked: Asked) -> Recommendation:
    """The parts of the question that ``asked`` gives what they need, answered one after the other."""
    parts = list(_parts(situation, asked))
    if not parts:
        raise FailedToAnswer("nothing says which part of the question is asked: give unique_tokens, or a section "
                             "[data.mixture], [data.filter] or [data.continued]")
    return in_parts("data", parts)


TOPIC = Topic("data", 3, "Which data?", Asked, recommend)


def _parts(situation: Situation, asked: Asked) -> Iterator[Part]:
    if asked.unique_tokens is not None:
        yield answers.repetition(situation, asked.unique_tokens)
    if asked.mixture is not None:
        yield answers.mixture(asked.mixture)
    if asked.filter is not None:
        yield answers.filtering(situation, asked.filter)
    if asked.continued is not None:
        yield answers.continued(situation, asked.continued)
