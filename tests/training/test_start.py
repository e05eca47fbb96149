"""Runs of classes that start from saved nets: of as many classes, or of none, whose weights are taken over."""

from dataclasses import replace

import numpy as np
import pytest
from support import small_nets
from support.class_nets import class_nets
from support.helpers import error_of

from dcgan_tf.common.backend import keras
from dcgan_tf.common.console import forget_notes
from dcgan_tf.config.fitting import preset_for
from dcgan_tf.config.train import Switches, TrainConfig
from dcgan_tf.gan import plain
from dcgan_tf.nets.build import build_discriminator, build_generator
from dcgan_tf.nets.saved import save_model
from dcgan_tf.training.machine.cluster import Cluster
from dcgan_tf.training.plan import make_plan
from dcgan_tf.training.start import load_start, start

layers = keras.layers
LABELS = np.array([2, 0, 1], np.int32)


@pytest.fixture(autouse=True)
def _notes():
    forget_notes()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """24 images of 8x8 of three classes."""
    path = tmp_path_factory.mktemp("data") / "noise.npz"
    images = np.random.default_rng(0).integers(0, 256, [24, 8, 8], np.uint8)
    np.savez(path, images=images, labels=np.arange(24) % 3)
    return path


def saved(folder, nets, epoch=5):
    """The flags that name a pair of nets, once it is saved."""
    names = ("generator", "discriminator")
    paths = {name: folder / f"epoch{epoch}_{name[0].upper()}model.h5" for name in names}
    for path, net in zip(paths.values(), nets):
        save_model(net, path)
    return {name: str(path) for name, path in paths.items()}


def flags(data, run_dir, switches=None, **changes):
    given = dict(
        preset="mnist-mlp", image_size=(8, 8), recipe="tutorial", batch_size=8, epochs=6, precision="float32",
        latents="normal", evaluate_every=0,
    )  # fmt: skip
    switches = Switches(**{"conditional": "on"} | (switches or {}))
    return TrainConfig(str(data), run_dir=str(run_dir), switches=switches, **given | changes)


def started(asked):
    """(gan, the step it begins at) as `train` makes them."""
    nets, known = load_start(asked, Cluster())
    return start(make_plan(asked, known), "float32", nets)


def drawn(net, labels=None):
    latents = np.random.default_rng(0).normal(size=[3, net.inputs[0].shape[1]]).astype("float32")
    return np.asarray(net(latents if labels is None else [latents, labels], training=False))


def judged(net, labels=None):
    images = np.random.default_rng(0).uniform(-1, 1, [3, 8, 8, 1]).astype("float32")
    given = net(images if labels is None else [images, labels], training=False)
    return [np.asarray(value) for value in given] if isinstance(given, list) else np.asarray(given)


def test_nets_that_know_no_classes_lend_their_weights(data, tmp_path, capsys):
    preset = preset_for((8, 8, 1), "mnist-mlp")
    old = [small_nets.shake(build(preset)) for build in (build_generator, build_discriminator)]
    named = saved(tmp_path, old)
    gan, step = started(flags(data, tmp_path / "run", **named))
    assert step == 5 * 3
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")] == [
        f"note: {path} knows no classes: the weights of its 3 layers are taken over; new are the weights of the class"
        for path in named.values()
    ]
    for net in (gan.generator, gan.discriminator):
        for layer in net.layers:
            if isinstance(layer, layers.Embedding):
                layer.embeddings.assign(layer.embeddings * 0)
    np.testing.assert_allclose(drawn(gan.generator, LABELS), drawn(old[0]), rtol=0, atol=1e-6)
    np.testing.assert_allclose(judged(gan.discriminator, LABELS), judged(old[1]), rtol=1e-5, atol=1e-5)


def test_one_of_them_alone_may_be_given(data, tmp_path, capsys):
    preset = preset_for((8, 8, 1), "mnist-mlp")
    named = saved(tmp_path, [build(preset) for build in (build_generator, build_discriminator)])
    gan, _ = started(flags(data, tmp_path / "run", discriminator=named["discriminator"]))
    assert capsys.readouterr().out.count("knows no classes") == 1
    np.testing.assert_array_equal(gan.generator.get_weights()[1], build_generator(gan.preset).get_weights()[1])


def test_nets_of_another_preset_are_refused(data, tmp_path):
    preset = preset_for((8, 8, 1), "mnist56")
    named = saved(tmp_path, [build(preset) for build in (build_generator, build_discriminator)])
    assert error_of(started, flags(data, tmp_path / "run", **named)) == (
        f"{named['generator']}: knows no classes, and is not the generator of this run without them, of which the weights "
        "could be taken over: leave it out, or give its --preset"
    )


@pytest.mark.parametrize("judge", ["projection", "auxiliary"])
def test_nets_of_as_many_classes_are_taken_as_they_are(data, tmp_path, capsys, judge):
    """Whatever judge the recipe would have built: what is trained is what the net does."""
    nets = class_nets(judge, 3)
    asked = flags(data, tmp_path / "run", **saved(tmp_path, nets))
    gan, step = started(asked)
    assert step == 15 and "note" not in capsys.readouterr().out
    np.testing.assert_array_equal(drawn(gan.generator, LABELS), drawn(nets[0], LABELS))
    labels = LABELS if judge == "projection" else None
    for got, expected in zip(judged(gan.discriminator, labels), judged(nets[1], labels), strict=True):
        np.testing.assert_array_equal(got, expected)
    assert gan.discriminate.tells_classes == (judge == "auxiliary")
    assert gan._backward is plain.backward or judge == "projection"  # One pass back would lose the loss of the class.


def test_nets_of_classes_are_for_conditional_runs(data, tmp_path):
    named = saved(tmp_path, class_nets("auxiliary", 3))
    off = flags(data, tmp_path / "run", switches={"conditional": None}, **named)
    assert error_of(started, off) == (
        f"{named['generator']}: draws 3 classes: give --conditional on, too, and images with classes"
    )
    assert error_of(started, replace(off, generator=None)) == (
        f"{named['discriminator']}: knows 3 classes: give --conditional on, too, and images with classes"
    )


@pytest.mark.parametrize("judge", ["projection", "auxiliary"])
def test_nets_of_other_classes_are_refused(data, tmp_path, judge):
    named = saved(tmp_path, class_nets(judge, 4))
    asked = flags(data, tmp_path / "run", **named)
    assert error_of(started, asked) == f"{named['generator']}: draws 4 classes, but the images here are of 3"
    assert error_of(started, replace(asked, generator=None)) == (
        f"{named['discriminator']}: knows 4 classes, but the images here are of 3"
    )
