"""What a network is built from; read without Keras."""

from dataclasses import dataclass, replace

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

    def with_max_pixels(self, max_pixels: int) -> "ModelSpec":
        """The same spec for image files of up to `max_pixels` pixels, a limit that no weight depends on."""
        return replace(self, image=self.image.model_copy(update={"max_pixels": max_pixels}))
