"""A small run to evaluate, its images, and a classifier of them."""

import shutil

import numpy as np
import pytest
from support import small_nets
from support.evaluations import REALS
from support.image_sets import ramps
from support.settings import settings

from dcgan_tf.data.sources import open_source
from dcgan_tf.nets.saved import save_model
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.settings import write_settings


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """240 real images and 60 others like them, as .npy files."""
    folder = tmp_path_factory.mktemp("images")
    images = ramps(REALS + 60, 8, 8, 3)
    np.save(folder / "ramps.npy", images[:REALS])
    np.save(folder / "others.npy", images[REALS:])
    return folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory, data):
    """The folder of a run with generators of epochs 2, 4 and 10."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    folder.mkdir()
    for epoch, scale in ((2, 0.5), (4, 1.0), (10, 2.0)):
        generator = small_nets.generator()
        generator.set_weights([scale * weight for weight in generator.get_weights()])
        save_model(generator, folder / f"epoch{epoch}_Gmodel.h5")
    source = open_source(str(data / "ramps.npy"))
    made = settings(str(data / "ramps.npy"), latents="normal", fingerprint=source.fingerprint)
    write_settings(RunFolder(folder), made)
    return folder


@pytest.fixture
def run(tmp_path, trained, monkeypatch):
    """A copy of it in the current folder."""
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(trained, tmp_path / "checkpoints" / "small")


@pytest.fixture
def features(tmp_path):
    """The file of a tiny classifier of images 8x8."""
    keras, layers = small_nets.keras, small_nets.layers
    net = keras.Sequential([
        keras.Input([8, 8, 3]), layers.Rescaling(1 / 255), layers.Conv2D(4, 3, 2), layers.ReLU(), layers.Flatten(),
        layers.Dense(5, activation="tanh"), layers.Dense(2),
    ])  # fmt: skip
    net.save(tmp_path / "features.keras")
    return tmp_path / "features.keras"
