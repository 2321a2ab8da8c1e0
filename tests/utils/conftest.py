"""A config file written for one test."""

import pytest


@pytest.fixture
def write(tmp_path):
    def _write(content):
        path = tmp_path / "c.yml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return _write
