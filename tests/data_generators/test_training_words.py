"""The words of a training epoch when datasets are mixed."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import main
from data_generators.collator import Collator
from data_generators.data_generator import DataGenerator
from data_generators.source import DataSource
from data_generators.training_words import TrainingWords
from preprocessing.labels import read_labels
from preprocessing.tokenizer import Tokenizer
from preprocessing.word_image import read_word_image
from tests.helpers.data import open_words, spec_of
from tests.helpers.models import description_of
from tests.helpers.tiny import tiny_settings, write_settings
from utils.config.load import validate_config
from utils.errors import UserError

NUMBER = 12


@pytest.fixture
def other(tmp_path):
    """A dataset of twelve images, each of another grey, with the label `é`: its `train.additional_data`."""
    folder = tmp_path / "other"
    folder.mkdir()
    for index in range(NUMBER):
        pixels = np.full((16, 20 + index), 10 * index, np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    entries = [{"filename": f"{index}.png", "label": "é"} for index in range(NUMBER)]
    splits = {"train": entries, "val": [], "test": entries[:1]}
    (folder / "labels.json").write_text(json.dumps(splits), encoding="utf-8")
    return {"images_folder": str(folder), "labels_file": str(folder / "labels.json")}


def opened(dataset, tmp_path, **additional):
    """The tiny dataset's config with additional data, the tokenizer and the opened training words."""
    return open_config(validate_config(tiny_settings(dataset, tmp_path, train={"additional_data": additional}), "test"))


def open_config(config):
    words = TrainingWords.read(config, DataSource.of(config).read_labels())
    tokenizer = Tokenizer.from_labels(words.characters)
    return config, tokenizer, *words.open(spec_of(config, tokenizer))


def test_words_keep_their_images(dataset, tmp_path, other):
    config, tokenizer, mixed, shares = opened(dataset, tmp_path, **other, words_per_epoch=5)
    assert shares == [(20, 20), (NUMBER, 5)]
    assert len(mixed) == len(mixed.widths) == 20 + NUMBER
    own = open_words(config, read_labels(config.labels_file).splits["train"], "train", tokenizer)
    for position in range(20):
        assert mixed.words[position] == own.words[position]
        assert np.array_equal(mixed.image(position), own.image(position))
    for index in range(NUMBER):
        image = mixed.image(20 + index)
        assert mixed.words[20 + index].label == "é"
        assert image.shape[1] == mixed.widths[20 + index]
        assert image[8, 10] == 10 * index


@pytest.mark.parametrize("distorted", [False, True])
def test_margin_and_blur_are_for_words_that_are_not_distorted(dataset, tmp_path, other, distorted):
    image = {"image_size": {"y_size": 16, "x_size": 64}, "fixed_width": False, "margin": 3, "blur": 0.5}
    changes = {"image": image, "data_aug": {"use_data_aug": distorted, "rotation_range": 3}}
    changes["train"] = {"additional_data": other}
    config = validate_config(tiny_settings(dataset, tmp_path, **changes), "test")
    words = read_labels(config.labels_file).splits["train"]
    extra = read_labels(other["labels_file"]).splits["train"]
    _, _, opened_words, _ = open_config(config)
    expected = config.image.model_copy(update={"margin": 0, "blur": 0.0}) if distorted else config.image
    for folder, position, word in ((config.images_folder, 0, words[0]), (other["images_folder"], 20, extra[0])):
        read = read_word_image(Path(folder) / word.filename, expected)
        assert np.array_equal(opened_words.image(position), read)
    plain = config.image.model_copy(update={"margin": 0})
    assert (read.shape == read_word_image(Path(folder) / word.filename, plain).shape) == distorted


def test_a_training_on_two_datasets_learns_the_characters_of_both(dataset, tmp_path, other, capsys):
    settings = tiny_settings(
        dataset,
        tmp_path,
        network={"charset": None},
        train={"num_epochs": 1, "additional_data": {**other, "words_per_epoch": 4}},
    )
    assert main.main(["-c", write_settings(tmp_path / "config.yml", settings), "--train"]) == 0
    assert "Training on 20 + 4 (of 12) words, validating on 6" in capsys.readouterr().err
    description = description_of(tmp_path / "experiment" / "best")
    assert "é" in description["charset"]
    assert description["origin"]["train_words"] == 20 and description["origin"]["words_per_epoch"] == 24


def test_several_datasets_are_mixed_in_by_name(dataset, tmp_path, other):
    both = {"letters": {**other, "words_per_epoch": 5}, "more": other}
    _, _, mixed, shares = opened(dataset, tmp_path, **both)
    assert shares == [(20, 20), (NUMBER, 5), (NUMBER, NUMBER)] and len(mixed) == 20 + 2 * NUMBER
    with pytest.raises(UserError, match=r"train\.additional_data\.letters\.images_folder"):
        opened(dataset, tmp_path, letters={"labels_file": other["labels_file"]})


def test_own_words_of_an_epoch_are_limited(dataset, tmp_path, other):
    """Of a damaged copy as many are drawn."""
    train = {"words_per_epoch": 7, "additional_data": other}
    aug = {"use_data_aug": True, "damaged_copies": 1}
    config = validate_config(tiny_settings(dataset, tmp_path, train=train, data_aug=aug), "test")
    assert open_config(config)[3] == [(20, 7), (20, 7), (NUMBER, NUMBER), (NUMBER, NUMBER)]


@pytest.mark.parametrize(("share", "damaged"), [(0.25, [(NUMBER, 3)]), (0, [])])
def test_a_dataset_has_its_share_of_damaged_words(dataset, tmp_path, other, share, damaged):
    changes = {"train": {"additional_data": {**other, "damaged_share": share}}}
    changes["data_aug"] = {"use_data_aug": True, "damaged_copies": 1}
    _, _, mixed, shares = open_config(validate_config(tiny_settings(dataset, tmp_path, **changes), "test"))
    assert shares == [(20, 20), (20, 20), (NUMBER, NUMBER), *damaged]
    assert len(mixed) == sum(words for words, _ in shares)


def test_damaged_copies_of_every_word_alternate(dataset, tmp_path):
    aug = {"use_data_aug": True, "damaged_copies": 2}
    config = validate_config(tiny_settings(dataset, tmp_path, data_aug=aug), "test")
    _, tokenizer, mixed, shares = open_config(config)
    assert shares == [(20, 20), (40, 20)]
    assert [word.label for word in mixed.words[:20]] == [word.label for word in mixed.words[40:]]
    versions = [[mixed.image(start + i).tobytes() for i in range(20)] for start in (0, 20, 40)]
    assert all(len(set(images)) == 3 for images in zip(*versions))
    generator = DataGenerator(mixed, Collator(spec_of(config, tokenizer)), 8, seed=1, shares=shares)
    used = [set(np.concatenate(generator.positions(epoch)).tolist()) for epoch in (0, 1)]
    assert all(set(range(20)) < positions and len(positions) == 40 for positions in used)
    assert used[0] | used[1] == set(range(60))


def test_a_missing_dataset_is_named(dataset, tmp_path):
    with pytest.raises(UserError, match=r"none\.json does not exist"):
        opened(dataset, tmp_path, images_folder=str(tmp_path), labels_file=str(tmp_path / "none.json"))
