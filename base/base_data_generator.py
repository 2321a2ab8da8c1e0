"""Which words make which batch, for any kind of data."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

# Words are sorted by width within groups of this many batches: wide enough that a batch holds
# similar widths, narrow enough that its company changes from epoch to epoch.
BATCHES_PER_GROUP = 32


class BaseDataGenerator(keras.utils.Sequence):
    """Batches of similar widths, shuffled anew each epoch, reproducibly.

    Batch `index` of `epoch` is a pure function of (seed, epoch, index): it doesn't depend on
    threads, on order of access or on what was read before, so training can resume anywhere.
    Every word occurs once an epoch; the last, partial batch is used.

    Args:
        widths: (n,) image widths, by which words are put together.
        shuffle: False keeps one order, narrow to wide, in all epochs.
        shares: (words, words per epoch) of each of the parts that the n words consist of, for
            parts of which an epoch uses only some; later epochs go on with the others. None: one
            part, used whole.

        pads_batches: whether all batches have `batch_size` rows, the last one with words that have no target.
    """

    def __init__(
        self,
        widths: np.ndarray,
        batch_size: int,
        seed: int,
        shuffle: bool,
        shares: Sequence[tuple[int, int]] | None = None,
        pads_batches: bool = False,
    ) -> None:
        super().__init__()
        self.widths = np.asarray(widths)
        self.shares = shares or [(len(self.widths), len(self.widths))]
        self.words_per_epoch = sum(used for _, used in self.shares)
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle = shuffle
        self.pads_batches = pads_batches
        self.epoch = 0
        self._plan: tuple[int, list[np.ndarray]] = (-1, [])

    def __len__(self) -> int:
        return -(-self.words_per_epoch // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        return self.batch(self.epoch, index)

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def batch(self, epoch: int, index: int) -> Any:
        """Batch `index` (0 <= index < len) of `epoch`."""
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        return self.make_batch(self.positions(epoch)[index], epoch)

    @abstractmethod
    def make_batch(self, positions: np.ndarray, epoch: int) -> Any:
        """Turns the words at `positions` into what the model is fed."""

    def positions(self, epoch: int) -> list[np.ndarray]:
        """The positions of each batch's words in `epoch`."""
        planned, plan = self._plan
        if planned != epoch:
            plan = self._make_plan(epoch)
            # One assignment, so that threads see a matching pair.
            self._plan = (epoch, plan)
        return plan

    def unsharded(self) -> "BaseDataGenerator":
        """The generator of whole batches, where this one makes a process' part of them."""
        return self

    def _make_plan(self, epoch: int) -> list[np.ndarray]:
        size = self.batch_size
        if not self.shuffle:
            order = np.argsort(self.widths, kind="stable")
            return [order[start : start + size] for start in range(0, len(order), size)]
        rng = np.random.default_rng([self.seed, epoch])
        order = rng.permutation(self._words(epoch))
        batches = []
        for start in range(0, len(order), size * BATCHES_PER_GROUP):
            group = order[start : start + size * BATCHES_PER_GROUP]
            group = group[np.argsort(self.widths[group], kind="stable")]
            batches += [group[first : first + size] for first in range(0, len(group), size)]
        return [batches[i] for i in rng.permutation(len(batches))]

    def _words(self, epoch: int) -> np.ndarray:
        """Positions of the words that `epoch` uses; all of a part are used before one comes again."""
        chosen, first = [], 0
        for part, (size, used) in enumerate(self.shares):
            if used < size:
                order = np.random.default_rng([self.seed, part, size]).permutation(size)
                chosen.append(first + order[(epoch * used + np.arange(used)) % size])
            else:
                chosen.append(np.arange(first, first + size))
            first += size
        return np.concatenate(chosen)
