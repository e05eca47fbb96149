import gc
import os
import signal
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# In the background of a shell it is ignored, here and in all processes that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Hundreds of modules are imported here, and nothing of them is garbage: to look for it among them took a quarter of
    the time. What is frozen is not looked at by the tests either."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def cache_in_tmp(tmp_path_factory, monkeypatch):
    """No test reads or fills the user's own cache of decoded images."""
    monkeypatch.setenv("DCGAN_TF_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def squares(tmp_path_factory) -> Path:
    """A .npy of 44 images [8, 8, 1]: a bright square of random place and shade on black."""
    random = np.random.default_rng(0)
    images = np.zeros([44, 8, 8, 1], np.uint8)
    for image in images:
        row, column = random.integers(0, 5, 2)
        image[row : row + 4, column : column + 4] = random.integers(150, 256)
    path = tmp_path_factory.mktemp("data") / "squares.npy"
    np.save(path, images)
    return path


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real images that DCGAN_TF_DATA names."""
    if "DCGAN_TF_DATA" not in os.environ:
        pytest.skip("DCGAN_TF_DATA is not set: no real images")
    return Path(os.environ["DCGAN_TF_DATA"])
