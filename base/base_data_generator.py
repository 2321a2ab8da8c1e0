"""Divides words into batches of similar widths, for any kind of data."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

# Words are sorted by width within groups of this many batches: enough for batches of similar widths, few enough that
# each word's batch has other words in the next epoch.
BATCHES_PER_GROUP = 32
ROWS = 4  # larger batches limited by width hold a multiple of so many images: fewer sizes are fewer shapes to compile


class BaseDataGenerator(keras.utils.Sequence):
    """Batches of similar widths, reshuffled each epoch.

    Batch `index` of `epoch` is a pure function of (seed, epoch, index), independent of threads and of the order of
    access, so training can resume anywhere. The last, smaller batch is used as well.

    Args:
        widths: (n,) image widths, by which words are grouped.
        shuffle: False keeps one order, narrow to wide, in all epochs.
        shares: (words, words per epoch) of each consecutive part of the n words. Where an epoch uses only some words of
            a part, the following epochs use the others. None: every epoch uses all words.
        pads_batches: whether the last batch is filled up to `batch_size` with words that have no target.
        batch_width: pixels of width of a batch, all images together, so that batches of lines hold fewer images than
            those of words. Every epoch has the same number of batches, so some may be a little wider than this. 0: no
            limit.
    """

    def __init__(
        self,
        widths: np.ndarray,
        batch_size: int,
        seed: int,
        shuffle: bool,
        shares: Sequence[tuple[int, int]] | None = None,
        pads_batches: bool = False,
        batch_width: int = 0,
    ) -> None:
        super().__init__()
        self.widths = np.asarray(widths)
        self.shares = shares or [(len(self.widths), len(self.widths))]
        self.words_per_epoch = sum(used for _, used in self.shares)
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle = shuffle
        self.pads_batches = pads_batches
        self.batch_width = max(batch_width, int(self.widths.max(initial=0))) if batch_width else 0
        # The share of a batch that a word takes on average: at least one of batch_size.
        self._share = 1 / batch_size
        if batch_width and self.words_per_epoch:
            ends = np.cumsum([size for size, _ in self.shares])
            parts = zip(np.split(self._pixels(np.arange(len(self.widths))), ends[:-1]), self.shares)
            pixels = sum(used * part.mean() for part, (_, used) in parts if used)
            self._share = pixels / self.batch_width / self.words_per_epoch
        every = np.arange(self.words_per_epoch)
        self._length = sum(self._batches(len(group)) for group in (self._groups(every) if shuffle else [every]))
        self.epoch = 0
        self._plan: tuple[int, list[np.ndarray]] = (-1, [])

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Any:
        return self.batch(self.epoch, index)

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def batch(self, epoch: int, index: int) -> Any:
        """Returns batch `index` (0 <= index < len) of `epoch`."""
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        return self.make_batch(self.positions(epoch)[index], epoch)

    @abstractmethod
    def make_batch(self, positions: np.ndarray, epoch: int) -> Any:
        """Returns the model's inputs and targets for the words at `positions`."""

    def positions(self, epoch: int) -> list[np.ndarray]:
        """Returns the positions of the words of each batch of `epoch`."""
        planned, plan = self._plan
        if planned != epoch:
            plan = self._make_plan(epoch)
            # One assignment, so that threads always see a matching pair.
            self._plan = (epoch, plan)
        return plan

    def unsharded(self) -> "BaseDataGenerator":
        """Returns a generator of whole batches, also where this one makes one process's shard of them."""
        return self

    def _make_plan(self, epoch: int) -> list[np.ndarray]:
        if not self.shuffle:
            return self._cut(np.argsort(self.widths, kind="stable"))
        rng = np.random.default_rng([self.seed, epoch])
        batches: list[np.ndarray] = []
        for group in self._groups(rng.permutation(self._words(epoch))):
            batches += self._cut(group[np.argsort(self.widths[group], kind="stable")])
        return [batches[i] for i in rng.permutation(len(batches))]

    def _groups(self, words: np.ndarray) -> list[np.ndarray]:
        """Divides shuffled words into groups; with `batch_width` of equal size, as a small group may be lines alone."""
        size = self.batch_size * BATCHES_PER_GROUP
        if not self.batch_width:
            return _chunks(words, size)
        return np.array_split(words, max(1, math.ceil(len(words) / size)))

    def _batches(self, words: int) -> int:
        """Returns the number of batches of so many words, whichever of them they are."""
        return min(words, math.ceil(words * self._share - 1e-9))

    def _pixels(self, words: np.ndarray) -> np.ndarray:
        """Returns the pixels of `batch_width` that each of the words takes: at least one of `batch_size` shares."""
        return np.maximum(self.widths[words], self.batch_width / self.batch_size)

    def _cut(self, words: np.ndarray) -> list[np.ndarray]:
        """Cuts words, narrow to wide, into `_batches` batches, of which the widest is as narrow as possible."""
        if not self.batch_width:
            return _chunks(words, self.batch_size)
        widths = self._pixels(words)
        number, least, most = self._batches(len(words)), self.batch_width // 2, int(widths[-1] + 1) * len(words)
        while least < most:
            middle = (least + most) // 2
            least, most = (least, middle) if len(self._starts(widths, middle)) <= number else (middle + 1, most)
        batches = np.split(words, self._starts(widths, most)[:-1][::-1])
        while len(batches) < number:
            halved = max(range(len(batches)), key=lambda i: len(batches[i]))
            batches[halved : halved + 1] = np.array_split(batches[halved], 2)
        return batches

    def _starts(self, widths: np.ndarray, limit: int) -> list[int]:
        """Returns where each batch starts in ascending `widths`, the last batch first.

        Batches are filled from the widest word down, to at most `limit` pixels with their padding.
        """
        starts = [len(widths)]
        while starts[-1]:
            size = min(max(1, int(limit / widths[starts[-1] - 1])), self.batch_size)
            if 4 * ROWS < size < min(self.batch_size, starts[-1]):
                size -= size % ROWS
            starts.append(max(0, starts[-1] - size))
        return starts[1:]

    def _words(self, epoch: int) -> np.ndarray:
        """Returns the positions of the words in `epoch`; a part's words recur only after all were used."""
        chosen, first = [], 0
        for part, (size, used) in enumerate(self.shares):
            words: np.ndarray = np.arange(size, dtype=np.int32)
            if used < size:
                order = np.random.default_rng([self.seed, part, size]).permutation(size)
                words = order[(epoch * used + np.arange(used)) % size]
            chosen.append(first + words)
            first += size
        return np.concatenate(chosen, dtype=np.int32)


def _chunks(values: np.ndarray, size: int) -> list[np.ndarray]:
    return [values[start : start + size] for start in range(0, len(values), size)]
