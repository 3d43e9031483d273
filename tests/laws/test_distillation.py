"""Distillation: the capacity gap, and the supervised law inside the student's."""

from __future__ import annotations

import pytest

from lawful.laws import registry
from lawful.laws.distillation import DistillationLoss

STUDENT = registry.law("busbridge2025_distillation").law
TAUGHT = registry.law("busbridge2025_distillation:taught").law
ALONE = registry.law("busbridge2025_distillation:supervised").law


def test_the_student_holds_the_constants_of_the_supervised_law() -> None:
    assert isinstance(STUDENT, DistillationLoss)
    assert {name: STUDENT.settings[name] for name in ALONE.names()} == ALONE.coefficients


def test_too_strong_a_teacher_makes_a_worse_student() -> None:
    at = {"params": 2e8, "tokens": 1e11}
    losses = [STUDENT(teacher_loss=1.6 + 0.02 * i, **at) for i in range(90)]
    best = losses.index(min(losses))
    assert 0 < best < len(losses) - 1
    assert losses[:best] == sorted(losses[:best], reverse=True)


def test_a_weak_teacher_is_followed() -> None:
    weak = 2.0 * ALONE(params=1e9, tokens=1e11)
    assert STUDENT(params=1e9, tokens=1e11, teacher_loss=weak) == pytest.approx(weak)


def test_a_good_teacher_beats_none() -> None:
    at = {"params": 1e9, "tokens": 2e10}
    assert STUDENT(teacher_loss=2.0, **at) < ALONE(**at)


def test_a_teacher_of_given_size_and_data_teaches_as_one_of_its_loss() -> None:
    own = float(ALONE(params=3e9, tokens=6e10))
    taught = TAUGHT(params=1e9, tokens=1e11, teacher_params=3e9, teacher_tokens=6e10)
    assert taught == pytest.approx(STUDENT(params=1e9, tokens=1e11, teacher_loss=own), rel=1e-14)
    assert {**TAUGHT.coefficients, **TAUGHT.settings} == {**STUDENT.coefficients, **STUDENT.settings}


def test_without_a_teacher_compute_splits_as_printed() -> None:
    a, b = ALONE.allocation_exponents()
    assert (float(a), float(b)) == pytest.approx((0.513, 0.486), abs=2e-3)


def test_ensembles_are_a_floored_power_of_their_members() -> None:
    law = registry.form("lobacheva2020_ensembles")
    assert law.inputs == ("members",)
    assert law(members=1.0) == pytest.approx(law.coefficients["c"] + law.coefficients["a"])
