"""Write what the examples say now into the pages, where it differs: python docs/refresh.py [PAGE ...]

Tables that are made from the code are written as well. Look at the difference before keeping it. Outputs
that are cut with ``...`` are left alone.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import test_docs as docs  # noqa: E402


def main() -> None:
    """Rewrite the pages named on the command line, or all."""
    for page in [Path(name).resolve() for name in sys.argv[1:]] or docs.PAGES:
        old = text = page.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            for where, shown, said in docs.replay(page):
                try:
                    docs.compare(shown, said, where)
                except AssertionError:
                    hidden = shown.replace(f"{docs.SHARED}/", "../shared/")
                    said = said.replace(f"{docs.SHARED}/", "../shared/").rstrip() + "\n"
                    if "..." in shown or not hidden.strip() or f"\n{hidden}" not in text:
                        print(f"{where}: differs, and is left alone\n{shown}\n--- says\n{said}")
                        continue
                    # whole lines: a word is no output
                    text = text.replace("\n" + hidden.rstrip() + "\n", "\n" + said, 1)
                    print(f"{where}: rewritten")
            os.chdir(ROOT)
        for (name, table), rows in docs.tables().items():
            if page == docs.DOCS / name:
                found = docs.table(text, table)
                text = text[: found.start("rows")] + "\n".join(rows) + text[found.end("rows") :]
        if text != old:
            page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
