"""The table of how well a hand is learned, from a tiny network and one word written many times."""

import cv2
import numpy as np
import pytest

from benchmarks.adaptation import Row, main, of_hand, table
from data_generators.synthetic.fonts import fonts_of
from data_generators.synthetic.render import render_word
from metrics.score_prediction import score_prediction
from models.saving import save_model
from preprocessing.labels import Word, write_labels
from tests.helpers.models import random_network


@pytest.fixture
def hand(make_config, tiny, tmp_path):
    """A config that learns a hand of 60 words from a network that has learned nothing; returns its arguments."""
    save_model(tmp_path / "model", random_network(make_config, network={"max_seq_length": 5}), {})
    names = [f"ann-{number}.png" for number in range(60)]
    for number, name in enumerate(names):
        word = render_word("ab", fonts_of("train")[0], np.random.default_rng(number))
        assert cv2.imwrite(str(tmp_path / name), word)
    words = [Word(name, "ab") for name in [*names, "bob-0.png"]]
    write_labels(tmp_path / "labels.json", {"train": [], "val": words, "test": []})
    start = {"use_pretrained_weights": True, "restore_from": str(tmp_path / "model")}
    file = tiny(
        images_folder=str(tmp_path),
        labels_file=str(tmp_path / "labels.json"),
        train={"weights_initialization": start, "num_epochs": 8, "batch_size": 2},
        callbacks={"validation": {"every_epochs": 8}},
    )
    return ["-c", file, "--hand", "ann", "--output", str(tmp_path / "table.md")]


def test_the_command_learns_a_hand(hand, dataset, tmp_path, capsys, eagerly):
    others = ["--others", str(dataset / "words"), str(dataset / "labels.json")]
    assert main([*hand, "--lines", "30", "90", *others]) == 0
    printed, logged = capsys.readouterr()
    assert "90 lines" in logged
    assert printed == (tmp_path / "table.md").read_text(encoding="utf-8")
    assert printed.startswith("ann, 30 lines")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows] == ["corrected lines", "0", "30"]  # there are no 90
    assert rows[2][-1] == "yes" and float(rows[2][1].split(" /")[0]) < float(rows[1][1].split(" /")[0]), printed
    assert "/" in rows[1][3] and "/" in rows[2][3]


def test_too_few_lines_of_a_hand_are_refused(hand, capsys):
    assert main([*hand, "--lines", "50"]) == 2
    assert "ann" in capsys.readouterr().err


def test_a_training_that_is_refused_is_one_sentence(hand, tmp_path, capsys):
    assert main([*hand, "--lines", "30", "--set", "network.latent_dim=16"]) == 2
    assert "latent_dim" in capsys.readouterr().err.splitlines()[-1]


def test_what_is_read_is_not_written_over(hand, tmp_path, capsys):
    before = (tmp_path / "labels.json").read_bytes()
    assert main([*hand, "--output", str(tmp_path / "labels.json")]) == 2
    assert "labels.json" in capsys.readouterr().err and (tmp_path / "labels.json").read_bytes() == before


@pytest.mark.parametrize(
    ("hand", "chosen"),
    [
        ("1", ["10.png", "2-b.png"]),
        ("10", ["10.png"]),
        ("img/ann", ["img/ann_1.png", "img/ann/2.png", "img/ann-3.png", "img/ann.png"]),
        ("img/ann_", ["img/ann_1.png"]),
        ("7", []),
    ],
)
def test_a_hand_is_a_writer_or_whole_parts_of_a_name(hand, chosen):
    images = ["10.png", "2-b.png", "img/ann_1.png", "img/anna_1.png", "img/ann/2.png", "img/ann-3.png", "img/ann.png"]
    words = [Word(name, "x", {"10.png": "1", "2-b.png": "1"}.get(name)) for name in [*images, "7-1.png"]]
    # A hand of another part is a hand, too.
    splits = {"train": [Word("a.png", "x", "7")], "val": words, "test": []}
    assert [word.filename for word in of_hand(hand, splits, "val")] == chosen


def test_a_table_by_hand():
    right, half = score_prediction(["to be"], ["to be"]), score_prediction(["ab"], ["ac"])
    assert table("ann", [Row(0, half, None, 0.0, True), Row(20, right, right, 1.25, False)], 7).splitlines()[4:] == [
        "| 0 | 50.00 / 100.00 |  |  |  |  |",
        "| 20 | 0.00 / 0.00 | -100 % | 0.00 / 0.00 | 1.2 | no |",
    ]
