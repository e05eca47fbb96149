import os

import numpy as np
import pytest
from support.class_nets import class_nets, class_preset
from support.small_nets import narrow

from dcgan_tf.common.backend import keras, tf
from dcgan_tf.config.fitting import preset_for
from dcgan_tf.config.recipes import Recipe
from dcgan_tf.gan.step import GAN
from dcgan_tf.nets.build import build_discriminator, build_generator
from dcgan_tf.runs.folder import RunFolder
from dcgan_tf.runs.state import architectures, restore_state, save_state, saved_nets


@pytest.fixture(scope="module")
def gan():
    preset = narrow(preset_for((8, 8, 1), "paints200"))
    gan = GAN(preset, build_generator(preset), build_discriminator(preset))
    gan.train_step(tf.zeros([4, 8, 8, 1]), tf.constant(0, tf.int64))
    return gan


def values(gan):
    return {name: [variable.numpy() for variable in variables] for name, variables in gan.variables().items()}


def save(gan, folder, step):
    save_state(RunFolder(folder), step, gan, architectures(gan))


def restored(gan, folder, step):
    other = GAN(gan.preset, *saved_nets(RunFolder(folder), step))
    restore_state(RunFolder(folder), step, other)
    return other


def assert_same(a, b):
    other = values(b)
    for name, arrays in values(a).items():
        assert all(np.array_equal(x, y) for x, y in zip(arrays, other[name], strict=True)), name


def test_state_holds_every_variable_and_rebuilds_the_nets(gan, tmp_path):
    save(gan, tmp_path, 1)
    assert_same(gan, restored(gan, tmp_path, 1))


@pytest.mark.parametrize("judge", ["projection", "auxiliary"])
def test_nets_that_know_classes_are_rebuilt(tmp_path, judge):
    gan = GAN(class_preset(judge, 3), *class_nets(judge, 3), Recipe(conditional=True, class_judge=judge))
    save(gan, tmp_path, 1)
    other = restored(gan, tmp_path, 1)
    assert_same(gan, other)
    labels, random = tf.constant([2, 0, 1]), np.random.default_rng(0)
    for net, rebuilt in ((gan.generator, other.generator), (gan.discriminator, other.discriminator)):
        # Every weight is where it was: those of a class have equal shapes.
        first = tf.constant(random.normal(size=[3, *net.inputs[0].shape[1:]]), tf.float32)
        given = [first, labels] if len(net.inputs) == 2 else first
        for got, expected in zip(
            *(keras.tree.flatten(each(given, training=False)) for each in (rebuilt, net)), strict=True
        ):
            np.testing.assert_array_equal(got, expected)


def test_the_newest_two_states_stay(gan, tmp_path):
    for step in (5, 9, 10, 100):
        save(gan, tmp_path, step)
    assert RunFolder(tmp_path).saved_steps() == [10, 100]
    assert sorted(path.name for path in (tmp_path / "state" / "100").iterdir()) == [
        "checksums.json",
        "discriminator.json",
        "generator.json",
        "variables.data-00000-of-00001",
        "variables.index",
    ]


def test_a_state_that_is_newer_and_damaged_removes_none(gan, tmp_path):
    for step in (80, 90):
        (tmp_path / "state" / str(step)).mkdir(parents=True)
    for step in (5, 9, 10):
        save(gan, tmp_path, step)
    assert RunFolder(tmp_path).saved_steps() == [9, 10, 80, 90]


def test_a_flipped_bit_anywhere_in_a_state_is_found(gan, tmp_path):
    save(gan, tmp_path, 1)
    for path in sorted((tmp_path / "state" / "1").iterdir()):
        sound = path.read_bytes()
        rng = np.random.default_rng(0)
        for _ in range(20):
            damaged = bytearray(sound)
            damaged[rng.integers(len(sound))] ^= 1 << rng.integers(8)
            path.write_bytes(damaged)
            with pytest.raises((OSError, ValueError)):
                saved_nets(RunFolder(tmp_path), 1)
        path.write_bytes(sound)
    assert_same(gan, restored(gan, tmp_path, 1))


def test_which_file_is_damaged_is_said(gan, tmp_path):
    save(gan, tmp_path, 1)
    path = tmp_path / "state" / "1" / "generator.json"
    path.write_text(path.read_text().replace("tanh", "relu"))
    with pytest.raises(ValueError, match="^its generator.json is damaged: the checksum is wrong$"):
        saved_nets(RunFolder(tmp_path), 1)
    (tmp_path / "state" / "1" / "checksums.json").write_text("{}")
    with pytest.raises(ValueError, match="^its checksums.json is damaged$"):
        saved_nets(RunFolder(tmp_path), 1)


def test_a_pipe_in_a_state_is_not_waited_for(gan, tmp_path):
    save(gan, tmp_path, 1)
    state = tmp_path / "state" / "1"
    (state / "checksums.json").unlink()
    (state / "variables.index").unlink()
    os.mkfifo(state / "variables.index")
    with pytest.raises(OSError, match="not a regular file"):
        saved_nets(RunFolder(tmp_path), 1)


def test_a_state_of_before_has_its_nets_beside_it_and_no_checksums(gan, tmp_path):
    save(gan, tmp_path, 1)
    state = tmp_path / "state" / "1"
    (state / "checksums.json").unlink()
    for net in ("generator", "discriminator"):
        (state / f"{net}.json").rename(tmp_path / "state" / f"{net}.json")
    assert_same(gan, restored(gan, tmp_path, 1))
