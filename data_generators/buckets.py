"""A small fixed set of batch shapes, for backends that compile again for each shape (XLA, so JAX)."""

import math

from utils.config.data_aug import DataAugConfig
from utils.config.image import ImageConfig
from utils.config.network import NetworkConfig

# Fractions of the largest width, each about a third more than the one before, which limits padding.
WIDTHS = (1 / 6, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 1)
LENGTHS = (8, 16)


class Buckets:
    """Shapes to which batches are padded.

    They depend only on widths before augmentation and on labels, which are the same in all processes of a training, so
    that all pad a batch to the same shape without communicating.

    Args:
        aug: distortions that may widen images; None: there are none.

    Attributes:
        widths, lengths: ascending, in pixels and in characters with END.
    """

    def __init__(self, image: ImageConfig, network: NetworkConfig, aug: DataAugConfig | None = None) -> None:
        size, longest = image.image_size, network.max_seq_length
        self.fixed_width = size.x_size if image.fixed_width else None
        self.stride = network.column_stride
        self.widths = sorted({self._columns(part * size.x_size) for part in WIDTHS})
        shorter = [] if network.fixed_seq_length else [length for length in LENGTHS if length < longest]
        self.lengths = [*shorter, longest]
        # Enough for most distortions; images that would need more are squeezed.
        self.zoom = aug.zoom_range[1] if aug else 1.0
        self.slant = size.y_size * math.tan(math.radians(aug.shear_range)) / 2 if aug else 0.0

    def width(self, widest: int, least: int = 0) -> int:
        """Returns the width in pixels, `least` or more, of a batch whose widest image has `widest` un-augmented."""
        if self.fixed_width:
            return self.fixed_width
        wanted = min(widest * self.zoom + self.slant, self.widths[-1])
        return _smallest(self.widths, self._columns(max(wanted, widest, least)))

    def length(self, longest: int) -> int:
        """Returns the number of steps of a batch whose longest label has `longest` characters."""
        return _smallest(self.lengths, longest + 1)

    def _columns(self, pixels: float) -> int:
        """Rounds `pixels` up to whole encoder columns."""
        return math.ceil(pixels / self.stride) * self.stride


def _smallest(sizes: list[int], wanted: int) -> int:
    """Returns the smallest of `sizes` that is at least `wanted`, else `wanted`."""
    return next((size for size in sizes if size >= wanted), wanted)
