"""Question 2: which architecture. Which of several, how wide and deep, which vocabulary, how long a context.

The shape is always answered; the other parts where the section gives what they need:

    [architecture]
    rivals = {transformer = "plain.json", hybrid = "hybrid.json"}     # which of several wins at the budget
    params = "7B"                                                     # held; left out, it is decided with the shape
    model = "llama-3-8b"                                              # whose proportions it has
    pace = "hours.json"                                               # a law of hours: the best shape for your devices
    contexts = ["4k", "32k"]                                          # what a longer context gives and costs
    streams = [1, 2, 4, 8]                                            # what parallel streams give and cost
    encoder_params = "400M"                                           # the shape of a vision encoder
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from lawful.fit import Fit
from lawful.laws.published import Published
from lawful.plan.architecture.shapes import DEPTHS
from lawful.plan.architecture.templates import Template
from lawful.plan.questions import architecture_answers as answers
from lawful.plan.questions.topic import Part, Recommendation, Situation, Topic, in_parts


@dataclass(frozen=True)
class Asked:
    """What the section ``[architecture]`` takes."""

    rivals: Mapping[str, Fit | Published] = field(default_factory=dict)
    "Laws of the architectures in question, by name, all of one output: saved fits or keys of the catalogue."
    shape: Fit | Published | None = None
    "A law of width and depth; left out, yours if it takes them, else mcleish2025_gemstones:shape."
    params: float | None = None
    "Parameters that the model is to have, embeddings included; left out, they are decided with the shape."
    depths: tuple[float, ...] = DEPTHS
    "Depths that can be built."
    model: str | None = None
    "A published model whose proportions it has (llama-3-8b): vocab_size, block and embeddings are then its own."
    vocab_size: float = 32_000.0
    "Entries of the vocabulary that is planned."
    block: float = 12.0
    "Weights of a layer in units of width squared: 12 of a plain transformer."
    embeddings: float = 2.0
    "How many times the vocabulary is held: 2 with a head of its own, 1 where it is tied."
    pace: Fit | Published | None = None
    "A law of hours from tokens and any of params, width and depth, fitted to your logs."
    contexts: tuple[float, ...] = ()
    "Context lengths that are in question, in tokens."
    context_law: Fit | Published | None = None
    "A law of loss in context length; left out, that of Llama 2 Long of the nearest size."
    streams: tuple[float, ...] = ()
    "Numbers of parallel streams that are in question."
    stream_law: Fit | Published | None = None
    "A law of parallel streams; left out, chen2025_parscale:pile."
    encoder_params: float | None = None
    "Parameters of a vision encoder whose shape is in question."


def recommend(situation: Situation, asked: Asked) -> Recommendation:
    """The rivals ranked, the best shape and vocabulary for the budget, and what else is asked."""
    made = in_parts("architecture", list(_parts(situation, asked)))
    return replace(made, assumptions=(*situation.spent_on_training(), *made.assumptions))


TOPIC = Topic("architecture", 2, "Which architecture?", Asked, recommend)


def _parts(situation: Situation, asked: Asked) -> Iterator[Part]:
    compute = situation.compute()
    if asked.rivals:
        yield answers.ranking(asked.rivals, compute)
    law = asked.shape or answers.shape_law(situation.law)
    template = answers.template_of(law, asked.model, Template(asked.vocab_size, asked.block, asked.embeddings))
    part, best = answers.shaping(law, compute, template, asked.depths, asked.params, asked.pace)
    yield part
    yield answers.vocabulary(best, template, compute)
    if asked.contexts:
        yield answers.contexts(asked.context_law, asked.contexts, best)
    if asked.streams:
        yield answers.streams(asked.stream_law, asked.streams, best, template)
    if asked.encoder_params is not None:
        yield answers.encoder(asked.encoder_params)
