"""Which finding comes of which: the order in which a diagnosis tells them.

``FOLLOWS`` is data: for each cause, the findings that it brings about by itself. Tokens in billions are smaller than
params, so that ``swapped`` follows from ``units``; a group that lies apart widens the scatter until exponents blur, so
that ``not_identified`` follows from ``group_offset``. A finding whose cause is there too keeps its severity, names the
cause, and is told after it: who mends the cause may find it gone. A cause counts as serious as what follows from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from lawful.validate.findings import Finding, Severity

MISFIT = frozenset({"outliers", "trend", "not_identified", "curvature", "break"})
"""What any runs that the law cannot describe leave behind."""

SHAPES = frozenset({"curvature", "break", "u_shape", "saturation_low", "saturation_high"})

SCATTER = frozenset({"under_tuned", "two_groups", "diverged"}) | MISFIT
"""What runs leave behind that lie on either side of the law in a way that scale does not tell."""

FITTED = SHAPES | SCATTER | {"few_runs", "group_offset", "selected"}
"""What the law shows that was fitted: worth nothing where a column is not what it is called."""

KINDS = ("vocabulary_change", "modalities", "experts", "pruned_weights", "precision_change", "retrieval", "distilled",
         "architecture_change", "context_change", "data_change", "optimizer_change", "embedding_share",
         "repeated_data", "long_warmup", "large_batch", "one_learning_rate")
"""Known failure modes that a column gives away (``lawful.validate.modes``): runs of other kinds than the law's."""

FOLLOWS: Mapping[str, frozenset[str]] = {
    # columns that are not what they are called
    "units": frozenset({"swapped", "ratio", "compute_convention", "mixed_conventions"}) | FITTED,
    "accuracy_as_loss": frozenset({"loss_rises", "emergent"}) | FITTED,
    "swapped": frozenset({"ratio"}) | FITTED,
    # rows that are not runs of one kind
    "duplicates": frozenset({"repeats"}),
    "checkpoints": frozenset({"unfinished_schedule", "group_offset", "repeats"}) | SHAPES | SCATTER,
    "unfinished_schedule": SHAPES | SCATTER,
    "mixed_schedules": frozenset({"group_offset", "two_groups"}),
    "mixed_conventions": frozenset({"group_offset", "two_groups", "compute_convention", "break", "curvature", "trend"}),
    **dict.fromkeys(KINDS, frozenset({"group_offset", "compute_convention", "ratio"}) | SHAPES | SCATTER),
    "grid_edge": frozenset({"repeats", "saturation_low", "saturation_high", "u_shape"}) | SCATTER,
    # designs
    "fixed_ratio": frozenset({"frontier_only", "narrow_range", "not_identified"}),
    "frontier_only": frozenset({"not_identified"}),
    "narrow_range": frozenset({"not_identified"}),
    # the outcome
    "emergent": FITTED - {"few_runs", "selected"},
    "group_offset": SHAPES | SCATTER,
    "u_shape": frozenset({"loss_rises"}) | SCATTER,
    "saturation_low": SCATTER,
    "saturation_high": SCATTER,
    "break": SCATTER - {"curvature", "break"},
    "curvature": SCATTER - {"curvature", "break"},
    "two_groups": frozenset({"under_tuned", "diverged", "outliers", "trend", "not_identified"}),
    "under_tuned": frozenset({"diverged", "outliers", "trend", "not_identified"}),
    "diverged": frozenset({"outliers", "not_identified"}),
    "outliers": frozenset({"not_identified"}),
    "trend": frozenset({"not_identified"}),
}
"""Cause -> consequences, the most basic causes first; no finding follows from itself by any way round."""


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, causes before consequences, otherwise the most serious first and then the most basic.

    Each consequence names in ``follows`` the most basic cause that is there, and stands behind it. A note explains
    nothing.
    """
    found = list(findings)
    present = {f.code for f in found}
    explaining = {f.code for f in found if f.severity is not Severity.NOTE}
    causes = {f.code: next((c for c in FOLLOWS if c in explaining and f.code in FOLLOWS[c]), "") for f in found}
    severity = list(Severity)
    rank = {code: i for i, code in enumerate(FOLLOWS)}

    def worst(code: str) -> int:
        own = [severity.index(f.severity) for f in found if f.code == code]
        return min([*own, *(worst(c) for c in present if causes[c] == code)])

    def told(cause: str) -> Iterator[Finding]:
        group = [f for f in found if causes[f.code] == cause]
        group.sort(key=lambda f: (worst(f.code), rank.get(f.code, len(rank)), severity.index(f.severity)))
        for i, f in enumerate(group):
            yield replace(f, follows=cause)
            if all(other.code != f.code for other in group[i + 1 :]):
                yield from told(f.code)

    return tuple(told(""))
