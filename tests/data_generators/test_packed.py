"""Packed datasets: the same words and batches as from files, any part of them at any time."""

import itertools
import json
import shutil
from collections import Counter

import numpy as np
import pytest

import main
from data_generators import packed_store
from data_generators.collator import Collator
from data_generators.packed_generator import PackedGenerator
from data_generators.packed_store import open_packed, write_packed
from data_generators.training_words import open_training_words, training_words
from preprocessing.labels import read_labels
from preprocessing.tokenizer import PAD, Tokenizer
from preprocessing.word_image import read_word_image
from tests.helpers.tiny import tiny_settings, write_settings
from tools import pack_dataset
from utils.config.image import ImageConfig
from utils.config.load import load_config, validate_config
from utils.errors import UserError

WORDS, HEIGHT = 173, 16
CHARSET = "abcdefgh"


@pytest.fixture(autouse=True)
def small_groups(monkeypatch):
    """Row groups of 10 words, shards of 30."""
    monkeypatch.setattr(packed_store, "GROUP_WORDS", 10)
    monkeypatch.setattr(packed_store, "SHARD_GROUPS", 3)


@pytest.fixture
def make_config(dataset, tmp_path):
    def make(**changes):
        return validate_config(tiny_settings(dataset, tmp_path, **changes), "test")

    return make


@pytest.fixture
def store(make_config, tmp_path):
    """Word i has i in its pixels, and i in base 8 as its label."""
    rng = np.random.default_rng(1)
    words = [
        (np.base_repr(i + 1, 8).translate(str.maketrans("01234567", CHARSET)), int(rng.integers(8, 65)))
        for i in range(WORDS)
    ]
    images = ((label, np.full((HEIGHT, width), i, np.uint8)) for i, (label, width) in enumerate(words))
    image = make_config().image
    assert write_packed(tmp_path / "packed", images, image) == WORDS
    return open_packed(tmp_path / "packed", image)


def make_generator(config, store, part=(0, 1)):
    return PackedGenerator(config, store, Collator(config, Tokenizer(CHARSET), 4, part=part))


def words_in(batch) -> list[int]:
    """The numbers of the words of a batch that have a target."""
    inputs, target = batch
    return [int(image[0, 0, 0]) for image, ids in zip(inputs["image"], target) if ids[0] != PAD]


def test_a_packed_dataset_holds_every_word_as_it_is(store):
    assert [words for _, _, words in store.groups] == [10] * 17 + [3]
    assert len(list(store.folder.glob("*.parquet"))) == 6
    assert store.charset == CHARSET and store.longest == 3
    images = [image for group in range(18) for image in store.images(group)]
    assert [int(image[0, 0]) for image in images] == list(range(WORDS))
    labels, widths = zip(*(store.labels_and_widths(group) for group in range(18)))
    assert [image.shape for image in images] == [(HEIGHT, width) for width in np.concatenate(widths)]
    assert labels[0][:2] == ["b", "c"]


@pytest.mark.parametrize("batch_size", [8, 6])
def test_every_word_once_an_epoch_for_any_number_of_processes(make_config, store, batch_size):
    config = make_config(train={"batch_size": batch_size})
    whole = make_generator(config, store)
    orders = []
    for epoch in range(2):
        batches = [whole.batch(epoch, index) for index in range(len(whole))]
        assert all(len(inputs["image"]) == batch_size for inputs, _ in batches)
        orders.append([words_in(batch) for batch in batches])
        assert sorted(itertools.chain(*orders[-1])) == list(range(WORDS))
        halves = [make_generator(config, store, (part, 2)) for part in range(2)]
        for index, expected in enumerate(orders[-1]):
            parts = [words_in(half.batch(epoch, index)) for half in halves]
            assert [*parts[0], *parts[1]] == expected
    assert orders[0] != orders[1]
    numbers = [sorted(words) for words in orders[0]]
    assert [sorted(positions.tolist()) for positions in whole.positions(0)] == numbers


def test_any_batch_at_any_time_is_the_same(make_config, store):
    config = make_config(data_aug={"use_data_aug": True, "noise_range": 9})
    first, second = make_generator(config, store), make_generator(config, store)
    for index in (21, 3, 0, 21):
        one, other = first.batch(4, index), second.batch(4, index)
        assert all(np.array_equal(one[0][name], other[0][name]) for name in one[0])
        assert np.array_equal(one[1], other[1])
    with pytest.raises(IndexError):
        first.batch(0, len(first))


def test_a_process_reads_the_pixels_of_its_own_lanes_only(make_config, store, monkeypatch):
    read = {0: set(), 1: set()}
    generators = [make_generator(make_config(), store, (part, 2)) for part in range(2)]
    images = type(store).images
    for part, generator in enumerate(generators):

        def counted(self, group, part=part):
            read[part].add(group)
            return images(self, group)

        monkeypatch.setattr(type(store), "images", counted)
        generator.batch(0, 0)
    # One in which the lanes meet, and one for the word that fills an empty lane of the last batch.
    assert len(read[0] & read[1]) <= 2
    assert len(read[0] | read[1]) == 18


def test_packing_an_own_dataset(dataset, make_config, tmp_path):
    config = make_config()
    output = tmp_path / "own"
    assert pack_dataset.pack_dataset(config, output) == 20
    image = config.for_training_words.image
    expected = Counter(
        (word.label, read_word_image(dataset / "words" / word.filename, image).tobytes())
        for word in read_labels(dataset / "labels.json").splits["train"]
    )
    store = open_packed(output, image)
    packed = [
        (label, np.ascontiguousarray(image).tobytes())
        for group in range(len(store.groups))
        for label, image in zip(store.labels_and_widths(group)[0], store.images(group))
    ]
    assert Counter(packed) == expected
    rest = read_labels(output / "labels.json").splits
    assert {split: len(words) for split, words in rest.items()} == {"train": 0, "val": 6, "test": 8}


def test_labels_with_spaces_are_trained_on(dataset, tmp_path, eagerly):
    shutil.copytree(dataset, tmp_path / "data")
    labels = json.loads((tmp_path / "data" / "labels.json").read_text(encoding="utf-8"))
    labels["train"][0]["label"] = "a b"
    (tmp_path / "data" / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
    settings = tiny_settings(tmp_path / "data", tmp_path, network={"charset": None}, train={"num_epochs": 1})
    config, packed = write_settings(tmp_path / "tiny.yml", settings), tmp_path / "packed"
    assert pack_dataset.main(["-c", config, "--output", str(packed)]) == 0
    assert main.main(["-c", config, "--train", "--set", f"train.packed.folder={packed}"]) == 0
    model = json.loads((tmp_path / "experiment" / "best" / "model.json").read_text(encoding="utf-8"))
    assert " " in model["charset"]


@pytest.mark.parametrize("text", ["english", "accented"])
def test_rendered_words_are_those_of_create_synthetic(tmp_path, text):
    settings = ["network.max_seq_length=4", "network.fixed_seq_length=false", "image.image_size.y_size=48"]
    settings += [f"synthetic.text={text}"]
    options = ["--set", *settings, "--synthetic", "25", "--workers", "1", "--output", str(tmp_path / "new")]
    assert pack_dataset.main(["-c", "configs/config.yml", *options]) == 0
    config = load_config("configs/config.yml", settings)
    store = open_packed(tmp_path / "new", config.for_training_words.image)
    share = config.synthetic.beyond_dictionary
    expected = [pack_dataset.sample(1, "train", i, share, text)[1] for i in range(25)]
    labels = [label for group in range(len(store.groups)) for label in store.labels_and_widths(group)[0]]
    assert labels == [label for label in expected if len(label) < 4] and 0 < len(labels) < 25


def test_training_takes_its_words_and_charset(make_config, store):
    config = make_config(train={"packed": {"folder": str(store.folder)}}, network={"charset": None})
    words, additional = training_words(config, None)
    tokenizer = Tokenizer.from_labels([word.label for word in words])
    assert tokenizer.charset == CHARSET and additional == []
    assert open_training_words(config, words, [], tokenizer)[1] == [(WORDS, WORDS)]
    lacking = r"characters outside the charset \('h'\); "
    with pytest.raises(UserError, match=lacking + r"set train\.weights_init.*add_characters"):
        open_training_words(config, words, [], Tokenizer(CHARSET[:-1]))
    short = make_config(train={"packed": {"folder": str(store.folder)}}, network={"max_seq_length": 3})
    with pytest.raises(UserError, match=lacking + r"add them to network\.charset, or pack"):
        open_training_words(short, words, [], Tokenizer(CHARSET[:-1]))
    with pytest.raises(UserError, match="max_seq_length to 4"):
        open_training_words(short, words, [], tokenizer)


def test_bad_folders_are_told(store, make_config, tmp_path):
    config = make_config()
    with pytest.raises(UserError, match=r"packed\.json is missing"):
        open_packed(tmp_path, config.image)
    with pytest.raises(UserError, match=r"packed with image\.binarization none"):
        open_packed(store.folder, ImageConfig(**{**config.image.model_dump(), "binarization": "otsu"}))
    # Which files are refused is no geometry.
    assert open_packed(store.folder, config.image.model_copy(update={"max_pixels": 9})).words == WORDS
    with pytest.raises(
        UserError, match=r"margin 0, but this training needs 4 \(0 with data_aug\.use_data_aug"
    ):
        open_packed(store.folder, ImageConfig(**{**config.image.model_dump(), "margin": 4}))
    shard = store.folder / "words-00001.parquet"
    shard.write_bytes(shard.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"words-00001\.parquet can't be read"):
        store.images(3)
    index = store.folder / "packed.json"
    index.write_text(json.dumps({"format": 1}), encoding="utf-8")
    with pytest.raises(UserError, match="damaged or of another version"):
        open_packed(store.folder, config.image)
    with pytest.raises(UserError, match="no usable word"):
        write_packed(tmp_path / "empty", [], config.image)
