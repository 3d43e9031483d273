"""Modules that compose: what repetition, sparsity, precision, routing, quality or vocabulary do to any law.

A module turns quantities into effective quantities: 8 epochs of 10B tokens are worth so many fresh tokens,
a model in 4 bits so many params. ``law.with_(Repetition.of())`` is the law at effective quantities, and is
again a law: it can be called, fitted, differentiated and planned with. What to use when:

- ``Repetition``: tokens seen more than once, and params in excess of them (Muennighoff 2023); ``RepeatedTokens``:
  the tokens alone, on any law of them; ``Quality``: the same, where the exponent decays rather than the data,
  as for filtered pools (Goyal 2024);
- ``Sparsity``: weights that are zero (Frantar 2023); ``Precision``: training in few bits (Kumar 2024);
- ``Routing``: experts at fixed data (Clark 2022); ``JointRouting``: experts where data grow too
  (Ludziejewski 2025); ``FineGrained``: experts of another width (Krajewski 2024);
- ``Vocabulary``: the size of the vocabulary (Tao 2024), for losses that do not depend on the tokenizer.

Each was fitted together with its own base law. Put on another, nobody has validated the pair: the result
says ``composed``, and so does every forecast of it. Modules apply in the order given.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Self

from lawful.errors import LawError, unknown
from lawful.laws import registry
from lawful.laws.base import Exponent, Law, Limit, Positive, Real, Region, field_limits
from lawful.laws.data import worn
from lawful.laws.expressions import exp, log, maximum, minimum
from lawful.laws.published import Entry, Published


@dataclass(frozen=True, kw_only=True)
class Module(ABC):
    """A map from quantities to effective quantities, with coefficients declared like those of a law.

    ``inputs`` are the quantities it reads, ``gives`` those it replaces, ``rises_with`` the inputs of which
    more never makes an effective quantity smaller; ``counting`` says how it counts an input where the base
    law may count otherwise. ``published`` are the catalogue's entries that hold its coefficients, under the
    same letters: numbers, region, failures and source are theirs.
    """

    name: ClassVar[str]
    published: ClassVar[tuple[str, ...]]
    inputs: ClassVar[tuple[str, ...]]
    gives: ClassVar[tuple[str, ...]] = ("params",)
    rises_with: ClassVar[tuple[str, ...]] = ()
    counting: ClassVar[Mapping[str, str]] = {}

    registry: ClassVar[dict[str, type[Module]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Module.registry[cls.name] = cls

    def __post_init__(self) -> None:
        for name, limit in self.limits().items():
            value = getattr(self, name)
            if isinstance(value, (int, float)) and not (limit.low < value < limit.high):
                raise LawError(f"{self.name}: {name} must lie in ({limit.low:g}, {limit.high:g}), got {value:g}")

    @abstractmethod
    def __call__(self, base: Law, /, **quantities: Any) -> dict[str, Any]:
        """The effective quantities, by name, for the law ``base``: floats, arrays or symbols, as they came."""

    def accept(self, base: Law) -> None:
        """Raise ``LawError`` if ``base`` cannot take what this module gives."""
        if missing := [name for name in self.gives if name not in base.inputs]:
            raise LawError(f"{self.name} gives effective {', '.join(missing)}, and {base.form} takes "
                           f"{', '.join(base.inputs)}: put it on a law of {', '.join(self.gives)}")

    @classmethod
    @cache
    def limits(cls) -> Mapping[str, Limit]:
        """The coefficients, in order, each with the interval it lives in."""
        return field_limits(cls)

    @classmethod
    def of(cls, key: str = "", **settings: Any) -> Self:
        """The module with published coefficients: those of ``key`` (``hash``, for Clark 2022), or the first.

        Raises ``UnknownName`` for a set that does not exist, ``LawError`` where none is published.
        """
        found = next((k for k in cls.published if key in ("", k, k.partition(":")[2])), None)
        if found is None:
            raise unknown(f"set of {cls.name}", key, cls.published)
        known = registry.law(found).law.coefficients
        return cls(**{name: known[name] for name in cls.limits()}, **settings)

    @property
    def paper(self) -> Entry:
        """The catalogue's entry of the paper that the module comes from."""
        return registry.entry(self.published[0])

    @property
    def region(self) -> Region:
        """Where it was fitted."""
        return self.paper.region if isinstance(self.paper, Published) else Region()


# ------------------------------------------------------------------------------------------ the modules

@dataclass(frozen=True, kw_only=True)
class Repetition(Module):
    """Repeated tokens and excess params are worth less and less.

        D' = U_D + U_D Rd (1 - exp(-R_D / Rd)),    R_D = D / U_D - 1
        N' = U_N + U_N Rn (1 - exp(-R_N / Rn)),    R_N = N / U_N - 1,    U_N = min(N, N_opt(U_D))

    with Rd = ``R_D_star``, Rn = ``R_N_star`` and U_D = min(D, U). N_opt(U_D) are the base law's optimal params for
    U_D tokens, so params beyond them are discounted even in one epoch. Muennighoff et al. 2023, equations 5
    and 6.
    """

    R_D_star: Positive     # repetitions over which the worth of a token decays by e
    R_N_star: Positive     # excess, in multiples of U_N, over which the worth of a param decays by e

    name: ClassVar[str] = "repetition"
    published: ClassVar[tuple[str, ...]] = ("muennighoff2023_data_constrained",)
    inputs: ClassVar[tuple[str, ...]] = ("params", "tokens", "unique_tokens")
    gives: ClassVar[tuple[str, ...]] = ("params", "tokens")
    rises_with: ClassVar[tuple[str, ...]] = ("params", "tokens", "unique_tokens")

    def accept(self, base: Law) -> None:
        """Refuse a base whose optimal params are no closed power of compute: N_opt(U_D) comes from them."""
        super().accept(base)
        if type(base).optimal_params is Law.optimal_params:
            raise LawError(f"repetition needs the optimal params of {base.form} in closed form; "
                           "RepeatedTokens discounts the tokens alone")

    def __call__(self, base: Law, /, **quantities: Any) -> dict[str, Any]:
        N, D, U = (quantities[name] for name in self.inputs)
        U_D = minimum(U, D)
        a, _ = base.allocation_exponents()
        N_opt = base.optimal_params(U_D) ** (1.0 / (1.0 - a))   # where G (N U_D)**a = N
        return {"tokens": worn(D, U_D, self.R_D_star), "params": worn(N, minimum(N, N_opt), self.R_N_star)}


@dataclass(frozen=True, kw_only=True)
class RepeatedTokens(Module):
    """Repeated tokens are worth less and less; params are left alone.

        D' = U_D + U_D Rd (1 - exp(-R_D / Rd)),    R_D = D / U_D - 1,    U_D = min(D, U)

    The data term of ``Repetition``, for laws that say nothing of the best params. Muennighoff et al. 2023,
    equation 5.
    """

    R_D_star: Positive     # repetitions over which the worth of a token decays by e

    name: ClassVar[str] = "repeated_tokens"
    published: ClassVar[tuple[str, ...]] = ("muennighoff2023_data_constrained",)
    inputs: ClassVar[tuple[str, ...]] = ("tokens", "unique_tokens")
    gives: ClassVar[tuple[str, ...]] = ("tokens",)
    rises_with: ClassVar[tuple[str, ...]] = ("tokens", "unique_tokens")

    def __call__(self, base: Law, /, **quantities: Any) -> dict[str, Any]:
        D, U = (quantities[name] for name in self.inputs)
        return {"tokens": worn(D, minimum(U, D), self.R_D_star)}


@dataclass(frozen=True, kw_only=True)
class Quality(Module):
    """Each further epoch helps with half the exponent of the one ``tau`` epochs before.

        log D' = log U + sum over epochs j >= 2 of  2**(-(j - 1) / tau)  log(n_j / n_(j-1))

    n_j = j U are the samples seen after j epochs; within an epoch n grows up to D. The same as a utility
    b_j = b 2**(-(j - 1) / tau) in the exponent of Goyal et al. 2024, on any law of the data.
    Counts up to ``epochs`` epochs: more are worth nothing.
    """

    tau: Positive         # epochs in which the utility of a pool halves; depends on the pool
    epochs: int = 16

    name: ClassVar[str] = "quality"
    published: ClassVar[tuple[str, ...]] = ("goyal2024_qqt",)
    inputs: ClassVar[tuple[str, ...]] = ("tokens", "unique_tokens")
    gives: ClassVar[tuple[str, ...]] = ("tokens",)
    rises_with: ClassVar[tuple[str, ...]] = ("tokens", "unique_tokens")

    def __call__(self, base: Law, /, **quantities: Any) -> dict[str, Any]:
        D, U = quantities["tokens"], minimum(quantities["unique_tokens"], quantities["tokens"])
        gained = 0.0
        for j in range(2, self.epochs + 1):
            grown = minimum(maximum(D / U, j - 1.0), float(j)) / (j - 1.0)
            gained = gained + exp(-(j - 1.0) * math.log(2.0) / self.tau) * log(grown)
        return {"tokens": U * exp(gained)}


@dataclass(frozen=True, kw_only=True)
class Sparsity(Module):
    """A sparse model is worth a larger dense one than its non-zero params say.

        N' = N ((a_S (1 - S)**b_S + c_S) / (a_S + c_S))**(-1 / b_N)

    N are the non-zero params and S the ``sparsity``; only a_S / c_S matters, so fix one of them when fitting.
    The factor multiplies the capacity term alone. Frantar et al. 2023, equation 1.
    """

    a_S: Positive
    b_S: Exponent
    c_S: Positive
    b_N: Exponent

    name: ClassVar[str] = "sparsity"
    published: ClassVar[tuple[str, ...]] = ("frantar2023_sparse:t5_c4", "frantar2023_sparse:vit_jft")
    inputs: ClassVar[tuple[str, ...]] = ("params", "sparsity")
    rises_with: ClassVar[tuple[str, ...]] = ("params", "sparsity")
    counting: ClassVar[Mapping[str, str]] = {"params": "non-zero"}

    def __call__(self, base: Law, /, **quantities: Any) -> dict[str, Any]:
        kept = 1.0 - quantities["sparsity"]
        share = (self.a_S * kept**self.b_S + self.c_S) / (self.a_S + self.c_S)
        return {"params": quantities["params"] * share ** (-1.0 / self.b_N)}


@dataclass(frozen=True, kw_only=True)
class Precision(Module):
    """Training in few bits costs params, independently for weights, activations and the key-value cache.

        N' = N prod over x in (w, a, kv) of (1 - exp(n_x - P_x / gamma_x))

    P_x are ``weight_bits``, ``activation_bits`` and ``kv_bits``. The main text of the paper leaves out the
    offsets n_x that its fit uses. Quantisation after training is another term. Kumar et al. 2024, appendix K.
    """

    gamma_w: Positive     # bits
    n_w: Real
    gamma_a: Positive     # bits
    n_a: Real
    gamma_kv: Positive    # bits
    n_kv: Real

    name: ClassVar[str] = "precision"
    published: ClassVar[tuple[str, ...]] = ("kumar2024_precision_training",)
    inputs: ClassVar[tuple[str, ...]] = ("params", "weight_bits", "activation_bits", "kv_bits")
    rises_with: ClassVar[tuple[str, ...]] = ("params", "weight_bits", "activation_bits", "kv_bits")

    def __call__(self, base: Law, /, **quantities: Any) -> dict[str, Any]:
        params = quantities["params"]
        for bits, gamma, offset in (("weight_bits", self.gamma_w, self.n_w), ("kv_bits", self.gamma_kv, self.n_kv),
                                    ("activation_bits", self.gamma_a, self.n_a)):
            params = params * (1.0 - exp(offset - quantities[bits] / gamma))
        return {"params": params}


def _saturated(experts: Any, start: Any, most: Any) -> Any:
    """Ê: the experts as they count, from ``start`` at one to ``most`` without end; Clark et al. 2022."""
    return 1.0 / (1.0 / (experts - 1.0 + 1.0 / (1.0 / start - 1.0 / most)) + 1.0 / most)


@dataclass(frozen=True, kw_only=True)
class Routing(Module):
    """A routed model is worth a larger dense one: the effective parameter count.

        log10 L = a log10 N + b log10 Ê + c log10 N log10 Ê + d
        N' = N**(s(Ê) / s(E_start)) (Ê / E_start)**(b / s(E_start)),    s(x) = a + c log10 x

    N are the params used per token, E the ``experts``, and Ê runs from E_start at one expert to E_max. For
    130B tokens, one expert a token, every other block routed. Clark et al. 2022.
    """

    a: Real
    b: Real
    c: Real
    E_start: Positive     # experts
    E_max: Positive       # experts

    name: ClassVar[str] = "routing"
    published: ClassVar[tuple[str, ...]] = ("clark2022_routed:s_base", "clark2022_routed:rl_r", "clark2022_routed:hash")
    inputs: ClassVar[tuple[str, ...]] = ("params", "experts")
    counting: ClassVar[Mapping[str, str]] = {"params": "active"}

    def __call__(self, base: Law, /, **quantities: Any) -> dict[str, Any]:
        log10 = 1.0 / math.log(10.0)
        counted = _saturated(quantities["experts"], self.E_start, self.E_max)
        dense = self.a + self.c * log10 * log(self.E_start)
        routed = self.a + self.c * log10 * log(counted)
        return {"params": quantities["params"] ** (routed / dense) * (counted / self.E_start) ** (self.b / dense)}


@dataclass(frozen=True, kw_only=True)
class JointRouting(Module):
    """A routed model is worth a larger dense one on other data, where model, data and experts grow together.

        L = a Ê**delta N**m(Ê) + b Ê**omega D**n(Ê) + c,    m = alpha + gamma ln Ê,    n = beta + zeta ln Ê
        N' = (Ê / E_start)**(delta / m(E_start)) N**(m(Ê) / m(E_start)),    D' likewise with omega and n

    N are active params. With few tokens, more experts make them worth less. Granularity 1, no shared expert.
    Ludziejewski et al. 2025, equation 6.
    """

    alpha: Real
    delta: Real
    gamma: Real
    beta: Real
    omega: Real
    zeta: Real
    E_start: Positive     # experts
    E_max: Positive       # experts

    name: ClassVar[str] = "joint_routing"
    published: ClassVar[tuple[str, ...]] = ("ludziejewski2025_joint_moe",)
    inputs: ClassVar[tuple[str, ...]] = ("params", "tokens", "experts")
    gives: ClassVar[tuple[str, ...]] = ("params", "tokens")
    counting: ClassVar[Mapping[str, str]] = {"params": "active"}

    def __call__(self, base: Law, /, **quantities: Any) -> dict[str, Any]:
        counted = _saturated(quantities["experts"], self.E_start, self.E_max)

        def worth(x: Any, exponent: Any, slope: Any, prefactor: Any) -> Any:
            dense, routed = exponent + slope * log(self.E_start), exponent + slope * log(counted)
            return (counted / self.E_start) ** (prefactor / dense) * x ** (routed / dense)

        return {"params": worth(quantities["params"], self.alpha, self.gamma, self.delta),
                "tokens": worth(quantities["tokens"], self.beta, self.zeta, self.omega)}


@dataclass(frozen=True, kw_only=True)
class FineGrained(Module):
    """Experts of finer ``granularity`` are worth more params, towards an end.

        L = c + (g / G**gamma + a) / N**alpha + b / D**beta
        N' = N ((g + a) / (g / G**gamma + a))**(1 / alpha)

    Against the same routed model at granularity 1: the base law must be one of routed models (64 experts in
    the paper), with N all params without embeddings. Only g / a matters, so fix one of them when fitting.
    Krajewski et al. 2024, equation 9.
    """

    a: Positive
    g: Positive
    gamma: Exponent
    alpha: Exponent

    name: ClassVar[str] = "fine_grained"
    published: ClassVar[tuple[str, ...]] = ("krajewski2024_fine_grained:moe",)
    inputs: ClassVar[tuple[str, ...]] = ("params", "granularity")
    rises_with: ClassVar[tuple[str, ...]] = ("params", "granularity")
    counting: ClassVar[Mapping[str, str]] = {"params": "non-embedding"}

    def __call__(self, base: Law, /, **quantities: Any) -> dict[str, Any]:
        coarse = self.g + self.a
        finer = self.g / quantities["granularity"] ** self.gamma + self.a
        return {"params": quantities["params"] * (coarse / finer) ** (1.0 / self.alpha)}


@dataclass(frozen=True, kw_only=True)
class Vocabulary(Module):
    """A small vocabulary is worth fewer params.

        N'**-a1 = N**-a1 + (A2 / A1) (V d)**-a2

    N are the params without embeddings, V d those of the vocabulary (``vocab_size`` times ``width``), against a
    vocabulary without end; with ``reference`` the same difference is taken from a vocabulary of that size, at
    which the base law holds. The loss must not depend on the tokenizer: unigram-normalised, or bits per byte.
    Tao et al. 2024, approach 3.
    """

    A1: Positive
    a1: Exponent
    A2: Positive
    a2: Exponent
    reference: float | None = None

    name: ClassVar[str] = "vocabulary"
    published: ClassVar[tuple[str, ...]] = ("tao2024_vocabulary:approach3",)
    inputs: ClassVar[tuple[str, ...]] = ("params", "vocab_size", "width")
    rises_with: ClassVar[tuple[str, ...]] = ("params", "vocab_size")
    counting: ClassVar[Mapping[str, str]] = {"params": "non-embedding"}

    @property
    def region(self) -> Region:
        """As its paper's law, whose input is the product of vocabulary and width."""
        return Region(params=super().region.spans["params"], vocab_size=(4096.0, 96256.0), width=(512.0, 2048.0))

    def __call__(self, base: Law, /, **quantities: Any) -> dict[str, Any]:
        N, V, d = (quantities[name] for name in self.inputs)

        def lost(size: Any) -> Any:
            return self.A2 / self.A1 * (size * d) ** -self.a2

        left = N**-self.a1 + lost(V)
        if self.reference is not None:
            left = left - lost(self.reference)
        return {"params": left ** (-1.0 / self.a1)}
