"""``lawful slices``: how a law moves over a label or a quantity of the runs."""

from __future__ import annotations

from typing import Any

from lawful.cli.options import Fitting, Output, Rows, RunsPath
from lawful.cli.output import check, show
from lawful.errors import InputError
from lawful.quantities import parse_number, parse_positive

_NO_OUTPUT, _ALL_ROWS, _PLAIN = Output(), Rows(), Fitting()


def slices(
    runs: RunsPath,
    /,
    *more: str,
    by: str,
    parts: int = 3,
    edges: str | None = None,
    compute: str | None = None,
    fitting: Fitting = _PLAIN,
    rows: Rows = _ALL_ROWS,
    output: Output = _NO_OUTPUT,
) -> None:
    """Fit a law to slices of a table, and say whether they differ by more than chance.

    Parameters
    ----------
    runs
        The table: csv, tsv, jsonl, parquet, or - for standard input.
    more
        Further tables of runs, merged with the first.
    by
        What to slice along: a label, a column of numbers, or the ratio of two: --by width/depth.
    parts
        Slices that numbers are cut into, with as many models each (3).
    edges
        Where numbers are cut instead: --edges 25,50.
    compute
        Where the best params are asked for: the middle of the runs where it is left out.
    """
    from lawful.fit.comparing.slices import slices as sliced

    check(output)
    table = rows.read(runs, *more)
    options: dict[str, Any] = fitting.options()
    idle = [name for name in ("weights", "noise") if options.pop(name) is not None]
    if idle or options.pop("limits"):
        raise InputError(f"--{(*idle, 'limit')[0]} is not known to slices: filter the runs with --where instead")
    if options["uncertainty"] == _PLAIN.uncertainty:
        del options["uncertainty"]
    found = sliced(fitting.law(table), table, by, parts=parts,
                   edges=None if edges is None else [parse_number(e, "--edges") for e in edges.split(",") if e.strip()],
                   compute=None if compute is None else parse_positive(compute, "--compute"), **options)
    show(found, repr(found), output, found.warnings)
