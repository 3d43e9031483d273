"""Scaling laws as objects: the forms, and the published coefficients.

``form("chinchilla")`` is a form to fit, ``law("hoffmann2022_approach3")`` a published law to call.
"""

from lawful.laws.base import Allocation, Law, Region
from lawful.laws.published import Entry, Fittable, Guidance, Published
from lawful.laws.registry import catalogue, entry, form, forms, law, published

__all__ = [
    "Allocation", "Entry", "Fittable", "Guidance", "Law", "Published", "Region",
    "catalogue", "entry", "form", "forms", "law", "published",
]
