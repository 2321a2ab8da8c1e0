"""Tables of one's own words become labels, through the real command line on small real files."""

import pytest

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
        ("t.tsv", 'a.png\tHello, you\nb.png\t"\nsub/c.png\t"[caf\u00e9]"\nd.jpg\tx;y\n'),
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
    table.write_text("a.png,one,ann\nb.png,two\nsub/c.png,three,cy\nd.jpg,four,dee\n")
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
        (b'a.png,one\nb.png,"two\nsub/c.png,three\n', "t.csv:2 is malformed"),
        (b"a.png,one\n../b.png,two\n", "t.csv:2: filename '../b.png' leaves the images folder"),
        (b"filename,label,split\na.png,one,dev\n", "t.csv:2: split is 'dev'; write train, val or test"),
        (b"filename,label,colour\na.png,one,red\n", "the header is filename, label, colour; use each of"),
        (b"filename,label,split\na.png,one,test\n", "None of the 1 usable words is left for train"),
    ],
)
def test_bad_tables_are_one_sentence(tmp_path, images, refused, content, message):
    table, output = tmp_path / "t.csv", tmp_path / "labels.json"
    table.write_bytes(content)
    assert message in refused("--table", table, "--images", images, "--output", output)
    assert not output.exists()
