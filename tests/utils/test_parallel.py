"""Results of threads come in order, and errors with them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from utils.parallel import ordered_map


def test_ordered_map_keeps_the_order_and_reads_only_a_little_ahead():
    taken = []

    def items():
        for index in range(100):
            taken.append(index)
            yield index

    results = ordered_map(lambda item: item * item, items(), ThreadPoolExecutor(3), ahead=5)
    assert next(results) == 0 and len(taken) == 5
    assert list(results) == [index * index for index in range(1, 100)]


def test_ordered_map_passes_errors_on():
    results = ordered_map(lambda item: 1 // item, [2, 1, 0, 3], ThreadPoolExecutor(2), ahead=2)
    assert next(results) == 0 and next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
