"""Runs a command and writes its time and memory: python benchmarks/launcher.py RESULT.json COMMAND ...

A small process of its own, because on Linux a new process' peak memory starts at that of its parent.
"""

import json
import resource
import subprocess
import sys
import time

if __name__ == "__main__":
    result, *command = sys.argv[1:]
    start = time.perf_counter()
    exit_code = subprocess.call(command)
    seconds = time.perf_counter() - start
    # Linux counts in KiB, macOS in bytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit
    with open(result, "w", encoding="utf-8") as file:
        json.dump({"seconds": seconds, "peak_mb": peak_mb, "exit_code": exit_code}, file)
