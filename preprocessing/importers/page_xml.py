"""Reads lines with polygon, baseline and text from PAGE XML (2013 to 2019) and ALTO (2 to 4).

PAGE: PRImA's schema, as Transkribus, eScriptorium, Loghi and OCR-D write it. ALTO: the Library of Congress' schema, as
eScriptorium and kraken write it, with their BASELINE and Polygon.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, XMLParser

from preprocessing.importers.baselines import upright
from preprocessing.importers.labelled_word import NotUtf8, read_text
from preprocessing.page.layout import Line, Page, Point
from preprocessing.tokenizer import normalize_label
from utils.errors import UserError

NUMBERS = re.compile(r"-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")
LARGEST_NUMBER = 1e9  # no picture has so many pixels
ROOTS = re.compile(r"<(\w+:)?(PcGts|alto)\b")


class OtherKind(UserError):
    """An XML file of something else than a page."""


def read_page(path: Path) -> Page:
    """Returns the page of a PAGE or ALTO file; `filename` is the picture's name as the file gives it.

    Lines without an outline have an empty polygon.

    Raises UserError if the file can't be read, is not well-formed or declares entities; OtherKind if it is no page.
    """
    root = _parse(path)
    kind = _name(root)
    if kind == "PcGts":
        return _page(root, path)
    if kind == "alto":
        return _alto(root, path)
    raise OtherKind(f"{path} is neither PAGE nor ALTO: its root is {kind}.")


def _parse(path: Path) -> Element:
    try:
        text = read_text(path)
    except NotUtf8:
        # Without its zeros UTF-16 is as legible here as Latin-1.
        if ROOTS.search(path.read_bytes().replace(b"\0", b"").decode("latin-1")):
            raise
        raise OtherKind(f"{path} is neither PAGE nor ALTO.") from None
    # Entities can make a file of a few bytes fill the memory, and these formats have none.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        if not ROOTS.search(text):
            raise OtherKind(f"{path} is neither PAGE nor ALTO.")
        raise UserError(f"{path} declares a document type or entities, which PAGE and ALTO don't; remove them.")
    parser = XMLParser()
    try:
        parser.feed(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))
        return parser.close()
    except (ParseError, ValueError) as error:
        raise UserError(f"{path} is not well-formed XML: {error}.") from None


def _name(element: Element) -> str:
    """Returns an element's name without its namespace, which differs from version to version."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _children(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element if _name(child) == name)


def _all(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element.iter() if _name(child) == name)


def _first(element: Element, name: str) -> str:
    """Returns the text of the first element of a name, without space around it; empty if there is none."""
    return next((found.text or "" for found in _all(element, name)), "").strip()


def _points(text: str | None, where: str) -> tuple[Point, ...]:
    """Returns points of `x,y x,y` or `x y x y`."""
    values = [float(value) for value in NUMBERS.findall(text or "")]
    if len(values) % 2:
        raise UserError(f"{where} has points with an odd number of coordinates: {text!r}.")
    return tuple(zip(values[::2], values[1::2]))


def _page(root: Element, path: Path) -> Page:
    page = next(_all(root, "Page"), None)
    if page is None:
        raise UserError(f"{path} has no Page.")
    lines: list[Line] = []
    predicted = 0
    parents = {child: parent for parent in page.iter() for child in parent}
    for element in _all(page, "TextLine"):
        where = f"{path}: line {element.get('id', len(lines) + 1)}"
        coords, baseline = (next(_children(element, name), None) for name in ("Coords", "Baseline"))
        polygon = _outline(coords, where) if coords is not None else ()
        base = _points(baseline.get("points"), where) if baseline is not None else ()
        if len(base) > 1:
            angle, direction = (_inherited(element, name, parents) for name in ("orientation", "readingDirection"))
            base = upright(base, polygon, _as_number(angle), direction)
        lines.append(Line(polygon, base if len(base) > 1 else (), normalize_label(_text(element))))
        predicted += bool(lines[-1].text) and _may_be_prediction(element)
    size = _size(page, "imageWidth"), _size(page, "imageHeight")
    return Page(
        page.get("imageFilename", ""), *size, tuple(lines), creator=_first(root, "Creator"), predicted=predicted
    )


def _inherited(element: Element, name: str, parents: dict[Element, Element]) -> str:
    """Returns an attribute of an element or of the innermost one around it that has it."""
    around: Element | None = element
    while around is not None:
        if value := around.get(name):
            return value
        around = parents.get(around)
    return ""


def _outline(coords: Element, where: str) -> tuple[Point, ...]:
    """Returns the points of Coords, which the format of 2010 wrote as elements of their own."""
    if coords.get("points"):
        return _points(coords.get("points"), where)
    points = [f"{point.get('x')} {point.get('y')}" for point in _children(coords, "Point")]
    return _points(" ".join(points), where)


def _text(line: Element) -> str:
    """Returns the line's own text, else that of its words."""
    return _unicode(line) or " ".join(filter(None, (_unicode(word) for word in _children(line, "Word"))))


def _unicode(element: Element) -> str:
    """Returns the text of an element's first variant that has one.

    In LAREX and OCR4all index 0 is the ground truth, and 1 a prediction, which is no text where index 0 was emptied.
    """
    variants = sorted(_children(element, "TextEquiv"), key=lambda one: _number(one, "index"))
    truth = [one for one in variants if one.get("index") == "0"]
    for variant in truth or variants:
        if text := " ".join(_first(variant, "Unicode").split()):
            return text
    return ""


def _may_be_prediction(line: Element) -> bool:
    variants = list(_children(line, "TextEquiv"))
    return bool(variants) and all(_number(variant, "index") >= 1 for variant in variants)


def _alto(root: Element, path: Path) -> Page:
    pages = list(_all(root, "Page"))
    if len(pages) != 1:
        raise UserError(f"{path} has {len(pages)} Page elements; write one file for each page.")
    page = pages[0]
    unit = next((element.text for element in _all(root, "MeasurementUnit")), "pixel")
    if (unit or "").strip() != "pixel":
        raise UserError(f"{path} measures in {unit}; export it in pixels.")
    lines: list[Line] = []
    for element in _all(page, "TextLine"):
        where = f"{path}: line {element.get('ID', len(lines) + 1)}"
        shape = next(_all(element, "Polygon"), None) if next(_children(element, "Shape"), None) is not None else None
        polygon = _points(shape.get("POINTS"), where) if shape is not None else _box(element)
        base = _points(element.get("BASELINE"), where) if " " in (element.get("BASELINE") or "") else ()
        text = " ".join(filter(None, (string.get("CONTENT", "") for string in _all(element, "String"))))
        # ABBYY and others write a soft hyphen for the one that stands on the page.
        text += "".join(hyphen.get("CONTENT", "-") for hyphen in _all(element, "HYP")).replace("\u00ad", "-")
        base = upright(base, polygon) if len(base) > 1 else ()
        lines.append(Line(polygon, base, normalize_label(" ".join(text.split()))))
    size = _size(page, "WIDTH"), _size(page, "HEIGHT")
    return Page(_first(root, "fileName"), *size, tuple(lines), creator=_first(root, "softwareName"))


def _box(element: Element) -> tuple[Point, ...]:
    left, top, width, height = (_number(element, name) for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
    if width <= 0 or height <= 0:
        return ()
    return ((left, top), (left + width, top), (left + width, top + height), (left, top + height))


def _size(element: Element, name: str) -> int:
    return int(_number(element, name))


def _number(element: Element, name: str) -> float:
    return _as_number(element.get(name, ""))


def _as_number(text: str) -> float:
    found = NUMBERS.fullmatch(text.strip())
    value = float(found[0]) if found else 0.0
    return value if abs(value) < LARGEST_NUMBER else 0.0
