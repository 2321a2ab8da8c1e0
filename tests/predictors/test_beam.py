"""Beam search: against greedy decoding, against all texts there are, and with CTC's share."""

import itertools

import numpy as np
import pytest
from keras import ops

from models.attention import LuongAttention
from models.model_seq2seq import ModelSeq2Seq
from models.model_spec import ModelSpec
from predictors.beam import BeamDecoder
from predictors.greedy import GreedyDecoder
from predictors.predictor_seq2seq import PredictorSeq2Seq
from preprocessing.tokenizer import END, PAD, START, Tokenizer
from tests.helpers.models import LUONG, build, inputs_of, small_pictures
from utils.config.predict import PredictConfig


def decode(model, images, **settings):
    """Texts with their log probabilities and ranks, best first, for each image."""
    settings = {"length_penalty": 0.0, "ctc_weight": 0.0, **settings}
    return read(BeamDecoder(model, PredictConfig(decoder="beam", **settings)), model, images)


def read(decoder, model, images):
    ids, scores, rank = decoder.predict_on_batch(inputs_of(model, images))
    for row, score in zip(ids.reshape(-1, ids.shape[-1]), scores.reshape(-1, ids.shape[-1]), strict=True):
        length = int((row != PAD).sum())
        assert (row[length:] == PAD).all() and (score[row == PAD] == 0).all()
        assert length == 0 or (row[length - 1] == END and (row[: length - 1] > END).all())
    return [
        [(model.tokenizer.decode(i), float(s.sum()), float(r)) for i, s, r in zip(*word) if i[0] != PAD]
        for word in zip(ids, scores, rank)
    ]


def all_texts(model: ModelSeq2Seq, image: np.ndarray) -> dict[str, float]:
    """Log probability of every text that the network can write, by teacher forcing."""
    longest = model.network.max_seq_length - 1
    charset = model.tokenizer.charset
    texts = ["".join(chars) for length in range(longest + 1) for chars in itertools.product(charset, repeat=length)]
    known, target = model.tokenizer.encode_batch(texts, longest + 1)
    inputs = inputs_of(model, [image] * len(texts))
    outputs = model.keras_model.predict_on_batch({**inputs, "decoder_input": known})
    logits = (outputs["characters"] if isinstance(outputs, dict) else outputs).astype(np.float64)
    logits[..., :END] = -np.inf
    log_p = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    picked = np.take_along_axis(log_p, target[..., None], axis=-1)[..., 0]
    return dict(zip(texts, np.where(target == PAD, 0, picked).sum(axis=1), strict=True))


@pytest.mark.parametrize("network", [{}, LUONG, {**LUONG, "ctc_weight": 0.5}])
def test_width_1_is_greedy(make_config, network):
    model = build(make_config, **network)
    inputs = inputs_of(model, small_pictures(20))
    greedy_ids, greedy_scores = GreedyDecoder(model, PredictConfig(ctc_weight=0.3)).predict_on_batch(inputs)
    settings = PredictConfig(decoder="beam", beam_width=1, length_penalty=0, ctc_weight=0.3)
    ids, scores, _ = BeamDecoder(model, settings).predict_on_batch(inputs)
    assert ids.shape == (20, 1, 9) and len(set(map(tuple, ids[:, 0]))) > 3
    np.testing.assert_array_equal(ids[:, 0], greedy_ids)
    np.testing.assert_allclose(scores[:, 0], greedy_scores, atol=1e-4)


@pytest.fixture
def small(make_config):
    """A function: network settings -> a network with 3 characters that writes at most 3, so 40 texts."""

    def make(**network) -> ModelSeq2Seq:
        model = build(make_config, **{"max_seq_length": 4, "end_bias": 0.0, **network})
        small = ModelSeq2Seq(ModelSpec(model.image, model.network, Tokenizer("abc")))
        rng = np.random.default_rng(8)
        for variable in small.keras_model.trainable_variables:
            variable.assign(variable + rng.normal(0, 1.0, variable.shape))
        return small

    return make


@pytest.mark.parametrize(("network", "alpha"), [({}, 0.0), (LUONG, 0.0), (LUONG, 0.8)])
def test_a_wide_beam_finds_the_best_of_all_texts(small, network, alpha):
    model = small(**network)
    images = small_pictures(5, seed=2)
    results = decode(model, images, beam_width=41, length_penalty=alpha, n_best=41)
    for image, result in zip(images, results, strict=True):
        truth = all_texts(model, image)
        assert len(truth) == 40
        ranked = {text: score / (len(text) + 1) ** alpha for text, score in truth.items()}
        # All texts there are, none twice, and nothing for the 41st place.
        assert sorted(text for text, *_ in result) == sorted(truth)
        assert result[0][0] == max(ranked, key=ranked.get)
        for text, score, rank in result:
            assert score == pytest.approx(truth[text], abs=1e-3)
            assert rank == pytest.approx(ranked[text], abs=1e-3)
        assert [rank for *_, rank in result] == sorted((rank for *_, rank in result), reverse=True)
    # The images matter.
    assert len({tuple(text for text, *_ in result[:9]) for result in results}) > 1


def test_stopping_early_changes_nothing(small, eagerly):
    """The best few texts are those that a search for all of them puts first."""
    model, images = small(attention="luong"), small_pictures(8, seed=3)
    for alpha in (0.0, 1.0):
        every = decode(model, images, beam_width=6, length_penalty=alpha, n_best=6)
        some = decode(model, images, beam_width=6, length_penalty=alpha, n_best=2)
        for first, second in zip(every, some, strict=True):
            assert [text for text, *_ in second] == [text for text, *_ in first[:2]]


@pytest.mark.parametrize("settings", [{}, {"decoder": "beam", "beam_width": 3}])
def test_longest_text_leaves_room_for_the_end(make_config, settings, eagerly):
    """A label has at most max_seq_length - 1 characters; so has a text, and its end has a probability."""
    model = build(make_config, end_bias=-50.0)
    predictor = PredictorSeq2Seq(model, PredictConfig.model_validate(settings))
    for prediction in predictor.predict_batch(small_pictures(4)):
        assert len(prediction.text) == len(prediction.character_confidences) == 8
        assert prediction.confidence < 1e-10 < min(prediction.character_confidences)


def test_alternatives(make_config, eagerly):
    model, images = build(make_config, **LUONG), small_pictures(6)
    predict = PredictConfig.model_validate({"decoder": "beam", "beam_width": 5, "n_best": 3, "length_penalty": 0.0})
    for prediction in PredictorSeq2Seq(model, predict).predict_batch(images):
        assert len(prediction.alternatives) == 3 == len(dict(prediction.alternatives))
        assert prediction.alternatives[0] == (prediction.text, prediction.confidence)
        confidences = [confidence for _, confidence in prediction.alternatives]
        assert confidences == sorted(confidences, reverse=True) and sum(confidences) <= 1
    assert PredictorSeq2Seq(model).predict_batch(images)[0].alternatives == ()


def test_attention_of_several_hypotheses_per_word():
    """Rows of queries that share a word's memory get what they would get with copies of it."""
    rng = np.random.default_rng(0)
    query, memory = rng.normal(size=(6, 2, 5)).astype("float32"), rng.normal(size=(3, 4, 7)).astype("float32")
    valid = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]], bool)
    attention = LuongAttention(5)
    attention.build(memory.shape)
    keys = attention.keys(memory)
    context, weights = attention(query, keys, memory, valid)
    copies = [np.repeat(values, 2, axis=0) for values in (ops.convert_to_numpy(keys), memory, valid)]
    expected_context, expected_weights = attention(query, *copies)
    assert context.shape == (6, 2, 7) and weights.shape == (6, 2, 4)
    np.testing.assert_allclose(context, expected_context, atol=1e-5)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-5)


def ctc_log_probabilities(model: ModelSeq2Seq, image: np.ndarray, texts: list[str]) -> np.ndarray:
    """CTC log probabilities of whole texts, by the loss that training minimises."""
    inputs = inputs_of(model, [image])
    memory, valid, *_ = model.encoder.predict_on_batch([inputs["image"], inputs["width"]])
    logits = ops.convert_to_numpy(model.ctc_head(memory, valid)).copy()
    logits[..., [START, END]] = -1e4
    labels = model.tokenizer.encode_batch(texts, model.network.max_seq_length)[1]
    lengths = [len(text) for text in texts]
    columns = np.repeat(logits, len(texts), axis=0)
    sizes = np.full(len(texts), columns.shape[1])
    return -ops.convert_to_numpy(ops.ctc_loss(np.where(labels == END, PAD, labels), columns, lengths, sizes))


@pytest.mark.parametrize(("weight", "alpha"), [(0.25, 0.5), (1.0, 0.0)])
def test_ctc_has_its_share(small, weight, alpha):
    model, images = small(attention="luong", ctc_weight=0.5), small_pictures(4, seed=7)
    mixed = decode(model, images, beam_width=41, n_best=3, length_penalty=alpha, ctc_weight=weight)
    moved = 0
    for image, result in zip(images, mixed, strict=True):
        texts = all_texts(model, image)
        by_column = ctc_log_probabilities(model, image, list(texts))
        total = {
            text: (1 - weight) * score + weight * ctc
            for (text, score), ctc in zip(texts.items(), by_column, strict=True)
        }
        rank = {text: value / (len(text) + 1) ** alpha for text, value in total.items()}
        assert [text for text, *_ in result] == sorted(rank, key=rank.get, reverse=True)[:3]
        for text, score, its_rank in result:
            assert score == pytest.approx(total[text], abs=1e-3)
            assert its_rank == pytest.approx(rank[text], abs=1e-3)
        moved += result[0][0] != max(texts, key=texts.get)
    assert moved


def test_ctc_weight_without_a_ctc_head_does_nothing(make_config, eagerly):
    model, images = build(make_config), small_pictures(4)
    assert decode(model, images, beam_width=3, ctc_weight=0.9) == decode(model, images, beam_width=3)
