"""Downscaling: what a tenth more performance costs in carbon, and small models in place of a large one.

The figures of Sengupta, Goel and Chakraborty were read on their laboratory's page and in reading notes: the constants
of their example for Llama-3-8B are in neither. Those of Kim et al. stand in sections 3 and 4 of the paper.
"""

from __future__ import annotations

from decisions import Row
from lawful.laws import law
from lawful.plan.sizing.ensembles import ensemble_loss, members_to_beat, split

TITLE = "How small"

COMPANION, KIM = "arXiv:2505.00985", "arXiv:2509.14786"

# Kim et al. 2025, section 3: loss of one regularised model of N billion params on 200M tokens, as N grows; section 4:
# the limit of an ensemble of 300M models, whose excess falls as 1 / K.
ONE, LIMIT = (0.05, 1.02, 3.431), 3.34


def rows() -> list[Row]:
    return [carbon(), *ensembles(), eight_for_one()]


def carbon() -> Row:
    """How much more carbon a tenth more performance takes."""
    exponent = law("sengupta2025_carbon_downscaling").law.a
    more = 100 * (1.1 ** (1 / exponent) - 1)
    return Row("carbon for a tenth more performance", f"{COMPANION}, the authors' page", "hundreds of per cent",
               "hundreds of per cent" if 100 <= more < 1000 else f"{more:.3g} %",
               note=f"1.1 to the 1 / {exponent:g}: {more:.0f} % more")


def ensembles() -> list[Row]:
    """Models of 300M in place of one without end, on 200M tokens."""
    prefactor, power, floor = ONE
    member = prefactor / 0.3**power + floor
    gain = member - LIMIT
    fewest = members_to_beat(floor, member, gain)
    return [
        Row("members of 300M that beat one model of any size", f"{KIM}, section 4", "3", float(fewest or 0), "members",
            note=f"one member {member:.3f}, gain {gain:.3f}: two reach {ensemble_loss(member, 2, gain):.3f}, three "
                 f"{ensemble_loss(member, 3, gain):.3f}, below {floor:g}"),
    ]


def eight_for_one() -> Row:
    """Eight models of 1B in place of Llama-3-8B, at its compute."""
    (eight,) = split(law("besiroglu2024_refit").law, 8e9, 15e12, [8])
    return Row("eight pruned models of 1B in place of one of 8B, at equal compute", f"{COMPANION}, proposition 4.1",
               "better", "not identified", within=float("inf"),
               note="the constants behind it (pruning and recovery, a, b) are not printed, and 7/8 of the weights are "
                    "far beyond the rates of 0.15 to 0.35 that the law of recovery was fitted at; trained from scratch "
                    f"on the same 15T tokens eight of 1B would have to gain {eight.gain_needed:.2f} nats from one "
                    "another, under besiroglu2024_refit")
