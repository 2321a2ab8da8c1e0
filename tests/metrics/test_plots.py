"""Charts show the values that they are given, in PNG and in SVG for a strict page."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from metrics.calibration import calibration_bins
from metrics.plots import (
    as_image,
    as_svg,
    drawable,
    make_figure,
    plot_bars,
    plot_curves,
    plot_histogram,
    plot_reliability,
    save_png,
)


@pytest.fixture
def axes():
    _, (axes,) = make_figure()
    return axes


def test_curves_skip_what_is_not_finite(axes):
    rows = [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": float("nan")}, {"epoch": 3, "loss": 1.0}, {"loss": 4}]
    plot_curves(axes, "t", rows, ("loss", "val_loss"), factor=100)
    (line,) = axes.lines
    assert line.get_label() == "loss"
    assert line.get_xydata().tolist() == [[1, 200], [3, 100]] and axes.get_ylim()[0] == 0


def test_histogram_has_whole_bins(axes):
    plot_histogram(axes, "t", [1, 1, 1, 2], bins=30)
    assert [bar.get_height() for bar in axes.patches] == [3, 1]
    assert {bar.get_width() for bar in axes.patches} == {1}
    _, (empty,) = make_figure()
    plot_histogram(empty, "t", [])
    assert not empty.has_data()


def test_bars(axes):
    plot_bars(axes, "t", {"$a$": 4, "\ue000": 2}, labels="%.1f")
    assert [bar.get_height() for bar in axes.patches] == [4, 2]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["$a$", "U+E000"]
    assert [text.get_text() for text in axes.texts] == ["4.0", "2.0"]


def test_reliability_before_and_after_calibration(axes):
    bins, before = (calibration_bins(p, [True, False]) for p in ([0.9, 0.2], [0.5, 0.5]))
    plot_reliability(axes, "t", bins, before)
    assert [bar.get_height() for bar in axes.patches] == [0, 100]
    after, rings = axes.collections
    assert after.get_offsets().tolist() == [[20, 0], [90, 100]] and rings.get_offsets().tolist() == [[50, 50]]


def test_what_the_font_lacks_is_a_code_point():
    assert drawable("aé$ß") == "aé$ß" and drawable("x\ue000\n") == "xU+E000U+000A"


def test_svg_fits_a_strict_page(axes):
    plot_curves(axes, "<t>", [{"epoch": 1, "loss": 2.0}], ("loss",))
    svg = as_svg(axes.figure)
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg") and root.get("fill") == "currentColor"
    assert "style" not in svg and "#000000" not in svg and not re.search(r"<g[^>]*id=", svg)
    assert 'fill="none"' in svg and 'stroke="currentColor"' in svg


def test_png(axes, tmp_path):
    plot_bars(axes, "t", {"a": 1})
    save_png(tmp_path / "new" / "a.png", axes.figure)
    with Image.open(tmp_path / "new" / "a.png") as saved:
        assert saved.size == (480, 280)
        assert np.array_equal(np.array(saved.convert("RGB")), np.array(as_image(axes.figure)))
