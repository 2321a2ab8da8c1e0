"""From a labels file to usable words: what is left out, counted and refused."""

import numpy as np
import pytest
from PIL import Image

from data_generators.dataset import DatasetOptions, open_dataset
from data_generators.source import DataSource
from preprocessing.labels import Word
from preprocessing.tokenizer import Tokenizer
from tests.helpers.data import open_words
from tests.helpers.tiny import PLAIN
from utils.config.load import validate_config
from utils.config.section import merged
from utils.errors import UserError

TOKENIZER = Tokenizer("abcd")


@pytest.fixture
def logged(monkeypatch):
    lines = []
    for module in ("dataset", "source"):
        monkeypatch.setattr(f"data_generators.{module}.log", lines.append)
    return lines


@pytest.fixture
def make(tmp_path, logged):
    """A function: nested config keys -> a config for `tmp_path`, where ten images are."""
    (tmp_path / "words").mkdir()
    for index in range(10):
        pixels = np.full((16, 20 + index), 20 * index, np.uint8)
        Image.fromarray(pixels).save(tmp_path / "words" / f"{index}.png")

    def _make(**keys):
        values = {
            "images_folder": str(tmp_path / "words"),
            "labels_file": str(tmp_path / "labels.json"),
            "cache_folder": str(tmp_path / "cache"),
            "image": {"image_size": {"y_size": 16, "x_size": 64}, "fixed_width": False},
            "network": {"num_filters": [4], "conv_kernels": [[3, 3]], "columns": "height", "max_seq_length": 5},
        }
        return validate_config(merged(PLAIN, {**values, **keys}), "test")

    return _make


def words(*labels):
    """A word for each label, with the images 0.png, 1.png, ..."""
    return [Word(f"{index}.png", label) for index, label in enumerate(labels)]


def sentence(error):
    message = str(error.value)
    assert message.isprintable() and message.endswith(".") and ".." not in message
    return message


def test_all_words_are_used_in_order_and_nothing_is_said(make, logged):
    dataset = open_words(make(), words(*"abcdabcdab"), "train", TOKENIZER)
    assert [word.label for word in dataset.words] == list("abcdabcdab") and len(dataset) == 10
    assert dataset.widths.tolist() == list(range(20, 30))
    assert [int(dataset.image(position)[0, 0]) for position in range(10)] == [20 * i for i in range(10)]
    assert logged == []


def test_unusable_images_are_left_out_and_counted(make, logged, tmp_path):
    (tmp_path / "words" / "2.png").unlink()
    (tmp_path / "words" / "4.png").unlink()
    (tmp_path / "words" / "7.png").write_text("text")
    config = make(train={"max_unusable_share": 0.3})
    for split in ("train", "test"):
        dataset = open_words(config, words(*"abcdabcdab"), split)
        assert [word.filename[0] for word in dataset.words] == list("0135689")
        # Words and images still belong together.
        assert dataset.widths.tolist() == [20 + int(word.filename[0]) for word in dataset.words]
        assert [int(dataset.image(i)[0, 0]) // 20 for i in range(7)] == [0, 1, 3, 5, 6, 8, 9]
        expected = f"3 of 10 {split} words are unusable: 2 missing file, 1 not an image; they are left out."
        assert logged.pop() == f"{tmp_path / 'labels.json'}: {expected}"


def test_more_than_the_allowed_share_is_refused(make, tmp_path):
    for index in (1, 2):
        (tmp_path / "words" / f"{index}.png").unlink()
    allowed = make(train={"max_unusable_share": 0.2})
    assert len(open_words(allowed, words(*"abcdabcdab"), "val")) == 8
    with pytest.raises(UserError) as caught:
        open_words(make(train={"max_unusable_share": 0.199}), words(*"abcdabcdab"), "val")
    message = sentence(caught).replace(str(tmp_path), "DIR")
    assert message == (
        "2 of 10 val words are unusable: 2 missing file; that is more than train.max_unusable_share (19.9 %): check "
        "images_folder DIR/words and labels_file DIR/labels.json, or raise the limit."
    )


def test_nothing_usable_is_refused_whatever_the_share(make):
    config = make(train={"max_unusable_share": 1.0})
    lost = [Word("x.png", "a"), Word("y.png", "b")]
    with pytest.raises(UserError, match=r"no usable word in its test split \(2 missing file\)") as caught:
        open_words(config, lost, "test")
    sentence(caught)
    with pytest.raises(UserError, match=r"labels.json has no usable word in its val split; training needs some"):
        open_words(config, [], "val")


def test_labels_need_columns_where_widths_are_fixed(make, logged):
    """CTC: a column for each character, and one between equal ones; here there are four."""
    shape = {"image": {"fixed_width": True, "image_size": {"y_size": 16, "x_size": 16}}}
    network = {"num_filters": [4], "conv_kernels": [[3, 3]], "pooling": [[2, 4]], "columns": "height"}
    network |= {"max_seq_length": 9, "ctc_weight": 0.3}
    config = make(**shape, network=network, train={"max_unusable_share": 1.0})
    assert config.network.column_stride == 4
    dataset = open_words(config, words("abcd", "abca", "aab", "aabb", "abcda"), "train", TOKENIZER)
    assert [word.label for word in dataset.words] == ["abcd", "abca", "aab"]
    assert "2 label needs more columns than image.image_size.x_size has" in logged[0]


def test_training_drops_labels_it_can_not_learn_and_evaluation_keeps_them(make, logged, tmp_path):
    config = make(train={"max_unusable_share": 0.5})
    labels = ["abcd", "abcda", "abx", "a", "aa", "b", "\u00e4", "c", "d", "ab"]
    dataset = open_words(config, words(*labels), "train", TOKENIZER)
    # max_seq_length 5 has room for four characters and the end.
    assert [word.label for word in dataset.words] == ["abcd", "a", "aa", "b", "c", "d", "ab"]
    assert logged == [
        f"{tmp_path / 'labels.json'}: 3 of 10 train words are unusable: 2 label has characters outside the charset, "
        "1 label too long for network.max_seq_length; they are left out."
    ]
    TOKENIZER.encode_batch([word.label for word in dataset.words], config.network.max_seq_length)
    logged.clear()
    evaluation_model = open_words(config, words(*labels), "test")
    assert [word.label for word in evaluation_model.words] == labels and logged == []


def test_a_damaged_copy_does_not_repeat_what_is_left_out(make, logged):
    config = make(train={"max_unusable_share": 0.5})
    source, options = DataSource.of(config), DatasetOptions.of(config)
    for copy in (0, 1):
        dataset = open_dataset(source, words("a", "", "b"), "val", config.image, options, copy=copy)
        assert [word.label for word in dataset.words] == ["a", "b"] and len(logged) == 1


def test_the_embedded_dataset_is_made_on_first_use_only(make, tmp_path, logged, monkeypatch):
    config = make(
        images_folder=str(tmp_path / "new" / "words"),
        labels_file=str(tmp_path / "new" / "labels.json"),
        synthetic={"enabled": True, "num_words": 12, "seed": 3},
        network={"num_filters": [4], "conv_kernels": [[3, 3]], "columns": "height", "max_seq_length": 40},
    )
    monkeypatch.setattr("utils.parallel.usable_cores", lambda: 1)
    splits = DataSource.of(config).read_labels().splits
    assert {split: len(found) for split, found in splits.items()} == {"train": 12, "val": 10, "test": 10}
    assert "Rendering the embedded dataset" in logged[0] and "32 words" in logged[0]
    assert len(open_words(config, splits["train"], "train")) == 12
    maker = "data_generators.synthetic.dataset.create_synthetic"
    monkeypatch.setattr(maker, lambda *args, **keys: pytest.fail("made twice"))
    logged.clear()
    assert DataSource.of(config).read_labels().splits == splits and logged == []
    other = config.model_copy(update={"synthetic": config.synthetic.model_copy(update={"num_words": 13, "seed": 4})})
    assert DataSource.of(other).read_labels().splits == splits
    assert "num_words is 13 and was 12" in logged[0] and "seed is 4 and was 3" in logged[0]


def test_the_embedded_dataset_is_not_made_unasked(make, tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        DataSource.of(make()).read_labels()
    elsewhere = make(images_folder=str(tmp_path / "elsewhere"), synthetic={"enabled": True, "num_words": 12})
    with pytest.raises(UserError, match="images_folder is the folder `words`") as caught:
        DataSource.of(elsewhere).read_labels()
    sentence(caught)
    assert not (tmp_path / "labels.json").exists() and not (tmp_path / "elsewhere").exists()


def test_words_are_rendered_if_the_embedded_dataset_is_there_or_missing(make, tmp_path):
    settings = {"synthetic": {"enabled": True}}
    assert DataSource.of(make(**settings)).is_rendered
    (tmp_path / "labels.json").write_text("{}")  # a user's own, beside the default config
    assert not DataSource.of(make(**settings)).is_rendered
    (tmp_path / "synthetic.json").write_text("{}")
    assert DataSource.of(make(**settings)).is_rendered and not DataSource.of(make()).is_rendered
