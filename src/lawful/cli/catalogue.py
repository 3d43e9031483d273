"""``lawful laws``: list, show, compare, check, cite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App

from lawful.cli.options import Output
from lawful.cli.output import check as check_output
from lawful.cli.output import say, show
from lawful.errors import FailedToAnswer, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lawful.laws.comparison import Comparison
    from lawful.laws.curves import Curve

app = App(name="laws", help="The catalogue of published laws.", help_format="plaintext")

_NO_OUTPUT = Output()
_FIGURES = (".svg", ".png", ".pdf")


# ---------------------------------------------------------------------------------------------------- list

@app.default
@app.command(name="list")
def listing(
    *,
    category: str | None = None,
    question: int | None = None,
    variable: str | None = None,
    modality: str | None = None,
    text: str | None = None,
    kind: str | None = None,
    output: Output = _NO_OUTPUT,
) -> None:
    """List the catalogue, or the part of it that all the filters leave.

    Parameters
    ----------
    category
        Such as lm_pretraining, data, moe, precision, rl.
    question
        A research question of the survey arXiv:2502.12051, 1 to 8.
    variable
        A quantity that the law takes or gives, such as sparsity.
    modality
        language, vision, speech, multimodal, rl, graphs, recommendation or other.
    text
        A word to look for in all that an entry says.
    kind
        published (has coefficients), fittable (a form without) or guidance.
    """
    from lawful.laws import catalogue
    from lawful.laws.published import cited
    from lawful.laws.search import search

    found = search(catalogue().values(), category=category, question=question, variable=variable, modality_=modality,
                   kind=kind, text=text)
    body = [[e.key, e.kind, e.category, ",".join(map(str, e.questions)), e.title, cited(e.source.arxiv)]
            for e in found]
    kinds = [e.kind for e in found]
    counts = ", ".join(f"{kinds.count(k)} {k}" for k in dict.fromkeys(kinds)) or "nothing of that kind"
    table = _table(body, ["key", "kind", "category", "questions", "title", "source"]) if body else ""
    show({"schema": "lawful.laws/1", "laws": [e.to_dict() for e in found] if output.json or output.output else []},
         f"{table}\n{counts}".strip(), output)


# ---------------------------------------------------------------------------------------------------- show

@app.command(name="show")
def show_law(key: str, /, *, output: Output = _NO_OUTPUT) -> None:
    """Show one law: formula, coefficients, region, failures, source, checks and a small figure.

    Parameters
    ----------
    key
        The law's key, such as hoffmann2022_approach3; with its set where it has several: id:set.
    """
    from lawful.laws import Guidance, catalogue, entry
    from lawful.laws.curves import curve
    from lawful.laws.published import cited

    check_output(output)
    found = entry(key)
    line = curve(found)
    if _draws(output):
        _draw([line] if line else [], output, found.title)
        output = _written(output)
    near = [e for e in catalogue().values() if e is not found]
    others = [e.key for e in near if e.key.partition(":")[0] == found.key.partition(":")[0]]
    advice = [f"{e.advice} ({cited(e.source.arxiv)})" for e in near if isinstance(e, Guidance)
              and found.key.partition(":")[0] in {c.partition(":")[0] for c in e.concerns}]
    show(found, law_text(found.to_dict(), line, others, advice), output)


def law_text(law: Mapping[str, Any], line: Curve | None = None, others: Sequence[str] = (),
             advice: Sequence[str] = ()) -> str:
    """An entry, given as its data, with everything one should know before using it."""
    from lawful.laws.published import cited

    lines = [f"{law['key']}: {law['title']}"]
    if law["formula"]:
        lines += [f"  {law['formula']}   [{law['output']['unit']}]"]
        lines += [f"  {name} = {value:.6g}" for name, value in law["coefficients"].items() if value is not None]
        if law["kind"] == "fittable":
            lines += [f"  no coefficients are published or confirmed for {', '.join(law['coefficients'])}: "
                      f"lawful fit RUNS --form {law['key']}"]
        lines += [f"  {i['name']} is {i['symbol']} [{i['unit']}]" + (f", {i['convention']}" if i["convention"] else "")
                  for i in law["inputs"]]
    if law["kind"] == "guidance":
        lines += [f"  {law['advice']}"] + ([f"  concerns: {', '.join(law['concerns'])}"] if law["concerns"] else [])
    lines += [f"  fitted on {name} from {low:.3g} to {high:.3g}" for name, (low, high) in law["region"].items()]
    source = law["source"]
    said = {"region": law["region_note"], "unconfirmed": ", ".join(law["unconfirmed"]),
            "category": "; ".join([law["category"], *(f"question {q}" for q in law["questions"])]),
            "source": ", ".join(filter(None, [f"{source['authors']} {source['year']}", cited(source["arxiv"]),
                                              source["where"]])),
            "note": law["notes"], "other sets": ", ".join(others)}
    lines += [f"  {name}: {text}" for name, text in said.items() if text]
    lines += [f"  check: {c['printed']} at {_asked(c['at'])}: {c['verdict']} ({c['where']})" for c in law["checks"]]
    lines += [f"  guidance: {text}" for text in advice]
    lines += ["  known failures:"] if law["failures"] else []
    lines += [f"    - {f['text']} ({cited(f['source'])})" for f in law["failures"]]
    if line is not None:
        from lawful.report.laws import text_chart

        held = f" at {_asked(line.at)}" if line.at else ""
        lines += ["", f"  {line.y_label} over {line.x_label}{held}",
                  *("  " + row for row in text_chart(line).splitlines())]
    return "\n".join(lines)


# ------------------------------------------------------------------------------------------------- compare

@app.command(name="compare")
def compare_laws(*keys: str, at: str | None = None, output: Output = _NO_OUTPUT) -> None:
    """Put one question to several laws: values, reach, conventions, and why they differ.

    Parameters
    ----------
    keys
        The laws' keys.
    at
        The question: params=70B,tokens=1.4T. Each law takes the quantities that it knows.
    """
    from lawful.laws import entry, law
    from lawful.laws.comparison import compare
    from lawful.quantities import parse_assignments, parse_number, quantity

    check_output(output)
    if not keys:
        raise InputError("name the laws to compare: lawful laws compare KEY KEY... --at params=70B,tokens=1.4T")
    entries = [law(entry(key).key) for key in keys]
    if at is None:
        needed = dict.fromkeys(quantity(n).label() for e in entries for n in e.law.inputs)
        raise InputError(f"give the question with --at; these laws take {', '.join(needed)}")
    asked = {name: parse_number(value, f"--at {name}") for name, value in parse_assignments(at).items()}
    answers = compare(entries, asked)
    if _draws(output):
        from lawful.laws.curves import curve

        over = next((n for n in answers.answers[0].at if all(n in a.at for a in answers.answers)), None)
        curves, marks = [], {}
        for e, a in zip(entries, answers.answers, strict=True):
            along = over or next(iter(a.at))
            x = a.at[along]
            if drawn := curve(e, along, a.at, span=(x / 100, x * 100)):
                curves.append(drawn)
                marks[e.key] = (x, a.value)
        _draw(curves, output, f"at {_asked(asked)}", marks)
        output = _written(output)
    show(answers, comparison_text(answers), output)


def comparison_text(answers: Comparison) -> str:
    """One table for each output, and under them the differences that conventions explain."""
    from lawful.quantities import format_number

    blocks = []
    for label, group in answers.by_output().items():
        body = []
        for a in group:
            far = a.farthest
            counted = ", ".join(f"{n} {c}" for n, c in a.conventions.items())
            body.append([a.key, f"{a.value:.4f}" if a.unit == "nats/token" else format_number(a.value),
                         "inside" if far is None and a.reach else "unknown" if far is None
                         else f"{far[1]:.1f} decades ({far[0]})", counted or "-", ", ".join(a.unconfirmed) or "-"])
        blocks.append(_table(body, ["key", label, "reach", "counts", "unconfirmed"]))
    return "\n\n".join([*blocks, *(["\n".join(f"note: {n}" for n in answers.notes)] if answers.notes else [])])


# --------------------------------------------------------------------------------------------------- check

@app.command
def check(*, output: Output = _NO_OUTPUT) -> None:
    """Rerun every check value of the catalogue and print a verdict per law; exit 1 if any fails."""
    from lawful.laws import Published, catalogue

    verdicts, checks = {}, {}
    for key, e in catalogue().items():
        held = [e.passes(c) for c in e.checks] if isinstance(e, Published) else []
        verdicts[key] = e.kind if not isinstance(e, Published) else "pass" if held and all(held) else "fail"
        checks[key] = f"{sum(held)} of {len(held)}" if held else "-"
    kinds = list(verdicts.values())
    counts = {verdict: kinds.count(verdict) for verdict in ("pass", "fail", "fittable", "guidance")}
    body = [[key, verdict if verdict != "fail" else "FAIL", checks[key]] for key, verdict in verdicts.items()]
    summary = ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
    show({"schema": "lawful.checks/1", "verdicts": verdicts, "counts": counts},
         f"{_table(body, ['key', 'verdict', 'checks'])}\n{len(kinds)} entries: {summary}", output)
    if failed := [key for key, verdict in verdicts.items() if verdict == "fail"]:
        raise FailedToAnswer(f"check values not reproduced: {', '.join(failed)}")


# ---------------------------------------------------------------------------------------------------- cite

@app.command
def cite(*keys: str, output: Output = _NO_OUTPUT) -> None:
    """Print the BibTeX of the papers behind these laws, each once.

    Parameters
    ----------
    keys
        The laws' keys.
    """
    from lawful.laws import entry
    from lawful.store import write_text

    check_output(output)
    if not keys:
        raise InputError("name the laws to cite: lawful cite hoffmann2022_approach3")
    papers: dict[str, list[str]] = {}
    for found in map(entry, keys):
        papers.setdefault(found.source.bibtex(), []).append(f"% {found.key}: {found.source.where}")
    text = "\n\n".join("\n".join([*dict.fromkeys(wheres), paper]) for paper, wheres in papers.items())
    if output.output is not None and not output.json:
        write_text(output.output, text + "\n")
        output = _written(output)
    show({"schema": "lawful.citations/1", "bibtex": list(papers)}, text, output)


# ------------------------------------------------------------------------------------------------- helpers

def _asked(at: Mapping[str, float]) -> str:
    from lawful.quantities import format_number, quantity

    return ", ".join(f"{name} {format_number(value, unit=quantity(name).unit)}" for name, value in at.items())


def _draws(output: Output) -> bool:
    return output.output is not None and Path(output.output).suffix.lower() in _FIGURES


def _draw(curves: Sequence[Curve], output: Output, title: str,
          marks: Mapping[str, tuple[float, float]] | None = None) -> None:
    from lawful.report.laws import draw
    from lawful.store import write_bytes

    assert output.output is not None
    if not curves:
        raise FailedToAnswer("there is no figure to draw: no coefficients, or no span to draw them over")
    write_bytes(output.output, draw(curves, Path(output.output).suffix[1:].lower(), title, marks))


def _written(output: Output) -> Output:
    """The options that remain once ``-o`` is served."""
    say(f"wrote {output.output}", output)
    return Output(json=output.json, quiet=output.quiet)


def _table(rows: Sequence[Sequence[str]], head: Sequence[str]) -> str:
    """Aligned columns of words, all to the left."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        return "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()

    return "\n".join([line(head), line(["-" * w for w in widths]), *map(line, rows)])
