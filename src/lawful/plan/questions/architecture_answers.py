"""The parts of the answer to question 2, one function each: rivals, shape, vocabulary, context, streams, encoder."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from lawful.cost.shapes import Family
from lawful.errors import FailedToAnswer
from lawful.fit.forecast import PUBLISHED
from lawful.laws import registry
from lawful.plan.architecture.passes import weigh_contexts, weigh_streams
from lawful.plan.architecture.rivals import Standing, rank
from lawful.plan.architecture.shapes import ModelShape, depth_that_pays, weigh_shapes
from lawful.plan.architecture.templates import Built, Counted, Template
from lawful.plan.architecture.vision import START, TASKS, vision_shape
from lawful.plan.architecture.vocabulary import BY_COMPUTE, BY_PARAMS, LOSS, best_vocabularies, compute_worth, judged
from lawful.plan.costs.sizes import Counting
from lawful.plan.laws import LawLike, law_caveats, law_name
from lawful.plan.questions.topic import Option, Part
from lawful.quantities import FLOP_PER_PARAM_TOKEN, format_number
from lawful.results import Interval

SHAPE, DEEP, STREAMS = "mcleish2025_gemstones:shape", "levine2020_depth_width", "chen2025_parscale:pile"
CONTEXTS: Mapping[float, str] = {1e9 * size: f"xiong2023_context_length:{size}B" for size in (7, 13, 34, 70)}
"""The catalogue's laws for each part, where none is given; those of context by the size of their model."""

FLAT = 2e-3
"""Shapes whose loss is within this share of the best are named beside it."""

SHOWN = 4
"""Other shapes that are shown beside the best."""


def shape_law(own: LawLike | None) -> LawLike:
    """The user's own law where it takes width or depth, else that of the catalogue."""
    return own if own is not None and {"width", "depth"} & set(own.law.inputs) else registry.law(SHAPE)


def template_of(law: LawLike, model: str | None, plain: Template) -> Built:
    """The shapes of a published model, counted as ``law`` counts; the plain count where none is named."""
    return plain if model is None else Counted(Family.named(model), Counting.of(law).params)


def ranking(rivals: Mapping[str, LawLike], compute: float) -> Part:
    """The architectures by what their laws give at the budget."""
    standings = rank(rivals, compute)
    best, second = standings[:2]
    assert second.against is not None
    output = second.against.output.name
    says = (f"At {_flop(compute)} FLOP {best.name} gives {output} {best.value.value:.4f}, {second.name} "
            f"{second.value.value:.4f}: {second.against.verdict}.")
    if (met := next((s for s in standings[1:] if s.overtakes is not None), None)) is not None:
        says += f" {met.name} catches up at {_flop(met.overtakes)} FLOP."
    first = []
    for one in standings[1:]:
        assert one.against is not None
        if one.apart is False and one.against.more_runs is not None:
            first.append(f"{one.against.more_runs:.2g} times the runs behind {best.name} and {one.name} would tell "
                         "them apart, if their difference is as large as it looks.")
        elif one.apart is None:
            first.append(f"Fit {best.name} and {one.name} to runs of your own at three sizes or more, tuned alike: "
                         "published laws have no draws, and nothing says how sure the order is.")
    limits = [c for s in standings if s.against is not None for c in s.against.warnings]
    limits += [c for s in standings for c in law_caveats(rivals[s.name], s.at)]
    return Part(says, tuple(_standing(s, output, compute) for s in standings),
                tuple(law_name(law) for law in rivals.values()), tuple(dict.fromkeys(limits)),
                tuple(dict.fromkeys(first)),
                ("Each architecture is asked at the split of compute that its own law calls best.",))


def _standing(s: Standing, output: str, compute: float) -> Option:
    notes = [f"{s.reach:.1f} decades beyond its runs" if s.reach else "within its runs"]
    if s.against is not None and s.apart is not None:
        notes.insert(0, "apart from the best" if s.apart else "not to be told from the best")
    note = "; ".join(notes if s.limit == PUBLISHED else [*notes, s.limit])
    known = {output: s.value} if math.isfinite(s.value.low) else {}
    return Option(s.name, {"compute": compute, **s.at}, {output: s.value.value}, known, note)


def shaping(law: LawLike, compute: float, template: Built, depths: Sequence[float], params: float | None,
            pace: LawLike | None) -> tuple[Part, ModelShape]:
    """How deep and how wide: at equal FLOP, and where there is a law of hours at equal hours."""
    shapes = weigh_shapes(law, compute=compute, params=params, template=template, depths=depths)
    best, output = shapes.best, shapes.output
    flat = shapes.near(FLAT)
    says = (f"At {_flop(compute)} FLOP build it {best.depth:g} layers deep and {best.width:,.0f} wide: "
            f"{format_number(best.params)} params on {format_number(best.tokens)} tokens, {output} {best.outcome:.4f}.")
    if len(flat) > 1:
        says += f" {flat[0].depth:g} to {flat[-1].depth:g} layers are within {100 * FLAT:g} % of that."
    options = [_shaped(best, output, "recommended", shapes.intervals),
               *(_shaped(s, output, f"{output} {100 * (s.outcome / best.outcome - 1):+.2f} %")
                 for s in _spread_of(shapes.found))]
    limits, first = list(law_caveats(law, _at(best))), [
        "Train two or three depths of one small size on the same tokens, each tuned: the law is flat about its best, "
        "and which runs it was fitted to moves its prescription (arXiv:2502.06857)."]
    laws = [law_name(law)]
    if pace is None:
        first.append("Time a step of a deep and of a wide model on your devices, and give the law of hours as pace: at "
                     "equal hours wide and shallow models gain.")
    else:
        hours = float(pace.law.at({name: _at(best)[name] for name in pace.law.inputs}))
        fast = weigh_shapes(law, hours=hours, pace=pace, params=params, template=template, depths=depths).best
        says += (f" In the {format_number(hours)} hours that it takes, {fast.depth:g} layers of {fast.width:,.0f} "
                 f"give {fast.outcome:.4f}, with {format_number(fast.params)} params on {format_number(fast.tokens)} "
                 "tokens.")
        options.append(_shaped(fast, output, f"the best in {format_number(hours)} hours"))
        limits += law_caveats(pace, _at(fast))
        laws.append(law_name(pace))
    try:
        deepest, _ = depth_that_pays(registry.law(DEEP), best.params, template)
        says += f" More than {deepest:.0f} layers would be too many for that size by {DEEP}."
        laws.append(DEEP)
        limits += law_caveats(registry.law(DEEP), {"depth": deepest})
    except FailedToAnswer:
        pass   # a size so small that no depth is too much for it
    return Part(says, tuple(options), tuple(laws), tuple(limits), tuple(first), (
        template.sentence, "The loss of each law is that on its own data: compare options of one law, not across laws.",
    )), best


def _spread_of(found: Sequence[ModelShape]) -> list[ModelShape]:
    """A few of the others, evenly over the depths, the shallowest first."""
    rest = sorted(found[1:], key=lambda s: s.depth)
    count = min(SHOWN, len(rest))
    return [rest[round(i * (len(rest) - 1) / max(count - 1, 1))] for i in range(count)]


def _shaped(s: ModelShape, output: str, note: str, intervals: Mapping[str, Interval] | None = None) -> Option:
    gives = {output: s.outcome, "train_flop": s.train_flop, **({} if s.hours is None else {"hours": s.hours})}
    return Option(f"{s.depth:g} layers, {s.width:,.0f} wide", _at(s), gives, intervals or {}, note)


def _at(s: ModelShape) -> dict[str, float]:
    return {"width": s.width, "depth": s.depth, "params": s.params, "tokens": s.tokens}


def vocabulary(best: ModelShape, template: Built, compute: float) -> Part:
    """How many entries the vocabulary of the best shape deserves."""
    rest = best.params - float(template.embedding_params(best.width))
    found = {v.law: v for v in best_vocabularies(rest, best.width, compute)}
    chosen, planned = found[LOSS], judged(template.vocab_size, rest, best.width, compute)
    sizes = sorted(v.size for v in found.values())
    wasted = 1.0 - compute_worth(template.vocab_size, rest, best.width, compute)
    says = (f"Give it a vocabulary of {format_number(chosen.size)} ({format_number(sizes[0])} to "
            f"{format_number(sizes[-1])} by three approaches); {format_number(template.vocab_size)} is as if "
            f"{100 * wasted:.2g} % of the compute were wasted.")
    names = {LOSS: "approach 3, at this compute", BY_COMPUTE: "approach 1, off the compute",
             BY_PARAMS: "approach 2, off the size alone"}
    options = [Option(f"a vocabulary of {format_number(v.size)}", {"vocab_size": v.size, "vocab_params": v.params},
                      {"normalised_loss": v.normalised_loss}, note=names[key])
               for key, v in sorted(found.items(), key=lambda pair: pair[0] != LOSS)]
    options.append(Option(f"a vocabulary of {format_number(planned.size)}",
                          {"vocab_size": planned.size, "vocab_params": planned.params},
                          {"normalised_loss": planned.normalised_loss}, note="as planned"))
    tokens = compute / (FLOP_PER_PARAM_TOKEN * (rest + chosen.params))
    limits = law_caveats(registry.law(LOSS), {"params": rest, "vocab_params": chosen.params, "tokens": tokens})
    return Part(says, tuple(options), tuple(found), limits, (
        "Count the tokens that a text of your own takes with a tokenizer of either size: what a larger one saves there "
        "is what the law assumes of English web text.",),
        ("The vocabulary is weighed by the loss less that of a unigram model, so that sizes compare; languages to be "
         "covered and the memory of the head are not counted.",))


def contexts(law: LawLike | None, lengths: Sequence[float], best: ModelShape) -> Part:
    """What a longer context gives, and what a token then costs."""
    chosen = law or registry.law(CONTEXTS[min(CONTEXTS, key=lambda size: abs(math.log(size / best.params)))])
    found = weigh_contexts(chosen, lengths, best.params, best.width, best.depth)
    short, long = found[0], found[-1]
    says = (f"From {short.context:,.0f} to {long.context:,.0f} tokens of context the loss on long texts falls by "
            f"{short.loss - long.loss:.4f}, by {law_name(chosen)}, and a token costs {long.flop:.3g} times as much.")
    options = tuple(Option(f"context {c.context:,.0f}", {"context": c.context}, {"loss": c.loss},
                           note=f"{c.flop:.3g} times the FLOP a token of the shortest") for c in found)
    return Part(says, options, (law_name(chosen),), law_caveats(chosen, {"context": long.context}),
                ("Train on short texts and lengthen the context at the end: what it gives can be measured there, on "
                 "texts as long as yours (arXiv:2309.16039).",),
                ("A token takes 6 N + 6 x depth x context x width FLOP in training, under a causal mask.",))


def streams(law: LawLike | None, counts: Sequence[float], best: ModelShape, template: Built) -> Part:
    """What parallel streams give, beside a larger model."""
    chosen = law or registry.law(STREAMS)
    rest = best.params - float(template.embedding_params(best.width))
    found = weigh_streams(chosen, rest, sorted(counts))
    most = found[-1]
    says = (f"{most.streams:g} parallel streams act like {most.larger:.3g} times the params at {most.streams:g} times "
            "the compute: choose them for memory, never for compute.")
    options = tuple(Option(f"{s.streams:g} stream{'s' * (s.streams != 1)}", {"streams": s.streams, "params": rest},
                           {"loss": s.loss},
                           note=f"{s.flop:g} times the FLOP, as good as {format_number(s.worth)} params")
                    for s in found)
    return Part(says, options, (law_name(chosen),), law_caveats(chosen, {"params": rest, "streams": most.streams}), (
        "Check the memory and the latency of streams at your batch: what they save shrinks as the batch grows.",))


def encoder(params: float) -> Part:
    """The shape of a vision encoder, by task."""
    found = {task: vision_shape(params, task) for task in TASKS}
    shape = found["classification"]
    start = "/".join(f"{value:g}" for value in START.values())
    says = (f"A vision encoder of {format_number(params)} params: {shape.depth:.0f} layers, {shape.width:.0f} wide, "
            f"feed-forward {shape.mlp:.0f}.")
    laws = tuple(f"alabdulmohsin2023_sovit:{name}" for name in START)
    return Part(says, tuple(Option(f"an encoder for {task}", {"width": s.width, "depth": s.depth}, {
        "mlp_width": s.mlp, "params": s.params}) for task, s in found.items()), laws,
        law_caveats(registry.law(laws[0]), {"scale_up": shape.scale_up}), (),
        (f"Width, depth and feed-forward width grow by one factor on compute from {start}.",))


def _flop(value: float | None) -> str:
    return format_number(value or math.nan, 3, unit="FLOP")
