"""Forecasts frozen before the run: the lines of a ledger, and whether they still stand as they were written.

A ledger is text, one JSON object a line. Each line ends with its ``hash``, the SHA-256 of the line's own bytes
without it (``,"hash":"..."`` left out), and holds under ``previous`` the hash of the line before. A line
that is edited no longer has its hash; one that is dropped, moved or put in between breaks the row of hashes at that
place. Numbers are hashed as they are written, never read and written again, so that any program can check.

What a chain cannot show by itself: lines missing at its end, and a ledger rewritten whole. Against both stands the
hash of the last line, the *head*, once it has been published: a ledger that still holds it holds everything before it
unchanged. Times are those of the writer's own clock.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

import numpy as np

from lawful.errors import InputError
from lawful.fit import Fit, Forecast
from lawful.laws.published import Published
from lawful.results import to_plain

SCHEMA = "lawful.registration/1"

LEVELS = tuple(i / 100 for i in range(1, 100))
"""The quantiles of a new run that are kept: enough for its CRPS, and for any central interval up to 98 %."""

_SEAL = re.compile(r',"hash":"([0-9a-f]{64})"\}$')


@dataclass(frozen=True)
class Registration:
    """One forecast of a ledger: what was asked and answered, by which law, and when it was written down.

    ``law`` and ``forecast`` are data as the line holds them; ``quantiles`` are those of a new run at ``LEVELS``,
    empty for a law without draws. ``time`` is UTC.
    """

    number: int
    time: datetime
    previous: str | None
    hash: str
    law: Mapping[str, Any]
    forecast: Mapping[str, Any]
    quantiles: tuple[float, ...]
    note: str
    version: str

    @property
    def at(self) -> dict[str, float]:
        """The quantities that the forecast is for."""
        return {name: float(value) for name, value in self.forecast["at"].items()}

    @property
    def output(self) -> str:
        """The name of what is forecast."""
        return str(self.forecast["output"])


@dataclass(frozen=True)
class Break:
    """A place where a ledger is not as it was written: the ``line``, and a sentence."""

    line: int
    message: str


@dataclass(frozen=True)
class Ledger:
    """The entries of a ledger, and every place where its chain is broken."""

    entries: tuple[Registration, ...]
    breaks: tuple[Break, ...] = ()
    source: str = "ledger"

    @property
    def head(self) -> str | None:
        """The hash of the last entry: what to publish. None for an empty ledger."""
        return self.entries[-1].hash if self.entries else None

    def holding(self, head: str) -> Registration:
        """The entry whose hash is ``head``, or begins with it; ``InputError`` where there is none."""
        if not re.fullmatch("[0-9a-f]{8,64}", head.lower()):
            raise InputError(f"--head {head}: give the 8 to 64 hexadecimal digits of a hash that lawful score --check "
                             "printed")
        found = [entry for entry in self.entries if entry.hash.startswith(head.lower())]
        if not found:
            raise InputError(f"{self.source}: no entry has the hash {head}: entries were removed after it was "
                             "published, or the ledger was written anew")
        return found[0]

    def whole(self) -> Ledger:
        """This ledger; raises ``InputError`` with the first break where there is one."""
        if self.breaks:
            more = f" (and {len(self.breaks) - 1} more, by lawful score --check)" if len(self.breaks) > 1 else ""
            raise InputError(f"{self.source}: {self.breaks[0].message}{more}")
        return self

    def to_dict(self) -> dict[str, Any]:
        """The state of the ledger as data: the contract of ``lawful score --check --json``."""
        return {"schema": "lawful.ledger/1", "source": self.source, "entries": len(self.entries), "head": self.head,
                "first": self.entries[0].time.isoformat() if self.entries else None,
                "last": self.entries[-1].time.isoformat() if self.entries else None,
                "breaks": [vars(b) for b in self.breaks]}


def read_ledger(lines: Sequence[str], source: str = "ledger") -> Ledger:
    """The ledger in ``lines``, each with its line end, with every break of its chain by line.

    Raises ``InputError`` where the first line is no entry of a ledger at all.
    """
    entries: list[Registration] = []
    breaks: list[Break] = []
    previous, expected = None, 1      # the hash and the number that the next line should name
    for n, line in enumerate(lines, start=1):
        if not line.endswith("\n"):
            breaks.append(Break(n, f"line {n} is cut short: a write did not end; remove the line, its forecast was "
                                   "never confirmed"))
            break
        text = line.rstrip("\r\n")
        entry, sound = _parse(text)
        if entry is None:
            if n == 1 and not text.startswith('{"schema":"lawful.registration/'):
                raise InputError(f"{source}: is no ledger: line 1 holds no registered forecast; one comes from lawful "
                                 "predict --register ledger.jsonl")
            breaks.append(Break(n, f"line {n} was changed: it can no longer be read"))
            previous, expected = None, expected + 1
            continue
        entries.append(entry)
        if not sound:
            breaks.append(Break(n, f"line {n} was changed: its content does not match its hash"))
            previous, expected = entry.hash, expected + 1
            continue
        if entry.number != expected or (previous != entry.previous and (n == 1 or previous is not None)):
            breaks.append(Break(n, _unfollowed(n, entry, expected)))
        if entry.number >= expected:   # a line of an earlier place is out of the row: what follows is held to the rest
            previous, expected = entry.hash, entry.number + 1
    return Ledger(tuple(entries), tuple(breaks), source)


def _unfollowed(n: int, entry: Registration, expected: int) -> str:
    before = f"line {n} does not follow line {n - 1}" if n > 1 else "line 1 does not begin the ledger"
    if entry.number > expected:
        gone = f"entry {expected}" if entry.number == expected + 1 else f"entries {expected} to {entry.number - 1}"
        return f"{before}: it holds entry {entry.number}, and {gone} should come first"
    if entry.number < expected:
        return f"{before}: it holds entry {entry.number}, where entry {expected} should be"
    return f"{before}: the hash that it names for entry {expected - 1} is another"


def _parse(text: str) -> tuple[Registration | None, bool]:
    """The entry in a line, None where it is none, and whether its content has its hash."""
    seal = _SEAL.search(text)
    try:
        data = json.loads(text)
        if data["schema"] != SCHEMA:
            return None, False
        entry = Registration(
            int(data["number"]), datetime.fromisoformat(data["time"]).astimezone(UTC), data["previous"],
            str(data["hash"]), data["law"], data["forecast"], tuple(map(float, data["quantiles"])),
            str(data["note"]), str(data["version"]))
        if not {"output", "unit", "value", "level", "new_run"} <= set(entry.forecast) or not entry.at:
            return None, False
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None, False
    return entry, seal is not None and seal[1] == digest(text[: seal.start()] + "}")


def digest(text: str) -> str:
    """The SHA-256 of ``text`` in UTF-8, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def canonical(data: Any) -> str:
    """``data`` as one line of JSON without spaces, keys in the order given, floats by their shortest digits."""
    return json.dumps(to_plain(data), separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def law_record(law: Fit | Published, name: str) -> dict[str, Any]:
    """The law as a ledger keeps it: enough to recompute the forecast, and the digest of the whole.

    ``digest`` is the SHA-256 of the canonical JSON of what ``lawful fit -o`` saves (of the catalogue's entry for a
    published law), so that the fit can be shown later to be the one that was registered. Of a path only the file's
    name is kept: a ledger is to be published.
    """
    key, n_runs = (law.key, None) if isinstance(law, Published) else (None, law.n_runs)
    return {"name": name if key else PurePath(name).name, "key": key, **law.law.to_dict(),
            "formula": law.law.formula(), "n_runs": n_runs, "digest": digest(canonical(law))}


def register(ledger: Ledger, law: Fit | Published, name: str, answers: Sequence[Forecast], *, time: datetime,
             version: str, note: str = "") -> list[str]:
    """The lines to append to ``ledger``, one for each of the forecasts ``answers`` of ``law``, called ``name``.

    Raises ``InputError`` where the ledger's chain is broken: a line that follows would vouch for it.
    """
    head, number, lines = ledger.whole().head, len(ledger.entries), []
    record = law_record(law, name)
    for answer in answers:
        number += 1
        body = canonical({
            "schema": SCHEMA, "number": number, "time": time.astimezone(UTC).isoformat(timespec="seconds"),
            "previous": head, "version": version, "note": note, "law": record,
            "forecast": {k: v for k, v in answer.to_dict().items() if k != "schema"},
            "quantiles": _quantiles(law, answer),
        })
        head = digest(body)
        lines.append(f'{body[:-1]},"hash":"{head}"}}\n')
    return lines


def _quantiles(law: Fit | Published, answer: Forecast) -> list[float]:
    """Those of one new run, at ``LEVELS``: what its interval was read from."""
    if isinstance(law, Published) or not len(law.draws):
        return []
    draws = law.new_runs(answer.at)
    kept = draws[np.isfinite(draws)]
    return [float(q) for q in np.quantile(kept, LEVELS)] if kept.size else []
