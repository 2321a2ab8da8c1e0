"""Words are drawn with their texts, and attention over the columns that it lies on."""

import numpy as np
from matplotlib.colors import to_hex

from metrics.plots import as_image
from metrics.word_pictures import INK, RIGHT, WRONG, draw_attention, draw_words


def test_colour_and_text_depend_on_the_label():
    images = [np.full((10, 20), 90, np.uint8), np.full((10, 20, 3), 90, np.uint8), np.full((5, 5), 90, np.uint8)]
    figure = draw_words(images, ["a$b$", "x\n", "c"], ["a$b$", "y", None], columns=2)
    titles = [axes.xaxis.label for axes in figure.axes]
    assert [title.get_text() for title in titles] == ["a$b$", "xU+000A  (is y)", "c", ""]
    assert [to_hex(title.get_color()) for title in titles[:3]] == [RIGHT, WRONG, INK]
    assert (np.array(as_image(figure)) == 90).any()
    # At most at its own size: 5 pixels of a cell that is 230 wide.
    assert figure.axes[2].get_xlim() == (-112.5, 117.5)


def test_attention_glows_where_it_looks():
    """23 pixels in 6 columns of 4 pixels, the last of which is cut."""
    image = np.full((10, 23), 255, np.uint8)
    weights = np.array([[0, 0.5, 0, 0, 0, 0], [0.2, 0.1, 0, 0, 0, 0.1]])
    figure = draw_attention([(image, "a", weights), (image, "", weights[1:])], stride=4)
    shown = [axes for axes in figure.axes if axes.images]
    assert [axes.get_ylabel() for axes in shown] == ["a", "end", "end"]
    overlay = shown[0].images[1]
    np.testing.assert_allclose(overlay.get_array()[0, :, 3], [0, 0.7, 0, 0, 0, 0])
    assert overlay.get_extent() == [0, 24, 10, 0] and shown[0].get_xlim() == (0, 23)
    np.testing.assert_allclose(shown[1].images[1].get_array()[0, :, 3], [0.7, 0.35, 0, 0, 0, 0.35])
