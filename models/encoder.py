"""CNN -> columns -> LSTM encoder."""

import keras
from keras import layers

from models.layers import BatchNormalization, Columns, Conv2D, HideSpans, MaskColumns, NormalizeImage
from models.lstm import LSTM
from utils.config.image import ImageConfig
from utils.config.network import NetworkConfig


def build_encoder(image: ImageConfig, network: NetworkConfig) -> keras.Model:
    """Returns the part of the network that is run once per word.

    Inputs: image (B, y_size, W, channels) uint8 with W a multiple of the horizontal stride; width (B,) int32, valid
    pixels. Outputs: `memory` (B, S, D), `mask` (B, S) bool, `state_h` and `state_c` (B, latent_dim).
    """
    size = image.image_size
    fixed = size.x_size if image.fixed_width else None
    picture = keras.Input((size.y_size, fixed, size.num_channels), dtype="uint8", name="image")
    width = keras.Input((), dtype="int32", name="width")
    features = NormalizeImage(image.normalization, name="normalize")(picture, width)
    features = _convolutions(features, width, network, masked=not image.fixed_width)
    columns, mask = Columns(network.columns, network.column_stride, name="columns")(features, width)
    if network.column_dim:
        columns = layers.Dense(network.column_dim, name="column_projection")(columns)
    if network.hidden_columns:
        columns = HideSpans(network.hidden_columns, name="hide_spans")(columns)
    memory, state_h, state_c = _lstm_layers(columns, mask, network)
    return keras.Model([picture, width], [memory, mask, state_h, state_c], name="encoder")


def _convolutions(features, width, network: NetworkConfig, masked: bool):
    """Adds blocks of convolution, batch norm, residual units, max pooling and ReLU.

    ReLU and masking follow the pooling, with the same result as before it, but on fewer values: widths are multiples of
    all strides, so no window crosses the mask's edge.
    """
    stride = 1
    blocks = len(network.num_filters)
    norms = network.normalized
    units = network.residual_units

    def activate(values, name: str):
        values = layers.Activation("relu", name=f"activation_{name}")(values)
        return MaskColumns(stride, name=f"mask_{name}")(values, width) if masked else values

    for block in range(blocks):
        filters, name, step = network.num_filters[block], str(block + 1), tuple(network.steps[block])
        features = _convolve(features, filters, network.conv_kernels[block], step, norms[block], name)
        stride *= step[1]
        for unit in range(units[block]):
            features = activate(features, f"{name}_{unit}")
            inner = _convolve(features, filters, (3, 3), (1, 1), norms[block], f"{name}_{unit}a")
            inner = activate(inner, f"{name}_{unit}a")
            inner = _convolve(inner, filters, (3, 3), (1, 1), norms[block], f"{name}_{unit}b")
            features = layers.Add(name=f"add_{name}_{unit}")([features, inner])
        pool = tuple(network.pools[block])
        if pool != (1, 1):
            features = layers.MaxPooling2D(pool, name=f"maxpool_{name}")(features)
        stride *= pool[1]
        features = activate(features, name)
    if network.conv_dropout:
        features = layers.SpatialDropout2D(network.conv_dropout, name="conv_dropout")(features)
    return features


def _convolve(features, filters: int, kernel, step, normalized: bool, name: str):
    """Adds a convolution; batch norm makes its bias superfluous."""
    features = Conv2D(
        filters, tuple(kernel), strides=step, padding="same", use_bias=not normalized, name=f"conv_{name}"
    )(features)
    return BatchNormalization(name=f"batch_norm_{name}")(features) if normalized else features


def _lstm_layers(columns, mask, network: NetworkConfig):
    """Adds LSTMs over the columns; returns outputs and last states, projected to latent_dim."""
    units = network.encoder_units
    for layer in range(network.encoder_layers):
        if network.dropout:
            columns = layers.Dropout(network.dropout, name=f"encoder_dropout_{layer + 1}")(columns)
        name = "lstm_encoder" if layer == 0 else f"lstm_encoder_{layer + 1}"
        lstm = LSTM(units, return_sequences=True, return_state=True, name=name)
        if network.bidirectional:
            lstm = layers.Bidirectional(lstm, name=f"bidirectional_{layer + 1}")
        columns, *states = lstm(columns, mask=mask)
    if network.bidirectional:
        states = [layers.Concatenate(name=f"join_{name}")(states[i::2]) for i, name in enumerate("hc")]
    state_h, state_c = states
    if state_h.shape[-1] != network.latent_dim:
        state_h = layers.Dense(network.latent_dim, activation="tanh", name="bridge_h")(state_h)
        state_c = layers.Dense(network.latent_dim, name="bridge_c")(state_c)
    return columns, state_h, state_c
