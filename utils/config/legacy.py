"""Upgrades settings of earlier formats: the seed project's, and that of v1.0, which had its defaults.

A config file is in one of them if it has the key `network.max_seq_lenght`, the seed project's spelling.
"""

from collections.abc import Iterable
from typing import Any

import yaml

from utils.config.section import merged

OLD_LENGTH, LENGTH = "max_seq_lenght", "max_seq_length"
# The defaults of these formats, where today's are others or a model may lack the key.
DEFAULTS = """
image:
  {image_size: {y_size: 128, x_size: 384, num_channels: 1}, convert_to_grayscale: false, scale: fit,
   normaliser: {channel: false, polarity: false, paper: false, rulings: false, specks: false, trim: false,
                upright: false, straighten: false},
   binarization: none, fixed_width: true, normalization: standard, margin: 0, blur: 0.0}
network:
  {num_filters: [16, 32, 64, 128, 256, 512],
   conv_kernels: [[7, 7], [5, 5], [5, 5], [3, 3], [3, 3], [3, 3]], strides: null, pooling: null,
   residual: null, use_batch_norm: true, conv_dropout: 0.0, hidden_columns: 0.0, columns: flatten, column_dim: 0,
   encoder_dim: 0, encoder_layers: 1, bidirectional: false, latent_dim: 512, decoder_layers: 1,
   attention: none, embedding_dim: 0, dropout: 0.0, ctc_weight: 0.0, charset: null,
   max_seq_length: 55, fixed_seq_length: true}
train:
  {optimizer: adam, learning_rate: 0.001, warmup_steps: 0, schedule: constant, weight_decay: 0.0,
   clip_norm: 0.0, label_smoothing: 0.0, batch_size: 256, precision: float32, statistics_batches: 0,
   fixed_statistics_epochs: 0}
data_aug:
  {use_data_aug: false, rotation_range: 0.0, height_shift_range: 0.0, zoom_range: [1.0, 1.0],
   shear_range: 0.0, elastic_range: 0.0, thickness_range: 0.0}
"""
WITHOUT_EFFECT = ("callbacks.model_last_checkpoint.monitor",)
DROPPED = ("export", "train.use_multiprocessing", "train.output.output_graph", "predict.graph_file")
# What the seed project wrote as `.h5` files are folders.
MODEL_FOLDERS = (
    "train.weights_initialization.restore_from",
    "train.output.output_weights",
    "predict.weights_file",
    "callbacks.model_best_checkpoint.out_file",
    "callbacks.model_last_checkpoint.out_file",
)


def upgrade_config(values: dict[str, Any]) -> dict[str, Any]:
    """Returns the values of a config file in today's format, without keys that never had an effect."""
    _drop(values, WITHOUT_EFFECT)
    network = values.get("network")
    if not isinstance(network, dict) or OLD_LENGTH not in network:
        return values
    values = merged(_defaults(), {**values, "network": upgrade_network(network)})
    _drop(values, DROPPED)
    for name in MODEL_FOLDERS:
        section, last = _find(values, name)
        if isinstance(section.get(last), str):
            section[last] = section[last].removesuffix(".h5").removesuffix(".weights")
    return values


def upgrade_network(values: Any) -> Any:
    """Returns the section `network` of a model or training state; keys it lacks have their former defaults."""
    if not isinstance(values, dict):
        return values
    renamed = {LENGTH if name == OLD_LENGTH else name: value for name, value in values.items()}
    renamed.pop("loss", None)
    return _defaults()["network"] | renamed


def upgrade_image(values: Any) -> Any:
    """Returns the section `image` of a model or training state; keys it lacks have their former defaults."""
    return merged(_defaults()["image"], values) if isinstance(values, dict) else values


def upgrade_key(name: str) -> str:
    """Returns today's dotted name of a key."""
    return name.replace(f"network.{OLD_LENGTH}", f"network.{LENGTH}")


def _drop(values: dict[str, Any], names: Iterable[str]) -> None:
    for name in names:
        section, last = _find(values, name)
        section.pop(last, None)


def _defaults() -> dict[str, Any]:
    return yaml.safe_load(DEFAULTS)


def _find(values: dict[str, Any], name: str) -> tuple[dict[str, Any], str]:
    """Returns the mapping in which the last part of a dotted name is a key (empty if missing), and that part."""
    *parents, last = name.split(".")
    section: Any = values
    for parent in parents:
        section = section.get(parent) if isinstance(section, dict) else None
    return section if isinstance(section, dict) else {}, last
