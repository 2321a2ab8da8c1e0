"""ALTO 4 (Library of Congress), as eScriptorium, kraken and library systems read it."""

from xml.etree.ElementTree import Element, SubElement

from predictors.page_formats.xml import around, bounds, clean, document, picture_name, points, root_element
from preprocessing.page.layout import PROGRAM, Line, Page, PageWord

NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"
SCHEMA = "http://www.loc.gov/standards/alto/v4/alto.xsd"
SIDES = ("HPOS", "VPOS", "WIDTH", "HEIGHT")


def to_alto(page: Page) -> str:
    """Returns a page as ALTO."""
    root = root_element("alto", NAMESPACE, SCHEMA)
    description = SubElement(root, "Description")
    SubElement(description, "MeasurementUnit").text = "pixel"
    source = SubElement(description, "sourceImageInformation")
    SubElement(source, "fileName").text = picture_name(page)
    step = SubElement(description, "Processing", ID="reading")
    SubElement(step, "processingCategory").text = "contentGeneration"
    SubElement(SubElement(step, "processingSoftware"), "softwareName").text = page.creator or PROGRAM
    size = {"WIDTH": str(page.width), "HEIGHT": str(page.height)}
    number = {"PHYSICAL_IMG_NR": str(page.number), "ID": f"page{page.number}"}
    element = SubElement(SubElement(root, "Layout"), "Page", {**size, **number})
    space = SubElement(element, "PrintSpace", {"HPOS": "0", "VPOS": "0", **size})
    if page.lines:
        box = _sides(around(line.polygon for line in page.lines))
        block = SubElement(space, "TextBlock", {"ID": "block1", **box})
        for i, line in enumerate(page.lines, start=1):
            _add_line(block, line, f"line{i}")
    return document(root)


def _add_line(block: Element, line: Line, name: str) -> None:
    box = _sides(bounds(line.polygon))
    baseline = {"BASELINE": points(line.baseline, " ")} if line.baseline else {}
    element = SubElement(block, "TextLine", {"ID": name, **box, **baseline})
    SubElement(SubElement(element, "Shape"), "Polygon", POINTS=points(line.polygon, " "))
    confidence = 1.0 if line.confidence is None else line.confidence
    words = line.words or (PageWord(line.text, confidence, bounds(line.polygon)),)
    for i, word in enumerate(words):
        if i:
            SubElement(element, "SP")
        values = {"ID": f"{name}word{i + 1}", "CONTENT": clean(word.text), "WC": f"{word.confidence:.4f}"}
        SubElement(element, "String", {**values, **_sides(word.box)})


def _sides(box: tuple[int, int, int, int]) -> dict[str, str]:
    return {name: str(side) for name, side in zip(SIDES, box)}
