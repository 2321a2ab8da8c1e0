"""What a network's shape means for images; read without Keras."""

import math

from utils.config_schema import Network


def horizontal_stride(network: Network) -> int:
    """Pixels of image width per encoder column."""
    return math.prod(size_x for _, size_x in network.steps + network.pools)
