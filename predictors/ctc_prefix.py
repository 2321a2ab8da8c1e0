"""Computes CTC prefix scores of each next character of a growing text.

One implementation for both runtimes: `xp` is `numpy` or `keras.ops`, whose functions have the same names.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from preprocessing.tokenizer import END, PAD, START

# Takes the place of 0 before logarithms and in divisions, in float32.
TINY = 1e-30
# Log probability of the impossible, instead of an infinity, which sums and products could turn into NaN.
LOG_ZERO = -1e9


class CtcPrefix:
    """Prefix probabilities of CTC, character by character (Watanabe et al. 2017, algorithm 2).

    "Hybrid CTC/attention architecture for end-to-end speech recognition", IEEE JSTSP 11 (8). A text's paths are
    distinguished by the column that they have reached, and by whether they end in the last character (`p_nonblank`) or
    in a blank after it (`p_blank`), since equal characters need a blank between them. Both are probabilities, scaled to
    a maximum of 1 at each character (Rabiner 1989, section V.A): only their ratios matter. `xp` is `numpy` or
    `keras.ops`, `follow` is `ctc_forward` for its arrays.
    """

    def __init__(self, xp: Any, follow: Callable[..., Any]) -> None:
        self.xp = xp
        self.follow = follow

    def start(self, probability, last) -> list[Any]:
        """Returns the states before the first character; `last` is (B,) int32, START.

        `probability` is (B, S, V): of each id, PAD being the blank, at each of the encoder's columns.
        """
        p_blank = self.xp.cumprod(probability[..., PAD], axis=1)
        p_blank = self.xp.pad(p_blank, ((0, 0), (1, 0)), constant_values=1.0)
        return [self.xp.zeros_like(p_blank), p_blank, last[:, None]]

    def step(self, probability, states: list[Any], last) -> tuple[Any, list[Any]]:
        """Adds the character `last` to each text and scores each next one.

        N consecutive rows are texts of the same word, as in a beam.

        Args:
            probability: as for `start`.
            states: of B * N texts before `last`.
            last: (B * N,) int32, START at first.

        Returns:
            (B * N, V) float32, log probability of each next id, END included; new states.
        """
        xp = self.xp
        words = xp.shape(probability)[0]
        p_nonblank, p_blank, before = (xp.reshape(s, (words, -1, xp.shape(s)[-1])) for s in states)
        chosen = xp.reshape(last, (words, -1, 1))
        added = self._extended(probability, p_nonblank, p_blank, chosen, before)
        begun = chosen != START
        p_nonblank, p_blank = (xp.where(begun, new, old) for new, old in zip(added, (p_nonblank, p_blank)))
        following = self._following(probability, p_nonblank, p_blank, chosen)
        # Reshaped like the old ones: the graph of a loop needs shapes that are as static as before.
        new = [xp.reshape(*pair) for pair in zip((p_nonblank, p_blank, chosen), map(xp.shape, states))]
        return xp.reshape(following, (xp.shape(last)[0], probability.shape[-1])), new

    def _extended(self, probability, p_nonblank, p_blank, chosen, before):
        """Returns `p_nonblank` and `p_blank` (B, N, S + 1) of the texts with one character more."""
        xp = self.xp
        emitted = xp.take_along_axis(probability, xp.transpose(chosen, (0, 2, 1)), axis=2)
        emitted = xp.transpose(emitted, (0, 2, 1))
        entering = (p_blank + xp.where(chosen == before, 0.0, p_nonblank))[..., :-1]
        blank = xp.zeros_like(emitted) + probability[:, None, :, PAD]
        added = self.follow(*(xp.reshape(v, (-1, xp.shape(v)[-1])) for v in (entering, emitted, blank)))
        # No path ends in the new character before the first column.
        p_nonblank, p_blank = (
            xp.pad(xp.reshape(v, xp.shape(entering)), ((0, 0), (0, 0), (1, 0)), constant_values=0.0) for v in added
        )
        scale = xp.maximum(xp.max(p_nonblank + p_blank, axis=-1, keepdims=True), TINY)
        return p_nonblank / scale, p_blank / scale

    def _following(self, probability, p_nonblank, p_blank, last):
        """Returns the log probability (B, N, V) of each next id, given the text so far."""
        xp, ids = self.xp, np.arange(probability.shape[-1])
        reached = p_nonblank + p_blank
        after_all = xp.matmul(reached[..., :-1], probability)
        after_blank = xp.matmul(p_blank[..., :-1], probability)
        paths = xp.where(ids == last, after_blank, after_all)
        paths = xp.where(ids == END, reached[..., -1:], xp.where(ids < END, 0.0, paths))
        total = xp.maximum(xp.sum(paths, axis=-1, keepdims=True), TINY)
        return xp.log(xp.maximum(paths / total, TINY))


def ctc_forward(entering, emitted, blank) -> tuple[np.ndarray, np.ndarray]:
    """Follows the paths that begin a new character at any column, for NumPy.

    Args:
        entering: (rows, S) probability of the paths that end before column s, without the character.
        emitted, blank: (rows, S) probability of the character and of blank at column s.

    Returns:
        (rows, S) each: probability of the paths that have come to column s and end in the character there, and of those
        that end in a blank after it.
    """
    p_nonblank, p_blank = np.zeros_like(entering), np.zeros_like(entering)
    last_nonblank = last_blank = np.zeros_like(entering[:, 0])
    for s in range(entering.shape[1]):
        p_blank[:, s] = last_blank = (last_blank + last_nonblank) * blank[:, s]
        p_nonblank[:, s] = last_nonblank = (last_nonblank + entering[:, s]) * emitted[:, s]
    return p_nonblank, p_blank
