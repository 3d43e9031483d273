"""Scaling laws as objects: the forms, and the published coefficients.

``form("chinchilla")`` is a form to fit, ``law("hoffmann2022_approach3")`` a published law to call.
"""

from lawful.laws.base import Allocation, Law, Region
from lawful.laws.published import Published
from lawful.laws.registry import form, forms, law, published

__all__ = ["Allocation", "Law", "Published", "Region", "form", "forms", "law", "published"]
