"""The one place that knows how an image file, or an array of its pixels, becomes a word image.

Training, evaluation and single-image prediction all read files through here, so the same file
gives the same pixels on every path.
"""

import os
import stat
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from utils.config.image import ImageConfig
from utils.errors import UserError

PAPER = 255
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "PPM")

# `image.max_pixels` takes its place, and can be raised.
Image.MAX_IMAGE_PIXELS = None
# A damaged file is reported once, by us.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


class UnusableImage(UserError):
    """An image file that can't be read; `reason` is the short form that summaries count by."""

    def __init__(self, path: str | Path, reason: str, advice: str = "") -> None:
        super().__init__(f"Image {path}: {reason}{'; ' + advice if advice else ''}.")
        self.reason = reason


def read_word_image(path: str | Path, image: ImageConfig) -> np.ndarray:
    """Reads a file and brings it to the network's geometry.

    Returns:
        uint8 of shape (y_size, width) or, with 3 channels, (y_size, width, 3); paper is 255;
        y_size / 2 <= width <= x_size, and width == x_size with `fixed_width`.

    Raises:
        UnusableImage: missing, empty, truncated, no image, or larger than `image.max_pixels`.
    """
    return to_network_geometry(decode(path, image), image)


def word_image_of_array(array: np.ndarray, image: ImageConfig, name: str = "array") -> np.ndarray:
    """Like `read_word_image`, for pixels that are in memory; those of a file give the file's result.

    Args:
        array: (h, w), (h, w, 1), (h, w, 3) RGB or (h, w, 4) RGBA; uint8, bool, uint16 or float
            (0 to 1, or grey levels up to 255 or 65535).
        name: what error messages call it.

    Raises:
        UnusableImage: empty, of another shape or type, or larger than `image.max_pixels`.
    """
    array = np.asarray(array)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if (
        not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4)))
        or array.dtype.kind not in "buif"
    ):
        raise UnusableImage(
            name,
            f"an array of shape {array.shape} and type {array.dtype} is no image",
            "give numbers of shape (h, w), (h, w, 3) RGB or (h, w, 4) RGBA",
        )
    if not array.size:
        raise UnusableImage(name, "empty array")
    _check_pixels(array.shape[1], array.shape[0], name, image)
    if array.dtype == bool:
        array = array * np.uint8(255)
    elif array.dtype != np.uint8:
        array = _to_8_bits(array)
    return word_image_of_picture(Image.fromarray(np.ascontiguousarray(array)), image, name)


def word_image_of_picture(picture: Image.Image, image: ImageConfig, name: str = "picture") -> np.ndarray:
    """Like `read_word_image`, for an image that Pillow has opened or made; `name` is for error messages.

    Raises:
        UnusableImage: no pixels, larger than `image.max_pixels`, or of a damaged file.
    """
    if not picture.width or not picture.height:
        raise UnusableImage(name, "image without pixels")
    _check_pixels(picture.width, picture.height, name, image)
    try:
        pixels = _pixels(_upright_on_white(picture), image)
    except Exception as error:
        # Pillow reads a file only now, and its plugins raise anything on damaged ones.
        raise _unusable(name, error) from None
    return to_network_geometry(pixels, image)


def decode(path: str | Path, image: ImageConfig) -> np.ndarray:
    """Reads a file upright, on white where it is transparent; uint8 (h, w) or (h, w, 3)."""
    try:
        # A pipe would be waited on for ever; folders and missing files are told below.
        if stat.S_IFMT(os.stat(path).st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
            raise UnusableImage(path, "not a regular file")
        # Only the header is read here, so a decompression bomb is refused before it unfolds.
        with Image.open(path, formats=FORMATS) as file:
            _check_pixels(file.width, file.height, path, image)
            pixels = _pixels(_upright_on_white(file), image)
    except UserError:
        raise
    except Exception as error:
        # On damaged files Pillow's plugins raise anything, from struct.error to AssertionError.
        raise _unusable(path, error) from None
    if not pixels.size:
        raise UnusableImage(path, "image without pixels", "replace it or take it out of the labels file")
    return pixels


def is_binarised(path: str | Path, image: ImageConfig) -> bool:
    """Whether a file is black and white (any two values): at least 98 % of its pixels have one of two values.

    Of IAM's words, grey ones have at most 90 %, binarised ones more than 99.9 %.

    Raises:
        UnusableImage: as `read_word_image`.
    """
    pixels = decode(path, image)
    # Of three channels the green one, which is nearest to grey.
    grey = pixels if pixels.ndim == 2 else pixels[..., 1]
    return bool(np.sort(np.bincount(grey.ravel()))[-2:].sum() >= 0.98 * grey.size)


def to_network_geometry(pixels: np.ndarray, image: ImageConfig) -> np.ndarray:
    """Binarises, scales with true aspect ratio and centres on a canvas of the network's height.

    A network that has learned from distorted words reads worse what has no paper at its ends and sharper
    edges than any of them: hence `margin` and `blur`.

    Args:
        pixels: uint8 (h, w) or (h, w, 3), as in the file.
    """
    if image.binarization == "otsu":
        pixels = binarize(pixels)
    height, width = pixels.shape[:2]
    size, margin = image.image_size, image.margin
    widest = size.x_size - 2 * margin
    factor = min(size.y_size / height, widest / width)
    if image.scale != "fit":
        factor = min(factor, image.scale)
    new_height = min(size.y_size, max(1, round(height * factor)))
    new_width = min(widest, max(1, round(width * factor)))
    # Averaging areas keeps thin strokes when shrinking; it would only repeat pixels when enlarging.
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(pixels, (new_width, new_height), interpolation=method)
    # A full stop is a few pixels wide: some paper around it gives the encoder columns to read.
    narrowest = size.x_size if image.fixed_width else min(size.y_size // 2, size.x_size)
    canvas_width = max(new_width + 2 * margin, narrowest)
    canvas = np.full((size.y_size, canvas_width, *pixels.shape[2:]), PAPER, np.uint8)
    top = (size.y_size - new_height) // 2
    canvas[top : top + new_height, margin : margin + new_width] = scaled
    return cv2.GaussianBlur(canvas, (0, 0), image.blur) if image.blur else canvas


def binarize(pixels: np.ndarray) -> np.ndarray:
    """Black ink (0) on white paper (255) by Otsu's threshold (Otsu 1979); uint8 (h, w) or (h, w, 3)."""
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    _, black_and_white = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return black_and_white if pixels.ndim == 2 else cv2.cvtColor(black_and_white, cv2.COLOR_GRAY2RGB)


def _check_pixels(width: int, height: int, name: str | Path, image: ImageConfig) -> None:
    if width * height > image.max_pixels:
        raise UnusableImage(
            name,
            f"{width}x{height} pixels are more than image.max_pixels allows",
            f"raise it to {width * height} if the file is genuine",
        )


def _pixels(picture: Image.Image, image: ImageConfig) -> np.ndarray:
    """uint8 (h, w) or (h, w, 3), as the network's number of channels asks for."""
    grey = image.image_size.num_channels == 1 or image.convert_to_grayscale
    pixels = np.asarray(picture.convert("L" if grey else "RGB"))
    if grey and image.image_size.num_channels == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    return pixels


def _unusable(path: str | Path, error: Exception) -> UnusableImage:
    """Why Pillow could not read the file, in the reasons that summaries count by."""
    if isinstance(error, FileNotFoundError):
        return UnusableImage(path, "missing file", "check images_folder and the file name")
    if isinstance(error, UnidentifiedImageError):
        reason = "not an image" if os.path.getsize(path) else "empty file"
        return UnusableImage(path, reason, f"give one of {', '.join(FORMATS)}")
    reason = (error.strerror or "").lower() if isinstance(error, OSError) else ""
    return UnusableImage(
        path, reason or "truncated or damaged file", "replace it or take it out of the labels file"
    )


def _upright_on_white(file: Image.Image) -> Image.Image:
    """Applies the EXIF rotation, puts transparent pixels on white, brings 16 bits down to 8."""
    picture = ImageOps.exif_transpose(file)
    if picture.mode.startswith("I") or picture.mode == "F":
        return Image.fromarray(_to_8_bits(np.asarray(picture)))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture)
    return picture


def _to_8_bits(values: np.ndarray) -> np.ndarray:
    """uint8 grey levels of integers up to 255 or 65535, or of floats up to 1 also; no number is paper."""
    brightest = np.fmax.reduce(values, axis=None)  # NaN only if all are
    top = 65535 if brightest > 255 else 255
    if brightest <= 1 and values.dtype.kind == "f":
        top = 1
    scaled = values.astype(np.float32) * (255 / top)
    return np.nan_to_num(scaled, nan=PAPER).clip(0, 255).astype(np.uint8)
