"""What a network's shape means for images; read without Keras."""

import math
from itertools import pairwise

from utils.config.network import NetworkConfig


def ctc_columns(label: str) -> int:
    """Columns that CTC needs at least: one for each character, and one more between two equal ones."""
    return len(label) + sum(first == second for first, second in pairwise(label))


def least_parameters(network: NetworkConfig, vocabulary_size: int) -> int:
    """A number of weights that the network has at least: each of its sizes costs some.

    The largest matrices are in it, so a network that has not many more can be built.
    """
    kernels = [math.prod(kernel) for kernel in network.conv_kernels]
    filters = network.num_filters
    convolutions = sum(
        kernel * before * after for kernel, before, after in zip(kernels, [1, *filters], filters)
    )
    units = network.residual or [0] * len(filters)
    residual = sum(2 * count * 9 * size * size for count, size in zip(units, filters))
    latent, encoder = network.latent_dim, network.encoder_dim or network.latent_dim
    column = network.column_dim or filters[-1]
    projection = network.column_dim * filters[-1]
    ways = 2 if network.bidirectional else 1
    one_way = 4 * encoder * (column + encoder)
    one_way += (network.encoder_layers - 1) * 4 * encoder * (ways * encoder + encoder)
    lstm = ways * one_way
    embedding = network.embedding_dim * vocabulary_size
    decoder = 4 * latent * (latent + (network.embedding_dim or vocabulary_size)) + latent * vocabulary_size
    return convolutions + residual + projection + lstm + embedding + decoder
