"""Files and arrays that are not quite as they should be: their pixels are read if they are whole."""

import numpy as np
import pytest
from PIL import Image

from preprocessing.image_file import UnusableImage, decode, picture_of
from utils.config.image import ImageConfig


@pytest.mark.parametrize("ending", [".png", ".webp"])
def test_damaged_exif_is_no_reason_not_to_read_the_pixels(tmp_path, ending):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 90, 3), np.uint8))
    picture.save(tmp_path / f"plain{ending}", lossless=True)
    picture.save(tmp_path / f"exif{ending}", lossless=True, exif=b"Exif\0\0garbage")
    plain, damaged = (decode(tmp_path / f"{name}{ending}", ImageConfig()) for name in ("plain", "exif"))
    assert np.array_equal(plain, damaged)
    whole = (tmp_path / f"exif{ending}").read_bytes()
    (tmp_path / f"torn{ending}").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnusableImage):
        decode(tmp_path / f"torn{ending}", ImageConfig())


def test_damage_in_the_middle_of_the_pixels_is_found(tmp_path):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 300), np.uint8))
    picture.save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[len(content) // 3 : len(content) // 3 + 40] = bytes(40)
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UnusableImage):
        decode(tmp_path / "a.png", ImageConfig())


def test_resampled_floats_that_go_beyond_one():
    values = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    plain, beyond = (np.asarray(picture_of(values * factor, ImageConfig())).astype(int) for factor in (1, 1.02))
    assert abs(plain - beyond).max() <= 6


@pytest.mark.parametrize("mode", ["L", "P", "I;16", "RGB", "CMYK", "RGBA"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_uncompressed_tiffs_are_read_upright(tmp_path, mode, orientation):
    """Whatever their mode: some are mapped into memory."""
    pixels = np.random.default_rng(0).integers(0, 255, (40, 90), np.uint8)
    picture = (
        Image.fromarray(pixels.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(pixels).convert(mode)
    )
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "a.tif", exif=exif)
    picture.save(tmp_path / "upright.tif")
    turns = {1: 0, 3: 2, 6: 3, 8: 1}[orientation]
    expected = np.rot90(decode(tmp_path / "upright.tif", ImageConfig()), turns)
    np.testing.assert_array_equal(decode(tmp_path / "a.tif", ImageConfig()), expected)
