"""Config section `train`: data, optimizer, devices and output of a training."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from utils.config.section import Fraction, Natural, NotNegative, PositiveInt, Real, Section, Share, key
from utils.config.synthetic import SyntheticConfig


class TrainOnSubsetConfig(Section):
    enabled: bool = key(False, "train on a random part of labels_file's training words, but on all additional_data")
    random_seed: Natural = key(33, "seed of the choice")
    dataset_fraction: Share = key(0.8, "part of the training words, drawn without replacement")


class WeightsInitializationConfig(Section):
    use_pretrained_weights: bool = key(False, "start from the weights of another model")
    restore_from: str | None = key(None, "model folder to start from")
    add_characters: bool = key(
        False, "with network.charset null: add the training labels' characters to the model's, which keep their weights"
    )


class OutputConfig(Section):
    output_weights: str | None = key(None, "model folder to copy the best model to at the end")


class PackedConfig(Section):
    """Training words in a few large files, for more words than memory or a file system can hold."""

    folder: str | None = key(None, "packed dataset (tools.pack_dataset) that replaces labels_file's train words")


class AdditionalDataConfig(Section):
    """A dataset whose training words are mixed in; of its other words, validation lines serve calibration."""

    labels_file: str = key(..., "labels of a dataset to mix in")
    images_folder: str = key(..., "folder to which its file names are relative")
    follow_links: bool = key(False, "whether its images may be links out of that folder")
    words_per_epoch: Natural = key(0, "words of it per epoch, different ones in the next; 0: all")
    damaged_share: Share = key(
        1.0, "damaged words of it in an epoch for each plain one, with data_aug.damaged_copies; 0: none are made"
    )
    synthetic: SyntheticConfig = SyntheticConfig()


def _named(datasets: Any) -> Any:
    """Returns the datasets by name, also where the keys of a single one stand in their place, as in earlier files."""
    keys = set(AdditionalDataConfig.model_fields)
    if not isinstance(datasets, dict) or not datasets or not set(datasets) <= keys:
        return datasets
    # A dataset may be named like a key; the section `synthetic` has no labels file.
    if any(
        isinstance(value, dict) and (name != "synthetic" or "labels_file" in value) for name, value in datasets.items()
    ):
        return datasets
    return {"data": datasets} if datasets.get("labels_file", datasets.get("images_folder")) else {}


class DistributionConfig(Section):
    """Training on several devices or machines, as described in docs/SCALING.md."""

    strategy: Literal["none", "mirrored", "data_parallel"] = key(
        "none", "mirrored: all GPUs of one machine (TensorFlow); data_parallel: all processes and their GPUs (JAX)"
    )
    coordinator: Annotated[str, Field(pattern=r"^[^\s:]+:\d{1,5}$|^\[[^\s\]]+\]:\d{1,5}$")] | None = key(
        None, "host:port at which process 0 can be reached; null: as JAX detects, such as from SLURM"
    )
    num_processes: PositiveInt | None = key(None, "number of processes; null: as JAX detects, or 1")
    process_id: Natural | None = key(
        None, "number of this process, from 0; null: as JAX detects, or the index of a Kubernetes indexed job"
    )
    timeout: Annotated[int, Field(ge=10)] = key(100, "seconds without a sign of life until a process counts as lost")


class TrainConfig(Section):
    """Data, optimizer, devices and output of a training."""

    train_on_subset: TrainOnSubsetConfig = TrainOnSubsetConfig()
    additional_data: Annotated[dict[str, AdditionalDataConfig], BeforeValidator(_named)] = key(
        {}, "datasets to mix in, each under a name of its own, with the keys below"
    )
    words_per_epoch: Natural = key(
        0, "of labels_file's or the packed dataset's own words, so many per epoch, others in the next; 0: all"
    )
    packed: PackedConfig = PackedConfig()
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop", "adagrad", "adadelta"] = key("adamw", "optimizer")
    learning_rate: Real = key(0.003, "peak learning rate", gt=0)
    warmup_steps: Natural = key(300, "steps over which the learning rate rises linearly to its peak")
    schedule: Literal["constant", "cosine"] = key("cosine", "course of the learning rate after warm-up")
    final_learning_rate: NotNegative = key(1e-5, "learning rate at the end of a cosine schedule, at most learning_rate")
    weight_decay: NotNegative = key(0.02, "decoupled weight decay per step; adamw only")
    clip_norm: NotNegative = key(1.0, "largest global gradient norm; 0: no clipping")
    ema_decay: Fraction = key(0.0, "moving average of the weights, evaluated and saved instead of them; 0: off")
    label_smoothing: Fraction = key(0.05, "probability mass spread over all characters")
    batch_size: PositiveInt = key(128, "words per step")
    batch_width: Natural = key(
        0, "pixels of width per step, all images together, so that steps of lines hold fewer of them; 0: no limit"
    )
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16", "auto"] = key(
        "auto",
        "number format of training's matrix products; mixed_float16: for GPUs without bfloat16; "
        "auto: mixed_bfloat16 on CPUs with instructions for it, float32 elsewhere",
    )
    statistics_batches: Natural = key(
        40, "training batches that give batch normalisation's statistics after each epoch; 0: keep the running averages"
    )
    fixed_statistics_epochs: Natural = key(
        1, "last epochs in which batch normalisation uses its running averages, as in prediction, not each batch's own"
    )
    distribution: DistributionConfig = DistributionConfig()
    num_epochs: PositiveInt = key(50, "passes over the training words")
    num_workers: PositiveInt = key(2, "threads that augment and batch ahead of training", le=256)
    weights_initialization: WeightsInitializationConfig = WeightsInitializationConfig()
    output: OutputConfig = OutputConfig()
    save_every_minutes: NotNegative = key(5.0, "minutes between saves of the training state; 0: after epochs only")
    max_unusable_share: Share = key(0.05, "refuse to start when more than this share of the words is unusable")
