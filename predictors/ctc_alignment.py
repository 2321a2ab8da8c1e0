"""Locates the characters of a known text in a picture with the CTC head."""

import numpy as np

from preprocessing.tokenizer import PAD


def ctc_align(probability: np.ndarray, ids: list[int]) -> tuple[np.ndarray, float]:
    """Finds the most probable CTC path that spells `ids` (Viterbi's algorithm over Graves et al. 2006, section 4).

    Args:
        probability: (S, V) of each id at each column, PAD being the blank.
        ids: those of the text's characters, at least one.

    Returns:
        float64 (len(ids),): the middle of the columns in which each character is written, in columns, ascending; and
        the path's log probability, -inf if the text is longer than the picture.
    """
    states = np.full(2 * len(ids) + 1, PAD)
    states[1::2] = ids
    emitted = np.log(np.maximum(probability[:, states], 1e-30)).astype(np.float64)
    # A path may leave out the blank between two characters unless they are the same.
    may_skip = np.zeros(len(states), bool)
    may_skip[3::2] = states[3::2] != states[1:-2:2]
    score = np.full(len(states), -np.inf)
    score[:2] = emitted[0, :2]
    steps = np.zeros(emitted.shape, np.int8)
    for column in range(1, len(emitted)):
        one, two = np.full(len(states), -np.inf), np.full(len(states), -np.inf)
        one[1:], two[2:] = score[:-1], np.where(may_skip[2:], score[:-2], -np.inf)
        choices = np.stack([score, one, two])
        steps[column] = choices.argmax(axis=0)
        score = choices.max(axis=0) + emitted[column]
    state = len(states) - 1 if score[-1] >= score[-2] else len(states) - 2
    total = score[state]
    path = np.empty(len(emitted), int)
    for column in range(len(emitted) - 1, -1, -1):
        path[column] = state
        state -= int(steps[column, state])
    if not np.isfinite(total):
        return np.zeros(len(ids)), float(total)
    columns = np.arange(len(path)) + 0.5
    middles = [columns[path == 2 * index + 1].mean() for index in range(len(ids))]
    return np.array(middles), float(total)
