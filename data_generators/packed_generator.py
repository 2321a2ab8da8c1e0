"""Batches from a packed dataset, in memory that doesn't grow with it."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np

from base.base_data_generator import BATCHES_PER_GROUP, BaseDataGenerator
from data_generators.collator import Collator
from data_generators.packed_store import PackedStore
from utils.config.schema import Config

# Equal parts of each batch, whose words come from different row groups: a process reads the pixels of
# its own lanes only, and batches are the same for any number of processes that divides it.
LANES = 8
KEPT_BLOCKS = 3


@dataclass(frozen=True)
class Block:
    """The words of BATCHES_PER_GROUP batches.

    Attributes:
        labels, widths, seeds: of all its words, in rows; widths in pixels.
        images: row -> image, for the words of this process' lanes.
        batches: for each batch its rows, lane by lane, the whole filled up by repeated rows.
    """

    labels: list[str]
    widths: np.ndarray
    seeds: np.ndarray
    images: dict[int, np.ndarray]
    batches: list[np.ndarray]


class PackedGenerator(BaseDataGenerator):
    """Batches as `DataGenerator` makes them, from a packed dataset.

    Row groups are shuffled anew in each epoch and read one after the other; words are shuffled, and
    sorted by width, within blocks of BATCHES_PER_GROUP batches. As ever, batch `index` of `epoch` is a
    function of (seed, epoch, index) alone, so training can resume anywhere.
    """

    pads_batches = True

    def __init__(self, config: Config, store: PackedStore, maker: Collator) -> None:
        words = store.words
        super().__init__(np.zeros(0), config.train.batch_size, config.seed, True, [(words, words)])
        del self.widths  # Read when they are asked for.
        self.config = config
        self.store = store
        self.collator = maker
        self.lanes = LANES if self.batch_size % LANES == 0 else 1
        self.sizes = np.array([words for _, _, words in store.groups])
        self._lock = threading.Lock()
        self._blocks: OrderedDict[tuple[int, int], Block] = OrderedDict()
        self._order: tuple[int, np.ndarray] = (-1, self.sizes)

    def batch(self, epoch: int, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        block = self._block(epoch, index // BATCHES_PER_GROUP)
        filled = block.batches[index % BATCHES_PER_GROUP]
        rows = np.unique(filled)
        return self.collator.make(
            [block.labels[row] for row in rows],
            block.widths[rows],
            lambda row: block.images[int(rows[row])],
            block.seeds[rows].tolist(),
            np.searchsorted(rows, filled),
        )

    def unsharded(self) -> "PackedGenerator":
        return PackedGenerator(self.config, self.store, self.collator.unsharded())

    def make_batch(self, positions: np.ndarray, epoch: int) -> Any:
        raise NotImplementedError("the words of a packed dataset have no positions")

    def positions(self, epoch: int) -> list[np.ndarray]:
        """For each batch the numbers of its words in the dataset's own order."""
        starts = np.cumsum(self.sizes) - self.sizes
        found = []
        for number in range(-(-len(self) // BATCHES_PER_GROUP)):
            parts = [starts[group] + np.arange(*rows) for group, rows in self._parts(epoch, number)]
            block, words = self._make_block(epoch, number, pixels=False), np.concatenate(parts)
            found += [words[np.unique(batch)] for batch in block.batches]
        return found

    @cached_property
    def widths(self) -> np.ndarray:  # type: ignore[override]
        """(n,) widths of all words; only a dry run asks for them."""
        groups = range(len(self.store.groups))
        return np.concatenate([self.store.labels_and_widths(group)[1] for group in groups])

    def _block(self, epoch: int, number: int) -> Block:
        """A block, read once while it is needed; its neighbours may be needed at the same time."""
        with self._lock:
            if (epoch, number) not in self._blocks:
                self._blocks[epoch, number] = self._make_block(epoch, number)
                if len(self._blocks) > KEPT_BLOCKS:
                    self._blocks.popitem(last=False)
            return self._blocks[epoch, number]

    def _make_block(self, epoch: int, number: int, pixels: bool = True) -> Block:
        parts = self._parts(epoch, number)
        labels, parts_of_widths, seeds = [], [], []
        for group, rows in parts:
            all_labels, all_widths = self.store.labels_and_widths(group)
            labels += all_labels[slice(*rows)]
            parts_of_widths.append(all_widths[slice(*rows)])
            seeds += [(self.seed, epoch, group, row) for row in range(*rows)]
        widths = np.concatenate(parts_of_widths)
        batches, own = self._batches(epoch, number, widths)
        images: dict[int, np.ndarray] = {}
        start = 0
        for group, (first, end) in parts:
            wanted = [row for row in range(start, start + end - first) if row in own] if pixels else []
            if wanted:
                found = self.store.images(group)
                images |= zip(wanted, _kept([found[first + row - start] for row in wanted]))
            start += end - first
        return Block(labels, widths, np.array(seeds), images, batches)

    def _parts(self, epoch: int, number: int) -> list[tuple[int, tuple[int, int]]]:
        """(row group, (first row, end)) of a block, in order."""
        order = self._epoch_order(epoch)
        ends = np.cumsum(self.sizes[order])
        size = self.batch_size * BATCHES_PER_GROUP
        start, end = number * size, min((number + 1) * size, self.words_per_epoch)
        parts = []
        for place in range(int(np.searchsorted(ends, start, side="right")), len(order)):
            group_start = int(ends[place]) - int(self.sizes[order[place]])
            if group_start >= end:
                break
            rows = max(0, start - group_start), min(end, int(ends[place])) - group_start
            parts.append((int(order[place]), rows))
        return parts

    def _epoch_order(self, epoch: int) -> np.ndarray:
        ordered, order = self._order
        if ordered != epoch:
            order = np.random.default_rng([self.seed, epoch]).permutation(len(self.sizes))
            self._order = (epoch, order)
        return order

    def _batches(self, epoch: int, number: int, widths: np.ndarray) -> tuple[list[np.ndarray], set[int]]:
        """The rows of each batch of a block, and those that this process needs the images of."""
        words, per_lane = len(widths), self.batch_size // self.lanes
        count = -(-words // self.batch_size)
        bounds = [words * lane // self.lanes for lane in range(self.lanes + 1)]
        chunks: list[Sequence[np.ndarray]] = []
        for first, end in pairwise(bounds):
            by_width = first + np.argsort(widths[first:end], kind="stable")
            chunks.append(np.array_split(by_width, count))
        batches = []
        for lanes in zip(*chunks):
            some = np.concatenate(lanes)[:1]
            fill = partial(np.resize, new_shape=per_lane)
            batches.append(np.concatenate([fill(lane if len(lane) else some) for lane in lanes]))
        order = np.random.default_rng([self.seed, epoch, number]).permutation(count)
        maker = self.collator
        own = {int(row) for batch in batches for row in batch.reshape(maker.parts, -1)[maker.part]}
        return [batches[index] for index in order], own


def _kept(images: list[np.ndarray]) -> list[np.ndarray]:
    """Copies in one piece: views would keep the whole row group, single copies leave gaps when they go."""
    pixels = np.concatenate([image.ravel() for image in images])
    parts = np.split(pixels, np.cumsum([image.size for image in images])[:-1])
    return [part.reshape(image.shape) for part, image in zip(parts, images)]
