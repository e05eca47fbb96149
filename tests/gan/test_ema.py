import numpy as np
import pytest
from support import small_nets

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.gan.ema import MovingAverage
from dcgan_tf.nets.saved import load_model
from dcgan_tf.nets.surgery import with_gain, without_gain


def test_the_average_follows_weights_and_statistics_at_a_rising_decay():
    model = small_nets.generator()
    average = MovingAverage(model, 0.5)
    expected = [variable.numpy() for variable in model.variables]
    random = np.random.default_rng(0)
    for step, decay in enumerate([0.1, 2 / 11, 3 / 12, 4 / 13, 5 / 14, 6 / 15, 7 / 16, 8 / 17, 9 / 18, 0.5, 0.5]):
        for place, variable in enumerate(model.variables):
            variable.assign(random.normal(size=variable.shape))
            expected[place] = decay * expected[place] + (1 - decay) * variable.numpy()
        average.update(tf.constant(step, tf.int64))
    for got, value in zip(average.net.variables, expected, strict=True):
        np.testing.assert_allclose(got, value, rtol=0, atol=1e-5)
    assert any("moving_variance" in variable.path for variable in average.net.variables)


def test_from_step_1000_on_one_step_in_four_moves_it_as_far_as_four_would():
    model = small_nets.generator()
    average = MovingAverage(model, 0.9)
    moved = {998: 1.2, 999: 1.38, 1000: 1.937118, 1001: 1.937118, 1002: 1.937118, 1003: 1.937118, 1004: 2.302643}
    for net, value in ((model, 3.0), (average.net, 1.0)):
        net.set_weights([np.full(weight.shape, value) for weight in net.get_weights()])
    update = tf.function(average.update)
    for step, expected in moved.items():  # 3 - 2 * 0.9^steps
        update(tf.constant(step, tf.int64))
        for variable in average.net.variables:
            np.testing.assert_allclose(variable, np.full(variable.shape, expected), rtol=1e-5, atol=0)


def test_the_first_average_is_the_model():
    model = small_nets.generator()
    small_nets.assert_same_net(MovingAverage(model, 0.9).net, model)


def test_images_with_a_gain_are_cut_off_at_black_and_white():
    model = small_nets.generator()
    z = np.random.default_rng(0).normal(size=[20, *model.input_shape[1:]])
    average = MovingAverage(model, 0.9, gain=1.5)
    plain, images = model(z).numpy(), average.net(z).numpy()
    np.testing.assert_allclose(images, np.clip(1.5 * plain, -1, 1), rtol=0, atol=1e-6)
    assert (np.abs(images) == 1).any() and (np.abs(images) < 0.9).any()
    model.set_weights([2 * weight for weight in model.get_weights()])
    average.update(tf.constant(500, tf.int64))
    for got, value in zip(average.net.variables, model.variables, strict=True):  # from x a tenth of the way to 2 x
        np.testing.assert_allclose(got, 0.55 * value.numpy(), rtol=1e-5, atol=1e-6)


def test_without_an_average_the_copy_is_the_model_after_every_step():
    model = small_nets.generator()
    average = MovingAverage(model, 0.0, gain=1.5)
    for step in (0, 1, 500):
        model.set_weights([1.5 * weight for weight in model.get_weights()])
        average.update(tf.constant(step, tf.int64))
        for got, value in zip(average.net.variables, model.variables, strict=True):
            np.testing.assert_array_equal(got, value)


@pytest.mark.parametrize("ending", [".h5", ".keras"])
def test_a_gain_is_saved_and_taken_off_again(ending, tmp_path):
    model = small_nets.generator()
    amplified = with_gain(model, 1.5)
    amplified.save(tmp_path / f"net{ending}")
    loaded = load_model(tmp_path / f"net{ending}")
    z = np.random.default_rng(0).normal(size=[4, *model.input_shape[1:]])
    np.testing.assert_allclose(loaded(z), amplified(z), rtol=0, atol=1e-6)
    small_nets.assert_same_net(without_gain(loaded), model)
    small_nets.assert_same_net(without_gain(model), model)


def test_a_gain_goes_on_a_net_that_has_layers_of_any_names():
    # A net from a file keeps its names, and Keras begins to count anew in the next process.
    named = keras.Sequential(
        [
            keras.Input([6]),
            keras.layers.Rescaling(0.5, name="rescaling"),
            keras.layers.Activation("tanh", name="activation"),
        ]
    )
    keras.backend.clear_session()
    z = np.linspace(-9, 9, 12).reshape(2, 6)
    np.testing.assert_allclose(with_gain(named, 1.5)(z), np.clip(1.5 * np.tanh(0.5 * z), -1, 1), rtol=0, atol=1e-6)


def test_an_end_that_is_no_gain_stays():
    from_0_to_1 = keras.Sequential([
        keras.Input([6]), keras.layers.Activation("sigmoid"), keras.layers.Rescaling(2.0, -1.0),
        keras.layers.Activation("hard_tanh"),
    ])  # fmt: skip
    assert without_gain(from_0_to_1) is from_0_to_1
