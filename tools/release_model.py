"""Prepares a trained model for release: python -m tools.release_model experiments/iam/best snapshots/new

Weights are rounded to half precision (11 significant bits), which changes no figure and halves most weights of the ONNX
files. A CARD.md, which you write, makes the folder a released model.

With --average, the weights are first averaged with those that the training started from, which often reads better than
either (WiSE-FT, Wortsman et al. 2022, arXiv:2109.01903).
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from utils.cli import number, run_command
from utils.errors import UserError
from utils.files import check_absent
from utils.keras_import import import_keras
from utils.log import log

if TYPE_CHECKING:
    from models.model_seq2seq import ModelSeq2Seq


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code (0 done, 2 user error)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="model folder to release")
    parser.add_argument("output", type=Path, help="model folder to write")
    parser.add_argument("--average", type=Path, metavar="MODEL", help="of the same network, to average with")
    parser.add_argument("--share", type=number(float, 0, 1), default=0.3, help="of --average's weights (default: 0.3)")
    options = parser.parse_args(arguments)
    return run_command(lambda: release(options.model, options.output, options.average, options.share))


def release(source: Path, output: Path, other: Path | None = None, share: float = 0.0) -> int:
    """Writes `source` with rounded weights to `output`, averaged with those of `other`; returns the exit code.

    Raises UserError if `source` or `other` is not a complete model folder, if their networks differ, or if `output`
    holds a model or can't be written.
    """
    import_keras()
    from models.model_folder import DESCRIPTION_FILE, ModelFolder
    from models.saving import load_model, save_model

    folder = ModelFolder(source)
    check_absent(output / DESCRIPTION_FILE)
    model, about = load_model(folder), folder.description
    calibrations = about.calibrations
    if other:
        _average(model, load_model(ModelFolder(other)), share)
        calibrations = ()
    for variable in model.keras_model.trainable_variables:
        variable.assign(np.asarray(variable).astype(np.float16))
    # Only the name of an absolute path: other machines have no such folder.
    labels = Path(str(about.origin.get("labels_file", "")))
    origin = {**about.origin, "labels_file": labels.name} if labels.is_absolute() else about.origin
    save_model(output, model, origin, calibrations)
    if not calibrations:
        # Without such an experiment_folder, the experiment's own model would be calibrated.
        settings = f"predict.weights_file={output} experiment_folder=none"
        log(f"{output} is not calibrated: python main.py -c CONFIG --calibrate --set {settings}")
    return 0


def _average(model: "ModelSeq2Seq", other: "ModelSeq2Seq", share: float) -> None:
    """Sets a model's weights to (1 - share) of its own and `share` of another's; UserError if the networks differ."""
    if (model.spec.network, model.spec.tokenizer.charset) != (other.spec.network, other.spec.tokenizer.charset):
        raise UserError("--average names a model of another network or with other characters; name one like the first.")
    for variable, before in zip(model.keras_model.weights, other.keras_model.weights, strict=True):
        variable.assign((1 - share) * np.asarray(variable) + share * np.asarray(before))


if __name__ == "__main__":
    sys.exit(main())
