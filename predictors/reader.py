"""The Python API: files and arrays in, predictions out."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, overload

import numpy as np

from base.base_predictor import Prediction
from models.description import artifact_folder
from predictors.runtime import load_predictor
from predictors.word_predictor import WordPredictor
from preprocessing.word_image import UnusableImage, read_word_image, word_image_of_array
from utils.config_schema import Predict
from utils.places import find

Errors = Literal["raise", "return"]
ImageLike = str | os.PathLike[str] | np.ndarray
Images = list[str] | list[Path] | list[np.ndarray] | list[ImageLike]


class Reader:
    """Reads words with a loaded model, by the same path as the command line."""

    def __init__(self, predictor: WordPredictor) -> None:
        self.predictor = predictor

    @classmethod
    def from_folder(cls, folder: str | os.PathLike[str], settings: Predict) -> "Reader":
        """Loads a model folder; raises UserError if it isn't a whole one."""
        found = find(artifact_folder(os.fspath(folder)))
        return cls(load_predictor(found, settings))

    @property
    def charset(self) -> str:
        """The characters that the model can write."""
        return self.predictor.anatomy.tokenizer.charset

    @overload
    def read(self, images: ImageLike, errors: Errors = ...) -> Prediction: ...

    @overload
    def read(self, images: Images, errors: Literal["raise"] = ...) -> list[Prediction]: ...

    @overload
    def read(self, images: Images, errors: Literal["return"]) -> list[Prediction | UnusableImage]: ...

    def read(self, images, errors: Errors = "raise"):
        """Reads one image, or a list of them in batches.

        Args:
            images: paths or arrays, or one of them. An array is (h, w) grey, (h, w, 3) RGB or (h, w, 4) RGBA,
                uint8 or as `preprocessing.word_image.word_image_of_array` says; dark ink on light paper.
                OpenCV reads files as BGR: turn them with `image[:, :, ::-1]`.
            errors: "return" puts the error of an unusable image in its place in the list.

        Returns:
            a Prediction (text, confidence, character_confidences), or a list of them in the images' order.

        Raises:
            UnusableImage: an image can't be read; the message names the file, or the place in the list.
            TypeError: neither a path nor an array.
        """
        if isinstance(images, (str, os.PathLike, np.ndarray)):
            return self._read([self._word_image(images, "array")])[0]
        word_images: list[np.ndarray | UnusableImage] = []
        for index, image in enumerate(images):
            try:
                word_images.append(self._word_image(image, f"array {index}"))
            except UnusableImage as error:
                if errors == "raise":
                    raise
                word_images.append(error)
        return self._read(word_images)

    def _word_image(self, image: ImageLike, name: str) -> np.ndarray:
        geometry = self.predictor.anatomy.image
        if isinstance(image, np.ndarray):
            return word_image_of_array(image, geometry, name)
        if isinstance(image, (str, os.PathLike)):
            return read_word_image(Path(image), geometry)
        raise TypeError(f"an image is a path or a numpy array, not {type(image).__name__}")

    def _read(self, images: Sequence[np.ndarray | UnusableImage]) -> list[Prediction | UnusableImage]:
        usable = [(i, image) for i, image in enumerate(images) if isinstance(image, np.ndarray)]
        widths = np.array([image.shape[1] for _, image in usable], dtype=np.int64)
        results: list = list(images)
        for index, prediction in self.predictor.predict(widths, lambda i: usable[i][1]):
            results[usable[index][0]] = prediction
        return results
