"""The command line: a module per command group, each imported only when its command is called.

Exit codes: 0 success, 1 no honest answer, 2 bad input, 3 a plan over a policy. With ``--json`` stdout holds one JSON
document and nothing else; warnings and progress go to stderr.
"""

from __future__ import annotations

import os
import sys

from cyclopts import App
from cyclopts.exceptions import CycloptsError

from lawful import __version__
from lawful.errors import InputError, LawfulError, PolicyBroken

app = App(
    name="lawful",
    version=__version__,
    help="Scaling laws that people can plan with: what do my runs say, how far can I trust it, what should I do "
         "with my budget? Start with: lawful quickstart",
    help_format="plaintext",
)

for _name, _target, _help in (
    ("quickstart", "reporting:quickstart", "Fit, check, plan and report on the packaged sweep of real runs."),
    ("fit", "fitting:fit", "Fit a law to a table of runs, with intervals."),
    ("discover", "discovering:discover", "Search for the law of a target in some inputs, judged by its forecasts."),
    ("diagnose", "validating:diagnose", "Find what stands between a table of runs and a plan."),
    ("backtest", "backtesting:backtest", "Fit on small runs, predict larger ones, and see how it went."),
    ("identify", "identifying:identify", "Find what the runs determine of a law, and what run would settle it."),
    ("optima", "optima:optima", "Find the best learning rate and batch in each cell of a sweep, and their laws."),
    ("predict", "fitting:predict", "Ask a law or a saved fit about a run that was not made."),
    ("score", "registering:score", "Hold registered forecasts against the runs that have come in since."),
    ("compare", "comparing:compare", "Hold one law against another: the effect at a scale, the compute it is worth."),
    ("arms", "comparing:arms", "Hold recipes tried at the same sizes against one another."),
    ("slices", "slicing:slices", "Fit a law to slices of a table, and say whether they differ by more than chance."),
    ("export", "comparing:export", "Write the draws of a saved fit as a table."),
    ("curves", "schedules:app", "Fit laws to training curves and predict the loss under another schedule."),
    ("calc", "calculating:app", "What a model of some shape holds and costs: parameters, FLOP, memory, cost."),
    ("plan", "planning:app", "Divide a budget between model and data; compare and check plans."),
    ("sensitivity", "attributing:sensitivity", "How a law's outcome moves with each quantity and coefficient."),
    ("attribute", "attributing:attribute", "Split a change of the outcome over what changed."),
    ("advise", "advising:advise", "Answer the survey's eight questions for a situation, each with what it rests on."),
    ("report", "reporting:report", "Write the whole analysis as one HTML file."),
    ("bench", "benching:app", "Benchmarks that anyone can run again: forecasts on public runs, and speed."),
    ("laws", "catalogue:app", "The catalogue of published laws: list, show, compare, check, cite."),
    ("cite", "catalogue:cite", "BibTeX of the papers behind laws."),
):
    app.command(f"lawful.cli.{_target}", name=_name, help=_help)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every expected failure is one sentence on stderr and an exit code."""
    for library in ("OPENBLAS", "MKL", "OMP"):  # our matrices are small: more threads only get in one another's way
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    try:
        app(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        _stop(2, f"{error} (lawful --help)")
    except InputError as error:
        _stop(2, str(error))
    except PolicyBroken as error:
        _stop(3, str(error))
    except LawfulError as error:
        _stop(1, str(error))
    except BrokenPipeError:  # the reader of our output has gone: nothing is left to say
        sys.stderr.close()
        sys.exit(1)
    except KeyboardInterrupt:
        _stop(130, "interrupted")


def _stop(code: int, message: str) -> None:
    print(f"lawful: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)
