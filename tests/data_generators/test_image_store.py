"""The store of images and labels: what is written is read back, row by row, or refused as a whole."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_generators.dataset import Dataset
from data_generators.image_store import SUFFIXES, JoinedStore, RowFile, StoredWords, open_store, write_store
from preprocessing.tokenizer import Tokenizer
from tests.helpers.data import CHARSET, HEIGHT, make_generator
from tests.helpers.tiny import plain_image
from utils.errors import UserError

GREY, COLOUR = (
    plain_image(image_size={"y_size": HEIGHT, "x_size": 64, "num_channels": channels}, fixed_width=False)
    for channels in (1, 3)
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def rows_of(number: int, seed: int = 0) -> list[tuple[str, np.ndarray | str]]:
    """Words of random labels and pixels."""
    rng = np.random.default_rng(seed)
    labels = ("".join(rng.choice(list(CHARSET), rng.integers(1, 9))) for _ in range(number))
    return [(label, rng.integers(0, 256, (HEIGHT, rng.integers(1, 65)), np.uint8)) for label in labels]


def assert_holds(store, rows) -> None:
    words = StoredWords(store)
    assert len(store) == len(words) == len(rows)
    assert [word.label for word in words] == [label for label, _ in rows]
    for index, (_, content) in enumerate(rows):
        if isinstance(content, str):
            assert store.problems[index] == content and store.widths[index] == 0
        else:
            assert np.array_equal(store[index], content) and store.widths[index] == content.shape[1]


@given(
    labels=st.lists(TEXT, max_size=8),
    widths=st.lists(st.integers(0, 64), min_size=8, max_size=8),
    image=st.sampled_from([GREY, COLOUR]),
    seed=st.integers(0, 99),
)
def test_what_is_written_is_read_back(tmp_path_factory, labels, widths, image, seed):
    """Width 0 stands for an unusable image."""
    base = tmp_path_factory.getbasetemp() / "store"
    rng = np.random.default_rng(seed)
    shape = (HEIGHT, -1) if image is GREY else (HEIGHT, -1, 3)
    pixels = [rng.integers(0, 256, HEIGHT * width * image.image_size.num_channels, np.uint8) for width in widths]
    rows = [(label, p.reshape(shape) if len(p) else "missing file") for label, p in zip(labels, pixels)]
    assert write_store(base, iter(rows), image, {"note": 1}) == len(rows)
    store = open_store(base)
    assert_holds(store, rows)
    assert store.image == image and store.about == {"note": 1}


def test_rows_are_read_only_and_several_stores_are_one(tmp_path):
    first, second = rows_of(3), rows_of(4, seed=1)
    for name, rows in (("a", first), ("b", second)):
        write_store(tmp_path / name, rows, GREY)
    joined = JoinedStore([open_store(tmp_path / "a"), open_store(tmp_path / "b")])
    assert len(joined) == 7 and joined.widths.tolist() == [image.shape[1] for _, image in first + second]
    assert all(np.array_equal(joined[i], image) for i, (_, image) in enumerate(first + second))
    with pytest.raises(ValueError, match="read-only"):
        joined[4][:] = 0


def test_rewriting_leaves_an_open_store_readable(tmp_path):
    before, after = rows_of(5), rows_of(9, seed=1)
    write_store(tmp_path / "words", before, GREY)
    opened = open_store(tmp_path / "words")
    write_store(tmp_path / "words", after, GREY)
    assert_holds(opened, before)
    assert_holds(open_store(tmp_path / "words"), after)
    assert len(list(tmp_path.iterdir())) == 4

    def interrupted():
        yield from before
        raise KeyboardInterrupt

    for name in ("new", "words"):
        with pytest.raises(KeyboardInterrupt):
            write_store(tmp_path / name, interrupted(), GREY)
    assert open_store(tmp_path / "new") is None and len(list(tmp_path.iterdir())) == 4
    assert_holds(open_store(tmp_path / "words"), after)


def garbled(path: Path) -> None:
    path.write_bytes(b"\xff\x00{")


def shortened(path: Path) -> None:
    path.write_bytes(path.read_bytes().rstrip()[:-1])


def lengthened(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def without_a_row(path: Path) -> None:
    """The sums fit no more."""
    np.save(path, np.load(path)[1:])


@pytest.mark.parametrize(
    ("suffix", "change"),
    [
        *itertools.product(SUFFIXES, [Path.unlink, garbled, shortened, lambda path: path.write_bytes(b"")]),
        (".index.npy", without_a_row),
        (".json", lambda path: path.write_text("[1]")),
        (".pixels", lengthened),
        (".labels", lengthened),
    ],
)
def test_a_damaged_store_is_none(tmp_path, suffix, change):
    write_store(tmp_path / "words", rows_of(5), GREY)
    change(tmp_path / f"words{suffix}")
    assert open_store(tmp_path / "words") is None


def test_a_store_cut_while_it_is_open_is_one_sentence(tmp_path):
    """A mapped file would end the process."""
    write_store(tmp_path / "words", rows_of(5), GREY)
    store = open_store(tmp_path / "words")
    os.truncate(tmp_path / "words.pixels", 50)
    with pytest.raises(UserError, match=r"words\.pixels"):
        store[4]


def test_a_process_reads_the_pixels_of_its_own_rows_only(tmp_path, monkeypatch):
    """Of two processes each reads half of every batch, and together they read each word once."""
    write_store(tmp_path / "words", rows_of(48), GREY)
    store, read = open_store(tmp_path / "words"), []
    dataset = Dataset(StoredWords(store), store, np.arange(48))
    real = RowFile.__getitem__

    def counted(self, index):
        if self is store.pixels:
            read.append(index)
        return real(self, index)

    monkeypatch.setattr(RowFile, "__getitem__", counted)
    generators = [make_generator(dataset, shard=(index, 2)) for index in range(2)]
    assert not read
    for index, positions in enumerate(generators[0].positions(1)):
        halves = []
        for generator in generators:
            read.clear()
            inputs, targets = generator.batch(1, index)
            assert len(inputs["image"]) == len(read) == 4
            labels = [Tokenizer(CHARSET).decode(row) for row in targets]
            assert labels == [dataset.words[position].label for position in read]
            halves += read
        assert sorted(halves) == sorted(positions)
