"""The model in use, and what is read with it in the reading thread."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from base.base_predictor import Prediction
from models.model_folder import ModelFolder
from predictors.loading import load_predictor
from predictors.pages import line_of_prediction
from predictors.reader import Reader
from predictors.word_predictor import DOUBT, seems_several_lines
from preprocessing.image_file import UnusableImage, decode
from preprocessing.page.layout import Line, Page
from preprocessing.page.pictures import has_more_pages, read_pictures
from preprocessing.page.punctuation import attach_punctuation
from preprocessing.whole_page import seems_page
from preprocessing.word_image import to_network_geometry
from tools.serve.store import Store, whole_picture
from utils.config.image import ImageConfig
from utils.config.schema import Config
from utils.errors import UserError

MOST_PAGES = 100  # of a file
READINGS = 5  # of a line, one key away
MORE_PAGES = "Only the first page is read; send the file as pages for all of them."
MORE_LINES = "The picture seems to hold several lines; send it as a page."


class UnusablePages(UnusableImage):
    """Pages of a file that can't be read; `errors` has one for each."""

    def __init__(self, errors: Sequence[UnusableImage]) -> None:
        super().__init__("file", errors[0].reason)
        self.errors = errors

    def about(self, name: str) -> str:
        return " ".join(error.about(name) for error in self.errors)


@dataclass(frozen=True)
class _Model:
    """A loaded model."""

    folder: Path
    reader: Reader

    @property
    def image(self) -> ImageConfig:
        return self.reader.predictor.spec.image


class Reading:
    """A loaded model, which may be replaced by another at any time, from another thread.

    Raises UserError if `folder` is no whole model folder.
    """

    def __init__(self, config: Config, folder: Path) -> None:
        self._config = config
        self.use(folder)

    @property
    def folder(self) -> Path:
        """The folder of the model in use."""
        return self._model.folder

    def use(self, folder: Path) -> None:
        """Loads another model; raises UserError, and keeps the present one, if that fails."""
        settings = self._config.predict
        if settings.n_best == 1 and (settings.views > 1 or settings.decoder != "greedy"):
            settings = settings.model_copy(update={"n_best": min(READINGS, settings.beam_width)})
        predictor = load_predictor(ModelFolder(folder), settings, self._config.image.max_pixels)
        self._model = _Model(folder, Reader(predictor))

    def words(self, paths: Sequence[Path]) -> list[tuple[Prediction, str] | UnusableImage]:
        """Returns the reading of each image with a note about it, mostly empty, or why it can't be read."""
        model = self._model
        read = model.reader.read_many(paths, errors="return")
        return [
            one if isinstance(one, UnusableImage) else (one, _note(path, one, model)) for path, one in zip(paths, read)
        ]

    def pages(self, path: Path, filename: str) -> Iterator[tuple[np.ndarray, Page]]:
        """Yields pixels and text of each page of a file; raises UserError if rapidocr is missing.

        For damaged pages UnusablePages is raised after the others.
        """
        errors: list[UnusableImage] = []
        if self._has_too_many_pages(path):
            raise UnusableImage(path, f"more than {MOST_PAGES} pages", "send it in parts")
        for number, pixels in read_pictures(path, self._model.image, errors.append):
            yield pixels, self._model.reader.page_reader.read(pixels, filename, number)
        if errors:
            raise UnusablePages(errors)

    def _has_too_many_pages(self, path: Path) -> bool:
        with contextlib.suppress(UnusableImage):  # Damage behind pages that can be read.
            return has_more_pages(path, self._model.image, MOST_PAGES)
        return False

    def line(self, path: Path, filename: str, tell: Callable[[str], None]) -> Iterator[tuple[np.ndarray, Page]]:
        """Yields pixels and text of a picture of one line or word; `tell` gets the note about it, if there is one."""
        model = self._model
        _, pixels = next(read_pictures(path, model.image))
        prediction = model.reader.read(pixels)
        if note := _note(path, prediction, model, pixels):
            tell(note)
        if prediction.upside_down:  # Learning does not turn pictures.
            pixels = np.ascontiguousarray(pixels[::-1, ::-1])
        height, width = pixels.shape[:2]
        line = line_of_prediction(Line(whole_picture(width, height)), prediction)
        yield pixels, Page(filename, width, height, (line,))

    def again(self, store: Store, page_id: str) -> Iterator[str]:
        """Reads the lines of a page of the store with the model that is in use now; yields the page's id."""
        page, model = store.page(page_id), self._model
        paths = [store.picture(page_id, number) for number in range(len(page.lines))] if page else []
        if page is None or None in paths:
            raise UserError("The page or pictures of its lines are missing.")
        strips = [decode(path, model.image) for path in paths if path]
        outline = whole_picture(page.width, page.height)
        lines: Sequence[Line]
        if [line.polygon for line in page.lines] == [outline]:
            lines = [line_of_prediction(Line(outline), model.reader.read(strips[0]))]
        else:
            read, _ = model.reader.page_reader.read_strips(page.lines, strips)
            lines = attach_punctuation(read)
        store.replace(page_id, replace(page, lines=tuple(lines)))
        yield page_id

    def add_to(self, store: Store, pages: Iterator[tuple[np.ndarray, Page]]) -> Iterator[str]:
        """Yields the id of each page once it is in the store."""
        for pixels, page in pages:
            yield store.add(pixels, page)


def _note(path: Path, prediction: Prediction, model: _Model, pixels: np.ndarray | None = None) -> str:
    """Returns what the sender of one line should know of a file; `pixels` of the line, if they are at hand."""
    with contextlib.suppress(UnusableImage):  # Damage behind the first page, which was read.
        if has_more_pages(path, model.image):
            return MORE_PAGES
    if prediction.confidence >= DOUBT:  # The picture need not be read again.
        return ""
    pixels = decode(path, model.image) if pixels is None else pixels
    image = to_network_geometry(pixels, model.image)
    several = seems_page(pixels, model.image.normaliser) or seems_several_lines(image, prediction)
    return MORE_LINES if several else ""
