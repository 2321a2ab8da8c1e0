"""Makes inputs that people really have, and some that only an attacker would: images, labels, configs, lists.

python -m tests.bad_inputs FOLDER

Each table gives a name, the content, and words of the sentence that must refuse it; `None` where the
input is odd but good. `tests/system/test_bad_inputs.py` runs every command that such an input can reach.
"""

import io
import json
import os
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

ESCAPE = "\x1b[31m\u202e"  # turns a terminal red and its text around


def word() -> np.ndarray:
    """uint8 (24, 60): a dark mark on white paper."""
    pixels = np.full((24, 60), 255, np.uint8)
    pixels[4:12, 6:30] = 40
    return pixels


def encoded(picture: np.ndarray | Image.Image, form: str, **options) -> bytes:
    """A picture as a file of the given format."""
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("word.png", encoded(word(), "PNG"))
    return buffer.getvalue()


def images() -> dict[str, tuple[bytes, str | None]]:
    """Image files, by name."""
    noise = np.random.default_rng(1).integers(0, 256, (60, 90), np.uint8)
    grey, rgba = Image.fromarray(word()), np.zeros((24, 60, 4), np.uint8)
    rgba[4:12, 6:30] = (40, 40, 40, 255)
    exif = Image.Exif()
    exif[0x0112] = 6
    bad = {
        "empty.png": (b"", "empty file"),
        "text.png": (b"no image\n", "not an image"),
        "page.html.png": (b"<!doctype html><script>alert(1)</script>", "not an image"),
        "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
        "script.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(id) system\n", "not an image"),
        "paper.pdf": (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", "not an image"),
        "archive.png": (zipped(), "not an image"),
        "zeros.png": (bytes(1000), "not an image"),
        "signature.png": (b"\x89PNG\r\n\x1a\n", "not an image"),
        "bomb.png": (png_of(30_000, 30_000), "30000x30000 pixels are more than image.max_pixels allows"),
        "claims.png": (png_of(2_000_000_000, 2), "pixels are more than image.max_pixels allows"),
        "no_pixels.png": (png_of(60, 24), "truncated or damaged"),
        "no_width.ppm": (b"P5 0 24 255\n", "not an image"),
    }
    for form in ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM"):
        content = encoded(noise, form)
        bad[f"cut.{form.lower()}"] = (content[: len(content) // 2], "truncated or damaged")
    return bad | {
        "one_pixel.png": (encoded(np.zeros((1, 1), np.uint8), "PNG"), None),
        "line.png": (encoded(np.zeros((1, 5000), np.uint8), "PNG"), None),
        "16_bit.png": (encoded(word().astype(np.uint16) * 257, "PNG"), None),
        "float.tif": (encoded(word().astype(np.float32) / 255, "TIFF"), None),
        "no_number.tif": (encoded(np.full((24, 60), np.nan, np.float32), "TIFF"), None),
        "transparent.png": (encoded(rgba, "PNG"), None),
        "cmyk.jpg": (encoded(grey.convert("CMYK"), "JPEG"), None),
        "palette.gif": (encoded(grey.convert("P"), "GIF"), None),
        "animated.gif": (encoded(grey, "GIF", save_all=True, append_images=[grey.rotate(180)]), None),
        "rotated.jpg": (encoded(np.ascontiguousarray(np.rot90(word())), "JPEG", exif=exif), None),
        "one_bit.png": (encoded(grey.convert("1"), "PNG"), None),
        "misnamed.txt": (encoded(word(), "WEBP"), None),
        f"red{ESCAPE}.png": (encoded(word(), "PNG"), None),
    }


def make_special_files(folder: Path) -> None:
    """Makes what is no plain file."""
    (folder / "folder.png").mkdir()
    (folder / "nowhere.png").symlink_to("nothing.png")
    (folder / "circle.png").symlink_to("circle.png")
    os.mkfifo(folder / "pipe.png")
    (folder / "endless.png").symlink_to("/dev/zero")


def _entry(filename: object = "good/0.png", label: object = "a", **more: object) -> dict:
    return {"filename": filename, "label": label, **more}


def _labels(*entries: object, **splits: object) -> bytes:
    good = [_entry()]
    return json.dumps({"train": list(entries), "val": good, "test": list(entries), **splits}).encode()


def labels() -> dict[str, tuple[bytes, str]]:
    """Labels files, by name; all of them are refused for training and for evaluation."""
    good = [_entry()]
    without = {
        f"no_{name}": (
            json.dumps({split: good for split in ("train", "val", "test") if split != name}).encode(),
            f"no '{name}' split",
        )
        for name in ("train", "val", "test")
    }
    outside = {
        f"outside_{index}": (_labels(_entry(filename)), "leaves the images folder")
        for index, filename in enumerate(
            ["/etc/passwd", "../secret.png", "a/../../b.png", "C:\\a.png", "\\\\host\\a", "..\\a.png"]
        )
    }
    return without | outside | {
        "empty": (b"", "not valid JSON"),
        "cut": (_labels(_entry())[:-20], "not valid JSON"),
        "yaml": (b"train: []\n", "not valid JSON"),
        "binary": (bytes(range(256)), "not valid JSON"),
        "nested": (b"[" * 200_000, "not valid JSON"),
        "repeated_key": (b'{"train": [], "train": [], "val": [], "test": []}', "key 'train' twice"),
        "huge_number": (b'{"train": ' + b"9" * 5000 + b', "val": [], "test": []}', "not valid JSON"),
        "list": (b"[]", "must hold an object"),
        "null": (b"null", "must hold an object"),
        "number": (b"NaN", "must hold an object"),
        "split_of_text": (_labels(train="a.png", test="a.png"), "must be a list"),
        "split_of_keys": (_labels(train={"a.png": "a"}, test={}), "must be a list"),
        "entry_of_text": (_labels("a.png"), "must be an object"),
        "no_filename": (_labels({"label": "a"}), "has no 'filename'"),
        "no_label": (_labels({"filename": "a.png"}), "has no 'label'"),
        "label_of_number": (_labels(_entry(label=3)), "label must be a string"),
        "label_of_null": (_labels(_entry(label=None)), "label must be a string"),
        "filename_of_list": (_labels(_entry(["a.png"])), "filename must be a string"),
        "writer_of_number": (_labels(_entry(writer=7)), "writer must be a string"),
        "filename_empty": (_labels(_entry("")), "can't be a file"),
        "filename_zero_byte": (_labels(_entry("a\0.png")), "can't be a file"),
        "half_character": (_labels(_entry(label="\ud800")), "half a character"),
        "half_character_name": (_labels(_entry("\udcff.png")), "half a character"),
        "escapes_in_name": (_labels(_entry(f"/{ESCAPE}.png")), "leaves the images folder"),
        "escapes_in_split": (_labels(_entry(f"{ESCAPE}.png"), **{ESCAPE: []}), "no usable word"),
        "no_words": (_labels(), "no usable word"),
        "empty_labels": (_labels(_entry(label=""), _entry(label="  ")), "no usable word"),
        "images_gone": (_labels(*[_entry(f"{i}.png") for i in range(50)]), "50 missing file"),
        "too_many_gone": (
            _labels(*[_entry() for _ in range(9)], _entry("gone.png")),
            "1 of 10",
        ),
        "too_many_empty": (
            _labels(*[_entry() for _ in range(17)], _entry("gone.png"), _entry(label=" ")),
            "2 of 19",
        ),
        "link_out": (_labels(_entry("out.png")), "link that leads out of images_folder"),
        "link_out_by_folder": (_labels(_entry("out/0.png")), "link that leads out of images_folder"),
    }  # fmt: skip


def training_labels() -> dict[str, tuple[bytes, str]]:
    """Labels files that can be evaluated but not trained on."""
    return {
        "too_long": (_labels(_entry(label="much too long")), "1 label too long for network.max_seq_length"),
        "foreign": (_labels(_entry(label="ß")), "1 label has characters outside the charset"),
        "no_validation": (_labels(_entry(), val=[]), "no usable word in its val split"),
        "validation_foreign": (_labels(_entry(), val=[_entry(label="ß")]), "No validation label"),
    }


def tables() -> dict[str, tuple[bytes, str]]:
    """Tables of one's own words, by name; `tools.create_labels` refuses all of them."""
    head = "filename,label\n"
    lines = {
        "empty": ("", "has no lines"),
        "blank": (" \n\n", "has no lines"),
        "one_column": ("good/0.png\n", "has 1 columns"),
        "many_columns": (head + "good/0.png,a,b,c\n", "4 columns instead of 2"),
        "unknown_column": ("filename,label,text\n", "the header is"),
        "same_column": ("filename,label,label\n", "at most once"),
        "open_quote": (head + 'good/0.png,"a\n', "is malformed"),
        "no_such_split": ("filename,label,split\ngood/0.png,a,dev\n", "split is 'dev'"),
        "escapes_in_split": (f"filename,label,split\ngood/0.png,a,{ESCAPE}\n", "split is"),
        "outside": (head + "../secret.png,a\n", "leaves the images folder"),
        "absolute": (head + "/etc/passwd,a\n", "leaves the images folder"),
        "windows": (head + "C:\\a.png,a\n", "leaves the images folder"),
        "zero_byte": (head + "a\0.png,a\n", "can't be a file"),
        "formula": (head + "=cmd|' /C calc'!A0,a\n", "No usable word: 1 missing image"),
        "escapes": (head + f"{ESCAPE}.png,{ESCAPE}\n", "No usable word: 1 missing image"),
        "no_labels": (head + "good/0.png,\n", "No usable word: 1 empty label"),
        "header_only": (head, "No usable word"),
    }
    return {name: (text.encode(), words) for name, (text, words) in lines.items()} | {
        "latin": ("good/0.png,Größe\n".encode("latin-1"), "is not UTF-8 text"),
        "binary": (bytes(range(128, 256)), "is not UTF-8 text"),
    }


def lexicons() -> dict[str, tuple[bytes, str]]:
    """Lists of words, by name; none can be read by."""
    return {
        "empty": (b"", "holds no words"),
        "blank": (b"\n \n\t5\n", "holds no words"),
        "binary": (bytes(range(256)), "is not UTF-8 text"),
        "latin": ("Größe\n".encode("latin-1"), "is not UTF-8 text"),
        "text_for_number": (b"word\tmany\n", "must be a number above 0"),
        "negative": (b"word\t-1\n", "must be a number above 0"),
        "nought": (b"word\t0\n", "must be a number above 0"),
        "endless": (b"word\tinf\n", "must be a number above 0"),
        "not_a_number": (b"word\tnan\n", "must be a number above 0"),
        "escapes": (f"word\t{ESCAPE}\n".encode(), "must be a number above 0"),
    }


def configs() -> dict[str, tuple[bytes, str]]:
    """Config files, by name; every command refuses them."""
    lines = {
        "unknown": ("trian: {}", "unknown key trian"),
        "unknown_deep": ("train: {batchsize: 3}", "nearest is train.batch_size"),
        "escapes": ('"\\e[31m": 1', "unknown key"),
        "text_for_number": ("train: {batch_size: many}", "train.batch_size"),
        "fraction": ("train: {batch_size: 2.5}", "whole number"),
        "negative": ("train: {batch_size: -1}", "1 or more"),
        "not_a_number": ("train: {learning_rate: .nan}", "finite number"),
        "endless": ("train: {learning_rate: .inf}", "finite number"),
        "switch": ("network: {bidirectional: 'yes'}", "true or false"),
        "value_for_section": ("train: 3", "section of keys"),
        "list_for_section": ("network: [1]", "section of keys"),
        "null_for_section": ("network: null", "section of keys"),
        "choice": ("train: {optimizer: adamm}", "train.optimizer"),
        "share": ("train: {max_unusable_share: 5}", "1 or less"),
        "too_much_pooling": (
            "network: {num_filters: [4], conv_kernels: [[3, 3]], pooling: [[200, 1]], strides: null,"
            " use_batch_norm: true}",
            "block 1",
        ),
        "too_many_blocks": (
            "network: {num_filters: [4, 4, 4], conv_kernels: [[3, 3], [3, 3], [3, 3]],"
            " pooling: [[16, 1], [2, 1], [2, 2]], strides: null, use_batch_norm: true}",
            "block 3",
        ),
        "blocks_differ": ("network: {num_filters: [4, 4]}", "one per block"),
        "flatten": ("network: {columns: flatten, ctc_weight: 0}", "fixed_width"),
        "decoder": ("network: {decoder_layers: 2, attention: none}", "attention"),
        "both_schedules": (
            "{train: {schedule: cosine}, callbacks: {reduce_lr_on_plateau: {enabled: true}}}",
            "schedule",
        ),
        "huge_network": ("network: {latent_dim: 1000000000000}", "65536 or less"),
        "large_image": (
            "image: {image_size: {y_size: 60000, x_size: 60000}}",
            "image.image_size.y_size 60000 times x_size 60000 is more than 16777216",
        ),
        "endless_blocks": (f"network: {{num_filters: {[1] * 101}}}", "100 or fewer entries"),
        "huge_image": ("image: {image_size: {y_size: 9999999999}}", "65536 or less"),
        "zoom": ("data_aug: {zoom_range: [2, 1]}", "smallest"),
        "code": ('!!python/object/apply:os.system ["touch proof"]', "not valid YAML"),
        "code_deep": ("seed: !!python/name:os.system", "not valid YAML"),
        "twice": ("seed: 1\nseed: 2", "occurs twice"),
        "nested": ("[" * 1000, "not valid YAML"),
        "tabs": ("train:\n\tseed: 1", "not valid YAML"),
        "open_quote": ('seed: "1', "not valid YAML"),
        "aliases": ("a: &a [1]\nb: &b [*a, *a]\nseed: [*b, *b]", "seed is"),
        "merges": (_merges(), "key"),  # merges too many; PyYAML since 6.0.4 unfolds none: then an unknown one
        "half_character": ('labels_file: "\\ud800"', "half a character"),
        "zero_byte": ('labels_file: "a\\0b"', "zero byte"),
        "nothing": ("", "holds nothing"),
        "list": ("- 1", "holds a list"),
        "single": ("word", "single value"),
    }
    return {name: (text.encode(), expected) for name, (text, expected) in lines.items()} | {
        "binary": (bytes(range(256)), "not a text file in UTF-8"),
        "latin": ("labels_file: Größe".encode("latin-1"), "not a text file in UTF-8"),
    }


def _merges() -> str:
    """Mappings that merge others, nine times over: more keys than memory holds."""
    lines = ["a0: &a0 {k: 1}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 12)]
    return "\n".join(lines)


def write_all(folder: Path) -> int:
    """Writes every file of the tables into sub-folders; returns their number."""
    kinds = {
        "images": images(),
        "labels": {f"{name}.json": case for name, case in (labels() | training_labels()).items()},
        "configs": {f"{name}.yml": case for name, case in configs().items()},
        "tables": {f"{name}.csv": case for name, case in tables().items()},
        "lexicons": {f"{name}.tsv": case for name, case in lexicons().items()},
    }
    for kind, files in kinds.items():
        (folder / kind).mkdir(parents=True)
        for name, (content, _) in files.items():
            (folder / kind / name).write_bytes(content)
    make_special_files(folder / "images")
    return sum(map(len, kinds.values()))


if __name__ == "__main__":
    print(f"{write_all(Path(sys.argv[1]))} files in {sys.argv[1]}")
