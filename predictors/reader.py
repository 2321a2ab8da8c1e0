"""The Python API: files, pictures and arrays in, predictions out."""

import contextlib
import functools
import os
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, overload

import numpy as np
from PIL import Image

from base.base_predictor import Prediction
from predictors.word_predictor import WordPredictor
from preprocessing.image_file import UnusableImage, decode, decode_picture, picture_of
from preprocessing.page.layout import Page
from preprocessing.page.pictures import read_pictures

if TYPE_CHECKING:
    from predictors.pages import PageReader

Errors = Literal["raise", "return"]
ImageLike = str | os.PathLike[str] | np.ndarray | Image.Image
Images = list[str] | list[Path] | list[np.ndarray] | list[Image.Image] | list[ImageLike]


def _are_returned(errors: str) -> bool:
    """Returns whether `errors` asks for errors to be returned; raises ValueError if it is not one of `Errors`."""
    if errors not in get_args(Errors):
        raise ValueError(f'errors is "raise" or "return", not {errors!r}')
    return errors == "return"


class Reader:
    """Reads words and pages with a loaded model, through the same code as the command line."""

    def __init__(self, predictor: WordPredictor) -> None:
        self.predictor = predictor

    @property
    def charset(self) -> str:
        """The characters that the model can write."""
        return self.predictor.spec.tokenizer.charset

    @overload
    def read(self, image: ImageLike, errors: Literal["raise"] = ...) -> Prediction: ...

    @overload
    def read(self, image: ImageLike, errors: Literal["return"]) -> Prediction | UnusableImage: ...

    @overload
    def read(self, image: Images, errors: Literal["raise"] = ...) -> list[Prediction]: ...

    @overload
    def read(self, image: Images, errors: Literal["return"]) -> list[Prediction | UnusableImage]: ...

    def read(self, image, errors: Errors = "raise"):
        """Reads one word image; a list of them is read as by `read_many`.

        Args:
            image: a path, a Pillow image or an array: (h, w) grey, (h, w, 3) RGB or (h, w, 4) RGBA, uint8 or another
                type of `preprocessing.image_file.picture_of`; dark ink on light paper. OpenCV reads files as
                BGR: reverse the channels with `image[:, :, ::-1]`.
            errors: "return" returns the error of an unusable image instead of raising it.

        Returns:
            a Prediction: text, confidence, character_confidences, alternatives.

        Raises:
            UnusableImage: the image can't be read; the message names the file.
            TypeError: no path, Pillow image or array.
            ValueError: `errors` is neither "raise" nor "return".
        """
        if isinstance(image, (list, tuple)):
            return self.read_many(image, errors)
        return self._read([self._word_image(image, "", _are_returned(errors))])[0]

    @overload
    def read_many(self, images: Iterable[ImageLike], errors: Literal["raise"] = ...) -> list[Prediction]: ...

    @overload
    def read_many(self, images: Iterable[ImageLike], errors: Errors) -> list[Prediction | UnusableImage]: ...

    def read_many(self, images, errors: Errors = "raise"):
        """Reads word images in batches, which is several times as fast as one by one.

        Args:
            images: any number of images that `read` takes, of any kinds.
            errors: "return" puts the error of an unusable image in its place in the list.

        Returns:
            a Prediction for each image, in their order.

        Raises:
            UnusableImage: an image can't be read; the message names the file, or the place in the list.
            TypeError: no path, Pillow image or array, or only one instead of several.
            ValueError: as `read`.
        """
        is_picture = isinstance(images, np.ndarray) and (images.ndim == 2 or images.shape[-1] in (3, 4))
        if is_picture or isinstance(images, (str, os.PathLike, Image.Image)):
            raise TypeError(f"images are a list or another iterable, not one {type(images).__name__}; give [image]")
        returned = _are_returned(errors)
        return self._read([self._word_image(image, f" {index}", returned) for index, image in enumerate(images)])

    def read_page(self, image: ImageLike) -> Page:
        """Reads a page: a photo or scan, the first page of a TIFF or PDF, a Pillow image or an array.

        Returns:
            a Page: its lines in reading order with polygon, baseline, text, confidence and words.

        Raises:
            UnusableImage: the picture can't be read; the message names the file.
            UserError: the package rapidocr is not installed.
            TypeError: no path, Pillow image or array.
        """
        if isinstance(image, (str, os.PathLike)):
            with contextlib.closing(self.read_pages(image)) as pages:
                return next(pages)
        return self.page_reader.read(self._pixels(image)[0])

    @overload
    def read_pages(self, path: str | os.PathLike[str]) -> Generator[Page, None, None]: ...

    @overload
    def read_pages(
        self, path: str | os.PathLike[str], errors: Errors
    ) -> Generator[Page | UnusableImage, None, None]: ...

    def read_pages(self, path, errors: Errors = "raise"):
        """Returns a generator of the pages of a file, such as a PDF, which are read one after another.

        Args:
            errors: "return" yields the error of a damaged page in its place, and reads on.

        Raises:
            UnusableImage, UserError: as `read_page`, when the page is read.
            ValueError: as `read`.
        """
        return self._read_pages(Path(path), _are_returned(errors))

    def _read_pages(self, path: Path, returned: bool) -> Generator[Any, None, None]:
        damaged = list[UnusableImage]()
        on_error = damaged.append if returned else None
        for number, pixels in read_pictures(path, self.predictor.spec.image, on_error):
            yield from damaged
            damaged.clear()
            yield self.page_reader.read(pixels, str(path), number)
        yield from damaged

    @functools.cached_property
    def page_reader(self) -> "PageReader":
        """The reader of pages, made when the first page comes: it needs rapidocr."""
        from predictors.pages import PageReader

        return PageReader(self.predictor)

    def _word_image(self, image: ImageLike, number: str, returned: bool) -> np.ndarray | UnusableImage:
        """Returns the network's input; if `returned`, the error of an unusable image."""
        try:
            if isinstance(image, (str, os.PathLike)):
                return self.predictor.word_image(decode(Path(image), self.predictor.spec.image), os.fspath(image))
            return self.predictor.word_image(*self._pixels(image, number))
        except UnusableImage as error:
            if returned:
                return error
            raise

    def _pixels(self, image: np.ndarray | Image.Image, number: str = "") -> tuple[np.ndarray, str]:
        """Returns the pixels of an array or a Pillow image, and its name in messages; raises as `read`."""
        geometry = self.predictor.spec.image
        name = f"{'array' if isinstance(image, np.ndarray) else 'picture'}{number}"
        picture = picture_of(image, geometry, name) if isinstance(image, np.ndarray) else image
        if not isinstance(picture, Image.Image):
            raise TypeError(f"an image is a path, a Pillow image or a numpy array, not {type(image).__name__}")
        return decode_picture(picture, geometry, name), name

    def _read(self, images: Sequence[np.ndarray | UnusableImage]) -> list[Any]:
        """Replaces the images by their predictions; errors stay in their places."""
        results: list[Any] = list(images)
        for index, prediction in self.predictor.predict_images(images):
            results[index] = prediction
        return results
