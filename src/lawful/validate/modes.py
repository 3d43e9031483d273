"""The ways in which scaling laws are known to mislead, as data: what goes wrong, who showed it, what to do.

``MODES`` is the catalogue of criticisms in general; the failures of one published law stand with the law itself
(``Published.failures``). A mode names its papers by their keys in the catalogue of laws, so that a source is written
down once; ``columns`` and ``labels`` are the quantities and the headers by which a table shows it. The checks that
look for the modes are in ``lawful.validate.failures``; those of ``found_by`` stand elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from lawful.laws.published import Source, cited
from lawful.laws.registry import entry
from lawful.validate.findings import Finding, Severity


@dataclass(frozen=True)
class Mode:
    """One way to be misled: ``why`` it misleads, what to do (``action``), and the ``papers`` that showed it.

    ``papers`` are keys of the catalogue, ``others`` sources that it does not hold. ``ordinary`` is the value of
    ``columns`` that laws of dense models take for granted. ``found_by`` names the finding or warning of another
    check that sees it; a mode that no table shows has neither columns nor a check, and says so in the documentation.
    """

    code: str
    title: str
    why: str
    action: str
    papers: tuple[str, ...] = ()
    others: tuple[Source, ...] = ()
    columns: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    ordinary: tuple[float, ...] = ()
    absent: bool = False     # an empty cell says that a run is without it
    found_by: tuple[str, ...] = ()
    hidden: bool = False     # no table of runs shows it

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The papers as text: ``Porian et al. 2024, arXiv:2406.19146``."""
        known = [entry(key).source for key in self.papers]
        return tuple(f"{s.authors} {s.year}, {cited(s.arxiv)}" for s in (*known, *self.others))


_COUNTING = (
    Mode("embedding_share", "Which params are counted changes the exponent",
         "Embeddings are most of a small model and little of a large one, so that N with and without them rise at "
         "different rates: an exponent of 0.5 in total counts reads as 0.74 to 0.78 without embeddings at Kaplan's "
         "sizes. Leaving out the FLOP of the output layer does the same to compute.",
         "fit on the total count (--map params=COLUMN), say which count it is, and convert before comparing or "
         "planning: lawful.laws.conversions.convert_params",
         ("pearce2024_reconciling", "porian2024_allocation")),
    Mode("small_models", "Every model is small",
         "Embeddings, warm-up and batch size weigh most on small models, and what they did to Kaplan's exponent came "
         "from there.",
         "add a few models above 1e8 params before planning far beyond, or plan a check run on the way",
         ("pearce2024_reconciling", "porian2024_allocation")),
    Mode("vocabulary_change", "The tokenizer or vocabulary differs between runs",
         "Loss per token depends on how much text a token holds: a larger vocabulary raises it for an equal model.",
         "compare bits per byte instead (--map loss=bits_per_byte, from the bytes per token), or fit one tokenizer at "
         "a time with --where",
         ("tao2024_vocabulary:approach3",), columns=("vocab_size",), labels=("tokenizer", "vocab", "vocabulary")),
)

_RECIPE = (
    Mode("long_warmup", "Small runs spend much of their steps warming up",
         "A fixed number of warm-up steps is most of a short run and nothing of a long one: it raises the loss of the "
         "small runs alone. Shortening it moved Porian's exponent of the optimal params from 0.71 to 0.60.",
         "warm up for a fixed share of each run (a few per cent), rerun the smallest runs, or leave them out with "
         "--where and say so",
         ("porian2024_allocation",)),
    Mode("decay_mismatch", "The learning rate did not decay over the run's own length",
         "A loss read before the decay ends lies above what the run would have reached: a schedule set for a longer "
         "run makes more data look worth less.",
         "decay over each run's own tokens, or use a constant rate with a short decay at each length; a law of "
         "schedules corrects the rest (lawful curves)",
         ("hoffmann2022_approach1", "porian2024_allocation", "tissue2024_lr_annealing"),
         found_by=("checkpoints", "mixed_schedules", "unfinished_schedule")),
    Mode("one_learning_rate", "One learning rate for all sizes",
         "The best learning rate falls with model size and moves with data: one rate for all is off at one end, and "
         "the loss there is not the size's but the tuning's.",
         "tune the rate at three sizes or more and interpolate (lawful optima), or use a parametrization under which "
         "it carries over and record it in a column",
         ("porian2024_hparams:learning_rate", "steplaw2025:learning_rate", "bjorck2024_lr_horizon")),
    Mode("large_batch", "Batches lie above the critical batch size",
         "Beyond the critical batch more tokens a step buy fewer steps' worth of progress: short runs with a large "
         "batch end above their law.",
         "use smaller batches in the small runs, or leave these out with --where and say so",
         ("kaplan2020_critical_batch", "zhang2024_critical_batch", "mccandlish2018_noise_scale")),
    Mode("optimizer_change", "The optimizer differs between runs",
         "Optimizers and their settings differ in the loss and in how it scales: AdamW's usual beta2 of 0.95 is poor "
         "at the small batches of small runs alone.",
         "fit one optimizer at a time with --where, or compare them at matched sizes (lawful arms)",
         ("porian2024_hparams:learning_rate",), labels=("optimizer", "optim", "optimiser")),
    Mode("frontier_only", "Every run lies on one line of params and tokens",
         "Runs that were kept because they were best, or planned as compute-optimal, vary params and tokens together: "
         "the law between them is not seen, and the luckiest of many runs lie too low.",
         "add the runs off the frontier, losers too: a few times more and fewer tokens per parameter; or fit a law in "
         "compute alone (--form power_law_floor)",
         ("hoffmann2022_approach1", "besiroglu2024_refit")),
)

_DATA = (
    Mode("repeated_data", "Tokens repeat, and the law takes them for new",
         "Up to four passes over the data are nearly as good as new data; beyond, each pass is worth less, and after "
         "some forty hardly anything.",
         "fit a law that knows repeats (--form data_constrained, with the distinct tokens of each run in a column "
         "unique_tokens), or keep the runs of few passes with --where",
         ("muennighoff2023_data_constrained",), columns=("epochs", "unique_tokens")),
    Mode("data_change", "The training data differ between runs",
         "Floor and exponents move with corpus, quality and mixture: one law through several data sets is the law of "
         "none.",
         "fit each with --where, or together with what they share: lawful fit --share alpha beta by=COLUMN",
         ("deepseek2024_allocation:model_scale", "brandfonbrener2024_loss_to_loss", "ye2024_data_mixing:two"),
         columns=("mixture.",), labels=("corpus", "dataset", "data", "train_data", "training_data", "pretrain_data",
                                        "data_mix", "mixture")),
    Mode("modalities", "Several modalities are in the data",
         "Modalities compete in small models and help one another in large ones: tokens of one are not worth tokens of "
         "another.",
         "fit one modality, or one mixture, at a time with --where; see the mixed_modal form",
         ("aghajanyan2023_mixed_modal:image_text", "shukor2025_native_multimodal:early_fusion"),
         columns=("images", "pairs", "audio_hours"), labels=("modality", "modalities")),
    Mode("data_pruning", "Better data, not more",
         "Well-chosen data reach the same loss with fewer examples, so that a law of data is a law of that selection "
         "only.", "state how the data were filtered, and refit when the filter changes",
         ("sorscher2022_pruning", "goyal2024_qqt"), hidden=True),
)

_ARCHITECTURE = (
    Mode("experts", "Sparse models under a law of dense ones",
         "A mixture of experts has two sizes, all params and those a token uses, and its loss depends on both.",
         "fit the dense models alone with --where, or a law that takes experts (--form joint_moe, moe_sparsity)",
         ("clark2022_routed:s_base", "krajewski2024_fine_grained:moe", "abnar2025_moe_sparsity"),
         columns=("experts", "active_experts", "granularity"),
         labels=("moe_config", "router", "moe", "experts", "num_experts", "n_experts"), ordinary=(1.0,), absent=True),
    Mode("pruned_weights", "Pruned models under a law of dense ones",
         "A pruned model is worth more than a dense one of its remaining params, by a factor that depends on the "
         "sparsity.",
         "fit one sparsity at a time with --where, or a law with it (--form chinchilla+sparsity)",
         ("frantar2023_sparse:t5_c4", "rosenfeld2020_pruning"), columns=("sparsity", "density"), ordinary=(0.0, 1.0)),
    Mode("precision_change", "The precision of the weights differs between runs",
         "Training in few bits acts like a smaller model, and quantising afterwards harms most what was trained "
         "longest.",
         "fit one precision at a time with --where, or a law with it (--form precision)",
         ("kumar2024_precision_training", "ouyang2024_qid"), columns=("weight_bits", "activation_bits", "post_bits"),
         labels=("precision", "dtype", "precision_label"), ordinary=(16.0, 32.0)),
    Mode("retrieval", "Models with a datastore under a law without one",
         "A datastore lowers the loss as if the model were larger, and its tokens are an axis of their own.",
         "fit the runs without retrieval alone with --where, or one datastore at a time",
         ("shao2024_datastore", "borgeaud2021_retro"), columns=("datastore_tokens",),
         labels=("retriever", "retrieval", "datastore", "datastore_tokens"), absent=True),
    Mode("distilled", "Students under a law of supervised training",
         "A student's loss depends on its teacher as well, and ceases to follow the supervised law.",
         "fit the supervised runs alone with --where, or --form distillation",
         ("busbridge2025_distillation:distillation",), columns=("teacher_params", "teacher_tokens", "teacher_loss"),
         labels=("teacher", "distilled", "teacher_params", "teacher_tokens", "teacher_loss"), absent=True),
    Mode("context_change", "The context length differs between runs",
         "Later tokens of a context are easier: loss falls with the length over which it is averaged.",
         "fit one context length at a time with --where, or evaluate all at one",
         ("xiong2023_context_length:7B", "kaplan2020_l_n"), columns=("context",)),
    Mode("architecture_change", "The architecture differs between runs",
         "Architectures differ in level and in exponent, and what is ahead when small need not be when large.",
         "fit each with --where, or compare them at matched sizes (lawful arms)",
         ("tay2022_architecture",), labels=("arch", "architecture", "model_type", "attention")),
    Mode("shape_change", "Width and depth vary at one size",
         "Loss depends weakly on the shape within a wide range, and the fitted optimum moves with the shapes that were "
         "chosen.",
         "scale one shape, or fit subsets of shapes and see how far the plan moves",
         ("kaplan2020_l_n", "mcleish2025_gemstones:loss"), columns=("width", "depth")),
)

_USE = (
    Mode("ratio_untested", "The question's tokens per parameter were never tried",
         "Constants depend on which tokens per parameter are in the fit: models to be served are trained far longer "
         "than compute-optimal ones.",
         "add one small run at the question's tokens per parameter",
         ("sardana2023_inference_aware:refit_all", "gadre2024_overtraining:c4"), found_by=("novel_combination",)),
    Mode("thresholded_metric", "A sharp metric over a smooth loss",
         "Exact match and multiple choice turn a smooth loss into a jump, and no law of the jump extrapolates.",
         "model the loss, then the metric as a function of the loss",
         ("schaeffer2023_mirage", "gadre2024_downstream:c4_17task", "chen2024_flp:performance"),
         found_by=("accuracy_as_loss", "emergent")),
    Mode("one_metric", "One metric for many communities",
         "A mean over users hides groups for whom more data make it worse.",
         "report the loss by group, and fit the groups that matter on their own",
         others=(Source("2307.03201", "the argument as a whole", "Diaz & Madaio", 2023, "Scaling Laws Do Not Scale"),),
         hidden=True),
    Mode("inference_ignored", "Compute-optimal is not cheapest to serve",
         "A law of training cost leaves out the model's use: one served often should be smaller and trained longer.",
         "count the tokens to be served in the budget",
         ("sardana2023_inference_aware:refit_all",), hidden=True),
    Mode("not_reproducible", "What would repeat the study was not recorded",
         "Most papers leave out what others need to repeat their fit.",
         "print the card: lawful diagnose RUNS --checklist",
         others=(Source("2502.18969", "the survey and its checklist", "Li, Kudugunta & Zettlemoyer", 2025,
                        "(Mis)Fitting: A Survey of Scaling Laws"),), hidden=True),
)

MODES: Mapping[str, Mode] = {m.code: m for m in (*_COUNTING, *_RECIPE, *_DATA, *_ARCHITECTURE, *_USE)}
"""Every mode by its code, in the order of the documentation: counting, recipe, data, architecture, use."""


def as_finding(code: str, severity: Severity, evidence: str, rows: tuple[int, ...] = ()) -> Finding:
    """The finding that the mode ``code`` is seen in a table: ``evidence`` holds the figures."""
    mode = MODES[code]
    return Finding(mode.code, severity, mode.title, evidence, mode.action, rows, mode.sources)
