"""Packed datasets: the config's own words, or rendered ones, in one store that trainings read."""

import json
import shutil
from collections import Counter

import numpy as np
import pytest

from data_generators.image_store import StoredWords, write_store
from data_generators.packed import open_packed, packed_dataset, write_packed
from data_generators.source import DataSource
from data_generators.synthetic.sample import sample
from data_generators.training_words import TrainingWords, training_image
from preprocessing.labels import read_labels
from preprocessing.tokenizer import Tokenizer
from preprocessing.word_image import read_word_image
from tests.helpers.data import spec_of
from tests.helpers.models import description_of
from tests.helpers.tiny import tiny_settings, write_settings
from tests.helpers.training import history, last_line, train
from tools import pack_dataset
from utils.config.load import load_config
from utils.errors import UserError

ROWS = [("ab", np.zeros((16, 9), np.uint8)), ("cab", np.ones((16, 5), np.uint8)), ("d", np.ones((16, 64), np.uint8))]


@pytest.fixture
def packed(tiny, tmp_path):
    """(config file, folder) of the tiny dataset's words, packed by the command."""
    config, folder = tiny(train={"num_epochs": 2}), tmp_path / "packed"
    assert pack_dataset.main(["-c", config, "--output", str(folder)]) == 0
    return config, folder


def test_it_holds_the_words_that_training_reads(packed, dataset):
    config, folder = packed
    image = load_config(config).image
    expected = Counter(
        (word.label, read_word_image(dataset / "words" / word.filename, image).tobytes())
        for word in read_labels(dataset / "labels.json").splits["train"]
    )
    store = open_packed(folder, image)
    assert Counter((word.label, store[i].tobytes()) for i, word in enumerate(StoredWords(store))) == expected
    rest = read_labels(folder / "labels.json").splits
    assert {split: len(words) for split, words in rest.items()} == {"train": 0, "val": 6, "test": 8}


def test_it_trains_to_the_numbers_of_the_labels_file(packed, experiment, eagerly):
    """With one batch an epoch, for packed words have another order."""
    config, folder = packed
    files = experiment.with_name("files")
    assert train(config, "train.batch_size=20", f"experiment_folder={files}") == 0
    settings = [f"train.packed.folder={folder}", f"labels_file={folder / 'labels.json'}"]
    assert train(config, "train.batch_size=20", *settings) == 0
    for row, expected in zip(history(experiment), history(files), strict=True):
        assert row == pytest.approx(expected, rel=1e-4)


def test_damaged_copies_that_a_packed_dataset_lacks_are_told(packed, capsys):
    config, folder = packed
    config = load_config(
        config, [f"train.packed.folder={folder}", "data_aug.use_data_aug=true", "data_aug.damaged_copies=1"]
    )
    words = TrainingWords.read(config, DataSource.of(config).read_labels())
    assert words.damaged_copies == 0 and "damaged_copies" in capsys.readouterr().err


def test_labels_with_spaces_are_trained_on(dataset, tmp_path, eagerly):
    labels = json.loads((dataset / "labels.json").read_text(encoding="utf-8"))
    labels["train"][0]["label"] = "a b"
    (tmp_path / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
    changes = {"labels_file": str(tmp_path / "labels.json"), "network": {"charset": None}}
    settings = tiny_settings(dataset, tmp_path, **changes, train={"num_epochs": 1})
    config, folder = write_settings(tmp_path / "tiny.yml", settings), tmp_path / "packed"
    assert pack_dataset.main(["-c", config, "--output", str(folder)]) == 0
    assert train(config, f"train.packed.folder={folder}") == 0
    assert " " in description_of(tmp_path / "experiment" / "best")["charset"]


@pytest.mark.parametrize(("text", "workers"), [("english", "2"), ("accented", "1")])
def test_rendered_words_are_those_of_create_synthetic(tmp_path, text, workers, capsys):
    settings = ["network.max_seq_length=4", "network.fixed_seq_length=false", "image.image_size.y_size=48"]
    settings += [f"synthetic.text={text}"]
    options = ["--synthetic", "25", "--workers", workers, "--output", str(tmp_path / "new")]
    assert pack_dataset.main(["-c", "configs/config.yml", *options, "--set", *settings]) == 0
    config = load_config("configs/config.yml", settings)
    store = open_packed(tmp_path / "new", training_image(config.image, config.data_aug))
    labels = [sample(config.synthetic, "train", index)[1] for index in range(25)]
    expected = [label for label in labels if len(label) < 4]
    assert [word.label for word in StoredWords(store)] == expected and 0 < len(expected) < 25
    assert f"{25 - len(expected)} of 25 words are left out" in capsys.readouterr().err


def test_the_network_must_be_able_to_learn_all_labels(make_config, tmp_path):
    config = make_config(network={"max_seq_length": 4})
    assert write_packed(tmp_path, ROWS, config.image) == 3
    store = open_packed(tmp_path, config.image)
    words = packed_dataset(tmp_path, store, spec_of(config, Tokenizer("abcd")))
    assert [word.label for word in words.words] == ["ab", "cab", "d"] and words.widths.tolist() == [9, 5, 64]
    with pytest.raises(UserError, match="'d'"):
        packed_dataset(tmp_path, store, spec_of(config, Tokenizer("abc")))
    short = make_config(network={"max_seq_length": 3})
    with pytest.raises(UserError, match="max_seq_length=4"):
        packed_dataset(tmp_path, store, spec_of(short, Tokenizer("abcd")))


def test_packing_again_replaces_the_words(make_config, tmp_path):
    image = make_config().image
    write_packed(tmp_path, ROWS, image)
    write_packed(tmp_path, ROWS[:1], image)
    assert len(open_packed(tmp_path, image)) == 1
    with pytest.raises(UserError, match="usable"):
        write_packed(tmp_path, [], image)
    assert len(open_packed(tmp_path, image)) == 1


def test_folders_that_do_not_fit_are_refused(make_config, tmp_path):
    image = make_config().image
    write_packed(tmp_path, ROWS, image)
    for name, value in (("binarization", "otsu"), ("margin", 4)):
        with pytest.raises(UserError, match=f"image.{name}"):
            open_packed(tmp_path, image.model_copy(update={name: value}))
    # Which files are refused is no geometry.
    assert len(open_packed(tmp_path, image.model_copy(update={"max_pixels": 9}))) == 3
    write_store(tmp_path / "words", ROWS, image, {})
    with pytest.raises(UserError, match="pack_dataset"):
        open_packed(tmp_path, image)
    write_store(tmp_path / "other", ROWS, image)
    with pytest.raises(UserError, match="pack_dataset"):
        open_packed(tmp_path / "none", image)


def test_a_damaged_one_is_one_sentence(packed, capsys):
    config, folder = packed
    pixels = folder / "words.pixels"
    pixels.write_bytes(pixels.read_bytes()[:-20])
    assert train(config, f"train.packed.folder={folder}") == 2
    assert str(folder) in last_line(capsys)


def test_labels_of_another_dataset_are_not_written_over(tiny, tmp_path, dataset, capsys):
    folder = shutil.copytree(dataset, tmp_path / "own")
    settings = [f"images_folder={folder}/words", f"labels_file={folder}/labels.json"]
    before = (folder / "labels.json").read_bytes()
    assert pack_dataset.main(["-c", tiny(), "--output", str(folder), "--set", *settings]) == 2
    assert "labels.json" in capsys.readouterr().err
    assert (folder / "labels.json").read_bytes() == before and not list(folder.glob("words.*"))


@pytest.mark.parametrize("more", [(), ("--synthetic", "20")])
def test_a_table_of_the_users_is_not_written_over(tiny, tmp_path, dataset, capsys, more):
    folder = shutil.copytree(dataset, tmp_path / "own")
    (folder / "words.json").write_text('[{"filename": "a.png", "label": "a"}]', encoding="utf-8")
    before = {name: (folder / name).read_bytes() for name in ("labels.json", "words.json")}
    settings = [f"images_folder={folder}/words", f"labels_file={folder}/labels.json"]
    assert pack_dataset.main(["-c", tiny(), "--output", str(folder), *more, "--set", *settings]) == 2
    assert "words.json" in capsys.readouterr().err
    assert {name: (folder / name).read_bytes() for name in before} == before
