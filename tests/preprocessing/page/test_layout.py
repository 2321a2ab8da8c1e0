"""Places on a page whose picture is turned."""

from preprocessing.page.layout import Line, Page, PageWord, rotate_page, turn_line


def test_the_places_of_a_page_turned_upside_down_are_those_of_its_pixels():
    """Pixel (x, y) of 100 by 50 lies at (99 - x, 49 - y) then."""
    word = PageWord("a", 0.5, (0, 10, 49, 39))
    line = Line(((0.0, 10.0), (99.0, 10.0), (99.0, 49.0), (0.0, 49.0)), ((0.0, 40.0), (99.0, 40.0)), words=(word,))
    page = Page("a.png", 100, 50, (line,))
    (turned,) = rotate_page(page).lines
    assert turned.polygon == ((99.0, 39.0), (0.0, 39.0), (0.0, 0.0), (99.0, 0.0))
    assert turned.baseline == ((99.0, 9.0), (0.0, 9.0))
    assert turned.words[0].box == (50, 0, 49, 39)
    assert rotate_page(rotate_page(page)) == page


def test_turned_places_have_a_decimal_as_others_do():
    line = Line(((1.1, 2.2), (77.6, 2.3), (77.7, 22.2), (1.2, 22.1)), ((1.1, 16.6), (77.6, 17.9)))
    (turned,) = rotate_page(Page("a.png", 1300, 900, (line,))).lines
    assert turned.baseline == ((1297.9, 882.4), (1221.4, 881.1))
    assert turn_line(line).baseline == ((77.7, 6.6), (1.2, 7.7))
