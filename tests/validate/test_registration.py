"""A ledger's chain names the line that was edited, dropped, moved or put in between."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from conftest import simulate
from lawful.errors import InputError
from lawful.fit import Fit, fit, forecast
from lawful.laws import Law, law
from lawful.validate.registration import LEVELS, Ledger, law_record, read_ledger, register

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
SIZES = (1e9, 2e9, 3e9, 4e9, 5e9)


@pytest.fixture(scope="module")
def fitted() -> Fit:
    return fit("chinchilla", simulate(), bootstrap=100)


@pytest.fixture(scope="module")
def lines(fitted: Fit) -> list[str]:
    """Five entries, a day apart."""
    made: list[str] = []
    for day, params in enumerate(SIZES):
        answer = forecast(fitted, {"params": params, "tokens": 20 * params})
        made += register(read_ledger(made), fitted, "folder/fit.json", [answer], time=START + timedelta(days=day),
                         version="0.0", note=f"run \u2028 {day}")
    return made


def breaks(lines: list[str]) -> list[str]:
    return [b.message for b in read_ledger(lines).breaks]


def test_an_entry_holds_the_forecast_and_the_law(fitted: Fit, lines: list[str]) -> None:
    ledger = read_ledger(lines)
    assert not ledger.breaks
    assert [e.number for e in ledger.entries] == [1, 2, 3, 4, 5]
    entry = ledger.entries[1]
    answer = forecast(fitted, entry.at)
    assert entry.forecast == {k: v for k, v in json.loads(json.dumps(answer.to_dict())).items() if k != "schema"}
    assert Law.from_dict(entry.law).at(entry.at) == entry.forecast["value"]
    assert entry.law["name"] == "fit.json"      # no folders of whoever registered it
    assert entry.time == START + timedelta(days=1)
    assert entry.note == "run \u2028 1"
    assert entry.quantiles == tuple(np.quantile(fitted.new_runs(entry.at), LEVELS))
    assert answer.new_run == pytest.approx((entry.quantiles[4], entry.quantiles[94]))   # 5 % and 95 %


def test_the_digest_is_that_of_the_saved_fit(fitted: Fit) -> None:
    saved = json.loads(json.dumps(fitted.to_dict()))
    again = law_record(Fit.from_dict(saved), "fit.json")["digest"]
    assert again == law_record(fitted, "fit.json")["digest"]
    assert again == hashlib.sha256(json.dumps(saved, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def test_anyone_can_check_the_chain_without_us(lines: list[str]) -> None:
    """By the bytes of the lines alone, as docs/registering.md shows."""
    previous = None
    for line in lines:
        body, _, seal = line.rstrip("\n").rpartition(',"hash":"')
        assert json.loads(line)["previous"] == previous
        previous = seal[:64]
        assert hashlib.sha256((body + "}").encode()).hexdigest() == previous


@pytest.mark.parametrize("n", range(5))
def test_any_edit_is_found_on_its_line(lines: list[str], n: int) -> None:
    edits = {line.replace('"value":2.', '"value":3.', 1) for line in lines[n : n + 1]}
    edits |= {lines[n].replace("run ", "Run "), lines[n].replace('":', '": ', 1),
              lines[n].replace("2026-11-0", "2025-11-0"), lines[n].replace('"number":', '"number":1', 1),
              lines[n].replace('"hash":"', '"hash":"0', 1)[:-4] + '"}\n'}
    for edited in edits - {lines[n]}:
        assert breaks([*lines[:n], edited, *lines[n + 1 :]])[0] == (
            f"line {n + 1} was changed: its content does not match its hash")
    assert len(edits) == 6


def test_numbers_are_hashed_as_they_are_written(lines: list[str]) -> None:
    """1000000000.0 and 1e9 are one number: the line is changed all the same."""
    assert '"params":1000000000.0' in lines[0]
    assert breaks([lines[0].replace('"params":1000000000.0', '"params":1e9'), *lines[1:]]) == [
        "line 1 was changed: its content does not match its hash"]


def _resealed(line: str, **changes: object) -> str:
    """The line with other content and a hash that fits, as a careful forger would write it."""
    data = json.loads(line) | changes
    del data["hash"]
    body = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return f'{body[:-1]},"hash":"{hashlib.sha256(body.encode()).hexdigest()}"}}\n'


def test_every_other_tampering_is_named(lines: list[str]) -> None:
    a, b, c, d, e = lines
    assert breaks([a, b, d, e]) == ["line 3 does not follow line 2: it holds entry 4, and entry 3 should come first"]
    assert breaks([a, e]) == ["line 2 does not follow line 1: it holds entry 5, and entries 2 to 4 should come first"]
    assert breaks([b, c]) == ["line 1 does not begin the ledger: it holds entry 2, and entry 1 should come first"]
    assert breaks([a, c, b, d, e]) == [
        "line 2 does not follow line 1: it holds entry 3, and entry 2 should come first",
        "line 3 does not follow line 2: it holds entry 2, where entry 4 should be"]
    assert breaks([a, b, b, c]) == ["line 3 does not follow line 2: it holds entry 2, where entry 3 should be"]
    assert breaks([a, b, _resealed(c, note="forged"), d, e]) == [
        "line 4 does not follow line 3: the hash that it names for entry 3 is another"]
    assert breaks([a, b, "\n", c]) == ["line 3 was changed: it can no longer be read",
                                       "line 4 does not follow line 3: it holds entry 3, where entry 4 should be"]
    assert breaks([a, "nonsense\n", c, d]) == ["line 2 was changed: it can no longer be read"]
    assert breaks([a, b, c[:400]]) == [
        "line 3 is cut short: a write did not end; remove the line, its forecast was never confirmed"]
    assert breaks([a, _resealed(b, previous=None), c])[0].startswith("line 2 does not follow line 1: the hash")
    assert breaks([a.replace("\n", "\r\n"), b]) == []   # a checkout may have changed the line ends


def test_only_a_published_head_shows_what_is_gone_from_the_end(lines: list[str]) -> None:
    head = read_ledger(lines).head
    assert head is not None
    assert breaks(lines[:3]) == []
    assert read_ledger(lines).holding(head[:12].upper()).number == 5
    with pytest.raises(InputError, match="no entry has the hash"):
        read_ledger(lines[:3]).holding(head)
    with pytest.raises(InputError, match="8 to 64 hexadecimal digits"):
        read_ledger(lines).holding("abc")


def test_nothing_is_appended_to_a_broken_chain(fitted: Fit, lines: list[str]) -> None:
    broken = read_ledger([lines[0], *lines[2:]], "ledger.jsonl")
    with pytest.raises(InputError, match=r"ledger.jsonl: line 2 does not follow line 1: .* entry 2 should come first$"):
        register(broken, fitted, "fit.json", [], time=START, version="0.0")


def test_a_file_of_something_else_is_refused() -> None:
    for line in ("params,tokens,loss\n", "{}\n", "[1]\n", "null\n"):
        with pytest.raises(InputError, match=r"runs.csv: is no ledger: line 1 holds no registered forecast"):
            read_ledger([line], "runs.csv")
    assert read_ledger([]) == Ledger(())


def test_a_published_law_is_registered_by_its_key() -> None:
    entry = law("hoffmann2022_approach3")
    answer = forecast(entry, {"params": 1e9, "tokens": 2e10})
    found = read_ledger(register(Ledger(()), entry, entry.key, [answer], time=START, version="0.0")).entries[0]
    assert found.law["key"] == found.law["name"] == "hoffmann2022_approach3"
    assert found.quantiles == ()
    assert found.forecast["new_run"] is None
