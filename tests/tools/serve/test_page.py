"""The page in a real browser: a page dropped, read and corrected by keyboard, opened again; a word written by mouse."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.helpers.browser import needs_browser
from tests.helpers.drawn_pages import LINES, written_page
from tests.helpers.served_page import CTRL, ENTER, drop_page, running, send, states, texts, wait, write
from tools.serve.app import create_app
from tools.serve.reading import MORE_LINES
from tools.serve.security import Access

pytest.importorskip("rapidocr")
pytestmark = [needs_browser, pytest.mark.usefixtures("pages_found_once")]
ALT = 1
PASTE = """document.querySelector("#lines input").dispatchEvent(
new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));"""
# Text pasted into a line's field, with a picture of it beside, and text dragged there: default prevented, files sent.
TEXT_EVENTS = """(() => { const data = new DataTransfer(); data.setData("text/plain", "abc");
const dragged = new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
const both = new DataTransfer(); both.setData("text/plain", "abc"); both.items.add(new File(["x"], "text.png"));
const pasted = new ClipboardEvent("paste", {clipboardData: both, bubbles: true, cancelable: true});
return [dragged, pasted].flatMap((event) => { document.querySelector("#lines input").dispatchEvent(event);
return [event.defaultPrevented, document.querySelectorAll("#jobs li").length]; }); })()"""


def test_a_page_is_dropped_corrected_by_keyboard_and_opened_again(page, site, store):
    page.open(site)
    drop_page(page)
    read = texts(page)
    wait(page, "[...document.querySelectorAll('#lines img')].every((img) => img.naturalWidth > 100)")
    marked = page.run("[...document.querySelectorAll('#lines li')].findIndex((line) => line.querySelector('mark'))")
    for _ in range(marked):
        page.press("ArrowDown", 40)
    page.press("F2", 113)
    assert page.run("document.activeElement.selectionEnd - document.activeElement.selectionStart") == 1
    for _ in range(marked):
        page.press("ArrowUp", 38)
    assert page.run("document.getElementById('learn').disabled")
    # The first line has the focus; Enter saves a changed one, Ctrl+Enter also accepts one as it stands.
    write(page, "imperial museum, other")
    page.press(*ENTER)
    page.press(*ENTER, modifiers=CTRL)
    write(page, "supported")
    page.press("Escape", 27)
    assert texts(page)[2] == read[2]
    write(page, "supported offices")
    page.press(*ENTER)
    wanted = ["imperial museum, other", read[1], "supported offices"]
    wait(page, "document.querySelectorAll('#lines li.saved').length === 3")
    assert texts(page) == wanted and sorted(store.corrections.texts().values()) == sorted(wanted)
    # Undo of the last save, then a text that is typed but not saved.
    page.press("z", 90, modifiers=CTRL)
    wait(page, "document.querySelectorAll('#lines li.read').length === 1")
    write(page, "half a li")
    page.open(site)
    wait(page, "document.querySelectorAll('#pages button').length === 1")
    assert "2 of 3 lines" in page.run("document.querySelector('#pages').textContent")
    page.run("document.querySelector('#pages button').click()")
    wait(page, f"document.querySelectorAll('#lines li').length === {len(LINES)}")
    assert states(page) == ["saved", "saved", "unsaved"] and texts(page) == [*wanted[:2], "half a li"]
    # Another tab saves the last line; only what was shown is replaced.
    (page_id,) = (summary.id for summary in store.pages())
    store.save(page_id, 2, "of another tab", None)
    page.press(*ENTER)
    wait(page, "document.querySelectorAll('#lines li.failed').length === 1")
    assert "of another tab" in page.run("document.querySelector('#lines li.failed .state').textContent")
    page.press("Escape", 27)
    wanted[2] = "of another tab"
    assert texts(page) == wanted and states(page) == ["saved"] * 3
    exported = page.run("fetch(document.getElementById('export-text').href).then((answer) => answer.text())")
    assert exported.splitlines() == wanted
    assert [text for text in page.problems(site) if "409" not in text] == []


def test_a_page_is_read_again_and_what_was_saved_stays(page, site, store):
    page.open(site)
    drop_page(page)
    read = texts(page)
    write(page, "saved")
    page.press(*ENTER)
    wait(page, "document.querySelectorAll('#lines li.saved').length === 1")
    # As if another model had read it.
    (page_id,) = (summary.id for summary in store.pages())
    kept = store.page(page_id)
    store.replace(page_id, replace(kept, lines=tuple(replace(line, text="worse") for line in kept.lines)))
    page.run("document.querySelector('#pages button').click()")
    wait(page, "document.querySelectorAll('#lines input')[1].value === 'worse'")
    page.run("document.getElementById('again').click()")
    wait(page, "document.querySelectorAll('#lines input')[1].value !== 'worse'")
    assert texts(page) == ["saved", *read[1:]] and states(page) == ["saved", "read", "read"]
    assert store.page(page_id) == kept and page.problems(site) == []


def test_doubtful_characters_are_found_beside_a_correction(page, site):
    page.open(site)
    drop_page(page)
    doubts = "[...document.querySelectorAll('#lines li')].map((line) => line.querySelectorAll('mark').length)"
    line = page.run(doubts).index(max(page.run(doubts)))
    assert max(page.run(doubts)) > 1
    for _ in range(line):
        page.press("ArrowDown", 40)
    page.run("document.activeElement.setSelectionRange(0, 0)")
    page.send("Input.insertText", text="two ")
    selected = set()
    for _ in range(max(page.run(doubts))):
        page.press("F2", 113)
        start, end = page.run("(({selectionStart: a, selectionEnd: b}) => [a, b])(document.activeElement)")
        assert end == start + 1 and start >= len("two ")
        selected.add(start)
    assert len(selected) == max(page.run(doubts))


def test_text_that_is_pasted_or_dragged_is_no_page(page, site, store):
    page.open(site)
    drop_page(page)
    wait(page, "document.querySelectorAll('#jobs li').length === 0")
    # A file that is sent is listed at once.
    assert page.run(TEXT_EVENTS) == [False, 0, False, 0]
    assert len(store.pages()) == 1
    # A picture alone is a page, with the cursor in a line, too.
    send(page, written_page(), PASTE)
    wait(page, "document.querySelectorAll('#pages button').length === 2")
    assert page.problems(site) == []


def test_what_was_typed_comes_again_among_the_readings(page, site):
    page.open(site)
    drop_page(page)
    read = texts(page)[0]
    write(page, "my own text")
    seen = []
    for _ in range(8):
        page.press("ArrowDown", 40, modifiers=ALT)
        seen.append(texts(page)[0])
    assert read in seen and "my own text" in seen


def test_a_page_without_text_says_so(page, site):
    page.open(site)
    send(page, np.full((400, 600), 255, np.uint8))
    wait(page, "document.querySelectorAll('#pages button').length === 1")
    wait(page, "document.getElementById('jobs').textContent === ''")
    assert "No text" in page.run("document.getElementById('lines').textContent")


def test_a_note_about_a_file_stays_until_it_is_dismissed(page, site, word):
    page.open(site)
    page.run("document.querySelector('input[value=line]').click()")
    send(page, np.tile(np.asarray(Image.open(io.BytesIO(word)).convert("L")), (4, 4)))
    wait(page, "document.querySelectorAll('#jobs button').length === 1")
    assert MORE_LINES in page.run("document.getElementById('jobs').textContent")
    assert page.run("document.querySelectorAll('#lines li').length") == 1
    page.run("document.querySelector('#jobs button').click()")
    assert page.run("document.getElementById('jobs').textContent") == ""
    assert page.problems(site) == []


def test_a_word_written_with_the_mouse_is_read(page, site):
    page.open(site)
    page.run("document.getElementById('write').click()")
    box = page.run("(({x, y}) => [x, y])(document.getElementById('canvas').getBoundingClientRect())")
    for points in ([(60, 30), (60, 130)], [(60, 80), (110, 80)], [(110, 30), (110, 130)], [(150, 60), (150, 130)]):
        for kind, (x, y) in zip(("mousePressed", "mouseMoved", "mouseReleased"), [points[0], points[1], points[1]]):
            place = {"x": box[0] + x, "y": box[1] + y, "button": "left", "buttons": 1, "clickCount": 1}
            page.send("Input.dispatchMouseEvent", type=kind, **place)
    page.run("document.getElementById('pad-read').click()")
    wait(page, "document.querySelectorAll('#lines li').length === 1")
    assert texts(page)[0].strip()
    assert page.problems(site) == []


def test_it_fits_a_phone_and_both_colour_schemes(page, site):
    page.send("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True)
    page.open(site)
    drop_page(page)
    assert page.run("document.documentElement.scrollWidth") <= 360
    colours = set()
    for scheme in ("light", "dark"):
        page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        colours.add(page.run("getComputedStyle(document.body).backgroundColor"))
    assert len(colours) == 2
    assert page.problems(site) == []


class Course:
    """Stands for a training: started, an epoch, done."""

    def __init__(self):
        self.now = {"state": "idle", "message": "", "model": "old", "lines": {"train": 20, "val": 5}, "least": 20}
        self.now |= {"epochs": [], "finished": 0, "total": 4}

    def state(self):
        if self.now["epochs"]:
            self.now |= {"state": "done", "model": "new", "before": 0.25, "after": 0.125}
        if self.now["state"] == "training":
            self.now |= {"epochs": [0.2], "finished": 1}
        return dict(self.now)

    def start(self):
        self.now["state"] = "training"

    def stop(self):
        self.now["state"] = "stopped"


def test_the_course_of_learning_is_shown(page, reading, store):
    with running(create_app(reading, store, Access(), Course())) as site:
        page.open(site)
        wait(page, "document.getElementById('learned').textContent.startsWith('25 corrected lines, 5 ')")
        page.run("document.getElementById('learn').click()")
        wait(page, "document.getElementById('learned').textContent.includes('before 25.00 %, after 12.50 %')")
        assert page.run("document.getElementById('stop').hidden") and page.problems(site) == []
