"""Sends many words to tools.serve at once: how long each waits, whether any is lost, and the server's memory.

python -m benchmarks.load --requests 200
"""

import argparse
import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles

from benchmarks.startup import TEST_IMAGE
from utils.cli import number, run_command
from utils.errors import UserError
from utils.paths import ROOT

SINGLE = 20  # requests one after the other
MOST_JOBS = 256  # the server refuses further ones
LONGEST_START, LONGEST_WAIT = 120, 600  # seconds
BOUNDARY = "part"


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("-c", "--conf", type=Path, default=Path("configs/adapt.yml"), help="of the server (default: %(default)s)")
    add("--filename", type=Path, default=Path(TEST_IMAGE), help="picture of a word (default: %(default)s)")
    add("--requests", type=number(int, 2, MOST_JOBS), default=200, help=f"at once, at most {MOST_JOBS} (default: 200)")
    options = parser.parse_args(arguments)
    return run_command(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    try:
        picture = options.filename.read_bytes()
    except OSError as error:
        raise UserError(f"{options.filename} can't be read: {error.strerror}; name a picture of a word.") from None
    with _server(options.conf.resolve()) as (port, process):
        _seconds(port, picture)  # The first reading loads what is needed.
        single = median(_seconds(port, picture) or LONGEST_WAIT for _ in range(SINGLE))
        before = _peak(process)
        start = time.monotonic()
        with ThreadPoolExecutor(options.requests) as pool:
            answers = list(pool.map(lambda _: _seconds(port, picture), range(options.requests)))
        whole = time.monotonic() - start
        after = _peak(process)
    waits = [seconds for seconds in answers if seconds is not None]
    if len(waits) < 2:
        raise UserError(f"{options.filename} was not read: name a picture of a word.")
    print(summary(single, waits, options.requests, whole))
    print(f"peak memory of the server: {before:.0f} MB before, {after:.0f} MB after")
    return 0


def summary(single: float, waits: list[float], requests: int, whole: float) -> str:
    """Returns a sentence on requests at once; times in seconds: one's alone, those of the answered, that of all."""
    p95 = quantiles(waits, n=20, method="inclusive")[-1]
    return (
        f"one at a time: {1000 * single:.0f} ms, median of {SINGLE}\n"
        f"{requests} at once: {requests - len(waits)} lost, {len(waits) / whole:.0f} words/s, 95 % within {p95:.2f} s, "
        f"{p95 / (single * requests):.2f} times one's time times their number"
    )


@contextlib.contextmanager
def _server(conf: Path) -> Iterator[tuple[int, subprocess.Popen]]:
    """Runs tools.serve in a temporary folder; yields its port and process when it answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    line = [sys.executable, "-m", "tools.serve", "-c", str(conf), "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (
        tempfile.TemporaryDirectory() as folder,
        open(Path(folder) / "log", "w+", encoding="utf-8") as log,
        subprocess.Popen(line, cwd=folder, env=environment, stderr=log) as process,
    ):
        try:
            _wait_for(port, process, log.name)
            yield port, process
        finally:
            process.send_signal(signal.SIGINT)


def _wait_for(port: int, process: subprocess.Popen, log: str) -> None:
    """Returns when the server answers; raises UserError with its last line if it ends, or takes too long."""
    end = time.monotonic() + LONGEST_START
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(OSError), contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as client:
            client.request("GET", "/health")
            client.getresponse()
            return
        time.sleep(0.1)
    process.kill()
    lines = Path(log).read_text(encoding="utf-8").strip().splitlines() or ["no answer"]
    raise UserError(f"tools.serve does not serve: {lines[-1]}")


def _seconds(port: int, picture: bytes) -> float | None:
    """Returns how long `POST /read` takes; None if the picture was not read."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="word.png"\r\n\r\n'
    body = head.encode() + picture + f"\r\n--{BOUNDARY}--\r\n".encode()
    start = time.monotonic()
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_WAIT)
    with contextlib.closing(client), contextlib.suppress(OSError, http.client.HTTPException):
        client.request("POST", "/read", body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
        answer = client.getresponse()
        answer.read()
        if answer.status == http.client.OK:
            return time.monotonic() - start
    return None


def _peak(process: subprocess.Popen) -> float:
    """Returns the peak memory of a process in MB; NaN where the system does not give it."""
    with contextlib.suppress(OSError):
        found = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{process.pid}/status").read_text(encoding="ascii"))
        if found:
            return int(found[1]) / 2**10
    return float("nan")


if __name__ == "__main__":
    sys.exit(main())
