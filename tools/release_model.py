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

SHARE = 0.3  # of the other model's weights


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code (0 done, 2 user error)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="model folder to release")
    parser.add_argument("output", type=Path, help="model folder to write")
    parser.add_argument("--average", type=Path, metavar="MODEL", help="of the same network, to average with")
    parser.add_argument("--share", type=number(float, 0, 1), help=f"of --average's weights (default: {SHARE})")
    options = parser.parse_args(arguments)
    if options.share is not None and not options.average:
        parser.error("--share needs --average")
    share = SHARE if options.share is None else options.share
    return run_command(lambda: release(options.model, options.output, options.average, share))


def release(source: Path, output: Path, other: Path | None = None, share: float = SHARE) -> int:
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
    origin, calibrations = about.origin, about.calibrations
    if other:
        before = ModelFolder(other)
        _average(model, load_model(before), share)
        licences = dict.fromkeys(filter(None, (folder.licence, before.licence)))
        origin, calibrations = {**origin, "licence": " ".join(licences)}, ()
    for variable in model.keras_model.trainable_variables:
        variable.assign(np.asarray(variable).astype(np.float16))
    # Only the name of an absolute path: other machines have no such folder.
    labels = Path(str(origin.get("labels_file", "")))
    if labels.is_absolute():
        origin = {**origin, "labels_file": labels.name}
    save_model(output, model, origin, calibrations)
    if not calibrations:
        # Without such an experiment_folder, the experiment's own model would be calibrated.
        settings = f"predict.weights_file={output} experiment_folder=none"
        log(f"{output} is not calibrated: python main.py -c CONFIG --calibrate --set {settings}")
    return 0


def _average(model: "ModelSeq2Seq", other: "ModelSeq2Seq", share: float) -> None:
    """Sets a model's weights to (1 - share) of its own and `share` of another's; UserError if the networks differ."""
    one, another = model.spec, other.spec
    if (one.image, one.network, one.tokenizer.charset) != (another.image, another.network, another.tokenizer.charset):
        raise UserError("--average names a model with another section image or network; name one like the first.")
    for variable, before in zip(model.keras_model.weights, other.keras_model.weights, strict=True):
        variable.assign((1 - share) * np.asarray(variable) + share * np.asarray(before))


if __name__ == "__main__":
    sys.exit(main())
