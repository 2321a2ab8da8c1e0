"""Scores of read pages, worked out by hand."""

import json

import pytest
from PIL import Image

from benchmarks.pages import Result, line_matches, main, table, word_recall
from tests.helpers.drawn_pages import LINES, written_page
from tests.helpers.tiny import REPOSITORY

LINE = {"text": "to be or not to be", "box": [0, 0, 100, 10]}
PAGE = {"file": "a.png", "kind": "scan", "language": "en", "complete": True, "lines": [LINE]}


def test_a_word_counts_as_often_as_it_is_there():
    assert word_recall(PAGE, [("to be", (0, 0, 1, 1)), ("bee to to", (0, 0, 1, 1))]) == (3, 6)


def test_a_line_is_found_if_a_box_shares_half_of_both():
    half, less, elsewhere = (0.0, 0.0, 50.0, 10.0), (0.0, 0.0, 49.0, 10.0), (0.0, 50.0, 100.0, 60.0)
    assert line_matches(PAGE, [("", half), ("", elsewhere)]) == (1, 1)
    assert line_matches(PAGE, [("", less)]) == (0, 1)
    assert line_matches(PAGE, []) == (0, 0)


def test_error_rates_are_those_of_complete_pages():
    complete = Result(PAGE, [("to be or nod to be", (0.0, 0.0, 100.0, 10.0))], 1.0)
    partial = Result({**PAGE, "complete": False, "language": "fr"}, [], 3.0)
    rows = [
        [cell.strip() for cell in row.split("|")[1:-1]] for row in table({"ours": [complete, partial]}).splitlines()
    ]
    assert rows[2] == ["all", "ours", "2 (1)", "5.6 / 16.7", "41.7", "50.0", "0.0", "2.00"]
    assert rows[4] == ["fr", "ours", "1 (0)", "-", "0.0", "0.0", "-", "3.00"]


def cells(*results):
    """Returns the first, third and fourth cell of each row: pages, their number and error rates."""
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table({"ours": list(results)}).splitlines()]
    return [(row[0], row[2], row[3]) for row in rows[2:]]


@pytest.mark.parametrize("texts", [[], [""], ["", ""], [" "]])
def test_pages_without_given_text_have_no_error_rates(texts):
    page = {**PAGE, "lines": [{**LINE, "text": text} for text in texts]}
    assert set(cells(Result(page, [("to be", (0.0, 0.0, 100.0, 10.0))], 1.0))) == {
        ("all", "1 (1)", "-"),
        ("en", "1 (1)", "-"),
        ("scan", "1 (1)", "-"),
    }


def test_a_kind_named_like_a_language_is_a_group_of_its_own():
    one, two = Result({**PAGE, "kind": "fr"}, [], 1.0), Result({**PAGE, "language": "fr", "kind": "all"}, [], 1.0)
    assert [(name, number) for name, number, _ in cells(one, one, two)] == [
        ("all", "3 (3)"),
        ("en", "2 (2)"),
        ("fr", "1 (1)"),
        ("fr (kind)", "2 (2)"),
        ("all (kind)", "1 (1)"),
    ]


@pytest.mark.parametrize(("pages", "language", "named"), [([], [], False), ([PAGE], ["--language", "cs"], True)])
def test_lists_without_pages_are_refused(tmp_path, capsys, pages, language, named):
    (tmp_path / "pages.json").write_text(json.dumps(pages), encoding="utf-8")
    options = [*language, "--output", str(tmp_path / "out.md"), "--set", f"experiment_folder={tmp_path}/none"]
    assert main([str(tmp_path / "pages.json"), *options]) == 2
    error = capsys.readouterr().err
    assert "pages.json" in error and ("language" in error) is named


WRONG = {
    "a text of null": {"lines": [{"text": None, "box": [0, 0, 1, 1]}]},
    "a box of three": {"lines": [{"text": "a", "box": [0, 0, 1]}]},
    "a box of texts": {"lines": [{"text": "a", "box": ["0", "0", "1", "1"]}]},
    "lines of texts": {"lines": ["a"]},
    "no language": {"language": None},
    "a number as file": {"file": 1},
    "a missing picture": {"file": "gone.png"},
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_pages_are_found_before_any_is_read(tmp_path, capsys, monkeypatch, name):
    monkeypatch.setattr("benchmarks.pages.configured_predictor", lambda config: pytest.fail("reads"))
    Image.new("L", (9, 9)).save(tmp_path / "a.png")
    (tmp_path / "pages.json").write_text(json.dumps([PAGE, {**PAGE, **WRONG[name]}]), encoding="utf-8")
    options = ["--output", str(tmp_path / "out.md"), "--set", f"experiment_folder={tmp_path}/none"]
    assert main([str(tmp_path / "pages.json"), *options]) == 2
    error = capsys.readouterr().err
    assert "pages.json" in error and ("gone.png" if "picture" in name else "page 2") in error


def test_the_list_of_pages_is_not_written_over(tmp_path, capsys):
    (tmp_path / "pages.json").write_text(json.dumps([PAGE]), encoding="utf-8")
    options = ["--output", str(tmp_path / "pages.json"), "--set", f"experiment_folder={tmp_path}/none"]
    assert main([str(tmp_path / "pages.json"), *options]) == 2
    assert "pages.json" in capsys.readouterr().err
    assert json.loads((tmp_path / "pages.json").read_text(encoding="utf-8")) == [PAGE]


def test_the_command_reads_the_pages(tmp_path, capsys):
    pytest.importorskip("rapidocr")
    Image.fromarray(written_page()).save(tmp_path / "a.png")
    lines = [{"text": " ".join(words), "box": [120, 150 + 220 * i, 600, 80]} for i, words in enumerate(LINES)]
    (tmp_path / "pages.json").write_text(json.dumps([{**PAGE, "lines": lines}]), encoding="utf-8")
    model = [f"predict.weights_file={REPOSITORY}/snapshots/iam", f"experiment_folder={tmp_path}/none"]
    options = ["--ours_only", "--output", str(tmp_path / "out.md"), "--set", *model]
    assert main([str(tmp_path / "pages.json"), *options]) == 0
    assert "| all | this project | 1 (1) | 0.0 / 0.0 | 100.0 |" in capsys.readouterr().out
    assert main([str(tmp_path / "none.json"), *options]) == 2
