"""``lawful optima``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lawful.cli.options import Output, Rows, RunsPath
from lawful.cli.output import aligned, check, say, show
from lawful.errors import InputError
from lawful.quantities import format_number

if TYPE_CHECKING:
    from lawful.fit.sweeps.bowl import Bowls
    from lawful.fit.sweeps.optima import Optima

_NO_OUTPUT, _ALL_ROWS = Output(), Rows()


def optima(
    runs: RunsPath,
    /,
    *,
    over: str | None = None,
    cells: str = "params,tokens",
    form: Annotated[list[str] | None, Parameter(negative="", consume_multiple=False)] = None,
    window: float | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
    level: float = 0.9,
    rows: Rows = _ALL_ROWS,
    output: Output = _NO_OUTPUT,
) -> None:
    """Find the best learning rate and batch in each cell of a sweep, and the laws that they follow.

    Parameters
    ----------
    runs
        The table: csv, tsv, jsonl, parquet, or - for standard input.
    over
        The hyper-parameters: learning_rate,batch_tokens or what of them varies within cells.
    cells
        What the runs of a cell have in common: quantities or labels.
    form
        The form of a hyper-parameter's law: --form batch_tokens=batch_size:params. May be given several times.
    window
        Excess of log loss within which bowls are fitted: 0.05.
    bootstrap
        Resamples of the cells for the intervals of the laws.
    seed
        Seed of the resamples.
    level
        Level of the intervals.
    """
    from lawful.fit.sweeps.optima import optima as find
    from lawful.fit.sweeps.optima import optima_table
    from lawful.store import write_columns

    check(output)
    names = None if over is None else _names(over)
    forms = _forms(form or [])
    found = find(rows.read(runs), names, _names(cells), forms=forms, window=window, bootstrap=bootstrap, level=level,
                 seed=seed)
    if output.output is not None and not output.output.endswith(".json"):
        table = optima_table(found.bowls, found.bowls.source)
        write_columns(output.output, {name: table[name] for name in table.columns} | dict(table.labels))
        say(f"wrote {output.output}", output)
        output = Output(json=output.json, quiet=output.quiet)
    show(found, optima_text(found), output, found.warnings)


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in text.split(","))))


def _forms(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, equals, form = pair.partition("=")
        if not equals:
            raise InputError(f"--form {pair}: write --form HYPERPARAMETER=FORM, for example "
                             "--form batch_tokens=batch_size:params")
        found[name.strip()] = form.strip()
    return found


def optima_text(found: Optima) -> str:
    """The cells, then the laws, what a mis-set hyper-parameter costs, and what the laws cost where they predict."""
    parts = [_cells_text(found.bowls)]
    parts += [f"{law!r}\n  scatter of the optima about it: a factor of {math.exp(found.scatter[name]):.2f}"
              for name, law in found.laws.items()]
    price = found.bowls.price()
    if price:
        factors = list(next(iter(price.values())))
        body = [[name, *(f"+{100 * costs[f]:.2f} %" for f in factors)] for name, costs in price.items()]
        parts.append("loss above the minimum with one of them off, the median cell\n"
                     + aligned(body, ["set to", *(f"{f:g} x the best" for f in factors)]))
    if found.held_out:
        own, run = ([100 * getattr(h, kind) for h in found.held_out] for kind in ("excess", "nearest_excess"))
        parts.append(f"each cell set by the laws of the others: {sum(own) / len(own):.3f} % above its bowl's minimum "
                     f"on average, {max(own):.3f} % at most; the nearest run {sum(run) / len(run):.3f} % above the "
                     f"lowest, {max(run):.3f} % at most")
    return "\n\n".join(parts)


def _cells_text(found: Bowls) -> str:
    body = []
    for bowl in found.bowls:
        cell = [value if isinstance(value, str) else format_number(value, 3) for value in bowl.cell.values()]
        values = []
        for name in (*found.over, "loss"):
            at = bowl.optimum.get(name)
            values += ["", ""] if at is None else [f"{at.value:.4f}" if name == "loss" else format_number(at.value, 3),
                                                   f"{100 * at.std / at.value:.2g} %"]
        body.append([*cell, f"{bowl.used}/{bowl.n_runs}", *values, bowl.status.value])
    head = [*found.cells, "runs"]
    for name in (*found.over, "loss"):
        head += [name, "±"]
    text = aligned(body, [*head, "status"])
    reasons = {f"{bowl.status.value}: {bowl.status.sentence}" for bowl in found.bowls if bowl.reason}
    return "\n".join([text, *sorted(reasons)])
