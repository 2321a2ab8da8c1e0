"""The wheel: built, installed elsewhere, and used from an empty folder without the checkout."""

import importlib.util
import os
import re
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.helpers.tiny import REPOSITORY
from utils.paths import resolve_shipped


def test_find_prefers_what_is_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = Path("configs", "config.yml")
    assert resolve_shipped(shipped) == REPOSITORY / shipped
    assert resolve_shipped("configs/none.yml") == Path("configs/none.yml")
    assert resolve_shipped(tmp_path / "none") == tmp_path / "none"
    assert resolve_shipped("x" * 5000) == Path("x" * 5000)
    (tmp_path / "configs").mkdir()
    (tmp_path / shipped).touch()
    assert resolve_shipped(shipped) == shipped


def new_enough(package: str, least: int) -> bool:
    return bool(importlib.util.find_spec(package)) and int(version(package).split(".")[0]) >= least


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The folder that a wheel of the checkout's files was installed into."""
    if not new_enough("setuptools", 77):
        pytest.skip("no setuptools of 77 or later (requirements-dev.txt)")
    folder = tmp_path_factory.mktemp("package")
    # A copy: building leaves files beside the sources.
    source = folder / "source"
    with tarfile.open(folder / "source.tar", "w") as archive:
        for path in REPOSITORY.iterdir():
            if path.name not in (".git", "experiments", "datasets", "build") and ".venv" not in path.name:
                archive.add(path, path.name)
        for name in ("fonts", "text"):
            archive.add(REPOSITORY / "datasets" / name, f"datasets/{name}")
    with tarfile.open(folder / "source.tar") as archive:
        archive.extractall(source, filter="data")
    # Only what is installed here is used: no network.
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check"]
    pip(["wheel", str(source), "--wheel-dir", str(folder / "wheels"), *options])
    (wheel,) = (folder / "wheels").iterdir()
    pip(["install", str(wheel), "--target", str(folder / "site"), *options[:1], *options[2:]])
    return folder / "site"


def pip(arguments: list[str]) -> None:
    result = subprocess.run([sys.executable, "-m", "pip", *arguments], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def run(installed: Path, folder: Path, *line: str) -> subprocess.CompletedProcess:
    """Runs Python in `folder`, knowing the installed package and the libraries, but not the checkout."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment["PYTHONPATH"] = str(installed)
    return subprocess.run(
        [sys.executable, *line], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )


def test_command_reads_images_from_another_folder(installed, tmp_path):
    images = sorted((REPOSITORY / "test_images").glob("*.png"))
    script = str(installed / "bin" / "seq2seq-ocr")
    result = run(installed, tmp_path, script, "--predict", "--filename", *map(str, images))
    assert result.returncode == 0, result.stderr
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert [line[0] for line in lines] == [str(image) for image in images] and all(line[1] for line in lines)
    assert str(installed / "seq2seq_ocr" / "snapshots" / "iam") in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_model_of_iam_reads_from_another_folder(installed, tmp_path):
    """From Python and by config; it is shipped with what it may be used for."""
    images = sorted(map(str, (REPOSITORY / "test_images").glob("*.png")))
    code = (
        "import sys, seq2seq_ocr as s\n"
        "reader = s.load('snapshots/iam', views=7, views_below=0.6)\n"
        "print(*(word.text for word in reader.read_many(sys.argv[1:])), sep='\\n')"
    )
    result = run(installed, tmp_path, "-c", code, *images)
    assert result.returncode == 0, result.stderr
    texts = result.stdout.splitlines()
    assert len(texts) == len(images) and all(texts)
    command = ["-m", "seq2seq_ocr.main", "-c", "configs/iam.yml", "--predict", "--filename", *images]
    result = run(installed, tmp_path, *command)
    assert [line.split("\t")[1] for line in result.stdout.splitlines()] == texts, result.stderr
    assert "non-commercial" in (installed / "seq2seq_ocr/snapshots/iam/CARD.md").read_text(encoding="utf-8")
    (metadata,) = installed.glob("*.dist-info/METADATA")
    assert "LicenseRef-IAM-non-commercial" in metadata.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == []


def test_installed_package_is_one_package(installed):
    assert sorted(p.name for p in installed.iterdir() if p.is_dir() and "dist-info" not in p.name) == [
        "bin",
        "seq2seq_ocr",
    ]
    package = installed / "seq2seq_ocr"
    for name in ("configs/config.yml", "datasets/text/words.tsv", "datasets/fonts/manifest.json"):
        assert (package / name).read_bytes() == (REPOSITORY / name).read_bytes()
    for name in (
        "configs/iam.yml",
        "predictors/report/page.js",
        "tools/serve/static/page.js",
        "datasets/fonts/caveat.LICENSE",
    ):
        assert (package / name).is_file(), name
    assert not (package / "setup.py").exists() and not (package / "tests").exists()
    (metadata,) = installed.glob("*.dist-info/METADATA")
    for extra in ("scale", "lmdb", "pages", "serve"):
        assert f"Provides-Extra: {extra}" in metadata.read_text(encoding="utf-8")
    # No module is left that imports by the checkout's names.
    folders = "|".join(path.name for path in package.iterdir() if any(path.glob("*.py")))
    assert {"base", "models", "trainers", "utils"} <= set(folders.split("|"))
    for path in package.rglob("*.py"):
        found = re.search(rf"^\s*(from|import) ({folders})\b", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert not found, (path, found)


def test_package_in_python(installed, tmp_path):
    """The import is cheap and shadows nobody's modules; tools run by the names their messages give."""
    code = "import sys, seq2seq_ocr as s; print('tensorflow' in sys.modules, 'utils' in sys.modules, s.load)"
    result = run(installed, tmp_path, "-c", code)
    assert result.stdout.startswith("False False <function load"), result.stderr
    result = run(installed, tmp_path, "-m", "seq2seq_ocr.tools.create_synthetic", "--output", "d", "--words", "10")
    assert result.returncode == 0 and (tmp_path / "d" / "labels.json").is_file(), result.stderr
    result = run(installed, tmp_path, "-m", "seq2seq_ocr.tools.inspect_dataset", "--help")
    assert result.returncode == 0 and "--plot" in result.stdout
    result = run(installed, tmp_path, "-m", "seq2seq_ocr.main", "--train", "-c", "none.yml")
    assert result.returncode == 2 and "none.yml" in result.stderr
