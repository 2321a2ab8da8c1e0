"""The stress set's table, from a shipped model and rendered words."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.robustness import UNDAMAGED, Result, main, table
from data_generators.damage import KINDS
from tests.helpers.tiny import REPOSITORY


def test_kinds_and_strengths_become_a_table_and_a_picture(dataset, tmp_path, capsys):
    data = [f"images_folder={dataset}/words", f"labels_file={dataset}/labels.json"]
    model = [f"experiment_folder={tmp_path}/none", f"predict.weights_file={REPOSITORY}/snapshots/iam"]
    chosen = ["--kinds", "paper", "turned by 180", "--strengths", "0.5", "1", "--words", "6"]
    output = tmp_path / "table.md"
    assert main(["--set", *data, *model, "predict.views=1", "--split", "test", *chosen, "--output", str(output)]) == 0
    rows = [line.split("|")[1].strip() for line in output.read_text(encoding="utf-8").splitlines() if "|" in line]
    assert rows == ["damage", "---", "undamaged", "paper", "turned by 180"]
    assert capsys.readouterr().out == output.read_text(encoding="utf-8")
    assert np.asarray(Image.open(tmp_path / "table.png")).std() > 0


def test_a_table_by_hand():
    results = [
        Result("undamaged", 0.0, 4.0, 10.0, [1.0, 1.0], [True, True]),
        Result("ruled", 0.5, 20.0, 50.0, [0.5, 0.5], [True, False]),
        Result("ruled", 1.0, 80.04, 100.0, [1.0, 1.0], [False, False]),
    ]
    lines = table(results, [0.5, 1.0], 2).splitlines()
    assert lines[4:6] == ["| undamaged |  | 4.0 / 10.0 |", "| ruled | 20.0 / 50.0 | 80.0 / 100.0 |"]
    # Two of six words are sure and wrong.
    assert "33.3%" in lines[-1]


def test_a_kind_of_one_strength_is_under_that():
    one = Result("turned by 180", 1.0, 5.0, 6.0, [1.0], [True])
    results = [Result(UNDAMAGED, 0.0, 4.0, 10.0, [1.0], [True]), Result("ruled", 0.6, 2.0, 3.0, [1.0], [True]), one]
    results += [Result("ruled", 0.3, 1.0, 2.0, [1.0], [True])]
    rows = table(results, [0.6, 0.3], 1).splitlines()
    assert rows[2] == "| damage | 0.3 | 0.6 | 1 |"
    assert rows[4:7] == [
        "| undamaged |  |  | 4.0 / 10.0 |",
        "| ruled | 1.0 / 2.0 | 2.0 / 3.0 |  |",
        "| turned by 180 |  |  | 5.0 / 6.0 |",
    ]


@pytest.mark.parametrize("name", ["table.png", "labels.json"])
def test_neither_the_picture_nor_the_labels_are_written_over(dataset, tmp_path, capsys, name):
    output = tmp_path / name
    output.write_bytes((dataset / "labels.json").read_bytes())
    data = [
        f"images_folder={dataset}/words",
        f"labels_file={tmp_path}/labels.json",
        f"experiment_folder={tmp_path}/none",
    ]
    assert main(["--set", *data, "--words", "2", "--output", str(output)]) == 2
    assert name in capsys.readouterr().err
    assert output.read_bytes() == (dataset / "labels.json").read_bytes()


def test_every_kind_is_described():
    assert all(kind.__doc__ for kind in KINDS.values())
