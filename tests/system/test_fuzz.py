"""Anything at all, against the parts that read what others have written.

Few examples each; 10,000 with `python -m pytest tests/system/test_fuzz.py --hypothesis-profile long`.
"""

import io
import json

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from exporters.graph import Graph
from predictors.onnx.graph_check import check_graph
from preprocessing.image_file import UnusableImage
from preprocessing.labels import SPLITS, read_labels
from preprocessing.tokenizer import Tokenizer
from preprocessing.word_image import read_word_image
from tests.helpers.bad_inputs import encoded, images, word
from tests.helpers.tiny import plain_image
from utils.config.image import ImageSizeConfig
from utils.config.load import config_to_yaml, load_config
from utils.config.schema import Config
from utils.errors import UserError

IMAGE = plain_image(image_size=ImageSizeConfig(y_size=16, x_size=50), fixed_width=False, max_pixels=100_000)
CONTENTS = [content for content, _ in images().values()] + [encoded(word(), form) for form in ("PNG", "JPEG")]

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "file"


def assert_one_sentence(error: UserError) -> None:
    """Of a config one for each problem."""
    for message in str(error).split("\n"):
        assert message.isprintable() and message.endswith(".") and len(message) < 2000


# Tokenizer


@given(st.text(max_size=8))
def test_any_charset_is_taken_or_refused(charset):
    try:
        tokenizer = Tokenizer(charset)
    except UserError as error:
        return assert_one_sentence(error)
    assert all(tokenizer.decode(tokenizer.encode(char)) == char for char in charset)


# Metrics


# Config


def keys(section: dict, prefix: str = "") -> list[str]:
    """Dotted names of all keys of a config."""
    found = []
    for name, value in section.items():
        found += keys(value, f"{prefix}{name}.") if isinstance(value, dict) else [prefix + name]
    return found


KEYS = keys(yaml.safe_load(config_to_yaml(Config())))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def load(file, *overrides):
    try:
        config = load_config(file, overrides)
    except UserError as error:
        return assert_one_sentence(error)
    file.write_text(config_to_yaml(config), encoding="utf-8")
    assert load_config(file) == config


@given(st.binary(max_size=300) | st.text("abi:-[]{}&*!<>|?'\"#%\n\t 0.", max_size=100).map(str.encode))
def test_config_of_arbitrary_bytes(file, content):
    file.write_bytes(content)
    load(file)


@given(st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=3))
def test_config_of_arbitrary_values(file, changes):
    values: dict = {}
    for name, value in changes.items():
        *parents, last = name.split(".")
        section = values
        for parent in parents:
            section = section.setdefault(parent, {})
        section[last] = value
    file.write_text(yaml.dump(values), encoding="utf-8", errors="surrogatepass")
    load(file)


@given(st.sampled_from(KEYS), st.text(max_size=30))
def test_overrides_of_arbitrary_text(file, name, text):
    file.write_text("{}", encoding="utf-8")
    load(file, f"{name}={text}")


# Labels


def read(file, content: bytes) -> None:
    file.write_bytes(content)
    try:
        labels = read_labels(file)
    except UserError as error:
        return assert_one_sentence(error)
    assert set(labels.splits) == set(SPLITS)
    for entry in (entry for words in labels.splits.values() for entry in words):
        assert ".." not in entry.filename.replace("\\", "/").split("/") and not entry.filename.startswith("/")
        entry.filename.encode(), entry.label.encode()


ENTRY = st.fixed_dictionaries(
    {"filename": st.text(max_size=12) | st.text("./\\a:C~", max_size=8), "label": st.text(max_size=8)},
    optional={"writer": VALUES, "more": VALUES},
)
SPLIT = st.lists(ENTRY, max_size=4)


@given(st.binary(max_size=300))
def test_labels_of_arbitrary_bytes(file, content):
    read(file, content)


@given(st.fixed_dictionaries({split: SPLIT | st.lists(VALUES, max_size=3) for split in SPLITS}) | VALUES)
def test_labels_of_arbitrary_values(file, value):
    read(file, json.dumps(value).encode())


# Images


def read_image(file, content: bytes) -> None:
    file.write_bytes(content)
    try:
        pixels = read_word_image(file, IMAGE)
    except UnusableImage as error:
        return assert_one_sentence(error)
    assert pixels.dtype == np.uint8 and pixels.shape[0] == 16 and 1 <= pixels.shape[1] <= 50


@given(st.sampled_from([b"", *(content[:16] for content in CONTENTS)]), st.binary(max_size=300))
def test_images_of_arbitrary_bytes(file, start, content):
    read_image(file, start + content)


@given(st.sampled_from(CONTENTS), st.data())
def test_damaged_images(file, content, data):
    """Files of every format, cut, and with bytes changed, mostly in the header."""
    damaged = io.BytesIO(content)
    for _ in range(data.draw(st.integers(0, 4))):
        damaged.seek(data.draw(st.integers(0, max(1, min(len(content), 200)))))
        damaged.write(data.draw(st.binary(min_size=1, max_size=4)))
    end = data.draw(st.integers(0, len(content)) | st.just(len(content)))
    read_image(file, damaged.getvalue()[:end])


# ONNX graphs


def graph() -> bytes:
    """A small graph, as `exporters` writes them."""
    made = Graph("small")
    image = made.input("image", "uint8", ("B", 4))
    values = made("Cast", image, to=1)
    values = made.dense(values, np.ones((4, 3), np.float32), np.zeros(3, np.float32))
    halves = made("Split", made("Softmax", values, axis=-1), made.integers(1, 2), outputs=2, axis=-1)
    made.output(made("Div", halves[0], halves[1]), "out", "float32", ("B", 2))
    model = helper.make_model(helper.make_graph(made.nodes, "g", made.inputs, made.outputs, made.weights))
    return model.SerializeToString()


GRAPH = graph()


@given(st.binary(max_size=60), st.integers(0, len(GRAPH)), st.booleans())
def test_graphs_of_arbitrary_bytes(content, start, replaces):
    """Alone, or anywhere in a good file: refused in words, or fit for ONNX Runtime's own checks."""
    check_graph(GRAPH)
    for candidate in (content, GRAPH[:start] + content + GRAPH[start + len(content) * replaces :]):
        try:
            check_graph(candidate)
        except ValueError as error:
            assert 5 < len(str(error)) < 300
