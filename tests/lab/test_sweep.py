import csv
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lawful.errors import InputError  # noqa: E402
from lawful.lab import sweep  # noqa: E402
from lawful.lab.corpus import Corpus  # noqa: E402
from lawful.lab.sweep import append, isoflop_specs, main, pending, spec_for, tuning_specs  # noqa: E402
from lawful.lab.train import train  # noqa: E402
from lawful.lab.transformer import param_groups  # noqa: E402


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    text = np.random.default_rng(0).integers(97, 100, 20_000, np.uint8)
    return Corpus(text[:-2000], text[-2000:], 1, 1, "0" * 64, "3")


@pytest.mark.parametrize("specs", [isoflop_specs(), tuning_specs()], ids=["isoflop", "tuning"])
def test_runs_have_one_name_each_and_spend_their_budget(specs: list[sweep.RunSpec]) -> None:
    assert len({spec.run for spec in specs}) == len(specs)
    for spec in specs:
        assert spec.compute == pytest.approx(spec.budget, rel=0.01)


def test_the_sweep_has_seven_sizes_a_budget_and_three_seeds_at_one() -> None:
    specs = isoflop_specs()
    assert len(specs) == 7 * len(sweep.FIRST_RUNG) + 14
    for budget in {spec.budget for spec in specs}:
        curve = [spec for spec in specs if spec.budget == budget]
        assert len({param_groups(spec.shape).total for spec in curve}) == 7
        assert {spec.seed for spec in curve} == ({0, 1, 2} if budget == sweep.SEEDED_BUDGET else {0})


def test_the_batch_grows_as_the_steps_do() -> None:
    for spec in isoflop_specs():
        assert spec.steps >= 280
        assert 0.6 < spec.steps / spec.batch_tokens < 1.4


def test_a_resumed_sweep_skips_what_is_done(tmp_path: Path, corpus: Corpus) -> None:
    table = tmp_path / "runs.csv"
    specs = [spec_for(2e8, width, 1, 0.01) for width in (8, 12, 16)]
    assert pending(specs, table) == specs
    for spec in specs[:2]:
        append(train(spec, corpus), table)
    assert pending(specs, table) == specs[2:]
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == [spec.run for spec in specs[:2]]


def test_a_table_with_other_columns_is_refused_and_left_alone(tmp_path: Path) -> None:
    table = tmp_path / "other.csv"
    table.write_text("run,loss\n")
    with pytest.raises(InputError, match="other columns"):
        append({"run": "x", "params": 1}, table)
    assert table.read_text() == "run,loss\n"


def test_worker_processes_give_every_record_once(
    tmp_path: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool is replaced by threads: a spawned process would read this machine's whole corpus."""
    from concurrent.futures import ThreadPoolExecutor

    threads = torch.get_num_threads()
    monkeypatch.setattr(sweep, "ProcessPoolExecutor", lambda n, context, **kw: ThreadPoolExecutor(n, **kw))
    monkeypatch.setattr(sweep, "load_corpus", lambda: corpus)
    specs = [spec_for(2e8, width, 1, 0.01) for width in (8, 12, 16)]
    try:
        first = list(sweep.run(specs[1:], tmp_path / "runs.csv", workers=2))
        rest = list(sweep.run(specs, tmp_path / "runs.csv"))
    finally:
        torch.set_num_threads(threads)
    assert {record["run"] for record in first} == {spec.run for spec in specs[1:]}
    assert [record["run"] for record in rest] == [specs[0].run]


def test_a_dry_run_lists_flop_and_trains_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--dry-run", "--only-budget", "1e12"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert lines[-1].startswith("7 runs, 7e+12 FLOP")
    assert all("exact" in line for line in lines[:-1])
