"""What the sections of question 3 take: ``[data.mixture]``, ``[data.filter]``, ``[data.continued]``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lawful.fit import Fit
from lawful.laws.published import Published
from lawful.plan.data.mixture import EPOCHS

TOLERANCE = 0.03
"""By which share the general loss may rise in continued training where nobody says: the example of 2406.01375."""


@dataclass(frozen=True)
class MixtureAsked:
    """How to mix domains: what the section ``[data.mixture]`` takes."""

    domains: tuple[str, ...]
    "The domains, by the names that follow mixture. in the runs."
    laws: Mapping[str, Fit | Published] = field(default_factory=dict)
    "A fit of the loss on each domain of interest against the shares: {web = \"web.json\", code = \"code.json\"}."
    law: Fit | Published | None = None
    "Instead: one fit of the target loss against the shares."
    weights: Mapping[str, float] = field(default_factory=dict)
    "How much each of these losses counts; all alike where left out."
    worst: bool = False
    "Whether the worst loss is what counts, instead of their sum."
    params: float | None = None
    "The size of the model, where the laws take it."
    tokens: float | None = None
    "Tokens of training, where the laws take them or data are limited."
    domain_tokens: Mapping[str, float] = field(default_factory=dict)
    "Distinct tokens that there are, by domain."
    max_epochs: float = EPOCHS
    "Passes over a domain that are allowed."
    least: Mapping[str, float] = field(default_factory=dict)
    "The least share of a domain; where the runs ended where left out."
    most: Mapping[str, float] = field(default_factory=dict)
    "The largest share of a domain; where the runs ended where left out."
    baseline: Mapping[str, float] = field(default_factory=dict)
    "The mixture that you would take otherwise; equal shares where left out."


@dataclass(frozen=True)
class PoolAsked:
    """Data of one quality."""

    samples: float
    "Distinct samples."
    law: Fit | Published
    "The law of training on it alone, of the form quality_decay: goyal2024_qqt:top_10, or a fit."


@dataclass(frozen=True)
class SetAsked:
    """A whole data set, filtered in one way."""

    unique_tokens: float
    "Distinct tokens."
    law: Fit | Published
    "The loss law fitted to runs on this set; all sets judged on the same text."


@dataclass(frozen=True)
class FilterAsked:
    """How hard to filter: what the section ``[data.filter]`` takes."""

    pools: Mapping[str, PoolAsked] = field(default_factory=dict)
    "Pools of the data by quality."
    samples: float | None = None
    "Samples that will be seen, repeats included."
    sets: Mapping[str, SetAsked] = field(default_factory=dict)
    "Instead: data sets filtered in several ways, for the compute of the budget."


@dataclass(frozen=True)
class ContinuedAsked:
    """Which share of a domain in continued training: what the section ``[data.continued]`` takes."""

    domain_law: Fit | Published | None = None
    "A fit of the loss on the domain against its share, tokens and params (form d_cpt)."
    general_law: Fit | Published | None = None
    "A fit of the general loss."
    params: float | None = None
    "Params of the model that is trained on; the best for the budget where left out."
    tokens: float | None = None
    "Tokens of continued training; the best for the budget or the domain's data where left out."
    domain_tokens: float | None = None
    "Distinct tokens of the domain that there are."
    max_epochs: float = EPOCHS
    "Passes over the domain that are allowed."
    general_loss: float | None = None
    "The general loss before: what may rise by the tolerance."
    tolerance: float = TOLERANCE
    "By which share the general loss may rise: 0.03 is 3 %."
