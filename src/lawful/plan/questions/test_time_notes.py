"""What every answer about test time says beside itself: prices, laws, where they stop, what to measure first."""

from __future__ import annotations

from collections.abc import Sequence

from lawful.plan.laws import law_caveats, law_name
from lawful.plan.questions.test_time_sections import Asked
from lawful.plan.sampling.answering import Model
from lawful.results import Caveat


def samples_text(count: int) -> str:
    """So many samples in words."""
    return f"{count:,} sample{'s' * (count != 1)}"


def money(price: float, unit: str) -> str:
    """A price in words, in dollars or FLOP."""
    return f"{price:.3g} dollars" if unit == "usd" else f"{price:.3g} FLOP"


def laws_of(models: Sequence[Model]) -> tuple[str, ...]:
    """What says how well the models answer, each once."""
    names = [law_name(m.coverage) if m.coverage is not None else
             f"{'success rates' if m.rates else 'Beta density of success rates'} of {m.name}" for m in models]
    return tuple(dict.fromkeys(names))


def limits_of(models: Sequence[Model], samples: Sequence[int], asked: Asked) -> tuple[Caveat, ...]:
    """Where what is known of ``models``, each with so many ``samples``, stops holding."""
    found: list[Caveat] = []
    for m, k in zip(models, samples, strict=True):
        if m.coverage is not None:
            found += law_caveats(m.coverage, {"samples": float(k)})
        if m.correct and k > m.drawn:
            found.append(Caveat("beyond_samples", f"{m.name}: {k:,} samples are {k / m.drawn:.3g} times those that "
                                "were drawn; beyond them the fitted density decides, of which the problems that were "
                                "never solved say least"))
    if asked.verifier == "exact":
        found.append(Caveat("exact_verifier", "coverage counts where the right sample is known when it is seen, as by "
                            "tests or a proof checker: with false positives more samples come to a ceiling "
                            "(arXiv:2411.17501)"))
    elif asked.verifier == "vote":
        found.append(Caveat("binary_vote", "a vote is taken between right and wrong: where wrong answers differ among "
                            "themselves fewer right ones win (arXiv:2403.02419 makes the same assumption)"))
    else:
        found.append(Caveat("even_errors", "the verifier errs alike on every problem; it is found to pass more wrong "
                            "samples of the problems that a model finds hard (arXiv:2411.17501)"))
    return tuple(dict.fromkeys(found))


def measure_first(asked: Asked) -> tuple[str, ...]:
    """What to find out before spending."""
    first = ["Draw 100 samples or more for 100 problems of your own queries: curves of other tasks do not carry over."]
    if asked.verifier == "exact":
        first.append("Read 50 samples that your verifier passed: the share of wrong ones among them is what verifier = "
                     "\"imperfect\" needs.")
    if asked.classes:
        first.append("Sort 100 queries into the classes by the means you will have, and count how often that is right.")
    return tuple(first)
