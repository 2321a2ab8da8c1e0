"""PAGE XML 2019 (PRImA), as Transkribus, eScriptorium, Loghi and OCR-D read it."""

from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement

from predictors.page_formats.xml import around, clean, corners, document, picture_name, points, root_element
from preprocessing.page.layout import PROGRAM, Line, Page

NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
SCHEMA = f"{NAMESPACE}/pagecontent.xsd"


def to_page_xml(page: Page) -> str:
    """Returns a page as PAGE XML."""
    root = root_element("PcGts", NAMESPACE, SCHEMA)
    metadata = SubElement(root, "Metadata")
    SubElement(metadata, "Creator").text = page.creator or PROGRAM
    for name in ("Created", "LastChange"):
        SubElement(metadata, name).text = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    size = {"imageWidth": str(page.width), "imageHeight": str(page.height)}
    element = SubElement(root, "Page", {"imageFilename": picture_name(page), **size})
    if page.lines:
        order = SubElement(SubElement(element, "ReadingOrder"), "OrderedGroup", id="order")
        SubElement(order, "RegionRefIndexed", index="0", regionRef="r1")
        region = SubElement(element, "TextRegion", id="r1", type="paragraph")
        box = corners(around(line.polygon for line in page.lines))
        SubElement(region, "Coords", points=points(box))
        for number, line in enumerate(page.lines, start=1):
            _add_line(region, line, number)
    return document(root)


def _add_line(region: Element, line: Line, number: int) -> None:
    name = f"r1l{number}"
    element = SubElement(region, "TextLine", id=name, custom=f"readingOrder {{index:{number - 1};}}")
    SubElement(element, "Coords", points=points(line.polygon))
    if line.baseline:
        SubElement(element, "Baseline", points=points(line.baseline))
    for i, word in enumerate(line.words, start=1):
        part = SubElement(element, "Word", id=f"{name}w{i}")
        SubElement(part, "Coords", points=points(corners(word.box)))
        _add_text(part, word.text, word.confidence)
    _add_text(element, line.text, line.confidence)


def _add_text(element: Element, text: str, confidence: float | None) -> None:
    known = {} if confidence is None else {"conf": f"{confidence:.4f}"}
    SubElement(SubElement(element, "TextEquiv", known), "Unicode").text = clean(text)
