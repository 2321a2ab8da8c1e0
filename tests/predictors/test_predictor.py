"""Greedy reading: the compiled loop against a plain one, batching, and damaged files."""

import numpy as np
import pytest

from base.base_predictor import Prediction
from models.model_seq2seq import ModelSeq2Seq
from predictors.greedy import GreedyDecoder
from predictors.predictor_seq2seq import PredictorSeq2Seq
from preprocessing.image_file import UnusableImage
from preprocessing.labels import read_labels
from preprocessing.tokenizer import END, PAD, START
from tests.helpers.data import open_words
from tests.helpers.models import ALONE, LUONG, build, favour, small_pictures
from utils.config.predict import PredictConfig

CHARSET = "abcdefg"


def read_slowly(model: ModelSeq2Seq, image: np.ndarray) -> tuple[str, list[float]]:
    """Greedy decoding that runs the whole teacher-forced model once more for every character.

    The last step can only write the end, with the probability it has.
    """
    stride = model.column_stride
    width = -(-image.shape[1] // stride) * stride
    canvas = np.full((1, 16, 64, 1), 255, np.uint8)
    canvas[0, :, : image.shape[1], 0] = image
    ids, probabilities = [START], []
    for step in range(model.network.max_seq_length):
        known = np.array([ids + [PAD] * (model.network.max_seq_length - len(ids))])
        inputs = {"image": canvas, "width": np.array([width]), "decoder_input": known}
        logits = model.keras_model.predict_on_batch(inputs)[0, step].astype(np.float64)
        logits[[PAD, START]] = -np.inf
        exponential = np.exp(logits - logits.max())
        ids.append(int(logits.argmax()) if step < model.network.max_seq_length - 1 else END)
        probabilities.append(exponential[ids[-1]] / exponential.sum())
        if ids[-1] == END:
            break
    return "".join(model.tokenizer.charset[i - 3] for i in ids[1:] if i != END), probabilities


@pytest.mark.parametrize("network", [{}, LUONG])
def test_compiled_loop_equals_a_plain_one(make_config, network):
    model = build(make_config, **network)
    images = small_pictures(6)
    predictions = PredictorSeq2Seq(model, ALONE).predict_batch(images)
    ended = 0
    for image, prediction in zip(images, predictions, strict=True):
        text, probabilities = read_slowly(model, image)
        assert prediction.text == text
        assert prediction.confidence == pytest.approx(np.prod(probabilities), rel=1e-3)
        np.testing.assert_allclose(prediction.character_confidences, probabilities[: len(text)], rtol=1e-3)
        ended += len(text) < 8
    # The comparison is worth something only if words differ and some end early.
    assert len({prediction.text for prediction in predictions}) > 2 and ended > 0


def decode(model: ModelSeq2Seq, images: list[np.ndarray]):
    from preprocessing.batch import pad_images

    image, width = pad_images(images, model.column_stride)
    return GreedyDecoder(model, PredictConfig(ctc_weight=0)).predict_on_batch({"image": image, "width": width})


def test_special_characters_are_never_written(make_config, eagerly):
    model = build(make_config)
    favour(model, PAD, 50)
    favour(model, START, 60)
    ids, log_probability = decode(model, small_pictures())
    assert (ids[:, 0] >= END).all()
    # Their probability is shared out among the characters: no word looks impossible for it.
    assert log_probability[:, 0].min() > -20
    for prediction in PredictorSeq2Seq(model, ALONE).predict_batch(small_pictures()):
        assert set(prediction.text) <= set(CHARSET)


def test_loop_ends_with_the_last_word(make_config, eagerly, monkeypatch):
    model = build(make_config, end_bias=100.0)
    steps = []
    step = model.decoder.step
    monkeypatch.setattr(model.decoder, "step", lambda *inputs: steps.append(1) or step(*inputs))
    predictions = PredictorSeq2Seq(model, ALONE).predict_batch(small_pictures(3))
    assert [prediction.text for prediction in predictions] == ["", "", ""]
    assert all(prediction.confidence > 0.99 for prediction in predictions)
    assert len(steps) == 1
    favour(model, END, -200)
    predictions = PredictorSeq2Seq(model, ALONE).predict_batch(small_pictures(3))
    assert {len(prediction.text) for prediction in predictions} == {8} and len(steps) == 1 + 9


def test_few_traces_for_many_shapes(make_config, monkeypatch):
    model = build(make_config, attention="luong")
    traces = []
    call = GreedyDecoder.call
    monkeypatch.setattr(GreedyDecoder, "call", lambda self, inputs: traces.append(1) or call(self, inputs))
    predictor = PredictorSeq2Seq(model, ALONE)
    for number in (3, 3, 7, 1, 2):
        for seed in range(3):
            predictor.predict_batch(small_pictures(number, seed))
    assert 1 <= len(traces) <= 3


def test_predictor_follows_the_weights(make_config):
    model = build(make_config)
    predictor = PredictorSeq2Seq(model, ALONE)
    before = predictor.predict_batch(small_pictures())
    other = build(make_config, seed=5)
    model.keras_model.set_weights(other.keras_model.get_weights())
    after = predictor.predict_batch(small_pictures())
    assert after == PredictorSeq2Seq(other, ALONE).predict_batch(small_pictures())
    assert after != before


def test_dataset_and_files_agree_and_keep_their_order(make_config, dataset, eagerly):
    config = make_config()
    predictor = PredictorSeq2Seq(build(make_config), PredictConfig(batch_size=3, turn_below=0))
    words = read_labels(config.labels_file).splits["test"]
    data = open_words(config, words, "test")
    from_dataset = predictor.predict_dataset(data)
    paths = [dataset / "words" / word.filename for word in words]
    from_files = list(predictor.read_files(paths))
    assert [path for path, _ in from_files] == paths
    assert [prediction for _, prediction in from_files] == from_dataset
    for position, prediction in enumerate(from_dataset):
        (alone,) = predictor.predict_batch([data.image(position)])
        assert alone.text == prediction.text
    assert len({prediction.text for prediction in from_dataset}) > 1


def test_damaged_files_stop_nothing(make_config, dataset, tmp_path, eagerly):
    predictor = PredictorSeq2Seq(build(make_config), PredictConfig(batch_size=1))
    good = sorted((dataset / "words").rglob("*.png"))[:10]
    half, empty, missing = tmp_path / "half.png", tmp_path / "empty.png", tmp_path / "missing.png"
    half.write_bytes(good[0].read_bytes()[:100])
    empty.touch()
    # More than the eight files that are sorted at once, with one group that holds no readable file.
    paths = [good[0], half, *good[1:6], empty, *[missing] * 8, *good[6:]]
    results = list(predictor.read_files(paths))
    assert [path for path, _ in results] == paths
    expected = dict(predictor.read_files(good))
    for path, result in results:
        if path in expected:
            assert result == expected[path] and isinstance(result, Prediction)
        else:
            assert isinstance(result, UnusableImage) and str(path) in str(result)
    assert list(predictor.read_files([])) == []


@pytest.mark.parametrize("decoder", ["greedy", "beam"])
@pytest.mark.parametrize("layers", [1, 2])
def test_one_graph_reads_batches_of_many_sizes(make_config, decoder, layers):
    network = {"attention": "luong", "bidirectional": True, "encoder_layers": layers, "ctc_weight": 0.5}
    model = build(make_config, **network)
    settings = PredictConfig.model_validate({"decoder": decoder, "beam_width": 3, "turn_below": 0})
    alone, together = (PredictorSeq2Seq(model, settings) for _ in range(2))
    for number, seed in ((6, 1), (2, 4), (6, 2), (6, 3)):
        images = small_pictures(number, seed=seed)
        found = together.predict_batch(images)
        assert [p.text for p in found] == [alone.predict_batch([image])[0].text for image in images]
