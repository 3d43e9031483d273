"""Question 8, how several modalities scale: one model or one each, how large, and on how much data of each.

With laws of each modality alone, one model for all is weighed against one each at the same compute
(``lawful.plan.modalities.joined``); with a law of the pair trained together, its synergy counts. Without laws the
published sizes of Henighan et al. 2020 stand in; for contrastive image-text models the errors of Cherti et al. 2022.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from lawful.errors import FailedToAnswer, InputError, unknown
from lawful.fit import Fit
from lawful.laws import registry
from lawful.laws.multimodal import PowerError
from lawful.laws.multimodal_published import GMAC
from lawful.laws.published import Published
from lawful.plan.decision import Decision
from lawful.plan.laws import law_caveats, law_name
from lawful.plan.modalities.joined import Alone, apart, joined
from lawful.plan.modalities.synergy import barrier
from lawful.plan.questions.topic import Option, Recommendation, Situation, Topic
from lawful.plan.variables import SHARE
from lawful.quantities import FLOP_PER_PARAM_TOKEN, format_number
from lawful.results import Caveat, Interval, once

ALONE, CONTRASTIVE = "henighan2020_modalities", "cherti2022_openclip"

GUESSING = 12.0
"""Nats per token of a guess among 160,000 tokens: no trained model of any modality loses more."""

OPTIMAL = "_optimal_params"
"""How the keys of the published best sizes end."""


@dataclass(frozen=True)
class Asked:
    """Which modalities, what is known of each, and what they are wanted for."""

    modalities: tuple[str, ...] = ()
    "The modalities, as text and speech."
    laws: Mapping[str, Fit | Published] = field(default_factory=dict)
    "The law of each alone, of params and tokens: fits of your own runs, or keys."
    pair: Fit | Published | None = None
    "A law of two trained together, half and half: a fit of the form mixed_modal."
    weights: Mapping[str, float] = field(default_factory=dict)
    "What the loss on each counts; all alike where nothing is said."
    available: Mapping[str, float] = field(default_factory=dict)
    "Tokens that there are of a modality: 50B."
    contrastive: str = ""
    "A task of contrastive image-text models instead: imagenet, robustness, coco_retrieval, flickr_retrieval."
    target_error: float = 0.0
    "The error that a contrastive model is to reach; without it the budget's."


def recommend(situation: Situation, asked: Asked) -> Recommendation:
    """One model or one each, with size, data and loss; for contrastive models the error or the compute for one.

    Raises ``InputError`` where neither modalities nor a contrastive task is asked about, ``UnknownName`` for those that
    no law knows.
    """
    if asked.contrastive:
        return _contrastive(situation, asked)
    if len(set(asked.modalities)) < 2:
        raise InputError("[modalities]: give two modalities or more, as modalities = [\"text\", \"speech\"], or a task "
                         "of contrastive models, as contrastive = \"imagenet\"")
    for name in (*asked.laws, *asked.weights, *asked.available):
        if name not in asked.modalities:
            raise unknown("modality", name, asked.modalities, where="in [modalities]")
    if asked.weights and (missing := [m for m in asked.modalities if not asked.weights.get(m)]):
        raise InputError(f"[modalities] weights: {missing[0]} has none; give every modality one above 0, or leave out "
                         "weights for all alike")
    if not asked.laws:
        return _published(situation, asked)
    if missing := [m for m in asked.modalities if m not in asked.laws]:
        raise InputError(f"[modalities] laws: {missing[0]} has none; give the law of every modality alone, or of none")
    return _weighed(situation, asked)


# ------------------------------------------------------------------------------------------------- laws of one's own

def _weighed(situation: Situation, asked: Asked) -> Recommendation:
    compute = situation.compute()
    laws = {m: asked.laws[m] for m in asked.modalities}
    weights = {m: asked.weights.get(m, 1.0) for m in laws}
    own = apart(laws, compute, weights=weights, available=asked.available)
    for m, one in own.items():
        if one.loss > GUESSING:
            raise FailedToAnswer(f"{law_name(laws[m])} gives {m} a loss of {one.loss:.3g} nats/token at "
                                 f"{_n(one.params)} params, more than a guess among {math.exp(GUESSING):,.0f} "
                                 "tokens: its constants cannot be as they are printed")
    separate = sum(weights[m] * own[m].loss for m in laws) / sum(weights.values())
    free = joined(laws, compute, weights=weights, available=asked.available)
    paired = joined(laws, compute, weights=weights, pair=asked.pair, available=asked.available) if asked.pair else None
    together = paired or free
    join = paired is not None and paired.metrics["loss"] <= separate
    answer = _answer(asked, together, own, separate, join)
    joint = [_decided("one model, half and half, as the pair's law says", paired)] if paired else []
    joint.append(_decided("one model, if the modalities neither helped nor hindered", free))
    each = [Option(f"a model of {m} alone", {"params": a.params, "tokens": a.tokens},
                   {"loss": a.loss, "train_flop": a.compute}) for m, a in own.items()]
    named = tuple(dict.fromkeys(law_name(law) for law in (*laws.values(), *([asked.pair] if asked.pair else []))))
    return Recommendation("modalities", answer, (*joint, *each) if join else (*each, *joint), named,
                          _limits(asked, laws, own), _first(asked),
                          (*situation.spent_on_training(), *_assumptions(asked, compute)))


def _answer(asked: Asked, together: Decision, own: Mapping[str, Alone], separate: float, join: bool) -> str:
    d, loss = together.metrics, together.metrics["loss"]
    shares = ", ".join(f"{100 * d[SHARE + m]:.0f} % {m}" for m in own)
    one = f"one model of {_n(d['params'])} params on {_n(d['tokens'])} tokens ({shares})"
    each = " and ".join(f"{_n(a.params)} params on {_n(a.tokens)} tokens of {m}" for m, a in own.items())
    if join:
        said = f"Train {one}: mean loss {loss:.4f}, where models of their own ({each}) give {separate:.4f}."
    else:
        said = f"Train a model for each, {each}: mean loss {separate:.4f}, where {one} gives {loss:.4f}."
    if asked.pair is None:
        return (f"{said} That is without any synergy, of which no law was given: one model pays in training where "
                f"synergy is worth more than {loss - separate:.4f} at that size.")
    begins = barrier(asked.pair, level=together.forecast.level)
    if not math.isfinite(begins.compute.value):
        return f"{said} Under the pair's law they compete at every size: there is no synergy to reach."
    sure = "" if begins.certain is None else f", and in {100 * begins.certain:.0f} % of the draws somewhere"
    return (f"{said} Against models of the same size the two begin to help one another, at the cheapest, at "
            f"{_n(begins.params.value)} params and {_n(begins.tokens.value)} tokens{_ends(begins.params)}{sure}.")


def _ends(i: Interval) -> str:
    return f" ({_n(i.low)} to {_n(i.high)} params)" if math.isfinite(i.low) and math.isfinite(i.high) else ""


def _decided(name: str, made: Decision) -> Option:
    gives = {n: made.metrics[n] for n in ("loss", "train_flop", "memory_bytes")}
    answer = made.forecast
    ends = {} if answer.low is None or answer.high is None else {
        "loss": Interval(answer.value, math.nan, answer.low, answer.high)}
    return Option(name, made.decision, gives, {**made.intervals, **ends})


def _limits(asked: Asked, laws: Mapping[str, Fit | Published], own: Mapping[str, Alone]) -> tuple[Caveat, ...]:
    said = [Caveat(c.code, f"{m}: {c.message}") for m, law in laws.items()
            for c in law_caveats(law, {"params": own[m].params, "tokens": own[m].tokens})]
    if asked.pair is None:
        said.append(Caveat("no_interplay", "one model for all is judged as if the modalities neither helped nor "
                           "hindered one another; small models compete, large ones help (arXiv:2301.03728)"))
    else:
        said += [Caveat("half_and_half", "the law of a pair was fitted to mixtures of half and half, and says nothing "
                        "of others (arXiv:2301.03728)"),
                 Caveat("two_terms", "retellings divide A by N**alpha times D**beta; the paper adds a term for each, "
                        "and so does this (arXiv:2502.12051)")]
    said.append(Caveat("own_tokens", "losses per token of different modalities are in units of their own tokenizers: "
                       "their mean weighs what a token holds, which weights can set right"))
    return once(said)


def _first(asked: Asked) -> tuple[str, ...]:
    if asked.pair is not None:
        return ("One run of half and half beyond the barrier, beside runs of the same size on each modality alone: the "
                "sign of the difference is what the decision hangs on.",)
    a, b = asked.modalities[:2]
    return (f"The pair's law: models of {a} alone, of {b} alone and of half and half at three sizes and three amounts "
            f"of data or more, in a table with the columns params, tokens, loss, loss.{a}, loss.{b}; fit "
            f"MixedModalLoss(first={a!r}, second={b!r}).",)


def _assumptions(asked: Asked, compute: float) -> tuple[str, ...]:
    weights = "all modalities alike" if not asked.weights else ", ".join(f"{m} {w:g}" for m, w in asked.weights.items())
    return (f"One model and several have the same {compute:.4g} FLOP of training, 6 x params x tokens.",
            f"Losses count {weights}.", "Every token is seen once.")


# --------------------------------------------------------------------------------------------------- published laws

def _published(situation: Situation, asked: Asked) -> Recommendation:
    """The best sizes that Henighan et al. 2020 give each modality alone: nothing published says what joining gains."""
    compute = situation.compute()
    known = [key.split(":")[1].removesuffix(OPTIMAL) for key in registry.published() if
             key.startswith(ALONE) and key.endswith(OPTIMAL)]
    options, caveats, named = [], [], []
    for m in asked.modalities:
        if m not in known:
            raise unknown("modality", m, known, where="in [modalities]",
                          hint="give its own law: [modalities.laws]")
        size, loss = (registry.law(f"{ALONE}:{m}{end}") for end in (OPTIMAL, "_compute"))
        params = float(size(compute=compute))
        tokens = compute / (FLOP_PER_PARAM_TOKEN * params)
        options.append(Option(f"a model of {m} alone", {"params": params, "tokens": tokens},
                              {"loss": float(loss(compute=compute)), "train_flop": compute}))
        named += [size.key, loss.key]
        caveats += [*law_caveats(size, {"compute": compute}), *law_caveats(loss, {"compute": compute})]
    sizes = [o.decision["params"] for o in options]
    answer = (f"At {compute:.4g} FLOP for each, " + ", ".join(
        f"{m} alone asks for {_n(p)} params" for m, p in zip(asked.modalities, sizes, strict=True))
        + f". A model for all of them lies between {_n(min(sizes))} and {_n(max(sizes))}; no published constants say "
        "what joining them gains.")
    caveats.append(Caveat("no_pair", "the constants of competition and synergy of Aghajanyan et al. 2023 could not be "
                          "confirmed: only the place of one barrier is quoted, 28.35B params and 45B tokens for speech "
                          "and text (arXiv:2301.03728)"))
    return Recommendation("modalities", answer, tuple(options), tuple(named),
                          once(caveats),
                          ("Runs of your own on each modality, as laws of params and tokens: [modalities.laws].",
                           *_first(asked)), ("The compute is that of one model of each modality.",))


def _contrastive(situation: Situation, asked: Asked) -> Recommendation:
    """The error of a contrastive image-text model, or the compute for one, on each data set that was tried."""
    prefix = f"{CONTRASTIVE}:{asked.contrastive}_"
    laws = {key.removeprefix(prefix): law for key, law in registry.published().items() if key.startswith(prefix)}
    if not laws:
        tasks = dict.fromkeys(key.split(":")[1].rsplit("_", 1)[0] for key in registry.published()
                              if key.startswith(CONTRASTIVE))
        raise unknown("contrastive task", asked.contrastive, tasks, where="in [modalities]")
    options: list[Option] = []
    caveats: list[Caveat] = []
    for data, law in laws.items():
        assert isinstance(law.law, PowerError)
        compute = situation.compute() if not asked.target_error else (
            asked.target_error / law.law.beta) ** (1.0 / law.law.alpha)
        error = float(law(compute=compute))
        if error >= 1.0:
            raise FailedToAnswer(f"{law.key} gives an error of {error:.3g} at {compute:.4g} FLOP: it holds far above")
        options.append(Option(f"trained on {'LAION' if data == 'openclip' else data.upper()}", {"compute": compute},
                              {"error": error, "gmac_total": compute / GMAC}))
        caveats += law_caveats(law, {"compute": compute})
    ranked = sorted(options, key=lambda o: (o.decision["compute"], o.gives["error"]))
    best, rest = ranked[0], ranked[1:]
    said = [f"{100 * o.gives['error']:.1f} % {o.name} for {o.decision['compute']:.3g} FLOP" for o in ranked]
    answer = f"For {asked.contrastive}, expect an error of " + ", and ".join(said) + (
        f": {best.name} is the cheaper." if asked.target_error else f": {best.name} is the better." if rest else ".")
    return Recommendation("modalities", answer, tuple(ranked), tuple(law.key for law in laws.values()),
                          once(caveats),
                          ("Two sizes on your own pairs, at the same samples per size: the data set the exponent.",),
                          ("Compute is 6e9 FLOP for one GMAC of a sample: forward and backward of both towers.",
                           "Samples are unique: repeats fall below the line."))


def _n(value: float) -> str:
    return format_number(value, 3)


TOPIC = Topic("modalities", 8, "How do several modalities scale together?", Asked, recommend)
