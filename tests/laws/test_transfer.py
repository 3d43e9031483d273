"""Laws of transfer: limits, identities, and the public fine-tuning runs."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from conftest import shared
from lawful.fit import fit
from lawful.laws import entry, law
from lawful.laws.language import KaplanLoss
from lawful.laws.transfer import MultiplicativeFinetuning, RectifiedLoss, TransferLoss, TranslationScore
from lawful.runs import RunTable


def test_a_tenfold_model_is_worth_more_than_tenfold_data():
    """beta 0.38 against alpha 0.18: the paper's reading is that size doubles the exponent of data."""
    one = law("hernandez2021_transfer")
    base = one(params=1e8, finetune_characters=1e7)
    assert one(params=1e9, finetune_characters=1e7) / base == pytest.approx(10**0.38)
    assert one(params=1e8, finetune_characters=1e8) / base == pytest.approx(10**0.18)
    assert one.law.output.unit == "characters"


def test_transfer_loss_is_the_law_from_scratch_at_the_effective_data():
    numbers = {"N_C": 1e13, "alpha_N": 0.08, "D_C": 1e13, "alpha_D": 0.1}
    tuned = TransferLoss(**numbers, k=1.9e4, alpha=0.18, beta=0.38)
    scratch = KaplanLoss(N_c=1e13, alpha_N=0.08, D_c=1e13, alpha_D=0.1)
    transferred = law("hernandez2021_transfer")
    at = {"params": 4e7, "finetune_characters": 3e5}
    assert tuned(**at) == pytest.approx(scratch(4e7, 3e5 + transferred(**at)), rel=1e-12)
    assert tuned(**at) < scratch(4e7, 3e5)


def test_rectified_is_flat_below_the_pre_learned_size_and_a_power_law_above():
    one = RectifiedLoss(E=0.7, B=900.0, D_l=500.0, beta=0.6)
    plain = RectifiedLoss(E=0.7, B=900.0, D_l=1e-12, beta=0.6)
    assert one(1.0) == pytest.approx(0.7 + 900.0 / 501.0)
    assert one(1.0) - one(10.0) < 0.02
    assert one(1e9) == pytest.approx(plain(1e9), rel=1e-3)
    assert one.inputs == ("finetune_tokens",)
    assert one(1e4) > one(1e5), "D_l is a constant of the pair, not a second amount of data"


def test_rectified_fits_the_public_flan_runs_as_well_as_the_paper_says():
    with open(shared("rectified-finetuning/curves.csv"), newline="") as file:
        rows = [r for r in csv.DictReader(file) if float(r["D_sft"]) >= 200]
    errors = []
    for model in ("gpt2", "facebook/opt-350m", "EleutherAI/pythia-160m"):
        mine = [r for r in rows if r["model"].lower().endswith(model.lower().rpartition("/")[2])]
        if len(mine) < 10:
            continue
        table = RunTable.of(finetune_tokens=np.array([float(r["D_sft"]) for r in mine]),
                            loss=np.array([float(r["loss"]) for r in mine]))
        found = fit("rectified", table, bootstrap=0, loss="log_squares")
        errors.append(float(np.sqrt(np.mean(found.residuals**2))))
    assert errors
    assert max(errors) < 0.02, "0.0065 on average over the 30 models"


@pytest.mark.parametrize("over", ["params", "pretrain_tokens", "lora_rank"])
def test_multiplicative_law_over_each_partner(over):
    one = MultiplicativeFinetuning(E=1.1, A=30.0, alpha=0.12, beta=0.05, over=over)
    assert one.inputs == (over, "finetune_tokens")
    assert one(**{over: 8.0, "finetune_tokens": 1e6}) == pytest.approx(1.1 + 30.0 / (8.0**0.12 * 1e6**0.05))


def test_translation_score_is_a_power_of_a_logarithm():
    one = TranslationScore(A=0.5, alpha=0.4, beta=1.3)
    assert one(1e9) == pytest.approx(np.log(0.5 * 1e9**0.4) ** 1.3)


def test_mikami_floor_is_the_transfer_gap():
    gap = entry("mikami2021_synthetic_real").law
    assert gap(1e60) == pytest.approx(gap.c)
    assert gap.inputs == ("images",)
