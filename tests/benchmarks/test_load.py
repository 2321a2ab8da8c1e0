"""Many requests at once: all are answered, and what a server that does not start or read leaves is one sentence."""

import re

from benchmarks import load
from tests.helpers.tiny import REPOSITORY

WORD = str(REPOSITORY / "test_images" / "look.png")
COMPACT = str(REPOSITORY / "configs" / "iam_fast.yml")


def test_no_request_is_lost(capsys):
    assert load.main(["-c", COMPACT, "--filename", WORD, "--requests", "12"]) == 0
    printed = capsys.readouterr().out
    assert "12 at once: 0 lost" in printed
    assert 0 < float(re.search(r"95 % within ([\d.]+) s", printed)[1]) < load.LONGEST_WAIT


def test_what_can_not_be_measured_is_one_sentence(capsys, tmp_path):
    assert load.main(["--filename", str(tmp_path / "none.png")]) == 2
    assert "none.png" in capsys.readouterr().err
    assert load.main(["-c", str(tmp_path / "none.yml"), "--filename", COMPACT]) == 2
    assert "none.yml" in capsys.readouterr().err
    assert load.main(["-c", COMPACT, "--filename", COMPACT, "--requests", "2"]) == 2
    assert "iam_fast.yml" in capsys.readouterr().err
