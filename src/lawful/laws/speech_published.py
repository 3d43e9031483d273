"""Speech, audio, proteins, genomes and health records: what is published of them."""

from __future__ import annotations

from lawful.laws.base import Region
from lawful.laws.published import Check, Failure, Fittable, Published, Source
from lawful.laws.speech import AcousticLoss
from lawful.laws.theory import Growth
from lawful.laws.transfer import FloorPowerError

Fittable(
    key="droppo2021_acoustic",
    title="Joint law of size, hours of speech and an irreducible loss",
    law=AcousticLoss(L_inf=0.3, N_C=1.0, alpha_N=0.1, D_C=1.0, alpha_D=0.1, alpha=0.1),
    source=Source("2106.09488", "section 2", "Droppo & Elibol", 2021, "Scaling Laws for Acoustic Models"),
    category="speech_other",
    questions=(8,),
    failures=(
        Failure("It holds over two decades of size and data, 4e5 to 2e7 params and 100 to 20,000 hours", "2106.09488"),
    ),
    notes="The form is quoted from memory; the abstract confirms that size, data and irreducible loss are fitted "
          "jointly. Epoch's literature review copies L_inf = 0.316, 0.41 N**-0.016 and 0.37 D**-0.019 for the "
          "Transformer, which does not say how the terms combine, so no coefficients are given. The loss is the "
          "distance of predicted filterbank features, of 23,000 hours of English voice commands.",
)

Fittable(
    key="owls2025_speech:params",
    title="Word error rate against params",
    law=FloorPowerError(a=1.0, alpha=0.3, c=0.05, over="params"),
    source=Source("2502.10373", "section 4", "Chen et al.", 2025,
                  "OWLS: Scaling Laws for Multilingual Speech Recognition and Translation Models"),
    category="speech_other",
    questions=(8,),
    failures=(
        Failure("Word error rate can exceed 1, and not every language follows the curve", "2502.10373"),
    ),
    notes="The form is quoted from memory, one fit a language; no coefficients could be confirmed. 13 models of 2.5e8 "
          "to 1.8e10 params, up to 3.6e5 hours in 150 languages; the paper fits data and compute in the same way.",
)

Fittable(
    key="owls2025_speech:hours",
    title="Word error rate against hours of speech",
    law=FloorPowerError(a=1.0, alpha=0.3, c=0.05, over="audio_hours"),
    source=Source("2502.10373", "section 4", "Chen et al.", 2025,
                  "OWLS: Scaling Laws for Multilingual Speech Recognition and Translation Models"),
    category="speech_other",
    questions=(8,),
    notes="See owls2025_speech:params.",
)


# ------------------------------------------------------------- exponents of compute-optimal allocation

_COMPILED = ("Approach 2 (parabolas over isoFLOP sweeps). Exponents as copied in a public compilation, not seen in the "
             "paper; no prefactor.")


def _allocation(key: str, source: Source, what: str, a: float, b: float, at_ten: tuple[str, str],
                questions: tuple[int, ...], notes: str) -> None:
    """The two entries of an allocation: how params and tokens grow with compute."""
    for of, exponent, printed in (("params", a, at_ten[0]), ("tokens", b, at_ten[1])):
        Published(
            key=f"{key}_{of}" if ":" in key else f"{key}:{of}",
            title=f"Compute-optimal {of}: {what}",
            law=Growth(a=exponent, of=of, per="compute"),
            source=source,
            category="speech_other",
            questions=questions,
            region=Region(),
            region_note="budgets not quoted",
            checks=(Check({"scale_up": 10.0}, printed, "worked by hand from the printed coefficients"),),
            failures=(Failure("Params and tokens are fitted apart, so their exponents need not add up to 1",
                              source.arxiv),),
            notes=f"{_COMPILED} {notes}",
        )


_allocation("openathena2026_audio_soda",
            Source("2602.16687", "figure 4", "OpenAthena et al.", 2026, "Scaling Open Discrete Audio Foundation Models "
                   "with Interleaved Semantic, Acoustic, and Text Tokens"),
            "interleaved audio and text tokens", 0.367, 0.579, ("2.3281", "3.7931"), (8,),
            "Tokens grow faster than params.")

_CHENG = Source("bioRxiv 2024.06.06.597716", "section 3", "Cheng et al.", 2024,
                "Training Compute-Optimal Protein Language Models")
_allocation("cheng2024_protein:clm", _CHENG, "proteins, causal", 0.578, 0.422, ("3.7844", "2.6424"), (2,),
            "1.94e11 tokens of UniRef and ColabFold. The objective changes the allocation.")
_allocation("cheng2024_protein:mlm", _CHENG, "proteins, masked", 0.776, 0.230, ("5.9704", "1.6982"), (2,),
            "1.94e11 tokens of UniRef and ColabFold. The objective changes the allocation.")

_EVO = Source("bioRxiv 2024.02.27.582234", "figure S5", "Nguyen et al.", 2024,
              "Sequence modeling and design from molecular to genome scale with Evo")
_EVO_NOTE = "DNA, byte by byte; read off the figure by the compilers. Which architecture is best depends on the domain."
_allocation("nguyen2024_evo:striped_hyena", _EVO, "DNA, StripedHyena", 0.483, 0.539, ("3.0409", "3.4594"), (2,),
            _EVO_NOTE)
_allocation("nguyen2024_evo:transformer_pp", _EVO, "DNA, Transformer++", 0.552, 0.551, ("3.5645", "3.5563"), (2,),
            _EVO_NOTE)
_allocation("nguyen2024_evo:mamba", _EVO, "DNA, Mamba", 0.388, 0.487, ("2.4434", "3.0690"), (2,), _EVO_NOTE)
_allocation("nguyen2024_evo:hyena", _EVO, "DNA, Hyena", 0.504, 0.499, ("3.1915", "3.1550"), (2,), _EVO_NOTE)

_allocation("ehr2025",
            Source("2505.22964", "figure 1", "Microsoft Research and the University of Southern California", 2025,
                   "Exploring Scaling Laws for EHR Foundation Models"),
            "health records", 0.58, 0.44, ("3.8019", "2.7542"), (8,), "Tokens are events of health records.")
