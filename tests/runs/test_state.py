import numpy as np
import pytest

from dcgan_tf.common.backend import tf
from dcgan_tf.config.fitting import preset_for
from dcgan_tf.gan.step import GAN
from dcgan_tf.nets.build import build_discriminator, build_generator
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.state import restore_state, save_nets, save_state, saved_nets


@pytest.fixture(scope="module")
def gan():
    preset = preset_for((8, 8, 1), "paints200")
    gan = GAN(preset, build_generator(preset), build_discriminator(preset))
    gan.train_step(tf.zeros([4, 8, 8, 1]), tf.constant(0, tf.int64))
    return gan


def values(gan):
    return {name: [variable.numpy() for variable in variables] for name, variables in gan.variables().items()}


def test_state_holds_every_variable_and_rebuilds_the_nets(gan, tmp_path):
    save_nets(RunFolder(tmp_path), gan)
    save_state(RunFolder(tmp_path), 1, gan)
    before = values(gan)
    generator, discriminator = saved_nets(RunFolder(tmp_path))
    other = GAN(gan.preset, generator, discriminator)
    restore_state(RunFolder(tmp_path), 1, other)
    for name, arrays in values(other).items():
        assert all(np.array_equal(a, b) for a, b in zip(arrays, before[name], strict=True)), name


def test_the_newest_two_states_stay(gan, tmp_path):
    for step in (5, 9, 10, 100):
        save_state(RunFolder(tmp_path), step, gan)
    assert RunFolder(tmp_path).saved_steps() == [10, 100]
    assert sorted(path.name for path in (tmp_path / "state" / "100").iterdir()) == [
        "variables.data-00000-of-00001",
        "variables.index",
    ]
