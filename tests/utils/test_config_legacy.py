"""Configs of v1.0, of old models and of the seed project load to the values they had."""

import json

import pytest
import yaml

from tests.helpers.tiny import REPOSITORY
from utils.config.image import NormaliserConfig
from utils.config.legacy import upgrade_image, upgrade_network
from utils.config.load import load_config

SEED_PROJECT_CONFIG = REPOSITORY / "tests" / "data" / "seed_project_config.yml"
# What v1.0 loaded each recipe, and the seed project's file, to.
V1 = json.loads((REPOSITORY / "tests" / "data" / "configs_v1.json").read_text(encoding="utf-8"))


def upgraded(values):
    """Upgrades the values that v1.0 loaded: written out here so that legacy.py is not its own witness."""
    values = json.loads(json.dumps(values).replace('.h5"', '"').replace("max_seq_lenght", "max_seq_length"))
    del values["export"], values["train"]["use_multiprocessing"], values["train"]["output"]["output_graph"]
    del values["predict"]["graph_file"], values["network"]["loss"]
    del values["callbacks"]["model_last_checkpoint"]["monitor"]
    # What has been added since does nothing to such a config.
    values["image"]["normaliser"] = dict.fromkeys(NormaliserConfig.model_fields, False)
    values["network"]["hidden_columns"] = 0.0
    values["data_aug"] |= {"damaged_copies": 0, "share_on_lines": 1.0}
    values["train"] |= {"batch_width": 0, "words_per_epoch": 0}
    values["predict"] |= {"turn_below": 0.5, "characters": None}
    values["text"] = {"direction": "ltr"}
    values["follow_links"] = False
    data = values["train"]["additional_data"]
    for synthetic in (values["synthetic"], data["synthetic"]):
        synthetic["most_words"] = 1
    data |= {"follow_links": False, "damaged_share": 1.0}
    values["train"]["additional_data"] = {"data": data} if data["labels_file"] else {}
    return values


@pytest.mark.parametrize("name", V1)
def test_configs_load_to_the_values_of_v1(write, name):
    """The config.yml that v1.0 wrote for an experiment of each recipe."""
    assert load_config(write(yaml.safe_dump(V1[name]))).model_dump(mode="json") == upgraded(V1[name])


def test_the_seed_projects_own_file_loads_to_the_values_of_v1():
    assert load_config(SEED_PROJECT_CONFIG).model_dump(mode="json") == upgraded(V1["seed_project"])
    assert load_config(REPOSITORY / "configs" / "seed.yml").model_dump(mode="json") == upgraded(V1["seed"])


def test_the_old_spelling_means_the_old_defaults(write):
    old = load_config(write("network: {max_seq_lenght: 9, loss: x}\ntrain: {use_multiprocessing: true}"))
    seed = load_config(SEED_PROJECT_CONFIG)
    assert old.network == seed.network.model_copy(update={"max_seq_length": 9}) and old.image == seed.image
    assert old.train.schedule == "constant" and not old.data_aug.use_data_aug
    new = load_config(write("seed: 1"), ["network.max_seq_lenght=9"])
    assert new.network.max_seq_length == 9 and new.network.attention == "luong"


def test_sections_of_old_models_are_upgraded():
    today = load_config(REPOSITORY / "configs" / "config.yml").model_dump(mode="json")
    old = V1["config"]
    assert upgrade_network(old["network"]) == upgrade_network(today["network"]) == today["network"]
    assert upgrade_image(today["image"]) == today["image"]
    unnormalised = {"normaliser": dict.fromkeys(NormaliserConfig.model_fields, False)}
    assert upgrade_image(old["image"]) == {**old["image"], **unnormalised}
    lacking = {name: value for name, value in old["image"].items() if name not in ("margin", "blur")}
    assert upgrade_image(lacking) == {**old["image"], **unnormalised, "margin": 0, "blur": 0.0}
    assert upgrade_network({"max_seq_lenght": 9})["conv_dropout"] == 0
    assert upgrade_network([1]) == upgrade_image([1]) == [1]
