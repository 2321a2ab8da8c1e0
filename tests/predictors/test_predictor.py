"""Greedy reading: the compiled loop against a plain one, batching, and damaged files."""

import keras
import numpy as np
import pytest

from base.base_predictor import Prediction
from data_generators.dataset import open_dataset
from models.model_seq2seq import ModelSeq2Seq
from predictors.greedy import GreedyDecoder
from predictors.predictor_seq2seq import PredictorSeq2Seq
from preprocessing.labels import read_labels
from preprocessing.tokenizer import END, PAD, START, Tokenizer
from preprocessing.word_image import UnusableImage
from utils.config.predict import PredictConfig

CHARSET = "abcdefg"


def build(make_config, seed=4, end_bias=2.0, **network) -> ModelSeq2Seq:
    """A random network with large weights, so that texts differ; `end_bias` makes words shorter."""
    config = make_config(network={"max_seq_length": 9, **network})
    keras.utils.set_random_seed(seed)
    model = ModelSeq2Seq(config.image, config.network, Tokenizer(CHARSET))
    rng = np.random.default_rng(seed)
    for variable in model.keras_model.trainable_variables:
        variable.assign(variable + rng.normal(0, 1.5, variable.shape))
    favour(model, END, end_bias)
    return model


def favour(model: ModelSeq2Seq, token: int, amount: float) -> None:
    """Adds `amount` to the logit of an id."""
    bias = model.decoder.dense.bias
    bias.assign(bias + amount * np.eye(bias.shape[0])[token])


def pictures(number=12, seed=0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    sizes = [(16, rng.integers(5, 64)) for _ in range(number)]
    return [rng.integers(0, rng.integers(10, 255), size).astype(np.uint8) for size in sizes]


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


@pytest.mark.parametrize(
    "network",
    [{}, {"attention": "luong", "decoder_layers": 2, "embedding_dim": 4, "bidirectional": True}],
)
def test_compiled_loop_equals_a_plain_one(make_config, network):
    model = build(make_config, **network)
    images = pictures(6)
    predictions = PredictorSeq2Seq(model).predict_batch(images)
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
    return GreedyDecoder(model).predict_on_batch({"image": image, "width": width})


def test_ids_after_the_end_are_padding(make_config):
    ids, log_probability = decode(build(make_config), pictures())
    assert ids.shape == log_probability.shape == (12, 9)
    ended = 0
    for row, scores in zip(ids, log_probability, strict=True):
        ends = np.flatnonzero(row == END)
        length = ends[0] + 1
        ended += length < 9
        assert START not in row and PAD not in row[:length]
        assert (row[length:] == PAD).all() and (scores[length:] == 0).all() and (scores[:length] <= 0).all()
    assert ended


def test_special_characters_are_never_written(make_config):
    model = build(make_config)
    favour(model, PAD, 50)
    favour(model, START, 60)
    ids, log_probability = decode(model, pictures())
    assert (ids[:, 0] >= END).all()
    # Their probability is shared out among the characters: no word looks impossible for it.
    assert log_probability[:, 0].min() > -20
    for prediction in PredictorSeq2Seq(model).predict_batch(pictures()):
        assert set(prediction.text) <= set(CHARSET)


def test_loop_ends_with_the_last_word(make_config, eagerly, monkeypatch):
    model = build(make_config, end_bias=100.0)
    steps = []
    step = model.decoder.step
    monkeypatch.setattr(model.decoder, "step", lambda *inputs: steps.append(1) or step(*inputs))
    predictions = PredictorSeq2Seq(model).predict_batch(pictures(3))
    assert [prediction.text for prediction in predictions] == ["", "", ""]
    assert all(prediction.confidence > 0.99 for prediction in predictions)
    assert len(steps) == 1
    favour(model, END, -200)
    predictions = PredictorSeq2Seq(model).predict_batch(pictures(3))
    assert {len(prediction.text) for prediction in predictions} == {8} and len(steps) == 1 + 9


def test_batch_size_does_not_change_texts(make_config):
    model = build(make_config, attention="luong")
    images = pictures(14)
    widths = np.array([image.shape[1] for image in images])
    results = []
    for batch_size in (1, 4, 32):
        predictor = PredictorSeq2Seq(model, batch_size)
        results.append(dict(predictor.predict(widths, lambda i: images[i])))
    assert sorted(results[0]) == list(range(14))
    for other in results[1:]:
        assert {i: p.text for i, p in other.items()} == {i: p.text for i, p in results[0].items()}
        for index, prediction in other.items():
            assert prediction.confidence == pytest.approx(results[0][index].confidence, rel=1e-3)


def test_few_traces_for_many_shapes(make_config, monkeypatch):
    model = build(make_config, attention="luong")
    traces = []
    call = GreedyDecoder.call
    monkeypatch.setattr(GreedyDecoder, "call", lambda self, inputs: traces.append(1) or call(self, inputs))
    predictor = PredictorSeq2Seq(model)
    for number in (3, 3, 7, 1, 2):
        for seed in range(3):
            predictor.predict_batch(pictures(number, seed))
    assert 1 <= len(traces) <= 3


def test_predictor_follows_the_weights(make_config):
    model = build(make_config)
    predictor = PredictorSeq2Seq(model)
    before = predictor.predict_batch(pictures())
    other = build(make_config, seed=5)
    model.keras_model.set_weights(other.keras_model.get_weights())
    after = predictor.predict_batch(pictures())
    assert after == PredictorSeq2Seq(other).predict_batch(pictures())
    assert after != before


def test_dataset_and_files_agree_and_keep_their_order(make_config, dataset):
    config = make_config()
    predictor = PredictorSeq2Seq(build(make_config), batch_size=3)
    words = read_labels(config.labels_file).splits["test"]
    data = open_dataset(config, words, "test")
    from_dataset = predictor.predict_dataset(data)
    paths = [dataset / "words" / word.filename for word in words]
    from_files = list(predictor.read_files(paths))
    assert [path for path, _ in from_files] == paths
    assert [prediction for _, prediction in from_files] == from_dataset
    for position, prediction in enumerate(from_dataset):
        (alone,) = predictor.predict_batch([data.image(position)])
        assert alone.text == prediction.text
    assert len({prediction.text for prediction in from_dataset}) > 1


def test_damaged_files_stop_nothing(make_config, dataset, tmp_path):
    predictor = PredictorSeq2Seq(build(make_config), batch_size=1)
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
    settings = PredictConfig.model_validate({"decoder": decoder, "beam_width": 3})
    alone, together = (PredictorSeq2Seq(model, predict=settings) for _ in range(2))
    for number, seed in ((6, 1), (6, 2), (6, 3), (2, 4)):
        images = pictures(number, seed=seed)
        found = together.predict_batch(images)
        assert [p.text for p in found] == [alone.predict_batch([image])[0].text for image in images]
