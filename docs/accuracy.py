"""Fit the certified sets and write what came of it into docs/accuracy.md: python docs/accuracy.py"""

from __future__ import annotations

import re
import sys
from pathlib import Path

PAGE = Path(__file__).parent / "accuracy.md"
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "fit"))

from nist import SETS  # noqa: E402


def rows() -> list[str]:
    """A row for each set: what it is, what was said about its coefficients, what was found."""
    lines = []
    for name, certified in SETS.items():
        fitted = certified.fitted()
        said = ", ".join(f"`{coefficient}={limit}`" for coefficient, limit in certified.limits.items())
        digits, search = certified.digits(fitted.law.coefficients), fitted.search
        lines.append(f"| {name} | {certified.level} | {len(certified.certified)} | {fitted.n_runs} | {said} | "
                     f"{digits:.1f} | {search.agree} of {search.starts} |")
    return lines


def main() -> None:
    """Write the table of the page again."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(r"(?<=<!-- table nist -->\n)\|[^\n]*\n\|[-| ]*\n(?P<rows>.*?)\n(?=<!-- end -->)", text, re.S)
    assert found is not None
    PAGE.write_text(text[: found.start("rows")] + "\n".join(rows()) + text[found.end("rows") :], encoding="utf-8")


if __name__ == "__main__":
    main()
