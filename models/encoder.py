"""CNN -> columns -> LSTM encoder."""

import math

import keras
from keras import layers

from models.layers import Columns, MaskColumns, NormalizeImage
from utils.config_schema import Image, Network


def horizontal_stride(network: Network) -> int:
    """Pixels of image width per encoder column."""
    return math.prod(pool_x for _, pool_x in network.pools)


def build_encoder(image: Image, network: Network) -> keras.Model:
    """The part of the network that looks at the image, run once per word.

    Inputs: image (B, y_size, W, channels) uint8 with W a multiple of the horizontal stride;
    width (B,) int32, valid pixels.
    Outputs: `memory` (B, S, D), `mask` (B, S) bool, `state_h` and `state_c` (B, latent_dim).
    """
    size = image.image_size
    fixed = size.x_size if image.fixed_width else None
    picture = keras.Input((size.y_size, fixed, size.num_channels), dtype="uint8", name="image")
    width = keras.Input((), dtype="int32", name="width")
    features = NormalizeImage(image.normalization, name="normalize")(picture, width)
    features = _convolutions(features, width, network, masked=not image.fixed_width)
    columns, mask = Columns(network.columns, horizontal_stride(network), name="columns")(features, width)
    if network.column_dim:
        columns = layers.Dense(network.column_dim, name="column_projection")(columns)
    memory, state_h, state_c = _lstm_layers(columns, mask, network)
    return keras.Model([picture, width], [memory, mask, state_h, state_c], name="encoder")


def _convolutions(features, width, network: Network, masked: bool):
    """Blocks of convolution, batch norm, ReLU, residual units and max pooling."""
    stride = 1

    def mask(values, name):
        return MaskColumns(stride, name=f"mask_{name}")(values, width) if masked else values

    blocks = len(network.num_filters)
    normalized = network.use_batch_norm if isinstance(network.use_batch_norm, list) else [network.use_batch_norm] * blocks
    units = network.residual or [0] * blocks
    for block in range(blocks):
        filters, number = network.num_filters[block], block + 1
        features = _convolve(features, filters, network.conv_kernels[block], normalized[block], str(number))
        features = mask(layers.Activation("relu", name=f"activation_{number}")(features), number)
        for unit in range(1, units[block] + 1):
            shortcut, name = features, f"{number}_{unit}"
            features = _convolve(features, filters, (3, 3), normalized[block], f"{name}a")
            features = mask(layers.Activation("relu", name=f"activation_{name}a")(features), f"{name}a")
            features = _convolve(features, filters, (3, 3), normalized[block], f"{name}b")
            features = layers.Add(name=f"add_{name}")([shortcut, features])
            features = mask(layers.Activation("relu", name=f"activation_{name}b")(features), f"{name}b")
        pool = tuple(network.pools[block])
        if pool != (1, 1):
            features = layers.MaxPooling2D(pool, name=f"maxpool_{number}")(features)
        stride *= pool[1]
    if network.conv_dropout:
        features = layers.SpatialDropout2D(network.conv_dropout, name="conv_dropout")(features)
    return features


def _convolve(features, filters: int, kernel, normalized: bool, name: str):
    """Convolution that keeps the size; batch norm, where used, makes its bias superfluous."""
    features = layers.Conv2D(
        filters, tuple(kernel), padding="same", use_bias=not normalized, name=f"conv_{name}"
    )(features)
    return layers.BatchNormalization(name=f"batch_norm_{name}")(features) if normalized else features


def _lstm_layers(columns, mask, network: Network):
    """Stacked LSTMs over the columns; their last states, brought to latent_dim, start the decoder."""
    units = network.encoder_dim or network.latent_dim
    for layer in range(network.encoder_layers):
        if network.dropout:
            columns = layers.Dropout(network.dropout, name=f"encoder_dropout_{layer + 1}")(columns)
        name = "lstm_encoder" if layer == 0 else f"lstm_encoder_{layer + 1}"
        lstm = layers.LSTM(units, return_sequences=True, return_state=True, name=name)
        if network.bidirectional:
            columns, *states = layers.Bidirectional(lstm, name=f"bidirectional_{layer + 1}")(columns, mask=mask)
        else:
            columns, *states = lstm(columns, mask=mask)
    if network.bidirectional:
        forward_h, forward_c, backward_h, backward_c = states
        state_h = layers.Concatenate(name="join_h")([forward_h, backward_h])
        state_c = layers.Concatenate(name="join_c")([forward_c, backward_c])
    else:
        state_h, state_c = states
    if state_h.shape[-1] != network.latent_dim:
        state_h = layers.Dense(network.latent_dim, activation="tanh", name="bridge_h")(state_h)
        state_c = layers.Dense(network.latent_dim, name="bridge_c")(state_c)
    return columns, state_h, state_c
