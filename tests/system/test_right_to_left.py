"""Right-to-left labels are learned and read as left-to-right ones whose characters are in visual order."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import main
from predictors.report.attention import read_attention
from preprocessing.text_direction import logical, visual
from tests.helpers.models import description_of, load
from tests.helpers.tiny import tiny_settings, write_settings
from tests.helpers.training import equal, last_line, train, weights_of

LETTERS = "".join(map(chr, range(0x5D0, 0x5EB)))
WORDS = [f"{LETTERS[3 * number]}{LETTERS[number]}{number}" for number in range(8)]
CHANGES = {
    "network": {"charset": LETTERS + "0123456789", "attention": "luong", "ctc_weight": 0.3},
    "train": {"num_epochs": 6, "batch_size": 4},
    "callbacks": {"validation": {"every_epochs": 6}},
}


@pytest.fixture(scope="module")
def configs(dataset, tmp_path_factory):
    """{direction: config} of two trainings on the same words, labelled in logical and in visual order."""
    configs = {}
    for direction in ("rtl", "ltr"):
        folder = tmp_path_factory.mktemp(direction)
        shutil.copytree(dataset / "words", folder / "words")
        splits = json.loads((dataset / "labels.json").read_text(encoding="utf-8"))
        for words in splits.values():
            for number, word in enumerate(words):
                label = WORDS[number % len(WORDS)]
                word["label"] = label if direction == "rtl" else visual(label)
        (folder / "labels.json").write_text(json.dumps(splits), encoding="utf-8")
        (folder / "words.txt").write_text("\n".join(WORDS if direction == "rtl" else map(visual, WORDS)))
        settings = tiny_settings(folder, folder, **CHANGES, text={"direction": direction})
        configs[direction] = write_settings(folder / "config.yml", settings)
        assert train(configs[direction]) == 0
    return configs


def readings(config, *settings):
    """Label, text and confidences of the characters of each test word; the config does not name the direction."""
    folder = Path(config).parent
    output, plain = folder / "output.json", folder / "plain.yml"
    plain.write_text(Path(config).read_text(encoding="utf-8").replace("direction: rtl", "direction: ltr"))
    arguments = ["-c", str(plain), "--predict_on_test", "--output", str(output), "--set", "predict.batch_size=8"]
    assert main.main([*arguments, f"predict.lexicon.file={folder / 'words.txt'}", *settings]) == 0
    rows = json.loads(output.read_text(encoding="utf-8"))
    return [(row["label"], row["text"], row["character_confidences"]) for row in rows]


@pytest.mark.parametrize(
    "settings",
    [
        ["predict.runtime=keras"],
        ["predict.runtime=keras", f"predict.characters={LETTERS}123"],
        ["predict.decoder=lexicon", "predict.lexicon.weight=2"],
    ],
    ids=["greedy", "characters", "lexicon"],
)
def test_both_directions_read_alike(configs, settings, eagerly):
    rtl, ltr = (readings(configs[direction], *settings) for direction in ("rtl", "ltr"))
    assert len({text for _, text, _ in rtl}) > 1
    for (label, text, confidences), (shown_label, shown, shown_confidences) in zip(rtl, ltr, strict=True):
        expected, places = logical(shown)
        assert (label, text) == (logical(shown_label)[0], expected)
        assert confidences == [shown_confidences[place] for place in places]


def test_the_model_keeps_its_direction(configs):
    models = {direction: Path(config).parent / "experiment" / "best" for direction, config in configs.items()}
    assert equal(*map(weights_of, models.values()))
    assert {d: description_of(m)["text"]["direction"] for d, m in models.items()} == {"rtl": "rtl", "ltr": "ltr"}


def test_attention_follows_the_text(configs):
    image, texts = np.random.default_rng(0).integers(0, 256, (16, 40)).astype(np.uint8), WORDS[:3]
    rtl, ltr = (load(Path(configs[direction]).parent / "experiment" / "best") for direction in ("rtl", "ltr"))
    shown = dict(read_attention(ltr, lambda i: image, [40] * 3, list(map(visual, texts)), 2))
    for index, weights in read_attention(rtl, lambda i: image, [40] * 3, texts, 2):
        order = [*logical(visual(texts[index]))[1], len(texts[index])]
        np.testing.assert_array_equal(weights, shown[index][order])


def test_the_other_direction_does_not_resume(configs, capsys):
    assert train(configs["rtl"], "text.direction=ltr", "train.num_epochs=7") == 2
    assert "text.direction" in last_line(capsys)
