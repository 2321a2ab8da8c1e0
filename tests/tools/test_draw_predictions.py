"""A sheet of words with what was read in them."""

import json

import numpy as np
from PIL import Image

from tools.draw_predictions import main


def test_files_that_could_not_be_read_are_left_out(tmp_path, capsys):
    Image.fromarray(np.full((20, 60), 255, np.uint8)).save(tmp_path / "a.png")
    failed = {"filename": "torn.png", "text": "", "error": "truncated or damaged file"}
    arguments = ["--predictions", str(tmp_path / "p.json"), "--output", str(tmp_path / "sheet.png")]
    (tmp_path / "p.json").write_text(json.dumps([failed]))
    assert main([*arguments, "--images", str(tmp_path)]) == 2 and "p.json" in capsys.readouterr().err
    (tmp_path / "p.json").write_text(json.dumps([failed, {"filename": "a.png", "text": "word", "label": "ward"}]))
    assert main([*arguments, "--images", str(tmp_path)]) == 0
    assert Image.open(tmp_path / "sheet.png").size[0] > 60
