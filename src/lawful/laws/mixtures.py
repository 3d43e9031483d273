"""Mixing laws for any number of domains: formulas, written for the domains at hand.

    exponential_mixing(("web", "code", "books"))        # a template to fit, as any form

What to use when: ``exponential_mixing`` at one size and length (Ye et al. 2024), or ``share_mixing`` for a domain that
others help little or not at all (Que et al. 2024); ``additive_mixing`` where size and length move as well (Shukor et
al. 2025). With the ``output`` ``loss.<domain>`` they forecast the loss on one domain, so that laws of
several domains can stand side by side in one plan. ``data_mixing``, ``data_mixing_three`` and ``mixture_additive`` are
the same forms for two and three domains, in the catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from lawful.errors import InputError
from lawful.laws.base import Law
from lawful.laws.formula import Limits, formula
from lawful.quantities import quantity

STEEPEST = 20.0
"""The largest effect of a proportion inside an exponential that is looked for: a factor of 5e8 from none to all."""

USEFUL = 1e4
"""The largest worth of a domain that is looked for [1 / nat]: alone it leaves 1e-4 nats of the mixture's term."""

LEAST, HELPFUL = 1e-5, 5.0
"""The least share that the rest may be worth, and the most that a helper's share may be worth of the domain's own."""

SHARPEST = 3.0
"""The largest exponent of a proportion that is looked for."""


def exponential_mixing(domains: Sequence[str], output: str = "loss") -> Law:
    """Loss against the proportions of any number of domains, at one size and length.

        L(r) = c + k exp(t_1 r_1 + ... + t_(n-1) r_(n-1))          [nats/token]

    r_i is ``mixture.<domain>`` of the i-th domain. The last has what is left: shares sum to 1, so that its slope would
    be one too many, and goes into k. Ye et al. 2024, section 3. Raises ``InputError`` for fewer than two domains.
    """
    _check(domains)
    slopes = {f"t_{i}": domain for i, domain in enumerate(domains[:-1], 1)}
    text = " + ".join(f"{slope}*mixture.{domain}" for slope, domain in slopes.items())
    return formula(f"c + k*exp({text})", output=output, limits=dict.fromkeys(slopes, (-STEEPEST, STEEPEST)))


def additive_mixing(domains: Sequence[str], output: str = "loss") -> Law:
    """Loss against size, tokens and the proportions of any number of domains, the mixture not touching the rest.

        L(N, D, h) = E + 1 / (C_1 h_1**gamma_1 + ... + C_n h_n**gamma_n) + A / N**alpha + B / D**beta   [nats/token]

    h_i is ``mixture.<domain>`` of the i-th domain, N is ``params``, D is ``tokens``. The best mixture is the same at
    every size and length. Shukor et al. 2025, the additive law. Raises ``InputError`` for fewer than two domains.
    """
    _check(domains)
    terms = " + ".join(f"C_{i}*mixture.{domain}**gamma_{i}" for i, domain in enumerate(domains, 1))
    limits: Limits = {name: (0.0, most) for i in range(1, len(domains) + 1)
                      for name, most in ((f"C_{i}", USEFUL), (f"gamma_{i}", SHARPEST))}
    return formula(f"E + 1/({terms}) + A*params**-alpha + B*tokens**-beta", output=output, limits=limits)


def share_mixing(domain: str, helpers: Sequence[str] = (), output: str = "loss") -> Law:
    """Loss on one domain against its own share and what ``helpers`` are worth of it, at one size and length.

        L(r) = E + C / (r + w_1 r_1 + ... + w_k r_k + eps)**gamma          [nats/token]

    r is ``mixture.<domain>``, r_i that of the i-th helper. Without helpers this is the share's term of Que et al. 2024
    (``d_cpt``), and up to a prefactor the law of Kang et al. 2024 at one length; a share of 0 is no trouble. Weighing
    the helpers in is ours. Raises ``InputError`` for a domain that helps itself.
    """
    if domain in helpers or len(set(helpers)) < len(helpers):
        raise InputError(f"the helpers of {domain} are different other domains, got {', '.join(helpers)}")
    worth = "".join(f" + w_{i}*mixture.{name}" for i, name in enumerate(helpers, 1))
    limits: Limits = {"eps": (LEAST, 1.0), "gamma": (0.0, SHARPEST),
                      **{f"w_{i}": (0.0, HELPFUL) for i in range(1, len(helpers) + 1)}}
    return formula(f"E + C/(mixture.{domain}{worth} + eps)**gamma", output=output, limits=limits)


def output_as(law: Law, output: str) -> Law:
    """``law`` under another name of what it gives, such as ``loss.general``, to stand beside laws of other losses."""
    named: type[Law] = type(type(law).__name__, (type(law),), {
        "__module__": type(law).__module__, "__doc__": type(law).__doc__, "listed": False, "output": quantity(output)})
    return named(**{f.name: getattr(law, f.name) for f in fields(law)})


def _check(domains: Sequence[str]) -> None:
    if len(domains) < 2 or len(set(domains)) < len(domains):
        raise InputError(f"a mixture is of two or more different domains, got {', '.join(domains) or 'none'}")
