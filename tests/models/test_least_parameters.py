"""Sizes of a network before it is built."""

import pytest

from models.model_folder import ModelFolder
from models.saving import least_parameters
from tests.helpers.tiny import REPOSITORY, plain_network


@pytest.mark.parametrize("name", ["iam", "iam_fast", "open"])
def test_least_parameters_of_released_models(name):
    """Never more than there are, which would refuse a good model; most of them, to refuse bad ones."""
    folder = REPOSITORY / "snapshots" / name
    model = ModelFolder(folder)
    least = least_parameters(model.spec.network, model.spec.tokenizer.vocabulary_size)
    assert 0.65 * model.description.parameters < least <= model.description.parameters


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
    small = {"num_filters": [8], "conv_kernels": [[3, 3]], "latent_dim": 64, "encoder_dim": 64}
    before = least_parameters(plain_network(**small), 10)
    assert least_parameters(plain_network(**{**small, **sizes}), 10) > 1.9 * before
