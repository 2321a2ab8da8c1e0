"""The log tells of files that were read: whole pages, several lines, texts that were cut."""

import numpy as np
import pytest
from PIL import Image

from models.model_spec import ModelSpec
from predictors.word_predictor import WordPredictor
from preprocessing.image_file import UnusableImage
from preprocessing.tokenizer import END, PAD, Tokenizer
from preprocessing.writing import count_lines
from utils.config.predict import PredictConfig
from utils.errors import UserError


class Endless(WordPredictor):
    """Writes `a` as often as the network can, once less for images that are wider than high; the last step is END."""

    def decode(self, image, width):
        ids = np.full((len(image), self.spec.network.max_seq_length), 3, np.int32)
        ids[:, -1] = END
        ids[width > image.shape[1], -2:] = END, PAD
        return ids, np.zeros(ids.shape, np.float32)


@pytest.fixture
def predictor(make_config):
    config = make_config()
    return Endless(ModelSpec(config.image, config.network, Tokenizer("ab")), PredictConfig(turn_below=0))


def test_a_text_that_may_go_on_is_told(predictor, tmp_path, capsys):
    for name, width in (("narrow", 5), ("wide", 300)):
        pixels = np.full((30, width), 255, np.uint8)
        pixels[10:20, 2:-2] = 0
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    paths = [tmp_path / "narrow.png", tmp_path / "wide.png"]
    most = predictor.spec.network.max_seq_length - 1
    texts = [prediction.text for _, prediction in predictor.read_files(paths)]
    assert texts == ["a" * most, "a" * (most - 1)]
    error = capsys.readouterr().err
    assert "narrow.png" in error and f"{most} characters" in error and "wide.png" not in error


def test_what_can_hardly_be_read_is_told(predictor, tmp_path, capsys, monkeypatch):
    pixels = np.full((30, 300), 255, np.uint8)
    pixels[10:20, 2:-2] = 0
    Image.fromarray(pixels).save(tmp_path / "a.png")
    list(predictor.read_files([tmp_path / "a.png"]))
    assert "--page" not in capsys.readouterr().err
    decode = predictor.decode
    monkeypatch.setattr(predictor, "decode", lambda *batch: (decode(*batch)[0], decode(*batch)[1] - 2))
    list(predictor.read_files([tmp_path / "a.png"]))
    assert "a.png can hardly be read" in capsys.readouterr().err


def test_a_pdf_that_is_read_as_a_word_names_the_option_for_pages(predictor, tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\n")
    ((_, result),) = predictor.read_files([tmp_path / "a.pdf"])
    assert isinstance(result, UnusableImage) and "--page" in str(result)


def test_readings_that_hold_nothing_are_no_text(predictor):
    """Of weights that overflow; greedy decoding finds NaN."""
    length = predictor.spec.network.max_seq_length
    with pytest.raises(UserError, match="no text"):
        predictor._best_of(np.zeros((2, length), np.int32), np.zeros((2, length), np.float32))


def test_lines_are_counted_in_colour_too():
    strip = np.full((60, 300), 255, np.uint8)
    strip[8:20] = strip[40:52] = 0
    assert count_lines(strip) == 2 == count_lines(np.dstack([strip] * 3))


@pytest.mark.parametrize("error", [KeyboardInterrupt, UserError])
def test_finished_words_come_before_what_ended_the_reading(predictor, tmp_path, monkeypatch, error):
    """A batch of two, then one that is interrupted; the file that can't be read is finished, too."""
    for name, width in (("b", 20), ("c", 200), ("d", 21)):
        pixels = np.full((30, width), 255, np.uint8)
        pixels[10:20, 2:-2] = 0
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    (tmp_path / "a.png").write_bytes(b"torn")
    predict_batch, batches = predictor.predict_batch, []

    def interrupted(images):
        batches.append(images)
        if len(batches) == 2:
            raise error("no more")
        return predict_batch(images)

    monkeypatch.setattr(predictor, "predict_batch", interrupted)
    predictor.batch_size, found = 2, []
    with pytest.raises(error):
        for path, _ in predictor.read_files(sorted(tmp_path.iterdir())):
            found.append(path.name)
    assert found == ["a.png", "b.png", "d.png"]
