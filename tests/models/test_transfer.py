"""Starting from another model's weights with a charset of one's own: each character keeps its rows."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import main
from models.model_folder import ModelFolder
from models.model_seq2seq import ModelSeq2Seq
from models.model_spec import ModelSpec
from models.saving import save_model
from models.transfer import HANDICAP, check_same_shape, load_pretrained
from preprocessing.tokenizer import NUM_SPECIAL, Tokenizer
from tests.helpers.models import description_of, load
from tests.helpers.tiny import CHARSET, merged, tiny_settings, write_settings
from tests.helpers.training import last_line
from trainers.run import _tokenizer as choose_tokenizer
from utils.errors import UserError
from utils.files import write_json

pytestmark = pytest.mark.usefixtures("eagerly")
FULL = {"attention": "luong", "embedding_dim": 5, "ctc_weight": 0.3, "use_batch_norm": True}
OLD = "beau[]"


def build(make_config, charset, seed, network=FULL, **changes):
    config = make_config(network=network, **changes)
    keras.utils.set_random_seed(seed)
    model = ModelSeq2Seq(ModelSpec(config.image, config.network, Tokenizer(charset)))
    rng = np.random.default_rng(seed)
    for variable in model.keras_model.weights:
        variable.assign(np.abs(variable + rng.normal(0, 0.5, variable.shape)))
    return model


@pytest.fixture
def saved(make_config, tmp_path):
    """A function: network settings -> (folder, model of charset OLD)."""

    def save(network=FULL):
        model = build(make_config, OLD, 5, network)
        save_model(tmp_path / "model", model, {})
        return tmp_path / "model", model

    return save


def arrays(model):
    return {variable.path: np.array(variable) for variable in model.keras_model.weights}


def rows_of_characters(model):
    """{path: array with one row per id} of the variables that know characters."""
    found = {}
    for path, values in arrays(model).items():
        axes = [i for i, size in enumerate(values.shape) if size == model.tokenizer.vocabulary_size]
        if axes:
            found[path] = np.moveaxis(values, axes[0], 0)
    return found


def ids(charset, characters):
    return [NUM_SPECIAL + charset.index(char) for char in characters]


def logits(model, text, characters):
    """(columns and characters, rows): what an untrained model makes of an image, for some characters only."""
    image = np.random.default_rng(0).integers(0, 255, (1, 16, 64, 1)).astype(np.uint8)
    written, _ = model.tokenizer.encode_batch([text])
    inputs = {"image": image, "width": np.array([64], np.int32), "decoder_input": written}
    outputs = model.keras_model(inputs)
    outputs = outputs if isinstance(outputs, dict) else {"characters": outputs}
    chosen = [0, 1, 2, *ids(model.tokenizer.charset, characters)]
    return np.concatenate([np.array(outputs[name])[0] for name in sorted(outputs)])[:, chosen]


@pytest.mark.parametrize(
    ("network", "tables"),
    [
        (FULL, {"embeddings": 1, "kernel": 2, "bias": 2}),
        ({"attention": "none", "embedding_dim": 0}, {"kernel": 2, "bias": 1}),
    ],
)
def test_characters_keep_their_rows_to_the_bit(make_config, saved, network, tables):
    folder, old = saved(network)
    before = rows_of_characters(old)
    names = [path.rsplit("/", 1)[1] for path in before]
    assert {name: names.count(name) for name in names} == tables
    special = list(range(NUM_SPECIAL))
    for charset in (OLD + "öé漢x", "é]bz[u", "uae"):
        model = build(make_config, charset, 6, network)
        change = load_pretrained(ModelFolder(folder), model)
        kept = [char for char in OLD if char in charset]
        assert sorted(change.kept) == sorted(kept)
        assert (set(change.new), set(change.dropped)) == (set(charset) - set(OLD), set(OLD) - set(charset))
        after = arrays(model)
        for path, values in arrays(old).items():
            if path not in before:
                assert np.array_equal(after[path], values), path
                continue
            rows = rows_of_characters(model)[path]
            assert np.array_equal(rows[special + ids(charset, kept)], before[path][special + ids(OLD, kept)]), path
        text = "ub" if "b" in kept else "ua"
        expected = logits(old, text, kept)
        assert np.allclose(logits(model, text, kept), expected, atol=1e-5) and expected.std() > 0.01
    assert len(arrays(old)) >= len(before) + 8


def test_new_characters_begin_as_their_letter_or_at_random(make_config, saved):
    folder, old = saved()
    charset = OLD + "é漢"
    model = build(make_config, charset, 6)
    drawn = rows_of_characters(model)
    load_pretrained(ModelFolder(folder), model)
    before, after = rows_of_characters(old), rows_of_characters(model)
    accented, letter, foreign = ids(charset, "é")[0], ids(OLD, "e")[0], ids(charset, "漢")[0]
    for path, rows in before.items():
        if path.endswith("bias"):
            assert after[path][accented] == rows[letter] - np.float32(HANDICAP)
            assert after[path][foreign] == rows[NUM_SPECIAL:].min() - np.float32(HANDICAP)
        else:
            assert np.array_equal(after[path][accented], rows[letter])
            assert np.array_equal(after[path][foreign], drawn[path][foreign])
    # So nothing new is read before training: each accented letter is less probable than its own.
    both = logits(model, "abe", "eé")[:, NUM_SPECIAL:]
    assert np.allclose(both[:, 0] - both[:, 1], HANDICAP, atol=1e-4)


def test_all_new_characters_of_a_letter_together_are_improbable(make_config, saved):
    folder, _ = saved()
    model = build(make_config, OLD + "éèê", 6)
    load_pretrained(ModelFolder(folder), model)
    letter, *new = (np.exp(logits(model, "abe", char)[:, -1]) for char in "eéèê")
    assert np.allclose(sum(new), letter * np.exp(-HANDICAP), rtol=1e-3)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"network": {"latent_dim": 20}}, "network.latent_dim"),
        ({"network": {"pooling": [[4, 2]]}}, "network.pooling"),
        ({"network": {"ctc_weight": 0.0}}, "network.ctc_weight"),
        ({"network": {"attention": "none"}}, "network.attention"),
        ({"image": {"image_size": {"y_size": 20}}}, "image.image_size.y_size"),
        ({"image": {"normalization": "standard"}}, "image.normalization"),
    ],
)
def test_another_network_or_geometry_is_refused(make_config, changes, key, folder_of_full):
    config = make_config(**merged({"network": FULL}, changes))
    with pytest.raises(UserError) as error:
        check_same_shape(ModelFolder(folder_of_full), config.image, config.network)
    assert f"has {key} " in str(error.value) and str(folder_of_full) in str(error.value)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


@pytest.mark.parametrize("normalized", [True, False])
@pytest.mark.parametrize("before", [None, [1]])
def test_more_residual_units_first_read_as_the_model_does_and_learn(make_config, saved, before, normalized):
    network = {**FULL, "use_batch_norm": normalized}
    folder, old = saved({**network, "residual": before})
    grown = build(make_config, OLD, 6, {**network, "residual": [2]})
    load_pretrained(ModelFolder(folder), grown)
    assert grown.encoder.count_params() > old.encoder.count_params()
    assert np.array_equal(logits(old, "abe", OLD), logits(grown, "abe", OLD))

    image = np.random.default_rng(1).integers(0, 255, (2, 16, 64, 1)).astype(np.uint8)
    columns = keras.Model(grown.encoder.inputs, grown.encoder.get_layer("columns").output[0])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(columns([image, np.array([64, 40], np.int32)]) ** 2)
    name = "batch_norm_1_1b/gamma" if normalized else "conv_1_1b/kernel"
    last = next(v for v in grown.encoder.trainable_variables if v.path == name)
    assert not np.any(last) and np.any(tape.gradient(loss, last.value))


def test_a_network_with_fewer_residual_units_is_refused(make_config, saved):
    folder, _ = saved({**FULL, "residual": [1]})
    config = make_config(network=FULL)
    with pytest.raises(UserError, match=r"network\.residual \[1\], the config \[0\]"):
        check_same_shape(ModelFolder(folder), config.image, config.network)


def test_what_no_weight_depends_on_may_differ(make_config, folder_of_full):
    changes = {"dropout": 0.4, "max_seq_length": 9, "strides": [[1, 1]], "encoder_dim": 12, "ctc_weight": 0.1}
    config = make_config(network=merged(FULL, changes), image={"scale": 0.5, "binarization": "otsu"})
    check_same_shape(ModelFolder(folder_of_full), config.image, config.network)


@pytest.fixture
def folder_of_full(make_config, tmp_path):
    """A model folder without weights: what the check reads."""
    config = make_config(network=FULL)
    description = {"image": config.image.model_dump(), "network": config.network.model_dump()}
    weights = {"weights": "model-1.weights.h5", "weights_sha256": ""}
    write_json(tmp_path / "full" / "model.json", {"format": 1, "charset": OLD, **weights, **description})
    return tmp_path / "full"


@pytest.fixture
def accents(dataset, tmp_path):
    """A function: name, settings -> config file of a training whose labels have `é` for every `e`."""
    splits = json.loads((dataset / "labels.json").read_text(encoding="utf-8"))
    for word in [*splits["train"], *splits["val"]]:
        word["label"] = word["label"].replace("e", "é")
    assert "é" in "".join(word["label"] for word in splits["train"])
    labels = tmp_path / "accents.json"
    labels.write_text(json.dumps(splits), encoding="utf-8")

    def write(folder, **changes):
        places = {"labels_file": str(labels), "experiment_folder": str(tmp_path / folder)}
        settings = merged(tiny_settings(dataset, tmp_path, **places), {"network": {"charset": None}})
        return write_settings(tmp_path / f"{folder}.yml", merged(settings, changes))

    return write


def test_training_adds_the_characters_of_its_labels(make_config, tmp_path, accents, capsys):
    save_model(tmp_path / "old", build(make_config, CHARSET, 5, {}), {})
    start = {"use_pretrained_weights": True, "restore_from": str(tmp_path / "old")}

    train = {"weights_initialization": {**start, "add_characters": True}, "num_epochs": 1}
    arguments = ["-c", accents("more", train=train), "--train"]
    assert main.main(arguments) == 0
    said = capsys.readouterr().err
    assert f"{len(CHARSET)} characters" in said and "new: é" in said and "unusable" not in said
    best = tmp_path / "more" / "best"
    trained, description = load(best), description_of(best)
    assert description["charset"] == CHARSET + "é"
    assert trained.tokenizer.vocabulary_size == NUM_SPECIAL + len(CHARSET) + 1
    assert main.main([*arguments, "--set", "train.num_epochs=2"]) == 0


def test_without_being_asked_it_only_says_what_is_missing(make_config, tmp_path, capsys):
    save_model(tmp_path / "old", build(make_config, OLD, 5, {}), {})
    start = {"use_pretrained_weights": True, "restore_from": str(tmp_path / "old")}
    config = make_config(network={"charset": None}, train={"weights_initialization": start})
    old = ModelFolder(tmp_path / "old")
    assert choose_tokenizer(config, set("aé\x1b"), None, old).charset == OLD
    assert "\\x1b é" in last_line(capsys)
    assert choose_tokenizer(config, set("abe"), None, old).charset == OLD
    assert capsys.readouterr().err == ""


def test_located_attention_starts_from_plain_attention_and_finds_the_same_in_a_word(make_config, saved):
    folder, old = saved()
    model = build(make_config, OLD, 6, {**FULL, "attention": "located"})
    load_pretrained(ModelFolder(folder), model)
    before, after = arrays(old), arrays(model)
    (added,) = set(after) - set(before)
    assert added.endswith("log_spread")
    for path, values in before.items():
        np.testing.assert_array_equal(after[path], values)
