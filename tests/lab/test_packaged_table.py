"""The table in the package: no torch needed, and no loss is recomputed."""

import csv
from collections import defaultdict
from importlib.resources import files

import pytest

from lawful.lab.corpus import packaged_recipe

COLUMNS = set(
    """
    run params embedding_params nonembedding_params attention_params mlp_params norm_params tokens compute
    exact_flop loss train_loss budget width depth heads context vocab_size batch_tokens steps warmup_steps
    learning_rate schedule final_lr_fraction weight_decay beta1 beta2 grad_clip seed unique_tokens epochs
    wall_s threads python torch numpy corpus_sha256 parametrisation
    """.split()  # noqa: SIM905
)

Row = dict[str, str]


def read(name: str) -> list[Row]:
    with files("lawful.data").joinpath(name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module", params=["stdlib_bytes.csv", "stdlib_bytes_tuning.csv"])
def rows(request: pytest.FixtureRequest) -> list[Row]:
    return read(request.param)


def test_every_column_is_there_and_filled(rows: list[Row]) -> None:
    assert set(rows[0]) == COLUMNS
    assert all(value for row in rows for value in row.values())


def test_each_run_is_there_once(rows: list[Row]) -> None:
    assert len({row["run"] for row in rows}) == len(rows)


def test_compute_is_six_n_d_and_within_a_step_of_the_budget(rows: list[Row]) -> None:
    for row in rows:
        assert float(row["compute"]) == 6 * int(row["params"]) * int(row["tokens"])
        assert float(row["compute"]) == pytest.approx(float(row["budget"]), rel=0.01)
        assert int(row["tokens"]) == int(row["steps"]) * int(row["batch_tokens"])


def test_parameter_groups_add_up(rows: list[Row]) -> None:
    for row in rows:
        blocks = sum(int(row[f"{group}_params"]) for group in ("attention", "mlp", "norm"))
        assert blocks == int(row["nonembedding_params"])
        assert blocks + int(row["embedding_params"]) == int(row["params"])


def test_every_run_saw_the_recipes_corpus(rows: list[Row]) -> None:
    recipe = packaged_recipe()["corpus"]
    assert {row["corpus_sha256"] for row in rows} == {recipe["sha256"]}
    for row in rows:
        assert float(row["epochs"]) == pytest.approx(int(row["tokens"]) / recipe["train_bytes"])
        assert int(row["unique_tokens"]) == min(int(row["tokens"]), recipe["train_bytes"])


def test_there_are_curves_to_fit_and_seeds_to_judge_them_by() -> None:
    sizes, seeds = defaultdict(set), defaultdict(set)
    for row in read("stdlib_bytes.csv"):
        sizes[row["budget"]].add(row["params"])
        seeds[row["budget"]].add(row["seed"])
    assert len(sizes) >= 5
    assert all(len(curve) >= 6 for curve in sizes.values())
    assert max(len(repeats) for repeats in seeds.values()) >= 3
