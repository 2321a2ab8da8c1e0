"""Pictures of words for TensorBoard, read back from its event files; and where a network looks."""

import io

import keras
import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from callbacks.sample_words import SampleWords, write_pictures
from data_generators.dataset import open_dataset
from models.model_seq2seq import ModelSeq2Seq
from predictors.predictor_seq2seq import PredictorSeq2Seq
from predictors.report.attention import attention_of, read_attention
from preprocessing.labels import read_labels
from preprocessing.tokenizer import Tokenizer
from tools.draw_predictions import draw_words
from utils.draw_attention import NAME_WIDTH, SCALE, draw_attention, side_by_side
from utils.errors import UserError

pytestmark = pytest.mark.usefixtures("eagerly")


def opened(make_config, **network):
    config = make_config(network=network)
    keras.utils.set_random_seed(3)
    model = ModelSeq2Seq(config.image, config.network, Tokenizer(config.network.charset))
    model.compile(keras.optimizers.SGD(1.0))
    dataset = open_dataset(config, read_labels(config.labels_file).splits["val"], "val")
    return model, dataset


def pictures_of(folder):
    """{tag: {step: picture}} as TensorBoard finds them."""
    logs = EventAccumulator(str(folder), size_guidance={"images": 0})
    logs.Reload()
    return {
        tag: {
            event.step: np.array(Image.open(io.BytesIO(event.encoded_image_string)))
            for event in logs.Images(tag)
        }
        for tag in logs.Tags()["images"]
    }


def test_each_epoch_leaves_pictures_of_what_was_read_then(make_config, tmp_path):
    model, dataset = opened(make_config, attention="luong")
    predictor = PredictorSeq2Seq(model)
    callback = SampleWords(tmp_path, predictor, dataset)
    callback.set_model(model.keras_model)
    callback.on_epoch_end(0, {})
    bias = model.decoder.dense.bias
    only = np.zeros(bias.shape)
    only[model.tokenizer.encode("z")] = 50
    bias.assign(bias + only)
    callback.on_epoch_end(1, {})
    found = pictures_of(tmp_path / "words")
    assert set(found) == {"predictions", *(f"attention/{number}" for number in range(1, 7))}
    assert all(set(steps) == {0, 1} for steps in found.values())
    texts = [prediction.text for prediction in predictor.predict_dataset(dataset)]
    assert set(texts) == {"zzzz"}
    images = [dataset.image(i) for i in range(len(dataset))]
    expected = draw_words(list(map(Image.fromarray, images)), texts, [word.label for word in dataset.words])
    assert np.array_equal(found["predictions"][1], np.array(expected))
    assert not np.array_equal(found["predictions"][0], found["predictions"][1])
    weights = attention_of(model, images[:6], texts[:6])[2]
    expected = draw_attention(images[2], texts[2], weights, model.column_stride)
    assert np.array_equal(found["attention/3"][1], np.array(expected))


def test_without_attention_there_are_predictions_only(make_config, tmp_path):
    model, dataset = opened(make_config)
    callback = SampleWords(tmp_path, PredictorSeq2Seq(model), dataset)
    callback.set_model(model.keras_model)
    callback.on_epoch_end(4, {})
    found = pictures_of(tmp_path / "words")
    assert list(found) == ["predictions"] and set(found["predictions"]) == {4}


def test_a_folder_that_can_not_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match=r"Can't write .*file"):
        write_pictures(tmp_path / "file", 0, {"a": Image.new("RGB", (2, 2))})


def test_attention_of_a_few_words_is_that_of_the_report(make_config):
    model, dataset = opened(make_config, attention="luong")
    texts = ["ab", "", "ü", "abc"]
    images = [dataset.image(i) for i in range(4)]
    found = attention_of(model, images, texts)
    assert found[2] is None  # ü is not in the charset
    report = dict(read_attention(model, dataset, range(4), texts, batch_size=2))
    for i in (0, 1, 3):
        columns = -(-images[i].shape[1] // model.column_stride)
        assert found[i].shape == (len(texts[i]) + 1, columns)
        assert np.allclose(found[i].sum(axis=1), 1, atol=1e-5) and np.allclose(found[i], report[i], atol=1e-5)


def test_the_picture_glows_where_the_weight_is():
    image = np.full((10, 23), 255, np.uint8)
    weights = np.zeros((3, 6))
    weights[0, 1] = weights[1, 4] = weights[2, 5] = 0.3
    picture = np.array(draw_attention(image, "ab", weights, stride=4)).astype(int)
    word = picture[:, NAME_WIDTH : NAME_WIDTH + 23 * SCALE]
    blue = 255 - word[:, :, 2]
    for row, column in ((0, 1), (1, 4), (2, 5)):
        line = blue[6 + row * 26 + 10]
        lit = np.flatnonzero(line > 100)
        assert lit.min() == SCALE * 4 * column and lit.max() == min(SCALE * 4 * (column + 1), SCALE * 23) - 1
    assert (picture[:, :NAME_WIDTH] < 128).any()  # the characters
    both = side_by_side([Image.fromarray(np.zeros((5, 3, 3), np.uint8)), Image.new("RGB", (4, 9))])
    assert both.size == (7, 9)
