"""Reinforcement learning: games, imitation, reward models, and RL after pre-training."""

from __future__ import annotations

from lawful.laws.base import Region
from lawful.laws.published import Check, Failure, Fittable, Published, Source
from lawful.laws.rl import (
    BestOfNReward,
    EloGain,
    HexElo,
    IntrinsicPerformance,
    LearningEfficiency,
    PolicyReward,
    SearchCompute,
    SigmoidReward,
)
from lawful.laws.theory import Growth

_BY_HAND = "worked by hand from the printed coefficients"


Fittable(
    key="hilton2023_single_agent",
    title="Intrinsic performance of an agent",
    law=IntrinsicPerformance(N_c=1.0, alpha_N=0.5, E_c=1.0, alpha_E=0.5),
    source=Source("2301.13442", "section 3", "Hilton, Tang & Schulman", 2023,
                  "Scaling laws for single-agent reinforcement learning"),
    category="rl",
    questions=(1,),
    symbols={"interactions": "E"},
    failures=(
        Failure("Intrinsic performance can only be read off a sweep over a family of model sizes", "2301.13442"),
        Failure("The horizon of the task moves the constants, little the exponents", "2301.13442"),
    ),
    notes="Coefficients depend on the environment (Procgen, Dota 2, a game on MNIST) and could not be confirmed. The "
          "best params grow as compute**(alpha_E / (alpha_N + alpha_E)), between 0.4 and 0.8 by environment.",
)


# ----------------------------------------------------------------------------------- Neumann 2022

_NEUMANN = Source("2210.00849", "section 4", "Neumann & Gros", 2022,
                  "Scaling Laws for a Multi-Agent Reinforcement Learning Model")
_NEUMANN_FAILURES = (
    Failure("Two small games, with the search budget of AlphaZero fixed", "2210.00849"),
    Failure("Rating stops growing where play becomes optimal", "2210.00849"),
)
_NEUMANN_NOTE = ("Exponents of rating confirmed in Epoch's literature review. Networks were scaled in width. Game "
                 "networks of record are far smaller than their compute would allow.")
_NEUMANN_REGION = ("Connect Four: 1.5e11 to 3e16 FLOP, 600 to 2e5 params; Pentago: 4e11 to 4e16 FLOP, 2000 to 3e5 "
                   "params")

for _game, _title, _alpha_n, _alpha_c, _at_n, _at_c in (
    ("connect_four", "Connect Four", 0.88, 0.55, "352.0", "220.0"),
    ("pentago", "Pentago", 0.87, 0.55, "348.0", "220.0"),
):
    for _per, _alpha, _printed in (("params", _alpha_n, _at_n), ("compute", _alpha_c, _at_c)):
        Published(
            key=f"neumann2022_alphazero:{_game}_{_per}",
            title=f"Rating gained in {_title} from {_per}",
            law=EloGain(alpha=_alpha, per=_per),
            source=_NEUMANN,
            category="rl",
            questions=(1,),
            region=Region(),
            region_note=_NEUMANN_REGION,
            checks=(Check({"scale_up": 10.0}, _printed, _BY_HAND),),
            failures=_NEUMANN_FAILURES,
            notes=f"{_NEUMANN_NOTE} Params count when compute does not bottleneck; compute, on the best frontier.",
        )

Published(
    key="neumann2022_alphazero:optimal_params",
    title="Compute-optimal size of an AlphaZero network",
    law=Growth(a=0.62, of="params", per="compute"),
    source=_NEUMANN,
    category="rl",
    questions=(1,),
    region=Region(),
    region_note=_NEUMANN_REGION,
    checks=(Check({"scale_up": 10.0}, "4.169", _BY_HAND),),
    failures=_NEUMANN_FAILURES,
    unconfirmed=("a",),
    notes=f"{_NEUMANN_NOTE} The exponent is the quotient of the two others, 0.55 / 0.88 = 0.625; 0.62 is quoted from "
          "memory.",
)


# ------------------------------------------------------------------------------------- Jones 2021

_JONES_FAILURES = (
    Failure("The author reports an error in a constant of the search (issue 15 of the repository), which likely moves "
            "the results", "2104.03113"),
    Failure("One game, boards of 3 x 3 to 9 x 9", "2104.03113"),
)


def _jones(where: str) -> Source:
    return Source("2104.03113", where, "Jones", 2021, "Scaling Scaling Laws with Board Games")


Published(
    key="jones2021_board_games:elo",
    title="Rating in Hex against board size and training compute",
    law=HexElo(m_p=-270.0, c_p=570.0, m_i=-430.0, m_f=510.0, c_i=-4400.0),
    source=_jones("Table III"),
    category="rl",
    questions=(4,),
    region=Region(board_size=(3.0, 9.0), compute=(1e9, 1e17)),
    checks=(
        Check({"board_size": 9.0, "compute": 1e15}, "-620", _BY_HAND),
        Check({"board_size": 9.0, "compute": 1e10}, "-1860", _BY_HAND),
        Check({"board_size": 5.0, "compute": 10**12.5}, "-175", _BY_HAND),
        Check({"board_size": 3.0, "compute": 1e14}, "0", "perfect play is rated 0"),
    ),
    failures=_JONES_FAILURES,
    notes="One more step of the board asks for 10**(430/510) = 7.0 times the compute for perfect play, as the text "
          "says; for the take-off the rounded table gives 10**(160/510) = 2.1, and the text says 4.",
)

Published(
    key="jones2021_board_games:test_time",
    title="Search compute that replaces training compute in Hex",
    law=SearchCompute(a=-1.2, b=0.004, c=29.0),
    source=_jones("section IV, 9 x 9 board"),
    category="rl",
    questions=(4,),
    region=Region(compute=(1e9, 1e17)),
    region_note="9 x 9 Hex; ratings of about -1500 to 0; the span of compute is that of the training runs",
    checks=(Check({"compute": 1e15, "elo": -500.0}, "1.00e9", _BY_HAND),),
    failures=_JONES_FAILURES,
    notes="Tenfold training replaces 10**1.2 = 15.8 times the search; the text says about 15.",
)


# --------------------------------------------------------------------------------------- Gao 2022

def _gao(where: str) -> Source:
    return Source("2210.10760", where, "Gao, Schulman & Hilton", 2022,
                  "Scaling Laws for Reward Model Overoptimization")


_GAO_FAILURES = (
    Failure("The true reward is itself a model of 6e9 params: people may differ", "2210.10760"),
    Failure("Methods without a reward model over-optimise in a similar way", "2406.02900"),
)
_GAO_NOTE = ("alpha and beta are shown in figures only, close to straight in the logarithm of the size of the reward "
             "model (3e6 to 3e9 params); the size of the policy (1.2e9, 6e9) matters little. No coefficients are "
             "printed.")

Fittable(
    key="gao2022_overoptimisation:best_of_n",
    title="True reward of best-of-n against KL",
    law=BestOfNReward(alpha=1.0, beta=0.1),
    source=_gao("section 3"),
    category="rl",
    questions=(5,),
    failures=_GAO_FAILURES,
    notes=f"{_GAO_NOTE} Some retellings use this form for RL too; the original has a logarithm there.",
)

Fittable(
    key="gao2022_overoptimisation:rl",
    title="True reward of a policy against KL",
    law=PolicyReward(alpha=1.0, beta=0.3),
    source=_gao("section 3"),
    category="rl",
    questions=(5,),
    failures=(
        *_GAO_FAILURES,
        Failure("The slope at the origin is infinite, so the form cannot hold there", "2210.10760"),
    ),
    notes=_GAO_NOTE,
)


# ------------------------------------------------------------------- RL after pre-training; imitation

Fittable(
    key="khatri2025_scalerl",
    title="Pass rate against the compute of RL",
    law=SigmoidReward(R_0=0.3, A=0.61, B=1.0, C_mid=1000.0),
    source=Source("2510.13786", "equation 1", "Khatri et al.", 2025,
                  "The Art of Scaling Reinforcement Learning Compute for LLMs"),
    category="rl",
    questions=(4, 5),
    failures=(
        Failure("The ceiling is weakly identified before the knee of the curve", "2510.13786"),
        Failure("Hours of one kind of device: they do not carry over to another", "2510.13786"),
    ),
    notes="Of the coefficients only the ceiling of the authors' recipe is quoted, A = 0.61 (8B dense model, pass rate "
          "on held-out problems); R_0, B and C_mid could not be confirmed. Fitted from about 1500 GPU-hours on, up to "
          "1.6e4 or 5e4, and checked to 4.5e4 or 1e5.",
)

_TUYLS = Source("2307.09423", "section 4", "Tuyls et al.", 2023,
                "Scaling Laws for Imitation Learning in Single-Agent Games")

for _game, _title, _a, _b, _at_a, _at_b in (
    ("nethack", "NetHack", 0.61, 0.39, "4.0738", "2.4547"),
    ("battle_zone", "Battle Zone", 0.58, 0.51, "3.8019", "3.2359"),
    ("breakout", "Breakout", 0.74, 0.46, "5.4954", "2.8840"),
):
    for _of, _exponent, _printed in (("params", _a, _at_a), ("samples", _b, _at_b)):
        Published(
            key=f"tuyls2023_imitation:{_game}_{_of}",
            title=f"Compute-optimal {_of} of imitation in {_title}",
            law=Growth(a=_exponent, of=_of, per="compute"),
            source=_TUYLS,
            category="rl",
            questions=(1,),
            region=Region(),
            region_note="budgets not quoted",
            checks=(Check({"scale_up": 10.0}, _printed, _BY_HAND),),
            failures=(Failure("Params and samples are fitted apart, so their exponents need not add up to 1",
                              "2307.09423"),),
            notes="Approach 2 (parabolas over isoFLOP sweeps); exponents as copied in a public compilation, no "
                  "prefactor. The return follows the loss.",
        )

Fittable(
    key="rlpost2025_learning_efficiency",
    title="Error after RL against model size and compute",
    law=LearningEfficiency(C_0=1.0, r=1.0, K_max=0.3, N_0=1e10, over="compute"),
    source=Source("2509.25300", "section 4; the authors' code for E(N)", "Tan et al.", 2025,
                  "Scaling Behaviors of LLM Reinforcement Learning Post-Training: An Empirical Study in Mathematical "
                  "Reasoning"),
    category="rl",
    questions=(5,),
    failures=(Failure("What is learnt stays in mathematics: little carries over to other domains", "2509.25300"),),
    notes="Qwen2.5 of 5e8 to 7.2e10 params; little is gained beyond 3.2e10. The same form holds in data, over the "
          "examples. The authors leave E(N) open in the text. Data can be used up to 25 times. No coefficients could "
          "be confirmed.",
)
