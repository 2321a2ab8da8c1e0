"""Baselines that run from right to left, of upright lines and of those upside down."""

import numpy as np
import pytest

from preprocessing.importers.page_xml import read_page
from preprocessing.page.layout import Line, Page, rotate_page
from preprocessing.page.strips import cut_strip

TO_LEFT, TO_RIGHT = ((700.0, 650.0), (100.0, 650.0)), ((100.0, 650.0), (700.0, 650.0))
# Letters above the baseline, and below it as on a page upside down.
UPRIGHT, TURNED = "100,560 700,560 700,700 100,700", "100,600 700,600 700,740 100,740"
PAGE = """<PcGts><Page imageFilename="a.jpg" imageWidth="800" imageHeight="900" {page}><TextRegion {region}>
<TextLine {line}>{coords}<Baseline points="700,650 100,650"/></TextLine></TextRegion></Page></PcGts>"""


def baseline_of(tmp_path, outline=UPRIGHT, page="", region="", line=""):
    coords = f'<Coords points="{outline}"/>' if outline else ""
    (tmp_path / "a.xml").write_text(PAGE.format(page=page, region=region, line=line, coords=coords))
    return read_page(tmp_path / "a.xml").lines[0].baseline


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, TO_RIGHT),
        ({"outline": ""}, TO_RIGHT),
        ({"outline": TURNED}, TO_LEFT),
        ({"outline": TURNED, "region": 'orientation="0.0"'}, TO_LEFT),
        ({"region": 'orientation="180"'}, TO_LEFT),
        ({"page": 'orientation="-178.5"'}, TO_LEFT),
        ({"outline": TURNED, "region": 'readingDirection="right-to-left"'}, TO_RIGHT),
        (
            {"outline": TURNED, "line": 'readingDirection="left-to-right"', "page": 'readingDirection="right-to-left"'},
            TO_LEFT,
        ),
    ],
)
def test_what_a_page_says_of_a_baseline_to_the_left(tmp_path, given, expected):
    assert baseline_of(tmp_path, **given) == expected


def test_lines_that_run_down_stay(tmp_path):
    text = PAGE.format(page="", region="", line="", coords='<Coords points="90,0 200,0 200,600 90,600"/>')
    (tmp_path / "a.xml").write_text(text.replace("700,650 100,650", "110,0 100,600"))
    assert read_page(tmp_path / "a.xml").lines[0].baseline == ((110.0, 0.0), (100.0, 600.0))


def test_a_line_in_alto(tmp_path):
    for base, expected in (("700 650 100 650", TO_RIGHT), ("100 650 700 650", TO_RIGHT)):
        (tmp_path / "a.xml").write_text(
            f'<alto><Layout><Page WIDTH="800" HEIGHT="900"><TextLine BASELINE="{base}" HPOS="100" VPOS="560" '
            'WIDTH="600" HEIGHT="140"><String CONTENT="x"/></TextLine></Page></Layout></alto>'
        )
        assert read_page(tmp_path / "a.xml").lines[0].baseline == expected


def test_strips_stand_upright_on_a_turned_page_too(tmp_path):
    """The mark above the letters' left end is at the strip's left top, whichever way the page lies."""
    pixels = np.full((900, 800), 255, np.uint8)
    pixels[570:590, 110:160] = 0
    corners = tuple(tuple(map(float, point.split(","))) for point in UPRIGHT.split())
    turned = rotate_page(Page("a.jpg", 800, 900, (Line(corners, TO_RIGHT),))).lines[0]
    outline = " ".join(f"{x:g},{y:g}" for x, y in turned.polygon)
    text = PAGE.format(page="", region="", line="", coords=f'<Coords points="{outline}"/>')
    points = " ".join(f"{x:g},{y:g}" for x, y in turned.baseline)
    (tmp_path / "turned.xml").write_text(text.replace("700,650 100,650", points))
    baseline_of(tmp_path)
    for name, picture in (("a.xml", pixels), ("turned.xml", pixels[::-1, ::-1])):
        strip = cut_strip(np.ascontiguousarray(picture), read_page(tmp_path / name).lines[0])
        rows, columns = np.nonzero(strip < 128)
        assert rows.mean() < strip.shape[0] / 2 and columns.mean() < strip.shape[1] / 2
