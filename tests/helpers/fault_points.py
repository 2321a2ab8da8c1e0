"""Makes a training meet faults at exact points: a kill before any change on disk, a disk full at any time."""

import contextlib
import csv
import errno
import gc
import hashlib
import os
import resource
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from unittest import mock

import numpy as np

from callbacks.training_state import previous_path, read_progress
from tests.helpers.models import description_of

# Everything by which a training changes what is on disk, but for filling temporaries that nobody reads.
CHANGES = ("replace", "link", "unlink", "rename", "fsync", "mkdir")


@contextlib.contextmanager
def copied_before_each_change(folder: Path, copies: Path) -> Iterator[list[Path]]:
    """Within the block, copies `folder` before each change of it: what a kill at that moment would leave.

    Yields:
        the copies, each different from the one before.
    """
    found: list[Path] = []
    last = b""

    def copy() -> None:
        nonlocal last
        if not folder.exists():
            return
        state = _content(folder)
        if state != last:
            last = state
            found.append(copies / f"{len(found):04d}")
            shutil.copytree(folder, found[-1])

    with contextlib.ExitStack() as stack:
        busy: list[bool] = []
        for name in CHANGES:
            change = _after(copy, getattr(os, name), busy)
            stack.enter_context(mock.patch.object(os, name, change))
        yield found


@contextlib.contextmanager
def signal_at(number: int, signals: Sequence[int]) -> Iterator[list[str]]:
    """Within the block, `signals` come one after the other right before the `number`-th change on disk.

    Yields:
        the names of the changes so far.
    """
    changes: list[str] = []

    def counted(name: str, function: Callable) -> Callable:
        def change(*args, **kwargs):
            changes.append(name)
            if len(changes) == number:
                for one in signals:
                    signal.raise_signal(one)
            return function(*args, **kwargs)

        return change

    with contextlib.ExitStack() as stack:
        for name in CHANGES:
            stack.enter_context(mock.patch.object(os, name, counted(name, getattr(os, name))))
        # Python ignores a KeyboardInterrupt that comes while JAX's callback of the collector runs.
        gc.disable()
        stack.callback(gc.enable)
        yield changes


def _after(copy: Callable, function: Callable, busy: list[bool]) -> Callable:
    """`function` with a `copy` before it, but for the changes that copying makes itself."""

    def change(*args, **kwargs):
        if not busy:
            busy.append(True)
            copy()
            busy.clear()
        return function(*args, **kwargs)

    return change


def _content(folder: Path) -> bytes:
    """A digest of all names and contents in a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(str(path).encode())
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.digest()


@contextlib.contextmanager
def disk_full_at(number: int) -> Iterator[list[int]]:
    """Within the block, the disk is full from the `number`-th flush of a file or folder on.

    Yields:
        the numbers of the flushes so far.
    """
    flushes: list[int] = []
    real = os.fsync

    def fsync(handle):
        flushes.append(len(flushes) + 1)
        if len(flushes) >= number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(handle)

    with mock.patch.object(os, "fsync", fsync):
        yield flushes


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Within the block, the system refuses to write beyond `size` bytes of any file, in C code too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def assert_readable(experiment: Path) -> tuple[int, int]:
    """Every file of an experiment that has a name of its own is whole; returns (epoch, step) of its state."""
    for name in ("best", "last"):
        folder = experiment / name
        if (folder / "model.json").exists():
            description = description_of(folder)
            weights = (folder / description["weights"]).read_bytes()
            assert hashlib.sha256(weights).hexdigest() == description["weights_sha256"], folder
    state = experiment / "state" / "training.npz"
    for path in (state, previous_path(state)):
        if path.exists():
            with np.load(path, allow_pickle=False) as arrays:
                assert len([arrays[array] for array in arrays.files]) > 10, path
            assert read_progress(path), path
    if (experiment / "history.csv").exists():
        with open(experiment / "history.csv", encoding="utf-8", newline="") as file:
            assert [int(float(row["epoch"])) for row in csv.DictReader(file)]
    progress = read_progress(state)
    return progress.position if progress else (0, 0)
