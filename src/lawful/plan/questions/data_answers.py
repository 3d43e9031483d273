"""The answers to the parts of question 3: how often to repeat, how to mix, how hard to filter, how much of a domain."""

from __future__ import annotations

import math
from collections.abc import Mapping

from lawful.errors import InputError
from lawful.fit import Fit
from lawful.laws import registry
from lawful.laws.data import DecayingUtility
from lawful.laws.published import Published, cited
from lawful.plan.data.continual import bearable_share, continue_training
from lawful.plan.data.filtering import Filtering, Pool, compare_sets, filter_pools
from lawful.plan.data.mixture import Mixed, mix
from lawful.plan.data.repetition import Outcome, Repeated, epochs_until, repeat, with_repetition
from lawful.plan.laws import law_caveats, law_name
from lawful.plan.questions.data_sections import ContinuedAsked, FilterAsked, MixtureAsked, SetAsked
from lawful.plan.questions.topic import Option, Part, Situation
from lawful.plan.variables import SHARE
from lawful.quantities import format_number
from lawful.results import Caveat

LAW = "muennighoff2023_data_constrained"
"""The law of repetition that is asked where the user has no loss law."""


# -------------------------------------------------------------------------------------------- repetition

def repetition(situation: Situation, unique: float) -> Part:
    """How often to repeat ``unique`` distinct tokens for the budget, and what more of them would be worth."""
    law = situation.loss_law(LAW)
    found = repeat(law, unique, situation.compute(), situation.rates)
    at, data = found.decision.metrics, format_number(unique)
    if found.epochs < 1.0 + 1e-3:
        needed = format_number(at["tokens"])
        answer = (f"Do not repeat: {needed} of your {data} distinct tokens are all that the compute can use, with "
                  f"{format_number(at['params'])} params, for a loss of {at['loss']:.4g}.")
    else:
        answer = (f"Repeat your {data} distinct tokens {found.epochs:.3g} times: train {format_number(at['params'])} "
                  f"params on {format_number(at['tokens'])} tokens, for a loss of {at['loss']:.4g} (one pass "
                  f"{found.one_pass.loss:.4g}, data without end {found.fresh_loss:.4g}). A token of the last pass is "
                  f"worth {100 * found.last_worth:.2g} % of a fresh one, and {_token_worth(found)}.")
    asked = with_repetition(law)
    return Part(
        answer, (
            Option(f"{format_number(at['params'])} for {_times(found.epochs)}",
                   {name: at[name] for name in ("params", "unique_tokens", "epochs")},
                   {name: at[name] for name in ("loss", "tokens", "train_flop")}, found.decision.intervals),
            _weighed("each token once", found.one_pass, "the model grows instead"),
            _weighed("the split for data without end", found.as_fresh, "its tokens repeated as often as it takes")),
        (law_name(asked),), law_caveats(asked, at),
        ("Train a small model on a tenth of the data for 1, 4 and 16 passes, and fit the decay: here an e-fold of "
         f"{found.decay:.3g} repeats, so that a token is worth half in pass {epochs_until(found.decay, 0.5):.3g}; data "
         "of another quality wear out faster or more slowly.",
         "Deduplicate first: tokens that are there twice are not distinct."),
        (*situation.spent_on_training(), *found.decision.assumptions))


def _times(epochs: float) -> str:
    said = f"{epochs:.3g}"
    return f"{said} pass{'es' * (said != '1')}"


def _token_worth(found: Repeated) -> str:
    if not math.isfinite(found.flop_per_token):
        return "more compute would gain nothing without more distinct tokens"
    said = f"one more distinct token as much as {format_number(found.flop_per_token)} training FLOP"
    if found.usd_per_token is None:
        return said
    return f"{said}: buy data for less than {1e6 * found.usd_per_token:.3g} US dollars a million"


def _weighed(name: str, outcome: Outcome, note: str) -> Option:
    return Option(name, {"params": outcome.params, "tokens": outcome.tokens, "epochs": outcome.epochs},
                  {"loss": outcome.loss}, note=note)


# ----------------------------------------------------------------------------------------------- mixture

def mixture(asked: MixtureAsked) -> Part:
    """The best shares of the domains, beside the mixture that would be taken otherwise."""
    laws = _mixing_laws(asked)
    held = {name: value for name, value in (("params", asked.params), ("tokens", asked.tokens)) if value is not None}
    bounds = {name: (asked.least.get(name), asked.most.get(name)) for name in (*asked.least, *asked.most)}
    found = mix(laws, asked.domains, weights=dict(asked.weights) or None, worst=asked.worst, at=held, bounds=bounds,
                unique=dict(asked.domain_tokens) or None, max_epochs=asked.max_epochs,
                baseline=dict(asked.baseline) or None)
    shares = ", ".join(f"{name} {100 * share:.3g} %" for name, share in found.shares.items())
    what = "worst loss" if asked.worst else "target loss"
    short = f"; {' and '.join(found.limited)} would get more if there were more of it" if found.limited else ""
    answer = (f"Mix {shares}: a {what} of {found.loss:.4g}, where "
              f"{'your mixture' if asked.baseline else 'equal shares'} would give {found.baseline_loss:.4g}{short}.")
    fits = dict(laws) if isinstance(laws, Mapping) else {"target": laws}
    return Part(
        answer, (
            Option("the best mixture", _shares(found, found.shares), {"loss": found.loss, **_by_domain(found.losses)},
                   {name: i for name, i in found.decision.intervals.items() if name.startswith(SHARE)},
                   _passes(found)),
            Option("the baseline", _shares(found, found.baseline),
                   {"loss": found.baseline_loss, **_by_domain(found.baseline_losses)})),
        tuple(f"{name}: {law_name(law)}" for name, law in fits.items()),
        (*found.decision.warnings, Caveat("mixture_moves", "The best mixture can move with scale (arXiv:2407.20177)"),
         *_one_law(laws)),
        ("Train the best mixture and the baseline at the size of your runs, and once at a larger one: the order of the "
         "two is what has to carry over.",),
        (f"Shares stay between {_ends(found)}: no run says what lies beyond.",))


def _mixing_laws(asked: MixtureAsked) -> Fit | Published | dict[str, Fit]:
    if bool(asked.laws) == (asked.law is not None):
        raise InputError("[data.mixture]: give laws, a fit for each domain, or law, one fit of the target loss")
    if asked.law is not None:
        return asked.law
    for name, law in asked.laws.items():
        if not isinstance(law, Fit):
            raise InputError(f"[data.mixture] laws.{name}: {law_name(law)} belongs to another corpus; give a fit to "
                             "your own runs")
    return {name: law for name, law in asked.laws.items() if isinstance(law, Fit)}


def _one_law(laws: Fit | Published | dict[str, Fit]) -> tuple[Caveat, ...]:
    if isinstance(laws, dict):
        return ()
    return (Caveat("one_law", "One law of a target that mixes domains may be too stiff: a single exponential has its "
                   "best mixture in a corner. Fit each domain's loss and weigh the fits"),)


def _shares(found: Mixed, shares: Mapping[str, float]) -> dict[str, float]:
    return {SHARE + name: share for name, share in shares.items()}


def _by_domain(losses: Mapping[str, float]) -> dict[str, float]:
    return {f"loss.{name}": loss for name, loss in losses.items() if name != "target"}


def _passes(found: Mixed) -> str:
    return ", ".join(f"{passes:.3g} passes over {name}" for name, passes in found.epochs.items())


def _ends(found: Mixed) -> str:
    return ", ".join(f"{v.low:.3g} and {v.high:.3g} for {v.name.partition('.')[2]}"
                     for v in found.decision.problem.variables if v.name.startswith(SHARE))


# ------------------------------------------------------------------------------------------------ filter

def filtering(situation: Situation, asked: FilterAsked) -> Part:
    """How many of the best pools to keep for the samples that will be seen, or which of several sets to train on."""
    if bool(asked.pools) == bool(asked.sets):
        raise InputError("[data.filter]: give pools with the samples that will be seen, or sets")
    if asked.sets:
        return _sets(situation, asked.sets)
    if asked.samples is None:
        raise InputError("[data.filter]: samples is missing: how many will be seen, repeats included")
    pools = [Pool(name, pool.samples, _decaying(name, pool.law)) for name, pool in asked.pools.items()]
    found = filter_pools(pools, asked.samples)
    later = [s for s in found.switches if s.samples > asked.samples]
    then = (f" From {format_number(later[0].samples)} samples on it is better to keep {later[0].after}."
            if later else "")
    answer = (f"Filter to {', '.join(found.kept)}: {found.keep} of {len(pools)} pools, seen {found.epochs:.3g} times, "
              f"for an error of {min(found.errors):.4g}.{then}")
    order = sorted(range(len(pools)), key=found.errors.__getitem__)
    limits = [c for pool in asked.pools.values() for c in law_caveats(
        pool.law, {"pairs": asked.samples, "epochs": max(1.0, asked.samples / pool.samples)})]
    return Part(
        answer, tuple(_kept(found, count + 1) for count in order),
        tuple(f"{name}: {law_name(pool.law)}" for name, pool in asked.pools.items()),
        (*limits, Caveat("composed", "The error of several pools follows from laws of each alone (arXiv:2404.07177)")),
        ("Train on the recommended filter and on the next looser one for a tenth of the samples of the full run, "
         "repeats included: their order there tests the half-lives.",))


def _kept(found: Filtering, count: int) -> Option:
    size = sum(pool.samples for pool in found.pools[:count])
    return Option(f"the best {count} of {len(found.pools)} pools",
                  {"kept_samples": size, "epochs": found.samples / size}, {"error": found.errors[count - 1]})


def _decaying(name: str, law: Fit | Published) -> DecayingUtility:
    if not isinstance(law.law, DecayingUtility):
        raise InputError(f"[data.filter] pools.{name}: {law_name(law)} is of the form {law.law.form}; a pool takes one "
                         f"of {DecayingUtility.form}")
    return law.law


def _sets(situation: Situation, sets: Mapping[str, SetAsked]) -> Part:
    made = compare_sets({name: (s.law, s.unique_tokens) for name, s in sets.items()},
                        situation.compute(), situation.rates)
    (first, best), *others = made.items()
    beaten = "".join(f", {name} {other.decision.metrics['loss']:.4g}" for name, other in others)
    answer = (f"Train on {first}: {format_number(best.decision.metrics['params'])} params for {_times(best.epochs)} "
              f"give {best.decision.metrics['loss']:.4g}{beaten}.")
    limits = [c for name, one in made.items()
              for c in law_caveats(with_repetition(sets[name].law), one.decision.metrics)]
    return Part(
        answer, tuple(Option(name, {n: one.decision.metrics[n] for n in ("params", "unique_tokens", "epochs")},
                             {"loss": one.decision.metrics["loss"]}, one.decision.intervals)
                      for name, one in made.items()),
        tuple(f"{name}: {law_name(s.law)}" for name, s in sets.items()),
        (*limits, Caveat("filter_and_compute", "How hard to filter depends on the compute: ask again for another "
                         "budget (arXiv:2404.07177)")),
        ("Judge all sets on the same held-out text, near what the model is for.",),
        (*situation.spent_on_training(), *best.decision.assumptions))


# --------------------------------------------------------------------------------------------- continued

def continued(situation: Situation, asked: ContinuedAsked) -> Part:
    """The share of a domain in continued training: by the user's two fits, or the published critical ratio."""
    domain, general = asked.domain_law, asked.general_law
    if domain is None or general is None:
        return _critical(asked)
    if not (isinstance(domain, Fit) and isinstance(general, Fit)):
        raise InputError("[data.continued]: a published law belongs to another corpus; give fits to your own runs")
    limit = None if asked.general_loss is None else asked.general_loss * (1.0 + asked.tolerance)
    seen = None if asked.domain_tokens is None else asked.domain_tokens * asked.max_epochs
    free = asked.params is None or (asked.tokens is None and seen is None)
    found = continue_training(domain, general, params=asked.params, tokens=asked.tokens,
                              compute=situation.compute() if free else None, domain_tokens=seen, general_loss=limit,
                              rates=situation.rates)
    held = "" if limit is None else f", where {limit:.4g} is allowed"
    bound = found.decision.binding
    binds = f"; {' and '.join(bound)} {'bind' if len(bound) > 1 else 'binds'}" if bound else ""
    answer = (f"Give the domain {100 * found.share:.3g} % of {format_number(found.tokens)} tokens for "
              f"{format_number(found.params)} params: a domain loss of {found.domain_loss:.4g} and a general loss of "
              f"{found.general_loss:.4g}{held}{binds}.")
    at = {"params": found.params, "tokens": found.tokens}
    return Part(
        answer, (Option("the best share", {"mixture.domain": found.share, **at},
                        {"loss.domain": found.domain_loss, "loss.general": found.general_loss,
                         "domain_tokens": found.domain_tokens}, found.decision.intervals),),
        (law_name(domain), law_name(general)), found.decision.warnings,
        ("Measure the general loss of the model before, on the text that the general law was fitted to.",
         "Train for a tenth of the tokens at the recommended share and at one 10 points lower before the full run."))


def _critical(asked: ContinuedAsked) -> Part:
    if asked.params is None or asked.tokens is None:
        raise InputError("[data.continued]: give params and tokens, and fits as domain_law and general_law for more "
                         "than a published ratio")
    share, key = bearable_share(asked.params, asked.tokens)
    entry = registry.law(key)
    answer = (f"Give the domain at most {100 * share:.3g} % of the {format_number(asked.tokens)} tokens: the critical "
              f"mixture ratio of {key.partition(':')[2]} params; with more the general loss ends higher than it was.")
    return Part(
        answer, (Option("the critical share", {"mixture.domain": share, "params": asked.params, "tokens": asked.tokens},
                        {}, note=f"{cited(entry.source.arxiv)}, {entry.source.where}"),),
        (key,), (*law_caveats(entry, {"tokens": asked.tokens}),
                 Caveat("one_domain", "Measured on finance text, and a family of models of one maker")),
        ("Fit the domain loss and the general loss (form d_cpt) on short runs at three shares, and ask again.",))
