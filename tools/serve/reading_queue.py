"""One thread that reads for all requests: words in batches across requests, pages one after another between them."""

import contextlib
import itertools
import os
import shutil
import tempfile
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from predictors.turning import FEW
from utils.errors import UserError

BATCH = FEW - 1  # words read at once: among FEW or more, the others would help to decide whether one is turned
MOST_JOBS, MOST_BYTES = 256, 512_000_000  # that wait or are read
PDF = ".pdf"

ReadWords = Callable[[Sequence[Path]], Sequence[Any]]
ReadPages = Callable[[Path], Iterator[Any]]


class FullError(Exception):
    """As many files wait as the queue takes."""


@dataclass(eq=False)
class Job:
    """An uploaded file, or a kept page, that waits, is read, or has been read.

    Attributes:
        path, size: of the upload's copy; None and 0 without one.
        future: of the result of a word, or of the list of the results of all pages.
        results: of the pages read so far.
        started: whether its first page is or was read.
    """

    path: Path | None
    size: int
    steps: Iterator[Any] | None = None
    future: Future = field(default_factory=Future)
    results: list[Any] = field(default_factory=list)
    started: bool = False


class ReadingQueue:
    """A bounded queue and the thread that empties it.

    Words that come while others are read are read together, at most BATCH at a time. A file of many pages gives way to
    waiting words after each page. Uploads lie in a temporary folder until they are read.
    """

    def __init__(self, read_words: ReadWords) -> None:
        self._read_words = read_words
        self._words: deque[Job] = deque()
        self._pages: deque[Job] = deque()
        self._numbers = itertools.count()
        self._bytes = self._jobs = 0
        self._closed = False
        self._changed = threading.Condition()
        self._folder = tempfile.TemporaryDirectory(prefix="seq2seq-ocr-")
        self._thread = threading.Thread(target=self._run, name="reading", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return self._jobs

    def add_word(self, content: BinaryIO) -> Job:
        """Queues a copy of an image file of a word or line; raises FullError."""
        return self._add(content, None)

    def add_pages(self, content: BinaryIO, read_pages: ReadPages) -> Job:
        """Queues a copy of a file of pages; the reading thread runs `read_pages`, a page a step. Raises FullError."""
        return self._add(content, read_pages)

    def add_steps(self, steps: Iterator[Any]) -> Job:
        """Queues the reading of what lies on disk already; each step is a page. Raises FullError."""
        job = Job(None, 0, steps)
        self._admit(job)
        self._append(self._pages, job)
        return job

    def ahead_of(self, job: Job) -> int:
        """Returns how many files of pages are read before this one."""
        with self._changed:
            return self._pages.index(job) if job in self._pages else 0

    def close(self) -> None:
        """Ends the thread after the current batch; what waits is cancelled."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        for job in (*self._words, *self._pages):
            job.future.cancel()
        self._folder.cleanup()

    def _add(self, content: BinaryIO, read_pages: ReadPages | None) -> Job:
        size = content.seek(0, os.SEEK_END)
        content.seek(0)
        path = Path(self._folder.name) / f"{next(self._numbers)}{_ending(content.read(12))}"
        job = Job(path, size, read_pages(path) if read_pages else None)
        self._admit(job)
        content.seek(0)
        try:
            path.parent.mkdir(exist_ok=True)  # Systems clean up what lies long in temporary folders.
            with open(path, "wb") as copy:
                shutil.copyfileobj(content, copy)
        except OSError as error:
            self._forget(job)
            raise UserError(f"Can't keep the upload in {path.parent}: {error.strerror or error}.") from None
        self._append(self._pages if read_pages else self._words, job)
        return job

    def _admit(self, job: Job) -> None:
        """Counts a job; raises FullError if the queue can't take it."""
        with self._changed:
            if self._closed or self._jobs >= MOST_JOBS or self._bytes + job.size > MOST_BYTES:
                raise FullError
            self._jobs += 1
            self._bytes += job.size

    def _append(self, jobs: deque[Job], job: Job) -> None:
        with self._changed:
            if not self._closed:
                jobs.append(job)
                self._changed.notify()
                return
        job.future.cancel()
        self._forget(job)
        self._folder.cleanup()  # The file came into the emptied folder.

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._words or self._pages)
                if self._closed:
                    return
                words = [self._words.popleft() for _ in range(min(BATCH, len(self._words)))]
                page = self._pages[0] if self._pages else None
            if words:
                self._read_batch(words)
            if page:
                self._read_page(page)

    def _read_batch(self, jobs: list[Job]) -> None:
        for job in [job for job in jobs if job.future.cancelled()]:  # Their clients have gone.
            jobs.remove(job)
            self._finish(job, None)
        try:
            results: Sequence[Any] = self._read_words([job.path for job in jobs if job.path]) if jobs else []
        except Exception as error:
            _print_fault(error)
            results = [error] * len(jobs)
        for job, result in zip(jobs, results, strict=True):
            self._finish(job, result)

    def _read_page(self, job: Job) -> None:
        """Reads the next page of a file; none if its client has gone."""
        job.started = True
        result: Any = job.results
        try:
            if not job.future.cancelled():
                job.results.append(next(job.steps or iter(())))
                return
        except StopIteration:
            pass
        except Exception as error:
            _print_fault(error)
            result = error
        with self._changed:
            self._pages.remove(job)
        self._finish(job, result)

    def _finish(self, job: Job, result: Any) -> None:
        self._forget(job)
        # A request whose client has gone cancels its future.
        if job.future.set_running_or_notify_cancel():
            if isinstance(result, Exception):
                # A finished job is kept for a while, and a traceback would keep the page's pixels.
                result.__context__ = result.__cause__ = None
                job.future.set_exception(result.with_traceback(None))
            else:
                job.future.set_result(result)

    def _forget(self, job: Job) -> None:
        if job.path:
            with contextlib.suppress(OSError):  # Windows deletes no open file; the folder goes at the end.
                job.path.unlink(missing_ok=True)
        with self._changed:
            self._jobs -= 1
            self._bytes -= job.size


def _print_fault(error: Exception) -> None:
    """Prints the traceback of a fault of the program, of which clients learn only that there was one."""
    if not isinstance(error, UserError):
        traceback.print_exception(error)


def _ending(start: bytes) -> str:
    """Returns the ending that readers of PDF and HEIC need, by the first bytes; other formats are known by these."""
    if start.startswith(b"%PDF-"):
        return PDF
    return ".heic" if start[4:8] == b"ftyp" and start[8:11] in (b"hei", b"hev", b"mif", b"msf") else ".png"
