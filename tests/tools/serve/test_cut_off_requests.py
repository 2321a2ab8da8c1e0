"""Requests whose client goes, and those that wait when the server ends."""

import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import uvicorn

from tests.helpers.served_page import running
from tools.serve.app import create_app
from tools.serve.security import Access


def test_a_file_whose_client_has_gone_is_not_read_to_its_end(reading, store, learning, monkeypatch):
    begun = threading.Event()

    def endless(path, name):
        while True:
            begun.set()
            time.sleep(0.01)
            yield None, None

    monkeypatch.setattr(reading, "pages", endless)
    with running(create_app(reading, store, Access(), learning)) as site:
        request = httpx.Request("POST", f"{site}read", files={"file": ("a.tif", b"")}, data={"page": "true"})
        client = http.client.HTTPConnection(request.url.host, request.url.port)
        client.request("POST", "/read", request.read(), dict(request.headers))
        assert begun.wait(60)
        assert httpx.get(f"{site}health").json()["waiting"] == 1
        client.close()
        end = time.monotonic() + 60
        while httpx.get(f"{site}health").json()["waiting"]:
            assert time.monotonic() < end
            time.sleep(0.05)


def test_a_request_that_waits_when_the_server_ends_is_answered(reading, store, learning, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def words(paths):
        begun.set()
        go_on.wait(60)
        return [KeyError()] * len(paths)

    monkeypatch.setattr(reading, "words", words)
    app = create_app(reading, store, Access(), learning)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with ThreadPoolExecutor() as pool:
        files = {"file": ("a.png", b"")}
        waiting = pool.submit(httpx.post, f"http://127.0.0.1:{port}/read", files=files, timeout=60)
        try:
            assert begun.wait(60)
            server.should_exit = True
            assert waiting.result().status_code == 503
        finally:
            go_on.set()
            server.should_exit = True
            thread.join()
