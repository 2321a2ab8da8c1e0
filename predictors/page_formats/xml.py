"""Helpers of the XML formats: boxes and points in whole pixels, and text that XML can hold."""

import re
from collections.abc import Iterable
from pathlib import Path
from xml.etree.ElementTree import Element, indent, tostring

from preprocessing.page.layout import Page, Point
from preprocessing.page.pictures import name_of_page

# https://www.w3.org/TR/xml/#charsets
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """Returns text with a replacement character for each that XML can't hold."""
    return _NO_XML.sub("\ufffd", text)


def root_element(name: str, namespace: str, schema: str) -> Element:
    """Returns the root of a document that names its schema; eScriptorium imports no file without one."""
    known = {"xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance", "xsi:schemaLocation": f"{namespace} {schema}"}
    return Element(name, {"xmlns": namespace, **known})


def picture_name(page: Page) -> str:
    """Returns the name of a page's picture without folders, by which eScriptorium and Transkribus find it.

    Of a PDF's pages it is the one that eScriptorium gives them.
    """
    return clean(name_of_page(Path(page.filename).name, page.number))


def points(polygon: Iterable[Point], between: str = ",") -> str:
    """Returns points as `x,y x,y`, whole and not negative, as the schemas demand."""
    return " ".join(f"{max(0, round(x))}{between}{max(0, round(y))}" for x, y in polygon)


def bounds(polygon: Iterable[Point]) -> tuple[int, int, int, int]:
    """Returns left, top, width and height of a polygon's bounding box."""
    xs, ys = zip(*((max(0, round(x)), max(0, round(y))) for x, y in polygon))
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def around(polygons: Iterable[Iterable[Point]]) -> tuple[int, int, int, int]:
    """Returns the bounding box of several polygons."""
    return bounds([point for polygon in polygons for point in polygon])


def corners(box: tuple[int, int, int, int]) -> tuple[Point, ...]:
    """Returns the corners of a box (left, top, width, height), clockwise."""
    left, top, width, height = box
    return (left, top), (left + width, top), (left + width, top + height), (left, top + height)


def document(root: Element) -> str:
    """Returns an XML document."""
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'
