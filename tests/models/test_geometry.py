"""What is known of a network before it is built."""

import json

import pytest

from models.description import read_spec
from models.geometry import least_parameters
from tests.helpers.tiny import PLAIN, REPOSITORY
from utils.config.network import NetworkConfig


@pytest.mark.parametrize("name", ["iam", "iam_fast", "synthetic"])
def test_least_parameters_of_released_models(name):
    """Never more than there are, which would refuse a good model; most of them, to refuse bad ones."""
    folder = REPOSITORY / "snapshots" / name
    description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    spec = read_spec(folder, description)
    least = least_parameters(spec.network, spec.tokenizer.vocabulary_size)
    assert 0.65 * description["parameters"] < least <= description["parameters"]


@pytest.mark.parametrize(
    "sizes",
    [
        {"latent_dim": 65_536},
        {"encoder_dim": 65_536},
        {"column_dim": 65_536},
        {"embedding_dim": 65_536},
        {"num_filters": [65_536]},
        {"conv_kernels": [[1024, 1024]]},
        {"encoder_layers": 100},
        {"residual": [100]},
    ],
)
def test_every_size_costs_parameters(sizes):
    small = {
        **PLAIN["network"],
        "num_filters": [8],
        "conv_kernels": [[3, 3]],
        "latent_dim": 64,
        "encoder_dim": 64,
    }
    before = least_parameters(NetworkConfig(**small), 10)
    assert least_parameters(NetworkConfig(**{**small, **sizes}), 10) > 1.9 * before
