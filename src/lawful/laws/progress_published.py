"""Progress and energy: Ho 2024, Xiao 2024, Faiz 2023, Sengupta 2025, Fernandez 2024."""

from __future__ import annotations

import math

from lawful.laws.base import Region
from lawful.laws.progress import DAYS_PER_YEAR, ProgressLoss, TrainingCarbon, Trend
from lawful.laws.published import Check, Failure, Fittable, Guidance, Published, Source
from lawful.laws.theory import Growth

_BY_HAND = "worked by hand from the printed coefficients"

_HO = Source("2403.05812", "section 3", "Ho et al.", 2024, "Algorithmic progress in language models")
_HO_FAILURES = (
    Failure("Better algorithms and larger scale came together: the data hardly tell them apart", "2403.05812"),
    Failure("Benchmarks are Wikitext and Penn Treebank with unlike tokenizers and evaluations", "2403.05812"),
)

Published(
    key="ho2024_algorithmic_progress:compute",
    title="Effective compute gained from algorithms",
    law=Trend(A=math.log(2.0) / (8.4 / 12.0), of="effective compute"),
    source=_HO,
    category="progress_energy",
    questions=(1,),
    region=Region(),
    region_note="eleven years: about 231 models published from 2012 to 2023",
    checks=(
        Check({"years": 8.4 / 12.0}, "2.0", "section 3: compute to a given loss halves every 8.4 months"),
        Check({"years": 1.0}, "2.692", _BY_HAND),
    ),
    failures=_HO_FAILURES,
    notes="8.4 months, 95 % interval 4.5 to 14.3; the conference version says about 8 months, 90 % interval 2 to 22. "
          "The transformer alone was worth 7.2 times the compute (3.3 to 45.7).",
)

Fittable(
    key="ho2024_algorithmic_progress:loss",
    title="Loss with params and data that better algorithms multiply",
    law=ProgressLoss(E=1.0, A=1.0, alpha=0.3, a_N=0.5, B=1.0, beta=0.3, a_D=0.5),
    source=Source("2403.05812", "section 2", "Ho et al.", 2024, _HO.title),
    category="progress_energy",
    questions=(1,),
    failures=_HO_FAILURES,
    notes="The authors average over many specifications with constants per benchmark; no set of this plain form could "
          "be confirmed.",
)

_XIAO_FAILURES = (
    Failure("It rests on benchmark scores, which contamination lifts, and on the chosen reference models",
            "2412.04315"),
)

Published(
    key="xiao2024_densing",
    title="Densing law: the ability held by a parameter",
    law=Trend(A=0.007 * DAYS_PER_YEAR, of="capability density"),
    source=Source("2412.04315", "section 1; equation 4", "Xiao et al.", 2024, "Densing Law of LLMs"),
    category="progress_energy",
    questions=(6,),
    region=Region(),
    region_note="under two years: 29 open base models released in 2023 and 2024",
    checks=(Check({"years": 3.3 / 12.0}, "2.0", "section 1: density doubles about every 3.3 months"),),
    failures=_XIAO_FAILURES,
    notes="Printed as ln(rho_max) = A t + B with A = 0.007 per day; B is left out, so growth is relative to the best "
          "density at t = 0. Density is the params a reference model needs for the same scores over the params there "
          "are: equal ability at half the size in one doubling.",
)

Published(
    key="xiao2024_densing:journal",
    title="Densing law, as in the journal",
    law=Trend(A=math.log(2.0) / (3.5 / 12.0), of="capability density"),
    source=Source("2412.04315", "abstract of the version in Nature Machine Intelligence", "Xiao et al.", 2025,
                  "Densing law of LLMs"),
    category="progress_energy",
    questions=(6,),
    region=Region(),
    region_note="about two years: 51 open models released since Llama 1",
    checks=(Check({"years": 3.5 / 12.0}, "2.0", "abstract: density doubles approximately every 3.5 months"),),
    failures=_XIAO_FAILURES,
    notes="The same law on more models: slower than the 3.3 months of the first version.",
)

Fittable(
    key="faiz2023_llmcarbon",
    title="Operational and embodied carbon of a run",
    law=TrainingCarbon(P=0.4, e=0.01),
    source=Source("2309.14393", "section 4", "Faiz et al.", 2023,
                  "LLMCarbon: Modeling the End-to-End Carbon Footprint of Large Language Models"),
    category="progress_energy",
    questions=(),
    symbols={"carbon_intensity": "carb_inten"},
    failures=(Failure("Hardware efficiency is assumed from a model of parallelism, not measured on the run",
                      "2309.14393"),),
    notes="Printed as a sum over kinds of hardware of P_i eff_i n_i t_i times PUE and carbon intensity, plus "
          "t_i area_i CPA_i / lifetime_i; here one kind, with P = P_i eff_i and e = area_i CPA_i / lifetime_i. These "
          "are facts about a device, not fitted coefficients, and none are quoted.",
)

Published(
    key="sengupta2025_carbon_downscaling",
    title="Performance against carbon",
    law=Growth(a=0.08, of="performance", per="carbon"),
    source=Source("2505.00985", "section 3", "Sengupta, Goel & Chakraborty", 2025,
                  "Position: Enough of Scaling LLMs! Lets Focus on Downscaling"),
    category="progress_energy",
    questions=(6,),
    region=Region(),
    region_note="the paper fits no runs: the exponent is taken over",
    checks=(Check({"scale_up": 10.0}, "1.2023", _BY_HAND),),
    failures=(
        Failure("The exponent is Kaplan's of loss in model size, with no floor, and loss is read as performance by a "
                "straight line", "2001.08361"),
        Failure("The claim that pruned models in an ensemble beat their base rests on a law of small ConvNets",
                "2007.08483"),
    ),
    notes="Carbon is taken as CO2 = K N D with one constant K, so that carbon is compute. The paper's example prefers "
          "about eight pruned models of 1e9 params to one of 8e9; its constants are illustrative.",
)

Guidance(
    key="fernandez2024_hardware",
    title="Diminishing returns of more devices",
    source=Source("2411.13055", "abstract", "Fernandez et al.", 2024,
                  "Hardware Scaling Trends and Diminishing Returns in Large-Scale Distributed Training"),
    category="progress_energy",
    questions=(),
    advice="Count on less throughput per device and per watt as the number of devices grows, since communication "
           "comes to bound the run: a split that is best in FLOP is best neither in time nor in energy, so put the "
           "limits of parallelism into the plan.",
    concerns=("faiz2023_llmcarbon", "ho2024_algorithmic_progress:compute"),
    notes="Quoted from memory of the abstract; no formula is published.",
)
