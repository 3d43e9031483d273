"""Retrieval: dense retrievers (a form without coefficients), and language models that look things up (guidance)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from lawful.laws.base import Exponent, Law, Positive, Scale
from lawful.laws.published import Failure, Fittable, Guidance, Source
from lawful.quantities import QUANTITIES, Quantity


@dataclass(frozen=True)
class DenseRetrievalLoss(Law):
    """Contrastive entropy of a dense retriever: Kaplan's joint form with a floor.

        L(N, D) = ((A / N)**(alpha / beta) + B / D)**beta + delta          [nats/query]

    N counts the encoder's ``params`` without embeddings, D (``examples``) the annotated query-passage
    pairs. The entropy is over the right passage and sampled wrong ones, so it compares only at one number
    of these. The cost of embedding a large index, which dominates in use, is not in it. Fang et al. 2024, section 4.4.
    """

    form: ClassVar[str] = "dense_retrieval"
    output: ClassVar[Quantity] = QUANTITIES["task_loss"]
    falls_with: ClassVar[tuple[str, ...]] = ("params", "examples")

    A: Scale          # params
    alpha: Exponent
    B: Scale          # pairs
    beta: Exponent
    delta: Positive   # nats/query: what remains

    def __call__(self, params: Any, examples: Any) -> Any:
        return ((self.A / params) ** (self.alpha / self.beta) + self.B / examples) ** self.beta + self.delta


Fittable(
    key="fang2024_dense_retrieval",
    title="Dense retrieval by encoder size and annotations",
    law=DenseRetrievalLoss(A=1e4, alpha=0.56, B=1e4, beta=1.31, delta=0.04),
    source=Source("2403.18684", "section 4.4, joint law", "Fang et al.", 2024, "Scaling Laws For Dense Retrieval"),
    category="retrieval",
    questions=(1, 3),
    counting={"params": "non-embedding"},
    failures=(Failure("With a large index the cost of inference dominates the optimum", "2403.18684"),),
    notes="The joint exponents are quoted as alpha 0.56 and beta 1.31; A, B and delta could not be confirmed, so the "
          "whole law is left to be fitted. Over one quantity at a time the paper fits a power law with a floor. BERT "
          "encoders of 0.5M to 87M params on MS MARCO, ERNIE on T2Ranking; 256 sampled negatives.",
)

Guidance(
    key="shao2024_datastore",
    title="The retrieval store as a third axis",
    source=Source("2407.12854", "abstract; section 4", "Shao et al.", 2024,
                  "Scaling Retrieval-Based Language Models with a Trillion-Token Datastore"),
    category="retrieval",
    questions=(4,),
    advice="Count the tokens of the retrieval store as a third axis beside params and training tokens: loss fell about "
           "log-linearly with them up to 1.4e12 without saturating, and at equal training compute a small model with "
           "a large store beats a larger one alone on knowledge tasks.",
    concerns=("borgeaud2021_retro",),
    failures=(Failure("Reasoning tasks gain little; quality filters and reranking matter", "2407.12854"),),
    notes="No fitted function was found.",
)

Guidance(
    key="borgeaud2021_retro",
    title="Retrieval while generating (RETRO)",
    source=Source("2112.04426", "section 4", "Borgeaud et al.", 2021,
                  "Improving language models by retrieving from trillions of tokens"),
    category="retrieval",
    questions=(4,),
    advice="Retrieval from a store of up to 2e12 tokens lowers bits per byte by about the same amount at every model "
           "size from 150M to 7B params, more with larger stores and with up to about 40 neighbours; on some sets it "
           "is worth 25 times the params.",
    concerns=("shao2024_datastore",),
    failures=(Failure("Text shared by test set and store inflates part of the gain", "2112.04426"),),
    notes="From memory; no formula is published.",
)
