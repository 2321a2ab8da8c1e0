"""Work that threads or processes do ahead of its use."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor


def ordered_map(
    function: Callable, items: Iterable, threads: int, ahead: int, executor: Executor | None = None
) -> Iterator:
    """Yields `function(item)` of each item in order, computed by threads.

    Args:
        ahead: results that may wait at most, so memory stays constant.
        executor: does the work instead of threads, and is shut down at the end.
    """
    with executor or ThreadPoolExecutor(threads) as pool:
        waiting: deque = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
