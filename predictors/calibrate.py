"""The `--calibrate` job: fits a model's confidences to its accuracy on validation words and lines."""

from collections.abc import Iterator, Sequence, Sized
from pathlib import Path

import numpy as np

from base.base_predictor import Prediction
from data_generators.dataset import Dataset, DatasetOptions, join_datasets, open_dataset
from data_generators.source import DataSource
from metrics.alignment import align
from metrics.calibration import LEAST_SURE, calibrate, calibration_error, errors_found, fit_curve
from models.calibration import Calibration, Curve, decoding
from models.model_folder import ModelFolder, is_released
from models.model_paths import find_model
from predictors.loading import load_predictor
from preprocessing.labels import Word
from utils.config.predict import PredictConfig
from utils.config.schema import Config
from utils.errors import UserError

# A curve fitted to fewer words could make confidences worse.
LEAST_WORDS = 100
MOST_LINES = 400  # of each additional dataset
# Groups of writers (or words), each calibrated by a curve that was fitted on the others.
FOLDS = 30


def calibrate_model(config: Config) -> str:
    """Calibrates the model of `config` on its validation words; returns a sentence about the effect.

    The model may be a released one: only `model.json` gets a new entry, for the decoder of `config.predict`. Raises
    UserError without a model or enough validation words, if the folder can't be written, or if the words are rendered
    and the model is a released one, whose calibration on real writing would be lost.
    """
    folder = ModelFolder(find_model(config))
    if DataSource.of(config).is_rendered and is_released(folder.path):
        raise UserError(
            f"{folder.path} is a released model, and the words of {config.labels_file} are rendered; train a model "
            "of your own, or calibrate with a config of real words."
        )
    return calibrate_on(folder, config, config.predict)


def calibrate_on(folder: ModelFolder, config: Config, settings: PredictConfig) -> str:
    """Calibrates the model in `folder` on the config's validation words; returns a sentence about the effect.

    Lines in the validation splits of `train.additional_data` are among them, unless they are rendered. If the config
    trains on damaged copies, there is a damaged copy of all these, too, so that confidences hold for what is hard to
    read. Raises UserError if there are too few words, or the folder is no whole model folder or can't be written.
    """
    image, labels_file = folder.spec.with_max_pixels(config.image.max_pixels).image, config.labels_file
    options, own = DatasetOptions.of(config), DataSource.of(config)
    own_words = own.read_labels().splits["val"]
    # Without words, opening them would name what training needs.
    _check_enough(own_words, labels_file)
    dataset = open_dataset(own, own_words, "val", image, options)
    _check_enough(dataset, labels_file)
    copies = (0, 1) if config.data_aug.copies and not config.train.packed.folder else (0,)
    parts = [dataset, *(open_dataset(own, own_words, "val", image, options, copy=copy) for copy in copies[1:])]
    for source, words in _additional(config):
        parts += [_lines(open_dataset(source, words, "val", image, options, copy=copy)) for copy in copies]
    dataset = join_datasets(parts)
    predictor = load_predictor(folder, settings, folder.spec.image.max_pixels, calibrated=False)
    predictions = predictor.predict_dataset(dataset, progress=True)
    curves, errors = fit_curves(predictions, dataset.words)
    # Without its folder: a released model must not reveal details of the machine that made it.
    fitted_on = {"labels_file": Path(labels_file).name, "split": "val", **errors}
    found = errors.get("errors_found")
    least = (
        "" if found is None else f"; the {100 * LEAST_SURE:g} % least confident words hold {found:.1%} of the errors"
    )
    way = decoding(settings, folder.spec.network)
    folder.add_calibration(Calibration(decoding=way, **curves, fitted_on=fitted_on))
    return (
        f"Calibrated {folder.path} for decoder {settings.decoder} on {len(dataset)} validation words: "
        f"expected calibration error {errors['ece_before']:.2%} before, {errors['ece']:.2%} after, "
        f"{errors['ece_held_out']:.2%} on writers (or words) left out of the fit{least}."
    )


def _check_enough(words: Sized, labels_file: str) -> None:
    if len(words) < LEAST_WORDS:
        raise UserError(f"Calibration needs at least {LEAST_WORDS} validation words, {labels_file} has {len(words)}.")


def _additional(config: Config) -> Iterator[tuple[DataSource, list[Word]]]:
    """Yields the validation words of the additional datasets that hold lines and are not rendered."""
    for data in config.train.additional_data.values():
        source = DataSource.of(data)
        words = [] if source.is_rendered else source.read_labels().splits["val"]
        if any(" " in word.label for word in words):
            yield source, words


def _lines(dataset: Dataset) -> Dataset:
    """Returns the lines of a dataset, MOST_LINES of them, spread evenly."""
    lines = np.flatnonzero([" " in word.label for word in dataset.words])
    return dataset.select(lines[np.linspace(0, len(lines) - 1, min(len(lines), MOST_LINES)).astype(int)])


def fit_curves(predictions: Sequence[Prediction], words: Sequence[Word]) -> tuple[dict[str, Curve], dict[str, float]]:
    """Returns the curves of a `Calibration` that fit these readings, by attribute, and the errors with them.

    There is one for lines, that is, texts with a space, only if there are at least LEAST_WORDS of these and of others.
    """
    confidences = np.array([prediction.confidence for prediction in predictions])
    right = np.array([w.label == p.text for w, p in zip(words, predictions, strict=True)])
    spaced = np.array([" " in prediction.text for prediction in predictions])
    apart = min(spaced.sum(), (~spaced).sum()) >= LEAST_WORDS
    calibrated, held_out = np.zeros((2, len(words)))
    curves: dict[str, Curve] = {}
    for name, group in (("words", ~spaced), ("lines", spaced)) if apart else (("words", spaced | True),):
        curves[name] = curve = fit_curve(confidences[group], right[group])
        calibrated[group] = calibrate(confidences[group], curve)
        members = [words[i] for i in np.flatnonzero(group).tolist()]
        held_out[group] = _held_out(confidences[group], right[group], members)
    characters = _characters(predictions, words)
    curves["characters"] = fit_curve(*zip(*characters)) if characters else (1.0, 1.0, 0.0)
    errors = {
        "ece_before": calibration_error(confidences, right),
        "ece": calibration_error(calibrated, right),
        "ece_held_out": calibration_error(held_out, right),
        "errors_found": errors_found(calibrated, right),
    }
    # Without errors there is no share of them.
    return curves, {"words": len(words), **{name: round(value, 6) for name, value in errors.items() if value == value}}


def _held_out(confidences: np.ndarray, right: np.ndarray, words: Sequence[Word]) -> np.ndarray:
    """Returns each word's confidence by a curve fitted without its writer (or, if unknown, without the word)."""
    # Grouped by file name, a damaged copy stays with its original.
    writers = [word.writer or word.filename for word in words]
    if len(set(writers)) == 1:
        writers = [word.filename for word in words]
    number = {writer: index % FOLDS for index, writer in enumerate(dict.fromkeys(writers))}
    folds = np.array([number[writer] for writer in writers])
    result = np.zeros(len(confidences))
    for fold in set(folds.tolist()):
        inside = folds == fold
        curve = fit_curve(confidences[~inside], right[~inside])
        result[inside] = calibrate(confidences[inside], curve)
    return result


def _characters(predictions: Sequence[Prediction], words: Sequence[Word]) -> list[tuple[float, bool]]:
    """Returns the confidence of each written character, and whether the label has the same one there."""
    pairs = []
    for prediction, word in zip(predictions, words):
        right = [a == b for a, b in align(word.label, prediction.text) if b]
        # Where NFC has joined characters, they have more confidences than the text has characters.
        if len(right) == len(prediction.character_confidences):
            pairs += list(zip(prediction.character_confidences, right))
    return pairs
