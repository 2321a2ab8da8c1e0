"""How commands end: exit codes, one line on stderr, and nothing left behind."""

import errno
import os
import signal
import sys
import threading
import weakref

import pytest

import tools.create_labels
import tools.inspect_dataset
from utils.cli import run_command
from utils.errors import Interrupted, UserError
from utils.files import atomic_write


def raises(error: BaseException):
    def job():
        raise error

    return job


@pytest.mark.parametrize(
    "error, code, words",
    [
        (UserError("Mend it."), 2, "Mend it."),
        (Interrupted(15, "Saved."), 143, "Saved."),
        (KeyboardInterrupt(), 130, "Interrupted"),
        (OSError(errno.ENOSPC, "No space left", "/x\x1b"), 2, "/x\\x1b: No space left"),
        (OSError("odd"), 2, "odd"),
        (MemoryError(), 2, "batch_size"),
    ],
)
def test_an_error_is_a_line_and_a_code(capsys, error, code, words):
    assert run_command(raises(error)) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line and line.endswith(".")


def test_our_own_faults_stay_visible():
    with pytest.raises(ZeroDivisionError):
        run_command(raises(ZeroDivisionError()))


def test_sigterm_cleans_up(tmp_path):
    """As Ctrl-C does, wherever it comes; afterwards the signal is whoever's it was."""

    def job():
        with atomic_write(tmp_path / "file") as temporary:
            temporary.write_text("half")
            signal.raise_signal(signal.SIGTERM)
        return 0

    before = signal.getsignal(signal.SIGTERM)
    assert run_command(job) == 143
    assert list(tmp_path.iterdir()) == [] and signal.getsignal(signal.SIGTERM) is before


def test_the_second_sigterm_ends_at_once():
    handlers = []

    def job():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            handlers.append(signal.getsignal(signal.SIGTERM))

    assert run_command(job) == 143
    assert handlers == [signal.SIG_DFL]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize(("times", "again"), [(1, 1e-4), (1, 0.2), (2, 0.2)])
def test_a_signal_within_a_callback_is_not_lost(monkeypatch, number, code, times, again):
    """Python drops what a weak reference's callback raises; at once it may come back too early."""
    monkeypatch.setattr("utils.cli.AGAIN", again)

    class Thing:
        pass

    def job():
        for _ in range(times):
            thing = Thing()
            reference = weakref.ref(thing, lambda _: signal.raise_signal(number))
            del thing
            assert reference() is None
        threading.Event().wait(30)  # Blocked: the signal has to wake it.
        return 0

    hook = sys.unraisablehook
    assert run_command(job) == code  # 0 after a wait that nothing ends
    assert sys.unraisablehook is hook and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_job_in_a_thread_leaves_signals_alone():
    codes = []
    thread = threading.Thread(target=lambda: codes.append(run_command(lambda: 7)))
    thread.start()
    thread.join()
    assert codes == [7]


def test_the_reader_of_a_tools_output_may_leave(capfd, monkeypatch, dataset):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe, monkeypatch.context() as patch:
        patch.setattr("sys.stdout", pipe)
        places = ["--images", str(dataset / "words"), "--labels_file", str(dataset / "labels.json")]
        code = tools.inspect_dataset.main(places)
    output = capfd.readouterr()
    assert code == 141 and output.out == "" and "Traceback" not in output.err
