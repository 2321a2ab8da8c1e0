"""Many requests at once: all are answered, and what a server that does not start or read leaves is one sentence."""

import re

from benchmarks import load
from tests.helpers.tiny import REPOSITORY
from tools.serve import reading_queue

WORD = str(REPOSITORY / "test_images" / "look.png")
COMPACT = str(REPOSITORY / "configs" / "iam_fast.yml")


def test_no_request_is_lost(capsys):
    assert load.MOST_JOBS == reading_queue.MOST_JOBS
    assert load.main(["-c", COMPACT, "--filename", WORD, "--requests", "12"]) == 0
    assert "12 at once: 0 lost" in capsys.readouterr().out


def test_the_summary_of_known_waits():
    """21 waits of 0 to 2 s: the 95th percentile is the 20th, and 24 requests one after the other would take 2.4 s."""
    text = load.summary(0.1, [number / 10 for number in range(21)], 24, 2.1)
    found = [float(number) for number in re.findall(r"[\d.]*\d", text)]
    assert found == [100, load.SINGLE, 24, 3, 10, 95, 1.9, 0.79]


def test_what_can_not_be_measured_is_one_sentence(capsys, tmp_path):
    assert load.main(["--filename", str(tmp_path / "none.png")]) == 2
    assert "none.png" in capsys.readouterr().err
    assert load.main(["-c", str(tmp_path / "none.yml"), "--filename", COMPACT]) == 2
    assert "none.yml" in capsys.readouterr().err
    assert load.main(["-c", COMPACT, "--filename", COMPACT, "--requests", "2"]) == 2
    assert "iam_fast.yml" in capsys.readouterr().err
