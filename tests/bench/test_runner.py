"""The runner: what a kill leaves, what a failure counts for, what a change of code or data does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made import TASK, made

from lawful.bench import methods, runner, worker
from lawful.bench.forecast import bench_forecasts, outlines
from lawful.bench.methods import METHODS, Method
from lawful.bench.question import Answer, Question
from lawful.bench.runner import RESULTS, jobs, known, run
from lawful.errors import FailedToAnswer, InputError, MissingExtra

ALL = TASK.replace('["m1", "m2"]', '["m1", "m2", "m1_recipe", "last_points"]')


def raising(error: BaseException) -> Method:
    def answer(asked: Question) -> Answer:
        raise error

    return Method("bad", "raises", answer)


def endless(asked: Question) -> Answer:
    total = 0.0
    while True:
        total += float(np.sum(np.ones(1000)))


@pytest.mark.parametrize(("method", "status", "said"), [
    (raising(FailedToAnswer("no basin")), "failed", "no basin"),
    (raising(ZeroDivisionError("by zero")), "failed", "ZeroDivisionError: by zero"),
    (raising(MissingExtra("bad", "bench")), "not_run", "pip install 'lawful[bench]'"),
    (Method("bad", "NaN", lambda asked: Answer(np.full(asked.points, np.nan))), "failed", "without a finite rmsle"),
    (Method("bad", "negative", lambda asked: Answer(-np.ones(asked.points))), "failed", "without a finite rmsle"),
    (Method("bad", "endless", endless), "timeout", "no answer within 0.2 s of CPU time"),
])
def test_whatever_a_method_does_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: Method, status: str,
                                           said: str) -> None:
    monkeypatch.setitem(METHODS, "bad", method)
    monkeypatch.setattr(worker, "LIMIT", 0.2)
    data = made(tmp_path, TASK.replace('["m1", "m2"]', '["bad", "m1"]'))
    work = jobs(outlines(data), data)
    scores = [worker.answer(job, data, 0.2) for job in work if job.method == "bad"]
    assert [score.status for score in scores] == [status] * 3
    assert said in scores[0].detail
    assert scores[0].score is None


def test_failures_are_charged_the_worst_and_missing_parts_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                                  ) -> None:
    monkeypatch.setitem(METHODS, "bad", raising(FailedToAnswer("no basin")))
    monkeypatch.setitem(METHODS, "absent", replace(raising(MissingExtra("absent", "bench")), name="absent"))
    data = made(tmp_path / "data", TASK.replace('["m1", "m2"]', '["bad", "absent", "m1", "m2"]'))
    done = bench_forecasts(data, tmp_path / "out", workers=1)
    lines = {row["method"]: row for row in done.to_dict()["tasks"][0]["methods"]}
    assert lines["bad"]["failed"] == 3
    assert lines["bad"]["median"] == lines["m1"]["median"] > lines["m2"]["median"]
    assert lines["bad"]["best"] == 0
    assert lines["absent"]["not_run"] == 3
    assert np.isnan(lines["absent"]["median"])
    report = (tmp_path / "out" / "report.md").read_text()
    assert "`bad`, failed on 3: a: no basin" in report
    assert "`absent`, not run on 3" in report
    table = (tmp_path / "out" / "table.csv").read_text().splitlines()
    assert len(table) == 1 + 3 * 4


def test_a_finished_run_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = made(tmp_path / "data")
    first = bench_forecasts(data, tmp_path / "out", workers=1)
    monkeypatch.setattr(runner, "answer", lambda job, data: pytest.fail("made again"))
    said: list[str] = []
    again = bench_forecasts(data, tmp_path / "out", workers=1, progress=said.append)
    assert again.scores == first.scores
    assert "6 of 6 results are there already" in said


def test_another_table_or_task_or_code_is_another_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = made(tmp_path / "data")

    def keys() -> set[str]:
        return {job.key for job in jobs(outlines(data), data)}

    before = keys()
    assert len(before) == 6
    assert keys() == before
    table = data / "toy" / "curves.csv"
    table.write_text(table.read_text() + "c,20000,0.4,test,0\n")
    changed = keys()
    assert not changed & before
    (data / "toy" / "toy.toml").write_text(TASK + 'train = "train"\n')
    assert not keys() & changed
    monkeypatch.setattr(runner, "code_version", lambda: "another")
    assert not keys() & changed


def test_without_resume_it_starts_anew(tmp_path: Path) -> None:
    data = made(tmp_path / "data")
    bench_forecasts(data, tmp_path / "out", workers=1)
    before = (tmp_path / "out" / RESULTS).read_text()
    bench_forecasts(data, tmp_path / "out", methods=["m1"], workers=1, resume=False)
    assert len((tmp_path / "out" / RESULTS).read_text().splitlines()) == 3 < len(before.splitlines())


def test_a_line_that_was_cut_short_is_made_again(tmp_path: Path) -> None:
    data = made(tmp_path / "data")
    whole = bench_forecasts(data, tmp_path / "out", workers=1)
    file = tmp_path / "out" / RESULTS
    file.write_text(file.read_text()[:-40])
    assert len(known(tmp_path / "out")) == 5
    assert comparable(bench_forecasts(data, tmp_path / "out", workers=1).scores) == comparable(whole.scores)
    assert len(known(tmp_path / "out")) == 6


def comparable(scores: object) -> list[object]:
    return [replace(score, seconds=0.0, peak_mib=0.0) for score in scores]  # type: ignore[attr-defined]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal")
def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Kill the command half-way, start it again: the table is that of a run that nobody killed."""
    data = made(tmp_path / "data", ALL)
    command = [sys.executable, "-m", "lawful", "bench", "forecast", "--data", str(data), "--workers", "2", "--quiet"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.Popen([*command, "-o", str(tmp_path / "killed")], env=env, stdout=subprocess.DEVNULL)
    file = tmp_path / "killed" / RESULTS
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (file.exists() and len(file.read_text().splitlines()) >= 2):
        time.sleep(0.005)
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    had = file.read_text().splitlines()
    assert len(had) >= 2
    subprocess.run([*command, "-o", str(tmp_path / "killed")], env=env, check=True, stdout=subprocess.DEVNULL)
    after = file.read_text().splitlines()
    assert after[: len(had) - 1] == had[:-1], "what was there stays"
    whole = bench_forecasts(data, tmp_path / "whole", workers=1)
    work = jobs(outlines(data), data)
    again = run(work, data, tmp_path / "killed", workers=1)
    assert comparable(again.values()) == comparable(whole.scores)
    table = [(tmp_path / part / "table.csv").read_text().splitlines() for part in ("killed", "whole")]
    assert [row.split(",")[:18] for row in table[0]] == [row.split(",")[:18] for row in table[1]]


def test_every_task_is_checked_before_any_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = made(tmp_path / "data")
    (data / "wrong.toml").write_text('folder = "toy"\n' + TASK.replace('"part"', '"prt"'))
    monkeypatch.setattr(runner, "answer", lambda job, data: pytest.fail("run"))
    with pytest.raises(InputError, match=r"task wrong: .*no column is called 'prt'"):
        bench_forecasts(data, tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()


def test_published_shares_and_scores_stand_beside_ours(tmp_path: Path) -> None:
    data = made(tmp_path / "data", TASK + """
[published]
source = "a paper"
where = "name != 'a'"
by_method = { an_agent = 0.07 }
share_best = { m1 = 0.25, m2 = 0.75 }
file = "scores.csv"
key = "name"
columns = { m1 = "first", m2 = "second" }
""", noise=0.01)
    (data / "toy" / "scores.csv").write_text("name,first,second\na,0.5,0.5\nb,0.0001,0.5\nc,,0.5\n")
    bench_forecasts(data, tmp_path / "out", workers=1)
    report = (tmp_path / "out" / "report.md").read_text()
    assert "as published (a paper) and on the 2 series here" in report
    assert "| `m2` | 75.0 % | 100.0 % |" in report
    assert "As published (a paper, where name != 'a'): `an_agent` 0.07." in report
    assert "`m1` against its score in the data's folder: better by more than 10 % on 1 series, within 10 % on 0, " \
           "worse on 1." in report
    assert "- worse: b, " in report


@pytest.mark.parametrize(("edit", "said"), [
    (('file = "scores.csv"', 'file = "none.csv"'), r"task toy: \[published\]: .*no such file"),
    (('"first"', '"frst"'), r"\[published\]: .*no column is called 'frst'; nearest: first"),
    (("name != 'a'", "nme != 'a'"), r"\[published\] where: .*unknown column 'nme'"),
])
def test_published_files_are_checked(tmp_path: Path, edit: tuple[str, str], said: str) -> None:
    task = TASK + """
[published]
where = "name != 'a'"
file = "scores.csv"
key = "name"
columns = { m1 = "first" }
"""
    assert edit[0] in task
    data = made(tmp_path, task.replace(*edit))
    (data / "toy" / "scores.csv").write_text("name,first\na,0.5\n")
    with pytest.raises(InputError, match=said):
        outlines(data)


def test_a_forecast_is_json_when_read_back(tmp_path: Path) -> None:
    data = made(tmp_path / "data")
    bench_forecasts(data, tmp_path / "out", workers=1)
    for line in (tmp_path / "out" / RESULTS).read_text().splitlines():
        assert json.loads(line)["status"] == "answered"
    assert methods.METHODS
