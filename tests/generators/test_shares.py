"""Classes that come as often as their shares say."""

import numpy as np
import pytest

from dcgan_tf.generators.shares import classes_at


def test_the_first_places():
    # 0, 0.618, 0.236, 0.854, 0.472, 0.090, 0.708, 0.326
    assert classes_at(range(8), (0.25, 0.5, 0.25)).tolist() == [0, 1, 0, 2, 1, 0, 1, 1]


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.7, 0.2, 0.1), (1.0,), (0.25,) * 4])
@pytest.mark.parametrize("start", [0, 7, 1_000_003, 2**31])
def test_every_class_has_its_share_wherever_one_begins(shares, start):
    for count in (30, 512):
        found = np.bincount(classes_at(start + np.arange(count), shares), minlength=len(shares))
        assert np.abs(found - count * np.array(shares)).max() <= 2
