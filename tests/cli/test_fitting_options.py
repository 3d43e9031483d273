"""The options of ``lawful fit`` that say what is known of the runs, from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_commands import lawful, read, write

from conftest import TRUTH, isoflop_design


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two corpora of one alpha, a column of noise, one of weights, and the budgets."""
    folder = tmp_path_factory.mktemp("options")
    design = {name: np.tile(values, 2) for name, values in isoflop_design(budgets=5, sizes=6).items()}
    rng = np.random.default_rng(0)
    corpus = np.repeat(["c4", "code"], 30)
    loss = TRUTH.at(design) * np.where(corpus == "c4", 1.0, 0.5) * np.exp(0.005 * rng.standard_normal(60))
    write(folder / "runs.csv", N=design["params"], D=design["tokens"], loss=loss, corpus=corpus,
          loss_sd=0.005 * loss, weight=np.ones(60), budget=np.tile(np.repeat(np.arange(5), 6), 2))
    return folder


def test_shared_exponents_are_saved_and_asked_by_group(folder: Path) -> None:
    data = read(lawful("fit", "runs.csv", "--share", "alpha", "beta", "by=corpus", "--bootstrap", "20", "--json",
                       "-o", "both.json", cwd=folder))
    assert data["schema"] == "lawful.grouped_fit/1"
    exponents = [fit["coefficients"]["alpha"]["value"] for fit in data["groups"].values()]  # type: ignore[attr-defined]
    assert exponents[0] == exponents[1]
    asked = read(lawful("predict", "both.json:code", "--at", "params=1B,tokens=20B", "--json", cwd=folder))
    assert asked["value"] == pytest.approx(0.5 * TRUTH(params=1e9, tokens=2e10), rel=0.01)
    for law, message in (("both.json", "holds a fit for each of c4, code; name one: both.json:c4"),
                         ("both.json:cod", "unknown group 'cod' in both.json; nearest: code")):
        refused = lawful("predict", law, "--at", "params=1B,tokens=20B", cwd=folder)
        assert refused.returncode == 2
        assert message in refused.stderr


def test_weights_noise_and_clusters_reach_the_fit(folder: Path) -> None:
    where = ("--where", "corpus == 'c4'", "--bootstrap", "50", "--json")
    plain = read(lawful("fit", "runs.csv", *where, cwd=folder))["coefficients"]
    for option in (("--weights", "weight"), ("--noise", "loss_sd"), ("--cluster", "budget")):
        other = read(lawful("fit", "runs.csv", *where, *option, cwd=folder))["coefficients"]
        assert other["alpha"]["value"] == pytest.approx(plain["alpha"]["value"], rel=0.02)  # type: ignore[index]
    assert other["alpha"]["std"] != plain["alpha"]["std"]  # type: ignore[index]


@pytest.mark.parametrize(("options", "message"), [
    (("--share", "alpha"), "write --share COEFFICIENT ... by=COLUMN"),
    (("--share", "alfa", "by=corpus"), "unknown coefficient 'alfa' in --share for chinchilla; nearest: alpha"),
    (("--share", "alpha", "by=corpus", "--form", "auto"), "a form is chosen for one group at a time"),
    (("--share", "alpha", "by=corpora"), "no column is called 'corpora'; nearest: corpus"),
    (("--share", "alpha", "by=corpus", "--compute", "1e21"), "fit one group with --where"),
    (("--share", "alpha", "by=corpus", "--cluster", "budget"), "has draws of its own kind"),
    (("--pool", "alpha", "by=corpus", "--uncertainty", "jackknife"), "has draws of its own kind"),
    (("--share", "alpha", "by=corpus", "--pool", "beta", "by=corpus"), "give one of them"),
    (("--pool", "alpha"), "write --pool COEFFICIENT ... by=COLUMN"),
    (("--uncertainty", "jacknife"), "unknown method 'jacknife' in --uncertainty; nearest: jackknife"),
    (("--weights", "wait"), "no column is called 'wait'"),
    (("--noise", "corpus"), "must be a number"),
    (("--cluster", "corpus"), "the table has 2 such groups"),
    (("--limit", "alpha=3:2"), "lower end must lie below"),
])
def test_what_cannot_be_is_refused_in_one_sentence(folder: Path, options: tuple[str, ...], message: str) -> None:
    refused = lawful("fit", "runs.csv", *options, cwd=folder)
    assert refused.returncode == 2, refused.stderr
    assert message in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
