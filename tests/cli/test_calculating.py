"""``lawful calc``: as a user would, the wrong ways too."""

from __future__ import annotations

import json

import pytest

from lawful.cli import main
from lawful.cost.shapes import models


def run(capsys, *arguments):
    """The exit code, what was printed, and what was said on stderr."""
    try:
        main(["calc", *arguments])
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def test_params_of_a_config_file_in_json_and_in_toml(tmp_path, capsys):
    fields = dict(models()["gpt2"]["config"])
    (tmp_path / "config.json").write_text(json.dumps(fields))
    (tmp_path / "shape.toml").write_text("\n".join(f"{k} = {json.dumps(v)}" for k, v in fields.items()))
    for file in ("config.json", "shape.toml"):
        code, out, _ = run(capsys, "params", str(tmp_path / file), "--json")
        assert code == 0
        assert json.loads(out)["total_params"] == 124_439_808


def test_flops_of_so_many_tokens(capsys):
    code, out, _ = run(capsys, "flops", "llama-3-8b", "--convention", "6N", "--tokens", "15T", "--json")
    assert code == 0
    assert json.loads(out)["train_flop_of_tokens"] == pytest.approx(6 * 8_030_261_248 * 15e12)


def test_two_conventions_are_held_against_one_another(capsys):
    code, out, _ = run(capsys, "flops", "gpt2", "--context", "1024", "--diff", "megatron", "exact")
    assert code == 0
    assert out.endswith("megatron is 1 times exact\n")


@pytest.mark.parametrize(("arguments", "says"), [
    (["params", "lama-3-8b"], "nearest"),
    (["params", "missing.json"], "missing.json: cannot be read"),
    (["flops", "gpt2", "--convention", "nine"], "unknown convention 'nine'"),
    (["flops", "gpt2", "--diff", "exact"], "--diff requires 2"),
    (["flops", "gpt2", "--context", "-3"], "--context: must be positive"),
    (["flops", "gpt2", "--context", "3.5"], "must be a whole number"),
    (["flops", "t5-base", "--context", "encoder="], "write a number of tokens, or encoder=512"),
    (["flops", "t5-base", "--tokens", "1T"], "several streams of tokens"),
    (["flops", "mamba-130m"], "no longest context"),
    (["memory", "gpt2", "--serve", "--zero", "3"], "--zero belongs to training"),
    (["memory", "gpt2", "--serve", "--tune", "lora"], "--tune belongs to training"),
    (["memory", "gpt2", "--tune", "adapter"], "unknown way of tuning 'adapter'"),
    (["memory", "gpt2", "--tune", "lora", "--rank", "0.5"], "--rank must be a whole number"),
    (["memory", "gpt2", "--tune", "lora", "--frozen", "int3"], "unknown precision 'int3'"),
    (["memory", "gpt2", "--cache-precision", "fp8"], "--cache-precision belongs to serving"),
    (["memory", "gpt2", "--precision", "fp12"], "unknown precision 'fp12'"),
    (["memory", "gpt2", "--zero", "5"], "zero must be 0, 1, 2 or 3"),
    (["memory", "gpt2", "--device", "h1000"], "unknown device"),
    (["memory", "gpt2", "--batch", "0"], "--batch: must be positive"),
    (["memory", "t5-base", "--context", "encoder=5,decoder=5"], "one number of tokens for all streams"),
    (["serve", "gpt2"], "--device is missing"),
    (["serve", "bert-base", "--device", "h100"], "only decoders are served"),
    (["serve", "gpt2", "--device", "h100", "--demand", "0"], "--demand: must be positive"),
    (["serve", "gpt2", "--device", "h100", "--compute-share", "40"], "at most 1"),
    (["time", "gpt2"], "--tokens is missing"),
    (["cost", "gpt2", "--tokens", "1B"], "--device is missing"),
    (["cost", "gpt2", "--tokens", "1B", "--device", "h100", "--mfu", "0.4:0.3"], "runs from low to high"),
    (["cost", "gpt2", "--tokens", "1B", "--device", "h100", "--mfu", "40"], "If in percent, divide by 100"),
    (["cost", "gpt2", "--tokens", "0", "--device", "h100"], "--tokens: must be positive"),
    (["cost", "gpt2", "--tokens", "1B", "--device", "h100", "--embodied-kg", "9"], "go together"),
    (["params", "gpt2", "-o", "/nowhere/x.json"], "there is no folder"),
])
def test_bad_input_is_one_sentence(capsys, arguments, says):
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert says in err
    assert err.count("\n") == 1


def test_what_does_not_fit_is_said(capsys):
    code, out, _ = run(capsys, "memory", "llama-3-8b", "--device", "h100")
    assert code == 0
    assert "221 % of NVIDIA H100 SXM 80 GB: it does not fit" in out
    code, out, _ = run(capsys, "memory", "llama-3-8b", "--serve", "--device", "h100", "--json")
    assert json.loads(out)["share_of_device"] == pytest.approx((2 * 8_030_261_248 + 8192 * 131_072) / 80e9)


def test_tuning_a_part_holds_the_rest_frozen(capsys):
    code, out, _ = run(capsys, "memory", "llama-3-8b", "--tune", "lora", "--rank", "8", "--frozen", "int4", "--json")
    assert code == 0
    items = json.loads(out)["items"]
    layer = 2 * (4096 + 4096) + 2 * (1024 + 4096) + 3 * (14336 + 4096)     # in and out of its seven matrices
    assert items["weights"] == pytest.approx(8_030_261_248 / 2)
    assert items["gradients"] == 2 * 8 * 32 * layer


def test_a_range_of_utilisation_is_a_range_of_time_and_money(capsys):
    code, out, _ = run(capsys, "cost", "gpt2", "--tokens", "300B", "--device", "a100", "--mfu", "0.2:0.4", "--json")
    assert code == 0
    bill = json.loads(out)
    for item in ("gpu_hours", "usd", "energy_kwh", "co2e_kg"):
        assert bill[item]["high"] == pytest.approx(2 * bill[item]["low"])
    assert bill["wall_days"] is None
    code, out, _ = run(capsys, "time", "gpt2", "--tokens", "300B", "--device", "a100", "--devices", "8")
    assert "days" in out
    assert "dollars" not in out


def test_a_demand_takes_whole_replicas(capsys):
    code, out, _ = run(capsys, "serve", "llama-3-70b", "--device", "h100", "--devices", "4", "--demand", "1", "--json")
    assert code == 0
    assert json.loads(out)["devices_for_demand"] == 4
    assert json.loads(out)["fits"]
    code, out, _ = run(capsys, "serve", "llama-3-70b", "--device", "h100")
    assert "it does not fit" in out
