"""Damages word and line pictures as cameras, paper and copying do, before they are normalised.

Each kind is a function of a picture (uint8 (h, w) or (h, w, 3) RGB, dark ink on light paper, near 300 dpi), a strength
from 0 (hardly visible) to 1, and a random generator. All ranges were chosen by what pages look like, not by figures.
"""

import math
from collections.abc import Callable

import cv2
import numpy as np

from preprocessing.normaliser import LARGEST

MOST_JPEG = 65_500  # pixels of the longest side of a JPEG

Damage = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]


def damage(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Applies one to four random kinds, in the order in which they happen to a page; a pure function of `rng`'s state.

    Returns:
        uint8 (h', w') or (h', w', 3).
    """
    names = list(KINDS)
    chosen = set(rng.choice(len(names), size=1 + rng.binomial(3, 0.4), replace=False).tolist())
    for index, name in enumerate(names):
        if index in chosen:
            picture = KINDS[name](picture, rng.uniform(), rng)
    return picture


def add_paper(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Leaves up to 150 pixels of paper around the ink."""
    return _extended(picture, rng.integers(0, int(10 + 140 * strength), 4).tolist())


def add_neighbours(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Lets strokes of the lines above and below reach into the picture."""
    height = len(picture)
    reach = max(1, int(height * (0.1 + 0.2 * strength)))
    gap = int(rng.integers(2, 4 + height // 8))
    picture = np.ascontiguousarray(_extended(picture, [reach + gap, reach + gap, 0, 0]))
    flipped = picture[:, ::-1]
    if rng.random() < 0.7:
        picture[:reach] = flipped[reach + gap + height - reach :][:reach]
    if rng.random() < 0.7:
        picture[-reach:] = flipped[reach + gap :][:reach]
    return picture


def add_rulings(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Draws ruled lines, 60 to 130 pixels apart."""
    picture = _extended(picture, rng.integers(4, 30, 4).tolist())
    return _draw_lines(picture, rng.uniform(60, 130), strength, rng, upright=False)


def add_squares(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Draws squared paper, 35 to 80 pixels a side."""
    picture = _extended(picture, rng.integers(4, 30, 4).tolist())
    pitch = rng.uniform(35, 80)
    for upright in (False, True):
        picture = _draw_lines(picture, pitch, strength, rng, upright)
    return picture


def add_box(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Draws a form's box, or some of its sides."""
    picture = np.ascontiguousarray(_extended(picture, rng.integers(6, 40, 4).tolist()))
    height, width = picture.shape[:2]
    left, right, top, bottom = (int(side) for side in rng.integers(0, 6, 4))
    corners = [
        (left, top),
        (width - 1 - right, top),
        (width - 1 - right, height - 1 - bottom),
        (left, height - 1 - bottom),
    ]
    colour, thickness = _tint(picture, 0.4 + 0.6 * strength, rng), int(rng.integers(1, 5))
    whole = rng.random() < 0.6
    for start, end in zip(corners, corners[1:] + corners[:1]):
        if whole or rng.random() < 0.5:
            cv2.line(picture, start, end, colour, thickness, cv2.LINE_AA)
    return picture


def show_through(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Lets the writing on the back of the sheet shine through."""
    shift = int(rng.integers(0, picture.shape[1])), int(rng.integers(0, picture.shape[0]))
    back = np.roll(picture[:, ::-1], shift, axis=(1, 0))
    return _scaled(picture, 1 - (0.1 + 0.3 * strength) * _darkness(back, picture))


def fade_ink(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Makes the ink pale."""
    paper = _paper(picture)
    kept = rng.uniform(1 - 0.75 * strength, 1)
    return np.clip(paper - (paper - picture.astype(np.float32)) * kept, 0, 255).astype(np.uint8)


def colour(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Writes with coloured ink on coloured paper."""
    ink = rng.uniform(0, 130, 3) * (0.3 + 0.7 * strength)
    paper = 255 - rng.uniform(0, 110, 3) * strength
    darkness = _darkness(picture, picture)
    if darkness.ndim == 2:
        darkness = darkness[..., None]
    return np.clip(paper + darkness * (ink - paper), 0, 255).astype(np.uint8)


def turn(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Turns by up to 11 degrees either way."""
    angle = rng.choice([-1, 1]) * (1 + 10 * strength)
    height, width = picture.shape[:2]
    rise = int(abs(np.sin(np.radians(angle))) * width / 2) + 2
    side = int(abs(np.sin(np.radians(angle))) * height / 2) + 2
    picture = _extended(picture, [rise, rise, side, side])
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    return cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def tilt(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Photographs the page from the side."""
    height, width = picture.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + rng.uniform(-1, 1, (4, 2)) * (0.02 + 0.1 * strength) * [min(width, 2 * height), height]
    matrix = cv2.getPerspectiveTransform(moved.astype(np.float32), corners)
    return cv2.warpPerspective(picture, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def add_texture(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Makes the paper's brightness vary: fibres, folds, stains."""
    height, width = picture.shape[:2]
    field = np.zeros((height, width), np.float32)
    for cell in (3, rng.uniform(8, 60)):
        size = int(width / cell) + 2, int(height / cell) + 2
        field += cv2.resize(rng.standard_normal(size[::-1], dtype=np.float32), (width, height))
    return _scaled(picture, 1 + (0.01 + 0.06 * strength) * field)


def fade_light(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Lets the light fall off, to a quarter at most."""
    along = _ramp(picture, rng)
    return _scaled(picture, 1 - (0.1 + 0.65 * strength) * (along - along.min()) / max(np.ptp(along), 1))


def cast_shadow(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Casts a shadow with a more or less sharp edge."""
    along = _ramp(picture, rng)
    edge = rng.uniform(along.min(), along.max())
    shade = 1 / (1 + np.exp(-np.clip((along - edge) / rng.uniform(1, 12), -50, 50)))
    return _scaled(picture, 1 - (0.2 + 0.5 * strength) * shade)


def blur(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Photographs out of focus, or with a moving hand."""
    if rng.random() < 0.7:
        return cv2.GaussianBlur(picture, (0, 0), 0.5 + 2.2 * strength)
    length = int(3 + 8 * strength) | 1
    line = np.zeros((length, length), np.float32)
    turned = cv2.getRotationMatrix2D((length // 2, length // 2), rng.uniform(0, 180), 1)
    line[length // 2] = 1
    line = cv2.warpAffine(line, turned, (length, length))
    return cv2.filter2D(picture, -1, line / line.sum(), borderType=cv2.BORDER_REPLICATE)


def add_noise(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Adds the noise of a sensor, and dust."""
    noise = rng.standard_normal(picture.shape, dtype=np.float32) * (2 + 16 * strength)
    dust = rng.random(picture.shape[:2]) < 0.0015 * strength
    noisy = np.clip(picture + noise, 0, 255).astype(np.uint8)
    noisy[dust] = rng.integers(0, 120)
    return noisy


def shrink(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Takes the picture with fewer pixels, down to less than a third."""
    return _resized(picture, 1 / (1 + 2.4 * strength))


def enlarge(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Takes the picture with more pixels, up to four times, unless the normaliser would halve it again."""
    most = math.sqrt(LARGEST / (picture.shape[0] * picture.shape[1]))
    return _resized(picture, max(1.0, min(1 + 3 * strength, most)))


def compress(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Saves as JPEG, down to quality 12, what is not too large for one."""
    if max(picture.shape) > MOST_JPEG:
        return picture
    encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(70 - 58 * strength)])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE if picture.ndim == 2 else cv2.IMREAD_COLOR))


def invert(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Turns to light ink on dark, of full contrast at strength 1."""
    return cv2.convertScaleAbs(255 - picture, alpha=0.5 + 0.5 * strength, beta=rng.uniform(0, 40) * (1 - strength))


# In the order in which they happen: paper, writing, light, camera, file.
KINDS: dict[str, Damage] = {
    "neighbours": add_neighbours,
    "paper": add_paper,
    "ruled": add_rulings,
    "squared": add_squares,
    "box": add_box,
    "show-through": show_through,
    "pale": fade_ink,
    "colour": colour,
    "turned": turn,
    "tilted": tilt,
    "texture": add_texture,
    "light": fade_light,
    "shadow": cast_shadow,
    "blur": blur,
    "small": shrink,
    "large": enlarge,
    "noise": add_noise,
    "jpeg": compress,
    "inverted": invert,
}


def _paper(picture: np.ndarray) -> np.ndarray:
    """Returns the paper's grey level or colour."""
    return np.percentile(picture, 85, axis=(0, 1))


def _extended(picture: np.ndarray, sides: list[int]) -> np.ndarray:
    """Adds paper: above, below, left, right."""
    value = np.atleast_1d(_paper(picture)).tolist()
    top, bottom, left, right = sides
    return cv2.copyMakeBorder(picture, top, bottom, left, right, cv2.BORDER_CONSTANT, value=value)


def _tint(picture: np.ndarray, strength: float, rng: np.random.Generator) -> list[float]:
    """Draws a printed line's colour, between the paper's and a dark one."""
    paper = np.atleast_1d(_paper(picture))
    dark = rng.uniform(20, 150, len(paper))
    return (paper + (0.25 + 0.75 * strength) * (dark - paper)).tolist()


def _draw_lines(
    picture: np.ndarray, pitch: float, strength: float, rng: np.random.Generator, upright: bool
) -> np.ndarray:
    """Draws parallel lines under the ink, slanted by up to 2 degrees."""
    height, width = picture.shape[:2][:: -1 if upright else 1]
    slope, thickness, tint = rng.uniform(-0.035, 0.035), int(rng.integers(1, 5)), _tint(picture, strength, rng)
    lines = np.full_like(picture, 255)
    for row in np.arange(rng.uniform(-pitch, 0), height + pitch, pitch):
        ends = [(0, round(row)), (width, round(row + slope * width))]
        start, end = (end[::-1] if upright else end for end in ends)
        cv2.line(lines, start, end, tint, thickness, cv2.LINE_AA)
    return np.minimum(picture, lines)


def _darkness(picture: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Returns the darkness of ink, float32 0 (paper) to 1."""
    paper = _paper(like)
    darkest = float(like.min())
    return np.clip((paper - picture.astype(np.float32)) / max(float(np.max(paper)) - darkest, 1), 0, 1)


def _ramp(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns each pixel's way in a random direction, float32 (h, w)."""
    height, width = picture.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return columns * np.float32(np.cos(angle)) + rows * np.float32(np.sin(angle))


def _scaled(picture: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Multiplies each pixel's brightness by a factor, (h, w) or of the picture's shape."""
    if picture.ndim == 3 and factor.ndim == 2:
        factor = factor[..., None]
    return np.clip(picture * factor, 0, 255).astype(np.uint8)


def _resized(picture: np.ndarray, factor: float) -> np.ndarray:
    size = [max(2, round(side * factor)) for side in picture.shape[1::-1]]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
