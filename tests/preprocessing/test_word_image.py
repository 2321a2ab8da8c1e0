"""Image files to word images: every kind of file gives the right pixels or one line that names it."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFile

from preprocessing.image_file import UnusableImage, decode
from preprocessing.normaliser import LONGEST, halve_large
from preprocessing.word_image import binarize, read_word_image, to_network_geometry
from tests.helpers.bad_inputs import png_of
from tests.helpers.drawn_words import PHOTO
from tests.helpers.tiny import plain_image
from utils.config.image import ImageSizeConfig

GREY = plain_image()
COLOUR = plain_image(image_size={"num_channels": 3})


@pytest.fixture(autouse=True)
def own_process(monkeypatch):
    """As in a command: `image.max_pixels` is the only limit."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)


def geometry(height=40, width=200, channels=1, **keys):
    size = ImageSizeConfig(y_size=height, x_size=width, num_channels=channels)
    return plain_image(image_size=size, **{"fixed_width": False, **keys})


def word(height=24, width=60):
    """A dark mark in the left upper part of white paper: every flip and rotation shows."""
    pixels = np.full((height, width), 255, np.uint8)
    pixels[4 : height // 2, 6 : width // 2] = 40
    return pixels


@pytest.fixture
def save(tmp_path):
    def _save(picture, name, **options):
        if isinstance(picture, np.ndarray):
            picture = Image.fromarray(picture)
        picture.save(tmp_path / name, **options)
        return tmp_path / name

    return _save


def refusal(path, image=GREY):
    """Reason for which a file is refused; the message is one line that names it."""
    with pytest.raises(UnusableImage) as caught:
        read_word_image(path, image)
    message = str(caught.value)
    assert message.isprintable() and message.startswith("Image ") and message.endswith(".")
    assert str(path) in message and caught.value.reason in message
    return caught.value.reason


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.tiff", "a.bmp", "a.gif", "a.pgm", "png_named.jpg.txt"])
def test_lossless_files_keep_their_pixels(save, name):
    form = "PNG" if name.endswith("txt") else None
    decoded = decode(save(word(), name, format=form), GREY)
    assert decoded.dtype == np.uint8 and np.array_equal(decoded, word())


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_16_bit_grey_is_brought_down_to_8(save, name):
    levels = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    decoded = decode(save(levels, name), GREY).astype(int).ravel()
    assert np.abs(decoded - np.arange(256)).max() <= 1
    # A wrong conversion clips nearly all of it to white.
    assert decoded[0] == 0 and decoded[-1] == 255


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_fewer_bits_in_16_are_no_dark_picture(save, name, bits):
    """As cameras write them: 0 to 4095, the highest bits empty."""
    levels = np.linspace(0, 2**bits - 1, 256).astype(np.uint16).reshape(16, 16)
    assert np.abs(decode(save(levels, name), GREY).astype(int).ravel() - np.arange(256)).max() <= 1


@pytest.mark.parametrize("odd", [np.nan, np.inf])
@pytest.mark.parametrize("top", [1.0, 255.0, 65535.0])
def test_float_tiff_of_any_usual_range(save, top, odd):
    values = (word() / np.float32(255) * np.float32(top)).astype(np.float32)
    values[0, 0] = odd
    assert np.abs(decode(save(values, "a.tif"), GREY).astype(int) - word()).max() <= 1


@pytest.mark.parametrize("image", [GREY, COLOUR], ids=["grey", "colour"])
def test_transparent_background_becomes_white_paper(save, image):
    rgba = np.zeros((24, 60, 4), np.uint8)  # transparent black, as drawing programs write it
    rgba[4:12, 6:30] = (40, 40, 40, 255)
    decoded = decode(save(rgba, "a.png"), image)
    expected = word() if image is GREY else cv2.cvtColor(word(), cv2.COLOR_GRAY2RGB)
    assert np.array_equal(decoded, expected)


def test_cmyk_jpeg_is_not_inverted(save):
    path = save(Image.fromarray(word()).convert("CMYK"), "a.jpg", quality=95)
    assert np.abs(decode(path, GREY).astype(int) - word()).max() < 40


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [(1, 0), (3, 2), (6, 1), (8, 3)],  # as cameras write it: the stored picture is turned left by `turn`
)
def test_exif_rotated_jpeg_is_upright(save, orientation, turn):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(np.ascontiguousarray(np.rot90(word(), turn)), "a.jpg", exif=exif, quality=95)
    decoded = decode(path, GREY).astype(int)
    assert decoded.shape == word().shape and np.abs(decoded - word()).max() < 40


def test_animations_give_their_first_frame(save, capsys):
    other = Image.fromarray(255 - word())
    for name in ("a.gif", "a.png", "a.tif"):
        path = save(word(), name, save_all=True, append_images=[other, other])
        with Image.open(path) as file:
            assert file.n_frames > 1
        assert np.array_equal(decode(path, GREY), word()), name
        assert ("3 pages" in capsys.readouterr().err) == (name == "a.tif")


def test_colour_and_grey_by_channels(save):
    rgb = np.full((10, 30, 3), 255, np.uint8)
    rgb[2:5, 3:9] = (200, 20, 100)
    path = save(rgb, "a.png")
    assert np.array_equal(decode(path, COLOUR), rgb)
    grey = decode(path, GREY)
    assert grey.shape == (10, 30) and grey[3, 4] == round(0.299 * 200 + 0.587 * 20 + 0.114 * 100)
    as_grey = COLOUR.model_copy(update={"convert_to_grayscale": True})
    assert np.array_equal(decode(path, as_grey), np.repeat(grey[..., None], 3, axis=2))
    assert read_word_image(path, GREY).shape == (128, 384)
    assert read_word_image(path, COLOUR).shape == (128, 384, 3)
    assert decode(save(word(), "g.png"), COLOUR).shape == (24, 60, 3)


# Geometry


def test_aspect_ratio_is_kept_and_paper_is_255():
    box = np.zeros((30, 60), np.uint8)
    fitted = to_network_geometry(box, geometry(40, 200))
    assert fitted.shape == (40, 80) and (fitted == 0).all()
    wide = to_network_geometry(np.zeros((30, 600), np.uint8), geometry(40, 200))
    rows = np.flatnonzero((wide == 0).all(axis=1))
    # 600 wide shrinks to 200, so 30 high to 10, centred; the rest is paper.
    assert wide.shape == (40, 200) and rows.tolist() == list(range(15, 25))
    assert (np.delete(wide, rows, axis=0) == 255).all()


def test_writing_too_high_for_the_canvas_is_made_lower_than_narrow():
    # Blots, which have no size of writing: 40/120 of their pixels, and at most 1.5 times as wide as high.
    image = geometry(40, 200, scale="auto")
    for blot, rows, columns in (((90, 60), 30, 20), ((160, 160), 40, 53), ((300, 200), 40, 40)):
        ink = to_network_geometry(np.zeros(blot, np.uint8), image) == 0
        assert (ink.any(axis=1).sum(), ink.any(axis=0).sum()) == (rows, columns)


def test_scale_is_used_until_height_or_width_cap_it():
    half = geometry(40, 200, scale=0.5)
    ink = to_network_geometry(np.zeros((20, 120), np.uint8), half) == 0
    assert (ink.any(axis=1).sum(), ink.any(axis=0).sum()) == (10, 60)
    tall = to_network_geometry(np.zeros((160, 160), np.uint8), half)
    assert tall.shape == (40, 40) and (tall == 0).all()
    wide = to_network_geometry(np.zeros((20, 800), np.uint8), half) == 0
    assert (wide.any(axis=1).sum(), wide.any(axis=0).sum()) == (5, 200)
    enlarged = to_network_geometry(np.zeros((10, 30), np.uint8), geometry(40, 200, scale=2)) == 0
    assert (enlarged.any(axis=1).sum(), enlarged.any(axis=0).sum()) == (20, 60)


def test_fixed_width_pads_at_the_right_with_paper():
    own = to_network_geometry(word(), geometry(40, 200))
    fixed = to_network_geometry(word(), geometry(40, 200, fixed_width=True))
    assert fixed.shape == (40, 200) and own.shape == (40, 100)
    assert np.array_equal(fixed[:, :100], own) and (fixed[:, 100:] == 255).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_margin_is_paper_at_both_ends(channels):
    pixels = np.repeat(word()[..., None], channels, axis=2).squeeze()
    plain = to_network_geometry(pixels, geometry(channels=channels))
    wide = to_network_geometry(pixels, geometry(channels=channels, margin=7))
    assert wide.shape[1] == plain.shape[1] + 14 and np.array_equal(wide[:, 7:-7], plain)
    assert (wide[:, :7] == 255).all() and (wide[:, -7:] == 255).all()


def test_blur_spreads_ink_and_keeps_its_amount():
    dot = np.full((41, 101), 255, np.uint8)
    dot[20, 50] = 0
    plain, blurred = (to_network_geometry(dot, geometry(41, blur=blur)) for blur in (0, 1.0))
    assert np.array_equal(plain, dot) and plain.shape == blurred.shape
    # The middle of a normal distribution of deviation 1: 1 / (2 pi) of the ink.
    assert abs(int(255 - blurred[20, 50]) - 255 / (2 * np.pi)) <= 2
    assert abs(np.sum(255.0 - blurred) - 255) < 0.1 * 255


def test_a_full_stop_gets_paper_around_it():
    dot = np.zeros((4, 4), np.uint8)
    result = to_network_geometry(dot, geometry(40, 200, scale=1))
    assert result.shape == (40, 20) and (result[18:22, :4] == 0).all() and (result == 0).sum() == 16
    assert to_network_geometry(dot, geometry(40, 10, scale=1)).shape == (40, 10)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40_000), (40_000, 1), (2, 3), (500, 500)])
@pytest.mark.parametrize("keys", [{}, {"scale": 0.01}, {"scale": 50.0, "binarization": "otsu"}])
def test_any_size_fits_the_network(shape, keys):
    image = geometry(16, 50, **keys)
    result = to_network_geometry(np.full(shape, 90, np.uint8), image)
    assert result.shape[0] == 16 and 1 <= result.shape[1] <= 50 and result.dtype == np.uint8


def _drawn(text):
    canvas = np.full((80, 300), 255, np.uint8)
    return cv2.putText(canvas, text, (10, 60), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 2, 0, 5, cv2.LINE_AA)


def test_otsu_makes_grey_and_binarised_scans_agree():
    clean = _drawn("word")
    rng = np.random.default_rng(1)
    # A grey scan: brownish ink on uneven paper, with noise.
    uneven = np.linspace(-15, 15, 300)[None, :]
    grey = 70 + clean / 255 * 130 + uneven + rng.normal(0, 8, clean.shape)
    grey = grey.clip(0, 255).astype(np.uint8)
    archive = np.where(clean < 128, 0, 255).astype(np.uint8)
    otsu = geometry(48, 200, scale=0.6, binarization="otsu")
    ink = [to_network_geometry(pixels, otsu) < 128 for pixels in (grey, archive)]
    assert (ink[0] & ink[1]).sum() / (ink[0] | ink[1]).sum() > 0.9
    paper = [np.median(to_network_geometry(pixels, otsu)) for pixels in (grey, archive)]
    assert paper == [255, 255]
    without = otsu.model_copy(update={"binarization": "none"})
    assert np.median(to_network_geometry(grey, without)) < 230


def test_soft_binarization_keeps_pale_strokes_grey():
    # Otsu's threshold is 40; the ink's mean is that level, the paper's (200 * 61 + 150 * 4) / 65.
    picture = np.full((10, 10), 200, np.uint8)
    picture[2:7, 1:8], picture[8, 3:7] = 40, 150
    assert set(np.unique(binarize(picture))) == {0, 255}
    soft = binarize(picture, 0.6)
    white = 40 + 0.6 * ((200 * 61 + 150 * 4) / 65 - 40)
    assert np.unique(soft).tolist() == [0, 255] and white < 150
    faint = np.where(picture == 150, 100, picture).astype(np.uint8)
    # Now 100 is the threshold and ink, whose mean is 1800 / 39; paper is 200.
    ink, white = 1800 / 39, 100 + 0.6 * 100
    assert np.unique(binarize(faint, 0.6)).tolist() == [0, int((100 - ink) * 255 / (white - ink)), 255]


@pytest.mark.parametrize("level", [0, 128, 255])
def test_soft_binarization_leaves_an_even_picture_as_the_hard_one(level):
    picture = np.full((5, 5), level, np.uint8)
    assert np.array_equal(binarize(picture, 0.6), binarize(picture))


# Unusable files


@pytest.mark.parametrize("side", [7072, 30_000, 2_000_000_000])
def test_huge_images_are_refused_by_their_header(tmp_path, monkeypatch, side):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    path = tmp_path / "bomb.png"
    path.write_bytes(png_of(side, side))
    reason = refusal(path)
    assert reason == "more pixels than image.max_pixels allows"
    with pytest.raises(UnusableImage, match=f"it has {side}x{side}"):
        decode(path, GREY)


def test_max_pixels_is_the_only_limit(save):
    path = save(np.zeros((10, 20), np.uint8), "a.png")
    limited = GREY.model_copy(update={"max_pixels": 199})
    assert "max_pixels" in refusal(path, limited)
    assert decode(path, GREY.model_copy(update={"max_pixels": 200})).shape == (10, 20)
    # Pillow's own limit, which no config could raise, is lower than this.
    path.write_bytes(png_of(20_000, 20_000))
    raised = GREY.model_copy(update={"max_pixels": 10**9})
    assert refusal(path, raised) == "truncated or damaged file"


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.bmp", "a.gif", "a.webp", "a.pgm"])
def test_truncated_files(save, name):
    noise = np.random.default_rng(1).integers(0, 256, (60, 90), np.uint8)
    path = save(noise, name)
    content = path.read_bytes()
    assert read_word_image(path, GREY).shape == (128, 384)
    path.write_bytes(content[: len(content) // 2])
    assert refusal(path) == "truncated or damaged file"


@pytest.mark.parametrize("shape", [(1, 4_200_000), (4_200_000, 1), (1, 4_200_000, 3)])
def test_large_pictures_one_pixel_high(shape):
    picture = np.full(shape, 255, np.uint8)
    assert to_network_geometry(picture, PHOTO).shape[0] == PHOTO.image_size.y_size
    assert max(halve_large(picture).shape) <= LONGEST
