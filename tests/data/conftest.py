"""What tests of several kinds of sources share."""

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def folder(tmp_path) -> Path:
    """An empty folder of its own for a set of images."""
    path = tmp_path / "set"
    path.mkdir()
    return path


@pytest.fixture
def own_folder(tmp_path, monkeypatch) -> Path:
    """A test that uses this runs in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def colours(own_folder):
    """22 images of 6x5x3 with labels, in colours.npz."""
    images = np.random.default_rng(0).integers(0, 256, (22, 6, 5, 3), dtype=np.uint8)
    labels = np.arange(22) * 50
    np.savez("colours.npz", images=images, labels=labels)
    return images, labels
