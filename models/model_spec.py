"""The specification that a network is built from; read without Keras."""

from dataclasses import dataclass, replace
from itertools import pairwise

from preprocessing.tokenizer import Tokenizer
from utils.config.image import ImageConfig
from utils.config.network import NetworkConfig


@dataclass(frozen=True)
class ModelSpec:
    """Image geometry, network and charset: everything about a model but its weights."""

    image: ImageConfig
    network: NetworkConfig
    tokenizer: Tokenizer

    @property
    def column_stride(self) -> int:
        """Pixels of image width per encoder column."""
        return self.network.column_stride

    def min_width(self, label: str) -> int:
        """Returns the pixels of image width that the CTC loss needs for a label; 0 without that loss."""
        return ctc_columns(label) * self.column_stride if self.network.ctc_weight else 0

    def with_max_pixels(self, max_pixels: int) -> "ModelSpec":
        """Returns the same spec for image files of up to `max_pixels` pixels; no weight depends on it."""
        return replace(self, image=self.image.model_copy(update={"max_pixels": max_pixels}))


def ctc_columns(label: str) -> int:
    """Returns the columns that CTC needs: one per character, and one between two equal characters."""
    return len(label) + sum(first == second for first, second in pairwise(label))
