"""Words that are upside down: read both ways where the first reading is doubtful."""

import numpy as np
import pytest

from base.base_predictor import Prediction
from models.model_spec import ModelSpec
from predictors.turning import FEW, SUPPOSED, sureness, upside_down_share
from predictors.word_predictor import WordPredictor
from preprocessing.tokenizer import END, Tokenizer
from tools.serve.reading_queue import BATCH
from utils.config.predict import PredictConfig

A, B = 3, 4


class Scripted(WordPredictor):
    """Reads `a` with the confidence of an image's first pixel, in per cent, `b` if its last pixel is the darker one."""

    def decode(self, image, width):
        first, last = image[:, 0, 0, 0], image[np.arange(len(image)), -1, width - 1, 0]
        ids = np.stack([np.where(first < last, A, B), np.full(len(first), END)], axis=1)
        score = np.log(first.astype(np.float32) / 100)
        return ids.astype(np.int32), np.stack([score, np.zeros_like(score)], axis=1)


@pytest.fixture
def texts(make_config):
    """A function: (confidence as it is, confidence upside down) of each image -> texts; `b` where it was turned."""
    config = make_config()
    spec = ModelSpec(config.image, config.network, Tokenizer("ab"))
    size = spec.image.image_size.y_size

    def read(*pairs, **settings):
        predictor = Scripted(spec, PredictConfig(turn_below=0.3, **settings))
        images = []
        for upright, turned in pairs:
            image = np.full((size, spec.column_stride * 4), 254, np.uint8)
            image[0, 0], image[-1, -1] = upright, turned
            images.append(image)
        found = predictor.predict_batch(images)
        return [
            "turned" if round(100 * word.confidence) == turned else "upright" for word, (_, turned) in zip(found, pairs)
        ]

    return read


def test_a_word_alone_is_turned_only_if_that_is_far_surer(texts):
    # The odds are 81, 3.9, 20 and 149 times better; the last one is not doubtful.
    assert texts((10, 90), (10, 30), (1, 17), (40, 99)) == ["turned", "upright", "turned", "upright"]


def test_where_most_of_a_batch_read_better_upside_down_the_others_are_turned_too(texts):
    most = [(5, 60)] * (3 * FEW)  # 29 times better upside down
    # 4 times better upright but unsure; 4 times better upright and sure; 1,881 times better upright.
    words = (20, 6), (50, 20), (99, 5)
    assert texts(*most, *words) == ["turned"] * (len(most) + 1) + ["upright"] * 2


def test_of_few_words_each_is_turned_or_not_as_if_alone(texts):
    """As in a server, where the words of one batch come from different people."""
    assert texts(*[(5, 60)] * (BATCH - 1), (20, 6)) == ["turned"] * (BATCH - 1) + ["upright"]


def test_of_many_unsure_readings_the_least_sure_are_tried_until_none_is_better_upside_down(texts, monkeypatch):
    tried = []
    read = Scripted._read_batch
    monkeypatch.setattr(Scripted, "_read_batch", lambda self, images: tried.append(len(images)) or read(self, images))
    assert texts(*[(20, 10)] * (5 * FEW)) == ["upright"] * (5 * FEW)
    assert tried == [5 * FEW, FEW]
    tried.clear()
    mixed = [(5, 90)] * FEW + [(20, 10)] * (5 * FEW)
    assert texts(*mixed) == ["turned"] * FEW + ["upright"] * (5 * FEW)
    assert tried == [6 * FEW, FEW, FEW]


def test_where_half_of_a_batch_read_far_better_upside_down_the_surer_reading_counts(texts):
    half = [(5, 60)] * FEW + [(90, 1)] * FEW
    assert texts(*half, (20, 30), (20, 15)) == ["turned"] * FEW + ["upright"] * FEW + ["turned", "upright"]


def test_the_share_upside_down_is_that_of_clear_words_and_the_supposed_one_of_few_words():
    assert upside_down_share(np.array([1e9] * (FEW - 1))) == SUPPOSED
    # One supposed word beside those seen: (30 + 1/6) / 41.
    assert upside_down_share(np.array([1e9] * 30 + [0.0] * 10)) == pytest.approx((30 + SUPPOSED) / 41)


def test_turn_below_0_never_turns(make_config):
    config = make_config()
    predictor = Scripted(ModelSpec(config.image, config.network, Tokenizer("ab")), PredictConfig(turn_below=0))
    image = np.full((config.image.image_size.y_size, 16), 254, np.uint8)
    image[0, 0], image[-1, -1] = 1, 99
    assert predictor.predict_batch([image])[0].confidence == pytest.approx(0.01)


def test_long_texts_are_as_sure_as_their_characters():
    assert sureness(Prediction("word", 0.3, (0.5,) * 4)) == 0.3
    assert sureness(Prediction("x" * 48, 0.25, (0.9,) * 48)) == pytest.approx(0.5)
