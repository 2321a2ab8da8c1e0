"""Starts a command and writes what it took: python benchmarks/launcher.py RESULT.json COMMAND ...

A process of its own, and a small one: on Linux a new process' largest memory counts from that of the
process it was started by.
"""

import json
import os
import sys
import time

if __name__ == "__main__":
    result, *command = sys.argv[1:]
    start = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ)
    # Unlike `subprocess`, this tells the resources of just this one child.
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - start
    # Linux counts in KiB, macOS in bytes.
    peak_mb = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    with open(result, "w", encoding="utf-8") as file:
        json.dump(
            {"seconds": seconds, "peak_mb": peak_mb, "exit_code": os.waitstatus_to_exitcode(status)}, file
        )
