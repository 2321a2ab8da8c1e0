"""Makes inputs that people really have, and some that only an attacker would: images, labels, configs, lists.

Each table gives a name, the content, and words of the sentence that must refuse it; `None` where the input is odd but
good. `tests/system/test_bad_inputs.py` runs every command that such an input can reach.
"""

import io
import json
import os
import struct
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
        "bomb.png": (png_of(30_000, 30_000), "more pixels than image.max_pixels allows"),
        "claims.png": (png_of(2_000_000_000, 2), "more pixels than image.max_pixels allows"),
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


def entry(filename: object = "good/0.png", label: object = "a", **more: object) -> dict:
    return {"filename": filename, "label": label, **more}


def labels_file(*entries: object, **splits: object) -> bytes:
    good = [entry()]
    return json.dumps({"train": list(entries), "val": good, "test": list(entries), **splits}).encode()


def labels() -> dict[str, tuple[bytes, str]]:
    """Labels files, by name; all of them are refused for training and for evaluation."""
    return {
        "no_val": (json.dumps({"train": [entry()], "test": [entry()]}).encode(), "'val'"),
        "outside": (labels_file(entry("a/../../b.png")), "images folder"),
        "outside_on_windows": (labels_file(entry("C:\\a.png")), "images folder"),
        "cut": (labels_file(entry())[:-20], "JSON"),
        "binary": (bytes(range(256)), "JSON"),
        "nested": (b"[" * 200_000, "JSON"),
        "list": (b"[]", "object"),
        "label_of_number": (labels_file(entry(label=3)), "label"),
        "filename_zero_byte": (labels_file(entry("a\0.png")), "filename"),
        "half_character_name": (labels_file(entry("\udcff.png")), "half a character"),
        "escapes_in_name": (labels_file(entry(f"/{ESCAPE}.png")), "images folder"),
        "escapes_in_split": (labels_file(entry(f"{ESCAPE}.png"), **{ESCAPE: []}), "usable"),
        "no_words": (labels_file(), "usable"),
        "empty_labels": (labels_file(entry(label=""), entry(label="  ")), "usable"),
        "images_gone": (labels_file(*[entry(f"{i}.png") for i in range(50)]), "50 missing"),
        "too_many_gone": (labels_file(*[entry() for _ in range(9)], entry("gone.png")), "1 of 10"),
        "link_out": (labels_file(entry("out.png")), "link"),
        "link_out_by_folder": (labels_file(entry("out/0.png")), "link"),
    }


def training_labels() -> dict[str, tuple[bytes, str]]:
    """Labels files that can be evaluated but not trained on."""
    return {
        "too_long": (labels_file(entry(label="much too long")), "max_seq_length"),
        "foreign": (labels_file(entry(label="ß")), "charset"),
        "no_validation": (labels_file(entry(), val=[]), "val"),
        "validation_foreign": (labels_file(entry(), val=[entry(label="ß")]), "validation label"),
    }


def tables() -> dict[str, tuple[bytes, str]]:
    """Tables of one's own words, by name; `tools.create_labels` refuses all of them."""
    head = "filename,label\n"
    return {
        "open_quote": (f'{head}good/0.png,"a\n'.encode(), "malformed"),
        "escapes_in_split": (f"filename,label,split\ngood/0.png,a,{ESCAPE}\n".encode(), "split"),
        "windows": (f"{head}C:\\a.png,a\n".encode(), "images folder"),
        "zero_byte": (f"{head}a\0.png,a\n".encode(), "file"),
        "formula": (f"{head}=cmd|' /C calc'!A0,a\n".encode(), "1 missing image"),
        "escapes": (f"{head}{ESCAPE}.png,{ESCAPE}\n".encode(), "1 missing image"),
        "binary": (bytes(range(128, 256)), "UTF-8"),
    }


def lexicons() -> dict[str, tuple[bytes, str]]:
    """Lists of words, by name; none can be read by."""
    return {
        "blank": (b"\n \n\t5\n", "no words"),
        "binary": (bytes(range(256)), "UTF-8"),
        "escapes": (f"word\t{ESCAPE}\n".encode(), "above 0"),
    }


def configs() -> dict[str, tuple[bytes, str]]:
    """Config files, by name; every command refuses them."""
    lines = {
        "unknown": ("train: {batchsize: 3}", "train.batch_size"),
        "escapes": ('"\\e[31m": 1', "unknown key"),
        "not_a_number": ("train: {learning_rate: .nan}", "train.learning_rate"),
        "null_for_section": ("network: null", "network"),
        "blocks_differ": ("network: {num_filters: [4, 4]}", "num_filters"),
        "huge_network": ("network: {latent_dim: 1000000000000}", "network.latent_dim"),
        "large_image": ("image: {image_size: {y_size: 60000, x_size: 60000}}", "image.image_size"),
        "endless_blocks": (f"network: {{num_filters: {[1] * 101}}}", "network.num_filters"),
        "code": ('!!python/object/apply:os.system ["touch proof"]', "YAML"),
        "nested": ("[" * 1000, "YAML"),
        "merges": (_merges(), "key"),  # merges too many; PyYAML since 6.0.4 unfolds none: then an unknown one
        "nothing": ("", "nothing"),
    }
    return {name: (text.encode(), words) for name, (text, words) in lines.items()} | {
        "binary": (bytes(range(256)), "UTF-8")
    }


def _merges() -> str:
    """Mappings that merge others, nine times over: more keys than memory holds."""
    lines = ["a0: &a0 {k: 1}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 12)]
    return "\n".join(lines)


def write_all(folder: Path) -> None:
    """Writes every file of the tables into sub-folders."""
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
