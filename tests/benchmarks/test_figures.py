"""README's pictures and the notebook can be made from what the repository holds."""

import csv
import json
import re
import subprocess
import sys

import numpy as np
from PIL import Image

from benchmarks import figures
from tests.helpers.tiny import REPOSITORY

NOTEBOOK = REPOSITORY / "notebooks" / "inference.ipynb"


def test_a_picture_that_needs_no_model(tmp_path):
    path = tmp_path / "accents.png"
    figures.save(figures.accents(columns=3, rows=2), path)
    ink = np.array(Image.open(path).convert("L"))
    assert 0.01 < (ink < 128).mean() < 0.4
    # Something is drawn in each cell.
    assert all((part < 160).any() for row in np.array_split(ink, 2) for part in np.array_split(row, 3, 1))


def test_the_notebook_runs_and_its_output_is_committed(tmp_path):
    line = ["-m", "nbconvert", "--to", "notebook", "--execute", "--output-dir", str(tmp_path), str(NOTEBOOK)]
    subprocess.run([sys.executable, *line], check=True, capture_output=True)
    assert NOTEBOOK.stat().st_size < 300_000
    committed, again = (json.loads(path.read_text("utf-8")) for path in (NOTEBOOK, tmp_path / NOTEBOOK.name))
    with open(REPOSITORY / "test_images" / "labels.csv", encoding="utf-8") as file:
        labels = [row["label"] for row in csv.DictReader(file)]
    assert [label for label, _ in readings(again)] == labels
    assert readings(again) == readings(committed)


def readings(notebook) -> list[tuple[str, str]]:
    """Label and reading of each word that the notebook prints."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    text = "".join(part for output in outputs for part in output.get("text", []))
    return re.findall(r"^(\S+) +read as (\S+) +confidence", text, re.MULTILINE)
