"""Estimates where each encoder column lies in the text, by the CTC head, for located attention."""

from typing import Any

from preprocessing.tokenizer import END


def character_counts(probability, xp: Any):
    """Returns the expected number of characters begun before the middle of each column.

    A column begins a character as far as it has one that the column before it doesn't have: n_s = sum_c p_s(c)
    (1 - p_{s-1}(c)) over all characters c; the counts are the running sum of n minus half of the column's own, so that
    character t (from 0) lies where they pass t + 1/2. It is the "fire" of CIF (Dong and Xu 2020, arXiv:1905.11235),
    taken from the CTC head instead of learned separately.

    Args:
        probability: (B, S, V) float32 of each id at each column, PAD being the blank.
        xp: `numpy` or `keras.ops`.

    Shape: (B, S, V) -> (B, S) float32, ascending
    """
    written = probability[:, :, END + 1 :]
    before = xp.pad(written[:, :-1], ((0, 0), (1, 0), (0, 0)))
    begun = xp.sum(written, axis=-1) - xp.sum(written * before, axis=-1)
    return xp.cumsum(begun, axis=1) - begun / 2
