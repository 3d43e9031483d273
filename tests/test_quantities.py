"""The glossary, the field's shorthand, and the columns of other people's tables."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lawful.errors import InputError, RunsError, UnknownName
from lawful.quantities import (
    OUTPUTS,
    PARAM_COUNTS,
    PF_DAY,
    QUANTITIES,
    Column,
    DeviceTime,
    format_number,
    parse_assignments,
    parse_device_time,
    parse_number,
    parse_positive,
    quantity,
    resolve_columns,
)

# ------------------------------------------------------------------------------------------ glossary


def test_no_alias_means_two_things():
    owners: dict[str, str] = {}
    for q in QUANTITIES.values():
        for name in (q.name, *q.aliases):
            assert owners.setdefault(name, q.name) == q.name, f"{name} means {owners[name]} and {q.name}"


def test_every_quantity_can_be_found_under_each_of_its_names():
    for q in QUANTITIES.values():
        for name in (q.name, *q.aliases):
            assert resolve_columns([name]) == {q.name: Column(q.name, name)}


def test_every_quantity_says_what_it_is_and_in_which_unit():
    for q in QUANTITIES.values():
        assert q.about
        assert q.symbol
        assert q.label() == f"{q.name} [{q.unit}]"
    assert {*PARAM_COUNTS, *OUTPUTS} <= QUANTITIES.keys()


def test_design_glossary_is_there():
    """The names that design.md promises to columns and to ``--at``."""
    names = """params nonembedding_params active_params total_params tokens unique_tokens epochs compute loss
        bits_per_byte error accuracy coverage elo reward learning_rate batch_tokens steps warmup_steps width depth
        heads context vocab_size experts active_experts granularity sparsity density weight_bits activation_bits
        kv_bits post_bits finetune_tokens lora_rank pretrain_tokens datastore_tokens samples images pairs
        interactions episodes users items nodes edges temperature teacher_params teacher_tokens teacher_loss
        streams hours usd kwh co2e_kg latency_s memory_bytes"""
    promised = names.split()
    assert [name for name in promised if name not in QUANTITIES] == []


def test_families_are_quantities():
    assert quantity("mixture.code").unit == "fraction"
    assert not quantity("mixture.code").positive, "a domain may be left out"
    assert quantity("loss.c4").unit == "nats/token"


@pytest.mark.parametrize("name", ["tokns", "mixture.", "mixture", "colour.code"])
def test_an_unknown_quantity_names_its_neighbours(name):
    with pytest.raises(UnknownName, match=name):
        quantity(name)


def test_the_nearest_name_is_named():
    with pytest.raises(UnknownName, match=r"nearest: .*\btokens\b"):
        quantity("tokns")


# ------------------------------------------------------------------------------------------- numbers

@pytest.mark.parametrize(("text", "value"), [
    ("70B", 70e9), ("70b", 70e9), ("1.4T", 1.4e12), ("125M", 125e6), ("12k", 12e3), ("2P", 2e15), ("2Z", 2e21),
    ("5.76e23", 5.76e23), ("5.76E+23", 5.76e23), ("1e21 FLOP", 1e21), ("3e18 flops", 3e18),
    ("300B tokens", 300e9), ("7B params", 7e9), ("70 B", 70e9), ("100 steps", 100.0),
    ("3 PF-days", 3 * 8.64e19), ("1 PF-day", 8.64e19), ("0.5pf-days", 4.32e19),
    ("1_000", 1000.0), ("1,000", 1000.0), ("1,234,567", 1234567.0),
    (".5", 0.5), ("7.", 7.0), ("-3.2", -3.2), ("+4", 4.0), ("  8  ", 8.0), ("0", 0.0),
    (7, 7.0), (1.5, 1.5),
])
def test_reads_the_shorthand_of_the_field(text, value):
    assert parse_number(text) == pytest.approx(value, rel=1e-15)


def test_a_petaflop_day_is_what_kaplan_says():
    assert pytest.approx(1e15 * 24 * 3600) == PF_DAY


@pytest.mark.parametrize("text", [
    "", " ", "seven", "B", "7 Bananas", "7e", "e7", "1.2.3", "--7", "1e5e5", "7B7", "1 000", "0x10", "[1]",
    "nan", "NaN", "inf", "-inf", "Infinity", "1e400", "9e307T", math.nan, math.inf, -math.inf,
])
def test_refuses_what_is_no_number_and_quotes_it(text):
    with pytest.raises(InputError, match=r"not a (finite )?number") as refusal:
        parse_number(text, "tokens")
    assert str(refusal.value).startswith(f"tokens: {text!r}")


@pytest.mark.parametrize("text", ["300 tokens", "5e18 params", "64 bytes", "1 token", "12 parameters"])
def test_a_unit_that_begins_like_a_suffix_is_a_unit(text):
    assert parse_number(text) == float(text.split()[0])


def test_a_whole_number_beyond_floats_is_refused():
    with pytest.raises(InputError):
        parse_number(10**400)


@pytest.mark.parametrize("text", ["1,5B", "1,2,3", "12,34", "1,0000"])
def test_a_decimal_comma_is_not_read_as_thousands(text):
    with pytest.raises(InputError):
        parse_number(text)


@pytest.mark.parametrize("text", ["0", "-7B", 0, -1.0])
def test_positive_refuses_zero_and_below(text):
    with pytest.raises(InputError, match=f"usd: must be positive, got {text}"):
        parse_positive(text, "usd")


def test_positive_passes_the_rest():
    assert parse_positive("7B") == 7e9


sizes = st.floats(1e-6, 1e26).map(lambda x: float(f"{x:.6g}"))


@settings(max_examples=50, deadline=None)
@given(sizes, st.sampled_from([3, 4]))
def test_what_is_shown_reads_back_to_the_digits_shown(value, digits):
    shown = format_number(value, digits)
    assert parse_number(shown) == pytest.approx(value, rel=0.51 * 10.0 ** (2 - digits))
    assert parse_number(format_number(-value, digits)) == -parse_number(shown)


@settings(max_examples=50, deadline=None)
@given(st.floats(1e6, 9.99e14), st.sampled_from(["k", "M", "B", "T"]))
def test_a_suffix_multiplies(number, suffix):
    factor = {"k": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}[suffix]
    assert parse_number(f"{number!r}{suffix}") == pytest.approx(number * factor, rel=1e-15)


@pytest.mark.parametrize(("value", "shown"), [
    (999_999_999_999.99, "1T"), (999.6e6, "1B"), (999.4e9, "999B"),
    (402.4e9, "402B"), (1.43e12, "1.43T"), (70e9, "70B"), (125e6, "125M"), (5.76e23, "5.76e+23"), (0.34731, "0.3473"),
    (183_900.0, "183,900"), (1234.0, "1,234"), (999.0, "999"), (0.0, "0"), (-7e9, "-7B"), (1e15, "1e+15"),
    (math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf"), (1000.5, "1,000"),
])
def test_shows_numbers_as_people_say_them(value, shown):
    assert format_number(value) == shown


def test_the_digits_asked_for_are_shown():
    assert format_number(1000.5, 6) == "1,000.5"
    assert format_number(999_999.6, 8) == "999,999.6"
    assert format_number(12345.678, 3) == "12,300"


@pytest.mark.parametrize(("value", "rounded"), [(999.96e6, 1e9), (999.96e9, 1e12), (-999.96e6, -1e9), (999_999.0, 1e6)])
def test_a_number_that_rounds_up_a_thousandfold_is_still_written_out(value, rounded):
    assert "e" not in format_number(value)
    assert parse_number(format_number(value)) == rounded


@pytest.mark.parametrize(("value", "shown"), [
    (5.76e23, "5.76e+23"), (1e21, "1e+21"), (7e9, "7e+09"), (1.23456e20, "1.235e+20"), (0.0, "0"), (math.inf, "inf"),
])
def test_flop_are_powers_of_ten(value, shown):
    assert format_number(value, unit="FLOP") == shown


# --------------------------------------------------------------------------------------- assignments

def test_assignments_are_read_by_name():
    assert parse_assignments(" params = 7B , tokens=1.4T,") == {"params": "7B", "tokens": "1.4T"}
    assert parse_assignments("") == {}
    assert parse_assignments("a=b=c") == {"a": "b=c"}


@pytest.mark.parametrize("text", ["params", "params=7B,tokens", "=7B", "params=", "params=7B, =3"])
def test_an_assignment_needs_a_name_and_a_value(text):
    with pytest.raises(InputError, match=r"--at: .* is not NAME=VALUE; write for example"):
        parse_assignments(text)


def test_a_name_given_twice_is_refused():
    with pytest.raises(InputError, match="--map: params is given twice"):
        parse_assignments("params=7B,tokens=1T,params=8B", "--map")


# -------------------------------------------------------------------------------------- machine time

@pytest.mark.parametrize(("text", "expected"), [
    ("8xH100*72h", DeviceTime(8, "H100", 72.0)),
    ("64xH100*30d", DeviceTime(64, "H100", 720.0)),
    ("1 X a100 * 2 weeks", DeviceTime(1, "a100", 336.0)),
    ("8 x RTX 4090*1.5days", DeviceTime(8, "RTX 4090", 36.0)),
    ("2xTPU-v5e*0.5W", DeviceTime(2, "TPU-v5e", 84.0)),
    ("16xbox*1e2h", DeviceTime(16, "box", 100.0)),
])
def test_reads_machine_time(text, expected):
    assert parse_device_time(text) == expected


@pytest.mark.parametrize("text", ["8xH100*1 hour", "8xH100*1 week", "8xH100*2 hrs"])
def test_reads_the_singular_and_the_short_words(text):
    assert parse_device_time(text).hours == {"1 hour": 1.0, "1 week": 168.0, "2 hrs": 2.0}[text.partition("*")[2]]


@pytest.mark.parametrize("text", [
    "", "8xH100", "H100*72h", "8*72h", "8xH100*72", "8xH100*72 fortnights", "8xH100*h", "0xH100*3h", "8xH100*0h",
    "8xH100*-3h", "-8xH100*3h", "1.5xH100*3h", "8xH100*1.2.3h", "8xH100*3h*2", "8xH100*1e999h",
])
def test_refuses_other_machine_time(text):
    with pytest.raises(InputError) as refusal:
        parse_device_time(text)
    assert repr(text) in str(refusal.value)


# ------------------------------------------------------------------------------------------- columns

def named(columns, mapping=None):
    return {name: (c.column, c.scale) for name, c in resolve_columns(columns, mapping).items()}


@pytest.mark.parametrize(("header", "name"), [
    ("N", "params"), ("n_params", "params"), ("Parameters", "params"), ("model size", "params"),
    ("N_no_embed", "nonembedding_params"), ("n_nonvocab", "nonembedding_params"),
    ("D", "tokens"), ("tokens-seen", "tokens"), ("C", "compute"), ("FLOPs", "compute"), ("Loss", "loss"),
    ("val/loss", "loss"), ("eval_loss", "loss"), ("lr", "learning_rate"), ("U", "unique_tokens"),
    ("bpb", "bits_per_byte"),
])
def test_knows_the_usual_headers(header, name):
    assert named([header]) == {name: (header, 1.0)}


def test_leaves_other_columns_alone():
    assert named(["corpus", "seed", "notes", "is_good", "ratio_1e21", ""]) == {}


def test_a_quantitys_own_name_goes_before_its_aliases_whatever_the_order():
    assert named(["N", "params", "n_params"])["params"] == ("params", 1.0)
    assert named(["n_params", "N"])["params"] == ("N", 1.0), "aliases in the glossary's order, best first"
    assert named(["N", "n"])["params"] == ("N", 1.0), "of two alike the first"
    assert named(["train_loss", "val_loss"])["loss"] == ("val_loss", 1.0), "held-out loss before training loss"


@pytest.mark.parametrize(("header", "name", "scale"), [
    ("N_billions", "params", 1e9), ("params (millions)", "params", 1e6), ("D_trillions", "tokens", 1e12),
    ("tokens_B", "tokens", 1e9), ("flops_1e21", "compute", 1e21), ("n_params_M", "params", 1e6),
    ("N_no_embed_million", "nonembedding_params", 1e6), ("compute_1e18", "compute", 1e18),
])
def test_a_header_states_its_scale(header, name, scale):
    assert named([header]) == {name: (header, scale)}


@pytest.mark.parametrize("header", ["loss_m", "lr_1e3", "hours_t", "accuracy_b"])
def test_only_counts_and_compute_come_in_billions(header):
    assert named([header]) == {}


def test_a_plain_column_goes_before_a_scaled_one():
    assert named(["params_billions", "parameters"])["params"] == ("parameters", 1.0)


def test_a_mapping_wins():
    assert named(["params", "n_nonemb"], {"params": "n_nonemb"}) == {"params": ("n_nonemb", 1.0)}, (
        "a column stands for one quantity: the one the user says"
    )
    assert named(["params", "odd"], {"loss": "odd"}) == {"params": ("params", 1.0), "loss": ("odd", 1.0)}


def test_a_mapped_column_keeps_the_scale_its_header_states():
    assert named(["N_billions"], {"params": "N_billions"}) == {"params": ("N_billions", 1e9)}
    assert named(["N_billions"], {"nonembedding_params": "N_billions"}) == {"nonembedding_params": ("N_billions", 1e9)}


def test_a_mapped_header_states_no_scale_for_what_is_not_counted():
    assert named(["score_b"], {"loss": "score_b"}) == {"loss": ("score_b", 1.0)}


def test_families_are_found_by_their_names():
    assert named(["mixture.code", " loss.C4", "loss.", "mixture", "accuracy.x"]) == {
        "mixture.code": ("mixture.code", 1.0), "loss.C4": (" loss.C4", 1.0)}


def test_a_mapped_column_must_be_there():
    with pytest.raises(RunsError, match=r"--map params=size: no column 'size'; found N, L"):
        resolve_columns(["N", "L"], {"params": "size"})


def test_a_mapped_quantity_must_exist():
    with pytest.raises(UnknownName, match=r"'parms'; nearest: .*params"):
        resolve_columns(["N"], {"parms": "N"})
