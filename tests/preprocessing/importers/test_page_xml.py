"""PAGE and ALTO files as other tools write them, and malformed ones."""

import pytest

from preprocessing.importers.page_xml import read_page
from utils.errors import UserError

BOX = ((10.0, 20.0), (210.0, 20.0), (210.0, 60.0), (10.0, 60.0))
BASE = ((10.0, 50.0), (110.0, 52.0), (210.0, 50.0))
POINTS = "10,20 210,20 210,60 10,60"
TRANSKRIBUS = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2013-07-15">
 <Metadata><Creator>TRP</Creator><TranskribusMetadata docId="1" pageNr="1"/></Metadata>
 <Page imageFilename="scan 1.jpg" imageWidth="800" imageHeight="600">
  <ReadingOrder><OrderedGroup id="ro"><RegionRefIndexed index="0" regionRef="r1"/></OrderedGroup></ReadingOrder>
  <TextRegion id="r1"><Coords points="0,0 800,0 800,600 0,600"/>
   <TextLine id="r1l1" custom="readingOrder {{index:0;}}"><Coords points="{POINTS}"/>
    <Baseline points="10,50 110,52 210,50"/>
    <Word id="w1"><Coords points="{POINTS}"/><TextEquiv><Unicode>wrong</Unicode></TextEquiv></Word>
    <TextEquiv><Unicode>caf\u0065\u0301  noir</Unicode></TextEquiv></TextLine>
   <TextEquiv><Unicode>the region's text</Unicode></TextEquiv>
  </TextRegion></Page></PcGts>"""
OCRD = f"""<pc:PcGts xmlns:pc="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15">
 <pc:Page imageFilename="scan 1.jpg" imageWidth="800" imageHeight="600"><pc:TextRegion id="r">
  <pc:TextLine id="l"><pc:Coords points="{POINTS}"/><pc:Baseline points="10,50 110,52 210,50"/>
   <pc:TextEquiv index="1" conf="0.5"><pc:Unicode>second</pc:Unicode></pc:TextEquiv>
   <pc:TextEquiv index="0" conf="0.9"><pc:Unicode>caf\u00e9 noir</pc:Unicode></pc:TextEquiv></pc:TextLine>
 </pc:TextRegion></pc:Page></pc:PcGts>"""
WORDS_ONLY = f"""<PcGts><Page imageFilename="scan 1.jpg" imageWidth="800" imageHeight="600"><TextRegion><TextLine>
  <Coords points="{POINTS}"/><Baseline points="10,50 110,52 210,50"/>
  <Word><TextEquiv><Unicode>caf\u00e9</Unicode></TextEquiv></Word>
  <Word><TextEquiv><Unicode>noir</Unicode></TextEquiv></Word></TextLine></TextRegion></Page></PcGts>"""
ALTO = """<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Description><MeasurementUnit>pixel</MeasurementUnit>
 <sourceImageInformation><fileName>scan 1.jpg</fileName></sourceImageInformation></Description>
 <Layout><Page WIDTH="800" HEIGHT="600" PHYSICAL_IMG_NR="0"><PrintSpace><TextBlock ID="b">
  <Shape><Polygon POINTS="0 0 800 0 800 600"/></Shape>
  <TextLine ID="l" BASELINE="10 50 110 52 210 50" HPOS="10" VPOS="20" WIDTH="200" HEIGHT="40">
   <Shape><Polygon POINTS="10 20 210 20 210 60 10 60"/></Shape>
   <String CONTENT="caf\u00e9"/><SP/><String CONTENT="noir"/></TextLine>
  </TextBlock></PrintSpace></Page></Layout></alto>"""


@pytest.mark.parametrize("text", [TRANSKRIBUS, OCRD, WORDS_ONLY, ALTO], ids=["transkribus", "ocr-d", "words", "alto"])
def test_a_line_is_read_from_every_dialect(tmp_path, text):
    (tmp_path / "p.xml").write_text(text, encoding="utf-8")
    page = read_page(tmp_path / "p.xml")
    assert (page.filename, page.width, page.height) == ("scan 1.jpg", 800, 600)
    (line,) = page.lines
    assert (line.text, line.polygon, line.baseline) == ("caf\u00e9 noir", BOX, BASE)


def test_what_files_may_lack(tmp_path):
    alto = ALTO.replace('<Shape><Polygon POINTS="10 20 210 20 210 60 10 60"/></Shape>', "")
    (tmp_path / "p.xml").write_text(alto.replace("10 50 110 52 210 50", "50"), encoding="utf-8")
    (line,) = read_page(tmp_path / "p.xml").lines
    assert line.polygon == BOX and line.baseline == ()
    points = "".join(f'<Point x="{x:g}" y="{y:g}"/>' for x, y in BOX)
    start, _, end = TRANSKRIBUS.partition(f'<Coords points="{POINTS}"/>')
    old = f"{start}<Coords>{points}</Coords>{end}"
    (tmp_path / "q.xml").write_text(old, encoding="utf-8")
    assert read_page(tmp_path / "q.xml").lines[0].polygon == BOX


@pytest.mark.parametrize("written", ["-", "\u00ad", "\u00ac"])
def test_the_hyphen_at_the_end_of_a_line_of_alto(tmp_path, written):
    hyphen = ALTO.replace('<String CONTENT="noir"/>', f'<String CONTENT="noir"/><HYP CONTENT="{written}"/>')
    (tmp_path / "p.xml").write_text(hyphen, encoding="utf-8")
    assert read_page(tmp_path / "p.xml").lines[0].text == "caf\u00e9 noir" + written.replace("\u00ad", "-")


def test_what_files_may_hold(tmp_path):
    (tmp_path / "q.xml").write_text(OCRD.replace('index="1"', 'index="b"').replace('index="0"', 'index="-1"'))
    assert read_page(tmp_path / "q.xml").lines[0].text == "caf\u00e9 noir"
    (tmp_path / "r.xml").write_text(TRANSKRIBUS.replace(f'<Coords points="{POINTS}"/>', ""), encoding="utf-8")
    assert read_page(tmp_path / "r.xml").lines[0].polygon == ()


def test_points_in_scientific_notation(tmp_path):
    outline = "-1.4e-14,10 .5,1.2e-15 1E2,50."
    (tmp_path / "p.xml").write_text(
        TRANSKRIBUS.replace(f'<Coords points="{POINTS}"/>\n', f'<Coords points="{outline}"/>\n', 1)
    )
    assert read_page(tmp_path / "p.xml").lines[0].polygon == ((-1.4e-14, 10.0), (0.5, 1.2e-15), (100.0, 50.0))


BOMB = '<!DOCTYPE a [<!ENTITY b "' + "x" * 100 + '">]><PcGts>&b;</PcGts>'
MALFORMED = [
    "",
    "text",
    "<PcGts>",
    "<PcGts></Page>",
    "<PcGts/>",
    "<html><body/></html>",
    "<alto/>",
    BOMB,
    TRANSKRIBUS.replace("10,20 210,20", "10,20 210"),
    ALTO.replace("10 20 210 20 210", "10 20 210 20"),
    ALTO.replace(">pixel<", ">mm10<"),
    ALTO.replace("</Layout>", '<Page WIDTH="8" HEIGHT="6"/></Layout>'),
    TRANSKRIBUS[: len(TRANSKRIBUS) // 2],
    "<PcGts xmlns='" + "x" * 5000,
    "\x00\x01",
    "<?xml version='1.0'?><!-- only a comment -->",
]


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_files_are_one_sentence(tmp_path, text):
    (tmp_path / "p.xml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"p\.xml") as caught:
        read_page(tmp_path / "p.xml")
    assert "\n" not in str(caught.value)
