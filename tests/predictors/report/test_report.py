"""The evaluation report: its attention, safe embedding, and the page in a real browser."""

import csv
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import main
from base.base_predictor import Prediction
from models.model_seq2seq import ModelSeq2Seq
from models.model_spec import ModelSpec
from models.saving import save_model
from predictors.report.attention import read_attention
from predictors.report.html import embedded_json
from predictors.report.write import Evaluation, write_report
from preprocessing.batch import pad_images
from preprocessing.labels import Word, read_labels
from preprocessing.tokenizer import START, Tokenizer
from tests.helpers.browser import browser, needs_browser
from tests.helpers.data import open_words
from tests.helpers.tiny import tiny_settings, write_settings
from utils.escaping import escape_control

EVIL = ["<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", "<!-- & \" ' --> ${x}", "]]>\u2028"]


@settings(deadline=None)
@given(st.lists(st.text()))
def test_embedded_json_is_inert_and_whole(value):
    text = embedded_json(value)
    assert not set(text) & set("<>&") and json.loads(text) == value


def make_network(config, charset="abcdefg") -> ModelSeq2Seq:
    keras.utils.set_random_seed(3)
    network = ModelSeq2Seq(ModelSpec(config.image, config.network, Tokenizer(charset)))
    rng = np.random.default_rng(3)
    for variable in network.keras_model.trainable_variables:
        variable.assign(variable + rng.normal(0, 1.0, variable.shape))
    return network


@pytest.mark.parametrize("columns", ["height", "flatten"])
def test_attention_is_that_of_decoding(make_config, dataset, eagerly, columns):
    """The same weights as the decoder's single steps give, over each image's own width."""
    flat = {"image": {"fixed_width": True}} if columns == "flatten" else {}
    config = make_config(network={"attention": "luong", "columns": columns}, **flat)
    network = make_network(config)
    words = [Word(p.relative_to(dataset / "words").as_posix(), "a") for p in (dataset / "words").rglob("*.png")]
    data = open_words(config, words[:3], "test")
    texts = ["abc", "", "gg"]
    images = [data.image(position) for position in (2, 0, 1)]
    widths = [image.shape[1] for image in images]
    found = dict(read_attention(network, images.__getitem__, widths, texts, batch_size=2))
    assert sorted(found) == [0, 1, 2]
    for index in range(3):
        image, width = pad_images([images[index]], network.column_stride)
        memory, valid, state_h, state_c = network.encoder([image, width])
        keys, states = network.decoder.start(memory, state_h, state_c)
        expected = []
        for token in [START, *network.tokenizer.encode(texts[index])]:
            _, states, weights = network.decoder.step(np.array([token]), states, keys, memory, valid)
            expected.append(np.asarray(weights)[0].reshape(-1, width[0] // network.column_stride).sum(0))
        np.testing.assert_allclose(found[index], expected, atol=1e-5)
        np.testing.assert_allclose(found[index].sum(1), 1, atol=1e-5)


class Texts(HTMLParser):
    """Elements and scripts of a page; the parser itself decides where a script ends."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.scripts, self.attributes = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "script" and self.scripts:
            self.scripts[-1] += data


@pytest.fixture(scope="module")
def report(dataset, tmp_path_factory) -> Path:
    """A report on seventy words, the first ones with labels, texts, file names and writers of an attacker."""
    from utils.config.load import validate_config

    folder = tmp_path_factory.mktemp("report")
    image = cv2.imread(str(next((dataset / "words").rglob("*.png"))))
    words = []
    for index in range(70):
        evil = EVIL[index % 4] if index < 8 else f"word {index}"
        file = folder / "words" / f"{index}{evil}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(cv2.imencode(".png", image)[1].tobytes())
        label = evil if index < 4 else f"ab{index}"
        words.append(Word(file.relative_to(folder / "words").as_posix(), label, writer=f"{evil}"))
    settings = tiny_settings(dataset, folder, network={"attention": "luong"})
    settings |= {"images_folder": str(folder / "words"), "cache_folder": str(folder / "cache")}
    config = validate_config(settings, "test")
    network = make_network(config, charset="".join(sorted(set("".join(EVIL) + "abcdefg"))))
    data = open_words(config, words, "test")
    texts = [EVIL[3], EVIL[0], EVIL[2], EVIL[2], "ab4", "ax5"] + [word.label for word in words[6:]]
    predictions = [
        Prediction(text, 0.5 + i / 1000, (0.9,) * len(text), raw_confidence=0.4) for i, text in enumerate(texts)
    ]
    history = [{"epoch": 1.0, "loss": 2.0, "val_cer": 0.5}, {"epoch": 2.0, "loss": 1.0, "val_cer": 0.25}]
    facts = {"model": EVIL[0], "licence": EVIL[1]}
    return write_report(folder / "report", Evaluation(network, data, predictions, facts, history))


def test_page_is_whole_and_inert(report):
    page = report.read_text(encoding="utf-8")
    parsed = Texts(page)
    assert len(parsed.scripts) == 2 and parsed.tags.count("style") == 1 and "img" not in parsed.tags
    assert not any(name.startswith("on") for name, _ in parsed.attributes)
    assert not any(name in ("src", "href") and value != "#gallery" for name, value in parsed.attributes)
    policies = [value for name, value in parsed.attributes if name == "content" and "default-src" in value]
    assert len(policies) == 1 and "default-src 'none'" in policies[0] and "unsafe" not in policies[0]
    data = json.loads(parsed.scripts[0])
    assert len(data["words"]) == 70
    assert "the same before calibration" in page and "before calibration 54.29%, rings)" in page
    (word,) = [word for word in data["words"] if word["truth"] == EVIL[1]]
    assert word["text"] == EVIL[0] and EVIL[1] in word["name"] and word["writer"] == EVIL[1]
    with open(report.parent / "report_words.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows[:4]] == [escape_control(text) for text in EVIL] and rows[5]["errors"] == "1"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def page(report, chromium):
    chromium.open(report)
    return chromium


def text_of(page, selector: str) -> str:
    return page.run(f"document.querySelector({json.dumps(selector)}).textContent")


def count_of(page, selector: str) -> int:
    return page.run(f"document.querySelectorAll({json.dumps(selector)}).length")


def click(page, selector: str) -> None:
    page.run(f"document.querySelector({json.dumps(selector)}).click()")


@needs_browser
def test_gallery_in_a_browser(page):
    assert text_of(page, "#count") == "70 of 70 words, 4 of them wrong"
    assert count_of(page, "#words details") == 50
    # Hostile texts are there (this one was read as it is), and are only text.
    assert EVIL[2] in text_of(page, "#words")
    assert count_of(page, "#words [onerror], #words script") == 0
    click(page, "#next")
    assert count_of(page, "#words details") == count_of(page, "#words img") == 20
    assert text_of(page, "#page") == "page 2 of 2"
    assert page.problems() == []


FILTER = """(() => { const form = document.getElementById('filters');
for (const [name, value] of Object.entries(%s)) form.elements[name].value = value;
form.dispatchEvent(new Event('input')); return document.getElementById('count').textContent; })()"""


@needs_browser
@pytest.mark.parametrize(
    "values, count",
    [
        ({"kind": "wrong"}, "4 of 70 words, 4 of them wrong"),
        ({"search": "AB6"}, "11 of 70 words, 0 of them wrong"),
        ({"search": "</SCRIPT>", "kind": "wrong"}, "2 of 70 words, 2 of them wrong"),
        ({"shortest": 3, "longest": 3}, "6 of 70 words, 1 of them wrong"),
        ({"least": 50, "most": 50.25}, "3 of 70 words, 2 of them wrong"),
    ],
)
def test_filters(page, values, count):
    assert page.run(FILTER % json.dumps(values)) == count


@needs_browser
def test_confusion_button_shows_its_words(page):
    click(page, 'button.confusion[data-truth="b"][data-read="x"]')
    assert text_of(page, "#count") == "1 of 70 words, 1 of them wrong"
    assert text_of(page, "#words .reading") == "abx5"
    click(page, "#confusion")
    assert text_of(page, "#count").startswith("70 of")


# Canvases appear when the image is decoded.
CANVASES = """new Promise(done => { const look = () => {
const number = document.querySelectorAll('#words canvas').length;
number ? done(number) : requestAnimationFrame(look); }; look(); })"""
ORANGE = """(() => { const canvas = document.querySelector('#words canvas');
const values = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
for (let i = 0; i < values.length; i += 4) if (values[i] > values[i + 2] + 40) return true;
return false; })()"""


@needs_browser
def test_keyboard_opens_a_word_and_its_attention_is_drawn(page):
    page.run(FILTER % json.dumps({"search": "onerror", "kind": "wrong", "order": "sure"}))
    page.run("document.querySelector('#filters button[type=reset]').focus()")
    page.press("Tab", 9)
    assert page.run("document.activeElement.tagName") == "SUMMARY" and count_of(page, "canvas") == 0
    page.press("Enter", 13, "\r")
    # One for each character of the text and one for the end.
    assert page.run(CANVASES) == len(EVIL[0]) + 1
    # The truth comes first, then the reading.
    assert text_of(page, "#words details[open] dd:nth-of-type(2)") == EVIL[0]
    label = page.run("document.querySelector('#words canvas').getAttribute('aria-label')")
    assert label.startswith("for < the network looks mostly at ")
    assert page.run(ORANGE) is True
    assert page.problems() == []


def test_command_line(make_config, dataset, tmp_path, capsys):
    """From a model folder to the page; a folder that can't be made is told before any reading."""
    settings = tiny_settings(dataset, tmp_path, network={"attention": "luong"})
    network = make_network(make_config(network={"attention": "luong"}))
    save_model(tmp_path / "experiment" / "best", network, {"licence": "none & all"})
    (tmp_path / "experiment" / "history.csv").write_text("epoch,loss\n1,2\n2,1\n", encoding="utf-8")
    (tmp_path / "file").touch()
    line = ["-c", write_settings(tmp_path / "tiny.yml", settings), "--predict_on_test", "--report"]
    assert main.main([*line, str(tmp_path / "file")]) == 2
    error = capsys.readouterr().err
    assert "Can't write" in error and "/file is no folder" in error
    assert len(error.splitlines()) == 1
    (tmp_path / "taken" / "report_words.csv").mkdir(parents=True)
    assert main.main([*line, str(tmp_path / "taken")]) == 2
    assert "report_words.csv: it is a folder" in capsys.readouterr().err
    assert main.main([*line, str(tmp_path / "out" / "report")]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("WER: ")
    page = (tmp_path / "out" / "report" / "report.html").read_text(encoding="utf-8")
    assert "Loss by epoch" in page and "none &amp; all" in page and '"attention":' in page
    assert sorted(p.name for p in (tmp_path / "out" / "report").iterdir()) == ["report.html", "report_words.csv"]


@pytest.mark.parametrize(("writers", "with_interval"), [(("ann", "ann"), False), (("ann", "bob"), True)])
def test_one_hand_has_no_interval_over_writers(make_config, dataset, tmp_path, writers, with_interval):
    config = make_config(network={"attention": "luong"}, images_folder=str(dataset / "words"))
    words = read_labels(dataset / "labels.json").splits["val"][:2]
    data = open_words(config, [replace(word, writer=writer) for word, writer in zip(words, writers)], "test")
    predictions = [Prediction(words[0].label, 0.5, ()), Prediction("x", 0.5, ())]
    network = make_network(make_config(network={"attention": "luong"}))
    page = write_report(tmp_path / "report", Evaluation(network, data, predictions, {}, []))
    _, found, rest = page.read_text("utf-8").partition("WER (errors over words)")
    assert found and (" to " in rest[:200]) == with_interval
