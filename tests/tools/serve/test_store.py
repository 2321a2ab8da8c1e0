"""Corrections: on disk before they are acknowledged, and a dataset as training and create_labels take it."""

import csv
import json
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from preprocessing.labels import read_labels
from preprocessing.page.layout import CORRECTED, Line, Page, PageWord
from tests.helpers.drawn_pages import draw_page
from tests.helpers.tiny import REPOSITORY
from tools.create_labels import main as create_labels
from tools.serve.corrections import ConflictError, line_text
from tools.serve.store import Store, Summary, whole_picture
from utils.errors import UserError

TEXTS = ["look", 'say "no"', '"quoted"', "=5+3", "a,b;c|d", "'tis", "é" * 3, "sep=,"]


def page_of(number):
    """A picture with lines, and the page as read."""
    pixels, corners = draw_page([(f"line {i}", 40, 70 + 90 * i, 0) for i in range(number)], (600, 60 + 90 * number))
    lines = [Line(tuple(map(tuple, box.tolist())), (), f"line {i}", 0.9) for i, box in enumerate(corners)]
    words = (PageWord("line", 0.9, (1, 2, 3, 4)), PageWord("0", 0.5, (9, 2, 3, 4)))
    lines[0] = replace(lines[0], words=words, character_confidences=(0.5,) * 6, alternatives=("lime 0",))
    return pixels, Page("scan.png", 600, pixels.shape[0], tuple(lines))


@pytest.fixture
def filled(store):
    """A store and the id of a page of ten lines."""
    return store, store.add(*page_of(10))


def test_a_page_comes_back_as_it_was(filled):
    store, page_id = filled
    assert store.page(page_id) == page_of(10)[1]
    assert Store(store.folder).pages() == [Summary(page_id, "scan.png", 1, 10)]


def test_corrections_train_and_are_a_table(filled, tmp_path):
    store, page_id = filled
    for number, text in enumerate(TEXTS):
        store.save(page_id, number, text, None)
    store.save(page_id, 8, "", None)
    splits = read_labels(store.folder / "labels.json").splits
    assert sorted(word.label for words in splits.values() for word in words) == sorted(TEXTS)
    assert [len(splits[name]) for name in ("train", "val", "test")] == [7, 1, 0]
    assert all((store.folder / word.filename).is_file() for words in splits.values() for word in words)
    table, output = store.folder / "labels.tsv", tmp_path / "labels.json"
    assert create_labels(["--table", str(table), "--images", str(store.folder), "--output", str(output)]) == 0
    assert read_labels(output).splits == splits


def test_a_changed_text_keeps_its_split_and_can_be_taken_back(filled):
    store, page_id = filled
    assert store.corrected(page_id).creator == ""
    for number in range(5):
        store.save(page_id, number, "a", None)
    assert store.corrected(page_id).creator == CORRECTED
    assert store.corrections.counts() == {"train": 4, "val": 1, "test": 0, "blank": 0}
    store.save(page_id, 4, "b", "a")
    assert [text for _, text in store.held_back()] == ["b"]
    with pytest.raises(ConflictError):
        store.save(page_id, 4, "c", "a")
    store.save(page_id, 4, None, "b")
    store.save(page_id, 3, "", "a")
    assert store.corrections.counts() == {"train": 3, "val": 0, "test": 0, "blank": 1}
    assert [line.text for line in store.corrected(page_id).lines[:4]] == ["a", "a", "a", "line 4"]


def test_corrected_words_keep_their_places_if_their_number_is_the_same(filled):
    store, page_id = filled
    store.save(page_id, 0, "lime 1", None)
    assert [word.text for word in store.corrected(page_id).lines[0].words] == ["lime", "1"]
    store.save(page_id, 0, "lime", "lime 1")
    assert store.corrected(page_id).lines[0].words == ()


@pytest.mark.parametrize("text", ["a\nb", "a\tb", "a\0", "\ud800", "a" * 1001, "a\u2028b", "\x1b[2J"])
def test_texts_that_are_no_line(text):
    with pytest.raises(ValueError):
        line_text(text)


def test_texts_are_normalised():
    assert line_text("  e\u0301\u00a0x ") == "é x"


def test_threads_and_stores_at_once_lose_nothing(filled):
    """Two stores stand for two processes."""
    store, _ = filled
    stores = [store, Store(store.folder)]
    ids = [one.add(*page_of(12)) for one in stores]

    def correct(one, page_id):
        for number in range(12):
            one.save(page_id, number, f"text {number}", None)

    threads = [threading.Thread(target=correct, args=pair) for pair in zip(stores, ids)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.corrections.texts()) == 24


def test_a_page_that_cannot_be_written_leaves_nothing(filled, monkeypatch):
    store, _ = filled
    before = sorted(store.folder.iterdir())

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tools.serve.store._sync", full)
    with pytest.raises(UserError):
        store.add(*page_of(1))
    assert sorted(store.folder.iterdir()) == before


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b'{"lines": 3}', b"\xff"])
def test_a_page_that_cannot_be_read_hides_no_other(filled, client, capsys, content):
    store, page_id = filled
    lost = store.add(*page_of(1))
    if content is None:
        (store.folder / lost / "page.json").unlink()
    else:
        (store.folder / lost / "page.json").write_bytes(content)
    capsys.readouterr()
    for _ in range(2):
        assert [page["id"] for page in client.get("/pages").json()] == [page_id]
    assert client.get(f"/pages/{lost}").status_code == 404
    assert client.get(f"/pages/{lost}/export?format=text").status_code == 404
    assert capsys.readouterr().err.count(lost) == 1


def test_a_strip_longer_than_jpeg_allows_is_kept(store, client):
    pixels = np.full((20, 70_000), 255, np.uint8)
    page_id = store.add(pixels, Page("strip.png", 70_000, 20, (Line(whole_picture(70_000, 20), ()),)))
    assert store.picture(page_id, 0).is_file()
    with Image.open(store.picture(page_id)) as picture:
        assert picture.size == (70_000, 20)
    assert client.get(f"/pages/{page_id}/picture").headers["content-type"] == "image/png"


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"val": null}', '{"train": [{"filename": "a.png"}]}', '{"blank": [1]}']
)
def test_damaged_labels_are_refused(filled, content):
    store, page_id = filled
    (store.folder / "labels.json").write_text(content, encoding="utf-8")
    with pytest.raises(UserError):
        store.save(page_id, 0, "a", None)
    with pytest.raises(UserError):
        Store(store.folder)
    assert (store.folder / "labels.json").read_text(encoding="utf-8") == content


def test_entries_that_the_user_has_set_aside_are_kept(filled):
    store, page_id = filled
    aside = [{"filename": f"{page_id}/003.png", "label": "unsure"}]
    (store.folder / "labels.json").write_text(json.dumps({"aside": aside}), encoding="utf-8")
    store.save(page_id, 0, "a", None)
    assert json.loads((store.folder / "labels.json").read_bytes())["aside"] == aside
    assert list(store.corrections.texts().values()) == ["a"]


def test_pages_of_a_second_are_listed_the_newest_first(store):
    added = [store.add(*page_of(1)) for _ in range(6)]
    assert [summary.id for summary in store.pages()] == added[::-1]


# Saves over HTTP; each answer is printed once it has come.
SAVING = """
import http.client, json, sys, threading, time
from pathlib import Path
import uvicorn
from tools.serve.app import create_app
from tools.serve.learning import Learning
from tools.serve.security import Access
from tools.serve.store import Store

class NoModel:
    folder, words = Path("none"), None

store = Store(Path(sys.argv[1]))
app = create_app(NoModel(), store, Access(), Learning(NoModel(), store, None, "", [], Path("none")))
config = uvicorn.Config(app, port=0, log_level="critical")
server = uvicorn.Server(config)
threading.Thread(target=server.run, daemon=True).start()
while not server.started:
    time.sleep(0.01)
port = server.servers[0].sockets[0].getsockname()[1]
client = http.client.HTTPConnection("127.0.0.1", port)
for number in range(50):
    body = json.dumps({"text": f"text {number}", "before": None})
    client.request("PUT", f"/pages/{sys.argv[2]}/lines/{number}", body, {"content-type": "application/json"})
    answer = client.getresponse()
    print(number, json.loads(answer.read())["saved"], sep="\\t", flush=True)
"""


@pytest.mark.parametrize("acknowledged", [1, 23])
def test_acknowledged_corrections_survive_a_kill(store, acknowledged):
    page_id = store.add(*page_of(50))
    line = [sys.executable, "-c", SAVING, str(store.folder), page_id]
    with subprocess.Popen(line, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        seen = [process.stdout.readline() for _ in range(acknowledged)]
        process.kill()
        seen += process.stdout.readlines()
    assert len(seen) < 50
    again = Store(store.folder)
    texts = again.corrections.texts()
    for row in filter(None, seen):
        number, text = row.rstrip("\n").split("\t")
        assert texts[f"{page_id}/{int(number):03}.png"] == text
    # At most one more was on its way.
    assert len(seen) <= len(texts) <= len(seen) + 1
    with open(store.folder / "labels.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert {row["filename"]: row["label"] for row in rows} == texts
    assert np.isclose(again.corrections.counts()["val"], len(texts) // 5)
