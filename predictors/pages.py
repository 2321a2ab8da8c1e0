"""Reads pages: finds their lines, cuts them straight, and reads them with the model of words or lines."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from base.base_predictor import Prediction
from predictors.word_predictor import GOES_ON, HARDLY, WordPredictor, is_lost
from preprocessing.normaliser import normalise
from preprocessing.page.detect import TextDetector
from preprocessing.page.layout import Line, Page, PageWord, rotate_page, turn_line
from preprocessing.page.lines import find_lines
from preprocessing.page.pictures import page_title
from preprocessing.page.pieces import lies_on_side
from preprocessing.page.punctuation import attach_punctuation
from preprocessing.page.strips import box_on_page, cut_strip
from preprocessing.page.words import find_words
from preprocessing.word_image import to_network_geometry
from utils.errors import UserError
from utils.log import log

# Models that can write texts of this length read whole lines; others read only words.
LINE_LENGTH = 64


@dataclass(frozen=True)
class _Piece:
    """Image that the network reads at once, a line or a word of it; `span` is its share (start, end) of the line."""

    line: int
    image: np.ndarray
    span: tuple[float, float]


class PageReader:
    """Reads pages with a loaded model of words or of lines. Raises UserError if rapidocr is not installed."""

    def __init__(self, predictor: WordPredictor) -> None:
        self.predictor = predictor
        self.reads_lines = predictor.spec.network.max_seq_length >= LINE_LENGTH
        self.is_rtl = predictor.spec.tokenizer.is_rtl
        self._detector = TextDetector()

    def read(self, pixels: np.ndarray, filename: str = "", number: int = 1) -> Page:
        """Returns the page with the text of its lines, in reading order; a page without text has none.

        A page most of whose lines are upside down is read again the other way round.

        Args:
            pixels: uint8 (h, w) or (h, w, 3) RGB.
            filename, number: of the page, stored in it.
        """
        where = page_title(filename, number)
        corners = self._detector.find(pixels)
        lines, is_upside_down = self._read(pixels, corners, where)
        if is_upside_down:
            turned = np.ascontiguousarray(pixels[::-1, ::-1])
            lines, _ = self._read(turned, self._detector.find(turned), where)
        _log_note(where or "Page", lines, lies_on_side(corners))
        page = Page(filename, pixels.shape[1], pixels.shape[0], lines, number)
        return rotate_page(page) if is_upside_down else page

    def _read(self, pixels: np.ndarray, corners: np.ndarray, where: str) -> tuple[tuple[Line, ...], bool]:
        """Returns the lines of a page that hold text, and whether most of them were read upside down.

        `corners` are those of the detector's pieces.

        A line that alone is upside down is read from its other end.
        """
        lines = find_lines(pixels, corners, self.is_rtl)
        read, turned = self.read_strips(lines, [cut_strip(pixels, line) for line in lines], where)
        is_upside_down = sum(turned) > len(turned) / 2
        if any(turned) and not is_upside_down:
            others = {i: turn_line(lines[i]) for i in np.flatnonzero(turned)}
            strips = [cut_strip(pixels, line) for line in others.values()]
            again, _ = self.read_strips(list(others.values()), strips, where)
            for i, line in zip(others, again):
                read[i] = line
        return attach_punctuation([line for line in read if line.text]), is_upside_down

    def read_strips(
        self, lines: Sequence[Line], strips: Sequence[np.ndarray], where: str = ""
    ) -> tuple[list[Line], list[bool]]:
        """Returns all lines with what was read on their strips, and whether each was read upside down.

        Args:
            strips: uint8 (h, w) or (h, w, 3) RGB, as `preprocessing.page.strips.cut_strip` makes them.
            where: the page, for notes about its lines in the log.
        """
        strips = [self._clean(strip) for strip in strips]
        pieces = [piece for i, strip in enumerate(strips) for piece in self._pieces(i, strip)]
        widths = np.array([piece.image.shape[1] for piece in pieces], np.int64)
        found: list[list[tuple[_Piece, Prediction]]] = [[] for _ in lines]
        for index, prediction in sorted(self.predictor.predict(widths, lambda i: pieces[i].image)):
            found[pieces[index].line].append((pieces[index], prediction))
        read = []
        for line, strip, readings in zip(lines, strips, found):
            if self.reads_lines:
                ((_, prediction),) = readings
                if self.predictor.may_go_on(prediction):
                    log(f"{where or 'Line'}: {prediction.text[:30]}...: {GOES_ON.format(self.predictor.longest)}")
                read.append(self._line_of_text(line, strip, prediction))
            else:
                read.append(self._line_of_words(line, readings))
        turned = [[prediction.upside_down for _, prediction in readings] for readings in found]
        return read, [sum(flags) > len(flags) / 2 for flags in turned]

    def _clean(self, strip: np.ndarray) -> np.ndarray:
        """Returns a strip normalised to dark ink on white paper, without the steps that move pixels."""
        steps = self.predictor.spec.image.normaliser
        if not any(dict(steps).values()):
            return strip if strip.ndim == 2 else cv2.cvtColor(strip, cv2.COLOR_RGB2GRAY)
        in_place = {"trim": False, "upright": False, "straighten": False}
        return normalise(strip, steps.model_copy(update=in_place))

    def _pieces(self, line: int, strip: np.ndarray) -> Iterator[_Piece]:
        """Yields what the network reads of a line."""
        geometry = self.predictor.spec.image
        if self.reads_lines:
            yield _Piece(line, to_network_geometry(strip, geometry), (0.0, 1.0))
            return
        width = strip.shape[1]
        for start, end in find_words(strip):
            word = strip[:, max(0, start - 1) : end + 1]
            yield _Piece(line, to_network_geometry(word, geometry), (start / width, end / width))

    def _line_of_words(self, line: Line, found: list[tuple[_Piece, Prediction]]) -> Line:
        """Returns the line with the words that were read of it."""
        found = [(piece, prediction) for piece, prediction in found if prediction.text]
        if self.is_rtl:
            found.reverse()
        predictions = [prediction for _, prediction in found]
        return replace(
            line,
            text=" ".join(word.text for word in predictions),
            confidence=float(np.prod([word.confidence for word in predictions])),
            words=tuple(PageWord(word.text, word.confidence, box_on_page(line, *piece.span)) for piece, word in found),
            character_confidences=_joined_confidences(predictions),
            alternatives=_alternatives_of_words(predictions),
        )

    def _line_of_text(self, line: Line, strip: np.ndarray, prediction: Prediction) -> Line:
        """Returns the line with its text, whose words lie between gaps."""
        texts = prediction.text.split()
        order, width = self._left_to_right(texts), strip.shape[1]
        lengths = [len(texts[i]) for i in order]
        spans = find_words(strip, lengths)
        if len(spans) < len(texts):  # Words that touch: shares of the line by their letters.
            ends = np.cumsum([length + 1 for length in lengths]) * width // (sum(lengths) + len(lengths))
            spans = list(zip([0, *map(int, ends[:-1])], map(int, ends)))
        spans = [span for _, span in sorted(zip(order, spans))]
        confidences = _word_confidences(prediction, texts)
        words = tuple(
            PageWord(text, confidence, box_on_page(line, start / width, end / width))
            for text, confidence, (start, end) in zip(texts, confidences, spans)
        )
        read = line_of_prediction(line, prediction)
        return replace(read, text=" ".join(texts), words=words)

    def _left_to_right(self, texts: list[str]) -> list[int]:
        """Returns the places of a line's words in the order in which they stand on the page, from the left."""
        if not self.is_rtl:
            return list(range(len(texts)))
        tokenizer = self.predictor.spec.tokenizer
        try:
            places = tokenizer.reading_order(tokenizer.encode(" ".join(texts)))
        except UserError:  # NFC has composed characters that the network does not know.
            return list(range(len(texts)))[::-1]
        ends = list(itertools.accumulate(len(text) + 1 for text in texts))
        return sorted(range(len(texts)), key=lambda i: min(places[ends[i] - 1 - len(texts[i]) : ends[i] - 1]))


def _log_note(where: str, lines: Sequence[Line], is_on_side: bool) -> None:
    """Logs why the reading of a page may be wrong."""
    hardly = sum(is_lost(line.text, line.confidence or 0.0) for line in lines)
    if is_on_side:
        log(f"{where} lies on its side; turn the picture so that its lines are level.")
    elif hardly:
        log(f"{where}: {hardly} of {len(lines)} lines {HARDLY}; a sharper picture or a model of such writing may help.")


def line_of_prediction(line: Line, prediction: Prediction) -> Line:
    """Returns a line with its reading, without words."""
    confidences = prediction.character_confidences
    return replace(
        line,
        text=prediction.text,
        confidence=prediction.confidence,
        # NFC may have composed characters, and blanks at the ends or side by side are left out of a page's lines.
        character_confidences=confidences if len(confidences) == len(" ".join(prediction.text.split())) else (),
        alternatives=tuple(text for text, _ in prediction.alternatives[1:]),
    )


def _joined_confidences(words: list[Prediction]) -> tuple[float, ...]:
    """Returns the confidences of the characters of words with a blank between them; nothing if some are unknown."""
    if any(len(word.character_confidences) != len(word.text) for word in words):
        return ()
    return tuple(p for word in words for p in (1.0, *word.character_confidences))[1:]


def _alternatives_of_words(words: list[Prediction]) -> tuple[str, ...]:
    """Returns the line with each further reading of its least sure word."""
    if not words:
        return ()
    least = min(range(len(words)), key=lambda i: words[i].confidence)
    others = [text for text, _ in words[least].alternatives[1:]]
    return tuple(" ".join(other if i == least else word.text for i, word in enumerate(words)) for other in others)


def _word_confidences(prediction: Prediction, texts: list[str]) -> list[float]:
    """Returns the product of the characters' confidences in each word, or the line's where they can't be assigned.

    None is less than the line's, which has a calibration of its own: where a line is right, its words are.
    """
    confidences = np.array(prediction.character_confidences)
    if len(confidences) != len(prediction.text):  # NFC has composed characters.
        return [prediction.confidence] * len(texts)
    values, start = [], 0
    for text in texts:
        start = prediction.text.index(text, start)
        values.append(max(float(np.prod(confidences[start : start + len(text)])), prediction.confidence))
        start += len(text)
    return values
