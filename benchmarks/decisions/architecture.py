"""Question 2: which architecture, which shape, which vocabulary."""

from __future__ import annotations

from collections.abc import Iterator

from decisions import Row, data
from lawful.fit import fit
from lawful.laws import law
from lawful.laws.formula import formula
from lawful.plan.architecture.rivals import rank
from lawful.plan.architecture.shapes import depth_that_pays, weigh_shapes
from lawful.plan.architecture.templates import Template
from lawful.plan.architecture.vision import encoder_params, vision_shape
from lawful.plan.architecture.vocabulary import LOSS, best_vocabularies
from lawful.store import read_runs

TITLE = "Which architecture, shape and vocabulary"

TAO, LEVINE, SOVIT = "arXiv:2407.13623", "arXiv:2006.12467", "arXiv:2305.13035"
GEMSTONES, PARSCALE, SHEN = "arXiv:2502.06857", "arXiv:2505.10475", "arXiv:2406.16690"

SHAPES = {"SoViT-400m/14": (1152.0, 27.0, 4304.0), "SoViT-150m/14": (880.0, 18.0, 2320.0)}
"""Width, depth and feed-forward width, as the public configurations have them."""


def rows() -> list[Row]:
    return [*levine(), *vocabulary(), *sovit(), *gemstones(), *parscale(), *shen()]


def levine() -> Iterator[Row]:
    """The width and depth that a size asks for, embeddings left out."""
    plain = Template(0.0)
    depths = law("levine2020_depth_width")
    yield Row("Width of a network of 1e12 params", f"{LEVINE}, abstract", "30",
              depth_that_pays(depths, 1e12, plain)[1] / 1e3, "thousand")
    deepest, width = depth_that_pays(depths, 175e9, plain)
    yield Row("GPT-3, 175e9 params in 96 layers of 12,288", f"{LEVINE}, abstract", "too deep",
              "too deep" if deepest < 96 else "deep enough", note=f"ours: {deepest:.0f} layers of {width:,.0f}")


def vocabulary() -> Iterator[Row]:
    """What the abstract says of two models; their widths are those of the authors' code."""
    two = {v.law: v.size / 1e3 for v in best_vocabularies(2.87e9, 3200.0, 2.3e21)}
    yield Row("Vocabulary of 2.87e9 params at 2.3e21 FLOP", f"{TAO}, abstract", "43", two[LOSS], "thousand", 0.03,
              "by approach 3; 2.4e21 FLOP give 42.7")
    least = min(v.size / 1e3 for v in best_vocabularies(70e9, 8192.0))
    yield Row("Vocabulary of Llama 2 70B: at least", f"{TAO}, abstract", "216", least, "thousand", 0.02,
              "the least of the three approaches at 70e9 params; which params and approach 216 stands for is not said")


def sovit() -> Iterator[Row]:
    """The published shapes, beside those of their size on the line through the printed start and exponents."""
    for name, (width, depth, mlp) in SHAPES.items():
        shape = vision_shape(encoder_params(width, depth, mlp))
        for part, printed, ours, within in (("width", width, shape.width, 0.09), ("depth", depth, shape.depth, 0.15),
                                            ("feed-forward", mlp, shape.mlp, 0.03)):
            yield Row(f"{name}: {part}", f"{SOVIT}, public configuration", f"{printed:g}", ours, within=within, note=(
                "the printed exponents are of one dimension at a time; the published shapes lie on a line of 0.25, "
                "0.39 and 0.60, wider and shallower"))


def gemstones() -> Iterator[Row]:
    """The best shape at equal FLOP, and at the hours that it takes, by the suite's own step times."""
    if (file := data("gemstones/runs.csv")) is None:
        return
    logs = read_runs(str(file), where="set == 'hot'", mapping={"hours": "gpu_hours"})
    pace = fit(formula("hours = c*params**a*tokens*width**-k*depth**d", output="hours",
                       inputs=["params", "tokens", "width", "depth"]), logs, bootstrap=0)
    shape, template, depths = law("mcleish2025_gemstones:shape"), Template(50304.0, 15.0, 2.0), range(3, 81)
    flop = weigh_shapes(shape, compute=1e21, template=template, depths=depths).best
    hours = float(pace(width=flop.width, depth=flop.depth, params=flop.params, tokens=flop.tokens))
    time = weigh_shapes(shape, hours=hours, pace=pace, template=template, depths=depths).best
    yield Row("The best shape in hours, beside that in FLOP", f"{GEMSTONES}, as summaries have it", "wider",
              "wider" if time.aspect > flop.aspect else "deeper",
              note=f"at 1e21 FLOP {flop.depth:g} layers of {flop.width:,.0f}, in as many hours {time.depth:g} of "
                   f"{time.width:,.0f}")


def parscale() -> Iterator[Row]:
    """How many times the params an e-fold of streams is worth, fitted to the public runs."""
    if (file := data("parallel-scaling/runs.csv")) is None:
        return
    for corpus, printed in (("stack_python", "0.39"), ("pile", "0.33")):
        runs = read_runs(str(file), where=f"corpus == '{corpus}'", mapping={"streams": "P"})
        yield Row(f"Params that an e-fold of parallel streams is worth, {corpus}", f"{PARSCALE}, equation 5", printed,
                  fit("parallel", runs, bootstrap=0).law.coefficients["k"])


def shen() -> Iterator[Row]:
    """Whether models of linear complexity keep up with the transformer, at the largest runs of the paper."""
    names = ("llama", "tnl", "hgrn2", "cosformer2")
    first, *_ = rank({name: law(f"shen2024_linear_lm:{name}") for name in names}, 1e22)
    yield Row("A linear model beside Llama's architecture at 1e22 FLOP, by loss", f"{SHEN}, abstract", "keeps up",
              "keeps up" if first.name != "llama" else "falls behind", note=f"the least loss is that of {first.name}")
