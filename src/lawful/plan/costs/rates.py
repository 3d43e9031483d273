"""What a decision costs: every metric that may be limited or minimised, for many decisions at once.

A decision is a set of quantities by name, floats or arrays of one shape; ``Rates`` are what a FLOP, an hour and a token
cost. Metrics that cannot be answered (money without a device) are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.cost import DEFAULT_MFU, Budget, Hardware
from lawful.cost.checks import positive
from lawful.cost.shapes import Count, Family, Sized
from lawful.errors import InputError
from lawful.fit import Fit
from lawful.laws.published import Published
from lawful.plan.costs.arithmetic import ARITHMETIC, FORMATS, bit_sentences, mean_bits, peak_share, time_share
from lawful.plan.costs.extras import (
    DENSE,
    FULL_BITS,
    TEACHERS,
    Store,
    beside_sentences,
    finetune_flop,
    known,
    teacher_flop,
)
from lawful.plan.costs.served import Answers, Served, Server, Trained
from lawful.plan.costs.shaped import Placed, Shaped, plain_family
from lawful.plan.costs.sizes import PLAIN, Counting, Sizes, layout_of, sizes
from lawful.quantities import FLOP_PER_PARAM_TOKEN
from lawful.results import Caveat

Array = npt.NDArray[np.float64]

FITS = 1.0 + 1e-6
"""What memory may lie above a device's and still fit: a bound is kept to so much."""

ZERO, FULL = np.zeros(()), np.full((), FULL_BITS)

SIX_ND = (f"Compute is {FLOP_PER_PARAM_TOKEN:g} x params x tokens: attention over long contexts and recomputation "
          "come on top.")


@dataclass(frozen=True)
class Rates:
    """Prices of a decision: the device and how well it is used, and what is to be served.

    - ``serve_tokens`` are all tokens to be written over the model's life, ``serve_mfu`` what serving them reaches of
      the device's peak; with ``serving`` their time is that of the roofline instead.
    - ``options`` are those of ``lawful.cost.Budget``: pue, usd_per_hour, grid_kg_per_kwh, devices.
    - ``teacher`` says what of a teacher is paid for, ``arithmetic`` what few bits save of training's time, ``store``
      what a retrieval store takes, ``skips_zeros`` that the device skips weights that are zero.
    - With ``shape``, a family or the name of a published model, params and FLOP are counted, at texts of ``context``
      tokens, by the named ``convention``.
    - ``training`` says how training is held in memory.
    """

    device: Hardware | str | None = None
    mfu: float = DEFAULT_MFU
    serve_tokens: float = 0.0
    serve_mfu: float = 0.2
    options: Mapping[str, Any] | None = None
    teacher: str = "runs"
    arithmetic: str = "peaks"
    store: Store = DENSE
    skips_zeros: bool = False
    shape: Family | str | None = None
    context: int | None = None
    convention: str = "exact"
    serving: Served | None = None
    training: Trained | None = None

    def __post_init__(self) -> None:
        if self.serve_tokens:
            positive("serve_tokens", self.serve_tokens, "tokens")
        known("teacher", self.teacher, TEACHERS)
        known("arithmetic", self.arithmetic, ARITHMETIC)
        if self.shape is None and self.context is not None and self.training is None:
            raise InputError("context is that of a shape: give one, as shape='llama-3-8b'")
        assert self._budgets  # a device or a rate that is not known is refused at the door
        assert self.shape is None or self._shaped.train_flop   # and so is a shape that cannot be counted
        assert self.training is None or self._train_memory
        assert self.serving is None or self._server   # nor one that does not write

    @cached_property
    def _budgets(self) -> tuple[Budget, Budget]:
        """What an hour costs and a FLOP takes, in training and in serving."""
        train, serve = (Budget(compute=1.0, device=self.device, mfu=mfu, **(self.options or {}))
                        for mfu in (self.mfu, self.serve_mfu))
        return train, serve

    @cached_property
    def _hour(self) -> tuple[float, float]:
        """FLOP of an hour of one device in training and in serving, 0 without one."""
        train, serve = (budget.useful_flop_per_hour or 0.0 for budget in self._budgets)
        return train, serve

    @cached_property
    def _prices(self) -> tuple[float | None, float | None]:
        """What an hour of one device costs and draws."""
        return self._budgets[0].price, self._budgets[0].kw

    @cached_property
    def _shaped(self) -> Shaped:
        """The shapes of the decision; a plain transformer's where none is given."""
        family = Family.named(self.shape) if isinstance(self.shape, str) else self.shape or plain_family()
        return Shaped(family, self.context, self.convention)

    @property
    def family(self) -> Family | None:
        """The family of shapes that is counted; None where FLOP are 6 N D."""
        return None if self.shape is None else self._shaped.family

    @property
    def hardware(self) -> Hardware | None:
        """The device; None where none is given."""
        return self._budgets[0].hardware

    @cached_property
    def _server(self) -> Server | None:
        if self.serving is None:
            return None
        return Server(self._shaped.family, self.serving, self.hardware)

    @cached_property
    def _train_memory(self) -> Count:
        assert self.training is not None
        return self.training.count(self._shaped.family, self.context)

    def accept(self, law: Fit | Published) -> None:
        """Raises ``LawError`` where the shape is not of the kind that ``law`` is about, or is counted otherwise."""
        if self.shape is not None:
            self._shaped.accept(law)

    def recounted(self, metrics: Mapping[str, Any], counting: Counting) -> Any:
        """The params of decisions with these ``metrics`` as ``counting`` counts them; None where no shape says."""
        return None if self.shape is None else self._shaped.recounted(metrics, counting)

    def nearest(self, metrics: Mapping[str, float], counting: Counting = PLAIN) -> Sized | None:
        """The shape nearest to a decision with these ``metrics`` that can be built.

        None without a shape, or where its vocabulary or experts are decided as well.
        """
        return None if self.shape is None else self._shaped.nearest(metrics, counting)

    def caveats(self, metrics: Mapping[str, float]) -> tuple[Caveat, ...]:
        """What of a decision with these ``metrics`` does not fit a device, of serving and training as described."""
        return (*(() if self.shape is None else self._shaped.caveats(metrics)), *self._overfull(metrics))

    def _overfull(self, metrics: Mapping[str, float]) -> Iterator[Caveat]:
        """What is more than a device holds."""
        device = self.hardware
        asked = {"memory_bytes": ("serving", self.serving), "train_memory_bytes": ("training", self.training)}
        yield from (Caveat("does_not_fit", f"{what} takes {metrics[name] / 1e9:.4g} GB on each device, and "
                            f"{device.title} holds {device.memory_bytes / 1e9:.4g}: spread it over more devices, or "
                            f"limit {name}")
                     for name, (what, how) in asked.items()
                     if device is not None and how is not None and metrics.get(name, 0.0) > device.memory_bytes * FITS)

    def assumptions(self, decided: Collection[str] = (), counting: Counting = PLAIN) -> tuple[str, ...]:
        """What the metrics of a decision of the quantities ``decided`` rest on, a sentence each."""
        counted = SIX_ND if self.shape is None else self._shaped.sentence()
        return (counted, *self._budgets[0].assumptions(), *self._served_sentences(),
                *self._size_sentences(decided, counting), *beside_sentences(decided, self.teacher, self.store),
                *bit_sentences(decided, self.arithmetic))

    def _served_sentences(self) -> Iterator[str]:
        if self.serve_tokens:
            how = "at 2 FLOP a parameter" if self.shape is None else "at a forward pass each"
            yield (f"{self.serve_tokens:.4g} tokens are served over the model's life, {how}"
                   + (f" and {self.serve_mfu:g} of the device's peak." if self.serving is None else "."))
        if self.serving is not None:
            yield self.serving.sentence(self._shaped.family)
        if self.training is not None:
            yield self.training.sentence(self._shaped.family, self.context)

    def _size_sentences(self, decided: Collection[str], counting: Counting) -> Iterator[str]:
        if self.shape is None and (layout := layout_of(decided, counting)):
            yield layout.sentence
        elif {"sparsity", "density"} & set(decided):
            yield ("Zeros are skipped: they cost no FLOP." if self.skips_zeros else
                   "Weights that are zero cost FLOP like any other, and no memory; what says where they are is not "
                   "counted.")

    def costs(self, decision: Mapping[str, Any], counting: Counting = PLAIN) -> dict[str, Array]:
        """The metrics of ``decision`` that can be answered, in the shape of its quantities.

        ``counting`` says how the decision's params are counted: ``Counting.of(law)``. With a shape, params, width and
        depth that are not decided are among them.
        """
        q = {name: np.asarray(value, dtype=float) for name, value in decision.items()}
        if (tokens := trained_tokens(q)) is not None:
            q["tokens"] = tokens
        placed = self._place(q, counting)
        size = self._size(q, placed, counting)
        found: dict[str, Array] = {} if placed is None or self.shape is None else placed.missing(q)
        if size is not None and size.differ:
            found |= {"active_params": size.active, "total_params": size.total}
        passes = _product(q, "members", "streams")
        timed = self._train(q, size, passes, found)
        answers = None
        if size is not None:
            found["serve_flop"] = size.forward * self.serve_tokens * passes * _product(q, "samples")
            answers = self._hold(q, size, placed, found)
        self._spend(q, timed, answers, found)
        if "datastore_tokens" in q:
            found["store_bytes"] = q["datastore_tokens"] * self.store.bytes_per_token
        return found

    def _place(self, q: Mapping[str, Array], counting: Counting) -> Placed | None:
        """Where the decision lies among the shapes, if one is asked for."""
        if self.shape is None and self.serving is None and self.training is None:
            return None
        return self._shaped.place(q, counting)

    def jumps(self, decided: Collection[str]) -> dict[str, tuple[float, ...]]:
        """Where costs jump in what is decided: in bits, at the widths of the formats that the device is faster in.

        It is as slow as the wider of weights and activations, so that nothing jumps unless both are decided.
        """
        device = self.hardware
        timed = {"weight_bits"} if self.arithmetic == "peaks" else set()
        timed |= {"weight_bits", "post_bits"} if self.serving is not None else set()
        if device is None or "activation_bits" not in decided or timed.isdisjoint(decided):
            return {}
        ends = np.array([*(wide for wide, _ in FORMATS), FULL_BITS])
        widths = tuple(ends[peak_share(ends, device) != peak_share(ends * 1.01, device)].tolist())
        return {name: widths for name in (*sorted(timed), "activation_bits") if name in decided}

    def _size(self, q: Mapping[str, Array], placed: Placed | None, counting: Counting) -> Sizes | None:
        if self.shape is None:
            return sizes(q, counting, self.skips_zeros)
        return None if placed is None else self._shaped.sizes(q, placed, self.skips_zeros)

    def _train(self, q: Mapping[str, Array], size: Sizes | None, passes: Any,
               found: dict[str, Array]) -> Array | None:
        """Adds the FLOP of training to ``found``, and gives them as time sees them; None where nothing is trained."""
        own = q.get("compute")
        if own is None and size is not None and "tokens" in q:
            own = size.train * q["tokens"] * passes
        beside = {"teacher_flop": teacher_flop(q, self.teacher),
                  "finetune_flop": None if size is None else finetune_flop(q, size.train),
                  "store_flop": q["datastore_tokens"] * self.store.flop_per_token if "datastore_tokens" in q else None}
        found |= {name: flop for name, flop in beside.items() if flop is not None}
        parts = [flop for flop in (own, *beside.values()) if flop is not None]
        if not parts:
            return None
        found["train_flop"] = whole = np.asarray(sum(parts[1:], parts[0]))
        if own is None or (bits := mean_bits(q)) is None:
            return whole
        found["bit_flop"] = whole + own * (bits / FULL_BITS - 1.0)
        return np.asarray(whole + own * (time_share(q, self.hardware, self.arithmetic) - 1.0))

    def _hold(self, q: Mapping[str, Array], size: Sizes, placed: Placed | None,
              found: dict[str, Array]) -> Answers | None:
        """Adds memory and latency to ``found``, and gives how the decision answers where it is served."""
        bits = q.get("post_bits", q.get("weight_bits", FULL))
        held = size.nonzero * (bits / 8.0) * _product(q, "members")
        answers = None
        if self._server is not None and self.serving is not None and placed is not None:
            found["cache_bytes"] = self._server.cache_bytes(q, placed.at)
            held = (held + found["cache_bytes"]) / self.serving.devices
            answers = self._server.answers(q, placed.at, bits)
        found["memory_bytes"] = held
        if answers is not None:
            found |= {"latency_s": answers.step_s, "ttft_s": answers.first_s,
                      "tokens_per_second": answers.tokens_per_second}
        if self.training is not None and placed is not None:
            found["train_memory_bytes"] = np.asarray(self._train_memory(*placed.at))
        return answers

    def _spend(self, q: Mapping[str, Array], timed: Array | None, answers: Answers | None,
               found: dict[str, Array]) -> None:
        """Adds time, money and energy to ``found``: of training, ``timed`` in FLOP, and of serving."""
        served = found.get("serve_flop", ZERO)
        if timed is not None:
            found["total_flop"] = found["train_flop"] + served
        train, serve = self._hour
        if not train or (timed is None and not self.serve_tokens):
            return
        budget = self._budgets[0]
        training = ZERO if timed is None else timed / train
        serving = served / serve
        if answers is not None and self.serving is not None:
            written = self.serve_tokens * _product(q, "members", "samples")
            serving = self.serving.devices * written / answers.tokens_per_second / 3600.0
        found["gpu_hours"] = hours = training + serving
        price, kw = self._prices
        if price is not None:
            found["usd"], found["serve_usd"] = hours * price, serving * price
        if kw is not None:
            found["energy_kwh"] = energy = hours * kw
            found["co2e_kg"] = energy * budget.grid_kg_per_kwh
        if budget.devices is not None and timed is not None:
            found["wall_days"] = training / (24.0 * budget.devices)


def _product(q: Mapping[str, Array], *names: str) -> Any:
    """The product of those of ``names`` that are decided, 1 where none is."""
    found: Any = 1.0
    for name in names:
        if name in q:
            found = found * q[name]
    return found


def trained_tokens(q: Mapping[str, Any]) -> Any:
    """The tokens of training: as decided, or unique tokens times epochs; None where neither is said."""
    if "tokens" in q:
        if {"unique_tokens", "epochs"} <= q.keys():
            raise InputError("tokens, unique_tokens and epochs are one too many: tokens are unique_tokens x epochs")
        return q["tokens"]
    return q["unique_tokens"] * q["epochs"] if {"unique_tokens", "epochs"} <= q.keys() else None
