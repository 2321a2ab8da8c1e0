"""Hostile requests are refused, and leave nothing on the disk."""

import io
import struct
import zlib

import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.helpers.drawn_pages import encrypted_pdf
from tools.serve import __main__ as command
from tools.serve.app import create_app
from tools.serve.security import COOKIE, MOST_BYTES, Access, is_loopback

TOKEN = "a-token-of-22-letters."
PAGE = "20260101-000000-00000000"
LINE = f"/pages/{PAGE}/lines/0"


def header_only(width, height):
    """A PNG whose header promises a picture of that size."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 1000)
    parts = [struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in (chunk, data)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def image(form="PNG", **options):
    file = io.BytesIO()
    Image.new("L", (40, 20), 255).save(file, form, **options)
    return file.getvalue()


def upload(content=None, name="a.png", path="/read", data=None, **options):
    return ("POST", path, {"files": {"file": (name, image() if content is None else content)}, "data": data, **options})


def chunks():
    for _ in range(40):
        yield b"x" * 1_000_000


def headers(method="GET", path="/health", **values):
    return (method, path, {"headers": {name.replace("_", "-"): value for name, value in values.items()}})


JSON = {"content-type": "application/json"}
EVIL = "http://evil.example"
HOSTILE = {
    # Names that are no names.
    "static traversal": ("GET", "/static/../app.py", {}),
    "encoded traversal": ("GET", "/static/..%2fapp.py", {}),
    "double encoding": ("GET", "/static/%252e%252e%252fapp.py", {}),
    "backslashes": ("GET", "/static/..%5c..%5capp.py", {}),
    "absolute path": ("GET", "/static//etc/passwd", {}),
    "null byte": ("GET", "/static/page.html%00.png", {}),
    "page of dots": ("GET", "/pages/..%2f..%2fetc/picture", {}),
    "page of a path": ("GET", "/pages/%2e%2e/picture", {}),
    "page that is none": ("GET", f"/pages/{PAGE}", {}),
    "picture that is none": ("GET", f"/pages/{PAGE}/picture", {}),
    "labels as a page": ("GET", "/pages/labels.json/picture", {}),
    "negative line": ("GET", f"/pages/{PAGE}/lines/-1/picture", {}),
    "line of dots": ("GET", f"/pages/{PAGE}/lines/..%2f..%2flabels/picture", {}),
    "huge line number": ("PUT", f"/pages/{PAGE}/lines/{10**30}", {"json": {"text": "a"}}),
    "job of a path": ("GET", "/jobs/..%2f..", {}),
    "export to a path": ("GET", f"/pages/{PAGE}/export?format=../../x", {}),
    # Bodies.
    "a line that is none": ("PUT", LINE, {"json": {"text": "a", "before": None}}),
    "text that is a list": ("PUT", LINE, {"json": {"text": ["a"]}}),
    "text without end": ("PUT", LINE, {"json": {"text": "a" * 100_000}}),
    "text that is half a character": ("PUT", LINE, {"content": rb'{"text": "\ud800"}', "headers": JSON}),
    "before that is half a character": (
        "PUT",
        LINE,
        {"content": rb'{"text": "a", "before": "\ud800"}', "headers": JSON},
    ),
    "no text": ("PUT", LINE, {"json": {}}),
    "no JSON": ("PUT", LINE, {"content": b"{", "headers": JSON}),
    "deep JSON": ("PUT", LINE, {"content": b"[" * 100_000, "headers": JSON}),
    "no file": ("POST", "/read", {"data": {"page": "true"}}),
    "file as text": ("POST", "/read", {"data": {"file": "/etc/passwd"}}),
    "page is no truth value": upload(data={"page": "perhaps"}),
    "unknown kind": upload(path="/pages", data={"kind": "../x"}),
    "broken multipart": ("POST", "/read", {"content": b"--x", "headers": {"content-type": "multipart/form-data"}}),
    "a thousand fields": upload(data={f"f{i}": "x" for i in range(1100)}),
    "empty file": upload(b""),
    "text as picture": upload(b"#!/bin/sh\nrm -rf /\n"),
    "svg": upload(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "a.svg"),
    "zip": upload(b"PK\x03\x04" + b"\0" * 100, "a.zip"),
    "truncated": upload(image()[:-30]),
    "bomb": upload(header_only(60_000, 60_000)),
    "bomb of a page": upload(header_only(60_000, 60_000), data={"page": "true"}),
    "picture without pixels": upload(header_only(0, 7)),
    "locked PDF": upload(encrypted_pdf(), "a.pdf", data={"page": "true"}),
    "PDF as word with broken pages": upload(b"%PDF-1.4\n" + b"x" * 100, "a.pdf"),
    "too large": upload(b"x" * (MOST_BYTES + 200_000)),
    "too large, length unknown": (
        "POST",
        "/read",
        {"content": chunks(), "headers": {"content-type": "multipart/form-data; boundary=x"}},
    ),
    "length is no number": ("POST", "/read", {"content": b"", "headers": {"content-length": "-5"}}),
    # Senders.
    "other Host": headers(host="evil.example"),
    "Host with our name in front": headers(host="127.0.0.1.evil.example"),
    "Host with a user": headers(host="127.0.0.1@evil.example"),
    "no Host": headers(host=""),
    "cross-site Origin": upload(headers={"origin": EVIL}),
    "Origin without an end": upload(headers={"origin": "http://["}),
    "Origin null": upload(headers={"origin": "null"}),
    "Origin of another port": upload(headers={"origin": "http://127.0.0.1:9000"}),
    "cross-site fetch": headers(path="/pages", sec_fetch_site="cross-site", sec_fetch_mode="no-cors"),
    "cross-site navigation": headers(path="/pages", sec_fetch_site="cross-site", sec_fetch_mode="navigate"),
    "cross-site correction": ("PUT", LINE, {"json": {"text": "a"}, "headers": {"origin": EVIL}}),
    # Methods.
    "delete": ("DELETE", f"/pages/{PAGE}", {}),
    "trace": ("TRACE", "/", {}),
    "upload to the page": ("POST", "/", {"content": b"x"}),
}


def content_of(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_requests_are_refused_and_nothing_is_written(client, tmp_path, case):
    method, path, options = HOSTILE[case]
    before = content_of(tmp_path)
    answer = client.request(method, path, **options)
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text)
    assert "nosniff" in answer.headers["x-content-type-options"]
    assert content_of(tmp_path) == before
    assert client.get("/health").json()["waiting"] == 0


def test_what_was_sent_is_not_sent_back(client):
    answer = client.put(LINE, json={"text": "a" * 5_000_000})
    assert answer.status_code == 422 and len(answer.content) < 1000
    (problem,) = answer.json()["detail"]
    assert problem["loc"] == ["body", "text"] and "1000" in problem["msg"]


@pytest.mark.parametrize(
    "sent", [{}, {"authorization": f"Bearer {TOKEN}x"}, {"authorization": TOKEN}, {"cookie": "seq2seq-ocr-token=x"}]
)
@pytest.mark.parametrize("path", ["/", "/health", "/pages", "/static/page.js", "/openapi.json", "/?token=wrong"])
def test_without_the_token_nothing_is_served(serve, sent, path):
    client = serve(Access(TOKEN, loopback_only=False))
    assert client.get(path, headers=sent).status_code == 401


def test_with_the_token_programs_and_browsers_come_in(serve, word):
    client = serve(Access(TOKEN, loopback_only=False))
    sent = {"authorization": f"Bearer {TOKEN}", "host": "scanner.local:8000"}
    assert client.post("/read", files={"file": ("a.png", word)}, headers=sent).status_code == 200
    assert client.get("/", params={"token": TOKEN}, follow_redirects=False).headers["location"] == "/"
    assert client.get("/health").status_code == 200  # by the cookie
    # Browsers also send the cookies of other programs on the host.
    cookies = f'prefs={{"a":1}}; odd; seq2seq-ocr-token={TOKEN}'
    assert serve(Access(TOKEN, loopback_only=False)).get("/health", headers={"cookie": cookies}).status_code == 200
    assert client.get("/health", headers={"origin": EVIL}).status_code == 403


def test_the_page_itself_and_links_to_it_are_allowed(client):
    assert client.get("/", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}).status_code == 200
    for host in ("localhost:8000", "[::1]:8000", "127.0.0.1", "127.0.0.2:8000"):
        assert client.get("/health", headers={"host": host, "origin": f"http://{host}"}).status_code == 200


def test_addresses_of_this_machine():
    assert all(map(is_loopback, ("127.0.0.1", "localhost", "::1", "127.3.4.5")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.2", "example.org", "localhost.example.org")))


def test_a_site_that_has_the_token_may_have_any_name(serve):
    """As behind a proxy that passes on Host."""
    client = serve(command._access(command._parse(["--token", TOKEN])))
    sent = {"host": "ocr.example", "origin": "https://ocr.example"}
    assert client.put(LINE, json={"text": "a"}, headers=sent).status_code == 401
    assert client.put(LINE, json={"text": "a"}, headers={**sent, "cookie": f"{COOKIE}={TOKEN}"}).status_code == 404
    assert serve(command._access(command._parse([]))).get("/health", headers=sent).status_code == 421


def test_servers_on_other_ports_leave_each_other_signed_in(reading, store, learning):
    """Browsers send the cookies of all ports of a host."""
    apps = {port: create_app(reading, store, Access(f"{TOKEN}{port}"), learning) for port in (8001, 8002)}
    clients = {port: TestClient(app, base_url=f"http://127.0.0.1:{port}") for port, app in apps.items()}
    cookies = {}
    for port, client in clients.items():
        answer = client.get("/", params={"token": f"{TOKEN}{port}"}, follow_redirects=False)
        name, value = answer.headers["set-cookie"].partition(";")[0].split("=", 1)
        cookies[name] = value
        client.cookies.clear()
    sent = {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    assert [client.get("/training", headers=sent).status_code for client in clients.values()] == [200, 200]
    wrong = {"cookie": f"{COOKIE}-8001={cookies.popitem()[1]}"}
    assert clients[8001].get("/training", headers=wrong).status_code == 401
