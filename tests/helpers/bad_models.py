"""Damages model folders: by accident, and as an attacker would.

`MODELS` gives a change of a model folder and a word of the sentence that must refuse it.
"""

import hashlib
import json
import os
import pickle
import shutil
from pathlib import Path

import h5py
import numpy as np

from tests.helpers.bad_inputs import ESCAPE
from tests.helpers.models import description_of


def weights_of(folder: Path) -> Path:
    return folder / description_of(folder)["weights"]


def describe(folder: Path, **changes) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


def sign(folder: Path) -> None:
    """Makes the description name the weights' present checksum, as an attacker would."""
    describe(folder, weights_sha256=hashlib.sha256(weights_of(folder).read_bytes()).hexdigest())


def edit_weights(folder: Path, change) -> None:
    """Replaces the first array of the weights file by what `change(group, name, values)` makes."""
    with h5py.File(weights_of(folder), "r+") as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        values = file[names[0]][()]
        del file[names[0]]
        change(file, names[0], values)
    sign(folder)


def compressed(file, name, values):
    file.create_dataset(name, values.shape, values.dtype, chunks=True, fillvalue=0, compression="gzip")


def elsewhere(file, name, values):
    file.create_dataset(name, values.shape, values.dtype, external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])


def set_item(make):
    """A change for `edit_weights`: the array is replaced by `make(values)`."""
    return lambda file, name, values: file.__setitem__(name, make(values))


def cut(folder: Path) -> None:
    weights_of(folder).write_bytes(weights_of(folder).read_bytes()[:-100])


def replaced_by_link(folder: Path, name: str) -> None:
    shutil.move(folder / name, folder.parent / "outside")
    (folder / name).symlink_to(folder.parent / "outside")


def replaced_by_pipe(folder: Path) -> None:
    (folder / "model.json").unlink()
    os.mkfifo(folder / "model.json")


class Exploit:
    """Unpickling it would create the folder `proof`."""

    def __reduce__(self):
        return (os.mkdir, ("proof",))


def signed(change):
    """A change of the weights file together with the checksum."""
    return lambda folder: (change(folder), sign(folder))


MODELS = {
    "no description": (lambda f: (f / "model.json").unlink(), "no model folder"),
    "no weights": (lambda f: weights_of(f).unlink(), "lacks"),
    "cut weights": (cut, "checksum"),
    "cut weights, signed": (signed(cut), "fit"),
    "text for weights": (signed(lambda f: weights_of(f).write_text("words")), "fit"),
    "pickle for weights": (signed(lambda f: weights_of(f).write_bytes(pickle.dumps(Exploit()))), "fit"),
    "weights of another network": (lambda f: describe(f, charset="abcdefg"), "fit"),
    "weights link out": (lambda f: replaced_by_link(f, weights_of(f).name), "link"),
    "description links out": (lambda f: replaced_by_link(f, "model.json"), "link"),
    "description is a pipe": (replaced_by_pipe, "regular file"),
    "weights are the folder above": (lambda f: describe(f, weights=".."), "link"),
    "weights with escapes": (lambda f: describe(f, weights=f"{ESCAPE}.weights.h5"), "lacks"),
    "nested description": (lambda f: (f / "model.json").write_text("[" * 200_000), "model.json"),
    "binary description": (lambda f: (f / "model.json").write_bytes(b"\xff\xfe\x00"), "model.json"),
    "charset of halves": (lambda f: describe(f, charset="a\ud800"), "model.json"),
    "charset is empty": (lambda f: describe(f, charset=""), "charset"),
    "charset repeats": (lambda f: describe(f, charset="aa"), "charset"),
    "large charset": (lambda f: describe(f, charset="".join(map(chr, range(0x4E00, 0x9FFF)))), "fit"),
}
for text in ("", "{", "[]", '"model"', "null", '{"format": 99}'):
    MODELS[f"description {text}"] = (lambda f, text=text: (f / "model.json").write_text(text), "model.json")
for key, value in (
    *(("weights", value) for value in ("../outside.weights.h5", "/etc/passwd", "", 3)),
    *(("charset", value) for value in (None, ["a"])),
    *(("network", value) for value in ([], {"latent_dim": 10**12}, {"class_name": "Lambda"})),
    *(("image", value) for value in ({"unknown": 1}, {"image_size": {"y_size": 1, "x_size": 1}})),
    ("origin", [ESCAPE]),
    ("weights_sha256", None),
    ("format", 99),
):
    MODELS[f"{key} {value!a}"] = (lambda f, key=key, value=value: describe(f, **{key: value}), "model.json")
# Networks that need more memory than there is, described beside small weights.
for sizes in (
    *({name: 65_536} for name in ("latent_dim", "encoder_dim", "column_dim", "embedding_dim")),
    {"num_filters": [65_536]},
    {"num_filters": [4096], "residual": [100]},
    {"encoder_layers": 100},
):
    MODELS[f"network {sizes}"] = (
        lambda f, sizes=sizes: describe(f, network={**description_of(f)["network"], **sizes}),
        "fit",
    )
for name, (change, words) in {
    "no numbers": (set_item(lambda values: np.full_like(values, np.nan)), "undefined"),
    "compressed": (compressed, "compressed"),
    "link": (set_item(lambda values: h5py.ExternalLink("/etc/passwd", "/")), "link"),
    "soft link": (set_item(lambda values: h5py.SoftLink("/")), "link"),
    "elsewhere": (elsewhere, "another file"),
    "text": (set_item(lambda values: "words"), "fit"),
    "another shape": (set_item(np.ravel), "fit"),
    "missing": (lambda file, name, values: None, "fit"),
}.items():
    MODELS[f"HDF5 {name}"] = (lambda f, change=change: edit_weights(f, change), words)
