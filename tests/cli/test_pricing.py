"""The bill of a plan at the terminal: shapes, ceilings, devices of one's own, and each slip in one clear sentence."""

from __future__ import annotations

import json

import pytest

from lawful.cli import main

LAW = ("--law", "besiroglu2024_refit")
MINE = """
title = "my card"
peak_flop_per_second = { value = 5e13, source = "its data sheet", date = "2026-11-01" }
memory_bytes = 16e9
bandwidth_bytes_per_second = 4e11
usd_per_hour = 0.2
peaks.int8 = 1e14
"""


def run(capsys, *arguments):
    try:
        main(list(arguments))
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def test_a_shape_counts_the_plan_and_is_named_with_the_nearest_to_build(capsys):
    asked = ("plan", *LAW, "--compute", "1e22", "--shape", "llama-3-8b", "--context", "4096")
    code, out, _ = run(capsys, *asked, "--json")
    assert code == 0
    made = json.loads(out)
    assert made["metrics"]["train_flop"] == pytest.approx(1e22, rel=1e-6)
    assert made["shape"]["width"] % 512 == 0
    assert made["shape"]["params"] == pytest.approx(made["decision"]["params"], rel=0.1)
    assert any("the shape of llama-3-8b, at 4,096 tokens a text" in said for said in made["assumptions"])
    code, out, _ = run(capsys, *asked, "--quiet")
    assert f"Nearest to build: width {made['shape']['width']:,}" in out


def test_width_and_depth_are_decided_and_params_follow(capsys):
    code, out, _ = run(capsys, "plan", *LAW, "--compute", "1e22", "--shape", "llama-3-8b", "--vary", "width=2048,4096",
                       "--vary", "depth=16,32", "--json")
    assert code == 0
    made = json.loads(out)
    assert set(made["decision"]) == {"width", "depth", "tokens"}
    assert made["metrics"]["params"] > 1e9


def test_ceilings_on_latency_and_training_memory_bind(capsys):
    code, out, _ = run(capsys, "plan", *LAW, "--usd", "50k", "--device", "h100", "--max-latency", "0.002",
                       "--serve-tokens", "1T", "--batch", "64", "--json")
    assert code == 0
    made = json.loads(out)
    assert "latency_s <= 0.002" in made["binding"]
    assert 0 < made["cost"]["serve_usd"] < 50e3
    code, out, _ = run(capsys, "plan", *LAW, "--compute", "1e23", "--max-train-memory", "80e9", "--sharding",
                       "data=8,zero=1", "--recompute", "layer", "--json")
    assert code == 0
    assert "train_memory_bytes <= 8e+10" in json.loads(out)["binding"]


def test_a_device_may_stand_without_a_budget_where_something_else_is_asked(capsys):
    code, out, _ = run(capsys, "plan", *LAW, "--subject", "loss<=2.3", "--minimise", "usd", "--device", "h100",
                       "--max-ttft", "0.1", "--json")
    assert code == 0
    assert json.loads(out)["metrics"]["usd"] > 0


def test_a_device_of_ones_own_works_wherever_one_is_taken(capsys, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(MINE)
    for arguments in (("plan", *LAW, "--usd", "1000", "--device", str(file)),
                      ("calc", "time", "gpt2", "--tokens", "1B", "--device", str(file)),
                      ("calc", "cost", "gpt2", "--tokens", "1B", "--device", str(file)),
                      ("calc", "serve", "gpt2", "--device", str(file)),
                      ("calc", "memory", "gpt2", "--device", str(file))):
        code, out, err = run(capsys, *arguments)
        assert code == 0, err
        assert "my card" in out
    code, out, _ = run(capsys, "plan", *LAW, "--usd", "1000", "--device", str(file), "--serve-tokens", "1B", "--json")
    made = json.loads(out)
    assert made["metrics"]["gpu_hours"] == pytest.approx(1000 / 0.2, rel=1e-6)
    assert any("its data sheet, 2026-11-01" in said for said in made["assumptions"])
    assert made["question"]["problem"]["rates"]["device"]["peak_flop_per_second"] == 5e13


def test_advice_takes_a_device_of_ones_own(capsys, tmp_path):
    (tmp_path / "mine.toml").write_text(MINE)
    situation = tmp_path / "situation.toml"
    situation.write_text(f"""law = "besiroglu2024_refit"
budget = {{usd = "500", device = "{tmp_path / 'mine.toml'}"}}
[size]
""")
    code, out, err = run(capsys, "advise", str(situation), "--json")
    assert code == 0, err
    spent = json.loads(out)["answers"][0]["options"][0]["gives"]
    assert spent["train_flop"] <= 500 / 0.2 * 3600 * 5e13 * 0.4 * (1 + 1e-6)


def test_the_devices_of_the_table_are_listed(capsys):
    code, out, _ = run(capsys, "calc", "hardware", "--json")
    assert code == 0
    listed = {device["key"]: device for device in json.loads(out)["devices"]}
    assert listed["h100"]["memory_bytes"] == 80e9
    assert "NVIDIA H100 data sheet" in listed["h100"]["sources"]["memory_bytes"]["text"]
    code, out, _ = run(capsys, "calc", "hardware")
    assert "tpu-v5p" in out


def test_an_interconnect_takes_its_share_of_the_speed(capsys):
    base = ("calc", "time", "gpt2", "--tokens", "1B", "--device", "h100", "--devices", "8", "--json")
    (_, alone, _), (_, kept, _) = run(capsys, *base), run(capsys, *base, "--interconnect", "0.8:0.9")
    hours, ranged = json.loads(alone)["gpu_hours"], json.loads(kept)["gpu_hours"]
    assert ranged["low"] == pytest.approx(hours["low"] / 0.9)
    assert ranged["high"] == pytest.approx(hours["high"] / 0.8)
    assert any("Several devices keep 0.8 to 0.9" in said for said in json.loads(kept)["assumptions"])


@pytest.mark.parametrize(("text", "says"), [
    (MINE + "peak = 3\n", "unknown key 'peak' in"), (MINE + "peaks.fp6 = 3\n", "unknown precision 'fp6' in"),
    (MINE.replace("memory_bytes = 16e9", ""), "no memory_bytes; give a number of bytes"),
    (MINE.replace("16e9", "-16e9"), "memory_bytes must be a positive number of bytes"),
    (MINE.replace('"its data sheet"', '"its data sheet", page = 3'), "unknown key 'page' in"),
    (MINE.replace("peaks.int8 = 1e14", "peaks = 3"), "peaks must be a table"), ("title = ", "is not TOML"),
])
def test_a_file_of_hardware_that_is_none_is_named(capsys, tmp_path, text, says):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    code, out, err = run(capsys, "calc", "time", "gpt2", "--tokens", "1B", "--device", str(file))
    assert (code, out) == (2, "")
    assert says in err
    assert "mine.toml" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(("arguments", "code", "says"), [
    (["--days", "3", "--device", "h100"], 2, "days needs devices, the number of h100 at work"),
    (["--compute", "1e22", "--unique-tokens", "1B", "--vary", "epochs=3", "--vary", "tokens=3B"], 2,
     "says nothing of repeats"),
    (["--compute", "1e22", "--device", "h100", "--shape", "bert-base", "--max-latency", "0.1"], 2, "only decoders"),
    (["--compute", "1e22", "--vary", "samples=1:100"], 2, "nothing that is asked depends on it"),
    (["--compute", "1e22", "--vary", "samples=1:100", "--vary", "post_bits=4,8"], 2, "samples, post_bits: nothing"),
    (["--compute", "1e22", "--vary", "width=512:4096"], 2, "width: nothing that is asked depends on it"),
    (["--compute", "1e22", "--vary", "width=512:4096", "--vary", "depth=32"], 2, "nothing ties them to one another"),
    (["--compute", "1e22", "--vary", "mixture.a=0:1", "--vary", "mixture.b=0:1"], 2,
     "nothing that is asked depends on them"),
    (["--compute", "1e22", "--minimise", "loss,loss"], 2, "loss: a goal twice"),
    (["--compute", "1e22", "--minimise", "loss,"], 2, "name each goal"),
    (["--compute", "1e22", "--minimise", ","], 2, "name each goal"),
    (["--compute", "1e22", "--minimise", "loss,params", "--sensitivity"], 2, "--sensitivity is that of one plan"),
    (["--compute", "1e22", "--then", "hoffmann2022_approach3"], 2, "two laws of the row give loss"),
    (["runs.csv", "--compute", "1e22"], 2, "give one of the two"),
    (["--compute", "1e22", "--usd", "5"], 2, "two budgets"),
    (["--usd", "5k", "--device", "h1000"], 2, "unknown device 'h1000'; nearest: a100, h100"),
    (["--usd", "5k", "--device", "nowhere.toml"], 2, "nowhere.toml: cannot be read"),
    (["--compute", "1e22", "--serve-tokens", "0"], 2, "--serve-tokens: must be positive"),
    (["--compute", "1e22", "--shape", "lama-3-8b"], 2, "unknown model 'lama-3-8b'; nearest"),
    (["--compute", "1e22", "--shape", "t5-small"], 2, "t5-small has 2 streams"),
    (["--compute", "1e22", "--shape", "mixtral-8x7b"], 2, "is a law of dense models, and mixtral-8x7b has 8 experts"),
    (["--compute", "1e22", "--shape", "llama-3-8b", "--convention", "7N"], 2, "unknown convention '7N'"),
    (["--compute", "1e22", "--shape", "mamba-130m"], 2, "mamba-130m says no longest context"),
    (["--compute", "1e22", "--convention", "6N"], 2, "--convention counts a shape"),
    (["--compute", "1e22", "--context", "4096"], 2, "context is that of a shape"),
    (["--compute", "1e22", "--max-latency", "0.1"], 2, "it needs a device and how it serves"),
    (["--compute", "1e22", "--max-latency", "0"], 2, "the bound of latency_s: must be positive"),
    (["--usd", "5k", "--device", "h100", "--max-latency", "1e-4"], 1, "no decision keeps latency_s <= 0.0001"),
    (["--compute", "1e22", "--batch", "0"], 2, "--batch: must be positive"),
    (["--compute", "1e22", "--batch", "1.5"], 2, "--batch must be a whole number"),
    (["--compute", "1e22", "--sharding", "tensr=2"], 2, "unknown way of sharding 'tensr'"),
    (["--compute", "1e22", "--sharding", "zero=4"], 2, "zero must be 0, 1, 2 or 3"),
    (["--compute", "1e22", "--recompute", "all"], 2, "unknown recomputation 'all'"),
    (["--compute", "1e22", "--arithmetic", "fast"], 2, "unknown arithmetic 'fast'"),
    (["--compute", "1e22", "--teacher", "free"], 2, "unknown teacher 'free'"),
    (["--device", "h100"], 2, "a device without a budget"),
])
def test_each_slip_is_one_sentence(capsys, arguments, code, says):
    found, out, err = run(capsys, "plan", *LAW, *arguments)
    assert (found, out) == (code, "")
    assert says in err
    assert err.count("\n") == 1


def test_a_configuration_that_does_not_say_its_precision_is_asked_for_one(capsys, tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"model_type": "llama", "hidden_size": 512, "num_hidden_layers": 4, "vocab_size": 1000,
                                "num_attention_heads": 8, "intermediate_size": 2048}))
    code, _, err = run(capsys, "calc", "serve", str(file), "--device", "h100")
    assert code == 2
    assert "does not say its precision (torch_dtype): give one of fp32" in err
    code, _, err = run(capsys, "plan", *LAW, "--compute", "1e20", "--shape", str(file), "--context", "2048", "--quiet")
    assert code == 0, err
