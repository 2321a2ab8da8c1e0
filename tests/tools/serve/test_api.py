"""The server's routes: reading, pages, corrections, export."""

import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from predictors import load
from predictors.pages import PageReader
from preprocessing.importers.page_xml import read_page
from tests.helpers.drawn_pages import LINES, encrypted_pdf, written_page
from tests.helpers.tiny import REPOSITORY
from tests.tools.serve.conftest import BASE
from tools.serve import reading_queue
from tools.serve.app import create_app
from tools.serve.reading import MORE_LINES, MORE_PAGES
from tools.serve.security import Access

pytestmark = pytest.mark.usefixtures("pages_found_once")
SHIPPED = REPOSITORY / "snapshots" / "iam_fast"


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_a_word_is_read_as_by_the_command_line(client, word):
    answer = client.post("/read", files={"file": ("a/look.png", word)})
    assert answer.status_code == 200, answer.text
    (entry,) = answer.json()
    reading = load(REPOSITORY / "snapshots" / "iam_fast").read(REPOSITORY / "test_images" / "look.png")
    assert entry["filename"] == "look.png" and entry["text"] == reading.text and entry["error"] == ""
    assert entry["confidence"] == pytest.approx(reading.confidence, abs=1e-5)
    assert len(entry["character_confidences"]) == len(reading.character_confidences)


def test_a_page_is_read_as_by_the_command_line(client):
    pytest.importorskip("rapidocr")
    answer = client.post("/read", files={"file": ("p.png", png(written_page()))}, data={"page": "true"})
    (page,) = answer.json()
    assert (page["filename"], page["page"], page["width"], page["height"]) == ("p.png", 1, 1300, 900)
    assert len(page["lines"]) == len(LINES) and page["text"].count("\n") == len(LINES) - 1
    assert {"text", "confidence", "polygon", "baseline", "words"} == set(page["lines"][0])


def test_a_damaged_page_costs_none_of_the_others(client):
    pytest.importorskip("rapidocr")
    page, file = Image.fromarray(written_page()), io.BytesIO()
    large = Image.new("L", (9000, 9000), 255)
    large.save(file, "TIFF", save_all=True, append_images=[page, large, page], compression="tiff_lzw")
    answer = client.post("/read", files={"file": ("four.tif", file.getvalue())}, data={"page": "true"})
    assert answer.status_code == 200, answer.text
    second, fourth, *bad = answer.json()
    assert (second["page"], fourth["page"]) == (2, 4) and second["text"] == fourth["text"]
    assert [one["page"] for one in bad] == [1, 3] and bad[1]["error"].startswith("four.tif, page 3: ")
    assert all("max_pixels" in one["error"] and "/tmp" not in one["error"] for one in bad)


def test_the_whole_pages_of_a_file_that_was_cut_off_are_read(client, added):
    pytest.importorskip("rapidocr")
    page, file = Image.fromarray(written_page()), io.BytesIO()
    page.save(file, "TIFF", save_all=True, append_images=[page, page, page], compression="tiff_lzw")
    torn = file.getvalue()[: len(file.getvalue()) * 7 // 10]
    *pages, bad = client.post("/read", files={"file": ("t.tif", torn)}, data={"page": "true"}).json()
    assert [one["page"] for one in pages] == [1, 2] and bad["error"].startswith("t.tif")
    job = added(torn, "page", "t.tif")
    assert job["state"] == "failed" and len(job["pages"]) == 2


def test_files_of_too_many_pages_are_refused_before_any_is_read(client, monkeypatch):
    pytest.importorskip("rapidocr")
    monkeypatch.setattr("tools.serve.reading.MOST_PAGES", 1)
    monkeypatch.setattr("predictors.pages.PageReader.read", None)
    page, file = Image.new("L", (50, 40), 255), io.BytesIO()
    page.save(file, "TIFF", save_all=True, append_images=[page])
    answer = client.post("/read", files={"file": ("two.tif", file.getvalue())}, data={"page": "true"})
    assert answer.status_code == 422 and "1 pages" in answer.json()["detail"] and "parts" in answer.json()["detail"]


def test_requests_at_once_are_all_answered_and_read_in_batches(reading, store, learning, monkeypatch, word):
    batches, real = [], reading.words
    monkeypatch.setattr(reading, "words", lambda paths: batches.append(len(paths)) or real(paths))
    app = create_app(reading, store, Access(), learning)
    with TestClient(app, base_url=BASE) as client, ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(lambda _: client.post("/read", files={"file": ("w.png", word)}), range(200)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()[0]["text"] for answer in answers}) == 1
    assert sum(batches) == 200 and len(batches) < 100


def test_a_full_queue_asks_for_patience(client, monkeypatch, word):
    monkeypatch.setattr(reading_queue, "MOST_JOBS", 0)
    answer = client.post("/read", files={"file": ("w.png", word)})
    assert answer.status_code == 503 and "retry-after" in answer.headers


def test_health_page_and_description(client):
    assert client.get("/health").json() == {"status": "ok", "model": str(SHIPPED), "waiting": 0}
    page = client.get("/")
    assert page.status_code == 200 and "default-src 'none'" in page.headers["content-security-policy"]
    assert "http:" not in page.text and "https:" not in page.text and "style=" not in page.text
    for name in ("theme.css", "page.css", "page.js", "common.js", "editor.js", "upload.js", "learn.js", "icon.svg"):
        assert client.get(f"/static/{name}").status_code == 200
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/read", "/health", "/pages"} <= set(paths)
    assert client.get("/docs").status_code == 404


def test_from_a_picture_to_exports(client, added, word, tmp_path):
    job = added(word, name="../../look<b>.png")
    (page_id,) = job["pages"]
    assert job["state"] == "done"
    page = client.get(f"/pages/{page_id}").json()
    assert page["filename"] == "look<b>.png"
    (line,) = page["lines"]
    assert line["saved"] is None and len(line["characters"]) == len(line["text"])
    for path in (f"/pages/{page_id}/picture", f"/pages/{page_id}/lines/0/picture"):
        assert Image.open(io.BytesIO(client.get(path).content)).size == Image.open(io.BytesIO(word)).size
    path = f"/pages/{page_id}/lines/0"
    answer = client.put(path, json={"text": " Löok & see  ", "before": None})
    assert answer.json() == {"saved": "Löok & see"}
    assert client.get("/pages").json() == [
        {"id": page_id, "filename": "look<b>.png", "page": 1, "lines": 1, "saved": 1}
    ]
    assert client.get(f"/pages/{page_id}/export?format=text").text == "Löok & see\n"
    xml = client.get(f"/pages/{page_id}/export?format=page")
    (tmp_path / "page.xml").write_bytes(xml.content)
    assert [line.text for line in read_page(tmp_path / "page.xml").lines] == ["Löok & see"]
    alto = ElementTree.fromstring(client.get(f"/pages/{page_id}/export?format=alto").content)
    assert [node.get("CONTENT") for node in alto.iter() if node.tag.endswith("String")] == ["Löok & see"]
    client.put(path, json={"text": "", "before": "Löok & see"})
    assert client.get(f"/pages/{page_id}/export?format=text").text == ""


def test_a_line_is_read_again_with_the_model_in_use(client, added, store, word):
    (page_id,) = added(word)["pages"]
    before = client.get(f"/pages/{page_id}").json()
    kept = store.page(page_id)
    store.replace(page_id, replace(kept, lines=(replace(kept.lines[0], text="worse"),)))
    answer = client.post(f"/pages/{page_id}/read")
    assert answer.status_code == 202
    while (job := client.get(f"/jobs/{answer.json()['job']}").json())["state"] in ("waiting", "reading"):
        time.sleep(0.02)
    assert job["state"] == "done" and client.get(f"/pages/{page_id}").json() == before
    assert client.post(f"/pages/{'0' * 8}-{'0' * 6}-{'0' * 8}/read").status_code == 404


def test_commas_of_a_page_that_is_read_again_are_set_as_at_first(client, added, store, monkeypatch):
    pytest.importorskip("rapidocr")
    (page_id,) = added(png(written_page()), kind="page", name="p.png")["pages"]

    def read_strips(reader, lines, strips):
        return [replace(line, text=text) for line, text in zip(lines, ("an hour , and", "a day, a year."))], []

    monkeypatch.setattr(PageReader, "read_strips", read_strips)
    answer = client.post(f"/pages/{page_id}/read")
    while (job := client.get(f"/jobs/{answer.json()['job']}").json())["state"] in ("waiting", "reading"):
        time.sleep(0.02)
    assert job["state"] == "done"
    assert [line.text for line in store.page(page_id).lines] == ["an hour, and", "a day, a year."]


def test_a_page_is_read_line_by_line_into_the_store(client, added):
    pytest.importorskip("rapidocr")
    job = added(png(written_page()), kind="page", name="p.png")
    page = client.get(f"/pages/{job['pages'][0]}").json()
    assert len(page["lines"]) == len(LINES)
    for number, line in enumerate(page["lines"]):
        assert len(line["characters"]) in (0, len(line["text"]))
        strip = Image.open(io.BytesIO(client.get(f"/pages/{page['id']}/lines/{number}/picture").content))
        assert strip.width > 2 * strip.height


def test_each_page_of_a_file_is_kept(client, added):
    pytest.importorskip("rapidocr")
    file, blank = io.BytesIO(), Image.new("L", (300, 200), 255)
    blank.save(file, "TIFF", save_all=True, append_images=[blank])
    assert len(added(file.getvalue(), kind="page", name="two.tif")["pages"]) == 2
    assert sorted((page["page"], page["lines"]) for page in client.get("/pages").json()) == [(1, 0), (2, 0)]


def test_another_tab_is_not_overwritten_unseen(client, added, word):
    (page_id,) = added(word)["pages"]
    path = f"/pages/{page_id}/lines/0"
    assert client.put(path, json={"text": "one", "before": None}).status_code == 200
    late = client.put(path, json={"text": "two", "before": None})
    assert late.status_code == 409 and late.json()["saved"] == "one"
    assert client.put(path, json={"text": "two", "before": "one"}).status_code == 200
    assert client.put(path, json={"text": None, "before": "two"}).json() == {"saved": None}
    assert client.get(f"/pages/{page_id}").json()["lines"][0]["saved"] is None


def tiff(*pictures):
    file = io.BytesIO()
    first, *others = map(Image.fromarray, pictures)
    first.save(file, "TIFF", save_all=True, append_images=others)
    return file.getvalue()


def test_what_one_line_leaves_out_is_told(client, added, word):
    look = np.asarray(Image.open(io.BytesIO(word)).convert("L"))
    several = png(np.tile(look, (4, 4)))
    for content, note in ((tiff(look, look), MORE_PAGES), (several, MORE_LINES), (tiff(look), ""), (word, "")):
        job = added(content)
        assert job["state"] == "done" and len(job["pages"]) == 1 and job["note"] == note
        (entry,) = client.post("/read", files={"file": ("a.png", content)}).json()
        assert entry["note"] == note and entry["error"] == ""


@pytest.mark.parametrize("content", [b"", b"no picture", b"%PDF-1.4 broken", b"\x89PNG\r\n\x1a\n"])
@pytest.mark.parametrize("kind", ["line", "page"])
def test_a_file_that_cannot_be_read_fails_and_leaves_nothing(added, store, content, kind):
    job = added(content, kind=kind, name="bad.png")
    assert job["state"] == "failed" and job["pages"] == []
    # The sentence has the file's name, not our path of it.
    assert job["error"].startswith("bad.png: ") and "/tmp" not in json.dumps(job)
    assert not any(path.is_dir() for path in store.folder.iterdir())


def test_a_damaged_file_among_others_fails_none(reading, tmp_path):
    """Three in a batch, one a TIFF that was cut off after its first page, which is read."""
    word = Image.open(REPOSITORY / "test_images" / "look.png").convert("L")
    for name in ("a.png", "c.png"):
        word.save(tmp_path / name)
    word.save(tmp_path / "b.tif", save_all=True, append_images=[word.resize((400, 300))])
    whole = (tmp_path / "b.tif").read_bytes()
    (tmp_path / "b.tif").write_bytes(whole[: -len(whole) // 3])
    texts = [prediction.text for prediction, _ in reading.words([tmp_path / n for n in ("a.png", "b.tif", "c.png")])]
    assert len(texts) == 3 and len(set(texts)) == 1


def test_a_pdf_is_to_be_sent_as_pages(client):
    answer = client.post("/read", files={"file": ("a.pdf", encrypted_pdf())})
    assert answer.status_code == 422
    assert "page=true" in answer.json()["detail"] and "--predict" not in answer.json()["detail"]
