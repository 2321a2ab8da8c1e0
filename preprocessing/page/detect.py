"""Finds text on a page with the detector of the package `rapidocr` (PP-OCRv6 detection, Apache-2.0)."""

from itertools import pairwise
from typing import Any

import cv2
import numpy as np

from preprocessing.ink import ink_mask
from utils.errors import UserError
from utils.system import usable_cores

# Pixels of the longer side at which the detector looks: a line of 40 on an A4 page is 30 pixels high.
LONGEST = 2000
WIDEST = 4  # the longer side over the shorter one
# Larger pictures are looked at in parts, one below the other, since the detector needs 270 bytes for each pixel. Parts
# reach so many pixels into each other that a line lies whole in one of them; those nearest the cut count in both.
MOST_PIXELS, REACH, NEAR_CUT = 1_600_000, 200, 8
MARGIN = 2  # around the only writing on a page, in its heights
INSTALL = (
    "Reading pages needs the package rapidocr: install the extra `pages` (pip install seq2seq-ocr[pages]) or, in a "
    "checkout, requirements-pages.txt."
)


class TextDetector:
    """Finds pieces of text lines; raises UserError if rapidocr is not installed.

    One object serves any number of pages, one after another.
    """

    def __init__(self) -> None:
        try:
            from rapidocr import RapidOCR
        except ImportError:
            raise UserError(INSTALL) from None
        threads = min(2, usable_cores())
        settings = {"EngineConfig.onnxruntime.intra_op_num_threads": threads, "Global.log_level": "critical"}
        self._engine: Any = RapidOCR(params={**settings, "Global.max_side_len": LONGEST})

    def find(self, page: np.ndarray) -> np.ndarray:
        """Returns the corners of pieces of lines, float32 (n, 4, 2): x, y in pixels of the page, clockwise.

        Args:
            page: uint8 (h, w) or (h, w, 3) RGB.
        """
        corners = self._find(page)
        if not len(corners):  # A short word alone on its page is found if it fills more of the picture.
            left, top, width, height = _ink_box(page)
            start = np.maximum([left - MARGIN * height, top - MARGIN * height], 0)
            part = page[start[1] : top + height + MARGIN * height, start[0] : left + width + MARGIN * height]
            if part.size < page.size and width > height:  # no speck
                return self._find(part) + start.astype(np.float32)
        return corners

    def _find(self, page: np.ndarray) -> np.ndarray:
        """Returns the corners as `find`, at one look."""
        factor = min(1.0, LONGEST / max(page.shape[:2]))
        size = [max(1, round(side * factor)) for side in page.shape[1::-1]]
        small = cv2.resize(page, size, interpolation=cv2.INTER_AREA) if factor < 1 else page
        # The detector enlarges pictures until their shorter side has 736 pixels.
        height, width = small.shape[:2]
        padding = [max(0, -(-max(height, width) // WIDEST) - side) for side in (height, width)]
        small = cv2.copyMakeBorder(small, 0, padding[0], 0, padding[1], cv2.BORDER_REPLICATE)
        code = cv2.COLOR_GRAY2BGR if small.ndim == 2 else cv2.COLOR_RGB2BGR
        corners = self._find_in_parts(cv2.cvtColor(small, code))
        return (corners / factor).clip(0, [page.shape[1] - 1, page.shape[0] - 1])

    def _find_in_parts(self, picture: np.ndarray) -> np.ndarray:
        """Returns the corners of pieces in a BGR picture that is looked at in parts of MOST_PIXELS."""
        height, width = picture.shape[:2]
        cuts = np.linspace(0, height, -(-height * width // MOST_PIXELS) + 1).astype(int)
        found: list[np.ndarray] = []
        for top, bottom in pairwise(cuts):
            start = max(0, top - REACH)
            seen = self._engine(picture[start : bottom + REACH], use_det=True, use_cls=False, use_rec=False)
            boxes = getattr(seen, "boxes", None)
            corners = np.asarray(() if boxes is None else boxes, np.float32).reshape(-1, 4, 2)
            corners[:, :, 1] += start
            middles = corners[:, :, 1].mean(axis=1)
            pieces = corners[(middles >= top - NEAR_CUT) & (middles < bottom + NEAR_CUT)]
            # A line at the cut is seen in both parts.
            seen_before = [any(_is_same(piece, other) for part in found[-1:] for other in part) for piece in pieces]
            found.append(pieces[~np.array(seen_before, bool)])
        return np.concatenate(found)


def _ink_box(page: np.ndarray) -> tuple[int, int, int, int]:
    """Returns left, top, width and height of all ink of a page, uint8 (h, w) or (h, w, 3) RGB; 0 without ink."""
    grey = page if page.ndim == 2 else cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)
    left, top, width, height = cv2.boundingRect(ink_mask(grey).view(np.uint8))
    return left, top, width, height


def _is_same(piece: np.ndarray, other: np.ndarray) -> bool:
    """Whether the middle of one of two pieces, float32 (4, 2), lies within the other."""
    pairs = (piece, other), (other, piece)
    return any(cv2.pointPolygonTest(one, two.mean(axis=0).tolist(), False) >= 0 for one, two in pairs)
