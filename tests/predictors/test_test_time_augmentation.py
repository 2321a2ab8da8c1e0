"""Test-time augmentation: the views of a word, how they agree, and that every way of reading uses them."""

import json

import numpy as np
import pytest

import main
import predictors.calibrate
from base.base_predictor import Prediction
from data_generators.geometric_augmentation import slant_and_zoom
from predictors.predictor_seq2seq import PredictorSeq2Seq
from predictors.test_time_augmentation import VIEWS, augmented_views, sharpen, vote
from tests.helpers.models import NETWORKS, exported, pictures, predictor_of, random_network
from tests.helpers.tiny import tiny_settings, write_settings


def bar() -> np.ndarray:
    """An upright stroke, 4 pixels wide and 20 high."""
    image = np.full((32, 24), 255, np.uint8)
    image[6:26, 10:14] = 0
    return image


def ink_of(image: np.ndarray) -> np.ndarray:
    return 255.0 - image


def lean(image: np.ndarray) -> float:
    """Pixels to the right for each pixel up, by the centres of the ink's rows."""
    ink = ink_of(image)
    rows = np.flatnonzero(ink.sum(axis=1) > 255)
    centres = (ink[rows] * np.arange(image.shape[1])).sum(axis=1) / ink[rows].sum(axis=1)
    return -np.polyfit(rows, centres, 1)[0]


def test_slant_and_zoom_are_what_they_say():
    assert lean(slant_and_zoom(bar(), 10, 1, 64)) == pytest.approx(np.tan(np.radians(10)), rel=0.05)
    assert lean(slant_and_zoom(bar(), -5, 1, 64)) == pytest.approx(-np.tan(np.radians(5)), rel=0.05)
    larger = slant_and_zoom(bar(), 0, 1.5, 64)
    assert larger.shape == (32, 36)
    assert ink_of(larger).sum() / ink_of(bar()).sum() == pytest.approx(1.5**2, rel=0.05)
    np.testing.assert_array_equal(slant_and_zoom(bar(), 0, 1, 64), bar())


def test_sharpening_makes_edges_steeper_and_leaves_flat_parts():
    soft = np.repeat(np.clip(np.linspace(-150, 405, 40), 30, 225).astype(np.uint8)[None], 12, axis=0)
    sharp = sharpen(soft, 2.0)
    assert sharp.shape == soft.shape and sharp.dtype == np.uint8
    assert np.diff(sharp[6].astype(int)).max() > 1.5 * np.diff(soft[6].astype(int)).max()
    np.testing.assert_array_equal(sharp[:, [0, -1]], soft[:, [0, -1]])
    np.testing.assert_array_equal(sharpen(soft, 0), soft)


@pytest.mark.parametrize("width", [1, 9, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_views_fit_the_network(make_config, width, channels):
    image = np.full((16, width, 3)[: 2 if channels == 1 else 3], 90, np.uint8)
    size = {"image_size": {"num_channels": channels}}
    free, fixed = (make_config(image={**size, "fixed_width": on}).image for on in (False, True))
    for view in augmented_views(image, len(VIEWS), free):
        assert view.shape[0] == 16 and 1 <= view.shape[1] <= 64 and view.shape[2:] == image.shape[2:]
        assert view.dtype == np.uint8 and ink_of(view).any()
    if width == 64:
        assert [view.shape for view in augmented_views(image, 3, fixed)] == [image.shape] * 3


def test_the_text_with_the_most_confidence_wins():
    readings = [Prediction("on", 0.5, (0.6, 0.8)), Prediction("an", 0.4, (0.5, 0.8)), Prediction("an", 0.3, (0.4, 0.7))]
    found = vote(readings)
    assert (found.text, found.character_confidences, found.alternatives) == ("an", (0.5, 0.8), ())
    assert found.confidence == pytest.approx(0.7 / 3)
    # Of equals the first: the word as it is.
    assert vote([Prediction("a", 0.2, (0.2,)), Prediction("b", 0.2, (0.2,))]).text == "a"


def test_views_are_alternatives_of_greedy_readings():
    readings = [Prediction("on", 0.5, (0.6, 0.8)), Prediction("an", 0.4, (0.5, 0.8)), Prediction("an", 0.3, (0.4, 0.7))]
    readings.append(Prediction("in", 0.1, (0.2, 0.5)))
    found = vote(readings, n_best=2)
    assert [text for text, _ in found.alternatives] == ["an", "on"]
    assert [confidence for _, confidence in found.alternatives] == pytest.approx([0.7 / 4, 0.5 / 4])
    assert [text for text, _ in vote(readings, n_best=5).alternatives] == ["an", "on", "in"]


def test_alternatives_change_nothing_but_themselves():
    readings = [
        Prediction("on", 0.5, (0.6, 0.8), (("on", 0.5), ("an", 0.3), ("in", 0.1))),
        Prediction("an", 0.4, (0.5, 0.8), (("an", 0.4), ("en", 0.2), ("in", 0.1))),
    ]
    found = vote(readings, n_best=3)
    alone = vote([Prediction(r.text, r.confidence, r.character_confidences) for r in readings])
    assert (found.text, found.confidence, found.character_confidences) == ("on", 0.25, (0.6, 0.8))
    assert (alone.text, alone.confidence, alone.alternatives) == ("on", 0.25, ())
    # `an` has a mean of 0.35, but what comes second is no more probable than what comes first.
    assert [text for text, _ in found.alternatives] == ["on", "an", "en"]
    assert [confidence for _, confidence in found.alternatives] == pytest.approx([0.25, 0.25, 0.1])


@pytest.mark.parametrize("name", ["recipe", "fixed width"])
def test_doubtful_words_are_read_in_all_views(make_config, tmp_path, name):
    image, network = NETWORKS[name]
    model = random_network(make_config, image=image, network=network)
    images = pictures(model, 30)
    for predictor in (PredictorSeq2Seq(model), exported(model, tmp_path)):
        predictor.turn_below = 0  # turning depends on the other words of a batch
        once = predictor.predict_batch(images)
        middle = sorted(word.confidence for word in once)[15]
        expected = list(once)
        for i, word in enumerate(once):
            if word.confidence < middle:
                views = augmented_views(images[i], 2, model.image)
                expected[i] = vote([word, *(predictor.predict_batch([view])[0] for view in views)])
        predictor.views, predictor.views_below = 3, middle
        for predictor.batch_size in (256, 7):
            found = predictor.predict_batch(images)
            assert [word.text for word in found] == [word.text for word in expected]
            for first, second in zip(found, expected, strict=True):
                assert first.confidence == pytest.approx(second.confidence, abs=1e-4)
        assert sum(a.text != b.text for a, b in zip(once, found, strict=True)) > 0


def test_a_trained_model_reads_files_as_it_was_evaluated(dataset, tmp_path, eagerly, monkeypatch):
    monkeypatch.setattr(predictors.calibrate, "LEAST_WORDS", 6)
    changes = {"train": {"num_epochs": 1}, "predict": {"views": 3, "views_below": 1}}
    config = ["-c", write_settings(tmp_path / "config.yml", tiny_settings(dataset, tmp_path, **changes))]
    assert main.main([*config, "--train"]) == 0
    outputs = [str(tmp_path / "test.json"), str(tmp_path / "files.json")]
    assert main.main([*config, "--predict_on_test", "--output", outputs[0]]) == 0
    test = json.loads((tmp_path / "test.json").read_text())
    files = [str(dataset / "words" / word["filename"]) for word in test]
    assert main.main([*config, "--predict", "--output", outputs[1], "--filename", *files]) == 0
    by_file = {word["filename"]: word for word in json.loads((tmp_path / "files.json").read_text())}
    for word, file in zip(test, files, strict=True):
        assert by_file[file]["text"] == word["text"]
        assert by_file[file]["confidence"] == pytest.approx(word["confidence"], abs=1e-5)
    # The training has calibrated the model for its way of reading.
    reading = predictor_of(tmp_path / "experiment" / "best", views=3, views_below=1)
    assert reading.calibration and reading.calibration.decoding["views"] == 3
