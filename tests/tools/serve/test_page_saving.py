"""Text typed into the page in a real browser is saved, shown beside that of other tabs, and exported."""

import time

import pytest

from tests.helpers.browser import needs_browser
from tests.helpers.served_page import CTRL, ENTER, drop_page, mouse, open_first, states, status, texts, wait, write
from tests.tools.serve.test_store import page_of
from tools.serve.store import Store

pytest.importorskip("rapidocr")
pytestmark = [needs_browser, pytest.mark.usefixtures("pages_found_once")]
DOWN = "ArrowDown", 40


@pytest.fixture
def page_id(page, site, store):
    """The id of a page that was dropped into the browser and read; its first line has the focus."""
    page.open(site)
    drop_page(page)
    (summary,) = store.pages()
    return summary.id


def test_the_text_of_another_tab_is_not_replaced_by_moving_on(page, store, page_id):
    store.save(page_id, 0, "of another tab", None)
    write(page, "of this tab")
    page.press(*ENTER)
    wait(page, "document.querySelector('#lines li').className === 'failed'")
    page.press("ArrowUp", 38)
    page.press("ArrowDown", 40)
    page.press(*ENTER, modifiers=CTRL)
    wait(page, "document.querySelectorAll('#lines li.saved').length === 1")
    assert "of another tab" in store.corrections.texts().values()
    page.press("ArrowUp", 38)
    page.press("ArrowUp", 38)
    page.press(*ENTER)
    wait(page, "document.querySelectorAll('#lines li.saved').length === 2")
    assert "of this tab" in store.corrections.texts().values()
    # What another tab has changed since can't be undone here, and stays on the list of what can.
    store.save(page_id, 0, "once more", "of this tab")
    page.press("z", 90, modifiers=CTRL)
    wait(page, "document.querySelector('#lines li').className === 'failed'")
    assert "once more" in store.corrections.texts().values() and not page.run(
        "document.getElementById('undo').disabled"
    )
    # Nor by undoing again, after it was accepted.
    page.press("Escape", 27)
    page.press("z", 90, modifiers=CTRL)
    wait(page, "document.getElementById('status').textContent.includes('another tab')")
    assert "once more" in store.corrections.texts().values()


def test_a_draft_does_not_replace_what_another_tab_has_saved_since(page, site, store, page_id):
    write(page, "half of")
    page.open("about:blank")  # Leaving the page saves nothing.
    store.save(page_id, 0, "of another tab", None)
    open_first(page, site)
    assert texts(page)[0] == "half of" and states(page)[0] == "failed"
    assert "of another tab" in page.run("document.querySelector('#lines li').innerText")
    page.run("document.querySelector('#lines input').focus()")
    page.send("Input.insertText", text="!")
    assert "of another tab" in page.run("document.querySelector('#lines li').innerText")
    write(page, "half of")
    page.press(*DOWN)
    page.press(*DOWN)
    page.press(*ENTER, modifiers=CTRL)
    wait(page, "document.querySelectorAll('#lines li.saved').length === 1")
    assert "of another tab" in store.corrections.texts().values()
    page.run("document.querySelector('#lines input').focus()")
    page.press(*ENTER)
    wait(page, "document.querySelector('#lines li').className === 'saved'")
    assert "half of" in store.corrections.texts().values()


def test_what_was_typed_outlives_a_conflict(page, site, store, page_id):
    write(page, "typed")
    page.run("localStorage.clear()")  # as another tab does that has saved the line
    store.save(page_id, 0, "of another tab", None)
    page.press(*DOWN)
    wait(page, "document.querySelector('#lines li').className === 'failed'")
    open_first(page, site)
    assert texts(page)[0] == "typed" and states(page)[0] == "failed"


def test_undo_does_not_take_what_is_not_saved(page, site, store, page_id, monkeypatch):
    write(page, "saved")
    page.press(*ENTER)
    wait(page, "document.querySelectorAll('#lines li.saved').length === 1")
    with monkeypatch.context() as patch:
        patch.setattr(Store, "save", None)  # Every save fails.
        page.press("ArrowUp", 38)
        write(page, "typed")
        page.press(*DOWN)
        wait(page, "document.querySelector('#lines li').className === 'failed'")
    page.run("document.getElementById('undo').click()")
    page.press(*DOWN)
    assert texts(page)[0] == "typed" and "saved" in store.corrections.texts().values()
    open_first(page, site)
    assert texts(page)[0] == "typed"


def test_an_export_waits_for_the_save(page, page_id, monkeypatch):
    real, order = Store.save, []

    def slow(self, *arguments):
        time.sleep(0.5)
        order.append("saved")
        return real(self, *arguments)

    monkeypatch.setattr(Store, "save", slow)
    corrected = Store.corrected
    monkeypatch.setattr(Store, "corrected", lambda self, page: order.append("exported") or corrected(self, page))
    write(page, "typed")
    page.run("document.activeElement.blur(); document.getElementById('export-text').click()")
    end = time.monotonic() + 60
    while "exported" not in order:
        assert time.monotonic() < end
        page.run("1")
    assert order == ["saved", "exported"]


def test_a_click_on_another_page_opens_it_though_it_also_saves_a_line(page, site, store):
    ids = [store.add(*page_of(2)) for _ in range(2)]
    open_first(page, site)
    wait(page, "document.activeElement.tagName === 'INPUT'")
    write(page, "typed")
    mouse(page, "mousePressed", "#pages li:last-child button")
    wait(page, "document.getElementById('pages').textContent.includes('1 of 2')")
    mouse(page, "mouseReleased", "#pages li:last-child button")
    wait(page, f"document.getElementById('picture').src.includes('{ids[0]}')")
    wait(page, "document.querySelector('#pages li:last-child button').getAttribute('aria-current') === 'true'")
    # By keyboard: the button that has the focus keeps it.
    wait(page, "document.activeElement.tagName === 'INPUT'")
    write(page, "typed here, too")
    page.run("document.querySelector('#pages button').focus()")
    wait(page, "document.querySelector('#pages li:last-child').textContent.includes('1 of 2')")
    assert page.run("document.activeElement === document.querySelector('#pages button')")
    # A page that comes stands before them, and one that was deleted is gone.
    store.add(*page_of(3))
    (store.folder / ids[1]).rename(store.folder / "deleted")
    page.run("document.querySelector('#lines input').focus()")
    write(page, "once more")
    page.press(*ENTER)
    wait(page, "document.querySelector('#pages button').textContent.includes('of 3')")
    assert page.run("document.querySelectorAll('#pages li').length") == 2 and page.problems(site) == []


def test_a_complaint_ends_with_the_save_that_succeeds(page, store, page_id, monkeypatch):
    wait(page, "document.querySelectorAll('#jobs li').length === 0")  # It ends with a sentence of its own.
    with monkeypatch.context() as patch:
        patch.setattr(Store, "save", None)  # Every save fails.
        write(page, "typed")
        page.press(*ENTER)
        wait(page, "document.querySelector('#lines li').className === 'failed'")
        assert status(page)
    page.press("ArrowUp", 38)
    page.press(*ENTER)
    wait(page, "document.querySelector('#lines li').className === 'saved'")
    assert status(page) == ""


def test_a_text_that_is_too_long_is_named_as_such(page, page_id):
    wait(page, "document.querySelectorAll('#jobs li').length === 0")  # It ends with a sentence of its own.
    write(page, "x" * 1001)
    page.press(*ENTER)
    wait(page, "document.querySelector('#lines li').className === 'failed'")
    assert "1000 characters" in page.run("document.querySelector('#lines .state').textContent")
    assert "1000 characters" in status(page)


def test_undo_with_caps_lock(page, page_id):
    write(page, "typed")
    page.press(*ENTER)
    wait(page, "document.querySelector('#lines li').className === 'saved'")
    page.press("Z", 90, modifiers=CTRL)
    wait(page, "document.querySelector('#lines li').className === 'read'")


def test_pages_open_and_lines_are_saved_where_storage_is_blocked(page, site, store):
    store.add(*page_of(2))
    blocked = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('', 'SecurityError') }})"
    page.send("Page.addScriptToEvaluateOnNewDocument", source=blocked)
    open_first(page, site)
    write(page, "typed")
    page.press(*ENTER)
    wait(page, "document.querySelector('#lines li').className === 'saved'")
    assert list(store.corrections.texts().values()) == ["typed"] and page.problems(site) == []
