"""A tiny model, and the settings of a server for it."""

import pytest
from tiny_model import save_tiny_model

from open_r1.rollouts.settings import ServerSettings


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def other_model(tmp_path_factory):
    """The same architecture with other weights."""
    return save_tiny_model(tmp_path_factory.mktemp("models") / "other", seed=1)


@pytest.fixture(scope="session")
def cpu_settings(tiny_model):
    return ServerSettings(
        model=str(tiny_model),
        revision=None,
        dtype="float32",
        gpus=(),
        weight_sync="folder",
        token="secret-of-this-test",
        max_model_length=512,
    )
