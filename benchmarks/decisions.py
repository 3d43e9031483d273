"""Published decisions made again, and where ours differ: python benchmarks/decisions.py [FAMILY ...]

Prints a table for each family of questions (the modules of ``benchmarks/decisions``) and writes it into
``docs/decisions.md``, between ``<!-- table FAMILY -->`` and ``<!-- end -->``; a section that is not there yet is added.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from decisions import families

PAGE = Path(__file__).resolve().parents[1] / "docs" / "decisions.md"
HEAD = "| decision | source | printed | ours | verdict | note |\n| --- | --- | --- | --- | --- | --- |"


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, family in families():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        lines = [row.line() for row in family.rows()]
        table = f"<!-- table {name} -->\n{HEAD}\n" + "\n".join(lines) + "\n<!-- end -->"
        print(f"{family.TITLE}\n{table}\n")
        place = re.compile(rf"<!-- table {name} -->.*?<!-- end -->", re.S)
        text = (place.sub(lambda _, table=table: table, text) if place.search(text)
                else f"{text.rstrip()}\n\n## {family.TITLE}\n\n{table}\n")
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
