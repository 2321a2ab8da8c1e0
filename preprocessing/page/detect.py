"""Finds text on a page with the detector of the package `rapidocr` (PP-OCRv6 detection, Apache-2.0)."""

from itertools import pairwise
from typing import Any

import cv2
import numpy as np

from utils.errors import UserError
from utils.system import usable_cores

# Pixels of the longer side at which the detector looks: a line of 40 on an A4 page is 30 pixels high.
LONGEST = 2000
# Pixels of a band, looked at at once; share of a page's height by which bands overlap on each side, so
# that slanted lines are in one; share of that margin in which a line may be taken from either.
BAND, MARGIN, SLACK = 1_700_000, 0.07, 0.1
WIDEST = 4  # the longer side over the shorter one
INSTALL = "Reading pages needs the package rapidocr; run `pip install -r requirements-pages.txt`."


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
        factor = min(1.0, LONGEST / max(page.shape[:2]))
        size = [max(1, round(side * factor)) for side in page.shape[1::-1]]
        small = cv2.resize(page, size, interpolation=cv2.INTER_AREA) if factor < 1 else page
        # In bands, each with a margin, so that little memory is needed.
        bands = -(-small.shape[0] * small.shape[1] // BAND)
        cuts = np.linspace(0, len(small), bands + 1).astype(int)
        margin = round(MARGIN * len(small)) if bands > 1 else 0
        found = np.empty((0, 4, 2), np.float32)
        for start, end in pairwise(cuts):
            top = max(0, start - margin)
            boxes = self._find(small[top : end + margin]) + np.array([0, top], np.float32)
            middles = boxes[:, :, 1].mean(axis=1)
            inside = (middles >= start - SLACK * margin) & (middles < end + SLACK * margin)
            new = [box for box in boxes[inside] if not any(_is_same(box, other) for other in found)]
            found = np.concatenate([found, np.array(new, np.float32).reshape(-1, 4, 2)])
        return (found / factor).clip(0, [page.shape[1] - 1, page.shape[0] - 1])

    def _find(self, page: np.ndarray) -> np.ndarray:
        """Returns what the detector finds in a picture of at most LONGEST pixels."""
        # It enlarges pictures until their shorter side has 736 pixels.
        height, width = page.shape[:2]
        padding = [max(0, -(-max(height, width) // WIDEST) - side) for side in (height, width)]
        page = cv2.copyMakeBorder(page, 0, padding[0], 0, padding[1], cv2.BORDER_REPLICATE)
        code = cv2.COLOR_GRAY2BGR if page.ndim == 2 else cv2.COLOR_RGB2BGR
        found = self._engine(cv2.cvtColor(page, code), use_det=True, use_cls=False, use_rec=False)
        boxes = getattr(found, "boxes", None)
        return np.asarray(() if boxes is None else boxes, np.float32).reshape(-1, 4, 2)


def _is_same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two boxes cover each other by more than half of the smaller one."""
    low, high = np.maximum(one.min(axis=0), other.min(axis=0)), np.minimum(one.max(axis=0), other.max(axis=0))
    smaller = min(float(np.prod(np.ptp(box, axis=0))) for box in (one, other))
    return float(np.prod((high - low).clip(0))) > 0.5 * smaller
