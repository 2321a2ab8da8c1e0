"""Reads image files, and pixels in memory, as 8-bit pixels: upright, with paper for transparency."""

import contextlib
import errno
import itertools
import os
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps, ImageStat, UnidentifiedImageError

from preprocessing.ink import PAPER
from utils.config.image import ImageConfig
from utils.errors import UserError
from utils.log import log

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "PPM", "JPEG2000", "AVIF")
HEIF_ENDINGS = (".heic", ".heif")
IMAGE_ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".pgm", ".ppm", ".pbm"),
    *(".jp2", ".j2k", ".avif", ".heic", ".heif"),
)


SIDES_SWAPPED = (5, 6, 7, 8)  # EXIF orientations
# Of 8, 10, 12, 14 and 16 bits: cameras and scanners leave the highest bits of 16 empty.
WHITES = (255, 1023, 4095, 16383, 65535)
NEW_SUBFILE_TYPE, REDUCED = 254, 1  # tag and bit of a TIFF's smaller copies of a page
NO_MEMORY = os.strerror(errno.ENOMEM).lower()
# Reasons that lie in the system, and may be gone when the file is read again.
PASSING = {NO_MEMORY, *(os.strerror(code).lower() for code in (errno.EIO, errno.EMFILE, errno.ENFILE, errno.ETIMEDOUT))}


class UnusableImage(UserError):
    """An image file, or a page of one, that can't be read.

    Attributes:
        reason: a short form, for counting.
        page: its number, from 1; 0 for the file as a whole.
    """

    def __init__(self, path: str | Path, reason: str, advice: str = "") -> None:
        self._what = f"{reason}{'; ' + advice if advice else ''}"
        super().__init__(f"Image {path}: {self._what}.")
        self.reason = reason
        self.page = 0

    def about(self, name: str) -> str:
        """Returns the message for another name of the file."""
        return f"{name}{f', page {self.page}' if self.page > 1 else ''}: {self._what}."


def configure_process() -> None:
    """Prepares a command's process for reading images."""
    # Replaced by `image.max_pixels`.
    Image.MAX_IMAGE_PIXELS = None
    # The command itself reports damaged files.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    # The data generators' threads use all cores.
    cv2.setNumThreads(1)


def picture_of(array: np.ndarray, image: ImageConfig, name: str = "array") -> Image.Image:
    """Returns pixels in memory as a Pillow image; `name` is for error messages.

    `array` is (h, w), (h, w, 1), (h, w, 3) RGB or (h, w, 4) RGBA; uint8, bool, uint16 or float (0 to 1, or grey levels
    of 8 to 16 bits). Raises UnusableImage if it is empty, of another shape or type, or larger than
    `image.max_pixels`.
    """
    array = np.asarray(array)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    is_image = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if not is_image or array.dtype.kind not in "buif":
        raise UnusableImage(
            name,
            f"an array of shape {array.shape} and type {array.dtype} is no image",
            "give numbers of shape (h, w), (h, w, 3) RGB or (h, w, 4) RGBA",
        )
    if not array.size:
        raise UnusableImage(name, "empty array")
    check_pixels(array.shape[1], array.shape[0], name, image)
    if array.dtype == bool:
        array = array * np.uint8(255)
    elif array.dtype != np.uint8:
        array = _to_8_bits(array)
    return Image.fromarray(np.ascontiguousarray(array))


def decode_picture(picture: Image.Image, image: ImageConfig, name: str = "picture") -> np.ndarray:
    """Returns the pixels of a Pillow image as `decode` returns those of a file, with the same errors."""
    if not picture.width or not picture.height:
        raise UnusableImage(name, "image without pixels")
    try:
        return pixels_of(picture, image, name)
    except UserError:
        raise
    except Exception as error:
        # Pillow reads a file only now, and its plugins raise any type on damaged ones.
        raise unusable(name, error) from None


def decode(path: str | Path, image: ImageConfig, keep_sides: bool = False) -> np.ndarray:
    """Reads a file upright, with paper for transparency; returns uint8 (h, w) or (h, w, 3).

    `keep_sides`: an EXIF rotation that would swap width and height is not applied.
    """
    with open_image(path, image) as file:
        if (pages := _number_of_pages(file)) > 1:
            advice = "save each as a file, or read all with main.py --predict --page"
            log(f"{path} has {pages} pages, of which only the first is read; {advice}.")
        return pixels_of(file, image, path, keep_sides)


def _number_of_pages(file: Image.Image) -> int:
    """Returns the number of a file's pages; of a damaged file, of the pages before the first damaged one."""
    pages = 0
    # Damage after the first page must not prevent that page from being read.
    with contextlib.suppress(Exception):
        for _ in seek_pages(file):
            pages += 1
    file.seek(0)
    return max(1, pages)


def seek_pages(file: Image.Image) -> Iterator[int]:
    """Goes to each page of an open file in turn; yields their numbers, from 0.

    Only in a TIFF are further pictures pages, unless they are smaller copies; in other formats they are previews or
    animations.
    """
    for number in itertools.count() if file.format == "TIFF" else range(1):
        try:
            file.seek(number)
        except EOFError:
            return
        if not number or not file.tag_v2.get(NEW_SUBFILE_TYPE, 0) & REDUCED:  # type: ignore[attr-defined]
            yield number


@contextlib.contextmanager
def open_image(path: str | Path, image: ImageConfig) -> Iterator[Image.Image]:
    """Yields an image file whose header was read; turns all errors of Pillow in the block into UnusableImage."""
    try:
        # Opening a pipe could wait forever. Folders and missing files are reported below.
        if stat.S_IFMT(os.stat(path).st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
            raise UnusableImage(path, "not a regular file")
        formats = _with_heif(path) if Path(path).suffix.lower() in HEIF_ENDINGS else FORMATS
        # Pillow may memory-map a file opened by name, with width and height as after the EXIF rotation.
        with open(path, "rb") as content, Image.open(content, formats=formats) as file:
            yield file
    except UserError:
        raise
    except Exception as error:
        # On damaged files Pillow's plugins raise any type, from struct.error to AssertionError.
        raise unusable(path, error) from None


def pixels_of(picture: Image.Image, image: ImageConfig, name: str | Path, keep_sides: bool = False) -> np.ndarray:
    """Returns a picture's pixels as `decode` does, uint8 (h, w) or (h, w, 3).

    Raises UnusableImage if it has none, or more than `image.max_pixels`; and any exception if the file behind it is
    damaged.
    """
    # Before decompression, so that a decompression bomb is refused.
    check_pixels(picture.width, picture.height, name, image)
    pixels = _pixels(_upright_on_paper(picture, image, keep_sides), image)
    if not pixels.size:
        raise UnusableImage(name, "image without pixels", "replace it")
    return pixels


def _with_heif(path: str | Path) -> tuple[str, ...]:
    """Lets Pillow read HEIC, if its plugin is installed; returns all formats."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise UnusableImage(path, "HEIC needs pillow-heif", "pip install pillow-heif, or save it as JPEG") from None
    register_heif_opener()
    return *FORMATS, "HEIF"


def check_pixels(width: int, height: int, name: str | Path, image: ImageConfig) -> None:
    """Raises UnusableImage if a picture has more than `image.max_pixels`; its size is no part of the reason."""
    if width * height > image.max_pixels:
        raise UnusableImage(
            name,
            "more pixels than image.max_pixels allows",
            f"it has {width}x{height}: raise the limit to {width * height} if the file is genuine",
        )


def _pixels(picture: Image.Image, image: ImageConfig) -> np.ndarray:
    """Returns uint8 (h, w) or (h, w, 3), by the network's number of channels."""
    grey = image.image_size.num_channels == 1 or image.convert_to_grayscale
    if image.normaliser.channel and picture.mode not in ("1", "L", "LA"):
        return np.asarray(picture.convert("RGB"))
    pixels = np.asarray(picture.convert("L" if grey else "RGB"))
    if grey and image.image_size.num_channels == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    return pixels


def unusable(path: str | Path, error: Exception) -> UnusableImage:
    """Returns the error for a file that the system or Pillow could not read, with the reason and the way out."""
    if isinstance(error, FileNotFoundError):
        return UnusableImage(path, "missing file", "check its folder and its name")
    if isinstance(error, UnidentifiedImageError) and Path(path).suffix.lower() == ".pdf":
        return UnusableImage(
            path, "a PDF, not an image", "save its pages as images, or read it with main.py --predict --page"
        )
    if isinstance(error, UnidentifiedImageError):
        reason = "not an image" if os.path.getsize(path) else "empty file"
        return UnusableImage(path, reason, f"give one of {', '.join(FORMATS)}")
    if isinstance(error, Image.DecompressionBombError):
        return UnusableImage(path, "more pixels than PIL.Image.MAX_IMAGE_PIXELS allows", "raise that limit")
    if isinstance(error, MemoryError):
        return UnusableImage(path, NO_MEMORY, "free some, or make the picture smaller")
    if isinstance(error, OSError) and error.strerror:  # The system's, not Pillow's.
        return UnusableImage(path, error.strerror.lower(), "make it readable")
    return UnusableImage(path, "truncated or damaged file", "replace it")


def _upright_on_paper(file: Image.Image, image: ImageConfig, keep_sides: bool) -> Image.Image:
    """Applies the EXIF rotation, puts transparent pixels on paper, and converts 16 bits to 8."""
    picture = _upright(file, keep_sides)
    if picture.mode.startswith("I") or picture.mode == "F":
        return Image.fromarray(_to_8_bits(np.asarray(picture)))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        paper = "black" if image.normaliser.polarity and _has_light_ink(picture) else "white"
        return Image.alpha_composite(Image.new("RGBA", picture.size, paper), picture)
    return picture


def _upright(file: Image.Image, keep_sides: bool) -> Image.Image:
    """Applies the EXIF rotation; damaged EXIF data does not prevent reading the pixels."""
    file.load()  # Else Pillow would look for EXIF after the pixels, and forget that these are damaged.
    try:
        orientation = file.getexif().get(ExifTags.Base.Orientation)
    except Exception:
        return file
    return file if keep_sides and orientation in SIDES_SWAPPED else ImageOps.exif_transpose(file)


def _has_light_ink(picture: Image.Image) -> bool:
    """Whether the visible part of a transparent picture is light: it needs dark paper, which the normaliser inverts."""
    seen = picture.getchannel("A")
    return bool(seen.getbbox()) and ImageStat.Stat(picture.convert("L"), seen).mean[0] > 160


def _to_8_bits(values: np.ndarray) -> np.ndarray:
    """Converts integers or floats to uint8: up to the first of WHITES that none exceeds, floats also up to 1.

    NaN is paper, as is infinity, which comes of divisions by 0.
    """
    brightest = np.max(values, where=np.isfinite(values), initial=0)
    top = next((white for white in WHITES if brightest <= white), WHITES[-1])
    # Resampling goes a little beyond 1.
    if brightest < 2 and values.dtype.kind == "f":
        top = 1
    scaled = values.astype(np.float32) * (255 / top)
    return np.nan_to_num(scaled, nan=PAPER).clip(0, 255).astype(np.uint8)
