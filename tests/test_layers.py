import numpy as np
import pytest

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.layers import MinibatchStd
from dcgan_tf.nets.saved import load_model, save_model


def test_the_last_channel_says_how_much_images_differ():
    x = np.random.default_rng(0).normal(size=[5, 2, 3, 4]).astype("float32")
    y = MinibatchStd()(x).numpy()
    np.testing.assert_array_equal(y[..., :4], x)
    assert y.shape == (5, 2, 3, 5)
    np.testing.assert_allclose(y[..., 4], np.std(x, axis=0).mean(), rtol=1e-5)
    assert np.abs(MinibatchStd()(np.repeat(x[:1], 5, axis=0)).numpy()[..., 4]).max() == pytest.approx(1e-4, rel=0.01)


def test_images_that_are_all_alike_have_a_gradient():
    x = tf.ones([3, 2, 2, 1])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(MinibatchStd()(x)[..., 1])
    assert np.isfinite(tape.gradient(y, x).numpy()).all()


def test_a_net_with_it_loads_from_its_file(tmp_path):
    net = keras.Sequential([keras.Input([4, 4, 2]), MinibatchStd(), keras.layers.Flatten(), keras.layers.Dense(1)])
    save_model(net, tmp_path / "net.h5")
    x = np.random.default_rng(0).normal(size=[3, 4, 4, 2]).astype("float32")
    for loaded in (
        load_model(tmp_path / "net.h5"),
        keras.models.load_model(tmp_path / "net.h5", compile=False),
    ):
        np.testing.assert_allclose(loaded(x), net(x), atol=1e-6)
