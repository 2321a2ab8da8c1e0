"""Words cut between their letters and joined to new ones, on drawn strokes."""

import itertools

import cv2
import numpy as np
import pytest

from preprocessing.recombine import cut_letters, cut_line, join_letters, join_lines, split_line

STROKE = 6


def drawn(label: str, above: int = 10, gap: int = 14, slant: int = 0, paper: int = 200) -> np.ndarray:
    """Letters as upright bars of x-height 30, joined at the baseline by strokes; `l` reaches up, `p` down."""
    height = above + 30 + 25
    picture = np.full((height, 20 + len(label) * gap + 20), paper, np.uint8)
    baseline = above + 30
    for index, letter in enumerate(label):
        x = 20 + index * gap
        top = above - 10 if letter == "l" else above
        bottom = baseline + (15 if letter == "p" else 0)
        picture[top:bottom, x : x + STROKE] = 30
    picture[baseline - 3 : baseline, 20 : 20 + (len(label) - 1) * gap + STROKE] = 30
    shear = np.array([[1, -np.tan(np.radians(slant)), np.tan(np.radians(slant)) * baseline], [0, 1, 0]])
    return cv2.warpAffine(picture, shear, picture.shape[::-1], borderValue=paper)


def middles(label: str, gap: int = 14) -> np.ndarray:
    """Of the bars, as parts of the ink's width."""
    width = (len(label) - 1) * gap + STROKE
    return (np.arange(len(label)) * gap + STROKE / 2) / width


def bars(picture: np.ndarray, row: int) -> list[int]:
    """First columns of the strokes that a row crosses."""
    dark = picture[row] < 128
    return np.flatnonzero(np.diff(dark.astype(int), prepend=0) > 0).tolist()


def test_cuts_lie_between_the_bars_and_at_the_ends_of_the_ink():
    letters = cut_letters("nin", drawn("nin"), middles("nin"))
    assert letters is not None and letters.slant == 0
    assert letters.baseline == pytest.approx(40, abs=1) and letters.x_height == pytest.approx(30, abs=2)
    assert letters.cuts[0] == 20 and letters.cuts[3] == 20 + 2 * 14 + STROKE
    for number in (1, 2):
        assert 20 + (number - 1) * 14 + STROKE <= letters.cuts[number] <= 20 + number * 14
    assert letters.picture[0, 0] == 255  # paper 200 became white


def test_pieces_stand_on_one_baseline():
    first = cut_letters("nnn", drawn("nnn", above=10), middles("nnn"))
    second = cut_letters("nlp", drawn("nlp", above=22), middles("nlp"))
    joined = join_letters(first, 2, second, 2)
    # Two bars of the first word, the last two of the second, whose picture lies 12 rows lower.
    assert len(bars(joined, row=22 + 15)) == 4
    assert len(bars(joined, row=22 - 5)) == 1  # l alone reaches up
    assert len(bars(joined, row=22 + 30 + 5)) == 1  # p alone reaches down


def test_a_whole_word_can_be_a_piece():
    first = cut_letters("nn", drawn("nn"), middles("nn"))
    second = cut_letters("nl", drawn("nl"), middles("nl"))
    joined = join_letters(first, 2, second, 1)
    assert len(bars(joined, row=25)) == 3


def test_slant_is_taken_out_and_given_back():
    picture = drawn("nnnn", slant=20)
    letters = cut_letters("nnnn", picture, middles("nnnn"))
    assert letters.slant == 20
    joined = join_letters(letters, 2, letters, 2)
    upper, lower = bars(joined, row=15), bars(joined, row=35)
    moved = np.subtract(upper, lower)
    assert len(upper) == len(lower) == 4
    np.testing.assert_allclose(moved, np.tan(np.radians(20)) * 20, atol=2)


def test_words_of_other_size_or_slant_do_not_fit():
    upright = cut_letters("nnnn", drawn("nnnn"), middles("nnnn"))
    slanted = cut_letters("nnnn", drawn("nnnn", slant=20), middles("nnnn"))
    larger = cut_letters("nnnn", np.kron(drawn("nnnn"), np.ones((2, 2), np.uint8)), middles("nnnn"))
    assert upright.fits(upright)
    assert not upright.fits(slanted) and not upright.fits(larger) and not larger.fits(upright)


def test_a_column_full_of_ink_is_no_cut():
    picture = drawn("nn")
    picture[10:40, 20 : 20 + 14 + STROKE] = 30
    letters = cut_letters("nn", picture, middles("nn"))
    assert letters is not None and set(letters.cuts) == {0, 2}


def test_paper_alone_has_no_letters():
    assert cut_letters("nn", np.full((40, 80), 200, np.uint8), [0.2, 0.8]) is None


def test_the_words_of_a_line_are_cut_in_their_gaps():
    words = ["nn", "nln", "p"]
    pictures = [drawn(word) for word in words]
    line, label = np.concatenate(pictures, axis=1), " ".join(words)
    starts = np.cumsum([0, *(picture.shape[1] for picture in pictures)])[:-1]
    middles_of = [start + 20 + np.arange(len(word)) * 14 + STROKE / 2 for start, word in zip(starts, words)]
    gaps = [(before[-1] + after[0]) / 2 for before, after in itertools.pairwise(middles_of)]
    places = np.concatenate([middles_of[0], gaps[:1], middles_of[1], gaps[1:], middles_of[2]])
    inked = np.flatnonzero((line < 128).any(axis=0))
    found = list(split_line(label, line, (places - inked[0]) / (inked[-1] + 1 - inked[0])))
    assert [word for word, *_ in found] == words
    for word, picture, parts in found:
        assert len(bars(picture, row=25)) == len(word)
        np.testing.assert_allclose(parts, middles(word), atol=0.02)


def test_a_word_alone_is_no_line():
    picture = drawn("nln")
    [(word, whole, parts)] = split_line("nln", picture, middles("nln"))
    assert word == "nln" and whole.shape == picture.shape
    np.testing.assert_allclose(parts, middles("nln"))


def test_a_blank_line_has_no_words():
    assert not list(split_line("n n", np.full((40, 80), 200, np.uint8), [0.2, 0.5, 0.8]))


def test_letters_beyond_the_ink_give_no_cuts():
    letters = cut_letters("nnnn", drawn("nnnn"), [-0.9, -0.5, 1.2, 1.9])
    assert set(letters.cuts) == {0, 2, 4}
    assert join_letters(letters, 2, letters, 2).shape[1] > 20


def test_a_word_found_beyond_the_ink_is_none():
    line = np.concatenate([drawn("nn"), drawn("p")], axis=1)
    found = list(split_line("a nn p", line, [-0.2, -0.1, 0.1, 0.3, 0.6, 0.97]))
    assert [word for word, *_ in found] == ["nn", "p"]
    assert all(picture.size for _, picture, _ in found)


def test_lines_are_cut_in_the_gaps_and_joined_on_one_baseline():
    """`nn n` with a gap of two letters, and `lp nnn`, which stands lower."""
    label = "nn  n"
    first = cut_line("nn n", drawn_line(label), np.delete(middles(label), 3))
    label = "lp  nnn"
    second = cut_line("lp nnn", drawn_line(label, above=22), np.delete(middles(label), 3))
    assert first.words == ["nn", "n"] and second.words == ["lp", "nnn"] and first.fits(second)
    # The gap is from the end of the second bar to the beginning of the third.
    assert first.cuts == [0, pytest.approx((20 + 14 + STROKE + 20 + 4 * 14) / 2, abs=2), first.picture.shape[1]]
    text, picture = join_lines(first, 1, second, 1)
    assert text == "nn nnn"
    assert len(bars(picture, row=22 + 15)) == 5 and len(bars(picture, row=22 + 30 + 5)) == 0
    assert picture.shape[1] == first.cuts[1] + second.picture.shape[1] - second.cuts[1]
    assert cut_line("nn n", np.full((40, 90), 200, np.uint8), np.arange(4) / 4) is None


def drawn_line(label: str, above: int = 10) -> np.ndarray:
    """Words as `drawn` draws them, without the strokes that join words."""
    picture, baseline = drawn(label, above), above + 30
    for index, letter in enumerate(label):
        if letter == " ":
            x = 20 + index * 14
            picture[:, x - 14 + STROKE if label[index - 1] != " " else x : x + 14] = 200
    assert (picture[baseline - 1] < 128).any()
    return picture
