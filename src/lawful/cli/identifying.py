"""``lawful identify``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lawful.cli.options import Fitting, Output, Rows, RunsPath
from lawful.cli.output import aligned, check, show
from lawful.errors import InputError
from lawful.quantities import format_number, parse_positive, quantity

if TYPE_CHECKING:
    from lawful.validate.identified import Coefficient, Combination, Identifiability

_NO_OUTPUT, _ALL_ROWS, _PLAIN = Output(), Rows(), Fitting()

HOPELESS = 1.0
"""Standard error of a logarithm from which on a forecast is said not to be determined, whatever the figure."""


def identify(
    runs: RunsPath,
    /,
    *,
    at: str | None = None,
    most: str | None = None,
    fitting: Fitting = _PLAIN,
    rows: Rows = _ALL_ROWS,
    output: Output = _NO_OUTPUT,
) -> None:
    """Find which coefficients the runs determine, which only together, and what run would settle it.

    Parameters
    ----------
    runs
        The table: csv, tsv, jsonl, parquet, or - for standard input.
    at
        Choose the next run for the forecast here, params=70B,tokens=1.4T, not for the least determined exponent.
    most
        What a next run may cost, in FLOP where compute is known (default: as much as the largest run).
    """
    from lawful.cli.fitting import asked
    from lawful.validate.identifiability import identify as find

    check(output)
    read = rows.read(runs)
    law = fitting.law(read)
    question = None if at is None else asked(at, "--at", read.headers)
    limit = None if most is None else parse_positive(most, "--most")
    if fitting.uncertainty != _PLAIN.uncertainty or fitting.cluster is not None or fitting.bootstrap is not None:
        raise InputError("identify takes profiles, not draws: leave out --uncertainty, --cluster and --bootstrap")
    options = {name: value for name, value in fitting.options(0).items()
               if name not in ("bootstrap", "uncertainty", "cluster")}
    found = find(read, law, at=question, most=limit, **options)  # type: ignore[arg-type]
    show(found, identifiability_text(found), output)


def identifiability_text(found: Identifiability) -> str:
    """The verdict, the coefficients, what is known together, what forecasts rest on, and what would settle it."""
    body = [[c.name, format_number(c.value), _interval(c), c.verdict] for c in found.coefficients]
    lines = [found.verdict, f"{found.form}: {found.n_runs} runs, {found.status.replace('_', ' ')}; condition of the "
             f"scaled information matrix {found.condition:.2g}", "",
             aligned(body, ["", "value", f"{100 * found.level:g} % by profile", ""])]
    for design in found.designs:
        lines += ["", f"Design: {design.evidence}.", f"  {design.action}."]
    if found.combinations:
        lines += ["", "Known together (one standard error):", *(f"  {_together(c)}" for c in found.combinations)]
    lines += ["", "Forecasts (one standard error):"]
    for f in found.forecasts:
        place = ", ".join(f"{n} {format_number(v, 3, quantity(n, f.at).unit)}" for n, v in f.at.items())
        lines.append(f"  {_size(f.std)} {f.where}: {place}")
    if found.advice:
        first = found.next_runs[0]
        alone = f"the first alone leaves it at {first.shrinks_to:.2g}, " if len(found.next_runs) > 1 else ""
        lines += ["", f"What would settle it: {found.advice}; {alone}a run at random for as much at "
                  f"{first.at_random / first.before:.2g}."]
    return "\n".join(lines)


def _interval(c: Coefficient) -> str:
    if c.low is None and c.high is None:
        return "no end"
    low, high = ("-" if v is None else f"{v:.4g}" for v in (c.low, c.high))
    return f"[{low}, {high}]" + (f", no {c.open_end}" if c.open_end else "")


def _together(c: Combination) -> str:
    sign = "-" if c.slope < 0 else "+"
    parts = ", ".join(f"{name} {_spread(std, name)}" for name, std in zip((c.first, c.second), c.apart, strict=True))
    return (f"{c.first} {sign} {abs(c.slope):.3g} {c.second} {_spread(c.std, c.first)}; apart, {parts}")


def _spread(std: float, name: str) -> str:
    """A standard error in words: of a logarithm a share or a factor."""
    if not name.startswith("log "):
        return f"to {std:.2g}"
    return f"to {100 * std:.2g} %" if std < 0.5 else f"to a factor of {math.exp(min(std, 700.0)):.2g}"


def _size(std: float) -> str:
    return f"{100 * std:.2g} %" if std < HOPELESS else "not determined"
