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
