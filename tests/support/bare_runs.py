"""Trainings without what most tests of trainings do not look at: half of the time of a small one."""

import contextlib
import os

import pytest

from dcgan_tf.gan.randomness import SPECTRAL
from dcgan_tf.gan.randomness import key as random_key
from dcgan_tf.gan.spectral import SpectralNorm
from dcgan_tf.gan.step import GAN
from dcgan_tf.metrics.swd import SWD

# The same for a process of its own, as the `before` of a `support.programs.Program`.
BARE = """
import os
from dcgan_tf.export.savedmodel import SavedModelWriter
from dcgan_tf.training import command
command.settle_xla = lambda gan, update, steps: 1.0
command._draw_history = lambda folder: None
SavedModelWriter.write_epoch = lambda self, path, card: None
os.fsync = lambda handle: None
"""


@contextlib.contextmanager
def bare_runs():
    """Within, no step is timed before a training, no film and no curves are drawn after it, and the folder of an epoch's
    SavedModel is empty; nothing is flushed to the disk; how far real images are from each other is measured once for each
    set. Whole runs are trained in tests/programs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dcgan_tf.training.command.settle_xla", lambda gan, update, steps: 1.0)
        patch.setattr("dcgan_tf.training.command._draw_history", lambda folder: None)
        patch.setattr("dcgan_tf.export.savedmodel.SavedModelWriter.write_epoch", lambda self, path, card: None)
        patch.setattr(os, "fsync", lambda handle: None)
        patch.setattr(SWD, "_floor", property(_remembered(SWD._floor.func)))
        yield


def _remembered(measure):
    found = {}

    def remembered(swd):
        key = swd._reals.fingerprint, swd.images, swd._seed, swd.directions
        if key not in found:
            found[key] = measure(swd)
        return found[key]

    return remembered


@contextlib.contextmanager
def traced_once():
    """Within, all runs of the same settings share one GAN, which is as new at the beginning of each: tracing its step is
    half of the time of a bare run. Not for tests that look at two of them at once."""
    made = {}

    def gan_of(preset, generator, discriminator, recipe, *, learning_rate, seed, loss_scaling):
        settings = dict(learning_rate=learning_rate, seed=seed, loss_scaling=loss_scaling)
        nets = generator, discriminator
        key = preset, recipe, seed, loss_scaling, tuple(tuple(map(_described, net.layers)) for net in nets)
        if key not in made:
            made[key] = GAN(preset, *nets, recipe, **settings)
        else:
            _renew(made[key], *nets, learning_rate or preset.learning_rate)
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dcgan_tf.training.start.GAN", gan_of)
        patch.setattr(GAN, "use_xla", _use_xla_if_that_is_news(GAN.use_xla))
        yield


def _described(layer):
    settings = {name: value for name, value in layer.get_config().items() if name != "name"}
    return type(layer), repr(settings), tuple(weight.shape for weight in layer.weights)


def _renew(gan, generator, discriminator, learning_rate: float) -> None:
    averaged = [(gan._average.net, generator)] if gan._average else []
    for net, new in ((gan.generator, generator), (gan.discriminator, discriminator), *averaged):
        for variable, value in zip(net.variables, new.variables):  # A gain at the end of an average has no variables.
            variable.assign(value)
    if gan._spectral:
        new = SpectralNorm(gan.discriminator, random_key(gan.seed, SPECTRAL))
        for variable, value in zip(gan._spectral.variables, new.variables):
            variable.assign(value)
    rates = learning_rate, gan.recipe.d_learning_rate or learning_rate
    for optimizer, rate in zip((gan.g_optimizer, gan.d_optimizer), rates):
        for variable in optimizer.variables:
            variable.assign(variable * 0)
        optimizer.learning_rate = rate


def _use_xla_if_that_is_news(use_xla):
    def use(gan, on):
        if on != getattr(gan, "xla", None):
            use_xla(gan, on)

    return use
