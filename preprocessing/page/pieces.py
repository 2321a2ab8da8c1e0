"""Pieces of lines as a detector finds them: joins those of one line."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

# Pieces of one line: vertical distance over height, heights' ratio, gap over height, overlap over length and height.
OFF_LINE, HEIGHTS, GAP, OVERLAP = 0.45, 1.8, 1.0, 0.15
WIDE_GAP = 2.0  # over height, where another line runs past the gap, so that no column ends there
SLOPE = 0.35  # between the directions of two pieces
UPRIGHT = 2.0  # height over length of a piece that is taller than a letter


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


def lies_on_side(corners: np.ndarray) -> bool:
    """Whether most pieces, corners (n, 4, 2) as of `piece_of`, are so tall that the page must lie on its side."""
    pieces = [piece_of(one) for one in corners]
    return sum(piece.height > UPRIGHT * piece.length for piece in pieces) > len(pieces) / 2


def join_pieces(pieces: list[Piece]) -> list[list[Piece]]:
    """Returns the pieces of each line, left to right."""
    line_of = [[i] for i in range(len(pieces))]  # the places of all pieces of each one's line
    passing = _Passing(pieces)
    for gap, i, j in sorted(_neighbours(pieces)):
        left, right = line_of[i], line_of[j]
        if left is right or any(_overlap(pieces[one], pieces[two]) for one in left for two in right):
            continue
        if gap <= GAP or passing.covers(i, j, [*left, *right]):
            left += right
            for k in right:
                line_of[k] = left
    lines: dict[int, list[Piece]] = {}
    for i in sorted(range(len(pieces)), key=lambda i: pieces[i].centre[0]):
        lines.setdefault(id(line_of[i]), []).append(pieces[i])
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


class _Passing:
    """Pieces as arrays, to find those of other lines that run past a gap."""

    def __init__(self, pieces: list[Piece]) -> None:
        self._pieces = pieces
        self._centres = np.array([piece.centre for piece in pieces]).reshape(-1, 2)
        self._along = np.array([piece.along for piece in pieces]).reshape(-1, 2)
        self._lengths = np.array([piece.length for piece in pieces])

    def covers(self, i: int, j: int, own: list[int]) -> bool:
        """Whether a piece that is not among `own` runs past the gap between pieces `i` and `j`."""
        left, right = self._pieces[i], self._pieces[j]
        start, end, height = left.ends[1], right.ends[0], max(left.height, right.height)
        offset = (start + end) / 2 - self._centres
        beside = np.abs((offset * self._along).sum(axis=1)) + np.linalg.norm(end - start) / 2
        apart = np.abs(offset[:, 1] * self._along[:, 0] - offset[:, 0] * self._along[:, 1])
        found = (beside < (self._lengths - height) / 2) & (apart > height / 2) & (apart < 2.5 * height)
        found[own] = False
        return bool(found.any())
