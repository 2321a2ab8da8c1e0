"""A small fixed set of batch shapes, for what compiles anew for each shape (XLA, so JAX)."""

import math
from collections.abc import Sequence

from utils.config.data_aug import DataAugConfig
from utils.config.image import ImageConfig
from utils.config.network import NetworkConfig

# Parts of the largest width, each about a third more than the one before: padding stays below that.
WIDTHS = (1 / 6, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 1)
LENGTHS = (8, 16)


class Buckets:
    """Shapes to which batches are padded.

    All processes of a training must come to the same shape without asking each other, so it depends on
    what all of them know of a batch: widths before augmentation, and labels.

    Args:
        column_stride: pixels per encoder column.
        aug: the distortions that may make images wider than they are; None: there are none.

    Attributes:
        widths, lengths: ascending, in pixels and in characters with END.
    """

    def __init__(
        self, image: ImageConfig, network: NetworkConfig, column_stride: int, aug: DataAugConfig | None = None
    ) -> None:
        size = image.image_size
        self.fixed_width = size.x_size if image.fixed_width else None
        self.stride = column_stride
        self.widths = sorted({self._columns(part * size.x_size) for part in WIDTHS})
        longest = network.max_seq_length
        self.lengths = [length for length in LENGTHS if length < longest] + [longest]
        if network.fixed_seq_length:
            self.lengths = [longest]
        # What most of the distortions need; the few that need more are squeezed into it.
        self.zoom = aug.zoom_range[1] if aug else 1.0
        self.slant = size.y_size * math.tan(math.radians(aug.shear_range)) / 2 if aug else 0.0

    def width(self, widest: int, least: int = 0) -> int:
        """The width of a batch whose widest image, before augmentation, has `widest` pixels.

        Args:
            least: pixels that it has at least (CTC needs a column per character).
        """
        if self.fixed_width:
            return self.fixed_width
        wanted = min(widest * self.zoom + self.slant, self.widths[-1])
        return _smallest(self.widths, self._columns(max(wanted, widest, least)))

    def length(self, longest: int) -> int:
        """The number of steps of a batch whose longest label has `longest` characters."""
        return _smallest(self.lengths, longest + 1)

    def _columns(self, pixels: float) -> int:
        """`pixels` rounded up to whole encoder columns."""
        return math.ceil(pixels / self.stride) * self.stride


def _smallest(sizes: Sequence[int], wanted: int) -> int:
    """The smallest of `sizes` that is large enough; what no size holds stays as it is."""
    return next((size for size in sizes if size >= wanted), wanted)
