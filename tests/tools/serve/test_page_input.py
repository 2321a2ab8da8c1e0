"""Input into the page other than by keyboard and mouse, and answers that are lost on their way."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.helpers.browser import needs_browser
from tests.helpers.served_page import ENTER, click, open_first, running, send, states, status, texts, wait
from tests.tools.serve.test_page import Course
from tests.tools.serve.test_store import page_of
from tools.serve.app import create_app
from tools.serve.security import Access

pytestmark = needs_browser
# The first answer about a file that is read, and the second about learning, are lost.
LOSE = """(() => { const real = window.fetch, asked = {jobs: 1, training: 0};
window.fetch = (path, options) => { const kind = String(path).split("/")[1];
if (options.method === "GET" && kind in asked && ++asked[kind] === 2) return %s;
return real(path, options); }; })()"""
POINTS = """(() => { window.points = []; const brush = document.getElementById("canvas").getContext("2d");
const real = brush.lineTo.bind(brush); brush.lineTo = (x, y) => { window.points.push(Math.round(y)); real(x, y); };
document.getElementById("canvas").scrollIntoView({block: "center"}); })()"""


@pytest.mark.parametrize(
    "lost", ["Promise.reject(new TypeError())", "Promise.resolve(new Response('', {status: 502}))"]
)
def test_a_lost_answer_ends_neither_learning_nor_an_upload(page, reading, store, word, lost):
    with running(create_app(reading, store, Access(), Course())) as site:
        page.send("Page.addScriptToEvaluateOnNewDocument", source=LOSE % lost)
        page.open(site)
        page.run("document.querySelector('input[value=line]').click()")
        send(page, np.asarray(Image.open(io.BytesIO(word)).convert("L")))
        wait(page, "document.querySelectorAll('#lines li').length === 1")
        wait(page, "document.querySelectorAll('#jobs li').length === 0")
        page.run("document.getElementById('learn').click()")
        wait(page, "document.getElementById('learned').textContent.includes('before 25.00 %, after 12.50 %')")
        assert status(page) == "" and page.problems(site) == []


def test_a_second_finger_draws_nothing(page, site):
    page.open(site)
    page.run("document.getElementById('write').click()")
    page.run(POINTS)
    left, top = page.run("(({x, y}) => [x, y])(document.getElementById('canvas').getBoundingClientRect())")
    page.send("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)

    def touch(kind, first, second=None):
        places = [(20 + first, 20), (200, 60 + (second or 0))][: 1 if second is None else 2]
        points = [{"x": left + x, "y": top + y, "id": number} for number, (x, y) in enumerate(places)]
        page.send("Input.dispatchTouchEvent", type=kind, touchPoints=points)

    touch("touchStart", 0)
    touch("touchMove", 20)
    touch("touchStart", 20, 0)
    for step in range(1, 4):
        touch("touchMove", 20 + 20 * step, step)
    page.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    wait(page, "window.points.length > 4")
    assert len(set(page.run("window.points"))) == 1
    # The next stroke may be another finger's.
    page.run("window.points = []")
    page.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": left + 50, "y": top + 80, "id": 1}])
    wait(page, "new Set(window.points).size === 2")


def test_lines_are_accepted_and_read_otherwise_without_keys(page, site, store):
    store.add(*page_of(3))
    open_first(page, site)
    # Pictures that come later would move the buttons.
    page.run("document.querySelectorAll('#lines img').forEach((img) => (img.loading = 'eager'))")
    wait(page, "[...document.querySelectorAll('#lines img')].every((img) => img.complete)")
    page.run("document.querySelectorAll('#lines input')[2].focus()")
    assert page.run("[...document.querySelectorAll('#lines button')].map((button) => button.hidden)") == [
        *(False, False),
        *(False, True),
        *(False, True),
    ]
    click(page, "#lines button[aria-label='right as it stands, line 2']")
    wait(page, "document.querySelectorAll('#lines li')[1].className === 'saved'")
    click(page, "#lines button[aria-label='other reading, line 1']")
    assert texts(page) == ["lime 0", "line 1", "line 2"] and states(page) == ["unsaved", "saved", "read"]
    click(page, "#lines button[aria-label='right as it stands, line 1']")
    wait(page, "document.querySelector('#lines li').className === 'saved'")
    assert sorted(store.corrections.texts().values()) == ["lime 0", "line 1"]
    # The focus has stayed, and Tab leads from text to text.
    focused = "[...document.querySelectorAll('#lines input')].indexOf(document.activeElement)"
    assert page.run(focused) == 2
    page.run("document.querySelector('#lines input').focus()")
    page.press("Tab", 9)
    assert page.run(focused) == 1 and page.problems(site) == []


def test_a_folder_is_the_files_in_it(page, site, store, word, tmp_path):
    folder = tmp_path / "scans"
    (folder / "more").mkdir(parents=True)
    for name in ("10.png", "9.png", "more/1.png"):
        (folder / name).write_bytes(word)
    (folder / ".hidden").write_bytes(b"of the system")
    page.open(site)
    page.run("document.querySelector('input[value=line]').click()")
    x, y = page.run("(({x, y}) => [x + 5, y + 5])(document.getElementById('drop').getBoundingClientRect())")
    for kind in ("dragEnter", "dragOver", "drop"):
        data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
        page.send("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)
    wait(page, "document.querySelectorAll('#pages button').length === 3")
    wait(page, "document.querySelectorAll('#jobs li').length === 0")
    assert sorted(summary.filename for summary in store.pages()) == ["1.png", "10.png", "9.png"]
    assert page.problems(site) == []


def test_the_link_to_the_lines_is_there_with_them(page, site, store):
    store.add(*page_of(1))
    page.open(site)
    skip = "document.querySelector('a.skip')"
    assert page.run(f"getComputedStyle({skip}).display") == "none"
    open_first(page, site)
    page.run(f"{skip}.focus()")
    page.press(*ENTER)
    wait(page, "document.activeElement.id === 'editor'")
