"""Asserts that commands refuse bad inputs: exit code 2, one sentence, and nothing changed on disk."""

import hashlib
from pathlib import Path

import main


def tree(folder: Path) -> dict[str, object]:
    """Every path in a folder with its kind, size, content and time."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        status, plain = path.lstat(), path.is_file() and not path.is_symlink()
        content = hashlib.sha256(path.read_bytes()).digest() if plain else b""
        time = 0 if path.is_dir() else status.st_mtime_ns
        found[str(path)] = (status.st_mode, status.st_size, content, time)
    return found


def outcome(capfd, arguments, job=main.main) -> tuple[int, str, str]:
    """Exit code, stdout and stderr, of Python and of the libraries below it."""
    capfd.readouterr()
    code = job([str(argument) for argument in arguments])
    output = capfd.readouterr()
    shown = output.out + output.err
    assert "Traceback" not in shown and not set(shown) & set("\x1b\x9b\u202e"), shown
    return code, output.out, output.err


def assert_refused(capfd, folder: Path, arguments, words: str, job=main.main, listing: Path | None = None) -> None:
    """`job` ends with 2, prints a last line with `words`, and leaves `folder`, but for a `listing`, as it was."""
    before = tree(folder)
    code, out, error = outcome(capfd, arguments, job)
    assert code == 2 and out == "", error
    sentence = error.splitlines()[-1]
    assert words in sentence and sentence.endswith("."), error
    after = tree(folder)
    if listing:
        after.pop(str(listing), None)
    assert after == before
