"""Turns baselines of PAGE and ALTO into those of upright letters, from left to right."""

from collections.abc import Sequence

import numpy as np

from preprocessing.page.layout import Point


def upright(
    baseline: Sequence[Point], polygon: Sequence[Point], orientation: float = 0.0, direction: str = ""
) -> tuple[Point, ...]:
    """Returns the baseline from left to right, unless its letters stand on their heads.

    A strip is cut along its baseline, so one that runs from right to left gives letters upside down. Such baselines
    come of right-to-left text, of tools that noted an upright line from its end, and of pages that lie upside down;
    only the last become readable by it. PAGE's attributes decide if they say something, else the outline: letters reach
    further above their baseline than below it. Without an outline the line is taken for upright text, as most are.
    Lines that run rather up or down than across stay as they are.

    Args:
        orientation: PAGE's angle in degrees by which the region must be turned to stand upright; many tools write 0
            without having looked.
        direction: PAGE's readingDirection.
    """
    (first, above), (last, below) = baseline[0], baseline[-1]
    if first - last <= abs(above - below) or abs(orientation) > 90:
        return tuple(baseline)
    turned = direction != "right-to-left" and _hangs_below(baseline, polygon)
    return tuple(baseline if turned else baseline[::-1])


def _hangs_below(baseline: Sequence[Point], polygon: Sequence[Point]) -> bool:
    """Whether an outline reaches further below a baseline that runs from right to left than above it."""
    if len(polygon) < 3:
        return False
    start, end = np.array(baseline[0]), np.array(baseline[-1])
    along = (end - start) / np.linalg.norm(end - start)
    # Rows count downwards, so along a line to the left this normal points up.
    up = np.array([-along[1], along[0]])
    heights = (np.array(polygon) - start) @ up
    return bool(-heights.min() > heights.max())
