"""Nets of classes on two devices: each gets the labels of its images, and the update is that of one device."""

import pytest
from support.programs import Program

# Two devices that TensorFlow makes of the processor, as it would have two GPUs. A batch of five is three images and two.
TWO_DEVICES = """
import numpy as np
from dcgan_tf.common.backend import tf
from dcgan_tf.config.fitting import preset_for
from dcgan_tf.config.recipes import Recipe
from dcgan_tf.config.variants import applied
from dcgan_tf.gan.step import GAN
from dcgan_tf.nets.build import build_discriminator, build_generator

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
recipe = Recipe(conditional=True, class_judge=JUDGE)
preset = applied(preset_for((6, 6, 1), "mnist-mlp"), recipe, 3)
images = tf.constant(np.random.default_rng(0).uniform(-1, 1, [5, 6, 6, 1]), tf.float32)
labels = tf.constant([2, 0, 0, 1, 2])

def gan():
    return GAN(preset, build_generator(preset), build_discriminator(preset), recipe)

alone = gan()
expected = alone.train_step(images, tf.constant(0, tf.int64), labels)
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    together = gan()
size, goes_on = tf.constant(5, tf.int64), tf.constant(False)
scalars = together.shared_step(images, tf.constant(0, tf.int64), size, goes_on, labels)
for name, value in expected.items():
    np.testing.assert_allclose(scalars[name], value, rtol=1e-4, err_msg=name)
moved = 0
# Adam's moments are the gradients of both; its first step is their sign alone.
for optimizer, other in ((alone.g_optimizer, together.g_optimizer), (alone.d_optimizer, together.d_optimizer)):
    for one, both in zip(optimizer._momentums, other._momentums, strict=True):
        gradient = one.numpy()
        for copy in both.value.values:
            np.testing.assert_allclose(copy, gradient, rtol=0, atol=1e-4 * np.abs(gradient).max(), err_msg=one.path)
        moved += np.abs(gradient).max() > 0
assert moved == len(alone.g_optimizer._momentums) + len(alone.d_optimizer._momentums)
print("the same")
raise SystemExit(0)
"""


@pytest.mark.parametrize("judge", ["projection", "auxiliary"])
def test_two_devices_update_as_one(judge):
    process = Program("train_main", before=f"JUDGE = {judge!r}\n{TWO_DEVICES}")
    out, err = process.communicate()
    assert (out, err, process.poll()) == ("the same\n", "", 0)
