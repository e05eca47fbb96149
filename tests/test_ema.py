import numpy as np
import small_nets

from dcgan_tf.backend import tf
from dcgan_tf.ema import MovingAverage


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


def test_the_first_average_is_the_model():
    model = small_nets.generator()
    small_nets.assert_same_net(MovingAverage(model, 0.9).net, model)
