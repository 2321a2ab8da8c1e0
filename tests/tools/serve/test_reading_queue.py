"""The reading thread: batches of words, pages between them, bounds, errors and the end."""

import gc
import io
import threading
import weakref
from concurrent.futures import CancelledError
from pathlib import Path

import numpy as np
import pytest

from tools.serve import reading_queue
from tools.serve.reading_queue import FullError, ReadingQueue
from utils.errors import UserError


@pytest.fixture
def read():
    """The names of the files that were read, in order."""
    return []


@pytest.fixture
def queue(read):
    def words(paths):
        contents = [path.read_bytes() for path in paths]
        read.append(contents)
        if b"bad" in contents:
            raise ValueError("bad")
        return [content.decode() for content in contents]

    made = ReadingQueue(words)
    yield made
    made.close()


def file(content):
    return io.BytesIO(content)


def held(queue, read):
    """Stops the thread in the first page of a file; returns the job and an event that lets it go on."""
    begun, go_on = threading.Event(), threading.Event()

    def pages(path):
        begun.set()
        assert go_on.wait(10)
        for number in range(2):
            read.append(number)
            yield number

    job = queue.add_pages(file(b"pages"), pages)
    assert begun.wait(10)
    return job, go_on


def test_words_that_wait_are_one_batch_between_the_pages_of_a_file(queue, read):
    job, go_on = held(queue, read)
    words = [queue.add_word(file(content)) for content in (b"a", b"b", b"c")]
    later = queue.add_pages(file(b"more"), lambda _: iter("x"))
    assert queue.ahead_of(later) == 1 and len(queue) == 5 and not later.started
    go_on.set()
    assert [word.future.result(10) for word in words] == ["a", "b", "c"]
    assert job.future.result(10) == [0, 1] and later.future.result(10) == ["x"]
    assert read == [0, [b"a", b"b", b"c"], 1]
    assert len(queue) == 0 and not job.path.exists()


def test_errors_reach_their_requests_and_the_thread_goes_on(queue):
    def broken(_):
        yield 1
        pixels = np.zeros(3)
        seen.append(weakref.ref(pixels))
        raise KeyError("page")

    seen = []

    job = queue.add_pages(file(b""), broken)
    with pytest.raises(KeyError):
        job.future.result(10)
    assert job.results == [1]
    # A job that is remembered keeps no picture.
    gc.collect()
    assert job.future.exception() and seen[0]() is None
    with pytest.raises(ValueError):
        queue.add_word(file(b"bad")).future.result(10)
    assert queue.add_word(file(b"good")).future.result(10) == "good"


def test_an_upload_is_kept_though_the_temporary_folder_was_cleaned_up(queue):
    queue.add_word(file(b"first")).future.result(10)
    Path(queue._folder.name).rmdir()
    assert queue.add_word(file(b"second")).future.result(10) == "second"


def test_the_number_and_size_of_waiting_files_are_bounded(queue, read, monkeypatch):
    monkeypatch.setattr(reading_queue, "MOST_JOBS", 2)
    monkeypatch.setattr(reading_queue, "MOST_BYTES", 10)
    _, go_on = held(queue, read)
    with pytest.raises(FullError):
        queue.add_word(file(b"123456"))
    word = queue.add_word(file(b"12345"))
    with pytest.raises(FullError):
        queue.add_word(file(b""))
    go_on.set()
    assert word.future.result(10) == "12345"


def test_a_request_that_has_gone_holds_up_nothing(queue, read):
    _, go_on = held(queue, read)
    gone, other = (queue.add_word(file(content)) for content in (b"a", b"b"))
    assert gone.future.cancel()
    go_on.set()
    assert other.future.result(10) == "b"


def test_closing_cancels_what_waits_and_removes_the_files(read):
    queue = ReadingQueue(lambda paths: [""] * len(paths))
    _, go_on = held(queue, read)
    word = queue.add_word(file(b"a"))
    threading.Timer(0.1, go_on.set).start()
    queue.close()
    with pytest.raises(CancelledError):
        word.future.result(10)
    assert not word.path.parent.exists()
    with pytest.raises(FullError):
        queue.add_word(file(b"a"))


@pytest.mark.parametrize(
    ("start", "ending"), [(b"%PDF-1.7", ".pdf"), (b"\0\0\0\x18ftypheic", ".heic"), (b"\x89PNG", ".png"), (b"", ".png")]
)
def test_copies_have_the_ending_that_readers_need(queue, start, ending):
    seen = queue.add_pages(file(start), lambda path: iter([path.suffix]))
    assert seen.future.result(10) == [ending]


def test_a_file_that_comes_while_the_queue_closes_is_cancelled(queue):
    class Slow(io.BytesIO):
        """A file whose copying takes so long that the queue is closed meanwhile."""

        reads = 0

        def read(self, size=-1):
            self.reads += 1
            if self.reads == 2:
                queue.close()
            return super().read(size)

    assert queue.add_word(Slow(b"late")).future.cancelled()


def test_faults_of_the_program_are_printed_and_mistakes_of_clients_are_not(queue, capsys):
    for error in (RuntimeError("fault"), UserError("mistake")):

        def pages(_, error=error):
            raise error
            yield

        with pytest.raises(type(error)):
            queue.add_pages(file(b"pages"), pages).future.result(10)
    printed = capsys.readouterr().err
    assert "Traceback" in printed and "fault" in printed and "mistake" not in printed


def test_an_upload_that_can_not_be_deleted_stops_nothing(queue, monkeypatch):
    """As on Windows, where an open file can't."""

    def unlink(self, missing_ok=False):
        raise PermissionError(13, "used by another process")

    monkeypatch.setattr(Path, "unlink", unlink)
    assert queue.add_word(file(b"a")).future.result(10) == "a"
    assert queue.add_word(file(b"b")).future.result(10) == "b"


def test_what_nobody_waits_for_is_not_read(queue, read):
    job, go_on = held(queue, read)
    word, pages = queue.add_word(file(b"gone")), queue.add_pages(file(b""), lambda _: iter("x"))
    for gone in (job, word, pages):
        assert gone.future.cancel()
    go_on.set()
    assert queue.add_pages(file(b""), lambda _: iter("y")).future.result(10) == ["y"]
    assert read == [0] and pages.results == [] and len(queue) == 0
    assert not any(one.path.exists() for one in (job, word, pages))
