"""Draws one word or line: glyphs are placed, warped, drawn with a pen of chosen width, and put on paper."""

import math

import cv2
import numpy as np

from data_generators.synthetic.fonts import REFERENCE_X_HEIGHT, Font, Metrics, glyph, kerning, metrics
from data_generators.synthetic.paper import put_on_paper

# Median and standard deviation of the logarithm, fitted to IAM's word crops (300 dpi).
_X_HEIGHT = (33.0, 0.26)  # pixels
_LETTER_WIDTH = (1.05, 0.17)  # mean of a font, in x-heights
_ASCENT = (1.2, 0.15)  # stretch of what is above the x-height
_DESCENT = (1.1, 0.2)
_PEN_WIDTH = (3.9, 0.26)  # pixels
_FELT_PEN = (0.05, 1.7)  # probability, and factor on the width
_SPACE = (0.7, 1.3)  # between words, in x-heights
_PIECE_MARGIN = 6  # pixels around a glyph, for its rotation
_CANVAS_MARGIN = 16  # pixels around the word, for warp and pen


def render_word(text: str, font: Font, rng: np.random.Generator) -> np.ndarray:
    """Draws `text` as if written by hand, scanned and cropped; a pure function of `rng`'s state.

    Returns a uint8 grey image (height, width), ink dark on paper near 255, cropped at the ink; at least 3 x 3, for
    usual words about 6..200 pixels high and 5..600 wide. Words of a line are parted by single spaces. Raises ValueError
    if `text` is empty or holds a character that the font lacks.
    """
    if not text.strip() or not font.charset.issuperset(text.replace(" ", "")):
        raise ValueError(f"{font.family} can't draw {text!r}")
    measures = metrics(font)
    x_height = _spread(rng, *_X_HEIGHT)
    ink, baseline = _place_glyphs(text, font, measures, rng)
    scale_y = x_height / REFERENCE_X_HEIGHT
    natural = measures.advance / REFERENCE_X_HEIGHT
    # Exponent and limits preserve part of each font's own proportions.
    scale_x = scale_y * min(max((_spread(rng, *_LETTER_WIDTH) / natural) ** 0.75, 0.7), 1.8)
    rows = _stretch_rows(ink.shape[0], baseline, measures.x_height, scale_y, rng)
    warped = _warp(ink, scale_x, rows, x_height, rng, is_line=" " in text)
    shrinkage = math.sqrt(scale_x * scale_y)
    coverage = _redraw(warped, measures.stroke * shrinkage, measures.hairline * shrinkage, x_height, rng)
    return put_on_paper(_crop(coverage), rng)


def _spread(rng: np.random.Generator, median: float, spread: float) -> float:
    """Draws a log-normal number, at most 2.5 deviations away from the median."""
    return median * math.exp(_normal(rng, 0, spread))


def _normal(rng: np.random.Generator, mean: float, spread: float) -> float:
    """Draws a normal number, at most 2.5 deviations away from the mean."""
    return mean + min(max(rng.standard_normal(), -2.5), 2.5) * spread


def _place_glyphs(text: str, font: Font, measures: Metrics, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Places the glyphs at the reference size; those of unjoined fonts vary one by one.

    Returns the ink (uint8, h x w, 255 = ink), and the row of its baseline, which may lie outside.
    """
    loose = not font.joined
    tracking = rng.uniform(-0.04, 0.2) * measures.x_height * loose
    wobble = rng.uniform(0, 1) * loose  # unsteadiness of the hand
    pieces, pen = [], 0.0
    for position, character in enumerate(text):
        if character == " ":
            pen += rng.uniform(*_SPACE) * measures.x_height
            continue
        shape = glyph(font, character)
        if position and text[position - 1] != " ":
            pen += kerning(font, text[position - 1], character)
            # Script fonts are not made for words in capitals, which would overlap.
            if font.joined and character.isupper() and text[position - 1].isupper():
                pen += 0.2 * measures.x_height
        piece, left, top = shape.ink, pen + shape.left, float(shape.top)
        size = rng.uniform(1, 1.7) if character in ",;'\"" else 1.0  # larger in handwriting than in fonts
        if loose or size > 1:
            piece, left, top = _vary(piece, left, top, size, wobble, measures.x_height, rng)
            if character in "'\"":  # scaled from the baseline, but aligned at the top
                top += (1 - size) * shape.top
        pieces.append((piece, round(left), round(top)))
        pen += shape.advance * size + tracking + wobble * rng.normal(0, 0.035) * measures.x_height
    return _paste(pieces)


def _vary(
    ink: np.ndarray, left: float, top: float, size: float, wobble: float, x_height: float, rng: np.random.Generator
) -> tuple[np.ndarray, float, float]:
    """Rotates, scales and shifts a glyph; returns it with its new left and top."""
    turn, slant, grow, rise = rng.normal(size=4) * (0.045, 0.05, 0.06, 0.05) * wobble
    scale = size * (1 + grow)
    height, width = ink.shape
    matrix = scale * np.array([[1, -turn - slant], [turn, 1]])
    corners = matrix @ np.array([[0, width, 0, width], [top, top, top + height, top + height]])
    low = np.floor(corners.min(axis=1)) - _PIECE_MARGIN
    new_width, new_height = (np.ceil(corners.max(axis=1)) + _PIECE_MARGIN - low).astype(int)
    shift = matrix @ (0, top) - low
    piece = cv2.warpAffine(ink, np.column_stack([matrix, shift]), (int(new_width), int(new_height)))
    return piece, left + low[0], low[1] + rise * x_height


def _paste(pieces: list[tuple[np.ndarray, int, int]]) -> tuple[np.ndarray, int]:
    x0 = min(left for _, left, _ in pieces)
    y0 = min(top for _, _, top in pieces)
    width = max(left + piece.shape[1] for piece, left, _ in pieces) - x0
    height = max(top + piece.shape[0] for piece, _, top in pieces) - y0
    canvas = np.zeros((max(height, 1), max(width, 1)), np.uint8)
    for piece, left, top in pieces:
        area = canvas[top - y0 : top - y0 + piece.shape[0], left - x0 : left - x0 + piece.shape[1]]
        np.maximum(area, piece, out=area)
    return canvas, -y0


def _stretch_rows(height: int, baseline: int, x_height: float, scale: float, rng: np.random.Generator) -> np.ndarray:
    """Stretches ascenders, middle zone and descenders: returns the old row of each new one (float32)."""
    ascent, descent = _spread(rng, *_ASCENT), _spread(rng, *_DESCENT)
    old = np.array([-300, baseline - x_height, baseline, height + 300])
    new = np.cumsum([0, *(np.diff(old) * (ascent * scale, scale, descent * scale))])
    first, last = np.interp((0, height), old, new)
    wanted = np.arange(first - _CANVAS_MARGIN, last + _CANVAS_MARGIN)
    return np.interp(wanted, new, old).astype(np.float32)


def _warp(
    ink: np.ndarray, scale_x: float, rows: np.ndarray, x_height: float, rng: np.random.Generator, is_line: bool
) -> np.ndarray:
    """Scales, slants, rotates and bends the whole word in one interpolation; `rows` as from above."""
    slant = _normal(rng, 0.04, 0.17)
    turn = _normal(rng, 0, 0.025)
    width = ink.shape[1] * scale_x
    if is_line:
        rows = _extend(rows, abs(turn) * ink.shape[1] / 2)
    else:  # Single words keep the pictures that they always had: with paper there, which they hardly reach.
        rows = np.pad(rows, int(abs(turn) * width / 2), constant_values=(-1e3, 1e3))
    height, width = len(rows), int(width + abs(slant) * len(rows)) + 2 * _CANVAS_MARGIN
    # Coordinates of the new image from its centre, mapped to the old one.
    y = np.arange(height, dtype=np.float32)[:, None] - height / 2
    x = np.arange(width, dtype=np.float32)[None, :] - width / 2
    strength = rng.uniform(0, 0.09) * x_height / scale_x
    bend_x = _smooth_field(height, width, 1.1 * x_height, rng) * strength
    bend_y = _smooth_field(height, width, 1.1 * x_height, rng) * strength
    wander = _smooth_field(1, width, 2.5 * x_height, rng) * (rng.uniform(0, 0.08) * x_height / scale_x)
    old_x = (x + slant * y) / scale_x + bend_x + ink.shape[1] / 2
    old_y = rows[:, None] + (turn * x / scale_x + wander) + bend_y
    return cv2.remap(ink, old_x, old_y, cv2.INTER_LINEAR)


def _extend(rows: np.ndarray, rise: float) -> np.ndarray:
    """Continues rows at both ends by `rise` old ones: the ends of a turned line lie so much higher and lower."""
    above, below = float(rows[1] - rows[0]), float(rows[-1] - rows[-2])
    more = np.arange(1, int(rise / min(above, below)) + 2, dtype=np.float32)
    return np.concatenate([rows[0] - more[::-1] * above, rows, rows[-1] + more * below])


def _smooth_field(height: int, width: int, period: float, rng: np.random.Generator) -> np.ndarray:
    """Returns noise of about unit deviation that varies smoothly over `period` pixels (float32, h x w)."""
    rows, columns = (2 if side == 1 else int(side / period) + 2 for side in (height, width))
    field = rng.standard_normal((rows, columns), dtype=np.float32)
    # Cubic to a sixth of the size, then linear: four times faster than cubic alone.
    field = cv2.resize(field, (width // 6 + 1, height // 6 + 1), interpolation=cv2.INTER_CUBIC)
    return cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)


def _redraw(ink: np.ndarray, stroke: float, hairline: float, x_height: float, rng: np.random.Generator) -> np.ndarray:
    """Redraws strokes of these widths in pixels with a random pen; returns coverage (float32, 0..1)."""
    wanted = _spread(rng, *_PEN_WIDTH) * math.sqrt(x_height / _X_HEIGHT[0])
    if rng.random() < _FELT_PEN[0]:
        wanted *= _FELT_PEN[1]
    growth = (min(wanted, 0.3 * x_height) - stroke) / 2
    growth = max(growth, 0.6 - hairline / 2)  # keeps thin lines
    solid = (ink > 80).astype(np.uint8)
    distance = cv2.distanceTransform(solid, cv2.DIST_L2, 3)
    distance -= cv2.distanceTransform(1 - solid, cv2.DIST_L2, 3)
    distance = cv2.GaussianBlur(distance, (3, 3), 0)
    growth = max(growth, 1.2 - float(distance.max()))  # keeps single dots
    height, width = ink.shape
    pressure = _smooth_field(height, width, 1.5 * x_height, rng) * (rng.uniform(0, 0.12) * wanted)
    return np.clip(distance + pressure + (growth + 0.3), 0, 1)


def _crop(coverage: np.ndarray) -> np.ndarray:
    """Crops the coverage to the ink."""
    x, y, width, height = cv2.boundingRect((coverage > 0.5).astype(np.uint8))
    if width == 0:  # too faint after warping: keep the darkest pixels
        y, x = np.unravel_index(int(coverage.argmax()), coverage.shape)
    y, x = (min(start, side - 3) for start, side in zip((y, x), coverage.shape, strict=True))
    return coverage[y : y + max(height, 3), x : x + max(width, 3)]
