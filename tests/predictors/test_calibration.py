"""Confidences: the curve that is kept with a model, where, and the command that fits it."""

import json
import shutil

import numpy as np
import pytest

import main
import predictors.calibrate
from base.base_predictor import Prediction
from exporters.run import export
from metrics.calibration import calibrate, errors_found, fit_curve
from models.calibration import Calibration, decoding
from models.model_folder import ModelFolder
from models.saving import save_model
from predictors.calibrate import fit_curves
from predictors.onnx.runtime import PredictorOnnx
from predictors.predictor_seq2seq import PredictorSeq2Seq
from preprocessing.labels import Word
from tests.helpers.models import ALONE, description_of, keras_predictor, load, pictures, predictor_of, random_network
from tests.helpers.tiny import plain_network, tiny_settings, write_settings
from trainers.run import _keep_calibration, train
from utils.config.predict import PredictConfig
from utils.errors import UserError

CURVE = (0.5, 1.5, 0.25)


def test_applied_to_a_prediction():
    calibration = Calibration(decoding={}, words=CURVE, characters=(1, 1, 1))
    raw = Prediction("ab", 0.4, (0.8, 0.5), (("ab", 0.4), ("b", 0.3), ("a", 0.15)))
    found = calibration.apply(raw)
    assert (found.text, found.raw_confidence) == ("ab", 0.4)
    assert found.confidence == pytest.approx(float(calibrate(np.array(0.4), CURVE))) != pytest.approx(0.4)
    assert found.character_confidences[1] == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-6)
    assert found.character_confidences[0] > found.character_confidences[1]
    first, second, third = found.alternatives
    assert first == ("ab", found.confidence) and [second[0], third[0]] == ["b", "a"]
    # The others keep their proportions, and all together are no more than certain.
    assert second[1] == pytest.approx(2 * third[1])
    assert second[1] == pytest.approx(0.3 * (1 - found.confidence) / 0.6)
    sure = calibration.apply(Prediction("", 1.0, (), (("", 1.0), ("a", 0.0))))
    # A curve that lowers the first one does not make the second one surer.
    low = Calibration(decoding={}, words=(2, 1, -1), characters=(1, 1, 1))
    first, second = low.apply(Prediction("a", 0.5, (0.5,), (("a", 0.5), ("b", 0.5)))).alternatives
    assert second[1] <= first[1] < 0.5
    assert sure.confidence <= 1 and sure.alternatives[1] == ("a", 0.0) and sure.character_confidences == ()


def test_decodings():
    """Settings that change which text is given have calibrations of their own; others don't."""
    network, without = plain_network(columns="height", ctc_weight=0.3), plain_network()
    greedy = {"decoder": "greedy", "ctc_weight": PredictConfig().ctc_weight}
    assert decoding(PredictConfig(), network) == greedy == decoding(PredictConfig(batch_size=3), network)
    assert decoding(PredictConfig(), without) == {"decoder": "greedy", "ctc_weight": 0.0}
    assert decoding(PredictConfig(characters="0123"), network) == {**greedy, "characters": "0123"}
    beam = PredictConfig(decoder="beam", ctc_weight=0.4)
    assert decoding(beam, network) == decoding(
        PredictConfig(decoder="beam", ctc_weight=0.4, n_best=2, beam_width=9), network
    )
    assert decoding(beam, network) != decoding(PredictConfig(decoder="beam", ctc_weight=0.5), network)
    # Without a CTC head its weight changes nothing.
    assert decoding(beam, without) == decoding(PredictConfig(decoder="beam", ctc_weight=0.5), without)
    lexicon = PredictConfig.model_validate({"decoder": "lexicon", "lexicon": {"weight": 0.1}})
    assert decoding(lexicon, network) != decoding(PredictConfig(decoder="lexicon"), network)


def test_a_lexicon_is_known_by_its_words(tmp_path):
    files = {name: tmp_path / name for name in ("a.txt", "b.txt", "c.txt", "none.txt")}
    for name, words in (("a.txt", "one"), ("b.txt", "one"), ("c.txt", "two")):
        files[name].write_text(words, encoding="utf-8")
    a, b, c, none = (
        decoding(PredictConfig.model_validate({"decoder": "lexicon", "lexicon": {"file": str(path)}}), plain_network())
        for path in files.values()
    )
    assert a == b and len({json.dumps(one) for one in (a, c, none)}) == 3
    assert str(tmp_path) not in json.dumps([a, b, c])


@pytest.fixture
def saved(make_config, tmp_path):
    """The model folder of `make_config`'s experiment: random, and released, so no training may touch it."""
    folder = tmp_path / "experiment" / "best"
    save_model(folder, random_network(make_config), {"licence": "none"})
    (folder / "CARD.md").write_text("released", encoding="utf-8")
    return folder


def curve_for(settings: PredictConfig, words=CURVE) -> Calibration:
    return Calibration(decoding=decoding(settings, plain_network()), words=words, characters=(1, 1, 0))


def test_kept_for_each_decoder(saved):
    beam = PredictConfig(decoder="beam")
    assert ModelFolder(saved).calibration(PredictConfig()) is None
    before, stale = description_of(saved), ModelFolder(saved)
    for settings, words in ((PredictConfig(), CURVE), (beam, (2, 2, 0)), (PredictConfig(), (3, 3, 0))):
        ModelFolder(saved).add_calibration(curve_for(settings, words))
    assert ModelFolder(saved).calibration(PredictConfig()).words == (3, 3, 0)
    assert ModelFolder(saved).calibration(beam).words == (2, 2, 0)
    assert ModelFolder(saved).calibration(PredictConfig(decoder="beam", length_penalty=0.9)) is None
    description = description_of(saved)
    assert len(description["calibrations"]) == 2 and {**description, "calibrations": []} == before
    with pytest.raises(UserError, match="was replaced meanwhile"):
        stale.add_calibration(curve_for(beam))


@pytest.mark.parametrize(
    "entry", [{}, {"decoding": {}, "words": [1, -1, 0], "characters": [1, 1, 0]}, 3, {"words": [1, 1]}, None]
)
def test_damaged_calibrations(saved, entry):
    damaged = {**description_of(saved), "calibrations": [entry] if entry is not None else 5}
    (saved / "model.json").write_text(json.dumps(damaged), encoding="utf-8")
    with pytest.raises(UserError, match=r"model\.json .*calibrations"):
        predictor_of(saved)


def test_all_runtimes_give_the_calibrated_confidences(make_config, saved, eagerly, capsys):
    images = pictures(load(saved), 8)
    raw = keras_predictor(saved).predict_batch(images)
    ModelFolder(saved).add_calibration(curve_for(PredictConfig()))
    export(make_config())
    assert ModelFolder(saved).calibration(PredictConfig())  # the export has kept it
    for runtime, kind in (("keras", PredictorSeq2Seq), ("onnx", PredictorOnnx)):
        predictor = predictor_of(saved, runtime=runtime)
        assert isinstance(predictor, kind)
        for found, before in zip(predictor.predict_batch(images), raw, strict=True):
            assert found.text == before.text and found.raw_confidence == pytest.approx(before.confidence, abs=1e-4)
            expected = calibrate(np.array(before.confidence), CURVE)
            assert found.confidence == pytest.approx(float(expected), abs=1e-3)
        # Blank paper is as sure before as after, so that a report with some knows that its model is calibrated.
        blank = predictor.predict_batch([np.full_like(images[0], 255)])[0]
        assert (blank.text, blank.confidence, blank.raw_confidence) == ("", 0.0, 0.0)
    capsys.readouterr()
    other = predictor_of(saved, decoder="beam", beam_width=2)
    assert other.calibration is None and "not calibrated" in capsys.readouterr().err


def test_fit_on_readings():
    """Characters are judged by the alignment; the held-out error knows writers."""
    labels = ["ab", "ab", "abc", "b"] * 40
    readings = [Prediction("ab", 0.9, (0.9, 0.9)), Prediction("ax", 0.5, (0.9, 0.2))] * 80
    words = [Word(f"{i}.png", label, writer=f"w{i % 3}") for i, label in enumerate(labels)]
    curves, facts = fit_curves(readings, words)
    words_curve, characters_curve = curves["words"], curves["characters"]
    # Of the sure words half are right, of the others none.
    assert calibrate(np.array([0.9]), words_curve)[0] == pytest.approx(0.5, abs=0.05)
    assert calibrate(np.array([0.5]), words_curve)[0] < 0.1
    # An "x" is written with 0.2, and always wrong.
    assert calibrate(np.array([0.2]), characters_curve)[0] < 0.1
    assert facts["words"] == 160 and facts["errors_found"] == pytest.approx(32 / 120, abs=1e-6)
    assert facts["ece"] < 0.05 < facts["ece_before"] and facts["ece_held_out"] < 0.1


@pytest.mark.parametrize("writers", [lambda i: None, lambda i: "me", lambda i: f"w{i}" if i % 3 else None])
def test_a_damaged_copy_is_left_out_of_the_fit_with_its_picture(monkeypatch, writers):
    """Each of 150 pictures twice, with a confidence of its own."""
    fitted = []

    def recording(confidences, right):
        fitted.append(np.round(confidences * 1000).astype(int).tolist())
        return fit_curve(confidences, right)

    monkeypatch.setattr(predictors.calibrate, "fit_curve", recording)
    twice = [*range(150), *range(150)]
    words = [Word(f"{i}.png", "ab" if i % 2 else "b", writers(i)) for i in twice]
    fit_curves([Prediction("ab", (i + 300) / 1000, (0.9, 0.9)) for i in twice], words)
    whole, *folds, _characters = fitted
    assert len(whole) == 300 and len(folds) == 30
    for fold in folds:
        assert len(fold) == 290 and len(set(fold)) == 145


def test_without_errors_nothing_is_said_of_them():
    _, facts = fit_curves([Prediction("ab", 0.9, (0.9, 0.9))] * 120, [Word(f"{i}.png", "ab") for i in range(120)])
    assert "errors_found" not in facts and facts["ece"] < 0.1


def test_lines_have_a_curve_of_their_own():
    """The confidence of a line is the product of many: the same number means something else than a word's."""
    readings = [Prediction("ab", 0.3, (0.5, 0.6))] * 120 + [Prediction("a b", 0.3, (0.6, 0.8, 0.6))] * 120
    right = [i % 4 == 0 for i in range(120)] + [i % 4 > 0 for i in range(120)]
    words = [Word(f"{i}.png", one.text if hit else "no") for i, (one, hit) in enumerate(zip(readings, right))]
    curves, facts = fit_curves(readings, words)
    calibration = Calibration(decoding={}, **curves)
    # A quarter of the words is right, and three quarters of the lines.
    assert calibration.apply(readings[0]).confidence == pytest.approx(0.25, abs=0.03)
    assert calibration.apply(readings[-1]).confidence == pytest.approx(0.75, abs=0.03)
    assert facts["ece"] < 0.03 < 0.15 < facts["ece_before"]
    confidences = [calibration.apply(one).confidence for one in readings]
    assert facts["errors_found"] == pytest.approx(
        errors_found(confidences, [one.text == word.label for one, word in zip(readings, words)])
    )
    # Too few of them are calibrated with the words.
    assert set(fit_curves(readings[:150], words[:150])[0]) == {"words", "characters"}


def test_lines_of_additional_data_are_among_those_it_is_fitted_on(dataset, saved, tmp_path, eagerly, monkeypatch):
    labels = json.loads((dataset / "labels.json").read_text(encoding="utf-8"))
    for number, row in enumerate(labels["val"]):
        row["label"] += " b" if number % 2 else ""
    (dataset / "lines.json").write_text(json.dumps(labels), encoding="utf-8")
    monkeypatch.setattr(predictors.calibrate, "LEAST_WORDS", 6)
    monkeypatch.setattr(predictors.calibrate, "MOST_LINES", 2)
    settings = tiny_settings(dataset, tmp_path)
    more = {"labels_file": str(dataset / "lines.json"), "images_folder": settings["images_folder"]}
    settings["train"]["additional_data"] = {"lines": more, "rendered": {**more, "synthetic": {"enabled": True}}}
    assert main.main(["-c", write_settings(tmp_path / "tiny.yml", settings), "--calibrate"]) == 0
    assert description_of(saved)["calibrations"][0]["fitted_on"]["words"] == 6 + 2
    for distorts in (True, False):
        settings["data_aug"] = {**settings["data_aug"], "damaged_copies": 1, "use_data_aug": distorts}
        assert main.main(["-c", write_settings(tmp_path / "tiny.yml", settings), "--calibrate"]) == 0
        assert description_of(saved)["calibrations"][0]["fitted_on"]["words"] == (6 + 2) * (1 + distorts)


def test_a_model_of_too_few_words_keeps_the_calibration_of_the_one_it_began_as(make_config, tmp_path, eagerly):
    network = random_network(make_config)
    before = Calibration(decoding={"decoder": "greedy"}, words=CURVE, characters=(1, 1, 1))
    save_model(tmp_path / "before", network, {}, (before,))
    save_model(tmp_path / "after", network, {})
    start = {"use_pretrained_weights": True, "restore_from": str(tmp_path / "before")}
    config = make_config(train={"weights_initialization": start})
    _keep_calibration(tmp_path / "after", config)
    assert ModelFolder(tmp_path / "after").description.calibrations == (before,)
    shutil.rmtree(tmp_path / "before")
    _keep_calibration(tmp_path / "after", config)
    assert ModelFolder(tmp_path / "after").description.calibrations == (before,)


def test_command(dataset, saved, tmp_path, eagerly, monkeypatch, capsys):
    """`--calibrate` on a released model; evaluation and tables then have the new confidences."""
    config = write_settings(tmp_path / "tiny.yml", tiny_settings(dataset, tmp_path))
    assert main.main(["-c", config, "--calibrate"]) == 2
    assert "at least 100 validation words" in capsys.readouterr().err
    word = {"filename": "a.png", "label": "a"}
    for split in ([], [word]):
        labels = tmp_path / "few.json"
        labels.write_text(json.dumps({"train": [word], "val": split, "test": []}), encoding="utf-8")
        assert main.main(["-c", config, "--calibrate", "--set", f"labels_file={labels}"]) == 2
        error = capsys.readouterr().err
        assert f"has {len(split)}" in error and "training" not in error
    # Rendered words, as of the default config, take no calibration on real ones away.
    assert main.main(["-c", config, "--calibrate", "--set", "synthetic.enabled=true"]) == 2
    assert "released model" in capsys.readouterr().err
    monkeypatch.setattr(predictors.calibrate, "LEAST_WORDS", 6)
    weights = description_of(saved)["weights_sha256"]
    assert main.main(["-c", config, "--predict_on_test"]) == 0
    assert "(not calibrated)" in capsys.readouterr().out
    assert main.main(["-c", config, "--calibrate"]) == 0
    assert "on 6 validation words: expected calibration error" in capsys.readouterr().out
    description = description_of(saved)
    (entry,) = description["calibrations"]
    assert description["weights_sha256"] == weights and entry["fitted_on"]["words"] == 6
    output = tmp_path / "out.json"
    assert main.main(["-c", config, "--predict_on_test", "--output", str(output)]) == 0
    assert "before calibration)" in capsys.readouterr().out
    raw = keras_predictor(saved, ALONE)
    for row in json.loads(output.read_text(encoding="utf-8"))[:2]:
        ((_, word),) = raw.read_files([dataset / "words" / row["filename"]])
        assert row["confidence"] == pytest.approx(float(calibrate(np.array(word.confidence), entry["words"])), abs=1e-4)


def test_training_calibrates_its_model(make_config, tmp_path, eagerly, monkeypatch, capsys):
    output = {"output": {"output_weights": str(tmp_path / "copy")}}
    config = make_config(train={"num_epochs": 1, **output})
    best = tmp_path / "experiment" / "best"
    train(config)
    assert "not calibrated" in capsys.readouterr().err
    assert best.is_dir() and ModelFolder(best).calibration(PredictConfig()) is None
    # The same command goes on where something is left to do.
    monkeypatch.setattr(predictors.calibrate, "LEAST_WORDS", 6)
    train(config)
    assert "Calibrated" in capsys.readouterr().err
    assert (
        ModelFolder(best).calibration(PredictConfig())
        == ModelFolder(tmp_path / "copy").calibration(PredictConfig())
        is not None
    )
    monkeypatch.setattr("trainers.run.calibrate_on", lambda *arguments: pytest.fail("it is calibrated"))
    train(config)
