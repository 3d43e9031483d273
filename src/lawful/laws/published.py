"""A law with its papers in hand: where the numbers are printed, what they count, where they fail.

What to use when: ``Published`` for a law with coefficients; ``Fittable`` for a form whose coefficients
were never published or could not be confirmed; ``Guidance`` for a finding that is no formula, attached
to the laws it concerns. Constructing an entry puts it in the catalogue under its key. Several sets of
coefficients of one paper are several entries, ``id:set``; the bare id means the first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from lawful.errors import LawError
from lawful.laws.base import Law, Region
from lawful.quantities import QUANTITIES, parse_number, quantity
from lawful.results import Caveat

if TYPE_CHECKING:
    from lawful.laws.composed import ComposedEntry
    from lawful.laws.modules import Module


@dataclass(frozen=True)
class Source:
    """Where a law is printed."""

    arxiv: str
    where: str            # equation, table or section
    authors: str
    year: int
    title: str = ""

    def bibtex(self) -> str:
        """The paper as a BibTeX entry, such as ``@misc{kaplan2020_2001.08361, ...``."""
        names = self.authors.replace(" et al.", " and others").replace(", ", " and ")
        first = "".join(c for c in names.split(" and ")[0].split()[-1].lower() if c.isalnum())
        fields = {"title": f"{{{self.title}}}", "author": names, "year": str(self.year)}
        if cited(self.arxiv).startswith("arXiv:"):
            fields |= {"eprint": self.arxiv, "archivePrefix": "arXiv", "url": f"https://arxiv.org/abs/{self.arxiv}"}
        else:
            fields["howpublished"] = self.arxiv
        lines = [f"  {name} = {{{re.sub(r'([&%#_$])', lambda m: chr(92) + m[1], value)}}},"
                 for name, value in fields.items()]
        return "\n".join([f"@misc{{{first}{self.year}_{re.sub('[^0-9A-Za-z.]+', '-', self.arxiv)},", *lines, "}"])


def cited(arxiv: str) -> str:
    """``arXiv:2001.08361``; a source of another archive, ``bioRxiv 2024.02.27``, as it is."""
    return f"arXiv:{arxiv}" if arxiv.replace(".", "").isdigit() else arxiv


@dataclass(frozen=True)
class Failure:
    """A known way in which a law misleads, and who says so (an arXiv number)."""

    text: str
    source: str


@dataclass(frozen=True)
class Check:
    """A value the law must give: ``printed`` is a string, so the tolerance is half a unit of its last digit."""

    at: Mapping[str, float]
    printed: str
    where: str

    @property
    def value(self) -> float:
        """The printed number."""
        return parse_number(self.printed)

    @property
    def half_unit(self) -> float:
        """Half a unit of the last printed digit, with room for the last bit."""
        mantissa, _, exponent = self.printed.lower().partition("e")
        decimals = len(mantissa.partition(".")[2])
        return 0.5 * 10.0 ** (int(exponent or 0) - decimals) * (1 + 1e-9)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What every entry of the catalogue says, whatever it holds.

    ``counting`` gives the convention of each input where the field disagrees; ``symbols`` the paper's
    letter of each input; ``notes`` say how a number was read when sources differ, and the tokenizer or
    data set where the constants depend on it; ``unconfirmed`` names the coefficients that no primary
    source could be found for: every use of the law says so.
    """

    key: str
    title: str
    source: Source
    category: str
    questions: tuple[int, ...]     # of the survey arXiv:2502.12051, 1 to 8
    counting: Mapping[str, str] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    symbols: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""
    unconfirmed: tuple[str, ...] = ()

    kind: ClassVar[str]
    registry: ClassVar[dict[str, Entry]] = {}

    def __post_init__(self) -> None:
        if self.key in Entry.registry:
            raise ValueError(f"two entries of the catalogue are called {self.key!r}")
        Entry.registry[self.key] = self

    def to_dict(self) -> dict[str, Any]:
        """The entry as data, as ``laws show --json`` prints it."""
        return {
            "schema": "lawful.law/1", "key": self.key, "kind": self.kind, "title": self.title, "formula": None,
            "form": None, "inputs": [], "output": None, "coefficients": {}, "region": {}, "region_note": "",
            "checks": [],
            "failures": [{"text": f.text, "source": f.source} for f in self.failures],
            "source": {"arxiv": self.source.arxiv, "where": self.source.where, "authors": self.source.authors,
                       "year": self.source.year, "title": self.source.title},
            "category": self.category, "questions": list(self.questions), "notes": self.notes,
            "unconfirmed": list(self.unconfirmed),
        }

    def _formula_dict(self, law: Law) -> dict[str, Any]:
        return {
            "formula": law.formula(), "form": law.form,
            "inputs": [{"name": n, "symbol": self.symbols.get(n, quantity(n).symbol), "unit": quantity(n).unit,
                        "convention": self.counting.get(n, "")} for n in law.inputs],
            "output": {"name": law.output.name, "unit": law.output.unit},
        }


@dataclass(frozen=True, kw_only=True)
class Fittable(Entry):
    """A form that can be fitted, and whose coefficients are not published or could not be confirmed."""

    law: Law          # the form; its numbers stand in and mean nothing
    kind: ClassVar[str] = "fittable"

    def to_dict(self) -> dict[str, Any]:
        """The entry as data; its coefficients are null."""
        return {**super().to_dict(), **self._formula_dict(self.law), "coefficients": dict.fromkeys(self.law.names())}


@dataclass(frozen=True, kw_only=True)
class Guidance(Entry):
    """A finding that is no formula: ``advice`` in a sentence or two, on the laws it ``concerns``."""

    advice: str
    concerns: tuple[str, ...] = ()
    kind: ClassVar[str] = "guidance"

    def to_dict(self) -> dict[str, Any]:
        """The entry as data."""
        return {**super().to_dict(), "advice": self.advice, "concerns": list(self.concerns)}


@dataclass(frozen=True, kw_only=True)
class Published(Entry):
    """A published law: callable like the ``law`` it holds, with everything one should know about it.

    ``region`` is the span of the runs it was fitted on; ``region_note`` says so where a paper gives none.
    """

    law: Law
    region: Region
    checks: tuple[Check, ...]
    region_note: str = ""
    kind: ClassVar[str] = "published"

    def __call__(self, **quantities: Any) -> Any:
        """The law's output at these quantities."""
        return self.law(**quantities)

    def with_(self, *modules: Module) -> ComposedEntry:
        """This law at the effective quantities of ``modules``, marked as never validated jointly."""
        from lawful.laws.composed import compose_entry

        return compose_entry(self, modules)

    def resolve(self, given: Mapping[str, float]) -> tuple[dict[str, float], tuple[Caveat, ...]]:
        """The law's inputs among the quantities ``given``, by its own counting convention, with caveats.

        Plain ``params`` are taken to be counted as the law counts them, and that is said. A count of
        another convention (``total_params`` for a law of non-embedding counts) raises ``LawError``:
        it is never converted silently.
        """
        caveats = [Caveat("unconfirmed", f"{', '.join(self.unconfirmed)} could not be confirmed in a primary source")
                   ] if self.unconfirmed else []
        taken: dict[str, float] = {}
        surplus = dict(given)
        for name in self.law.inputs:
            convention = self.counting.get(name, "")
            exact = next((q.name for q in QUANTITIES.values()
                          if name == "params" and convention == q.convention != "" and q.name in surplus), None)
            if exact is not None:
                taken[name] = surplus.pop(exact)
            elif name in surplus:
                taken[name] = surplus.pop(name)
                if name == "params" and convention:
                    caveats.append(Caveat("params_convention", f"params are read as {convention} counts, "
                                          f"as {self.key} counts them"))
        missing = [n for n in self.law.inputs if n not in taken]
        if missing or surplus:
            needed = ", ".join(f"{quantity(n).label()}" + (f" ({self.counting[n]})" if self.counting.get(n) else "")
                               for n in self.law.inputs)
            wrong = f"missing {', '.join(missing)}" if missing else f"it does not take {', '.join(surplus)}"
            hint = ("; convert the count of parameters to this law's convention first, "
                    "with the shape of the model: lawful.laws.conversions.convert_params"
                    if missing == ["params"] and any(k.endswith("_params") for k in surplus) else "")
            raise LawError(f"{self.key} takes {needed}: {wrong}{hint}")
        return taken, tuple(caveats)

    def to_dict(self) -> dict[str, Any]:
        """The entry as data, with a verdict on every check."""
        return {
            **super().to_dict(), **self._formula_dict(self.law), "coefficients": self.law.coefficients,
            "region": self.region.to_dict(), "region_note": self.region_note,
            "checks": [{"at": dict(c.at), "printed": c.printed, "where": c.where,
                        "verdict": "pass" if self.passes(c) else "fail"} for c in self.checks],
        }

    def passes(self, check: Check) -> bool:
        """Whether the law gives ``check`` to within half a unit of its last printed digit."""
        return bool(abs(float(self.law.at(check.at)) - check.value) <= check.half_unit)
