"""Recommendation and graphs: entropy against data, the gain per compute, and edges as data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from lawful.laws.base import Law, Limit, Region
from lawful.laws.expressions import log
from lawful.laws.published import Check, Failure, Fittable, Published, Source
from lawful.laws.theory import TASK_LOSS, TaskFloorLaw
from lawful.laws.vision import ShiftedPowerLaw
from lawful.quantities import Quantity


@dataclass(frozen=True)
class LogGain(Law):
    """Loss relative to that of a first model, when the compute of an example grows.

        L(r) / L(1) = 1 - g log r / log 4          [task unit]

    r is ``scale_up``, of FLOP per example; g is the share of the loss that each fourfold growth
    takes away. Straight in the logarithm, so it cannot hold without end. Zhang et al. 2024.
    """

    form: ClassVar[str] = "log_gain"
    output: ClassVar[Quantity] = TASK_LOSS
    falls_with: ClassVar[tuple[str, ...]] = ("scale_up",)

    g: Annotated[float, Limit(0.0, 1.0, (1e-4, 0.05))]   # fraction of the loss per fourfold compute

    def __call__(self, scale_up: Any) -> Any:
        return 1.0 - self.g / math.log(4.0) * log(scale_up)


# ------------------------------------------------------------------------------------ recommendation

def _ardalani(which: str, over: str, compiled: str) -> None:
    """The entry of one of the three resources."""
    Fittable(
        key=f"ardalani2022_recsys:{which}",
        title=f"Click-through prediction against {over}",
        law=TaskFloorLaw(c=1.0, a=1.0, b=1.0, over=over),
        source=Source("2208.08489", "section 4", "Ardalani et al.", 2022,
                      "Understanding Scaling Laws for Recommendation Models"),
        category="recommendation",
        questions=(3,),
        failures=(
            Failure("The exponents are small and the constant dominates: an industrial gain is a change in the third "
                    "digit", "2208.08489"),
            Failure("Growing params alone is out of steam for this architecture; data still pay", "2208.08489"),
        ),
        notes="The loss is normalised cross-entropy of DLRM models of 4e6 to 5e11 params on 5e6 to 5e9 examples. "
              "No coefficients could be confirmed in the paper: Epoch's literature review copies "
              f"{compiled}, but not the unit of x, and the three floors and sizes do not agree in one unit.",
    )


_ardalani("data", "examples", "0.07 x**-0.1 with floor 0.98 (0.97 in another column)")
_ardalani("params", "params", "0.25 x**-4 with floor 0.98")
_ardalani("compute", "compute", "0.11 x**-0.14 with floor 0.98")

Published(
    key="zhang2024_wukong",
    title="Quality of stacked factorisation machines against compute per example",
    law=LogGain(g=0.001),
    source=Source("2403.02545", "section 5", "Zhang et al.", 2024,
                  "Wukong: Towards a Scaling Law for Large-Scale Recommendation"),
    category="recommendation",
    questions=(3,),
    region=Region(scale_up=(1.0, 100.0)),
    region_note="about 1 to 100 GFLOP per example, on an internal data set",
    checks=(
        Check({"scale_up": 4.0}, "0.999", "section 5: about 0.1 % better for each fourfold compute"),
        Check({"scale_up": 64.0}, "0.9970", "worked by hand from the printed coefficients"),
    ),
    failures=(
        Failure("It holds for dense compute in interaction layers; growing embedding tables stalls", "2403.02545"),
        Failure("A relative figure on one internal data set: the loss itself is not published", "2403.02545"),
    ),
    unconfirmed=("g",),
    notes="g could not be confirmed in the paper's text. It agrees with the curve -100 + 99.56 x**0.00071 [%] "
          "remembered from its figure, whose slope is 0.098 % for each fourfold x near x = 1.",
)


# -------------------------------------------------------------------------------------------- graphs

def _liu(which: str, over: str) -> None:
    """The entry of one of the two resources."""
    Fittable(
        key=f"liu2024_graphs:{which}",
        title=f"Graph networks against {over}",
        law=ShiftedPowerLaw(c=0.1, a=1.0, d=1.0, b=0.5, over=over),
        source=Source("2402.02054", "section 3", "Liu et al.", 2024, "Towards Neural Scaling Laws on Graphs"),
        category="graphs",
        questions=(1, 2),
        symbols={over: "X"},
        failures=(
            Failure("On small sets of graphs the law of model size collapses: larger models overfit", "2402.02054"),
            Failure("Depth moves the law of model size, so models of unlike depth do not share one curve",
                    "2402.02054"),
            Failure("The number of graphs is no measure of data, since graphs differ in size: count edges or nodes",
                    "2402.02054"),
        ),
        notes="The paper writes s = a (X + c)**-b + s_inf: our d is its c, our c its s_inf; the form is quoted from "
              "memory. No coefficients could be confirmed. Models up to 1e8 params, up to 5e7 graphs; earlier "
              "versions are called Neural Scaling Laws on Graphs.",
    )


_liu("edges", "edges")
_liu("params", "params")
