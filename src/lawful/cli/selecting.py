"""``--form auto`` on the command line: the choice of a form, as text and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lawful.cli.options import Fitting
from lawful.cli.output import aligned
from lawful.errors import InputError

if TYPE_CHECKING:
    from lawful.fit import Fit, Forecast
    from lawful.fit.choice.selection import Row, Selection
    from lawful.runs import RunTable


@dataclass(frozen=True)
class Choice:
    """A selection with the stacked forecast that was asked for beside it."""

    selection: Selection
    stacked: Forecast | None

    @property
    def fit(self) -> Fit:
        """The fit of the chosen form."""
        return self.selection.fit

    @property
    def text(self) -> str:
        """The comparison, the verdict and the stacked forecast."""
        from lawful.cli.fitting import forecast_text

        text = selection_text(self.selection)
        if self.fit.combination is not None:
            text += f"\n{self.fit.combination.sentence}"
        return text if self.stacked is None else f"{text}\n\nstacked: {forecast_text(self.stacked)}"

    def to_dict(self) -> dict[str, Any]:
        """What stands beside the fit in JSON."""
        return {"selection": self.selection.to_dict()} | (
            {} if self.stacked is None else {"stacked": self.stacked.to_dict()})


def choose(runs: RunTable, fitting: Fitting, candidates: str | None, stack: str | None) -> Choice | None:
    """The choice that ``--form auto`` asks for, None for any other form.

    Raises ``InputError`` where only ``--form auto`` makes sense of an option.
    """
    from lawful.fit.choice.candidates import is_auto, over

    if not is_auto(fitting.form) or fitting.formula is not None:
        for option, value in (("--candidates", candidates), ("--stack", stack)):
            if value is not None:
                raise InputError(f"{option} goes with --form auto and nothing else")
        return None
    from lawful.cli.fitting import asked
    from lawful.fit.choice.selection import select

    named = [name.strip() for name in candidates.split(",")] if candidates is not None else None
    at = asked(stack, "--stack") if stack is not None else None
    chosen = select(runs, named, target=fitting.target, over=over(fitting.form), **fitting.options())  # type: ignore[arg-type]
    return Choice(chosen, None if at is None else chosen.forecast(at))


def selection_text(chosen: Selection) -> str:
    """A table of the candidates, best first, the reasons for those left out, and the verdict."""
    tried = [row for row in chosen.rows if row.verdict != "left_out"]
    if tried[0].evidence is not None:
        lines = [aligned([_along(row, tried[0]) for row in tried],
                         ["form", "coefficients", "log evidence", "weight", "verdict"])]
    else:
        lines = [aligned([_cells(row) for row in tried], ["form", "coefficients", "error", "to the chosen", "failed",
                                                          "AICc", "weight", "verdict"])]
    lines += [f"left out: {row.form}: {row.reason}" for row in chosen.rows if row.verdict == "left_out"]
    return "\n".join([*lines, "", chosen.verdict])


def _cells(row: Row) -> list[str]:
    error = difference = ""
    if row.error is not None:
        error = f"{100 * row.error:.2f} %"
    if row.difference is not None and row.std is not None and row.verdict != "chosen":
        difference = f"{100 * row.difference:+.2f} ± {100 * row.std:.2f} %"
    return [row.form, str(row.coefficients), error, difference, str(row.failed), f"{row.aicc:.1f}",
            f"{row.weight:.2f}", row.verdict]


def _along(row: Row, best: Row) -> list[str]:
    below = "" if row.evidence is None or best.evidence is None else f"{row.evidence - best.evidence:.1f}"
    return [row.form, str(row.coefficients), below, f"{row.weight:.2f}", row.verdict]
