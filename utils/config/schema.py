"""The root of the config: its sections, and the checks across them.

Each section is a frozen pydantic model in a file of its own; a key has a type, a default, an allowed range and a
description there. The defaults are a good recipe for words at 300 dpi.
"""

from pydantic import model_validator

from utils.config.callbacks import CallbacksConfig
from utils.config.data_aug import DataAugConfig
from utils.config.image import ImageConfig
from utils.config.network import NetworkConfig
from utils.config.predict import PredictConfig
from utils.config.section import Natural, Section, key, refuse
from utils.config.synthetic import SyntheticConfig
from utils.config.text import TextConfig
from utils.config.train import TrainConfig


class Config(Section):
    """One experiment: data, network, training and prediction."""

    images_folder: str = key("./datasets/synthetic/words/", "folder to which file names in labels_file are relative")
    labels_file: str = key("./datasets/synthetic/labels.json", "images and labels of the splits train, val and test")
    follow_links: bool = key(False, "whether images may be links out of images_folder, as in stores such as DVC")
    data_licence: str = key(
        "", "the licence of the data, written into every model folder; empty: that of the model to start from"
    )
    cache_folder: str = key(
        "./datasets/.cache", "decoded images, so that each image file is read only once", min_length=1
    )
    experiment_folder: str = key("./experiments/default", "everything that training writes", min_length=1)
    seed: Natural = key(1, "seed of initial weights, shuffling, augmentation and dropout", le=2**32 - 1)
    synthetic: SyntheticConfig = SyntheticConfig()
    text: TextConfig = TextConfig()
    image: ImageConfig = ImageConfig()
    train: TrainConfig = TrainConfig()
    predict: PredictConfig = PredictConfig()
    network: NetworkConfig = NetworkConfig()
    data_aug: DataAugConfig = DataAugConfig()
    callbacks: CallbacksConfig = CallbacksConfig()

    @model_validator(mode="after")
    def _sections_agree(self) -> "Config":
        refuse(_geometry_problems(self.image, self.network) + _training_problems(self))
        return self


def _geometry_problems(image: ImageConfig, network: NetworkConfig) -> list[str]:
    size, stride, problems = image.image_size, network.column_stride, []
    height, width = size.y_size, size.x_size
    for block, (step, pool) in enumerate(zip(network.steps, network.pools), start=1):
        height, width = -(-height // step[0]) // pool[0], -(-width // step[1]) // pool[1]
        if height < 1 or width < 1:
            problems.append(
                f"network.pooling leaves nothing of a {size.y_size}x{size.x_size} image "
                f"at block {block}: use fewer or smaller poolings and strides"
            )
            break
    if image.fixed_width and size.x_size % stride:
        problems.append(
            f"image.image_size.x_size {size.x_size} is no multiple of {stride}, the pixels of a column: "
            f"with image.fixed_width set it to {-(-size.x_size // stride) * stride}"
        )
    if network.columns == "flatten" and not image.fixed_width:
        problems.append("network.columns flatten needs image.fixed_width true: set it, or use columns height")
    return problems


def _training_problems(config: Config) -> list[str]:
    train, problems = config.train, []
    if train.packed.folder and (train.additional_data or train.train_on_subset.enabled):
        problems.append(
            "train.packed.folder excludes train.additional_data and train.train_on_subset: pack the "
            "words that you want, and leave out the other two"
        )
    if train.weights_initialization.add_characters and config.network.charset is not None:
        name = "train.weights_initialization.add_characters"
        problems.append(f"{name} needs network.charset null: a charset in the config is complete")
    if train.schedule == "cosine" and config.callbacks.reduce_lr_on_plateau.enabled:
        problems.append(
            "callbacks.reduce_lr_on_plateau excludes train.schedule cosine: set train.schedule to constant, "
            "or disable the callback"
        )
    return problems
