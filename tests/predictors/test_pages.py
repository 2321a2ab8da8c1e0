"""Pages are read by the command line and from Python, with the shipped model."""

import json
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

import main
from base.base_predictor import Prediction
from models.model_spec import ModelSpec
from predictors import load
from predictors.page_formats.page_xml import to_page_xml
from predictors.pages import PageReader, _Piece, line_of_prediction
from predictors.word_predictor import WordPredictor
from preprocessing.image_file import UnusableImage
from preprocessing.importers.page_xml import read_page
from preprocessing.page.layout import Line
from preprocessing.page.strips import cut_strip
from preprocessing.tokenizer import END, Tokenizer
from tests.helpers.drawn_pages import LINES, encrypted_pdf, written_page
from tests.helpers.importers import words_of
from tests.helpers.tiny import REPOSITORY
from tools.create_labels import main as create_labels
from utils.config.predict import PredictConfig
from utils.errors import UserError
from utils.files import write_text

pytest.importorskip("rapidocr")
pytestmark = pytest.mark.usefixtures("pages_found_once")
TEXTS = [" ".join(words) for words in LINES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A page with text and a blank one."""
    folder = tmp_path_factory.mktemp("pages")
    Image.fromarray(written_page()).save(folder / "a.png")
    Image.new("L", (300, 400), 255).save(folder / "b.png")
    return folder


@pytest.fixture
def read(tmp_path, capsys):
    """A function: options -> exit code, stdout and stderr of `--predict --page`."""

    def call(*options):
        model = [f"predict.weights_file={REPOSITORY}/snapshots/iam", f"experiment_folder={tmp_path}/none"]
        try:
            code = main.main(["--set", *model, "--predict", "--page", "--filename", *map(str, options)])
        except SystemExit as error:
            code = error.code
        return code, *capsys.readouterr()

    return call


def test_a_page_upside_down_is_read_in_reading_order_with_its_places(folder):
    model = load(REPOSITORY / "snapshots" / "iam")
    upright = model.read_page(folder / "a.png")
    page = model.read_page(np.ascontiguousarray(written_page()[::-1, ::-1]))
    assert [line.text for line in page.lines] == [line.text for line in upright.lines] == TEXTS
    for line, other in zip(page.lines, upright.lines):
        size = page.width, page.height
        assert np.allclose(np.array(line.polygon), size - np.array(other.polygon), atol=12)
        for word, its in zip(line.words, other.words):
            corner = np.array(word.box[:2]) + word.box[2:]
            assert np.allclose(corner, size - np.array(its.box[:2]), atol=12)


def test_a_line_upside_down_among_others_is_read_from_its_other_end(tmp_path):
    """A postscript that was written after the page was turned: its words and its strip begin at the right."""
    pixels = written_page()
    strip = pixels[560:720]
    pixels[560:720] = strip[::-1, ::-1]
    page = load(REPOSITORY / "snapshots" / "iam").read_page(pixels)
    assert [line.text for line in page.lines] == TEXTS
    boxes = [[word.box[0] for word in line.words] for line in page.lines]
    assert boxes[0] == sorted(boxes[0]) and boxes[-1] == sorted(boxes[-1], reverse=True)
    (first, *_), (*_, last) = page.lines[-1].baseline, page.lines[-1].baseline
    assert first[0] > last[0]
    # As PAGE gives it back: letters stand on their baseline's other side.
    write_text(tmp_path / "a.xml", to_page_xml(page))
    (imported,) = (line for line in read_page(tmp_path / "a.xml").lines if line.text == TEXTS[-1])
    assert load(REPOSITORY / "snapshots" / "iam").read(cut_strip(pixels, imported)).upside_down is False
    # As the browser stores it for learning.
    again = cut_strip(pixels, page.lines[-1])
    assert load(REPOSITORY / "snapshots" / "iam").read(again).upside_down is False


def test_a_line_that_the_model_may_have_cut_off_is_told(make_config, capsys):
    class Endless(WordPredictor):
        def decode(self, image, width):
            ids = np.full((len(image), self.spec.network.max_seq_length), 3, np.int32)
            ids[:, -1] = END
            return ids, np.zeros(ids.shape, np.float32)

    config = make_config(network={"max_seq_length": 70})
    spec = ModelSpec(config.image, config.network, Tokenizer("ab"))
    page = PageReader(Endless(spec, PredictConfig(turn_below=0))).read(written_page(), "a.pdf", 7)
    assert all(line.text == "a" * 69 for line in page.lines)
    error = capsys.readouterr().err
    assert error.count("69 characters") == error.count("a.pdf, page 7") == len(page.lines) == len(LINES)


def test_text_in_reading_order_goes_to_stdout_and_a_blank_page_has_none(folder, read, tmp_path):
    code, output, error = read(folder, "--output", tmp_path / "all.json")
    assert (code, output.splitlines()) == (0, [*TEXTS, ""]) and "b.png" in error
    first, second = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert first["text"].splitlines() == TEXTS and second["lines"] == []
    for line, words in zip(first["lines"], LINES):
        assert [word["text"] for word in line["words"]] == list(words)
        boxes = np.array([word["box"] for word in line["words"]])
        assert (np.diff(boxes[:, 0]) > 100).all() and (boxes[:, 2] > 100).all()
        assert 0 < line["confidence"] <= 1 and len(line["baseline"]) >= 2


@pytest.mark.parametrize("form", ["page", "alto"])
def test_xml_of_one_page_is_one_file_that_create_labels_reads(folder, read, tmp_path, form):
    source, images, labels = tmp_path / "source", tmp_path / "images", tmp_path / "labels.json"
    source.mkdir()
    shutil.copy(folder / "a.png", source)
    code, *_ = read(source / "a.png", "--output", source / "a.xml", "--format", form)
    assert code == 0 and [line.text for line in read_page(source / "a.xml").lines] == TEXTS
    options = ["--source", source, "--images", images, "--output", labels, "--test_size", "0.01", "--val_size", "0.01"]
    assert create_labels([*map(str, options), "--split", "random"]) == 0
    texts = [text for split in ("train", "val", "test") for text, _ in words_of(labels, split).values()]
    assert sorted(texts) == sorted(TEXTS)


def test_xml_of_several_pages_is_a_folder_and_overlays_are_pictures(folder, read, tmp_path):
    code, *_ = read(folder, "--output", tmp_path / "all.xml", "--overlay", tmp_path / "drawn")
    assert code == 0 and not (tmp_path / "all.xml").exists()
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["a.xml", "b.xml"]
    assert Image.open(tmp_path / "drawn" / "a.jpg").size == (1300, 900)
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["a.jpg", "b.jpg"]


def test_pages_of_one_name_in_several_folders_come_back_with_their_own_pictures(read, tmp_path):
    scans, labels = tmp_path / "scans", tmp_path / "labels.json"
    for name, pixels in (("doc1", written_page()), ("doc2", np.ascontiguousarray(written_page()[330:]))):
        (scans / name).mkdir(parents=True)
        Image.fromarray(pixels).save(scans / name / "0001.png")
    assert read(scans, "--output", tmp_path / "out.xml", "--overlay", tmp_path / "drawn")[0] == 0
    for folder, ending in (("out", "xml"), ("drawn", "jpg")):
        files = sorted(path.relative_to(tmp_path / folder).as_posix() for path in (tmp_path / folder).rglob("*.*"))
        assert files == [f"doc1/0001.{ending}", f"doc2/0001.{ending}"]
    options = ["--source", tmp_path / "out", "--pictures", scans, "--images", tmp_path / "lines", "--output", labels]
    assert create_labels([*map(str, options), "--test_size", "0", "--val_size", "0"]) == 0
    assert sorted(text for text, _ in words_of(labels, "train").values()) == sorted([*TEXTS, *TEXTS[1:]])
    strips = [np.asarray(Image.open(tmp_path / "lines" / doc / "0001" / "001.png")) for doc in ("doc1", "doc2")]
    assert all((strip < 128).mean() > 0.02 for strip in strips)


def test_pages_of_a_file_are_numbered(read, tmp_path):
    page = Image.fromarray(written_page())
    page.save(tmp_path / "two.tif", save_all=True, append_images=[page])
    code, output, _ = read(tmp_path / "two.tif", "--output", tmp_path / "two.hocr")
    assert code == 0 and output.splitlines() == [*TEXTS, "", *TEXTS]
    assert (tmp_path / "two.hocr").read_text(encoding="utf-8").count('class="ocr_page"') == 2


def test_unusable_files_are_named_and_the_others_read(folder, read, tmp_path):
    (tmp_path / "locked.pdf").write_bytes(encrypted_pdf())
    Image.new("L", (1, 1), 0).save(tmp_path / "dot.png")
    Image.new("L", (4000, 3), 0).save(tmp_path / "strip.png")
    code, output, error = read(folder / "a.png", tmp_path)
    assert code == 2 and output.splitlines() == [*TEXTS, "", ""]
    assert "locked.pdf" in error and "Traceback" not in error


def test_an_overlay_never_replaces_a_picture_that_is_read(read, tmp_path):
    Image.fromarray(written_page()).save(tmp_path / "letter.jpg")
    before = (tmp_path / "letter.jpg").read_bytes()
    code, output, error = read(tmp_path, "--overlay", tmp_path / ".." / tmp_path.name)
    assert code == 2 and output == "" and "letter.jpg" in error
    assert (tmp_path / "letter.jpg").read_bytes() == before


def test_transcripts_beside_the_pictures_are_never_replaced(folder, read, tmp_path):
    pages = shutil.copytree(folder, tmp_path / "pages")
    (pages / "a.xml").write_text("corrected by hand", encoding="utf-8")
    code, output, error = read(pages, "--output", pages.with_suffix(".xml"))
    assert code == 2 and output == "" and pages.name in error
    assert (pages / "a.xml").read_text(encoding="utf-8") == "corrected by hand"


def test_a_damaged_page_leaves_the_others_of_its_file(read, tmp_path):
    page = Image.fromarray(written_page())
    page.save(tmp_path / "three.tif", save_all=True, append_images=[page.resize((2600, 1800)), page])
    code, output, error = read(tmp_path / "three.tif", "--set", "image.max_pixels=2000000")
    assert code == 2 and output.splitlines() == [*TEXTS, "", *TEXTS] and "page 2" in error


def test_damaged_pages_have_their_places_in_python(tmp_path):
    page = Image.fromarray(written_page())
    page.save(tmp_path / "three.tif", save_all=True, append_images=[page.resize((2600, 1800)), page])
    model = load(REPOSITORY / "snapshots" / "iam", max_pixels=2_000_000)
    first, second, third = model.read_pages(tmp_path / "three.tif", errors="return")
    assert [line.text for line in first.lines] == [line.text for line in third.lines] == TEXTS
    assert isinstance(second, UnusableImage) and second.page == 2
    with pytest.raises(UnusableImage):
        list(model.read_pages(tmp_path / "three.tif"))
    content = (tmp_path / "three.tif").read_bytes()
    (tmp_path / "torn.tif").write_bytes(content[: len(content) * 7 // 10])
    *_, last = model.read_pages(tmp_path / "torn.tif", errors="return")
    assert isinstance(last, UnusableImage)


def test_a_result_of_before_does_not_stand_for_files_that_cannot_be_read(read, tmp_path):
    (tmp_path / "a.png").write_bytes(b"torn")
    for name, content in (("all.json", "[]"), ("all.txt", "")):
        (tmp_path / name).write_text("of before", encoding="utf-8")
        assert read(tmp_path / "a.png", "--output", tmp_path / name)[0] == 2
        assert (tmp_path / name).read_text(encoding="utf-8").strip() == content


def test_finished_pages_are_written_after_an_interruption(folder, read, tmp_path, monkeypatch):
    import predictors.page_run

    real = predictors.page_run.read_pictures

    def interrupted(path, image, on_error):
        if path.name == "b.png":
            raise KeyboardInterrupt
        return real(path, image, on_error)

    monkeypatch.setattr(predictors.page_run, "read_pictures", interrupted)
    code, *_ = read(folder, "--output", tmp_path / "all.txt")
    assert code == 130 and (tmp_path / "all.txt").read_text(encoding="utf-8").splitlines() == TEXTS


@pytest.mark.parametrize(
    "options",
    [["--output", "a.csv"], ["--format", "alto"], ["--output", "a.json", "--format", "page"], ["--output", "a.html"]],
)
def test_options_that_do_not_go_together_are_refused(read, options):
    assert read("a.png", *options)[0] == 2


def test_a_page_is_read_from_python(folder):
    reader = load(REPOSITORY / "snapshots" / "iam")
    page = reader.read_page(folder / "a.png")
    assert [line.text for line in page.lines] == TEXTS and (page.width, page.height) == (1300, 900)
    for same in (written_page(), Image.fromarray(written_page())):
        assert [line.text for line in reader.read_page(same).lines] == TEXTS
    with pytest.raises(TypeError):
        reader.read_page(3)


def test_no_word_is_less_sure_than_its_line(folder):
    lines = load(REPOSITORY / "snapshots" / "iam").read_page(folder / "a.png").lines
    assert all(word.confidence >= line.confidence for line in lines for word in line.words)


def test_characters_of_a_line_have_their_confidences_and_words_their_alternatives():
    predictor = load(REPOSITORY / "snapshots" / "iam").predictor
    reader = PageReader(predictor)
    for line in reader.read(written_page()).lines:
        assert len(line.character_confidences) == len(line.text) and line.alternatives == ()
    one = Prediction("ab", 0.9, (0.9, 1.0), (("ab", 0.9), ("ob", 0.1)))
    two = Prediction("c", 0.5, (0.5,), (("c", 0.5), ("e", 0.3), ("o", 0.2)))
    box, strip = Line(((0.0, 0.0), (90.0, 0.0), (90.0, 20.0), (0.0, 20.0))), np.full((20, 90), 255, np.uint8)
    pieces = [_Piece(0, strip, (0.0, 0.4)), _Piece(0, strip, (0.6, 1.0))]
    line = reader._line_of_words(box, list(zip(pieces, (one, two))))
    assert (line.text, line.character_confidences) == ("ab c", (0.9, 1.0, 1.0, 0.5))
    assert line.alternatives == ("ab e", "ab o")
    line = line_of_prediction(box, Prediction("a b", 0.5, (1.0, 0.9, 0.5), (("a b", 0.5), ("ab", 0.2))))
    assert line.character_confidences == (1.0, 0.9, 0.5) and line.alternatives == ("ab",)


def test_without_rapidocr_the_message_says_how_to_install_it(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    with pytest.raises(UserError, match=r"requirements-pages\.txt"):
        load(REPOSITORY / "snapshots" / "iam").read_page(folder / "a.png")
