"""Causes come before what follows from them, and nothing follows from itself."""

from __future__ import annotations

import pytest

from lawful.validate import Diagnosis, Finding, Severity
from lawful.validate.causes import FOLLOWS, ordered


def finding(code: str, severity: Severity = Severity.CAUTION) -> Finding:
    return Finding(code, severity, f"Title of {code}", "seen", "do")


def test_no_finding_follows_from_itself_by_any_way_round() -> None:
    def reach(code: str, seen: tuple[str, ...]) -> None:
        assert code not in seen, " -> ".join((*seen, code))
        for after in FOLLOWS.get(code, ()):
            reach(after, (*seen, code))

    for code in FOLLOWS:
        reach(code, ())


def test_causes_are_listed_before_their_consequences() -> None:
    order = list(FOLLOWS)
    for i, code in enumerate(order):
        earlier = [after for after in FOLLOWS[code] if after in order and order.index(after) < i]
        assert not earlier, f"{code} comes after {earlier}"


def test_a_cause_comes_first_however_serious_its_consequence() -> None:
    found = ordered([finding("not_identified", Severity.SERIOUS), finding("outliers"), finding("mixed_schedules"),
                     finding("group_offset")])
    assert [f.code for f in found] == ["mixed_schedules", "group_offset", "outliers", "not_identified"] or \
        [f.code for f in found] == ["mixed_schedules", "group_offset", "not_identified", "outliers"]
    assert {f.code: f.follows for f in found} == {"mixed_schedules": "", "group_offset": "mixed_schedules",
                                                  "outliers": "group_offset", "not_identified": "group_offset"}
    assert {f.code: f.severity for f in found}["not_identified"] is Severity.SERIOUS


def test_a_note_explains_nothing() -> None:
    found = ordered([finding("emergent", Severity.NOTE), finding("diverged")])
    assert [(f.code, f.follows) for f in found] == [("diverged", ""), ("emergent", "")]


@pytest.mark.parametrize("serious", ["not_identified", "unheard_of"])
def test_the_verdict_names_the_first_cause(serious: str) -> None:
    told = Diagnosis.of("runs", 10, [finding(serious, Severity.SERIOUS), finding("narrow_range")])
    assert told.verdict.startswith("Do not plan on these runs yet: title of")
    assert told.findings[0].code == ("narrow_range" if serious == "not_identified" else serious)


def test_a_finding_that_stands_twice_is_told_twice() -> None:
    found = ordered([finding("trend"), finding("break"), finding("trend")])
    assert [f.code for f in found] == ["break", "trend", "trend"]
