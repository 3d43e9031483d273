"""``lawful compare``, ``lawful arms`` and ``lawful export``: what one does with fits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Parameter

from lawful.cli.options import Fitting, Output, Rows, RunsPath, find_law
from lawful.cli.output import check, say, show
from lawful.errors import InputError
from lawful.quantities import parse_assignments, parse_number, parse_positive, quantity


@Parameter(name="*")
@dataclass(frozen=True)
class Scale:
    """Where laws are compared, and what is better there."""

    at: str | None = None
    "The scale: params=7B,tokens=1.4T, the same for all."
    compute: str | None = None
    "The scale as a budget in FLOP, which each law splits as it thinks best."
    more_is_better: Annotated[bool | None, Parameter(negative="")] = None
    "More of the output is better; known of loss, accuracy and the like."

    def options(self, own: Collection[str]) -> dict[str, Any]:
        """What ``lawful.fit.comparing.compare.compare`` takes, for laws that take the quantities ``own``."""
        at = None if self.at is None else {
            name: (parse_positive if quantity(name, own).positive else parse_number)(value, f"--at {name}")
            for name, value in parse_assignments(self.at).items()}
        compute = None if self.compute is None else parse_positive(self.compute, "--compute")
        return {"at": at, "compute": compute, "more_is_better": self.more_is_better}


_NO_OUTPUT, _ALL_ROWS, _PLAIN, _NOWHERE = Output(), Rows(), Fitting(), Scale()


def compare(
    a: str,
    b: str,
    /,
    *,
    scale: Scale = _NOWHERE,
    level: float = 0.9,
    output: Output = _NO_OUTPUT,
) -> None:
    """Hold a law B against a law A: the effect at a scale, and the compute it is worth.

    Parameters
    ----------
    a
        The reference: a saved fit (fit.json, or fits.json:GROUP) or a catalogue key.
    b
        What is held against it.
    level
        Level of the intervals.
    """
    from lawful.fit.comparing.compare import compare as contrast

    check(output)
    laws = find_law(a), find_law(b)
    own = {name for found in laws for name in found.law.inputs}
    joint = ".json:" in a and a.partition(".json:")[0] == b.partition(".json:")[0]  # of one fit, and so are the draws
    result = contrast(*laws, level=level, names=(a, b), paired=joint, **scale.options(own))
    show(result, repr(result), output, result.warnings)


def arms(
    runs: RunsPath,
    /,
    *more: str,
    by: str,
    reference: str | None = None,
    pair: str | None = None,
    asymptote: str = "shared",
    scale: Scale = _NOWHERE,
    fitting: Fitting = _PLAIN,
    rows: Rows = _ALL_ROWS,
    output: Output = _NO_OUTPUT,
) -> None:
    """Hold recipes that were tried at the same sizes against one another, by default at the largest run.

    Parameters
    ----------
    runs
        The table: csv, tsv, jsonl, parquet, or - for standard input.
    more
        Further tables of runs, merged with the first; --by table compares them.
    by
        The column that names each run's arm.
    reference
        The arm that the others are held against; that of the first run where it is left out.
    pair
        The quantities in which runs must agree to pair: params,tokens; the form's own where it is left out.
    asymptote
        The floor of the fits: shared by all arms, free, that of the reference, or a number.
    """
    from lawful.fit.comparing.arms import arms as held
    from lawful.laws import form

    check(output)
    table = rows.read(runs, *more)
    law = form(fitting.law(table))
    over = None if pair is None else [name.strip() for name in pair.split(",") if name.strip()]
    found = held(table, by=by, reference=reference, form=law, pair=over, asymptote=asymptote,
                 **scale.options(law.inputs), **fitting.options())  # type: ignore[arg-type]
    show(found, repr(found), output, found.warnings)


def export(
    fit: str,
    /,
    *,
    output: Output = _NO_OUTPUT,
) -> None:
    """Write the draws of a saved fit: a column a coefficient, or the groups of an InferenceData.

    Parameters
    ----------
    fit
        A saved fit (fit.json). -o takes csv, tsv or parquet, or json for the groups; without it csv goes to stdout.
    """
    from lawful.fit import Fit
    from lawful.fit.draws import draw_columns, draw_groups
    from lawful.store import to_json, to_text, write_columns, write_text

    check(output)
    found = find_law(fit)
    if not isinstance(found, Fit):
        raise InputError(f"{fit} is a published law without draws; export takes a saved fit (lawful fit -o fit.json)")
    columns = draw_columns(found)
    if output.output is not None:
        if output.output.endswith(".json"):
            write_text(output.output, to_json(draw_groups(found)) + "\n")
        else:
            write_columns(output.output, columns)
        say(f"wrote {len(found.draws):,} draws of {', '.join(columns)} to {output.output}", output)
    if output.json:
        print(to_json(draw_groups(found)))
    elif output.output is None:
        print(to_text(columns), end="")
