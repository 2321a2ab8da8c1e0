"""Pieces of lines as a detector finds them: joins those of one line."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

# Pieces of one line: vertical distance over height, heights' ratio, gap over height, overlap over length and height.
OFF_LINE, HEIGHTS, GAP, OVERLAP = 0.45, 1.8, 1.0, 0.15
WIDE_GAP = 2.0  # over height, where another line runs past the gap, so that no column ends there
SLOPE = 0.35  # between the directions of two pieces


@dataclass(frozen=True)
class Piece:
    """A rectangle along a line: centre (x, y), direction (unit vector, to the right), length and height in pixels."""

    centre: np.ndarray
    along: np.ndarray
    length: float
    height: float

    @cached_property
    def down(self) -> np.ndarray:
        """The unit vector across the line, downwards."""
        return np.array([-self.along[1], self.along[0]])

    @cached_property
    def ends(self) -> np.ndarray:
        """The ends of the middle line, (2, 2)."""
        return self.centre + np.outer([-0.5, 0.5], self.along * self.length)

    @cached_property
    def corners(self) -> np.ndarray:
        """The corners, (4, 2), clockwise from the top left one."""
        half = self.down * self.height / 2
        return np.array([self.ends[0] - half, self.ends[1] - half, self.ends[1] + half, self.ends[0] + half])


def piece_of(corners: np.ndarray) -> Piece:
    """Returns the piece of a detector's corners (4, 2), clockwise from the top left one."""
    top_left, top_right, bottom_right, bottom_left = corners.astype(float)
    along = (top_right + bottom_right - top_left - bottom_left) / 2
    down = (bottom_left + bottom_right - top_left - top_right) / 2
    length, height = np.linalg.norm(along), np.linalg.norm(down)
    return Piece(corners.mean(axis=0).astype(float), along / max(length, 1e-6), float(length), float(height))


def join_pieces(pieces: list[Piece]) -> list[list[Piece]]:
    """Returns the pieces of each line, left to right."""
    line_of = list(range(len(pieces)))
    for gap, i, j in sorted(_neighbours(pieces)):
        left, right = ([piece for piece, line in zip(pieces, line_of) if line == line_of[k]] for k in (i, j))
        if line_of[i] == line_of[j] or any(_overlap(one, two) for one in left for two in right):
            continue
        others = [piece for piece, line in zip(pieces, line_of) if line not in (line_of[i], line_of[j])]
        if gap <= GAP or _is_passed(pieces[i], pieces[j], others):
            line_of = [line_of[i] if line == line_of[j] else line for line in line_of]
    lines: dict[int, list[Piece]] = {}
    for i in sorted(range(len(pieces)), key=lambda i: pieces[i].centre[0]):
        lines.setdefault(line_of[i], []).append(pieces[i])
    return list(lines.values())


def _overlap(one: Piece, two: Piece) -> bool:
    """Whether two pieces lie above each other, which those of one line don't."""
    apart = abs((two.centre - one.centre) @ one.along) - (one.length + two.length) / 2
    return apart < -_slack(one, two)


def _slack(one: Piece, two: Piece) -> float:
    """Returns by how much pieces that follow each other may overlap."""
    return OVERLAP * (min(one.length, two.length) + min(one.height, two.height))


def _neighbours(pieces: list[Piece]) -> list[tuple[float, int, int]]:
    """Returns (gap over height, left, right) of pieces that may follow each other on a line."""
    if not pieces:
        return []
    ends, along = np.array([piece.ends for piece in pieces]), np.array([piece.along for piece in pieces])
    gaps = np.einsum("ijk,ik->ij", ends[None, :, 0] - ends[:, None, 1], along)
    sizes = np.array([(piece.length, piece.height) for piece in pieces])
    least = np.minimum(sizes[:, None], sizes[None])
    near = (gaps <= WIDE_GAP * least[..., 1]) & (gaps >= -OVERLAP * least.sum(axis=2))
    pairs = []
    for i, j in np.argwhere(near & ~np.eye(len(pieces), dtype=bool)).tolist():
        left, right, height = pieces[i], pieces[j], least[i, j, 1]
        if (right.centre - left.centre) @ left.along <= 0 or _follows(left, right) > OFF_LINE * height:
            continue
        if max(left.height, right.height) <= HEIGHTS * height:
            pairs.append((max(0.0, float(gaps[i, j] / height)), i, j))
    return pairs


def _follows(left: Piece, right: Piece) -> float:
    """Returns how far the end of one piece and the start of the next are off each other's line, in pixels."""
    if left.along @ right.along < np.cos(np.arctan(SLOPE)):
        return np.inf
    # The longer piece knows the direction.
    down = (left if left.length >= right.length else right).down
    return float(abs((right.ends[0] - left.ends[1]) @ down))


def _is_passed(left: Piece, right: Piece, others: list[Piece]) -> bool:
    """Whether another line near by covers the gap between two pieces."""
    start, end = left.ends[1], right.ends[0]
    middle, height = (start + end) / 2, max(left.height, right.height)
    for other in others:
        offset = middle - other.centre
        covers = abs(offset @ other.along) + np.linalg.norm(end - start) / 2 < other.length / 2 - height / 2
        if covers and height / 2 < abs(offset @ other.down) < 2.5 * height:
            return True
    return False
