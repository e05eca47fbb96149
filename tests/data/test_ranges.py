"""Of how many bits the values of a set are."""

import pytest

from dcgan_tf.data.ranges import bits_of


@pytest.mark.parametrize(
    ("most", "bits"),
    [
        (-1, None),
        (0, None),
        (255, None),
        (511, None),
        (512, 10),
        (1_023, 10),
        (1_024, None),
        (2_047, None),
        (2_048, 12),
        (4_095, 12),
        (4_096, None),
        (8_191, None),
        (8_192, 14),
        (16_383, 14),
        (16_384, None),
        (32_767, None),
        (32_768, 16),
        (65_535, 16),
        (65_536, None),
    ],
)
def test_bits_of_the_greatest_value(most, bits):
    assert bits_of(most) == bits
