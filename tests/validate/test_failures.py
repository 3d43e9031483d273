"""Known failure modes: each is found by its name where a table shows it, and harmless columns say nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import TRUTH, isoflop_design, simulate
from lawful.fit import Fit, fit
from lawful.laws import law
from lawful.runs import RunTable
from lawful.validate import Finding, Severity, diagnose
from lawful.validate.failures import FAILURE_CHECKS
from lawful.validate.modes import MODES
from lawful.validate.question import question_caveats

DOCS = Path(__file__).parents[2] / "docs"
N = 48


def table(mapping: dict[str, str] | None = None, **columns: object) -> RunTable:
    """The clean simulated runs with ``columns`` beside them, or in place of theirs."""
    runs = simulate()
    own = {name: runs[name] for name in ("params", "tokens", "loss")}
    return RunTable.from_columns({k: v for k, v in {**own, **columns}.items() if v is not None},  # type: ignore[arg-type]
                                 mapping=mapping)


def found(runs: RunTable, form: str = "chinchilla") -> dict[str, Finding]:
    fitted = fit(form, runs, bootstrap=0)
    return {f.code: f for check in FAILURE_CHECKS for f in check(fitted, runs)}


def cycle(*values: object) -> np.ndarray:
    return np.resize(np.array(values), N)


RUNS = simulate()
STEPS = RUNS["tokens"] / 524288
TABLE = 47491 * 10 ** (2 / 3) * RUNS["params"] ** (1 / 3)  # the embeddings of models a tenth of the size, times ten

SEEN: dict[str, tuple[str, dict[str, object]]] = {
    "experts": ("experts", {"num_experts": cycle(1, 8, 64)}),
    "dense and sparse counts": ("experts", {"active_params": RUNS["params"] / cycle(1, 4)}),
    "experts where empty is dense": ("experts", {"num_experts": cycle("", "8")}),
    "pruned": ("pruned_weights", {"sparsity": cycle(0.0, 0.5, 0.75)}),
    "bits": ("precision_change", {"w_bits": cycle(16, 4)}),
    "number format": ("precision_change", {"dtype": cycle("bf16", "fp8")}),
    "datastore": ("retrieval", {"datastore_tokens": cycle(0, 1e9)}),
    "teacher": ("distilled", {"teacher": cycle("", "7B")}),
    "context": ("context_change", {"seq_len": cycle(1024, 8192)}),
    "architecture": ("architecture_change", {"arch": cycle("transformer", "mamba")}),
    "tokenizer": ("vocabulary_change", {"tokenizer": cycle("gpt2", "llama3")}),
    "vocabulary": ("vocabulary_change", {"vocab_size": cycle(32000, 128256)}),
    "corpus": ("data_change", {"corpus": cycle("c4", "pile", "code")}),
    "mixture": ("data_change", {"mixture.code": cycle(0.1, 0.5), "mixture.web": cycle(0.9, 0.5)}),
    "modality": ("modalities", {"modality": cycle("text", "image")}),
    "optimizer": ("optimizer_change", {"optimizer": cycle("adamw", "muon")}),
    "a header of several words": ("data_change", {"train_dataset_name": cycle("c4", "pile")}),
    "passes": ("repeated_data", {"unique_tokens": np.full(N, RUNS["tokens"].max() / 20)}),
    "epochs": ("repeated_data", {"epochs": cycle(1, 2, 10)}),
    "warm-up by steps": ("long_warmup", {"warmup_steps": np.full(N, 0.6 * STEPS.min()), "steps": STEPS}),
    "warm-up by batch": ("long_warmup", {"warmup_steps": np.full(N, 2.4 * STEPS.min()),
                                         "batch_tokens": np.full(N, 131072)}),
    "warm-up by tokens": ("long_warmup", {"warmup_tokens": np.full(N, 0.6 * RUNS["tokens"].min())}),
    "warm-up by share": ("long_warmup", {"warmup_ratio": cycle(0.01, 0.5)}),
    "one rate": ("one_learning_rate", {"lr": np.full(N, 3e-4)}),
    "batch": ("large_batch", {"batch_tokens": np.full(N, 2**24)}),
    "count without embeddings": ("embedding_share", {
        "params": None, "n_nonemb": RUNS["params"] / 10, "total_params": RUNS["params"] / 10 + TABLE / 10}),
    "shapes": ("shape_change", {"width": cycle(512, 1024, 4096), "depth": cycle(64, 12, 6)}),
}


@pytest.mark.parametrize("name", SEEN)
def test_each_mode_is_seen_with_evidence_and_papers(name: str) -> None:
    code, columns = SEEN[name]
    seen = found(table(**columns))
    assert code in seen, list(seen)
    assert set(seen) <= {code, "small_models"}
    finding = seen[code]
    assert finding.evidence
    assert finding.action
    assert any("arXiv:" in source for source in finding.sources)
    assert finding.severity is (Severity.NOTE if code == "shape_change" else Severity.CAUTION)


HARMLESS: dict[str, dict[str, object]] = {
    "dense": {"num_experts": np.ones(N)},
    "as many active as all": {"active_params": RUNS["params"]},
    "16 bits": {"weight_bits": np.full(N, 16), "dtype": cycle("bf16")},
    "not pruned": {"sparsity": np.zeros(N), "density": np.ones(N)},
    "one of each": {"corpus": cycle("c4"), "tokenizer": cycle("gpt2"), "optimizer": cycle("adamw"),
                    "arch": cycle("gpt")},
    "a corpus that some rows do not name": {"corpus": cycle("c4", "")},
    "one context": {"context": np.full(N, 2048), "vocab_size": np.full(N, 32000)},
    "data enough": {"unique_tokens": np.full(N, 2 * RUNS["tokens"].max())},
    "one pass": {"epochs": np.ones(N)},
    "a pass, rounded": {"unique_tokens": RUNS["tokens"] * 0.95},
    "short warm-up": {"warmup_steps": 0.01 * STEPS, "steps": STEPS},
    "the same long share in all": {"warmup_ratio": np.full(N, 0.3)},
    "rates by size": {"lr": 1e-3 * (RUNS["params"] / 1e8) ** -0.3},
    "one rate under a parametrization": {"lr": np.full(N, 3e-4), "parametrization": cycle("muP")},
    "small batches": {"batch_tokens": np.full(N, 2**17)},
    "arch names the size": {"arch": np.array([f"gpt-{n:.3g}" for n in RUNS["params"]])},
    "one shape": {"width": (RUNS["params"] / 4e4) ** (1 / 3) * 32, "depth": (RUNS["params"] / 4e4) ** (1 / 3)},
    "data sets of evaluation": {"eval_dataset": cycle("c4", "pile"), "val_corpus": cycle("a", "b")},
    "a number beside a telling word": {"dataset_shards": cycle(3, 4), "data_seed": cycle(0, 1)},
    "words in the warm-up": {"warmup": cycle("linear")},
}


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_columns_give_no_finding_above_a_note(name: str) -> None:
    assert [f.code for f in found(table(**HARMLESS[name])).values() if f.severity is not Severity.NOTE] == []


def test_a_few_passes_are_a_note() -> None:
    finding = found(table(unique_tokens=np.full(N, RUNS["tokens"].max() / 3)))["repeated_data"]
    assert finding.severity is Severity.NOTE
    assert "3 passes" in finding.evidence


def test_what_repeats_are_worth_is_the_published_law() -> None:
    passes = 20.0
    finding = found(table(unique_tokens=np.full(N, RUNS["tokens"].max() / passes)))["repeated_data"]
    decay = 15.387756  # Muennighoff et al. 2023, R_D*
    worth = (1 + decay * (1 - np.exp(-(passes - 1) / decay))) / passes
    assert f"{100 * worth:.0f} %" in finding.evidence
    assert set(finding.rows) == set((np.flatnonzero(RUNS["tokens"] > RUNS["tokens"].max() / 5) + 1).tolist())


def test_a_law_that_takes_the_variable_is_not_accused() -> None:
    runs = table(unique_tokens=np.minimum(RUNS["tokens"], RUNS["tokens"].max() / 20))
    assert "repeated_data" in found(runs)
    assert "repeated_data" not in found(runs, "data_constrained")


def test_counting_is_a_note_where_the_law_has_all_params_as_the_papers_advise() -> None:
    without = RUNS["params"] / 10
    seen = found(table(params=without + TABLE / 10, n_nonemb=without))
    assert seen["embedding_share"].severity is Severity.NOTE
    mapped = found(table({"params": "n_nonemb"}, params=None, n_nonemb=without, total_params=without + TABLE / 10))
    assert mapped["embedding_share"].severity is Severity.CAUTION


def test_a_count_without_embeddings_alone_is_judged_by_the_usual_share() -> None:
    small = found(table(params=None, n_nonemb=RUNS["params"] / 10))
    assert "estimated" in small["embedding_share"].evidence
    large = {name: 100 * values for name, values in isoflop_design().items()}
    runs = RunTable.of(n_nonemb=large["params"], tokens=large["tokens"], loss=TRUTH.at(large))
    assert "embedding_share" not in found(runs)


@pytest.mark.parametrize("exponent", [0.7, 1.4])
def test_runs_on_one_frontier_are_found_and_a_fixed_ratio_is_not_called_so(exponent: float) -> None:
    params = np.geomspace(1e7, 1e10, 20)
    tokens = 2e10 * (params / 1e9) ** exponent
    runs = RunTable.of(params=params, tokens=tokens, loss=TRUTH(params, tokens))
    seen = found(runs)["frontier_only"]
    assert seen.severity is Severity.SERIOUS
    assert f"params^{exponent:.2f}" in seen.evidence
    ratio = RunTable.of(params=params, tokens=20 * params, loss=TRUTH(params, 20 * params))
    budget = RunTable.of(params=params, tokens=1e21 / params, loss=TRUTH(params, 1e21 / params))
    assert "frontier_only" not in {**found(ratio), **found(budget)}


def test_columns_of_optima_are_taken_at_their_word() -> None:
    named = table({"params": "N_opt", "tokens": "D_opt"}, params=None, tokens=None, N_opt=RUNS["params"],
                  D_opt=RUNS["tokens"])
    assert found(named)["frontier_only"].severity is Severity.CAUTION
    assert "N_opt, D_opt" in found(named)["frontier_only"].evidence


def test_the_figures_of_the_modes_are_those_of_the_catalogue() -> None:
    before, after = (law(f"porian2024_allocation:{name}").law.coefficients["a"]
                     for name in ("count_head", "short_warmup"))
    assert f"from {before:.2f} to {after:.2f}" in MODES["long_warmup"].why


def test_diagnose_tells_them_with_their_papers() -> None:
    runs = table(tokenizer=cycle("gpt2", "llama3"), loss=RUNS["loss"] * cycle(1.0, 1.05))
    diagnosis = diagnose(runs, bootstrap=20)
    assert diagnosis.findings[0].code == "vocabulary_change"
    assert diagnosis.to_dict()["findings"][0]["sources"] == ["Tao et al. 2024, arXiv:2407.13623"]


# ------------------------------------------------------------------------------------------ the question

@pytest.fixture(scope="module")
def fitted() -> Fit:
    return fit("chinchilla", RUNS, bootstrap=0)


def codes(*arguments: object) -> list[str]:
    return [c.code for c in question_caveats(*arguments)]  # type: ignore[arg-type]


def test_a_plain_question_has_no_caveat(fitted: Fit) -> None:
    assert codes(fitted, {"params": 1e9, "tokens": 2e10}) == []
    assert codes(fitted, {"params": 1e9, "tokens": 2e10}, RUNS) == []
    assert codes(law("hoffmann2022_approach3"), {"params": 1e9, "tokens": 2e10}) == []


def test_more_tokens_than_there_are_is_said(fitted: Fit) -> None:
    runs = table(unique_tokens=np.full(N, 2 * RUNS["tokens"].max()))
    assert codes(fitted, {"params": 1e9, "tokens": RUNS["tokens"].max()}, runs) == []
    (caveat,) = question_caveats(fitted, {"params": 1e9, "tokens": 8 * RUNS["tokens"].max()}, runs)
    assert caveat.code == "repeated_data"
    assert "4 passes" in caveat.message
    assert "arXiv:2305.16264" in caveat.message


def test_a_law_of_small_models_says_so_of_a_large_question() -> None:
    small = fit("chinchilla", RunTable.of(params=RUNS["params"] / 1e3, tokens=RUNS["tokens"], loss=RUNS["loss"]),
                bootstrap=0)
    assert codes(small, {"params": 5e9, "tokens": 1e11}) == ["small_models"]
    assert codes(small, {"params": 1e7, "tokens": 1e11}) == []


def test_the_count_that_the_fit_used_is_said() -> None:
    runs = table(params=None, n_nonemb=RUNS["params"], total_params=1.01 * RUNS["params"])
    assert codes(fit("chinchilla", runs, bootstrap=0), {"params": 1e9, "tokens": 2e10}) == ["params_convention"]


def test_what_the_runs_show_is_said_once_and_notes_are_not(fitted: Fit) -> None:
    runs = table(corpus=cycle("c4", "pile"), unique_tokens=np.full(N, RUNS["tokens"].max() / 3))
    assert codes(fitted, {"params": 1e9, "tokens": 1e9}, runs) == ["data_change"]
    worn = table(unique_tokens=np.full(N, RUNS["tokens"].max() / 30))
    assert codes(fitted, {"params": 1e9, "tokens": 1e12}, worn) == ["repeated_data"]


# ----------------------------------------------------------------------------------------- the catalogue

@pytest.mark.parametrize("code", MODES)
def test_every_mode_is_described_and_sourced(code: str) -> None:
    mode = MODES[code]
    assert mode.code == code
    assert mode.sources, "a mode names who showed it"
    assert all(re.search(r"\d{4}, arXiv:\d{4}\.\d{5}$", source) for source in mode.sources)
    assert mode.why.endswith(".")
    assert not mode.action.endswith(".")
    explained = set(re.findall(r"^\| `(\w+)`", (DOCS / "diagnosing.md").read_text(encoding="utf-8"), re.MULTILINE))
    checked = not mode.hidden and not mode.found_by
    assert (code in explained) or not checked
    assert set(mode.found_by) <= explained


def test_a_mode_that_no_table_shows_has_no_check() -> None:
    shown = {code for code, _ in SEEN.values()} | {"frontier_only", "small_models", "repeated_data"}
    assert shown == {m.code for m in MODES.values() if not m.hidden} - {"decay_mismatch", "thresholded_metric",
                                                                       "ratio_untested"}
    assert replace(MODES["experts"], hidden=True).hidden
