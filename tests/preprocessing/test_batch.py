"""Word images of different widths in one array."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preprocessing.batch import pad_images


def ink(width, height=4, channels=()):
    return np.full((height, width, *channels), 9, np.uint8)


def test_narrow_images_are_padded_with_paper():
    batch, widths = pad_images([ink(3), ink(8), ink(5)], multiple=4)
    assert batch.shape == (3, 4, 8, 1) and batch.dtype == np.uint8
    assert widths.tolist() == [4, 8, 8] and widths.dtype == np.int32
    for row, width in zip(batch, (3, 8, 5)):
        assert (row[:, :width] == 9).all() and (row[:, width:] == 255).all()


def test_colour_images_keep_their_channels():
    colour = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    batch, widths = pad_images([colour, ink(7, channels=(3,))], multiple=1)
    assert batch.shape == (2, 4, 7, 3) and widths.tolist() == [6, 7]
    assert np.array_equal(batch[0, :, :6], colour) and (batch[0, :, 6:] == 255).all()


@pytest.mark.parametrize(("min_widths", "expected"), [([0, 0], [4, 8]), ([9, 3], [12, 8]), ([4, 8], [4, 8])])
def test_minimal_widths_are_rounded_up_too(min_widths, expected):
    batch, widths = pad_images([ink(3), ink(8)], 4, min_widths)
    assert widths.tolist() == expected and batch.shape[2] == max(expected)
    assert (batch[0, :, 3:] == 255).all()


@settings(deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 60)), min_size=1, max_size=6),
    multiple=st.integers(1, 16),
    step=st.integers(1, 40),
)
def test_an_image_is_the_same_alone_and_in_a_batch(sizes, multiple, step):
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 256, (4, width), np.uint8) for width, _ in sizes]
    least = [minimum for _, minimum in sizes]
    batch, widths = pad_images(images, multiple, least, step)
    assert (widths % multiple == 0).all() and batch.shape[2] % step == 0
    assert widths.max() <= batch.shape[2] < widths.max() + step
    for index, image in enumerate(images):
        alone, width = pad_images([image], multiple, least[index : index + 1])
        assert width[0] == widths[index] >= max(image.shape[1], least[index])
        assert width[0] - max(image.shape[1], least[index]) < multiple
        assert np.array_equal(alone[0], batch[index, :, : width[0]])
        assert (batch[index, :, width[0] :] == 255).all()
