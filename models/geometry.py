"""Sizes that follow from a network's config; computed without Keras."""

import math
from itertools import pairwise

from utils.config.network import NetworkConfig


def ctc_columns(label: str) -> int:
    """Returns the columns that CTC needs: one per character, and one between two equal characters."""
    return len(label) + sum(first == second for first, second in pairwise(label))


def least_parameters(network: NetworkConfig, vocabulary_size: int) -> int:
    """Returns a lower bound of the number of weights, which includes the largest matrices."""
    filters, latent = network.num_filters, network.latent_dim
    encoder, column = network.encoder_dim or latent, network.column_dim or filters[-1]
    directions = 2 if network.bidirectional else 1
    convolutions = sum(
        math.prod(kernel) * before * after
        for kernel, before, after in zip(network.conv_kernels, [1, *filters], filters)
    )
    residual = sum(2 * 9 * units * size * size for units, size in zip(network.residual or [], filters))
    projection = network.column_dim * filters[-1]
    inputs = column + (network.encoder_layers - 1) * directions * encoder
    lstm = directions * 4 * encoder * (inputs + network.encoder_layers * encoder)
    embedding = network.embedding_dim * vocabulary_size
    decoder = 4 * latent * (latent + (network.embedding_dim or vocabulary_size)) + latent * vocabulary_size
    return convolutions + residual + projection + lstm + embedding + decoder
