"""A server of the small shipped model, in this process, and a browser's tab."""

import time

import pytest
from starlette.testclient import TestClient

from tests.helpers.browser import browser
from tests.helpers.served_page import running
from tests.helpers.tiny import REPOSITORY
from tools.serve.app import create_app
from tools.serve.learning import Learning
from tools.serve.reading import Reading
from tools.serve.security import Access
from tools.serve.store import Store
from utils.config.load import validate_config

BASE = "http://127.0.0.1:8000"


@pytest.fixture(scope="session")
def reading():
    return Reading(validate_config({}, "test"), REPOSITORY / "snapshots" / "iam_fast")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "corrections")


@pytest.fixture
def learning(reading, store, tmp_path):
    return Learning(reading, store, validate_config({}, "test"), "configs/adapt.yml", [], tmp_path / "experiments")


@pytest.fixture
def serve(reading, store, learning):
    """A function: who may come in -> a client of a server."""
    clients = []

    def start(access=None):
        client = TestClient(
            create_app(reading, store, access or Access(), learning), base_url=BASE, raise_server_exceptions=False
        )
        clients.append(client.__enter__())
        return clients[-1]

    yield start
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(serve):
    return serve()


@pytest.fixture
def added(client):
    """A function: content and kind -> the finished job of an uploaded file."""

    def add(content, kind="line", name="word.png"):
        answer = client.post("/pages", files={"file": (name, content)}, data={"kind": kind})
        assert answer.status_code == 202, answer.text
        while (job := client.get(f"/jobs/{answer.json()['job']}").json())["state"] not in ("done", "failed"):
            time.sleep(0.02)
        return job

    return add


@pytest.fixture
def word():
    return (REPOSITORY / "test_images" / "look.png").read_bytes()


@pytest.fixture
def site(reading, store, learning):
    with running(create_app(reading, store, Access(), learning)) as address:
        yield address


@pytest.fixture
def page(tmp_path):
    with browser(tmp_path / "profile") as opened:
        yield opened
