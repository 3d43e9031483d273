import pytest

torch = pytest.importorskip("torch")

from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from lawful.errors import InputError  # noqa: E402
from lawful.lab.transformer import BASE_WIDTH, Shape, Transformer, flop_per_token, param_groups  # noqa: E402

SHAPES = [Shape(8, 1, 1), Shape(40, 2, 2), Shape(64, 3, 4, context=32), Shape(96, 1, 6, vocab_size=300)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_parameter_groups_are_those_of_the_built_model_and_add_up(shape: Shape) -> None:
    model, groups = Transformer(shape), param_groups(shape)
    sizes = {name: p.numel() for name, p in model.named_parameters()}
    assert groups.total == sum(sizes.values())
    assert groups.embedding == sizes["embedding.weight"]
    assert groups.attention == sum(n for name, n in sizes.items() if "qkv" in name or "attention_out" in name)
    assert groups.mlp == sum(n for name, n in sizes.items() if "mlp_in" in name or "mlp_out" in name)
    assert groups.norm == sum(n for name, n in sizes.items() if "norm" in name)
    assert groups.total == groups.embedding + groups.attention + groups.mlp + groups.norm


def test_parameters_worked_by_hand() -> None:
    # width 16, depth 2: 256*16 = 4096; 2 blocks of 4*256 = 2048; of 8*256 = 4096; 5 norms of 16 = 80
    groups = param_groups(Shape(16, 2, 1))
    assert (groups.embedding, groups.attention, groups.mlp, groups.norm) == (4096, 2048, 4096, 80)
    assert (groups.nonembedding, groups.total) == (6224, 10320)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_flop_are_those_torch_counts(shape: Shape) -> None:
    """Torch has no rule for the fused kernel, and the plain one does not skip what is masked."""
    model = Transformer(shape)
    tokens = torch.randint(shape.vocab_size, (3, shape.context))
    counter = FlopCounterMode(display=False)
    with counter, sdpa_kernel(SDPBackend.MATH):
        model(tokens).sum().backward()
    assert counter.get_total_flops() == flop_per_token(shape, causal=False) * tokens.numel()


def test_causal_attention_halves_the_scores_and_nothing_else() -> None:
    shape = Shape(64, 2, 4, context=128)
    saved = flop_per_token(shape, causal=False) - flop_per_token(shape)
    assert saved == 3 * 2 * 4 * 64 * (128 - 64.5)  # 3 passes, 2 blocks, 2 products of 2 FLOP, width 64


def test_six_n_is_the_flop_but_for_norms_and_attention() -> None:
    shape = Shape(64, 2, 4)
    groups = param_groups(shape)
    scores = 3 * 2 * 4 * 64 * 64.5
    assert flop_per_token(shape) == 6 * (groups.total - groups.norm) + scores


def test_a_position_sees_no_later_byte() -> None:
    torch.manual_seed(0)
    model = Transformer(Shape(32, 2, 2, context=16))
    torch.nn.init.normal_(model.blocks[0].attention_out.weight)  # zero at the start: nothing would mix
    tokens = torch.randint(256, (1, 16))
    changed = tokens.clone()
    changed[0, 10] = (changed[0, 10] + 1) % 256
    before, after = model(tokens), model(changed)
    torch.testing.assert_close(before[:, :10], after[:, :10])
    assert not torch.allclose(before[:, 11:], after[:, 11:])


def test_the_learning_rate_of_matrices_falls_with_width_and_of_the_rest_does_not() -> None:
    for width in (BASE_WIDTH // 2, BASE_WIDTH, 2 * BASE_WIDTH):
        matrices, rest = Transformer(Shape(width, 1, 2)).optimiser_groups(0.01, 0.1)
        assert matrices["lr"] == pytest.approx(0.01 * BASE_WIDTH / width)
        assert matrices["lr"] * matrices["weight_decay"] == pytest.approx(0.001)
        assert (rest["lr"], rest["weight_decay"]) == (0.01, 0.0)


def test_logits_keep_their_size_as_width_grows() -> None:
    torch.manual_seed(0)
    tokens = torch.randint(256, (2, 64))
    sizes = [Transformer(Shape(width, 1, 4))(tokens).std().item() for width in (64, 256)]
    assert max(sizes) < 0.5  # near uniform predictions before training, at any width


@pytest.mark.parametrize("sizes", [(0, 1, 1), (30, 1, 4), (9, 1, 1)])
def test_impossible_shapes_are_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(InputError):
        Shape(*sizes)
