from pathlib import Path

import numpy as np
import pytest

from lawful.errors import InputError
from lawful.lab import corpus
from lawful.lab.corpus import CorpusWarning, is_held_out, list_sources, packaged_recipe, read_corpus


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A folder like a standard library: 300 modules, and the things the rule leaves out."""
    for i in range(300):
        path = tmp_path / f"part{i % 7}" / f"module{i}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"# module {i}\n" + "x = 1\n" * (i % 5))
    for path in (
        "site-packages/added.py",
        "config-3.99/python-config.py",
        "_sysconfigdata_linux.py",
        "sitecustomize.py",
        "part0/notes.txt",
    ):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(f"left out: {path}")
    return tmp_path


def test_the_rule_leaves_out_what_an_installation_adds(library: Path) -> None:
    paths = list_sources(library)
    assert len(paths) == 300
    assert paths == sorted(paths)
    assert all(path.startswith("part") and path.endswith(".py") for path in paths)


def test_the_split_is_by_file_and_shares_no_content(library: Path) -> None:
    held_out = [path for path in list_sources(library) if is_held_out(path)]
    for copy, path in enumerate(held_out):  # the same content again, trained on, listed before or after
        names = (f"part0/{'az'[copy % 2]}{copy}_{i}.py" for i in range(999))
        name = next(name for name in names if not is_held_out(name))
        (library / name).write_bytes((library / path).read_bytes())
    split = read_corpus(library)
    train, test = (set(part.tobytes().split(corpus.SEPARATOR)) for part in (split.train, split.held_out))
    assert not train & test
    assert len(train | test) == 300
    assert split.train_files + split.held_out_files == 300


def test_the_corpus_is_the_same_every_time_and_its_checksum_sees_every_change(library: Path) -> None:
    first, again = read_corpus(library), read_corpus(library)
    assert first.sha256 == again.sha256
    assert np.array_equal(first.train, again.train)
    assert np.array_equal(first.held_out, again.held_out)
    (library / "part3" / "module3.py").write_text("changed")
    assert read_corpus(library).sha256 != first.sha256


def test_a_share_near_the_stated_one_is_held_out() -> None:
    share = np.mean([is_held_out(f"some/path{i}.py") for i in range(20_000)])
    assert share == pytest.approx(corpus.HELD_OUT_PER_MILLE / 1000, abs=0.003)


def test_another_corpus_than_the_packaged_one_warns(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus.sysconfig, "get_path", lambda name: str(library))
    corpus.load_corpus.cache_clear()
    try:
        with pytest.warns(CorpusWarning, match="do not mix their losses"):
            corpus.load_corpus()
    finally:
        corpus.load_corpus.cache_clear()


def test_too_few_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "only.py").write_text("x = 1\n")
    with pytest.raises(InputError, match="1 distinct"):
        read_corpus(tmp_path)


def test_the_recipe_names_what_is_needed_to_repeat_it() -> None:
    recipe = packaged_recipe()["corpus"]
    assert len(recipe["sha256"]) == 64
    assert 0.02 < recipe["held_out_bytes"] / (recipe["held_out_bytes"] + recipe["train_bytes"]) < 0.035
