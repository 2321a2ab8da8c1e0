"""Tables of one's own words become labels, through the real command line on small real files."""

import unicodedata

import pytest

from preprocessing.importers.table import read_table
from tests.helpers.importers import dropped_of, encoded, picture, words_of


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    for name in ("a.png", "b.png", "sub/c.png"):
        picture(folder / name)
    picture(folder / "d.jpg", encoded(".jpg"))
    return folder


EXPECTED = {
    "a.png": ("Hello, you", None),
    "b.png": ('"', None),
    "sub/c.png": ("[caf\u00e9]", None),
    "d.jpg": ("x;y", None),
}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", 'a.png,"Hello, you"\nb.png,""""\nsub/c.png,[cafe\u0301]\n\nd.jpg,x;y\n'),
        ("t.csv", '\ufefffilename,label\r\na.png,"Hello, you"\r\nb.png,""""\r\nsub/c.png,[caf\u00e9]\r\nd.jpg,x;y'),
        ("t.csv", 'Label;Filename\nHello, you;a.png\n"""";b.png\n[caf\u00e9];sub/c.png\n"x;y";d.jpg\n'),
        ("t.tsv", 'a.png\tHello, you\nb.png\t"\nsub/c.png\t[caf\u00e9]\nd.jpg\tx;y\n'),
        ("t.txt", 'filename\tlabel\na.png\tHello, you\nb.png\t""""\nsub/c.png\t[caf\u00e9]\nd.jpg\tx;y\n'),
    ],
    ids=["csv", "bom and header", "semicolons", "tsv with a lone quote", "sniffed tabs"],
)
def test_tables_in_every_dialect(tmp_path, images, name, content, run):
    table, output = tmp_path / name, tmp_path / "labels.json"
    table.write_text(content, encoding="utf-8", newline="")
    sizes = ["--test_size", 0, "--val_size", 0]
    code, _, error = run("--table", table, "--images", images, "--output", output, *sizes)
    assert code == 0, error
    assert words_of(output, "train") == EXPECTED
    assert "val is empty" in error and "test is empty" in error
    assert dropped_of(tmp_path / "labels.dropped.tsv") == {}


def test_a_table_with_split_and_writer(tmp_path, images, run):
    table, output = tmp_path / "t.csv", tmp_path / "labels.json"
    table.write_text(
        "filename,split,label,writer\na.png,test,one,ann\nb.png,train,two,bob\nsub/c.png,val,three,\n"
        "d.jpg,train,four,ann\n./a.png,train,five,ann\nno.png,train,six,bob\n"
    )
    command = ["--table", table, "--images", images, "--output", output]
    code, _, error = run(*command)
    assert code == 0, error
    assert words_of(output, "train") == {"b.png": ("two", "bob"), "d.jpg": ("four", "ann")}
    assert words_of(output, "val") == {"sub/c.png": ("three", None)}
    assert words_of(output, "test") == {"a.png": ("one", "ann")}
    assert dropped_of(tmp_path / "labels.dropped.tsv") == {
        "./a.png": ("five", "repeated filename"),
        "no.png": ("six", "missing image"),
    }
    assert "1 writers are in both train and test" in error and "random" not in error
    assert "random split" in run(*command, "--split", "random")[2]


def test_a_third_column_is_the_writer(tmp_path, images, run):
    table, output = tmp_path / "t.csv", tmp_path / "labels.json"
    table.write_text("a.png,one,ann\nb.png,two,\nsub/c.png,three,cy\nd.jpg,four,dee\n")
    command = ["--table", table, "--images", images, "--output", output, "--split", "writer"]
    code, _, error = run(*command)
    assert code == 0, error
    parts = [words_of(output, split) for split in ("train", "val", "test")]
    assert [len(words) for words in parts] == [1, 1, 1]
    assert {writer for words in parts for _, writer in words.values()} == {"ann", "cy", "dee"}
    assert dropped_of(tmp_path / "labels.dropped.tsv") == {"b.png": ("two", "writer unknown")}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"filename,label\n", "No usable word"),
        (b"a.png,one\nb.png,Hello, you\n", "t.csv:2 has 3 columns instead of 2; quote a label"),
        (b"a.png,Hello, you\nb.png,two\n", "t.csv:2 has fewer columns"),
        (b'a.png,one\nb.png,"two\nsub/c.png,three\n', "t.csv:2 is malformed"),
        (b"a.png,one\n../b.png,two\n", "t.csv:2: filename '../b.png' leaves the images folder"),
        (b"filename,label,split\na.png,one,half\n", "t.csv:2: split is 'half'; write train, val or test"),
        (b"filename,label,path\na.png,one,red\n", "more than one column for filename"),
        (b"filename,label,split\na.png,one,test\n", "None of the 1 usable words is left for train"),
    ],
)
def test_bad_tables_are_one_sentence(tmp_path, images, refused, content, message):
    table, output = tmp_path / "t.csv", tmp_path / "labels.json"
    table.write_bytes(content)
    assert message in refused("--table", table, "--images", images, "--output", output)
    assert not output.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "file_name,text\na.png,one\nb.png,two\n"),
        ("t.csv", "\ufeffsep=;\nfilename;label\na.png;one\nb.png;two\n"),
        ("t.csv", "image;transcription;remark\na.png;one;x\nb.png;two;y\n"),
        ("t.csv", "filename,text,confidence,character_confidences,error\na.png,one,0.9,0.9,\nb.png,two,0.9,0.9,\n"),
        ("t.json", '[{"filename": "a.png", "text": "one", "confidence": 0.9}, {"filename": "b.png", "label": "two"}]'),
        ("metadata.jsonl", '{"file_name": "a.png", "text": "one"}\n{"file_name": "b.png", "text": "two"}\n'),
        ("gt.txt", "a.png\tone\nb.png\ttwo\n"),
    ],
    ids=["hugging face", "excel", "other names", "own csv", "own json", "json lines", "tabs"],
)
def test_tables_of_other_tools(tmp_path, images, name, content, run):
    (tmp_path / name).write_text(content, encoding="utf-8")
    sizes = ["--test_size", 0, "--val_size", 0]
    code, _, error = run("--table", tmp_path / name, "--images", images, "--output", tmp_path / "o.json", *sizes)
    assert code == 0, error
    assert words_of(tmp_path / "o.json", "train") == {"a.png": ("one", None), "b.png": ("two", None)}


def read_labels_of(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")
    return [record.word.label for record in read_table(tmp_path / name)]


def test_quotes_are_labels_where_tabs_separate(tmp_path):
    content = 'a.png\t"\nb.png\t"Hello\nc.png\tsay "x"\n'
    for name in ("gt.txt", "gt.tsv"):
        assert read_labels_of(tmp_path, name, content) == ['"', '"Hello', 'say "x"']


def test_easyocr_has_no_quotes(tmp_path):
    assert read_labels_of(tmp_path, "t.csv", 'filename,words\na.png,one, two\nb.png,"\n') == ["one, two", '"']


def test_the_apostrophe_of_predictions_is_taken_off(tmp_path):
    content = "filename,text,confidence\na.png,'-ed,0.9\nb.png,'tis,0.9\nc.png,-,0.9\n"
    assert read_labels_of(tmp_path, "t.csv", content) == ["-ed", "'tis", "-"]
    assert read_labels_of(tmp_path, "u.csv", "filename,label\na.png,'-ed\n") == ["'-ed"]


def test_a_column_of_splits_is_no_writer(tmp_path):
    for header in ("", "file_name,text,split\n"):
        (tmp_path / "t.csv").write_text(f"{header}a.png,one,train\nb.png,two,validation\nc.png,three,test\n")
        records = read_table(tmp_path / "t.csv")
        assert [record.split for record in records] == ["train", "val", "test"]
        assert {record.word.writer for record in records} == {None}


@pytest.mark.parametrize(
    ("filename", "cause"),
    [
        ("sub\\c.png", "write / for"),
        ("images/a.png", "must not begin with images/"),
        ("A.PNG", "case"),
        ("a", "ending .png"),
        ("gr\u00f6\u00dfe.png", "form NFD"),
        ("scans/a.png", "must not begin with scans/"),
        ("zzz.png", "nothing in"),
    ],
)
def test_a_missing_image_is_explained(tmp_path, images, refused, filename, cause):
    picture(images / unicodedata.normalize("NFD", "gr\u00f6\u00dfe.png"))
    (tmp_path / "t.csv").write_text(f"filename,label\n{filename},ink\n", encoding="utf-8")
    message = refused("--table", tmp_path / "t.csv", "--images", images, "--output", tmp_path / "labels.json")
    assert cause in message and "looked for" in message
    assert dropped_of(tmp_path / "labels.dropped.tsv") == {filename: ("ink", "missing image")}


def test_the_own_predictions_name_files_as_they_were_given(tmp_path, images, run, monkeypatch):
    """`--predict --filename images b/../images/d.jpg --output t.csv` beside the images."""
    monkeypatch.chdir(tmp_path)
    names = ["images/a.png", str(images / "b.png"), "./images/sub/c.png", "d.jpg"]
    rows = "".join(f"{name},x,0.9,0.9,\n" for name in names)
    (tmp_path / "t.csv").write_text(f"filename,text,confidence,character_confidences,error\n{rows}")
    sizes = ["--test_size", 0, "--val_size", 0]
    code, _, error = run("--table", "t.csv", "--images", "images", "--output", tmp_path / "o.json", *sizes)
    assert code == 0, error
    assert words_of(tmp_path / "o.json", "train").keys() == {"a.png", "b.png", "sub/c.png", "d.jpg"}


@pytest.mark.parametrize("content", ["{", "[1]", '{"a": 1}', '[{"filename": "a.png"}]'])
def test_bad_json_is_one_sentence(tmp_path, images, refused, content):
    (tmp_path / "t.json").write_text(content)
    assert "t.json" in refused("--table", tmp_path / "t.json", "--images", images, "--output", tmp_path / "labels.json")


def test_documents_stand_for_writers_where_there_are_none(tmp_path):
    (tmp_path / "t.tsv").write_text("filename\ttext\tdocument\tsplit\na.png\tone\tletter 3\ttrain\n")
    assert [record.word.writer for record in read_table(tmp_path / "t.tsv")] == ["letter 3"]
    (tmp_path / "t.tsv").write_text("filename\ttext\tdocument\twriter\na.png\tone\tletter 3\tann\n")
    assert [record.word.writer for record in read_table(tmp_path / "t.tsv")] == ["ann"]


def test_a_json_table_without_a_text_loses_one_word(tmp_path, images, run):
    table, output = tmp_path / "t.jsonl", tmp_path / "labels.json"
    table.write_text('{"file_name": "a.png", "text": "one"}\n{"file_name": "b.png", "text": null}\n')
    sizes = ["--test_size", 0, "--val_size", 0]
    code, _, error = run("--table", table, "--images", images, "--output", output, *sizes)
    assert code == 0, error
    assert words_of(output, "train") == {"a.png": ("one", None)}
    assert dropped_of(tmp_path / "labels.dropped.tsv") == {"b.png": ("", "empty label")}


@pytest.mark.parametrize(("text", "words"), [('"text": 3.5', "label"), ('"text": "x", "text": "y"', "twice")])
def test_json_tables_that_are_unclear_are_refused(tmp_path, images, refused, text, words):
    table = tmp_path / "t.jsonl"
    table.write_text(f'{{"file_name": "a.png", {text}}}')
    assert words in refused("--table", table, "--images", images, "--output", tmp_path / "labels.json")


@pytest.mark.parametrize("output", ["words.json", "words.dropped.tsv"])
def test_what_is_read_is_not_written_over(tmp_path, images, refused, output):
    table = tmp_path / "words.json"
    if output.endswith("tsv"):
        table = tmp_path / output
        table.write_text("filename\tlabel\n1.png\ta\n", encoding="utf-8")
    else:
        table.write_text('[{"filename": "1.png", "label": "a", "note": "mine"}]', encoding="utf-8")
    before = table.read_bytes()
    assert str(table) in refused("--table", table, "--images", images, "--output", tmp_path / "words.json")
    assert table.read_bytes() == before
