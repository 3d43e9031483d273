"""``lawful laws``: list, show, check."""

from __future__ import annotations

from cyclopts import App

from lawful.cli.options import Output
from lawful.cli.output import aligned, show
from lawful.errors import FailedToAnswer

app = App(name="laws", help="The catalogue of published laws.", help_format="plaintext")

_NO_OUTPUT = Output()


@app.default
@app.command(name="list")
def listing(*, output: Output = _NO_OUTPUT) -> None:
    """List the published laws."""
    from lawful.laws import published

    entries = list(published().values())
    body = [[e.key, e.law.formula(), e.title, f"arXiv:{e.source.arxiv}"] for e in entries]
    show({"schema": "lawful.laws/1", "laws": [e.to_dict() for e in entries]},
         aligned(body, ["key", "formula", "title", "source"]), output)


@app.command(name="show")
def show_law(key: str, /, *, output: Output = _NO_OUTPUT) -> None:
    """Show one law: formula, coefficients, region, failures, source.

    Parameters
    ----------
    key
        The law's key, such as hoffmann2022_approach3.
    """
    from lawful.laws import law

    entry = law(key)
    e = entry.to_dict()
    lines = [f"{e['key']}: {e['title']}", f"  {e['formula']}   [{e['output']['unit']}]",
             *(f"  {name} = {value:.6g}" for name, value in e["coefficients"].items()),
             *(f"  {i['name']} is {i['symbol']} [{i['unit']}]" + (f", {i['convention']}" if i["convention"] else "")
               for i in e["inputs"]),
             *(f"  fitted on {name} from {low:.3g} to {high:.3g}" for name, (low, high) in e["region"].items()),
             f"  source: {entry.source.authors} {entry.source.year}, arXiv:{entry.source.arxiv}, {entry.source.where}",
             f"  note: {e['notes']}", "  known failures:",
             *(f"    - {f['text']} (arXiv:{f['source']})" for f in e["failures"])]
    show(e, "\n".join(lines), output)


@app.command
def check(*, output: Output = _NO_OUTPUT) -> None:
    """Rerun every check value of the catalogue and print a verdict per law; exit 1 if any fails."""
    from lawful.laws import published

    verdicts = {e.key: all(e.passes(c) for c in e.checks) for e in published().values()}
    body = [[key, "pass" if fine else "FAIL", str(len(published()[key].checks))] for key, fine in verdicts.items()]
    show({"schema": "lawful.checks/1", "verdicts": {k: "pass" if v else "fail" for k, v in verdicts.items()}},
         aligned(body, ["key", "verdict", "checks"]), output)
    if failed := [key for key, fine in verdicts.items() if not fine]:
        raise FailedToAnswer(f"check values not reproduced: {', '.join(failed)}")
