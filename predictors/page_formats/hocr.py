"""hOCR 1.2: HTML with boxes and confidences, as OCRmyPDF, hocr-tools and the Internet Archive read it."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from predictors.page_formats.xml import around, bounds, clean
from preprocessing.page.layout import PROGRAM, Line, Page

Box = tuple[int, int, int, int]


def to_hocr(pages: Sequence[Page]) -> str:
    """Returns pages as one hOCR document."""
    root = Element("html", xmlns="http://www.w3.org/1999/xhtml")
    head = SubElement(root, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "title").text = PROGRAM
    SubElement(head, "meta", name="ocr-system", content=PROGRAM)
    SubElement(head, "meta", name="ocr-capabilities", content="ocr_page ocr_par ocr_line ocrx_word ocrp_wconf")
    body = SubElement(root, "body")
    for i, page in enumerate(pages, start=1):
        title = f'image "{_name(page.filename)}"; {_bbox((0, 0, page.width, page.height))}; ppageno {page.number - 1}'
        element = SubElement(body, "div", {"class": "ocr_page", "id": f"page_{i}", "title": title})
        if page.lines:
            # OCRmyPDF takes lines from paragraphs alone.
            title = _bbox(around(line.polygon for line in page.lines))
            paragraph = SubElement(element, "p", {"class": "ocr_par", "id": f"par_{i}", "title": title})
            for j, line in enumerate(page.lines, start=1):
                _add_line(paragraph, line, f"{i}_{j}")
        else:
            # In HTML a div is not closed by its first tag.
            element.text = " "
    indent(root)
    return f"<!DOCTYPE html>\n{tostring(root, encoding='unicode')}\n"


def _add_line(paragraph: Element, line: Line, number: str) -> None:
    title = _bbox(bounds(line.polygon))
    if line.baseline:
        title += "; " + _baseline(line)
    element = SubElement(paragraph, "span", {"class": "ocr_line", "id": f"line_{number}", "title": title})
    if not line.words:
        element.text = clean(line.text)
    for k, word in enumerate(line.words, start=1):
        title = f"{_bbox(word.box)}; x_wconf {round(100 * word.confidence)}"
        name = f"word_{number}_{k}"
        SubElement(element, "span", {"class": "ocrx_word", "id": name, "title": title}).text = clean(word.text)


def _baseline(line: Line) -> str:
    """Returns the straight line through the baseline's ends: slope, and offset from the box's lower left corner."""
    left, top, _, height = bounds(line.polygon)
    (x0, y0), (x1, y1) = line.baseline[0], line.baseline[-1]
    slope = (y1 - y0) / (x1 - x0) if x1 != x0 else 0.0
    return f"baseline {slope:.4f} {round(y0 - slope * (x0 - left) - top - height)}"


def _bbox(box: Box) -> str:
    left, top, width, height = box
    return f"bbox {left} {top} {left + width} {top + height}"


def _name(filename: str) -> str:
    """Returns a file name within the quotes of a title, which have no escape."""
    return clean(filename).replace('"', "'")
