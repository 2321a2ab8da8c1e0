"""Train, evaluate, use, export and calibrate a handwritten-word recogniser from one YAML config.

python main.py --train
python main.py --predict_on_test
python main.py --predict --filename IMAGE
python main.py --export
python main.py --calibrate
"""

import argparse
import sys
from typing import Any

from utils.cli import run_command


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line; nothing slow is imported for it, so errors and --help come at once."""
    parser = argparse.ArgumentParser(
        description="Handwritten-word recognition with sequence-to-sequence networks."
    )
    parser.add_argument(
        "-c", "--conf", default="configs/config.yml", help="config file (default: %(default)s)"
    )
    overrides: dict[str, Any] = {"nargs": "+", "action": "extend", "default": [], "metavar": "KEY.PATH=VALUE"}
    parser.add_argument("--set", help="override config keys", **overrides)
    jobs = parser.add_mutually_exclusive_group(required=True)
    jobs.add_argument("--train", action="store_true", help="train, or continue an interrupted training")
    jobs.add_argument(
        "--predict_on_test", action="store_true", help="read the test words, report CER and WER"
    )
    jobs.add_argument("--predict", action="store_true", help="read the images given by --filename")
    jobs.add_argument("--export", action="store_true", help="add ONNX files to the model, for fast reading")
    jobs.add_argument(
        "--calibrate",
        action="store_true",
        help="fit the model's confidences to the validation words; training does it at its end",
    )
    parser.add_argument("--filename", nargs="+", metavar="PATH", help="images, folders or globs to read")
    parser.add_argument("--output", metavar="FILE", help="also write the predictions to a .json or .csv file")
    parser.add_argument(
        "--min_confidence",
        type=_share,
        metavar="X",
        help="mark words of less confidence (0 to 1) as doubtful",
    )
    parser.add_argument(
        "--report",
        metavar="DIR",
        help="with --predict_on_test: write an HTML page and a table about the errors",
    )
    parser.add_argument(
        "--restart", action="store_true", help="with --train: start anew, keep the old run aside"
    )
    parser.add_argument(
        "--dry_run",
        action="store_true",
        help="with --train: run two batches, say what memory and time the training takes, and stop",
    )
    arguments = parser.parse_args(argv)
    _check_combination(parser, arguments)
    return arguments


def _check_combination(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Refuses options that don't go together; exits with 2."""
    if arguments.predict and not arguments.filename:
        parser.error("--predict needs --filename IMAGE")
    if arguments.filename and not arguments.predict:
        parser.error("--filename goes with --predict")
    predicts = arguments.predict or arguments.predict_on_test
    if arguments.output and (not predicts or not arguments.output.lower().endswith((".json", ".csv"))):
        parser.error("--output goes with --predict or --predict_on_test and names a .json or .csv file")
    if arguments.min_confidence is not None and not predicts:
        parser.error("--min_confidence goes with --predict or --predict_on_test")
    if arguments.report and not arguments.predict_on_test:
        parser.error("--report goes with --predict_on_test")
    if arguments.restart and not arguments.train:
        parser.error("--restart goes with --train")
    if arguments.dry_run and (arguments.restart or not arguments.train):
        parser.error("--dry_run goes with --train, and not with --restart, for it changes nothing")


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no number from 0 to 1")
    return value


def main(argv: list[str] | None = None) -> int:
    """Runs one job; returns the exit code: 0 done, 2 the user can mend it, 130 or 143 interrupted."""
    arguments = parse_arguments(argv)
    return run_command(lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    """Runs the job that the arguments name; returns the exit code."""
    # After the arguments, so that --help comes at once.
    from utils.config.load import load_config
    from utils.distributed.backend import choose_backend

    config = load_config(arguments.conf, arguments.set)
    if arguments.train or arguments.export:
        from utils.keras_import import import_keras

        if arguments.train:
            choose_backend(config.train.distribution)
        import_keras()
    if arguments.train:
        from trainers.run import dry_run_training, train

        if arguments.dry_run:
            dry_run_training(config)
        else:
            train(config, restart=arguments.restart)
        return 0
    if arguments.export:
        from exporters.run import export

        export(config)
        return 0
    if arguments.predict_on_test:
        from predictors.run import predict_on_test

        return predict_on_test(config, arguments.output, arguments.report, arguments.min_confidence)
    if arguments.calibrate:
        from predictors.calibrate import calibrate_model

        print(calibrate_model(config))
        return 0
    from predictors.run import predict

    return predict(config, arguments.filename, arguments.output, arguments.min_confidence)


if __name__ == "__main__":
    sys.exit(main())
