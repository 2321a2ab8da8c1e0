"""Words cut out of pictures by a table of boxes."""

import numpy as np
import pytest
from PIL import Image

from preprocessing.image_file import decode
from preprocessing.labels import read_labels
from tools import cut_words
from tools.cut_words import main

HEADER = "filename\ttext\tx\ty\tw\th\tdocument\tsplit\n"


@pytest.fixture
def table(tmp_path):
    """A table beside a picture whose pixel values are their column."""
    Image.fromarray(np.tile(np.arange(100, dtype=np.uint8), (20, 1))).save(tmp_path / "line.png")
    path = tmp_path / "words.tsv"
    path.write_text(
        HEADER + 'line.png\t"quoted\t10\t5\t30\t10\tann\ttrain\nline.png\tb\t-5\t0\t10\t99\tbob\tvalid\n'
        "line.png\tc\t200\t0\t10\t10\tbob\ttrain\n",
        encoding="utf-8",
    )
    return path


def test_words_are_cut_by_their_boxes(table, tmp_path, capsys):
    assert main([str(table), "--output", str(tmp_path / "out")]) == 0
    splits = read_labels(tmp_path / "out" / "labels.json").splits
    ((first,), (second,)) = splits["train"], splits["val"]
    assert (first.label, first.writer, second.label, second.writer) == ('"quoted', "ann", "b", "bob")
    crop = np.asarray(Image.open(tmp_path / "out" / "words" / first.filename))
    assert crop.shape == (10, 30) and (crop[0] == np.arange(10, 40)).all()
    assert np.asarray(Image.open(tmp_path / "out" / "words" / second.filename)).shape == (20, 5)
    captured = capsys.readouterr()
    assert "1 train, 1 val, 0 test" in captured.out and "1 words are left out: box outside" in captured.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("filename\ttext\n", "no column x"),
        (HEADER + "line.png\ta\t1\t2\tx\t4\tann\ttrain\n", "words.tsv:2"),
        (HEADER + "line.png\ta\t1\t2\t3\t4\tann\thalf\n", "words.tsv:2"),
        (HEADER + "none.png\ta\t1\t2\t3\t4\tann\ttrain\n", "none.png"),
        (HEADER + "../../line.png\ta\t1\t2\t3\t4\tann\ttrain\n", "words.tsv:2: filename '../../line.png' leaves"),
        (HEADER + "/line.png\ta\t1\t2\t3\t4\tann\ttrain\n", "words.tsv:2: filename '/line.png' leaves"),
        ("x\ty\tw\th\tfilename\ttext\n1\t2\t3\t4\tline.png\n", "words.tsv:2"),
        (HEADER + f"line.png\t{'a' * 140_000}\t1\t2\t3\t4\tann\ttrain\n", "words.tsv:2"),
    ],
)
def test_bad_tables_are_one_sentence(table, tmp_path, capsys, content, message):
    table.write_text(content, encoding="utf-8")
    assert main([str(table), "--output", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out" / "labels.json").exists()


def test_damaged_and_missing_pictures_are_left_out_and_counted(table, tmp_path, capsys):
    (tmp_path / "damaged.png").write_bytes((tmp_path / "line.png").read_bytes()[:60])
    with table.open("a", encoding="utf-8") as file:
        file.write("damaged.png\td\t1\t2\t3\t4\tann\ttrain\ndamaged.png\te\t1\t2\t3\t4\tann\ttrain\n")
        file.write("none.png\tf\t1\t2\t3\t4\tann\ttrain\nline.png\tg\t1\t2\t3\t4\tann\ttrain\n")
    assert main([str(table), "--output", str(tmp_path / "out")]) == 0
    splits = read_labels(tmp_path / "out" / "labels.json").splits
    assert [word.label for word in splits["train"]] == ['"quoted', "g"]
    told = capsys.readouterr().err
    assert "1 words are left out: missing file" in told
    assert "2 words are left out" in told and told.count(f"Image {tmp_path / 'damaged.png'}") == 1


def test_another_dataset_is_not_replaced(table, tmp_path, capsys):
    (tmp_path / "labels.json").write_text("{}", encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    assert main([str(table), "--output", str(tmp_path)]) == 2
    assert str(tmp_path / "labels.json") in capsys.readouterr().err
    assert (tmp_path / "labels.json").read_text(encoding="utf-8") == "{}" and sorted(tmp_path.iterdir()) == before


def test_a_table_that_is_not_utf8_is_named(table, tmp_path, capsys):
    table.write_bytes((HEADER + "line.png\tété\t1\t2\t3\t4\tann\ttrain\n").encode("latin-1"))
    assert main([str(table), "--output", str(tmp_path / "out")]) == 2
    assert "words.tsv" in capsys.readouterr().err


@pytest.mark.parametrize(("most", "code"), [(1999, 2), (2000, 0)])
def test_pictures_are_limited_by_the_option(table, tmp_path, most, code):
    assert main([str(table), "--output", str(tmp_path / "out"), "--max_pixels", str(most)]) == code


def test_a_picture_is_read_once_and_texts_are_stripped(tmp_path, capsys, monkeypatch):
    for name in "ab":
        Image.fromarray(np.zeros((20, 100), np.uint8)).save(tmp_path / f"{name}.png")
    rows = [f"{'abc'[i % 3]}.png\t word{i} \t{i}\t0\t10\t10\tann\ttrain\n" for i in range(9)]
    (tmp_path / "words.tsv").write_text(HEADER + "".join(rows))
    decoded = []
    monkeypatch.setattr(cut_words, "decode", lambda path, image: (decoded.append(path), decode(path, image))[1])
    assert cut_words.main([str(tmp_path / "words.tsv"), "--output", str(tmp_path / "out")]) == 0
    words = read_labels(tmp_path / "out" / "labels.json").splits["train"]
    # Numbered as in the table.
    assert {word.filename: word.label for word in words} == {
        f"{'abc'[i % 3]}-{i:06}.png": f"word{i}" for i in range(9) if i % 3 < 2
    }
    assert len(decoded) == 3 and capsys.readouterr().err.count("c.png") == 1


def test_a_row_that_ends_early_is_named(tmp_path, capsys):
    (tmp_path / "w.tsv").write_text("filename\ttext\tx\ty\tw\th\tsplit\na.png\ttwo\t5\t0\t5\t5\n", encoding="utf-8")
    assert main([str(tmp_path / "w.tsv"), "--output", str(tmp_path / "out")]) == 2
    assert "w.tsv:2" in capsys.readouterr().err


def test_quotes_of_the_table_are_taken_off_and_those_of_the_text_stay(table, tmp_path):
    box = "\t0\t0\t9\t9\t"
    for name, cells, texts in [
        ("plain", ['"Soc"', '"whose', "a"], ['"Soc"', '"whose', "a"]),
        ("quoted", ['"say ""x"""', '"a, b"', "c"], ['say "x"', "a, b", "c"]),
    ]:
        table.write_text(HEADER + "".join(f"line.png\t{cell}{box}ann\ttrain\n" for cell in cells), encoding="utf-8")
        assert main([str(table), "--output", str(tmp_path / name)]) == 0
        words = read_labels(tmp_path / name / "labels.json").splits["train"]
        assert [word.label for word in words] == texts


def test_a_column_of_writers_counts_before_that_of_documents(table, tmp_path):
    head = HEADER.replace("split", "writer")
    rows = [f"line.png\ta\t0\t0\t9\t9\t{document}\t{writer}\n" for document, writer in (("d1", "ann"), ("d2", ""))]
    table.write_text(head + "".join(rows), encoding="utf-8")
    assert main([str(table), "--output", str(tmp_path / "out")]) == 0
    words = read_labels(tmp_path / "out" / "labels.json").splits["train"]
    assert [word.writer for word in words] == ["ann", "d2"]
