"""Reading order of lines: columns in the direction of the script, in each the lines from top to bottom."""

from dataclasses import dataclass

import numpy as np

from preprocessing.page.layout import Line

LEAST_LINES = 3  # of a column
LEAST_SHARE = 0.5  # of the other column's height
ROW = 0.5  # of a height, by which the middles of lines in one row are apart at most
# Cells of tables, and the numbers or dates of texts twice as wide, are read with their rows: widths over heights, and
# the share that has a line of the other side in its row.
CELL, DATE, IN_ROWS = 3.0, 5.0, 0.7


@dataclass(frozen=True)
class _Box:
    """A line's place on a page turned so that most lines are level; one read from right to left is mirrored."""

    line: Line
    left: float
    right: float
    middle: float  # of its height
    height: float


def reading_order(lines: list[Line], is_rtl: bool = False) -> tuple[Line, ...]:
    """Returns the lines in the order in which they are read; with `is_rtl` columns and rows begin at the right."""
    if not lines:
        return ()
    slopes = [_slope(line) for line in lines]
    lengths = [np.ptp([x for x, _ in line.polygon]) for line in lines]
    slope = float(np.average(slopes, weights=np.maximum(lengths, 1e-6)))
    return tuple(box.line for box in _by_columns([_box(line, slope, is_rtl) for line in lines]))


def _slope(line: Line) -> float:
    points = line.baseline or line.polygon[:2]
    (x0, y0), (x1, y1) = points[0], points[-1]
    return (y1 - y0) / (x1 - x0) if x1 > x0 else 0.0


def _box(line: Line, slope: float, is_rtl: bool) -> _Box:
    xs, ys = np.array(line.polygon).T
    level, xs = ys - slope * xs, xs + slope * ys
    xs = -xs if is_rtl else xs
    return _Box(line, float(xs.min()), float(xs.max()), float(level.mean()), float(np.ptp(level)))


def _by_columns(boxes: list[_Box]) -> list[_Box]:
    """Orders columns, which lines across all of them (headings) part; without columns, rows."""
    gutter = _gutter(boxes)
    if gutter is None:
        return _by_rows(boxes)
    ordered: list[_Box] = []
    block: list[_Box] = []

    def close() -> None:
        for side in ([box for box in block if box.right <= gutter], [box for box in block if box.left >= gutter]):
            ordered.extend(_by_columns(side))
        block.clear()

    for box in sorted(boxes, key=lambda box: box.middle):
        if box.left < gutter < box.right:
            close()
            ordered.append(box)
        else:
            block.append(box)
    close()
    return ordered


def _gutter(boxes: list[_Box]) -> float | None:
    """Returns the x between two columns which fewest lines cross; None if there is one column, or a table."""
    candidates = []
    for x in sorted(box.left for box in boxes):
        left, right = [box for box in boxes if box.right <= x], [box for box in boxes if box.left >= x]
        if min(len(left), len(right)) < LEAST_LINES:
            continue
        low, high = sorted(np.ptp([box.middle for box in side]) for side in (left, right))
        beside = min(max(b.middle for b in side) for side in (left, right)) - max(
            min(b.middle for b in side) for side in (left, right)
        )
        crossing = len(boxes) - len(left) - len(right)
        if low >= LEAST_SHARE * high and beside >= LEAST_SHARE * low and crossing < len(boxes) / 4:
            candidates.append((crossing, x, left, right))
    # Where the best x parts the cells of a table, worse ones are no gutters.
    fewest = min((crossing for crossing, *_ in candidates), default=0)
    best = ((x, left, right) for crossing, x, left, right in candidates if crossing == fewest)
    return next((x for x, left, right in best if not (_heads_rows(left, right) or _heads_rows(right, left))), None)


def _heads_rows(side: list[_Box], other: list[_Box]) -> bool:
    """Whether one side is narrow and most of its lines stand in a row with a line of the other."""
    width, its_width = (np.median([box.right - box.left for box in one]) for one in (side, other))
    if width >= (DATE if 2 * width < its_width else CELL) * np.median([box.height for box in side]):
        return False
    middles, heights = np.array([(box.middle, box.height) for box in side]).T[:, :, None]
    its_middles, its_heights = np.array([(box.middle, box.height) for box in other]).T
    in_row = np.abs(middles - its_middles) < ROW * np.minimum(heights, its_heights)
    return bool(in_row.any(axis=1).mean() >= IN_ROWS)


def _by_rows(boxes: list[_Box]) -> list[_Box]:
    rows: list[list[_Box]] = []
    for box in sorted(boxes, key=lambda box: box.middle):
        row = rows[-1] if rows else []
        if row and box.middle - row[0].middle < ROW * min(box.height, row[0].height) and not _above(row, box):
            row.append(box)
        else:
            rows.append([box])
    return [box for row in rows for box in sorted(row, key=lambda box: box.left)]


def _above(row: list[_Box], box: _Box) -> bool:
    """Whether a line lies under one of the row instead of beside it."""
    return any(min(one.right, box.right) - max(one.left, box.left) > 0.2 * (box.right - box.left) for one in row)
