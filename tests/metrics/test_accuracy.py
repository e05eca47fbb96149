import numpy as np

from dcgan_tf.metrics.accuracy import shares_right


def test_the_share_of_each_class_by_hand():
    right = np.array([True, False, True, True, False])
    np.testing.assert_array_equal(shares_right(right, [0, 0, 2, 2, 3], 5), [0.5, np.nan, 1.0, 0.0, np.nan])
