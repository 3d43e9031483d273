"""The laws that plans rest on: a fit or an entry of the catalogue, what it is called, and where it stops holding."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt

from lawful.errors import LawError
from lawful.fit import Fit, forecast
from lawful.laws.published import Published
from lawful.results import Caveat, once
from lawful.validate.question import question_caveats

LawLike = Fit | Published
"""What can be planned with: a fit, or a law of the catalogue."""


def law_name(law: LawLike) -> str:
    """What a law is called in an answer."""
    return law.key if isinstance(law, Published) else f"{law.law.form} fitted to {law.source}"


def coefficient_rows(law: LawLike) -> npt.NDArray[np.float64]:
    """The coefficients of ``law``, then those of its draws where it has some, ``(row, coefficient)``."""
    own = np.array([list(law.law.coefficients.values())], dtype=float)
    return np.concatenate([own, law.draws]) if isinstance(law, Fit) and len(law.draws) else own


def of_params_and_tokens(law: LawLike, question: str, beside: Collection[str] = (), loss: bool = False) -> None:
    """Raises ``LawError`` for a law not of params, tokens and what is ``beside`` them, or of another outcome than loss.

    The outcome is asked for with ``loss`` alone.
    """
    if set(law.law.inputs) - set(beside) != {"params", "tokens"} or (loss and law.law.output.name != "loss"):
        raise LawError(f"{law.law.form} gives {law.law.output.name} from {', '.join(law.law.inputs)}: {question} is "
                       f"asked of a law of {'loss from ' if loss else ''}params and tokens")


def law_caveats(law: LawLike, at: Mapping[str, float]) -> tuple[Caveat, ...]:
    """Where ``law`` stops holding, asked at the quantities ``at``: its reach, its known failures, how it counts."""
    asked = {name: at[name] for name in law.law.inputs}
    return once((*forecast(law, asked).warnings, *question_caveats(law, asked)))
