from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lawful.errors import InputError  # noqa: E402
from lawful.lab.corpus import Corpus  # noqa: E402
from lawful.lab.train import RunSpec, batches, train  # noqa: E402

SPEC = RunSpec(budget=1e8, width=16, depth=1, heads=1, batch_tokens=512, steps=30, warmup_steps=5, learning_rate=0.02)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    text = np.frombuffer(b"def add(a, b):\n    return a + b\n\n" * 600, np.uint8)
    return Corpus(text[:-4000], text[-4000:], 1, 1, "0" * 64, "3")


def test_thirty_steps_reduce_the_loss_and_the_seed_decides_every_digit(corpus: Corpus) -> None:
    first, again = train(SPEC, corpus), train(SPEC, corpus)
    other = train(replace(SPEC, seed=1), corpus)
    assert float(first["loss"]) < 0.9 * np.log(256)
    assert {**first, "wall_s": 0} == {**again, "wall_s": 0}
    assert other["loss"] != first["loss"]
    assert other["run"] != first["run"]


def test_the_record_counts_what_was_trained(corpus: Corpus) -> None:
    record = train(replace(SPEC, steps=2), corpus)
    assert record["tokens"] == 1024
    assert record["compute"] == 6 * record["params"] * 1024
    assert record["epochs"] == pytest.approx(1024 / corpus.train.size)


def test_a_diverged_run_is_still_a_record(corpus: Corpus) -> None:
    record = train(replace(SPEC, learning_rate=1e6, steps=8), corpus)
    assert not float(record["loss"]) < np.log(256)


def test_an_epoch_shows_each_window_once(corpus: Corpus) -> None:
    data = np.arange(128 * 20 + 1) % 251  # position mod 251 tells windows apart
    spec = replace(SPEC, batch_tokens=128, steps=19)
    stream = batches(spec, data.astype(np.uint8))
    seen = [next(stream)[0, 0].item() for _ in range(19)]
    assert len(set(seen)) == 19


def test_the_schedule_warms_up_then_falls_to_its_end() -> None:
    spec = replace(SPEC, steps=100, warmup_steps=10, final_lr_fraction=0.1)
    rates = [spec.learning_rate_at(step) for step in range(101)]
    assert rates[0] == pytest.approx(0.002)
    assert max(rates) == rates[9] == rates[10] == pytest.approx(0.02)
    assert rates[55] == pytest.approx(0.02 * (0.1 + 0.9 / 2))
    assert rates[100] == pytest.approx(0.002)


def test_the_name_depends_on_every_setting() -> None:
    changed = {"steps": 31, "learning_rate": 0.021, "seed": 3, "weight_decay": 0.0, "beta2": 0.95}
    names = {SPEC.run} | {replace(SPEC, **{field: value}).run for field, value in changed.items()}
    assert len(names) == len(changed) + 1
    assert replace(SPEC).run == SPEC.run


def test_settings_that_cannot_train_are_refused() -> None:
    with pytest.raises(InputError, match="multiple of its context"):
        replace(SPEC, batch_tokens=500)
    with pytest.raises(InputError, match="cosine"):
        replace(SPEC, schedule="linear")
