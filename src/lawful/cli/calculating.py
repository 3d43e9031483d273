"""``lawful calc``: what a model of some shape holds and costs, in one line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from lawful.cli.options import Output, find_device
from lawful.cli.output import aligned, check, show
from lawful.errors import InputError
from lawful.quantities import format_number, parse_positive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lawful.cost import Hardware
    from lawful.cost.shapes import Flops, Memory, Params, Shape, Sharding

app = App(name="calc", help="What a model of some shape holds and costs: params, FLOP, memory, time, cost, serving.",
          help_format="plaintext")

app.command("lawful.cli.billing:time", name="time", help="How long a training run takes.")
app.command("lawful.cli.billing:cost", name="cost", help="What a training run costs: time, money, energy, CO2e.")
app.command("lawful.cli.billing:serve", name="serve", help="How fast a model answers on a device, and what that costs.")

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
    length, lengths = read_lengths(context)
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


@app.command
def memory(
    config: str,
    /,
    *,
    serve: Annotated[bool, Parameter(negative="")] = False,
    batch: str = "1",
    context: str | None = None,
    precision: str | None = None,
    cache_precision: str | None = None,
    optimiser: Annotated[str | None, Parameter(name=["--optimiser", "--optimizer"])] = None,
    recompute: str | None = None,
    tune: str | None = None,
    rank: str = "16",
    frozen: str | None = None,
    data: int = 1,
    tensor: int = 1,
    pipeline: int = 1,
    expert: int = 1,
    zero: int = 0,
    device: str | None = None,
    output: Output = _NO_OUTPUT,
) -> None:
    """Count what a model holds on one device, in training or, with --serve, in serving.

    Parameters
    ----------
    config
        A config.json as Hugging Face writes it, the same in TOML, or a published model: llama-3-8b.
    serve
        Serving: the weights and the cache of the sequences, instead of training.
    batch
        Sequences in flight on each replica.
    context
        Tokens of a sequence; the model's longest context where it is left out.
    precision
        fp32, bf16, fp16, fp8, int8, fp4, int4: bf16 in training; in serving what the configuration says.
    cache_precision
        That of the cache, in serving.
    optimiser
        adamw, adamw-8bit, muon, momentum, sgd.
    recompute
        What the backward pass computes again: none, scores (as fused attention does), layer.
    tune
        Fine-tuning instead: full, lora, or prompt (100 tokens); what is frozen needs no gradient and no state.
    rank
        That of LoRA, on every matrix of the layers.
    frozen
        Precision of the frozen weights, as int4; that of training where it is left out.
    data
        Replicas, over which --zero divides.
    tensor
        Devices that share each layer.
    pipeline
        Stages of layers.
    expert
        Devices that share the experts.
    zero
        1 divides the optimiser's state over replicas, 2 the gradients as well, 3 the weights as well.
    device
        Also say whether it fits: h100, a100, ..., or your own: mine.toml.
    """
    from lawful.cost.shapes import Sharding, serve_memory
    from lawful.cost.shapes.adapters import tuning_memory

    check(output)
    shape, (length, lengths) = read_shape(config), read_lengths(context)
    if lengths:
        raise InputError(f"--context {context}: memory takes one number of tokens for all streams")
    over, sequences = Sharding(data, tensor, pipeline, expert, zero), whole(batch, "--batch")
    training = {"--optimiser": optimiser, "--recompute": recompute, "--zero": zero or None, "--tune": tune,
                "--frozen": frozen}
    serving = {"--cache-precision": cache_precision}
    for option, value in (training if serve else serving).items():
        if value is not None:
            raise InputError(f"{option} belongs to {'training' if serve else 'serving'}: leave it out, or "
                             f"{'leave out' if serve else 'give'} --serve")
    if serve:
        held = serve_memory(shape, batch=sequences, context=length, precision=precision,
                            cache_precision=cache_precision, sharding=over)
    else:
        held = tuning_memory(shape, tune or "full", rank=whole(rank, "--rank"), frozen=frozen,
                             precision=precision or "bf16", optimiser=optimiser or "adamw", batch=sequences,
                             context=length, recompute=recompute or "scores", sharding=over)
    on = None if device is None else find_device(device)
    share = None if on is None else held.total / on.memory_bytes
    show({**held.to_dict(), "device": None if on is None else on.key, "share_of_device": share},
         memory_text(shape, held, over, on), output)


def memory_text(shape: Shape, held: Memory, over: Sharding, on: Hardware | None) -> str:
    """The total as a sentence, then the items and what they rest on."""
    devices = f" on each of {over.devices} devices" if over.devices > 1 else ""
    line = f"{shape.name}: {held.total / 1e9:,.4g} GB{devices}"
    if on is not None:
        share = held.total / on.memory_bytes
        line += f", {100 * share:.3g} % of {on.title}" + (": it does not fit" if share > 1 else "")
    body = [[item, f"{size / 1e9:,.4g}", f"{100 * size / held.total:.1f} %"] for item, size in held.items.items()]
    return "\n".join([line, aligned(body, ["item", "GB", "share"]), *(f"  - {note}" for note in held.assumptions)])


@app.command
def hardware(*, output: Output = _NO_OUTPUT) -> None:
    """List the devices of the table: what each does, holds, draws and costs."""
    from lawful.cost import all_hardware

    check(output)
    devices = all_hardware()
    show({"schema": "lawful.hardware/1", "devices": [device.to_dict() for device in devices]}, hardware_text(devices),
         output)


def hardware_text(devices: Sequence[Hardware]) -> str:
    """A line for each device; a figure that nobody publishes is left empty."""
    def shown(value: float | None, unit: float = 1.0) -> str:
        return "" if value is None else f"{value / unit:.4g}"

    body = [[d.key, shown(d.peak_flop_per_second, 1e12),
             ", ".join(f"{name} {shown(peak, 1e12)}" for name, peak in d.peaks.items()), shown(d.memory_bytes, 1e9),
             shown(d.bandwidth_bytes_per_second, 1e12), shown(d.power_w), shown(d.usd_per_hour)] for d in devices]
    return aligned(body, ["device", "TFLOP/s", "other precisions", "GB", "TB/s", "W", "USD/h"])


def read_shape(config: str) -> Shape:
    """The shape in the file ``config``, or of the published model called so. Raises ``InputError`` for neither."""
    from lawful.cost.shapes import model, read_config

    fields = config_fields(config)
    return model(config) if fields is None else read_config(fields, config)


def config_fields(config: str) -> Mapping[str, Any] | None:
    """The fields in the file ``config``; None where it is no file's name but that of a published model."""
    from lawful.store import read_json, read_toml

    if not (config.endswith((".json", ".toml")) or Path(config).is_file()):
        return None
    fields: Mapping[str, Any] = (read_toml if config.endswith(".toml") else read_json)(config)
    return fields


def read_lengths(context: str | None) -> tuple[int | None, dict[str, int]]:
    """``4096``, or ``encoder=512,decoder=128``."""
    if context is None:
        return None, {}
    if "=" not in context:
        return whole(context, "--context"), {}
    pairs = [part.partition("=") for part in context.split(",")]
    if any(not (name and equals and value) for name, equals, value in pairs):
        raise InputError(f"--context {context}: write a number of tokens, or encoder=512,decoder=128")
    return None, {name.strip(): whole(value, f"--context {name.strip()}") for name, _, value in pairs}


def whole(text: str, where: str) -> int:
    """A whole number above 0; ``where`` is what messages call it."""
    number = parse_positive(text, where)
    if number != int(number):
        raise InputError(f"{where} must be a whole number, got {text}")
    return int(number)
