"""Shipped models read words that anybody can, and with either runtime the same."""

import csv

import pytest

from metrics.score_prediction import score_prediction
from models.model_folder import ModelFolder
from tests.helpers.models import predictor_of
from tests.helpers.tiny import REPOSITORY
from utils.config.load import load_config

IMAGES = REPOSITORY / "test_images"


@pytest.mark.parametrize("name, conf", [("iam", "iam"), ("iam", "config"), ("iam_fast", "iam_fast"), ("open", "open")])
def test_shipped_models_are_calibrated_for_the_configs_that_read_with_them(name, conf):
    model = ModelFolder(REPOSITORY / "snapshots" / name)
    settings = load_config(REPOSITORY / "configs" / f"{conf}.yml").predict
    assert settings.weights_file == f"./snapshots/{name}"
    for views in {settings.views, 1}:
        assert model.calibration(settings.model_copy(update={"views": views}))


@pytest.mark.parametrize("name, worst", [("iam", 0.1), ("iam_fast", 0.3), ("open", 0.2)])
def test_shipped_models_read(name, worst):
    """`worst`: the CER on rendered words of test_images; no such font was trained on."""
    with open(IMAGES / "labels.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    paths, labels = [IMAGES / row["filename"] for row in rows], [row["label"] for row in rows]
    readings = {}
    for runtime in ("keras", "onnx"):
        predictor = predictor_of(REPOSITORY / "snapshots" / name, runtime=runtime, views=4)
        readings[runtime] = [prediction for _, prediction in predictor.read_files(paths)]
    keras, onnx = readings["keras"], readings["onnx"]
    assert [word.text for word in onnx] == [word.text for word in keras]
    assert [word.confidence for word in onnx] == pytest.approx([w.confidence for w in keras], abs=1e-4)
    assert score_prediction(labels, [word.text for word in keras]).cer < worst
