"""Sphinx settings: python -m sphinx -W docs docs/_build"""

from __future__ import annotations

from lawful import __version__

project = "lawful"
author = "The lawful developers"
release = version = __version__

extensions = ["myst_parser"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"lawful {__version__}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
exclude_patterns = ["_build", "examples"]
