"""Adam in one pass beside Keras's own."""

import numpy as np
import pytest

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.config.presets import get_preset
from dcgan_tf.gan.fast import adam as fast_adam
from dcgan_tf.gan.optimizer import make_adam


def net():
    keras.utils.set_random_seed(1)
    constraint = keras.constraints.UnitNorm()
    return keras.Sequential(
        [keras.Input([3]), keras.layers.Dense(4, kernel_constraint=constraint), keras.layers.Dense(2)]
    )


def values(model, adam):
    return [variable.numpy() for variable in (*model.weights, *adam.variables)]


@pytest.mark.parametrize("scaled", [False, True], ids=["plain", "loss-scaling"])
def test_the_steps_are_those_of_keras(scaled):
    ours, theirs = net(), net()
    adams = [make_adam(get_preset("faces64"), 0.01, model, scaled) for model in (ours, theirs)]
    for adam in adams:
        adam.dynamic_growth_steps = 3
    apply = tf.function(lambda gradients: fast_adam.apply(adams[0], gradients, ours), autograph=False)
    random, scales = np.random.default_rng(0), []
    for step in range(8):
        gradients = [tf.constant(random.normal(0, 0.1, w.shape), tf.float32) for w in ours.trainable_variables]
        if scaled:
            gradients = [gradient * adams[1].dynamic_scale for gradient in gradients]
            scales.append(float(adams[1].dynamic_scale.numpy()))
        if scaled and step in (1, 6):  # an overflow, and what inf - inf makes of it
            gradients[step % 2] *= tf.constant(np.inf if step == 1 else np.nan, tf.float32)
        apply(gradients)
        adams[1].apply(gradients, theirs.trainable_variables)
        for own, expected in zip(values(ours, adams[0]), values(theirs, adams[1]), strict=True):
            np.testing.assert_allclose(own, expected, rtol=1e-5, atol=1e-6)
    if scaled:
        assert [scale / 2**15 for scale in scales] == [1, 1, 0.5, 0.5, 0.5, 1, 1, 0.5]
        assert adams[0].iterations.numpy() == 6  # of 8, two overflowed
