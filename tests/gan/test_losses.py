import math

import numpy as np
import pytest

from dcgan_tf.gan.losses import LOSSES, discriminator_loss, generator_loss


def bce(probability, target):
    return -(target * math.log(probability) + (1 - target) * math.log(1 - probability))


# Logits whose sigmoids are 1/2, 3/4 and 1/5.
HALF, THREE_QUARTERS, FIFTH = 0.0, math.log(3), -math.log(4)


def column(*logits):
    return np.array(logits, "float32")[:, None]


def test_undecided_discriminator():
    assert float(discriminator_loss(column(HALF, HALF), column(HALF, HALF))) == pytest.approx(2 * math.log(2), abs=1e-6)
    assert float(generator_loss(column(HALF))) == pytest.approx(math.log(2), abs=1e-6)


@pytest.mark.parametrize("target, scale", [(1.0, 1.0), (0.9, 1.0), (1.0, 0.5)])
def test_discriminator_loss_is_the_mean_over_each_batch(target, scale):
    real, fake = column(THREE_QUARTERS, HALF), column(FIFTH)
    expected = scale * ((bce(0.75, target) + bce(0.5, target)) / 2 + bce(0.2, 0))
    assert float(discriminator_loss(real, fake, target, scale)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("target", [1.0, 0.9])
def test_generator_loss(target):
    expected = (bce(0.75, target) + bce(0.2, target)) / 2
    assert float(generator_loss(column(THREE_QUARTERS, FIFTH), target)) == pytest.approx(expected, abs=1e-6)


def test_far_logits_do_not_overflow():
    assert float(generator_loss(column(-1000.0))) == pytest.approx(1000.0, abs=1e-3)
    assert float(discriminator_loss(column(1000.0), column(-1000.0))) == pytest.approx(0.0, abs=1e-6)


# Of real logits 2 and -1, and generated ones 0.5 and -3, by hand.
@pytest.mark.parametrize(
    "name, discriminator, generator",
    [
        ("least-squares", 0.5 * (1 + 4) / 2 + 0.5 * (0.25 + 9) / 2, 0.5 * (0.25 + 16) / 2),
        ("hinge", (0 + 2) / 2 + (1.5 + 0) / 2, -(0.5 - 3) / 2),
        (
            "relativistic",
            (math.log1p(math.exp(-1.5)) + math.log1p(math.exp(-2))) / 2,
            (math.log1p(math.exp(1.5)) + math.log1p(math.exp(2))) / 2,
        ),
        ("wasserstein", (0.5 - 3) / 2 - (2 - 1) / 2, -(0.5 - 3) / 2),
    ],
)
def test_other_losses(name, discriminator, generator):
    real, fake = column(2.0, -1.0), column(0.5, -3.0)
    assert float(LOSSES[name].discriminator(real, fake)) == pytest.approx(discriminator, abs=1e-6)
    assert float(LOSSES[name].generator(real, fake)) == pytest.approx(generator, abs=1e-6)
