"""Trains, evaluates and runs a handwriting recognition model, described by one YAML config.

python main.py --train
python main.py --predict_on_test
python main.py --predict --filename IMAGE
python main.py --predict --filename PAGE --page
python main.py --export
python main.py --calibrate
"""

import argparse
import sys
from typing import TYPE_CHECKING

try:
    from utils.cli import add_config_options, number, run_command
    from utils.files import output_kind
except ModuleNotFoundError as missing:
    print(f"Package {missing.name} is missing: activate .venv, or install requirements.txt.", file=sys.stderr)
    sys.exit(2)

if TYPE_CHECKING:
    from utils.config.schema import Config


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line before anything slow is imported, so errors and --help come at once."""
    parser = argparse.ArgumentParser(description="Reads handwriting with sequence-to-sequence networks.")
    add = parser.add_argument
    add_config_options(parser)
    job = parser.add_mutually_exclusive_group(required=True).add_argument
    job("--train", action="store_true", help="train, or continue an interrupted training")
    job("--predict_on_test", action="store_true", help="read the test words, report CER and WER")
    job("--predict", action="store_true", help="read the images given by --filename")
    job("--export", action="store_true", help="add ONNX files to the model, for fast reading")
    job("--calibrate", action="store_true", help="calibrate confidences, as training does at its end")
    add("--filename", nargs="+", metavar="PATH", help="images, folders or globs to read")
    add("--page", action="store_true", help="with --predict: the files are pages (photos, scans, TIFF, PDF)")
    add("--output", metavar="FILE", help="also write to a .json or .csv file; pages: .txt, .json, .xml or .hocr")
    add("--format", choices=("page", "alto"), help="of an .xml file: PAGE 2019 (default) or ALTO 4")
    add("--overlay", metavar="DIR", help="with --page: draw lines and text over copies of the pictures")
    share = number(float, 0, 1)
    add("--min_confidence", type=share, metavar="X", help="mark words of lower confidence (0 to 1) as doubtful")
    add("--report", metavar="DIR", help="with --predict_on_test: write an HTML page about the errors")
    add("--restart", action="store_true", help="with --train: set the old run aside and start over")
    add("--dry_run", action="store_true", help="with --train: decode the images, then only print memory and time")
    arguments = parser.parse_args(argv)
    _check_combination(parser, arguments)
    return arguments


def _check_combination(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Exits with 2 if options don't go together."""
    predicts = arguments.predict or arguments.predict_on_test
    if arguments.predict and not arguments.filename:
        parser.error("--predict needs --filename IMAGE")
    if arguments.filename and not arguments.predict:
        parser.error("--filename goes with --predict")
    endings = (".txt", ".json", ".xml", ".hocr") if arguments.page else (".json", ".csv")
    kind = output_kind(arguments.output or "")
    if arguments.output is not None and not (predicts and kind in endings):
        parser.error(
            "--output goes with --predict or --predict_on_test and names a file such as words.json or words.csv, or "
            "with --page pages.txt, pages.json, pages.xml or pages.hocr"
        )
    if arguments.page and not arguments.predict:
        parser.error("--page goes with --predict")
    if arguments.overlay is not None and not (arguments.page and arguments.overlay):
        parser.error("--overlay goes with --page and names a folder")
    if arguments.format and not (arguments.page and kind == ".xml"):
        parser.error("--format goes with --page and --output FILE.xml")
    if arguments.min_confidence is not None and not predicts:
        parser.error("--min_confidence goes with --predict or --predict_on_test")
    if arguments.report is not None and not (arguments.predict_on_test and arguments.report):
        parser.error("--report goes with --predict_on_test and names a folder")
    if arguments.restart and not arguments.train:
        parser.error("--restart goes with --train")
    if arguments.dry_run and (arguments.restart or not arguments.train):
        parser.error("--dry_run goes with --train, and not with --restart, which would set the old run aside")


def main(argv: list[str] | None = None) -> int:
    """Runs one job; returns the exit code: 0 done, 2 user error, 130 or 143 interrupted, 141 closed pipe."""
    arguments = parse_arguments(argv)
    return run_command(lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    from utils.config.load import load_config, refuse_training_keys

    config = load_config(arguments.conf, arguments.set)
    if not arguments.train:
        refuse_training_keys(arguments.set)
    # After the config: this imports OpenCV, which would delay messages about mistakes in the config.
    from preprocessing.image_file import configure_process

    configure_process()
    if arguments.train:
        return _train(config, arguments)
    if arguments.predict_on_test:
        from predictors.run import predict_on_test

        return predict_on_test(config, arguments.output, arguments.report, arguments.min_confidence)
    if arguments.predict:
        return _predict(config, arguments)
    if arguments.export:
        from utils.keras_import import import_keras

        import_keras()
        from exporters.run import export

        export(config)
        return 0
    from predictors.calibrate import calibrate_model

    print(calibrate_model(config))
    return 0


def _predict(config: "Config", arguments: argparse.Namespace) -> int:
    if arguments.page:
        from predictors.page_run import predict_pages

        return predict_pages(
            config,
            arguments.filename,
            arguments.output,
            xml_format=arguments.format or "page",
            overlay=arguments.overlay,
            min_confidence=arguments.min_confidence,
        )
    from predictors.run import predict

    return predict(config, arguments.filename, arguments.output, arguments.min_confidence)


def _train(config: "Config", arguments: argparse.Namespace) -> int:
    from utils.keras_import import choose_backend, import_keras

    choose_backend(config.train.distribution)
    import_keras()
    from trainers.run import dry_run_training, train

    if arguments.dry_run:
        dry_run_training(config)
    else:
        train(config, restart=arguments.restart)
    return 0


if __name__ == "__main__":
    sys.exit(main())
