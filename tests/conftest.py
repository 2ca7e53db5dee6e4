"""Fixtures that every kind of test may take."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valid model folder whose scores depend on the pixels; read it, do not change it."""
    from .models import build_tiny_model

    return build_tiny_model(tmp_path_factory.mktemp("model"))
