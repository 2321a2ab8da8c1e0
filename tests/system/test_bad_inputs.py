"""The table of bad inputs, through every command that they can reach.

Each ends with exit code 2 and one sentence, leaves the disk as it was and prints no traceback.
"""

import json
import os
import shutil
from pathlib import Path

import h5py
import pytest

import main
import tools.create_labels
import tools.draw_predictions
import tools.inspect_dataset
from models.model_seq2seq import ModelSeq2Seq
from models.model_spec import ModelSpec
from models.saving import save_model
from preprocessing.tokenizer import Tokenizer
from tests.helpers import bad_inputs
from tests.helpers.bad_models import MODELS, describe, sign, weights_of
from tests.helpers.refusals import assert_refused, outcome, tree
from tests.helpers.tiny import tiny_settings, write_settings
from utils.config.load import validate_config

IMAGES, LABELS, TRAINING = bad_inputs.images(), bad_inputs.labels(), bad_inputs.training_labels()
CONFIGS, TABLES, LEXICONS = bad_inputs.configs(), bad_inputs.tables(), bad_inputs.lexicons()
# What is no plain file: the words when it is read, and when it is a word of a dataset.
SPECIAL = {
    "bomb.png": ("30000x30000", IMAGES["bomb.png"][1]),
    "missing.png": ("names no image file", "missing file"),
    f"missing{bad_inputs.ESCAPE}.png": ("names no image file", "missing file"),
    "x" * 300 + ".png": ("names no image file", "file name too long"),
    "nowhere.png": ("missing file", "missing file"),
    "circle.png": ("too many levels of symbolic links", "too many levels of symbolic links"),
    "folder.png": ("names no image file", "is a directory"),
    "pipe.png": ("not a regular file", "not a regular file"),
    "endless.png": ("not a regular file", "link that leads out of images_folder (follow_links is false)"),
}
BAD_IMAGES = [name for name, (_, words) in IMAGES.items() if words and name not in SPECIAL]
ODD_IMAGES = [name for name, (_, words) in IMAGES.items() if words is None]
JOBS = {"train": ["--train"], "test": ["--predict_on_test"], "predict": ["--predict", "--filename", "good.png"]}

pytestmark = [pytest.mark.usefixtures("eagerly"), pytest.mark.filterwarnings("ignore::UserWarning:PIL")]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Folder with all bad inputs, a good config, a good image and a model."""
    folder = tmp_path_factory.mktemp("bad")
    bad_inputs.write_all(folder)
    good = bad_inputs.encoded(bad_inputs.word(), "PNG")
    for place in ("images/good", "elsewhere"):
        (folder / place).mkdir()
        (folder / place / "0.png").write_bytes(good)
    (folder / "good.png").write_bytes(good)
    (folder / "images" / "out.png").symlink_to(folder / "good.png")
    (folder / "images" / "out").symlink_to(folder / "elsewhere")
    (folder / "labels" / "good.json").write_bytes(bad_inputs.labels_file(bad_inputs.entry()))
    settings = tiny_settings(folder, folder) | {
        "images_folder": str(folder / "images"),
        "labels_file": str(folder / "labels" / "good.json"),
        "cache_folder": str(tmp_path_factory.mktemp("cache")),
        "experiment_folder": str(folder / "new"),
        "predict": {"weights_file": str(folder / "model")},
    }
    write_settings(folder / "good.yml", settings)
    config = validate_config(settings, "good")
    save_model(folder / "model", ModelSeq2Seq(ModelSpec(config.image, config.network, Tokenizer("abc"))), {})
    return folder


def on(place: Path, *overrides: str) -> list[str]:
    """Arguments for the good config with `overrides`."""
    return ["-c", str(place / "good.yml"), *(["--set", *overrides] if overrides else [])]


def listing(tmp_path: Path, name: str) -> str:
    """Labels file of one image in every split."""
    file = tmp_path / "labels.json"
    words = [{"filename": name, "label": "a"}]
    file.write_text(json.dumps(dict.fromkeys(("train", "val", "test"), words)), encoding="utf-8")
    return f"labels_file={file}"


@pytest.mark.parametrize("name", [*BAD_IMAGES, *SPECIAL], ids=ascii)
def test_bad_images(place, tmp_path, capfd, name):
    read, counted = SPECIAL[name] if name in SPECIAL else (IMAGES[name][1],) * 2
    assert_refused(capfd, place, [*on(place), "--predict", "--filename", place / "images" / name], read)
    for job in ("train", "test"):
        labels = listing(tmp_path, name)
        assert_refused(capfd, place, [*on(place, labels), *JOBS[job]], counted)
    (tmp_path / "table.csv").write_text(f"filename,label\n{name},a\n", encoding="utf-8")
    table = ["--table", tmp_path / "table.csv", "--images", place / "images", "--output", tmp_path / "o.json"]
    dropped = tmp_path / "o.dropped.tsv"
    assert_refused(capfd, tmp_path, table, "No usable word: 1 ", tools.create_labels.main, dropped)


@pytest.mark.parametrize("name", ODD_IMAGES, ids=ascii)
def test_odd_images_are_read(place, capfd, name):
    before = tree(place)
    code, out, error = outcome(capfd, [*on(place), "--predict", "--filename", place / "images" / name])
    assert code == 0 and out.startswith("Predicted label: "), error
    code, out, _ = outcome(capfd, [*on(place), "--predict", "--filename", place / "images" / name, place / "good.png"])
    assert code == 0 and [line.count("\t") for line in out.splitlines()] == [2, 2]
    assert tree(place) == before


def test_names_in_one_folder_are_shown_harmless(place, capfd, tmp_path):
    """The good ones on stdout and in the table, the bad ones on stderr."""
    for name in (f"good{bad_inputs.ESCAPE}.png", "tab\tline\n.png", os.fsdecode(b"latin\xe9.png")):
        shutil.copy(place / "good.png", tmp_path / name)
    (tmp_path / f"bad{bad_inputs.ESCAPE}.png").write_text("no image")
    for output in ("out.csv", "out.json"):
        arguments = [*on(place), "--predict", "--filename", tmp_path, "--output", tmp_path / output]
        code, out, error = outcome(capfd, arguments)
        assert code == 2 and len(out.splitlines()) == 3 and "tab\\tline\\n.png" in out
        assert "bad\\x1b[31m\\u202e.png: not an image" in error
        assert not set((tmp_path / output).read_text(encoding="utf-8")) & set("\x1b\u202e\t")
    names = [row["filename"] for row in json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))]
    assert sorted(names) == sorted(str(path) for path in tmp_path.glob("*.png"))


@pytest.mark.parametrize("name", [*LABELS, *TRAINING])
def test_bad_labels(place, capfd, name):
    _, words = (LABELS | TRAINING)[name]
    for job in ("train", "test") if name in LABELS else ("train",):
        labels = f"labels_file={place / 'labels' / f'{name}.json'}"
        assert_refused(capfd, place, [*on(place, labels), *JOBS[job]], words)
    assert_refused(capfd, place, [*on(place, labels), "--train", "--dry_run"], words)
    inspected = ["--labels_file", place / "labels" / f"{name}.json", "--images", place / "images"]
    # Words that can't be used are what inspecting is for.
    if name in LABELS and not any(word in words for word in ("usable", "link", " of ", "missing")):
        assert_refused(capfd, place, inspected, words, tools.inspect_dataset.main)


@pytest.mark.parametrize("kind", ["pipe.png", "endless.png", "folder.png"])
def test_lists_that_are_no_files(place, capfd, monkeypatch, kind):
    """A pipe would be waited on, a device never end."""
    monkeypatch.chdir(place)
    path = place / "images" / kind
    for job in ("train", "test"):
        arguments = [*on(place, f"labels_file={path}"), *JOBS[job]]
        assert_refused(capfd, place, arguments, "is a folder" if path.is_dir() else "not a regular file")
    changes = ["predict.decoder=lexicon", f"predict.lexicon.file={path}"]
    assert_refused(capfd, place, [*on(place, *changes), *JOBS["predict"]], "not a regular file")


@pytest.mark.parametrize("name", LEXICONS)
def test_bad_lexicons(place, capfd, monkeypatch, name):
    monkeypatch.chdir(place)
    changes = ["predict.decoder=lexicon", f"predict.lexicon.file={place / 'lexicons' / f'{name}.tsv'}"]
    for job in ("predict", "test"):
        assert_refused(capfd, place, [*on(place, *changes), *JOBS[job]], LEXICONS[name][1])


@pytest.mark.parametrize("name", TABLES)
def test_bad_tables(place, tmp_path, capfd, name):
    table = ["--table", place / "tables" / f"{name}.csv", "--images", place / "images"]
    arguments = [*table, "--output", tmp_path / "labels.json"]
    assert_refused(capfd, place, arguments, TABLES[name][1], tools.create_labels.main)
    assert {path.name for path in tmp_path.iterdir()} <= {"labels.dropped.tsv"}


@pytest.mark.parametrize("name", CONFIGS)
def test_bad_configs(place, capfd, monkeypatch, name):
    monkeypatch.chdir(place)
    for job in (*JOBS.values(), ["--export"], ["--train", "--dry_run"], ["--train", "--restart"]):
        config = place / "configs" / f"{name}.yml"
        assert_refused(capfd, place, ["-c", config, *job], CONFIGS[name][1])


@pytest.mark.parametrize(
    "override, words",
    [
        ("images_folder={place}/none", "none"),
        ("images_folder={place}/good.png", "good.png"),
        ("labels_file={place}/none.json", "none.json"),
        ("labels_file={place}/images", "images"),
        ("cache_folder={place}/good.png", "good.png"),
        ("experiment_folder={place}/good.png", "experiment_folder"),
        ("experiment_folder={place}/good.png/deeper", "experiment_folder"),
        ("experiment_folder=/proc/none", "experiment_folder /proc/none"),
        ("cache_folder=/proc/none", "/proc/none"),
        ("experiment_folder={place}/strange", "config.yml"),
        ("experiment_folder={place}/linked", "link"),
        ("callbacks.model_best_checkpoint.out_file={place}/new/last", "two folders"),
        ("callbacks.model_last_checkpoint.out_file={place}/released", "released"),
        (
            "callbacks.model_best_checkpoint.enabled=false callbacks.model_last_checkpoint.enabled=false",
            "model_last_checkpoint",
        ),
        ("train.output.output_weights={place}/released", "released"),
        ("train.weights_initialization.use_pretrained_weights=true", "restore_from"),
    ],
)
def test_bad_places(place, capfd, override, words):
    for folder in ("strange", "linked", "released"):
        (place / folder).mkdir(exist_ok=True)
    (place / "strange" / "config.yml").write_text("mine: 1\n")
    if not (place / "linked" / "best").is_symlink():
        (place / "linked" / "best").symlink_to(place / "elsewhere")
    (place / "released" / "CARD.md").touch()
    overrides = (part.format(place=place) for part in override.split())
    assert_refused(capfd, place, [*on(place, *overrides), "--train"], words)


@pytest.mark.parametrize("restart", [[], ["--restart"]])
@pytest.mark.parametrize("name", ["best/notes.txt", "run.json", "history.png"])
def test_a_folder_of_others_is_never_moved_or_overwritten(place, capfd, tmp_path, name, restart):
    home = tmp_path / "home"
    (home / name).parent.mkdir(parents=True)
    (home / name).write_text("mine")
    arguments = [*on(place, f"experiment_folder={home}"), "--train", *restart]
    assert_refused(capfd, tmp_path, arguments, f"holds {name.partition('/')[0]}, which no training has written")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--filename", "{place}/none.png"], "names no image file"),
        (["--filename", "{place}/none*.png"], "names no image file"),
        (["--filename", "{place}/" + "y" * 5000], "names no image file"),
        (["--filename", "{place}/\x1b[31m.png"], "names no image file"),
        (["--filename", "{place}/labels"], "names no image file"),
        (["--filename", "{place}/good.png", "--output", "{place}/good.png/out.csv"], "Can't write"),
        (["--filename", "{place}/good.png", "--output", "{place}/folder.csv"], "Can't write"),
        (["--filename", "{place}/good.png", "--output", "/proc/none/out.json"], "Can't write"),
        (["--filename", "{place}/good.png", "--output", "{place}/" + "z" * 300 + ".csv"], "Can't write"),
    ],
)
def test_bad_arguments(place, capfd, arguments, words):
    (place / "folder.csv").mkdir(exist_ok=True)
    arguments = [argument.format(place=place) for argument in arguments]
    assert_refused(capfd, place, [*on(place), "--predict", *arguments], words)


@pytest.mark.parametrize("name", ["no description", "cut weights, signed", "description links out", "origin"])
def test_bad_models(place, tmp_path, capfd, monkeypatch, name):
    """For every job, and for starting a training from; tests/models has many more of them."""
    (damage, words) = next(case for title, case in MODELS.items() if title.startswith(name))
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "model"
    shutil.copytree(place / "model", model)
    shutil.copy(place / "good.png", tmp_path)
    damage(model)
    for job in (*JOBS.values(), ["--export"]):
        setting = f"predict.weights_file={model}"
        if job == ["--train"]:
            start = "train.weights_initialization."
            setting = f"{start}use_pretrained_weights=true"
            job = [f"{start}restore_from={model}", "network.charset=null", *job]
        assert_refused(capfd, tmp_path, [*on(place, setting), *job], words)


def test_a_hostile_charset_is_shown_harmless(place, tmp_path, capfd):
    """Whatever the network reads is printed; here it can write nothing but escapes."""
    shutil.copytree(place / "model", tmp_path / "model")
    describe(tmp_path / "model", charset="\x1b\x9b\u202e")
    with h5py.File(weights_of(tmp_path / "model"), "r+") as file:
        biases: list[h5py.Dataset] = []
        file.visititems(lambda name, item: biases.append(item) if getattr(item, "shape", None) == (6,) else None)
        assert biases
        for bias in biases:
            bias[:] = [-100, -100, -100, 100, 0, 0]
    sign(tmp_path / "model")
    arguments = [*on(place, f"predict.weights_file={tmp_path / 'model'}"), "--predict"]
    code, out, _ = outcome(capfd, [*arguments, "--filename", place / "good.png"])
    assert code == 0 and out.startswith("Predicted label: \\x1b\\x1b")


def test_nothing_that_is_loaded_may_be_code():
    """The seams through which it could come: pickle, numpy's, Keras' and YAML's loaders."""
    root = Path(main.__file__).parent
    folders = ("base", "callbacks", "data_generators", "models", "predictors", "preprocessing", "trainers")
    files = [path for folder in (*folders, "utils") for path in (root / folder).rglob("*.py")]
    assert len(files) > 50
    for path in files:
        content = path.read_text(encoding="utf-8").replace("editdistance.eval(", "")
        for word in ("pickle.load", "allow_pickle=True", "saving.load_model(", "yaml.unsafe", ".Lambda(", "eval("):
            assert word not in content, (path, word)
        assert "np.load(" not in content or "allow_pickle=False" in content, path
