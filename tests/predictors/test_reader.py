"""The Python API: files and arrays of the same pixels are read alike, and errors say which image."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import predictors
from preprocessing.image_file import UnusableImage
from preprocessing.word_image import read_word_image, word_image_of_array
from tests.helpers.tiny import REPOSITORY, plain_image
from utils.config.image import ImageConfig
from utils.errors import UserError

GEOMETRIES = [
    plain_image(),
    ImageConfig.model_validate({"image_size": {"y_size": 24, "x_size": 90, "num_channels": 3}, "binarization": "otsu"}),
]


@pytest.fixture(scope="module")
def reader():
    return predictors.load(REPOSITORY / "snapshots" / "iam_fast")


def picture() -> np.ndarray:
    """RGB pixels, every channel another ramp."""
    ramp = np.linspace(0, 255, 40 * 70).reshape(40, 70)
    return np.stack([ramp, ramp[::-1], ramp[:, ::-1]], axis=2).astype(np.uint8)


def as_saved(mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray((picture()[:, :, 0].astype(np.uint16) + 1) * 250)
    file = Image.fromarray(picture()).convert(mode)
    if mode == "RGBA":
        file.putalpha(Image.fromarray(picture()[:, :, 1]))
    return file


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "1", "I;16"])
def test_file_and_array_give_the_same_pixels(tmp_path, geometry, mode):
    file = as_saved(mode)
    file.save(tmp_path / "word.png")
    array = np.asarray(file)
    result = word_image_of_array(array, geometry)
    np.testing.assert_array_equal(result, read_word_image(tmp_path / "word.png", geometry))
    if array.ndim == 2:
        np.testing.assert_array_equal(result, word_image_of_array(array[:, :, None], geometry))


@pytest.mark.parametrize(
    "array, reason",
    [
        (np.zeros((3, 4, 2), np.uint8), "shape (3, 4, 2)"),
        (np.zeros(5, np.uint8), "shape (5,)"),
        (np.zeros((0, 4), np.uint8), "empty array"),
        (np.array([["a"]]), "is no image"),
        (np.zeros((8000, 8000), np.uint8), "max_pixels"),
    ],
)
def test_arrays_that_are_no_images(array, reason):
    with pytest.raises(UnusableImage) as caught:
        word_image_of_array(array, plain_image(), "array 3")
    assert reason in str(caught.value) and "array 3" in str(caught.value)


def test_reads_many(reader):
    """Of all kinds, from any iterable, in their order; a list given to `read` is the same."""
    path = REPOSITORY / "test_images" / "supported.png"
    picture = Image.open(path)
    array = np.asarray(picture)
    half = array[:, : array.shape[1] // 2]
    alone, half_alone = reader.read(picture), reader.read(half)
    assert alone == reader.read(path) and alone.text != half_alone.text
    many = [picture, half, path, str(path), array]
    found = reader.read_many(iter(many))
    assert [p.text for p in found] == [alone.text, half_alone.text, *[alone.text] * 3]
    assert found == reader.read(many) and reader.read_many([]) == []


def test_decoder_of_the_reader(eagerly):
    beam = predictors.load(REPOSITORY / "snapshots" / "iam_fast", decoder="beam", n_best=2, beam_width=3)
    word = beam.read(REPOSITORY / "test_images" / "supported.png")
    assert len(word.alternatives) == 2 and word.alternatives[0] == (word.text, word.confidence)


def test_views_of_a_doubtful_word_are_its_alternatives():
    # Noise is read in several ways.
    settings = {"views": 4, "views_below": 1.0, "n_best": 3}
    reader = predictors.load(REPOSITORY / "snapshots" / "iam_fast", **settings)
    noise = np.random.default_rng(1).integers(0, 256, (48, 200), np.uint8)
    word = reader.read(noise)
    assert 2 <= len(word.alternatives) <= 3 and word.alternatives[0] == (word.text, word.confidence)
    assert len(dict(word.alternatives)) == len(word.alternatives)
    # A beam's width limits no other decoder.
    more = predictors.load(REPOSITORY / "snapshots" / "iam_fast", **{**settings, "n_best": 17}).read(noise)
    assert more.alternatives[: len(word.alternatives)] == word.alternatives


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"decoder": "beams"}, "load: predict.decoder"),
        ({"n_best": 3}, "needs decoder beam"),
        ({"n_best": 17, "decoder": "beam"}, "beam_width"),
        ({"beam_widht": 3}, "nearest is predict.beam_width"),
        ({"runtime": "onnx", "decoder": "beam"}, "only decodes greedily"),
    ],
)
def test_settings_that_cannot_be(settings, message):
    with pytest.raises(UserError, match=message):
        predictors.load(REPOSITORY / "snapshots" / "iam", **settings)


def test_unusable_images(reader, tmp_path):
    good = np.asarray(Image.open(REPOSITORY / "test_images" / "supported.png"))
    missing = tmp_path / "none.png"
    with pytest.raises(UnusableImage, match=r"none\.png"):
        reader.read(missing)
    with pytest.raises(UnusableImage, match="array 1"):
        reader.read([good, good[:0]])
    (tmp_path / "half.png").write_bytes((REPOSITORY / "test_images" / "supported.png").read_bytes()[:900])
    damaged = Image.open(tmp_path / "half.png")
    results = reader.read_many([missing, good, good[:0], damaged], errors="return")
    assert [isinstance(result, UnusableImage) for result in results] == [True, False, True, True]
    assert results[1].text == reader.read(good).text and "picture 3: truncated or" in str(results[3])
    with pytest.raises(UnusableImage, match="without pixels"):
        reader.read(Image.new("L", (0, 5)))
    with pytest.raises(TypeError, match="int"):
        reader.read([1])


def test_errors_are_raised_or_returned_by_all_functions(reader, tmp_path):
    missing = tmp_path / "none.png"
    for read in (reader.read, reader.read_many, reader.read_pages):
        images = [missing] if read == reader.read_many else missing
        for unknown in ("ignore", "", None):
            with pytest.raises(ValueError, match="errors"):
                read(images, errors=unknown)
    error = reader.read(missing, errors="return")
    assert isinstance(error, UnusableImage) and "none.png" in str(error)
    (error,) = reader.read([missing], errors="return")
    assert isinstance(error, UnusableImage)
    (error,) = reader.read_pages(missing, errors="return")
    assert isinstance(error, UnusableImage)
    with pytest.raises(UnusableImage):
        next(reader.read_pages(missing))


@pytest.mark.parametrize("kind", [str, Path, Image.open, lambda path: np.asarray(Image.open(path).convert("RGB"))])
def test_many_images_are_no_single_one(reader, kind):
    with pytest.raises(TypeError, match="list"):
        reader.read_many(kind(str(REPOSITORY / "test_images" / "supported.png")))


def test_max_pixels():
    image = REPOSITORY / "test_images" / "look.png"
    small = predictors.load(REPOSITORY / "snapshots" / "iam", max_pixels=9)
    with pytest.raises(UnusableImage, match=r"more pixels than image\.max_pixels allows"):
        small.read(image)
    large = predictors.load(REPOSITORY / "snapshots" / "iam", max_pixels=2 * 10**9)
    assert large.predictor.spec.image.max_pixels == 2 * 10**9


HOST = """
import sys, warnings
import cv2
from PIL import Image

def state():
    return Image.MAX_IMAGE_PIXELS, list(warnings.filters), cv2.getNumThreads(), sys.flags, sys.path[:]

before = state()
from predictors import load
cheap = not {"keras", "tensorflow", "onnxruntime"} & set(sys.modules)
text = load("snapshots/iam_fast").read("test_images/look.png").text
print(cheap, bool(text), state() == before)
"""


def test_reading_changes_nothing_in_the_host_process():
    result = subprocess.run([sys.executable, "-c", HOST], cwd=REPOSITORY, capture_output=True, text=True)
    assert result.stdout == "True True True\n", result.stderr
