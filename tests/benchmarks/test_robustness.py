"""The stress set's table, from a shipped model and rendered words."""

import numpy as np
from PIL import Image

from benchmarks.robustness import Result, main, table
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


def test_every_kind_is_described():
    assert all(kind.__doc__ for kind in KINDS.values())
