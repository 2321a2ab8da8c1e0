"""Prepares a trained model for release: python -m tools.release_model experiments/iam/best snapshots/new

Weights are rounded to half precision (11 significant bits), which changes no figure and halves most weights of the ONNX
files. A CARD.md, which you write, makes the folder a released model.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from utils.cli import run_command
from utils.files import check_absent
from utils.keras_import import import_keras
from utils.log import log


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code (0 done, 2 user error)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="model folder to release")
    parser.add_argument("output", type=Path, help="model folder to write")
    options = parser.parse_args(arguments)
    return run_command(lambda: release(options.model, options.output))


def release(source: Path, output: Path) -> int:
    """Writes `source` with rounded weights to `output`; returns the exit code.

    Raises UserError if `source` is not a complete model folder, or `output` holds a model or can't be written.
    """
    import_keras()
    from models.model_folder import DESCRIPTION_FILE, ModelFolder
    from models.saving import load_model, save_model

    folder = ModelFolder(source)
    check_absent(output / DESCRIPTION_FILE)
    model, about = load_model(folder), folder.description
    for variable in model.keras_model.trainable_variables:
        variable.assign(np.asarray(variable).astype(np.float16))
    # Only the name of an absolute path: other machines have no such folder.
    labels = Path(str(about.origin.get("labels_file", "")))
    origin = {**about.origin, "labels_file": labels.name} if labels.is_absolute() else about.origin
    save_model(output, model, origin, about.calibrations)
    if not about.calibrations:
        # Without such an experiment_folder, the experiment's own model would be calibrated.
        settings = f"predict.weights_file={output} experiment_folder=none"
        log(f"{output} is not calibrated: python main.py -c CONFIG --calibrate --set {settings}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
