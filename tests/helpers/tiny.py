"""A tiny dataset of rendered words, and configs of tiny networks for it."""

import json
import subprocess
import sys
from pathlib import Path

import yaml

from data_generators.synthetic.dataset import create_synthetic
from utils.config.data_aug import DataAugConfig
from utils.config.image import ImageConfig, ImageSizeConfig
from utils.config.legacy import upgrade_config
from utils.config.network import NetworkConfig
from utils.config.section import merged
from utils.config.synthetic import SyntheticConfig

REPOSITORY = Path(__file__).parents[2]
CHARSET = "".join(map(chr, range(33, 127)))
LONGEST = 4

# No feature is on unless a test asks for it: the defaults of the seed project.
PLAIN = upgrade_config({"network": {"max_seq_lenght": 55}})
TINY = {
    "image": {"image_size": {"y_size": 16, "x_size": 64}, "fixed_width": False, "normalization": "ink"},
    "train": {"batch_size": 8, "num_epochs": 2, "learning_rate": 0.01},
    # Untrained networks doubt all they read, and would read every word turned, too.
    "predict": {"batch_size": 6, "turn_below": 0},
    "network": {
        "num_filters": [4],
        "conv_kernels": [[3, 3]],
        "pooling": [[4, 4]],
        "columns": "height",
        "latent_dim": 12,
        "charset": CHARSET,
        "max_seq_length": LONGEST + 1,
        "fixed_seq_length": False,
    },
}


def make_dataset(folder: Path) -> Path:
    """Fills a folder with words and labels.json (20 short ones to train, 6 val, 8 test); also the cache's."""
    file = create_synthetic(folder, {"train": 60, "val": 24, "test": 24}, SyntheticConfig(), workers=1, progress=False)
    splits = json.loads(file.read_text(encoding="utf-8"))
    sizes = {"train": 20, "val": 6, "test": 8}
    short = {
        split: [word for word in words if len(word["label"]) <= LONGEST][: sizes[split]]
        for split, words in splits.items()
    }
    assert {split: len(words) for split, words in short.items()} == sizes
    file.write_text(json.dumps(short), encoding="utf-8")
    return folder


def tiny_settings(dataset: Path, folder: Path, **changes) -> dict:
    """The tiny config with nested `changes`; its experiment is in `folder`."""
    places = {
        "images_folder": str(dataset / "words"),
        "labels_file": str(dataset / "labels.json"),
        "cache_folder": str(dataset / "cache"),
        "experiment_folder": str(folder / "experiment"),
    }
    return merged({**places, **merged(PLAIN, TINY)}, changes)


def write_settings(path: Path, settings: dict) -> str:
    """Writes a config file; returns its path."""
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return str(path)


def command(*arguments: str | Path, **options) -> subprocess.CompletedProcess:
    """`python main.py ARGUMENTS`, finished, with its output as text."""
    line = [sys.executable, str(REPOSITORY / "main.py"), *map(str, arguments)]
    return subprocess.run(line, **{"capture_output": True, "text": True, "timeout": 600, **options})


def plain_image(**changes) -> ImageConfig:
    """The section `image` with the defaults of the seed project."""
    size = changes.get("image_size")
    if isinstance(size, ImageSizeConfig):
        changes["image_size"] = size.model_dump()
    return ImageConfig.model_validate(merged(PLAIN["image"], changes))


def plain_network(**changes) -> NetworkConfig:
    """The section `network` with the defaults of the seed project."""
    return NetworkConfig.model_validate(merged(PLAIN["network"], changes))


def plain_aug(**changes) -> DataAugConfig:
    """The section `data_aug` with all kinds off."""
    return DataAugConfig.model_validate(merged(PLAIN["data_aug"], changes))
