"""Question 7: in how many bits to train, and to how many to round."""

from __future__ import annotations

from itertools import pairwise

from decisions import Row
from lawful.laws import law
from lawful.plan.costs.rates import Rates
from lawful.plan.decide import best_metrics
from lawful.plan.gains.bits import best_bits
from lawful.plan.gains.variants import held, problem_of
from lawful.plan.problem import Constraint, Problem, Variable

TITLE = "Bits in training and after it"

KUMAR = "arXiv:2411.04330"
BITS = tuple(float(bits) for bits in range(4, 17))


def rows() -> list[Row]:
    return [*kumar(), *dettmers(), quest()]


def trained(compute: float, params: float | None = None) -> Problem:
    """The problem of Kumar et al. 2024 at C = 6/16 N D P, with size free or held."""
    settled = () if params is None else (held("params", params),)
    bits = (held(name, 16.0) for name in ("weight_bits", "activation_bits", "kv_bits"))
    return problem_of(law("kumar2024_precision_training"), (Constraint("bit_flop", "<=", compute),), Rates(), *settled,
                      *bits)


def kumar() -> list[Row]:
    """The best bits of training, with size and data free, and with the size settled."""
    found = [Row(f"best bits of training, size and data free, {compute:.0e} FLOP", f"{KUMAR}, section 4.3.2", "7",
                 best_bits(trained(compute), BITS)[0].decision["weight_bits"], "bits", note='printed: "around 7-8"')
             for compute in (1e19, 1e22, 1e25)]
    settled = [best_bits(trained(compute, 8e9), BITS)[0].decision["weight_bits"]
               for compute in (1e22, 1e23, 1e24, 1e25)]
    steps = [later - sooner for sooner, later in pairwise(settled)]
    even = all(step > 0 for step in steps) and max(steps) - min(steps) <= 2
    found.append(Row("best bits of training of 8B params, as compute grows tenfold from 1e22 FLOP",
                     f"{KUMAR}, section 4.3.3", "grow with log C", "grow with log C" if even else str(settled)))
    served = [in_memory(10.0**k) for k in range(8, 13)]
    gaps = [more["post_bits"] - fewer["post_bits"] for fewer, more in pairwise(served)]
    sizes = [more["params"] / fewer["params"] for fewer, more in pairwise(served)]
    found += [Row("bits to round to for a given params x bits, as that grows tenfold", f"{KUMAR}, appendix E.3",
                  "grow with log C", "grow with log C" if min(gaps) > 0.8 * max(gaps) > 0 else str(gaps)),
              Row("the same: params", f"{KUMAR}, appendix E.3", "grow as a power of C",
                  "grow as a power of C" if max(sizes) < 1.1 * min(sizes) else str(sizes))]
    few = law("kumar2024_precision_training").law
    left = (float(few(params=1.0, tokens=1e300, weight_bits=4, activation_bits=4, kv_bits=4)) - few.E) / few.A
    larger = left ** (1 / few.alpha)
    found.append(Row("size of a model in 4 bits for the loss of one in full precision", f"{KUMAR}, section 4.3.2",
                     "more than 4 times", "more than 4 times" if larger > 4 else f"{larger:.2f} times",
                     note=f"{larger:.2f} times"))
    return found


def in_memory(memory: float) -> dict[str, float]:
    """The best size, data and bits of a rounded model whose weights take so many bytes, training being free."""
    full = [held(name, 16.0) for name in ("weight_bits", "activation_bits", "kv_bits")]
    free = (Variable("params", 1e6, 1e15), Variable("tokens", 1e6, 1e22), Variable("post_bits", 1.0, 40.0))
    found = best_metrics(Problem(law("kumar2024_precision_training"), (*free, *full), then=(law("kumar2024_ptq"),),
                                 constraints=(Constraint("memory_bytes", "<=", memory),)))
    assert found is not None
    return found


def dettmers() -> list[Row]:
    """The bits with the least loss at a given memory, of models trained on 300B tokens and rounded."""
    base, damage = law("ouyang2024_qid:fp16"), law("ouyang2024_qid")
    found = []
    for memory in (1e9, 1e10, 1e11):
        loss = {bits: float(base(params=8 * memory / bits, tokens=3e11))
                + (float(damage(params=8 * memory / bits, tokens=3e11, post_bits=bits)) if bits < 16 else 0.0)
                for bits in (3, 4, 5, 6, 7, 8, 16)}
        best = min(loss, key=lambda bits: loss[bits])
        found.append(Row(f"best bits of weights in {memory / 1e9:g} GB, Pythia on 300B tokens",
                         "arXiv:2212.09720, abstract", "4", best, "bits", 0.25,
                         f"by ouyang2024_qid, another paper's law of the loss: 4 bits give {loss[4]:.3f}, "
                         f"{best} bits {loss[best]:.3f}; the finding is of accuracy"))
    return found


def quest() -> Row:
    """The bits of weights and activations that make the most of a number of model bits, from printed efficiencies."""
    efficiency = {1: 0.0205, 2: 0.1519, 3: 0.4331, 4: 0.6918, 8: 1.0162}
    best = max(efficiency, key=lambda bits: efficiency[bits] / bits)
    return Row("best bits of weights and activations for a given number of model bits", "arXiv:2502.05003, section 4",
               "4", best, "bits")
