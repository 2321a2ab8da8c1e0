"""The bundled fonts, and their glyphs as small arrays at one reference size."""

import functools
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import ImageFont

from data_generators.synthetic.accents import ACCENTED
from data_generators.synthetic.texts import CHARSET
from utils.paths import ROOT

SPLITS = ("train", "val", "test")
FONTS_FOLDER = ROOT / "datasets" / "fonts"
# Glyphs are rasterised once, at this x-height in pixels, and scaled by the warp, which is faster than calling FreeType
# for each word. A little above the usual size, so that warping mostly shrinks.
REFERENCE_X_HEIGHT = 44.0
_RISE = 1.85  # height of IAM's ascenders in x-heights
_COMMON_LETTERS = "etaoinshrdlucmfwypvbgk"


@dataclass(frozen=True)
class Font:
    """A bundled font, which represents one writer.

    Attributes:
        family: its name, such as "caveat"; belongs to exactly one split.
        split: "train", "val" or "test".
        writer: three digits, as IAM's writer ids.
        joined: whether lower-case letters are connected, so that their spacing must stay exact.
        formal: a calligraphic script rather than everyday handwriting.
        charset: the characters of `CHARSET` and `ACCENTED` that the font draws in a shape of their own.
    """

    family: str
    path: Path
    split: str
    writer: str
    joined: bool
    formal: bool
    charset: frozenset[str]


@dataclass(frozen=True, eq=False)
class Glyph:
    """A character's ink (uint8, h x w, 255 = ink).

    `left` and `top` are its offset in pixels from the pen position and the baseline (negative above it), `advance` the
    movement of the pen.
    """

    ink: np.ndarray
    left: int
    top: int
    advance: float


@dataclass(frozen=True)
class Metrics:
    """Measures of a font at the reference size, in pixels."""

    x_height: float
    stroke: float  # typical pen width
    hairline: float  # width of the thin strokes and of dots
    advance: float  # mean of common letters


@functools.cache
def load_fonts() -> tuple[Font, ...]:
    """Returns all bundled fonts, in the order of their manifest."""
    entries = json.loads((FONTS_FOLDER / "manifest.json").read_text(encoding="utf-8"))
    return tuple(
        Font(
            family=entry["family"],
            path=FONTS_FOLDER / entry["file"],
            split=entry["split"],
            writer=entry["writer"],
            joined=entry["joined"],
            formal=entry["tier"] == "B",
            charset=frozenset(CHARSET + ACCENTED) - frozenset(entry["missing"]),
        )
        for entry in entries
    )


@functools.cache
def fonts_of(split: str, accented: bool = False) -> tuple[Font, ...]:
    """Returns the fonts of a split; with `accented` only those that have most of `ACCENTED`."""
    needed = len(ACCENTED) / 2 if accented else 0
    return tuple(font for font in load_fonts() if font.split == split and len(font.charset & set(ACCENTED)) >= needed)


@functools.lru_cache(maxsize=64)
def font_of_form(seed: int, split: str, form: int, accented: bool) -> Font:
    """Returns the font of form number `form` of a split; `accented` as for `fonts_of`.

    Forms take fonts from shuffled decks that hold every formal script once and every other font twice, so even a few
    forms show many fonts.
    """
    fonts = fonts_of(split, accented)
    deck = [font for font in fonts for _ in range(1 if font.formal else 2)]
    round_number, place = divmod(form, len(deck))
    # Four numbers, unlike the three that seed the generator of a word.
    order = np.random.default_rng([seed, SPLITS.index(split), round_number, 1]).permutation(len(deck))
    return deck[order[place]]


@functools.cache
def glyph(font: Font, character: str) -> Glyph:
    """Returns the glyph of a character at the reference size."""
    return _rasterise(_typeface(font), character)


@functools.cache
def kerning(font: Font, left: str, right: str) -> float:
    """Returns the pixels to add between two neighbours at the reference size (mostly 0 or less)."""
    face = _typeface(font)
    return face.getlength(left + right) - face.getlength(left) - face.getlength(right)


@functools.cache
def metrics(font: Font) -> Metrics:
    """Measures a font at the reference size."""
    face = _typeface(font)
    widths = np.concatenate([_ridge_widths(glyph(font, letter).ink) for letter in "acehilmnost"])
    return Metrics(
        x_height=float(-glyph(font, "x").top),
        stroke=float(np.median(widths)),
        hairline=min(float(np.percentile(widths, 15)), float(_ridge_widths(glyph(font, ".").ink).max())),
        advance=float(np.mean([face.getlength(letter) for letter in _COMMON_LETTERS])),
    )


@functools.cache
def _typeface(font: Font) -> ImageFont.FreeTypeFont:
    # Only the basic layout engine is in every build of Pillow; another one would draw other images.
    trial = ImageFont.truetype(font.path, 100, layout_engine=ImageFont.Layout.BASIC)
    x_height = -_rasterise(trial, "x").top
    rise = float(np.median([-_rasterise(trial, letter).top for letter in "bdhkl"]))
    # A compromise between equal x-heights and equal ascenders, for scripts with tiny bowls.
    size = np.sqrt(x_height * rise / _RISE)
    return ImageFont.truetype(font.path, 100 * REFERENCE_X_HEIGHT / size, layout_engine=ImageFont.Layout.BASIC)


def _rasterise(face: ImageFont.FreeTypeFont, character: str) -> Glyph:
    mask, (left, top) = face.getmask2(character, mode="L", anchor="ls")
    ink = np.array(mask, np.uint8).reshape(mask.size[::-1])
    return Glyph(ink, left, top, face.getlength(character))


def _ridge_widths(ink: np.ndarray) -> np.ndarray:
    """Returns the stroke widths along the middle lines of the ink, in pixels."""
    padded = cv2.copyMakeBorder((ink > 100).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 5)
    ridge = (distance > 0) & (distance >= cv2.dilate(distance, np.ones((3, 3), np.uint8)))
    return 2 * distance[ridge] - 1
