"""Every config key: its type, its default, its allowed range and what it does.

The seed project's key names stay and every default is its behaviour, so a config file written for
it loads unedited and builds its network; the recipes in `configs/` switch on what is better. Each
section is a frozen pydantic model; `utils/config.py` reads files into them.
"""

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from utils.config.data import (
    DataAugConfig,
    ImageConfig,
    PositiveInt,
    Real,
    Section,
    Share,
    Size,
    SyntheticConfig,
    key,
)
from utils.config.predict import ExportConfig, PredictConfig
from utils.config.train import TrainConfig

Pair = Annotated[list[Annotated[int, Field(ge=1, le=1024)]], Field(min_length=2, max_length=2)]
Metric = Literal["val_cer", "val_wer", "val_loss", "loss"]


class NetworkConfig(Section):
    num_filters: list[Size] = key(
        [16, 32, 64, 128, 256, 512], "filters of each convolution block", min_length=1, max_length=100
    )
    conv_kernels: list[Pair] = key(
        [[7, 7], [5, 5], [5, 5], [3, 3], [3, 3], [3, 3]], "kernel [height, width] of each block"
    )
    strides: list[Pair] | None = key(
        None, "step [height, width] of each block's convolution; null: [1, 1] everywhere"
    )
    pooling: list[Pair] | None = key(
        None, "max pooling [height, width] after each block; null: [2, 2] everywhere"
    )
    residual: list[Annotated[int, Field(ge=0, le=100)]] | None = key(
        None, "residual 3x3 double convolutions added to each block before its pooling; null: none"
    )
    use_batch_norm: bool | list[bool] = key(True, "batch normalisation, for all blocks or for each")
    conv_dropout: Annotated[Real, Field(ge=0, lt=1)] = key(
        0.0, "dropout on whole feature maps of the last block"
    )
    columns: Literal["flatten", "height"] = key(
        "flatten",
        "flatten: each position is a step, row by row; height: each column is a step, its rows stacked",
    )
    column_dim: int = key(
        0, "size to which each column is projected before the encoder; 0: not projected", ge=0, le=65_536
    )
    encoder_dim: int = key(0, "units of each encoder LSTM and direction; 0: latent_dim", ge=0, le=65_536)
    encoder_layers: Annotated[int, Field(ge=1, le=100)] = key(1, "number of stacked encoder LSTMs")
    bidirectional: bool = key(False, "read the columns in both directions")
    latent_dim: Size = key(512, "units of the decoder LSTM")
    decoder_layers: Literal[1, 2] = key(1, "2: a second LSTM reads what attention found; needs attention")
    attention: Literal["none", "luong"] = key(
        "none", "none: plain seq2seq; luong: attention over the columns"
    )
    embedding_dim: int = key(0, "size of the character embedding of the decoder; 0: one-hot", ge=0, le=65_536)
    dropout: Annotated[Real, Field(ge=0, lt=1)] = key(0.0, "dropout before encoder, decoder and output")
    ctc_weight: Share = key(0.0, "weight of a joint CTC loss on the encoder's columns; 0: none")
    charset: str | None = key(
        None, "characters the model can write; null: those of the training labels", min_length=1
    )
    max_seq_lenght: Annotated[int, Field(ge=2, le=65_536)] = key(
        55, "longest label plus one (the seed project's spelling)"
    )
    fixed_seq_length: bool = key(True, "pad every target to max_seq_lenght instead of to the batch's longest")
    loss: Literal["categorical_crossentropy", "sparse_categorical_crossentropy"] = key(
        "categorical_crossentropy",
        "cross-entropy per character, averaged over the real ones; both names mean it",
    )

    @model_validator(mode="after")
    def _one_entry_per_block(self) -> "NetworkConfig":
        blocks = len(self.num_filters)
        for name in ("conv_kernels", "strides", "pooling", "residual", "use_batch_norm"):
            value = getattr(self, name)
            if isinstance(value, list) and len(value) != blocks:
                raise ValueError(
                    f"{name} has {len(value)} entries, but num_filters has {blocks}: give one per block"
                )
        if self.decoder_layers == 2 and self.attention == "none":
            raise ValueError(
                "decoder_layers 2 needs attention luong: its second LSTM reads what attention found"
            )
        return self

    @property
    def steps(self) -> list[list[int]]:
        """Convolution step [height, width] of each block."""
        return self.strides or [[1, 1]] * len(self.num_filters)

    @property
    def normalized(self) -> list[bool]:
        """Whether each block has batch norm."""
        wanted = self.use_batch_norm
        return wanted if isinstance(wanted, list) else [wanted] * len(self.num_filters)

    @property
    def pools(self) -> list[list[int]]:
        """Pooling [height, width] of each block."""
        return self.pooling or [[2, 2]] * len(self.num_filters)

    @property
    def column_stride(self) -> int:
        """Pixels of image width per encoder column."""
        return math.prod(size_x for _, size_x in self.steps + self.pools)


class EarlyStoppingConfig(Section):
    enabled: bool = key(False, "stop when the monitored value no longer improves")
    monitor: Metric = key("val_cer", "value to watch")
    patience: PositiveInt = key(10, "epochs without improvement before stopping")


class CheckpointConfig(Section):
    enabled: bool = key(True, "write this snapshot")
    out_file: str | None = key(None, "model folder to write; null: `best` or `last` in experiment_folder")
    monitor: Metric = key("val_cer", "value that decides which epoch is best")


class TensorBoardConfig(Section):
    enabled: bool = key(False, "write TensorBoard logs")
    log_dir: str | None = key(None, "their folder; null: `tensorboard` in experiment_folder")


class ReduceLrOnPlateauConfig(Section):
    enabled: bool = key(False, "lower the learning rate when the monitored value stalls")
    monitor: Metric = key("val_loss", "value to watch")
    factor: Annotated[Real, Field(gt=0, lt=1)] = key(0.1, "factor on the learning rate")
    patience: PositiveInt = key(10, "epochs without improvement before lowering")


class ValidationConfig(Section):
    """Decoding of validation words after each epoch, for val_cer and val_wer."""

    max_words: int = key(0, "decode this many validation words, spread over the set; 0: all", ge=0)
    every_epochs: PositiveInt = key(1, "decode after every so many epochs, and after the last")


class CallbacksConfig(Section):
    early_stopping: EarlyStoppingConfig = EarlyStoppingConfig()
    model_best_checkpoint: CheckpointConfig = CheckpointConfig()
    model_last_checkpoint: CheckpointConfig = CheckpointConfig()
    tensorboard: TensorBoardConfig = TensorBoardConfig()
    reduce_lr_on_plateau: ReduceLrOnPlateauConfig = ReduceLrOnPlateauConfig()
    validation: ValidationConfig = ValidationConfig()


class Config(Section):
    """One experiment: data, network, training and prediction."""

    images_folder: str = key(
        "./datasets/synthetic/words/", "folder that the file names in labels_file start from"
    )
    labels_file: str = key(
        "./datasets/synthetic/labels.json", "which images belong to train, val and test, with labels"
    )
    data_licence: str = key(
        "", "what the data's licence asks of the weights; written into every model folder"
    )
    cache_folder: str = key(
        "./datasets/.cache", "decoded images, so that epochs never read image files again"
    )
    experiment_folder: str = key("./experiments/default", "everything that training writes")
    seed: int = key(1, "seed of initial weights, shuffling, augmentation and dropout", ge=0)
    synthetic: SyntheticConfig = SyntheticConfig()
    image: ImageConfig = ImageConfig()
    train: TrainConfig = TrainConfig()
    predict: PredictConfig = PredictConfig()
    export: ExportConfig = ExportConfig()
    network: NetworkConfig = NetworkConfig()
    data_aug: DataAugConfig = DataAugConfig()
    callbacks: CallbacksConfig = CallbacksConfig()

    @property
    def for_training_words(self) -> "Config":
        """The config by which training words are opened, without what distortion does to them by itself.

        What moves ink leaves margins, and resampling softens edges as `image.blur` does.
        """
        aug, update = self.data_aug, {}
        if aug.use_data_aug and aug.moves_ink:
            update = {"margin": 0, "blur": 0.0}
        elif aug.use_data_aug and aug.blur_range:
            update = {"blur": 0.0}
        return self.model_copy(update={"image": self.image.model_copy(update=update)})

    def in_geometry_of(self, image: ImageConfig) -> "Config":
        """The config in a model's geometry; how large files may be is not the model's to say."""
        image = image.model_copy(update={"max_pixels": self.image.max_pixels})
        return self.model_copy(update={"image": image})

    @model_validator(mode="after")
    def _packed_words_are_all(self) -> "Config":
        train = self.train
        if train.packed.folder and (train.additional_data.labels_file or train.train_on_subset.enabled):
            raise ValueError(
                "train.packed.folder excludes train.additional_data and train.train_on_subset: pack the "
                "words that you want, and leave out the other two"
            )
        return self

    @model_validator(mode="after")
    def _geometry_holds(self) -> "Config":
        size, network = self.image.image_size, self.network
        height, width = size.y_size, size.x_size
        for block, (step, pool) in enumerate(zip(network.steps, network.pools), start=1):
            height, width = -(-height // step[0]) // pool[0], -(-width // step[1]) // pool[1]
            if height < 1 or width < 1:
                raise ValueError(
                    f"network.pooling leaves nothing of a {size.y_size}x{size.x_size} image "
                    f"at block {block}: use fewer or smaller poolings and strides"
                )
        stride = network.column_stride
        if self.image.fixed_width and size.x_size % stride:
            raise ValueError(
                f"image.image_size.x_size {size.x_size} is no multiple of {stride}, the pixels of a column: "
                f"with image.fixed_width set it to {-(-size.x_size // stride) * stride}"
            )
        if network.columns == "flatten" and not self.image.fixed_width:
            raise ValueError(
                "network.columns flatten needs image.fixed_width true: set it, or use columns height"
            )
        if network.columns == "flatten" and network.ctc_weight:
            raise ValueError(
                "network.ctc_weight needs network.columns height: CTC reads columns from left to right"
            )
        if self.train.weights_initialization.add_characters and network.charset is not None:
            raise ValueError(
                "train.weights_initialization.add_characters needs network.charset null: "
                "a charset that is named holds its characters already"
            )
        if self.train.schedule == "cosine" and self.callbacks.reduce_lr_on_plateau.enabled:
            raise ValueError(
                "train.schedule cosine and callbacks.reduce_lr_on_plateau exclude each other: choose one"
            )
        return self
