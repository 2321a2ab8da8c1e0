"""The command line: answers at once, results on stdout, errors in one sentence, all three jobs agree."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import main
from tests.helpers.tiny import REPOSITORY, command, tiny_settings, write_settings
from utils.config.load import load_config

LABELS = ["[a]", "b]", "[", "Ab"]


def read_table(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def blocked(tmp_path_factory) -> dict[str, str]:
    """An environment in which nothing can be imported that only training needs."""
    folder = tmp_path_factory.mktemp("blocked")
    for name in ("tensorflow", "keras", "jax", "torch", "h5py", "onnx", "matplotlib", "jinja2", "scipy"):
        (folder / f"{name}.py").write_text(f"raise SystemExit('imported {name}')\n", encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(folder)}


def test_errors_and_reading_need_no_tensorflow(blocked, tmp_path):
    (tmp_path / "empty.yml").write_text("{}", encoding="utf-8")
    images = sorted((REPOSITORY / "test_images").glob("*.png"))
    for code, arguments in {
        0: ["--predict", "-c", "configs/iam_fast.yml", "--filename", *images],
        2: ["--train", "--set", "train.batchsize=3"],
        1: ["--train", "-c", "empty.yml"],
    }.items():
        result = command(*arguments, env=blocked, cwd=tmp_path)
        assert result.returncode == code, result.stderr
        assert ("imported" in result.stderr) == (code == 1)
        assert len(result.stdout.splitlines()) == (0 if code else len(images))


def test_a_missing_package_is_named(tmp_path):
    (tmp_path / "tqdm.py").write_text("raise ModuleNotFoundError(name='tqdm')\n", encoding="utf-8")
    result = command("--predict", "--filename", "a.png", env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert result.returncode == 2 and "tqdm" in result.stderr and len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ([], "--train"),
        (["--train", "--predict"], "--predict"),
        (["--predict"], "--filename"),
        (["--train", "--filename", "a.png"], "--filename"),
        (["--export", "--output", "a.json"], "--output"),
        (["--predict_on_test", "--output", "a.txt"], ".json"),
        (["--train", "--min_confidence", "0.5"], "--min_confidence"),
        (["--predict_on_test", "--min_confidence", "1.5"], "1.5"),
        (["--predict_on_test", "--min_confidence", "nan"], "nan"),
        (["--predict_on_test", "--restart"], "--restart"),
        (["--predict_on_test", "--output", ""], "--output"),
        (["--predict_on_test", "--output", "new/.json"], "--output"),
        (["--predict", "--filename", "a.png", "--page", "--output", ".XML"], "--output"),
        (["--predict_on_test", "--report", ""], "--report"),
        (["--predict", "--filename", "a.png", "--page", "--overlay", ""], "--overlay"),
        (["--predict_on_test", "--dry_run"], "--dry_run"),
    ],
)
def test_wrong_arguments_are_refused(capsys, arguments, expected):
    with pytest.raises(SystemExit) as caught:
        main.main(arguments)
    output = capsys.readouterr()
    assert caught.value.code == 2 and output.out == "" and expected in output.err.splitlines()[-1]


def test_shipped_configs_start_from_nothing_or_from_a_shipped_model_of_the_same_network():
    from models.model_folder import ModelFolder
    from models.transfer import check_same_shape

    configs = sorted((REPOSITORY / "configs").glob("*.yml"))
    assert REPOSITORY / "configs" / "config.yml" in configs
    for path in configs:
        config = load_config(path)
        start = config.train.weights_initialization
        if not start.use_pretrained_weights:
            assert start.restore_from is None
            continue
        folder = REPOSITORY / start.restore_from
        assert folder.parent == REPOSITORY / "snapshots"
        model = ModelFolder(folder)
        check_same_shape(model, config.image, config.network)
        assert model.spec.image == config.image


def write_word(path: Path, text: str) -> None:
    image = np.full((30, 100), 255, np.uint8)
    cv2.putText(image, text, (4, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 20, 2)
    assert cv2.imwrite(str(path), image)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """Folder with four word images, also as `test`, and a network that has learnt them by heart."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "words").mkdir()
    words = [{"filename": f"{index}.png", "label": label} for index, label in enumerate(LABELS)]
    for word in words:
        write_word(folder / "words" / word["filename"], word["label"])
    too_long = {"filename": "0.png", "label": "much too long"}
    labels = {"train": [*words, too_long], "val": words, "test": words}
    (folder / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
    settings = tiny_settings(
        folder,
        folder,
        network={"num_filters": [12], "latent_dim": 48, "attention": "luong", "charset": None},
        # By running averages of 40 steps, batch norm would still read by what it began with.
        train={"num_epochs": 40, "learning_rate": 0.02, "max_unusable_share": 0.5, "statistics_batches": 1},
        callbacks={"validation": {"every_epochs": 40}},
    )
    settings |= {"images_folder": "words", "labels_file": "labels.json"}
    settings |= {"experiment_folder": "experiment", "cache_folder": "cache"}
    write_settings(folder / "tiny.yml", settings)
    result = command("-c", "tiny.yml", "--train", cwd=folder)
    assert result.returncode == 0, result.stderr
    (folder / "train.log").write_text(result.stderr, encoding="utf-8")
    assert result.stdout == ""
    return folder


@pytest.fixture
def inside(project, monkeypatch, capsys, eagerly):
    """A function: arguments -> (exit code, stdout lines, stderr) of `main` run in the project."""
    monkeypatch.chdir(project)

    def run(*arguments: str) -> tuple[int, list[str], str]:
        code = main.main(["-c", "tiny.yml", *map(str, arguments)])
        output = capsys.readouterr()
        return code, output.out.splitlines(), output.err

    return run


def test_training_log(project):
    log = (project / "train.log").read_text(encoding="utf-8")
    assert "1 of 5 train words are unusable: 1 label too long" in log
    assert "oneDNN" not in log and "absl" not in log and "Warning" not in log


def test_evaluation_ends_with_cer_and_wer(project):
    """All four words, brackets included, are read back: the whole tour, through real processes."""
    result = command("-c", "tiny.yml", "--predict_on_test", "--output", "out/test.json", cwd=project)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-2:] == ["CER:  0.00 %", "WER:  0.00 %"]
    assert str(Path("experiment", "best")) in result.stderr and "oneDNN" not in result.stderr
    rows = json.loads((project / "out" / "test.json").read_text(encoding="utf-8"))
    assert [row["text"] for row in rows] == LABELS == [row["label"] for row in rows]
    for row in rows:
        assert 0.5 < row["confidence"] <= min(row["character_confidences"]) <= 1
        assert len(row["character_confidences"]) == len(row["text"]) and "alternatives" not in row


@pytest.mark.parametrize("decoder", ["beam", "lexicon"])
def test_several_readings_of_each_word(inside, project, decoder):
    # English words must not win over these brackets.
    setting = [f"predict.decoder={decoder}", "predict.n_best=3", "predict.lexicon.weight=0.01"]
    code, lines, error = inside("--predict_on_test", "--output", "n_best.json", "--set", *setting)
    assert code == 0 and lines[-2:] == ["CER:  0.00 %", "WER:  0.00 %"], error
    for row in json.loads((project / "n_best.json").read_text(encoding="utf-8")):
        assert len(row["alternatives"]) == 3
        assert row["alternatives"][0] == {"text": row["text"], "confidence": row["confidence"]}
        assert len({alternative["text"] for alternative in row["alternatives"]}) == 3
    code, lines, _ = inside("--predict", "--filename", "words/0.png", "--output", "one.csv", "--set", *setting)
    assert code == 0 and lines == ["Predicted label: [a]"]
    row = read_table(project / "one.csv")[0]
    assert list(row) == [
        *("filename", "text", "confidence", "character_confidences"),
        *("text_2", "confidence_2", "text_3", "confidence_3", "error"),
    ]
    assert row["text_2"] != "[a]" and float(row["confidence_3"]) <= float(row["confidence_2"]) < 0.5


def test_model_folder_and_config_suffice_to_predict(project, tmp_path):
    """In another folder, without images folder or labels.json, from anywhere, by absolute paths."""
    copy, elsewhere = tmp_path / "copy", tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copytree(project / "experiment" / "best", copy / "experiment" / "best")
    shutil.copy(project / "tiny.yml", copy)
    shutil.copy(project / "words" / "0.png", elsewhere)
    place = f"experiment_folder={copy / 'experiment'}"
    arguments = ["-c", copy / "tiny.yml", "--predict", "--filename", "0.png", "--set", place]
    result = command(*arguments, cwd=elsewhere)
    assert (result.returncode, result.stdout) == (0, "Predicted label: [a]\n"), result.stderr
    assert sorted(path.name for path in elsewhere.iterdir()) == ["0.png"]


def test_several_images(inside, project):
    single, folder, pattern = Path("words", "3.png"), Path("words"), Path("words", "[01].png")
    code, lines, _ = inside("--predict", "--filename", single, folder, pattern, "--output", "all.csv")
    assert code == 0
    rows = [line.split("\t") for line in lines]
    # Each file once, in the order given.
    assert [row[0] for row in rows] == [str(folder / f"{index}.png") for index in (3, 0, 1, 2)]
    assert [row[1] for row in rows] == [LABELS[index] for index in (3, 0, 1, 2)]
    assert all(0.5 < float(row[2]) <= 1 for row in rows)
    table = read_table(project / "all.csv")
    assert [(row["filename"], row["text"]) for row in table] == [(row[0], row[1]) for row in rows]
    assert [float(row["confidence"]) for row in table] == pytest.approx([float(row[2]) for row in rows], abs=1e-4)
    for row in table:
        characters = [float(confidence) for confidence in row["character_confidences"].split()]
        assert len(characters) == len(row["text"]) and all(0.5 < p <= 1 for p in characters)


def test_doubtful_words_are_marked(inside, project):
    """The limit lies between two of the four confidences; unreadable files are neither sure nor doubtful."""
    _, lines, _ = inside("--predict", "--filename", "words")
    confidences = sorted(float(line.split("\t")[2]) for line in lines)
    limit = str((confidences[1] + confidences[2]) / 2)
    (project / "empty.png").touch()
    job = ["--predict", "--min_confidence", limit]
    code, lines, error = inside(*job, "--filename", "words", "empty.png", "--output", "sure.csv")
    assert code == 2 and "1 of 5 images" in error and "2 of 5 images are doubtful" in error
    rows = [line.split("\t") for line in lines]
    assert [row[3:] == ["doubtful"] for row in rows] == [float(row[2]) < float(limit) for row in rows]
    assert sum(len(row) == 4 for row in rows) == 2
    marks = ["true" if len(row) == 4 else "false" for row in rows]
    assert [row["doubtful"] for row in read_table(project / "sure.csv")] == [*marks, ""]
    (doubtful,) = [row for row in rows if float(row[2]) == confidences[0]]
    _, lines, _ = inside(*job, "--filename", doubtful[0])
    assert lines == [f"Predicted label: {doubtful[1]}\tdoubtful"]
    code, lines, _ = inside("--predict_on_test", "--min_confidence", limit, "--output", "sure.json")
    table = [line.split() for line in lines if line.startswith("  ")]
    assert [line[-3:] for line in table[-2:]] == [["2", "0.00%", "0.00%"]] * 2
    rows = json.loads((project / "sure.json").read_text(encoding="utf-8"))
    assert [row["doubtful"] for row in rows] == [mark == "true" for mark in marks]


def test_evaluation_and_prediction_agree(inside, dataset, tmp_path):
    """On words that the network has never seen, so that nearly all texts are wrong, and telling."""
    splits = json.loads((dataset / "labels.json").read_text(encoding="utf-8"))
    splits["test"] += splits["train"]
    (tmp_path / "labels.json").write_text(json.dumps(splits), encoding="utf-8")
    files = [f"labels_file={tmp_path / 'labels.json'}", f"images_folder={dataset / 'words'}"]
    code, lines, _ = inside("--predict_on_test", "--output", tmp_path / "test.json", "--set", *files)
    assert code == 0 and lines[-2].startswith("CER: ") and lines[-1].startswith("WER: ")
    rows = json.loads((tmp_path / "test.json").read_text(encoding="utf-8"))
    assert len(rows) == 28 and len({row["text"] for row in rows}) > 3
    wrong = sum(row["text"] != row["label"] for row in rows)
    assert lines[-1] == f"WER: {100 * wrong / len(rows):5.2f} %"
    paths = [dataset / "words" / row["filename"] for row in rows]
    _, lines, _ = inside("--predict", "--filename", *paths)
    assert [line.split("\t")[:2] for line in lines] == [
        [str(path), row["text"]] for path, row in zip(paths, rows, strict=True)
    ]
    for path, row in list(zip(paths, rows, strict=True))[::3]:
        _, lines, _ = inside("--predict", "--filename", path)
        assert lines == [f"Predicted label: {row['text']}"]


def test_models_that_the_config_names(inside, project, tmp_path):
    """The experiment's own model comes first, the named one while there is none."""
    shutil.copytree(project / "experiment" / "last", tmp_path / "named")
    named = f"predict.weights_file={tmp_path / 'named'}"
    single = ["--predict", "--filename", "words/0.png", "--set", named]
    code, _, error = inside(*single)
    assert code == 0 and f"Using the model in {Path('experiment', 'best')}" in error
    code, _, error = inside(*single, "callbacks.model_best_checkpoint.enabled=false")
    assert code == 0 and f"Using the model in {Path('experiment', 'last')}" in error
    code, lines, error = inside(*single, f"experiment_folder={tmp_path / 'none'}")
    assert code == 0 and f"Using the model in {tmp_path / 'named'}" in error
    assert lines == ["Predicted label: [a]"]


def test_what_was_read_before_an_interruption_is_in_the_table(project, inside, monkeypatch):
    def interrupted(path, *_):
        if path.name == "2.png":
            raise KeyboardInterrupt

    monkeypatch.setattr("predictors.run.print_prediction", interrupted)
    code, *_ = inside("--predict", "--filename", "words", "--output", "some.json")
    rows = json.loads((project / "some.json").read_text(encoding="utf-8"))
    assert code == 130 and [Path(row["filename"]).name for row in rows] == ["0.png", "1.png"]


def test_reader_of_the_output_may_leave(project):
    line = [sys.executable, str(REPOSITORY / "main.py"), "-c", "tiny.yml", "--predict", "--filename", "words"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=project) as process:
        process.stdout.close()
        error = process.stderr.read()
    assert process.returncode == 141 and b"Traceback" not in error and b"Exception" not in error
