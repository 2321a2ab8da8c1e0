"""Columns, quotes and line ends of other programs' tables mean what they mean there."""

import pytest

from preprocessing.importers.table import read_table
from tests.helpers.importers import dropped_of, picture, words_of
from utils.errors import UserError
from utils.files import write_csv

ROWS = [("a.png", "one", "train"), ("b.png", "two", "val"), ("c.png", "three", "test")]


@pytest.fixture
def images(tmp_path):
    for name, *_ in ROWS:
        picture(tmp_path / "images" / name)
    return tmp_path / "images"


def labels_of(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    return [(record.word.filename, record.word.label) for record in read_table(tmp_path / name)]


@pytest.mark.parametrize(
    "header", ["img,gt,split", "file,caption,set", "image_name,transcript,Subset", "FILENAME,IDENTITY,SPLIT", ""]
)
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_a_column_of_splits_decides_under_any_header(tmp_path, images, run, header, delimiter):
    lines = [header.split(",")] if header else []
    text = "\n".join(delimiter.join(cells) for cells in [*lines, *ROWS])
    (tmp_path / "t.csv").write_text(text)
    code, _, error = run("--table", tmp_path / "t.csv", "--images", images, "--output", tmp_path / "l.json")
    assert code == 0, error
    for name, label, split in ROWS:
        assert words_of(tmp_path / "l.json", split) == {name: (label, None)}


@pytest.mark.parametrize(
    "content",
    [
        "a.png,one,\nb.png,two,train\nc.png,three,val\n",
        "picture,says,split\na.png,one,train\nb.png,two,val\n",
        "a.png,one,train\nb.png,two,test\nc.png,three,eval\n",
    ],
    ids=["first blank", "unknown header", "unknown split"],
)
def test_a_doubtful_column_of_splits_is_refused(tmp_path, images, refused, content):
    (tmp_path / "t.csv").write_text(content)
    message = refused("--table", tmp_path / "t.csv", "--images", images, "--output", tmp_path / "l.json")
    assert "t.csv" in message and "split" in message
    assert not (tmp_path / "l.json").exists()


def test_a_writer_may_have_the_name_of_a_split(tmp_path):
    (tmp_path / "t.csv").write_text("a.png,one,test\nb.png,two,ann\nc.png,three,\n")
    assert [record.word.writer for record in read_table(tmp_path / "t.csv")] == ["test", "ann", None]


def test_names_of_people_are_no_file_names(tmp_path):
    content = "filename,label,name,identity\na.png,one,Ann,7\n"
    assert labels_of(tmp_path, "t.csv", content) == [("a.png", "one")]


@pytest.mark.parametrize("header", ["filename,text,caption", "image,label,gt", "file,words,image_name"])
def test_less_usual_names_yield_to_usual_ones(tmp_path, capsys, header):
    assert labels_of(tmp_path, "t.csv", f"{header}\na.png,one,two\n") == [("a.png", "one")]
    assert f"not used: {header.rpartition(',')[2]}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "labels"),
    [
        ('a.png,"well, 0"\nb.png,plain\nc.png,"say ""x"""\n', ["well, 0", "plain", 'say "x"']),
        ('a.png,"well, 0"\nb.png,one, two\n', ['"well, 0"', "one, two"]),
        ('a.png,"one"\nb.png,two\n', ['"one"', "two"]),
    ],
    ids=["pandas", "commas without quotes", "quotes that nothing needs"],
)
def test_the_header_of_easyocr_may_be_that_of_a_csv(tmp_path, content, labels):
    assert [label for _, label in labels_of(tmp_path, "labels.csv", "filename,words\n" + content)] == labels


@pytest.mark.parametrize(
    ("header", "label"),
    [
        ("filename,text,confidence", "-ed"),
        ("filename,text,confidence,doubtful,character_confidences,text_2,confidence_2,error", "-ed"),
        ("filename,text,confidence,character_confidences,error,writer", "-ed"),
        ("filename,text,split,confidence", "-ed"),
        ("filename,text,document,confidence", "-ed"),
        ("filename,text", "'-ed"),
        ("filename,text,writer", "'-ed"),
        ("file,text,confidence", "'-ed"),
    ],
)
def test_an_apostrophe_is_taken_off_predictions_alone(tmp_path, header, label):
    row = ["train" if name == "split" else "" for name in header.split(",")[2:]]
    content = f"{header}\n{','.join(['a.png', chr(39) + '-ed', *row])}\n"
    assert labels_of(tmp_path, "t.csv", content) == [("a.png", label)]


def test_quotes_within_a_cell_of_tabs_stay(tmp_path):
    content = 'filename\tlabel\na.png\t"a" and "b"\nb.png\t"say ""x"""\n'
    assert [label for _, label in labels_of(tmp_path, "t.tsv", content)] == ['"a" and "b"', 'say "x"']


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cr.csv", "filename,label\ra.png,one\rb.png,two\r"),
        ("tab.csv", "sep=\t\r\nfilename\tlabel\r\na.png\tone\r\nb.png\ttwo\r\n"),
        ("tab.txt", 'sep=\t\na.png\t"one"\nb.png\ttwo\n'),
        ("comma.csv", "SEP=,\nfilename,label\na.png,one\nb.png,two\n"),
    ],
)
def test_what_old_and_new_excels_write(tmp_path, name, content):
    assert labels_of(tmp_path, name, content) == [("a.png", "one"), ("b.png", "two")]


def test_a_label_of_several_lines_is_left_out(tmp_path, images, run):
    (tmp_path / "t.csv").write_text('filename,label\na.png,"two\nlines"\nb.png,x\n')
    command = ["--table", tmp_path / "t.csv", "--images", images, "--output", tmp_path / "l.json"]
    code, _, error = run(*command, "--test_size", 0, "--val_size", 0)
    assert code == 0, error
    assert words_of(tmp_path / "l.json", "train") == {"b.png": ("x", None)}
    assert dropped_of(tmp_path / "l.dropped.tsv") == {"a.png": ("two\\nlines", "several lines")}


def test_an_unclosed_quote_takes_no_rows_with_it(tmp_path, images, refused):
    (tmp_path / "t.csv").write_text('filename,label\n\na.png,"one\nb.png,two\nc.png,"three"\n')
    message = refused("--table", tmp_path / "t.csv", "--images", images, "--output", tmp_path / "l.json")
    assert "t.csv:3 " in message


@pytest.mark.parametrize(
    "content",
    [
        '"one,a.png\ntwo,b.png\n5",c.png\n',
        'sep=;\nann;"one;a.png\nann;two;b.png\nann;5";c.png\n',
        'a,one\n"b,two\nc,three\n5",d\n',
        'a,one,ann\nb,"two,ann\nc,three,ann\nd,5",ann\n',
    ],
    ids=["file last", "three columns", "no ending", "no ending, three columns"],
)
def test_an_unclosed_quote_is_found_in_any_cell(tmp_path, content):
    with pytest.raises(UserError, match=f"t.csv:{1 if content[0] == chr(34) else 2} "):
        labels_of(tmp_path, "t.csv", content)


@pytest.mark.parametrize("content", ['text,file\n"two,\nlines",a.png\n', 'file,text\na.png,"two,\nlines"\n'])
def test_a_label_of_several_lines_is_no_unclosed_quote(tmp_path, content):
    assert labels_of(tmp_path, "t.csv", content)[0][1] == "two,\nlines"


def test_a_spreadsheet_is_to_be_saved_as_csv(tmp_path, images, refused):
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04" + bytes(range(256)))
    message = refused("--table", tmp_path / "t.xlsx", "--images", images, "--output", tmp_path / "l.json")
    assert "t.xlsx" in message and "CSV" in message


def test_rows_of_empty_cells_are_no_rows(tmp_path, images, run):
    """Of cells that have a format and no content, as Excel saves them; so are columns without a name."""
    table = tmp_path / "a.csv"
    table.write_text(";;;\nfilename;label;;\na.png;one;;\n;;;\n", encoding="utf-8")
    code, _, error = run(
        "--table", table, "--images", images, "--output", tmp_path / "l.json", "--val_size", "0", "--test_size", "0"
    )
    assert code == 0 and "not used" not in error
    assert list(words_of(tmp_path / "l.json", "train")) == ["a.png"]


def test_quoted_cells_of_tabs_with_a_header(tmp_path):
    """As R writes them."""
    (tmp_path / "a.txt").write_text('"filename"\t"label"\n"1.png"\t"a ""b"""\n', encoding="utf-8")
    (word,) = read_table(tmp_path / "a.txt")
    assert (word.word.filename, word.word.label) == ("1.png", 'a "b"')


def test_an_apostrophe_is_taken_off_names_of_files_too(tmp_path):
    (tmp_path / "a.csv").write_text("filename,text,confidence\n'+a.png,'=b,0.9\n", encoding="utf-8")
    (word,) = read_table(tmp_path / "a.csv")
    assert (word.word.filename, word.word.label) == ("+a.png", "=b")


@pytest.mark.parametrize(("name", "content"), [("a.csv", "filename,label\n"), ("a.json", "[]")])
def test_a_table_without_rows_is_said_to_be_empty(tmp_path, images, refused, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")
    message = refused("--table", tmp_path / name, "--images", images, "--output", tmp_path / "l.json")
    assert str(tmp_path / name) in message and "dropped" not in message


TEXTS = ["-no", "'-no", "''-no", "'tis", "'", "-", "'-", "=1", "'=1", "'5", "-5", "'-5"]


def test_predictions_come_back_as_they_were_written(tmp_path):
    rows = [{"filename": f"{i}.png", "text": text, "confidence": 0.5} for i, text in enumerate(TEXTS)]
    write_csv(tmp_path / "t.csv", ["filename", "text", "confidence"], rows)
    assert [record.word.label for record in read_table(tmp_path / "t.csv")] == TEXTS


# Labels as they stand in a table of tabs, and as they are meant.
CELLS = {
    "quotes within": (['"Ami, je pleure."', '"on" me refuse', "x"], None),
    "a lone quote": (['"Ami"', '"', "x"], None),
    "quotes that nothing needs": (['"Ami"', "b", "c"], None),
    "a comma without quotes": (['"Ami, je"', "one, two", "c"], None),
    "excel": (['"Ami, je"', '"""on"" me"', "c"], ["Ami, je", '"on" me', "c"]),
    "tools.serve": (['"""Ami"""', 'say "no"', "a, b"], ['"Ami"', 'say "no"', "a, b"]),
}


@pytest.mark.parametrize("header", ["filename\tlabel\n", ""])
@pytest.mark.parametrize("name", CELLS)
def test_a_table_of_tabs_is_quoted_as_a_whole_or_not(tmp_path, header, name):
    cells, labels = CELLS[name]
    content = header + "".join(f"{i}.png\t{cell}\n" for i, cell in enumerate(cells))
    assert [label for _, label in labels_of(tmp_path, "t.tsv", content)] == (labels or cells)


@pytest.mark.parametrize("header", ['"filename"\t"label"\n', "filename\tlabel\n", ""])
def test_a_writer_may_quote_all_texts(tmp_path, header):
    content = header + '"a.png"\t"one"\n"b.png"\t"two, three"\n"c.png"\t"say ""x"""\n'
    assert labels_of(tmp_path, "t.tsv", content) == [("a.png", "one"), ("b.png", "two, three"), ("c.png", 'say "x"')]


@pytest.mark.parametrize(("delimiter", "named"), [(",", "comma"), (";", "semicolon"), ("|", "bar"), ("\t", "tab")])
def test_the_delimiter_of_a_field_too_many_is_named(tmp_path, delimiter, named):
    content = "".join(f"{delimiter.join(cells)}\n" for cells in (["filename", "label"], ["a.png", "one", "two"]))
    with pytest.raises(UserError, match=f"t.csv:2 .*{named}"):
        labels_of(tmp_path, "t.csv", content)


def test_a_writer_may_quote_the_texts_of_a_column(tmp_path):
    content = 'a.png\t"one"\nb.png\t"two, three"\nc.png\t"say ""x"""\n'
    assert labels_of(tmp_path, "t.tsv", content) == [("a.png", "one"), ("b.png", "two, three"), ("c.png", 'say "x"')]
