"""Write the page of the catalogue, docs/catalogue.md, from the registry: python docs/catalogue.py"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from lawful.laws import Entry, Fittable, Guidance, Published, catalogue
from lawful.laws.curves import curve
from lawful.laws.modules import Module
from lawful.laws.published import cited
from lawful.quantities import format_number
from lawful.report.laws import sketch

PAGE = Path(__file__).parent / "catalogue.md"

HEAD = """\
# The catalogue

Every entry of `lawful.laws`, written by `docs/catalogue.py` from the registry. *published* entries have
coefficients and at least one check value; *fittable* ones are forms whose coefficients are not published or could
not be confirmed; *guidance* is a finding that is no formula. `lawful laws show KEY` says the same in a terminal,
`lawful laws compare KEY KEY --at ...` puts one question to several laws, `lawful laws cite KEY` prints BibTeX.
A figure shows the law's output over one input, the others at the middle of their region.
"""

TITLES = {"lm_pretraining": "Language pre-training", "hyperparameters": "Hyper-parameters", "moe": "Mixture of experts",
          "rl": "Reinforcement learning", "speech_other": "Speech and other", "progress_energy": "Progress and energy"}


def plain(text: str) -> str:
    """``text`` as Markdown that shows it as it is, also in a table."""
    return re.sub(r"([\\`*_<>\[\]|$~])", r"\\\1", text)


def target(key: str) -> str:
    """The label of a card."""
    return "law-" + key.replace(":", "-")


def card(entry: Entry) -> Iterator[str]:
    """The lines of one card: formula, inputs, source, region, failures, notes, figure."""
    law = entry.to_dict()
    yield f"({target(entry.key)})=\n\n### {plain(entry.key)}\n"
    yield f"{plain(entry.title)}. *{entry.kind}*\n"
    line = curve(entry)
    if line is not None:
        ends = " to ".join(format_number(line.x[i]) for i in (0, -1))
        yield f"<p>{sketch(line)}<br><small>{line.y_label} over {line.x_label}, {ends}</small></p>\n"
    if law["formula"]:
        yield f"`{law['formula']}` [{plain(law['output']['unit'])}]\n"
    source = law["source"]
    inputs = [f"{i['name']} is {i['symbol']} [{i['unit']}]" + (f" ({i['convention']})" if i["convention"] else "")
              for i in law["inputs"]]
    numbers = [f"{name} = {value:.6g}" for name, value in law["coefficients"].items() if value is not None]
    if isinstance(entry, Fittable):
        numbers = [f"{', '.join(law['coefficients'])}: none published or confirmed"]
    region = [f"{name} {format_number(low)} to {format_number(high)}" for name, (low, high) in law["region"].items()]
    link = plain(cited(source["arxiv"]))
    if link.startswith("arXiv:"):
        link = f"[{link}](https://arxiv.org/abs/{source['arxiv']})"
    said = {
        "Advice": plain(entry.advice) if isinstance(entry, Guidance) else "",
        "Concerns": ", ".join(plain(key) for key in law.get("concerns", ())),
        "Inputs": plain("; ".join(inputs)), "Coefficients": plain(", ".join(numbers)),
        "Unconfirmed": plain(", ".join(entry.unconfirmed)),
        "Fitted on": plain("; ".join(filter(None, [*region, law["region_note"]]))),
        "Source": ", ".join(filter(None, [plain(f"{source['authors']} {source['year']}"), link,
                                          plain(source["where"])])),
        "Notes": plain(entry.notes),
    }
    yield from (f"- {name}: {text}" for name, text in said.items() if text)
    yield from (f"- Fails: {plain(f.text)} ({cited(f.source)})" for f in entry.failures)
    yield ""


def modules() -> Iterator[str]:
    """The modules that compose with a law."""
    yield "## Modules\n\nMaps from quantities to effective quantities, put on a law with `law.with_(...)`; see"
    yield "`lawful.laws.modules`. A composed law is never validated jointly, and says so.\n"
    yield "| module | class | takes | gives effective | what it says | source |\n| --- | --- | --- | --- | --- | --- |"
    for name, cls in Module.registry.items():
        first = inspect.getdoc(cls).partition("\n\n")[0].replace("\n", " ")
        yield (f"| `{name}` | `{cls.__name__}` | {plain(', '.join(cls.inputs))} | {', '.join(cls.gives)} | "
               f"{plain(first)} | [{plain(cls.published[0])}](#{target(cls.published[0])}) |")


def page() -> str:
    """The whole page."""
    entries = list(catalogue().values())
    counts = [sum(isinstance(e, kind) for e in entries) for kind in (Published, Fittable, Guidance)]
    lines = [HEAD, "{} entries: {} published, {} fittable, {} guidance.\n".format(len(entries), *counts),
             "| law | kind | gives | questions |", "| --- | --- | --- | --- |"]
    for e in entries:
        output = e.law.output.label() if isinstance(e, Published | Fittable) else ""
        lines.append(f"| [{plain(e.key)}](#{target(e.key)})<br>{plain(e.title)} | {e.kind} | {plain(output)} | "
                     f"{', '.join(map(str, e.questions))} |")
    by_category = sorted(entries, key=lambda e: list(dict.fromkeys(x.category for x in entries)).index(e.category))
    for category, group in groupby(by_category, key=lambda e: e.category):
        lines.append(f"\n## {TITLES.get(category, category.replace('_', ' ').capitalize())}\n")
        for e in group:
            lines += card(e)
    return "\n".join([*lines, *modules()]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}: {len(catalogue())} entries, {PAGE.stat().st_size / 1e3:.0f} kB")
