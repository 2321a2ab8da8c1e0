"""Word images for the importers of labels, and what they have written."""

import cv2
import numpy as np

from preprocessing.labels import read_labels

ALL_TRAIN = ["--test_size", 0, "--val_size", 0]
# A line with text and one without.
PAGE = """<PcGts><Page imageFilename="{name}" imageWidth="900" imageHeight="300"><TextRegion>
<TextLine><Coords points="0,20 {width},20 {width},{bottom} 0,{bottom}"/><Baseline points="0,{base} {width},{base}"/>
<TextEquiv><Unicode>several words</Unicode></TextEquiv></TextLine>
<TextLine><Coords points="0,0 9,0 9,9"/></TextLine></TextRegion></Page></PcGts>"""


def encoded(extension=".png", height=12, width=30):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
    return cv2.imencode(extension, pixels)[1].tobytes()


def picture(path, content=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded() if content is None else content)


def words_of(path, split):
    return {word.filename: (word.label, word.writer) for word in read_labels(path).splits[split]}


def dropped_of(path):
    head, *rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    assert head == ["name", "label", "reason"]
    return {name: (label, reason) for name, label, reason in rows}
