"""Config files and --set: what loads, and that every mistake is one line which names the key."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.helpers.tiny import REPOSITORY
from utils.config.load import config_to_yaml, load_config, validate_config
from utils.config.reference import reference
from utils.config.schema import Config
from utils.errors import UserError

ROOT = Path(__file__).parents[2]
SEED_PROJECT_CONFIG = ROOT / "tests" / "data" / "seed_project_config.yml"


@pytest.fixture
def write(tmp_path):
    def _write(content):
        path = tmp_path / "c.yml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return _write


def refusal(path, *overrides):
    """The message that a config is refused with, without its folder; always one well-formed line."""
    with pytest.raises(UserError) as caught:
        load_config(path, overrides)
    message = str(caught.value)
    assert message.isprintable() and len(message) < 500
    assert message.endswith(".") and not message.endswith((".." if "..." not in message else "....", "?.")), (
        message
    )
    return message.replace(f"{path.parent}/", "")


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yml")), ids=lambda path: path.name)
def test_every_shipped_config_loads(path):
    config = load_config(path)
    # A recipe that only repeats the defaults has lost its keys.
    assert config != Config()


def test_the_shipped_configs_are_found():
    names = {path.name for path in (ROOT / "configs").glob("*.yml")}
    assert {"config.yml", "iam.yml", "iam_fast.yml", "seed.yml"} <= names


def test_the_seed_projects_own_config_loads_unedited():
    config = load_config(SEED_PROJECT_CONFIG)
    given = yaml.safe_load(SEED_PROJECT_CONFIG.read_text())
    assert (config.network.max_seq_lenght, config.train.batch_size, config.data_aug.shear_range) == (
        55,
        256,
        2.0,
    )
    assert config.callbacks.model_best_checkpoint.out_file == "./experiments/snapshot_best.h5"

    def assert_kept(wanted, section):
        for key, value in wanted.items():
            if isinstance(value, dict):
                assert_kept(value, getattr(section, key))
            else:
                assert getattr(section, key) == value, key

    assert_kept(given, config)


def test_the_seed_projects_config_builds_its_network():
    network = load_config(SEED_PROJECT_CONFIG).network
    assert (network.attention, network.columns, network.bidirectional) == ("none", "flatten", False)
    assert network.pools == [[2, 2]] * 6 and network.steps == [[1, 1]] * 6


@pytest.mark.parametrize(
    ("text", "unknown", "nearest"),
    [
        ("images_foldr: a", "images_foldr", "images_folder"),
        ("Train: {}", "Train", "train"),
        ("train: {batchsize: 3}", "train.batchsize", "train.batch_size"),
        ("image: {image_size: {ysize: 9}}", "image.image_size.ysize", "image.image_size.y_size"),
        ("network: {max_seq_length: 3}", "network.max_seq_length", "network.max_seq_lenght"),
        ("train: {y_size: 64}", "train.y_size", "image.image_size.y_size"),
        ("latent_dim: 64", "latent_dim", "network.latent_dim"),
        ("num_epoch: 64", "num_epoch", "train.num_epochs"),
        ("train: {seed: 1}", "train.seed", "seed"),
        (
            "callbacks: {reduce_lr: {enabled: true}}",
            "callbacks.reduce_lr",
            "callbacks.reduce_lr_on_plateau",
        ),
        ("network: {image: {scale: 1}}", "network.image", "image"),
    ],
)
def test_unknown_keys_name_the_nearest(write, text, unknown, nearest):
    assert refusal(write(text)) == f"c.yml: unknown key {unknown}; the nearest is {nearest}."


@pytest.mark.parametrize(
    ("text", "name"), [("zzzz: 1", "zzzz"), ("1: 2", "1"), ("null: 2", "null"), ("=: 3", "=")]
)
def test_keys_like_no_other_are_refused_too(write, text, name):
    assert refusal(write(text)).startswith(f"c.yml: unknown key {name}; the nearest is ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: {batch_size: x}", "train.batch_size is 'x': must be a whole number"),
        ("train: {batch_size: 1.5}", "train.batch_size is 1.5: must be a whole number"),
        ("train: {batch_size: null}", "train.batch_size is null: must be a whole number"),
        ("train: {batch_size: 0}", "train.batch_size is 0: must be 1 or more"),
        ("seed: true", "seed is true: must be a whole number"),
        ("seed: -1", "seed is -1: must be 0 or more"),
        ("train: {learning_rate: fast}", "train.learning_rate is 'fast': must be a number"),
        ("train: {learning_rate: 0}", "train.learning_rate is 0: must be more than 0"),
        ("train: {max_unusable_share: 1.5}", "train.max_unusable_share is 1.5: must be 1 or less"),
        ("network: {dropout: 1}", "network.dropout is 1: must be less than 1"),
        ("network: {use_batch_norm: 3}", "network.use_batch_norm is 3: must be true or false, or a list"),
        ("network: {use_batch_norm: [true, 3]}", "network.use_batch_norm[1] is 3: must be true or false"),
        ("network: {num_filters: []}", "network.num_filters is []: must have 1 or more entries, not 0"),
        ("network: {num_filters: [16, -1]}", "network.num_filters[1] is -1: must be 1 or more"),
        (
            "network: {conv_kernels: [[1, 2, 3]]}",
            "network.conv_kernels[0] is [1, 2, 3]: must have 2 or fewer entries, not 3",
        ),
        ("network: {conv_kernels: [[3, x]]}", "network.conv_kernels[0][1] is 'x': must be a whole number"),
        ("network: {charset: ''}", "network.charset is '': must have 1 or more characters"),
        ("network: {charset: 123}", "network.charset is 123: must be text; put it in quotes"),
        ("images_folder: 2020-01-01", "images_folder is 2020-01-01: must be text; put it in quotes"),
        ("image: {scale: full}", "image.scale is 'full': must be a number, or 'fit'"),
        ("image: {scale: [1]}", "image.scale is [1]: must be a number, or 'fit'"),
        ("train: {optimizer: ada}", "train.optimizer is 'ada': must be 'adam', 'adamw', 'sgd', 'rmsprop', "),
        ("image: {image_size: {num_channels: 2}}", "image.image_size.num_channels is 2: must be 1 or 3"),
        ("train: 3", "train is 3: must be a section of keys, or be left out"),
        ("train:", "train is null: must be a section of keys, or be left out"),
    ],
)
def test_wrong_types_and_ranges_show_key_and_value(write, text, message):
    assert refusal(write(text)).startswith(f"c.yml: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "network: {num_filters: [8, 8]}",
            "network.conv_kernels has 6 entries, but num_filters has 2: give one per block",
        ),
        (
            "data_aug: {zoom_range: [2, 1]}",
            "data_aug.zoom_range is [2.0, 1.0]; it needs 0.01 <= smallest <= largest <= 100",
        ),
        ("network: {decoder_layers: 2}", "network.decoder_layers 2 needs attention luong"),
        ("image: {fixed_width: false}", "network.columns flatten needs image.fixed_width true"),
        (
            "image: {image_size: {x_size: 400}}",
            "image.image_size.x_size 400 is no multiple of 64, the pixels of a column: with "
            "image.fixed_width set it to 448",
        ),
        ("network: {ctc_weight: 0.3}", "network.ctc_weight needs network.columns height"),
        ("image: {margin: 192}", "image.margin 192 at both ends leaves nothing of x_size 384"),
        (
            "train: {schedule: cosine}\ncallbacks: {reduce_lr_on_plateau: {enabled: true}}",
            "train.schedule cosine and callbacks.reduce_lr_on_plateau exclude each other",
        ),
        (
            "train: {packed: {folder: p}, additional_data: {labels_file: a.json, images_folder: a}}",
            "train.packed.folder excludes train.additional_data",
        ),
    ],
)
def test_contradictions_name_the_keys_and_not_the_whole_section(write, text, message):
    refused = refusal(write(text))
    assert refused.startswith(f"c.yml: {message}") and "{" not in refused


@pytest.mark.parametrize(("height", "block"), [(32, 6), (8, 4), (1, 1)])
def test_impossible_geometry_names_the_block(write, height, block):
    message = refusal(write(f"image: {{image_size: {{y_size: {height}}}}}"))
    assert f"network.pooling leaves nothing of a {height}x384 image at block {block}: use fewer" in message


@pytest.mark.parametrize(
    ("distortion", "margin", "blur"),
    [
        ("use_data_aug: false, rotation_range: 3", 4, 0.5),
        ("use_data_aug: true, wrong_characters: 0.1, noise_range: 3", 4, 0.5),
        ("use_data_aug: true, blur_range: 1", 4, 0.0),
        ("use_data_aug: true, zoom_range: [0.9, 1.1]", 0, 0.0),
    ],
)
def test_training_words_keep_what_distortion_does_not_give_them(write, distortion, margin, blur):
    config = load_config(write(f"image: {{margin: 4, blur: 0.5}}\ndata_aug: {{{distortion}}}"))
    image = config.for_training_words.image
    assert (image.margin, image.blur) == (margin, blur)


def test_the_smallest_possible_geometry_is_accepted(write):
    assert load_config(write("image: {image_size: {y_size: 64, x_size: 64}}")).image.image_size.y_size == 64


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("train.batch_size=32", "train.batch_size", 32),
        ("train.learning_rate=1e-3", "train.learning_rate", 0.001),
        ("train.learning_rate=2", "train.learning_rate", 2.0),
        ("image.scale=0.5", "image.scale", 0.5),
        ("image.scale=1e-1", "image.scale", 0.1),
        ("image.scale=fit", "image.scale", "fit"),
        ("data_aug.zoom_range=[0.9, 1.1]", "data_aug.zoom_range", [0.9, 1.1]),
        ("network.residual=[0,0,1,0,0,1]", "network.residual", [0, 0, 1, 0, 0, 1]),
        ("network.charset=null", "network.charset", None),
        ("network.charset=", "network.charset", None),
        ("network.charset='a=b'", "network.charset", "a=b"),
        ("labels_file=a=b.json", "labels_file", "a=b.json"),
        ("data_aug.use_data_aug=true", "data_aug.use_data_aug", True),
        ("callbacks.validation.max_words=7", "callbacks.validation.max_words", 7),
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
        "network.num_filters=[8, 8]",
        "network.conv_kernels=[[3, 3], [3, 3]]",
    ]
    config = load_config(write("seed: 9"), overrides)
    assert (config.seed, config.network.num_filters) == (2, [8, 8])


def test_an_override_fills_a_section_that_the_file_leaves_empty(write):
    assert load_config(write("train:"), ["train.output.output_weights=x"]).train.output.output_weights == "x"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "--set seed: write KEY.PATH=VALUE, such as train.batch_size=32."),
        ("=3", "--set =3: write KEY.PATH=VALUE"),
        ("train..batch_size=3", "--set train..batch_size=3: write KEY.PATH=VALUE"),
        ("seed.x=3", "--set seed.x: seed is a value, not a section."),
        ("labels_file=[1", "--set labels_file: '[1' is not a YAML value; quote it"),
        ("labels_file=2020-13-45", "--set labels_file: '2020-13-45' is not a YAML value; quote it"),
        ("labels_file=!!python/name:os.system", "--set labels_file: '!!python/name:os.system' is not a YAML"),
        ("seed=" + "[" * 5000, "--set seed: '[[["),
        ("train.batch_size=many", "--set: train.batch_size is 'many': must be a whole number."),
        ("train={batch_size: many}", "--set: train.batch_size is 'many': must be a whole number."),
        ("network.num_filters=[0]", "--set: network.num_filters[0] is 0: must be 1 or more."),
        ("trian.batch_size=3", "--set: unknown key trian; the nearest is train."),
        ("train.batchsize=3", "--set: unknown key train.batchsize; the nearest is train.batch_size."),
        ("train.x\n\x1b[31m=3", "--set: unknown key train.x\\n\\x1b[31m; the nearest is "),
    ],
)
def test_wrong_overrides_are_told_as_such(write, override, message):
    assert refusal(write("seed: 1"), override).startswith(message)


def test_a_mistake_in_the_file_is_not_blamed_on_an_override(write):
    path = write("train: {batch_size: x}")
    assert refusal(path, "train.num_epochs=3", "seed=2").startswith("c.yml: train.batch_size is 'x'")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "Config c.yml must hold `key: value` lines; it holds nothing."),
        ("# all commented out\n", "Config c.yml must hold `key: value` lines; it holds nothing."),
        ("[]", "Config c.yml must hold `key: value` lines; it holds a list."),
        ("3", "Config c.yml must hold `key: value` lines; it holds a single value."),
        ("a: b: c", "Config c.yml is not valid YAML: line 1, column 5: mapping values are not allowed here."),
        ("seed: 1\n\tseed: 2", "Config c.yml is not valid YAML: line 2, column 1: "),
        ("seed: [1", "Config c.yml is not valid YAML: line 1, column 9: "),
        (
            "seed: 1\n--- \nseed: 2",
            "Config c.yml is not valid YAML: line 2, column 1: expected a single document",
        ),
        ("seed: 1\nseed: 2", "Config c.yml is not valid YAML: line 2, column 1: key 'seed' occurs twice."),
        ("train: {num_epochs: 1, num_epochs: 2}", "Config c.yml is not valid YAML: line 1, column 24: key "),
        ("[1, 2]: 3", "Config c.yml is not valid YAML: line 1, column 1: "),
        ("images_folder: 2020-13-45", "Config c.yml is not valid YAML: month must be in 1..12."),
        (
            'images_folder: "a\\0b"',
            "Config c.yml is not valid YAML: line 1, column 16: text holds a zero byte",
        ),
        (
            'images_folder: "\\ud800"',
            "Config c.yml is not valid YAML: line 1, column 16: text holds a zero byte",
        ),
        (b"seed: \x00", "Config c.yml is not valid YAML: it holds the character '\\x00'."),
        (b"\x89PNG\r\n\x1a\n", "Config c.yml is not a text file in UTF-8."),
        ("seed: 1".encode("utf-16"), "Config c.yml is not a text file in UTF-8."),
        ("[" * 5000, "Config c.yml is not valid YAML: it is nested too deeply."),
        ("seed: " + "9" * 5000, "Config c.yml is not valid YAML: Exceeds the limit"),
        ("seed: !!bool x", "Config c.yml is not valid YAML: a value contradicts its tag"),
        ("seed: !!timestamp x", "Config c.yml is not valid YAML: a value contradicts its tag"),
        ('seed: !!int ""', "Config c.yml is not valid YAML: a value contradicts its tag"),
        (
            '"images\\nfold\\e[31m": 3',
            "c.yml: unknown key images\\nfold\\x1b[31m; the nearest is images_folder.",
        ),
        ('seed: "\\n\\e[31m"', "c.yml: seed is '\\n\\x1b[31m': must be a whole number."),
    ],
)
def test_files_that_are_no_config_are_one_line(write, content, message):
    assert refusal(write(content)).startswith(message)


def test_a_file_with_a_byte_order_mark_is_read(write):
    assert load_config(write(b"\xef\xbb\xbfseed: 5")).seed == 5


def test_merged_sections_may_be_overridden(write):
    text = "train: &a {num_epochs: 2, batch_size: 8}\npredict: {<<: {batch_size: 4}, batch_size: 16}"
    config = load_config(write(text))
    assert (config.train.batch_size, config.predict.batch_size) == (8, 16)
    chain = "a: &a {enabled: true}\nb: &b {<<: *a, enabled: false}\nc: {<<: *b}"
    assert "unknown key a" in refusal(write(chain))


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    assert refusal(tmp_path / "no.yml").startswith("Config no.yml does not exist; name one with -c")
    assert "can't be read: Is a directory." in refusal(tmp_path)
    assert "a\\nb.yml does not exist" in refusal(tmp_path / "a\nb.yml")
    assert refusal(tmp_path / "a\0b.yml").startswith("Config a\\x00b.yml is not a text file")


@pytest.mark.parametrize(
    "tag",
    [
        '!!python/object/apply:os.system ["touch {}"]',
        "!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{}']]",
        "!!python/object/new:os.system ['touch {}']",
    ],
)
def test_yaml_that_would_run_code_is_refused_and_not_run(write, tmp_path, tag):
    trace = tmp_path / "was_here"
    message = refusal(write(f"images_folder: {tag.format(trace)}"))
    assert "could not determine a constructor for the tag" in message
    assert not trace.exists()


def test_values_larger_than_memory_are_shown_short(write):
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    path = write("\n".join([*levels, "seed: *a11"]))
    assert "seed is [" in refusal(path) or "unknown key a" in refusal(path)
    assert "seed is [" in refusal(write("seed: &s [*s, *s]"))
    assert len(refusal(write("seed: " + "x" * 10_000))) < 150


def test_round_trip_of_a_shipped_config(tmp_path):
    config = load_config(
        ROOT / "configs" / "iam.yml", ["data_licence='a: b # c\n\"d\" é'", "train.weight_decay=1e-7"]
    )
    (tmp_path / "again.yml").write_text(config_to_yaml(config), encoding="utf-8")
    assert load_config(tmp_path / "again.yml") == config


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


YAML_PIECES = [
    "train:",
    "network:",
    "batch_size:",
    "seed:",
    "scale:",
    "image:",
    "zoom_range:",
    "use_batch_norm:",
    "1e-3",
    "-1",
    ".nan",
    "0x",
    "1:2",
    "2020-01-01",
    "[",
    "]",
    "{",
    "}",
    ",",
    "-",
    "?",
    ":",
    "|",
    ">",
    "&",
    "*",
    "&a",
    "*a",
    "<<",
    "!",
    "!!int",
    "!!float",
    "!!bool",
    "!!set",
    "!!omap",
    "!!binary",
    "!!timestamp",
    "!!python/none",
    '""',
    "'",
    '"',
    "#",
    "%",
    "@",
    "true",
    "null",
    "~",
]
FRAGMENTS = st.lists(
    st.sampled_from([*YAML_PIECES, "\n", "\n  ", " ", "\t", "\\", "\x00", "\ufeff"]), max_size=12
).map(" ".join)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60) | FRAGMENTS.map(str.encode))
def test_no_file_raises_anything_but_a_one_line_user_error(tmp_path, content):
    path = tmp_path / "any.yml"
    path.write_bytes(content)
    try:
        config = load_config(path)
    except UserError as error:
        assert str(error).isprintable() and str(error).endswith("."), str(error)
    else:
        assert isinstance(config, Config)


@settings(max_examples=200, deadline=None)
@given(
    override=st.text(max_size=20)
    | st.tuples(st.sampled_from(["seed=", "train.x=", "image="]), FRAGMENTS).map("".join)
)
def test_no_override_raises_anything_but_a_one_line_user_error(override):
    try:
        load_config(ROOT / "configs" / "config.yml", [override])
    except UserError as error:
        assert str(error).isprintable() and str(error).endswith("."), str(error)


def test_reading_a_config_does_not_import_tensorflow():
    code = "import sys, utils.config; sys.exit(any(m in sys.modules for m in ('tensorflow', 'keras', 'cv2')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_the_reference_is_that_of_the_schema():
    assert reference() == (REPOSITORY / "configs" / "README.md").read_text(encoding="utf-8")
