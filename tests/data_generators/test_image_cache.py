"""The cache of decoded images: exact, found again, and rebuilt whenever anything it depends on changes."""

import errno
import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_generators import image_cache, image_folder
from data_generators.image_cache import open_cache
from data_generators.image_folder import OUTSIDE_FOLDER, ImageFolder
from preprocessing.image_file import decode
from preprocessing.word_image import read_word_image
from tests.helpers.tiny import plain_image
from utils.config.image import ImageSizeConfig
from utils.errors import UserError

IMAGE = plain_image(image_size=ImageSizeConfig(y_size=16, x_size=60), fixed_width=False)
COLOUR = plain_image(image_size=ImageSizeConfig(y_size=16, x_size=60, num_channels=3), fixed_width=False)
NAMES = [f"{index:02d}.png" for index in range(12)]
SUFFIXES = [".json", ".labels", ".npy", ".pixels"]


def make_words(folder, names=NAMES):
    rng = np.random.default_rng(1)
    folder.mkdir()
    for name in names:
        pixels = rng.integers(0, 256, (20, int(rng.integers(5, 90)), 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


def files_of_cache(words):
    return sorted(path.suffix for path in (words.parent / "cache").iterdir())


@pytest.fixture
def words(tmp_path):
    return make_words(tmp_path / "words")


@pytest.fixture
def decoded(monkeypatch):
    """Names of the files that have been decoded since."""
    names = []

    def read(path, image):
        names.append(path.name)
        return decode(path, image)

    monkeypatch.setattr(image_folder, "decode", read)
    return names


def opened(words, names=NAMES, image=IMAGE, name="train", owner=""):
    return open_cache(ImageFolder(words, False), names, image, words.parent / "cache", name, owner)


def assert_exact(store, words, names=NAMES, image=IMAGE):
    assert len(store) == len(store.widths) == len(names)
    for index, name in enumerate(names):
        expected = read_word_image(words / name, image)
        assert np.array_equal(store[index], expected) and store.widths[index] == expected.shape[1]


@pytest.mark.parametrize("image", [IMAGE, COLOUR], ids=["grey", "colour"])
def test_it_holds_exactly_what_reading_the_files_gives(words, image):
    first = opened(words, image=image)
    assert len(set(first.widths.tolist())) > 3
    assert_exact(first, words, image=image)
    assert_exact(opened(words, image=image), words, image=image)


def test_the_second_time_nothing_is_decoded(words, decoded):
    opened(words)
    assert sorted(decoded) == NAMES
    decoded.clear()
    assert_exact(opened(words), words)
    assert decoded == []


def append(path):
    """Another size at the same time."""
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    with open(path, "ab") as file:
        file.write(b"more")
    os.utime(path, ns=times)


def replace(path):
    Image.fromarray(np.zeros((20, 33), np.uint8)).save(path)


@pytest.mark.parametrize(
    "change", [replace, append, lambda path: os.utime(path, ns=(1, 1)), lambda path: path.chmod(0o600)]
)
def test_a_changed_file_is_read_again(words, decoded, change):
    """So are all others of its list; with other permissions a file may have become readable."""
    opened(words)
    decoded.clear()
    change(words / NAMES[3])
    assert_exact(opened(words), words)
    assert sorted(decoded) == NAMES
    assert files_of_cache(words) == SUFFIXES, "the outdated cache should be gone"


@pytest.mark.parametrize(
    "change", [{"scale": 0.5}, {"binarization": "otsu"}, {"fixed_width": True}, {"max_pixels": 100_000}]
)
def test_another_geometry_is_decoded_beside_the_first(words, decoded, change):
    opened(words)
    decoded.clear()
    image = IMAGE.model_copy(update=change)
    assert_exact(opened(words, image=image), words, image=image)
    assert sorted(decoded) == NAMES
    decoded.clear()
    assert_exact(opened(words), words)
    assert decoded == []


def test_unusable_files_are_kept_by_reason(words, decoded):
    (words / "text.png").write_text("no image")
    (words / "empty.png").touch()
    (words / "cut.png").write_bytes((words / NAMES[0]).read_bytes()[:150])
    names = ["text.png", NAMES[0], "empty.png", "none.png", "cut.png", NAMES[1]]
    expected = {0: "not an image", 2: "empty file", 3: "missing file", 4: "truncated or damaged file"}
    for _ in range(2):
        store = opened(words, names)
        assert store.problems == expected
        assert [width > 0 for width in store.widths] == [False, True, False, False, False, True]
        assert np.array_equal(store[5], read_word_image(words / NAMES[1], IMAGE))
        assert store[0].shape == (16, 0)
    assert len(decoded) == len(names)
    # Once it is there, the missing file is used.
    (words / "none.png").write_bytes((words / NAMES[2]).read_bytes())
    assert 3 not in opened(words, names).problems


@pytest.mark.parametrize("suffix", [".json", ".index.npy", ".labels", ".pixels"])
def test_a_damaged_cache_is_rebuilt(words, decoded, suffix):
    opened(words)
    (file,) = (words.parent / "cache").glob(f"*{suffix}")
    file.unlink()
    decoded.clear()
    assert_exact(opened(words), words)
    assert sorted(decoded) == NAMES


def test_an_interrupted_build_leaves_no_cache(words, monkeypatch):
    def interrupt(path, image):
        if path.name == NAMES[5]:
            raise KeyboardInterrupt
        return decode(path, image)

    with monkeypatch.context() as patch:
        patch.setattr(image_folder, "decode", interrupt)
        with pytest.raises(KeyboardInterrupt):
            opened(words)
    assert list((words.parent / "cache").iterdir()) == []
    assert_exact(opened(words), words)


def test_a_cache_removed_by_another_process_is_built_again(words, monkeypatch):
    build, removals = image_cache._build, []

    def build_and_lose(read, filenames, image, base, description):
        build(read, filenames, image, base, description)
        if not removals:
            removals.append(base)
            base.with_name(f"{base.name}.pixels").unlink()

    monkeypatch.setattr(image_cache, "_build", build_and_lose)
    assert_exact(opened(words), words)
    assert removals


def test_a_cache_that_can_not_be_written_is_one_sentence(words):
    (words.parent / "cache").write_text("a file")
    with pytest.raises(UserError, match=r"Can't write .*; set cache_folder"):
        opened(words)


def _open_in_process(words: str, barrier, results) -> None:
    barrier.wait(60)
    store = opened(Path(words))
    results.put((os.getpid(), [store[index].tobytes() for index in range(len(store))]))


def test_two_processes_may_build_it_at_once(words):
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(2), context.Queue()
    processes = [context.Process(target=_open_in_process, args=(str(words), barrier, results)) for _ in range(2)]
    for process in processes:
        process.start()
    found = dict(results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join(60)
    expected = [read_word_image(words / name, IMAGE).tobytes() for name in NAMES]
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(found) == 2 and all(pixels == expected for pixels in found.values())
    assert files_of_cache(words) == SUFFIXES


def test_what_a_killed_build_has_left_is_removed(words):
    """Also that of other words: a killed build's temporary is as large as the whole cache."""
    opened(words)
    (cache,) = (words.parent / "cache").glob("*.pixels")
    left = cache.with_name(f".{cache.stem[:-3]}abc-12345678.part.pixels")
    left.write_bytes(b"half")
    os.utime(left, (1, 1))
    opened(words, NAMES[:3])
    assert files_of_cache(words) == SUFFIXES


def test_lists_of_two_owners_do_not_remove_each_other(words, decoded):
    for names, owner in ((NAMES[:6], "one.json"), (NAMES[6:], "other.json")):
        opened(words, names, owner=owner)
    decoded.clear()
    opened(words, NAMES[:6], owner="one.json")
    assert decoded == []
    opened(words, NAMES[:5], owner="one.json")
    assert len(list((words.parent / "cache").glob("*.pixels"))) == 2


def test_links_are_followed_only_within_the_folder(words, tmp_path):
    (tmp_path / "secret").mkdir()
    for name in ("outside.png", "secret/0.png"):
        (tmp_path / name).write_bytes((words / NAMES[0]).read_bytes())
    (words / "in.png").symlink_to(words / NAMES[0])
    (words / "out.png").symlink_to(tmp_path / "outside.png")
    (words / "out").symlink_to(tmp_path / "secret")
    names, cache = ["in.png", "out.png", "out/0.png"], words.parent / "cache"
    store = opened(words, names)
    assert store.problems == dict.fromkeys((1, 2), OUTSIDE_FOLDER)
    assert np.array_equal(store[0], read_word_image(words / NAMES[0], IMAGE))
    followed = open_cache(ImageFolder(words, True), names, IMAGE, cache, "train")
    assert followed.problems == {}
    assert all(np.array_equal(followed[i], store[0]) for i in range(3))


def test_other_code_that_makes_pictures_means_another_cache(words, decoded, monkeypatch):
    opened(words)
    monkeypatch.setattr(image_cache, "code_digest", lambda: "other code")
    opened(words)
    assert sorted(decoded) == sorted(2 * NAMES) and files_of_cache(words) == SUFFIXES


@pytest.mark.parametrize("failure", [OSError(errno.EIO, "Input/output error"), MemoryError()])
def test_what_the_system_could_not_read_is_tried_again(words, monkeypatch, failure):
    real, names = Image.open, [NAMES[1]]

    def fail_once(file, **options):
        if Path(file.name).name in names:
            names.clear()
            raise failure
        return real(file, **options)

    monkeypatch.setattr(Image, "open", fail_once)
    assert list(opened(words).problems) == [1]
    assert_exact(opened(words), words)
