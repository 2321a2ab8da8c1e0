"""The log of a page: lines that can hardly be read, and pages that lie on their side."""

import numpy as np
import pytest

from models.model_spec import ModelSpec
from predictors.pages import PageReader
from predictors.word_predictor import WordPredictor
from preprocessing.tokenizer import END, PAD, Tokenizer
from tests.helpers.drawn_pages import LINES, written_page
from utils.config.predict import PredictConfig

pytest.importorskip("rapidocr")
pytestmark = pytest.mark.usefixtures("pages_found_once")


class Unsure(WordPredictor):
    """Writes `aa`, unsure only in the last picture of a batch."""

    def decode(self, image, width):
        ids = np.full((len(image), self.spec.network.max_seq_length), PAD, np.int32)
        ids[:, :3] = 3, 3, END
        scores = np.zeros(ids.shape, np.float32)
        scores[-1, 0] = np.log(0.009)
        return ids, scores


@pytest.fixture
def reader(make_config):
    config = make_config(network={"max_seq_length": 70})
    return PageReader(Unsure(ModelSpec(config.image, config.network, Tokenizer("ab")), PredictConfig(turn_below=0)))


def test_lines_that_can_hardly_be_read_are_counted_once(reader, capsys):
    page = reader.read(written_page(), "a.pdf", 7)
    assert len(page.lines) == len(LINES) and min(line.confidence for line in page.lines) < 0.01
    error = capsys.readouterr().err
    assert error.count("a.pdf, page 7: 1 of 3 lines") == 1 and "--page" not in error and "side" not in error


@pytest.mark.parametrize("quarters", [1, 3])
def test_a_page_on_its_side_is_named(reader, capsys, quarters):
    reader.read(np.ascontiguousarray(np.rot90(written_page(), quarters)), "a.png")
    assert capsys.readouterr().err.count("a.png lies on its side") == 1
