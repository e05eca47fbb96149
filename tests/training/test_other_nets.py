"""Training goes on from nets of other ranges: both are adapted to -1..1, that is said, and what is saved works alone."""

import numpy as np
import pytest
from support import small_nets
from support.helpers import error_of

from dcgan_tf.common.backend import keras
from dcgan_tf.common.console import forget_notes
from dcgan_tf.config.train import TrainConfig
from dcgan_tf.nets.ranges import SIGNED, input_range, output_range
from dcgan_tf.nets.saved import load_net, save_model
from dcgan_tf.training.machine.cluster import from_environment
from dcgan_tf.training.start import load_nets, load_start

layers = keras.layers


@pytest.fixture(autouse=True)
def _notes():
    forget_notes()


@pytest.fixture
def pair(tmp_path):
    """A generator that ends in a sigmoid, and the discriminator that was trained with it, which ends in one, too."""
    generator = keras.Sequential(
        [keras.Input([6]), layers.Dense(192), layers.Reshape([8, 8, 3]), layers.Activation("sigmoid")]
    )
    discriminator = keras.Sequential(
        [keras.Input([8, 8, 3]), *small_nets.discriminator().layers, layers.Activation("sigmoid")]
    )
    small_nets.shake(generator).save(tmp_path / "G.h5")
    small_nets.shake(discriminator).save(tmp_path / "D.h5")
    return tmp_path / "G.h5", tmp_path / "D.h5"


def flags(generator=None, discriminator=None, **more):
    return TrainConfig(
        "digits", generator=generator and str(generator), discriminator=discriminator and str(discriminator), **more
    )


def test_a_pair_of_sigmoids(pair, capsys):
    generator, discriminator = load_nets(flags(*pair))
    assert capsys.readouterr().out == (
        "note: G makes images in 0..1: one more layer at its end turns them into -1..1, to train on\n"
        "note: D takes images in 0..1: one more layer in front of it turns those of -1..1 into these\n"
    )
    old_g, old_d = (load_net(path) for path in pair)
    latents = np.random.default_rng(0).normal(size=[5, 6]).astype(np.float32)
    units = old_g(latents, training=False).numpy()
    np.testing.assert_allclose(generator(latents, training=False), 2 * units - 1, atol=1e-6)
    logits = discriminator(2 * units - 1, training=False).numpy()
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), old_d(units, training=False), atol=1e-5)


def test_what_is_saved_from_them_is_of_the_common_range(pair, tmp_path, capsys):
    generator, discriminator = load_nets(flags(*pair))
    save_model(generator, tmp_path / "epoch2_Gmodel.h5")
    save_model(discriminator, tmp_path / "epoch2_Dmodel.h5")
    forget_notes()
    capsys.readouterr()
    again = load_nets(flags(tmp_path / "epoch2_Gmodel.h5", tmp_path / "epoch2_Dmodel.h5"))
    assert capsys.readouterr().out == ""
    assert output_range(again[0]) == SIGNED and input_range(again[1]) == SIGNED
    assert [len(net.layers) for net in again] == [len(generator.layers), len(discriminator.layers)]
    plain = keras.models.load_model(tmp_path / "epoch2_Gmodel.h5", compile=False)
    latents = np.ones([2, 6], np.float32)
    np.testing.assert_allclose(plain(latents, training=False), generator(latents, training=False), atol=1e-6)


def test_a_generator_alone_and_a_discriminator_alone(pair):
    generator, none = load_nets(flags(pair[0]))
    assert none is None and output_range(generator) == SIGNED
    none, discriminator = load_nets(flags(None, pair[1]))
    assert none is None and input_range(discriminator) is None  # Nothing says that it was trained on another range.


def test_a_rescaling_in_front_of_a_discriminator_is_heeded(pair, tmp_path, capsys):
    net = keras.Sequential([keras.Input([8, 8, 3]), layers.Rescaling(1 / 255), *small_nets.discriminator().layers])
    net.save(tmp_path / "bytes.h5")
    _, discriminator = load_nets(flags(None, tmp_path / "bytes.h5"))
    assert capsys.readouterr().out == (
        "note: bytes takes images in 0..255: one more layer in front of it turns those of -1..1 into these\n"
    )
    signed = np.random.default_rng(0).uniform(-1, 1, [3, 8, 8, 3]).astype(np.float32)
    np.testing.assert_allclose(
        discriminator(signed, training=False), net(signed * 127.5 + 127.5, training=False), rtol=1e-4, atol=1e-4
    )


def test_a_range_that_is_given_overrules(pair):
    generator, _ = load_nets(flags(pair[0], generator_range=(-1.0, 1.0)))
    assert len(generator.layers) == len(load_net(pair[0]).layers)


def test_a_whole_gan_gives_each_its_part(tmp_path, capsys):
    small_nets_of_gan = keras.Sequential([keras.Input([6]), small_nets.generator(), small_nets.discriminator()])
    small_nets_of_gan.save(tmp_path / "gan.h5")
    generator, discriminator = load_nets(flags(tmp_path / "gan.h5", tmp_path / "gan.h5"))
    assert generator.output_shape == (None, 8, 8, 3) and discriminator.output_shape == (None, 1)
    path = tmp_path / "gan.h5"
    assert capsys.readouterr().out == (
        f"note: {path} is a whole GAN: its generator is taken\nnote: {path} is a whole GAN: its discriminator is taken\n"
    )


def test_branches_without_classes_are_refused(tmp_path):
    latents = keras.Input([6])
    both = layers.Add()([layers.Dense(192)(latents), layers.Dense(192)(latents)])
    keras.Model(latents, layers.Reshape([8, 8, 3])(both)).save(tmp_path / "branched.h5")
    assert error_of(load_nets, flags(tmp_path / "branched.h5")) == (
        f"{tmp_path}/branched.h5: holds a net with branches; only one layer after the other, from one input to one output, "
        "can be trained, or a net that knows classes"
    )


@pytest.mark.parametrize(("asked", "known"), [("auto", "normal"), ("uniform", "uniform")])
def test_the_latents_are_said_where_nothing_tells_them(pair, capsys, asked, known):
    _, start = load_start(flags(pair[0], latents=asked, run_dir=str(pair[0].parent / "run")), from_environment())
    assert start.latents == known
    said = "G does not say which latents it was trained on: normal ones are taken" in capsys.readouterr().out
    assert said == (asked == "auto")
