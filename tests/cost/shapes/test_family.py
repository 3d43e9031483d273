"""Families of shapes: exact at every size that can be built, published larger models included, and read backwards."""

from __future__ import annotations

import numpy as np
import pytest

from lawful.cost.shapes import CONVENTIONS, Family, Sharding, flops, models, serve_memory, train_memory
from lawful.errors import InputError, UnknownName

ONE_STREAM = [name for name in models() if not name.startswith(("clip", "t5"))]
SHARDED = Sharding(data=4, tensor=2, expert=2, zero=1)


def sizes(family: Family):
    """Shapes away from those that the counts are made of: at depths and widths far and near, other vocabularies and
    experts."""
    least = next(d for d in range(1, 40) if d >= family.least_depth and (d - family.depth) % family.period == 0)
    for units, layers in ((1, 0), (5, 1), (7, 5)):
        for vocab in {family.vocab_size, 1000} if family.vocab_size else {0}:
            for experts in {family.experts, 3 * family.experts}:
                yield family.unit * units, least + family.period * layers, vocab, experts


@pytest.mark.parametrize("name", ONE_STREAM)
def test_counts_are_exact_at_every_size(name):
    family = Family.named(name)
    text = family.template.towers[0].length is None
    lengths = (512, 8192) if text else (None,)
    trained = {c: family.train_flop(c, lengths[-1]) for c in CONVENTIONS}
    held = {r: family.count(lambda s, r=r: train_memory(s, batch=3, context=lengths[-1], recompute=r,
                                                       sharding=SHARDED).total) for r in ("none", "scores", "layer")}
    served = family.count(lambda s: serve_memory(s, batch=3, context=lengths[-1], precision="bf16").total)
    for at in sizes(family):
        width, depth, vocab, experts = at
        shape = family.shape(width, depth, vocab or None, experts or None)
        counts = shape.params()
        assert family.total(*at) == counts.total
        assert family.nonembedding(*at) == counts.nonembedding
        assert family.active(*at) == counts.active
        for convention, count in trained.items():
            found = flops(shape, convention, lengths[-1])
            assert count(*at) == pytest.approx(found.train / found.tokens, rel=1e-13)
        for recompute, count in held.items():
            exact = train_memory(shape, batch=3, context=lengths[-1], recompute=recompute, sharding=SHARDED).total
            assert count(*at) == pytest.approx(exact, rel=1e-11), recompute
        exact = serve_memory(shape, batch=3, context=lengths[-1], precision="bf16").total
        assert served(*at) == pytest.approx(exact, rel=1e-13)


# The totals that the pages of the larger models state (cost/shapes/models.toml), from the shape of a small sister.
@pytest.mark.parametrize(("small", "large", "width", "depth"), [
    ("gpt2", "gpt2-xl", 1600, 48), ("pythia-160m", "pythia-6.9b", 4096, 32), ("mamba-130m", "mamba-2.8b", 2560, 64),
    ("vit-b-16", "vit-l-16", 1024, 24)])
def test_a_small_models_family_holds_its_large_sister(small, large, width, depth):
    family = Family.named(small)
    vocab = models()[large]["config"].get("vocab_size", 0)
    assert family.total(width, depth, vocab, 0) == int(models()[large]["params"])


@pytest.mark.parametrize("name", ["llama-3-8b", "gpt2", "mixtral-8x7b", "deepseek-v3", "jamba-v0.1", "gemma-3-1b"])
def test_sizes_are_read_backwards(name):
    family = Family.named(name)
    params = np.geomspace(3e9, 1e13, 40)
    rest = (family.vocab_size, family.experts)
    for convention in ("", "non-embedding", "active"):
        count = family.counted(convention)
        width = family.width_of(params, convention=convention)
        assert count(width, width / family.aspect, *rest) == pytest.approx(params, rel=1e-12)
        deep = family.width_of(params, depth=48.0, convention=convention)
        assert count(deep, 48.0, *rest) == pytest.approx(params, rel=1e-12)
        layers = family.depth_of(params, 4096.0, convention=convention)
        assert count(4096.0, layers, *rest) == pytest.approx(params, rel=1e-12)
    wide = family.width_of(1e11, aspect=64.0)
    assert float(family.total(wide, wide / 64.0, *rest)) == pytest.approx(1e11)


@pytest.mark.parametrize("name", ["llama-3-8b", "gpt2", "mixtral-8x7b", "gemma-3-1b", "jamba-v0.1"])
@pytest.mark.parametrize("params", [2e9, 3e10, 1e12])
def test_the_nearest_shape_can_be_built_and_is_near(name, params):
    family = Family.named(name)
    found = family.nearest(params)
    assert found is not None
    assert family.shape(found.width, found.depth).params().total == found.params
    assert found.params == pytest.approx(params, rel=0.25)
    assert found.width / found.depth == pytest.approx(family.aspect, rel=1.0)
    if name in ("llama-3-8b", "gpt2") and params > 1e10:
        assert found.params == pytest.approx(params, rel=0.03)
        assert found.width / found.depth == pytest.approx(family.aspect, rel=0.3)


def test_the_template_is_its_own_nearest():
    family = Family.named("llama-3-8b")
    found = family.nearest(8_030_261_248)
    assert (found.width, found.depth, found.params) == (4096, 32, 8_030_261_248)


@pytest.mark.parametrize(("asked", "says"), [
    ({"width": 4000, "depth": 32}, "width must be a multiple of 512"),
    ({"width": 4096, "depth": 0}, "depth must be at least 1"),
    ({"width": 4096, "depth": 32, "experts": 8}, "llama-3-8b has no experts"),
])
def test_what_cannot_be_built_is_refused(asked, says):
    with pytest.raises(InputError, match=says):
        Family.named("llama-3-8b").shape(**asked)


def test_patterns_of_layers_keep_their_period():
    assert [Family.named(name).period for name in ("llama-3-8b", "gemma-2-9b", "gemma-3-1b", "jamba-v0.1")] == [
        1, 2, 6, 8]
    with pytest.raises(InputError, match="lie a multiple of 6 from 26, got 27"):
        Family.named("gemma-3-1b").shape(1152, 27)


def test_what_makes_no_family_is_refused():
    with pytest.raises(UnknownName, match=r"nearest: .*llama-3-8b"):
        Family.named("lama-3-8b")
    with pytest.raises(InputError, match="clip-vit-b-32 has 2 streams"):
        Family.named("clip-vit-b-32")
    config = {**Family.named("qwen3-30b-a3b").fields, "mlp_only_layers": [0, 1, 5, 11, 20, 21, 40]}
    with pytest.raises(InputError, match="its layers follow no pattern"):
        Family("mine", config)
    assert Family.named("llama-3-8b").nearest(1e3) is None
    with pytest.raises(InputError, match="not non-zero ones"):
        Family.named("llama-3-8b").counted("non-zero")
