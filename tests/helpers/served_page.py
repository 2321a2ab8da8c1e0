"""The page of tools.serve in a browser: a server, and what a user does."""

import base64
import contextlib
import io
import json
import threading
import time

import uvicorn
from PIL import Image

from tests.helpers.drawn_pages import LINES, written_page

ENTER, CTRL = ("Enter", 13, "\r"), 2
FILE = """(() => { const bytes = Uint8Array.from(atob(%s), (c) => c.charCodeAt(0)); const data = new DataTransfer();
data.items.add(new File([bytes], "letter.png", {type: "image/png"})); %s })()"""
DROP = 'document.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true}));'


@contextlib.contextmanager
def running(app):
    """Yields the address of a server on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


def wait(page, condition, seconds=60):
    """Waits until a JavaScript expression is true."""
    end = time.monotonic() + seconds
    while not page.run(condition):
        assert time.monotonic() < end, (condition, page.run("document.body.innerText"))
        time.sleep(0.05)


def write(page, text):
    """Replaces the text of the focused line."""
    page.run("document.activeElement.select()")
    page.send("Input.insertText", text=text)


def states(page):
    return page.run("[...document.querySelectorAll('#lines li')].map((line) => line.className)")


def texts(page):
    return page.run("[...document.querySelectorAll('#lines input')].map((input) => input.value)")


def send(page, pixels, event=DROP):
    """Drops or pastes a picture."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    page.run(FILE % (json.dumps(base64.b64encode(file.getvalue()).decode()), event))


def drop_page(page):
    send(page, written_page())
    wait(page, f"document.querySelectorAll('#lines li').length === {len(LINES)}")


def open_first(page, site):
    """Opens the page of the server and in it the first one that was read."""
    page.open(site)
    wait(page, "document.querySelector('#pages button') !== null")
    page.run("document.querySelector('#pages button').click()")
    wait(page, "document.querySelectorAll('#lines li').length > 0")


def mouse(page, kind, selector):
    """Presses or releases (`mousePressed`, `mouseReleased`) the left button over an element."""
    script = """((element) => { element.scrollIntoView({block: "nearest"});
    const {x, y, width, height} = element.getBoundingClientRect();
    return [x + width / 2, y + height / 2]; })(document.querySelector(%s))"""
    x, y = page.run(script % json.dumps(selector))
    page.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


def click(page, selector):
    mouse(page, "mousePressed", selector)
    mouse(page, "mouseReleased", selector)


def status(page):
    return page.run("document.getElementById('status').textContent")
