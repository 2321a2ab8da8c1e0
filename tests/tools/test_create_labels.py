"""IAM's words become labels, and what ends the command, through the real command line on small real files."""

import signal
from concurrent.futures import Future

import pytest

from preprocessing.importers import checks
from preprocessing.importers.labelled_word import LabelledWord
from preprocessing.importers.split import writer_split
from preprocessing.labels import Word
from tests.helpers.importers import dropped_of, encoded, picture, words_of


def word_file(folder, word_id):
    first, second = word_id.split("-")[:2]
    return folder / "words" / first / f"{first}-{second}" / f"{word_id}.png"


def table_of(output):
    """{start of the line: last number} of the lines that the command prints."""
    lines = [" ".join(line.split()).rpartition(" ") for line in output.splitlines()]
    return {name: int(count) for name, _, count in lines if count.isdigit()}


WORDS = """\
#--- words.txt ---#
# format: a01-000u-00-00 ok 154 1 408 768 27 51 AT A
a01-000u-00-00 ok 154 408 768 27 51 AT A
a01-000u-00-01 ok 154 507 766 213 48 *' "
a01-000u-00-02 err 154 507 766 213 48 NN wrong
a01-000x-00-00 ok 176 -1 -1 -1 -1 NPTS M Ps
a01-000x-00-01 ok 154 1 408 768 27 51 PN [count]
a01-000x-00-02 ok 154 408 768 27 51 NN missing
a01-000x-00-03 err 154 408 768 27 51 NN gone
b02-001-00-00 ok 154 408 768 27 51 NN void
b02-001-00-01 ok 154 408 768 27 51 NN torn
b02-001-00-02 ok 154 408 768 27 51 NN
b02-001-00-03 ok 154 408 768 27 51 CD 1,000
b02-001-00-04 ok 154 408 768 27 51 JJ incomprehensible
b02-001-00-05 ok 154 nonsense
c03-007-00-00 ok 154 408 768 27 51 NN #
c03-007-00-00 ok 154 408 768 27 51 NN again
"""
FORMS = "# forms\na01-000u 000 2 prt 7 5 52 36\na01-000x 001 2 all 6 6 52 52\nb02-001 002 1 all 1 1 1 1\n"


@pytest.fixture
def iam(tmp_path):
    """A folder in IAM's layout with every kind of word that copies of it have."""
    folder = tmp_path / "iam"
    for word_id in dict.fromkeys(line.split()[0] for line in WORDS.splitlines() if not line.startswith("#")):
        picture(word_file(folder, word_id))
    word_file(folder, "a01-000x-00-02").unlink()
    word_file(folder, "a01-000x-00-03").unlink()
    picture(word_file(folder, "b02-001-00-00"), b"")
    picture(word_file(folder, "b02-001-00-01"), encoded()[:-40])
    (folder / "words.txt").write_text(WORDS)
    (folder / "forms.txt").write_text(FORMS)
    for name, forms in {"train": "a01-000u\nc03-007\n", "val": "# val\n\na01-000x-00\n", "test": "z99-999\n"}.items():
        (folder / f"{name}_forms.txt").write_text(forms)
    return folder


def form_options(folder):
    return [
        "--split",
        "forms",
        *(x for s in ("train", "val", "test") for x in (f"--{s}_forms", folder / f"{s}_forms.txt")),
    ]


def test_iam_by_lists_of_forms(iam, run):
    output = iam / "out" / "labels.json"
    code, out, error = run("--data_folder", iam, "--output", output, *form_options(iam), "--max_label_length", 7)
    assert code == 0, error
    assert words_of(output, "train") == {
        "a01/a01-000u/a01-000u-00-00.png": ("A", "000"),
        "a01/a01-000u/a01-000u-00-01.png": ('"', "000"),
        "c03/c03-007/c03-007-00-00.png": ("#", None),
    }
    assert words_of(output, "val") == {
        "a01/a01-000x/a01-000x-00-00.png": ("M Ps", "001"),
        "a01/a01-000x/a01-000x-00-01.png": ("[count]", "001"),
    }
    assert words_of(output, "test") == {}
    assert dropped_of(iam / "out" / "labels.dropped.tsv") == {
        "a01/a01-000u/a01-000u-00-02.png": ("wrong", "segmentation err"),
        "a01/a01-000x/a01-000x-00-02.png": ("missing", "missing image"),
        "a01/a01-000x/a01-000x-00-03.png": ("gone", "missing image"),
        "b02/b02-001/b02-001-00-00.png": ("void", "empty file"),
        "b02/b02-001/b02-001-00-01.png": ("torn", "unreadable image: truncated or damaged file"),
        "b02/b02-001/b02-001-00-02.png": ("", "empty label"),
        "b02/b02-001/b02-001-00-03.png": ("1,000", "form in no list"),
        "b02/b02-001/b02-001-00-04.png": ("incomprehensible", "label too long"),
        "words.txt:15": ("b02-001-00-05 ok 154 nonsense", "malformed line"),
        "c03/c03-007/c03-007-00-00.png": ("again", "repeated filename"),
    }
    printed = table_of(out)
    assert printed.pop("missing image") == 2 and printed.pop("all") == 10
    assert printed.pop("train 3") == 1 and printed.pop("val 2") == 1
    assert printed.pop("Different characters:") == 14  # A " # M space P s [ c o u n t ]
    assert all(count == 1 for count in printed.values()) and len(printed) == 8
    assert "Longest label: 7 characters" in out
    assert "test is empty" in error and "random" not in error


def test_iam_random_split_is_the_default_and_warns(iam, run):
    output = iam / "labels.json"
    command = ["--data_folder", iam, "--output", output, "--test_size", 0.25, "--val_size", 0.5]
    code, _, error = run(*command, "--include_err")
    assert code == 0, error
    # 8 usable words: a quarter is test, half of the other 6 is val.
    parts = {split: words_of(output, split) for split in ("train", "val", "test")}
    assert {split: len(words) for split, words in parts.items()} == {"train": 3, "val": 3, "test": 2}
    assert len(set().union(*parts.values())) == 8
    assert "a01/a01-000u/a01-000u-00-02.png" in set().union(*parts.values())
    assert "random split shares writers" in error
    first = output.read_bytes()
    assert run(*command, "--include_err")[0] == 0
    assert output.read_bytes() == first
    assert run(*command, "--include_err", "--seed", 46)[0] == 0
    assert output.read_bytes() != first


def test_flagged_words_in_training_only(tmp_path, run):
    folder, flags = tmp_path / "iam", {"a": "ok err err", "b": "ok err", "c": "ok err"}
    lines = []
    for form, states in flags.items():
        for word, state in enumerate(states.split()):
            name = f"{form}01-000-00-{word:02}"
            lines.append(f"{name} {state} 1 1 1 1 1 NN word")
            picture(word_file(folder, name))
        (folder / f"{form}.txt").write_text(f"{form}01-000")
    (folder / "words.txt").write_text("\n".join(lines))
    output = tmp_path / "labels.json"
    lists = [["--train_forms", "a"], ["--val_forms", "b"], ["--test_forms", "c"]]
    forms = [part for option, form in lists for part in (option, folder / f"{form}.txt")]
    command = ["--data_folder", folder, "--output", output, "--split", "forms", *forms]
    code, out, error = run(*command, "--include_err", "train")
    assert code == 0, error
    assert [len(words_of(output, split)) for split in ("train", "val", "test")] == [3, 1, 1]
    assert table_of(out)["segmentation err"] == 2


def test_iam_split_by_writer_keeps_writers_apart(tmp_path, run):
    folder, sizes = tmp_path / "iam", [40, 9, 8, 7, 6, 5, 5, 5, 5, 5, 5]
    lines, forms = [], []
    for writer, size in enumerate(sizes):
        forms.append(f"a01-{writer:03} {writer:03} 1 all 1 1 1 1")
        lines += [f"a01-{writer:03}-00-{word:02} ok 1 1 1 1 1 NN w{word}" for word in range(size)]
    lines.append("b01-000-00-00 ok 1 1 1 1 1 NN stranger")
    for line in lines:
        picture(word_file(folder, line.split()[0]))
    (folder / "words.txt").write_text("\n".join(lines))
    (folder / "forms.txt").write_text("\n".join(forms))
    for seed in ("1", "2", "3"):
        output = folder / f"{seed}.json"
        arguments = ["--split", "writer", "--test_size", 0.2, "--val_size", 0.2, "--seed", seed]
        code, _, error = run("--data_folder", folder, "--output", output, *arguments)
        assert code == 0 and "Warning" not in error, error
        parts = [words_of(output, split) for split in ("train", "val", "test")]
        writers = [{writer for _, writer in words.values()} for words in parts]
        assert all(writers) and sum(map(len, writers)) == len(sizes) == len(set().union(*writers))
        assert sum(map(len, parts)) == 100
        # The writer of 40 words fits into neither share; the others fill each up to a remainder below 9.
        assert 12 <= len(parts[2]) <= 20 and 8 <= len(parts[1]) <= 0.2 * (100 - len(parts[2]))
        assert dropped_of(folder / f"{seed}.dropped.tsv") == {
            "b01/b01-000/b01-000-00-00.png": ("stranger", "writer unknown")
        }


@pytest.mark.parametrize("seed", range(4))
def test_when_no_writer_fits_the_smallest_is_taken(seed):
    records = [LabelledWord(Word(f"{writer}{i}.png", "x", writer)) for writer in "abc" for i in range(ord(writer) - 90)]
    splits, dropped = writer_split(records, test_size=0.1, val_size=0.1, seed=seed)
    assert {split: {word.writer for word in words} for split, words in splits.items()} == {
        "train": {"c"},
        "val": {"b"},
        "test": {"a"},
    }
    assert dropped == []


def test_iam_mistakes_are_one_sentence(iam, tmp_path, refused):
    output = tmp_path / "labels.json"
    base = ["--data_folder", iam, "--output", output]
    (iam / "test_forms.txt").write_text("a01-000u\n")
    assert "Form a01-000u is in the lists of both train and test" in refused(*base, *form_options(iam))
    (iam / "test_forms.txt").write_text("a01-000u 000\n")
    assert "test_forms.txt:1 is 'a01-000u 000'" in refused(*base, *form_options(iam))
    (iam / "forms.txt").write_text("a01-000u\n")
    assert "forms.txt:1 has a form but no writer" in refused(*base)
    (iam / "forms.txt").unlink()
    assert "forms.txt does not exist" in refused(*base, "--split", "writer")
    (iam / "words.txt").write_text("filename,label\n")
    assert "no line in the format of IAM's words.txt" in refused(*base)
    (iam / "words.txt").write_bytes(b"a01-000u-00-00 ok 1 1 1 1 1 NN caf\xe9")
    assert "words.txt is not UTF-8 text (byte 34)" in refused(*base)
    assert "words is not a folder" in refused("--data_folder", tmp_path / "none", "--output", output)
    assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--output"),
        (["--output", "x.json", "--table", "t.csv"], "--table needs --images"),
        (["--output", "t.csv", "--table", "t.csv", "--images", "i"], "must end in .json"),
        (["--output", "x.json", "--table", "t.csv", "--images", "i", "--include_err"], "are for IAM"),
        (["--output", "x.json", "--data_folder", "d", "--split", "forms"], "--train_forms"),
        (["--output", "x.json", "--data_folder", "d", "--test_size", "1"], "--test_size"),
        (["--output", "x.json", "--data_folder", "d", "--format", "iam_lines"], "--format"),
    ],
)
def test_wrong_arguments_are_refused(refused, arguments, message):
    assert message in refused(*arguments)


def test_ctrl_c_ends_with_130_and_writes_nothing(tmp_path, run, monkeypatch):
    picture(tmp_path / "images" / "b.png")
    (tmp_path / "t.csv").write_text("b.png,b\n")
    # While the images are read.
    monkeypatch.setattr(checks, "decode", lambda path, image: signal.raise_signal(signal.SIGINT))
    monkeypatch.setattr(checks, "ThreadPoolExecutor", InThisThread)
    output = tmp_path / "out" / "labels.json"
    code, out, error = run("--table", tmp_path / "t.csv", "--images", tmp_path / "images", "--output", output)
    assert (code, out) == (130, "")
    assert error.strip().splitlines()[-1] == "Interrupted; nothing is half-written."
    assert not any((tmp_path / "out").iterdir())


class InThisThread:
    """A pool whose work is done by the caller, as signals reach the main thread alone."""

    def __init__(self, workers):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit(self, function, item):
        future = Future()
        future.set_result(function(item))
        return future
