"""Published fits of language and image-text models on open runs: same digits, bettered, or shown to differ.

The printed figures stand in the README of each public set, under the results one should be able to
reproduce; a comment names the row where the test has several.
"""

from __future__ import annotations

import csv
import functools
import gzip

import numpy as np
import numpy.typing as npt
import pytest

from conftest import shared
from lawful.fit import fit
from lawful.fit.objective import objective
from lawful.fit.readings import reading
from lawful.laws import law
from lawful.laws.base import Law
from lawful.laws.formula import formula
from lawful.runs import RunTable
from lawful.store import read_runs

Array = npt.NDArray[np.float64]


@functools.cache
def rows_of(path: str) -> list[dict[str, str]]:
    """The rows of a public table, compressed or not, as text."""
    file = shared(path)
    with (gzip.open(file, "rt") if file.endswith(".gz") else open(file, newline="")) as handle:
        return list(csv.DictReader(handle))


def column(rows: list[dict[str, str]], name: str) -> Array:
    """One column of ``rows`` as numbers."""
    return np.array([float(row[name]) for row in rows])


def r_squared(observed: Array, predicted: Array) -> float:
    """One minus the residual over the total sum of squares."""
    return float(1 - ((observed - predicted) ** 2).sum() / ((observed - observed.mean()) ** 2).sum())


def huber(predicted: Array, observed: Array) -> float:
    """The field's objective: the sum of Huber penalties at delta 1e-3 on the log loss."""
    return float(objective().value(np.log(predicted / observed)).sum())


class TestDataConstrained:
    """Muennighoff et al. 2023: what the notebook prints beside the law that is in the catalogue."""

    entry = law("muennighoff2023_data_constrained").law
    NEVER = 1e7
    """A decay constant so large that nothing decays over these runs, and small enough to compute with."""

    def runs(self) -> RunTable:
        return read_runs(shared("datablations/runs.csv"), where="in_fit == 1")

    def at(self, R_N_star: float, R_D_star: float) -> Law:
        return self.entry.with_coefficients({**self.entry.coefficients, "R_N_star": R_N_star, "R_D_star": R_D_star})

    def held(self) -> dict[str, float]:
        return {name: self.entry.coefficients[name] for name in ("E", "A", "alpha", "B", "beta")}

    @pytest.mark.parametrize(("R_N_star", "R_D_star", "printed"), [
        (NEVER, NEVER, 0.4452), (NEVER, 2.9157, 0.7354), (713.0, NEVER, 0.4488), (5.309743, 15.387756, 0.7722)])
    def test_r_squared_at_the_printed_points(self, R_N_star: float, R_D_star: float, printed: float) -> None:
        runs = self.runs()
        assert r_squared(runs["loss"], self.at(R_N_star, R_D_star).at(runs.quantities)) == pytest.approx(
            printed, abs=5e-5)

    def test_decay_in_the_data_alone(self) -> None:
        """Printed 2.9157; the optimum is 2.9149, lower by 3e-10 of 0.0169: a search that stopped a little early."""
        runs = self.runs()
        found = fit(self.entry, runs, bootstrap=0, fixed={**self.held(), "R_N_star": self.NEVER})
        theirs = huber(self.at(self.NEVER, 2.9157).at(runs.quantities), runs["loss"])
        assert found.law.coefficients["R_D_star"] == pytest.approx(2.9149, abs=5e-5)
        assert 0 < theirs - found.objective["value"] < 1e-9
        assert r_squared(runs["loss"], found.law.at(runs.quantities)) == pytest.approx(0.7354, abs=5e-5)

    def test_decay_in_the_parameters_alone_is_far_from_its_optimum(self) -> None:
        """Printed 713, with R2 0.4488; at 0.742 the objective is less than half of that there, and R2 is 0.7926."""
        runs = self.runs()
        found = fit(self.entry, runs, bootstrap=0, fixed={**self.held(), "R_D_star": self.NEVER})
        theirs = huber(self.at(713.0, self.NEVER).at(runs.quantities), runs["loss"])
        assert theirs == pytest.approx(0.032977, abs=5e-7)
        assert found.objective["value"] == pytest.approx(0.015924, abs=5e-7)
        assert found.law.coefficients["R_N_star"] == pytest.approx(0.742, abs=5e-4)
        assert r_squared(runs["loss"], found.law.at(runs.quantities)) == pytest.approx(0.7926, abs=5e-5)

    def test_the_better_point_without_end_is_an_artefact_of_rounding(self) -> None:
        """0.014928 at R_D_star 2.86 with R_N_star "without end" is reached at 1.35e17, in 53 bits only.

        There 1 - exp(-x / R) is a whole number of units of 1.1e-16, so that N' is N rounded coarsely. Computed
        with ``expm1`` the same point has 0.01692, and the better optimum is R_D_star 95, R_N_star 1.7 (0.015805).
        """
        runs = self.runs()
        c = self.entry.coefficients
        size, tokens = runs["params"], runs["tokens"]
        unique = np.minimum(runs["unique_tokens"], tokens)
        G = (c["alpha"] * c["A"] / (c["beta"] * c["B"])) ** (1 / (c["alpha"] + c["beta"]))
        needed = np.minimum(size, G * (G * unique) ** (c["beta"] / c["alpha"]))

        def at(R: float, rounded: bool) -> float:
            decayed = (size / needed - 1) / R
            model = needed + needed * R * (1 - np.exp(-decayed) if rounded else -np.expm1(-decayed))
            data = unique - unique * 2.86 * np.expm1(-(tokens / unique - 1) / 2.86)
            return huber(c["E"] + c["A"] / model ** c["alpha"] + c["B"] / data ** c["beta"], runs["loss"])

        ends = np.geomspace(1.30e17, 1.40e17, 41)
        assert min(at(R, rounded=True) for R in ends) < 0.014928
        assert [at(R, rounded=False) for R in ends] == pytest.approx([0.016923] * 41, abs=5e-7)
        assert fit(self.entry, runs, bootstrap=0, fixed=self.held()).objective["value"] < 0.015806

    def test_geometric_decay(self) -> None:
        """Each further epoch worth q of the one before, each further multiple of the size p.

        Printed 0.7988 without coefficients; our optimum of the same objective has 0.79874, one in the last digit.
        """
        runs = self.runs()
        c = self.entry.coefficients
        unique = np.minimum(runs["unique_tokens"], runs["tokens"])
        G = (c["alpha"] * c["A"] / (c["beta"] * c["B"])) ** (1 / (c["alpha"] + c["beta"]))
        needed = np.minimum(runs["params"], G * (G * unique) ** (c["beta"] / c["alpha"]))
        table = RunTable.from_columns({"loss": runs["loss"], "first": needed, "multiple": runs["params"] / needed,
                                       "fresh": unique, "passes": runs["tokens"] / unique})
        form = formula("E + A / (first*(1 - p**multiple)/(1 - p))**alpha + B / (fresh*(1 - q**passes)/(1 - q))**beta",
                       inputs=["first", "multiple", "fresh", "passes"],
                       limits={"p": (1e-6, 1 - 1e-9), "q": (1e-6, 1 - 1e-9)})
        found = fit(form, table, fixed=self.held(), bootstrap=0)
        predicted = found.law(**{name: table[name] for name in found.law.inputs})
        assert r_squared(table["loss"], predicted) == pytest.approx(0.7988, abs=1e-4)

    def test_the_62_runs_of_few_epochs(self) -> None:
        """Tied exponents: our optimum is lower by a millionth, and the logarithms of A and B are 0.0014 higher."""
        runs = read_runs(shared("datablations/runs.csv"), where="epochs <= 2.5")
        form = formula("E + A*params**-alpha + B*tokens**-alpha")
        published = form.with_coefficients({"A": np.exp(6.4526014), "B": np.exp(8.022968), "E": np.exp(0.63987476),
                                            "alpha": 0.3595363})
        found = fit(form, runs, bootstrap=0)
        theirs = huber(published.at(runs.quantities), runs["loss"])
        assert len(runs) == 62
        assert 0 < theirs - found.objective["value"] < 2e-9
        assert found.law.coefficients["alpha"] == pytest.approx(0.3595363, abs=1e-4)
        for name in ("A", "B", "E"):
            assert np.log(found.law.coefficients[name] / published.coefficients[name]) == pytest.approx(0, abs=2e-3)


# Setting, exponent a, R2 and exponent of tokens per parameter, each as printed.
PORIAN = [("reproducing_kaplan", 0.835, 0.9990, -0.668), ("counting_last_layer", 0.706, 0.9976, -0.402),
          ("correcting_warmup", 0.602, 0.9926, -0.207), ("cosine_decay", 0.571, 0.9977, -0.143),
          ("optimizer_tuning_no_decay", 0.497, 0.9975, 0.006), ("attn_counting_last_layer", 0.717, 0.9994, -0.432),
          ("attn_correcting_warmup", 0.622, 0.9912, -0.248), ("attn_cosine_decay", 0.577, 0.9969, -0.156),
          ("attn_optimizer_tuning", 0.505, 0.9949, -0.008), ("kaplan_count_tuned", 0.711, 0.9961, -0.416)]


@pytest.mark.parametrize(("setting", "a", "fraction", "ratio"), PORIAN)
def test_porian_s_exponents_to_three_digits(setting: str, a: float, fraction: float, ratio: float) -> None:
    """The line weighted with the bootstrap's doubt; R2 is that of the logarithms, without weights.

    The printed exponent of tokens per parameter is not 1 - 2a of the same line: it is that of a line without
    weights (for Kaplan's set-up -0.668, against -0.671 with weights).
    """
    rows = [row for row in rows_of("porian-refinedweb/optimal.csv") if row["setting"] == setting
            and row["log_N_opt_std"]]
    runs = RunTable.of(compute=column(rows, "flops"), params=column(rows, "N_opt"))
    found = fit("optimal_params", runs, loss="log_squares", bootstrap=0,
                noise=column(rows, "log_N_opt_std") * runs["params"])   # of N_opt, not of its logarithm
    assert found.law.coefficients["a"] == pytest.approx(a, abs=5e-4)
    assert r_squared(np.log(runs["params"]), np.log(found.law.at(runs.quantities))) == pytest.approx(
        fraction, abs=5e-5)
    plain = fit("optimal_params", runs, loss="log_squares", bootstrap=0).law.coefficients["a"]
    assert 1 - 2 * plain == pytest.approx(ratio, abs=5e-4)


# Column, then actual, predicted, relative error and mean error of the fit as printed.
OLMO = [("loss_c4_en", 2.4379, 2.3444, -0.0383, 0.0025), ("bpb_mmlu_avg_test", 0.7488, 0.7502, 0.0018, 0.0046),
        ("bpb_hellaswag_val", 0.6609, 0.6532, -0.0117, 0.0026),
        ("bpb_arc_challenge_test", 0.7157, 0.7833, 0.0944, 0.0048),
        ("bpb_arc_easy_test", 0.5114, 0.5931, 0.1598, 0.0118), ("bpb_piqa_val", 0.8988, 0.8748, -0.0267, 0.0031),
        ("bpb_csqa_val", 0.8116, 0.6617, -0.1846, 0.0105), ("bpb_socialiqa_val", 0.9569, 0.9916, 0.0363, 0.0054),
        ("bpb_openbookqa_test", 1.2632, 1.2750, 0.0093, 0.0059)]


class TestOlmoLadder:
    """Bhagia et al. 2024: 16 small runs predict the losses of 13B parameters at 5T tokens, to every digit."""

    MODELS, TIMES = ("190M", "370M", "760M", "1B"), (1, 2, 5, 10)

    def run(self, series: str) -> list[dict[str, str]]:
        """The logged points of a run in their order."""
        rows = (row for row in rows_of("olmo-ladder/evals.csv.gz") if row["series"] == series)
        return sorted(rows, key=lambda row: float(row["step"]))

    def last(self, series: str, name: str) -> tuple[float, float, float]:
        """Size and tokens at the end of a run, and the mean of its last five points."""
        run = self.run(series)
        return float(run[-1]["N"]), float(run[-1]["D"]), float(column(run[-5:], name).mean())

    def ladder(self, name: str) -> Array:
        """Sizes, tokens and losses of the 16 runs of the ladder."""
        return np.array([self.last(f"{model}-{times}xC", name) for model in self.MODELS for times in self.TIMES]).T

    @pytest.mark.parametrize(("name", "actual", "predicted", "error", "fit_error"), OLMO)
    def test_step_one(self, name: str, actual: float, predicted: float, error: float, fit_error: float) -> None:
        size, tokens, loss = self.ladder(name)
        found = fit("chinchilla", RunTable.of(params=size, tokens=tokens, loss=loss), bootstrap=0)
        params, seen, target = self.last("peteish13_eval_final", name)
        ours = found.law(params=params, tokens=seen)
        assert target == pytest.approx(actual, abs=5e-5)
        assert ours == pytest.approx(predicted, abs=5e-5)
        assert ours / target - 1 == pytest.approx(error, abs=5e-5)
        assert np.abs(found.law.at({"params": size, "tokens": tokens}) / loss - 1).mean() == pytest.approx(
            fit_error, abs=5e-5)

    def test_coefficients_for_c4(self) -> None:
        """The collector's, on the same 16 points; log B and beta differ by one in the last digit."""
        size, tokens, loss = self.ladder("loss_c4_en")
        found = fit("chinchilla", RunTable.of(params=size, tokens=tokens, loss=loss), bootstrap=0).law.coefficients
        assert found["alpha"] == pytest.approx(0.1036, abs=5e-5)
        assert np.log([found["A"], found["E"]]) == pytest.approx([2.524, -0.068], abs=5e-4)
        assert np.log(found["B"]) == pytest.approx(3.510, abs=1e-3)     # ours: 3.5109
        assert found["beta"] == pytest.approx(0.1619, abs=1e-4)         # ours: 0.16197

    @pytest.mark.parametrize(("task", "printed", "chained"), [
        ("mmlu_avg_test", 0.5138, 0.5127), ("arc_challenge_test", 0.6030, 0.5267), ("arc_easy_test", 0.8194, 0.7724),
        ("csqa_val", 0.7173, 0.7761)])
    def test_step_two_and_the_chain(self, task: str, printed: float, chained: float) -> None:
        """Given the true task loss, and given that of step one: four of the eight tasks, to keep the test short.

        Beside the stated recipe the authors' program adds one point, accuracy 1 at no loss, and keeps the upper
        end at most 1; with the runs alone MMLU would have 0.4575 in place of 0.5138.
        """
        size, tokens, loss = self.ladder(f"bpb_{task}")
        first = fit("chinchilla", RunTable.of(params=size, tokens=tokens, loss=loss), bootstrap=0).law
        params, seen, target = self.last("peteish13_eval_final", f"bpb_{task}")
        second = self.accuracy(task)
        assert second(bpb=target) == pytest.approx(printed, abs=5e-5)
        assert second(bpb=first(params=params, tokens=seen)) == pytest.approx(chained, abs=5e-5)

    def test_step_two_of_hellaswag_is_not_reproduced(self) -> None:
        """Printed 0.8416, where the recipe that gives the other tasks to the digit gives 0.8443."""
        target = self.last("peteish13_eval_final", "bpb_hellaswag_val")[2]
        assert self.accuracy("hellaswag_val")(bpb=target) == pytest.approx(0.8443, abs=5e-5)

    def accuracy(self, task: str) -> Law:
        """Accuracy against task loss: every run without its first tenth, both averaged over up to five points."""
        bits, accuracy = [np.array([1e-6])], [np.array([1.0])]
        for run in (self.run(f"{model}-{times}xC") for model in self.MODELS for times in self.TIMES):
            kept = run[int(np.ceil(len(run) / 10)):]
            for points, name in ((bits, "bpb"), (accuracy, "acc")):
                values = column(kept, f"{name}_{task}")
                points.append(np.array([values[max(0, i - 4):i + 1].mean() for i in range(len(values))]))
        form = formula("acc = top - drop / (1 + exp(k*(L0 - bpb)))", inputs=["bpb"], positive=False,
                       limits={"top": (0.0, 1.0), "drop": (0.0, 1.0), "k": (0.0, 100.0)})
        table = RunTable.from_columns({"bpb": np.concatenate(bits), "acc": np.concatenate(accuracy)})
        return fit(form, table, loss="squares", bootstrap=0).law


@pytest.mark.parametrize(("task", "score", "wit", "points", "exponent", "coefficient", "paper"), [
    ("imagenet1k", "acc1", False, 10, -0.1110, 58.76, -0.11), ("imagenet1k", "acc1", True, 3, -0.1638, 690.5, -0.16),
    ("mscoco_captions", "image_recall5", False, 13, -0.0821, 16.37, -0.08),
    ("mscoco_captions", "image_recall5", True, 3, -0.0508, 4.548, -0.05)])
def test_openclip_s_pareto_fronts(task: str, score: str, wit: bool, points: int, exponent: float, coefficient: float,
                                  paper: float) -> None:
    rows = [row for row in rows_of("openclip/zeroshot.csv.gz")
            if row["downstream_dataset"] == task and (row["upstream_dataset"] == "CLIP-WIT") == wit]
    compute, error = column(rows, "gmacs_total") * 1e9, 1 - column(rows, score)
    order = np.lexsort((error, compute))
    compute, error = compute[order], error[order]
    front = np.diff(np.minimum.accumulate(np.append(np.inf, error))) < 0
    table = RunTable.of(compute=compute[front], error=error[front])
    found = fit(formula("beta*compute**-alpha", output="error"), table, loss="log_squares", bootstrap=0).law
    assert len(table) == points
    assert -found.coefficients["alpha"] == pytest.approx(exponent, abs=5e-5)
    assert -found.coefficients["alpha"] == pytest.approx(paper, abs=5e-3)
    assert found.coefficients["beta"] == pytest.approx(coefficient, rel=2e-4)


class TestXlstm:
    """Beck et al. 2025: the Transformer's isoFLOP curves, at four of the paper's five budgets."""

    def runs(self) -> RunTable:
        rows = rows_of("xlstm-isoflops/runs.csv")
        return RunTable.of(params=column(rows, "N"), tokens=column(rows, "D"), loss=column(rows, "val_loss"),
                           compute=column(rows, "C_nominal"))

    def test_slopes_of_the_windowed_parabolas(self) -> None:
        """The paper's 0.575 and 0.424 need a budget that is not here; these four give 0.572 and 0.427."""
        runs = self.runs()
        compute, loss = runs["compute"], runs["loss"]
        near = np.array([y <= loss[compute == c].min() + 0.12 for c, y in zip(compute, loss, strict=True)])
        size = reading(runs.take(near), "parabola").params_exponent
        # The same parabola drawn over tokens: they stand where the reading expects sizes.
        tokens = reading(RunTable.of(params=runs["tokens"][near], loss=loss[near], compute=compute[near]), "parabola")
        assert size.value == pytest.approx(0.572, abs=5e-4)
        assert tokens.params_exponent.value == pytest.approx(0.427, abs=5e-4)

    def test_parabolas_through_whole_curves_agree_with_the_paper_within_their_doubt(self) -> None:
        found = reading(self.runs(), "parabola")
        assert found.params_exponent.low < 0.575 < found.params_exponent.high
        assert found.tokens_exponent.low < 0.424 < found.tokens_exponent.high

    def test_an_exponent_about_both_terms_fits_better(self) -> None:
        """As the paper says of its wider range: objective 4.86e-4 with gamma 0.66, against 5.73e-4 with gamma 1."""
        runs = self.runs()
        one = fit("chinchilla", runs, bootstrap=0)
        free = fit(formula("E + (A*params**-alpha + B*tokens**-beta)**gamma"), runs, bootstrap=0)
        assert one.objective["value"] == pytest.approx(5.73e-4, abs=5e-7)
        assert free.objective["value"] <= 4.86e-4
        assert free.law.coefficients["gamma"] == pytest.approx(0.655, abs=5e-3)


class TestRectified:
    """Lin et al. 2024: the errors of 30 models on FLAN, each at least as low as the published one."""

    def tables(self) -> list[tuple[dict[str, str], RunTable]]:
        rows = [row for row in rows_of("rectified-finetuning/curves.csv") if float(row["D_sft"]) >= 200]
        published = rows_of("rectified-finetuning/published_rmsd.csv")
        mine = [[row for row in rows if row["model"] == one["model"]] for one in published]
        return [(one, RunTable.of(finetune_tokens=column(some, "D_sft"), loss=column(some, "loss")))
                for one, some in zip(published, mine, strict=True)]

    def error(self, form: str | Law, runs: RunTable) -> float:
        return float(np.sqrt(np.mean(fit(form, runs, loss="log_squares", bootstrap=0).residuals ** 2)))

    def test_the_rectified_law(self) -> None:
        """Printed mean 0.00648; the optima have 0.00640."""
        pairs = [(self.error("rectified", runs), float(one["rmsd_rectified"])) for one, runs in self.tables()]
        assert np.mean([theirs for _, theirs in pairs]) == pytest.approx(0.00648, abs=5e-6)
        assert len(pairs) == 30
        assert all(ours <= theirs + 5e-10 for ours, theirs in pairs)
        assert np.mean([ours for ours, _ in pairs]) == pytest.approx(0.00640, abs=5e-6)

    def test_the_plain_law(self) -> None:
        """Printed mean 0.03583; the optima have 0.03487 though one published error, 0.0114, is out of their reach.

        That one (BART large CNN) is below every (A / D**alpha + B)**beta with B not negative, whose best is 0.0277;
        with a negative B, under which the loss is 0 at a finite amount of data, the form reaches 0.0092.
        """
        plain = formula("(A*finetune_tokens**-alpha + B)**beta")
        above, ours = [], []
        for one, runs in self.tables():
            ours.append(self.error(plain, runs))
            if ours[-1] > float(one["rmsd_vanilla"]):
                above.append((one["model"], ours[-1], runs))
        assert np.mean(ours) == pytest.approx(0.03487, abs=5e-6)
        ((model, best, runs),) = above
        assert model == "facebook/bart-large-cnn"
        assert best == pytest.approx(0.0277, abs=5e-5)
        negative = formula("(A*(finetune_tokens**-alpha - c*2e6**-alpha))**beta", limits={"c": (0.0, 1.0)})
        assert self.error(negative, runs) == pytest.approx(0.0092, abs=5e-5)


def test_bimix_over_the_domains_of_the_pile() -> None:
    """The collector's mean R2 of 0.9430, worst on BookCorpus2: the most that the form has, so not the paper's 0.97."""
    rows = rows_of("bimix/losses.csv")
    found = {}
    for domain in sorted({row["domain"] for row in rows}):
        some = [row for row in rows if row["domain"] == domain]
        runs = RunTable.from_columns({"mixture.domain": column(some, "proportion"), "steps": column(some, "step"),
                                      "loss": column(some, "loss")})
        best = fit("bimix", runs, loss="squares", bootstrap=0).law
        found[domain] = r_squared(runs["loss"], best.at(runs.quantities))
    assert len(found) == 22
    assert np.mean(list(found.values())) == pytest.approx(0.9430, abs=5e-5)
    assert min(found, key=found.__getitem__) == "BookCorpus2"
    assert found["BookCorpus2"] == pytest.approx(0.7183, abs=5e-5)
