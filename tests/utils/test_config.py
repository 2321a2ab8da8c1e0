"""Config files and --set: what they load to, and a line for each mistake that names its key."""

import json
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.helpers.tiny import REPOSITORY, command
from tools.config_reference import reference
from utils.config.load import config_to_yaml, load_config, validate_config
from utils.errors import UserError

PLAIN_AUG = "rotation_range: 0, height_shift_range: 0, zoom_range: [1, 1], shear_range: 0, elastic_range: 0"


def refusal(path, *overrides):
    """The message with which a config is refused, without its folder: a sentence per line."""
    with pytest.raises(UserError) as caught:
        load_config(path, overrides)
    for line in str(caught.value).split("\n"):
        assert line.isprintable() and len(line) < 500 and line.endswith("."), line
    return str(caught.value).replace(f"{path.parent}/", "")


def test_keys_of_old_configs_are_unknown_in_new_ones(write):
    assert "unknown key network.loss" in refusal(write("network: {loss: x, max_seq_length: 9}"))
    assert "unknown key export" in refusal(write("export: {int8: true}"))


def test_an_override_of_a_section_leaves_its_alias_alone(write):
    path = write(
        "train: {additional_data: {a: &a {images_folder: x, labels_file: y, synthetic: {seed: 3}}, "
        "b: {<<: *a, labels_file: z}}}"
    )
    data = load_config(path, ["train.additional_data.a.synthetic.seed=5"]).train.additional_data
    assert (data["a"].synthetic.seed, data["b"].synthetic.seed, data["b"].labels_file) == (5, 3, "z")


@pytest.mark.parametrize("name", ["synthetic", "images_folder", "words_per_epoch", "labels_file"])
def test_additional_datasets_may_have_any_name(write, name):
    dataset = {"images_folder": "x", "labels_file": "y"}
    path = write(json.dumps({"train": {"additional_data": {"real": dataset, name: dataset}}}))
    assert list(load_config(path).train.additional_data) == ["real", name]
    alone = write(json.dumps({"train": {"additional_data": {name: dataset}}}))
    assert list(load_config(alone).train.additional_data) == [name]
    single = write(json.dumps({"train": {"additional_data": dataset}}))
    assert list(load_config(single).train.additional_data) == ["data"]
    assert (
        load_config(write("train: {additional_data: {images_folder: '', words_per_epoch: 0}}")).train.additional_data
        == {}
    )


def test_a_key_that_never_had_an_effect_is_read_and_not_set(write):
    path = write("callbacks: {model_last_checkpoint: {enabled: false, monitor: val_loss}}")
    assert not load_config(path).callbacks.model_last_checkpoint.enabled
    assert "callbacks.model_last_checkpoint.monitor" in refusal(
        path, "callbacks.model_last_checkpoint.monitor=val_loss"
    )


def test_extends_merges_sections_and_replaces_lists(write, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "base.yml").write_text("seed: 5\nnetwork: {latent_dim: 9, charset: ab}")
    (tmp_path / "middle.yml").write_text(
        "extends: deep/base.yml\ndata_aug: {zoom_range: [0.5, 2]}\nnetwork: {dropout: 0}\ntrain: {}"
    )
    path = write("extends: middle.yml\nnetwork: {charset: null}\ndata_aug: {zoom_range: [1, 3]}\nimage: {}")
    config = load_config(path, ["train.num_epochs=2"])
    assert (config.seed, config.train.num_epochs, config.data_aug.zoom_range) == (5, 2, [1, 3])
    network = config.network
    assert (network.latent_dim, network.dropout, network.charset) == (9, 0, None)
    (tmp_path / "old.yml").write_text("network: {max_seq_lenght: 9}")
    assert load_config(write("extends: old.yml\nnetwork: {latent_dim: 7}")).network.attention == "none"


def test_an_extending_config_leaves_the_datasets_out(write, tmp_path):
    data = "{a: {images_folder: x, labels_file: y}, b: {images_folder: x, labels_file: z}}"
    (tmp_path / "base.yml").write_text(f"train: {{additional_data: {data}, num_epochs: 7}}")
    for changed, names in (("{}", []), ("{a: {words_per_epoch: 3}}", ["a", "b"])):
        train = load_config(write(f"extends: base.yml\ntrain: {{additional_data: {changed}}}")).train
        assert (list(train.additional_data), train.num_epochs) == (names, 7)


def test_a_missing_key_is_named_where_its_section_was_set(write):
    problem = refusal(write("seed: 1"), "train.additional_data.x.labels_file=a")
    assert problem.startswith("--set") and "train.additional_data.x.images_folder is missing" in problem


def test_wrong_parents_are_named(write, tmp_path):
    (tmp_path / "other.yml").write_text("extends: c.yml")
    path = write("extends: other.yml")
    assert "c.yml extends other.yml extends c.yml, in a loop" in refusal(path)
    assert "c.yml extends none.yml, which does not exist" in refusal(write("extends: none.yml"))
    assert "extends is 3" in refusal(write("extends: 3"))
    (tmp_path / "other.yml").write_text("a: b: c")
    assert "Config other.yml is not valid YAML" in refusal(write("extends: other.yml"))


def test_each_problem_is_a_line_on_stderr(write):
    result = command("--train", "-c", write("sead: 1\ntrain: {batch_size: x}"), "--set", "predict.views=9")
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 3 and "\\n" not in result.stderr


def test_all_problems_are_reported_at_once(write):
    text = "sead: 1\ntrain: {batch_size: x, optimiser: a}\nimage: 3\n"
    text += "network: {num_filters: [0, 8, x], dropout: 2}"
    lines = refusal(write(text), "predict.views=9", "predct.views=9").split("\n")
    keys = ["sead", "predct", "train.batch_size", "train.optimiser", "network.num_filters[0]"]
    keys += ["network.num_filters[2]", "network.dropout", "image is", "predict.views"]
    assert len(lines) == len(keys) and all(sum(key in line for line in lines) == 1 for key in keys)
    assert ["views" in line or "predct" in line for line in lines] == [line[:5] == "--set" for line in lines]
    text = "network: {columns: flatten, num_filters: [8, 8]}\nimage: {margin: 200}"
    assert len(refusal(write(text)).split("\n")) == 6
    text = "image: {image_size: {y_size: 2}}\ncallbacks: {reduce_lr_on_plateau: {enabled: true}}"
    assert len(refusal(write(text)).split("\n")) == 2


@pytest.mark.parametrize(
    ("text", "unknown", "nearest"),
    [
        ("images_foldr: a", "images_foldr", "images_folder"),
        ("train: {batchsize: 3}", "train.batchsize", "train.batch_size"),
        ("network: {max_length: 3}", "network.max_length", "network.max_seq_length"),
        ("train: {y_size: 64}", "train.y_size", "image.image_size.y_size"),
        ("latent_dim: 64", "latent_dim", "network.latent_dim"),
        ("train: {seed: 1}", "train.seed", "seed"),
    ],
)
def test_unknown_keys_name_the_nearest(write, text, unknown, nearest):
    assert refusal(write(text)) == f"c.yml: unknown key {unknown}; the nearest is {nearest}."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: {batch_size: x}", "train.batch_size is 'x'"),
        ("train: {batch_size: 0}", "train.batch_size is 0"),
        ("seed: true", "seed is true"),
        ("seed: 4294967296", "seed is 4294967296"),
        ("data_aug: {share_on_lines: 0}", "data_aug.share_on_lines is 0"),
        ("train: {learning_rate: 0}", "train.learning_rate is 0"),
        ("train: {max_unusable_share: 1.5}", "train.max_unusable_share is 1.5"),
        ("network: {dropout: 1}", "network.dropout is 1"),
        ("network: {use_batch_norm: 3}", "network.use_batch_norm is 3"),
        ("network: {num_filters: [16, -1]}", "network.num_filters[1] is -1"),
        ("network: {conv_kernels: [[1, 2, 3]]}", "network.conv_kernels[0] is [1, 2, 3]"),
        ("network: {charset: ''}", "network.charset is ''"),
        ("network: {charset: 123}", "network.charset is 123"),
        ("images_folder: 2020-01-01", "images_folder is 2020-01-01"),
        ("image: {scale: full}", "image.scale is 'full'"),
        ("train: {optimizer: ada}", "train.optimizer is 'ada'"),
        ("image: {image_size: {num_channels: 2}}", "image.image_size.num_channels is 2"),
        ("train: 3", "train is 3"),
        ("experiment_folder: ''", "experiment_folder is ''"),
        ("cache_folder: ''", "cache_folder is ''"),
        ('labels_file: "D:\\0815"', "labels_file is 'D:\\x00815'"),
        ("train: {distribution: {coordinator: host}}", "train.distribution.coordinator is 'host': must be host:port"),
        ("train: {additional_data: {images_folder: a}}", "train.additional_data.data.labels_file is missing"),
    ],
)
def test_wrong_types_and_ranges_show_key_and_value(write, text, message):
    assert refusal(write(text)).startswith(f"c.yml: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("network: {conv_kernels: [[3, 3]]}", "network.conv_kernels"),
        ("data_aug: {zoom_range: [2, 1]}", "data_aug.zoom_range is [2.0, 1.0]"),
        ("network: {decoder_layers: 2, attention: none}", "network.decoder_layers"),
        ("network: {columns: flatten, ctc_weight: 0}", "network.columns"),
        ("callbacks: {reduce_lr_on_plateau: {enabled: true}}", "callbacks.reduce_lr_on_plateau"),
        (
            "train: {packed: {folder: p}, additional_data: {labels_file: a.json, images_folder: a}}",
            "train.packed.folder",
        ),
    ],
)
def test_contradictions_name_the_keys_and_not_the_whole_section(write, text, message):
    refused = refusal(write(text))
    assert refused.startswith(f"c.yml: {message}") and "{" not in refused


@pytest.mark.parametrize(("height", "block"), [(14, 4), (6, 3), (2, 2)])
def test_impossible_geometry_names_the_block(write, height, block):
    message = refusal(write(f"image: {{image_size: {{y_size: {height}}}}}"))
    assert f"network.pooling leaves nothing of a {height}x288 image at block {block}: use fewer" in message


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("train.batch_size=32", "train.batch_size", 32),
        ("train.learning_rate=1e-3", "train.learning_rate", 0.001),
        ("image.scale=1e-1", "image.scale", 0.1),
        ("data_aug.zoom_range=[0.9, 1.1]", "data_aug.zoom_range", [0.9, 1.1]),
        ("network.residual=[0,0,1,1]", "network.residual", [0, 0, 1, 1]),
        ("network.charset=null", "network.charset", None),
        ("network.charset='a=b'", "network.charset", "a=b"),
        ("network.charset='a #'", "network.charset", "a #"),
        ("labels_file=a=b.json", "labels_file", "a=b.json"),
    ],
)
def test_overrides_are_typed_like_the_file(write, override, path, value):
    found = load_config(write("seed: 3\nnetwork: {charset: abc}"), [override])
    assert found.seed == 3
    for name in path.split("."):
        found = getattr(found, name)
    assert found == value and type(found) is type(value)


def test_a_later_override_wins_and_several_are_checked_together(write):
    overrides = [
        "seed=1",
        "seed=2",
        "network={conv_kernels: [[3, 3]], strides: null, pooling: null, use_batch_norm: true}",
        "network.num_filters=[8]",
    ]
    config = load_config(write("seed: 9"), overrides)
    assert (config.seed, config.network.num_filters) == (2, [8])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "--set seed"),
        ("seed.x=3", "--set seed.x"),
        ("labels_file=[1", "--set labels_file: '[1' "),
        ("predict.characters=#12", "--set predict.characters: in '#12' "),
        ("network.charset=a# #b", "--set network.charset: in 'a# #b' "),
        ("seed=" + "[" * 1200, "--set seed: '[[["),
        ("train.batch_size=many", "--set: train.batch_size is 'many'"),
        ("data_licence=", """--set: data_licence is null: must be text; write --set 'data_licence="..."'."""),
        ("train.additional_data={mine: null}", "--set: train.additional_data.mine is null"),
        ("trian.batch_size=3", "--set: unknown key trian; the nearest is train."),
        ("train.x\n\x1b[31m=3", "--set: unknown key train.x\\n\\x1b[31m; the nearest is "),
    ],
)
def test_wrong_overrides_are_named_as_such(write, override, message):
    assert refusal(write("seed: 1"), override).startswith(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "c.yml"),
        ("[]", "c.yml"),
        ("a: b: c", "line 1, column 5"),
        ("seed: 1\nseed: 2", "line 2, column 1"),
        (b"seed: \x00", "c.yml"),
        ("seed: 1".encode("utf-16"), "UTF-8"),
        ("[" * 1200, "c.yml"),
        ("seed: !!python/name:os.system", "c.yml"),
        ('"images\\nfold\\e[31m": 3', "c.yml: unknown key images\\nfold\\x1b[31m; the nearest is images_folder."),
    ],
)
def test_files_that_are_no_config_are_one_line(write, content, message):
    assert message in refusal(write(content))


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    assert refusal(tmp_path / "no.yml").startswith("Config no.yml does not exist; name one with -c")
    assert "can't be read: Is a directory." in refusal(tmp_path)
    assert "a\\nb.yml does not exist" in refusal(tmp_path / "a\nb.yml")
    assert refusal(tmp_path / "a\0b.yml").startswith("Config a\\x00b.yml ")


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(charset=TEXT, folder=TEXT, rate=st.floats(1e-12, 1e6), scale=st.just("fit") | st.floats(0.01, 10))
@example(charset="\x85\u2028\ufeff1e3", folder="null", rate=1e-5, scale=1.0)
def test_round_trip_of_any_values(tmp_path, charset, folder, rate, scale):
    values = {
        "images_folder": folder,
        "network": {"charset": charset},
        "train": {"learning_rate": rate},
        "image": {"scale": scale},
    }
    config = validate_config(values, "test")
    (tmp_path / "again.yml").write_text(config_to_yaml(config), encoding="utf-8", newline="")
    again = load_config(tmp_path / "again.yml")
    assert again == config
    assert (again.network.charset, again.images_folder, again.train.learning_rate) == (charset, folder, rate)


def test_reading_a_config_does_not_import_tensorflow():
    code = "import sys, utils.config.load; sys.exit(bool({'tensorflow', 'cv2'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY).returncode == 0


def test_the_reference_is_that_of_the_schema():
    assert reference() == (REPOSITORY / "configs" / "README.md").read_text(encoding="utf-8")
