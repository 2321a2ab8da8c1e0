"""The synthetic dataset: layout, reproducibility, and that it looks as it should in numbers."""

import functools
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_generators.synthetic.accents import ACCENTED, draw_accented
from data_generators.synthetic.dataset import MAX_WORDS, create_synthetic
from data_generators.synthetic.fonts import SPLITS, fonts_of, glyph, load_fonts
from data_generators.synthetic.render import render_word
from data_generators.synthetic.sample import LONGEST, WORDS_PER_FORM, sample
from data_generators.synthetic.texts import CHARSET, append_text, draw_text, load_words
from tests.helpers.tiny import REPOSITORY
from tools.create_synthetic import main
from utils.config.synthetic import SyntheticConfig
from utils.errors import UserError

NUM_WORDS = {"train": 130, "val": 25, "test": 10}  # several tasks, an unfinished form and line


def _digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _create(folder: Path, num_words: dict[str, int] = NUM_WORDS, seed: int = 5, workers: int = 1) -> Path:
    return create_synthetic(folder, num_words, SyntheticConfig(seed=seed), workers, progress=False)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _create(tmp_path_factory.mktemp("data") / "synthetic").parent


def test_files_do_not_depend_on_workers(dataset: Path, tmp_path: Path) -> None:
    _create(tmp_path, workers=2)
    assert _digests(tmp_path) == _digests(dataset)


def test_dataset_holds_the_samples_of_each_index(dataset: Path) -> None:
    labels = json.loads((dataset / "labels.json").read_text())
    assert {split: len(entries) for split, entries in labels.items()} == NUM_WORDS
    for split, entries in labels.items():
        for index in (0, len(entries) - 1):
            image, label, writer = sample(SyntheticConfig(seed=5), split, index)
            saved = cv2.imread(str(dataset / "words" / entries[index]["filename"]), cv2.IMREAD_UNCHANGED)
            assert (label, writer) == (entries[index]["label"], entries[index]["writer"])
            assert np.array_equal(saved, image)


def test_interrupted_creation_has_no_labels_and_resumes(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _create(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("data_generators.synthetic.dataset.sample", _fail_at_word_120)
        with pytest.raises(KeyboardInterrupt):
            _create(tmp_path)
    assert not (tmp_path / "labels.json").exists()
    _create(tmp_path)
    assert _digests(tmp_path) == _digests(dataset)


def _fail_at_word_120(settings: SyntheticConfig, split: str, index: int) -> tuple[np.ndarray, str, str]:
    if index == 120:
        raise KeyboardInterrupt
    return sample(settings, split, index)


@pytest.mark.parametrize(
    ("num_words", "workers", "complaint"),
    [
        ({"train": 0, "val": 1, "test": 1}, 1, "train words must be 1 to"),
        ({"train": 1, "val": 1, "test": MAX_WORDS + 1}, 1, "test words must be 1 to"),
        ({"train": 1, "val": 1}, 1, "keys train, val, test"),
        ({"train": 1, "val": 1, "test": 1}, -1, "workers"),
    ],
)
def test_impossible_numbers_are_refused(
    tmp_path: Path, num_words: dict[str, int], workers: int, complaint: str
) -> None:
    with pytest.raises(UserError, match=complaint):
        create_synthetic(tmp_path / "new", num_words, SyntheticConfig(), workers, progress=False)
    assert not (tmp_path / "new").exists()


def test_foreign_folders_and_files_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="holds no synthetic dataset"):
        _create(tmp_path)
    for impossible in (tmp_path / "thesis.txt", tmp_path / "thesis.txt" / "below"):
        with pytest.raises(UserError, match="Not a directory"):
            _create(impossible)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("option", ["--seed -1", "--beyond_dictionary 1.1", "--most_words 0", "--most_words 101"])
def test_impossible_options_are_refused(tmp_path: Path, option: str, capsys) -> None:
    name, value = option.split()
    with pytest.raises(SystemExit) as refused:
        main(["--output", str(tmp_path / "new"), "--words", "40", name, value])
    assert refused.value.code == 2 and name in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_command_line(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "tools.create_synthetic", "--output", str(tmp_path / "new"), *arguments]
        return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    refused = run("--words", "0")
    assert (refused.returncode, refused.stdout) == (2, "") and "Traceback" not in refused.stderr
    done = run("--words", "40", "--workers", "1")
    assert (done.returncode, done.stdout.strip()) == (0, str(tmp_path / "new" / "labels.json")), done.stderr
    labels = json.loads((tmp_path / "new" / "labels.json").read_text())
    assert {split: len(entries) for split, entries in labels.items()} == {"train": 40, "val": 10, "test": 10}
    assert "Rendering" in done.stderr


def test_lines_have_one_to_most_words_up_to_the_longest_label() -> None:
    labels = [sample(SyntheticConfig(seed=2, most_words=3), "train", index)[1] for index in range(60)]
    assert {len(label.split(" ")) for label in labels} == {1, 2, 3}
    assert not any(re.search(r" [.,;:?!)]( |$)", label) for label in labels)
    longest = max(len(sample(SyntheticConfig(seed=2, most_words=60), "train", index)[1]) for index in range(8))
    assert LONGEST - 25 < longest <= LONGEST


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (["he", ",", "too", "..."], "he, too..."),
        (["a", "(", "b", ")", "."], "a (b)."),
        ([",", "-", "x", '"'], ', - x "'),
    ],
)
def test_marks_stand_behind_their_word(texts, line) -> None:
    assert functools.reduce(append_text, texts) == line


def test_slanted_lines_keep_their_ends() -> None:
    """At the ends there is as much ink in a column as in the middle, also where a line rises or falls."""
    font = fonts_of("train")[0]
    for seed in range(12):
        line = render_word("told " * 12 + "l", font, np.random.default_rng(seed))
        columns = (line < 128).sum(axis=0)
        tenth = len(columns) // 10
        ends, middle = np.r_[columns[:tenth], columns[-tenth:]].mean(), columns[4 * tenth : 6 * tenth].mean()
        assert ends > 0.6 * middle


def test_no_font_family_is_in_two_splits() -> None:
    families = {split: {font.family for font in fonts_of(split)} for split in SPLITS}
    assert all(len(families[split]) >= 6 for split in SPLITS)
    assert sum(len(names) for names in families.values()) == len(set().union(*families.values()))
    assert len({font.writer for font in load_fonts()}) == len({font.path for font in load_fonts()}) == len(load_fonts())
    for split in SPLITS:
        writers = {
            sample(SyntheticConfig(), split, WORDS_PER_FORM * form)[2] for form in range(2 * len(families[split]))
        }
        assert writers == {font.writer for font in fonts_of(split)}


def test_every_font_draws_each_of_its_characters_differently() -> None:
    for font in load_fonts():
        glyphs = {character: glyph(font, character) for character in font.charset}
        assert all((shape.ink > 128).sum() >= 6 for shape in glyphs.values()), font.family
        shapes = {(shape.ink.shape, shape.ink.tobytes(), shape.top) for shape in glyphs.values()}
        assert len(shapes) == len(glyphs), font.family


def test_a_line_has_a_gap_at_each_space() -> None:
    for font in fonts_of("test")[:3]:
        line = render_word("moon nun mummy", font, np.random.default_rng(3))
        empty = (line < 128).sum(axis=0) == 0
        starts = np.flatnonzero(np.diff(empty.astype(int), prepend=0) == 1)
        ends = np.flatnonzero(np.diff(empty.astype(int), append=0) == -1)
        gaps = sorted(ends - starts)
        assert gaps[-2] > 15 and gaps[-2] > 1.3 * (gaps[-3] if len(gaps) > 2 else 0)
    with pytest.raises(ValueError):
        render_word(" ", font, np.random.default_rng(3))


def test_render_word_draws_any_supported_text() -> None:
    for position, font in enumerate(load_fonts()):
        rng = np.random.default_rng(position)
        accents = "".join(sorted(font.charset.intersection(ACCENTED)))[position % 8 :: 8]
        for text in (".", ".", ".", "-", "ffjy", "".join(sorted(font.charset & set(CHARSET))), accents or "."):
            image = render_word(text, font, rng)
            assert image.dtype == np.uint8 and image.ndim == 2 and min(image.shape) >= 3
            assert image.min() < 150, (font.family, text)
        with pytest.raises(ValueError, match="can't draw"):
            render_word("€", font, rng)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**32), missing=st.sets(st.sampled_from(sorted(CHARSET)), max_size=10))
def test_draw_text_keeps_to_the_charset(seed: int, missing: set[str]) -> None:
    allowed = frozenset(CHARSET) - missing
    text = draw_text(np.random.default_rng(seed), allowed, 0.17)
    assert text and allowed.issuperset(text)


def test_labels_have_iams_mixture() -> None:
    labels = [draw_text(np.random.default_rng(index), frozenset(CHARSET), 0.17) for index in range(9_000)]
    assert set("".join(labels)) == set(CHARSET)

    def share(condition) -> float:
        return sum(map(condition, labels)) / len(labels)

    assert 0.10 < share(lambda text: not any(map(str.isalnum, text))) < 0.14
    assert 0.11 < share(lambda text: len(text) == 1) < 0.18
    assert 0.08 < share(lambda text: text[0].isupper() and text[1:].islower()) < 0.16
    assert 0.005 < share(lambda text: text.isdigit()) < 0.04
    assert 0.005 < share(lambda text: "'" in text[1:]) < 0.05
    known = set(load_words()[0])
    assert 0.05 < share(lambda text: text.isalpha() and text.lower() not in known) < 0.2
    assert 3 <= np.median([len(text) for text in labels]) <= 5 and max(map(len, labels)) < 40


@settings(deadline=None, max_examples=50)
@given(
    seed=st.integers(0, 2**32),
    beyond=st.sampled_from([0.0, 0.5, 1.0]),
    missing=st.sets(st.sampled_from(sorted(ACCENTED)), max_size=10),
)
def test_accented_labels_have_accents_and_keep_to_the_charset(seed, beyond, missing) -> None:
    allowed = frozenset(CHARSET + ACCENTED) - missing
    text = draw_accented(np.random.default_rng(seed), allowed, beyond)
    assert allowed.issuperset(text) and set(text) & set(ACCENTED)
