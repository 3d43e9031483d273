"""Published laws against the runs behind them: reproduced from the tables, or the difference shown."""

from __future__ import annotations

import numpy as np
import pytest

from conftest import shared
from lawful.fit import fit
from lawful.fit.objective import objective
from lawful.laws import law
from lawful.store import read_runs


class TestDataConstrained:
    """Muennighoff et al. 2023, on the authors' 182 runs."""

    def runs(self):  # type: ignore[no-untyped-def]
        return read_runs(shared("datablations/runs.csv"), where="in_fit == 1")

    def test_the_published_point_gives_the_published_fit(self) -> None:
        runs = self.runs()
        predicted = law("muennighoff2023_data_constrained").law.at(runs.quantities)
        loss = runs["loss"]
        r_squared = 1 - ((loss - predicted) ** 2).sum() / ((loss - loss.mean()) ** 2).sum()
        assert len(runs) == 182
        assert r_squared == pytest.approx(0.7722, abs=5e-5)
        assert objective().value(np.log(predicted / loss)).sum() == pytest.approx(0.0158259, abs=5e-8)

    def test_it_is_not_the_optimum_of_its_own_objective(self) -> None:
        """A free search over both decay constants finds a lower point along a flat valley: the entry says so."""
        entry = law("muennighoff2023_data_constrained")
        held = {name: entry.law.coefficients[name] for name in ("E", "A", "alpha", "B", "beta")}
        found = fit(entry.law, self.runs(), bootstrap=0, fixed=held)
        assert found.objective["value"] == pytest.approx(0.0158047, abs=5e-8)
        assert found.law.coefficients["R_D_star"] == pytest.approx(95.4, abs=0.5)
        assert found.law.coefficients["R_N_star"] == pytest.approx(1.71, abs=0.01)
        assert "not the optimum" in entry.notes


@pytest.mark.parametrize(("corpus", "key", "k"), [("pile", "chen2025_parscale:pile", 0.3344),
                                                  ("stack_python", "chen2025_parscale:stack_v2", 0.3935)])
def test_parallel_streams_refitted(corpus: str, key: str, k: float) -> None:
    runs = read_runs(shared("parallel-scaling/runs.csv"), where=f'corpus == "{corpus}"', mapping={"streams": "P"})
    found = fit(key, runs, bootstrap=0).law
    assert found.coefficients["k"] == pytest.approx(k, abs=5e-5)
    for name, value in law(key).law.coefficients.items():
        assert found.coefficients[name] == pytest.approx(value, rel=1e-3), name


class TestOvertraining:
    """Gadre et al. 2024: five small runs predict runs up to 300 times larger."""

    SMALL = ("d=96_l=8_h=4", "d=512_l=8_h=4", "d=576_l=24_h=8", "d=1024_l=24_h=8")

    @pytest.mark.parametrize(("corpus", "name", "targets"), [
        ("c4", "c4", {("open_lm_1b", 20): -0.0078, ("open_lm_7b", 20): -0.0430}),
        ("rpj", "redpajama", {("open_lm_1b", 640): 0.0071, ("open_lm_7b", 20): 0.0073}),
        ("rw", "refinedweb", {("open_lm_1b", 320): -0.0001, ("open_lm_7b", 20): -0.0162}),
    ])
    def test_relative_errors_of_the_large_runs(self, corpus: str, name: str, targets: dict) -> None:  # type: ignore[type-arg]
        runs = read_runs(shared("overtraining-gadre/runs.csv"), where=f'dataset == "{corpus}"',
                         mapping={"loss": "loss_c4_val"})
        published = law(f"gadre2024_overtraining:{name}")
        models = runs.labels["model"]
        multiplier = runs.labels["chinchilla_multiplier"].astype(float)
        for (model, times), expected in targets.items():
            (i,) = np.flatnonzero((models == model) & (np.abs(multiplier * 20 - times) < 0.01 * times))
            predicted = published.law(params=runs["params"][i], tokens=runs["tokens"][i])
            assert predicted / runs["loss"][i] - 1 == pytest.approx(expected, abs=2e-3), (model, times)


def test_step_law_s_optimum_is_near_the_best_of_each_grid() -> None:
    """Loss at the grid point nearest the predicted learning rate and batch, over the best of its grid.

    The authors say 0.09 %, against their own surface. The nearest of a coarse grid's points cannot be
    that close: measured here, the median over the 17 grids is below 0.3 %. A naive refit of the best
    cells gives other exponents than the published ones (0.82, 0.29): the optimum is broad.
    """
    runs = read_runs(shared("steplaw-dense/runs.csv"), mapping={"loss": "smooth_loss"})
    rate, batch = law("steplaw2025:learning_rate").law, law("steplaw2025:batch").law
    excess = []
    for size, tokens in sorted(set(zip(runs["params"].tolist(), runs["tokens"].tolist(), strict=True))):
        cell = (runs["params"] == size) & (runs["tokens"] == tokens)
        if cell.sum() < 30:
            continue
        distance = (np.log(runs["learning_rate"][cell] / rate(params=size, tokens=tokens)) ** 2
                    + np.log(runs["batch_tokens"][cell] / batch(tokens)) ** 2)
        losses = runs["loss"][cell]
        excess.append(losses[np.argmin(distance)] / losses.min() - 1)
    assert len(excess) >= 15
    assert np.median(excess) < 0.003
    assert max(excess) < 0.02


def test_vocabulary_s_published_slopes_are_not_those_of_a_plain_envelope() -> None:
    """Tao et al. 2024 print N_nv ~ C**0.50; the lower envelope of their checkpoints gives less.

    The collector of the table could not recover the published exponents by simple means, and neither can
    we: the authors select and constrain. The entries carry the published values and the test the gap.
    """
    runs = read_runs(shared("vocabulary/checkpoints.csv"))
    compute, size = runs["compute"], runs["nonembedding_params"]
    loss = runs.labels["loss_u"].astype(float)
    bins = np.digitize(np.log(compute), np.linspace(*np.log([compute.min(), compute.max()]), 26))
    best = [np.flatnonzero(bins == b)[np.argmin(loss[bins == b])] for b in np.unique(bins)]
    slope = np.polyfit(np.log(compute[best]), np.log(size[best]), 1)[0]
    published = law("tao2024_vocabulary:approach1_params").law.coefficients["a"]
    assert published == pytest.approx(0.5)
    assert slope == pytest.approx(0.42, abs=0.03)
