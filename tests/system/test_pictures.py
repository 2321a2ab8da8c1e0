"""The shipped model reads one word from whatever picture holds it, by the command line."""

import cv2
import numpy as np
import pytest
from PIL import Image

import main
from tests.helpers.tiny import REPOSITORY

WORD = "look"


@pytest.fixture(scope="module")
def grey():
    """A word of test_images, uint8 (h, w), on its paper with a small border."""
    pixels = np.asarray(Image.open(REPOSITORY / "test_images" / f"{WORD}.png").convert("L"))
    return cv2.copyMakeBorder(pixels, 12, 12, 12, 12, cv2.BORDER_CONSTANT, value=255)


def read(folder, tmp_path, capsys, *options):
    """Reads a folder with snapshots/iam; returns exit code, {file name: (text, confidence)} and stderr."""
    model = [f"predict.weights_file={REPOSITORY}/snapshots/iam", f"experiment_folder={tmp_path}/none"]
    config = str(REPOSITORY / "configs" / "iam.yml")
    code = main.main(["-c", config, "--set", *model, "--predict", "--filename", str(folder), *options])
    output, error = capsys.readouterr()
    rows = [line.split("\t") for line in output.splitlines()]
    return code, {row[0].rsplit("/", 1)[-1]: (row[1], float(row[2])) for row in rows}, error


def falling(grey):
    return (grey * np.linspace(1, 0.34, grey.shape[1])).astype(np.uint8)


def shadow(grey):
    shade = 1 - 0.5 / (1 + np.exp(-(np.arange(grey.shape[1]) - grey.shape[1] / 2.5) / 3))
    return (grey * shade).astype(np.uint8)


def boxed(grey):
    framed = cv2.copyMakeBorder(grey, 12, 12, 12, 12, cv2.BORDER_CONSTANT, value=255)
    height, width = framed.shape
    return cv2.rectangle(framed, (4, 4), (width - 5, height - 5), 60, 3)


def ruled(grey):
    lines = np.full_like(grey, 255)
    for row in range(20, grey.shape[0], 60):
        cv2.line(lines, (0, row), (grey.shape[1], row + 2), 140, 2)
    return np.minimum(grey, lines)


def coloured(grey):
    ink = (255 - grey[..., None].astype(float)) / 255
    return (np.array([250, 240, 200]) * (1 - ink) + np.array([40, 60, 160]) * ink).astype(np.uint8)


def white_ink(grey):
    return np.dstack([np.full((*grey.shape, 3), 255, np.uint8), 255 - grey])


def resized(factor):
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return lambda grey: cv2.resize(grey, None, fx=factor, fy=factor, interpolation=way)


def turned(degrees):
    def turn(grey):
        padded = cv2.copyMakeBorder(grey, 30, 30, 30, 30, cv2.BORDER_CONSTANT, value=255)
        height, width = padded.shape
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
        return cv2.warpAffine(padded, matrix, (width, height), borderValue=255)

    return turn


PICTURES = {
    "light on dark": lambda grey: 255 - grey,
    "white ink on transparency": white_ink,
    "a third of the size": resized(1 / 3),
    "four times the size": resized(4),
    "paper around it": lambda grey: cv2.copyMakeBorder(grey, 120, 120, 120, 120, cv2.BORDER_CONSTANT, value=255),
    "a form's box": boxed,
    "falling light": falling,
    "a shadow": shadow,
    "coloured": coloured,
    "ruled": ruled,
    "blurred": lambda grey: cv2.GaussianBlur(grey, (0, 0), 2.2),
    "turned by 5": turned(5),
    "turned by 90": lambda grey: np.rot90(grey),
    "turned by 270": lambda grey: np.rot90(grey, 3),
    "turned by 180": lambda grey: grey[::-1, ::-1],
}


def test_words_are_read_from_any_picture(tmp_path, capsys):
    folder, words = tmp_path / "pictures", ("museum", "office", "supported", "imperial")
    folder.mkdir()
    for word in words:
        grey = np.asarray(Image.open(REPOSITORY / "test_images" / f"{word}.png").convert("L"))
        for kind, change in PICTURES.items():
            Image.fromarray(np.ascontiguousarray(change(grey))).save(folder / f"{kind}-{word}.png")
    code, found, _ = read(folder, tmp_path, capsys)
    assert code == 0 and len(found) == len(words) * len(PICTURES)
    assert {name: text for name, (text, _) in found.items() if text != name.split("-")[1].removesuffix(".png")} == {}


def test_blank_paper_is_no_text(tmp_path, capsys):
    folder, rng = tmp_path / "blank", np.random.default_rng(1)
    folder.mkdir()
    for height, width in (
        (1, 1),
        (3, 300),
        (20, 20),
        (40, 60),
        (60, 40),
        (100, 400),
        (64, 64),
        (150, 150),
        (300, 30),
        (500, 900),
    ):
        paper = np.clip(rng.normal(225, 4, (height, width)), 0, 255).astype(np.uint8)
        Image.fromarray(paper).save(folder / f"{height}x{width}.png")
    code, found, error = read(folder, tmp_path, capsys, "--min_confidence", "0.3")
    assert code == 0 and len(found) == 10
    assert set(found.values()) == {("", 0.0)} and "10 of 10 images are doubtful" in error


def test_several_lines_are_told(grey, tmp_path, capsys):
    folder = tmp_path / "pages"
    folder.mkdir()
    line = np.hstack([grey] * 4)
    Image.fromarray(np.vstack([line] * 4)).save(folder / "page.png")
    Image.fromarray(grey).save(folder / "word.png")
    code, found, error = read(folder, tmp_path, capsys)
    assert code == 0 and found["page.png"][1] < 0.5
    assert "page.png seems to hold several lines" in error and "word.png seems" not in error


@pytest.mark.parametrize("lines", [9, 25])
def test_a_page_is_told_and_nothing_is_made_of_it(grey, tmp_path, capsys, lines):
    """However sure the network is: a page shrunk to one line's height may be a full stop of high confidence."""
    word = cv2.resize(grey, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    row = cv2.copyMakeBorder(np.hstack([word] * 5), 8, 8, 60, 60, cv2.BORDER_CONSTANT, value=255)
    folder = tmp_path / "pages"
    folder.mkdir()
    Image.fromarray(np.vstack([row] * lines)).save(folder / "page.png")
    code, found, error = read(folder, tmp_path, capsys)
    assert code == 0 and found["page.png"][1] == 0
    assert "page.png seems to hold several lines" in error


@pytest.mark.parametrize("key", ["network.charset=0123456789", "image.scale=0.5"])
@pytest.mark.parametrize("job", [["--predict", "--filename", "x.png"], ["--predict_on_test"], ["--calibrate"]])
def test_settings_that_a_trained_model_keeps_are_refused(key, job, capsys):
    assert main.main(["-c", str(REPOSITORY / "configs" / "iam.yml"), "--set", key, *job]) == 2
    assert key.split("=")[0] in capsys.readouterr().err


@pytest.mark.parametrize("options", ["runtime=onnx", "runtime=keras", "decoder=beam", "decoder=lexicon"])
def test_only_the_allowed_characters_are_written(options, tmp_path, capsys):
    found = {}
    for allowed in ("0123456789", "lok"):
        model = [f"predict.weights_file={REPOSITORY}/snapshots/iam", f"experiment_folder={tmp_path}/none"]
        once = ["predict.views=1", "predict.turn_below=0"]
        keys = [*model, *once, f"predict.{options}", f'predict.characters="{allowed}"']
        words = [str(REPOSITORY / "test_images" / f"{name}.png") for name in ("look", "1264", "museum")]
        config = str(REPOSITORY / "configs" / "iam.yml")
        assert main.main(["-c", config, "--set", *keys, "--predict", "--filename", *words]) == 0
        rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
        assert len(rows) == 3 and all(set(text) <= set(allowed) for _, text, _ in rows)
        found[allowed] = rows[0][1]
    assert found["lok"] == "look" and found["0123456789"] != ""


def test_characters_that_the_model_lacks_are_named(tmp_path, capsys):
    keys = [f"predict.weights_file={REPOSITORY}/snapshots/iam", f"experiment_folder={tmp_path}/none"]
    arguments = ["--set", *keys, "predict.characters=\u4e2d", "--predict", "--filename", "test_images/look.png"]
    assert main.main(["-c", str(REPOSITORY / "configs" / "iam.yml"), *arguments]) == 2
    assert "\u4e2d" in capsys.readouterr().err
