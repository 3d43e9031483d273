"""Published laws of distillation: Busbridge 2025; a form of Lobacheva 2020 for ensembles."""

from __future__ import annotations

from lawful.laws.architecture import GatheredLoss
from lawful.laws.base import Region
from lawful.laws.distillation import DistillationLoss, TaughtLoss
from lawful.laws.published import Check, Failure, Fittable, Published, Source
from lawful.laws.theory import TaskFloorLaw

_BY_HAND = "worked by hand from the printed coefficients"


def _busbridge(where: str) -> Source:
    return Source("2502.08606", where, "Busbridge et al.", 2025, "Distillation Scaling Laws")


_BUSBRIDGE_FAILURES = (
    Failure("Matching of distributions (lambda 1, temperature 1) on C4 only; truncated teacher outputs break it "
            "unless mixed with labels", "2502.08606"),
    Failure("The printed intervals are implausibly narrow for the number of runs, and c1 does not move at all: take "
            "them as local to the optimiser", "2404.10102"),
)

Published(
    key="busbridge2025_distillation:distillation",
    title="Loss of a distilled student",
    law=DistillationLoss(c0=2.549, c1=522.6, d1=1.315, f1=0.09, A1=2243.0, a1=0.321, B1=24181.0, b1=0.637, g1=0.764),
    source=_busbridge("equations 8 and 46; Table 6"),
    counting={"params": "non-embedding"},
    region=Region(params=(1.98e8, 2.7e9), tokens=(4e9, 5.12e11)),
    region_note="697 runs; teachers of 0.198B to 7.75B params; tokens from 20 per parameter. The losses of the "
                "teachers are not known here; students up to 12.6B params from memory",
    checks=(
        Check({"params": 1e9, "tokens": 1e11, "teacher_loss": 2.0}, "2.2045", _BY_HAND),
        Check({"params": 1e9, "tokens": 1e11, "teacher_loss": 2.3}, "2.3145", _BY_HAND),
    ),
    category="distillation",
    questions=(6,),
    failures=_BUSBRIDGE_FAILURES,
    notes="The primed A, B, alpha, beta, gamma of the paper are A1, B1, a1, b1, g1 here. A teacher that exists, or "
          "that serves many students, makes distillation cheaper than supervised training up to a budget that grows "
          "with the student; one that must be trained for a single student does not. Cost: 3 F(N) D + F(N_T) "
          "(D + 3 D_T) FLOP, the teacher's terms where they count. At the optimum students grow as "
          "compute**0.664, their tokens as compute**0.335.",
)

Published(
    key="busbridge2025_distillation:supervised",
    title="Loss of the same models without a teacher",
    law=GatheredLoss(E=1.22, A=3355.0, alpha=0.408, B=18186.0, beta=0.431, gamma=0.452),
    source=_busbridge("equation 40; Table 6"),
    counting={"params": "non-embedding"},
    region=Region(params=(1.98e8, 7.75e9), tokens=(4e9, 5.12e11)),
    region_note="73 runs; the span of tokens is that of the students",
    checks=(Check({"params": 1e9, "tokens": 1e11}, "2.2397", _BY_HAND),),
    category="distillation",
    questions=(6,),
    failures=_BUSBRIDGE_FAILURES,
    notes="C4. The printed allocation exponents are 0.513 for N and 0.486 for D, as beta / (alpha + beta) gives.",
)

Published(
    key="busbridge2025_distillation:taught",
    title="Loss of a distilled student by the size and data of its teacher",
    law=TaughtLoss(c0=2.549, c1=522.6, d1=1.315, f1=0.09, A1=2243.0, a1=0.321, B1=24181.0, b1=0.637, g1=0.764),
    source=_busbridge("equations 8 and 10; Table 6"),
    counting={"params": "non-embedding"},
    region=Region(params=(1.98e8, 2.7e9), tokens=(4e9, 5.12e11), teacher_params=(1.98e8, 7.75e9),
                  teacher_tokens=(4e9, 5.12e11)),
    region_note="697 runs; the span of the teachers' tokens is that of the students",
    checks=(Check({"params": 1e9, "tokens": 1e11, "teacher_params": 3e9, "teacher_tokens": 1e11}, "2.2189", _BY_HAND),),
    category="distillation",
    questions=(6,),
    failures=_BUSBRIDGE_FAILURES,
    notes="The distillation law at the loss that the supervised law gives the teacher. A student of a teacher that is "
          "trained for it alone never beats the same student without one at the same compute (section 5.3).",
)

Fittable(
    key="lobacheva2020_ensembles",
    title="Loss of an ensemble by its members",
    law=TaskFloorLaw(c=0.5, a=0.3, b=1.0, over="members"),
    source=Source("2007.08483", "the power law in ensemble size", "Lobacheva et al.", 2020,
                  "On Power Laws in Deep Ensembles"),
    category="distillation",
    questions=(6,),
    failures=(Failure("ConvNets on CIFAR: the constants belong to one network size and data set", "2007.08483"),),
    notes="CNLL(n) = c + b n**a with a < 0: here a is their b and b their -a. CNLL is the log-loss after "
          "calibration of the temperature, in nats per image. A companion survey restates it with a = -1. No "
          "coefficients could be confirmed. Finding: at one total of params several medium networks beat one large.",
)
