"""Sections of a file as typed objects: what is written is what is asked for, and every slip is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from lawful.errors import InputError, UnknownName
from lawful.fit import Fit
from lawful.laws import law
from lawful.laws.published import Published
from lawful.plan.sections import field_texts, read_section


@dataclass(frozen=True)
class Pool:
    tokens: float
    rank: int = 1


@dataclass(frozen=True)
class Asked:
    unique_tokens: float
    "Distinct tokens\n    there are."
    name: str = "web"
    strict: bool = False
    "Whether to refuse."
    law: Fit | Published | None = None
    pools: tuple[Pool, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)
    sizes: tuple[float, ...] = ()


def read(**data):
    return read_section(Asked, data, "[data]", law)


def test_numbers_tables_lists_and_laws_are_read():
    found = read(unique_tokens="25B", law="besiroglu2024_refit", pools=[{"tokens": "1T", "rank": 2}],
                 shares={"web": 0.7, "code": "0.3"}, sizes=["1B", 7e9], strict=True)
    assert found == Asked(25e9, strict=True, law=law("besiroglu2024_refit"), pools=(Pool(1e12, 2),),
                          shares={"web": 0.7, "code": 0.3}, sizes=(1e9, 7e9))
    assert field_texts(Asked) == {"unique_tokens": "Distinct tokens there are.", "strict": "Whether to refuse."}


@pytest.mark.parametrize(("data", "error", "says"), [
    ({}, InputError, r"\[data\]: unique_tokens is missing; it takes unique_tokens, name"),
    ({"unique_token": 1}, UnknownName, r"in \[data\]; nearest: unique_tokens"),
    ({"unique_tokens": "many"}, InputError, r"\[data\] unique_tokens: 'many' is not a number"),
    ({"unique_tokens": True}, InputError, "expected a number, got True"),
    ({"unique_tokens": 1, "strict": 1}, InputError, "expected true or false"),
    ({"unique_tokens": 1, "name": 3}, InputError, "expected a text"),
    ({"unique_tokens": 1, "law": "no_such"}, UnknownName, "no_such"),
    ({"unique_tokens": 1, "pools": 3}, InputError, "expected a list"),
    ({"unique_tokens": 1, "pools": [3]}, InputError, r"pools\[0\]: expected a table"),
    ({"unique_tokens": 1, "pools": [{"tokens": 1, "rank": 1.5}]}, InputError, "expected a whole number"),
    ({"unique_tokens": 1, "shares": 3}, InputError, "expected a table of keys"),
])
def test_a_slip_names_its_section_and_key(data, error, says):
    with pytest.raises(error, match=says):
        read(**data)
