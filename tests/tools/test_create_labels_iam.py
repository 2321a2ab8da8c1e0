"""IAM's lines, and its pictures in whatever folders they were unpacked."""

import pytest

from preprocessing.labels import read_labels
from tests.helpers.importers import ALL_TRAIN, dropped_of, encoded, picture, words_of

LINES = """\
#--- lines.txt ---#
a01-000u-00 ok 154 19 408 746 1661 89 A|MOVE|to|stop|Mr.|Gaitskell
a01-000u-01 err 156 19 395 932 1850 105 any|more|M Ps|,
a01-000u-02 ok 157 16 408 1106
"""


@pytest.mark.parametrize("place", ["a01/a01-000u/{}.png", "lines/a01/a01-000u/{}.png", "{}.png", "lines/{}.png"])
@pytest.mark.parametrize(
    ("words", "options"),
    [(False, []), (True, ["--format", "iam_lines"]), (True, [])],
    ids=["recognised", "beside words", "beside words without pictures"],
)
def test_iams_lines(tmp_path, run, place, words, options):
    names = ["a01-000u-00", "a01-000u-01"]
    for name in names:
        picture(tmp_path / "lines" / place.format(name))
    (tmp_path / "lines.txt").write_text(LINES)
    (tmp_path / "forms.txt").write_text("a01-000u 000 2 prt 7 5 52 36\n")
    if words:
        (tmp_path / "words.txt").write_text("a01-000u-00-00 ok 154 408 768 27 51 AT A\n")
    code, _, error = run("--source", tmp_path, *options, "--output", tmp_path / "labels.json", *ALL_TRAIN)
    assert code == 0, error
    texts = ["A MOVE to stop Mr. Gaitskell", "any more M Ps ,"]
    expected = {place.format(name): (text, "000") for name, text in zip(names, texts)}
    assert words_of(tmp_path / "labels.json", "train") == expected
    assert dropped_of(tmp_path / "labels.dropped.tsv") == {
        "lines.txt:4": ("a01-000u-02 ok 157 16 408 1106", "malformed line")
    }


@pytest.mark.parametrize("option", [["--include_err"], ["--include_err", "train"]])
def test_iams_lines_have_no_bad_segmentation_to_include(tmp_path, refused, option):
    picture(tmp_path / "lines" / "a01-000u-00.png")
    (tmp_path / "lines.txt").write_text(LINES)
    assert "--include_err" in refused("--source", tmp_path, "--output", tmp_path / "labels.json", *option)


def test_iams_images_may_be_doubled_or_flat(tmp_path, run):
    line = "{} ok 154 1 2 3 4 AT A MOVE\n"
    names = [f"a01-000u-00-{number:02}" for number in range(3)]
    for layout, place in {
        "own": "a01/a01-000u/{}.png",
        "doubled": "words/a01/a01-000u/{}.png",
        "flat": "{}.png",
    }.items():
        folder = tmp_path / layout
        for name in names:
            picture(folder / "words" / place.format(name))
        (folder / "words.txt").write_text("".join(line.format(name) for name in names))
        code, _, error = run("--source", folder, "--output", folder / "labels.json", *ALL_TRAIN)
        assert code == 0, error
        found = {word.filename for word in read_labels(folder / "labels.json").splits["train"]}
        assert found == {place.format(name) for name in names}


@pytest.mark.parametrize("place", ["a01-000u/{}.png", "words/a01/a01-000u/{}.png"])
def test_linked_folders_of_iam_are_searched_when_asked(tmp_path, run, place):
    name = "a01-000u-00-00"
    picture(tmp_path / "store" / place.format(name))
    (tmp_path / "iam" / "words").mkdir(parents=True)
    linked = place.partition("/")[0]
    (tmp_path / "iam" / "words" / linked).symlink_to(tmp_path / "store" / linked)
    (tmp_path / "store" / linked / "circle").symlink_to(tmp_path / "iam" / "words")
    (tmp_path / "iam" / "words.txt").write_text(f"{name} ok 154 1 2 3 4 AT A\n")
    command = ["--source", tmp_path / "iam", "--output", tmp_path / "labels.json", *ALL_TRAIN]
    assert run(*command)[0] == 2
    code, _, error = run(*command, "--follow_links")
    assert code == 0, error
    assert words_of(tmp_path / "labels.json", "train") == {place.format(name): ("A", None)}


@pytest.mark.parametrize("place", ["words/{}.png", "{}.png", "words/a02/a02-000/{}.png", "a02-000/{}.PNG", "{}.jpg"])
def test_iams_images_of_the_last_form_alone_are_found(tmp_path, run, place):
    """The usual first try: the whole words.txt, in the folder of IAM's archive, and few pictures."""
    names = [f"a{form:02}-000-00-{number:02}" for form in range(3) for number in range(100)]
    for name in names[-2:]:
        picture(tmp_path / "words" / place.format(name), encoded(".jpg") if "jpg" in place else None)
    (tmp_path / "ascii").mkdir()
    (tmp_path / "ascii" / "words.txt").write_text("".join(f"{name} ok 154 1 2 3 4 AT A\n" for name in names))
    (tmp_path / "ascii" / "forms.txt").write_text("a02-000 7\n")
    for source in ("--source", "--data_folder"):
        code, _, error = run(source, tmp_path, "--output", tmp_path / "labels.json", *ALL_TRAIN)
        assert code == 0, error
        expected = {place.format(name): ("A", "7") for name in names[-2:]}
        assert words_of(tmp_path / "labels.json", "train") == expected
        assert set(dropped_of(tmp_path / "labels.dropped.tsv").values()) == {("A", "missing image")}
