"""``lawful calc``: what a model of some shape holds and costs, in one line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from lawful.cli.options import Output
from lawful.cli.output import aligned, check, show
from lawful.errors import InputError
from lawful.quantities import format_number, parse_positive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lawful.cost.shapes import Flops, Params, Shape

app = App(name="calc", help="What a model of some shape holds and costs: parameters by group, FLOP by convention.",
          help_format="plaintext")

_NO_OUTPUT = Output()


@app.command
def params(config: str, /, *, output: Output = _NO_OUTPUT) -> None:
    """Count a model's parameters by group.

    Parameters
    ----------
    config
        A config.json as Hugging Face writes it, the same in TOML, or a published model: llama-3-8b.
    """
    check(output)
    shape = read_shape(config)
    counts = shape.params()
    show(counts, params_text(shape, counts), output)


def params_text(shape: Shape, counts: Params) -> str:
    """The totals as a sentence, then the groups."""
    active = f", {format_number(counts.active)} active" if counts.active != counts.total else ""
    line = (f"{shape.name}: {counts.total:,} params ({format_number(counts.total)}){active}; "
            f"{counts.nonembedding:,} non-embedding")
    return line + "\n" + aligned([[group, f"{count:,}", f"{100 * count / counts.total:.1f} %"]
                                  for group, count in counts.groups.items()], ["group", "params", "share"])


@app.command
def flops(
    config: str,
    /,
    *,
    context: str | None = None,
    convention: str = "exact",
    diff: Annotated[tuple[str, str] | None, Parameter(consume_multiple=True)] = None,
    tokens: str | None = None,
    output: Output = _NO_OUTPUT,
) -> None:
    """Count the FLOP of an example and of a token, forward and in training, by a named convention.

    Parameters
    ----------
    config
        A config.json as Hugging Face writes it, the same in TOML, or a published model: llama-3-8b.
    context
        Tokens of an example; the model's longest context where it is left out. Of several streams:
        encoder=512,decoder=128.
    convention
        How to count: exact, causal, 6N, kaplan, palm, megatron.
    diff
        Two conventions, held against one another: --diff exact 6N.
    tokens
        Also the FLOP to train on so many tokens: 15T.
    """
    from lawful.cost.shapes import flops as count

    check(output)
    shape = read_shape(config)
    length, lengths = _lengths(context)
    seen = None if tokens is None else parse_positive(tokens, "--tokens")
    first, *others = (count(shape, name, length, **lengths) for name in diff or (convention,))
    if seen is not None and first.tokens is None:
        raise InputError(f"--tokens: {shape.name} has several streams of tokens ({', '.join(first.lengths)}); multiply "
                         "the FLOP of an example by the number of examples")
    total = None if seen is None or first.tokens is None else seen * first.train / first.tokens
    result = {**first.to_dict(), "against": others[0].to_dict() if others else None, "tokens": seen,
              "train_flop_of_tokens": total}
    text = "\n\n".join(flops_text(shape, one) for one in (first, *others))
    if others:
        text += f"\n\n{first.convention} is {first.train / others[0].train:.4g} times {others[0].convention}"
    if seen is not None and total is not None:
        text += f"\n\n{format_number(total, unit='FLOP')} FLOP to train on {format_number(seen)} tokens"
    show(result, text, output)


def flops_text(shape: Shape, found: Flops) -> str:
    """The FLOP of a token, or of an example with several streams, as a sentence; then the items of the forward pass."""
    lengths = " and ".join(f"{n:,} {stream} tokens" for stream, n in found.lengths.items())
    what, share = ("a token", found.tokens) if found.tokens is not None else ("an example", 1)
    train, forward = (format_number(cost / share, unit="FLOP") for cost in (found.train, found.forward))
    body = [[item, format_number(cost / share, unit="FLOP"), f"{100 * cost / found.forward:.1f} %"]
            for item, cost in found.items.items()]
    return (f"{shape.name}, {found.convention}: {train} FLOP {what} to train, {forward} forward, at {lengths}\n"
            + aligned(body, ["forward", f"FLOP {what}", "share"]))


def read_shape(config: str) -> Shape:
    """The shape in the file ``config``, or of the published model called so. Raises ``InputError`` for neither."""
    from lawful.cost.shapes import model, read_config
    from lawful.store import read_json, read_toml

    if not (config.endswith((".json", ".toml")) or Path(config).is_file()):
        return model(config)
    fields: Mapping[str, object] = (read_toml if config.endswith(".toml") else read_json)(config)
    return read_config(fields, config)


def _lengths(context: str | None) -> tuple[int | None, dict[str, int]]:
    """``4096``, or ``encoder=512,decoder=128``."""
    if context is None:
        return None, {}
    if "=" not in context:
        return _whole(context, "--context"), {}
    pairs = [part.partition("=") for part in context.split(",")]
    if any(not (name and equals and value) for name, equals, value in pairs):
        raise InputError(f"--context {context}: write a number of tokens, or encoder=512,decoder=128")
    return None, {name.strip(): _whole(value, f"--context {name.strip()}") for name, _, value in pairs}


def _whole(text: str, where: str) -> int:
    number = parse_positive(text, where)
    if number != int(number):
        raise InputError(f"{where} must be a whole number of tokens, got {text}")
    return int(number)
