"""``lawful backtest``."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING

from lawful.cli.options import Fitting, Output, Rows, RunsPath, find_device
from lawful.cli.output import aligned, check, show
from lawful.errors import InputError
from lawful.quantities import QUANTITIES, format_number, parse_number, parse_positive

if TYPE_CHECKING:
    from lawful.fit import Fit, Forecast
    from lawful.laws import Published
    from lawful.validate import Backtest

_NO_OUTPUT, _ALL_ROWS, _PLAIN = Output(), Rows(), Fitting()

RESAMPLES = 200
"""Enough for a verdict; a plan wants the full thousand."""


def backtest(
    runs: RunsPath,
    /,
    *,
    along: str | None = None,
    leave_out: str | None = None,
    below: str | None = None,
    device: str | None = None,
    usd_per_hour: str | None = None,
    mfu: str | None = None,
    fitting: Fitting = _PLAIN,
    rows: Rows = _ALL_ROWS,
    output: Output = _NO_OUTPUT,
) -> None:
    """Fit some of the runs, predict the others, and see how it went, beside baselines and by distance.

    Parameters
    ----------
    runs
        The table: csv, tsv, jsonl, parquet, or - for standard input.
    along
        Cut along this instead of compute: params, tokens, any column of numbers or ISO dates, or time.
    leave_out
        Predict each group of this column (family, corpus, budget) from all the others.
    below
        One cut at each distance below the largest run, in decades: 0.5,1.0.
    device
        Price the compute that a forecast would have wasted on this device (h100).
    usd_per_hour
        Price of one device hour, instead of the table's.
    mfu
        Model FLOP utilisation, the share of peak that training reaches (default 0.4).
    """
    from lawful.validate import backtest as test

    check(output)
    price = _price(device, usd_per_hour, mfu)
    distances = None if below is None else [parse_number(part, "--below") for part in below.split(",")]
    read = rows.read(runs)
    tested = test(read, fitting.law(read), along=along, leave_out=leave_out, below=distances,
                  usd_per_flop=price, **fitting.options(RESAMPLES))  # type: ignore[arg-type]
    show(tested, backtest_text(tested), output, tested.warnings)


def adjustment(file: str | None, found: Fit | Published) -> Callable[[Forecast], Forecast]:
    """What the back-test saved in ``file`` does to forecasts of ``found``; nothing without one.

    Raises ``InputError`` where it is a back-test of another form.
    """
    if file is None:
        return lambda forecast: forecast
    from lawful.fit import Fit
    from lawful.store import read_json
    from lawful.validate import Backtest, conformal

    tested = Backtest.from_dict(read_json(file))
    if not isinstance(found, Fit):
        raise InputError(f"--conformal {file}: a published law has no interval to adjust; give a saved fit")
    if tested.form not in (found.law.form, "auto"):
        raise InputError(f"--conformal {file} is a back-test of {tested.form}, and the fit is of {found.law.form}: "
                         f"make one with lawful backtest RUNS --form {found.law.form} -o {file}")
    return conformal(tested).adjust


def _price(device: str | None, usd_per_hour: str | None, mfu: str | None) -> float | None:
    """US dollars a FLOP on ``device``; None without one."""
    from lawful.cost.budget import DEFAULT_MFU, Budget

    if device is None:
        if usd_per_hour is not None or mfu is not None:
            raise InputError("--usd-per-hour and --mfu price a device: give --device as well")
        return None
    budget = Budget(compute=1.0, device=find_device(device),
                    mfu=DEFAULT_MFU if mfu is None else parse_positive(mfu, "--mfu"),
                    usd_per_hour=None if usd_per_hour is None else parse_positive(usd_per_hour, "--usd-per-hour"))
    if budget.price is None or budget.useful_flop_per_hour is None:
        raise InputError(f"--device {device}: the table knows no price for it; give --usd-per-hour")
    return budget.price / budget.useful_flop_per_hour


def backtest_text(tested: Backtest) -> str:
    """One line of summary, a table of the cuts, one by horizon, and what following the forecasts would have cost."""
    parts = [f"{tested.form}: {100 * tested.rmse_log:.2f} % error over {len(tested.predictions)} predictions (root "
             f"mean square of the log); "
             + (f"the {100 * tested.level:g} % interval held {100 * tested.coverage:.0f} %"
                if math.isfinite(tested.coverage) else "without resamples there are no intervals"),
             _cuts_text(tested), "", _horizons_text(tested)]
    if any(r.refused is None for r in tested.regrets):
        parts += ["", _regret_text(tested)]
    return "\n".join(parts)


def _cuts_text(tested: Backtest) -> str:
    chosen = any(cut.form != tested.form for cut in tested.cuts)  # with --form auto, anew at each cut
    grouped = tested.left_out is not None
    body = []
    for cut in tested.cuts:
        c = cut.to_dict(tested.unit)
        where = str(cut.left_out) if grouped else _place(tested, cut.train_max)
        body.append([where, *([cut.form] if chosen else []), str(c["train"]), str(c["test"]), f"{c['horizon']:.2f}",
                     f"{100 * c['rmse_log']:.2f} %", _percent(c["coverage"], 0),
                     *(_percent(v, 2) for v in cut.baselines.values())])
    first = f"{tested.left_out} left out" if grouped else f"fitted up to{_unit(tested)}"
    names = ["power law" if name.startswith("power_law") else name.replace("_", " ")
             for name in tested.cuts[0].baselines]
    head = [first, *(["form"] if chosen else []), "runs", "predicted", tested.unit, "error", "covered", *names]
    return aligned(body, head)


def _unit(tested: Backtest) -> str:
    if tested.along not in QUANTITIES:
        return f" [{tested.along}]"
    unit = QUANTITIES[tested.along].unit
    return f" [{unit}]" if unit else ""


def _place(tested: Backtest, value: float) -> str:
    if tested.unit == "decades":
        return format_number(value, 3, "FLOP" if tested.along == "compute" else "")
    return f"{value:.2f}" if tested.unit == "years" else f"{value:g}"


def _horizons_text(tested: Backtest) -> str:
    body = []
    for h in tested.horizons:
        if h.high == 0:
            where = "inside"
        elif math.isinf(h.high):
            where = f"over {h.low:g}"
        else:
            where = f"{h.low:.3g} to {h.high:.3g}"
        body.append([where, str(h.n), str(h.runs), f"{100 * h.rmse_log:.2f} %", f"{100 * h.bias_log:+.2f} %",
                     *(_percent(v, 0) for v in h.coverage.values()), _percent(h.width, 1), _percent(h.crps, 2)])
    levels = [f"in {100 * level:g} %" for level in tested.horizons[0].coverage]
    return aligned(body, [f"{tested.unit} beyond", "predictions", "runs", "error", "bias", *levels, "width", "CRPS"])


def _percent(value: float, digits: int) -> str:
    return f"{100 * value:.{digits}f} %" if math.isfinite(value) else "-"


def _regret_text(tested: Backtest) -> str:
    from lawful.validate.regret import summary_of

    found = summary_of(tested.regrets)
    assert found is not None
    text = (f"Following these forecasts at {found['answered']} larger budgets would have lost "
            f"{100 * found['relative']:.2g} % of the loss in the mean, {100 * found['largest']:.2g} % at most")
    if math.isfinite(found["wasted"]):
        text += f", as if {100 * found['wasted']:.2g} % of the compute were wasted"
    if math.isfinite(found["wasted_usd"]):
        text += f" (USD {format_number(found['wasted_usd'])} a budget)"
    text += f"; sizes were {10 ** found['size_error']:.2f} times the best in the mean."
    if math.isfinite(found["kept"]):
        text += f" Keeping the tokens per parameter of the best run so far would have lost {100 * found['kept']:.2g} %."
    if found["at_least"]:
        text += f" {found['at_least']} chosen sizes lie outside those tried: they lost at least that."
    if found["refused"]:
        text += f" {found['refused']} budgets show no best size."
    return "\n".join(textwrap.wrap(text, 110))
