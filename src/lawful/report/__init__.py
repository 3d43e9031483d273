"""The report: one self-contained HTML page made from the plain data of an analysis.

``render`` gives the page, ``figures`` its figures as plotly JSON. Both take data, open nothing of the
user's and write nothing.
"""

from lawful.report.figures import figures
from lawful.report.marks import Figure
from lawful.report.page import render

__all__ = ["Figure", "figures", "render"]
