"""Pages with drawn lines, and files of pages."""

import hashlib

import cv2
import numpy as np
from PIL import Image

from tests.helpers.tiny import REPOSITORY

PAPER = 240
# Lines of test_images' words.
LINES = (("imperial", "museum", "other"), ("Airlines", "turning", "cyprus"), ("supported", "office"))


def draw_page(lines, size=(1000, 700)):
    """Draws (text, x, y of the baseline, ink) on paper; returns uint8 (h, w) and the corners of each, (n, 4, 2)."""
    page, corners = np.full(size[::-1], PAPER, np.uint8), []
    for text, x, y, ink in lines:
        cv2.putText(page, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 1.5, ink, 4, cv2.LINE_AA)
        (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.5, 4)
        corners.append(rectangle(x - 8, y - height - 12, x + width + 8, y + 22))
    return page, np.array(corners, np.float32).reshape(-1, 4, 2)


def rectangle(left, top, right, bottom):
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def written_page(lines=LINES):
    """A scan with lines of words from test_images; uint8 (h, w), a line every 220 rows."""
    page = np.full((900, 1300), 255, np.uint8)
    for row, words in enumerate(lines):
        x = 120
        for word in words:
            pixels = np.asarray(Image.open(REPOSITORY / "test_images" / f"{word}.png").convert("L"))
            pixels = cv2.resize(pixels, None, fx=80 / pixels.shape[0], fy=80 / pixels.shape[0])
            part = page[150 + 220 * row :, x:][: pixels.shape[0], : pixels.shape[1]]
            part[:] = np.minimum(part, pixels[: part.shape[0], : part.shape[1]])
            x += pixels.shape[1] + 60
    return page


def encrypted_pdf():
    """An empty PDF that asks for a password."""
    key = "".join(f"{byte:02x}" for byte in hashlib.sha256(b"owner").digest())
    parts = [
        "1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj",
        "2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj",
        "3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>> endobj",
        f"4 0 obj <</Filter/Standard/V 1/R 2/O<{key}>/U<{key}>/P -4>> endobj",
    ]
    text, offsets = "%PDF-1.4\n", []
    for part in parts:
        offsets.append(len(text))
        text += part + "\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    trailer = f"trailer <</Size 5/Root 1 0 R/Encrypt 4 0 R/ID[<{key}><{key}>]>>"
    return f"{text}xref\n0 5\n0000000000 65535 f \n{table}{trailer}\nstartxref\n{len(text)}\n%%EOF\n".encode()
