"""Published decisions made again, and where ours differ: python benchmarks/decisions.py [FAMILY ...]

Prints a table for each family of questions (the modules of ``benchmarks/decisions``) and writes it into
``docs/decisions.md``, between ``<!-- table FAMILY -->`` and ``<!-- end -->``, and the counts of all into the table
``counts``; a section that is not there yet is added.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from decisions import count, families, read_rows, table

PAGE = Path(__file__).resolve().parents[1] / "docs" / "decisions.md"


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, family in families():
        if not sys.argv[1:] or name in sys.argv[1:]:
            lines = table(family.rows())
            print(f"{family.TITLE}\n" + "\n".join(lines) + "\n")
            text = put(text, name, lines, family.TITLE)
    PAGE.write_text(put(text, "counts", count(counted(text)), "Counts"), encoding="utf-8")


def put(text: str, name: str, lines: list[str], title: str) -> str:
    """The page with ``lines`` as its table ``name``, in a section of its own where there is none yet."""
    written = "\n".join([f"<!-- table {name} -->", *lines, "<!-- end -->"])
    place = re.compile(rf"<!-- table {name} -->\n((?!<!-- table ).*\n)*?<!-- end -->")
    if place.search(text):
        return place.sub(lambda _: written, text)
    return f"{text.rstrip()}\n\n## {title}\n\n{written}\n"


def counted(text: str) -> dict[str, list[str]]:
    """The rows of every table of the page, by the title of its section."""
    found = re.findall(r"^## (.*)\n\n<!-- table \w+ -->\n((?:(?!<!-- ).*\n)*)<!-- end -->", text, re.MULTILINE)
    return {title: read_rows(lines.splitlines()) for title, lines in found}


if __name__ == "__main__":
    main()
