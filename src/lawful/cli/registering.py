"""``lawful predict --register`` and ``lawful score``: forecasts written down before the run, and held against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from lawful.cli.options import Output, Rows, RunsPath
from lawful.cli.output import aligned, check, say, show
from lawful.errors import InputError
from lawful.quantities import format_number, parse_assignments, parse_number, quantity

if TYPE_CHECKING:
    from lawful.fit import Fit, Forecast
    from lawful.laws.published import Published
    from lawful.validate.registration import Ledger, Registration
    from lawful.validate.settle import Outcome, Scorecard

_NO_OUTPUT, _ALL_ROWS = Output(), Rows()


def check_ledger(path: str | None, note: str | None, output: Output) -> None:
    """Refuse a ledger that cannot be appended to, before any work is done."""
    from pathlib import Path

    from lawful.store import check_writable
    from lawful.store.ledger import read_lines
    from lawful.validate.registration import read_ledger

    if path is None:
        if note is not None:
            raise InputError("--note belongs to --register: it is kept with the forecast in the ledger")
        return
    if output.output is not None and Path(output.output).resolve() == Path(path).resolve():
        raise InputError(f"-o {output.output} would overwrite the ledger of --register; give another file")
    check_writable(path)
    if Path(path).exists():
        read_ledger(read_lines(path), path).whole()


def enter(path: str, law: Fit | Published, name: str, answers: Sequence[Forecast], note: str | None,
          output: Output) -> dict[str, Any]:
    """Append ``answers``, forecasts of ``law``, to the ledger ``path``; what was written, for the result's JSON."""
    from datetime import UTC, datetime

    from lawful import __version__
    from lawful.store.ledger import append_lines
    from lawful.validate.registration import read_ledger, register

    after: list[Ledger] = []

    def make(lines: Sequence[str]) -> Sequence[str]:
        written = register(read_ledger(lines, path), law, name, answers, time=datetime.now(UTC), version=__version__,
                           note=note or "")
        after.append(read_ledger([*lines, *written], path))
        return written

    append_lines(path, make)
    entries = after[-1].entries[-len(answers):]
    numbers = [entry.number for entry in entries]
    which = f"entry {numbers[0]}" if len(numbers) == 1 else f"entries {numbers[0]} to {numbers[-1]}"
    say(f"registered as {which} of {path}; head {after[-1].head}", output)
    return {"registered": {"ledger": path, "entries": numbers, "time": entries[0].time.isoformat(),
                           "head": after[-1].head}}


def score(
    ledger: str,
    table: RunsPath | None = None,
    /,
    *more: str,
    observed: str | None = None,
    entry: int | None = None,
    verify: Annotated[bool, Parameter(name="--check", negative="")] = False,
    head: str | None = None,
    tolerance: float | None = None,
    date: str | None = None,
    rows: Rows = _ALL_ROWS,
    output: Output = _NO_OUTPUT,
) -> None:
    """Hold registered forecasts against the runs that have come in since.

    Parameters
    ----------
    ledger
        The file that lawful predict --register wrote.
    table
        The finished runs: csv, tsv, jsonl, parquet, or - for standard input; without, what is registered is listed.
    more
        Further tables of runs, merged with the first.
    observed
        One outcome instead of a table: --entry 3 --observed loss=2.41.
    entry
        The entry that --observed answers.
    verify
        Only check that no line of the ledger was edited, dropped, moved or put in between.
    head
        A hash that was published: also check that the ledger still holds it.
    tolerance
        How far a run may lie from the question, relatively, in each quantity: 0.01 is 1 %.
    date
        The column with the date on which each run ended.
    """
    from lawful.store.ledger import read_lines
    from lawful.validate.registration import read_ledger
    from lawful.validate.settle import TOLERANCE, settle, settle_one

    check(output)
    runs = () if table is None else (table, *more)
    one = observed is not None or entry is not None
    of_runs = {"--tolerance": tolerance, "--date": date, "--where": rows.where, "--map": rows.map}
    if verify and (runs or one):
        raise InputError("--check looks at the ledger alone: score runs in a second command")
    if one and (runs or observed is None or entry is None):
        raise InputError("one outcome is given as --entry 3 --observed loss=2.41, without a table of runs")
    if not runs and (needless := [name for name, value in of_runs.items() if value is not None]):
        raise InputError(f"{needless[0]} is for a table of runs: lawful score {ledger} RUNS")
    read = read_ledger(read_lines(ledger), ledger)
    if verify:
        show(read, ledger_text(read), output)
        if head is not None:
            read.holding(head)
        read.whole()
        return
    if head is not None:
        read.whole().holding(head)
    if observed is not None and entry is not None:
        card = settle_one(read, entry, *_outcome(observed))
    else:
        card = settle(read.whole(), rows.read(*runs) if runs else None,
                      tolerance=TOLERANCE if tolerance is None else tolerance, date=date)
    show(card, scorecard_text(card), output, card.warnings)


def _outcome(observed: str) -> tuple[str, float]:
    """The name and the value in ``loss=2.41``."""
    pairs = parse_assignments(observed)
    if len(pairs) != 1:
        raise InputError(f"--observed {observed}: give one outcome, such as loss=2.41")
    name, value = next(iter(pairs.items()))
    return name, parse_number(value, f"--observed {name}")


def ledger_text(ledger: Ledger) -> str:
    """How many entries, whether the chain is whole, and the head to publish."""
    if not ledger.entries:
        return f"{ledger.source}: no entries"
    first, last = (f"{entry.time:%Y-%m-%d %H:%M}" for entry in (ledger.entries[0], ledger.entries[-1]))
    state = "the chain is whole" if not ledger.breaks else f"the chain is broken at {len(ledger.breaks)} places"
    lines = [f"{ledger.source}: {len(ledger.entries)} entries, {state.replace('1 places', '1 place')}"]
    lines += [f"  {b.message}" for b in ledger.breaks]
    lines += [f"  from {first} to {last} UTC, by the clock of whoever wrote them", f"  head {ledger.head}"]
    if not ledger.breaks:
        lines.append("  lines missing at the end leave no trace in a chain: publish the head, and check it with --head")
    return "\n".join(lines)


def scorecard_text(card: Scorecard) -> str:
    """A line a forecast, then what the scored ones say together."""
    if not card.outcomes:
        return f"{card.ledger.source}: no entries"
    if card.runs is None:
        return _listed(card)
    head = ["entry", "question", "forecast", "a new run", "observed", "outcome", "error", "PIT", "CRPS"]
    lines = [aligned([_row(o) for o in card.outcomes], head)]
    lines += [f"entry {o.entry.number} {'is ' + o.status}: {o.why}" for o in card.outcomes if o.why]
    lines += [f"entry {o.entry.number} is late: its run is dated before the forecast, and is not counted below"
              for o in card.outcomes if o.late]
    summary = card.to_dict()["summary"]
    scored = f"{summary['scored']} of {summary['entries']} forecasts scored"
    if summary["mean_error"] is not None:
        scored += (f": error {100 * summary['mean_error']:+.2g} % on average, {100 * summary['rms_error']:.2g} % root "
                   "mean square")
    lines.append(scored)
    lines += [f"  {100 * h.level:g} % intervals held {h.held} of {h.n}; true ones hold {h.fewest} to {h.most}: "
              f"{h.verdict}" for h in card.coverage]
    return "\n".join(lines)


def _listed(card: Scorecard) -> str:
    """What is registered, when, and by which law."""
    rows = [[*_asked(o.entry), o.entry.law["name"], f"{o.entry.time:%Y-%m-%d %H:%M}", o.entry.note]
            for o in card.outcomes]
    return aligned(rows, ["entry", "question", "forecast", "a new run", "law", "registered [UTC]", "note"])


def _asked(entry: Registration) -> list[str]:
    """The entry's number, its question, its forecast and the interval for a new run."""
    new = entry.forecast["new_run"]
    return [
        str(entry.number),
        ", ".join(f"{name} {format_number(v, unit=quantity(name, entry.at).unit)}" for name, v in entry.at.items()),
        _digits(entry, entry.forecast["value"]),
        "" if not new or new["low"] is None else f"[{_digits(entry, new['low'])}, {_digits(entry, new['high'])}]",
    ]


def _row(o: Outcome) -> list[str]:
    entry = o.entry
    return [
        *_asked(entry), _digits(entry, o.observed), o.status.replace("_", " ") + (", late" if o.late else ""),
        "" if o.error is None else f"{100 * o.error:+.2f} %", "" if o.pit is None else f"{o.pit:.2f}",
        "" if o.crps is None else f"{o.crps:.3g}",
    ]


def _digits(entry: Registration, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if entry.forecast["unit"] == "nats/token" else format_number(value)
