"""Fixtures of the tests of `tools.create_labels`: the command, run in this process."""

import numpy as np
import pytest
from PIL import Image

from tests.helpers.drawn_words import draw_word
from tests.helpers.importers import ALL_TRAIN, PAGE
from tools.create_labels import main


@pytest.fixture
def run(capsys):
    """A function: arguments -> (exit code, stdout, stderr) of the command, run in this process."""

    def call(*arguments):
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as error:
            code = error.code
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def refused(run):
    """A function: arguments -> the sentence with which they are refused."""

    def call(*arguments):
        code, out, error = run(*arguments)
        assert code == 2 and out == ""
        return error.strip().splitlines()[-1]

    return call


@pytest.fixture
def cut(run, tmp_path):
    """A function: source and options -> stderr of cutting the lines of its pages into `lines`, with labels `l.json`."""

    def call(source, *options):
        places = ["--images", tmp_path / "lines", "--output", tmp_path / "l.json"]
        code, _, error = run("--source", source, *places, *ALL_TRAIN, *options)
        assert code == 0, error
        return error

    return call


@pytest.fixture
def pages(tmp_path):
    """An export as Transkribus writes it: the picture in a folder, the XML in a folder `page` below."""
    word = draw_word("several words", paper=255)
    height, width = word.shape
    page = np.full((300, 900), 255, np.uint8)
    page[20 : 20 + height, :width] = word
    (tmp_path / "export" / "page").mkdir(parents=True)
    Image.fromarray(page).save(tmp_path / "export" / "0001.jpg", quality=95)
    text = PAGE.format(name="0001.jpg", width=width - 1, bottom=19 + height, base=height - 10)
    (tmp_path / "export" / "page" / "0001.xml").write_text(text)
    (tmp_path / "export" / "page" / "0002.xml").write_text(text.replace("0001.jpg", "0002.jpg"))
    (tmp_path / "export" / "mets.xml").write_text("<mets/>")
    return tmp_path / "export", word
