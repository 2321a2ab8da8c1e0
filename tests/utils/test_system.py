"""Memory that a process frees and asks for again."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from tests.helpers.tiny import REPOSITORY
from utils.system import is_out_of_memory

FAULTS = """
import resource, sys, threading
import numpy as np

if sys.argv[1] == "keep":
    from trainers.memory import keep_freed_memory

    keep_freed_memory()

def in_threads():
    threads = [threading.Thread(target=fill) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

def fill():
    for _ in range(5):
        np.ones(50_000_000, np.uint8)

fill(), in_threads()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
fill(), in_threads()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc can be told")
def test_freed_memory_is_used_again_without_being_cleared():
    def faults(mode: str) -> int:
        line = [sys.executable, "-c", FAULTS, mode]
        return int(subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout)

    assert faults("keep") < faults("return") / 10


def test_opencv_out_of_memory():
    with pytest.raises(cv2.error) as caught:
        cv2.resize(np.zeros((9, 9), np.uint8), (2**30, 2**30))
    assert is_out_of_memory(caught.value)
