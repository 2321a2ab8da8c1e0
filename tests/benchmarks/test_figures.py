"""README's pictures and the notebook can be made anew from what the repository holds."""

import csv
import json
import re

import nbformat
import numpy as np
import pytest
from benchmarks.notebook import run_notebook
from PIL import Image

from benchmarks import figures
from benchmarks.measurements import Row
from benchmarks.report import write_report
from models.model_seq2seq import ModelSeq2Seq
from models.model_spec import ModelSpec
from models.saving import save_model
from preprocessing.tokenizer import Tokenizer
from tests.helpers.tiny import REPOSITORY

NOTEBOOK = REPOSITORY / "notebooks" / "inference.ipynb"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A checkout without logs."""
    monkeypatch.setattr(figures, "REPOSITORY", tmp_path)
    return tmp_path


def test_pictures_that_need_no_model(tmp_path):
    for name, picture in {
        "augmentation": figures.augmentation(columns=3, rows=2),
        "synthetic": figures.synthetic(columns=3, rows=2),
        "accents": figures.synthetic(columns=3, rows=2, text="accented"),
    }.items():
        path = tmp_path / f"{name}.png"
        figures.save(picture, path)
        ink = np.array(Image.open(path).convert("L"))
        assert ink.shape == picture.size[::-1] and 0.01 < (ink < 128).mean() < 0.4
        # Something is drawn in each cell.
        assert all((part < 160).any() for row in np.array_split(ink, 2) for part in np.array_split(row, 3, 1))


def test_pictures_of_a_model(make_config, tmp_path, eagerly):
    config = make_config(network={"attention": "luong"})
    network = ModelSeq2Seq(ModelSpec(config.image, config.network, Tokenizer(config.network.charset)))
    save_model(tmp_path / "model", network, {})
    words = np.array(figures.predictions(str(tmp_path / "model"), number=6))
    assert np.all(words == (207, 34, 46), axis=2).any()  # an untrained model reads it wrong: red
    looks = np.array(figures.attention(str(tmp_path / "model"))).astype(int)
    assert (looks[:, :, 0] - looks[:, :, 2] > 100).any()


def test_the_models_that_are_pictured_are_there():
    for name in (figures.RENDERED_MODEL, figures.HANDWRITING_MODEL):
        assert (REPOSITORY / name / "model.json").exists()


def test_logs_are_drawn_where_there_are_some(elsewhere, capsys):
    assert figures.benchmarks() is None and list(figures.histories()) == []
    said = capsys.readouterr().err
    assert "benchmarks/results.json is missing" in said and "experiments/default/history.csv" in said
    write_report(elsewhere / "benchmarks", [Row("start", "one word", "s", "1", [0.5, 0.7])], "make bench")
    drawn = figures.benchmarks()
    with Image.open(elsewhere / "benchmarks" / "results.png") as picture:
        assert np.array_equal(np.array(drawn), np.array(picture))
    (elsewhere / "snapshots" / "some").mkdir(parents=True)
    with open(elsewhere / "snapshots" / "some" / "history.csv", "w", encoding="utf-8") as file:
        csv.writer(file).writerows([["epoch", "loss", "val_cer"], [1, 2.0, ""], [2, 1.5, 0.2]])
    assert list(figures.histories()) == [
        ("some", [{"epoch": 1, "loss": 2}, {"epoch": 2, "loss": 1.5, "val_cer": 0.2}])
    ]


def test_committed_pictures_are_small():
    pictures = list((REPOSITORY / "docs").glob("*.png"))
    assert {"predictions.png", "attention.png", "augmentation.png"} <= {path.name for path in pictures}
    assert all(path.stat().st_size < 200_000 for path in pictures)


def test_the_notebook_runs_and_its_output_is_committed():
    committed = nbformat.read(NOTEBOOK, as_version=4)
    assert NOTEBOOK.stat().st_size < 300_000
    again = run_notebook(NOTEBOOK)
    for cell, expected in zip(again.cells, committed.cells, strict=True):
        assert cell.source == expected.source
        assert kinds(cell) == kinds(expected)
    with open(REPOSITORY / "test_images" / "labels.csv", encoding="utf-8") as file:
        labels = [row["label"] for row in csv.DictReader(file)]
    assert [label for label, _ in readings(again)] == labels
    assert readings(again) == readings(committed)
    assert "execution" not in json.dumps(committed.metadata)


def kinds(cell) -> list:
    """What each output of a cell is."""
    return [(output.output_type, sorted(output.get("data", {}))) for output in cell.get("outputs", [])]


def readings(notebook) -> list[tuple[str, str]]:
    """Label and reading of each word that the notebook prints."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "".join(output.get("text", "") for output in outputs)
    return re.findall(r"^(\S+) +read as (\S+) +confidence", text, re.MULTILINE)
