"""Which words make a batch: each once, of similar widths, limited by number or by width."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from base.base_data_generator import BaseDataGenerator


class Positions(BaseDataGenerator):
    """A generator whose batches are the words' positions."""

    def make_batch(self, positions, epoch):
        return positions


@settings(max_examples=60, deadline=None)
@given(
    widths=st.lists(st.integers(1, 400), min_size=1, max_size=300),
    batch_size=st.integers(1, 40),
    seed=st.integers(0, 5),
    shuffle=st.booleans(),
)
def test_every_word_occurs_once_per_epoch(widths, batch_size, seed, shuffle):
    generator = Positions(np.array(widths), batch_size, seed, shuffle)
    for epoch in range(2):
        batches = [generator.batch(epoch, index) for index in range(len(generator))]
        assert sorted(np.concatenate(batches).tolist()) == list(range(len(widths)))
        sizes = sorted(len(batch) for batch in batches)
        # Only one batch is partial: the words left over.
        assert sizes[1:] == [batch_size] * (len(sizes) - 1)
        assert sizes[0] == (len(widths) % batch_size or batch_size)


@settings(max_examples=60, deadline=None)
@given(
    shares=st.lists(
        st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))), min_size=1, max_size=3
    ),
    batch_size=st.integers(1, 40),
)
def test_an_epoch_takes_its_share_of_each_part_and_all_words_come_equally_often(shares, batch_size):
    total = sum(size for size, _ in shares)
    generator = Positions(np.arange(total) % 50, batch_size, 1, True, shares)
    assert len(generator) == -(-sum(used for _, used in shares) // batch_size)
    counts = np.zeros(total, int)
    for epoch in range(4):
        found = np.concatenate([generator.batch(epoch, index) for index in range(len(generator))])
        assert len(set(found.tolist())) == len(found) == generator.words_per_epoch
        counts[found] += 1
    for first, (size, used) in zip(np.cumsum([0] + [size for size, _ in shares]), shares):
        of_part = counts[first : first + size]
        assert of_part.sum() == 4 * used
        assert of_part.max() - of_part.min() <= 1


@settings(max_examples=100, deadline=None)
@given(
    widths=st.lists(st.integers(1, 1300), min_size=1, max_size=300),
    batch_size=st.integers(1, 40),
    batch_width=st.integers(1, 5000),
    shuffle=st.booleans(),
)
@example(widths=[125] * 18, batch_size=40, batch_width=5000, shuffle=False)
def test_batches_limited_by_width_hold_every_word_once_and_are_as_many_in_every_epoch(
    widths, batch_size, batch_width, shuffle
):
    generator = Positions(np.array(widths), batch_size, 1, shuffle, batch_width=batch_width)
    for epoch in range(3):
        batches = generator.positions(epoch)
        assert len(batches) == len(generator) and all(map(len, batches))
        assert sorted(np.concatenate(batches).tolist()) == list(range(len(widths)))


def test_lines_come_in_smaller_batches_than_words():
    widths = np.concatenate([np.full(1000, 100), np.random.default_rng(0).integers(500, 900, 200)])
    generator = Positions(widths, 64, 1, True, [(1000, 500), (200, 100)], batch_width=6400)
    sizes, areas = zip(*((len(batch), len(batch) * widths[batch].max()) for batch in generator.positions(0)))
    assert sum(sizes) == 600 and max(sizes) <= 64 and min(sizes) <= 9
    assert max(areas) <= 1.3 * 6400 and len(generator) == math.ceil((500 * 100 + 100 * widths[1000:].mean()) / 6400)


@pytest.mark.parametrize("words_per_epoch", [11_000, 4096 + 20, 4096 + 100])
@pytest.mark.parametrize("batch_width", [3840, 5120, 8192, 12288])
def test_no_batch_of_words_and_lines_is_much_wider_than_asked_for_with_its_padding(batch_width, words_per_epoch):
    rng = np.random.default_rng(0)
    words, lines = rng.gamma(3, 30, 8000), rng.normal(900, 200, 3000)
    widths = np.clip(np.concatenate([words, lines]), 20, 1280).astype(int)
    generator = Positions(widths, 128, 1, True, [(11_000, words_per_epoch)], batch_width=batch_width)
    areas = [len(batch) * widths[batch].max() for epoch in range(3) for batch in generator.positions(epoch)]
    assert max(areas) <= 1.25 * batch_width and np.mean(areas) >= 0.9 * batch_width


def test_batches_hold_similar_widths():
    widths = np.random.default_rng(1).integers(10, 300, 2000)

    def padding(batches):
        return sum((widths[batch].max() - widths[batch]).sum() for batch in batches)

    batches = Positions(widths, 20, 1, True).positions(0)
    at_random = np.random.default_rng(2).permutation(2000).reshape(100, 20)
    assert padding(batches) < 0.1 * padding(at_random)
    # And they are not met from narrow to wide.
    means = [widths[batch].mean() for batch in batches]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.5


def test_without_shuffling_epochs_go_from_narrow_to_wide():
    widths = np.array([30, 10, 20, 10, 40])
    generator = Positions(widths, 2, 1, False)
    for epoch in (0, 5):
        assert [batch.tolist() for batch in generator.positions(epoch)] == [[1, 3], [2, 0], [4]]
